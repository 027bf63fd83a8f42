//! Claims a client asked for one by one (OIDC Core §5.5). Asking brings what some scope would have brought anyway, and
//! standard claims that are kept as attributes of the person; nothing else, whatever is asked for.

use crate::clients::Client;
use crate::clients::mapper::Place;
use crate::token::Subject;
use crate::token::claims::{KNOWN_SCOPES, about};
use doorward_oauth::authorize::{ClaimAsked, ClaimsRequest};
use doorward_oauth::scope::Scopes;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Standard claims (OIDC Core §5.1) that no scope brings here: told when asked for by name, if the person has an
/// attribute of that name.
pub const STANDARD: [&str; 10] = [
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
];

/// What single claims are called where scopes are listed.
pub const PREFIX: &str = "claim:";

/// The claims of a request that come with no scope, each as `claim:NAME`: people have to agree to them.
pub fn beyond_scopes(asked: &ClaimsRequest) -> Vec<String> {
    let is_asked = |name: &&str| asked.id_token.contains_key(*name) || asked.userinfo.contains_key(*name);
    STANDARD.iter().filter(|name| is_asked(name)).map(|name| format!("{PREFIX}{name}")).collect()
}

/// Adds to what is told at a place what was asked for there by name.
pub fn add(
    told: &mut Map<String, Value>,
    asked: &BTreeMap<String, ClaimAsked>,
    (subject, client, place): (&Subject, &Client, Place),
) {
    if asked.is_empty() {
        return;
    }
    let own = Scopes::parse(&client.settings.scopes.join(" ")).unwrap_or_default();
    let all = Scopes::parse(&KNOWN_SCOPES.join(" ")).unwrap_or_default().union(&own);
    let reachable = about(subject, client, &all, place);
    for name in asked.keys().filter(|name| !told.contains_key(*name)).cloned().collect::<Vec<_>>() {
        let of_person =
            || subject.profile.attributes.get(&name).and_then(|values| values.first()).map(|text| json!(text));
        let value = match reachable.get(&name) {
            Some(value) => Some(value.clone()),
            None if STANDARD.contains(&name.as_str()) => of_person(),
            None => None,
        };
        told.extend(value.map(|value| (name, value)));
    }
}
