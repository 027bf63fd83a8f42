//! Which ways in count where: tools and clients that name connectors, and people who came by another one.

use crate::ground::{Ground, visit};
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_tests::{PASSWORD, complaint, field, page_request, sign_in_at, user};
use serde_json::{Value, json};

/// With somebody who has an account here and may enter the tool.
fn ground() -> Ground {
    let ground = Ground::new(&["--title", "The company"]);
    user(&ground.door, "local");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "local"]);
    ground
}

fn post(jar: &mut Jar, page: &Hop, typed: &[(&str, &str)]) -> Hop {
    let html = page.answer.text();
    let (flow, csrf) = (flow_of(&page.url), field(&html, "csrf"));
    let form = [typed, &[("flow", &flow), ("csrf", &csrf)]].concat();
    let target = Address::parse(&page.url).join("/realms/main/sign-in");
    jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
}

/// The sign-in attempt an address belongs to.
fn flow_of(url: &str) -> String {
    let rest = url.split("flow=").nth(1).unwrap_or_else(|| panic!("no flow in {url}"));
    rest.split('&').next().unwrap_or_default().to_owned()
}

/// Where a sign-in begins, before anybody is led on.
fn begin(jar: &mut Jar, url: &str) -> String {
    let mut at = url.to_owned();
    loop {
        let answer = jar.send(page_request(&at));
        at = Address::parse(&at).join(answer.header("location").unwrap_or_else(|| panic!("no way on from {at}")));
        if at.contains("/sign-in?flow=") {
            return at;
        }
    }
}

fn call(url: &str) -> Request {
    Request::new("GET", url).header("Accept", "application/json")
}

#[test]
fn a_tool_asks_who_came_another_way_to_come_by_the_one_it_names() {
    let ground = ground();
    let (mut before, entered, _) = sign_in_at(&ground.tool_url("/x"), "local");
    assert_eq!(entered.status, 200);
    ground.door.cli_text(&["app", "update", "tool", "--connector", "company"]);
    // One way in: there is nothing to choose.
    let there = visit(&mut before, &ground.tool_url("/runs?x=1"));
    assert!(there.url.starts_with(&ground.company.url("/")), "{} {}", there.url, there.answer.text());
    // Programs are told, not led.
    let told = before.send(call(&ground.tool_url("/api")));
    assert_eq!((told.status, told.header("location")), (401, None));
    // The session stands where its way counts.
    let home = visit(&mut before, &format!("{}/", ground.door.url()));
    assert!(home.answer.text().contains("tool.localhost"), "the launcher names the tool: {}", home.answer.text());
    let end = ground.say_who(&mut before, &there, "ada");
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")));
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("ada"));
    assert_eq!(before.send(call(&ground.tool_url("/api"))).status, 200);
    // And the other way round, with a form in place of the button.
    ground.door.cli_text(&["app", "update", "tool", "--connector", "accounts"]);
    assert_eq!(before.send(call(&ground.tool_url("/api"))).status, 401);
    let page = visit(&mut before, &ground.tool_url("/runs?x=1"));
    let html = page.answer.text();
    assert!(html.contains("type=\"password\"") && !html.contains("/broker/"), "{html}");
    assert!(html.contains("The way you signed in by does not count here"), "{html}");
    let end = post(&mut before, &page, &[("login", "local"), ("password", PASSWORD)]);
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")));
}

