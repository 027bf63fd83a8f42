//! What GitHub says of somebody beside who they are: their own proved address, and the organisations and teams they are in
//! (REST API, `/user/emails`, `/user/orgs`, `/user/teams`). Lists are read to their end, at the one host.

use crate::limits;
use crate::tokens::bearer;
use crate::trouble::Trouble;
use doorward_engine::federation::settings::GitHub;
use doorward_model::told::told;
use doorward_outbound::{Answer, Outbound};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use serde_json::Value;
use url::Url;

const WHAT: &str = "GitHub's API";
const SSO: &str = "x-github-sso";

/// What is said of somebody.
pub(crate) struct Said {
    /// Their primary address, if it is verified.
    pub(crate) address: Option<String>,
    /// `ORGANISATION` and `ORGANISATION:TEAM`.
    pub(crate) groups: Vec<String>,
}

/// An organisation, or a team of one.
struct Membership {
    /// The organisation's name.
    name: String,
    /// Its number, which stays when it is renamed.
    number: u64,
    /// The team's slug.
    team: Option<String>,
}

/// Asks for it.
///
/// # Errors
/// [`Trouble::NotLetIn`] for somebody who is in none of the organisations and teams that are let in.
pub(crate) async fn said(outbound: &Outbound, place: &GitHub, token: &str) -> Result<Said, Trouble> {
    let addresses = list(outbound, place, ("/user/emails", token)).await?;
    let mut memberships = Vec::new();
    for one in list(outbound, place, ("/user/orgs", token)).await? {
        memberships.push(organization(&one, None)?);
    }
    for one in list(outbound, place, ("/user/teams", token)).await? {
        let of = one.get("organization").unwrap_or(&Value::Null);
        memberships.push(organization(of, Some(text(&one, "slug")?))?);
        // Whoever is in a team is in the one around it.
        if let Some(around) = one.get("parent").filter(|around| !around.is_null()) {
            memberships.push(organization(of, Some(text(around, "slug")?))?);
        }
    }
    Ok(Said { address: address(&addresses), groups: groups(&place.organizations, &memberships)? })
}

/// The primary address, if GitHub has proved it.
fn address(all: &[Value]) -> Option<String> {
    let is_true = |one: &Value, name: &str| one.get(name) == Some(&Value::Bool(true));
    let primary = all.iter().find(|one| is_true(one, "primary") && is_true(one, "verified"))?;
    primary.get("email").and_then(Value::as_str).map(str::to_owned)
}

/// The groups of somebody: of what is let in, where anything is said of that.
fn groups(let_in: &[String], memberships: &[Membership]) -> Result<Vec<String>, Trouble> {
    let is_named = |membership: &&Membership| {
        let_in.is_empty()
            || let_in.iter().any(|place| {
                let (name, team) =
                    place.split_once('/').map_or((place.as_str(), None), |(name, team)| (name, Some(team)));
                let is_it = name.eq_ignore_ascii_case(&membership.name) || name == membership.number.to_string();
                is_it && team.is_none_or(|team| membership.team.as_deref() == Some(team))
            })
    };
    let counted: Vec<&Membership> = memberships.iter().filter(is_named).collect();
    if counted.is_empty() && !let_in.is_empty() {
        return Err(Trouble::NotLetIn("they are in none of the organisations and teams of the connector".to_owned()));
    }
    let mut groups: Vec<String> = counted
        .iter()
        .map(|one| one.team.as_ref().map_or_else(|| one.name.clone(), |team| format!("{}:{team}", one.name)))
        .collect();
    groups.sort();
    groups.dedup();
    Ok(groups)
}

fn organization(said: &Value, team: Option<String>) -> Result<Membership, Trouble> {
    let number = said.get("id").and_then(Value::as_u64);
    let number = number.ok_or_else(|| Trouble::malformed(WHAT, "an organisation has no number"))?;
    Ok(Membership { name: text(said, "login")?, number, team })
}

fn text(said: &Value, name: &'static str) -> Result<String, Trouble> {
    let text = said.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Trouble::malformed(WHAT, format!("{name} is missing, or is no text")))
}

