//! Every change stands in the record, under whoever called: asked of every call in the route table that changes
//! something.

use super::{Admin, NOTHING};
use crate::{provider, text};
use doorward_tests::PASSWORD;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Calls, and remembers which line of the route table that was and what it must have left in the record.
struct Caller<'d> {
    admin: Admin<'d>,
    asked: BTreeSet<String>,
    left: Vec<String>,
}

impl Caller<'_> {
    /// A change: its line in the table below the realm, what stands for the places there, what is sent, and the kinds
    /// of its entries. Gives the id in the answer's address, if there is one.
    fn change(&mut self, (method, line): (&str, &str), places: &[&str], body: &Value, kinds: &[&str]) -> String {
        let mut path = line.to_owned();
        for value in places {
            let (start, end) = (path.find('{').expect("a place"), path.find('}').expect("its end"));
            path.replace_range(start..=end, value);
        }
        let answer = match line.strip_prefix('=') {
            Some(whole) => self.admin.at(method, &format!("{}{whole}", self.admin.door.url()), body),
            None => self.admin.call(method, &path, body),
        };
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        self.left.extend(kinds.iter().map(|kind| format!("{kind} at {method} {}", path.trim_start_matches('='))));
        let line = line.strip_prefix('=').map_or_else(|| format!("/admin/realms/{{realm}}{line}"), str::to_owned);
        self.asked.insert(format!("{method} {line}"));
        answer.header("location").and_then(|place| place.rsplit('/').next()).unwrap_or_default().to_owned()
    }
}

