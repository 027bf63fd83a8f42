//! Whose credential a request carries: our cookies and our bearer tokens among the tool's own, and what is left of
//! its cookies without ours.

use doorward_engine::gate::check::Credential;
use doorward_model::address::Scheme;
use doorward_model::limits;
use doorward_model::secret::{TokenHash, TokenKind};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

static OWN_COOKIE: HeaderName = COOKIE;
static OWN_AUTHORIZATION: HeaderName = AUTHORIZATION;

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
    if let Some(bearer) = bearer(headers) {
        return [bearer, Credential::None];
    }
    let mut passes = Passes::of(scheme, label);
    all_cookies(headers).for_each(|(name, value)| passes.see(name, value));
    passes.shown()
}

/// The same, and the client's cookies without ours as [`clean_cookies`] leaves them: each is looked at once.
pub fn credentials_and_rest(headers: &HeaderMap, scheme: Scheme, label: &str) -> ([Credential; 2], HeaderValue) {
    let mut passes = Passes::of(scheme, label);
    let rest = cleaned(headers, |name, value| passes.see(name, value));
    match bearer(headers) {
        Some(bearer) => ([bearer, Credential::None], rest),
        None => (passes.shown(), rest),
    }
}

/// Our bearer token, well formed or not, if one is shown.
fn bearer(headers: &HeaderMap) -> Option<Credential> {
    let mut bearers = headers.get_all(&OWN_AUTHORIZATION).iter();
    let token = bearers.next().and_then(own_bearer)?;
    Some(match TokenHash::of_presented(TokenKind::Service, token) {
        Some(hash) if bearers.next().is_none() => Credential::Service(hash),
        Some(_) | None => Credential::Malformed,
    })
}

/// The passes among cookies, as they are seen.
struct Passes<'a> {
    scheme: Scheme,
    label: &'a str,
    pass: Credential,
    shared: Credential,
}

impl<'a> Passes<'a> {
    fn of(scheme: Scheme, label: &'a str) -> Self {
        Self { scheme, label, pass: Credential::None, shared: Credential::None }
    }

    fn see(&mut self, name: &[u8], value: &[u8]) {
        let presented = |kind| std::str::from_utf8(value).ok().and_then(|text| TokenHash::of_presented(kind, text));
        if is_pass_of(name, self.scheme, self.label) {
            self.pass = presented(TokenKind::Pass).map_or(self.pass, Credential::Pass);
        } else if name == shared_cookie(self.scheme).as_bytes() {
            self.shared = presented(TokenKind::SharedPass).map_or(self.shared, Credential::SharedPass);
        }
    }

    fn shown(self) -> [Credential; 2] {
        match self.pass {
            Credential::None => [self.shared, Credential::None],
            other => [other, self.shared],
        }
    }
}

/// The text of the pass cookie of an app, well formed or not.
pub fn pass_text<'h>(headers: &'h HeaderMap, scheme: Scheme, label: &str) -> Option<&'h str> {
    let found = all_cookies(headers).find(|(name, _)| is_pass_of(name, scheme, label));
    found.and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// The client's Cookie header without our cookies; empty when nothing is left.
pub fn clean_cookies(headers: &HeaderMap) -> HeaderValue {
    cleaned(headers, |_, _| {})
}

/// The same; ours are shown on the way, but for those in headers larger than browsers send.
fn cleaned(headers: &HeaderMap, mut ours: impl FnMut(&[u8], &[u8])) -> HeaderValue {
    let mut lines = headers.get_all(&OWN_COOKIE).iter().map(|line| match line.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line.as_bytes()),
    });
    let Some(first) = lines.next() else { return HeaderValue::from_static("") };
    let mut kept = clean_line(&first, &mut ours);
    for line in lines {
        let more = clean_line(&line, &mut ours);
        if !more.is_empty() {
            let separator = if kept.is_empty() { "" } else { "; " };
            kept = Cow::Owned(format!("{kept}{separator}{more}"));
        }
    }
    HeaderValue::from_bytes(kept.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// One line without our cookies, which are shown. Ours is mostly the first or the last: what is left is then a piece of
/// the line as it came.
fn clean_line<'l>(line: &'l str, ours: &mut impl FnMut(&[u8], &[u8])) -> Cow<'l, str> {
    let (mut kept, mut kept_end) = (Cow::Borrowed(""), 0);
    let has_commas = line.contains(',');
    let is_searched = line.len() <= limits::COOKIE_HEADER_BYTES;
    let mut next = 0;
    for piece in line.split(';') {
        let start = next + piece.len() - piece.trim_start().len();
        next += piece.len() + 1;
        let pair = piece.trim();
        let parts = pair.split_once('=');
        let name = parts.map_or(pair, |(name, _)| name);
        if is_own_cookie(name) {
            if let Some((name, value)) = parts.filter(|_| is_searched) {
                ours(name.as_bytes(), value.as_bytes());
            }
            continue;
        }
        // Envoy joins several Cookie lines by commas: what may hide one of ours goes as a whole.
        let hides_ours = has_commas && pair.split(',').skip(1).any(|part| is_own_cookie(part.trim()));
        if pair.is_empty() || hides_ours {
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
    use super::{clean_cookies, credentials, is_own_cookie};
    use crate::ask::tests::headers;
    use doorward_engine::gate::check::Credential;
    use doorward_model::address::Scheme;
    use doorward_model::dice::Dice as _;

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
    fn looking_once_finds_what_looking_twice_does() {
        let (pass, shared) = (format!("dwp_{}", "a".repeat(43)), format!("dwx_{}", "a".repeat(43)));
        let long = format!("a={}; doorward_pass_abc={pass}", "x".repeat(doorward_model::limits::COOKIE_HEADER_BYTES));
        for lines in [
            vec![],
            vec![format!("doorward_pass_abc={pass}")],
            vec![format!("a=1; doorward_pass_abc={pass}; b=2"), format!("doorward_shared={shared}")],
            vec![format!("doorward_pass_abc=x;doorward_pass_abc={pass} ; doorward_pass_other={pass}")],
            vec![format!("doorward_pass_abc={pass}"), "doorward_pass_abc=bad; c".to_owned()],
            vec![format!("theirs=1,doorward_pass_abc={pass}; __Host-doorward_pass_abc={pass}")],
            vec![long, format!("doorward_shared={shared}")],
        ] {
            let pairs: Vec<_> = lines.iter().map(|line| ("cookie", line.as_str())).collect();
            let headers = headers(&pairs);
            let told = |[first, second]: [Credential; 2]| {
                [first, second].map(|one| match one {
                    Credential::Pass(hash) => format!("pass {}", hash.hex()),
                    Credential::SharedPass(hash) => format!("shared {}", hash.hex()),
                    Credential::None => "none".to_owned(),
                    Credential::Service(_) | Credential::Malformed => "a token".to_owned(),
                })
            };
            let (found, rest) = super::credentials_and_rest(&headers, Scheme::Http, "abc");
            assert_eq!(told(found), told(credentials(&headers, Scheme::Http, "abc")), "{lines:.60?}");
            assert_eq!(rest, clean_cookies(&headers), "{lines:.60?}");
        }
        let bearer = format!("Bearer dwa_{}", "a".repeat(43));
        let both = headers(&[("authorization", &bearer), ("cookie", &format!("doorward_pass_abc={pass}; a=1"))]);
        let (found, rest) = super::credentials_and_rest(&both, Scheme::Http, "abc");
        assert!(matches!(found, [Credential::Service(_), Credential::None]) && rest == "a=1");
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
