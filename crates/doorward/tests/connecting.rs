//! What commands about connectors say.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;

use given::Given;
use serde_json::Value;
use std::path::Path;

impl Given {
    fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{words} --output json"))).unwrap()
    }
}

/// A file with claims of somebody.
const CLAIMS: &str = r#"{"iss": "https://id.example.com", "sub": "1", "preferred_username": "ada"}"#;

#[test]
fn who_cannot_be_looked_for_by_name_is_told_what_can_be_tried() {
    let given = Given::fresh();
    given.done("connector add oidc company --issuer https://id.example.com --client-id x");
    given.done("connector add github github --client-id x --client-secret-ref env:SECRET");
    given.done("connector add ldap staff --server-url ldap://127.0.0.1:9 --user-search-base dc=example");
    let tickets = "--kerberos-realm EXAMPLE.COM --service HTTP/door.example.com --keytab file:/etc/keytab";
    given.done(&format!("connector add kerberos domain {tickets} --directory staff"));
    let by_name = "only directories are asked about people by name";
    for (name, part) in [
        (
            "company",
            "with --claims FILE (a JSON object or an ID token) says who somebody with these claims would be here",
        ),
        ("github", "`doorward connector test github` tries the provider"),
        ("domain", "`doorward connector test staff --user NAME`"),
    ] {
        let ended = given.run(&format!("connector test {name} --user ada"));
        let is_told = ended.err.contains(by_name) && ended.err.contains(part);
        assert!(ended.code == 3 && is_told, "{name}: {ended:?}");
    }
    std::fs::write(given.scratch.join("claims.json"), CLAIMS).unwrap();
    assert_eq!(given.run("connector test company --claims claims.json").code, 0);
    given
        .run("connector test github --claims claims.json")
        .is(
            3,
            "doorward: connector github: --claims is for providers that speak OpenID Connect; of a directory ask for somebody \
             with --user",
        );
    // Nobody is no success, whichever way it comes about.
    given.done("connector update company --set linking.create=false");
    let nobody = given.run("connector test company --claims claims.json");
    assert!(nobody.code == 7 && nobody.out.contains("\"would_be\": \"nobody: "), "{nobody:?}");
}

#[test]
fn a_file_of_authorities_is_looked_at_when_it_can_be_read() {
    let given = Given::fresh();
    let add = "connector add ldap staff --server-url ldaps://127.0.0.1 --user-search-base dc=example";
    let not_pem = given.scratch.join("not.pem");
    std::fs::write(&not_pem, "no certificate").unwrap();
    let refused = given.run(&format!("{add} --ca-file {}", not_pem.display()));
    assert!(refused.code == 7 && refused.err.contains("it holds no certificate in PEM"), "{refused:?}");
    assert_eq!(given.run("connector show staff").code, 7, "nothing was made");
    // The server's file may be where no command can look.
    let unread = given.run(&format!("{add} --ca-file /nowhere/ca.pem"));
    let words =
        "was not looked at, because this command cannot read it: file /nowhere/ca.pem: No such file or directory";
    assert!(unread.code == 0 && unread.err.contains(words), "{unread:?}");
    let refused = given.run(&format!("connector update staff --set ldap.ca_file={}", not_pem.display()));
    assert!(refused.code == 7 && refused.err.contains("it holds no certificate in PEM"), "{refused:?}");
    // Only when it changes.
    given.run("connector update staff --set title=Staff").is(0, "Changed connector staff.");
}

#[test]
fn a_secret_in_a_file_that_cannot_be_read_is_told_when_it_is_named() {
    let given = Given::fresh();
    let cannot = |file: &str, why: &str| format!("this command cannot read what is to be in file {file}: {why}");
    let missing = cannot("/nowhere/secret", "No such file or directory; the server reads it at every use");
    let company = "--issuer https://id.example.com --client-id x --client-secret-ref file:/nowhere/secret";
    let added = given.run(&format!("connector add oidc company {company}"));
    assert!(added.code == 0 && added.err.contains(&missing), "{added:?}");
    let tickets =
        "--kerberos-realm EXAMPLE.COM --service HTTP/door.example.com --keytab file:/nowhere/keytab --names-alone";
    let added = given.run(&format!("connector add kerberos tickets {tickets}"));
    assert!(added.err.contains(&cannot("/nowhere/keytab", "No such file")), "{added:?}");
    let empty = given.scratch.join("empty.secret");
    std::fs::write(&empty, "").unwrap();
    let set =
        |file: &Path| given.run(&format!("connector update company --set oidc.secret_from=file:{}", file.display()));
    let changed = set(&empty);
    assert!(
        changed.code == 0 && changed.err.contains(&cannot(&empty.display().to_string(), "it is empty")),
        "{changed:?}"
    );
    let full = given.scratch.join("full.secret");
    std::fs::write(&full, "a secret").unwrap();
    set(&full).is(0, "Changed connector company.");
    // Only when it changes.
    std::fs::remove_file(&full).unwrap();
    given.run("connector update company --set title=Company").is(0, "Changed connector company.");
}

