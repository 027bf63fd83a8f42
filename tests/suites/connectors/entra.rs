//! People of a company on Microsoft Entra ID: told apart by tenant and object, by tokens of two versions, with groups by
//! id, or looked up where there are too many.

use crate::ground::{Ground, visit};
use doorward_testkit::http::Request;
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use serde_json::{Value, json};

pub const OURS: &str = "11111111-1111-4111-8111-111111111111";
const THEIRS: &str = "22222222-2222-4222-8222-222222222222";
/// The group `dagster-users` as Entra calls it.
pub const DAGSTER: &str = "aaaaaaaa-0000-4000-8000-000000000000";

/// So many groups' ids, the last of which is that of `dagster-users`.
fn groups(count: usize) -> Vec<String> {
    let other = |number: usize| format!("bbbbbbbb-0000-4000-8000-{number:012}");
    (1..count).map(other).chain([DAGSTER.to_owned()]).collect()
}

pub fn person(sub: &str, tenant: &str, groups: &[String]) -> Value {
    json!({
        "sub": sub, "tid": tenant, "oid": format!("00000000-0000-4000-8000-{sub}"), "groups": groups,
        "preferred_username": format!("{sub}@example.com"), "name": sub, "email": format!("{sub}@example.com"),
    })
}

/// A door connected with a company on Entra.
pub struct Tenant {
    /// Everything else.
    pub ground: Ground,
    /// Where its people sign in.
    pub entra: Upstream,
}

impl Tenant {
    /// With these people, told these words more.
    pub fn new(people: &Value, words: &[&str]) -> Tenant {
        let ground = Ground::new(&[]);
        let uri = format!("{}/realms/main/broker/entra/endpoint", ground.door.url());
        let entra = Upstream::start_like("entra", &uri, people);
        let issuer = entra.url(&format!("/{OURS}/v2.0"));
        let rule = format!("{DAGSTER}=dagster-users");
        let usual = ["connector", "add", "entra", "entra", "--tenant", &issuer, "--client-id", UPSTREAM_CLIENT.0];
        let more = ["--client-secret-ref", "env:COMPANY_SECRET", "--group", &rule, "--only-listed-groups"];
        ground.door.cli_text(&[&usual[..], &more[..]].concat());
        let graph = format!("oidc.directory.graph={}", entra.url(""));
        // The stand-in is in no cloud of Microsoft's: where its groups and its older tokens are from is said here.
        let older = format!("oidc.more_issuers=[\"{}\"]", entra.url(&format!("/sts/{OURS}/")));
        let usual = ["connector", "update", "entra", "--set", &graph, "--set", &older];
        ground.door.cli_text(&[&usual[..], words].concat());
        Tenant { ground, entra }
    }

    fn come(&self, name: &str) -> (Jar, Hop) {
        self.come_to(&self.ground.tool_url("/x"), name)
    }

    /// The whole way, from an address to wherever it ends.
    pub fn come_to(&self, url: &str, name: &str) -> (Jar, Hop) {
        let mut jar = Jar::new();
        let page = visit(&mut jar, url);
        let page = self.ground.choose(&mut jar, &page, "entra");
        assert!(page.url.starts_with(&self.entra.url("/interaction/")), "{} {}", page.url, page.answer.text());
        let form = Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", name)]);
        let end = jar.follow(form).pop().expect("a hop");
        (jar, end)
    }
}

