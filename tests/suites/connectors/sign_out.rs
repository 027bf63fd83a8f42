//! Signing out together with the company: told by it, and telling it.

use crate::ground::{Ground, claims, people, person, visit};
use doorward_testkit::http::{Address, Answer, Request, percent};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::UPSTREAM_CLIENT;
use doorward_tests::{action, field, page_request};
use doorward_world::World;
use serde_json::{Value, json};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const CALLBACK: &str = "http://127.0.0.1:9/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn now() -> i64 {
    World::real().now().seconds()
}

/// A logout token as the company would make it, without whom it is about.
fn told(ground: &Ground, id: &str) -> Value {
    json!({
        "iss": ground.company.url(""), "aud": UPSTREAM_CLIENT.0, "iat": now(), "exp": now() + 120, "jti": id,
        "events": { EVENT: {} },
    })
}

fn realm(ground: &Ground) -> String {
    format!("{}/realms/main", ground.door.url())
}

fn tell(ground: &Ground, path: &str, token: &str) -> Answer {
    let answer = Request::new("POST", &format!("{}{path}", realm(ground))).form(&[("logout_token", token)]).send();
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path} {}", answer.text());
    answer
}

fn tell_connector(ground: &Ground, claims: &Value) -> Answer {
    let token = ground.company.sign(&json!({"header": {"typ": "logout+jwt"}, "claims": claims}));
    tell(ground, "/broker/company/backchannel-logout", &token)
}

fn is_in(ground: &Ground, jar: &mut Jar) -> bool {
    visit(jar, &ground.tool_url("/x")).url == ground.tool_url("/x")
}

/// A client that people can sign in to, and stay with.
pub fn client(ground: &Ground) {
    let words =
        ["client", "create", "notebook", "--redirect-uri", CALLBACK, "--everyone", "--public", "--output", "json"];
    ground.door.cli_text(&words);
}

/// What a client gets in a browser that is signed in.
pub fn tokens(ground: &Ground, jar: &mut Jar) -> Value {
    let asked = format!(
        "{}/protocol/openid-connect/auth?response_type=code&client_id=notebook&redirect_uri={}&scope=openid+offline_access\
         &code_challenge={CHALLENGE}&code_challenge_method=S256",
        realm(ground),
        percent(CALLBACK)
    );
    let answer = jar.send(page_request(&asked));
    let code =
        answer.location().split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "notebook"),
        ("redirect_uri", CALLBACK),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    Request::new("POST", &format!("{}/protocol/openid-connect/token", realm(ground))).form(&form).send().json()
}

/// What it gets for its refresh token.
pub fn renewed(ground: &Ground, tokens: &Value) -> Answer {
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let form = [("grant_type", "refresh_token"), ("client_id", "notebook"), ("refresh_token", token)];
    Request::new("POST", &format!("{}/protocol/openid-connect/token", realm(ground))).form(&form).send()
}

/// What the company calls the session of this browser: as the hint of a sign-out says it.
fn sid_at_company(ground: &Ground, jar: &mut Jar) -> String {
    let page = jar.send(page_request(&format!("{}/sign-out", realm(ground))));
    let html = page.text();
    let form = [("csrf", field(&html, "csrf"))];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let target = Address::parse(&realm(ground)).join(&action(&html));
    let answer = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form));
    let hint =
        onward(&answer).split("id_token_hint=").nth(1).expect("a hint").split('&').next().expect("it").to_owned();
    claims(&hint)["sid"].as_str().expect("a sid").to_owned()
}

/// Where the page that moves on by itself leads.
fn onward(answer: &Answer) -> String {
    let html = answer.text();
    let url = html.split("content=\"0;url=").nth(1).and_then(|rest| rest.split('"').next());
    url.unwrap_or_else(|| panic!("{} {html}", answer.status)).replace("&#38;", "&").replace("&amp;", "&")
}

