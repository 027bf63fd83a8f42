//! Tools hear that somebody signed out: server to server, whatever ended the session and whenever the tool is there,
//! and in the browser on the way out.

use crate::{issuer, provider_with, relying_party, text};
use doorward_jose::claims::Skew;
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_testkit::door::Door;
use doorward_testkit::echo::{Echo, Reply, Seen};
use doorward_testkit::http::{Address, Request, get};
use doorward_testkit::ports::free_port;
use doorward_tests::{action, field, page_request, sign_in_at, user};
use doorward_world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn door() -> Door {
    provider_with(&[("DOORWARD_OUTBOUND_ALLOW", "127.0.0.0/8")])
}

fn wait_for(what: &str, mut ask: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ask() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn deliveries(door: &Door) -> Vec<Value> {
    serde_json::from_str(&door.cli_text(&["delivery", "list", "--output", "json"])).expect("JSON")
}

/// What a tool that knows nothing but the provider's addresses makes of a call: the claims, once all is proved.
fn proved(door: &Door, seen: &Seen) -> Value {
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/backchannel"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let token = body.strip_prefix("logout_token=").expect("one field");
    let metadata = get(&format!("{}/.well-known/openid-configuration", issuer(door))).json();
    for flag in
        ["backchannel_logout_supported", "backchannel_logout_session_supported", "frontchannel_logout_supported"]
    {
        assert_eq!(metadata.get(flag), Some(&json!(true)), "{flag}");
    }
    let set = KeySet::parse(&get(text(&metadata, "/jwks_uri")).json()).expect("a key set");
    let presented = Presented::read(token).expect("a token");
    assert!(presented.header().is("logout+jwt"));
    let claims = presented.verify(set.find_for(presented.header()).expect("its key")).expect("its signature");
    let now = World::real().now().seconds();
    claims.check_times(now, Skew::USUAL).expect("in its time");
    assert_eq!(claims.issuer().expect("iss"), text(&metadata, "/issuer"));
    Value::Object(claims.into_map())
}

#[test]
fn a_tool_is_told_once_whatever_ends_the_session_and_can_prove_who_tells() {
    let door = door();
    let tool = Echo::start();
    let address = format!("{}/backchannel", tool.url());
    let party = relying_party(&door, "grafana", "basic", &["--everyone", "--backchannel-logout-uri", &address]);
    for ending in ["sign-out", "session end", "disable", "tool"] {
        let name = format!("p-{}", ending.replace(' ', "-"));
        user(&door, &name);
        let (mut jar, answer, url) = sign_in_at(&party.url("/login"), &name);
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        let told = answer.json();
        let (sid, sub) = (text(&told, "/claims/sid").to_owned(), text(&told, "/claims/sub").to_owned());
        match ending {
            "sign-out" => {
                let page = jar.send(page_request(&format!("{}/realms/main/sign-out", door.url()))).text();
                let form = [("csrf", field(&page, "csrf"))];
                let form: Vec<(&str, &str)> = form.iter().map(|(name, text)| (*name, text.as_str())).collect();
                let target = format!("{}{}", door.url(), action(&page));
                assert_eq!(jar.send(Request::new("POST", &target).form(&form)).status, 303);
            }
            "session end" => drop(door.cli_text(&["session", "end", &sid])),
            "disable" => drop(door.cli_text(&["user", "disable", &name])),
            _ => drop(jar.follow(page_request(&party.url("/logout")))),
        }
        wait_for("the tool is told", || !tool.seen().is_empty());
        wait_for("nothing is left to do", || deliveries(&door).is_empty());
        std::thread::sleep(Duration::from_millis(700));
        let calls = tool.take();
        assert_eq!(calls.len(), 1, "{ending}");
        let claims = proved(&door, &calls[0]);
        assert_eq!((text(&claims, "/sid"), text(&claims, "/sub")), (sid.as_str(), sub.as_str()), "{ending}");
        assert_eq!(text(&claims, "/aud"), "grafana");
        assert!(claims.get("nonce").is_none() && !text(&claims, "/jti").is_empty());
        assert_eq!(claims.get("events"), Some(&json!({"http://schemas.openid.net/event/backchannel-logout": {}})));
    }
}

#[test]
fn a_tool_that_was_away_is_told_when_it_is_back_also_by_a_server_that_was_killed() {
    let mut door = door();
    let port = free_port();
    let address = format!("http://127.0.0.1:{port}/backchannel");
    let party = relying_party(&door, "grafana", "basic", &["--everyone", "--backchannel-logout-uri", &address]);
    let (_, answer, _) = sign_in_at(&party.url("/login"), "alice");
    let sid = text(&answer.json(), "/claims/sid").to_owned();
    door.cli_text(&["session", "end", &sid]);
    wait_for("it was tried", || deliveries(&door).first().is_some_and(|one| one.get("problem") != Some(&json!(""))));
    let listed = deliveries(&door);
    assert!(text(&listed[0], "/problem").contains("cannot be reached"), "{listed:#?}");
    assert_eq!((text(&listed[0], "/state"), text(&listed[0], "/client")), ("waiting", "grafana"));
    door.kill9();
    let tool = Echo::start_on(port, |_| Reply { status: 204, headers: Vec::new(), body: Vec::new() });
    door.restart();
    wait_for("the tool is told", || !tool.seen().is_empty());
    assert_eq!(text(&proved(&door, &tool.last()), "/sid"), sid);
    wait_for("nothing is left to do", || deliveries(&door).is_empty());
}

#[test]
fn gauntlet_b15_03_nobody_inside_is_called_unless_allowed_and_no_redirect_is_followed() {
    let door = provider_with(&[]);
    let inner = Echo::start();
    let target = inner.url();
    let tool = Echo::start_with(move |_| Reply {
        status: 302,
        headers: vec![("Location".to_owned(), target.clone())],
        body: Vec::new(),
    });
    let address = format!("{}/backchannel", tool.url());
    let party = relying_party(&door, "grafana", "basic", &["--everyone", "--backchannel-logout-uri", &address]);
    let end = |door: &Door| {
        let (_, answer, _) = sign_in_at(&party.url("/login"), "alice");
        door.cli_text(&["session", "end", text(&answer.json(), "/claims/sid")]);
        wait_for("it was tried", || deliveries(door).first().is_some_and(|one| one.get("problem") != Some(&json!(""))));
        text(&deliveries(door)[0], "/problem").to_owned()
    };
    let problem = end(&door);
    assert!(problem.contains("private address") && problem.contains("outbound.allow"), "{problem}");
    assert!(tool.seen().is_empty());
    drop(door);
    let door = self::door();
    let party = relying_party(&door, "grafana", "basic", &["--everyone", "--backchannel-logout-uri", &address]);
    let (_, answer, _) = sign_in_at(&party.url("/login"), "alice");
    door.cli_text(&["session", "end", text(&answer.json(), "/claims/sid")]);
    wait_for("it was tried", || deliveries(&door).first().is_some_and(|one| one.get("problem") != Some(&json!(""))));
    assert_eq!(text(&deliveries(&door)[0], "/problem"), "it answered 302");
    assert!(!tool.seen().is_empty() && inner.seen().is_empty());
    for bad in ["http://tool.example.com/x", "https://u:p@tool.example.com/", "https://tool.example.com/#x", "/x"] {
        let refused = door.cli(&["client", "update", "grafana", "--backchannel-logout-uri", bad]);
        assert_eq!(refused.status.code(), Some(3), "{bad}");
    }
}

#[test]
fn on_the_way_out_the_browser_passes_the_tools_own_pages_and_goes_on() {
    let door = door();
    let tool = Echo::start();
    let address = format!("{}/out", tool.url());
    let party = relying_party(&door, "grafana", "basic", &["--everyone", "--frontchannel-logout-uri", &address]);
    let (mut jar, answer, _) = sign_in_at(&party.url("/login"), "alice");
    let sid = text(&answer.json(), "/claims/sid").to_owned();
    let hop = jar.follow(page_request(&party.url("/logout"))).pop().expect("a hop");
    let (answer, page) = (&hop.answer, hop.answer.text());
    assert_eq!(answer.status, 200, "{}", hop.url);
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.ends_with(&format!("script-src 'self'; frame-src {}", tool.url())), "{policy}");
    assert!(!page.contains("http-equiv"), "{page}");
    let source = page.split("<iframe").nth(1).and_then(|rest| rest.split("src=\"").nth(1)).expect("a frame");
    let source = source.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&");
    let told = Address::parse(&source).target;
    assert!(told.starts_with("/out?iss=http%3A%2F%2Flocalhost") && told.ends_with(&format!("&sid={sid}")), "{told}");
    // Without frames and script the way goes on by a link; nothing moves on by the clock alone.
    let next = page.split("id=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let next = next.expect("a way on").replace("&#38;", "&").replace("&amp;", "&");
    assert!(next.starts_with(&party.url("/bye")) && page.matches("/bye").count() == 1, "{next}");
    assert_eq!(get(&next).json(), json!({"bye": "bye"}));
    let again = jar.follow(page_request(&party.url("/login"))).pop().expect("a hop");
    assert!(again.url.contains("/sign-in"), "the session is over: {}", again.url);
    assert_ne!(text(&json!({"sid": sid}), "/sid"), "");
}
