//! Setting and clearing our cookies. Over TLS every one is bound to its exact host by name; none is
//! readable by scripts or sent by other sites' forms (RFC 6265bis §4.1).

use doorward_engine::live::apps::Place;
use doorward_gate::ask;
use doorward_model::address::{Address, HostName, Scheme};
use doorward_model::limits;
use doorward_model::name::ConnectorName;
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use http::{HeaderMap, HeaderValue};

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The session, on Doorward's own host.
    Session,
    /// The browser's secret: proves forms and binds flows (own host) and tickets (app hosts).
    Browser,
    /// The browser has signed in before.
    Device,
}

impl Cookie {
    /// Its name under a scheme.
    pub fn name(self, scheme: Scheme) -> &'static str {
        match (self, scheme) {
            (Self::Session, Scheme::Https) => "__Host-doorward_session",
            (Self::Session, Scheme::Http) => "doorward_session",
            (Self::Browser, Scheme::Https) => "__Host-doorward_browser",
            (Self::Browser, Scheme::Http) => "doorward_browser",
            (Self::Device, Scheme::Https) => "__Host-doorward_device",
            (Self::Device, Scheme::Http) => "doorward_device",
        }
    }

    fn kind(self) -> TokenKind {
        match self {
            Self::Session => TokenKind::Session,
            Self::Browser => TokenKind::Binding,
            Self::Device => TokenKind::Device,
        }
    }

    /// The well-formed value a request carries, with its hash.
    pub fn read(self, headers: &HeaderMap, scheme: Scheme) -> Option<(String, TokenHash)> {
        ask::cookies(headers, self.name(scheme))
            .find_map(|text| TokenHash::of_presented(self.kind(), text).map(|hash| (text.to_owned(), hash)))
    }

    /// Sets it for an address. `keep_seconds` beyond the closing of the browser, or until then.
    pub fn set(self, headers: &mut HeaderMap, address: &Address, value: &str, keep_seconds: Option<i64>) {
        append(headers, &line(self.name(address.scheme()), value, address.scheme(), keep_seconds, None));
    }

    /// Clears it.
    pub fn clear(self, headers: &mut HeaderMap, scheme: Scheme) {
        append(headers, &line(self.name(scheme), "", scheme, Some(0), None));
    }
}

/// How long a browser's secret lives, in seconds.
pub const BROWSER_SECONDS: i64 = limits::BINDING_SECONDS;

/// Sets the pass of an app on its own host; its label keeps apps of one host apart.
pub fn set_pass(headers: &mut HeaderMap, place: &Place, value: &PlainToken, keep_seconds: Option<i64>) {
    let scheme = place.address.scheme();
    let name = format!("{}_{}", ask::pass_cookie(scheme), place.label);
    append(headers, &line(&name, value.reveal(), scheme, keep_seconds, None));
}

/// The name of a place for a way to a provider that answers from another site, where the answer cannot carry it.
pub fn attempt_name(scheme: Scheme, slot: usize) -> String {
    match scheme {
        Scheme::Https => format!("__Host-doorward_attempt{slot}"),
        Scheme::Http => format!("doorward_attempt{slot}"),
    }
}

/// Keeps a way to a provider.
pub fn set_attempt(headers: &mut HeaderMap, scheme: Scheme, (slot, text): (usize, &str), keep_seconds: i64) {
    append(headers, &line(&attempt_name(scheme, slot), text, scheme, Some(keep_seconds), None));
}

/// Clears the pass of an app.
pub fn clear_pass(headers: &mut HeaderMap, place: &Place) {
    let scheme = place.address.scheme();
    append(headers, &line(&format!("{}_{}", ask::pass_cookie(scheme), place.label), "", scheme, Some(0), None));
}

/// Sets the pass shared by a parent domain.
pub fn set_shared(headers: &mut HeaderMap, scheme: Scheme, domain: &HostName, value: &PlainToken, keep: Option<i64>) {
    append(headers, &line(ask::shared_cookie(scheme), value.reveal(), scheme, keep, Some(domain)));
}

/// Clears the pass shared by a parent domain.
pub fn clear_shared(headers: &mut HeaderMap, scheme: Scheme, domain: &HostName) {
    append(headers, &line(ask::shared_cookie(scheme), "", scheme, Some(0), Some(domain)));
}

