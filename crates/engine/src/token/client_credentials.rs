//! A client gets a token for itself. RFC 6749 §4.4.

use crate::clients::Client;
use crate::door::Door;
use crate::token::claims::{self, Common};
use crate::token::dpop::{self, Key};
use crate::token::roles::Roles;
use crate::token::{Outcome, Tokens, mint};
use doorward_model::context::Ctx;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;

/// Scopes that stand for a person: a client alone cannot have them.
const OF_PERSONS: [&str; 2] = ["openid", "offline_access"];

/// Gives a client a token of its own, bound to its key if it showed one. Nothing is written but the proof's use: the
/// token says all there is to know.
pub async fn client_credentials(
    door: &Door,
    ctx: &Ctx,
    realm: &str,
    client: &Client,
    (asked, key): (Scopes, Option<&Key>),
) -> Outcome<Tokens> {
    if let Some(scope) = claims::not_allowed(client, &asked) {
        return Ok(Err(OAuthError::new(ErrorCode::InvalidScope, format!("this client may not ask for scope {scope}"))));
    }
    let kept: Vec<&str> = asked.iter().filter(|name| !OF_PERSONS.contains(name)).collect();
    let scopes = claims::granted_to(client, &Scopes::parse(&kept.join(" ")).unwrap_or_default());
    let roles = Roles::of_live_client(door, &client.id).await?;
    let bound = match dpop::use_up_alone(door, ctx, client, key).await? {
        Ok(bound) => bound,
        Err(refused) => return Ok(Err(refused)),
    };
    let issuer = mint::issuer_for(door, realm, client);
    let common = Common {
        issuer: &issuer,
        client,
        now: ctx.now,
        scopes: &scopes,
        session: None,
        bound: bound.as_ref(),
        certificate: ctx.certificate.as_deref(),
    };
    let key = mint::key_for(door, &client.realm_id, client)?;
    let access = key.sign(mint::HEADER_TYPE, &claims::service(&common, &roles, &mint::token_id(door)))?;
    let access_seconds = client.access_seconds();
    Ok(Ok(Tokens {
        access,
        access_seconds,
        refresh: None,
        id: None,
        scopes,
        session: None,
        bound,
        details: Vec::new(),
    }))
}