#[test]
fn who_signs_out_at_the_company_is_out_in_that_browser_and_in_no_other() {
    let ground = Ground::new(&[]);
    client(&ground);
    let (mut first, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let (mut second, _) = ground.come("ada");
    let (kept, others) = (tokens(&ground, &mut first), tokens(&ground, &mut second));
    // The company's own page, its own form, and what it then says server to server.
    let page = visit(&mut first, &ground.company.url("/session/end"));
    let html = page.answer.text();
    let form = [("xsrf", field(&html, "xsrf")), ("logout", "yes".to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let left = first.follow(Request::new("POST", &action(&html)).header("Accept", "text/html").form(&form));
    assert!(left.last().is_some_and(|hop| hop.answer.text().contains("left the company")), "{left:?}");
    assert!(!is_in(&ground, &mut first), "signed out there, and in here");
    assert!(is_in(&ground, &mut second), "nobody signed out in the other browser");
    // What outlives sessions does not outlive the word they rest on.
    let over = renewed(&ground, &kept);
    assert_eq!((over.status, over.json()["error"].as_str()), (400, Some("invalid_grant")), "{}", over.text());
    assert_eq!(renewed(&ground, &others).status, 200);
    let events = ground.door.cli_text(&["events", "--kind", "session_ended", "--output", "json"]);
    assert!(events.contains("signed out at its provider"), "{events}");
}

#[test]
fn who_signed_out_at_the_company_everywhere_is_out_everywhere() {
    let ground = Ground::new(&[]);
    client(&ground);
    let (mut first, _) = ground.come("ada");
    let (mut second, _) = ground.come("ada");
    let (mut bobs, _) = ground.come("bob");
    let kept = tokens(&ground, &mut second);
    // A session that is over leaves its offline tokens; they rest on the same word.
    let (mut third, _) = ground.come("ada");
    let left_behind = tokens(&ground, &mut third);
    let page = third.send(page_request(&format!("{}/sign-out", realm(&ground))));
    let csrf = field(&page.text(), "csrf");
    let target = Address::parse(&realm(&ground)).join(&action(&page.text()));
    third.send(Request::new("POST", &target).header("Accept", "text/html").form(&[("csrf", &csrf)]));
    let bobs_tokens = tokens(&ground, &mut bobs);
    let mut claims = told(&ground, "t-1");
    claims["sub"] = json!("company-1");
    let token = ground.company.sign(&json!({"header": {"typ": "logout+jwt"}, "claims": claims}));
    let answer = tell(&ground, "/protocol/openid-connect/logout/backchannel-logout", &token);
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert!(!is_in(&ground, &mut first) && !is_in(&ground, &mut second));
    for tokens in [&kept, &left_behind] {
        assert_eq!(renewed(&ground, tokens).status, 400);
    }
    assert_eq!(renewed(&ground, &bobs_tokens).status, 200, "bob signed out nowhere");
    // It is heard once, wherever it is shown.
    for path in ["/protocol/openid-connect/logout/backchannel-logout", "/broker/company/backchannel-logout"] {
        let again = tell(&ground, path, &token);
        assert_eq!((again.status, again.json()["error"].as_str()), (400, Some("invalid_request")), "{path}");
    }
}

#[test]
fn nothing_but_the_companys_own_word_ends_a_session() {
    let ground = Ground::new(&["--sign-out-there"]);
    ground.door.cli_text(&["realm", "create", "other"]);
    let (mut jar, _) = ground.come("ada");
    let with = |name: &str, value: Value| {
        let mut claims = told(&ground, "t-1");
        claims["sub"] = json!("company-1");
        claims[name] = value;
        claims
    };
    for claims in [
        with("nonce", json!("n")),
        with("aud", json!("another")),
        with("iss", json!("http://127.0.0.1:1")),
        with("exp", json!(now() - 61)),
        with("iat", json!(now() + 120)),
        with("events", json!({})),
        with("sub", json!("")),
        with("jti", json!("")),
    ] {
        let answer = tell_connector(&ground, &claims);
        assert_eq!(answer.status, 400, "{claims} {}", answer.text());
    }
    let good = with("jti", json!("t-2"));
    let stranger = ground.company.sign(&json!({"claims": good, "stranger": true}));
    assert_eq!(tell(&ground, "/broker/company/backchannel-logout", &stranger).status, 400);
    for kind in ["at+jwt", "secevent+jwt"] {
        let token = ground.company.sign(&json!({"header": {"typ": kind}, "claims": good}));
        assert_eq!(tell(&ground, "/broker/company/backchannel-logout", &token).status, 400);
    }
    // The right token at the wrong door.
    let token = ground.company.sign(&json!({"claims": good}));
    assert_eq!(tell(&ground, "/broker/nobody/backchannel-logout", &token).status, 400);
    for path in ["broker/company/backchannel-logout", "protocol/openid-connect/logout/backchannel-logout"] {
        let url = format!("{}/realms/other/{path}", ground.door.url());
        assert_eq!(Request::new("POST", &url).form(&[("logout_token", &token)]).send().status, 400, "{path}");
        let url = format!("{}/{path}", realm(&ground));
        assert_eq!(Request::new("GET", &format!("{url}?logout_token={token}")).send().status, 405, "{path}");
        assert_eq!(Request::new("POST", &url).json(&json!({"logout_token": token})).send().status, 400, "{path}");
    }
    // Another session there, or another person's of that name: over already, as far as anybody here knows.
    let mut elsewhere = told(&ground, "t-3");
    elsewhere["sid"] = json!("another");
    assert_eq!(tell_connector(&ground, &elsewhere).status, 200);
    assert!(is_in(&ground, &mut jar), "none of these may end it");
    // The company calls the next session in this browser as it called the last.
    somebody_elses(&ground, &mut jar);
    // And the token that was right all along.
    assert_eq!(tell(&ground, "/broker/company/backchannel-logout", &token).status, 200);
    assert!(!is_in(&ground, &mut jar));
}

/// A session's own name beside another person's ends nothing.
fn somebody_elses(ground: &Ground, jar: &mut Jar) {
    let mut claims = told(ground, "t-4");
    claims["sid"] = json!(sid_at_company(ground, jar));
    claims["sub"] = json!("company-2");
    let page = visit(jar, &ground.tool_url("/x"));
    let end = ground.choose(jar, &page, "company");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(tell_connector(ground, &claims).status, 200);
    assert!(is_in(ground, jar), "bob has not signed out of ada's session");
}

#[test]
fn who_signs_out_at_the_company_on_the_way_in_does_not_come_in() {
    let ground = Ground::new(&["--sign-out-there"]);
    let (mut jar, _) = ground.come("ada");
    let sid = sid_at_company(&ground, &mut jar);
    // The company still knows this browser, so it asks nothing and sends it back.
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let html = page.answer.text();
    let at = html.find("/realms/main/broker/company/login").expect("the way to the company");
    let link = html[at..].split('"').next().expect("a link").replace("&#38;", "&");
    let mut at = Address::parse(&realm(&ground)).join(&link);
    while !at.contains("/endpoint?") {
        at = Address::parse(&at).join(jar.send(page_request(&at)).location());
    }
    let mut claims = told(&ground, "t-1");
    claims["sid"] = json!(sid);
    assert_eq!(tell_connector(&ground, &claims).status, 200);
    let answer = jar.send(page_request(&at));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("signed out at"), "{}", answer.text());
    assert!(ground.refusals().contains("signed out"), "{}", ground.refusals());
}

/// Signs out by the form, and follows to the company's page.
pub(crate) fn leave(ground: &Ground, jar: &mut Jar) -> Hop {
    let page = jar.send(page_request(&format!("{}/sign-out", realm(ground))));
    let html = page.text();
    let target = Address::parse(&realm(ground)).join(&action(&html));
    let csrf = field(&html, "csrf");
    let answer = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&[("csrf", &csrf)]));
    assert_eq!(answer.status, 200, "{}", answer.text());
    visit(jar, &onward(&answer))
}

