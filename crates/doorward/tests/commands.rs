//! The built binary on a directory of its own: what a command says, and the code it ends with.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;

use given::{Given, ended};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

#[test]
fn people_and_groups_are_made_listed_and_refused() {
    let given = Given::fresh();
    given.run("realm create lab --title Lab").is(0, "Created realm lab.");
    given.run("realm create lab").is(7, "doorward: there is already a realm named lab: choose another name");
    given
        .run("--realm nowhere user list")
        .is(7, "doorward: there is no realm named nowhere: list them with `doorward realm list`");
    let ended =
        given.run_with("user create alice --email a@example.com --password-stdin", "correct horse battery\n", &[]);
    ended.is(0, "Created user alice.");
    given.run("user create ALICE").is(7, "doorward: there is already a user named alice: choose another name");
    let weak = given.run_with("user set-password alice --password-env PW", "", &[("PW", "short")]);
    weak.is(7, "doorward: --password-env: a password needs at least 10 characters: nothing was changed");
    let none = given.run_with("user set-password alice --password-stdin", "\n", &[]);
    none.is(7, "doorward: --password-stdin: the password is empty: nothing was changed");
    given
        .run("user set-password alice")
        .is(3, "doorward: no password is given: add --password-stdin or --password-env VARIABLE");
    given.run("user disable alice").is(0, "User alice is disabled.");
    given.run("user enable alice").is(0, "User alice is enabled.");
    assert!(given.done("user list").contains("\"email\": \"a@example.com\""));
    for group in ["data", "ops", "night"] {
        given.done(&format!("group create {group}"));
    }
    given.done("group nest data ops");
    given.done("group nest ops night");
    given.run("group nest night data").is(
        7,
        "doorward: group data cannot go inside night: night already lies inside data, so it would contain itself",
    );
    given.done("group add-member night alice");
    assert!(given.done("user show alice --output yaml").contains("all_groups:\n- data\n- night\n- ops\n"));
    given
        .run("group delete missing")
        .is(7, "doorward: there is no group named missing in realm main: list them with `doorward group list`, or make it with \
         `doorward group create missing`");
    assert!(given.done("events").contains("operator:tester"));
}

#[test]
fn apps_tokens_and_explanations() {
    let given = Given::fresh();
    given.done("group create data");
    given.done("group create ops");
    given.done("group nest data ops");
    given.done("user create alice");
    given.done("app create dagster --address http://dagster.localhost:8000 --allow data --public /health");
    given
        .run("app create other --address http://dagster.localhost:8000")
        .is(7, "doorward: app other: another app already answers at http://dagster.localhost:8000");
    let refused = given.run("explain alice dagster --output json");
    assert_eq!(refused.code, 7);
    assert!(refused.out.contains("\"missing_groups\": [\n    \"data\"\n  ]"), "{}", refused.out);
    assert_eq!(given.run("explain alice dagster /health").code, 0);
    given
        .run("explain alice")
        .is(3, "doorward: the following required arguments were not provided: <APP>: see `doorward explain --help`");
    given.done("group add-member ops alice");
    let passed = given.run("explain alice dagster --output table");
    assert_eq!(passed.code, 0);
    assert!(passed.out.contains("ops, data"), "{}", passed.out);
    let token = given.run("token create ci --app dagster --expires-in 1h");
    assert!(token.code == 0 && token.out.starts_with("dwa_") && token.out.lines().count() == 1, "{token:?}");
    assert!(!token.err.contains("dwa_") && !given.done("token list").contains(token.out.trim()));
    given
        .run("token create ci --app dagster")
        .is(7, "doorward: there is already a token named ci: choose another name");
    given
        .run("user create service-ci")
        .is(7, "doorward: user service-ci: tools are told of the token ci by this name: choose another one");
    given.done("user create service-cd");
    given
        .run("token create cd --app dagster")
        .is(7, "doorward: token cd: tools would be told of it as service-cd, which is a user: choose another name");
    given.run("token revoke ci").is(0, "Revoked token ci.");
    given.done("user create service-ci");
    given
        .run("token revoke ci")
        .is(7, "doorward: there is no token named ci in realm main: list them with `doorward token list`");
    given
        .run("recipe nginx --app dagster")
        .is(3, "doorward: a recipe needs to know where app dagster listens: give --upstream HOST:PORT");
    given.done("app create built-in --address http://built-in.localhost:8000 --upstream http://127.0.0.1:3000");
    let doorward = format!("doorward --data {}", given.scratch.join("data").display());
    given.run("recipe nginx --app built-in --upstream 127.0.0.1:3000").is(
        7,
        &format!(
            "doorward: app built-in has an upstream, so the built-in proxy serves it and other proxies that ask about it \
             get no answer: hand it over with `{doorward} app update built-in --upstream '' --address \
             http://built-in.localhost:8000`, then run `{doorward} recipe nginx --app built-in --upstream 127.0.0.1:3000 \
             --listen 127.0.0.1:8000`"
        ),
    );
    let recipe = given.done("recipe haproxy --app dagster --upstream 127.0.0.1:3000");
    assert!(recipe.starts_with("# file: haproxy.cfg\n") && recipe.contains("\n# file: "), "{recipe}");
    assert!(given.done("setup-link").starts_with("http://doorward.localhost:8080/setup?token=dwu_"));
    given.run("session end --user alice").is(0, "Ended 0 sessions of alice.");
}

