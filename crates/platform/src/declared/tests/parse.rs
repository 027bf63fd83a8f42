//! What is refused, where, and in which words.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{parse, reading};
use crate::declared::{Complaint, Declared, Reading, SecretReference};
use crate::limits;
use doorward_model::name::RealmName;

fn parse_all(files: &[(String, String)]) -> Result<Vec<Declared>, Vec<Complaint>> {
    crate::declared::parse_all(files, &reading())
}

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let complaints = parse("d.yaml", text).map(|objects| objects.len()).unwrap_err();
    let shown: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn yaml_and_types() {
    refused(
        "kind: Group\nname: \"a\n",
        &["d.yaml:3:1: invalid indentation in multiline quoted scalar: correct the YAML"],
    );
    refused("kind: User\nname: a\nname: b\n", &["d.yaml:3:1: `name` stands twice in one object: keep one of them"]);
    refused("- a\n", &["d.yaml:1:1: an object belongs here: write lines of the form key: value, beginning with kind"]);
    refused(
        "kind: Group\nname: a\nmembers: x\n",
        &["d.yaml:3:10: a list belongs here: write [one, two], or [] for none"],
    );
    refused("kind: Group\nname: a\nmembers:\n", &["d.yaml:3:8: a list belongs here: write [one, two], or [] for none"]);
    refused(
        "kind: Group\nname: {a: b}\n",
        &["d.yaml:2:7: a single value belongs here: write one text, number or truth value"],
    );
    refused("kind: Group\nname:\n", &["d.yaml:2:5: the value is empty: write a text or leave out the key"]);
    refused(
        "kind: Group\nname: 2024\n",
        &["d.yaml:2:7: the value could be read as something else than text: put it in quotes"],
    );
    refused(
        "kind: User\nname: a\nactive: yes\n",
        &["d.yaml:3:9: the value is neither true nor false: write true or false"],
    );
    refused("kind: !x Group\nname: a\n", &["d.yaml:1:10: unsupported tag `!x`: correct the YAML"]);
}

#[test]
fn kinds_and_keys() {
    refused(
        "kind: Policy\nname: a\n",
        &[
            "d.yaml:1:7: the kind `Policy` is unknown: use one of Realm, Group, User, Role, App, Client, ClientScope, Connector",
        ],
    );
    refused(
        "kind: client\nname: a\n",
        &[
            "d.yaml:1:7: the kind `client` is unknown: did you mean Client? use one of Realm, Group, User, Role, App, Client, ClientScope, Connector",
        ],
    );
    refused(
        "name: a\n",
        &[
            "d.yaml:1:1: the object has no kind: add kind: with one of Realm, Group, User, Role, App, Client, ClientScope, Connector",
        ],
    );
    refused("kind: Group\n", &["d.yaml:1:1: the object has no name: add name: …"]);
    refused(
        "kind: Group\nname: a\nmember: [x]\ntitle: T\n",
        &[
            "d.yaml:3:1: Group has no key `member`: did you mean members? its keys are realm, name, members, groups, roles",
            "d.yaml:4:1: Group has no key `title`: its keys are realm, name, members, groups, roles",
        ],
    );
    refused(
        "kind: Realm\nname: a\nrealm: b\n",
        &["d.yaml:3:1: Realm has no key `realm`: its keys are name, title, lifetimes, sessions, password_sign_in"],
    );
}

#[test]
fn names_are_pointed_at_in_every_document() {
    refused(
        "kind: Group\nname: ok\n---\nkind: Group\nname: a,b\nmembers:\n  - alice\n  - \"b b\"\n---\nkind: Realm\nname: Main\n",
        &[
            "d.yaml:5:7: the group name `a,b` may not hold , | ; \" or control characters: correct the value",
            "d.yaml:8:5: the user name `b b` may hold letters, digits and . _ - @ + ' only: correct the value",
            "d.yaml:11:7: the realm name `Main` must be 1 to 63 lower-case letters, digits and inner hyphens: correct the value",
        ],
    );
    refused(
        "kind: User\nname: a\nemail: nobody\n",
        &["d.yaml:3:8: the e-mail address `nobody` must look like name@example.com: correct the value"],
    );
}

