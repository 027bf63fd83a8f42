//! Builds the header fields an upstream sees: client fields, minus hop-by-hop ones, minus what the
//! caller drops, plus what the caller sets — in that order, so that a client's `Connection` header
//! can never take away a field the caller set. Owns framing fields. RFC 9110 §7.6, RFC 9112 §6,
//! RFC 9113 §8.2.2.

use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, Entry, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

use crate::cookies;
use crate::fault::Fault;
use crate::screen::{Screened, tokens};

/// What happens to a request's headers before they leave.
#[derive(Clone)]
pub struct HeaderEdit<'a> {
    /// True for client header names that must not reach the upstream. Asked for every client header
    /// and declared trailer; names are lower case.
    pub drop: &'a (dyn Fn(&HeaderName) -> bool + Send + Sync),
    /// Fields set last; each name replaces all client fields of that name. A `host` here replaces
    /// the client's host. Hop-by-hop names and `content-length` are ignored.
    pub set: &'a HeaderMap,
    /// True for cookie names the upstream must not see; the other cookies keep every byte.
    pub cookies_to_drop: &'a (dyn Fn(&str) -> bool + Send + Sync),
    /// Replaces whatever the client claimed about its origin.
    pub forwarded: Forwarded,
}

/// Where the request came from, sent as `X-Forwarded-For`, `-Proto` and `-Host`.
#[derive(Debug, Clone)]
pub struct Forwarded {
    /// The client's address.
    pub client_ip: IpAddr,
    /// `http` or `https`, as the browser sees it.
    pub proto: &'static str,
    /// Host and port, as the browser sees them.
    pub host: String,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The edited fields of a request, before they are fitted to HTTP/1.1 or HTTP/2.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) headers: HeaderMap,
    pub(crate) host: HeaderValue,
    /// Declared trailer fields that may pass.
    pub(crate) trailers: Vec<HeaderName>,
}

/// Applies the rules in their order; `body_length` is `None` when only the stream knows.
pub(crate) fn edit_request(
    client: HeaderMap,
    screened: Screened,
    body_length: Option<u64>,
    edit: &HeaderEdit<'_>,
) -> Result<Edited, Fault> {
    let listed = connection_listed(&client);
    let has_length = client.contains_key(CONTENT_LENGTH);
    let takes_trailers = tokens(&client, &TE).any(|token| token.eq_ignore_ascii_case(b"trailers"));
    let may_pass = |name: &HeaderName| {
        !is_hop_by_hop(name)
            && !listed.contains(name)
            && !claims_origin(name.as_str())
            && *name != HOST
            && !(edit.drop)(name)
    };
    let trailers = passing_trailers(&client, edit, may_pass);
    // A handshake's Sec-WebSocket-* fields are ordinary end-to-end fields.
    let upgrade = screened.is_websocket.then(|| HeaderValue::from_static("websocket"));
    let mut headers = pass(client, may_pass);
    // The proxy answers `100 Continue` itself, by reading the body at once.
    headers.remove(EXPECT);
    headers.remove(CONTENT_LENGTH);
    if let Some(length) = body_length
        && (has_length || length > 0)
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    declare_trailers(&mut headers, &trailers);
    strip_cookies(&mut headers, edit);
    set_forwarded(&mut headers, &edit.forwarded)?;
    set_managed(&mut headers, edit.set);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocol) = upgrade {
        headers.insert(UPGRADE, protocol);
    }
    let host = edit.set.get(HOST).cloned().unwrap_or(screened.host);
    Ok(Edited { headers, host, trailers })
}

/// Removes what belonged to the connection between proxy and upstream only. `body_length` is the
/// exact length of what follows, `None` when only the stream knows.
pub(crate) fn edit_response(upstream: HeaderMap, is_length_free: bool, body: Option<u64>) -> HeaderMap {
    let listed = connection_listed(&upstream);
    let mut headers = pass(upstream, |name: &HeaderName| !is_hop_by_hop(name) && !listed.contains(name));
    // A length that does not describe the bytes that follow would let one answer run into the next.
    // Answers without a body by definition (to HEAD, 304) keep theirs.
    if !is_length_free {
        match body {
            Some(length) if headers.contains_key(CONTENT_LENGTH) => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            Some(_) => {}
            None => {
                headers.remove(CONTENT_LENGTH);
            }
        }
    }
    headers
}

/// Fields that describe one connection and never travel on. RFC 9110 §7.6.1.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    *name == CONNECTION
        || *name == TRANSFER_ENCODING
        || *name == UPGRADE
        || *name == TE
        || matches!(name.as_str(), "keep-alive" | "http2-settings" | "proxy")
        || name.as_str().starts_with("proxy-")
}

/// Fields in which a client may claim where it comes from or what it asked for; only the proxy's
/// own word counts. Anything but letters and digits is compared as a dash, because some servers do so too.
fn claims_origin(name: &str) -> bool {
    if !name.starts_with(['x', 'f']) {
        return false;
    }
    let dashed = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    dashed.starts_with("x-forwarded-")
        || matches!(dashed.as_str(), "forwarded" | "x-real-ip" | "x-original-url" | "x-rewrite-url")
}

fn connection_listed(headers: &HeaderMap) -> Vec<HeaderName> {
    tokens(headers, &CONNECTION).filter_map(|token| HeaderName::from_bytes(token).ok()).collect()
}

