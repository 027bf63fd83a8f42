//! A client gets a token for itself. RFC 6749 §4.4.

use crate::clients::Client;
use crate::door::Door;
use crate::token::claims;
use crate::token::dpop::{self, Key};
use crate::token::prepared::Prepared;
use crate::token::roles::LiveRoles;
use crate::token::{Outcome, Refused, Tokens};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use std::sync::Arc;

/// Scopes that stand for a person: a client alone cannot have them.
const OF_PERSONS: [&str; 2] = ["openid", "offline_access"];

/// Gives a client a token of its own, bound to its key if it showed one. Nothing is written but the proof's use: the
/// token says all there is to know.
pub async fn client_credentials(
    door: &Door,
    ctx: &Ctx,
    realm: &str,
    client: &Arc<Client>,
    (asked, key): (Scopes, Option<&Key>),
) -> Outcome<Tokens> {
    let known = LiveRoles::of_client(door, &client.id).await?;
    let prepared = match known.prepared().filter(|prepared| prepared.is_for(realm, client, &asked)) {
        Some(prepared) => prepared,
        None => match prepare(door, ctx, (realm, client), (&asked, &known))? {
            Ok(prepared) => prepared,
            Err(refused) => return Ok(Err(refused)),
        },
    };
    let bound = match dpop::use_up_alone(door, ctx, client, key).await? {
        Ok(bound) => bound,
        Err(refused) => return Ok(Err(refused)),
    };
    let access = prepared.sign(door, ctx, bound.as_ref())?;
    Ok(Ok(Tokens {
        access,
        access_seconds: client.access_seconds(),
        refresh: None,
        id: None,
        scopes: prepared.granted.clone(),
        session: None,
        bound,
        details: Vec::new(),
    }))
}

/// Works out what a client gets for what it asks, and keeps it beside its roles.
fn prepare(
    door: &Door,
    ctx: &Ctx,
    place: (&str, &Arc<Client>),
    (asked, known): (&Scopes, &LiveRoles),
) -> Result<Result<Arc<Prepared>, Refused>, Fault> {
    let (_, client) = place;
    if let Some(scope) = claims::not_allowed(client, asked) {
        return Ok(Err(OAuthError::new(ErrorCode::InvalidScope, format!("this client may not ask for scope {scope}"))));
    }
    let kept: Vec<&str> = asked.iter().filter(|name| !OF_PERSONS.contains(name)).collect();
    let granted = claims::granted_to(client, &Scopes::parse(&kept.join(" ")).unwrap_or_default());
    let prepared = Arc::new(Prepared::new(door, ctx, place, (asked, known), granted)?);
    known.keep(prepared.clone());
    Ok(Ok(prepared))
}
