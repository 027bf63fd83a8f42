//! The part of Keycloak's Admin REST API that is there: what it does, who may call it, and how far each may go.

#[path = "admin/access.rs"]
mod access;
#[path = "admin/record.rs"]
mod record;
#[path = "admin/temporary.rs"]
mod temporary;
#[path = "admin/windows.rs"]
mod windows;

use crate::{provider, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Answer, Request};
use doorward_tests::PASSWORD;
use serde_json::{Value, json};

/// Somebody who calls: an access token and where to.
struct Admin<'d> {
    door: &'d Door,
    token: String,
    realm: &'static str,
}

impl<'d> Admin<'d> {
    /// A client of a realm that speaks for itself with these roles, each `name` or `client/name`.
    fn service(door: &'d Door, realm: &'static str, name: &str, roles: &[&str]) -> Self {
        let made = door.cli_text(&["--realm", realm, "client", "create", name, "--service", "--output", "json"]);
        let made: Value = serde_json::from_str(&made).expect("JSON");
        give(door, realm, roles, ("--service", name));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", name),
            ("client_secret", text(&made, "/client_secret")),
        ];
        Self { door, token: token(door, realm, &form), realm }
    }

    /// A person who signs in through a client with their password.
    fn person(door: &'d Door, realm: &'static str, (name, client): (&str, &str)) -> Self {
        let form = [("grant_type", "password"), ("client_id", client), ("username", name), ("password", PASSWORD)];
        Self { door, token: token(door, realm, &form), realm }
    }

    fn at(&self, method: &str, url: &str, body: &Value) -> Answer {
        let request = Request::new(method, url).header("Authorization", format!("Bearer {}", self.token));
        if body.is_null() { request.send() } else { request.json(body).send() }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.at(method, &format!("{}/admin/realms/{}{path}", self.door.url(), self.realm), body)
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Makes something and gives its id, which the answer's address ends in.
    fn make(&self, path: &str, body: &Value) -> String {
        let answer = self.call("POST", path, body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.location().rsplit('/').next().expect("an id").to_owned()
    }

    fn does(&self, method: &str, path: &str, body: &Value) {
        let answer = self.call(method, path, body);
        assert_eq!(answer.status, 204, "{method} {path}: {}", answer.text());
    }

    fn status(&self, method: &str, path: &str, body: &Value) -> u16 {
        self.call(method, path, body).status
    }

    /// How it was refused: the status and Keycloak's word for it.
    fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.call(method, path, body);
        let told = answer.json();
        (answer.status, told.get("error").or(told.get("errorMessage")).cloned().unwrap_or_default())
    }
}

fn token(door: &Door, realm: &str, form: &[(&str, &str)]) -> String {
    let url = format!("{}/realms/{realm}/protocol/openid-connect/token", door.url());
    let answer = Request::new("POST", &url).form(form).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer.json(), "/access_token").to_owned()
}

/// Gives roles, made where they are not there yet.
fn give(door: &Door, realm: &str, roles: &[&str], (kind, name): (&str, &str)) {
    for role in roles {
        let (client, role) = role.split_once('/').map_or((None, *role), |(client, role)| (Some(client), role));
        let of: Vec<&str> = client.map(|client| vec!["--client", client]).unwrap_or_default();
        if let Some(client) = client {
            door.cli(&["--realm", realm, "client", "create", client, "--service"]);
        }
        door.cli(&[&["--realm", realm, "role", "create", role], &of[..]].concat());
        door.cli_text(&[&["--realm", realm, "role", "assign", role, kind, name], &of[..]].concat());
    }
}

const NOTHING: Value = Value::Null;

