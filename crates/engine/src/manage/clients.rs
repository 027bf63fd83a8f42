//! Clients: declared, given secrets, taken away.

use crate::clients::secrets::PURPOSE;
use crate::clients::{Client, ClientKind, ClientSettings, Workload};
use crate::door::Door;
use crate::manage::{Refused, wrong};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use doorward_jose::key_set::KeySet;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ClientId, ClientSecretId, RealmId};
use doorward_model::limits;
use doorward_model::name::ClientName;
use doorward_model::secret::{ClientSecretText, PlainToken, TokenKind};
use doorward_store::clients;
use doorward_store::tx::Tx;

/// How long a replaced secret still works when nothing else is said, in seconds: a day to roll out the new one.
pub const OVERLAP_SECONDS: i64 = 24 * 60 * 60;

/// Creates a client, and a secret if it can keep one; the secret's clear form is in the answer and nowhere else.
pub async fn create(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    realm: &RealmId,
    new: (ClientName, Option<AppId>, ClientSettings),
) -> Result<Result<(Client, Option<PlainToken>), Refused>, Fault> {
    create_with(door, ctx, tx, (realm, new), None).await
}

/// As [`create`], with a secret that its tool has already in place of a drawn one.
pub async fn create_with(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (realm, (name, app_id, settings)): (&RealmId, (ClientName, Option<AppId>, ClientSettings)),
    brought: Option<&ClientSecretText>,
) -> Result<Result<(Client, Option<PlainToken>), Refused>, Fault> {
    let id = ClientId::draw(&*door.dice);
    let client = Client { id, realm_id: realm.clone(), name, app_id, is_active: true, settings };
    if let Err(refused) = check(&client) {
        return Ok(Err(refused));
    }
    if !clients::create(tx, &client.row()?, ctx.now).await? {
        return Ok(Err(Refused::taken("client", client.name.as_str())));
    }
    note(tx, EventKind::ClientCreated, &client);
    let secret = match (client.settings.has_secret(), brought) {
        (true, Some(brought)) => {
            put_secret(door, ctx, tx, &client, (brought.reveal(), 0)).await?;
            None
        }
        (true, None) => Some(new_secret(door, ctx, tx, &client, 0).await?),
        (false, Some(_)) => return Ok(Err(has_none(&client))),
        (false, None) => None,
    };
    Ok(Ok((client, secret)))
}

/// Writes a changed client.
pub async fn update(tx: &mut Tx, client: &Client) -> Result<Result<(), Refused>, Fault> {
    if let Err(refused) = check(client) {
        return Ok(Err(refused));
    }
    clients::update(tx, &client.row()?).await?;
    if !client.settings.has_secret() {
        // What it does not need must not open anything, should it ever be declared to need one again.
        clients::drop_secrets(tx, &client.id).await?;
    }
    note(tx, EventKind::ClientChanged, client);
    Ok(Ok(()))
}

/// Deletes a client with everything issued to it.
pub async fn delete(tx: &mut Tx, client: &Client) -> Result<(), Fault> {
    clients::delete(tx, &client.id).await?;
    note(tx, EventKind::ClientDeleted, client);
    Ok(())
}

/// Gives a client that has secrets a new one; the ones before keep working for `overlap_seconds`.
pub async fn rotate_secret(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    overlap_seconds: i64,
) -> Result<Result<PlainToken, Refused>, Fault> {
    match may_have_another(ctx, tx, client, overlap_seconds).await? {
        Ok(()) => new_secret(door, ctx, tx, client, overlap_seconds).await.map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

/// As [`rotate_secret`], with a secret that its tool has already in place of a drawn one; `false` when it is in use already.
pub async fn bring_secret(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    (brought, overlap_seconds): (&ClientSecretText, i64),
) -> Result<Result<bool, Refused>, Fault> {
    if client.settings.has_secret()
        && let Some(known) = in_use(door, tx, client).await?
        && verify_slices_are_equal(known.reveal().as_bytes(), brought.reveal().as_bytes()).is_ok()
    {
        return Ok(Ok(false));
    }
    match may_have_another(ctx, tx, client, overlap_seconds).await? {
        Ok(()) => put_secret(door, ctx, tx, client, (brought.reveal(), overlap_seconds)).await.map(|()| Ok(true)),
        Err(refused) => Ok(Err(refused)),
    }
}

fn has_none(client: &Client) -> Refused {
    let how = match client.settings.kind {
        ClientKind::Public => "is public",
        ClientKind::Confidential => "proves who it is by a key of its own",
    };
    Refused::because(format!("client {} {how}: it has no secret", client.name))
}

async fn may_have_another(
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    overlap_seconds: i64,
) -> Result<Result<(), Refused>, Fault> {
    if !client.settings.has_secret() {
        return Ok(Err(has_none(client)));
    }
    let secrets = clients::secrets(tx, &client.id).await?;
    let working = secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > ctx.now)).count();
    if overlap_seconds > 0 && working >= limits::CLIENT_SECRETS {
        let why = format!("client {} has {working} secrets that still work: wait, or give --overlap 0", client.name);
        return Ok(Err(Refused::because(why)));
    }
    Ok(Ok(()))
}

