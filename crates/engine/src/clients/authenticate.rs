//! A client proves who it is. Secrets are kept sealed and compared in constant time; an unknown client
//! and a wrong secret get the same answer.

use crate::clients::{Client, ClientKind, find};
use crate::door::Door;
use crate::token::mint;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::name::ClientName;
use doorward_store::clients;
use std::sync::Arc;

/// What clients' secrets are sealed for.
pub(crate) const PURPOSE: &str = "client secret";

/// How a client presents itself.
pub enum Proof<'a> {
    /// With its secret.
    Secret(&'a str),
    /// With nothing: a public client.
    None,
}

/// The client, if it is what it says. `None` for a client that is unknown, disabled, or proves nothing.
pub async fn authenticate(
    door: &Door,
    ctx: &Ctx,
    realm: &RealmId,
    (name, proof): (&str, Proof<'_>),
) -> Result<Option<Arc<Client>>, Fault> {
    let known = match ClientName::parse(name) {
        Ok(name) => find(door, realm, &name).await?,
        Err(_) => None,
    };
    let Some(client) = known.filter(|client| client.is_active) else {
        return refuse(door, ctx, realm, "an unknown or disabled client").await;
    };
    let is_proved = match (client.settings.kind, proof) {
        (ClientKind::Public, Proof::None) => true,
        // A public client has no secret: whoever shows one has taken it for another.
        (ClientKind::Public, Proof::Secret(_)) | (ClientKind::Confidential, Proof::None) => false,
        (ClientKind::Confidential, Proof::Secret(presented)) => holds(door, ctx, &client, presented).await?,
    };
    if is_proved {
        // Here, because no transaction is open: making a key is one of its own.
        mint::prepare(door, ctx, &client).await?;
        return Ok(Some(client));
    }
    refuse(door, ctx, realm, &format!("client {}: wrong or missing secret", client.name)).await
}

async fn holds(door: &Door, ctx: &Ctx, client: &Client, presented: &str) -> Result<bool, Fault> {
    let mut fits = false;
    for secret in clients::secrets(&mut &door.store, &client.id).await? {
        if secret.expires_at.is_some_and(|end| end <= ctx.now) {
            continue;
        }
        let open = door.keys.open(PURPOSE, &secret.sealed).ok_or_else(|| {
            Fault::corrupt("client_secrets", secret.id.as_str(), "it was sealed with another master key")
        })?;
        fits |= verify_slices_are_equal(&open, presented.as_bytes()).is_ok();
    }
    Ok(fits)
}

async fn refuse(door: &Door, ctx: &Ctx, realm: &RealmId, what: &str) -> Result<Option<Arc<Client>>, Fault> {
    tracing::info!(request = %ctx.request, "refused: {what}");
    if !door.live.may_record_refusal(ctx.now) {
        return Ok(None);
    }
    let mut tx = door.begin().await?;
    tx.record(Event::new(EventKind::ClientRefused, Some(realm), String::new(), what));
    door.commit(ctx, tx).await?;
    Ok(None)
}