#[test]
fn an_app_is_changed_only_where_something_is_given() {
    let given = Given::fresh();
    given.done("group create data");
    given.done("group create ops");
    given.done("app create d --address http://d.localhost:8000 --allow data --public /health --headers remote");
    let show = |key: &str| {
        let shown: serde_json::Value = serde_json::from_str(&given.done("app show d --output json")).unwrap();
        shown[key].to_string()
    };
    given.run("app update d").is(3, "doorward: nothing is given to change: see `doorward app update --help`");
    given
        .run("app update e --title E")
        .is(7, "doorward: there is no app named e in realm main: list them with `doorward app list`");
    given.run("app update d --upstream http://127.0.0.1:3000 --title Dee --everyone --bearer-token").is(
        0,
        "Changed app d: everyone: false → true; bearer_token: false → true; title: \"d\" → \"Dee\"; upstream: none → \
         \"http://127.0.0.1:3000\".",
    );
    let kept = ["addresses", "groups", "public_paths", "headers"].map(show);
    assert_eq!(kept, ["[\"http://d.localhost:8000\"]", "[\"data\"]", "[\"/health\"]", "[\"remote\"]"]);
    given.run("app update d --title Dee").is(0, "App d is so already.");
    given.done(
        "app update d --allow ops --public /a /b/* --everyone=false --address http://e.localhost http://d.localhost",
    );
    let lists = ["addresses", "groups", "public_paths", "everyone", "bearer_token"].map(show);
    let expected =
        ["[\"http://e.localhost\",\"http://d.localhost\"]", "[\"ops\"]", "[\"/a\",\"/b/*\"]", "false", "true"];
    assert_eq!(lists, expected);
    given.done("app update d --title= --upstream= --allow= --public= --headers= --bearer-token=false");
    let back = ["title", "upstream", "groups", "public_paths", "headers", "bearer_token"].map(show);
    assert_eq!(back, ["\"d\"", "null", "[]", "[]", "[]", "false"]);
    let events: serde_json::Value = serde_json::from_str(&given.done("events --output json")).unwrap();
    let changes = events.as_array().unwrap().iter().filter(|event| event["kind"] == "app_changed");
    assert_eq!(changes.filter(|event| event["actor"] == "operator:tester" && event["about"] == "d").count(), 3);
    let wrong = given.run("app update d --upstream http://127.0.0.1:3000/base");
    assert_eq!(wrong.code, 3);
    assert!(wrong.err.contains("has a path, a query or a fragment: write scheme, host and port only"), "{}", wrong.err);
    given.done("app create other --address http://other.localhost");
    given
        .run("app update d --address http://other.localhost:81")
        .is(7, "doorward: app d: another app already answers at http://other.localhost:81");
}

#[test]
fn a_recipe_for_another_port_than_the_declared_one_is_warned_about() {
    let given = Given::fresh();
    given.done("app create d --address http://d.localhost:8000 --everyone");
    let warned = |listen: &str| {
        let words = "recipe nginx --app d --upstream 127.0.0.1:3000 --doorward 127.0.0.1:8080 --listen";
        let ended = given.run(&format!("{words} {listen}"));
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.err
    };
    assert_eq!(warned("0.0.0.0:8000"), "");
    assert_eq!(
        warned("127.0.0.1:9000"),
        "warning: app d is declared at http://d.localhost:8000, and this proxy will listen at port 9000: give --listen \
         HOST:8000, or declare the address people come to\n"
    );
    given.done("app update d --address http://d.localhost:8080");
    assert_eq!(
        warned("127.0.0.1:8000"),
        "warning: app d is declared at http://d.localhost:8080, and this proxy will listen at port 8000: port 8080 is \
         Doorward's own, so declare the proxy's address: `doorward app update d --address http://d.localhost:8000`\n"
    );
    // Something else may end TLS in front of the proxy.
    given.done("app update d --address https://d.localhost");
    assert_eq!(warned("127.0.0.1:8000"), "");
    given.done("app update d --address http://d.localhost:8000");
    given.run("recipe istio --app d --upstream d.svc:3000 --doorward d.svc:8080 --listen 127.0.0.1:9000").is(0, "");
}