#[test]
fn users_are_made_found_changed_and_deleted() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let carol = json!({
        "username": "Carol", "email": "carol@example.com", "enabled": true, "firstName": "Carol", "lastName": "Danvers",
        "attributes": {"region": ["eu"]}, "groups": ["/grafana-users"], "unknown": {"a": 1},
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": false}],
    });
    let id = admin.make("/users", &carol);
    let place = format!("/users/{id}");
    let read = admin.get(&place);
    assert_eq!((text(&read, "/username"), text(&read, "/email")), ("carol", "carol@example.com"));
    assert_eq!((text(&read, "/firstName"), text(&read, "/attributes/region/0")), ("Carol", "eu"));
    assert_eq!(read.get("credentials"), None);
    assert_eq!(text(&admin.get(&format!("{place}/groups")), "/0/path"), "/grafana-users");
    let again = admin.refused("POST", "/users", &carol);
    assert_eq!(again, (409, json!("User exists with same username")));

    let names = |query: &str| -> Vec<String> {
        let found = admin.get(&format!("/users?{query}"));
        found.as_array().expect("a list").iter().map(|user| text(user, "/username").to_owned()).collect()
    };
    assert_eq!(names(""), ["alice", "bob", "carol"]);
    assert_eq!(names("first=1&max=1"), ["bob"]);
    assert_eq!(names("username=car"), ["carol"]);
    assert_eq!((names("username=car&exact=true").len(), names("username=CAROL&exact=true").len()), (0, 1));
    assert_eq!(names("username=car&exact=True").len(), 0, "as Python's programs write it");
    assert_eq!(names("email=bob@example.com&exact=true"), ["bob"]);
    assert_eq!(
        (names("search=danv"), names("search=_"), names("username=%25")),
        (vec!["carol".to_owned()], vec![], vec![])
    );
    assert_eq!((admin.get("/users/count"), admin.get("/users/count?search=ali")), (json!(3), json!(1)));
    assert_eq!(admin.status("GET", "/users?q=region:eu", &NOTHING), 400, "another question must not be answered");

    // What is not said stays.
    admin.does("PUT", &place, &json!({"email": "c@example.com", "emailVerified": true}));
    let read = admin.get(&place);
    assert_eq!((text(&read, "/email"), text(&read, "/attributes/region/0")), ("c@example.com", "eu"));
    assert_eq!((read.get("emailVerified"), read.get("enabled")), (Some(&json!(true)), Some(&json!(true))));
    // Another address is nobody's proved one, whatever else is said beside it.
    admin.does("PUT", &place, &json!({"email": "d@example.com", "firstName": "Carola"}));
    assert_eq!(admin.get(&place).get("emailVerified"), Some(&json!(false)));
    for bad in [
        json!({"username": "dora"}),
        json!({"enabled": "yes"}),
        json!({"requiredActions": ["CONFIGURE_TOTP"]}),
        json!({"email": "no address"}),
        json!([1]),
    ] {
        assert_eq!(admin.status("PUT", &place, &bad), 400, "{bad}");
    }

    // A password is set as Keycloak does, a disabled user is out.
    door.cli_text(&["client", "create", "admin-cli", "--public", "--grant", "password", "--everyone"]);
    Admin::person(&door, "main", ("carol", "admin-cli"));
    let word = |value: &str, temporary: bool| json!({"type": "password", "value": value, "temporary": temporary});
    let reset = format!("{place}/reset-password");
    assert_eq!(admin.status("PUT", &reset, &word("short", false)), 400);
    admin.does("PUT", &reset, &word("another long phrase", false));
    let form = [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "carol")];
    let signs_in = |word: &str| {
        let url = format!("{}/realms/main/protocol/openid-connect/token", door.url());
        Request::new("POST", &url).form(&[&form[..], &[("password", word)]].concat()).send().status
    };
    assert_eq!((signs_in(PASSWORD), signs_in("another long phrase")), (401, 200));
    admin.does("POST", &format!("{place}/logout"), &NOTHING);
    admin.does("PUT", &place, &json!({"enabled": false}));
    assert_ne!(signs_in("another long phrase"), 200);
    admin.does("DELETE", &place, &NOTHING);
    assert_eq!(admin.refused("GET", &place, &NOTHING), (404, json!("User not found")));

    // Who did it stands in the record.
    let record = door.cli_text(&["events", "--output", "json"]);
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let of = |kind: &str| {
        let all = record.as_array().expect("a list").iter();
        all.filter(|event| event["kind"] == kind && event["subject"] == id.as_str())
            .map(|event| text(event, "/actor").to_owned())
            .collect::<Vec<_>>()
    };
    for kind in ["user_created", "user_disabled", "password_changed", "user_deleted"] {
        assert!(!of(kind).is_empty() && of(kind).iter().all(|actor| actor.starts_with("cli_")), "{kind}: {record:#}");
    }
}

