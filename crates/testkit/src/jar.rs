//! A cookie jar and redirect following, as strict as a browser where the suites depend on it: host-only, `Domain`,
//! `Path`, `Secure` (plain http counts as insecure, also on localhost), the name prefixes, removal by `Max-Age`.
//! RFC 6265 §5, draft-ietf-httpbis-rfc6265bis for the prefixes.

use crate::http::{Address, Answer, Request};
use crate::limits;

/// One cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Name.
    pub name: String,
    /// Value, as sent.
    pub value: String,
    /// Host it belongs to, lower case.
    pub domain: String,
    /// Sent to that host only, not to names below it.
    pub is_host_only: bool,
    /// Path it is sent below.
    pub path: String,
    /// `HttpOnly` was set.
    pub is_http_only: bool,
    /// `SameSite` value, as sent.
    pub same_site: Option<String>,
}

/// Cookies of one imaginary browser.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    /// What is in the jar.
    pub cookies: Vec<Cookie>,
    /// `Set-Cookie` lines that were refused, with the reason.
    pub refused: Vec<(String, &'static str)>,
}

/// One step of a followed redirect.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Method used.
    pub method: String,
    /// Address asked.
    pub url: String,
    /// What came back.
    pub answer: Answer,
}

impl Jar {
    /// An empty jar.
    pub fn new() -> Jar {
        Jar::default()
    }

    /// The cookie of that name the given address would be sent.
    pub fn find(&self, url: &str, name: &str) -> Option<&Cookie> {
        let address = Address::parse(url);
        self.cookies.iter().find(|cookie| (cookie.name == name) && cookie.is_for(&address))
    }

    /// The `Cookie` header for an address; `None` when no cookie is for it.
    pub fn header_for(&self, url: &str) -> Option<String> {
        let address = Address::parse(url);
        let mut fitting: Vec<&Cookie> = self.cookies.iter().filter(|cookie| cookie.is_for(&address)).collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = fitting.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        if pairs.is_empty() { None } else { Some(pairs.join("; ")) }
    }

    /// Takes over the cookies of an answer that came from `url`.
    pub fn store(&mut self, url: &str, answer: &Answer) {
        let address = Address::parse(url);
        for line in answer.headers_named("set-cookie") {
            if let Err(reason) = self.store_line(&address, line) {
                self.refused.push((line.to_owned(), reason));
            }
        }
    }

    fn store_line(&mut self, address: &Address, line: &str) -> Result<(), &'static str> {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).ok_or("no name=value")?;
        let host = address.host.to_ascii_lowercase();
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: host.clone(),
            is_host_only: true,
            path: default_path(&address.target),
            is_http_only: false,
            same_site: None,
        };
        let (mut is_secure, mut is_gone, mut has_root_path) = (false, false, false);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.trim().is_empty() => {
                    cookie.domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
                    cookie.is_host_only = false;
                }
                "path" if value.trim().starts_with('/') => {
                    cookie.path = value.trim().to_owned();
                    has_root_path = cookie.path == "/";
                }
                "max-age" => is_gone = value.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => is_gone = is_gone || value.contains(" 1970 ") || value.contains("-1970 "),
                "secure" => is_secure = true,
                "httponly" => cookie.is_http_only = true,
                "samesite" => cookie.same_site = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        if !cookie.is_host_only && !is_below(&host, &cookie.domain) {
            return Err("Domain is not the host's own");
        }
        if !cookie.is_host_only && !cookie.domain.contains('.') {
            return Err("Domain is a whole top-level name");
        }
        if cookie.name.starts_with("__Host-") && !(is_secure && cookie.is_host_only && has_root_path) {
            return Err("__Host- asks for Secure, Path=/ and no Domain");
        }
        if cookie.name.starts_with("__Secure-") && !is_secure {
            return Err("__Secure- asks for Secure");
        }
        if is_secure {
            return Err("Secure over plain http");
        }
        let is_same = |known: &Cookie| {
            (known.name == cookie.name) && (known.domain == cookie.domain) && (known.path == cookie.path)
        };
        self.cookies.retain(|known| !is_same(known));
        if !is_gone {
            self.cookies.push(cookie);
        }
        Ok(())
    }

    /// Sends a request with the jar's cookies and keeps the cookies of the answer. Redirects are not followed.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn send(&mut self, request: Request) -> Answer {
        let url = request.url();
        let request = match self.header_for(&url) {
            Some(cookies) => request.header("Cookie", cookies),
            None => request,
        };
        let answer = request.send();
        self.store(&url, &answer);
        answer
    }

    /// `GET` with the jar's cookies. Redirects are not followed.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn get(&mut self, url: &str) -> Answer {
        self.send(Request::new("GET", url))
    }

    /// Sends a request and follows redirects as a browser does; the last hop is the final answer.
    /// Headers of the first request are sent once only. RFC 9110 §15.4 for the method.
    ///
    /// # Panics
    /// When there is no answer or the redirects do not end.
    pub fn follow(&mut self, request: Request) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        let mut next = Some(request);
        while let Some(request) = next.take() {
            assert!(hops.len() < limits::REDIRECTS_MAX, "the redirects do not end: {:?}", trace(&hops));
            let (method, url) = (request.method.clone(), request.url());
            let (address, body) = (request.address.clone(), request.body.clone());
            let content_type =
                request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).cloned();
            let answer = self.send(request);
            if let (301 | 302 | 303 | 307 | 308, Some(link)) = (answer.status, answer.header("location")) {
                let is_kept = [307, 308].contains(&answer.status);
                let becomes_get = !is_kept && (method != "HEAD");
                let mut follow = Request::new(if becomes_get { "GET" } else { &method }, &address.join(link));
                if is_kept {
                    follow = follow.body(body);
                    follow.headers.extend(content_type);
                }
                next = Some(follow);
            }
            hops.push(Hop { method, url, answer });
        }
        hops
    }

    /// [`Jar::follow`] for a `GET`, giving the last answer.
    ///
    /// # Panics
    /// As [`Jar::follow`].
    pub fn visit(&mut self, url: &str) -> Hop {
        let mut hops = self.follow(Request::new("GET", url));
        hops.pop().unwrap_or_else(|| panic!("{url} gave no answer"))
    }
}

