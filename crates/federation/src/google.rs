//! Groups of people of a Google Workspace, which Google's tokens do not say: its directory is asked, by a service account in
//! the name of an administrator (RFC 7523 §2.1; Admin SDK, `groups.list`). Bounded in pages and in groups.

use crate::limits;
use crate::tokens::{bearer, object};
use crate::trouble::Trouble;
use doorward_engine::federation::settings::GoogleDirectory;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::assertion::AssertionKey;
use doorward_jose::json;
use doorward_model::time::Timestamp;
use doorward_outbound::Outbound;
use doorward_world::secrets;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, VecDeque};
use url::form_urlencoded;

const WHAT: &str = "the directory";
const TOKEN_ENDPOINT: &str = "the token endpoint for service accounts";
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.group.readonly";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// As many as Google gives at once.
const PAGE: &str = "200";

/// The service account's key, as Google's file has it.
struct Account {
    key: AssertionKey,
    key_id: String,
    name: String,
    token_url: String,
}

/// Every group of somebody, by its address. They are asked for by Google's own number for them, which nobody else gets.
pub(crate) async fn groups(
    outbound: &Outbound,
    (place, now): (&GoogleDirectory, Timestamp),
    subject: &str,
) -> Result<Vec<String>, Trouble> {
    let account = Account::read(place).await?;
    let token = account.token(outbound, (place, now)).await?;
    let mut found = BTreeSet::new();
    let mut open = VecDeque::from([subject.to_owned()]);
    let mut pages = 0;
    while let Some(member) = open.pop_front() {
        let mut next = String::new();
        loop {
            pages += 1;
            if pages > limits::DIRECTORY_PAGES {
                let why = format!("it has more than {} pages of groups", limits::DIRECTORY_PAGES);
                return Err(Trouble::malformed(WHAT, why));
            }
            let page = object(WHAT, &outbound.get_as(&address(place, &member, &next), Some(bearer(&token)?)).await?)?;
            for group in addresses(&page)? {
                if found.insert(group.clone()) && place.nested {
                    open.push_back(group);
                }
            }
            match page.get("nextPageToken") {
                None | Some(Value::Null) => break,
                Some(Value::String(token)) if !token.is_empty() => next.clone_from(token),
                Some(_) => return Err(Trouble::malformed(WHAT, "its token for the next page is no text")),
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn address(place: &GoogleDirectory, member: &str, next: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("userKey", member).append_pair("maxResults", PAGE);
    if !next.is_empty() {
        query.append_pair("pageToken", next);
    }
    format!("{}/admin/directory/v1/groups?{}", place.api.trim_end_matches('/'), query.finish())
}

/// The addresses of a page's groups. Whoever is in none has no list at all.
fn addresses(page: &Map<String, Value>) -> Result<Vec<String>, Trouble> {
    let all = match page.get("groups") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(all) => all.as_array().ok_or_else(|| Trouble::malformed(WHAT, "its groups are no list"))?,
    };
    let address = |one: &Value| one.get("email").and_then(Value::as_str).map(str::to_lowercase);
    let addresses = all.iter().map(address).collect::<Option<Vec<_>>>();
    addresses.ok_or_else(|| Trouble::malformed(WHAT, "a group of its list has no address"))
}

impl Account {
    async fn read(place: &GoogleDirectory) -> Result<Self, Trouble> {
        let text = secrets::read(&place.key_from).await.map_err(|why| wrong(&why))?;
        let read = json::object(text.as_bytes()).map_err(|_| wrong("it is not the JSON file of a service account"))?;
        let part = |name: &'static str| {
            let text = read.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| wrong(&format!("{name} is missing")))
        };
        let key = AssertionKey::parse_pem(&part("private_key")?, Some(Algorithm::Rs256)).map_err(|why| wrong(&why))?;
        let (key_id, name, token_url) = (part("private_key_id")?, part("client_email")?, part("token_uri")?);
        Ok(Self { key, key_id, name, token_url })
    }

    /// A token for the directory.
    async fn token(&self, outbound: &Outbound, (place, now): (&GoogleDirectory, Timestamp)) -> Result<String, Trouble> {
        let until = now.seconds().saturating_add(limits::ASSERTION_SECONDS);
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", json!(self.name)),
            ("sub", json!(place.administrator)),
            ("scope", json!(SCOPE)),
            ("aud", json!(self.token_url)),
            ("iat", json!(now.seconds())),
            ("exp", json!(until)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let header = Map::from_iter([("kid".to_owned(), Value::from(self.key_id.as_str()))]);
        let assertion = self.key.sign(header, &claims).map_err(|_| wrong("nothing could be signed with it"))?;
        let form = [("grant_type", GRANT), ("assertion", assertion.as_str())];
        let given = object(TOKEN_ENDPOINT, &outbound.post_form(&self.token_url, &form).await?)?;
        let token = given.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        token.map(str::to_owned).ok_or_else(|| Trouble::malformed(TOKEN_ENDPOINT, "it gave no token"))
    }
}

fn wrong(why: &str) -> Trouble {
    Trouble::Secret(format!("the key of the service account that asks the directory: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_groups_by_address_and_nothing_else() -> Result<(), Trouble> {
        let read = |page: Value| addresses(&page.as_object().cloned().unwrap_or_default());
        assert_eq!(read(json!({"groups": [{"email": "Data@example.com", "id": "1"}]}))?, ["data@example.com"]);
        assert_eq!(read(json!({"kind": "admin#directory#groups"}))?, Vec::<String>::new());
        for odd in [json!({"groups": {}}), json!({"groups": [{"id": "1"}]}), json!({"groups": [7]})] {
            assert!(read(odd.clone()).is_err(), "{odd}");
        }
        Ok(())
    }
}
