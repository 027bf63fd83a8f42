//! python-keycloak's `KeycloakAdmin`, pointed at Doorward in Keycloak's place.

use doorward_testkit::door::Door;
use doorward_testkit::peers::{Administrator, KeycloakAdmin};
use doorward_tests::PASSWORD;
use doorward_tests::clients::{door, text};
use serde_json::{Value, json};

/// A door whose realm `main` alice administers, through a client that is there for administration alone.
fn administered() -> Door {
    let door = door();
    for arguments in [
        &["client", "create", "admin-cli", "--public", "--grant", "password", "--allow", "data"][..],
        &["client", "create", "tool", "--public", "--grant", "password", "--everyone"],
        &["role", "create", "doorward-admin"],
        &["role", "assign", "doorward-admin", "--user", "alice"],
    ] {
        door.cli_text(arguments);
    }
    door
}

fn alice<'a>(door: &Door, server: &'a mut String) -> KeycloakAdmin<'a> {
    *server = door.url();
    let who = Administrator::Person("alice", PASSWORD);
    KeycloakAdmin { server, realm: "main", user_realm: "main", client_id: "admin-cli", who }
}

#[test]
fn python_keycloak_reads_and_changes_realms() {
    let door = administered();
    door.cli_text(&["realm", "create", "lab"]);
    let mut server = String::new();
    // Whoever has everything in the server's own realm has it in every realm.
    let told = KeycloakAdmin { realm: "lab", ..alice(&door, &mut server) }.run("realms", &[]);
    let unknown = json!({"status": 404, "told": "Realm not found."});
    let expected =
        json!({"names": ["lab", "main"], "realm": "lab", "title": "The Lab", "server": "doorward", "unknown": unknown});
    assert_eq!(told, expected, "{told:#}");
}

#[test]
fn python_keycloak_keeps_users_and_their_passwords() {
    let door = administered();
    let mut server = String::new();
    let told = alice(&door, &mut server).run("users", &["carol", PASSWORD, "a temporary phrase"]);
    let read = json!({
        "username": "carol", "email": "carol@example.com", "firstName": "Carol", "lastName": "Danvers", "enabled": true,
        "attributes": {"team": ["lake"]},
    });
    let expected = json!({
        "same_id": true, "exist_ok": true, "part_of_a_name": null, "read": read, "found": ["carol"], "count": 3,
        "again": {"status": 409, "told": "User exists with same username"},
        "signs_in": "Bearer",
        "required": ["UPDATE_PASSWORD"],
        "temporary": {"status": 400, "told": "invalid_grant"},
        "disabled": false,
        "deleted": {"status": 404, "told": "User not found"},
    });
    assert_eq!(told, expected, "{told:#}");
}

#[test]
fn python_keycloak_keeps_groups_in_each_other_and_who_is_in_them() {
    let door = administered();
    let mut server = String::new();
    let told = alice(&door, &mut server).run("groups", &["bob"]);
    let expected = json!({
        "again": {"status": 409, "told": "Top level group named 'warehouse' already exists."},
        "skip_exists": null,
        "tree": ["/warehouse", "/warehouse/engineers", "/warehouse/engineers/night shift"],
        "by_path": true, "one": ["engineers"], "members": ["bob"], "of_user": ["night shift", "sales"], "count": 6,
        "left": [], "deleted": {"status": 404, "told": "Could not find group by id"},
    });
    assert_eq!(told, expected, "{told:#}");
}

#[test]
fn python_keycloak_keeps_roles_of_realm_and_clients_and_who_has_them() {
    let door = administered();
    let mut server = String::new();
    let told = alice(&door, &mut server).run("roles", &["bob"]);
    let expected = json!({
        "made": "data%20viewer", "again": {"status": 409, "told": "Role with name data viewer already exists"},
        "by_id": "reads", "described": "only reads", "given": ["data viewer"], "holders": ["bob"],
        "effective": ["data viewer", "lead"], "of_client": ["reader"], "account": "service-account-lake",
        "of_account": ["reader"], "all": ["clientMappings", "realmMappings"], "taken": [],
        "deleted": {"status": 404, "told": "Could not find role"},
    });
    assert_eq!(told, expected, "{told:#}");
}

#[test]
fn python_keycloak_keeps_clients_and_their_secrets() {
    let door = administered();
    let mut server = String::new();
    let told = alice(&door, &mut server).run("clients", &[]);
    let expected = json!({
        "same_id": true, "skip_exists": true, "uris": ["https://portal.example.com/cb"], "everyone": "false",
        "named": "Portal", "listed": 1, "secrets": [401, 200, true],
        "again": {"status": 409, "told": "Client portal already exists"},
        "deleted": {"status": 404, "told": "Could not find client"},
    });
    assert_eq!(told, expected, "{told:#}");
}

#[test]
fn python_keycloak_administers_as_a_client_with_roles_and_not_without() {
    let door = administered();
    door.cli_text(&["client", "create", "realm-management", "--service"]);
    door.cli_text(&["role", "create", "manage-users", "--client", "realm-management"]);
    let made = door.cli_text(&["client", "create", "terraform", "--service", "--output", "json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let (mut server, who) = (String::new(), Administrator::Service(text(&made, "/client_secret")));
    let service = KeycloakAdmin { client_id: "terraform", who, ..alice(&door, &mut server) };
    let users = ["carol", PASSWORD, "a temporary phrase"];
    let refused = |told: Value| told.get("status").cloned().unwrap_or_default();
    assert_eq!(refused(service.run("users", &users)), json!(403));
    let manage = ["role", "assign", "manage-users", "--client", "realm-management", "--service", "terraform"];
    door.cli_text(&manage);
    assert_eq!(service.run("users", &users).get("same_id"), Some(&json!(true)));
    assert_eq!(refused(service.run("clients", &[])), json!(403));
    // A person's password and an ordinary client's name are not enough.
    let person = KeycloakAdmin { client_id: "tool", ..alice(&door, &mut String::new()) }.run("clients", &[]);
    assert_eq!(refused(person), json!(403));
}