fn trace(hops: &[Hop]) -> Vec<String> {
    hops.iter().map(|hop| format!("{} {} -> {}", hop.method, hop.url, hop.answer.status)).collect()
}

impl Cookie {
    fn is_for(&self, address: &Address) -> bool {
        let host = address.host.to_ascii_lowercase();
        let fits_host = if self.is_host_only { host == self.domain } else { is_below(&host, &self.domain) };
        let path = address.target.split('?').next().unwrap_or("/");
        let fits_path = path
            .strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        fits_host && fits_path
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    (host == domain) || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// RFC 6265 §5.1.4.
fn default_path(target: &str) -> String {
    let path = target.split('?').next().unwrap_or("/");
    match path.rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder.to_owned(),
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar_with(url: &str, lines: &[&str]) -> Jar {
        let headers = lines.iter().map(|line| ("Set-Cookie".to_owned(), (*line).to_owned())).collect();
        let mut jar = Jar::new();
        jar.store(url, &Answer { status: 200, headers, body: Vec::new() });
        jar
    }

    #[test]
    fn host_only_cookies_stay_home() {
        let jar = jar_with("http://a.localhost:1/x/y", &["s=1; Path=/; HttpOnly; SameSite=Lax", "p=2"]);
        assert_eq!(jar.header_for("http://a.localhost:9/").as_deref(), Some("s=1"));
        assert_eq!(jar.header_for("http://a.localhost/x/z?q").as_deref(), Some("p=2; s=1"));
        assert_eq!(jar.header_for("http://a.localhost/xy").as_deref(), Some("s=1"));
        assert_eq!(jar.header_for("http://b.localhost/"), None);
        assert_eq!(jar.header_for("http://c.a.localhost/"), None);
        assert!(jar.cookies.iter().any(|cookie| cookie.is_http_only && (cookie.same_site.as_deref() == Some("Lax"))));
    }

    #[test]
    fn domain_cookies_reach_names_below_and_no_further() {
        let jar =
            jar_with("http://a.corp.localhost/", &["s=1; Domain=corp.localhost; Path=/", "t=1; Domain=localhost"]);
        assert_eq!(jar.header_for("http://b.corp.localhost/").as_deref(), Some("s=1"));
        assert_eq!(jar.header_for("http://evilcorp.localhost/"), None);
        assert_eq!(jar.refused.len(), 1);
        assert_eq!(jar_with("http://a.localhost/", &["s=1; Domain=b.localhost"]).refused.len(), 1);
    }

    #[test]
    fn prefixes_secure_and_removal() {
        let lines = ["__Host-s=1; Path=/", "s=1; Secure", "k=1; Path=/"];
        let mut jar = jar_with("http://a.localhost/", &lines);
        assert_eq!((jar.refused.len(), jar.cookies.len()), (2, 1));
        let gone = Answer {
            status: 200,
            headers: vec![("set-cookie".to_owned(), "k=; Max-Age=0; Path=/".to_owned())],
            body: Vec::new(),
        };
        jar.store("http://a.localhost/", &gone);
        assert!(jar.cookies.is_empty());
    }
}
