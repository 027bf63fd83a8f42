//! Clients that register themselves: bound to what an operator said, when they are made and whenever they change.

use crate::{issuer, provider, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Answer, Request};
use serde_json::{Value, json};

fn endpoint(door: &Door) -> String {
    format!("{}/clients-registrations/openid-connect", issuer(door))
}

fn token(door: &Door, name: &str, more: &[&str]) -> String {
    let mut arguments = vec!["registration", "create", name, "--redirect-host", "app.example.com"];
    arguments.extend(more);
    door.cli_text(&arguments).trim().to_owned()
}

fn send(method: &str, url: &str, token: &str, body: &Value) -> Answer {
    let request = Request::new(method, url).header("Authorization", format!("Bearer {token}"));
    request.header("Content-Type", "application/json").body(body.to_string().as_bytes()).send()
}

fn metadata() -> Value {
    json!({"redirect_uris": ["https://app.example.com/cb"], "client_name": "Reports", "logo_uri": "https://app.example.com/l"})
}

#[test]
fn a_client_registers_reads_changes_and_deletes_itself() {
    let door = provider();
    let initial = token(&door, "ci", &["--everyone"]);
    let made = send("POST", &endpoint(&door), &initial, &metadata());
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let (name, own) = (text(&made, "/client_id"), text(&made, "/registration_access_token"));
    let place = text(&made, "/registration_client_uri");
    assert!(text(&made, "/client_secret").starts_with("dwc_") && made["client_secret_expires_at"] == 0);
    assert_eq!(made["grant_types"], json!(["authorization_code"]));

    // Its secret works, and it is told only once.
    let form = [("token", "x"), ("client_id", name), ("client_secret", text(&made, "/client_secret"))];
    let looked_up = Request::new("POST", &format!("{}/protocol/openid-connect/token/introspect", issuer(&door)));
    assert_eq!(looked_up.form(&form).send().json(), json!({"active": false}));
    let read = send("GET", place, own, &Value::Null);
    assert_eq!((read.status, read.json().get("client_secret")), (200, None));
    assert_eq!(text(&read.json(), "/client_name"), "Reports");

    // A change is held against the same policy, and names its client.
    let change = |more: Value| {
        let mut body = metadata();
        let members = body.as_object_mut().expect("an object");
        members.insert("client_id".to_owned(), json!(name));
        members.extend(more.as_object().cloned().unwrap_or_default());
        send("PUT", place, own, &body)
    };
    let renamed = change(json!({"client_name": "Figures"}));
    assert_eq!((renamed.status, text(&renamed.json(), "/client_name")), (200, "Figures"));
    for (more, code) in [
        (json!({"redirect_uris": ["https://evil.example/cb"]}), "invalid_redirect_uri"),
        (json!({"grant_types": ["client_credentials"]}), "invalid_client_metadata"),
        (json!({"token_endpoint_auth_method": "none"}), "invalid_client_metadata"),
        (json!({"scope": "admin"}), "invalid_client_metadata"),
        (json!({"client_id": "another"}), "invalid_client_metadata"),
    ] {
        let refused = change(more.clone());
        assert_eq!((refused.status, text(&refused.json(), "/error")), (400, code), "{more}");
    }
    assert_eq!(text(&send("GET", place, own, &Value::Null).json(), "/client_name"), "Figures");

    // Neither token opens what the other one does, nor another client.
    for (method, url, token) in [
        ("GET", place, initial.as_str()),
        ("POST", endpoint(&door).as_str(), own),
        ("DELETE", place, "x"),
        ("GET", endpoint(&door).as_str(), initial.as_str()),
    ] {
        let refused = send(method, url, token, &metadata());
        assert!(matches!(refused.status, 401 | 405), "{method} {url}: {}", refused.status);
    }
    door.cli_text(&["client", "disable", name]);
    assert_eq!(send("GET", place, own, &Value::Null).status, 401);
    door.cli_text(&["client", "enable", name]);
    assert_eq!(send("DELETE", place, own, &Value::Null).status, 204);
    assert_eq!(send("GET", place, own, &Value::Null).status, 401);
}

#[test]
fn the_answer_says_what_is_registered_and_can_be_sent_back() {
    let door = provider();
    let initial = token(&door, "ci", &["--everyone", "--scope", "reports"]);
    let passed_over = ["logo_uri", "policy_uri", "tos_uri", "client_uri", "initiate_login_uri", "no_such_member"];
    for (wanted, own) in [(Value::Null, false), (json!("openid reports"), true)] {
        let initial = if own { token(&door, "again", &["--everyone", "--scope", "reports"]) } else { initial.clone() };
        let mut body = metadata();
        let members = body.as_object_mut().expect("an object");
        members.insert("scope".to_owned(), wanted);
        members.extend(passed_over.map(|name| (name.to_owned(), json!("https://app.example.com/x"))));
        let made = send("POST", &endpoint(&door), &initial, &body);
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        assert!(passed_over.iter().all(|name| made.get(name).is_none()), "{made:#}");
        let scopes: Vec<&str> = text(&made, "/scope").split(' ').collect();
        assert!(scopes.contains(&"openid") && scopes.contains(&"offline_access"), "{scopes:?}");
        assert_eq!(scopes.contains(&"reports"), own, "{scopes:?}");
        // As RFC 7592 has it: everything that was told, but what only the server sets.
        let mut again = made.clone();
        let members = again.as_object_mut().expect("an object");
        for name in OURS {
            members.remove(name);
        }
        let told =
            send("PUT", text(&made, "/registration_client_uri"), text(&made, "/registration_access_token"), &again);
        assert_eq!(told.status, 200, "{}", told.text());
        for (name, value) in again.as_object().into_iter().flatten() {
            assert_eq!(told.json().get(name), Some(value), "{name}");
        }
    }
}

