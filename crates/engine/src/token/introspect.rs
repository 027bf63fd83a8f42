//! What a service is told about a token it was shown: whether it is good, and what it says as of now. Only those
//! a token is for may ask about it. RFC 7662, RFC 9701.

use crate::clients::Client;
use crate::clients::mapper::Place;
use crate::door::Door;
use crate::token::{check, claims, dpop, mint, read_facts, subject};
use doorward_jose::algorithm::Algorithm;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_model::secret::{TokenHash, TokenKind};
use doorward_store::{grants, sessions};
use serde_json::{Map, Value, json};

/// The `typ` of a signed answer (RFC 9701 §5).
pub const SIGNED_TYPE: &str = "token-introspection+jwt";

/// What `caller` is told about a token: `active`, and more where that is true. About a refresh token the client it was
/// given to may ask, nobody else.
pub async fn introspect(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (caller, token): (&Client, &str),
) -> Result<Map<String, Value>, Fault> {
    if let Some(hash) = TokenHash::of_presented(TokenKind::Refresh, token) {
        return Ok(refresh(door, ctx, realm, (caller, &hash)).await?.unwrap_or_else(inactive));
    }
    let good = check::check(door, ctx, realm, token).await?;
    let may_ask = |good: &check::Good| {
        let is_for = good.claims.audiences().is_ok_and(|audiences| audiences.contains(&caller.name.as_str()));
        is_for || good.client.id == caller.id
    };
    let Some(good) = good.filter(may_ask) else {
        return Ok(inactive());
    };
    let token_type = if dpop::key_of(&good.claims).is_some() { "DPoP" } else { "Bearer" };
    let scopes = good.claims.text("scope").ok().flatten().unwrap_or_default().to_owned();
    let mut told = good.claims.into_map();
    if let Some((subject, _)) = &good.person {
        let scopes = doorward_oauth::scope::Scopes::parse(&scopes).unwrap_or_default();
        // What is told of people may have changed since the token was made: a lost role is not told any more.
        told.retain(|name, _| !claims::ABOUT.contains(&name.as_str()));
        told.extend(claims::about(subject, &good.client, &scopes, Place::Introspection));
        told.insert("username".to_owned(), json!(subject.user.name.as_str()));
    }
    told.insert("active".to_owned(), json!(true));
    told.insert("token_type".to_owned(), json!(token_type));
    Ok(told)
}

fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), json!(false))])
}

/// What is told of a refresh token that would be taken now: whoever shows it next may be refused all the same.
async fn refresh(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (caller, hash): (&Client, &TokenHash),
) -> Result<Option<Map<String, Value>>, Fault> {
    let mut query = &door.store;
    let Some((family, ends)) = grants::family_of(&mut query, hash, &caller.id, ctx.now).await? else { return Ok(None) };
    if let Some(id) = &family.session_id
        && !sessions::find_by_id(&mut query, id).await?.is_some_and(|session| session.is_live(ctx.now))
    {
        return Ok(None);
    }
    let who = (&family.user_id, family.came_by.as_ref());
    let Ok(person) = subject(door, &mut query, caller, who).await? else { return Ok(None) };
    let authorized = read_facts("families", family.id.as_str(), &family.facts)?;
    let scopes = claims::granted_to(caller, &authorized.scopes);
    let mut told = json!({
        "active": true, "typ": "Refresh", "token_type": "Refresh", "iss": mint::issuer_for(door, realm.name.as_str(), caller),
        "client_id": caller.name.as_str(), "azp": caller.name.as_str(), "sub": person.sub,
        "username": person.user.name.as_str(), "scope": scopes.to_string(), "exp": ends.seconds().min(family.expires_at.seconds()),
    });
    if let (Some(session), Some(members)) = (&family.session_id, told.as_object_mut()) {
        members.insert("sid".to_owned(), json!(session.as_str()));
    }
    Ok(told.as_object().cloned())
}

/// The answer as a JWT for the service that asked (RFC 9701 §5), signed as that service's own tokens are.
pub async fn signed(
    door: &Door,
    ctx: &Ctx,
    realm: &str,
    (caller, told): (&Client, Map<String, Value>),
) -> Result<String, Fault> {
    mint::prepare(door, ctx, caller).await?;
    let claims = json!({
        "iss": mint::issuer_for(door, realm, caller),
        "aud": caller.name.as_str(),
        "iat": ctx.now.seconds(),
        "token_introspection": told,
    });
    mint::key_for(door, &caller.realm_id, caller)?.sign(SIGNED_TYPE, &claims)
}

/// Userinfo as a JWT, for clients that asked for that (OIDC Core §5.3.2); `None` for those that did not.
pub async fn signed_userinfo(
    door: &Door,
    ctx: &Ctx,
    realm: &str,
    (client, told): (&Client, &Map<String, Value>),
) -> Result<Option<String>, Fault> {
    let Some(algorithm) = Algorithm::parse(&client.settings.userinfo_algorithm) else { return Ok(None) };
    door.keys.ensure(door, ctx, &client.realm_id, algorithm).await?;
    let key = door.keys.signing(&client.realm_id, algorithm);
    let key = key.ok_or_else(|| Fault::internal(format!("finding a signing key for {}", algorithm.as_str())))?;
    let mut claims = told.clone();
    claims.insert("iss".to_owned(), json!(mint::issuer_for(door, realm, client)));
    claims.insert("aud".to_owned(), json!(client.name.as_str()));
    key.sign(mint::HEADER_TYPE, &claims).map(Some)
}
