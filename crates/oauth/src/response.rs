//! Where an authorization response goes and what it looks like on the way. Takes verified redirect URIs
//! only. RFC 6749 §4.1.2 and §4.2.2, OAuth 2.0 Form Post Response Mode §2.

use crate::authorize::ResponseMode;
use crate::form::encode;
use crate::redirect::VerifiedRedirect;

/// How the browser is to be sent. It may hold a code or tokens, so it does not print.
pub enum Delivery {
    /// By this address, in a `Location` header.
    Redirect(String),
    /// By posting a form.
    Form {
        /// Where the form goes.
        action: String,
        /// Its hidden fields, in order; not escaped yet.
        fields: Vec<(String, String)>,
    },
}

/// Puts an answer's parameters on their way. A query that the redirect URI already has is kept
/// (RFC 6749 §3.1.2). Without parameters the address stays as it was registered.
pub fn redirect_target(to: &VerifiedRedirect, mode: ResponseMode, answer: &[(&str, &str)]) -> Delivery {
    let uri = to.as_str();
    match mode {
        ResponseMode::Query | ResponseMode::Fragment if answer.is_empty() => Delivery::Redirect(uri.to_owned()),
        ResponseMode::Query => {
            let joint = match uri.split_once('?') {
                None => "?",
                Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
                Some(_) => "&",
            };
            Delivery::Redirect(format!("{uri}{joint}{}", encode(answer)))
        }
        ResponseMode::Fragment => Delivery::Redirect(format!("{uri}#{}", encode(answer))),
        ResponseMode::FormPost => Delivery::Form {
            action: uri.to_owned(),
            fields: answer.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, redirect_target};
    use crate::authorize::ResponseMode;
    use crate::redirect::{Http, RedirectRule, VerifiedRedirect};

    const ANSWER: [(&str, &str); 2] = [("code", "a+b/c="), ("state", "x y&\u{e9}#\r\n\"")];

    fn sent(uri: &str, mode: ResponseMode) -> Option<Delivery> {
        let rule = RedirectRule::parse_exact(uri, Http::Allowed).or_else(|_| RedirectRule::parse_relative(uri)).ok()?;
        let to = VerifiedRedirect::find(&[rule], Some(uri)).ok()?;
        Some(redirect_target(&to, mode, &ANSWER))
    }

    fn location(uri: &str, mode: ResponseMode) -> Option<String> {
        match sent(uri, mode) {
            Some(Delivery::Redirect(location)) => Some(location),
            Some(Delivery::Form { .. }) | None => None,
        }
    }

    #[test]
    fn an_answer_in_the_query_keeps_what_is_there() {
        let answer = "code=a%2Bb%2Fc%3D&state=x+y%26%C3%A9%23%0D%0A%22";
        for (uri, joint) in [
            ("https://app.example.com/cb", "?"),
            ("https://app.example.com", "?"),
            ("https://app.example.com/cb?", ""),
            ("https://app.example.com/cb?tenant=a", "&"),
            ("https://app.example.com/cb?tenant=a&", ""),
            ("https://app.example.com/cb?a=b?c", "&"),
            ("com.example.app:/cb", "?"),
            ("myapp://cb", "?"),
            ("/oauth2/callback", "?"),
        ] {
            assert_eq!(location(uri, ResponseMode::Query), Some(format!("{uri}{joint}{answer}")));
        }
    }

    #[test]
    fn nothing_to_tell_leaves_the_address_as_it_is() {
        for uri in ["https://app.example.com/bye", "https://app.example.com/bye?a=b"] {
            let rule = RedirectRule::parse_exact(uri, Http::Allowed).ok();
            let to = VerifiedRedirect::find(rule.as_slice(), Some(uri)).ok();
            for mode in [ResponseMode::Query, ResponseMode::Fragment] {
                let sent = to.as_ref().map(|to| redirect_target(to, mode, &[]));
                assert!(matches!(sent, Some(Delivery::Redirect(location)) if location == uri), "{uri}");
            }
        }
    }

    #[test]
    fn an_answer_in_the_fragment_leaves_the_query_alone() {
        let answer = "code=a%2Bb%2Fc%3D&state=x+y%26%C3%A9%23%0D%0A%22";
        for uri in ["https://app.example.com/cb", "https://app.example.com/cb?a=b", "myapp://cb"] {
            assert_eq!(location(uri, ResponseMode::Fragment), Some(format!("{uri}#{answer}")));
        }
    }

    #[test]
    fn an_answer_by_form_is_a_list_of_fields() {
        let uri = "https://app.example.com/cb?a=b";
        let Some(Delivery::Form { action, fields }) = sent(uri, ResponseMode::FormPost) else {
            panic!("not a form");
        };
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((action.as_str(), fields.as_slice()), (uri, ANSWER.as_slice()));
    }
}
