//! From a proxy's request to the question: which URL, whose credential, page or call. Everything is
//! parsed once; what cannot be read one way only is refused.

use crate::dialect::{Dialect, Source};
use doorward_engine::gate::check::Credential;
use doorward_model::address::{HostName, Scheme};
use doorward_model::limits;
use doorward_model::path::{Ambiguous, RequestPath};
use doorward_model::secret::{TokenHash, TokenKind};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, UPGRADE};
use http::{Method, Uri};

/// What the browser expects back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page: may be led to the sign-in page.
    Page,
    /// A call by a script or a machine: gets a status, never a page it did not ask for.
    Call,
}

/// The request being judged.
pub struct Original {
    /// At which host.
    pub host: HostName,
    /// For which path and query.
    pub path: RequestPath,
    /// By which method, for the sake of where to go after sign-in. Never widens what is allowed.
    pub method: Method,
    /// What is expected back.
    pub kind: Kind,
}

/// Why a request cannot be judged: 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAsk {
    /// The path can be read two ways.
    #[error("{0}")]
    Path(#[from] Ambiguous),
    /// No host, or one that does not parse.
    #[error("the host name is missing or malformed")]
    Host,
    /// The header that carries the original URL is missing, doubled or malformed.
    #[error("the header {0} is missing, doubled or malformed: check the proxy's configuration")]
    Header(&'static str),
}

/// The one value of a header; a second copy makes it ambiguous.
fn only<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, BadAsk> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadAsk::Header(name));
    }
    value.to_str().map(Some).map_err(|_| BadAsk::Header(name))
}

/// Host and path of the request being judged, as the dialect carries them.
pub fn original(dialect: &Dialect, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Original, BadAsk> {
    let (host, path) = match dialect.source {
        Source::Path => (own_host(uri, headers)?, behind_prefix(dialect, uri)?),
        Source::OriginalUrl => split(only(headers, "x-original-url")?.ok_or(BadAsk::Header("x-original-url"))?)?,
        Source::Forwarded => forwarded(headers)?,
        Source::Either => match only(headers, "x-original-url")? {
            Some(url) => split(url)?,
            None if headers.contains_key("x-forwarded-host") => forwarded(headers)?,
            None => {
                let path = only(headers, "x-forwarded-uri")?.unwrap_or("/");
                (own_host(uri, headers)?, RequestPath::parse(path)?)
            }
        },
    };
    let method = match original_method(headers)? {
        Some(method) => method,
        None => method.clone(),
    };
    let kind = kind(headers);
    Ok(Original { host, path, method, kind })
}

fn original_method(headers: &HeaderMap) -> Result<Option<Method>, BadAsk> {
    for name in ["x-original-method", "x-forwarded-method"] {
        if let Some(text) = only(headers, name)? {
            return Method::from_bytes(text.as_bytes()).map(Some).map_err(|_| BadAsk::Header(name));
        }
    }
    Ok(None)
}

/// The host this request itself was sent to.
pub fn own_host(uri: &Uri, headers: &HeaderMap) -> Result<HostName, BadAsk> {
    let text = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => only(headers, HOST.as_str()).map_err(|_| BadAsk::Host)?.ok_or(BadAsk::Host)?,
    };
    HostName::parse(text).map(|(host, _)| host).ok_or(BadAsk::Host)
}

fn behind_prefix(dialect: &Dialect, uri: &Uri) -> Result<RequestPath, BadAsk> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let rest = target.strip_prefix(dialect.path).unwrap_or(target);
    if rest.is_empty() || rest.starts_with('?') {
        return Ok(RequestPath::parse(&format!("/{rest}"))?);
    }
    Ok(RequestPath::parse(rest)?)
}

fn forwarded(headers: &HeaderMap) -> Result<(HostName, RequestPath), BadAsk> {
    let host = only(headers, "x-forwarded-host")?.ok_or(BadAsk::Header("x-forwarded-host"))?;
    let (host, _) = HostName::parse(host).ok_or(BadAsk::Host)?;
    let path = only(headers, "x-forwarded-uri")?.ok_or(BadAsk::Header("x-forwarded-uri"))?;
    Ok((host, RequestPath::parse(path)?))
}

fn split(url: &str) -> Result<(HostName, RequestPath), BadAsk> {
    let bad = || BadAsk::Header("x-original-url");
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    if ![Scheme::Http, Scheme::Https].iter().any(|known| known.as_str() == scheme) {
        return Err(bad());
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, _) = HostName::parse(authority).ok_or(BadAsk::Host)?;
    Ok((host, RequestPath::parse(if path.is_empty() { "/" } else { path })?))
}

