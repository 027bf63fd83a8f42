//! Which headers are asked, told and removed. Tools behind CGI-like interfaces (RFC 3875 §4.1.18) read
//! `X_Auth_User`, `X.Auth.User` or `X!Auth!User` as `X-Auth-User`, so a name is managed in all these
//! spellings: every hyphen may be any character that is neither letter nor digit.

use super::RecipeFacts;
use doorward_model::app::HeaderFamily;

/// What the gate needs to know of a request, where a proxy passes only what it is told to pass.
pub(super) const ASKED: [&str; 10] = [
    "cookie",
    "authorization",
    "accept",
    "x-requested-with",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "upgrade",
    "content-type",
    "user-agent",
    "origin",
];

/// Every answer that lets in has these two: what is left of the client's own once Doorward's passes and
/// tokens are taken out, or the identity token. Empty when nothing is left. The gate has to see the
/// client's own first, so they cannot be removed from the request before the question.
pub(super) const OVERWRITTEN: [&str; 2] = ["cookie", "authorization"];

/// Every name of every family: removed from requests, chosen or not.
pub(super) fn managed() -> Vec<&'static str> {
    HeaderFamily::ALL.iter().flat_map(|family| family.names().iter().copied()).collect()
}

/// One regular expression per family that fits its names in all spellings, lower case.
pub(super) fn lookalikes() -> Vec<String> {
    HeaderFamily::ALL
        .iter()
        .map(|family| {
            let names: Vec<String> = family.names().iter().map(|name| name.replace('-', "[^a-z0-9]")).collect();
            format!("^({})$", names.join("|"))
        })
        .collect()
}

/// Characters of a header name beside letters, digits and the hyphen (RFC 9110 §5.6.2).
pub(super) const ODD_CHARACTERS: &str = "!#$%&'*+.^_`|~";

/// `x-auth-request-user` as people write it: `X-Auth-Request-User`.
pub(super) fn capitalised(name: &str) -> String {
    let words: Vec<String> = name
        .split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect();
    words.join("-")
}

impl RecipeFacts<'_> {
    /// Names the tool is told in Doorward's words, lower case. [`OVERWRITTEN`] comes last.
    pub(super) fn told(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for name in self.families.iter().flat_map(|family| family.names()) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names.extend(OVERWRITTEN);
        names
    }
}
