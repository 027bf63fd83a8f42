//! From a proxy's request to the question: which URL, whose credential, page or call. Everything is
//! parsed once; what cannot be read one way only is refused.

use crate::dialect::{Dialect, Source};
use doorward_engine::gate::check::Credential;
use doorward_model::address::{Host, HostName, Scheme};
use doorward_model::limits;
use doorward_model::path::{Ambiguous, AskedPath, RequestPath};
use doorward_model::secret::{TokenHash, TokenKind};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::{Method, Uri};
use std::borrow::Cow;

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
static OWN_COOKIE: HeaderName = COOKIE;
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

/// Names of our cookies on an app's host; a pass carries the app's label behind it, so that two apps at one
/// host keep theirs apart. The prefix ties them to the exact host over TLS (RFC 6265bis
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

/// Values of a cookie in the order sent.
pub fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    all_cookies(headers).filter_map(
        move |(key, value)| {
            if key == name.as_bytes() { std::str::from_utf8(value).ok() } else { None }
        },
    )
}

/// Cookies in the order sent. Headers larger than browsers send are not searched.
fn all_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(&OWN_COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .filter(|line| line.len() <= limits::COOKIE_HEADER_BYTES)
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let pair = pair.trim_ascii();
            let sign = pair.iter().position(|byte| *byte == b'=')?;
            Some((pair.get(..sign)?, pair.get(sign + 1..)?))
        })
}

/// Whether a cookie's name is that of an app's pass.
fn is_pass_of(name: &[u8], scheme: Scheme, label: &str) -> bool {
    let rest = name.strip_prefix(pass_cookie(scheme).as_bytes());
    rest.and_then(|rest| rest.strip_prefix(b"_")) == Some(label.as_bytes())
}

/// Our token in an Authorization header, whatever the spaces around it.
fn own_bearer(value: &HeaderValue) -> Option<&str> {
    let (kind, token) = value.to_str().ok()?.trim().split_once(char::is_whitespace)?;
    let token = token.trim();
    (kind.eq_ignore_ascii_case("bearer") && token.starts_with(OWN_TOKEN)).then_some(token)
}

/// Whether an Authorization header holds a token of ours: tools never see those.
pub fn holds_own_token(value: &HeaderValue) -> bool {
    value.as_bytes().windows(OWN_TOKEN.len()).any(|part| part == OWN_TOKEN.as_bytes())
}

/// How service tokens begin; nothing else has reason to hold it.
const OWN_TOKEN: &str = "dwa_";

/// What was shown, in the order to be tried: our bearer token and nothing else if there is one; else the
/// pass of this app at this host, then the one shared by the parent domain. Bearer headers that are not
/// ours belong to the tool and say nothing here.
pub fn credentials(headers: &HeaderMap, scheme: Scheme, label: &str) -> [Credential; 2] {
    let mut bearers = headers.get_all(AUTHORIZATION).iter();
    if let Some(token) = bearers.next().and_then(own_bearer) {
        let first = match TokenHash::of_presented(TokenKind::Service, token) {
            Some(hash) if bearers.next().is_none() => Credential::Service(hash),
            Some(_) | None => Credential::Malformed,
        };
        return [first, Credential::None];
    }
    let (mut pass, mut shared) = (Credential::None, Credential::None);
    for (name, value) in all_cookies(headers) {
        let presented = |kind| std::str::from_utf8(value).ok().and_then(|text| TokenHash::of_presented(kind, text));
        if is_pass_of(name, scheme, label) {
            pass = presented(TokenKind::Pass).map_or(pass, Credential::Pass);
        } else if name == shared_cookie(scheme).as_bytes() {
            shared = presented(TokenKind::SharedPass).map_or(shared, Credential::SharedPass);
        }
    }
    match pass {
        Credential::None => [shared, Credential::None],
        other => [other, shared],
    }
}

