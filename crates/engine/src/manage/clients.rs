//! Clients: declared, given secrets, taken away.

use crate::clients::secrets::PURPOSE;
use crate::clients::{Client, ClientKind, ClientSettings, GrantType, SubjectKind, Workload, keys};
use crate::door::Door;
use crate::manage::Refused;
use crate::manage::client_scopes::reserved;
use doorward_jose::key_set::KeySet;
use doorward_model::address::HostName;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ClientId, ClientSecretId, RealmId};
use doorward_model::limits;
use doorward_model::name::ClientName;
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_oauth::logout::logout_uri;
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
    (name, app_id, settings): (ClientName, Option<AppId>, ClientSettings),
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
    let secret = match client.settings.has_secret() {
        true => Some(new_secret(door, ctx, tx, &client, 0).await?),
        false => None,
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
    if !client.settings.has_secret() {
        let how = match client.settings.kind {
            ClientKind::Public => "is public",
            ClientKind::Confidential => "proves who it is by a key of its own",
        };
        let why = format!("client {} {how}: it has no secret", client.name);
        return Ok(Err(Refused::because(why)));
    }
    let secrets = clients::secrets(tx, &client.id).await?;
    let working = secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > ctx.now)).count();
    if overlap_seconds > 0 && working >= limits::CLIENT_SECRETS {
        let why = format!("client {} has {working} secrets that still work: wait, or give --overlap 0", client.name);
        return Ok(Err(Refused::because(why)));
    }
    new_secret(door, ctx, tx, client, overlap_seconds).await.map(Ok)
}

/// The secret in use, in clear; `None` for a client that has none.
pub async fn show_secret(door: &Door, tx: &mut Tx, client: &Client) -> Result<Option<PlainToken>, Fault> {
    let in_use = clients::secrets(tx, &client.id).await?.into_iter().find(|secret| secret.expires_at.is_none());
    let Some(secret) = in_use.filter(|_| client.settings.has_secret()) else { return Ok(None) };
    let corrupt = |what| Fault::corrupt("client_secrets", secret.id.as_str(), what);
    let clear =
        door.keys.open(PURPOSE, &secret.sealed).ok_or_else(|| corrupt("it was sealed with another master key"))?;
    let text = std::str::from_utf8(&clear).ok().and_then(|text| PlainToken::of_stored(TokenKind::ClientSecret, text));
    let plain = text.ok_or_else(|| corrupt("it is not one of ours"))?;
    note(tx, EventKind::ClientSecretShown, client);
    Ok(Some(plain))
}

async fn new_secret(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    overlap_seconds: i64,
) -> Result<PlainToken, Fault> {
    let secret = PlainToken::draw(TokenKind::ClientSecret, &*door.dice);
    let sealed = door.keys.seal(PURPOSE, secret.reveal().as_bytes(), &*door.dice)?;
    let id = ClientSecretId::draw(&*door.dice);
    let until = ctx.now.plus_seconds(overlap_seconds);
    clients::add_secret(tx, &client.id, (&id, &sealed), (ctx.now, until)).await?;
    note(tx, EventKind::ClientSecretMade, client);
    Ok(secret)
}

