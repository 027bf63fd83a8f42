//! Who may call: asked of every call in the route table, so that one that is added is asked too.

use super::{Admin, NOTHING, give};
use crate::{provider, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Answer, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What there is one of, to stand in the places of paths.
struct Scene {
    door: Door,
    places: BTreeMap<&'static str, String>,
}

impl Scene {
    /// A realm `main` with a user, a group, a client and a role, and a realm `sales` beside it.
    fn new() -> Scene {
        let door = provider();
        door.cli_text(&["realm", "create", "sales"]);
        door.cli_text(&["client", "create", "lake", "--service"]);
        let full = Admin::service(&door, "main", "founder", &["doorward-admin"]);
        door.cli_text(&["role", "create", "reader"]);
        door.cli_text(&["role", "create", "reader", "--client", "lake"]);
        let id = |path: &str| text(&full.get(path), "/0/id").to_owned();
        let places = BTreeMap::from([
            ("{id}", id("/users?username=alice")),
            ("{group}", id("/groups?search=grafana-users")),
            ("{client}", id("/clients?clientId=lake")),
            ("{role}", text(&full.get("/roles/reader"), "/id").to_owned()),
            ("{name}", "reader".to_owned()),
            ("{*path}", "grafana-users".to_owned()),
        ]);
        Scene { door, places }
    }

    /// Every call of the API: its method, its line in the table, and its path in a realm.
    fn calls(&self, realm: &str) -> Vec<(&'static str, &'static str, String)> {
        let mut calls = Vec::new();
        for line in doorward_web::routes::table().into_iter().filter(|line| line.path.starts_with("/admin/")) {
            let mut path = line.path.replace("{realm}", realm);
            for (place, value) in &self.places {
                path = path.replace(place, value);
            }
            assert!(!path.contains('{'), "what stands for a part of {path}?");
            calls.push((line.method, line.path, path));
        }
        assert!(calls.len() > 60, "only {} calls are in the table", calls.len());
        calls
    }

    /// Calls with a token, or none; what is sent is no JSON, so that nothing is changed by it.
    fn send(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        let request = Request::new(method, &format!("{}{path}", self.door.url()));
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        if method == "GET" { request.send() } else { request.body("no JSON").send() }
    }

    /// Asserts that a token gets this from every call but `others`.
    fn every(&self, who: &str, token: Option<&str>, status: u16, others: &[&str]) {
        for (method, line, path) in self.calls("main") {
            if others.contains(&line) {
                continue;
            }
            let answer = self.send(method, &path, token);
            assert_eq!(answer.status, status, "{who}: {method} {path}: {}", answer.text());
            let words = if status == 401 { "HTTP 401 Unauthorized" } else { "HTTP 403 Forbidden" };
            assert_eq!(answer.json(), json!({"error": words}), "{who}: {method} {path}");
        }
    }
}

#[test]
fn no_call_is_answered_without_a_token_a_right_and_the_right_realm() {
    let scene = Scene::new();
    let door = &scene.door;
    let full = Admin::service(door, "main", "terraform", &["doorward-admin"]);
    let (head, tail) = full.token.rsplit_once('.').expect("a JWT");
    let forged = format!("{head}.{}", tail.chars().rev().collect::<String>());
    scene.every("nobody", None, 401, &[]);
    scene.every("somebody else's signature", Some(&forged), 401, &[]);

    let plain = Admin::service(door, "main", "plain", &["editor"]);
    scene.every("a client without a right", Some(&plain.token), 403, &[]);
    give(door, "main", &["doorward-admin"], ("--user", "alice"));
    for (name, more) in [("grafana", &[][..]), ("admin-cli", &[]), ("wide", &["--audience", "lake"])] {
        let made = ["client", "create", name, "--public", "--grant", "password", "--everyone"];
        door.cli_text(&[&made[..], more].concat());
    }
    for name in ["grafana", "wide"] {
        let token = Admin::person(door, "main", ("alice", name)).token;
        scene.every("an administrator's token for an ordinary client", Some(&token), 403, &[]);
    }
    let bob = Admin::person(door, "main", ("bob", "admin-cli")).token;
    scene.every("a person without a right", Some(&bob), 403, &[]);

    // Whoever has everything in another realm has nothing here. What names no realm is about their own.
    let own = ["/admin/serverinfo", "/admin/realms"];
    let sales = Admin::service(door, "sales", "sales-admin", &["doorward-admin"]);
    scene.every("another realm's administrator", Some(&sales.token), 403, &own);
    let fine = Admin::service(door, "sales", "sales-fine", &["realm-management/realm-admin"]);
    scene.every("another realm's realm-admin", Some(&fine.token), 403, &own);
    assert_eq!(scene.send("POST", "/admin/realms", Some(&sales.token)).status, 403);
    assert_eq!(scene.send("POST", "/admin/realms", Some(&fine.token)).status, 403);

    // All of them are there: an administrator gets answers, and is told that what was sent is no JSON.
    for (method, _, path) in scene.calls("main") {
        let answer = scene.send(method, &path, Some(&full.token));
        assert_eq!(answer.status, if method == "GET" { 200 } else { 400 }, "{method} {path}: {}", answer.text());
    }
    door.cli_text(&["client", "disable", "terraform"]);
    scene.every("a disabled client", Some(&full.token), 401, &[]);
}

#[test]
fn nothing_of_another_realm_is_found_by_its_id_or_name() {
    let scene = Scene::new();
    let sales = Admin::service(&scene.door, "sales", "sales-admin", &["doorward-admin"]);
    let mut asked = 0;
    for (method, line, path) in scene.calls("sales") {
        let names_something = scene.places.keys().any(|place| line.contains(place));
        if !names_something {
            continue;
        }
        asked += 1;
        let body = if method == "GET" { NOTHING } else { json!({}) };
        let answer = sales.at(method, &format!("{}{path}", scene.door.url()), &body);
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
    }
    assert!(asked > 50, "{asked}");
    // With nothing of one's own to fail at first: somebody of this realm, and what is of the other.
    let sam = sales.make("/users", &json!({"username": "sam"}));
    let (group, client, role) = (&scene.places["{group}"], &scene.places["{client}"], &scene.places["{role}"]);
    for (method, path, body) in [
        ("PUT", format!("/users/{sam}/groups/{group}"), NOTHING),
        ("DELETE", format!("/users/{sam}/groups/{group}"), NOTHING),
        ("GET", format!("/users/{sam}/role-mappings/clients/{client}"), NOTHING),
        ("POST", format!("/users/{sam}/role-mappings/clients/{client}"), json!([{"id": role}])),
        ("POST", format!("/users/{sam}/role-mappings/realm"), json!([{"id": role}])),
        ("DELETE", format!("/users/{sam}/role-mappings/realm"), json!([{"id": role}])),
    ] {
        assert_eq!(sales.status(method, &path, &body), 404, "{method} {path}");
    }
    sales.make("/roles", &json!({"name": "own"}));
    assert_eq!(sales.status("POST", "/roles/own/composites", &json!([{"id": role}])), 404);
}

/// The role of `realm-management` that a change below a path needs.
fn needed(line: &str) -> &'static str {
    match line.trim_start_matches("/admin/realms/{realm}").split('/').nth(1).unwrap_or_default() {
        "users" | "groups" => "manage-users",
        "clients" => "manage-clients",
        _ => "manage-realm",
    }
}