/// The text of the pass cookie of an app, well formed or not.
pub fn pass_text<'h>(headers: &'h HeaderMap, scheme: Scheme, label: &str) -> Option<&'h str> {
    let found = all_cookies(headers).find(|(name, _)| is_pass_of(name, scheme, label));
    found.and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// The client's Cookie header without our cookies; empty when nothing is left.
pub fn clean_cookies(headers: &HeaderMap) -> HeaderValue {
    let mut lines = headers.get_all(&OWN_COOKIE).iter().map(|line| match line.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line.as_bytes()),
    });
    let Some(first) = lines.next() else { return HeaderValue::from_static("") };
    let mut kept = clean_line(&first);
    for line in lines {
        let more = clean_line(&line);
        if !more.is_empty() {
            let separator = if kept.is_empty() { "" } else { "; " };
            kept = Cow::Owned(format!("{kept}{separator}{more}"));
        }
    }
    HeaderValue::from_bytes(kept.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// One line without our cookies. Ours is mostly the first or the last: what is left is then a piece of
/// the line as it came.
fn clean_line(line: &str) -> Cow<'_, str> {
    let (mut kept, mut kept_end) = (Cow::Borrowed(""), 0);
    let has_commas = line.contains(',');
    let mut next = 0;
    for piece in line.split(';') {
        let start = next + piece.len() - piece.trim_start().len();
        next += piece.len() + 1;
        let pair = piece.trim();
        let name = pair.bytes().position(|byte| byte == b'=').and_then(|sign| pair.get(..sign)).unwrap_or(pair);
        // Envoy joins several Cookie lines by commas: what may hide one of ours goes as a whole.
        let hides_ours = has_commas && pair.split(',').skip(1).any(|part| is_own_cookie(part.trim()));
        if pair.is_empty() || is_own_cookie(name) || hides_ours {
            continue;
        }
        let adjoins = line.get(kept_end..start) == Some("; ");
        let end = start + pair.len();
        kept = match kept {
            Cow::Borrowed("") => Cow::Borrowed(pair),
            Cow::Borrowed(run) if adjoins => Cow::Borrowed(line.get(kept_end - run.len()..end).unwrap_or_default()),
            run => Cow::Owned(format!("{run}; {pair}")),
        };
        kept_end = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{BadAsk, Kind, clean_cookies, credentials, is_own_cookie, kind, original, own_host};
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
    fn the_pass_of_another_app_at_this_host_is_not_taken_for_ours() {
        let pass = format!("dwp_{}", "a".repeat(43));
        let first = |label: &str| {
            let cookies = format!("doorward_pass_other={pass}; doorward_pass={pass}; doorward_pass_abcd={pass}");
            credentials(&headers(&[("cookie", &cookies)]), Scheme::Http, label)[0]
        };
        assert!(matches!(first("abc"), Credential::None));
        assert!(matches!(first("abcd"), Credential::Pass(_)));
    }

    #[test]
    fn gauntlet_b1_14_malformed_cookies_are_no_credential() {
        let none = |cookie: &str| {
            matches!(credentials(&headers(&[("cookie", cookie)]), Scheme::Http, "abc"), [Credential::None, _])
        };
        let long = format!("doorward_pass_abc={}", "A".repeat(8192));
        for cookie in [
            "",
            "doorward_pass_abc=",
            "doorward_pass_abc=x",
            "doorward_pass_abc={\"a\":1}",
            "doorward_pass_abc=dwp_",
            &long,
        ] {
            assert!(none(cookie), "{cookie:.40}");
        }
        let dice = doorward_model::dice::Counting::new(11);
        for _ in 0..10_000 {
            let mut bytes = [0u8; 24];
            dice.fill(&mut bytes);
            let text: String = bytes.iter().map(|byte| char::from(33 + byte % 90)).filter(|c| *c != ';').collect();
            assert!(none(&format!("doorward_pass_abc=dwp_{text}")));
        }
    }

    #[test]
    fn gauntlet_b16_06_cookie_headers_beyond_what_browsers_send_are_not_searched() {
        let pass = format!("doorward_pass_abc=dwp_{}", "a".repeat(43));
        let with = |padding: usize| {
            credentials(&headers(&[("cookie", &format!("a={}; {pass}", "x".repeat(padding)))]), Scheme::Http, "abc")[0]
        };
        assert!(matches!(with(100), Credential::Pass(_)));
        assert!(matches!(with(doorward_model::limits::COOKIE_HEADER_BYTES), Credential::None));
    }

    #[test]
    fn gauntlet_b10_05_over_tls_only_cookies_bound_to_their_host_by_name_count() {
        assert!(super::pass_cookie(Scheme::Https).starts_with("__Host-"));
        assert!(super::shared_cookie(Scheme::Https).starts_with("__Secure-"));
        let (pass, shared) = (format!("dwp_{}", "a".repeat(43)), format!("dwx_{}", "a".repeat(43)));
        let plain = format!("doorward_pass_abc={pass}; doorward_shared={shared}");
        let first = |cookie: &str| credentials(&headers(&[("cookie", cookie)]), Scheme::Https, "abc")[0];
        assert!(matches!(first(&plain), Credential::None));
        let bound = format!("{plain}; __Host-doorward_pass_abc={pass}");
        assert!(matches!(first(&bound), Credential::Pass(_)));
    }

    #[test]
    fn gauntlet_b1_11_original_urls_are_of_the_web_and_whole() {
        for url in ["a/public", "//a/public", "ftp://a/public", "HTTP://a/public", "javascript://a/public", "http:///x"]
        {
            assert!(ask("/gate/nginx", "/gate/nginx", &[("x-original-url", url)]).is_err(), "{url}");
        }
    }

    #[test]
    fn our_bearer_tokens_are_ours_and_others_belong_to_the_tool() {
        let bearer = |value: &str| credentials(&headers(&[("authorization", value)]), Scheme::Https, "abc")[0];
        assert!(matches!(bearer("Bearer eyJhbGciOi"), Credential::None));
        assert!(matches!(bearer("Basic YTpi"), Credential::None));
        assert!(matches!(bearer("Bearer dwa_short"), Credential::Malformed));
        let good = format!("bearer dwa_{}", "a".repeat(43));
        assert!(matches!(bearer(&good), Credential::Service(_)));
        let two = headers(&[("authorization", &good), ("authorization", "Bearer x")]);
        assert!(matches!(credentials(&two, Scheme::Https, "abc")[0], Credential::Malformed));
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

    #[test]
    fn what_is_left_of_cookies_is_the_tools_own() {
        let clean = |lines: &[&str]| {
            let pairs: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            String::from_utf8_lossy(clean_cookies(&headers(&pairs)).as_bytes()).into_owned()
        };
        assert_eq!(clean(&["doorward_pass_abc=x; a=1", "b=2;doorward_browser=y"]), "a=1; b=2");
        assert_eq!(clean(&["__Host-doorward_pass_abc=x"]), "");
        assert_eq!(clean(&["a=1;b=2; doorward_pass_abc=x; c=3;  d=4 ;e"]), "a=1; b=2; c=3; d=4; e");
        assert_eq!(clean(&["a=1; b=2; doorward_session=x", "doorward_session=y", "c=3"]), "a=1; b=2; c=3");
        assert_eq!(clean(&["a=1; b=2,3; c"]), "a=1; b=2,3; c");
        assert_eq!(clean(&[""]), "");
        assert_eq!(clean(&["theirs=1,doorward_pass_abc=x; b=2,3"]), "b=2,3");
    }

    #[test]
    fn tools_never_see_our_cookies() {
        for name in ["doorward_pass_abc", "__Host-doorward_pass_abc", "__Secure-doorward_shared", "doorward_session"] {
            assert!(is_own_cookie(name), "{name}");
        }
        assert!(!is_own_cookie("session") && !is_own_cookie("__Host-session"));
    }
}