#[test]
fn every_change_stands_in_the_record_under_its_caller() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    let actor = text(&admin.get("/clients?clientId=terraform"), "/0/id").to_owned();
    let mut by = Caller { admin, asked: BTreeSet::new(), left: Vec::new() };
    let phrase = |temporary: bool| json!({"type": "password", "value": "another long phrase", "temporary": temporary});

    by.change(("POST", "=/admin/realms"), &[], &json!({"realm": "lab"}), &["key_activated", "realm_created"]);
    by.change(
        ("PUT", ""),
        &[],
        &json!({"displayName": "Main", "accessTokenLifespan": 120}),
        &["realm_changed", "realm_changed"],
    );

    let new = json!({"username": "carol", "enabled": true, "groups": ["/grafana-users"], "firstName": "Carol"});
    let carol = by.change(("POST", "/users"), &[], &new, &["user_created", "user_changed", "member_added"]);
    let carol = [carol.as_str()];
    by.change(("PUT", "/users/{id}"), &carol, &json!({"email": "c@example.com"}), &["user_changed"]);
    by.change(("PUT", "/users/{id}"), &carol, &json!({"requiredActions": ["UPDATE_PASSWORD"]}), &["user_changed"]);
    by.change(("PUT", "/users/{id}"), &carol, &json!({"enabled": false}), &["user_disabled"]);
    by.change(("PUT", "/users/{id}"), &carol, &json!({"enabled": true}), &["user_enabled"]);
    by.change(("PUT", "/users/{id}/reset-password"), &carol, &phrase(true), &["password_changed"]);
    by.change(("PUT", "/users/{id}/reset-password"), &carol, &phrase(false), &["password_changed"]);
    door.cli_text(&["client", "create", "tool", "--public", "--grant", "password", "--everyone"]);
    let form =
        [("grant_type", "password"), ("client_id", "tool"), ("username", "carol"), ("password", "another long phrase")];
    super::token(&door, "main", &form);
    by.change(("POST", "/users/{id}/logout"), &carol, &NOTHING, &["session_ended"]);

    let outer = by.change(("POST", "/groups"), &[], &json!({"name": "data"}), &["group_created"]);
    let inside = ("POST", "/groups/{group}/children");
    let inner = by.change(inside, &[&outer], &json!({"name": "eng"}), &["group_created", "member_added"]);
    by.change(("PUT", "/users/{id}/groups/{group}"), &[carol[0], &inner], &NOTHING, &["member_added"]);
    by.change(("DELETE", "/users/{id}/groups/{group}"), &[carol[0], &inner], &NOTHING, &["member_removed"]);

    by.change(("POST", "/roles"), &[], &json!({"name": "viewer"}), &["role_created"]);
    by.change(("POST", "/roles"), &[], &json!({"name": "lead"}), &["role_created"]);
    by.change(("PUT", "/roles/{name}"), &["lead"], &json!({"description": "leads"}), &["role_changed"]);
    let viewer = json!([{"name": "viewer"}]);
    by.change(("POST", "/roles/{name}/composites"), &["lead"], &viewer, &["role_assigned"]);
    by.change(("DELETE", "/roles/{name}/composites"), &["lead"], &viewer, &["role_unassigned"]);
    by.change(("POST", "/users/{id}/role-mappings/realm"), &carol, &viewer, &["role_assigned"]);
    by.change(("DELETE", "/users/{id}/role-mappings/realm"), &carol, &viewer, &["role_unassigned"]);
    by.change(("POST", "/groups/{group}/role-mappings/realm"), &[&outer], &viewer, &["role_assigned"]);
    by.change(("DELETE", "/groups/{group}/role-mappings/realm"), &[&outer], &viewer, &["role_unassigned"]);
    by.change(("DELETE", "/roles/{name}"), &["lead"], &NOTHING, &["role_deleted"]);

    let lake = json!({"clientId": "lake", "serviceAccountsEnabled": true});
    let lake = by.change(("POST", "/clients"), &[], &lake, &["client_created", "client_secret_made"]);
    let lake = lake.as_str();
    by.change(("PUT", "/clients/{client}"), &[lake], &json!({"name": "Lake"}), &["client_changed"]);
    by.change(("POST", "/clients/{client}/client-secret"), &[lake], &NOTHING, &["client_secret_made"]);
    by.change(("GET", "/clients/{client}/client-secret"), &[lake], &NOTHING, &["client_secret_shown"]);
    for name in ["reader", "writer"] {
        by.change(("POST", "/clients/{client}/roles"), &[lake], &json!({"name": name}), &["role_created"]);
    }
    let reader = ["reader"];
    let place = [lake, reader[0]];
    by.change(("PUT", "/clients/{client}/roles/{name}"), &place, &json!({"description": "reads"}), &["role_changed"]);
    by.change(("POST", "/clients/{client}/roles/{name}/composites"), &place, &viewer, &["role_assigned"]);
    by.change(("DELETE", "/clients/{client}/roles/{name}/composites"), &place, &viewer, &["role_unassigned"]);
    let writer = json!([{"name": "writer"}]);
    for (line, holder) in [
        ("/users/{id}/role-mappings/clients/{client}", carol[0]),
        ("/groups/{group}/role-mappings/clients/{client}", &outer),
    ] {
        by.change(("POST", line), &[holder, lake], &writer, &["role_assigned"]);
        by.change(("DELETE", line), &[holder, lake], &writer, &["role_unassigned"]);
    }
    by.change(("DELETE", "/clients/{client}/roles/{name}"), &place, &NOTHING, &["role_deleted"]);
    by.change(("DELETE", "/clients/{client}"), &[lake], &NOTHING, &["client_deleted"]);
    by.change(("DELETE", "/groups/{group}"), &[&inner], &NOTHING, &["group_deleted"]);
    by.change(("DELETE", "/users/{id}"), &carol, &NOTHING, &["user_deleted"]);

    let told: Value =
        serde_json::from_str(&door.cli_text(&["events", "--count", "500", "--output", "json"])).expect("JSON");
    let record = told.as_array().expect("a list");
    let of_caller = record.iter().rev().filter(|event| event["actor"] == actor.as_str());
    let kinds: Vec<&str> = of_caller.map(|event| text(event, "/kind")).collect();
    let expected: Vec<&str> = by.left.iter().filter_map(|left| left.split(' ').next()).collect();
    let differs = kinds.iter().zip(&expected).position(|(one, other)| one != other);
    assert_eq!(kinds, expected, "from {:?}", differs.and_then(|at| by.left.get(at)));
    for secret in [PASSWORD, "another long phrase", "argon2", "dwc_"] {
        assert!(!told.to_string().contains(secret), "the record holds {secret}");
    }

    // Names of groups stay as they are, so that call changes nothing.
    by.asked.insert("PUT /admin/realms/{realm}/groups/{group}".to_owned());
    for line in doorward_web::routes::table() {
        let is_change = line.path.starts_with("/admin/") && line.method != "GET";
        let call = format!("{} {}", line.method, line.path);
        assert!(!is_change || by.asked.contains(&call), "{call} is not asked about here");
    }
}
