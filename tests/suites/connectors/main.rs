//! People who come in with what an outside identity provider proved: oidc-provider, a certified library, real browsers
//! and real forms.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

mod answers;
mod break_glass;
mod changes;
mod client_auth;
mod cluster;
mod crossing;
mod entra;
mod entrance;
mod github;
mod ground;
mod houston;
mod many;
mod presets;
mod proof;
mod refresh;
mod sign_out;
mod ways_in;
mod whole;

use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::webdriver::Browser;
use doorward_tests::{PASSWORD, page_request, sign_in_at, user};
use ground::{Ground, claims, people, person, visit};
use serde_json::json;
use std::time::Duration;

#[test]
fn people_come_in_by_the_companys_groups_and_not_without() {
    let ground = Ground::new(&[]);
    let (mut jar, end) = ground.come("ada");
    assert_eq!(
        (end.answer.status, end.url.as_str()),
        (200, ground.tool_url("/runs?x=1").as_str()),
        "{}",
        end.answer.text()
    );
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    // What the company says now takes the place of what it said before; what is said here stays.
    ground.door.cli_text(&["group", "create", "local"]);
    ground.door.cli_text(&["group", "add-member", "local", "ada"]);
    let mut changed = people();
    changed["ada"]["groups"] = json!(["airbyte-users"]);
    ground.company.say(&changed);
    let (_, refused) = ground.come("ada");
    assert_eq!(refused.answer.status, 403, "{}", refused.answer.text());
    assert!(refused.answer.text().contains("dagster-users"));
    assert_eq!(ground.groups("ada"), json!(["airbyte-users", "local"]));
    // A session that was open meanwhile has lost it too.
    let again = visit(&mut jar, &ground.tool_url("/again"));
    assert_eq!(again.answer.status, 403, "{}", again.answer.text());
    let (_, bob) = ground.come("bob");
    assert_eq!(bob.answer.status, 403);
    // Several providers leave the claim out for whoever is in no group any more.
    changed["ada"].as_object_mut().map(|ada| ada.remove("groups"));
    ground.company.say(&changed);
    assert_eq!(ground.come("ada").1.answer.status, 403);
    assert_eq!(ground.groups("ada"), json!(["local"]));
}

#[test]
fn an_address_nobody_has_proved_is_told_to_no_tool() {
    let ground = Ground::new(&[]);
    let boss = json!({
        "sub": "company-4", "preferred_username": "dora", "email": "boss@example.com", "email_verified": false,
        "groups": ["dagster-users"],
    });
    let mut said = people();
    said["dora"] = boss;
    ground.company.say(&said);
    let (_, end) = ground.come("dora");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("dora"));
    assert_eq!(seen.header("x-forwarded-email").unwrap_or_default(), "", "{seen:?}");
    // Nor does it become a name, which tools take for an address too.
    said["dora"]["preferred_username"] = json!("boss@example.com");
    said["dora"]["sub"] = json!("company-5");
    ground.company.say(&said);
    let (_, end) = ground.come("dora");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
}

#[test]
fn gauntlet_b4_19_a_user_another_provider_made_is_not_taken_over_by_address() {
    let ground = Ground::new(&[]);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    ground.connect("head-office", &["--domain", "example.com"]);
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    // The provider's own client has one redirect URI, so it is enough to see that the way is begun; the rule is judged
    // with the first connector, which is given the domain from now on.
    assert!(ground.choose(&mut jar, &page, "head-office").url.starts_with(&ground.company.url("/")));
    ground.door.cli_text(&["connector", "remove", "company"]);
    ground.connect("company", &["--domain", "example.com"]);
    let (_, end) = ground.come("ada");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
}

#[test]
fn a_real_browser_goes_to_the_company_and_back() {
    let ground = Ground::new(&["--title", "The company"]);
    let browser = Browser::start();
    browser.goto(&ground.tool_url("/runs?x=1"));
    let link = browser.wait_for(".providers a", Duration::from_secs(10));
    assert_eq!(browser.text(&link), "Sign in with The company");
    browser.click(&link);
    browser.wait_for("input[name=name]", Duration::from_secs(10));
    browser.fill("input[name=name]", "ada");
    browser.press_on("button");
    browser.wait_for_url("tool.localhost");
    assert_eq!(browser.url(), ground.tool_url("/runs?x=1"));
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("ada"));
}