fn pass(headers: HeaderMap, may_pass: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let mut passed = HeaderMap::with_capacity(headers.len() + 8);
    let mut current: Option<HeaderName> = None;
    for (name, value) in headers {
        // `HeaderMap` names only the first of several fields of the same name.
        if let Some(name) = name {
            current = may_pass(&name).then_some(name);
        }
        if let Some(name) = &current {
            passed.append(name.clone(), value);
        }
    }
    passed
}

fn passing_trailers(
    client: &HeaderMap,
    edit: &HeaderEdit<'_>,
    may_pass: impl Fn(&HeaderName) -> bool,
) -> Vec<HeaderName> {
    tokens(client, &TRAILER)
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .filter(|name| {
            may_pass(name)
                && !edit.set.contains_key(name)
                && !matches!(
                    name.as_str(),
                    "authorization"
                        | "cookie"
                        | "content-length"
                        | "content-encoding"
                        | "content-type"
                        | "content-range"
                        | "expect"
                        | "trailer"
                )
        })
        .collect()
}

fn declare_trailers(headers: &mut HeaderMap, trailers: &[HeaderName]) {
    headers.remove(TRAILER);
    for name in trailers {
        headers.append(TRAILER, HeaderValue::from(name.clone()));
    }
}

fn strip_cookies(headers: &mut HeaderMap, edit: &HeaderEdit<'_>) {
    let Entry::Occupied(entry) = headers.entry(COOKIE) else {
        return;
    };
    let values: Vec<HeaderValue> = entry.remove_entry_mult().1.collect();
    if let Some(kept) = cookies::strip(&values, edit.cookies_to_drop) {
        headers.insert(COOKIE, kept);
    }
}

fn set_forwarded(headers: &mut HeaderMap, forwarded: &Forwarded) -> Result<(), Fault> {
    let malformed = |_| Fault::BadRequest("The Host header is malformed.");
    let ip = forwarded.client_ip.to_canonical().to_string();
    headers.insert(FORWARDED_FOR, HeaderValue::try_from(ip).map_err(malformed)?);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(forwarded.proto));
    let host = HeaderValue::from_str(&forwarded.host).map_err(malformed)?;
    headers.insert(FORWARDED_HOST, host);
    Ok(())
}

fn set_managed(headers: &mut HeaderMap, set: &HeaderMap) {
    for name in set.keys() {
        if is_hop_by_hop(name) || *name == HOST || *name == CONTENT_LENGTH {
            continue;
        }
        headers.remove(name);
        for value in set.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Edited, Forwarded, HeaderEdit, claims_origin, edit_request, edit_response};
    use crate::screen::Screened;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn edited(client: &[(&'static str, &'static str)], is_websocket: bool) -> Edited {
        let screened = Screened { host: HeaderValue::from_static("tool"), is_websocket };
        let forwarded =
            Forwarded { client_ip: "192.0.2.7".parse().unwrap(), proto: "https", host: "tool.example".to_owned() };
        let edit = HeaderEdit {
            drop: &|name: &HeaderName| name.as_str().replace('_', "-") == "remote-user",
            set: &map(&[("remote-user", "ada"), ("connection", "x"), ("x-many", "1"), ("x-many", "2")]),
            cookies_to_drop: &|name| name == "pass",
            forwarded,
        };
        edit_request(map(client), screened, None, &edit).unwrap()
    }

    #[test]
    fn a_connection_header_never_takes_managed_fields_away() {
        let client = [
            ("connection", "close, remote-user, x-forwarded-for, x-private"),
            ("remote-user", "root"),
            ("remote_user", "root"),
            ("x-private", "1"),
            ("x-kept", "1"),
            ("x_forwarded_for", "6.6.6.6"),
            ("x-many", "client"),
        ];
        let headers = edited(&client, false).headers;
        assert_eq!(headers.get_all("remote-user").iter().collect::<Vec<_>>(), ["ada"]);
        assert_eq!(headers.get_all("x-many").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-host"], "tool.example");
        assert_eq!(headers["x-kept"], "1");
        for gone in ["remote_user", "x-private", "connection", "x_forwarded_for"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn te_survives_only_as_trailers_and_upgrade_only_as_websocket() {
        let client = [("te", "gzip, trailers"), ("upgrade", "websocket"), ("proxy-foo", "1")];
        let plain = edited(&client, false).headers;
        assert_eq!(plain["te"], "trailers");
        assert!(!plain.contains_key("upgrade"));
        assert!(!plain.contains_key("proxy-foo"));
        assert_eq!(edited(&client, true).headers["upgrade"], "websocket");
        assert!(!edited(&[("te", "gzip")], false).headers.contains_key("te"));
    }

    #[test]
    fn declared_trailers_follow_the_same_rules() {
        let client = [("trailer", "x-sum, remote-user, cookie, x-many"), ("connection", "x-b")];
        let edited = edited(&client, false);
        assert_eq!(edited.trailers, ["x-sum"]);
        assert_eq!(edited.headers["trailer"], "x-sum");
    }

    #[test]
    fn origin_claims_are_recognised_with_underscores() {
        for name in ["x-forwarded-for", "x_forwarded-port", "forwarded", "x_real_ip"] {
            assert!(claims_origin(name), "{name}");
        }
        assert!(!claims_origin("x-forwardedness"));
        assert!(!claims_origin("from"));
    }

    #[test]
    fn a_response_loses_connection_fields_and_keeps_every_set_cookie() {
        let upstream = map(&[
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("content-length", "7"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ]);
        let headers = edit_response(upstream.clone(), false, None);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(edit_response(upstream, true, Some(0))["content-length"], "7");
    }
}
