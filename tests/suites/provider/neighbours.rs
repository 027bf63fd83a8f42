//! Realms share a process: what somebody does to one of them, people of another do not notice.

use crate::{provider, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_testkit::process::wait_until;
use doorward_tests::{PASSWORD, action, clients, field, page_request};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Guesses at once: many more than checks of passwords may wait for one realm.
const GUESSERS: usize = 100;
/// Longest anybody of the quiet realm may wait for an answer while the other one is flooded. The build under test is
/// not optimised and shares its cores with the flood.
const PATIENCE: Duration = Duration::from_secs(15);
const SIGN_INS: usize = 10;

/// A network nobody has come from before, as a proxy in front would tell it.
fn network() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)
}

/// One sign-in at a realm from a network of its own; the answer to the form.
fn sign_in(door: &Door, realm: &str, (name, password): (&str, &str)) -> Answer {
    let mut jar = Jar::new();
    let from = network();
    let url = format!("{}/realms/{realm}/sign-in", door.url());
    let page = jar.send(page_request(&url).header("X-Forwarded-For", from.clone()).within(PATIENCE * 4));
    assert_eq!(page.status, 200, "{}", page.text());
    let html = page.text();
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let form = [("login", name), ("password", password), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    let target = Address::parse(&url).join(&action(&html));
    jar.send(Request::new("POST", &target).header("X-Forwarded-For", from).within(PATIENCE * 4).form(&form))
}

/// What is done to the noisy realm until it is over; each answer's status is counted.
struct Flood<'d> {
    door: &'d Door,
    registration: String,
    over: AtomicBool,
    statuses: Mutex<std::collections::BTreeMap<u16, usize>>,
}

impl Flood<'_> {
    fn count(&self, answer: &Answer) {
        *self.statuses.lock().expect("counts").entry(answer.status).or_default() += 1;
    }

    fn told(&self, status: u16) -> usize {
        self.statuses.lock().expect("counts").get(&status).copied().unwrap_or_default()
    }

    fn until_over(&self, act: impl Fn(usize) -> Answer) {
        let mut number = 0;
        while !self.over.load(Ordering::SeqCst) {
            self.count(&act(number));
            number += 1;
        }
    }

    fn guess(&self, guesser: usize) {
        self.until_over(|number| {
            sign_in(self.door, "noisy", (&format!("nobody-{guesser}-{number}"), "not the password"))
        });
    }

    fn register(&self) {
        let base = clients::issuer_of(self.door, "noisy");
        let body = json!({"redirect_uris": ["https://app.example.com/cb"]}).to_string();
        self.until_over(|number| {
            let token = if number % 2 == 0 { self.registration.as_str() } else { "dwr_none" };
            Request::new("POST", &format!("{base}/clients-registrations/openid-connect"))
                .header("Authorization", format!("Bearer {token}"))
                .header("Content-Type", "application/json")
                .within(PATIENCE * 4)
                .body(body.as_bytes())
                .send()
        });
    }

    fn ask_for_tokens(&self) {
        let url = format!("{}/protocol/openid-connect/token", clients::issuer_of(self.door, "noisy"));
        self.until_over(|number| {
            let name = format!("nobody-{number}");
            let form = [("grant_type", "client_credentials"), ("client_id", name.as_str()), ("client_secret", "x")];
            Request::new("POST", &url).header("X-Forwarded-For", network()).within(PATIENCE * 4).form(&form).send()
        });
    }
}

#[test]
fn gauntlet_b13_06_a_flood_of_one_realm_keeps_nobody_of_another_waiting() {
    let door = provider();
    door.cli_text(&["realm", "create", "noisy"]);
    let registration = ["registration", "create", "ci", "--realm", "noisy", "--redirect-host", "app.example.com"];
    let more = ["--everyone", "--uses", "10000"];
    let registration = door.cli_text(&[&registration[..], &more[..]].concat()).trim().to_owned();
    let made = door.cli_text(&["client", "create", "machine", "--service", "--output", "json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let secret = text(&made, "/client_secret").to_owned();
    let tokens = format!("{}/protocol/openid-connect/token", clients::issuer(&door));
    let proof = [("client_id", "machine"), ("client_secret", secret.as_str())];
    let form = [&proof[..], &[("grant_type", "client_credentials")]].concat();
    let flood = Flood { door: &door, registration, over: AtomicBool::new(false), statuses: Mutex::default() };
    let mut slowest = [Duration::ZERO; 3];
    std::thread::scope(|scope| {
        for guesser in 0..GUESSERS {
            let flood = &flood;
            scope.spawn(move || flood.guess(guesser));
        }
        scope.spawn(|| flood.register());
        scope.spawn(|| flood.ask_for_tokens());
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // Its own people are told to come back: there is no more room.
            wait_until("the noisy realm is full", PATIENCE * 4, || flood.told(503) > 0);
            let mut timed = |place: usize, what: &str, act: &dyn Fn() -> Answer, status: u16| {
                let begun = Instant::now();
                let answer = act();
                let took = begun.elapsed();
                assert_eq!(answer.status, status, "{what} after {took:?}: {}", answer.text());
                assert!(took < PATIENCE, "{what} took {took:?}");
                slowest[place] = slowest[place].max(took);
            };
            for _ in 0..SIGN_INS {
                timed(0, "signing in", &|| sign_in(&door, "main", ("alice", PASSWORD)), 303);
                timed(1, "a token", &|| Request::new("POST", &tokens).within(PATIENCE * 2).form(&form).send(), 200);
                let discovery = format!("{}/.well-known/openid-configuration", clients::issuer(&door));
                timed(2, "the metadata", &|| Request::new("GET", &discovery).within(PATIENCE * 2).send(), 200);
            }
        }));
        flood.over.store(true, Ordering::SeqCst);
        if let Err(cause) = judged {
            std::panic::resume_unwind(cause);
        }
    });
    let told = flood.statuses.into_inner().expect("counts");
    println!("slowest sign-in, token, metadata of the quiet realm: {slowest:.1?}; the flood was told {told:?}");
    assert!(told.values().sum::<usize>() > GUESSERS, "{told:?}");
    let token = Request::new("POST", &tokens).form(&form).send().json();
    assert!(!text(&token, "/access_token").is_empty());
}