/// Page or call. Browsers say so (`Sec-Fetch-Mode`); for others, who wants HTML wants a page.
pub fn kind(headers: &HeaderMap) -> Kind {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_script = text("x-requested-with").is_some_and(|value| value.eq_ignore_ascii_case("xmlhttprequest"))
        || headers.contains_key(UPGRADE)
        || text(CONTENT_TYPE.as_str()).is_some_and(|value| value.starts_with("application/grpc"));
    let wants_html = text(ACCEPT.as_str()).is_some_and(|value| value.contains("text/html"));
    let navigates = match text("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => wants_html,
    };
    if navigates && !is_script { Kind::Page } else { Kind::Call }
}

/// Names of our cookies on an app's host. The prefix ties them to the exact host over TLS (RFC 6265bis
/// §4.1.3.2); plain http has no such protection and is for one's own machine.
pub fn pass_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "__Host-doorward_pass",
        Scheme::Http => "doorward_pass",
    }
}

/// Name of the parent-domain pass; a domain cookie cannot have the host prefix.
pub fn shared_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "__Secure-doorward_shared",
        Scheme::Http => "doorward_shared",
    }
}

/// Whether a cookie is ours: tools never see those.
pub fn is_own_cookie(name: &str) -> bool {
    name.strip_prefix("__Host-").or_else(|| name.strip_prefix("__Secure-")).unwrap_or(name).starts_with("doorward_")
}

