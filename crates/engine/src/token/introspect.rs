//! What a service is told about a token it was shown: whether it is good, and what it says as of now. Only those
//! a token is for may ask about it. RFC 7662, RFC 9701.

use crate::clients::Client;
use crate::clients::mapper::Place;
use crate::door::Door;
use crate::token::{check, claims, dpop, mint};
use doorward_jose::algorithm::Algorithm;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use serde_json::{Map, Value, json};

/// The `typ` of a signed answer (RFC 9701 §5).
pub const SIGNED_TYPE: &str = "token-introspection+jwt";

/// What `caller` is told about a token: `active`, and more where that is true.
pub async fn introspect(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (caller, token): (&Client, &str),
) -> Result<Map<String, Value>, Fault> {
    let good = check::check(door, ctx, realm, token).await?;
    let may_ask = |good: &check::Good| {
        let is_for = good.claims.audiences().is_ok_and(|audiences| audiences.contains(&caller.name.as_str()));
        is_for || good.client.id == caller.id
    };
    let Some(good) = good.filter(may_ask) else {
        return Ok(Map::from_iter([("active".to_owned(), json!(false))]));
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
