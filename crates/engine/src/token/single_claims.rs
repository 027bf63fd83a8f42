//! Claims a client asked for one by one (OIDC Core §5.5). Asking brings what a scope that the client may ask for would
//! have brought, and nothing else, whatever is asked for.

use crate::clients::Client;
use crate::clients::mapper::{Mapper, Place};
use crate::token::Subject;
use crate::token::claims::{about, not_allowed};
use doorward_oauth::authorize::{ClaimAsked, ClaimsRequest};
use doorward_oauth::scope::Scopes;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What brings the claim `upn`. It tells nothing that `preferred_username` does not tell everybody.
const OF_UPN: &str = "microprofile-jwt";

/// The scope that would bring a claim, if not every client has it and this one may ask for it.
fn bringing<'a>(client: &'a Client, claim: &str) -> Option<&'a str> {
    let is_mapped = |mapper: &Mapper| match mapper {
        Mapper::Claim { path, .. } => path.first().is_some_and(|first| first == claim),
        Mapper::Audience(_) => false,
    };
    match claim {
        "phone_number" | "phone_number_verified" => Some("phone"),
        "address" => Some("address"),
        "upn" => Some(OF_UPN),
        _ => {
            let may_ask = |name: &str| Scopes::parse(name).is_ok_and(|only| not_allowed(client, &only).is_none());
            let mut known = client.settings.realm.scopes.iter();
            let scope =
                known.find(|scope| scope.settings.mappers.iter().any(is_mapped) && may_ask(scope.name.as_str()));
            scope.map(|scope| scope.name.as_str())
        }
    }
}

fn scopes_of<'a>(client: &Client, claims: impl Iterator<Item = &'a String>) -> Scopes {
    let names: Vec<&str> = claims.filter_map(|claim| bringing(client, claim)).collect();
    Scopes::parse(&names.join(" ")).unwrap_or_default()
}

/// The scopes that people have to agree to before a client is told what it asked for by name.
pub fn to_agree_to(client: &Client, asked: &ClaimsRequest) -> Scopes {
    let all = scopes_of(client, asked.id_token.keys().chain(asked.userinfo.keys()));
    let told: Vec<&str> = all.iter().filter(|name| *name != OF_UPN).collect();
    Scopes::parse(&told.join(" ")).unwrap_or_default()
}

/// Adds to what is told at a place what was asked for there by name.
pub fn add(
    told: &mut Map<String, Value>,
    asked: &BTreeMap<String, ClaimAsked>,
    (subject, client, place): (&Subject, &Client, Place),
) {
    let scopes = scopes_of(client, asked.keys());
    if scopes.is_empty() {
        return;
    }
    let brought = about(subject, client, &scopes, place);
    told.extend(brought.into_iter().filter(|(name, _)| asked.contains_key(name)));
}
