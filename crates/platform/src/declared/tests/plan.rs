//! Given what is there and what is declared: the steps, and that they lead to rest.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::there::{There, check, refused};
use crate::declared::Step;
use doorward_model::app::AppSettings;
use doorward_model::people::Source;

const WHOLE: &str = "\
kind: App
name: dagster
addresses: [https://dagster.example.com]
allowed_groups: [dagster-users]
---
kind: User
name: alice
email: alice@example.com
password: env:ALICE
groups: [dagster-users]
---
kind: Group
name: dagster-users
groups: [data-team]
---
kind: Group
name: data-team
members: [bob, alice]
---
kind: User
name: bob
---
kind: Realm
name: main
title: Main Street
";

#[test]
fn a_whole_installation_is_made_in_an_order_that_works() {
    check(
        There::empty(),
        WHOLE,
        &[
            "+ realm main",
            "+ group main/dagster-users",
            "+ group main/data-team",
            "+ user main/alice",
            "+ user main/bob",
            "+ nesting data-team → dagster-users",
            "+ member alice → dagster-users",
            "+ member alice → data-team",
            "+ member bob → data-team",
            "+ app main/dagster",
        ],
    );
}

#[test]
fn what_no_file_names_stays() {
    check(There::empty().having(WHOLE), "", &[]);
    check(There::empty().having(WHOLE), "kind: Group\nname: data-team\n", &[]);
}

#[test]
fn users() {
    let changed = "kind: User\nname: alice\ndisplay: Alice\nemail: a@example.com\nactive: false\n";
    check(
        There::main().user("alice"),
        changed,
        &["~ user main/alice: display: \"alice\" → \"Alice\"; email: none → a@example.com; active: true → false"],
    );
    check(
        There::main().having(changed),
        "kind: User\nname: alice\nemail: b@example.com\n",
        &["~ user main/alice: email: a@example.com → b@example.com"],
    );
    // Silence changes nothing: a hand that disabled somebody is not overruled by a file that says nothing.
    check(There::main().having(changed), "kind: User\nname: alice\n", &[]);
    check(
        There::main().having(changed),
        "kind: User\nname: alice\nactive: true\n",
        &["~ user main/alice: active: false → true"],
    );
}

#[test]
fn whom_a_directory_has_shut_out_stays_out_when_that_is_declared() {
    let shut = || {
        There::main().having("kind: User\nname: alice\nactive: false\n").with(|current| {
            current.shut.push(current.users[0].id.clone());
        })
    };
    let step = "~ user main/alice: active: false until a directory has them again → false";
    check(shut(), "kind: User\nname: alice\nactive: false\n", &[step]);
    check(shut(), "kind: User\nname: alice\n", &[]);
    check(shut(), "kind: User\nname: alice\nactive: true\n", &["~ user main/alice: active: false → true"]);
}

#[test]
fn a_password_is_set_once() {
    let text = "kind: User\nname: alice\npassword: file:/run/alice\n";
    check(There::main().user("alice"), text, &[]);
    check(
        There::main().having("kind: User\nname: alice\n"),
        text,
        &["~ user main/alice: first password from file:/run/alice"],
    );
}

#[test]
fn a_list_owns_what_was_declared_and_nothing_else() {
    let there = || {
        There::main()
            .group("staff")
            .user("alice")
            .user("bob")
            .user("carol")
            .member("alice", "staff", Source::Local)
            .member("bob", "staff", Source::Declared)
    };
    check(there(), "kind: Group\nname: staff\n", &[]);
    check(there(), "kind: Group\nname: staff\nmembers: []\n", &["- member bob → staff"]);
    check(there(), "kind: Group\nname: staff\nmembers: [carol]\n", &["- member bob → staff", "+ member carol → staff"]);
    // What a hand set and a file repeats is said by both.
    check(there(), "kind: Group\nname: staff\nmembers: [alice, bob]\n", &["+ member alice → staff"]);
    check(there(), "kind: User\nname: bob\ngroups: []\n", &["- member bob → staff"]);
    check(there(), "kind: User\nname: bob\n", &[]);
    // Either side's list is enough to keep a membership.
    check(
        there(),
        "kind: User\nname: bob\ngroups: [staff]\n---\nkind: Group\nname: staff\nmembers: [carol]\n",
        &["+ member carol → staff"],
    );
    check(there(), "kind: Group\nname: staff\nmembers: [Bob, bob]\n", &[]);
}

#[test]
fn nestings() {
    let there = || {
        There::main().group("a").group("b").group("c").nesting("b", "a", Source::Declared).nesting(
            "c",
            "a",
            Source::Local,
        )
    };
    check(there(), "kind: Group\nname: a\n", &[]);
    check(there(), "kind: Group\nname: a\ngroups: []\n", &["- nesting b → a"]);
    check(there(), "kind: Group\nname: a\ngroups: [c]\n", &["- nesting b → a", "+ nesting c → a"]);
    // Turned around: what goes makes room for what comes.
    check(
        there(),
        "kind: Group\nname: a\ngroups: []\n---\nkind: Group\nname: b\ngroups: [a]\n",
        &["- nesting b → a", "+ nesting a → b"],
    );
    // What a hand nested stays, so this would put a inside itself.
    refused(
        there(),
        "kind: Group\nname: c\ngroups: [a]\n",
        &["d.yaml:3:10: group a cannot lie inside c, which lies inside it: c in a: remove one of these nestings"],
    );
    refused(
        there(),
        "kind: Group\nname: b\ngroups: [a]\n",
        &["d.yaml:3:10: group a cannot lie inside b, which lies inside it: b in a: remove one of these nestings"],
    );
}

#[test]
fn apps_are_owned_as_a_whole() {
    let first = "kind: App\nname: dagster\ntitle: Old\naddresses: [https://d.example.com]\nallowed_groups: [old]\n\
                 public_paths: [/health]\nbearer_token: true\n";
    let there = || There::main().group("old").group("dagster-users").having(first);
    check(there(), first, &[]);
    check(
        there(),
        "kind: App\nname: dagster\ntitle: Old\naddresses: [https://d.example.com]\nallowed_groups: [dagster-users]\n\
         public_paths: [/health]\nbearer_token: true\n",
        &["~ app main/dagster: allowed_groups: +dagster-users -old"],
    );
    check(
        there(),
        "kind: App\nname: dagster\naddresses: [https://d.example.com, https://e.example.com]\neveryone: true\n",
        &["~ app main/dagster: everyone: false → true; allowed_groups: -old; addresses: +https://e.example.com; \
             bearer_token: true → false; public_paths: /health → none; title: \"Old\" → \"dagster\""],
    );
    let twice = "kind: App\nname: d\naddresses: [https://a.x, https://b.x]\neveryone: true\n";
    let turned = "kind: App\nname: d\naddresses: [https://b.x, https://a.x]\neveryone: true\n";
    check(There::main().having(twice), turned, &["~ app main/d: addresses: now in the order https://b.x https://a.x"]);
}

#[test]
fn an_app_nobody_may_enter_is_warned_about() {
    let plan = There::main().plan("kind: App\nname: dagster\naddresses: [https://d.example.com]\n").unwrap();
    assert_eq!(
        plan.render(),
        "warning: d.yaml:2:7: nobody may enter app main/dagster: add allowed_groups: […] or everyone: true\n\
         + app main/dagster\n1 to add, 0 to change, 0 to remove.\n"
    );
    let open = "kind: App\nname: dagster\naddresses: [https://d.example.com]\neveryone: true\n";
    assert_eq!(There::main().plan(open).unwrap().warnings, []);
}

#[test]
fn an_app_that_loses_its_upstream_is_warned_about() {
    let with = "kind: App\nname: d\naddresses: [https://d.x]\neveryone: true\nupstream: http://127.0.0.1:3000\n";
    let without = "kind: App\nname: d\naddresses: [https://d.x]\neveryone: true\n";
    let mut there = There::main().having(with);
    assert_eq!(there.plan(with).unwrap().warnings, []);
    let plan = there.plan(without).unwrap();
    assert_eq!(
        plan.render(),
        "warning: d.yaml:2:7: app main/d loses its upstream http://127.0.0.1:3000, so the built-in proxy stops serving \
         it: write the upstream here to keep it, or put a proxy of your own in front\n\
         ~ app main/d: upstream: \"http://127.0.0.1:3000\" → none\n0 to add, 1 to change, 0 to remove.\n"
    );
    there.apply(&plan);
    assert_eq!(there.plan(without).unwrap().warnings, []);
}

#[test]
fn names_nobody_knows_are_pointed_at() {
    refused(
        There::main(),
        "kind: App\nname: a\naddresses: [https://a.x]\nallowed_groups: [g, h]\n---\nkind: Group\nname: h\nmembers: [zoe]\ngroups: [i]\n---\n\
         kind: User\nname: u\ngroups: [j]\n---\nkind: User\nrealm: nowhere\nname: v\n",
        &[
            "d.yaml:4:18: group main/g is neither declared nor there: declare it with kind: Group, or correct the name",
            "d.yaml:8:11: user main/zoe is neither declared nor there: declare it with kind: User, or correct the name",
            "d.yaml:9:10: group main/i is neither declared nor there: declare it with kind: Group, or correct the name",
            "d.yaml:13:10: group main/j is neither declared nor there: declare it with kind: Group, or correct the name",
            "d.yaml:16:8: realm nowhere is neither declared nor there: declare it with kind: Realm, or correct the name",
        ],
    );
    refused(
        There::empty(),
        "kind: Group\nname: g\n",
        &["d.yaml:1:1: realm main is neither declared nor there: declare it with kind: Realm, or correct the name"],
    );
}

#[test]
fn realms_do_not_see_each_other() {
    let text = "kind: Group\nrealm: sales\nname: g\nmembers: [alice]\n---\nkind: User\nrealm: sales\nname: alice\n";
    let there = There::main().realm("sales").group("g").user("alice").member("alice", "g", Source::Declared);
    check(there, text, &["+ group sales/g", "+ user sales/alice", "+ member sales/alice → g"]);
    refused(
        There::main().realm("sales").user("alice"),
        "kind: Group\nrealm: sales\nname: g\nmembers: [alice]\n",
        &[
            "d.yaml:4:11: user sales/alice is neither declared nor there: declare it with kind: User, or correct the name",
        ],
    );
}

#[test]
fn realm_titles() {
    check(There::main(), "kind: Realm\nname: main\n", &[]);
    check(There::main(), "kind: Realm\nname: main\ntitle: Home\n", &["~ realm main: title: \"main\" → \"Home\""]);
}

#[test]
fn an_address_belongs_to_one_app() {
    let one = "kind: App\nname: one\naddresses: [https://x.y]\neveryone: true\n";
    refused(
        There::main().having(one),
        "kind: App\nname: two\naddresses: [http://x.y:99]\neveryone: true\n",
        &["d.yaml:3:13: http://x.y:99 is an address of app main/one already: choose another, or declare that app too"],
    );
    check(
        There::main().having(one),
        "kind: App\nname: two\naddresses: [https://x.y]\neveryone: true\n---\nkind: App\nname: one\naddresses: [https://z.y]\neveryone: true\n",
        &["~ app main/one: addresses: +https://z.y -https://x.y", "+ app main/two"],
    );
}

#[test]
fn a_rule_that_names_a_deleted_group_is_rewritten() {
    let text = "kind: App\nname: a\naddresses: [https://a.x]\nallowed_groups: [g]\n";
    let there = There::main().group("g").having(text).with(|current| {
        for app in &mut current.apps {
            app.access.groups.clear();
        }
    });
    check(there, text, &["~ app main/a: allowed_groups: +g"]);
}

#[test]
fn a_plan_is_the_same_however_the_store_lists_its_rows() {
    let there = There::main().group("g").user("a").user("b").member("a", "g", Source::Declared).member(
        "b",
        "g",
        Source::Declared,
    );
    let text = "kind: Group\nname: g\nmembers: []\n";
    let one = there.plan(text).unwrap();
    let other = there.with(|current| current.members.reverse()).plan(text).unwrap();
    assert_eq!(one, other);
}

#[test]
fn a_plan_in_json_names_every_step() {
    let plan = There::main().plan("kind: User\nname: alice\npassword: env:ALICE\n").unwrap();
    assert_eq!(
        serde_json::to_value(&plan).unwrap(),
        serde_json::json!({
            "steps": [{
                "step": "create-user", "realm": "main", "user": "alice", "display": null, "email": null,
                "is_active": true, "password": "env:ALICE",
            }],
            "warnings": [],
        })
    );
    assert_eq!(There::main().plan("").unwrap().render(), "Nothing to do: everything is as declared.\n");
}

#[test]
fn settings_are_whole_in_a_step() {
    let plan = There::main().plan("kind: App\nname: a\naddresses: [https://a.x]\neveryone: true\n").unwrap();
    let expected: AppSettings =
        serde_json::from_value(serde_json::json!({ "title": "a", "addresses": ["https://a.x"] })).unwrap();
    assert!(matches!(plan.steps.as_slice(), [Step::CreateApp { settings, .. }] if **settings == expected));
}

#[test]
fn an_object_has_one_line_and_counts_once() {
    let text = "kind: User\nname: carol\nattributes: {region: eu}\n---\nkind: Realm\nname: lab\ntitle: Lab\nlifetimes: {access_seconds: 60}\n";
    let plan = There::main().plan(text).unwrap();
    assert_eq!(
        (plan.steps.len(), plan.render().as_str()),
        (4, "+ realm lab\n+ user main/carol\n2 to add, 0 to change, 0 to remove.\n")
    );
    let later = "kind: User\nname: carol\npassword: env:CAROL\ndisplay: Carol\nattributes: {region: us}\n---\n\
                 kind: Realm\nname: lab\ntitle: The lab\nlifetimes: {access_seconds: 120}\n";
    assert_eq!(
        There::main().having(text).plan(later).unwrap().render(),
        "~ realm lab: title: \"Lab\" → \"The lab\"; lifetimes.access_seconds: 60 → 120\n\
         ~ user main/carol: first password from env:CAROL; display: \"carol\" → \"Carol\"; attributes.region: +us -eu\n\
         0 to add, 2 to change, 0 to remove.\n"
    );
}
