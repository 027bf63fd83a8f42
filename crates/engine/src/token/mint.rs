//! Signing: from claims to the tokens of one answer. Reads nothing and writes nothing.

use crate::clients::{Client, Paths};
use crate::door::Door;
use crate::token::claims::{self, Common};
use crate::token::{Authorized, Subject};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::address::Address;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::{FamilyId, RealmId};
use doorward_model::name::ClientName;
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_oauth::discovery::Layout;
use doorward_oauth::token_hash::at_hash;
use std::sync::Arc;

/// The `typ` in every header: what the libraries of tools take without being told (a token's kind stands in
/// its `typ` claim, as Keycloak has it).
pub const HEADER_TYPE: &str = "JWT";

/// The algorithm tokens are signed with where a client asks for no other: every tool can check it.
pub const DEFAULT_ALGORITHM: Algorithm = Algorithm::Rs256;

/// The JOSE names of all algorithms tokens may be signed with.
pub fn algorithms() -> Vec<&'static str> {
    Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect()
}

/// The issuer URL of a realm.
pub fn issuer(door: &Door, realm: &str) -> String {
    door.settings.public.url(&format!("/realms/{realm}"))
}

/// The issuer in everything a client gets: its realm's, or its own when it was set up for authentik's paths.
pub fn issuer_for(door: &Door, realm: &str, client: &Client) -> String {
    issuer_at(&door.settings.public, realm, (&client.name, client.settings.paths))
}

/// The issuer of a client of a realm, for a Doorward that is reached at `public`.
pub fn issuer_at(public: &Address, realm: &str, (client, paths): (&ClientName, Paths)) -> String {
    match paths {
        Paths::Keycloak => public.url(&format!("/realms/{realm}")),
        Paths::Authentik => Layout::Authentik { slug: client.as_str() }.issuer(&public.url("/")),
    }
}

/// Makes sure that there is a key for a client's tokens.
pub async fn prepare(door: &Door, ctx: &Ctx, client: &Client) -> Result<(), Fault> {
    door.keys.ensure(door, ctx, &client.realm_id, algorithm_of(client)).await
}

fn algorithm_of(client: &Client) -> Algorithm {
    Algorithm::parse(&client.settings.algorithm).unwrap_or(DEFAULT_ALGORITHM)
}

/// The key a client's tokens are signed with.
pub fn key_for(door: &Door, realm: &RealmId, client: &Client) -> Result<Arc<SigningKey>, Fault> {
    let algorithm = algorithm_of(client);
    door.keys
        .signing(realm, algorithm)
        .ok_or_else(|| Fault::internal(format!("finding a signing key of realm {realm} for {}", algorithm.as_str())))
}

/// A fresh id for a token.
pub fn token_id(door: &Door) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut bytes = [0u8; 16];
    door.dice.fill(&mut bytes);
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| DIGITS.get(usize::from(half)).copied().map(char::from)).collect()
}

/// The access token and, when `openid` was asked for, the ID token of one answer.
pub fn for_person(
    door: &Door,
    common: &Common<'_>,
    subject: &Subject,
    authorized: &Authorized,
    family: &FamilyId,
) -> Result<(String, Option<String>), Fault> {
    let key = key_for(door, &common.client.realm_id, common.client)?;
    let id = token_id(door);
    let access = key.sign(HEADER_TYPE, &claims::access(common, subject, authorized, (family, &id)))?;
    let wants_id = authorized.scopes.contains("openid");
    let id = wants_id.then(|| {
        let at_hash = at_hash(key.algorithm().as_str(), &access);
        key.sign(HEADER_TYPE, &claims::id(common, subject, authorized, at_hash))
    });
    Ok((access, id.transpose()?))
}

/// A fresh refresh token.
pub fn refresh(door: &Door) -> PlainToken {
    PlainToken::draw(TokenKind::Refresh, &*door.dice)
}