/// Values of a cookie in the order sent. Headers larger than browsers send are not searched.
pub fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter(|value| value.len() <= limits::COOKIE_HEADER_BYTES)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(move |pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// The credential shown: our bearer token if there is one, else a pass. Bearer headers that are not
/// ours belong to the tool and say nothing here.
pub fn credential(headers: &HeaderMap, scheme: Scheme) -> Credential {
    let mut bearers = headers.get_all(AUTHORIZATION).iter();
    if let Some(value) = bearers.next() {
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
        if let Some(token) = token.map(|(_, token)| token.trim()).filter(|token| token.starts_with("dwa_")) {
            return match TokenHash::of_presented(TokenKind::Service, token) {
                Some(hash) if bearers.next().is_none() => Credential::Service(hash),
                Some(_) | None => Credential::Malformed,
            };
        }
    }
    let pass = cookies(headers, pass_cookie(scheme)).find_map(|text| TokenHash::of_presented(TokenKind::Pass, text));
    if let Some(hash) = pass {
        return Credential::Pass(hash);
    }
    let shared =
        cookies(headers, shared_cookie(scheme)).find_map(|text| TokenHash::of_presented(TokenKind::SharedPass, text));
    shared.map_or(Credential::None, Credential::SharedPass)
}

#[cfg(test)]
mod tests {
    use super::{BadAsk, Kind, credential, is_own_cookie, kind, original};
    use crate::dialect;
    use doorward_engine::gate::check::Credential;
    use doorward_model::address::Scheme;
    use doorward_model::dice::Dice as _;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else {
                panic!("header {name}")
            };
            map.append(name, value);
        }
        map
    }

    fn ask(path: &str, target: &str, pairs: &[(&str, &str)]) -> Result<String, BadAsk> {
        let (Some(dialect), Ok(uri)) = (dialect::find(path), target.parse::<Uri>()) else { panic!("{path}") };
        let original = original(dialect, &Method::GET, &uri, &headers(pairs))?;
        Ok(format!("{} {} {}", original.method, original.host, original.path.as_str()))
    }

    #[test]
    fn each_dialect_finds_the_original_url_where_its_proxy_puts_it() {
        let nginx = [("x-original-url", "https://App.example.com:8443/a?b=/c"), ("x-original-method", "POST")];
        assert_eq!(ask("/gate/nginx", "/gate/nginx", &nginx).as_deref(), Ok("POST app.example.com /a?b=/c"));
        let traefik = [("x-forwarded-host", "app.example.com"), ("x-forwarded-uri", "/a?b"), ("host", "gate:8080")];
        assert_eq!(ask("/gate/traefik", "/gate/traefik", &traefik).as_deref(), Ok("GET app.example.com /a?b"));
        let envoy = [("host", "app.example.com")];
        assert_eq!(ask("/gate/envoy", "/gate/envoy/a?b", &envoy).as_deref(), Ok("GET app.example.com /a?b"));
        assert_eq!(ask("/gate/envoy", "/gate/envoy?b", &envoy).as_deref(), Ok("GET app.example.com /?b"));
        let plain = [("host", "app.example.com"), ("x-forwarded-uri", "/x")];
        assert_eq!(ask("/oauth2/auth", "/oauth2/auth", &plain).as_deref(), Ok("GET app.example.com /x"));
    }

    #[test]
    fn gauntlet_b1_11_doubled_or_missing_url_headers_are_refused() {
        let doubled = [("x-original-url", "https://a/public"), ("x-original-url", "https://a/admin")];
        assert!(ask("/gate/nginx", "/gate/nginx", &doubled).is_err());
        assert!(ask("/gate/nginx", "/gate/nginx", &[]).is_err());
        assert!(ask("/gate/traefik", "/gate/traefik", &[("x-forwarded-uri", "/")]).is_err());
        let two_hosts = [("host", "a"), ("host", "b")];
        assert_eq!(ask("/gate/envoy", "/gate/envoy/", &two_hosts), Err(BadAsk::Host));
    }

    #[test]
    fn gauntlet_b1_06_ambiguous_paths_are_refused_in_every_dialect() {
        assert!(ask("/gate/nginx", "/gate/nginx", &[("x-original-url", "https://a/x/..%2fadmin")]).is_err());
        assert!(ask("/gate/envoy", "/gate/envoy/x/%2e%2e/admin", &[("host", "a")]).is_err());
        let traefik = [("x-forwarded-host", "a"), ("x-forwarded-uri", "/a/../b")];
        assert!(ask("/gate/traefik", "/gate/traefik", &traefik).is_err());
    }

    #[test]
    fn browsers_navigate_and_scripts_call() {
        let page = |pairs: &[(&str, &str)]| kind(&headers(pairs)) == Kind::Page;
        assert!(page(&[("accept", "text/html,*/*")]));
        assert!(page(&[("accept", "*/*"), ("sec-fetch-mode", "navigate")]));
        assert!(!page(&[("accept", "text/html"), ("sec-fetch-mode", "cors")]));
        assert!(!page(&[("accept", "application/json")]) && !page(&[("accept", "*/*")]) && !page(&[]));
        assert!(!page(&[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")]));
        assert!(!page(&[("accept", "text/html"), ("upgrade", "websocket")]));
        assert!(!page(&[("accept", "text/html"), ("content-type", "application/grpc-web+proto")]));
    }

    #[test]
    fn gauntlet_b1_14_malformed_cookies_are_no_credential() {
        let none = |cookie: &str| matches!(credential(&headers(&[("cookie", cookie)]), Scheme::Http), Credential::None);
        let long = format!("doorward_pass={}", "A".repeat(8192));
        for cookie in ["", "doorward_pass=", "doorward_pass=x", "doorward_pass={\"a\":1}", "doorward_pass=dwp_", &long]
        {
            assert!(none(cookie), "{cookie:.40}");
        }
        let dice = doorward_model::dice::Counting::new(11);
        for _ in 0..10_000 {
            let mut bytes = [0u8; 24];
            dice.fill(&mut bytes);
            let text: String = bytes.iter().map(|byte| char::from(33 + byte % 90)).filter(|c| *c != ';').collect();
            assert!(none(&format!("doorward_pass=dwp_{text}")));
        }
    }

    #[test]
    fn our_bearer_tokens_are_ours_and_others_belong_to_the_tool() {
        let bearer = |value: &str| credential(&headers(&[("authorization", value)]), Scheme::Https);
        assert!(matches!(bearer("Bearer eyJhbGciOi"), Credential::None));
        assert!(matches!(bearer("Basic YTpi"), Credential::None));
        assert!(matches!(bearer("Bearer dwa_short"), Credential::Malformed));
        let good = format!("bearer dwa_{}", "a".repeat(43));
        assert!(matches!(bearer(&good), Credential::Service(_)));
        let two = headers(&[("authorization", &good), ("authorization", "Bearer x")]);
        assert!(matches!(credential(&two, Scheme::Https), Credential::Malformed));
    }

    #[test]
    fn tools_never_see_our_cookies() {
        for name in ["doorward_pass", "__Host-doorward_pass", "__Secure-doorward_shared", "doorward_session"] {
            assert!(is_own_cookie(name), "{name}");
        }
        assert!(!is_own_cookie("session") && !is_own_cookie("__Host-session"));
    }
}