#[test]
fn declared_files_are_of_the_realm_that_is_named() {
    let given = Given::fresh();
    given.done("realm create lab");
    given.scratch.write("one.yaml", "kind: Group\nname: g\n");
    given.scratch.write("two.yaml", "kind: Group\nname: g\n---\nkind: Group\nrealm: main\nname: h\n");
    assert_eq!(given.done("--realm lab apply -f one.yaml"), "+ group lab/g\n1 to add, 0 to change, 0 to remove.\n");
    assert!(given.done("--realm lab group list").contains("\"g\""));
    given.run("--realm lab apply -f two.yaml").is(
        3,
        "doorward: two.yaml:5:8: realm main stands here and --realm says lab: correct one of the two, or leave out \
         --realm",
    );
    given.scratch.write("settings.yaml", "realm: lab\n");
    // The settings name the realm of the server, not of this call.
    let planned = given.run("--config settings.yaml apply -f two.yaml --plan");
    assert_eq!((planned.code, planned.out.lines().next()), (2, Some("+ group main/h")));
}

#[test]
fn a_declared_upstream_is_one_the_built_in_proxy_can_use() {
    let given = Given::fresh();
    let app = |upstream: &str| {
        let text =
            format!("kind: App\nname: d\naddresses: [http://d.localhost]\nupstream: {upstream}\neveryone: true\n");
        given.run_with("apply -f -", &text, &[])
    };
    let how = "write scheme, host and port only, such as http://127.0.0.1:3000";
    for (bad, what) in [
        ("http://127.0.0.1:1/base", "the upstream `http://127.0.0.1:1/base` has a path, a query or a fragment"),
        ("http://127.0.0.1:1?x=1", "the upstream `http://127.0.0.1:1?x=1` has a path, a query or a fragment"),
        ("\"http://127.0.0.1:1#x\"", "the upstream `http://127.0.0.1:1#x` has a path, a query or a fragment"),
        ("http://a:b@127.0.0.1:1", "the upstream holds a user name or password"),
    ] {
        app(bad).is(3, &format!("doorward: standard input:4:11: {what}: {how}"));
    }
    assert_eq!(app("h2c://127.0.0.1:1").code, 0);
    let lost = given.run_with(
        "apply -f - --plan",
        "kind: App\nname: d\naddresses: [http://d.localhost]\neveryone: true\n",
        &[],
    );
    assert_eq!(lost.code, 2);
    assert!(
        lost.out.starts_with("warning: standard input:2:7: app main/d loses its upstream h2c://127.0.0.1:1, so the "),
        "{}",
        lost.out
    );
}

#[test]
fn folders_that_are_not_read_are_told() {
    let given = Given::fresh();
    given.scratch.write("set/a.yaml", "kind: Group\nname: a\n");
    given.scratch.write("set/sub/b.yaml", "kind: Group\nname: b\n");
    given.scratch.write("set/.git/c.yaml", "kind: Group\nname: c\n");
    let planned = given.run("apply -f set --plan");
    planned.is(2, "warning: set/sub is a folder: not read; name it with -f");
    assert!(planned.out.contains("+ group main/a\n1 to add"), "{}", planned.out);
    given.run("apply -f set -f ./set/sub --plan").is(2, "");
    given.scratch.write("set/d.yaml", "kind: Group\nname: d\ngroups: [b]\n");
    given.run("apply -f set").is(
        3,
        "doorward: set/d.yaml:3:10: group main/b is neither declared nor there: declare it with kind: Group, or \
         correct the name\ndoorward: set/sub is a folder: not read; name it with -f",
    );
    std::fs::create_dir_all(given.scratch.join("bare/sub")).unwrap();
    given
        .run("apply -f bare")
        .is(3, "doorward: bare holds no .yaml files: name a directory with 1 to 10000; the folders in it are not read");
}