#[test]
fn a_list_of_connectors_tells_who_is_asked() {
    let given = Given::fresh();
    let servers = "--server-url ldaps://dc1.example.com --server-url ldaps://dc2.example.com";
    given.done(&format!("connector add ldap staff {servers} --user-search-base dc=example"));
    given.done("connector add oidc company --issuer https://id.example.com --client-id x");
    let told = given.done("connector list --output table");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].contains("ASKS") && lines[1].contains("https://id.example.com"), "{told}");
    assert!(lines[2].contains("ldaps://dc1.example.com, ldaps://dc2.example.com"), "{told}");
}

#[test]
fn an_address_inside_that_is_not_called_is_told_with_the_option() {
    let given = Given::fresh();
    let add = |name: &str, issuer: &str, allowed: &str| {
        let words = format!("connector add oidc {name} --client-id x --issuer {issuer}");
        let ended = given.run_with(&words, "", &[("DOORWARD_OUTBOUND_ALLOW", allowed)]);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.err
    };
    for (name, issuer, address) in [
        ("a", "http://127.0.0.1:9000", "127.0.0.1"),
        ("b", "https://10.1.2.3/realms/x", "10.1.2.3"),
        ("c", "http://id.localhost:9000", "127.0.0.1"),
    ] {
        let told = add(name, issuer, "192.168.0.0/16");
        assert!(told.contains(&format!("start the server with --outbound-allow {address}")), "{issuer}: {told}");
    }
    assert_eq!(add("d", "https://10.1.2.3", "10.0.0.0/8"), "");
    assert_eq!(add("e", "https://id.example.com", "10.0.0.0/8"), "");
    let moved = given.run("connector update e --set oidc.issuer=https://10.1.2.3");
    assert!(moved.err.contains("--outbound-allow 10.1.2.3"), "{moved:?}");
}

#[test]
fn what_follows_from_settings_is_told_of_declared_connectors_too() {
    let given = Given::fresh();
    let text = "kind: Connector\nname: staff\nldap:\n  servers: [\"ldaps://dc1.example.com\"]\n  ca_file: /nowhere/ca.pem\n  \
                users: {base: dc=example}\ngroup_rules:\n  map: {there: here, others: declared}\n---\nkind: Group\n\
                name: declared\n---\nkind: Connector\nname: company\noidc: {issuer: \"https://10.1.2.3\", client_id: x}\n";
    std::fs::write(given.scratch.join("all.yaml"), text).unwrap();
    let warned = [
        "warning: connector main/staff: whom the directory disables or takes out of a group keeps the session",
        "declare ldap.read_minutes as 60",
        "declare ldap.addresses_are_proved as true",
        "warning: connector main/staff: the file of authorities",
        "there is no group here yet",
        "warning: connector main/company: 10.1.2.3 is a private address: if it may be called",
    ];
    for (words, code) in [("apply --plan -f all.yaml", 2), ("apply -f all.yaml", 0)] {
        let ended = given.run(words);
        assert_eq!(ended.code, code, "{ended:?}");
        for warning in warned {
            assert!(ended.err.contains(warning), "{words}: {warning}: {}", ended.err);
        }
        // What the provider has to be told, once there is something to tell.
        let register = "redirect URI at the provider of connector main/company: http";
        assert_eq!(ended.err.contains(register), code == 0, "{ended:?}");
        assert!(!ended.err.contains("no group declared"), "{words}: {}", ended.err);
    }
    // What is so already needs no more words.
    given.run("apply -f all.yaml").is(0, "");
}

#[test]
fn a_plan_tells_of_a_sealed_secret_and_reads_none() {
    let given = Given::fresh();
    let add = "connector add oidc company --issuer https://id.example.com --client-id x --secret-stdin";
    assert_eq!(given.run_with(add, "a secret of the first", &[]).code, 0);
    let moved = given.run("connector update company --plan --set oidc.issuer=https://other.example.com");
    assert!(moved.code == 2 && moved.out.contains("; forgets the sealed secret\n"), "{moved:?}");
    let sealed = given.run("connector update company --plan --secret-stdin");
    assert_eq!((sealed.code, sealed.out.lines().next()), (2, Some("~ connector main/company: secret: another one")));
    let shown = given.done("connector show company");
    assert!(shown.contains("\"sealed\"") && shown.contains("https://id.example.com"), "{shown}");
    given.run("connector remove company --plan").is(2, "");
    given.done("connector show company");
}

