//! Groups Microsoft Entra ID leaves out of its tokens because there are too many, looked up where it keeps them: Microsoft
//! Graph, with the person's own token. Bounded: in pages, in groups, and to the one host.

use crate::limits;
use crate::tokens::{bearer, object};
use crate::trouble::Trouble;
use doorward_outbound::Outbound;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

const WHAT: &str = "the directory";
/// Ids alone, as many as come at once, of groups within groups too.
const FIRST: &str = "/v1.0/me/transitiveMemberOf?$select=id&$top=100";
const GROUP: &str = "#microsoft.graph.group";
const KIND: &str = "@odata.type";

/// Every group of the person whose token this is, by id.
pub(crate) async fn groups(outbound: &Outbound, graph: &str, token: &str) -> Result<Vec<String>, Trouble> {
    if token.is_empty() {
        return Err(Trouble::malformed(WHAT, "there is no access token to ask it with"));
    }
    let base = Url::parse(graph).map_err(|why| Trouble::malformed(WHAT, why))?;
    let mut url = format!("{}{FIRST}", graph.trim_end_matches('/'));
    let mut found = Vec::new();
    // Counting in a directory wants this header.
    let more = [(HeaderName::from_static("consistencylevel"), HeaderValue::from_static("eventual"))];
    for _ in 0..limits::DIRECTORY_PAGES {
        let page = object(WHAT, &outbound.get_with(&url, Some(bearer(token)?), &more).await?)?;
        found.extend(ids(&page)?);
        match page.get("@odata.nextLink") {
            None | Some(Value::Null) => return Ok(found),
            Some(Value::String(next)) => url = onward(&base, next)?,
            Some(_) => return Err(Trouble::malformed(WHAT, "its link to the next page is no text")),
        }
    }
    Err(Trouble::malformed(WHAT, format!("it has more than {} pages of groups", limits::DIRECTORY_PAGES)))
}

/// The ids of a page's groups; other things people belong to are passed over.
fn ids(page: &Map<String, Value>) -> Result<Vec<String>, Trouble> {
    let all = page.get("value").and_then(Value::as_array);
    let all = all.ok_or_else(|| Trouble::malformed(WHAT, "it lacks the list of groups"))?;
    let is_group = |one: &&Value| one.get(KIND).and_then(Value::as_str).is_none_or(|kind| kind == GROUP);
    let id = |one: &Value| one.get("id").and_then(Value::as_str).map(str::to_owned);
    let ids = all.iter().filter(is_group).map(id).collect::<Option<Vec<_>>>();
    ids.ok_or_else(|| Trouble::malformed(WHAT, "a group of its list has no id"))
}

/// The next page, which must be where the first one was: the person's token goes with it.
fn onward(base: &Url, next: &str) -> Result<String, Trouble> {
    let url = Url::parse(next).ok().filter(|url| url.origin() == base.origin() && url.username().is_empty());
    url.map(String::from).ok_or_else(|| Trouble::malformed(WHAT, "its next page is at another host"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_hold_groups_and_lead_on_at_the_same_host_alone() -> Result<(), Box<dyn std::error::Error>> {
        let page = json!({"value": [
            {"id": "g-1"}, {"id": "g-2", KIND: GROUP}, {"id": "r-1", KIND: "#microsoft.graph.directoryRole"},
        ]});
        let page = page.as_object().cloned().unwrap_or_default();
        assert_eq!(ids(&page)?, ["g-1", "g-2"]);
        for odd in [json!({}), json!({"value": {}}), json!({"value": [{"id": 7}]}), json!({"value": [{}]})] {
            assert!(ids(&odd.as_object().cloned().unwrap_or_default()).is_err(), "{odd}");
        }
        let base = Url::parse("https://graph.microsoft.com")?;
        assert!(onward(&base, "https://graph.microsoft.com/v1.0/me?$skiptoken=x").is_ok());
        for elsewhere in [
            "https://graph.microsoft.com.evil.example/v1.0/me",
            "https://graph.microsoft.com@evil.example/",
            "https://u@graph.microsoft.com/",
            "http://graph.microsoft.com/v1.0/me",
            "https://graph.microsoft.com:8443/",
            "/v1.0/me",
        ] {
            assert!(onward(&base, elsewhere).is_err(), "{elsewhere}");
        }
        Ok(())
    }
}