#[test]
fn people_of_the_tenant_come_in_by_their_groups_whichever_version_their_tokens_are_of() {
    let mut people = json!({
        "ada": person("ada", OURS, &groups(3)),
        "bob": person("bob", OURS, &["cccccccc-0000-4000-8000-000000000000".to_owned()]),
        "eve": person("eve", THEIRS, &groups(1)),
    });
    let tenant = Tenant::new(&people, &[]);
    let (_, end) = tenant.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(tenant.ground.tool.last().header("x-forwarded-user"), Some("ada@example.com"));
    assert_eq!(tenant.ground.groups("ada@example.com"), json!(["dagster-users"]));
    assert_eq!(tenant.entra.asked("graph"), 0, "nobody had too many");
    assert_eq!(tenant.come("bob").1.answer.status, 403);
    // The subject is the tenant's and the directory's, not the one made up for this application.
    let links = tenant.ground.door.cli_text(&["connector", "links", "entra", "--output", "json"]);
    assert!(links.contains(&format!("{OURS}:00000000-0000-4000-8000-ada")), "{links}");
    people["ada"]["version"] = json!(1);
    tenant.entra.say(&people);
    let (_, end) = tenant.come("ada");
    assert_eq!(end.answer.status, 200, "an application may get tokens of the first version: {}", end.answer.text());
    // Another tenant's people are nobody, by tokens of either version, whoever they say to be.
    for version in [1, 2] {
        people["eve"]["version"] = json!(version);
        people["eve"]["oid"] = people["ada"]["oid"].clone();
        tenant.entra.say(&people);
        assert_eq!(tenant.come("eve").1.answer.status, 403, "version {version}");
    }
    // Nor is a token of ours that says to be of another tenant.
    tenant.entra.behave(&json!({"claims": {"tid": THEIRS}}));
    assert_eq!(tenant.come("ada").1.answer.status, 403);
    for gone in ["tid", "oid"] {
        tenant.entra.behave(&json!({"claims": {gone: null}}));
        assert_eq!(tenant.come("ada").1.answer.status, 502, "without {gone}");
    }
    // Whoever gets the name and the address of somebody who left is somebody else.
    tenant.entra.behave(&json!({"claims": {"oid": "another"}}));
    assert_eq!(tenant.come("ada").1.answer.status, 403);
}

#[test]
fn gauntlet_b4_11_groups_that_are_too_many_for_a_token_are_looked_up_or_nobody_comes_in() {
    let mut people = json!({"ada": person("ada", OURS, &groups(450))});
    let tenant = Tenant::new(&people, &[]);
    let (_, end) = tenant.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(tenant.ground.groups("ada@example.com"), json!(["dagster-users"]));
    assert_eq!(tenant.entra.asked("graph"), 5, "a hundred at once");
    // The last page says it: without the group she is out, though nothing of groups stands in her token.
    people["ada"]["groups"] = json!(groups(450).split_last().expect("one").1);
    tenant.entra.say(&people);
    assert_eq!(tenant.come("ada").1.answer.status, 403);
    // A next page at another host would take her token there.
    people["ada"]["groups"] = json!(groups(450));
    tenant.entra.say(&people);
    let elsewhere = Upstream::start_like("entra", "http://127.0.0.1:9/endpoint", &people);
    tenant.entra.behave(&json!({"graphElsewhere": elsewhere.url("")}));
    assert_eq!(tenant.come("ada").1.answer.status, 502);
    assert_eq!(elsewhere.asked("graph"), 0, "nobody asked there");
    // More than anybody can be in.
    tenant.entra.behave(&json!({}));
    people["ada"]["groups"] = json!(groups(5200));
    tenant.entra.say(&people);
    assert_eq!(tenant.come("ada").1.answer.status, 502);
    // Where nothing is looked up, none is not the answer either.
    people["ada"]["groups"] = json!(groups(450));
    tenant.entra.say(&people);
    tenant.ground.door.cli_text(&["connector", "update", "entra", "--unset", "oidc.directory"]);
    assert_eq!(tenant.come("ada").1.answer.status, 502);
}

#[test]
fn people_of_several_tenants_come_in_and_those_of_no_other() {
    let people = json!({
        "ada": person("ada", OURS, &groups(1)), "eve": person("eve", THEIRS, &groups(1)),
        "mal": person("mal", "33333333-3333-4333-8333-333333333333", &groups(1)),
    });
    let tenant = Tenant::new(&people, &[]);
    let base = tenant.entra.url("");
    let set = [
        format!("oidc.issuer={base}/{{tenantid}}/v2.0"),
        format!("oidc.discovery={base}/organizations/v2.0/.well-known/openid-configuration"),
        format!("oidc.tenants=[\"{OURS}\",\"{THEIRS}\"]"),
        "oidc.addresses_are_proved=false".to_owned(),
    ];
    // In this order: a template without a list of tenants would let everybody in.
    let words: Vec<&str> = [&set[2], &set[0], &set[1], &set[3]].into_iter().flat_map(|one| ["--set", one]).collect();
    tenant.ground.door.cli_text(&[&["connector", "update", "entra"][..], &words[..]].concat());
    for (name, status) in [("ada", 200), ("eve", 200), ("mal", 403)] {
        let (_, end) = tenant.come(name);
        assert_eq!(end.answer.status, status, "{name} {}", end.answer.text());
    }
    // Of several tenants each could write another's address into its tokens.
    assert_eq!(tenant.ground.tool.last().header("x-forwarded-email").unwrap_or_default(), "");
}
