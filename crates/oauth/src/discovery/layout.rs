//! Where the endpoints lie, in the words of the products Doorward can stand in for.

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Where people are sent to sign in.
    Authorization,
    /// Where codes become tokens.
    Token,
    /// The public keys.
    Keys,
    /// Claims about the person.
    UserInfo,
    /// Where people are sent to sign out.
    EndSession,
    /// Where tokens are ended (RFC 7009).
    Revocation,
    /// Where tokens are looked up (RFC 7662).
    Introspection,
    /// Where devices ask for a code (RFC 8628).
    Device,
    /// Where requests are pushed (RFC 9126).
    PushedAuthorization,
    /// Where clients register themselves (RFC 7591).
    Registration,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 10] = [
        Self::Authorization,
        Self::Token,
        Self::Keys,
        Self::UserInfo,
        Self::EndSession,
        Self::Revocation,
        Self::Introspection,
        Self::Device,
        Self::PushedAuthorization,
        Self::Registration,
    ];

    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Authorization => "authorization_endpoint",
            Self::Token => "token_endpoint",
            Self::Keys => "jwks_uri",
            Self::UserInfo => "userinfo_endpoint",
            Self::EndSession => "end_session_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Device => "device_authorization_endpoint",
            Self::PushedAuthorization => "pushed_authorization_request_endpoint",
            Self::Registration => "registration_endpoint",
        }
    }
}

/// Whose paths the endpoints have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout<'a> {
    /// Keycloak's, below `…/realms/NAME`.
    Keycloak,
    /// authentik's, below the root; the slug is the app's name.
    Authentik {
        /// The app's name in its addresses.
        slug: &'a str,
    },
}

impl Layout<'_> {
    /// The issuer below a base. authentik's ends in a slash, Keycloak's does not; clients compare it to
    /// the letter.
    pub fn issuer(self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        match self {
            Self::Keycloak => base.to_owned(),
            Self::Authentik { slug } => format!("{base}/application/o/{slug}/"),
        }
    }

    /// The address of an endpoint below a base; `None` where the layout has none.
    pub fn address(self, base: &str, endpoint: Endpoint) -> Option<String> {
        let base = base.trim_end_matches('/');
        let own = |path: &str| Some(format!("{base}/protocol/openid-connect/{path}"));
        match (self, endpoint) {
            (Self::Keycloak, Endpoint::Authorization) => own("auth"),
            (Self::Keycloak, Endpoint::Token) => own("token"),
            (Self::Keycloak, Endpoint::Keys) => own("certs"),
            (Self::Keycloak, Endpoint::UserInfo) => own("userinfo"),
            (Self::Keycloak, Endpoint::EndSession) => own("logout"),
            (Self::Keycloak, Endpoint::Revocation) => own("revoke"),
            (Self::Keycloak, Endpoint::Introspection) => own("token/introspect"),
            (Self::Keycloak, Endpoint::Device) => own("auth/device"),
            (Self::Keycloak, Endpoint::PushedAuthorization) => own("ext/par/request"),
            (Self::Keycloak, Endpoint::Registration) => Some(format!("{base}/clients-registrations/openid-connect")),
            (Self::Authentik { slug }, endpoint) => {
                let path = match endpoint {
                    Endpoint::Authorization => "authorize".to_owned(),
                    Endpoint::Token => "token".to_owned(),
                    Endpoint::Keys => format!("{slug}/jwks"),
                    Endpoint::UserInfo => "userinfo".to_owned(),
                    Endpoint::EndSession => format!("{slug}/end-session"),
                    Endpoint::Revocation => "revoke".to_owned(),
                    Endpoint::Introspection => "introspect".to_owned(),
                    Endpoint::Device => "device".to_owned(),
                    Endpoint::PushedAuthorization | Endpoint::Registration => return None,
                };
                Some(format!("{base}/application/o/{path}/"))
            }
        }
    }
}