#[test]
fn a_link_that_is_taken_back_takes_nobody_elses_word_with_it() {
    let given = Given::fresh();
    given.done("connector add oidc company --issuer https://id.example.com --client-id x");
    given.done("user create iris --email iris@example.com --email-verified");
    let links = || given.json("connector links company");
    let is_proved = || given.json("user show iris")["email_verified"].clone();
    given.done("connector link company iris --subject 1");
    assert_eq!((&links()[0]["seen"], &links()[0]["counts"]), (&Value::Null, &Value::from(true)), "{:#}", links());
    given.done("connector unlink company iris");
    assert_eq!(is_proved(), true, "the administrator's word, and the address links nobody");
    // Two at once, and an address by which the connector would link them again at once.
    given.done("connector update company --set linking.domains=example.com");
    given.done("connector link company iris --subject 1");
    given.done("connector link company iris --subject 2");
    let unlinked = given.run("connector unlink company iris");
    assert!(unlinked.code == 0 && unlinked.err.contains("Took back 2 links; 0 sessions ended."), "{unlinked:?}");
    assert!(unlinked.err.contains("counts as proved no more, because it would have linked them"), "{unlinked:?}");
    assert_eq!(is_proved(), false);
}

#[test]
fn links_of_a_former_issuer_are_kept_and_do_not_count() {
    let given = Given::fresh();
    given.done("connector add oidc company --issuer https://id.example.com --client-id x");
    given.done("user create iris");
    given.done("connector link company iris --subject 1");
    let people = || given.json("connector list")[0]["people"].clone();
    assert_eq!(people(), 1);
    let to = |issuer: &str| given.run(&format!("connector update company --set oidc.issuer=https://{issuer}"));
    let moved = to("other.example.com");
    assert!(
        moved.err.contains(", 1 link of the former issuer counts no more until it is the issuer again."),
        "{moved:?}"
    );
    assert_eq!((people(), given.json("connector show company")["people"].clone()), (0.into(), 0.into()));
    assert_eq!(given.json("connector links company")[0]["counts"], false);
    to("id.example.com");
    assert_eq!((people(), given.json("connector links company")[0]["counts"].clone()), (1.into(), true.into()));
    to("other.example.com");
    given.done("connector unlink company iris");
    assert_eq!(given.json("connector links company"), Value::Array(Vec::new()));
}

#[test]
fn what_a_disabled_connector_means_is_told_before_and_after() {
    let given = Given::fresh();
    given.done("connector add oidc company --issuer https://id.example.com --client-id x");
    given.done("app create tool --address http://tool.localhost --everyone --connector company");
    given.done("user create iris");
    let explained = given.json("explain iris tool");
    assert_eq!(explained["verdict"], "pass", "{explained:#}");
    let text =
        "kind: Connector\nname: company\nactive: false\noidc: {issuer: \"https://id.example.com\", client_id: x}\n";
    std::fs::write(given.scratch.join("shut.yaml"), text).unwrap();
    let warning = |when: &str| format!("app tool names company and no other way in, so nobody gets in there {when}");
    for (words, when) in [
        ("connector remove company --plan", "then"),
        ("apply --plan -f shut.yaml", "then"),
        ("apply -f shut.yaml", "now"),
    ] {
        let told = given.run(words);
        assert!(told.err.contains(&warning(when)), "{words}: {told:?}");
    }
    let refused = given.run("explain iris tool --output json");
    assert!(
        refused.code == 7 && refused.out.contains("no way in is open: what counts is company, disabled or gone"),
        "{refused:?}"
    );
    let refused = given.run("explain iris tool --by company --output json");
    assert!(
        refused.code == 7 && refused.out.contains("connector company is disabled, so nobody comes in by it"),
        "{refused:?}"
    );
    given.done("app update tool --public /health");
    let public = given.json("explain iris tool /health");
    assert_eq!(
        (&public["verdict"], &public["reason"]),
        (&"pass".into(), &"this path is public: nobody has to sign in".into())
    );
    std::fs::write(given.scratch.join("claims.json"), CLAIMS).unwrap();
    let tried = given.run("connector test company --claims claims.json");
    assert!(tried.err.contains("connector company is disabled, so nobody comes in by it"), "{tried:?}");
    let meant = given.run("connector update company --set oidc.clientid=y");
    assert!(meant.code == 7 && meant.err.contains("there is no such setting: did you mean client_id?"), "{meant:?}");
}
