//! One person of each kind of company: how they prove who they are, and how they stop being an engineer there.

use crate::Ground;
use doorward_testkit::http::get;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{
    Computer, SAMBA_READER, SLAPD_READER, Samba, SimpleSaml, Slapd, UPSTREAM_CLIENT, Upstream,
};
use doorward_testkit::process::holds_within;
use doorward_testkit::tools::debian_program;
use doorward_testkit::webdriver::Browser;
use doorward_tests::clients::issuer;
use doorward_tests::tell_browsers;
use serde_json::{Value, json};
use std::process::Command;

/// A person of one company.
pub struct Way {
    /// What they are called, there and here.
    pub name: &'static str,
    /// Brings a browser from the sign-in page to where it is led.
    pub prove: Box<dyn Fn(&Browser)>,
    /// Takes them out of the engineers there.
    pub demote: Box<dyn Fn()>,
    /// The computer they sit at, where that is one of a domain.
    pub computer: Option<Computer>,
}

/// One person of each kind.
pub fn all(ground: &Ground) -> Vec<Way> {
    vec![openid(ground), oauth2(ground), github(ground), saml(ground), ldap(ground), domain(ground), ticket(ground)]
}

fn endpoint(ground: &Ground, name: &str) -> String {
    format!("{}/broker/{name}/endpoint", issuer(&ground.door))
}

fn said(name: &str, groups: &[&str]) -> Value {
    json!({ name: {
        "sub": format!("company-{name}"), "preferred_username": name, "name": name, "email": format!("{name}@example.com"),
        "email_verified": true, "groups": groups,
    }})
}

/// Chooses a provider, and says there who one is where only that is asked.
fn choose(browser: &Browser, provider: &str) {
    browser.click(&browser.wait_for(&format!(".providers a[href*='/broker/{provider}/']"), BROWSER_WAIT));
}

fn by_name(provider: &'static str, name: &'static str) -> Box<dyn Fn(&Browser)> {
    Box::new(move |browser| {
        choose(browser, provider);
        browser.wait_for("input[name=name]", BROWSER_WAIT);
        browser.fill("input[name=name]", name);
        browser.press_on("button");
    })
}

/// Types name and password at the door itself.
fn by_form(name: &'static str, password: &'static str) -> Box<dyn Fn(&Browser)> {
    Box::new(move |browser| {
        browser.wait_for("input[name=login]", BROWSER_WAIT);
        browser.fill("input[name=login]", name);
        browser.fill("input[name=password]", password);
        browser.press_on("button.main");
    })
}

fn openid(ground: &Ground) -> Way {
    let name = "olga";
    let company = Upstream::start(&endpoint(ground, "openid"), &said(name, &["data", "data-engineers"]));
    let issuer = company.url("");
    let usual = ["connector", "add", "oidc", "openid", "--issuer", &issuer, "--client-id", UPSTREAM_CLIENT.0];
    let more = ["--client-secret-ref", "env:COMPANY_SECRET", "--scopes", "profile,email,groups"];
    ground.door.cli_text(&[&usual[..], &more].concat());
    Way {
        name,
        prove: by_name("openid", name),
        demote: Box::new(move || company.say(&said(name, &["data"]))),
        computer: None,
    }
}

fn oauth2(ground: &Ground) -> Way {
    let name = "otto";
    let company = Upstream::start(&endpoint(ground, "oauth"), &said(name, &["data", "data-engineers"]));
    let (issuer, authorization) = (company.url(""), company.url("/auth"));
    let (token, user_info) = (company.url("/token"), company.url("/me"));
    let usual = ["connector", "add", "oauth2", "oauth", "--issuer", &issuer, "--client-id", UPSTREAM_CLIENT.0];
    let places = ["--authorization-url", &authorization, "--token-url", &token, "--user-info-url", &user_info];
    let claims = ["--subject-claim", "sub", "--name-claims", "preferred_username", "--groups-claim", "groups"];
    let more = ["--client-secret-ref", "env:COMPANY_SECRET", "--scopes", "openid,profile,email,groups"];
    ground.door.cli_text(&[&usual[..], &places, &claims, &more].concat());
    Way {
        name,
        prove: by_name("oauth", name),
        demote: Box::new(move || company.say(&said(name, &["data"]))),
        computer: None,
    }
}

fn github(ground: &Ground) -> Way {
    let name = "gina";
    let said = move |teams: &[&str]| {
        let acme = json!({"login": "Acme", "id": 7});
        let teams: Vec<Value> = teams
            .iter()
            .map(|slug| json!({"id": 1, "slug": slug, "name": slug, "organization": acme, "parent": null}))
            .collect();
        json!({ name: {
            "user": {"id": 583_231, "name": "Gina"},
            "emails": [{"email": "gina@example.com", "primary": true, "verified": true}], "orgs": [acme], "teams": teams,
        }})
    };
    let company = Upstream::start_github(&endpoint(ground, "github"), &said(&["data", "engineers"]));
    let url = company.url("");
    let usual = ["connector", "add", "github", "github", "--url", &url, "--client-id", UPSTREAM_CLIENT.0];
    let groups = ["--group", "Acme:data=data", "--group", "Acme:engineers=data-engineers", "--only-listed-groups"];
    ground.door.cli_text(&[&usual[..], &["--client-secret-ref", "env:COMPANY_SECRET"], &groups].concat());
    Way {
        name,
        prove: by_name("github", name),
        demote: Box::new(move || company.say(&said(&["data"]))),
        computer: None,
    }
}