#[test]
fn groups_lie_in_each_other_and_roles_are_given_and_taken() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let alice = text(&admin.get("/users?username=alice"), "/0/id").to_owned();
    let outer = admin.make("/groups", &json!({"name": "data"}));
    let inner = admin.make(&format!("/groups/{outer}/children"), &json!({"name": "eng"}));
    assert_eq!(admin.refused("POST", "/groups", &json!({"name": "data"})).0, 409);
    let names = |told: Value| -> Vec<String> {
        told.as_array().expect("a list").iter().map(|one| text(one, "/name").to_owned()).collect()
    };
    assert_eq!(names(admin.get("/groups")), ["data", "grafana-users"]);
    assert_eq!(names(admin.get(&format!("/groups/{outer}/children"))), ["eng"]);
    assert_eq!(text(&admin.get("/groups?search=eng"), "/0/subGroups/0/path"), "/data/eng");
    assert_eq!(text(&admin.get("/group-by-path/data/eng"), "/id"), inner);
    assert_eq!(admin.status("GET", "/group-by-path/eng/data", &NOTHING), 404);
    assert_eq!(admin.get("/groups/count"), json!({"count": 3}));
    assert_eq!(admin.get(&format!("/groups/{outer}")).get("subGroupCount"), Some(&json!(1)));
    admin.does("PUT", &format!("/users/{alice}/groups/{inner}"), &NOTHING);
    assert_eq!(text(&admin.get(&format!("/groups/{inner}/members")), "/0/username"), "alice");
    assert_eq!(admin.get(&format!("/groups/{outer}/members")), json!([]));

    let answer = admin.call("POST", "/roles", &json!({"name": "data viewer", "description": "reads"}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.location().ends_with("/roles/data%20viewer"), "{}", answer.location());
    assert_eq!(
        admin.refused("POST", "/roles", &json!({"name": "data viewer"})),
        (409, json!("Role with name data viewer already exists"))
    );
    let role = admin.get("/roles/data%20viewer");
    // A role may be made of others; whoever has it has them.
    admin.make("/roles", &json!({"name": "lead"}));
    let parts = "/roles/lead/composites";
    admin.does("POST", parts, &json!([role]));
    assert_eq!(names(admin.get(parts)), ["data viewer"]);
    assert_eq!(admin.get("/roles/lead").get("composite"), Some(&json!(true)));
    assert_eq!(admin.status("POST", "/roles/data%20viewer/composites", &json!([{"name": "lead"}])), 400, "a circle");
    let lead = json!([admin.get("/roles/lead")]);
    admin.does("POST", &format!("/users/{alice}/role-mappings/realm"), &lead);
    let held = names(admin.get(&format!("/users/{alice}/role-mappings/realm/composite")));
    assert_eq!(held, ["data viewer", "lead"]);
    admin.does("DELETE", parts, &json!([role]));
    assert_eq!(names(admin.get(&format!("/users/{alice}/role-mappings/realm/composite"))), ["lead"]);
    admin.does("DELETE", "/roles/lead", &NOTHING);
    assert_eq!(admin.status("POST", "/roles", &json!({"name": "x", "composites": {"realm": ["lead"]}})), 400);
    assert_eq!((text(&role, "/description"), role.get("clientRole")), ("reads", Some(&json!(false))));
    assert_eq!(names(admin.get("/roles?search=VIEW")), ["data viewer"]);
    let mapped = format!("/users/{alice}/role-mappings/realm");
    admin.does("POST", &mapped, &json!([role]));
    assert_eq!(names(admin.get(&mapped)), ["data viewer"]);
    assert_eq!(names(admin.get(&format!("{mapped}/available"))), ["doorward-admin"]);
    assert_eq!(text(&admin.get("/roles/data%20viewer/users"), "/0/username"), "alice");
    admin.does("DELETE", &mapped, &json!([{"name": "data viewer"}]));
    assert_eq!(admin.get(&mapped), json!([]));
    // By the outer group it is had by those in the inner one too.
    admin.does("POST", &format!("/groups/{outer}/role-mappings/realm"), &json!([role]));
    assert_eq!(names(admin.get(&format!("{mapped}/composite"))), ["data viewer"]);
    assert_eq!(admin.refused("POST", &mapped, &json!([{"name": "nobody"}])), (404, json!("Role not found")));
    admin.does("DELETE", &format!("/users/{alice}/groups/{inner}"), &NOTHING);
    admin.does("DELETE", &format!("/groups/{inner}"), &NOTHING);
    admin.does("DELETE", "/roles/data%20viewer", &NOTHING);
    assert_eq!(admin.status("GET", &format!("/groups/{inner}"), &NOTHING), 404);
}

