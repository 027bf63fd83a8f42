//! Configurations for the reverse proxies that ask Doorward's gate: complete files, ready to run.
//! Owns which header is sent, told and removed at which proxy; does not own the answers (`gate`).
//! Each proxy has one file here and its text under `templates/`.

mod caddy;
mod envoy;
mod fill;
mod haproxy;
mod headers;
mod istio;
mod nginx;
mod place;
mod traefik;

pub use place::{BadPlace, Place};

use doorward_model::address::{Address, Scheme};
use doorward_model::app::{HeaderFamily, PublicPath};
use doorward_model::name::{AppSlug, DisplayText, GroupName};
use std::fmt;

/// The proxies a configuration can be printed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecipeKind {
    /// nginx with `auth_request`.
    Nginx,
    /// Traefik with `ForwardAuth`.
    Traefik,
    /// Caddy with `forward_auth`.
    Caddy,
    /// HAProxy with a Lua action.
    Haproxy,
    /// Envoy with `ext_authz` over HTTP.
    Envoy,
    /// Envoy with `ext_authz` over gRPC.
    EnvoyGrpc,
    /// Istio's ingress gateway.
    Istio,
}

impl RecipeKind {
    /// All kinds, in the order they are listed to people.
    pub const ALL: [Self; 7] =
        [Self::Nginx, Self::Traefik, Self::Caddy, Self::Haproxy, Self::Envoy, Self::EnvoyGrpc, Self::Istio];

    /// As typed on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::EnvoyGrpc => "envoy-grpc",
            Self::Istio => "istio",
        }
    }

    /// From the command line.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for RecipeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a configuration is printed from.
#[derive(Debug, Clone)]
pub struct RecipeFacts<'a> {
    /// The app's name in file and object names.
    pub slug: &'a AppSlug,
    /// The app's name for people; stands in comments.
    pub title: &'a DisplayText,
    /// Where browsers reach the app; the first is the primary one. Only addresses with the primary's
    /// scheme are served: one listener tells one scheme.
    pub addresses: &'a [Address],
    /// Where the tool listens, over plain HTTP.
    pub upstream: Place,
    /// Where the proxy reaches Doorward's HTTP listener.
    pub doorward_http: Place,
    /// Where the proxy reaches Doorward's gRPC listener.
    pub doorward_grpc: Place,
    /// Where the proxy itself listens.
    pub listen: Place,
    /// Identity header families the tool is told. All other families are still removed from requests.
    pub families: Vec<HeaderFamily>,
    /// Where people reach Doorward; stands in comments.
    pub doorward: &'a Address,
    /// Groups that may enter, for ingresses that check the groups header themselves (Istio).
    pub allowed_groups: Vec<GroupName>,
    /// Paths that need no sign-in, for the same check (Istio).
    pub public_paths: Vec<PublicPath>,
}

/// One file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeFile {
    /// Its name; files of one configuration stand in one directory.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// Prints the configuration of one proxy for one app. The first file is the one the proxy is started
/// with.
pub fn render(kind: RecipeKind, facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    match kind {
        RecipeKind::Nginx => nginx::render(facts),
        RecipeKind::Traefik => traefik::render(facts),
        RecipeKind::Caddy => caddy::render(facts),
        RecipeKind::Haproxy => haproxy::render(facts),
        RecipeKind::Envoy => envoy::render(facts, envoy::Protocol::Http),
        RecipeKind::EnvoyGrpc => envoy::render(facts, envoy::Protocol::Grpc),
        RecipeKind::Istio => istio::render(facts),
    }
}

impl RecipeFacts<'_> {
    /// The scheme browsers use, as the tool and Doorward are told it.
    fn scheme(&self) -> Scheme {
        self.addresses.first().map_or(Scheme::Http, Address::scheme)
    }

    /// Host names served, each once.
    fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = Vec::new();
        for address in self.addresses.iter().filter(|address| address.scheme() == self.scheme()) {
            if !hosts.contains(&address.host().as_str()) {
                hosts.push(address.host().as_str());
            }
        }
        hosts
    }

    /// The lines every file begins with say the same things.
    fn header(&self) -> Vec<(&'static str, String)> {
        let tls = match self.scheme() {
            Scheme::Http => "Browsers reach it over plain http, as declared.",
            Scheme::Https => {
                "It listens in plain HTTP and says https, as declared: give the listener your certificate, or\n\
                 # keep it behind what ends TLS."
            }
        };
        let left_out: String = self
            .addresses
            .iter()
            .filter(|address| address.scheme() != self.scheme())
            .map(|address| format!("\n# Not served here, as its scheme differs: {address}"))
            .collect();
        vec![
            ("title", self.title.to_string()),
            ("slug", self.slug.to_string()),
            ("doorward", self.doorward.to_string()),
            ("tls", tls.to_owned()),
            ("left_out", left_out),
            ("scheme", self.scheme().as_str().to_owned()),
            ("listen", self.listen.to_string()),
            ("listen_host", self.listen.host().to_owned()),
            ("listen_port", self.listen.port().to_string()),
            ("upstream", self.upstream.to_string()),
            ("doorward_http", self.doorward_http.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests;
