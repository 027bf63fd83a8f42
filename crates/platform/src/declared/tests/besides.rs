//! Profiles, subjects, lives, scopes and mappers: what is refused and where, what is planned, and that it leads to
//! rest.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::parse;
use super::there::{There, check};
use crate::declared::{Declared, Step};
use doorward_engine::clients::mapper::{From, Mapper, Tell};
use doorward_engine::clients::template::{Property, Template};
use doorward_engine::clients::{ClientScope, SubjectKind};
use doorward_engine::federation::Connector;
use doorward_model::id::{ClientScopeId, ConnectorId};

impl There {
    /// Takes a step about what is declared besides the objects' own rows.
    pub(super) fn take_besides(&mut self, step: &Step) {
        match step {
            Step::SetProfile { realm, user, profile, subject, .. } => {
                let id = self.user_id(realm.as_str(), user.as_str());
                self.current.profiles.insert(id, (profile.clone(), subject.clone()));
            }
            Step::SetRealm { realm, settings, .. } => {
                let id = self.realm_id(realm.as_str());
                self.current.realm_settings.insert(id, (**settings).clone());
            }
            Step::CreateScope { realm, scope, settings } => {
                let (id, realm_id) = (ClientScopeId::draw(&self.dice), self.realm_id(realm.as_str()));
                let (name, settings) = (scope.clone(), (**settings).clone());
                self.current.scopes.push(ClientScope { id, realm_id, name, settings });
            }
            Step::UpdateScope { scope, settings, .. } => {
                let known = self.current.scopes.iter_mut().find(|known| known.name == *scope).unwrap();
                known.settings = (**settings).clone();
            }
            Step::CreateConnector { realm, connector, is_active, settings } => {
                let (id, realm_id) = (ConnectorId::draw(&self.dice), self.realm_id(realm.as_str()));
                let (name, settings) = (connector.clone(), (**settings).clone());
                let made = Connector { id, realm_id, name, settings, sealed: None, is_active: *is_active, revision: 0 };
                self.current.connectors.push(made);
            }
            Step::UpdateConnector { connector, is_active, settings, .. } => {
                let known = self.current.connectors.iter_mut().find(|known| known.name == *connector).unwrap();
                known.settings = (**settings).clone();
                known.is_active = *is_active;
            }
            about_roles => self.take_role(about_roles),
        }
    }
}

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let complaints = parse("d", text).map(|objects| objects.len()).unwrap_err();
    let shown: Vec<String> = complaints.iter().map(|c| c.to_string()["d:".len()..].to_owned()).collect();
    assert_eq!(shown, expected, "{text}");
}

const ALICE: &str = "kind: User\nname: alice\nemail: a@example.com\nemail_verified: true\ngiven_name: Alice\n\
                     attributes:\n  region: eu\n  team: [data, ops]\nsubject: f3b1\n";

#[test]
fn what_is_known_of_a_user_is_owned_key_by_key() {
    let lines = [
        "+ user main/alice",
        "~ user main/alice: attributes.region: none → eu; attributes.team: none → data ops; email_verified: false → \
         true; given_name: \"\" → \"Alice\"; subject: none → f3b1",
    ];
    check(There::main(), ALICE, &lines);
    let there = || There::main().having(ALICE);
    check(there(), "kind: User\nname: alice\n", &[]);
    check(
        there(),
        "kind: User\nname: alice\nattributes: {team: []}\n",
        &["~ user main/alice: attributes.team: data ops → none"],
    );
    check(
        there(),
        "kind: User\nname: alice\nattributes: {region: us, floor: '3'}\nfamily_name: A\n",
        &["~ user main/alice: attributes.floor: none → 3; attributes.region: +us -eu; family_name: \"\" → \"A\""],
    );
    // Another address is not known to be theirs until somebody says so.
    let moved = "kind: User\nname: alice\nemail: b@example.com\n";
    check(there(), moved, &["~ user main/alice: email: a@example.com → b@example.com"]);
    let kept = format!("{ALICE}break_glass: true\n");
    check(There::main().having(ALICE), &kept, &["~ user main/alice: break_glass: false → true"]);
    let proved = format!("{moved}email_verified: true\n");
    check(
        there(),
        &proved,
        &["~ user main/alice: email: a@example.com → b@example.com", "~ user main/alice: email_verified: false → true"],
    );
}