/// A key and its certificate, in PEM, as SimpleSAMLphp signs with.
fn rsa(ground: &Ground) -> (String, String) {
    let (key, certificate) = (ground.scratch.join("company.key"), ground.scratch.join("company.crt"));
    let mut make = Command::new(debian_program("openssl"));
    make.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=company", "-keyout"]);
    let made = make.arg(&key).arg("-out").arg(&certificate).output().expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |path| std::fs::read_to_string(path).expect("openssl wrote it");
    (read(key), read(certificate))
}

fn saml(ground: &Ground) -> Way {
    let name = "sami";
    let said =
        |groups: &[&str]| json!({"sami:sami-there": {"uid": ["sami"], "mail": ["sami@example.com"], "groups": groups}});
    let pair = rsa(ground);
    let company = SimpleSaml::start((&pair.0, &pair.1), &said(&["data", "data-engineers"]), &Value::Null);
    let file = ground.scratch.write("company.xml", &company.metadata());
    let file = file.to_str().expect("a path");
    ground.door.cli_text(&["connector", "add", "saml", "saml", "--metadata", file, "--addresses-are-proved"]);
    company.know(&get(&format!("{}/descriptor", endpoint(ground, "saml"))).text());
    let prove = |browser: &Browser| {
        choose(browser, "saml");
        browser.wait_for("input[name=username]", BROWSER_WAIT);
        browser.fill("input[name=username]", "sami");
        browser.fill("input[name=password]", "sami-there");
        browser.press_on("#regularsubmit button, button[type=submit], input[type=submit]");
    };
    Way { name, prove: Box::new(prove), demote: Box::new(move || company.say(&said(&["data"]))), computer: None }
}

fn ldap(ground: &Ground) -> Way {
    let name = "lena";
    let person = "dn: uid=lena,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: lena\ncn: Lena\nsn: Lena\n\
                  mail: lena@example.org\nuserPassword: lena-there\n\n";
    let group = |name: &str| {
        format!(
            "dn: cn={name},ou=groups,dc=example,dc=org\nobjectClass: groupOfNames\ncn: {name}\n\
             member: uid=nobody,ou=people,dc=example,dc=org\nmember: uid=lena,ou=people,dc=example,dc=org\n\n"
        )
    };
    let slapd = Slapd::start(&[person, &group("data"), &group("data-engineers")].concat());
    let url = slapd.url();
    let usual = ["connector", "add", "ldap", "directory", "--server-url", &url, "--bind-dn", SLAPD_READER.0];
    let bases =
        ["--user-search-base", "ou=people,dc=example,dc=org", "--group-search-base", "ou=groups,dc=example,dc=org"];
    ground.door.cli_text(&[&usual[..], &["--bind-password-ref", "env:SLAPD_SECRET"], &bases].concat());
    let demote = move || {
        slapd.modify(
            "dn: cn=data-engineers,ou=groups,dc=example,dc=org\nchangetype: modify\ndelete: member\n\
             member: uid=lena,ou=people,dc=example,dc=org\n",
        );
    };
    Way { name, prove: by_form(name, "lena-there"), demote: Box::new(demote), computer: None }
}

fn domain(ground: &Ground) -> Way {
    let samba = Samba::shared();
    let (url, file) = (samba.tls_url(), samba.authority().certificate().display().to_string());
    let usual = ["connector", "add", "ad", "domain", "--server-url", &url, "--ca-file", &file];
    let bound = ["--bind-dn", SAMBA_READER.0, "--bind-password-ref", "env:SAMBA_SECRET"];
    let bases = ["--user-search-base", "DC=ad,DC=example,DC=test", "--group-search-base", "DC=ad,DC=example,DC=test"];
    let groups = ["--group", "platform=data", "--group", "eng=data-engineers", "--only-listed-groups"];
    ground.door.cli_text(&[&usual[..], &bound, &bases, &groups].concat());
    // Alice is in both by one membership: of the platform's people, who are engineers.
    let demote = move || samba.tool(&["group", "removemembers", "eng", "platform"]);
    Way { name: "alice", prove: by_form("alice", "Alice-pw1"), demote: Box::new(demote), computer: None }
}

/// At a computer of the domain: the ticket is shown at the press of a button, and the directory says the groups.
fn ticket(ground: &Ground) -> Way {
    let samba = Samba::shared();
    let keytab = format!("file:{}", samba.keytab("HTTP/localhost").display());
    let usual = ["connector", "add", "kerberos", "tickets", "--kerberos-realm", "AD.EXAMPLE.TEST", "--service"];
    ground.door.cli_text(&[&usual[..], &["HTTP/localhost", "--keytab", &keytab, "--directory", "domain"]].concat());
    for group in ["platform", "eng"] {
        samba.tool(&["group", "addmembers", group, "bob"]);
    }
    tell_browsers();
    let computer = Some(samba.computer("bob", "Bob-pw1", "1h"));
    let prove = |browser: &Browser| {
        // A browser's first answer to a question for a ticket comes before it has read the policy.
        for _ in 0..3 {
            choose(browser, "tickets");
            if holds_within(BROWSER_WAIT / 4, || !browser.url().contains("/realms/")) {
                break;
            }
        }
    };
    let demote = move || samba.tool(&["group", "removemembers", "eng", "bob"]);
    Way { name: "bob", prove: Box::new(prove), demote: Box::new(demote), computer }
}