/// What must hold for a client, whoever made it.
fn check(client: &Client) -> Result<(), Refused> {
    let no = |what: String| Err(Refused::because(format!("client {}: {what}", client.name)));
    let settings = &client.settings;
    if settings.grants.is_empty() {
        return no("needs at least one grant, such as authorization_code".to_owned());
    }
    let by_code = settings.grants.contains(&GrantType::AuthorizationCode);
    let by_browser = by_code || settings.grants.contains(&GrantType::Implicit);
    if by_browser && settings.redirect_uris.is_empty() {
        return no("needs at least one redirect URI, because people sign in through it".to_owned());
    }
    if settings.redirect_uris.len() + settings.post_logout_redirect_uris.len() > limits::CLIENT_REDIRECT_URIS {
        return no(format!("may have at most {} redirect URIs", limits::CLIENT_REDIRECT_URIS));
    }
    if settings.kind == ClientKind::Public && settings.grants.contains(&GrantType::ClientCredentials) {
        return no("a public client cannot speak for itself: it has no secret to prove who it is".to_owned());
    }
    if settings.kind == ClientKind::Public && settings.pkce_optional {
        return no("a public client must use PKCE".to_owned());
    }
    let is_bound = settings.dpop_bound || settings.certificate_bound;
    if is_bound && settings.grants.contains(&GrantType::Implicit) {
        return no("tokens that come through the browser cannot be bound to a key".to_owned());
    }
    for (name, uri) in [
        ("backchannel_logout_uri", &settings.backchannel_logout_uri),
        ("frontchannel_logout_uri", &settings.frontchannel_logout_uri),
    ] {
        if let Some(Err(bad)) = uri.as_deref().map(logout_uri) {
            return no(format!("{name}: {bad}"));
        }
    }
    let can_be_refreshed = settings.grants.iter().any(|grant| grant.can_be_refreshed());
    if settings.grants.contains(&GrantType::RefreshToken) && !can_be_refreshed {
        return no("refresh_token needs authorization_code, device_code or password beside it".to_owned());
    }
    workloads(settings).or_else(no)?;
    if settings.kind == ClientKind::Public && settings.grants.contains(&GrantType::TokenExchange) {
        return no("a public client cannot exchange tokens: anybody could be it".to_owned());
    }
    if let Err(what) = keys::check_proof(settings) {
        return no(what);
    }
    if settings.require_signed_request && settings.jwks.is_none() {
        return no("must sign its requests, and no key is registered to check them with: give its jwks".to_owned());
    }
    if settings.access.groups.len() > limits::APP_GROUPS {
        return no(format!("may name at most {} groups", limits::APP_GROUPS));
    }
    let lifetimes = settings.lifetimes;
    for (name, seconds, most) in [
        ("access_seconds", lifetimes.access_seconds, ACCESS_SECONDS_MAX),
        ("refresh_seconds", lifetimes.refresh_seconds, OFFLINE_SECONDS_MAX),
        ("offline_seconds", lifetimes.offline_seconds, OFFLINE_SECONDS_MAX),
    ] {
        if seconds.is_some_and(|seconds| !(1..=most).contains(&seconds)) {
            return no(format!("{name} must be 1 to {most}"));
        }
    }
    if let Some(name) = reserved(&settings.mappers) {
        return no(format!("the claim {name} cannot be mapped: tokens are checked by it"));
    }
    if let SubjectKind::Pairwise(sector) = &settings.subject
        && !is_sector(sector)
    {
        return no("a pairwise subject needs a sector: a host name, such as example.com".to_owned());
    }
    let userinfo = &settings.userinfo_algorithm;
    if !userinfo.is_empty() && doorward_jose::algorithm::Algorithm::parse(userinfo).is_none() {
        return no(format!("the algorithm {userinfo} is not RS256, PS256, ES256 or EdDSA"));
    }
    if !settings.algorithm.is_empty() && doorward_jose::algorithm::Algorithm::parse(&settings.algorithm).is_none() {
        return no(format!("the algorithm {} is not RS256, PS256, ES256 or EdDSA", settings.algorithm));
    }
    Ok(())
}

/// What must hold for the platforms whose workloads may speak as a client.
fn workloads(settings: &ClientSettings) -> Result<(), String> {
    let all = &settings.workloads;
    if settings.grants.contains(&GrantType::JwtBearer) && all.is_empty() {
        return Err("jwt_bearer needs a workload: whose tokens are taken must be said".to_owned());
    }
    if all.len() > limits::CLIENT_WORKLOADS {
        return Err(format!("may have at most {} workloads", limits::CLIENT_WORKLOADS));
    }
    all.iter().try_for_each(check_workload)
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

/// Whether a text can stand for a sector (OIDC Core §8.1): a host name.
fn is_sector(text: &str) -> bool {
    text.len() <= limits::HOST_BYTES
        && HostName::parse(text).is_some_and(|(host, port)| host.as_str() == text && port.is_none())
}

/// Longest life of an access token, in seconds: it cannot be called back everywhere.
pub(crate) const ACCESS_SECONDS_MAX: i64 = 24 * 60 * 60;
/// Longest life of an offline token, in seconds: a year.
pub(crate) const OFFLINE_SECONDS_MAX: i64 = 366 * 24 * 60 * 60;

fn note(tx: &mut Tx, kind: EventKind, client: &Client) {
    tx.changed(Change::Client(client.id.clone()));
    tx.record(Event::new(kind, Some(&client.realm_id), client.id.to_string(), format!("client {}", client.name)));
}
