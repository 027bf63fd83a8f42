//! Identity headers: what a tool is told, in the family it understands, and which names a client may
//! therefore never send. Every name of a family is always set, empty when there is nothing to tell.

use doorward_engine::gate::identity::Identity;
use doorward_model::app::HeaderFamily;
use doorward_model::limits;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// The families a dialect tells when an app names none: what users of that gate already configured.
pub const OWN_DEFAULT: &[HeaderFamily] = &[HeaderFamily::Forwarded, HeaderFamily::Remote];

/// What fills the headers besides the identity itself.
pub struct Extras<'a> {
    /// The app's slug.
    pub app: &'a str,
    /// The realm's key set, for those who verify the token.
    pub keys_url: &'a str,
    /// A signed identity token, when the app wants one.
    pub token: Option<&'a str>,
    /// Whether the token also travels as `Authorization: Bearer`.
    pub bearer: bool,
}

/// The headers of some families for an identity; all empty for nobody.
pub fn tell(families: &[HeaderFamily], identity: Option<&Identity>, extras: &Extras<'_>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    for family in families {
        for name in family.names() {
            let text = identity.map(|identity| value_of(name, identity, extras)).unwrap_or_default();
            headers.insert(HeaderName::from_static(name), value(&text));
        }
    }
    if extras.bearer {
        // Empty for nobody: a tool that trusts this header must not see a client's own.
        let text = extras.token.map(|token| format!("Bearer {token}")).unwrap_or_default();
        headers.insert(AUTHORIZATION, value(&text));
    }
    headers
}

/// Whether this answer tells a signed token, so that one must be made.
pub fn needs_token(families: &[HeaderFamily], bearer: bool) -> bool {
    bearer || families.contains(&HeaderFamily::Authentik)
}

fn value_of(name: &str, identity: &Identity, extras: &Extras<'_>) -> String {
    match name {
        "x-authentik-username"
        | "x-auth-request-preferred-username"
        | "x-forwarded-preferred-username"
        | "x-auth-request-user"
        | "x-forwarded-user"
        | "remote-user"
        | "x-webauth-user" => identity.user_name.clone(),
        "x-authentik-email" | "x-auth-request-email" | "x-forwarded-email" | "remote-email" | "x-webauth-email" => {
            identity.email.clone()
        }
        // Kubeflow names people by e-mail address; a machine has only its name.
        "kubeflow-userid" if identity.email.is_empty() => identity.user_name.clone(),
        "kubeflow-userid" => identity.email.clone(),
        "x-authentik-name" | "remote-name" | "x-webauth-name" => identity.display.clone(),
        "x-authentik-uid" => identity.subject.clone(),
        "x-authentik-groups" => joined(&identity.groups, "|"),
        "x-auth-request-groups" | "x-forwarded-groups" | "remote-groups" | "x-webauth-groups" | "kubeflow-groups" => {
            joined(&identity.groups, ",")
        }
        "x-authentik-jwt" => extras.token.unwrap_or_default().to_owned(),
        "x-auth-request-access-token" | "x-forwarded-access-token" if extras.bearer => {
            extras.token.unwrap_or_default().to_owned()
        }
        "x-authentik-meta-jwks" => extras.keys_url.to_owned(),
        "x-authentik-meta-outpost" => "doorward".to_owned(),
        "x-authentik-meta-provider" | "x-authentik-meta-app" => extras.app.to_owned(),
        "x-authentik-meta-version" => concat!("goauthentik.io/outpost/doorward-", env!("CARGO_PKG_VERSION")).to_owned(),
        _ => String::new(),
    }
}

/// Names joined; whole names are left out at the end when the line would break proxies' limits.
fn joined(groups: &[String], separator: &str) -> String {
    let mut line = String::new();
    for group in groups {
        if line.len() + separator.len() + group.len() > limits::GROUPS_HEADER_BYTES {
            break;
        }
        if !line.is_empty() {
            line.push_str(separator);
        }
        line.push_str(group);
    }
    line
}

/// Names and groups hold no control characters, so this fails for nothing they can hold.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether a name means a managed header to some reader: CGI-style servers read `_` as `-`, some every
/// character that is not a letter or digit; case never counts. Such a header from a client must not reach the tool.
pub fn is_managed(name: &str) -> bool {
    let first = name.as_bytes().first().map(u8::to_ascii_lowercase);
    if !matches!(first, Some(b'x' | b'r' | b'k')) || name.len() > LONGEST_NAME {
        return false;
    }
    let folded: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    HeaderFamily::ALL.iter().any(|family| family.names().contains(&folded.as_str()))
}

