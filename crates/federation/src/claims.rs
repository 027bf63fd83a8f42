//! From a provider's claims to an `ExternalIdentity`. Pure. A claim of the wrong type is an error: taking it for absent
//! would make somebody a member of nothing, or of everything.

use crate::limits;
use crate::trouble::Trouble;
use doorward_engine::federation::ExternalIdentity;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::naming::{Place, choose};
use doorward_engine::federation::settings::{ClaimNames, OidcSettings};
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::time::Timestamp;
use doorward_model::told::told;
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
    identity_with(settings, (token, more), None)
}

/// Whether the provider has left the groups out because there are too many, and says so beside them.
pub fn are_left_out(settings: &OidcSettings, claims: &Map<String, Value>) -> bool {
    left_out(claims, &settings.claims.groups)
}

fn left_out(claims: &Map<String, Value>, name: &str) -> bool {
    let elsewhere = claims.get("_claim_names").and_then(Value::as_object).is_some_and(|all| all.contains_key(name));
    elsewhere || (name == "groups" && claims.get("hasgroups") == Some(&Value::Bool(true)))
}

/// As [`identity`], with groups that were looked up because they were left out.
///
/// # Errors
/// As [`identity`].
pub fn identity_with(
    settings: &OidcSettings,
    (token, more): (Map<String, Value>, Map<String, Value>),
    looked_up: Option<Vec<String>>,
) -> Result<ExternalIdentity, Trouble> {
    let issuer = settings.issuer.clone();
    if !settings.hosted_domains.is_empty() {
        let domain = token.get("hd").and_then(Value::as_str).unwrap_or_default();
        if !settings.hosted_domains.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
            let ours = settings.hosted_domains.join(", ");
            return Err(Trouble::NotLetIn(format!(
                "claim hd says `{}`, and the connector lets in {ours}",
                told(domain)
            )));
        }
    }
    let names = &settings.claims;
    let (email, is_said) = address(names, &token, &more)?;
    let email_verified = email.is_some() && (is_said || settings.addresses_are_proved);
    let proved = email.as_ref().filter(|_| email_verified);
    let may_be_named = |name: &UserName| {
        let is_address = EmailAddress::parse(name.as_str()).is_ok();
        !is_address
            || settings.addresses_are_proved
            || settings.names_are_own
            || proved.is_some_and(|own| own.as_str() == name.as_str())
    };
    let vouched_at =
        token.get("iat").and_then(Value::as_i64).map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
    let mut claims = more;
    claims.extend(token);
    let mut notes = Vec::new();
    if email.is_some() && !email_verified {
        notes.push(format!(
            "the e-mail address is left out, because claim {} does not say that it is proved (oidc.addresses_are_proved)",
            names.email_verified
        ));
    }
    Ok(ExternalIdentity {
        issuer,
        subject: subject(&claims, &names.subject)?,
        name: name(&claims, names, (may_be_named, &mut notes))?,
        display: text(&claims, &names.display)?.and_then(|text| DisplayText::parse(text).ok()),
        email,
        email_verified,
        groups: match looked_up {
            Some(groups) => Some(groups),
            None => groups(&claims, &names.groups, &mut notes)?,
        },
        session: text(&claims, "sid")?.filter(|sid| is_short(sid)).map(str::to_owned),
        vouched_at,
        kept: Kept::default(),
        notes,
        ..ExternalIdentity::default()
    })
}

/// What tells somebody from everybody else at the provider, for ever: one claim, or several together.
pub(crate) fn subject(claims: &Map<String, Value>, names: &[String]) -> Result<String, Trouble> {
    let mut parts = Vec::new();
    for name in names {
        // Joined by what stands in none of them, else two people could be made one.
        let part = text(claims, name)?.filter(|part| !part.trim().is_empty() && is_short(part));
        let part = part.filter(|part| names.len() == 1 || !part.contains(':'));
        parts.push(part.ok_or_else(|| mapping(name, "is not there, and people are told apart by it"))?);
    }
    let subject = parts.join(":");
    if subject.is_empty() || !is_short(&subject) {
        return Err(Trouble::Claim("no subject anybody could be known by"));
    }
    Ok(subject)
}

/// The first name a user could have. One that looks like an address must be the person's own: tools take it for one.
fn name(
    claims: &Map<String, Value>,
    names: &ClaimNames,
    (may_be_named, notes): (impl Fn(&UserName) -> bool, &mut Vec<String>),
) -> Result<Option<String>, Trouble> {
    let mut odd = None;
    let place = |name: &String| {
        let says = text(claims, name).map_err(|trouble| odd = Some(trouble)).ok()?;
        Some(Place { what: format!("claim {}", told(name)), says })
    };
    let chosen = choose(names.name.iter().map_while(place), may_be_named);
    match (chosen, odd) {
        (Ok(name), _) => Ok(Some(name)),
        (Err(_), Some(odd)) => Err(odd),
        (Err(why), None) => {
            notes.push(why);
            Ok(None)
        }
    }
}