#[test]
fn apps() {
    refused(
        "kind: App\nname: a\naddresses: [\"ftp://x\"]\nicon: cat\nheaders: [authentik, x]\npublic_paths: [/*]\nupstream: foo\n",
        &[
            "d.yaml:3:13: the address `ftp://x` must begin with http:// or https://: correct the value",
            "d.yaml:4:7: the icon `cat` is not one of initials, pipeline, database, chart, storage, notebook, workflow, generic: correct the value",
            "d.yaml:5:22: the header family `x` is not one of authentik, auth-request, forwarded, remote, webauth, kubeflow: correct the value",
            "d.yaml:6:16: the public path `/*` would make the whole app public: name a path below it: correct the value",
            "d.yaml:7:11: the upstream `foo` will not do: write another",
        ],
    );
    refused("kind: App\nname: a\n", &["d.yaml:1:1: the app has no address: add addresses: [https://tool.example.com]"]);
    refused(
        "kind: App\nname: a\naddresses: []\n",
        &["d.yaml:3:12: the app has no address: add addresses: [https://tool.example.com]"],
    );
    refused(
        "kind: App\nname: a\naddresses: [https://x.y]\n---\nkind: App\nname: b\naddresses: [\"http://X.y:81\", https://x.y/b]\n",
        &[
            "d.yaml:7:13: http://x.y:81 is an address of app main/a already: remove it here or at d.yaml:3:13; ports make no difference",
        ],
    );
}

#[test]
fn a_password_is_a_reference_and_never_repeated() {
    refused(
        "kind: User\nname: a\npassword: hunter2\n",
        &["d.yaml:3:11: the password is not a reference: write env:NAME or file:/absolute/path"],
    );
    refused(
        "kind: User\nname: a\npassword: 12345678\n",
        &["d.yaml:3:11: the value could be read as something else than text: put it in quotes"],
    );
    for (text, fits) in [
        ("env:PASSWORD_1", true),
        ("file:/run/secrets/a", true),
        ("env:", false),
        ("env:1A", false),
        ("env:A B", false),
        ("file:relative", false),
        ("", false),
    ] {
        let parsed = SecretReference::parse(text);
        assert_eq!(parsed.map(|reference| reference.to_string()).as_deref(), fits.then_some(text), "{text}");
    }
}

#[test]
fn nothing_is_declared_twice_even_across_files() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let complaints = parse_all(&[
        file("a.yaml", "kind: Group\nname: g\n---\nkind: User\nname: Alice\n"),
        file("b.yaml", "kind: Group\nname: g\nrealm: other\n---\nkind: User\nname: alice\n"),
        file("c.yaml", "kind: Group\nname: g\nrealm: main\n"),
    ])
    .unwrap_err();
    let shown: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "b.yaml:6:7: user main/alice is declared twice: the other stands at a.yaml:5:7",
            "c.yaml:2:7: group main/g is declared twice: the other stands at a.yaml:2:7",
        ]
    );
}

#[test]
fn complaints_of_all_files_come_together() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let complaints =
        parse_all(&[file("a.yaml", "kind: X\n"), file("b.yaml", "- a\n"), file("c.yaml", "kind: Group\nname: g\n")])
            .unwrap_err();
    let files: Vec<&str> = complaints.iter().map(|complaint| complaint.at.file()).collect();
    assert_eq!(files, ["a.yaml", "b.yaml"]);
}

#[test]
fn objects_belong_to_the_realm_of_the_call() {
    let lab = |is_only_realm| Reading { realm: RealmName::parse("lab").unwrap(), is_only_realm, ..reading() };
    let text = "kind: Group\nname: g\n---\nkind: User\nname: u\nrealm: main\n---\nkind: Realm\nname: other\n";
    let objects = crate::declared::parse("d.yaml", text, &lab(false)).unwrap();
    let [Declared::Group(group), Declared::User(user), Declared::Realm(_)] = objects.as_slice() else {
        panic!("three")
    };
    assert_eq!((group.realm.value.as_str(), user.realm.value.as_str()), ("lab", "main"));
    let complaints = crate::declared::parse("d.yaml", text, &lab(true)).unwrap_err();
    let shown: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "d.yaml:6:8: realm main stands here and --realm says lab: correct one of the two, or leave out --realm",
            "d.yaml:9:7: realm other stands here and --realm says lab: correct one of the two, or leave out --realm",
        ]
    );
    let named = "kind: Group\nname: g\nrealm: lab\n---\nkind: Realm\nname: lab\n";
    assert_eq!(crate::declared::parse("d.yaml", named, &lab(true)).unwrap().len(), 2);
}

