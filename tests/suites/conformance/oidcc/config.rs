//! The configuration document and the keys (`oidcc-config-certification-test-plan`).

use crate::house::{house, text};
use doorward_jose::key_set::KeySet;
use doorward_testkit::http::get;
use serde_json::{Value, json};

fn list(document: &Value, member: &str) -> Vec<String> {
    let list = document.get(member).and_then(Value::as_array).unwrap_or_else(|| panic!("no list {member}"));
    list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

#[test]
fn oidcc_discovery_endpoint_verification() {
    let answer = get(&format!("{}/.well-known/openid-configuration", house().issuer()));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let told = answer.json();
    assert_eq!(text(&told, "/issuer"), house().issuer());
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
        "registration_endpoint",
        "jwks_uri",
        "pushed_authorization_request_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    ] {
        let address = text(&told, &format!("/{endpoint}"));
        assert!(address.starts_with(&house().issuer()) && !address.contains('#'), "{endpoint}: {address}");
    }
    for (member, wanted) in [
        ("response_types_supported", "code"),
        ("response_modes_supported", "form_post"),
        ("subject_types_supported", "public"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("scopes_supported", "openid"),
        ("grant_types_supported", "authorization_code"),
        ("code_challenge_methods_supported", "S256"),
        ("claim_types_supported", "normal"),
        ("token_endpoint_auth_signing_alg_values_supported", "ES256"),
    ] {
        assert!(list(&told, member).contains(&wanted.to_owned()), "{wanted} is not in {member}");
    }
    for claim in ["sub", "name", "email", "phone_number", "address"] {
        assert!(list(&told, "claims_supported").contains(&claim.to_owned()), "{claim}");
    }
    for (flag, wanted) in [
        ("claims_parameter_supported", true),
        ("request_parameter_supported", true),
        ("request_uri_parameter_supported", false),
        ("backchannel_logout_supported", true),
        ("backchannel_logout_session_supported", true),
        ("frontchannel_logout_supported", true),
        ("frontchannel_logout_session_supported", true),
        ("authorization_response_iss_parameter_supported", true),
    ] {
        assert_eq!(told.get(flag), Some(&json!(wanted)), "{flag}");
    }
    // What is not done is not offered: unsigned and shared-secret signatures, `plain`, frames that watch a session.
    let lists = told.as_object().expect("an object").iter().filter(|(name, _)| name.contains("_alg_values_"));
    for (name, _) in lists {
        let algorithms = list(&told, name);
        assert!(!algorithms.contains(&"none".to_owned()), "{name}: {algorithms:?}");
        assert!(
            name.ends_with("auth_signing_alg_values_supported") || !algorithms.contains(&"HS256".to_owned()),
            "{name}"
        );
    }
    assert_eq!(list(&told, "code_challenge_methods_supported"), ["S256"]);
    assert_eq!(told.get("check_session_iframe"), None);
}

#[test]
fn oidcc_the_key_set_is_public_and_named() {
    let answer = get(&house().endpoint("certs"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let set = answer.json();
    let keys = set["keys"].as_array().cloned().unwrap_or_default();
    let read = KeySet::parse(&set).expect("a key set");
    assert!(!keys.is_empty() && read.keys().len() == keys.len(), "{set:#}");
    let mut names: Vec<&str> = keys.iter().map(|key| text(key, "/kid")).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), keys.len(), "each key has a name of its own");
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys.iter().all(|key| key.get(private).is_none()), "{private}");
    }
}

/// Frames that watch a session are not offered, so their two modules have nothing to look at.
#[test]
fn oidcc_session_management_is_not_offered() {
    for path in ["login-status-iframe.html", "login-status-iframe.html/init"] {
        assert_eq!(get(&house().endpoint(path)).status, 404);
    }
}