#[test]
fn clients_are_made_with_what_keycloak_says_of_them() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let portal = json!({
        "clientId": "portal", "name": "Portal", "rootUrl": "https://portal.example.com", "implicitFlowEnabled": true,
        "redirectUris": ["/cb", "https://portal.example.com/sub/*"], "webOrigins": ["+"], "serviceAccountsEnabled": true,
        "directAccessGrantsEnabled": true, "attributes": {"post.logout.redirect.uris": "https://portal.example.com/bye##+",
        "access.token.lifespan": "120"}, "fullScopeAllowed": true,
        "protocolMappers": [{"name": "aud", "protocolMapper": "oidc-audience-mapper", "config": {"included.custom.audience": "lake"}}],
    });
    let id = admin.make("/clients", &portal);
    let place = format!("/clients/{id}");
    let read = admin.get(&place);
    assert_eq!(read["redirectUris"], json!(["https://portal.example.com/cb", "https://portal.example.com/sub/*"]));
    for flag in ["standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled"] {
        assert_eq!(read[flag], json!(true), "{flag}");
    }
    assert_eq!((text(&read, "/attributes/access.token.lifespan"), read.get("secret")), ("120", None));
    assert_eq!(text(&admin.get("/clients?clientId=portal"), "/0/id"), id);
    assert_eq!(admin.get("/clients?clientId=port"), json!([]));
    assert_eq!(admin.refused("POST", "/clients", &portal), (409, json!("Client portal already exists")));
    for bad in [
        json!({"redirectUris": ["*"]}),
        json!({"redirectUris": ["https://*.example.com/"]}),
        json!({"webOrigins": ["*"]}),
        json!({"secret": "of my own, with spaces"}),
        json!({"secret": "too-short"}),
        json!({"bearerOnly": true}),
        json!({"fullScopeAllowed": false}),
        json!({"clientAuthenticatorType": "client-jwt"}),
        json!({"attributes": {"dpop.bound.access.tokens": "maybe"}}),
        json!({"attributes": {"access.token.lifespan": 60}}),
        json!({"protocol": "saml"}),
        json!({"clientId": "other"}),
        json!({"protocolMappers": [{"protocolMapper": "oidc-hardcoded-claim-mapper", "config": {}}]}),
    ] {
        assert_eq!(admin.status("PUT", &place, &bad), 400, "{bad}");
    }
    admin.does(
        "PUT",
        &place,
        &json!({"implicitFlowEnabled": false, "redirectUris": ["https://portal.example.com/cb"]}),
    );
    let read = admin.get(&place);
    assert_eq!((&read["implicitFlowEnabled"], &read["standardFlowEnabled"]), (&json!(false), &json!(true)));

    // A secret its tool has already takes the place of the drawn one; asterisks say nothing.
    let in_use = || text(&admin.get(&format!("{place}/client-secret")), "/value").to_owned();
    for secret in ["brought-from-elsewhere", "**********"] {
        admin.does("PUT", &place, &json!({"secret": secret}));
        assert_eq!(in_use(), "brought-from-elsewhere");
    }
    let moved = admin.make(
        "/clients",
        &json!({"clientId": "moved", "serviceAccountsEnabled": true, "secret": "moved-with-its-secret"}),
    );
    assert_eq!(text(&admin.get(&format!("/clients/{moved}/client-secret")), "/value"), "moved-with-its-secret");

    // Nobody may enter until somebody says who.
    let enters = |name: &str| {
        let url = format!("{}/realms/main/protocol/openid-connect/token", door.url());
        let secret = text(&admin.get(&format!("{place}/client-secret")), "/value").to_owned();
        let form = [
            ("grant_type", "password"),
            ("client_id", "portal"),
            ("client_secret", &secret),
            ("username", name),
            ("password", PASSWORD),
        ];
        Request::new("POST", &url).form(&form).send().status == 200
    };
    let entering = || (enters("alice"), enters("bob"));
    assert_eq!((text(&read, "/attributes/doorward.everyone"), entering()), ("false", (false, false)));
    let say = |attributes: Value| admin.status("PUT", &place, &json!({"attributes": attributes}));
    assert_eq!(say(json!({"doorward.groups": "grafana-users"})), 204);
    assert_eq!(entering(), (true, false));
    assert_eq!(text(&admin.get(&place), "/attributes/doorward.groups"), "grafana-users");
    assert_eq!((say(json!({"doorward.groups": "nobody"})), say(json!({"doorward.everyone": "yes"}))), (400, 400));
    assert_eq!(say(json!({"doorward.groups": "", "doorward.everyone": "true"})), 204);
    assert_eq!(entering(), (true, true));
    // What was told can be sent back, and changes nothing.
    let told = admin.get(&place);
    admin.does("PUT", &place, &told);
    assert_eq!(admin.get(&place), told);
    // Where it hears of an end.
    let bye = "https://portal.example.com/ended";
    assert_eq!(say(json!({"backchannel.logout.url": bye, "frontchannel.logout.url": bye})), 204);
    let told = admin.get(&place);
    assert_eq!((text(&told, "/attributes/backchannel.logout.url"), &told["frontchannelLogout"]), (bye, &json!(true)));
    admin.does("PUT", &place, &json!({"frontchannelLogout": false, "attributes": {"backchannel.logout.url": ""}}));
    let told = admin.get(&place);
    assert_eq!(
        (told.pointer("/attributes/backchannel.logout.url"), &told["frontchannelLogout"]),
        (None, &json!(false))
    );
    assert_eq!(admin.status("PUT", &place, &json!({"frontchannelLogout": true})), 400);
    assert_eq!(say(json!({"backchannel.logout.url": "http://portal.example.com/"})), 400);

    // The secret that is told is the one that works, and a new one ends it.
    let secret = text(&admin.get(&format!("{place}/client-secret")), "/value").to_owned();
    let form = |secret: &str| {
        let url = format!("{}/realms/main/protocol/openid-connect/token", door.url());
        let form = [("grant_type", "client_credentials"), ("client_id", "portal"), ("client_secret", secret)];
        Request::new("POST", &url).form(&form).send().status
    };
    assert_eq!(form(&secret), 200);
    let next = admin.call("POST", &format!("{place}/client-secret"), &NOTHING).json();
    assert_eq!((form(&secret), form(text(&next, "/value"))), (401, 200));
    // Its service account has roles under its own id.
    let account = admin.get(&format!("{place}/service-account-user"));
    assert_eq!(text(&account, "/username"), "service-account-portal");
    admin.make(&format!("{place}/roles"), &json!({"name": "reader"}));
    let role = admin.get(&format!("{place}/roles/reader"));
    let mapped = format!("/users/{}/role-mappings/clients/{id}", text(&account, "/id"));
    admin.does("POST", &mapped, &json!([role]));
    assert_eq!(text(&admin.get(&mapped), "/0/name"), "reader");
    admin.does("DELETE", &place, &NOTHING);
    assert_eq!(admin.refused("GET", &place, &NOTHING), (404, json!("Could not find client")));
}

