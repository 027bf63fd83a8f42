//! Each rule breaks by itself: settings that are fine but for one thing are refused for that one, at its key.

use super::{Wrong, client, one_more_scope, realm, scope, sessions};
use crate::clients::mapper::{From, Mapper, RESERVED, Tell};
use crate::clients::{
    Authentication, ClientKind, ClientSettings, GrantType, Lifetimes, RealmSettings, ScopeSettings, SessionLives,
    SubjectKind, Workload,
};
use doorward_model::app::Access;
use doorward_model::dice::Counting;
use doorward_model::id::GroupId;
use doorward_model::limits;
use doorward_oauth::redirect::{Http, RedirectRule};
use serde_json::{Value, json};

fn uris(count: usize) -> Vec<RedirectRule> {
    let rule = |number| RedirectRule::parse_exact(&format!("https://a.example.com/{number}"), Http::Allowed);
    (0..count).filter_map(|number| rule(number).ok()).collect()
}

/// RFC 8037 §A.2.
fn keys() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})
}

fn workload() -> Workload {
    let subjects = vec!["system:serviceaccount:etl:*".to_owned()];
    let (issuer, audience) = ("https://cluster.example".to_owned(), "door".to_owned());
    Workload { issuer, audience, jwks: keys(), subjects, reusable: false }
}

fn fine() -> ClientSettings {
    ClientSettings {
        redirect_uris: uris(1),
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        ..ClientSettings::default()
    }
}

fn claim(name: &str) -> Mapper {
    Mapper::Claim { path: vec![name.to_owned()], from: From::Value(json!(1)), tell: Tell::default() }
}

#[track_caller]
fn blamed(wrongs: &[Wrong], keys: &[&str]) {
    let told: Vec<&str> = wrongs.iter().map(|wrong| wrong.key).collect();
    assert_eq!(told, keys, "{wrongs:?}");
    assert!(wrongs.iter().all(|wrong| !wrong.what.is_empty() && !wrong.how.is_empty()), "{wrongs:?}");
}

#[test]
fn each_rule_of_a_client_is_broken_by_itself() {
    blamed(&client(&fine()), &[]);
    let with = |grants: &[GrantType]| ClientSettings { grants: grants.to_vec(), ..fine() };
    let public = |settings: ClientSettings| ClientSettings { kind: ClientKind::Public, ..settings };
    let lives = |access: i64| Lifetimes { access_seconds: Some(access), ..Lifetimes::default() };
    let dice = Counting::new(1);
    let groups = (0..=limits::APP_GROUPS).map(|_| GroupId::draw(&dice)).collect();
    let pairwise = |sector: &str| ClientSettings { subject: SubjectKind::Pairwise(sector.to_owned()), ..fine() };
    for (what, settings, key) in [
        ("no grant", ClientSettings { grants: vec![], ..fine() }, "grants"),
        ("no address", ClientSettings { redirect_uris: vec![], ..fine() }, "redirect_uris"),
        ("nor for tokens", ClientSettings { redirect_uris: vec![], ..with(&[GrantType::Implicit]) }, "redirect_uris"),
        ("anybody speaks for it", public(with(&[GrantType::ClientCredentials])), "grants"),
        ("anybody exchanges", public(with(&[GrantType::TokenExchange])), "grants"),
        ("public without PKCE", public(ClientSettings { pkce_optional: true, ..fine() }), "pkce_optional"),
        ("bound", ClientSettings { dpop_bound: true, ..with(&[GrantType::Implicit]) }, "dpop_bound"),
        (
            "by certificate",
            ClientSettings { certificate_bound: true, ..with(&[GrantType::Implicit]) },
            "certificate_bound",
        ),
        ("nothing to refresh", with(&[GrantType::RefreshToken, GrantType::ClientCredentials]), "grants"),
        ("nobody to trust", with(&[GrantType::JwtBearer]), "grants"),
        ("no key to sign with", ClientSettings { require_signed_request: true, ..fine() }, "require_signed_request"),
        (
            "no key to prove with",
            ClientSettings { authentication: Authentication::PrivateKeyJwt, ..fine() },
            "authentication",
        ),
        ("a set that is none", ClientSettings { jwks: Some(json!({})), ..fine() }, "jwks"),
        ("a subject that is none", ClientSettings { tls_subject: "loader".to_owned(), ..fine() }, "tls_subject"),
        (
            "too many addresses",
            ClientSettings { redirect_uris: uris(limits::CLIENT_REDIRECT_URIS + 1), ..fine() },
            "redirect_uris",
        ),
        (
            "of both kinds",
            ClientSettings { post_logout_redirect_uris: uris(limits::CLIENT_REDIRECT_URIS), ..fine() },
            "redirect_uris",
        ),
        (
            "told at",
            ClientSettings { backchannel_logout_uri: Some("ftp://a.x".to_owned()), ..fine() },
            "backchannel_logout_uri",
        ),
        (
            "shown at",
            ClientSettings { frontchannel_logout_uri: Some("/out".to_owned()), ..fine() },
            "frontchannel_logout_uri",
        ),
        (
            "too many groups",
            ClientSettings { access: Access { groups, ..Access::default() }, ..fine() },
            "allowed_groups",
        ),
        ("no life", ClientSettings { lifetimes: lives(0), ..fine() }, "access_seconds"),
        ("too long a life", ClientSettings { lifetimes: lives(86_401), ..fine() }, "access_seconds"),
        ("no sector", pairwise(""), "pairwise_sector"),
        ("a sector with a port", pairwise("example.com:443"), "pairwise_sector"),
        ("a sector in capitals", pairwise("Example.com"), "pairwise_sector"),
        ("not an algorithm", ClientSettings { algorithm: "HS256".to_owned(), ..fine() }, "algorithm"),
        ("nor for userinfo", ClientSettings { userinfo_algorithm: "none".to_owned(), ..fine() }, "userinfo_algorithm"),
        (
            "too many platforms",
            ClientSettings { workloads: vec![workload(); limits::CLIENT_WORKLOADS + 1], ..fine() },
            "workloads",
        ),
    ] {
        let wrongs = client(&settings);
        assert_eq!(wrongs.first().map(|wrong| wrong.key), Some(key), "{what}: {wrongs:?}");
        assert_eq!(wrongs.len(), 1, "{what}: {wrongs:?}");
    }
    for name in RESERVED {
        blamed(&client(&ClientSettings { mappers: vec![claim(name)], ..fine() }), &["mappers"]);
    }
    let most = ClientSettings {
        redirect_uris: uris(limits::CLIENT_REDIRECT_URIS),
        lifetimes: lives(86_400),
        workloads: vec![workload(); limits::CLIENT_WORKLOADS],
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::JwtBearer],
        mappers: vec![claim("team")],
        ..pairwise("example.com")
    };
    blamed(&client(&most), &[]);
}

