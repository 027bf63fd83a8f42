//! Refuses requests that two servers could read differently, before anything is sent. Owns the
//! list of refusals; removing and setting headers is `headers`.
//! RFC 9110 §7.2, §7.8, RFC 9112 §3.2, §6.1, §11.2, RFC 9113 §8.3.1, RFC 6455 §4.2.1.

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Version};

use crate::fault::Fault;

/// What is known about a request that passed.
#[derive(Debug)]
pub(crate) struct Screened {
    /// The host the client asked for, from `Host` or `:authority`.
    pub(crate) host: HeaderValue,
    /// Whether this is a WebSocket handshake to be passed on.
    pub(crate) is_websocket: bool,
}

/// Passes a request or says in one sentence why it is never carried.
pub(crate) fn screen(parts: &Parts) -> Result<Screened, Fault> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(Fault::BadRequest("The methods CONNECT and TRACE are not passed on."));
    }
    let host = screen_host(parts)?;
    let headers = &parts.headers;
    if count(headers, &AUTHORIZATION) > 1 {
        return Err(Fault::BadRequest("The request has more than one Authorization header."));
    }
    screen_framing(headers)?;
    let is_websocket = screen_upgrade(parts)?;
    Ok(Screened { host, is_websocket })
}

fn count(headers: &HeaderMap, name: &HeaderName) -> usize {
    headers.get_all(name).iter().count()
}

fn screen_host(parts: &Parts) -> Result<HeaderValue, Fault> {
    if count(&parts.headers, &HOST) > 1 {
        return Err(Fault::BadRequest("The request has more than one Host header."));
    }
    let header = parts.headers.get(HOST);
    let authority = parts.uri.authority();
    if let (Some(header), Some(authority)) = (header, authority)
        && !header.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return Err(Fault::BadRequest("The Host header differs from the address asked for."));
    }
    let host = match (header, authority) {
        (Some(header), _) => header.clone(),
        (None, Some(authority)) => HeaderValue::from_str(authority.as_str())
            .map_err(|_| Fault::BadRequest("The address asked for is malformed."))?,
        (None, None) => return Err(Fault::BadRequest("The request has no Host header.")),
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(byte);
    if host.is_empty() || !host.as_bytes().iter().all(is_plain) {
        return Err(Fault::BadRequest("The Host header is malformed."));
    }
    Ok(host)
}

fn screen_framing(headers: &HeaderMap) -> Result<(), Fault> {
    let has_length = headers.contains_key(CONTENT_LENGTH);
    if has_length && headers.contains_key(TRANSFER_ENCODING) {
        return Err(Fault::BadRequest("The request has both Transfer-Encoding and Content-Length; send one of them."));
    }
    let is_digits = |value: &HeaderValue| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
    if count(headers, &CONTENT_LENGTH) > 1 || !headers.get_all(CONTENT_LENGTH).iter().all(is_digits) {
        return Err(Fault::BadRequest("The Content-Length header is malformed or repeated."));
    }
    Ok(())
}

/// True for a WebSocket handshake. Other protocols are not offered to the upstream; the request
/// then goes on without its `Upgrade` header, as RFC 9110 §7.8 allows.
fn screen_upgrade(parts: &Parts) -> Result<bool, Fault> {
    let headers = &parts.headers;
    if !headers.contains_key(UPGRADE) {
        return Ok(false);
    }
    if tokens(headers, &UPGRADE).any(|token| {
        let protocol = token.split(|byte| *byte == b'/').next().unwrap_or_default();
        protocol.eq_ignore_ascii_case(b"h2c") || protocol.eq_ignore_ascii_case(b"h2")
    }) {
        return Err(Fault::BadRequest("Upgrading to HTTP/2 inside a request is not supported."));
    }
    let is_websocket = parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && tokens(headers, &UPGRADE).any(|token| token.eq_ignore_ascii_case(b"websocket"))
        && tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case(b"upgrade"));
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    if is_websocket && has_body {
        return Err(Fault::BadRequest("A WebSocket handshake must not have a body."));
    }
    Ok(is_websocket)
}

/// The comma-separated members of every field of this name.
pub(crate) fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::Request;

    use super::{Screened, screen};
    use crate::fault::Fault;

    fn screened(uri: &str, method: &str, headers: &[(&str, &str)]) -> Result<Screened, Fault> {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        screen(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn ordinary_requests_pass() {
        let passed = screened("/", "GET", &[("host", "Tool.example:8443")]).unwrap();
        assert_eq!(passed.host, "Tool.example:8443");
        assert!(!passed.is_websocket);
        assert_eq!(screened("http://tool/x", "GET", &[]).unwrap().host, "tool");
        assert!(screened("http://tool/x", "GET", &[("host", "TOOL")]).is_ok());
    }

    #[test]
    fn ambiguous_requests_are_refused() {
        type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)]);
        let host = ("host", "tool");
        let refused: &[Case<'_>] = &[
            ("/", "TRACE", &[host]),
            ("tool:443", "CONNECT", &[host]),
            ("/", "GET", &[]),
            ("/", "GET", &[("host", "")]),
            ("/", "GET", &[("host", "tool/evil")]),
            ("/", "GET", &[("host", "user@tool")]),
            ("/", "GET", &[host, host]),
            ("http://other/", "GET", &[host]),
            ("/", "GET", &[host, ("authorization", "a"), ("authorization", "b")]),
            ("/", "POST", &[host, ("transfer-encoding", "chunked"), ("content-length", "3")]),
            ("/", "POST", &[host, ("content-length", "3"), ("content-length", "3")]),
            ("/", "POST", &[host, ("content-length", "+3")]),
            ("/", "GET", &[host, ("upgrade", "H2C")]),
            ("/", "GET", &[host, ("upgrade", "websocket, h2c/1")]),
        ];
        for (uri, method, headers) in refused {
            let answer = screened(uri, method, headers);
            assert!(matches!(answer, Err(Fault::BadRequest(_))), "{method} {uri} {headers:?}");
        }
    }

    #[test]
    fn only_a_whole_websocket_handshake_is_an_upgrade() {
        let host = ("host", "tool");
        let (upgrade, connection) = (("upgrade", "WebSocket"), ("connection", "x, Upgrade"));
        assert!(screened("/", "GET", &[host, upgrade, connection]).unwrap().is_websocket);
        assert!(!screened("/", "GET", &[host, upgrade]).unwrap().is_websocket);
        assert!(!screened("/", "POST", &[host, upgrade, connection]).unwrap().is_websocket);
        assert!(!screened("/", "GET", &[host, ("upgrade", "tls/1"), connection]).unwrap().is_websocket);
        let body = ("content-length", "5");
        assert!(screened("/", "GET", &[host, upgrade, connection, body]).is_err());
    }
}