#[test]
fn a_fine_role_changes_its_own_part_and_who_may_look_changes_nothing() {
    let scene = Scene::new();
    for role in ["manage-users", "manage-clients", "manage-realm"] {
        let admin = Admin::service(&scene.door, "main", role, &[&format!("realm-management/{role}")]);
        for (method, line, path) in scene.calls("main").into_iter().filter(|(method, ..)| *method != "GET") {
            let may = line != "/admin/realms" && needed(line) == role;
            let answer = scene.send(method, &path, Some(&admin.token));
            assert_eq!(answer.status, if may { 400 } else { 403 }, "{role}: {method} {path}");
        }
        assert_eq!(scene.send("POST", "/admin/realms", Some(&admin.token)).status, 403, "{role}");
    }
    let readable = |role: &str, line: &str| {
        let is_of = |start: &str| line.starts_with(&format!("/admin/realms/{{realm}}/{start}"));
        let (of_users, of_groups) = (is_of("users"), is_of("group"));
        let (of_clients, of_roles) = (is_of("clients"), is_of("roles"));
        let (is_role, is_users) = (line.contains("/roles"), line.ends_with("/users"));
        match role {
            _ if line.ends_with("/client-secret") => false,
            _ if !of_users && !of_groups && !of_clients && !of_roles => true,
            "view-users" => of_users || of_groups || is_role,
            "view-clients" => of_clients && !is_users,
            "view-realm" => of_roles && !is_users,
            "query-groups" => of_groups && !line.contains("role-mappings") && !line.ends_with("/members"),
            "query-users" => line.ends_with("{realm}/users") || line.ends_with("/users/count"),
            "query-clients" => line.ends_with("{realm}/clients"),
            _ => false,
        }
    };
    for role in ["view-users", "view-clients", "view-realm", "query-groups", "query-users", "query-clients"] {
        let admin = Admin::service(&scene.door, "main", role, &[&format!("realm-management/{role}")]);
        for (method, line, path) in scene.calls("main") {
            let may = method == "GET" && readable(role, line);
            let answer = scene.send(method, &path, Some(&admin.token));
            assert_eq!(answer.status, if may { 200 } else { 403 }, "{role}: {method} {path}: {}", answer.text());
        }
    }
    // Who may only ask finds nobody, and sees no more of clients than what they are called.
    let asks = |role: &str| {
        Admin::service(&scene.door, "main", &format!("asks-{role}"), &[&format!("realm-management/{role}")])
    };
    let asker = asks("query-users");
    assert_eq!((asker.get("/users"), asker.get("/users/count")), (json!([]), json!(0)));
    let seen: Value = asks("query-clients").get("/clients?clientId=lake");
    assert_eq!(
        seen[0].as_object().map(|members| members.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["clientId".to_owned(), "id".to_owned(), "name".to_owned()])
    );
}