#[test]
fn a_platform_that_is_half_said_is_trusted_in_nothing() {
    let with = |workload: Workload| client(&ClientSettings { workloads: vec![workload], ..fine() });
    blamed(&with(workload()), &[]);
    let subjects = |all: &[&str]| Workload { subjects: all.iter().map(ToString::to_string).collect(), ..workload() };
    let many = vec!["one"; limits::WORKLOAD_SUBJECTS + 1];
    for bad in [
        Workload { issuer: String::new(), ..workload() },
        Workload { audience: String::new(), ..workload() },
        Workload { jwks: json!({"keys": []}), ..workload() },
        Workload { jwks: json!([]), ..workload() },
        subjects(&[]),
        subjects(&many),
        subjects(&["*"]),
        subjects(&["good", "a*b"]),
    ] {
        blamed(&with(bad), &["workloads"]);
    }
}

#[test]
fn a_scope_of_a_realm_has_a_name_of_its_own_and_few_mappers() {
    let plain = ScopeSettings::default();
    blamed(&scope("reports", &plain), &[]);
    let longest = "a".repeat(limits::SCOPE_NAME_BYTES);
    blamed(&scope(&longest, &plain), &[]);
    for name in ["openid", "offline_access", "a b", "", "a\"b", &format!("{longest}a")] {
        blamed(&scope(name, &plain), &["name"]);
    }
    let mappers = |count| ScopeSettings { mappers: vec![claim("team"); count], ..ScopeSettings::default() };
    blamed(&scope("reports", &mappers(limits::SCOPE_MAPPERS)), &[]);
    blamed(&scope("reports", &mappers(limits::SCOPE_MAPPERS + 1)), &["mappers"]);
    for name in RESERVED {
        blamed(&scope("reports", &ScopeSettings { mappers: vec![claim(name)], ..plain.clone() }), &["mappers"]);
    }
    for description in ["x".repeat(limits::ROLE_DESCRIPTION_CHARACTERS + 1), "a\u{7}".to_owned()] {
        blamed(&scope("reports", &ScopeSettings { description, ..plain.clone() }), &["description"]);
    }
    assert!(one_more_scope(limits::CLIENT_SCOPES - 1).is_none());
    assert!(one_more_scope(limits::CLIENT_SCOPES).is_some());
}

#[test]
fn whoever_asked_to_stay_signed_in_stays_longer_and_nobody_for_ever() {
    let lives = |idle, remembered| SessionLives {
        idle_seconds: Some(idle),
        remembered_idle_seconds: Some(remembered),
        ..SessionLives::default()
    };
    blamed(&sessions(&lives(600, 601)), &[]);
    blamed(&sessions(&lives(600, 600)), &["remembered_idle_seconds"]);
    let year = 366 * 24 * 60 * 60;
    blamed(
        &sessions(&SessionLives { lifetime_seconds: Some(year + 1), ..SessionLives::default() }),
        &["lifetime_seconds"],
    );
    blamed(&sessions(&SessionLives { lifetime_seconds: Some(0), ..SessionLives::default() }), &["lifetime_seconds"]);
    let both = RealmSettings {
        lifetimes: Lifetimes { offline_seconds: Some(year + 1), ..Lifetimes::default() },
        sessions: lives(600, 1),
        ..RealmSettings::default()
    };
    blamed(&realm(&both), &["offline_seconds", "remembered_idle_seconds"]);
}