#[test]
fn the_page_shows_the_ways_that_count_and_takes_no_others() {
    let ground = ground();
    ground.connect("partner", &["--title", "The partner"]);
    ground.connect("third", &["--title", "A third one", "--hidden"]);
    ground.door.cli_text(&["app", "update", "tool", "--connector", "partner", "third"]);
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let html = page.answer.text();
    assert!(html.contains("/broker/partner/login") && html.contains("/broker/third/login"), "{html}");
    assert!(!html.contains("/broker/company/") && !html.contains("type=\"password\""), "{html}");
    // Nobody who knows the address of another one comes further by it.
    let company = format!("{}/realms/main/broker/company/login?flow={}", ground.door.url(), flow_of(&page.url));
    let other = visit(&mut jar, &company);
    assert_eq!(other.answer.status, 403, "{}", other.answer.text());
    assert!(other.answer.text().contains("Coming in through The company does not count where you want to go"));
    // A password that is right opens nothing and one that is wrong counts nowhere.
    let csrf = {
        let form = visit(&mut jar, &format!("{}/realms/main/sign-in", ground.door.url()));
        field(&form.answer.text(), "csrf")
    };
    for password in [PASSWORD, "no", "no", "no", "no", "no", "no"] {
        let form = [("login", "local"), ("password", password), ("flow", &flow_of(&page.url)), ("csrf", &csrf)];
        let target = format!("{}/realms/main/sign-in", ground.door.url());
        let told = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form));
        assert_eq!(told.status, 403, "{}", told.text());
        assert!(told.text().contains("Passwords do not count here"), "{}", told.text());
    }
    let (_, home, _) = sign_in_at(&format!("{}/realms/main/sign-in", ground.door.url()), "local");
    assert_eq!(home.status, 200);
    // Accounts beside a connector: the form for those, and their passwords count.
    ground.door.cli_text(&["app", "update", "tool", "--connector", "partner", "accounts"]);
    let (_, end, url) = sign_in_at(&ground.tool_url("/x"), "local");
    assert_eq!((end.status, url), (200, ground.tool_url("/x")));
}

