//! What becomes of people when a connector is changed, by command or by file.

use crate::ground::{Ground, visit};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::UPSTREAM_CLIENT;
use serde_json::json;

#[test]
fn what_a_changed_connector_said_before_counts_no_longer() {
    let ground = Ground::new(&[]);
    let update = |words: &[&str]| {
        let output = ground.door.cli(&[&["connector", "update", "company"], words].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
    };
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(update(&["--set", "title=The company"]).1, "Changed connector company.");
    assert_eq!(visit(&mut jar, &ground.tool_url("/again")).answer.status, 200);
    let told = update(&["--set", "group_rules.same_name=false", "--set", "group_rules.map.everybody=dagster-users"]);
    assert_eq!(told.1, "Changed connector company; 1 sessions that began there ended.");
    assert_eq!(ground.groups("ada"), json!([]));
    let page = visit(&mut jar, &ground.tool_url("/again"));
    assert!(page.answer.text().contains("<bdi>The company</bdi>"), "{}", page.answer.text());
    // By the new rules everybody of the company is in.
    assert_eq!(ground.come("bob").1.answer.status, 200);
    assert_eq!(ground.groups("bob"), json!(["dagster-users"]));
    let (code, complaint) = update(&["--set", "oidc.clientId=x"]);
    assert_eq!(code, Some(7), "{complaint}");
    assert!(complaint.contains("unknown field `clientId`"), "{complaint}");
}

#[test]
fn who_is_on_the_way_while_a_connector_changes_begins_again() {
    let ground = Ground::new(&[]);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let back = ground.bring_back(&mut jar, &page, "ada");
    ground.door.cli_text(&["connector", "update", "company", "--set", "group_rules.same_name=false"]);
    let end = visit(&mut jar, &back);
    assert_eq!(end.answer.status, 410, "{}", end.answer.text());
    assert!(ground.door.cli_text(&["user", "list"]).lines().all(|line| !line.starts_with("ada")));
}

#[test]
fn a_connector_is_declared_in_a_file() {
    let ground = Ground::new(&[]);
    let file = ground.door.scratch().join("company.yaml");
    let text = format!(
        "kind: Connector\nname: company\ntitle: Declared\noidc:\n  issuer: {}\n  client_id: {}\n  secret_from: \
         env:COMPANY_SECRET\n  scopes: [profile, email, groups]\n",
        ground.company.url(""),
        UPSTREAM_CLIENT.0,
    );
    std::fs::write(&file, &text).expect("a file");
    let path = file.to_str().expect("a path");
    let apply = |more: &[&str]| {
        let output = ground.door.cli(&[&["apply", "-f", path], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, plan) = apply(&["--plan"]);
    assert_eq!(code, Some(2), "{plan}");
    assert!(plan.contains("~ connector main/company: title: none → \"Declared\""), "{plan}");
    assert_eq!(apply(&[]).0, Some(0));
    assert_eq!(apply(&["--plan"]).0, Some(0));
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    assert!(page.answer.text().contains("<bdi>Declared</bdi>"), "{}", page.answer.text());
    assert_eq!(ground.come("ada").1.answer.status, 200);
    // Disabled by hand stays disabled, unless the file says something of it.
    ground.door.cli_text(&["connector", "disable", "company"]);
    assert_eq!(apply(&["--plan"]).0, Some(0));
    std::fs::write(&file, format!("{text}active: true\n")).expect("a file");
    assert_eq!(apply(&[]).0, Some(0));
    assert_eq!(ground.come("ada").1.answer.status, 200);
    ground.door.cli_text(&["connector", "remove", "company"]);
    assert_eq!(apply(&[]).0, Some(0));
    assert_eq!(ground.come("bob").1.answer.status, 403);
}
