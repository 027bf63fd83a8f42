//! From a proxy's request to the question: which URL, whose credential, page or call. Everything is
//! parsed once; what cannot be read one way only is refused.

mod credential;

pub use credential::{
    clean_cookies, cookies, credentials, credentials_and_rest, holds_own_token, is_own_cookie, pass_cookie, pass_text,
    shared_cookie,
};

use crate::dialect::{Dialect, Source};
use doorward_model::address::{Host, HostName};
use doorward_model::path::{Ambiguous, AskedPath, RequestPath};
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, UPGRADE};
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
    /// Two headers name two URLs: one of them was written by the client.
    #[error("the headers that carry the original URL disagree: have the proxy set or clear each of them")]
    Disagree,
}

// Names looked up for every check, made once.
static OWN_HOST: HeaderName = HOST;
static ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
static ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
static FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
static REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");
static FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The one value of a header; a second copy makes it ambiguous.
fn only<'h>(headers: &'h HeaderMap, name: &'static HeaderName) -> Result<Option<&'h str>, BadAsk> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad(name));
    }
    value.to_str().map(Some).map_err(|_| bad(name))
}

fn bad(name: &'static HeaderName) -> BadAsk {
    BadAsk::Header(name.as_str())
}

/// Host and path of the request being judged, as the dialect carries them. `own` is the host the question
/// was sent to. When `knows` says that it is an app's, it must be the one being judged: proxies route by it.
pub fn target<'t>(
    dialect: &Dialect,
    uri: &'t Uri,
    headers: &'t HeaderMap,
    own: &Result<Host<'t>, BadAsk>,
    knows: impl Fn(&Host<'t>) -> bool,
) -> Result<(Host<'t>, AskedPath<'t>), BadAsk> {
    let (host, path) = match dialect.source {
        Source::Path => (own.clone()?, behind_prefix(dialect, uri)?),
        Source::OriginalUrl => split(only(headers, &ORIGINAL_URL)?.ok_or_else(|| bad(&ORIGINAL_URL))?)?,
        Source::Forwarded => forwarded(headers)?,
        Source::Either => agreed(headers, own)?,
    };
    if own.as_ref().is_ok_and(|own| *own != host && knows(own)) {
        return Err(BadAsk::Disagree);
    }
    Ok((host, path))
}

/// The request being judged, with what matters only when the answer is not ready.
pub fn original(
    (host, path): (Host<'_>, AskedPath<'_>),
    method: &Method,
    headers: &HeaderMap,
) -> Result<Original, BadAsk> {
    let method = original_method(headers)?.unwrap_or_else(|| method.clone());
    Ok(Original { host: host.into_owned(), path: path.into_owned(), method, kind: kind(headers) })
}

/// What all headers that are there say together.
fn agreed<'t>(headers: &'t HeaderMap, own: &Result<Host<'t>, BadAsk>) -> Result<(Host<'t>, AskedPath<'t>), BadAsk> {
    let original = only(headers, &ORIGINAL_URL)?.map(split).transpose()?;
    let told_host = match only(headers, &FORWARDED_HOST)? {
        Some(text) => Some(Host::read(text).ok_or(BadAsk::Host)?.0),
        None => None,
    };
    let told_path = only(headers, &FORWARDED_URI)?.map(AskedPath::read).transpose()?;
    let Some((host, path)) = original else {
        let host = told_host.map_or_else(|| own.clone(), Ok)?;
        return Ok((host, told_path.ok_or_else(|| bad(&FORWARDED_URI))?));
    };
    let agree = told_host.is_none_or(|told| told == host) && told_path.is_none_or(|told| told == path);
    if agree { Ok((host, path)) } else { Err(BadAsk::Disagree) }
}

fn original_method(headers: &HeaderMap) -> Result<Option<Method>, BadAsk> {
    for name in [&ORIGINAL_METHOD, &FORWARDED_METHOD] {
        if let Some(text) = only(headers, name)? {
            return Method::from_bytes(text.as_bytes()).map(Some).map_err(|_| bad(name));
        }
    }
    Ok(None)
}