#[test]
fn groups_never_lie_inside_themselves() {
    refused(
        "kind: Group\nname: a\ngroups: [b]\n---\nkind: Group\nname: b\ngroups: [c]\n---\nkind: Group\nname: c\ngroups: [a]\n",
        &["d.yaml:11:10: group a cannot lie inside c, which lies inside it: c in b in a: remove one of these nestings"],
    );
    refused(
        "kind: Group\nname: a\ngroups: [a]\n",
        &["d.yaml:3:10: group a stands inside itself: remove one of these nestings"],
    );
    // The same names in two realms are four groups.
    let text = "kind: Group\nname: a\ngroups: [b]\n---\nkind: Group\nrealm: r\nname: b\ngroups: [a]\n";
    assert_eq!(parse("d.yaml", text).unwrap().len(), 2);
}

#[test]
fn a_full_app_is_read_to_the_last_key() {
    let text = "\
kind: App
name: dagster
title: Dagster
description: Pipelines
icon: pipeline
addresses:
  - https://dagster.example.com
upstream: http://127.0.0.1:3000
allowed_groups: [dagster-users, Data Team]
public_paths: [/health, /hooks/*]
headers: [authentik, auth-request]
bearer_token: true
how_to_ask: Ask the data team.
";
    let objects = parse("d.yaml", text).unwrap();
    let [Declared::App(app)] = objects.as_slice() else { panic!("one app") };
    assert_eq!((app.realm.value.as_str(), app.name.value.as_str()), ("main", "dagster"));
    assert_eq!(app.name.at.to_string(), "d.yaml:2:7");
    let groups: Vec<String> = app.allowed_groups.iter().map(|group| format!("{} {}", group.at, group.value)).collect();
    assert_eq!(groups, ["d.yaml:9:18 dagster-users", "d.yaml:9:33 Data Team"]);
    assert!(!app.everyone);
    let settings = serde_json::to_value(&app.settings).unwrap();
    assert_eq!(
        settings,
        serde_json::json!({
            "title": "Dagster",
            "description": "Pipelines",
            "icon": "pipeline",
            "addresses": ["https://dagster.example.com"],
            "upstream": "http://127.0.0.1:3000",
            "public_paths": ["/health", "/hooks/*"],
            "headers": ["authentik", "auth-request"],
            "bearer_token": true,
            "how_to_ask": "Ask the data team.",
        })
    );
}

#[test]
fn empty_documents_are_nothing() {
    for text in ["", "# nothing\n", "---\n---\n"] {
        assert_eq!(parse("d.yaml", text).unwrap(), [], "{text:?}");
    }
}

#[test]
fn a_file_has_a_limit() {
    let text = "#".repeat(limits::FILE_BYTES + 1);
    refused(&text, &["d.yaml:1:1: the file is longer than 4194304 bytes: split it"]);
    let many = "kind: Group\nname: \"1\"\n---\n".repeat(limits::DECLARED_OBJECTS / 10);
    assert!(parse("d.yaml", &many).is_err_and(|complaints| complaints.len() == limits::DECLARED_OBJECTS / 10 - 1));
}

#[test]
fn a_complaint_is_flat_in_json() {
    let complaints = parse("d.yaml", "kind: Group\n").unwrap_err();
    assert_eq!(
        serde_json::to_value(&complaints).unwrap(),
        serde_json::json!([{
            "file": "d.yaml", "line": 1, "column": 1,
            "what": "the object has no name", "how": "add name: …",
        }])
    );
}
