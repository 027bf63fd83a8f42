//! A protected tool as people see it: where it answers, who may enter, what it is told.

use crate::address::Address;
use crate::id::{AppId, GroupId, RealmId};
use crate::name::{AppSlug, BadName, DisplayText};
use crate::path::{AskedPath, RequestPath};
use crate::ways::Ways;
use serde::{Deserialize, Serialize};

/// A protected tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// The realm whose users may enter.
    pub realm_id: RealmId,
    /// Its name in URLs and commands.
    pub slug: AppSlug,
    /// Who may enter.
    pub access: Access,
    /// Everything else that was declared.
    pub settings: AppSettings,
}

/// Who may enter an app. Default deny: no groups and not everyone admits nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Every signed-in user of the realm may enter.
    pub everyone: bool,
    /// Members of any of these groups, directly or through nesting, may enter.
    pub groups: Vec<GroupId>,
    /// By which ways in whoever may enter must have come.
    #[serde(skip_serializing_if = "Ways::is_any")]
    pub ways: Ways,
}

/// What was declared about an app apart from who may enter; stored as one document. A newer node beside
/// this one may have written fields unknown here: they are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSettings {
    /// Its name for people.
    pub title: DisplayText,
    /// One line for the launcher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<DisplayText>,
    /// One of the built-in symbols.
    #[serde(default)]
    pub icon: Icon,
    /// Where browsers reach it; the first is the one links use.
    pub addresses: Vec<Address>,
    /// Where the built-in reverse proxy forwards to; without it another proxy asks the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Paths that need no sign-in (health checks, webhooks).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_paths: Vec<PublicPath>,
    /// Identity header families it is told; empty means the family of the proxy's own dialect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderFamily>,
    /// Whether it also gets `Authorization: Bearer` with a signed identity token.
    #[serde(default)]
    pub bearer_token: bool,
    /// How to ask for access, shown on the 403 page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_to_ask: Option<DisplayText>,
}

/// Symbols for launcher tiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Icon {
    /// The app's initials.
    #[default]
    Initials,
    /// Pipelines: Dagster, Airflow, Kestra.
    Pipeline,
    /// Databases and catalogs.
    Database,
    /// Dashboards: Grafana, Superset.
    Chart,
    /// Object storage.
    Storage,
    /// Notebooks.
    Notebook,
    /// Connectors and syncs: Airbyte.
    Workflow,
    /// Anything else.
    Generic,
}

/// A path, or everything below a path, that needs no sign-in. Matched on the path only, never on the
/// query, and only when the request's path has one reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicPath {
    path: Box<str>,
    below_too: bool,
}

impl PublicPath {
    /// Parses `/exact/path` or `/prefix/*`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let bad = |why: &str| BadName::new("the public path", text, why);
        let (path, below_too) = match text.strip_suffix("/*") {
            Some(prefix) if prefix.trim_end_matches('/').is_empty() => {
                return Err(bad("would make the whole app public: name a path below it"));
            }
            Some(prefix) => (prefix, true),
            None if text == "/" => return Err(bad("is the app's front page: name a path below it")),
            None => (text, false),
        };
        let parsed = RequestPath::parse(path).map_err(|error| bad(&error.to_string()))?;
        if !parsed.is_plain() || parsed.path() != path || path.contains('*') {
            return Err(bad("must be a plain path like /health, or /hooks/* for all below"));
        }
        Ok(Self { path: path.into(), below_too })
    }

    /// Whether a request's path is public by this rule.
    pub fn covers(&self, path: &AskedPath<'_>) -> bool {
        path.is_plain() && if self.below_too { path.is_under(&self.path) } else { path.path() == &*self.path }
    }
}