#[test]
fn declared_files_are_planned_applied_and_then_at_rest() {
    let given = Given::fresh();
    let text = "kind: Group\nname: data\nmembers: [alice]\n---\nkind: User\nname: alice\n---\n\
                kind: App\nname: dagster\naddresses: [http://dagster.localhost]\nallowed_groups: [data]\n";
    given.scratch.write("set/a.yaml", text);
    let planned = given.run("apply -f set --plan");
    assert_eq!(planned.code, 2);
    assert_eq!(
        planned.out,
        "+ group main/data\n+ user main/alice\n+ member alice → data\n+ app main/dagster\n\
         4 to add, 0 to change, 0 to remove.\n"
    );
    assert_eq!(given.done("group list"), "[]\n");
    given.done("apply -f set");
    assert_eq!(given.done("apply -f set"), "Nothing to do: everything is as declared.\n");
    assert_eq!(given.run("apply -f set --plan").code, 0);
    assert_eq!(given.run("explain alice dagster").code, 0);
    let wrong = given.run_with("apply -f -", "kind: Group\nnaem: x\n", &[]);
    assert_eq!(wrong.code, 3);
    assert!(wrong.err.starts_with("doorward: standard input:"), "{}", wrong.err);
    given
        .run("apply -f missing.yaml")
        .is(3, "doorward: missing.yaml cannot be read, No such file or directory: correct -f");
}

#[test]
fn settings_and_arguments_that_are_wrong() {
    let given = Given::fresh();
    given.run("--config missing.yaml user list").is(
        3,
        "doorward: the settings file missing.yaml cannot be read, No such file or directory: correct --config or its \
         permissions",
    );
    given.scratch.write("s.yaml", "realm: main\nlisten: here\n");
    given.run("--config s.yaml user list").is(
        3,
        "doorward: s.yaml:2:9: `here` is not an address to listen at: write IP:PORT, such as 127.0.0.1:8080 or \
         [::1]:8080",
    );
    given.run("serve --trust-proxy 0.0.0.0/0").is(
        3,
        "doorward: --trust-proxy: 0.0.0.0/0 means that everybody's headers are believed: name the networks of your \
         own proxies only, IPv4 at most /8, IPv6 at most /16",
    );
    given.run("dance").is(3, "doorward: unrecognized subcommand 'dance': see `doorward --help`");
    given.run("").is(3, "doorward: a command is missing: see `doorward --help`");
    assert!(given.done("--help").contains("Exit codes:\n  0  everything was done\n"));
}

#[test]
fn a_variable_that_is_set_and_empty_counts_as_not_set() {
    let given = Given::fresh();
    let names = [
        "DOORWARD_CONFIG",
        "DOORWARD_DATABASE",
        "DOORWARD_REALM",
        "DOORWARD_LISTEN",
        "DOORWARD_GRPC_LISTEN",
        "DOORWARD_OPERATIONS_LISTEN",
        "DOORWARD_PUBLIC_URL",
        "DOORWARD_TRUSTED_PROXIES",
        "DOORWARD_COOKIE_DOMAIN",
        "DOORWARD_LOG",
        "DOORWARD_LOG_FORMAT",
        "DOORWARD_MASTER_KEY",
    ];
    for name in names {
        let ended = given.run_with("realm list", "", &[(name, "")]);
        assert!(ended.code == 0 && ended.err.is_empty() && ended.out.contains("\"main\""), "{name}: {ended:?}");
    }
    let home = given.scratch.join("home");
    let output = given.command(Path::new("")).env("HOME", &home).args(["realm", "create", "lab"]).output().unwrap();
    assert_eq!(ended(output).code, 0);
    assert!(home.join(".local/share/doorward/master.key").is_file());
    // As far as the flags of a server too: nothing is wrong but the address, which is no machine's.
    let serve = given.run_with("serve --listen 203.0.113.1:80", "", &[("DOORWARD_PUBLIC_URL", "")]);
    assert_eq!(serve.code, 6, "{serve:?}");
    // A flag that is given is given.
    let flag = given.run("serve --listen=");
    assert_eq!(flag.code, 3, "{flag:?}");
}