#[test]
fn lives_of_a_realm_are_owned_key_by_key() {
    let text = "kind: Realm\nname: main\nlifetimes: {access_seconds: 120}\nsessions: {idle_seconds: 60}\n";
    check(
        There::main(),
        text,
        &["~ realm main: lifetimes.access_seconds: none → 120; sessions.idle_seconds: none → 60"],
    );
    let there = There::main().having(text);
    check(
        there,
        "kind: Realm\nname: main\nlifetimes: {refresh_seconds: 600}\n",
        &["~ realm main: lifetimes.refresh_seconds: none → 600"],
    );
    let new = "kind: Realm\nname: lab\nsessions: {lifetime_seconds: 3600}\n";
    check(There::main(), new, &["+ realm lab", "~ realm lab: sessions.lifetime_seconds: none → 3600"]);
    refused(
        "kind: Realm\nname: main\nsessions: {idle_seconds: 0}\nlifetimes: {access_seconds: 0}\n",
        &[
            "3:26: idle_seconds must be 1 to 31622400, and is 0: correct the number",
            "4:29: access_seconds must be 1 to 86400, and is 0: correct the number",
        ],
    );
    refused(
        "kind: Realm\nname: main\nlifetimes: {access_seconds: 999999}\nsessions: {idle_seconds: 60, remembered_idle_seconds: 60}\n",
        &[
            "3:29: access_seconds must be 1 to 86400, and is 999999: correct the number",
            "4:55: remembered_idle_seconds must be more than idle_seconds, and 60 is not: give more than 60",
        ],
    );
    let rule = "kind: Realm\nname: main\npassword_sign_in: break-glass\n";
    check(There::main(), rule, &["~ realm main: password_sign_in: \"everyone\" → \"break-glass\""]);
    refused(
        "kind: Realm\nname: main\npassword_sign_in: nobody\n",
        &["3:19: password_sign_in cannot be \"nobody\": write everyone or break-glass"],
    );
    // One of the two stands in the file, the other one is there.
    let text = "kind: Realm\nname: main\nsessions: {remembered_idle_seconds: 600}\n";
    super::there::refused(
        There::main().having(text),
        "kind: Realm\nname: main\nsessions: {idle_seconds: 900}\n",
        &[
            "d.yaml:2:7: realm main: remembered_idle_seconds must be more than idle_seconds, and 600 is not: give more than 900",
        ],
    );
}

#[test]
fn a_scope_is_owned_as_a_whole() {
    let text = "kind: ClientScope\nname: team\ndescription: Your team\nassigned: default\nmappers:\n  - claim: {path: \
                team, from: {attribute: team}}\n  - audience: catalog\n";
    check(There::main(), text, &["+ scope main/team"]);
    let bare = "kind: ClientScope\nname: team\n";
    let plan = There::main().having(text).plan(bare).unwrap();
    let lines: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("~ scope main/team: assigned: \"default\" → \"optional\";"), "{lines:?}");
    check(There::main().having(text), bare, &[lines[0].as_str()]);
    refused(
        "kind: ClientScope\nname: email\nassigned: never\n",
        &[
            "2:7: Doorward has a scope email of its own: correct the value",
            "3:11: the assigned `never` is not one of default, optional, named: correct the value",
        ],
    );
    refused(
        "kind: ClientScope\nname: a b\nmappers: [{claim: {path: sub, from: {value: 1}}}]\n",
        &[
            "2:7: the scope `a b` must be 1 to 128 printable ASCII characters without spaces, quotes and backslashes: \
         correct the value",
            "3:26: the claim sub cannot be mapped: tokens are checked by it: choose another name",
        ],
    );
}

#[test]
fn attributes_and_subjects_are_pointed_at() {
    refused(
        "kind: User\nname: a\nattributes:\n  'a b': x\n  ok: y\n",
        &[
            "4:3: the name of an attribute must be 1 to 128 printable ASCII characters without spaces: correct the value",
        ],
    );
    refused(
        "kind: User\nname: a\nsubject: a b\n",
        &["3:10: a subject has 1 to 255 printable ASCII characters, no spaces: correct the value"],
    );
    assert_eq!(parse("d", "kind: User\nname: a\nattributes: {a: {b: c}}\n").unwrap_err().len(), 1);
    let many: String = (0..65).map(|number| format!("  a{number}: x\n")).collect();
    refused(
        &format!("kind: User\nname: a\nattributes:\n{many}"),
        &["4:3: a user has at most 64 attributes: take some away"],
    );
}