/// The secret in use, in clear; `None` for a client that has none.
pub async fn show_secret(door: &Door, tx: &mut Tx, client: &Client) -> Result<Option<ClientSecretText>, Fault> {
    if !client.settings.has_secret() {
        return Ok(None);
    }
    let shown = in_use(door, tx, client).await?;
    if shown.is_some() {
        note(tx, EventKind::ClientSecretShown, client);
    }
    Ok(shown)
}

async fn in_use(door: &Door, tx: &mut Tx, client: &Client) -> Result<Option<ClientSecretText>, Fault> {
    let all = clients::secrets(tx, &client.id).await?;
    let Some(secret) = all.into_iter().find(|secret| secret.expires_at.is_none()) else { return Ok(None) };
    let corrupt = |what| Fault::corrupt("client_secrets", secret.id.as_str(), what);
    let clear =
        door.keys.open(PURPOSE, &secret.sealed).ok_or_else(|| corrupt("it was sealed with another master key"))?;
    ClientSecretText::of_stored(&clear).map(Some).ok_or_else(|| corrupt("it is no text"))
}

async fn new_secret(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    overlap_seconds: i64,
) -> Result<PlainToken, Fault> {
    let secret = PlainToken::draw(TokenKind::ClientSecret, &*door.dice);
    put_secret(door, ctx, tx, client, (secret.reveal(), overlap_seconds)).await?;
    Ok(secret)
}

async fn put_secret(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    (secret, overlap_seconds): (&str, i64),
) -> Result<(), Fault> {
    let sealed = door.keys.seal(PURPOSE, secret.as_bytes(), &*door.dice)?;
    let id = ClientSecretId::draw(&*door.dice);
    let until = ctx.now.plus_seconds(overlap_seconds);
    clients::add_secret(tx, &client.id, (&id, &sealed), (ctx.now, until)).await?;
    note(tx, EventKind::ClientSecretMade, client);
    Ok(())
}

/// Refuses what no client may be, whoever made it.
fn check(client: &Client) -> Result<(), Refused> {
    let first = wrong::client(&client.settings).into_iter().next();
    first.map_or(Ok(()), |wrong| Err(Refused::because(format!("client {}: {wrong}", client.name))))
}

/// What must hold for a platform whose workloads may speak as a client.
///
/// # Errors
/// A sentence of what is wrong.
pub fn check_workload(workload: &Workload) -> Result<(), String> {
    let Workload { issuer, audience, jwks, subjects, .. } = workload;
    if issuer.is_empty() || audience.is_empty() {
        return Err("a workload needs an issuer and an audience".to_owned());
    }
    match KeySet::parse(jwks) {
        Err(why) => return Err(format!("the jwks of {issuer} cannot be read: {why}")),
        Ok(keys) if keys.keys().is_empty() => {
            return Err(format!("the jwks of {issuer} holds no public key for RS256, PS256, ES256 or EdDSA"));
        }
        Ok(_) => {}
    }
    if subjects.is_empty() || subjects.len() > limits::WORKLOAD_SUBJECTS {
        return Err(format!("a workload names 1 to {} subjects", limits::WORKLOAD_SUBJECTS));
    }
    let is_fine = |subject: &&String| {
        let named = subject.strip_suffix('*').unwrap_or(subject);
        !named.is_empty() && !named.contains('*')
    };
    match subjects.iter().find(|subject| !is_fine(subject)) {
        Some(subject) => Err(format!("the subject {subject} is neither exact nor a beginning with one * behind it")),
        None => Ok(()),
    }
}

fn note(tx: &mut Tx, kind: EventKind, client: &Client) {
    tx.changed(Change::Client(client.id.clone()));
    tx.record(Event::new(kind, Some(&client.realm_id), client.id.to_string(), format!("client {}", client.name)));
}
