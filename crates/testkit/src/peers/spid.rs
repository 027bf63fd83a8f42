//! spid-sp-test, which judges service providers: its answers of a provider, genuine ones and others, written for requests
//! that somebody else made.

use super::lines::Lines;
use crate::scratch::Scratch;
use serde_json::{Value, json};

const PROGRAM: &str = include_str!("spid.py");

/// The running program.
pub struct Spid(Lines);

/// What a test of it sends.
#[derive(Clone, Debug)]
pub struct SpidAnswer {
    /// Whether it has to be taken; where spid-sp-test leaves that open, nothing.
    pub is_good: Option<bool>,
    /// The message.
    pub message: String,
}

impl Spid {
    /// Starts one that signs with a key in PEM.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(key: &str) -> Spid {
        let scratch = Scratch::new("spid");
        scratch.write("key.pem", key);
        Spid(Lines::start("spid", PROGRAM, scratch))
    }

    /// The names of its tests.
    ///
    /// # Panics
    /// When the program breaks.
    pub fn names(&mut self) -> Vec<String> {
        let told = self.0.ask(&json!({}));
        told.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// What one of its tests sends as the answer to a request, from a provider. With `is_persistent` the person's name is
    /// one for ever, else it is another one each time.
    ///
    /// # Panics
    /// When the program breaks.
    pub fn answer(&mut self, name: &str, (provider, request): (&str, &str), is_persistent: bool) -> SpidAnswer {
        let told = self.0.ask(&json!({
            "test": name, "request": request, "provider": provider, "persistent": is_persistent,
        }));
        let message = told["message"].as_str().unwrap_or_else(|| panic!("no message in {told}"));
        SpidAnswer { is_good: told["good"].as_bool(), message: message.to_owned() }
    }
}
