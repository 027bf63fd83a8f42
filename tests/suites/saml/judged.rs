//! Answers judged by the function that judges them, without a door around it: fast enough for every row and for tens of
//! thousands of mutants.

use crate::forge::{COMPANY, Claims, Signer, now};
use crate::hostile::rows;
use doorward_saml::certificate::Key;
use doorward_saml::identity::identity;
use doorward_saml::own_key::OwnKeys;
use doorward_saml::response::{Asked, Proved, Request, check};
use doorward_saml::trouble::Trouble;
use serde_json::json;
use std::time::Instant;

pub const ENDPOINT: &str = "https://door.example/realms/main/broker/company/endpoint";
pub const REQUEST: &str = "_request-1";

/// A judge with the company's key.
pub struct Judge {
    pub signer: Signer,
    pub own: OwnKeys,
    /// Our own key as it is kept.
    pub secret: String,
    keys: Vec<Key>,
    pub requests: Vec<Request>,
    pub signed: (bool, bool),
    pub unsolicited: bool,
    pub contexts: Vec<String>,
    pub subject_attribute: Option<String>,
}

impl Judge {
    pub fn new() -> Judge {
        let signer = Signer::new();
        let made = doorward_jose::self_signed::make("door", now()).unwrap_or_else(|_| panic!("no key"));
        let keys = vec![Key::of_certificate(&signer.certificate).expect("a certificate")];
        let requests = vec![Request { id: REQUEST.to_owned(), fresh_since: None }];
        let settings = serde_json::from_value(json!({"entity_id": COMPANY})).expect("settings");
        let own = OwnKeys::open(&settings, &made).expect("a key");
        let secret = made.to_string();
        let signed = (false, false);
        let (unsolicited, contexts, subject_attribute) = (false, Vec::new(), None);
        Judge { signer, own, secret, keys, requests, signed, unsolicited, contexts, subject_attribute }
    }

    /// Who an answer proves.
    pub fn who(&self, message: &[u8]) -> Result<String, Trouble> {
        let proved = self.proved(message)?;
        let settings = json!({"entity_id": COMPANY, "subject_attribute": self.subject_attribute});
        let settings = serde_json::from_value(settings).expect("settings");
        let identity = identity(&settings, ENDPOINT, &proved)?;
        // What is told of somebody is told of the same one.
        assert_eq!(identity.name.as_deref(), Some(identity.subject.as_str()));
        Ok(identity.subject)
    }

    /// What an answer says.
    pub fn proved(&self, message: &[u8]) -> Result<Proved, Trouble> {
        let asked = Asked {
            provider: COMPANY,
            audience: ENDPOINT,
            endpoint: ENDPOINT,
            now: now(),
            tolerance: 60,
            requests: &self.requests,
            unsolicited: self.unsolicited,
            signed: self.signed,
            contexts: &self.contexts,
            keys: &self.keys,
            own: &self.own,
        };
        check(message, &asked)
    }
}

#[test]
fn gauntlet_b6_no_hostile_answer_proves_anybody() {
    let judge = Judge::new();
    let genuine = Claims::new(ENDPOINT, REQUEST);
    assert_eq!(judge.who(genuine.genuine(&judge.signer).as_bytes()), Ok("ada".to_owned()));
    let whole = genuine.response_signed(&judge.signer, &genuine.assertion(""));
    assert_eq!(judge.who(whole.as_bytes()), Ok("ada".to_owned()));
    let both = genuine.response_signed(&judge.signer, &genuine.signed(&judge.signer));
    assert_eq!(judge.who(both.as_bytes()), Ok("ada".to_owned()));
    let all = rows(ENDPOINT, REQUEST, &judge.signer);
    let taken: Vec<_> = all
        .iter()
        .filter_map(|row| judge.who(row.message.as_bytes()).ok().map(|who| format!("{} as {who}", row.name)))
        .collect();
    println!("{} hostile answers", all.len());
    assert!(taken.is_empty(), "taken: {taken:#?}");
}

#[test]
fn gauntlet_b6_11_what_must_be_signed_is() {
    let mut judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    let (plain, signed) = (claims.assertion(""), claims.signed(&judge.signer));
    let (assertion, whole) = (claims.response("", &signed), claims.response_signed(&judge.signer, &plain));
    let both = claims.response_signed(&judge.signer, &signed);
    for (must, taken) in [
        ((false, false), [true, true, true]),
        ((true, false), [true, false, true]),
        ((false, true), [false, true, true]),
        ((true, true), [false, false, true]),
    ] {
        judge.signed = must;
        let found = [&assertion, &whole, &both].map(|message| judge.who(message.as_bytes()).is_ok());
        assert_eq!(found, taken, "{must:?}");
    }
}

#[test]
fn gauntlet_b6_19_messages_that_would_take_long_are_judged_at_once() {
    let judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    let genuine = claims.genuine(&judge.signer);
    let into = |text: &str| genuine.replace("<saml:AttributeStatement>", &format!("<saml:AttributeStatement>{text}"));
    let signature = claims.signed(&judge.signer);
    let attributes = |count: usize| (0..count).map(|number| format!(" a{number}=\"\"")).collect::<String>();
    let namespaces =
        |count: usize| (0..count).map(|number| format!(" xmlns:n{number}=\"urn:{number}\"")).collect::<String>();
    let entities =
        (0..9).map(|n| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10))).collect::<String>();
    for (name, message) in [
        ("nesting", format!("{}x{}", "<a>".repeat(100_000), "</a>".repeat(100_000))),
        ("attributes", format!("<a{}/>", attributes(100_000))),
        ("attributes below the size", into(&format!("<b{}></b>", attributes(20_000)))),
        ("namespaces", into(&format!("<b{}></b>", namespaces(5_000)))),
        ("many namespaces", into(&format!("<b{}></b>", namespaces(60)).repeat(150))),
        ("signatures", genuine.replace("<samlp:Status>", &format!("{}<samlp:Status>", signature.repeat(70)))),
        ("many signatures", format!("<r>{}</r>", signature.repeat(10_000))),
        ("laughs", format!("<!DOCTYPE r [<!ENTITY e0 \"ha\">{entities}]><r>&e9;</r>")),
        ("elements", into(&"<b></b>".repeat(30_000))),
        (
            "values",
            into(
                &"<saml:Attribute Name=\"x\"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>"
                    .repeat(2_000),
            ),
        ),
        ("open tags", "<a ".repeat(80_000)),
        ("less", "<".repeat(250_000)),
        ("ampersands", format!("<a>{}</a>", "&amp;".repeat(50_000))),
        (
            "prefixes",
            into(&"<b></b>".repeat(4_000)).replacen(
                "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>",
                &format!(
                    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
                     xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{}\"/></ds:Transform>",
                    (0..1_300).map(|number| format!("p{number} ")).collect::<String>()
                ),
                1,
            ),
        ),
    ] {
        let began = Instant::now();
        assert!(judge.who(message.as_bytes()).is_err(), "{name}");
        let took = began.elapsed().as_millis();
        assert!(took < 1_000, "{name} took {took} ms");
        println!("{name}: {took} ms");
    }
}
