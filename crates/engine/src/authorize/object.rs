//! Request objects: the parameters of a request, signed by the client with a key registered for it. Nothing of one
//! counts before the signature does, and unsigned ones are not taken. RFC 9101, OIDC Core §6.1.

use crate::clients::Client;
use crate::door::Door;
use crate::token::mint;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_model::limits::REQUEST_OBJECT_SECONDS;
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_oauth::authorize::{PARAMETERS, query_of};
use doorward_oauth::error::{ErrorCode, OAuthError};
use serde_json::Value;

/// What a request object may say it is (RFC 9101 §4, §10.8): another kind of token is not one.
const KINDS: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];
/// Parameters that are JSON themselves, so that an object may hold them as they are.
const OF_JSON: [&str; 2] = ["claims", "authorization_details"];

/// The parameters in a request object of a client, as a query, if it is good at a time.
pub(super) fn open(
    door: &Door,
    realm: &Realm,
    client: &Client,
    (text, at): (&str, Timestamp),
) -> Result<String, OAuthError> {
    let claims = signed(client, text)?;
    check(&claims, client, &mint::issuer_for(door, realm.name.as_str(), client), at)?;
    stated(client, &claims)
}

fn signed(client: &Client, text: &str) -> Result<Claims, OAuthError> {
    let Some(jwks) = &client.settings.jwks else {
        return Err(refuse("this client has no keys registered that a request object could be checked with"));
    };
    let presented = Presented::read(text).map_err(bad)?;
    let header = presented.header();
    if header.typ().is_some() && !KINDS.iter().any(|kind| header.is(kind)) {
        return Err(refuse("typ of a request object is oauth-authz-req+jwt"));
    }
    let keys = KeySet::parse(jwks).map_err(|why| refuse(format!("the keys registered for this client: {why}")))?;
    presented.verify(keys.find_for(header).map_err(bad)?).map_err(bad)
}

fn check(claims: &Claims, client: &Client, issuer: &str, at: Timestamp) -> Result<(), OAuthError> {
    let name = client.name.as_str();
    if claims.issuer().map_err(bad)? != name {
        return Err(refuse("iss of a request object must be the client_id"));
    }
    if !claims.audiences().map_err(bad)?.contains(&issuer) {
        return Err(refuse("aud of a request object must be, or contain, the issuer in the metadata"));
    }
    if claims.text("sub").map_err(bad)? == Some(name) {
        return Err(refuse(
            "a request object with the client as sub could be taken for the client itself; leave it out",
        ));
    }
    claims.check_times(at.seconds(), Skew::USUAL).map_err(bad)?;
    let end = claims.times().map_err(bad)?.exp.unwrap_or(i64::MAX);
    if end > at.plus_seconds(REQUEST_OBJECT_SECONDS).seconds() {
        return Err(refuse(format!("exp of a request object may lie at most {REQUEST_OBJECT_SECONDS} seconds ahead")));
    }
    if claims.text("client_id").map_err(bad)? != Some(name) {
        return Err(refuse("client_id in a request object must be there and be that of the request"));
    }
    if ["request", "request_uri"].iter().any(|inner| claims.get(inner).is_some()) {
        return Err(refuse("a request object may not hold request or request_uri"));
    }
    Ok(())
}

/// Its members that are parameters, in our order: what else it holds is about the object, not the request.
fn stated(client: &Client, claims: &Claims) -> Result<String, OAuthError> {
    let mut pairs: Vec<(&str, String)> = vec![("client_id", client.name.to_string())];
    for name in PARAMETERS.into_iter().filter(|name| *name != "client_id") {
        match claims.get(name) {
            None => {}
            Some(Value::String(text)) => pairs.push((name, text.clone())),
            Some(Value::Number(number)) if name == "max_age" => pairs.push((name, number.to_string())),
            Some(value @ (Value::Object(_) | Value::Array(_))) if OF_JSON.contains(&name) => {
                pairs.push((name, value.to_string()));
            }
            Some(Value::Array(list)) if name == "resource" => {
                for value in list {
                    let text = value.as_str().ok_or_else(|| refuse("resource is a text, or a list of texts"))?;
                    pairs.push((name, text.to_owned()));
                }
            }
            Some(_) => return Err(refuse(format!("{name} in a request object must be a text"))),
        }
    }
    Ok(query_of(pairs.iter().map(|(name, text)| (*name, text.as_str()))))
}

fn bad(why: BadToken) -> OAuthError {
    refuse(why.to_string())
}

fn refuse(sentence: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequestObject, sentence)
}