#[test]
fn what_is_no_call_is_told_so_in_json() {
    let scene = Scene::new();
    for (method, path, status, words) in [
        ("GET", "/admin/realms/main/components", 404, "HTTP 404 Not Found"),
        ("GET", "/admin/realms/", 404, "HTTP 404 Not Found"),
        ("DELETE", "/admin/realms/main", 405, "HTTP 405 Method Not Allowed"),
        ("PATCH", "/admin/realms/main/users", 405, "HTTP 405 Method Not Allowed"),
    ] {
        let answer = scene.send(method, path, None);
        assert_eq!((answer.status, answer.json()), (status, json!({"error": words})), "{method} {path}");
    }
}

#[test]
fn a_persons_token_counts_when_its_client_is_there_for_administration() {
    let door = provider();
    for name in ["admin-cli", "grafana"] {
        door.cli_text(&["client", "create", name, "--public", "--grant", "password", "--everyone"]);
    }
    let console = ["--public", "--grant", "password", "--everyone", "--audience", "realm-management"];
    door.cli_text(&[&["client", "create", "console"], &console[..]].concat());
    give(&door, "main", &["doorward-admin"], ("--user", "alice"));
    let by = |client: &str| Admin::person(&door, "main", ("alice", client));
    let cli = by("admin-cli");
    assert_eq!((cli.status("GET", "/users", &NOTHING), by("console").status("GET", "/users", &NOTHING)), (200, 200));
    // Any tool that alice signs in to holds such a token: it must not administer in her name.
    assert_eq!(by("grafana").status("GET", "/users", &NOTHING), 403);
    assert_eq!(Admin::person(&door, "main", ("bob", "admin-cli")).status("GET", "/users", &NOTHING), 403);
    door.cli_text(&["user", "disable", "alice"]);
    assert_eq!(cli.status("GET", "/users", &NOTHING), 401);
}

#[test]
fn a_token_that_was_handed_on_or_is_older_than_its_audience_does_not_count() {
    let door = provider();
    give(&door, "main", &["doorward-admin"], ("--user", "alice"));
    let people = ["--public", "--grant", "password", "--everyone"];
    door.cli_text(&[&["client", "create", "web", "--audience", "console"], &people[..]].concat());
    door.cli_text(&[&["client", "create", "tool"], &people[..]].concat());
    let broker = ["--grant", "token_exchange", "--everyone", "--audience", "realm-management"];
    let broker =
        [&["client", "create", "console", "--exchange-for", "realm-management", "--output", "json"], &broker[..]];
    let made: Value = serde_json::from_str(&door.cli_text(&broker.concat())).expect("JSON");
    let subject = Admin::person(&door, "main", ("alice", "web")).token;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "console"),
        ("client_secret", text(&made, "/client_secret")),
        ("subject_token", &subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", "realm-management"),
    ];
    let handed_on = Admin { door: &door, token: super::token(&door, "main", &form), realm: "main" };
    assert_eq!(handed_on.refused("GET", "/users", &NOTHING), (403, json!("HTTP 403 Forbidden")));

    let before = Admin::person(&door, "main", ("alice", "tool"));
    door.cli_text(&["client", "update", "tool", "--audience", "realm-management"]);
    assert_eq!(before.status("GET", "/users", &NOTHING), 403, "it was given to a tool, before that was said");
    let after = Admin::person(&door, "main", ("alice", "tool"));
    assert_eq!(after.status("GET", "/users", &NOTHING), 200);
}