/// Longer than every managed name: a cheap first look.
const LONGEST_NAME: usize = 40;

/// Every managed name of every family.
#[cfg(test)]
fn managed_names() -> impl Iterator<Item = &'static str> {
    HeaderFamily::ALL.iter().flat_map(|family| family.names().iter().copied())
}

/// Managed names that stand in no family of these headers. A family is told whole or not at all, and no
/// name is in two, so one look for each family is enough.
pub fn names_not_told(told: &HeaderMap) -> impl Iterator<Item = &'static str> {
    let is_told = |family: &HeaderFamily| family.names().first().is_some_and(|name| told.contains_key(*name));
    HeaderFamily::ALL.into_iter().filter(move |family| !is_told(family)).flat_map(|family| family.names()).copied()
}

#[cfg(test)]
mod tests {
    use super::{Extras, LONGEST_NAME, is_managed, managed_names, names_not_told, tell};
    use doorward_engine::gate::identity::Identity;
    use doorward_model::app::HeaderFamily;

    const EXTRAS: Extras<'_> = Extras { app: "dagster", keys_url: "https://x/certs", token: Some("t"), bearer: false };

    fn alice(groups: &[&str]) -> Identity {
        Identity {
            subject: "usr_1".to_owned(),
            user_name: "alice".to_owned(),
            email: "alice@example.com".to_owned(),
            display: "Alice Ågren".to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
            session: "ses_1".to_owned(),
        }
    }

    #[test]
    fn gauntlet_b1_10_every_name_of_the_family_is_told_even_to_nobody() {
        for family in HeaderFamily::ALL {
            for identity in [None, Some(alice(&[]))] {
                let told = tell(&[family], identity.as_ref(), &EXTRAS);
                assert!(family.names().iter().all(|name| told.contains_key(*name)), "{family:?}");
            }
        }
        let told = tell(&[HeaderFamily::Remote], Some(&alice(&[])), &EXTRAS);
        assert!(told.get("remote-groups").is_some_and(|value| value.is_empty()));
        // The same for the header a signed token travels in.
        let nobody = Extras { token: None, bearer: true, ..EXTRAS };
        let told = tell(&[HeaderFamily::Remote], None, &nobody);
        assert!(told.get("authorization").is_some_and(|value| value.is_empty()));
    }

    #[test]
    fn names_not_told_are_all_managed_names_but_those_told() {
        for one in HeaderFamily::ALL {
            for other in HeaderFamily::ALL {
                let told = tell(&[one, other], None, &EXTRAS);
                let expected: Vec<&str> = managed_names().filter(|name| !told.contains_key(*name)).collect();
                assert_eq!(names_not_told(&told).collect::<Vec<_>>(), expected, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn groups_are_joined_as_each_family_expects() {
        let told = tell(&HeaderFamily::ALL, Some(&alice(&["a", "b"])), &EXTRAS);
        assert!(told.get("x-authentik-groups").is_some_and(|value| value == "a|b"));
        assert!(told.get("remote-groups").is_some_and(|value| value == "a,b"));
        assert!(told.get("x-authentik-jwt").is_some_and(|value| value == "t"));
        assert!(told.get("x-auth-request-access-token").is_some_and(|value| value.is_empty()));
        assert!(told.get("remote-name").is_some_and(|value| value.as_bytes() == "Alice Ågren".as_bytes()));
    }

    #[test]
    fn a_list_too_long_for_a_header_loses_whole_names() {
        let many: Vec<String> = (0..2000).map(|number| format!("group-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = tell(&[HeaderFamily::Remote], Some(&alice(&many)), &EXTRAS);
        let line = told.get("remote-groups").and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(line.len() <= 6 * 1024 && many.contains(&line.rsplit(',').next().unwrap_or_default()));
    }

    #[test]
    fn gauntlet_b1_09_look_alikes_of_managed_names_are_managed() {
        for name in [
            "X_Auth_Request_User",
            "x-auth_request-user",
            "X.Authentik.Username",
            "x-webauth-USER",
            "Remote_User",
            "REMOTE-GROUPS",
            "Remote!User",
            "kubeflow_userid",
            "X-Forwarded_User",
        ] {
            assert!(is_managed(name), "{name}");
        }
        for name in managed_names() {
            assert!(name.len() <= LONGEST_NAME && is_managed(name) && is_managed(&name.replace('-', "_")), "{name}");
        }
        for name in ["x-forwarded-for", "x-request-id", "referer", "keep-alive", "x-auth", "remote-users", "cookie"] {
            assert!(!is_managed(name), "{name}");
        }
    }
}
