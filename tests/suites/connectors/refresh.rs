//! The company is asked again for people who came through it: groups it takes away are gone, and so is whoever it does
//! not vouch for any longer.

use crate::ground::{Ground, people, person, visit};
use crate::sign_out::{client, renewed, tokens};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use doorward_testkit::process::wait_until;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Seconds between two questions in these tests: as often as is allowed.
const EVERY: &str = "5";
/// Some questions later.
const SOON: Duration = Duration::from_secs(25);

fn status(ground: &Ground, jar: &mut Jar) -> u16 {
    let end = visit(jar, &ground.tool_url("/x"));
    if end.url.contains("/sign-in") { 303 } else { end.answer.status }
}

fn becomes(ground: &Ground, jar: &mut Jar, wanted: u16) {
    wait_until(&format!("the tool answers {wanted}"), SOON, || status(ground, jar) == wanted);
}

fn said(change: impl FnOnce(&mut Value)) -> Value {
    let mut said = people();
    change(&mut said);
    said
}

#[test]
fn a_group_taken_away_at_the_company_is_gone_within_the_interval_and_comes_back_with_it() {
    let ground = Ground::new(&["--refresh-every", EVERY]);
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    ground.door.cli_text(&["group", "create", "local"]);
    ground.door.cli_text(&["group", "add-member", "local", "ada"]);
    ground.company.say(&said(|all| all["ada"]["groups"] = json!(["everybody"])));
    becomes(&ground, &mut jar, 403);
    assert_eq!(ground.groups("ada"), json!(["everybody", "local"]), "what is said here stays");
    ground.company.say(&people());
    becomes(&ground, &mut jar, 200);
    // The company gives another refresh token each time, and takes each once: several turns have gone well.
    assert!(ground.company.asked("token") >= 3);
}

#[test]
fn whoever_the_company_does_not_know_any_longer_is_out_within_the_interval() {
    let ground = Ground::new(&["--refresh-every", EVERY, "--continue-for", "600"]);
    client(&ground);
    let (mut jar, _) = ground.come("ada");
    let kept = tokens(&ground, &mut jar);
    let (mut bobs, _) = ground.come("bob");
    let bobs_tokens = tokens(&ground, &mut bobs);
    ground.company.say(&said(|all| drop(all.as_object_mut().and_then(|all| all.remove("ada")))));
    becomes(&ground, &mut jar, 303);
    assert_eq!(renewed(&ground, &kept).status, 400, "offline tokens rest on the same word");
    let events = ground.door.cli_text(&["events", "--kind", "session_ended", "--output", "json"]);
    assert!(events.contains("vouches for the person no longer"), "{events}");
    // Nobody else is touched.
    assert_eq!((status(&ground, &mut bobs), renewed(&ground, &bobs_tokens).status), (403, 200));
}

#[test]
fn a_company_that_vouches_for_somebody_else_vouches_for_nobody() {
    let ground = Ground::new(&["--refresh-every", EVERY, "--continue-for", "600"]);
    let (mut jar, _) = ground.come("ada");
    ground.company.behave(&json!({"claims": {"sub": "company-2"}, "without": []}));
    becomes(&ground, &mut jar, 303);
}

#[test]
fn while_the_company_is_away_sessions_go_on_as_long_as_was_said_and_both_are_recorded() {
    let ground = Ground::new(&["--refresh-every", EVERY, "--continue-for", "20"]);
    let (mut jar, _) = ground.come("ada");
    let begun = Instant::now();
    ground.company.behave(&json!({"token": 503}));
    let continued = || ground.door.cli_text(&["events", "--kind", "session_continued", "--output", "json"]);
    wait_until("it is recorded", SOON, || continued().contains("cannot be asked"));
    assert_eq!(status(&ground, &mut jar), 200);
    // Back in time: nothing has happened.
    ground.company.behave(&json!({}));
    let before = ground.company.asked("token");
    wait_until("it is asked again", SOON, || ground.company.asked("token") > before);
    assert_eq!(status(&ground, &mut jar), 200);
    // Away for good: what it last vouched for ends in time.
    ground.company.behave(&json!({"token": 503}));
    let away = Instant::now();
    wait_until("the session ends", Duration::from_secs(60), || status(&ground, &mut jar) == 303);
    assert!(away.elapsed() >= Duration::from_secs(14), "{:?} {:?}", away.elapsed(), begun.elapsed());
    let events = ground.door.cli_text(&["events", "--kind", "session_ended", "--output", "json"]);
    assert!(events.contains("could not be asked for too long"), "{events}");
    let noted: Value = serde_json::from_str(&continued()).expect("JSON");
    assert_eq!(noted.as_array().map(Vec::len), Some(2), "once for each outage: {noted:#}");
}

#[test]
fn a_company_that_hangs_delays_nobody_of_another() {
    let ground = Ground::new(&["--refresh-every", EVERY, "--continue-for", "600"]);
    let uri = format!("{}/realms/main/broker/north/endpoint", ground.door.url());
    let mut norths = json!({"cleo": person("north-1", "cleo", &["dagster-users"])});
    let north = Upstream::start(&uri, &norths);
    let issuer = north.url("");
    let words = ["connector", "add", "oidc", "north", "--issuer", &issuer, "--client-id", UPSTREAM_CLIENT.0];
    let more =
        ["--client-secret-ref", "env:COMPANY_SECRET", "--scopes", "profile,email,groups", "--refresh-every", EVERY];
    ground.door.cli_text(&[&words[..], &more].concat());
    // More people than are asked for at once, all waiting for an answer that never comes.
    for _ in 0..6 {
        ground.come("ada");
    }
    ground.company.behave(&json!({"token": "hang"}));
    std::thread::sleep(Duration::from_secs(6));
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let page = ground.choose(&mut jar, &page, "north");
    let form = doorward_testkit::http::Request::new("POST", &page.url).header("Accept", "text/html");
    let end = jar.follow(form.form(&[("name", "cleo")])).pop().expect("a hop");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    norths["cleo"]["groups"] = json!([]);
    north.say(&norths);
    let begun = Instant::now();
    becomes(&ground, &mut jar, 403);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[test]
fn whoever_comes_without_anything_to_ask_again_with_is_out_after_the_interval() {
    let ground = Ground::new(&["--refresh-every", EVERY, "--continue-for", "600"]);
    ground.company.behave(&json!({"without": ["refresh_token"]}));
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    becomes(&ground, &mut jar, 303);
}