#[test]
fn gauntlet_b4_02_and_19_nobody_becomes_somebody_else_by_name_or_address() {
    let ground = Ground::new(&["--domain", "example.com"]);
    // ada's address, not proved here; and a user whose name is bob's address.
    user(&ground.door, "ada");
    ground.door.cli_text(&["user", "create", "bob@example.com"]);
    for name in ["ada", "bob"] {
        let (_, end) = ground.come(name);
        assert_eq!(end.answer.status, 403, "{name} {}", end.answer.text());
        assert!(end.answer.text().contains("already an account"), "{}", end.answer.text());
    }
    // The log says who that is, for whoever links them.
    let log = ground.door.process.log();
    for name in ["ada", "bob@example.com"] {
        assert!(log.contains(&format!("because user {name} has ")), "{name}: {log}");
    }
    // Said to be proved here too, and of a domain that is the company's: the same person.
    ground.door.cli_text(&["user", "update", "ada", "--email-verified=true"]);
    let (_, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let mut unproved = people();
    unproved["cleo"] = json!({
        "sub": "company-3", "preferred_username": "cleo-there", "email": "cleo@example.com", "email_verified": false,
        "groups": ["dagster-users"],
    });
    ground.company.say(&unproved);
    user(&ground.door, "cleo");
    ground.door.cli_text(&["user", "update", "cleo", "--email-verified=true"]);
    let (_, end) = ground.come("cleo");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    // An administrator may say so.
    ground.door.cli_text(&["connector", "link", "company", "cleo", "--subject", "company-3"]);
    let (mut cleos, end) = ground.come("cleo");
    assert_eq!((end.answer.status, ground.tool.last().header("x-forwarded-user")), (200, Some("cleo")));
    // And take it back: the session and the groups that rested on it go too.
    assert_eq!(ground.groups("cleo"), json!(["dagster-users"]));
    ground.door.cli_text(&["connector", "unlink", "company", "--subject", "company-3"]);
    assert!(visit(&mut cleos, &ground.tool_url("/x")).url.contains("/sign-in"));
    assert_eq!(ground.groups("cleo"), json!([]));
    assert_eq!(ground.come("cleo").1.answer.status, 403);
}

#[test]
fn gauntlet_b4_12_a_recycled_name_at_the_company_gets_nothing() {
    let ground = Ground::new(&["--domain", "example.com"]);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    let mut recycled = people();
    recycled["ada"] = person("company-9", "ada", &["dagster-users"]);
    ground.company.say(&recycled);
    let (_, end) = ground.come("ada");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    // A connector made anew under the old name knows nobody.
    ground.company.say(&people());
    ground.door.cli_text(&["connector", "remove", "company"]);
    assert_eq!(ground.groups("ada"), json!([]), "what it said of groups goes with it");
    ground.connect("company", &[]);
    let (_, end) = ground.come("ada");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
}

#[test]
fn gauntlet_b4_04_a_disabled_connector_or_user_stops_who_is_on_the_way() {
    let ground = Ground::new(&[]);
    let (mut signed_in, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    ground.door.cli_text(&["user", "disable", "ada"]);
    let end = ground.say_who(&mut jar, &page, "ada");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(end.answer.text().contains("You are not signed in"), "{}", end.answer.text());
    ground.door.cli_text(&["user", "enable", "ada"]);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let (mut other, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200);
    ground.door.cli_text(&["connector", "disable", "company"]);
    let end = ground.say_who(&mut jar, &page, "ada");
    assert_eq!(end.answer.status, 404, "{}", end.answer.text());
    // Whoever came in through it is out.
    for jar in [&mut signed_in, &mut other] {
        assert!(visit(jar, &ground.tool_url("/x")).url.contains("/sign-in"));
    }
    let page = visit(&mut Jar::new(), &ground.tool_url("/x"));
    assert!(!page.answer.text().contains("/broker/"), "{}", page.answer.text());
}

#[test]
fn gauntlet_b4_07_an_answer_is_good_in_one_browser_at_one_connector() {
    let ground = Ground::new(&[]);
    ground.connect("other", &[]);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let back = ground.bring_back(&mut jar, &page, "ada");
    let before = ground.company.asked("token");
    // In another browser, at another connector, from somebody else, doubled, or without what was asked.
    let foreign = back.replace("iss=http%3A%2F%2F127.0.0.1", "iss=http%3A%2F%2F127.0.0.2");
    assert_ne!(foreign, back, "the provider names itself: {back}");
    let stateless = back.replace("state=", "staid=");
    for (url, other_browser) in [
        (back.clone(), true),
        (back.replace("/company/", "/other/"), false),
        (foreign, false),
        (back.replace("iss=", "isn="), false),
        (format!("{back}&code=x"), false),
        (stateless, false),
        (back.replace("state=dwy_", "state=dwy_A"), false),
    ] {
        let mut fresh = Jar::new();
        let asked = if other_browser { &mut fresh } else { &mut jar };
        let answer = asked.send(page_request(&url));
        assert!(answer.status >= 400, "{url}: {}", answer.text());
        assert!(!answer.headers_named("set-cookie").iter().any(|line| line.contains("session")), "{url}");
    }
    assert_eq!(ground.company.asked("token"), before, "none of these may reach the token endpoint");
    let end = jar.follow(page_request(&back)).pop().expect("a hop");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let again = jar.send(page_request(&back));
    assert!(again.status >= 400, "{}", again.text());
}

#[test]
fn a_group_that_administers_is_filled_by_a_rule_alone() {
    let ground = Ground::new(&["--group", "the-admins=administrators-by-rule"]);
    for group in ["doorward-admins", "administrators-by-rule"] {
        ground.door.cli(&["group", "create", group]);
    }
    ground.door.cli(&["role", "create", "doorward-admin"]);
    for group in ["doorward-admins", "administrators-by-rule"] {
        ground.door.cli_text(&["role", "assign", "doorward-admin", "--group", group]);
    }
    ground.door.cli_text(&["group", "create", "inner"]);
    ground.door.cli_text(&["group", "nest", "doorward-admins", "inner"]);
    let mut said = people();
    said["ada"]["groups"] = json!(["doorward-admins", "inner", "dagster-users"]);
    ground.company.say(&said);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    assert_eq!(ground.groups("ada"), json!(["dagster-users"]));
    said["ada"]["groups"] = json!(["the-admins", "dagster-users"]);
    ground.company.say(&said);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    assert_eq!(ground.groups("ada"), json!(["administrators-by-rule", "dagster-users"]));
}

#[test]
fn gauntlet_b4_08_and_11_claims_that_cannot_be_are_refused() {
    let ground = Ground::new(&[]);
    let mut said = people();
    for (name, value) in [
        ("groups", json!([1, 2])),
        ("groups", json!(7)),
        ("preferred_username", json!({"a": 1})),
        ("_claim_names", json!({"groups": "src1"})),
    ] {
        said["ada"] = person("company-1", "ada", &["dagster-users"]);
        said["ada"][name] = value;
        ground.company.say(&said);
        let (_, end) = ground.come("ada");
        assert_eq!(end.answer.status, 502, "{name} {}", end.answer.text());
    }
    let nameless = json!({"sub": "company-1", "groups": ["dagster-users"]});
    ground.company.say(&json!({"ada": nameless}));
    let (_, end) = ground.come("ada");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(ground.refusals().contains("tells no name"), "{}", ground.refusals());
    // Which claims were looked at stands in the log.
    let unproved = json!({"sub": "company-1", "preferred_username": "Ada L", "email": "ada@example.org"});
    ground.company.say(&json!({"ada": unproved}));
    assert_eq!(ground.come("ada").1.answer.status, 403);
    let log = ground.door.output();
    for told in [
        "claim preferred_username is not there",
        "claim preferred_username says \"Ada L\", which no user can be called",
        "claim groups is not there, which was taken for no groups",
    ] {
        assert!(log.contains(told), "{told}\n{log}");
    }
}

#[test]
fn a_company_that_says_no_or_is_gone_keeps_nobody_else_out() {
    let mut ground = Ground::new(&[]);
    let (_, end) = ground.come("nobody");
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(end.answer.text().contains("says that you did not agree"), "{}", end.answer.text());
    // What it says it cannot do right now is no refusal (RFC 6749 §4.1.2.1).
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let there = ground.bring_back(&mut jar, &page, "nobody");
    for word in ["server_error", "temporarily_unavailable"] {
        let there = there.replace("error=access_denied", &format!("error={word}"));
        let end = visit(&mut jar.clone(), &there);
        assert_eq!(end.answer.status, 503, "{}", end.answer.text());
        assert!(end.answer.text().contains("cannot be asked right now"), "{}", end.answer.text());
    }
    // An answer to nothing that was asked: the log has the number the page shows.
    let end = visit(&mut Jar::new(), &there);
    assert_eq!(end.answer.status, 410, "{}", end.answer.text());
    assert!(ground.door.process.log().contains("a sign-in that is over, or that began in another browser"));
    user(&ground.door, "cleo");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "cleo"]);
    ground.door.cli_text(&["connector", "add", "oidc", "gone", "--issuer", "http://127.0.0.1:9", "--client-id", "x"]);
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let end = ground.choose(&mut jar, &page, "gone");
    assert_eq!((end.answer.status, end.answer.header("retry-after")), (503, Some("30")), "{}", end.answer.text());
    ground.company.process.stop();
    let (_, answer, _) = sign_in_at(&ground.tool_url("/x"), "cleo");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_client_may_name_the_company_as_with_keycloak_and_is_told_no_method_it_does_not_know() {
    let ground = Ground::new(&[]);
    let callback = "http://127.0.0.1:9/callback";
    let words =
        ["client", "create", "notebook", "--redirect-uri", callback, "--everyone", "--public", "--output", "json"];
    ground.door.cli_text(&words);
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let realm = format!("{}/realms/main", ground.door.url());
    let asked = |hint: &str| {
        format!(
            "{realm}/protocol/openid-connect/auth?response_type=code&client_id=notebook&redirect_uri={}&scope=openid+offline_access\
             &code_challenge={challenge}&code_challenge_method=S256&kc_idp_hint={hint}",
            doorward_testkit::http::percent(callback)
        )
    };
    // A name nobody has is passed over.
    for unknown in ["nobody", "Company", "../company"] {
        let page = visit(&mut Jar::new(), &asked(unknown));
        assert!(page.url.contains("/sign-in"), "{unknown} {}", page.url);
    }
    let mut jar = Jar::new();
    let page = visit(&mut jar, &asked("company"));
    let mut at = ground.bring_back(&mut jar, &page, "bob");
    while !at.starts_with(callback) {
        at = jar.send(page_request(&at)).location().to_owned();
    }
    let code = at.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "notebook"),
        ("redirect_uri", callback),
        ("code", code.as_str()),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let tokens = Request::new("POST", &format!("{realm}/protocol/openid-connect/token")).form(&form).send().json();
    let token = tokens["id_token"].as_str().unwrap_or_else(|| panic!("{tokens:#}"));
    let claims = claims(token);
    assert_eq!(claims["preferred_username"], json!("bob"));
    assert_eq!((claims.get("amr"), claims.get("auth_time").is_some()), (None, true), "{claims:#}");
    // Whoever has to prove themselves again is asked by the company again, though it knows this browser.
    let again = visit(&mut jar, &format!("{}&prompt=login", asked("company")));
    assert!(again.url.contains("/interaction/"), "{} {}", again.url, again.answer.text());
    // What is kept for later ends with the word it rests on.
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let renew = |token: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", "notebook"), ("refresh_token", token)];
        Request::new("POST", &format!("{realm}/protocol/openid-connect/token")).form(&form).send()
    };
    let renewed = renew(&refresh);
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    let next = renewed.json()["refresh_token"].as_str().expect("the next one").to_owned();
    ground.door.cli_text(&["connector", "disable", "company"]);
    let over = renew(&next);
    assert_eq!((over.status, over.json()["error"].as_str()), (400, Some("invalid_grant")), "{}", over.text());
}

#[test]
fn gauntlet_b4_14_somebody_without_a_password_has_none_that_fits() {
    let ground = Ground::new(&[]);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    for password in ["null", "undefined", " ", "\0", PASSWORD, "ada"] {
        let mut jar = Jar::new();
        let page = visit(&mut jar, &ground.tool_url("/x"));
        let html = page.answer.text();
        let (flow, csrf) = (doorward_tests::field(&html, "flow"), doorward_tests::field(&html, "csrf"));
        let target = doorward_testkit::http::Address::parse(&page.url).join(&doorward_tests::action(&html));
        let form = [("login", "ada"), ("password", password), ("flow", &flow), ("csrf", &csrf)];
        let answer = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form));
        assert!(matches!(answer.status, 400 | 401 | 429), "{password:?} {}", answer.text());
    }
}
