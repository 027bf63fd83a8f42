//! Whether an access token is good now: its signature and times, and that nothing it rests on has ended.
//! Asked by userinfo and introspection. RFC 7662, OIDC Core §5.3.

use crate::clients::{self, Client, Paths};
use crate::door::Door;
use crate::token::{Authorized, Subject, mint, profile, read_facts, sub, subject};
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::jws::Presented;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, FamilyId, SessionId, UserId};
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_oauth::scope::Scopes;
use doorward_store::grants::FamilyRow;
use doorward_store::{grants, sessions};
use std::sync::Arc;

/// A token that is good.
pub struct Good {
    /// Its claims.
    pub claims: Claims,
    /// The client it was issued to.
    pub client: Arc<Client>,
    /// Whom it speaks for, and what was authorized; `None` for a client's own.
    pub person: Option<(Subject, Authorized)>,
    /// By which way that person had come in; `None` for an account kept here.
    pub came_by: Option<ConnectorId>,
}

/// Checks an access token of a realm. `None` for anything that is not good now: which reason is not told.
pub async fn check(door: &Door, ctx: &Ctx, realm: &Realm, token: &str) -> Result<Option<Good>, Fault> {
    door.keys.hear_of(door, ctx, &realm.id, token).await?;
    let Some(claims) = opened(door, ctx, realm, token, "Bearer") else { return Ok(None) };
    let (Ok(Some(name)), Ok(id)) = (claims.text("azp"), claims.jti()) else { return Ok(None) };
    let Ok(name) = ClientName::parse(name) else { return Ok(None) };
    let client = clients::find(door, &realm.id, &name).await?;
    let Some(client) = client.filter(|client| client.is_active) else { return Ok(None) };
    if grants::is_revoked(&mut &door.store, &realm.id, id).await? {
        return Ok(None);
    }
    let Some(family) = id.split_once('.').and_then(|(family, _)| FamilyId::parse(family).ok()) else {
        // Only a client's own token stands on nothing but its client.
        let is_own = claims.subject().is_ok_and(|subject| subject == client.id.as_str());
        return Ok(is_own.then_some(Good { claims, client, person: None, came_by: None }));
    };
    let Some(family) = grants::find_family(&mut &door.store, &family).await? else { return Ok(None) };
    let is_handed_on = claims.get("act").is_some();
    if family.client_id != client.id && !is_handed_on {
        return Ok(None);
    }
    if is_handed_on && !chain_stands(door, realm, (&claims, &family)).await? {
        return Ok(None);
    }
    if let Some(session) = &family.session_id {
        let session = sessions::find_by_id(&mut &door.store, session).await?;
        if !session.is_some_and(|session| session.is_live(ctx.now)) {
            return Ok(None);
        }
    }
    let mut authorized = read_facts("families", family.id.as_str(), &family.facts)?;
    // A token may be narrower than what was authorized.
    if let Some(scopes) = claims.text("scope").ok().flatten().and_then(|text| Scopes::parse(text).ok()) {
        authorized.scopes = scopes;
    }
    let who = (&family.user_id, family.came_by.as_ref());
    let Ok(person) = subject(door, &mut &door.store, &client, who).await? else { return Ok(None) };
    if !claims.subject().is_ok_and(|subject| subject == person.sub) {
        return Ok(None);
    }
    Ok(Some(Good { claims, client, person: Some((person, authorized)), came_by: family.came_by }))
}

/// Whether a token that was exchanged still stands on all it came from and is for: the client that it began at, and
/// those of its audiences that are clients, are active and admit the person.
async fn chain_stands(door: &Door, realm: &Realm, (claims, family): (&Claims, &FamilyRow)) -> Result<bool, Fault> {
    let origin = doorward_store::clients::find_by_id(&mut &door.store, &family.client_id).await?;
    let Some(origin) = origin.map(Client::read).transpose()? else { return Ok(false) };
    let mut all = vec![Arc::new(origin)];
    let Ok(audiences) = claims.audiences() else { return Ok(false) };
    for name in audiences.into_iter().filter_map(|name| ClientName::parse(name).ok()) {
        all.extend(clients::find(door, &realm.id, &name).await?);
    }
    let who = (&family.user_id, family.came_by.as_ref());
    for client in all {
        if !client.is_active || subject(door, &mut &door.store, &client, who).await?.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The claims of a token of this realm and kind, if it is ours and in its time.
pub fn opened(door: &Door, ctx: &Ctx, realm: &Realm, token: &str, kind: &str) -> Option<Claims> {
    let claims = signed(door, realm, token, kind)?;
    claims.check_times(ctx.now.seconds(), Skew::NONE).ok()?;
    Some(claims)
}

/// The claims of a token of this realm and kind, if it is ours, in its time or not.
pub fn signed(door: &Door, realm: &Realm, token: &str, kind: &str) -> Option<Claims> {
    let presented = Presented::read(token).ok()?;
    let header = presented.header();
    let id = header.kid()?;
    let key = door.keys.find(&realm.id, id)?;
    let claims = presented.verify(key.public()).ok()?;
    let fits = is_ours(door, realm, &claims) && claims.text("typ").is_ok_and(|told| told == Some(kind));
    fits.then_some(claims)
}

/// Whether a token names this realm as its issuer, or the client it was issued to where that has one of its own.
fn is_ours(door: &Door, realm: &Realm, claims: &Claims) -> bool {
    let Ok(issuer) = claims.issuer() else { return false };
    let name = claims.text("azp").ok().flatten().and_then(|name| ClientName::parse(name).ok());
    let own = |name| mint::issuer_at(&door.settings.public, realm.name.as_str(), (&name, Paths::Authentik));
    issuer == mint::issuer(door, realm.name.as_str())
        || name.is_some_and(|name| realm.name == door.settings.realm && issuer == own(name))
}

/// What an ID token shown as a hint says about a session.
pub struct HintSession {
    /// The client it was issued to.
    pub client: ClientName,
    /// Whom it speaks of; `None` when that cannot be told any more, because the session is over.
    pub user: Option<UserId>,
    /// The browser session it came from.
    pub session: SessionId,
}

/// Reads an ID token shown as a hint: signature and kind count, its end does not (Keycloak's rule, and OIDC
/// RP-Initiated Logout §2).
pub async fn hint(door: &Door, realm: &Realm, token: &str) -> Result<Option<HintSession>, Fault> {
    let Some(claims) = signed(door, realm, token, "ID") else { return Ok(None) };
    let text = |name| claims.text(name).ok().flatten();
    let client = text("azp").and_then(|name| ClientName::parse(name).ok());
    let session = text("sid").and_then(|id| SessionId::parse(id).ok());
    let (Some(client), Some(session), Ok(sub)) = (client, session, claims.subject()) else { return Ok(None) };
    let user = match UserId::parse(sub) {
        Ok(user) => Some(user),
        Err(_) => user_of(door, realm, (&client, &session), sub).await?,
    };
    Ok(Some(HintSession { client, user, session }))
}

/// The user of a session, if the client is told that user by this subject.
async fn user_of(
    door: &Door,
    realm: &Realm,
    (client, session): (&ClientName, &SessionId),
    told: &str,
) -> Result<Option<UserId>, Fault> {
    let Some(session) = sessions::find_by_id(&mut &door.store, session).await? else { return Ok(None) };
    let Some(client) = clients::find(door, &realm.id, client).await? else { return Ok(None) };
    let (_, imported) = profile(&mut &door.store, &session.user_id).await?;
    let sub = sub::of(door, &client, &session.user_id, imported.as_deref());
    Ok((session.realm_id == realm.id && sub == told).then_some(session.user_id))
}