#[test]
fn what_was_told_of_one_session_is_told_of_no_other_that_came_another_way() {
    let ground = ground();
    // One person with two sessions, both with a pass to the tool.
    ground.come("ada");
    // Ends the sessions there are.
    ground.door.cli_text(&["user", "set-password", "ada", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    let (mut at_company, _) = ground.come("ada");
    let (mut by_account, entered, _) = sign_in_at(&ground.tool_url("/x"), "ada");
    assert_eq!(entered.status, 200, "{}", entered.text());
    ground.door.cli_text(&["app", "update", "tool", "--connector", "company"]);
    for _ in 0..3 {
        assert_eq!(at_company.send(call(&ground.tool_url("/x"))).status, 200);
        assert_eq!(by_account.send(call(&ground.tool_url("/x"))).status, 401);
    }
    ground.door.cli_text(&["app", "update", "tool", "--connector", ""]);
    assert_eq!(by_account.send(call(&ground.tool_url("/x"))).status, 200);
}

#[test]
fn clients_are_answered_for_who_came_by_their_ways() {
    let ground = ground();
    ground.connect("partner", &["--title", "The partner"]);
    let callback = "https://notes.example.com/cb";
    let new = ["client", "create", "notes", "--redirect-uri", callback, "--everyone", "--connector", "company"];
    ground.door.cli_text(&new);
    let (mut jar, _, _) = sign_in_at(&format!("{}/realms/main/sign-in", ground.door.url()), "local");
    let url = |more: &str| {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        format!(
            "{}/realms/main/protocol/openid-connect/auth?client_id=notes&redirect_uri={callback}&response_type=code\
             &scope=openid&code_challenge={challenge}&code_challenge_method=S256{more}",
            ground.door.url()
        )
    };
    // Whoever must not be disturbed has not signed in, as far as this client goes (OIDC Core §3.1.2.6).
    let quiet = jar.send(page_request(&url("&prompt=none")));
    assert!(quiet.location().contains("error=login_required"), "{}", quiet.location());
    let there = visit(&mut jar, &url(""));
    assert!(there.url.starts_with(&ground.company.url("/")), "{}", there.url);
    // A provider that does not count is not gone to, whoever asks for it.
    let page = visit(&mut jar, &url("&kc_idp_hint=partner"));
    assert!(page.answer.text().contains("The identity provider you were to be sent to does not count here"));
    assert!(page.answer.text().contains("/broker/company/login") && !page.answer.text().contains("/broker/partner/"));
    // A name nobody has is passed over.
    let there = visit(&mut jar, &url("&kc_idp_hint=nobody"));
    assert!(there.url.starts_with(&ground.company.url("/")), "{}", there.url);
    let back = ground.bring_back_to(&mut jar, &there, ("ada", "notes.example.com"));
    assert!(back.contains("code=") && !back.contains("error"), "{back}");
    let quiet = jar.send(page_request(&url("&prompt=none")));
    assert!(quiet.location().contains("code="), "{}", quiet.location());
    let shown: Value =
        serde_json::from_str(&ground.door.cli_text(&["client", "show", "notes", "--output", "json"])).expect("JSON");
    assert_eq!(shown["connectors"], json!(["company"]));
    let explained = ground.door.cli(&["explain", "local", "--client", "notes", "--by", "accounts", "--output", "json"]);
    assert!(!explained.status.success());
    let told: Value = serde_json::from_slice(&explained.stdout).expect("JSON");
    assert_eq!(told["reason"], "coming in by accounts does not count here, and what counts is company");
}

#[test]
fn where_the_only_way_in_is_gone_nobody_gets_in_and_everybody_is_told() {
    let ground = ground();
    ground.door.cli_text(&["app", "update", "tool", "--connector", "company"]);
    let ran = ground.door.cli(&["connector", "disable", "company"]);
    let warning = "warning: app tool names company and no other way in, so nobody gets in there now: see \
                   `doorward app update tool --connector NAME`";
    assert!(complaint(&ran).contains(warning), "{ran:?}");
    let shut = |jar: &mut Jar| {
        let page = visit(jar, &ground.tool_url("/x"));
        assert_eq!(page.answer.status, 403, "{}", page.answer.text());
        assert!(page.answer.text().contains("No way in is open"), "{}", page.answer.text());
        assert!(page.answer.text().contains("identity providers that are not connected here"));
    };
    let (mut local, _, _) = sign_in_at(&format!("{}/realms/main/sign-in", ground.door.url()), "local");
    shut(&mut Jar::new());
    shut(&mut local);
    let ran = ground.door.cli(&["connector", "remove", "company"]);
    assert!(complaint(&ran).contains(warning), "{ran:?}");
    let show = || ground.door.cli_text(&["app", "show", "tool", "--output", "json"]);
    let shown: Value = serde_json::from_str(&show()).expect("JSON");
    assert_eq!(shown["connectors"], json!(["(a connector that was removed)"]));
    // Another one of its name is another one.
    ground.connect("company", &[]);
    shut(&mut local);
    let unknown = ground.door.cli(&["app", "update", "tool", "--connector", "compny"]);
    assert!(complaint(&unknown).contains("there is no connector named compny: list them with"), "{unknown:?}");
    let said = ground.door.cli(&["app", "update", "tool", "--connector", "company", "accounts"]);
    let said = complaint(&said);
    assert!(said.contains("connectors: +accounts +company -(a connector that was removed)"), "{said}");
    let mut jar = Jar::new();
    let at = begin(&mut jar, &ground.tool_url("/x"));
    let page = visit(&mut jar, &at);
    assert!(page.answer.text().contains("type=\"password\"") && page.answer.text().contains("/broker/company/"));
}

#[test]
fn a_token_made_on_the_page_comes_as_its_person_had_come() {
    let ground = ground();
    let (mut ada, _) = ground.come("ada");
    let account = format!("{}/realms/main/account", ground.door.url());
    let mut make = |name: &str| {
        let csrf = field(&ada.get(&account).text(), "csrf");
        let form = [("csrf", csrf.as_str()), ("name", name), ("days", "30"), ("app-tool", "yes")];
        let page = ada.send(Request::new("POST", &format!("{account}/tokens")).form(&form)).text();
        page.find(">dwa_").map(|start| page[start + 1..start + 48].to_owned())
    };
    let enters = |token: &str| {
        let bearer = format!("Bearer {token}");
        Request::new("GET", &ground.tool_url("/x")).header("Authorization", bearer).send().status == 200
    };
    for (way, counts) in [("company", true), ("accounts", false)] {
        ground.door.cli_text(&["app", "update", "tool", "--connector", ""]);
        let before = make(way).expect("a token, for every way counts");
        ground.door.cli_text(&["app", "update", "tool", "--connector", way]);
        assert_eq!(enters(&before), counts, "{way}");
        let token = make(&format!("{way}-again"));
        assert_eq!(token.is_some_and(|token| enters(&token)), counts, "{way}: nobody makes one by another way");
    }
}