/// The address and whether it is proved: what is said of one address is not said of another.
fn address(
    names: &ClaimNames,
    token: &Map<String, Value>,
    more: &Map<String, Value>,
) -> Result<(Option<EmailAddress>, bool), Trouble> {
    let (first, second) = (email(token, names)?, email(more, names)?);
    let (is_first_verified, is_second_verified) = (is_verified(token, names), is_verified(more, names));
    if first.is_none() && find(token, &names.email).is_none() {
        let proved = second.is_some() && is_second_verified;
        return Ok((second, proved));
    }
    let proved = first.is_some() && (is_first_verified || (first == second && is_second_verified));
    Ok((first, proved))
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
fn groups(claims: &Map<String, Value>, name: &str, notes: &mut Vec<String>) -> Result<Option<Vec<String>>, Trouble> {
    if name.is_empty() {
        return Ok(None);
    }
    if left_out(claims, name) {
        return Err(mapping(
            name,
            "is left out because there are too many groups: have the provider send only those assigned to the application",
        ));
    }
    match find(claims, name) {
        // Several providers leave the claim out for whoever is in no group.
        None | Some(Value::Null) => {
            notes.push(format!("claim {} is not there, which was taken for no groups", told(name)));
            Ok(Some(Vec::new()))
        }
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

fn is_short(text: &str) -> bool {
    text.len() <= limits::SUBJECT_BYTES && !text.chars().any(char::is_control)
}

fn mapping(name: &str, why: &'static str) -> Trouble {
    Trouble::Mapping { name: told(name), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(more: Value) -> Result<OidcSettings, serde_json::Error> {
        let mut all = json!({"issuer": "https://id.example.com", "client_id": "doorward"});
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
        serde_json::from_value(all)
    }

    fn read(settings: &OidcSettings, token: Value, more: Value) -> Result<ExternalIdentity, Trouble> {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let mut token = object(token);
        token.entry("sub").or_insert_with(|| json!("1"));
        identity(settings, token, object(more))
    }

    #[test]
    fn the_id_tokens_word_is_the_last_and_paths_lead_inside() -> Result<(), Box<dyn std::error::Error>> {
        let names = json!({"claims": {"groups": "https://ns/roles", "name": ["login.short", "sub"]}});
        let token = json!({"sub": "1", "email": "a@example.com", "https://ns/roles": ["x"], "sid": "s-1"});
        let more = json!({"sub": "1", "email": "b@example.com", "email_verified": true, "login": {"short": "ada"}});
        let read = read(&settings(names)?, token, more)?;
        assert_eq!(read.email.as_ref().map(EmailAddress::as_str), Some("a@example.com"));
        assert_eq!((read.name.as_deref(), read.session.as_deref()), (Some("ada"), Some("s-1")));
        assert_eq!(read.groups, Some(vec!["x".to_owned()]));
        // What is said of one address is not said of another.
        assert!(!read.email_verified);
        let plain = settings(json!({}))?;
        for (token, more, proved) in [
            (json!({"email": "a@example.com"}), json!({"email": "a@example.com", "email_verified": true}), true),
            (json!({"email": "a@example.com"}), json!({"email_verified": true}), false),
            (json!({}), json!({"email": "a@example.com", "email_verified": true}), true),
            (json!({"email_verified": true}), json!({"email": "a@example.com"}), false),
            (json!({"email": "no address"}), json!({"email": "a@example.com", "email_verified": true}), false),
        ] {
            assert_eq!(self::read(&plain, token.clone(), more.clone())?.email_verified, proved, "{token} {more}");
        }
        Ok(())
    }

    #[test]
    fn saying_nothing_of_groups_is_saying_none_and_too_many_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let plain = settings(json!({}))?;
        let groups =
            |value: Value| read(&plain, json!({"sub": "1", "groups": value}), json!({})).map(|read| read.groups);
        assert_eq!(read(&plain, json!({"sub": "1"}), json!({}))?.groups, Some(Vec::new()));
        assert_eq!(groups(Value::Null)?, Some(Vec::new()));
        let unread = settings(json!({"claims": {"groups": ""}}))?;
        assert_eq!(read(&unread, json!({"sub": "1", "groups": ["a"]}), json!({}))?.groups, None);
        assert_eq!(groups(json!([]))?, Some(Vec::new()));
        assert_eq!(groups(json!("one"))?, Some(vec!["one".to_owned()]));
        assert_eq!(groups(json!({"a": {"org": "x"}}))?, Some(vec!["a".to_owned()]));
        for odd in [json!(1), json!(true), json!(["a", 1]), json!([["a"]])] {
            assert!(groups(odd.clone()).is_err(), "{odd}");
        }
        for overage in [
            json!({"sub": "1", "_claim_names": {"groups": "src1"}, "_claim_sources": {}}),
            json!({"sub": "1", "hasgroups": true}),
        ] {
            assert!(read(&plain, overage.clone(), json!({})).is_err(), "{overage}");
        }
        Ok(())
    }

    #[test]
    fn gauntlet_b4_09_addresses_are_proved_by_a_plain_yes_and_are_one_address() -> Result<(), Box<dyn std::error::Error>>
    {
        let plain = settings(json!({}))?;
        for (verified, proved) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!(1), false),
            (json!("yes"), false),
        ] {
            let token = json!({"sub": "1", "email": "Ada@Example.com", "email_verified": verified});
            let read = read(&plain, token, json!({}))?;
            assert_eq!(
                (read.email.as_ref().map(EmailAddress::as_str), read.email_verified),
                (Some("ada@example.com"), proved)
            );
        }
        for odd in [
            "a@evil.com@corp.com",
            "\"a@corp.com\"@evil",
            "a@corp.com.",
            "a@corp.com (x)",
            "a@",
            "@corp.com",
            "a@co\u{0}rp.com",
        ] {
            let token = json!({"sub": "1", "email": odd, "email_verified": true});
            let read = read(&plain, token, json!({}))?;
            assert_eq!((read.email, read.email_verified), (None, false), "{odd}");
        }
        Ok(())
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_the_persons_own() -> Result<(), Box<dyn std::error::Error>> {
        let (plain, proved) = (settings(json!({}))?, settings(json!({"addresses_are_proved": true}))?);
        let named = |settings: &OidcSettings, name: &str, email: &str, verified: bool| {
            let token = json!({"sub": "1", "preferred_username": name, "email": email, "email_verified": verified});
            read(settings, token, json!({})).map(|read| read.name)
        };
        let boss = "boss@example.com";
        assert_eq!(named(&plain, "ada", boss, false)?.as_deref(), Some("ada"));
        assert_eq!(named(&plain, boss, boss, true)?.as_deref(), Some(boss));
        assert_eq!(named(&plain, boss, boss, false)?, None);
        assert_eq!(named(&plain, boss, "ada@example.com", true)?.as_deref(), Some("ada@example.com"));
        assert_eq!(named(&plain, "Jean Dupont", "ada@example.com", true)?.as_deref(), Some("ada@example.com"));
        assert_eq!(named(&proved, boss, "ada@example.com", false)?.as_deref(), Some(boss));
        Ok(())
    }

    #[test]
    fn only_declared_domains_come_in_where_any_is_declared() -> Result<(), Box<dyn std::error::Error>> {
        let pinned = settings(json!({"hosted_domains": ["example.com"]}))?;
        assert!(read(&pinned, json!({"sub": "1", "hd": "Example.com"}), json!({})).is_ok());
        for odd in
            [json!({"sub": "1"}), json!({"sub": "1", "hd": "evil.com"}), json!({"sub": "1", "hd": ["example.com"]})]
        {
            assert!(read(&pinned, odd.clone(), json!({})).is_err(), "{odd}");
        }
        // What only userinfo says does not count for it: the token is signed.
        assert!(read(&pinned, json!({"sub": "1"}), json!({"hd": "example.com"})).is_err());
        Ok(())
    }

    #[test]
    fn people_are_told_apart_by_one_claim_or_by_several_together() -> Result<(), Box<dyn std::error::Error>> {
        let several = settings(json!({"claims": {"subject": ["tid", "oid"]}}))?;
        let of = |tid: Value, oid: Value| read(&several, json!({"sub": "pairwise", "tid": tid, "oid": oid}), json!({}));
        assert_eq!(of(json!("t"), json!("o"))?.subject, "t:o");
        for (tid, oid) in [
            (json!("t"), Value::Null),
            (json!("t"), json!("")),
            (json!("t"), json!(" ")),
            (json!(7), json!("o")),
            // Else `t:a` with `b` and `t` with `a:b` would be one.
            (json!("t:a"), json!("b")),
            (json!("t"), json!("a:b")),
            (json!("t"), json!("x".repeat(limits::SUBJECT_BYTES))),
        ] {
            assert!(of(tid.clone(), oid.clone()).is_err(), "{tid} {oid}");
        }
        let one = settings(json!({}))?;
        assert_eq!(read(&one, json!({"sub": "a:b"}), json!({}))?.subject, "a:b");
        Ok(())
    }
}