fn mappers(list: &str) -> Vec<Mapper> {
    let text = format!("kind: ClientScope\nname: x\nmappers:\n{list}");
    match parse("d.yaml", &text).unwrap().pop() {
        Some(Declared::Scope(scope)) => scope.settings.mappers,
        other => panic!("{other:?}"),
    }
}

#[test]
fn claims_come_from_all_that_is_known() {
    let text = |text: &str| text.to_owned();
    let from = |written: &str| match mappers(&format!("  - claim: {{path: x, from: {{{written}}}}}\n")).pop() {
        Some(Mapper::Claim { from, .. }) => from,
        other => panic!("{other:?}"),
    };
    assert_eq!(from("group_paths: /data"), From::GroupPaths { prefix: text("/data") });
    assert_eq!(from("realm_roles: ''"), From::RealmRoles { prefix: text(""), add: text("") });
    assert_eq!(from("realm_roles: a-, add: 'R:'"), From::RealmRoles { prefix: text("a-"), add: text("R:") });
    assert_eq!(from("client_roles: polaris"), From::ClientRoles { client: text("polaris"), add: text("") });
    assert_eq!(from("property: given_name"), From::Property(Property::GivenName));
    let template = Template::parse("{user.name}@{client}").unwrap();
    assert_eq!(from("template: '{user.name}@{client}'"), From::Template(template));
    let policies = From::Groups { prefix: text("minio-") };
    let joined = From::Joined { with: text(","), of: Box::new(policies) };
    assert_eq!(from("groups: minio-, join: ','"), joined);
    let told = mappers("  - claim: {path: x, from: {value: 1}, tell: [introspection]}\n");
    let tell = Tell { access: false, id: false, userinfo: false, introspection: Some(true) };
    assert!(matches!(told.as_slice(), [Mapper::Claim { tell: known, .. }] if *known == tell), "{told:?}");
    let wrong = |written: &str, column: u32, expected: &str| {
        let text = format!("kind: ClientScope\nname: x\nmappers:\n  - claim: {{path: x, from: {{{written}}}}}\n");
        refused(&text, &[format!("4:{column}: {expected}").as_str()]);
    };
    wrong(
        "template: '{user.password}'",
        39,
        "the placeholder `{user.password}` is not one of {user.id}, {user.name}, \
        {user.email}, {user.display}, {user.given_name}, {user.family_name}, {user.attributes.NAME}, {client}: correct \
        the value",
    );
    wrong(
        "property: password",
        39,
        "the property `password` is not one of id, name, email, display, given_name, \
        family_name: correct the value",
    );
    let one = "a claim comes from one place: write one of attribute, groups, group_paths, realm_roles, client_roles, \
               property, template, value";
    wrong("groups: '', realm_roles: ''", 28, one);
    wrong("value: 1, add: x", 28, "`add` stands without realm_roles or client_roles: remove it");
    wrong("value: 1, join: x", 28, "`join` stands without a list to join: remove it, or write many: true");
}

#[test]
fn a_client_may_be_told_people_by_sector() {
    let usual = "kind: Client\nname: web\nredirect_uris: [https://web.example.com/cb]\neveryone: true\n";
    match parse("d.yaml", &format!("{usual}pairwise_sector: example.com\nuserinfo_algorithm: ES256\n")).unwrap().pop() {
        Some(Declared::Client(client)) => {
            assert_eq!(client.settings.subject, SubjectKind::Pairwise("example.com".to_owned()));
            assert_eq!(client.settings.userinfo_algorithm, "ES256");
        }
        other => panic!("{other:?}"),
    }
    refused(
        &format!("{usual}pairwise_sector: https://example.com\nuserinfo_algorithm: none\n"),
        &[
            "5:18: the sector `https://example.com` is not a host name such as example.com: correct the value",
            "6:21: the algorithm `none` is not one of RS256, PS256, ES256, EdDSA: correct the value",
        ],
    );
}

