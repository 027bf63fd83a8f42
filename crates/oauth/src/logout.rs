//! Addresses at which clients hear that somebody signed out, and what is added to the ones for browsers.
//! OIDC Back-Channel Logout §2.2, OIDC Front-Channel Logout §2, §3.

use crate::form::encode;
use crate::limits;
use url::{Host, Url};

/// Why an address is not one at which a client may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum BadLogoutUri {
    #[error("it is no absolute URL; write https://app.example.com/logout")]
    NotAbsolute,
    #[error("it travels unencrypted; use https, or http on this machine, http://127.0.0.1:PORT")]
    Unencrypted,
    #[error("it has a fragment; remove what follows #")]
    Fragment,
    #[error("it holds a user name or password; remove it")]
    UserInfo,
    #[error("it is too long; write at most 2048 bytes")]
    TooLong,
}

/// Reads such an address into its one spelling.
///
/// # Errors
/// What is wrong with it, and behind `; ` what to do.
pub fn logout_uri(text: &str) -> Result<String, BadLogoutUri> {
    if text.len() > limits::REDIRECT_URI_BYTES {
        return Err(BadLogoutUri::TooLong);
    }
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let url = Url::parse(text).ok().filter(|_| !text.contains(strange)).ok_or(BadLogoutUri::NotAbsolute)?;
    let Some(host) = url.host() else { return Err(BadLogoutUri::NotAbsolute) };
    let is_here = match host {
        // Nobody looks these names up.
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        "http" => return Err(BadLogoutUri::Unencrypted),
        _ => return Err(BadLogoutUri::NotAbsolute),
    }
    // The parser drops an empty user name; the sign of one is refused as well.
    let authority = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.contains('@') {
        return Err(BadLogoutUri::UserInfo);
    }
    if text.contains('#') {
        return Err(BadLogoutUri::Fragment);
    }
    Ok(url.to_string())
}

/// Whether an address in clear is one of this machine's own, as everything that connects to it reads it.
pub fn is_in_clear_here(text: &str) -> bool {
    // Read in two ways: a `\\` is a part of a name to some and its end to others.
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let Some(url) = Url::parse(text).ok().filter(|url| url.scheme() == "http" && !text.contains(strange)) else {
        return false;
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    !has_user
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// The origin of such an address, as it stands in a page's policy.
pub fn origin(uri: &str) -> Option<String> {
    Url::parse(uri).ok().map(|url| url.origin().ascii_serialization())
}

/// The address for a browser's frame, with who tells and of which session (Front-Channel Logout §3).
pub fn in_frame(uri: &str, issuer: &str, session: &str) -> String {
    let sign = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{sign}{}", encode(&[("iss", issuer), ("sid", session)]))
}

#[cfg(test)]
mod tests {
    use super::{BadLogoutUri, in_frame, logout_uri, origin};

    #[test]
    fn addresses_are_encrypted_or_on_this_machine() {
        for good in [
            "https://app.example.com/logout",
            "https://app.example.com:8443/?a=b",
            "http://127.0.0.1:9/x",
            "http://[::1]:9/",
            "http://app.localhost:9/x",
        ] {
            assert_eq!(logout_uri(good).as_deref(), Ok(good));
        }
        assert_eq!(logout_uri("https://App.Example.com").as_deref(), Ok("https://app.example.com/"));
        for (bad, why) in [
            ("", BadLogoutUri::NotAbsolute),
            ("/logout", BadLogoutUri::NotAbsolute),
            ("//app.example.com/x", BadLogoutUri::NotAbsolute),
            ("https:\\\\app.example.com", BadLogoutUri::NotAbsolute),
            ("https://app.example.com/a b", BadLogoutUri::NotAbsolute),
            ("javascript:alert(1)", BadLogoutUri::NotAbsolute),
            ("ftp://app.example.com/", BadLogoutUri::NotAbsolute),
            ("http://app.example.com/x", BadLogoutUri::Unencrypted),
            ("http://127.0.0.1.example.com/x", BadLogoutUri::Unencrypted),
            ("http://app.localhost.example.com/x", BadLogoutUri::Unencrypted),
            ("https://app.example.com/#x", BadLogoutUri::Fragment),
            ("https://app.example.com/#", BadLogoutUri::Fragment),
            ("https://u:p@app.example.com/", BadLogoutUri::UserInfo),
            ("https://@app.example.com/", BadLogoutUri::UserInfo),
        ] {
            assert_eq!(logout_uri(bad), Err(why), "{bad}");
        }
        assert_eq!(logout_uri(&format!("https://a.x/{}", "a".repeat(2048))), Err(BadLogoutUri::TooLong));
    }

    #[test]
    fn a_frame_is_told_who_tells_and_of_what() {
        let told = in_frame("https://a.x/out?b=c", "https://door.example.com/realms/main", "ses_1");
        assert_eq!(told, "https://a.x/out?b=c&iss=https%3A%2F%2Fdoor.example.com%2Frealms%2Fmain&sid=ses_1");
        assert!(in_frame("https://a.x/out", "i", "s").ends_with("/out?iss=i&sid=s"));
        assert_eq!(origin("https://a.x:8443/out?b").as_deref(), Some("https://a.x:8443"));
    }
}
