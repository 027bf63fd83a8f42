//! The modules of the OpenID Foundation's suite for providers, by their names. Codes are redeemed by a relying party
//! that checks every answer: signature, `iss`, `aud`, `nonce`, `auth_time`, `at_hash`, and `iss` and `state` beside the
//! code.
//!
//! Where Doorward answers otherwise than most providers, and the suite lets it, the module asserts that answer:
//! requests without a signature are refused, and nothing is signed with `none`.

mod basic;
mod config;
mod logout;
mod objects;
mod prompts;
mod registration;
mod scopes;
mod tokens;

use crate::house::{Browser, End, house, query, text};
use serde_json::Value;

/// Lists modules of a plan, and of the same plan with answers sent as forms (`oidcc-formpost-basic-…`).
macro_rules! plans {
    ($($module:ident)*) => {
        mod basic_plan {
            $(#[test] fn $module() { super::$module(""); })*
        }
        mod form_post_plan {
            $(#[test] fn $module() { super::$module("form_post"); })*
        }
    };
}
pub(crate) use plans;

/// One browser at the relying party that checks everything.
struct Run {
    browser: Browser,
    mode: &'static str,
}

impl Run {
    /// `mode` is how answers travel; empty for the usual way.
    fn new(mode: &'static str) -> Run {
        Run { browser: Browser::default(), mode }
    }

    /// Where the relying party begins, with wishes of the module's.
    fn start(&self, more: &[(&str, &str)]) -> String {
        let more = [&[("response_mode", self.mode)], more].concat();
        format!("{}?{}", house().basic.url("/login"), query(&more))
    }

    /// Goes as far as the browser gets by itself.
    fn ask(&mut self, more: &[(&str, &str)]) -> End {
        let start = self.start(more);
        self.browser.open(&start)
    }

    /// What the relying party was content with, after signing in if that was asked.
    fn content(&mut self, more: &[(&str, &str)]) -> Value {
        let end = self.ask(more);
        let end = if end.asks_for_a_password() { self.browser.sign_in(&end) } else { end };
        content(&end)
    }

    /// The same without anybody being asked anything.
    fn silent(&mut self, more: &[(&str, &str)]) -> Value {
        content(&self.ask(more))
    }

    /// The error that the relying party was sent, with everything that has to stand beside it.
    fn refused(&mut self, more: &[(&str, &str)]) -> String {
        let end = self.ask(more);
        let told = end.answer.json();
        assert_eq!(text(&told, "/name"), "AuthorizationResponseError", "{told:#}");
        text(&told, "/error").to_owned()
    }
}

fn content(end: &End) -> Value {
    assert_eq!(end.answer.status, 200, "{}: {}", end.url, end.answer.text());
    let told = end.answer.json();
    assert_eq!(text(&told, "/claims/aud"), "certified", "{told:#}");
    assert_eq!(text(&told, "/claims/sub"), text(&told, "/userinfo/sub"));
    told
}

fn auth_time(told: &Value) -> i64 {
    told.pointer("/claims/auth_time").and_then(Value::as_i64).unwrap_or_else(|| panic!("no auth_time: {told:#}"))
}