#[test]
fn a_realm_has_only_so_many_scopes() {
    let all = |count: usize| {
        (0..count).map(|number| format!("kind: ClientScope\nname: s{number}\n---\n")).collect::<String>()
    };
    let most = doorward_model::limits::CLIENT_SCOPES;
    assert_eq!(There::main().plan(&all(most)).unwrap().steps.len(), most);
    let line = 3 * most + 2;
    let expected = format!("d.yaml:{line}:7: a realm has at most {most} scopes of its own: delete one first");
    super::there::refused(There::main(), &all(most + 1), &[expected.as_str()]);
    let there = There::main().having(&all(most));
    super::there::refused(there, "kind: ClientScope\nname: z\n", &[expected.replace(&line.to_string(), "2").as_str()]);
}

const COMPANY: &str = "kind: Connector\nname: company\ntitle: Example Corp\noidc:\n  issuer: https://id.example.com\n  \
                       client_id: doorward\n  secret_from: env:SECRET\ngroup_rules:\n  map: {0b1c: ops}\n";

#[test]
fn a_connector_is_owned_as_a_whole_but_for_whether_it_is_active() {
    check(There::main(), COMPANY, &["+ connector main/company"]);
    let there = || There::main().having(COMPANY);
    let other = "kind: Connector\nname: company\noidc:\n  issuer: https://id.example.com\n  client_id: door\n";
    let lines =
        ["~ connector main/company: group_rules.map.0b1c: \"ops\" → none; oidc.client_id: \"doorward\" → \"door\"; \
                  oidc.secret_from: \"env:SECRET\" → none; title: \"Example Corp\" → none"];
    check(there(), other, &lines);
    let off = there().with(|current| current.connectors[0].is_active = false);
    check(off, COMPANY, &[]);
    check(there(), &format!("{COMPANY}active: false\n"), &["~ connector main/company: active: true → false"]);
}

#[test]
fn connectors_of_every_kind_are_declared_by_the_settings_they_have() {
    for settings in [
        "oidc:\n  issuer: https://id.example.com\n  client_id: doorward\n",
        "oauth2:\n  issuer: https://id.example.com\n  client_id: doorward\n  authorization_url: https://id.example.com/a\n  \
         token_url: https://id.example.com/t\n  user_info_url: https://id.example.com/u\n",
        "ldap:\n  servers: ['ldaps://ldap.example.com']\n  users:\n    base: ou=people,dc=example,dc=com\n",
        "kerberos:\n  realm: EXAMPLE.COM\n  service: HTTP/door.example.com\n  keytab: file:/etc/http.keytab\n  \
         names_alone: true\n",
    ] {
        let text = format!("kind: Connector\nname: company\n{settings}");
        check(There::main(), &text, &["+ connector main/company"]);
    }
}

#[test]
fn what_no_connector_can_be_is_refused_where_it_stands() {
    let oidc = "oidc:\n  issuer: https://id.example.com\n  client_id: doorward\n";
    refused(
        "kind: Connector\nname: a\n",
        &["1:1: the connector is of no kind: add oidc:, oauth2:, ldap:, saml: or kerberos: with its settings"],
    );
    refused("kind: Connector\nname: a\noidc:\n  issuer: https://a\n", &["4:3: the key `client_id` is missing: add it"]);
    let typo = parse("d", &format!("kind: Connector\nname: a\n{oidc}  clientId: x\n")).map(|objects| objects.len());
    let [complaint] = &typo.unwrap_err()[..] else { panic!("one complaint") };
    let complaint = complaint.to_string();
    assert!(complaint.starts_with("d:6:3: `clientId` is none of the keys that belong here, issuer, "), "{complaint}");
    assert!(complaint.ends_with(": did you mean client_id?"), "{complaint}");
    refused(
        &format!("kind: Connector\nname: a\n{oidc}  scopes: ['a b']\n"),
        &["4:3: connector a: `a b` is no scope: write several with commas between them: correct it"],
    );
    refused(
        &format!("kind: Connector\nname: a\n{oidc}linking: 3\n"),
        &["6:10: an object belongs here: write lines of the form key: value below the key, further to the right"],
    );
}
