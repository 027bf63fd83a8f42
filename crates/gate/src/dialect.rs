//! The table of dialects: which path is which proxy's or gate's contract, and the discipline each
//! keeps. Envoy: allow is exactly 200. nginx: never 302. oauth2-proxy: 202, 401, 403.

use crate::headers::OWN_DEFAULT;
use doorward_engine::sign_in::flow::Entrance;
use doorward_model::app::HeaderFamily;
use http::StatusCode;

/// Where a proxy puts the URL it asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `X-Original-URL`, absolute, set by the proxy.
    OriginalUrl,
    /// `X-Forwarded-Host` and `X-Forwarded-Uri`.
    Forwarded,
    /// Whichever of the two is there, else `Host` and `X-Forwarded-Uri`. The proxy sets one of them and may
    /// pass on what the client wrote into the others: all that are there must agree.
    Either,
    /// The request's own path behind a prefix, and `Host`.
    Path,
}

/// What a page request without a session gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenSignedOut {
    /// 302 to the sign-in page (303 when the method was not a safe one).
    Redirect,
    /// 401 with the sign-in address in `X-Doorward-Sign-In`: for proxies that cannot pass a redirect on.
    Unauthorized,
    /// 401 with the sign-in address in `Location`.
    UnauthorizedWithLocation,
}

/// One dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Its name in logs and caches; unique.
    pub number: u8,
    /// The path it answers at; a prefix when the original path follows.
    pub path: &'static str,
    /// Where the original URL stands.
    pub source: Source,
    /// The status that means "let through".
    pub allow: StatusCode,
    /// What a page request without a session gets.
    pub signed_out: WhenSignedOut,
    /// What the app is told when it names no family.
    pub families: &'static [HeaderFamily],
    /// Which paths on the app's host lead to Doorward.
    pub entrance: Entrance,
    /// Whether the query may narrow who passes (`allowed_groups` and its kin).
    pub narrows: bool,
    /// Whether calls are told the way to sign in too, beside their 401.
    pub leads_calls: bool,
    /// Whether Doorward's own paths on the app's host pass the check, as they do at authentik.
    pub passes_own_paths: bool,
    /// Whether the answer carries the client's Cookie and Authorization without what is ours, to be copied.
    pub cleans: bool,
}

const fn dialect(
    number: u8,
    path: &'static str,
    source: Source,
    signed_out: WhenSignedOut,
    (families, entrance): (&'static [HeaderFamily], Entrance),
) -> Dialect {
    Dialect {
        number,
        path,
        source,
        allow: StatusCode::OK,
        signed_out,
        families,
        entrance,
        narrows: false,
        leads_calls: matches!(entrance, Entrance::Shared),
        passes_own_paths: matches!(entrance, Entrance::Authentik),
        cleans: matches!(entrance, Entrance::Doorward),
    }
}

const OWN: (&[HeaderFamily], Entrance) = (OWN_DEFAULT, Entrance::Doorward);
const AUTHENTIK: (&[HeaderFamily], Entrance) = (&[HeaderFamily::Authentik], Entrance::Authentik);
const AUTHELIA: (&[HeaderFamily], Entrance) = (&[HeaderFamily::Remote], Entrance::Shared);
const OAUTH2_PROXY: (&[HeaderFamily], Entrance) = (&[HeaderFamily::AuthRequest], Entrance::OAuth2Proxy);

/// The dialects spoken over HTTP.
pub const DIALECTS: &[Dialect] = &[
    dialect(1, "/gate/nginx", Source::OriginalUrl, WhenSignedOut::Unauthorized, OWN),
    dialect(2, "/gate/traefik", Source::Forwarded, WhenSignedOut::Redirect, OWN),
    dialect(3, "/gate/caddy", Source::Forwarded, WhenSignedOut::Redirect, OWN),
    dialect(4, "/gate/haproxy", Source::OriginalUrl, WhenSignedOut::Redirect, OWN),
    dialect(5, "/gate/envoy", Source::Path, WhenSignedOut::Redirect, OWN),
    Dialect {
        allow: StatusCode::ACCEPTED,
        narrows: true,
        ..dialect(6, "/oauth2/auth", Source::Either, WhenSignedOut::Unauthorized, OAUTH2_PROXY)
    },
    dialect(7, "/outpost.goauthentik.io/auth/nginx", Source::OriginalUrl, WhenSignedOut::Unauthorized, AUTHENTIK),
    dialect(8, "/outpost.goauthentik.io/auth/traefik", Source::Forwarded, WhenSignedOut::Redirect, AUTHENTIK),
    dialect(9, "/outpost.goauthentik.io/auth/caddy", Source::Forwarded, WhenSignedOut::Redirect, AUTHENTIK),
    dialect(10, "/outpost.goauthentik.io/auth/envoy", Source::Path, WhenSignedOut::Redirect, AUTHENTIK),
    dialect(11, "/api/authz/forward-auth", Source::Forwarded, WhenSignedOut::Redirect, AUTHELIA),
    dialect(12, "/api/authz/auth-request", Source::OriginalUrl, WhenSignedOut::UnauthorizedWithLocation, AUTHELIA),
    dialect(13, "/api/authz/ext-authz", Source::Path, WhenSignedOut::Redirect, AUTHELIA),
    dialect(14, "/api/verify", Source::Either, WhenSignedOut::UnauthorizedWithLocation, AUTHELIA),
    dialect(17, "/outpost.goauthentik.io/auth", Source::Either, WhenSignedOut::Unauthorized, AUTHENTIK),
];

/// The number of Authelia's older endpoint, which redirects only when its query names a portal.
pub const VERIFY: u8 = 14;
/// Envoy over gRPC.
pub const GRPC: Dialect = unasked(15);
/// The built-in reverse proxy.
pub const BUILT_IN: Dialect = unasked(16);

/// A dialect that is spoken without a path of its own, and cleans what it passes on by itself.
const fn unasked(number: u8) -> Dialect {
    Dialect { cleans: false, ..dialect(number, "", Source::Path, WhenSignedOut::Redirect, OWN) }
}

/// The dialect of a path.
pub fn find(path: &str) -> Option<&'static Dialect> {
    // A look at the second byte keeps this off the way of all other requests.
    if !matches!(path.as_bytes().get(1), Some(b'g' | b'o' | b'a')) {
        return None;
    }
    DIALECTS.iter().find(|dialect| match dialect.source {
        Source::Path => path.strip_prefix(dialect.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        Source::OriginalUrl | Source::Forwarded | Source::Either => path == dialect.path,
    })
}

#[cfg(test)]
mod tests {
    use super::{DIALECTS, find};
    use std::collections::HashSet;

    #[test]
    fn dialects_are_told_apart() {
        let numbers: HashSet<u8> = DIALECTS.iter().map(|dialect| dialect.number).collect();
        assert_eq!(numbers.len(), DIALECTS.len());
        for dialect in DIALECTS {
            assert_eq!(find(dialect.path), Some(dialect));
        }
        assert_eq!(find("/gate/envoy/a/b").map(|dialect| dialect.number), Some(5));
        assert!(find("/gate/envoyx").is_none() && find("/oauth2/auth/x").is_none() && find("/").is_none());
    }
}