/// A list with all of its pages.
async fn list(outbound: &Outbound, place: &GitHub, (path, token): (&str, &str)) -> Result<Vec<Value>, Trouble> {
    let base = Url::parse(&place.api).map_err(|why| Trouble::malformed(WHAT, why))?;
    let mut url = format!("{}{path}?per_page=100", place.api.trim_end_matches('/'));
    let version = [(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"))];
    let mut all = Vec::new();
    for _ in 0..limits::DIRECTORY_PAGES {
        let answer = outbound.get_with(&url, Some(bearer(token)?), &version).await?;
        all.extend(page(&answer)?);
        tell_left_out(path, &answer.headers);
        match next(&answer.headers) {
            Some(link) => url = onward(&base, &link)?,
            None => return Ok(all),
        }
    }
    Err(Trouble::malformed(WHAT, format!("{path} has more than {} pages", limits::DIRECTORY_PAGES)))
}

fn page(answer: &Answer) -> Result<Vec<Value>, Trouble> {
    if answer.status != StatusCode::OK {
        return Err(Trouble::Status { what: WHAT, status: answer.status.as_u16(), words: String::new() });
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Array(all)) => Ok(all),
        _ => Err(Trouble::malformed(WHAT, "its answer is no list")),
    }
}

/// Organisations with single sign-on that has not let this application in are left out of lists, and said beside them:
/// they do not count, and whoever looks for them is told why.
fn tell_left_out(path: &str, headers: &HeaderMap) {
    if let Some(said) = headers.get(SSO).and_then(|value| value.to_str().ok()) {
        tracing::warn!(path, "GitHub leaves organisations out that have not let this application in: {}", told(said));
    }
}

/// The link to the next page (RFC 8288).
fn next(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|one| matches!(one.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| target.to_owned())
    })
}

/// The next page, which must be where the first one was: the person's token goes with it.
fn onward(base: &Url, link: &str) -> Result<String, Trouble> {
    let url = Url::parse(link).ok().filter(|url| url.origin() == base.origin() && url.username().is_empty());
    url.map(String::from).ok_or_else(|| Trouble::malformed(WHAT, "its next page is at another host"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn membership(name: &str, number: u64, team: Option<&str>) -> Membership {
        Membership { name: name.to_owned(), number, team: team.map(str::to_owned) }
    }

    #[test]
    fn organisations_and_teams_count_as_they_are_named() -> Result<(), Trouble> {
        let all = [
            membership("Acme", 7, None),
            membership("Acme", 7, Some("data")),
            membership("Acme", 7, Some("data")),
            membership("other", 8, None),
        ];
        let places = |places: &[&str]| places.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>();
        for (let_in, counted) in [
            (&[][..], &["Acme", "Acme:data", "other"][..]),
            (&["acme"], &["Acme", "Acme:data"]),
            (&["7"], &["Acme", "Acme:data"]),
            (&["acme/data"], &["Acme:data"]),
            (&["acme/ops", "other"], &["other"]),
        ] {
            assert_eq!(groups(&places(let_in), &all)?, counted, "{let_in:?}");
        }
        for nobody in [&["acme/ops"][..], &["acm"], &["9"], &["acme/data/x"], &["other/data"]] {
            assert!(matches!(groups(&places(nobody), &all), Err(Trouble::NotLetIn(_))), "{nobody:?}");
        }
        Ok(())
    }

    #[test]
    fn an_address_counts_when_it_is_the_primary_one_and_proved() {
        let one =
            |primary: bool, verified: Value| json!({"email": "a@x.example", "primary": primary, "verified": verified});
        for (said, counts) in [
            (one(true, json!(true)), true),
            (one(true, json!(false)), false),
            (one(true, json!("true")), false),
            (one(false, json!(true)), false),
        ] {
            assert_eq!(address(std::slice::from_ref(&said)).is_some(), counts, "{said}");
        }
    }

    #[test]
    fn pages_follow_one_another_at_one_host() -> Result<(), Box<dyn std::error::Error>> {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, HeaderValue::from_static("<https://api.github.com/user/orgs?page=1>; rel=\"prev\", <https://api.github.com/user/orgs?page=3>; rel=\"next\""));
        assert_eq!(next(&headers).as_deref(), Some("https://api.github.com/user/orgs?page=3"));
        headers.insert(LINK, HeaderValue::from_static("<https://api.github.com/user/orgs?page=9>; rel=\"last\""));
        assert_eq!(next(&headers), None);
        let base = Url::parse("https://api.github.com")?;
        assert!(onward(&base, "https://api.github.com/x").is_ok());
        for elsewhere in
            ["https://evil.example/x", "http://api.github.com/x", "https://u@api.github.com/", "/user/orgs"]
        {
            assert!(onward(&base, elsewhere).is_err(), "{elsewhere}");
        }
        Ok(())
    }
}