#[test]
fn realms_are_kept_apart() {
    let door = provider();
    door.cli_text(&["realm", "create", "sales"]);
    let all = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let sales = Admin::service(&door, "sales", "own", &["doorward-admin"]);
    let realms = format!("{}/admin/realms", door.url());
    let made = all.at("POST", &realms, &json!({"realm": "lab", "displayName": "The Lab", "enabled": true}));
    assert_eq!((made.status, made.location().ends_with("/admin/realms/lab")), (201, true), "{}", made.text());
    assert_eq!(all.at("POST", &realms, &json!({"realm": "lab"})).status, 409);
    let names = |admin: &Admin<'_>| -> Vec<String> {
        let told = admin.at("GET", &realms, &NOTHING).json();
        told.as_array().expect("a list").iter().map(|realm| text(realm, "/realm").to_owned()).collect()
    };
    assert_eq!(
        (names(&all), names(&sales)),
        (vec!["lab".into(), "main".into(), "sales".into()], vec!["sales".to_owned()])
    );
    let lab = Admin { door: &door, token: all.token.clone(), realm: "lab" };
    lab.does("PUT", "", &json!({"displayName": "Laboratory", "accessTokenLifespan": 90}));
    assert_eq!(text(&lab.get(""), "/displayName"), "Laboratory");
    assert_eq!(lab.get("").get("accessTokenLifespan"), Some(&json!(90)));
    assert_eq!(lab.status("PUT", "", &json!({"accessTokenLifespan": 999_999_999})), 400);
    lab.does("PUT", "", &json!({"accessTokenLifespan": 0}));
    assert_eq!(lab.get("").get("accessTokenLifespan"), None);
    assert_eq!(lab.status("DELETE", "", &NOTHING), 405);
    let there = lab.make("/users", &json!({"username": "zoe"}));

    // A realm's own administrator has everything there, and cannot tell whether there are others.
    sales.make("/users", &json!({"username": "sam"}));
    for realm in ["main", "lab", "nowhere"] {
        let elsewhere = Admin { door: &door, token: sales.token.clone(), realm };
        assert_eq!(elsewhere.status("GET", "", &NOTHING), 403, "{realm}");
    }
    assert_eq!(Admin { door: &door, token: all.token.clone(), realm: "nowhere" }.status("GET", "", &NOTHING), 404);
    assert_eq!(sales.status("GET", &format!("/users/{there}"), &NOTHING), 404);
}

#[test]
fn what_a_token_rests_on_counts_as_of_now_and_cookies_do_not() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let with = |token: &str| Admin { door: &door, token: token.to_owned(), realm: "main" };
    for token in ["", "x", "a.b.c"] {
        let answer = with(token).call("GET", "/users", &NOTHING);
        assert_eq!((answer.status, answer.json()), (401, json!({"error": "HTTP 401 Unauthorized"})), "{token}");
    }
    let url = format!("{}/admin/realms/main/users", door.url());
    assert_eq!(Request::new("GET", &url).header("Cookie", "doorward_session=x").send().status, 401);
    assert_eq!(admin.status("GET", "/users", &NOTHING), 200);
    door.cli_text(&["role", "unassign", "doorward-admin", "--service", "terraform"]);
    assert_eq!(admin.refused("GET", "/users", &NOTHING), (403, json!("HTTP 403 Forbidden")));
}
