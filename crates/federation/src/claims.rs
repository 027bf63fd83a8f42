//! From a provider's claims to an `ExternalIdentity`. Pure. A claim of the wrong type is an error: taking it for absent
//! would make somebody a member of nothing, or of everything.

use crate::limits;
use crate::trouble::{Trouble, told};
use doorward_engine::federation::ExternalIdentity;
use doorward_engine::federation::settings::{ClaimNames, OidcSettings};
use doorward_model::name::{DisplayText, EmailAddress};
use serde_json::{Map, Value};

/// Reads what a provider says of somebody; the ID token's word is the last.
///
/// # Errors
/// [`Trouble::Mapping`], [`Trouble::Claim`].
pub fn identity(
    settings: &OidcSettings,
    token: Map<String, Value>,
    more: Map<String, Value>,
) -> Result<ExternalIdentity, Trouble> {
    let issuer = settings.issuer.clone();
    let mut claims = more;
    claims.extend(token);
    if !settings.hosted_domains.is_empty() {
        let domain = claims.get("hd").and_then(Value::as_str).unwrap_or_default();
        if !settings.hosted_domains.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
            return Err(Trouble::Claim("a domain (hd) that this connector does not let in"));
        }
    }
    let names = &settings.claims;
    let email = email(&claims, names)?;
    Ok(ExternalIdentity {
        issuer,
        subject: text(&claims, "sub")?.unwrap_or_default().to_owned(),
        name: name(&claims, names)?.map(str::to_owned),
        display: text(&claims, &names.display)?.and_then(|text| DisplayText::parse(text).ok()),
        email_verified: email.is_some() && is_verified(&claims, names),
        email,
        groups: groups(&claims, &names.groups)?,
        session: text(&claims, "sid")?.map(str::to_owned),
    })
}

fn name<'c>(claims: &'c Map<String, Value>, names: &ClaimNames) -> Result<Option<&'c str>, Trouble> {
    for name in &names.name {
        if let Some(text) = text(claims, name)?.filter(|text| !text.trim().is_empty()) {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// An address that is none is left out: a person without a known address comes in all the same.
fn email(claims: &Map<String, Value>, names: &ClaimNames) -> Result<Option<EmailAddress>, Trouble> {
    Ok(text(claims, &names.email)?.and_then(|text| EmailAddress::parse(text).ok()))
}

/// Only a plain `true`, or the word some providers write for it.
fn is_verified(claims: &Map<String, Value>, names: &ClaimNames) -> bool {
    match find(claims, &names.email_verified) {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(word)) => word == "true",
        _ => false,
    }
}

/// The groups: a list of texts, one text, or an object whose members are named after them.
fn groups(claims: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Trouble> {
    if name.is_empty() {
        return Ok(None);
    }
    // A provider that leaves groups out because there are too many says so beside them.
    let left_out =
        |member: &str| claims.get(member).and_then(Value::as_object).is_some_and(|all| all.contains_key(name));
    if left_out("_claim_names") || claims.get("hasgroups") == Some(&Value::Bool(true)) {
        return Err(mapping(
            name,
            "is left out because there are too many groups: have the provider send only those assigned to the application",
        ));
    }
    match find(claims, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(Value::Object(all)) => Ok(Some(all.keys().cloned().collect())),
        Some(Value::Array(all)) => {
            let texts = all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            texts.map(Some).ok_or_else(|| mapping(name, "is a list with something else than texts in it"))
        }
        Some(_) => Err(mapping(name, "is neither a list of texts, a text nor an object")),
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Result<Option<&'c str>, Trouble> {
    match find(claims, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(mapping(name, "is no text")),
    }
}

/// A claim by its whole name, else by a path of names with dots between them.
fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    let inner = claims.get(first)?;
    rest.split('.').take(limits::CLAIM_DEPTH).try_fold(inner, |value, name| value.as_object()?.get(name))
}

fn mapping(name: &str, why: &'static str) -> Trouble {
    Trouble::Mapping { name: told(name), why }
}