#[test]
fn a_data_directory_that_everybody_can_write_is_refused() {
    let given = Given::fresh();
    let data = given.scratch.join("data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let shown = data.display();
    given.run("user list").is(
        4,
        &format!(
            "doorward: the data directory {shown} can be written by everybody on this machine (mode 777): run chmod \
             700 {shown}, or name a directory inside it with --data, such as {shown}/doorward"
        ),
    );
    // What everybody is meant to share, such as /tmp, keeps its mode.
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o1777)).unwrap();
    given.run("user list").is(
        4,
        &format!(
            "doorward: the data directory {shown} can be written by everybody on this machine (mode 1777): name a \
             directory inside it with --data, such as {shown}/doorward"
        ),
    );
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    given.run("user list").is(0, "");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn what_reads_makes_nothing() {
    let given = Given::nothing();
    given.scratch.write("set.yaml", "kind: Group\nname: g\n");
    let data = given.scratch.join("data");
    let none = format!("doorward: there is no Doorward at {}: give the --data the server has", data.display());
    for words in [
        "user list",
        "user show alice",
        "user disable alice",
        "realm list",
        "realm show main",
        "group list",
        "role list",
        "app list",
        "client list",
        "scope list",
        "session list",
        "token list",
        "registration list",
        "key list",
        "key rotate",
        "delivery list",
        "events",
        "explain alice wiki",
        "recipe nginx --app wiki --upstream 127.0.0.1:1",
        "apply --plan -f set.yaml",
    ] {
        given.run(words).is(4, &none);
        assert!(!data.exists(), "{words}");
    }
    // An empty directory holds none either, and stays empty.
    std::fs::create_dir(&data).unwrap();
    given.run("user list").is(4, &none);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
    let file = given.scratch.join("other.db");
    given.run(&format!("--database sqlite:{} user list", file.display())).is(
        4,
        &format!(
            "doorward: there is no Doorward in the database file {}: give the --database the server has",
            file.display()
        ),
    );
    assert!(!file.exists());
    std::fs::remove_dir(&data).unwrap();
    let no_key = format!(
        "doorward: there is no master key for the PostgreSQL database at {}: give the --data the server has, or \
         DOORWARD_MASTER_KEY",
        data.display()
    );
    given.run("--database postgres://u@127.0.0.1:1/d user list").is(4, &no_key);
    assert!(!data.exists());
    // What writes says that it made one, once.
    let made =
        format!("Made a new data directory at {}. If a server has another one, give its --data.", data.display());
    given.run("group create g").is(0, &format!("{made}\nCreated group g."));
    given.run("group create h").is(0, "Created group h.");
    given.run("apply --plan -f set.yaml").is(0, "");
}

#[test]
fn a_data_directory_that_cannot_be_used() {
    let given = Given::nothing();
    let file = given.scratch.write("file", "");
    let within = file.join("data");
    let output = given.command(&within).args(["user", "list"]).output().unwrap();
    ended(output).is(
        4,
        &format!(
            "doorward: the data directory {} cannot be made, a file is in its place: name a directory with --data",
            within.display()
        ),
    );
    let output = given.command(&file).args(["user", "list"]).output().unwrap();
    ended(output).is(
        4,
        &format!(
            "doorward: the data directory {} cannot be made, a file is in its place: name a directory with --data",
            file.display()
        ),
    );
}

#[test]
fn a_master_key_that_others_can_read_or_that_is_another() {
    let given = Given::fresh();
    given.done("user list");
    let data = given.scratch.join("data");
    let key = data.join("master.key");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let shown = key.display();
    given
        .run("user list")
        .is(4, &format!("doorward: the master key {shown} can be read by others (mode 644): run chmod 600 {shown}"));
    let hex = "0f".repeat(32);
    let other = given.run_with("user list", "", &[("DOORWARD_MASTER_KEY", &hex)]);
    assert_eq!(other.code, 4);
    assert!(other.err.contains("were sealed with another master key than DOORWARD_MASTER_KEY"), "{}", other.err);
    std::fs::remove_file(&key).unwrap();
    given
        .run("user list")
        .is(4, &format!("doorward: the database is there but its master key {shown} is not: put the key file back"));
}

#[test]
fn a_database_that_is_newer_or_not_there() {
    let given = Given::fresh();
    given.done("user list");
    let file = given.scratch.join("data/doorward.db");
    let script = "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\n\
                  d.execute('INSERT INTO schema_versions (version) VALUES (99)')\nd.commit()\n";
    let status = Command::new("python3").args(["-c", script]).arg(&file).status().unwrap();
    assert!(status.success());
    let newer = given.run("user list");
    assert_eq!(newer.code, 5);
    let begin = format!("doorward: the database file {} was written by a newer Doorward: ", file.display());
    assert!(newer.err.starts_with(&begin) && newer.err.contains("has version 99"), "{}", newer.err);
    // Nothing listens at port 1.
    let gone = given.run("--database postgres://u:hidden@127.0.0.1:1/d user list");
    assert_eq!(gone.code, 5);
    assert!(gone.err.starts_with("doorward: the PostgreSQL database cannot be used, "), "{}", gone.err);
    assert!(!gone.err.contains("hidden") && gone.err.lines().count() == 1, "{}", gone.err);
}