/// The host this request itself was sent to.
pub fn own_host<'t>(uri: &'t Uri, headers: &'t HeaderMap) -> Result<Host<'t>, BadAsk> {
    let text = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => only(headers, &OWN_HOST).map_err(|_| BadAsk::Host)?.ok_or(BadAsk::Host)?,
    };
    Host::read(text).map(|(host, _)| host).ok_or(BadAsk::Host)
}

fn behind_prefix<'t>(dialect: &Dialect, uri: &'t Uri) -> Result<AskedPath<'t>, BadAsk> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let rest = target.strip_prefix(dialect.path).unwrap_or(target);
    if rest.is_empty() || rest.starts_with('?') {
        return Ok(RequestPath::parse(&format!("/{rest}"))?);
    }
    Ok(AskedPath::read(rest)?)
}

fn forwarded(headers: &HeaderMap) -> Result<(Host<'_>, AskedPath<'_>), BadAsk> {
    let host = only(headers, &FORWARDED_HOST)?.ok_or_else(|| bad(&FORWARDED_HOST))?;
    let (host, _) = Host::read(host).ok_or(BadAsk::Host)?;
    let path = only(headers, &FORWARDED_URI)?.ok_or_else(|| bad(&FORWARDED_URI))?;
    Ok((host, AskedPath::read(path)?))
}

fn split(url: &str) -> Result<(Host<'_>, AskedPath<'_>), BadAsk> {
    let bad = || bad(&ORIGINAL_URL);
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(bad)?;
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, _) = Host::read(authority).ok_or(BadAsk::Host)?;
    Ok((host, AskedPath::read(if path.is_empty() { "/" } else { path })?))
}

/// Page or call. Browsers say so (`Sec-Fetch-Mode`); for others, who wants HTML wants a page.
pub fn kind(headers: &HeaderMap) -> Kind {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_script = text(&REQUESTED_WITH).is_some_and(|value| value.eq_ignore_ascii_case("xmlhttprequest"))
        || headers.contains_key(UPGRADE)
        || text(&CONTENT_TYPE).is_some_and(|value| value.starts_with("application/grpc"));
    let wants_html = text(&ACCEPT).is_some_and(|value| value.contains("text/html"));
    let navigates = match text(&FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => wants_html,
    };
    if navigates && !is_script { Kind::Page } else { Kind::Call }
}

#[cfg(test)]
mod tests {
    use super::{BadAsk, Kind, kind, original, own_host};
    use crate::dialect;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

    pub(super) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
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
        let told = headers(pairs);
        let own = own_host(&uri, &told);
        let found = super::target(dialect, &uri, &told, &own, |host| host.as_str() == "app.example.com")?;
        let original = original(found, &Method::GET, &told)?;
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
    fn gauntlet_b1_11_original_urls_are_of_the_web_and_whole() {
        for url in ["a/public", "//a/public", "ftp://a/public", "HTTP://a/public", "javascript://a/public", "http:///x"]
        {
            assert!(ask("/gate/nginx", "/gate/nginx", &[("x-original-url", url)]).is_err(), "{url}");
        }
    }

    #[test]
    fn gauntlet_b1_01_headers_that_disagree_are_refused() {
        let app = ("host", "app.example.com");
        for forged in [
            ("x-original-url", "https://app.example.com/public"),
            ("x-original-url", "https://other.example.com/admin"),
            ("x-forwarded-host", "other.example.com"),
        ] {
            let told = [app, ("x-forwarded-uri", "/admin"), forged];
            assert_eq!(ask("/oauth2/auth", "/oauth2/auth", &told), Err(BadAsk::Disagree), "{forged:?}");
        }
        // An absolute request line routes by its own host, whatever the Host header says.
        let routed = [app, ("x-original-url", "https://other.example.com/x")];
        assert_eq!(ask("/gate/nginx", "/gate/nginx", &routed), Err(BadAsk::Disagree));
        let traefik = [("host", "gate"), ("x-forwarded-host", "app.example.com"), ("x-forwarded-uri", "/a")];
        assert!(ask("/oauth2/auth", "/oauth2/auth", &traefik).is_ok());
        assert!(ask("/oauth2/auth", "/oauth2/auth", &[app]).is_err(), "a URL that was not told is not guessed");
    }
}