/// Says yes at the company, and stops before Doorward hears of it: where the browser would go.
fn say_yes(ground: &Ground, jar: &mut Jar, page: &Hop) -> String {
    assert!(page.url.starts_with(&ground.company.url("/session/end")), "{} {}", page.url, page.answer.text());
    let html = page.answer.text();
    let form = [("xsrf", field(&html, "xsrf")), ("logout", "yes".to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = jar.send(Request::new("POST", &action(&html)).header("Accept", "text/html").form(&form));
    answer.location().to_owned()
}

#[test]
fn who_signs_out_here_is_led_to_the_company_and_back_to_where_they_were_going() {
    let ground = Ground::new(&["--sign-out-there"]);
    client(&ground);
    let (mut jar, _) = ground.come("ada");
    let page = leave(&ground, &mut jar);
    // Here it is over, whatever happens there.
    assert!(!is_in(&ground, &mut jar.clone()));
    let back = say_yes(&ground, &mut jar, &page);
    assert!(back.contains("/broker/company/endpoint/logout_response?state="), "{back}");
    let end = jar.follow(page_request(&back)).pop().expect("a hop");
    assert!(end.url.ends_with("/realms/main/signed-out"), "{}", end.url);
    // There too: whoever comes next has to say who they are.
    let page = ground.leave(&mut jar);
    assert!(page.url.contains("/interaction/"), "{}", page.url);
    ground.say_who(&mut jar, &page, "ada");
    // A client's own way goes on afterwards, with its state.
    let hint = tokens(&ground, &mut jar)["id_token"].as_str().expect("an ID token").to_owned();
    let asked = format!(
        "{}/protocol/openid-connect/logout?id_token_hint={hint}&post_logout_redirect_uri={}&state=s%261",
        realm(&ground),
        percent(CALLBACK)
    );
    let answer = jar.send(page_request(&asked));
    let page = visit(&mut jar, &onward(&answer));
    let back = say_yes(&ground, &mut jar, &page);
    // Another state, none, and another browser lead nowhere.
    for (url, mut jar) in [
        (back.replace("state=", "state=x"), jar.clone()),
        (back.split('?').next().expect("a path").to_owned(), jar.clone()),
        (back.clone(), Jar::new()),
    ] {
        let answer = jar.send(page_request(&url));
        assert!(answer.status == 400 || answer.location().ends_with("/signed-out"), "{url} {}", answer.text());
    }
    let answer = jar.send(page_request(&back));
    assert_eq!(answer.location(), format!("{CALLBACK}?state=s%261"), "{}", answer.text());
    // Once.
    assert!(jar.send(page_request(&back)).location().ends_with("/signed-out"));
}

#[test]
fn a_company_that_repeats_nothing_or_is_gone_keeps_nobody() {
    let mut ground = Ground::new(&[]);
    ground.door.cli_text(&["connector", "remove", "company"]);
    let url = ground.company.url("/plain-logout");
    ground.connect("company", &["--sign-out-url", &url, "--sign-out-return-parameter", "returnTo"]);
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let end = leave(&ground, &mut jar);
    assert!(end.url.ends_with("/realms/main/signed-out"), "{} {}", end.url, end.answer.text());
    // A provider nobody can ask where its page is.
    ground.door.cli_text(&["connector", "remove", "company"]);
    ground.door.cli_text(&["user", "delete", "ada"]);
    ground.connect("company", &["--sign-out-there"]);
    (jar, _) = ground.come("ada");
    assert!(is_in(&ground, &mut jar));
    ground.company.process.stop();
    ground.door.restart();
    let page = jar.send(page_request(&format!("{}/sign-out", realm(&ground))));
    let target = Address::parse(&realm(&ground)).join(&action(&page.text()));
    let csrf = field(&page.text(), "csrf");
    let request = Request::new("POST", &target).header("Accept", "text/html").form(&[("csrf", &csrf)]);
    let end = jar.follow(request).pop().expect("a hop");
    assert!(end.url.ends_with("/realms/main/signed-out"), "{} {}", end.url, end.answer.text());
    assert!(!is_in(&ground, &mut jar));
}

#[test]
fn who_wants_another_account_is_asked_at_the_company_which() {
    let ground = Ground::new(&[]);
    let mut people = people();
    people["dora"] = person("company-7", "dora", &[]);
    ground.company.say(&people);
    let last = || ground.company.ways().pop().expect("a way")["prompt"].clone();
    let (mut jar, end) = ground.come("dora");
    assert_eq!((end.answer.status, last()), (403, Value::Null));
    // Signed in there, she would come back as she is.
    let page = other_account(&mut jar, &end);
    let there = ground.choose(&mut jar, &page, "company");
    // The library behind the company knows no way to choose, so it asks who she is.
    assert_eq!(last(), "login");
    // It is somebody else, so the library ends dora's session there by a form that goes on by itself.
    let on = ground.say_who(&mut jar, &there, "ada").answer.text();
    let xsrf = field(&on, "xsrf");
    let form = Request::new("POST", &action(&on)).header("Accept", "text/html");
    let answer = jar.send(form.form(&[("xsrf", xsrf.as_str()), ("logout", "yes")]));
    let end = visit(&mut jar, answer.location());
    assert_eq!((end.answer.status, ground.tool.last().header("x-forwarded-user")), (200, Some("ada")));
    // She is, from then on.
    ground.door.cli_text(&["session", "end", "--user", "ada"]);
    ground.leave(&mut jar);
    assert_eq!(last(), Value::Null);
    // The page at the tool's own host, for whoever may enter no more, does the same.
    let (mut jar, _) = ground.come("ada");
    ground.door.cli_text(&["group", "create", "others"]);
    ground.door.cli_text(&["app", "update", "tool", "--allow", "others"]);
    let end = visit(&mut jar, &ground.tool_url("/x"));
    assert_eq!((end.answer.status, end.url.contains("tool.localhost")), (403, true), "{}", end.url);
    let page = other_account(&mut jar, &end);
    ground.choose(&mut jar, &page, "company");
    assert_eq!(last(), "login");
}

/// Presses "Use another account" on the page that says what is missing.
fn other_account(jar: &mut Jar, shown: &Hop) -> Hop {
    let html = shown.answer.text();
    let form = ["csrf", "retry"].map(|name| (name, field(&html, name)));
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let target = Address::parse(&shown.url).join(&action(&html));
    let answer = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form));
    let page = visit(jar, &Address::parse(&target).join(answer.location()));
    assert!(page.url.contains("/sign-in?flow="), "{} {}", page.url, page.answer.text());
    page
}
