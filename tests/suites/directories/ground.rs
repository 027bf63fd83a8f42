//! A door with a tool behind it, and a directory whose people sign in at the door itself.

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{SLAPD_READER, Slapd};
use doorward_tests::{action, field, page_request, with_password};
use serde_json::Value;
use std::path::Path;

/// Everybody's password at OpenLDAP.
pub const THEIRS: &str = "a password of the directory";

/// A person at OpenLDAP.
pub fn person(name: &str, more: &str) -> String {
    format!(
        "dn: uid={name},ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\nuid: {name}\n\
         cn: {name} of the directory\nsn: {name}\nmail: {name}@example.org\nuserPassword: {THEIRS}\n{more}\n"
    )
}

/// A group at OpenLDAP, of people and groups.
pub fn group(name: &str, members: &[&str]) -> String {
    let line = |member: &&str| match member.strip_prefix("cn=") {
        Some(_) => format!("member: {member},ou=groups,dc=example,dc=org\n"),
        None => format!("member: uid={member},ou=people,dc=example,dc=org\n"),
    };
    let members: String = members.iter().map(line).collect();
    format!("dn: cn={name},ou=groups,dc=example,dc=org\nobjectClass: groupOfNames\ncn: {name}\n{members}\n")
}

/// Alice is an engineer, engineers are users of Dagster, and two groups lie inside each other.
pub fn people() -> String {
    [
        person("alice", ""),
        person("bob", ""),
        person("expired", "shadowExpire: 10000\n"),
        person("reset", "pwdReset: TRUE\n"),
        group("engineers", &["alice"]),
        group("dagster-users", &["cn=engineers"]),
        group("ring-a", &["alice", "cn=ring-b"]),
        group("ring-b", &["cn=ring-a"]),
        "dn: cn=posix,ou=groups,dc=example,dc=org\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: bob\n\n"
            .to_owned(),
    ]
    .concat()
}

/// Everything at its place.
pub struct Ground {
    /// Doorward.
    pub door: Door,
    /// The tool, for members of `dagster-users`.
    pub tool: Echo,
}

impl Ground {
    /// Without any directory; `secret` is the password of whoever asks.
    pub fn new(secret: &str) -> Ground {
        Ground::on(secret, None)
    }

    /// As [`Ground::new`], on a database.
    pub fn on(secret: &str, database: Option<String>) -> Ground {
        let tool = Echo::start();
        let mut options = with_password(DoorOptions { database, ..DoorOptions::up() });
        let protect = format!("tool={}", tool.url());
        options.arguments = ["--protect", &protect, "--allow", "dagster-users"].map(str::to_owned).to_vec();
        options.environment.push(("DIRECTORY_PASSWORD".to_owned(), secret.to_owned()));
        Ground { door: Door::start(options), tool }
    }

    /// With OpenLDAP as `company`, asked in clear.
    pub fn with(slapd: &Slapd, words: &[&str]) -> Ground {
        let ground = Ground::new(SLAPD_READER.1);
        ground.connect("company", &[slapd.url()], words);
        ground
    }

    /// Connects OpenLDAP at these servers.
    pub fn connect(&self, name: &str, servers: &[String], words: &[&str]) {
        let mut all = vec!["identity", "add-connector", "ldap", name, "--bind-dn", SLAPD_READER.0];
        all.extend(["--bind-password-ref", "env:DIRECTORY_PASSWORD"]);
        all.extend(["--user-search-base", "ou=people,dc=example,dc=org"]);
        all.extend(["--group-search-base", "ou=groups,dc=example,dc=org"]);
        all.extend(servers.iter().flat_map(|server| ["--server-url", server.as_str()]));
        all.extend(words);
        self.door.cli_text(&all);
    }

    /// Where the tool is.
    pub fn tool_url(&self, path: &str) -> String {
        format!("{}{path}", self.door.url_as("tool.localhost"))
    }

    /// Goes to the tool and signs in on the way; ends where a browser would.
    pub fn come(&self, name: &str, password: &str) -> (Jar, Hop) {
        let mut jar = Jar::new();
        let end = self.come_in(&mut jar, name, password);
        (jar, end)
    }

    /// As [`Ground::come`], in a browser that was here before.
    pub fn come_in(&self, jar: &mut Jar, name: &str, password: &str) -> Hop {
        let page = visit(jar, &self.tool_url("/runs?x=1"));
        let html = page.answer.text();
        let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
        let target = Address::parse(&page.url).join(&action(&html));
        let form = [("login", name), ("password", password), ("flow", &flow), ("csrf", &csrf)];
        let asked = Request::new("POST", &target).header("Accept", "text/html").form(&form);
        jar.follow(asked).pop().expect("a hop")
    }

    /// The groups of a user.
    pub fn groups(&self, user: &str) -> Value {
        let told = self.door.cli_text(&["user", "show", user, "--output", "json"]);
        serde_json::from_str::<Value>(&told).expect("JSON")["groups"].clone()
    }

    /// The reasons of refused sign-ins.
    pub fn refusals(&self) -> String {
        self.door.cli_text(&["events", "--kind", "sign_in_refused", "--output", "json"])
    }
}

/// Opens a page as a browser would, and follows wherever it leads.
pub fn visit(jar: &mut Jar, url: &str) -> Hop {
    jar.follow(page_request(url)).pop().expect("a hop")
}

/// The sentence a sign-in page complains with.
pub fn complaint(hop: &Hop) -> String {
    let html = hop.answer.text();
    let (_, rest) = html.split_once("role=\"alert\"").unwrap_or_else(|| panic!("no complaint in\n{html}"));
    let (_, rest) = rest.split_once('>').expect("a tag ends");
    rest.split('<').next().unwrap_or_default().trim().to_owned()
}

/// A path as text.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
