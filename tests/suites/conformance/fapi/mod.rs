//! What FAPI 2.0's profiles ask of a provider, as tables: clients that prove themselves with a key, requests that are
//! pushed and signed, tokens bound to a key, signed answers. Where Doorward takes more than a profile allows, because
//! other tools need it and nothing is lost, the row says so.

mod assertions;
mod flow;
mod objects;
mod proofs;
mod pushed;

use crate::house::{NOWHERE, VERIFIER, house, now, query, text, wishes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_testkit::http::{Answer, Request};
use doorward_tests::proof::Holder;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// A client assertion with header and claims changed (RFC 7523 §2.2), as form fields.
pub fn assertion(
    key: &Holder,
    client: &str,
    change: impl FnOnce(&mut Value, &mut Value),
) -> [(&'static str, String); 2] {
    let mut header = json!({"alg": "ES256", "kid": "own"});
    let mut claims = json!({"iss": client, "sub": client, "aud": house().issuer(), "iat": now(), "nbf": now(),
                            "exp": now() + 60, "jti": fresh()});
    change(&mut header, &mut claims);
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
    [("client_assertion_type", kind), ("client_assertion", key.sign(&header, &claims))]
}

/// A word that was never said before.
fn fresh() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", now(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The claims of a token, not proved.
pub fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// Takes a member away.
fn without(value: &mut Value, name: &str) {
    value.as_object_mut().expect("members").remove(name);
}

/// A client with a key.
pub struct Member {
    name: &'static str,
    key: &'static Holder,
}

impl Member {
    /// `fapi`, `fapi-two` or `signing`.
    pub fn new(name: &'static str) -> Member {
        let [first, second] = &house().keys;
        Member { name, key: if name == "fapi-two" { second } else { first } }
    }

    /// Calls an endpoint beside a good assertion.
    pub fn call(&self, endpoint: &str, form: &[(&str, &str)], proofs: &[String]) -> Answer {
        let own = assertion(self.key, self.name, |_, _| ());
        self.call_with(endpoint, form, &own, proofs)
    }

    fn call_with(
        &self,
        endpoint: &str,
        form: &[(&str, &str)],
        own: &[(&'static str, String)],
        proofs: &[String],
    ) -> Answer {
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = Request::new("POST", &house().endpoint(endpoint)).form(&[form, &own[..]].concat());
        proofs.iter().fold(request, |request, proof| request.header("DPoP", proof)).send()
    }

    /// Pushes the usual request with other wishes.
    pub fn push(&self, more: &[(&str, &str)]) -> Answer {
        self.call(PUSH, &wishes(self.name, more), &[])
    }

    /// Where a browser is sent with a pushed request.
    pub fn way(&self, pushed: &Answer) -> String {
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let pushed = pushed.json();
        let request = [("client_id", self.name), ("request_uri", text(&pushed, "/request_uri"))];
        format!("{}?{}", house().endpoint("auth"), query(&request))
    }

    /// Redeems a code beside proofs of possession.
    pub fn redeem(&self, code: &str, proofs: &[String]) -> Answer {
        self.redeem_with(code, VERIFIER, proofs)
    }

    fn redeem_with(&self, code: &str, verifier: &str, proofs: &[String]) -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", NOWHERE)];
        let verifier = [("code_verifier", verifier)];
        let verifier: &[(&str, &str)] = if verifier[0].1.is_empty() { &[] } else { &verifier };
        self.call("token", &[&form[..], verifier].concat(), proofs)
    }

    /// A request object with its claims changed.
    pub fn object(&self, change: impl FnOnce(&mut Value)) -> String {
        self.object_with(|_, claims| change(claims))
    }

    fn object_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let mut header = json!({"alg": "ES256", "kid": "own", "typ": "oauth-authz-req+jwt"});
        let mut claims =
            json!({"iss": self.name, "aud": house().issuer(), "iat": now(), "nbf": now(), "exp": now() + 300});
        for (name, value) in wishes(self.name, &[]) {
            claims[name] = json!(value);
        }
        change(&mut header, &mut claims);
        self.key.sign(&header, &claims)
    }
}

/// The endpoint that requests are pushed to.
const PUSH: &str = "ext/par/request";

/// A good proof for the token endpoint.
fn proof(holder: &Holder) -> String {
    holder.proof("POST", &house().endpoint("token"), now(), &[])
}
