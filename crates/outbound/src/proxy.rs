//! The proxy between Doorward and the rest of the world, by the variables every tool knows: `HTTPS_PROXY`,
//! `HTTP_PROXY`, `NO_PROXY`, in capitals or not.

use crate::target::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use std::net::IpAddr;
use url::Url;

/// Which calls take which proxy.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    direct: Vec<Direct>,
}

/// A proxy that is spoken to without TLS.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What it is shown, when it asks who calls.
    pub(crate) authorization: Option<String>,
}

/// Whom no proxy is asked for.
#[derive(Clone)]
enum Direct {
    Everybody,
    Domain(String),
    Network(IpNet),
}

impl Proxies {
    /// From variables, by a function that looks one up. An empty one counts as not set.
    ///
    /// # Errors
    /// A sentence that names the variable; what it holds is not repeated.
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let find = |name: &str| {
            let found = look_up(name).or_else(|| look_up(&name.to_lowercase()));
            found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let proxy = |name: &str| find(name).map(|text| Proxy::parse(name, &text)).transpose();
        let direct = find("NO_PROXY").unwrap_or_default();
        let direct = direct.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(Direct::parse).collect();
        Ok(Self { https: proxy("HTTPS_PROXY")?, http: proxy("HTTP_PROXY")?, direct })
    }

    /// The proxy for a call; `None` to call directly.
    pub(crate) fn of(&self, target: &Target) -> Option<&Proxy> {
        if self.direct.iter().any(|direct| direct.fits(target)) {
            return None;
        }
        if target.is_https { self.https.as_ref() } else { self.http.as_ref() }
    }
}

impl Proxy {
    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let wrong = || format!("{name} is no proxy Doorward can use: write http://HOST:PORT");
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).map_err(|_| wrong())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        if url.scheme() != "http" || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(wrong());
        }
        let authorization = (!url.username().is_empty()).then(|| {
            let decoded = |text: &str| {
                let pair = format!("x={}", text.replace('+', "%2B"));
                url::form_urlencoded::parse(pair.as_bytes())
                    .map(|(_, value)| value.into_owned())
                    .next()
                    .unwrap_or_default()
            };
            let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
            format!("Basic {}", STANDARD.encode(pair))
        });
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port_or_known_default().unwrap_or(80), authorization })
    }

    /// As it stands in sentences.
    pub(crate) fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl Direct {
    fn parse(entry: &str) -> Self {
        if entry == "*" {
            return Self::Everybody;
        }
        if let Ok(network) = entry.parse::<IpNet>() {
            return Self::Network(network);
        }
        if let Ok(address) = entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return Self::Network(IpNet::from(address));
        }
        let name = entry.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.');
        Self::Domain(name.to_ascii_lowercase())
    }

    fn fits(&self, target: &Target) -> bool {
        match self {
            Self::Everybody => true,
            Self::Network(network) => target.address.is_some_and(|address| network.contains(&address.to_canonical())),
            Self::Domain(name) => {
                let below = target.host.strip_suffix(name.as_str());
                below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Proxies;
    use crate::target::Target;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        let find = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, text)| (*text).to_owned());
        Proxies::from_variables(find)
    }

    fn way(proxies: &Proxies, url: &str) -> Option<String> {
        let Ok(target) = Target::parse(url) else { panic!("{url}") };
        proxies.of(&target).map(super::Proxy::shown)
    }

    #[test]
    fn each_scheme_has_its_proxy_and_some_have_none() {
        let Ok(all) = proxies(&[
            ("HTTPS_PROXY", "http://proxy.example.com:3128"),
            ("http_proxy", "other:8080"),
            ("NO_PROXY", "localhost, .internal.example.com,10.0.0.0/8,[::1],exact.example.org:"),
        ]) else {
            panic!("proxies")
        };
        assert_eq!(way(&all, "https://tool.example.com/x").as_deref(), Some("proxy.example.com:3128"));
        assert_eq!(way(&all, "http://tool.example.com/x").as_deref(), Some("other:8080"));
        for direct in [
            "https://localhost/",
            "https://a.internal.example.com",
            "https://internal.example.com",
            "https://10.2.3.4:9/",
            "https://[::1]/",
        ] {
            assert_eq!(way(&all, direct), None, "{direct}");
        }
        assert!(way(&all, "https://notinternal.example.com").is_some());
        assert!(
            proxies(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "*")])
                .is_ok_and(|p| way(&p, "https://x.y").is_none())
        );
        assert!(proxies(&[("HTTPS_PROXY", " ")]).is_ok_and(|p| way(&p, "https://x.y").is_none()));
    }

    #[test]
    fn a_bad_proxy_is_named_and_its_password_is_not() {
        for bad in ["https://u:secret@proxy", "http://u:secret@proxy/path", "socks5://u:secret@p", "http://"] {
            let Err(sentence) = proxies(&[("HTTPS_PROXY", bad)]) else { panic!("{bad}") };
            assert!(sentence.starts_with("HTTPS_PROXY is no proxy") && !sentence.contains("secret"), "{sentence}");
        }
        let Ok(all) = proxies(&[("HTTPS_PROXY", "http://user:p%40ss@proxy:1")]) else { panic!("a proxy") };
        let shown = all.https.as_ref().and_then(|proxy| proxy.authorization.clone());
        assert_eq!(shown.as_deref(), Some("Basic dXNlcjpwQHNz"));
    }
}