/// Members of an answer that a change must not hold (RFC 7592 §2.2).
const OURS: [&str; 5] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret",
    "client_secret_expires_at",
    "client_id_issued_at",
];

#[test]
fn what_an_operator_says_of_a_client_stays_when_the_client_changes_itself() {
    let door = provider();
    let made = send("POST", &endpoint(&door), &token(&door, "ci", &["--everyone"]), &metadata()).json();
    let (name, own) = (text(&made, "/client_id"), text(&made, "/registration_access_token"));
    let said = [
        ["--pairwise-sector", "example.com"],
        ["--web-origin", "https://pages.example.com"],
        ["--consent", "implicit"],
        ["--claim", "team=a"],
        ["--access-seconds", "60"],
        ["--exchange-for", "warehouse"],
        ["--authorization-details", "payment"],
    ];
    door.cli_text(&[&["client", "update", name, "--certificate-bound"], said.as_flattened()].concat());
    let shown = || -> Value {
        let text = door.cli_text(&["client", "show", name, "--output", "json"]);
        serde_json::from_str(&text).expect("JSON")
    };
    let before = shown();
    let mut body = metadata();
    let more = json!({"client_id": name, "client_name": "Figures", "require_pushed_authorization_requests": true});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let changed = send("PUT", text(&made, "/registration_client_uri"), own, &body);
    assert_eq!(changed.status, 200, "{}", changed.text());
    let after = shown();
    assert_eq!((after["title"].as_str(), after["require_pushed"].as_bool()), (Some("Figures"), Some(true)));
    let (mut then, now) = (before, after);
    then["title"] = json!("Figures");
    then["require_pushed"] = json!(true);
    assert_eq!(then, now);
    assert!(now["certificate_bound"] == true && now["pairwise_sector"] == "example.com", "{now:#}");
}

#[test]
fn a_registration_token_is_good_for_so_many_clients_and_only_what_it_says() {
    let door = provider();
    let none = Request::new("POST", &endpoint(&door)).header("Content-Type", "application/json");
    let refused = none.body(metadata().to_string().as_bytes()).send();
    assert_eq!((refused.status, text(&refused.json(), "/error")), (401, "invalid_token"));
    assert!(refused.header("www-authenticate").is_some_and(|line| line.starts_with("Bearer")));

    let initial = token(&door, "two", &["--uses", "2", "--everyone"]);
    // What is refused uses nothing up.
    let refused = send("POST", &endpoint(&door), &initial, &json!({"redirect_uris": ["https://evil.example/"]}));
    assert_eq!((refused.status, text(&refused.json(), "/error")), (400, "invalid_redirect_uri"));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| send("POST", &endpoint(&door), &initial, &metadata()).status)).collect();
        tries.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 6, "{statuses:?}");

    // It comes as the RFC has it, and so does what it is for.
    let fresh = token(&door, "fresh", &["--everyone"]);
    let sent = |authorization: String, kind: &str| {
        let request = Request::new("POST", &endpoint(&door)).header("Authorization", authorization);
        request.header("Content-Type", kind).body(metadata().to_string().as_bytes()).send()
    };
    assert_eq!(sent(format!("DPoP {fresh}"), "application/json").status, 401);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let refused = sent(format!("Bearer {fresh}"), kind);
        assert_eq!((refused.status, text(&refused.json(), "/error")), (400, "invalid_client_metadata"), "{kind}");
    }
    assert_eq!(sent(format!("bearer {fresh}"), "application/json; charset=utf-8").status, 201);

    let gone = token(&door, "gone", &["--everyone"]);
    door.cli_text(&["registration", "revoke", "gone"]);
    assert_eq!(send("POST", &endpoint(&door), &gone, &metadata()).status, 401);
    let listed: Value =
        serde_json::from_str(&door.cli_text(&["registration", "list", "--output", "json"])).expect("JSON");
    assert_eq!(listed.pointer("/0/uses_left"), Some(&json!(0)), "{listed:#}");
    // In another realm it is nothing.
    door.cli_text(&["realm", "create", "sales"]);
    let here = token(&door, "here", &["--everyone"]);
    let there = endpoint(&door).replace("/realms/main/", "/realms/sales/");
    assert_eq!(send("POST", &there, &here, &metadata()).status, 401);
    assert_eq!(send("POST", &endpoint(&door), &here, &metadata()).status, 201);
}
