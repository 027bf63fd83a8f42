//! Commands about roles: what they say, and who has what afterwards.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;

use given::Given;
use serde_json::{Value, json};

fn shown(given: &Given, words: &str) -> Value {
    serde_json::from_str(&given.done(words)).unwrap()
}

#[test]
fn roles_are_made_given_shown_taken_and_deleted() {
    let given = Given::fresh();
    given.done("user create alice");
    given.done("group create data");
    given.done("client create polaris --service");
    given.run("role create viewer --description Looks").is(0, "Created role viewer.");
    given.run("role create viewer").is(7, "doorward: there is already a role named viewer: choose another name");
    given.run("role create viewer --client polaris").is(0, "Created role viewer of client polaris.");
    given.run("role create admin").is(0, "Created role admin.");
    given.run("role assign viewer --user alice").is(0, "User alice has role viewer.");
    given.run("role assign viewer --user alice").is(0, "User alice had role viewer already.");
    given.run("role assign viewer --group data").is(0, "Group data has role viewer.");
    given.run("role assign admin --service polaris").is(0, "Client polaris has role admin.");
    given
        .run("role assign viewer --client polaris --role admin")
        .is(0, "Role admin has role viewer of client polaris.");
    given
        .run("role assign admin --role viewer --role-client polaris")
        .is(7, "doorward: role admin cannot be part of that role: it would contain itself");
    let viewer = shown(&given, "role show viewer");
    assert_eq!(
        json!([viewer["description"], viewer["users"], viewer["groups"], viewer["client"]]),
        json!(["Looks", ["alice"], ["data"], null])
    );
    let admin = shown(&given, "role show admin");
    assert_eq!(
        json!([admin["services"], admin["contains"]]),
        json!([["polaris"], [{"name": "viewer", "client": "polaris"}]])
    );
    let part = shown(&given, "role show viewer --client polaris");
    assert_eq!(part["contained_in"], json!([{"name": "admin", "client": null}]));
    let table = given.done("role list --output table");
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [vec!["NAME", "CLIENT", "DESCRIPTION"], vec!["admin"], vec!["viewer", "Looks"], vec!["viewer", "polaris"]]
    );
    assert_eq!(shown(&given, "role list --client polaris").as_array().unwrap().len(), 1);
    given.run("role unassign viewer --user alice").is(0, "User alice has role viewer no more.");
    given
        .run("role unassign viewer --user alice")
        .is(7, "doorward: no command gave role viewer to user alice: a declared file may have");
    given.run("role delete viewer").is(0, "Deleted role viewer.");
    given
        .run("role delete viewer")
        .is(7, "doorward: there is no role named viewer in realm main, client polaris has one: add --client polaris");
    given
        .run("role delete none")
        .is(7, "doorward: there is no role named none in realm main: list them with `doorward role list`");
    given
        .run("role show none --client polaris")
        .is(7, "doorward: client polaris has no role named none: list them with `doorward role list`");
    given.done("role create loader --client polaris");
    given
        .run("role assign loader --user alice")
        .is(7, "doorward: there is no role named loader in realm main, client polaris has one: add --client polaris");
    given.done("client create trino --service");
    given.done("role create loader --client trino");
    given.run("role assign loader --user alice").is(
        7,
        "doorward: there is no role named loader in realm main, clients have one: add --client with one of polaris, \
         trino",
    );
    let table = given.done("role show admin --output table");
    assert!(table.contains("polaris: viewer") && !table.contains('{'), "{table}");
    let both = given.run("role assign admin --user alice --group data");
    assert!(both.code == 3 && both.err.contains("cannot be used with"), "{}", both.err);
    assert_eq!(given.run("role assign admin").code, 3);
}
