//! Which ways in apps and clients name.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::clients::refused as unreadable;
use super::there::{There, check, refused};
use crate::declared::Step;

const COMPANY: &str =
    "kind: Connector\nname: company\noidc: {issuer: 'https://id.example.com', client_id: doorward}\n---\n";
const APP: &str = "kind: App\nname: dagster\naddresses: [https://dagster.example.com]\neveryone: true\n";
const CLIENT: &str = "kind: Client\nname: notes\nredirect_uris: [https://notes.example.com/cb]\neveryone: true\n";

fn with_company(text: &str, connectors: &str) -> String {
    format!("{COMPANY}{text}connectors: {connectors}\n")
}

#[test]
fn connectors_are_made_before_what_names_them_and_changes_are_told_by_name() {
    for (text, what) in [(APP, "app main/dagster"), (CLIENT, "client main/notes")] {
        let both = with_company(text, "[company, accounts]");
        check(There::main(), &both, &["+ connector main/company", &format!("+ {what}")]);
        let there = || There::main().having(&both);
        // Another order is the same.
        check(there(), &format!("{text}connectors: [accounts, company]\n"), &[]);
        check(there(), &format!("{text}connectors: [company]\n"), &[&format!("~ {what}: connectors: -accounts")]);
        check(there(), text, &[&format!("~ {what}: connectors: company accounts → every one")]);
        let plain = There::main().having(text);
        let lines = ["+ connector main/company".to_owned(), format!("~ {what}: connectors: every one → company")];
        check(plain, &with_company(text, "[company]"), &[&lines[0], &lines[1]]);
    }
    let plan = There::main().plan(&with_company(APP, "[company]")).unwrap();
    let shown = serde_json::to_value(plan.steps.last().unwrap()).unwrap();
    assert_eq!(shown["connectors"], serde_json::json!(["company"]));
    let plan = There::main().plan(APP).unwrap();
    assert!(matches!(plan.steps.as_slice(), [Step::CreateApp { connectors, .. }] if connectors.is_empty()));
}

#[test]
fn a_connector_that_was_removed_is_told_and_named_no_more() {
    let mut there = There::main().having(&with_company(APP, "[company, accounts]"));
    there.current.connectors.clear();
    let lines = "~ app main/dagster: connectors: -(a connector that was removed)";
    check(there, &format!("{APP}connectors: [accounts]\n"), &[lines]);
}

#[test]
fn what_is_no_way_in_is_refused() {
    unreadable(
        &format!("{APP}connectors: []\n"),
        &["5:13: no way in is named: leave the key out for every way in, or name the ways that count"],
    );
    unreadable(
        &format!("{APP}connectors: [Company]\n"),
        &[
            "5:14: the connector name `Company` must be 1 to 63 lower-case letters, digits and inner hyphens: correct the value",
        ],
    );
    unreadable(
        &format!("{APP}connectors: [a, a]\n"),
        &["5:17: this stands twice in one list: keep one of them, the other stands at d:5:14"],
    );
    refused(
        There::main(),
        &format!("{APP}connectors: [company]\n"),
        &[
            "d.yaml:5:14: connector main/company is neither declared nor there: declare it with kind: Connector, correct the name, or \
         write accounts for accounts kept here",
        ],
    );
}
