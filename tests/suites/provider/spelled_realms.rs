//! Several realms at one host: each is its exact name, its issuer is the configured one, and sessions, cookies and
//! names of one are nothing in another.

use super::browsers::{CALLBACK, Page, claims, code_in};
use super::{client, provider, text};
use doorward_testkit::http::{Request, get};
use doorward_testkit::jar::Jar;
use doorward_tests::{page_request, sign_in_at};
use serde_json::{Value, json};

#[test]
fn gauntlet_b13_02_a_realm_is_its_exact_name_and_its_issuer_is_the_configured_one() {
    let door = provider();
    door.cli_text(&["realm", "create", "sales", "--title", "Sales"]);
    let wanted = |realm: &str| format!("{}/realms/{realm}", door.url());
    let suffix = "/.well-known/openid-configuration";
    for spelled in [
        "main;x",
        "main;realm=sales",
        "MAIN",
        "Main",
        "main%20",
        "%20main",
        "main%00",
        "main%2f",
        "main%2F..%2Fsales",
        "main/..;/sales",
        "sales/../main",
        "./main",
        "main/.",
        "//main",
        "main%3Bx",
        "main%3Fx",
        "main%23",
        "m\u{0430}in",
        "ma%C2%ADin",
        "..",
        "%2e%2e",
        "main..",
        "main%252f..%252fsales",
        "main\\..\\sales",
        "*",
        "main,sales",
        "m%61in",
        "%6Dain",
    ] {
        let target = format!("/realms/{spelled}{suffix}");
        let answer = Request::new("GET", &door.url()).target(&target).send();
        // Letters that were escaped without need name the same realm (RFC 3986 §6.2.2.2); nothing else does.
        let is_plain = matches!(spelled, "m%61in" | "%6Dain");
        let issuer = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|told| told.get("issuer").cloned());
        if answer.status == 200 {
            assert!(is_plain && issuer == Some(json!(wanted("main"))), "{spelled}: {issuer:?}");
        } else {
            assert!((400..500).contains(&answer.status) && issuer.is_none(), "{spelled}: {}", answer.status);
        }
    }
    for realm in ["main", "sales"] {
        for (name, value) in [
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Port", "444"),
            ("X-Forwarded-Prefix", "/realms/sales"),
            ("X-Original-URL", "/realms/sales/.well-known/openid-configuration"),
            ("X-Rewrite-URL", "/realms/sales/.well-known/openid-configuration"),
            ("X-Forwarded-Uri", "/realms/sales/.well-known/openid-configuration"),
            ("Forwarded", "host=evil.example;proto=https"),
        ] {
            let answer = Request::new("GET", &format!("{}{suffix}", wanted(realm))).header(name, value).send();
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            let told = answer.json();
            assert_eq!(text(&told, "/issuer"), wanted(realm), "{name}");
            let endpoints = told.as_object().expect("an object").iter().filter(|(key, _)| key.ends_with("_endpoint"));
            for (key, url) in endpoints {
                assert!(url.as_str().is_some_and(|url| url.starts_with(&wanted(realm))), "{name} {key}: {url}");
            }
        }
        for host in ["evil.example", "sales.localhost", "localhost.evil.example", "localhost@evil.example", ""] {
            let answer = Request::new("GET", &format!("{}{suffix}", wanted(realm))).header("Host", host).send();
            assert!((400..500).contains(&answer.status), "{host}: {}", answer.status);
        }
        let twice = Request::new("GET", &format!("{}{suffix}", wanted(realm)))
            .header("Host", "localhost")
            .header("Host", "evil.example");
        assert!((400..500).contains(&twice.send().status));
    }
    // Tokens say the realm they were made in, however the way to it was spelled.
    let made = door.cli_text(&["client", "create", "ci", "--service", "--output", "json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let form =
        [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", text(&made, "/client_secret"))];
    for spelled in ["main", "m%61in"] {
        let url = format!("{}/realms/{spelled}/protocol/openid-connect/token", door.url());
        let answer = Request::new("POST", &url).header("X-Forwarded-Host", "evil.example").form(&form).send();
        let Some(token) = answer.json().get("access_token").and_then(Value::as_str).map(str::to_owned) else {
            assert_ne!(spelled, "main", "{}", answer.text());
            continue;
        };
        assert_eq!(text(&claims(&token), "/iss"), wanted("main"));
    }
    assert_eq!(get(&format!("{}{suffix}", wanted("main%3Bx"))).status, 404);
}

#[test]
fn gauntlet_b13_04_a_session_of_one_realm_is_none_in_another_at_the_same_host() {
    let door = provider();
    door.cli_text(&["realm", "create", "sales", "--title", "Sales"]);
    for name in ["alice", "carol"] {
        let mail = format!("{name}@sales.example.com");
        door.cli_text(&[
            "--realm",
            "sales",
            "user",
            "create",
            name,
            "--email",
            &mail,
            "--password-env",
            "DOORWARD_TEST_PASSWORD",
        ]);
    }
    let callback = ["--redirect-uri", CALLBACK, "--everyone", "--pkce-optional", "--output", "json"];
    door.cli_text(&[&["--realm", "sales", "client", "create", "crm"], &callback[..]].concat());
    client(&door, "grafana", 9, &["--everyone", "--pkce-optional"]);
    let page = |realm: &str, path: &str| format!("{}/realms/{realm}/{path}", door.url());
    let asked = |realm: &str, client: &str| {
        let rest = format!(
            "protocol/openid-connect/auth?client_id={client}&redirect_uri={CALLBACK}&response_type=code&scope=openid&prompt=none"
        );
        page(realm, &rest)
    };
    let is_there = |jar: &mut Jar, realm: &str, client: &str| {
        let shows = jar.send(page_request(&page(realm, "account"))).status == 200;
        let gives = code_in(&jar.send(page_request(&asked(realm, client)))).is_some();
        assert_eq!(shows, gives, "{realm}: the page and the provider say the same");
        shows
    };
    // Signed in to one realm is not signed in to the other, not even under the same name.
    let (mut main, _, _) = sign_in_at(&page("main", "account"), "alice");
    assert!(is_there(&mut main, "main", "grafana") && !is_there(&mut main, "sales", "crm"));
    let (mut sales, _, _) = sign_in_at(&page("sales", "account"), "alice");
    assert!(is_there(&mut sales, "sales", "crm") && !is_there(&mut sales, "main", "grafana"));
    // Neither cookie does anything under another realm's forms, and signing out there ends nothing here.
    for (jar, own, other) in [(&mut main, ("main", "grafana"), "sales"), (&mut sales, ("sales", "crm"), "main")] {
        for path in ["sign-out", "protocol/openid-connect/logout"] {
            let shown = jar.send(page_request(&page(other, path)));
            if shown.status == 200 && shown.text().contains("name=\"csrf\"") {
                let form = Page { url: page(other, path), html: shown.text() };
                form.send(jar, &["csrf"], &[]);
            }
            assert!(is_there(jar, own.0, own.1), "{other}'s {path} ended a session of {}", own.0);
        }
    }
    // One browser, both realms: the second sign-in is of its own realm alone.
    let mut both = main.clone();
    let form = Page::at(&mut both, &page("sales", "sign-in"));
    assert_eq!(form.sign_in(&mut both, "carol").status, 303);
    assert!(is_there(&mut both, "sales", "crm") && !is_there(&mut both, "main", "grafana"));
}

#[test]
fn gauntlet_b13_05_no_realm_can_be_deleted_or_made_a_second_time() {
    let door = provider();
    door.cli_text(&["realm", "create", "sales"]);
    let again = door.cli(&["realm", "create", "sales"]);
    assert_eq!(again.status.code(), Some(7), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(door.cli(&["realm", "delete", "sales"]).status.code(), Some(3));
    let made = door.cli_text(&["client", "create", "terraform", "--service", "--output", "json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    for role in ["admin", "create-realm", "doorward-admin"] {
        door.cli(&["role", "create", role]);
        door.cli(&["role", "assign", role, "--service", "terraform"]);
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "terraform"),
        ("client_secret", text(&made, "/client_secret")),
    ];
    let url = format!("{}/realms/main/protocol/openid-connect/token", door.url());
    let token = text(&Request::new("POST", &url).form(&form).send().json(), "/access_token").to_owned();
    for realm in ["sales", "main"] {
        let place = format!("{}/admin/realms/{realm}", door.url());
        let with = |method: &str| Request::new(method, &place).header("Authorization", format!("Bearer {token}"));
        assert_eq!(with("DELETE").send().status, 405, "{realm}");
        assert_eq!(get(&format!("{}/realms/{realm}/.well-known/openid-configuration", door.url())).status, 200);
    }
}

#[test]
fn addresses_of_an_older_keycloak_are_told_what_to_leave_out() {
    let door = provider();
    let at = |path: &str| get(&format!("{}{path}", door.url()));
    for path in
        ["/auth/realms/main/.well-known/openid-configuration", "/auth/realms/main/protocol/openid-connect/certs"]
    {
        let answer = at(path);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/json")), "{path}");
        assert!(answer.text().contains("leave /auth out of the issuer"), "{}", answer.text());
    }
    let page = at("/auth/realms/main/account");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("without /auth before it"), "{}", page.text());
}
