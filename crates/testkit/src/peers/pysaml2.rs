//! pysaml2 as an identity provider: it reads requests out of the addresses browsers are sent to, checks who signed them by
//! the party's metadata, and writes what would be posted or where browsers would be sent. It has no pages.

use super::lines::Lines;
use crate::scratch::Scratch;
use serde_json::{Value, json};

const PROGRAM: &str = include_str!("pysaml2.py");

/// The running provider.
pub struct Pysaml2(Lines);

/// How an answer is made.
#[derive(Clone, Copy, Debug)]
pub struct Pysaml2Way<'a> {
    /// What is signed: `response`, `assertion`.
    pub signed: &'a [&'a str],
    /// How the assertion is encrypted, if it is: `usual`, as pysaml2 does, or `gcm`.
    pub cipher: Option<&'a str>,
}

impl Pysaml2 {
    /// Starts one that signs with a key and shows its certificate, both in PEM; it knows no party yet.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start((key, certificate): (&str, &str)) -> Pysaml2 {
        let scratch = Scratch::new("pysaml2");
        scratch.write("provider.pem", key);
        scratch.write("provider.crt", certificate);
        Pysaml2(Lines::start("provider", PROGRAM, scratch))
    }

    /// What it publishes.
    ///
    /// # Panics
    /// When the program breaks.
    pub fn metadata(&mut self) -> String {
        let told = self.0.ask(&json!({"verb": "metadata"}));
        told["metadata"].as_str().unwrap_or_else(|| panic!("no metadata in {told}")).to_owned()
    }

    /// Lets it know a party by that party's metadata.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn know(&self, metadata: &str) {
        self.0.scratch().write("party.xml", metadata);
    }

    /// Answers the request to sign in that an address carries, for somebody of whom these attributes are said: `message`
    /// and `destination`, or why it is `refused`.
    pub fn answer(&mut self, address: &str, (person, attributes): (&str, &Value), way: Pysaml2Way<'_>) -> Value {
        self.0.ask(&json!({
            "verb": "answer", "address": address, "person": person, "attributes": attributes,
            "signed": way.signed, "cipher": way.cipher,
        }))
    }

    /// Asks a party to sign somebody out of sessions: `id` and `address`.
    pub fn ask_out(&mut self, (party, destination): (&str, &str), person: &str, sessions: &[String]) -> Value {
        self.0.ask(&json!({
            "verb": "ask_out", "party": party, "destination": destination, "person": person, "sessions": sessions,
        }))
    }

    /// Reads the party's answer to that out of an address: whose request it `answers`, and the `status`.
    pub fn told_out(&mut self, address: &str) -> Value {
        self.0.ask(&json!({"verb": "told_out", "address": address}))
    }

    /// Answers a party's request to sign somebody out: `person`, `sessions`, and the `address` that leads back.
    pub fn asked_out(&mut self, address: &str) -> Value {
        self.0.ask(&json!({"verb": "asked_out", "address": address}))
    }
}