fn way_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "__Host-doorward_way",
        Scheme::Http => "doorward_way",
    }
}

/// Remembers which connector somebody came through, for the order on the sign-in page. It proves nothing.
pub fn set_way(headers: &mut HeaderMap, scheme: Scheme, connector: &ConnectorName, keep_seconds: i64) {
    append(headers, &line(way_cookie(scheme), connector.as_str(), scheme, Some(keep_seconds), None));
}

/// The connector somebody came through last.
pub fn way(headers: &HeaderMap, scheme: Scheme) -> Option<ConnectorName> {
    ask::cookies(headers, way_cookie(scheme)).find_map(|text| ConnectorName::parse(text).ok())
}

/// How long somebody who wants another account may take to come in with it, in seconds.
const ANOTHER_SECONDS: i64 = 10 * 60;

fn another_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "__Host-doorward_another",
        Scheme::Http => "doorward_another",
    }
}

/// Remembers that somebody wants to come in with another account, so that a provider is told to ask. It proves nothing.
pub fn set_another(headers: &mut HeaderMap, scheme: Scheme) {
    append(headers, &line(another_cookie(scheme), "yes", scheme, Some(ANOTHER_SECONDS), None));
}

/// Whether they do.
pub fn wants_another(headers: &HeaderMap, scheme: Scheme) -> bool {
    ask::cookies(headers, another_cookie(scheme)).any(|text| text == "yes")
}

/// Clears it.
pub fn clear_another(headers: &mut HeaderMap, scheme: Scheme) {
    append(headers, &line(another_cookie(scheme), "", scheme, Some(0), None));
}

/// How long a way out to a provider and back may take, in seconds.
const PARTING_SECONDS: i64 = 10 * 60;

fn parting_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "__Host-doorward_parting",
        Scheme::Http => "doorward_parting",
    }
}

/// Sets what says where a browser goes after signing out at a provider, sealed.
pub fn set_parting(headers: &mut HeaderMap, address: &Address, text: &str) {
    let scheme = address.scheme();
    append(headers, &line(parting_cookie(scheme), text, scheme, Some(PARTING_SECONDS), None));
}

/// The same, as a request carries it.
pub fn read_parting(headers: &HeaderMap, scheme: Scheme) -> Option<String> {
    ask::cookies(headers, parting_cookie(scheme)).next().map(str::to_owned)
}

/// Clears it.
pub fn clear_parting(headers: &mut HeaderMap, scheme: Scheme) {
    append(headers, &line(parting_cookie(scheme), "", scheme, Some(0), None));
}

fn line(name: &str, value: &str, scheme: Scheme, keep_seconds: Option<i64>, domain: Option<&HostName>) -> String {
    let mut line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    if scheme == Scheme::Https {
        line.push_str("; Secure");
    }
    if let Some(domain) = domain {
        line.push_str(&format!("; Domain={domain}"));
    }
    if let Some(seconds) = keep_seconds {
        line.push_str(&format!("; Max-Age={}", seconds.max(0)));
    }
    line
}

fn append(headers: &mut HeaderMap, line: &str) {
    if let Ok(mut value) = HeaderValue::from_str(line) {
        value.set_sensitive(true);
        headers.append(http::header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Cookie, Scheme, ask, line, parting_cookie};

    #[test]
    fn gauntlet_b10_05_over_tls_every_cookie_is_bound_to_its_host_and_never_readable() {
        let own = [Cookie::Session, Cookie::Browser, Cookie::Device].map(|cookie| cookie.name(Scheme::Https));
        let more = [ask::pass_cookie(Scheme::Https), super::way_cookie(Scheme::Https), parting_cookie(Scheme::Https)];
        for name in own.into_iter().chain(more) {
            assert!(name.starts_with("__Host-"), "{name}");
            for (value, keep) in [("x", None), ("x", Some(60)), ("", Some(0))] {
                let text = line(name, value, Scheme::Https, keep, None);
                for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
                    assert!(text.contains(attribute), "{text}");
                }
                assert!(!text.contains("Domain"), "{text}");
            }
        }
    }
}