#[test]
fn each_fine_role_allows_its_part_and_no_way_to_more() {
    let door = provider();
    give(&door, "main", &["doorward-admin"], ("--user", "alice"));
    give(&door, "main", &["doorward-admin"], ("--group", "grafana-users"));
    let full = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let with =
        |role: &str| Admin::service(&door, "main", &format!("with-{role}"), &[&format!("realm-management/{role}")]);
    let (keeper, smith, ruler) = (with("manage-users"), with("manage-clients"), with("manage-realm"));
    let terraform = text(&full.get("/clients?clientId=terraform"), "/0/id").to_owned();
    // Whoever keeps users cannot become an administrator, by none of the ways there are.
    let id = |name: &str| text(&full.get(&format!("/users?username={name}")), "/0/id").to_owned();
    let (alice, bob, group) = (id("alice"), id("bob"), text(&full.get("/groups"), "/0/id").to_owned());
    let role = json!([full.get("/roles/doorward-admin")]);
    let phrase = json!({"type": "password", "value": "another long phrase"});
    keeper.does("PUT", &format!("/users/{bob}/reset-password"), &phrase);
    let plain = keeper.make("/groups", &json!({"name": "plain"}));
    keeper.does("PUT", &format!("/users/{bob}/groups/{plain}"), &NOTHING);
    for (method, path, body) in [
        ("PUT", format!("/users/{alice}/reset-password"), phrase.clone()),
        ("PUT", format!("/users/{alice}"), json!({"email": "mallory@example.com"})),
        ("DELETE", format!("/users/{alice}"), NOTHING),
        ("POST", format!("/users/{alice}/logout"), NOTHING),
        ("POST", format!("/users/{bob}/role-mappings/realm"), role.clone()),
        ("PUT", format!("/users/{bob}/groups/{group}"), NOTHING),
        ("POST", "/users".to_owned(), json!({"username": "mallory", "groups": ["/grafana-users"]})),
        ("POST", format!("/groups/{group}/role-mappings/realm"), role.clone()),
        ("DELETE", format!("/groups/{group}"), NOTHING),
        ("PUT", format!("/users/{alice}/groups/{plain}"), NOTHING),
        ("DELETE", format!("/users/{alice}/groups/{group}"), NOTHING),
        ("DELETE", format!("/users/{alice}/role-mappings/realm"), role.clone()),
    ] {
        assert_eq!(keeper.status(method, &path, &body), 403, "{method} {path}");
    }
    let inside = keeper.make(&format!("/groups/{group}/children"), &json!({"name": "inside"}));
    assert_eq!(keeper.status("PUT", &format!("/users/{bob}/groups/{inside}"), &NOTHING), 403);
    assert_eq!(full.get("/users?username=mallory"), json!([]));
    // Nor whoever keeps clients, by the secret of one that may more or by the client people administer through.
    door.cli_text(&["client", "create", "admin-cli", "--public", "--grant", "password", "--everyone"]);
    let client = |name: &str| text(&full.get(&format!("/clients?clientId={name}")), "/0/id").to_owned();
    let (cli, management) = (client("admin-cli"), client("realm-management"));
    for (method, path, body) in [
        ("GET", format!("/clients/{terraform}/client-secret"), NOTHING),
        ("POST", format!("/clients/{terraform}/client-secret"), NOTHING),
        ("PUT", format!("/clients/{terraform}"), json!({"publicClient": false})),
        ("DELETE", format!("/clients/{cli}"), NOTHING),
        ("DELETE", format!("/clients/{management}"), NOTHING),
        ("DELETE", format!("/clients/{management}/roles/manage-users"), NOTHING),
        ("POST", format!("/clients/{management}/roles/manage-clients/composites"), json!([{"name": "doorward-admin"}])),
        ("PUT", format!("/clients/{cli}"), json!({"redirectUris": ["https://evil.example/"]})),
        (
            "POST",
            "/clients".to_owned(),
            json!({"clientId": "evil", "directAccessGrantsEnabled": true,
            "protocolMappers": [{"protocolMapper": "oidc-audience-mapper", "config": {"included.custom.audience": "realm-management"}}]}),
        ),
    ] {
        assert_eq!(smith.status(method, &path, &body), 403, "{method} {path}");
    }
    // Nor whoever keeps roles, by what a role of their own is made of.
    ruler.make("/roles", &json!({"name": "own"}));
    let fine = full.get(&format!("/clients/{management}/roles/manage-users"));
    ruler.does(
        "POST",
        "/roles/own/composites",
        &json!([full.get(&format!("/clients/{management}/roles/manage-realm"))]),
    );
    for (method, path, body) in [
        ("POST", "/roles/own/composites", role.clone()),
        ("POST", "/roles/own/composites", json!([fine])),
        ("POST", "/roles/doorward-admin/composites", json!([{"name": "own"}])),
        ("DELETE", "/roles/doorward-admin/composites", json!([{"name": "own"}])),
        ("DELETE", "/roles/doorward-admin", NOTHING),
    ] {
        assert_eq!(ruler.status(method, path, &body), 403, "{method} {path}");
    }
    // What administers this realm does not administer every realm.
    let whole = with("realm-admin");
    assert_eq!(whole.status("POST", &format!("/users/{bob}/role-mappings/realm"), &role), 403);
    assert_eq!(Admin { door: &door, token: whole.token.clone(), realm: "lab" }.status("GET", "", &NOTHING), 403);
}