impl TryFrom<String> for PublicPath {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl From<PublicPath> for String {
    fn from(rule: PublicPath) -> Self {
        if rule.below_too { format!("{}/*", rule.path) } else { rule.path.into() }
    }
}

/// Families of identity headers tools already understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderFamily {
    /// `X-authentik-*`.
    Authentik,
    /// `X-Auth-Request-*`.
    AuthRequest,
    /// `X-Forwarded-User` and its kin.
    Forwarded,
    /// `Remote-*`.
    Remote,
    /// `X-WEBAUTH-*`, as Grafana's proxy sign-in reads them.
    Webauth,
    /// `kubeflow-userid`, `kubeflow-groups`.
    Kubeflow,
}

impl HeaderFamily {
    /// Every header name of the family, lower case. All of them are always told, empty when there is
    /// nothing to tell, so that a client's own copy never survives.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Authentik => &[
                "x-authentik-username",
                "x-authentik-groups",
                "x-authentik-entitlements",
                "x-authentik-email",
                "x-authentik-name",
                "x-authentik-uid",
                "x-authentik-jwt",
                "x-authentik-meta-jwks",
                "x-authentik-meta-outpost",
                "x-authentik-meta-provider",
                "x-authentik-meta-app",
                "x-authentik-meta-version",
            ],
            Self::AuthRequest => &[
                "x-auth-request-user",
                "x-auth-request-email",
                "x-auth-request-groups",
                "x-auth-request-preferred-username",
                "x-auth-request-access-token",
            ],
            Self::Forwarded => &[
                "x-forwarded-user",
                "x-forwarded-email",
                "x-forwarded-groups",
                "x-forwarded-preferred-username",
                "x-forwarded-access-token",
            ],
            Self::Remote => &["remote-user", "remote-groups", "remote-email", "remote-name"],
            Self::Webauth => {
                &["x-webauth-user", "x-webauth-email", "x-webauth-name", "x-webauth-groups", "x-webauth-role"]
            }
            Self::Kubeflow => &["kubeflow-userid", "kubeflow-groups"],
        }
    }

    /// All families.
    pub const ALL: [Self; 6] =
        [Self::Authentik, Self::AuthRequest, Self::Forwarded, Self::Remote, Self::Webauth, Self::Kubeflow];
}

impl App {
    /// Whether a path needs no sign-in.
    pub fn is_public(&self, path: &AskedPath<'_>) -> bool {
        self.settings.public_paths.iter().any(|rule| rule.covers(path))
    }
}

#[cfg(test)]
mod tests {
    use super::PublicPath;
    use crate::path::RequestPath;

    fn covers(rule: &str, path: &str) -> bool {
        PublicPath::parse(rule).is_ok_and(|r| RequestPath::parse(path).is_ok_and(|p| r.covers(&p)))
    }

    #[test]
    fn public_paths_match_the_path_alone() {
        assert!(covers("/health", "/health") && covers("/health", "/health?x=1"));
        assert!(covers("/hooks/*", "/hooks/a/b") && covers("/hooks/*", "/hooks"));
        for path in [
            "/admin?/health",
            "/admin?x=/health",
            "/health/x",
            "/healthx",
            "/HEALTH",
            "/health;x",
            "//health",
            "/%68ealth",
        ] {
            assert!(!covers("/health", path), "{path}");
        }
        assert!(!covers("/hooks/*", "/hooksx") && !covers("/hooks/*", "/hooks;a/b"));
    }

    #[test]
    fn gauntlet_b1_20_a_public_path_is_never_a_pattern() {
        for rule in ["/", "/*", "//*", "/a*", "/a/*/b", "health", "/a/../b", "/a?x", "/%61"] {
            assert!(PublicPath::parse(rule).is_err(), "{rule}");
        }
        assert!(!covers("/a.b", "/aXb"));
        // Below a prefix too only the plainest form counts.
        for path in ["/hooks/%61", "/hooks/a;x=1", "/hooks//a", "/hooks/"] {
            assert_eq!(covers("/hooks/*", path), path == "/hooks/", "{path}");
        }
    }
}
