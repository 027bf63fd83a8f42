//! The database is there and cannot be reached: it stands still, or the network holds bytes back, hangs up, or forgets
//! connections. What was acknowledged is there afterwards; what was not gives nothing; nobody has to restart anything.

use crate::house::{PATIENCE, endpoint, is_ready, machine, node, says_later, send, through, try_sign_in, word};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::Postgres;
use doorward_testkit::process::{holds_within, wait_until};
use doorward_testkit::relay::Relay;
use doorward_tests::proof::Holder;
use doorward_tests::{page_request, sign_in_at, user};
use doorward_world::World;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How soon after the database can be reached again people can sign in again.
const BACK_WITHIN: Duration = Duration::from_secs(25);

struct Scene {
    door: Door,
    relay: Relay,
    server: Mutex<Postgres>,
    /// The secret of the program `ci`.
    secret: String,
}

fn scene() -> Scene {
    let server = Postgres::start();
    server.create_database("doorward");
    let relay = Relay::to(server.port());
    let (scratch, options) = node(&through(&relay));
    let door = Door::start_in(scratch, options);
    user(&door, "alice");
    let secret = machine(&door, "ci", &["--service"]);
    Scene { door, relay, server: Mutex::new(server), secret }
}

impl Scene {
    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let proof = [("client_id", "ci"), ("client_secret", self.secret.as_str())];
        let request = Request::new("POST", &endpoint(&self.door, path)).within(PATIENCE);
        request
            .form(&[form, &proof[..]].concat())
            .try_send()
            .unwrap_or_else(|error| panic!("{path}: no answer: {error}"))
    }

    fn is_active(&self, token: &str) -> bool {
        let answer = self.post("token/introspect", &[("token", token)]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().contains("\"active\":true")
    }

    fn server(&self) -> MutexGuard<'_, Postgres> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self, jar: &mut Jar) -> u16 {
        send(jar, page_request(&format!("{}/realms/main/account", self.door.url()))).expect("an answer").status
    }
}

/// What was acknowledged while the database came and went.
#[derive(Default)]
struct Kept {
    sessions: Vec<Jar>,
    revoked: Vec<String>,
    /// Tokens somebody tried in vain to give back: nobody knows, and nobody was told that it was done.
    doubtful: usize,
}

/// Writes all the while, brings trouble, ends it, and asks for everything that was acknowledged.
fn endure(scene: &Scene, trouble: impl FnOnce(&dyn Fn()), end: impl FnOnce()) {
    let kept = Mutex::new(Kept::default());
    let (over, put_off, done) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let judge = |what: &str, answer: &Answer, is_done: bool| {
        if is_done {
            done.fetch_add(1, Ordering::SeqCst);
        } else {
            assert!(says_later(answer), "{what}: {} {}", answer.status, answer.text());
            put_off.fetch_add(1, Ordering::SeqCst);
        }
    };
    let keep = |act: &dyn Fn(&mut Kept)| act(&mut kept.lock().expect("no writer panics while it keeps"));
    let (url, port) = (scene.door.url(), scene.door.port());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let (answer, jar) = try_sign_in(&url, port, "alice").expect("an answer in time");
                    judge("signing in", &answer, answer.status == 303);
                    if answer.status == 303 {
                        keep(&|kept| kept.sessions.push(jar.clone()));
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let made = scene.post("token", &[("grant_type", "client_credentials")]);
                    judge("a token", &made, made.status == 200);
                    let token = word(&made, "access_token");
                    if !token.is_empty() {
                        let given_back = scene.post("revoke", &[("token", &token)]);
                        judge("giving it back", &given_back, given_back.status == 200);
                        keep(&|kept| match given_back.status {
                            200 => kept.revoked.push(token.clone()),
                            _ => kept.doubtful += 1,
                        });
                    }
                }
            });
        }
        let writes_go_through = || {
            let before = done.load(Ordering::SeqCst);
            let has_both = || kept.lock().is_ok_and(|kept| !kept.sessions.is_empty() && !kept.revoked.is_empty());
            let limit = PATIENCE * 2;
            wait_until("writes to go through", limit, || done.load(Ordering::SeqCst) > before + 3 && has_both());
        };
        let is_told = std::panic::AssertUnwindSafe(|| {
            writes_go_through();
            trouble(&|| {
                let before = put_off.load(Ordering::SeqCst);
                wait_until("writers to be put off", PATIENCE, || put_off.load(Ordering::SeqCst) > before);
            });
            let ended = Instant::now();
            end();
            // Counted from here: what was answered before may have been on its way.
            let fresh = || try_sign_in(&url, port, "alice").is_ok_and(|(answer, _)| answer.status == 303);
            assert!(holds_within(BACK_WITHIN, fresh), "nobody can sign in {:.0?} later", ended.elapsed());
            println!("people sign in again after {:.1?}", ended.elapsed());
            writes_go_through();
        });
        let outcome = std::panic::catch_unwind(is_told);
        over.store(true, Ordering::SeqCst);
        if let Err(cause) = outcome {
            std::panic::resume_unwind(cause);
        }
    });
    wait_until("the node to be ready", BACK_WITHIN, || is_ready(&scene.door));
    let mut kept = kept.into_inner().expect("no writer panicked");
    let counts = (kept.sessions.len(), kept.revoked.len(), kept.doubtful, put_off.load(Ordering::SeqCst));
    println!(
        "{} sessions and {} revocations acknowledged, {} in doubt, {} answers of 503",
        counts.0, counts.1, counts.2, counts.3
    );
    let lost = kept.sessions.iter_mut().filter_map(|jar| (scene.account(jar) != 200).then_some(())).count();
    assert_eq!(lost, 0, "of {} acknowledged sessions", counts.0);
    let alive = kept.revoked.iter().filter(|token| scene.is_active(token)).count();
    assert_eq!(alive, 0, "of {} acknowledged revocations", counts.1);
    assert!(scene.is_active(&word(&scene.post("token", &[("grant_type", "client_credentials")]), "access_token")));
    // And the record of each stands with it.
    let recorded =
        |kind: &str| scene.server().query("doorward", &format!("SELECT COUNT(*) FROM events WHERE kind = '{kind}'"));
    let count = |kind: &str| recorded(kind).parse::<usize>().expect("a number");
    assert!(count("token_revoked") >= counts.1 && count("signed_in") >= counts.0);
}

#[test]
fn gauntlet_b18_04_a_database_that_stands_still_loses_nothing_and_opens_nothing() {
    let scene = scene();
    endure(
        &scene,
        |put_off| {
            scene.server().pause();
            put_off();
        },
        || scene.server().resume(),
    );
}

#[test]
fn gauntlet_b18_04_a_network_that_holds_everything_back_loses_nothing_and_opens_nothing() {
    let scene = scene();
    endure(
        &scene,
        |put_off| {
            scene.relay.hold();
            put_off();
        },
        || scene.relay.open(),
    );
}

#[test]
fn gauntlet_b18_04_a_network_that_hangs_up_loses_nothing_and_opens_nothing() {
    let scene = scene();
    endure(
        &scene,
        |put_off| {
            scene.relay.cut();
            put_off();
        },
        || scene.relay.open(),
    );
}

/// Neither end is told: statements that were on their way are never answered, and the server keeps the locks of
/// transactions whose node is gone.
#[test]
fn gauntlet_b18_04_connections_the_network_forgot_are_given_up_and_hold_nobody() {
    let scene = scene();
    for _ in 0..2 {
        endure(&scene, |_| scene.relay.forget(), || ());
    }
}

#[test]
fn gauntlet_b3_22_what_could_not_be_stored_is_neither_given_nor_said_to_be_done() {
    let scene = scene();
    let door = &scene.door;
    let callback = "http://127.0.0.1:9/cb";
    let more = ["--everyone", "--pkce-optional", "--redirect-uri", callback];
    let secret = machine(door, "wiki", &more);
    machine(door, "tv", &["--public", "--everyone", "--grant", "device_code", "refresh_token"]);
    let page =
        format!("{}?client_id=wiki&redirect_uri={callback}&response_type=code&scope=openid", endpoint(door, "auth"));
    let (mut jar, _, _) = sign_in_at(&format!("{}/realms/main/account", door.url()), "alice");
    let mut code = || {
        let answer = jar.send(page_request(&page));
        let found = answer.location().split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        found.unwrap_or_else(|| panic!("no code: {}", answer.location())).to_owned()
    };
    let wiki = |path: &str, form: &[(&str, &str)], more: Option<(&str, &str)>| {
        let proof = [("client_id", "wiki"), ("client_secret", secret.as_str())];
        let mut request = Request::new("POST", &endpoint(door, path)).within(PATIENCE);
        if let Some((name, value)) = more {
            request = request.header(name, value);
        }
        request.form(&[form, &proof[..]].concat()).send()
    };
    let redeem = |code: &str, proof: Option<&str>| {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback)];
        wiki("token", &form, proof.map(|proof| ("DPoP", proof)))
    };
    let first = redeem(&code(), None);
    assert_eq!(first.status, 200, "{}", first.text());
    let (access, refresh) = (word(&first, "access_token"), word(&first, "refresh_token"));
    let (plain, bound) = (code(), code());
    let holder = Holder::default();
    let proof = holder.proof("POST", &endpoint(door, "token"), World::real().now().seconds(), &[]);

    scene.relay.cut();
    let refreshing = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let exchanging = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", access.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let pushed = [("response_type", "code"), ("redirect_uri", callback), ("scope", "openid")];
    let asked = [
        ("a code", redeem(&plain, None)),
        ("a code with a proof", redeem(&bound, Some(&proof))),
        ("refreshing", wiki("token", &refreshing, None)),
        ("revoking an access token", wiki("revoke", &[("token", &access)], None)),
        ("revoking a refresh token", wiki("revoke", &[("token", &refresh)], None)),
        ("a pushed request", wiki("ext/par/request", &pushed, None)),
        ("looking a token up", wiki("token/introspect", &[("token", &access)], None)),
        ("a device", Request::new("POST", &endpoint(door, "auth/device")).form(&[("client_id", "tv")]).send()),
    ];
    for (what, answer) in &asked {
        assert!(says_later(answer), "{what}: {} {}", answer.status, answer.text());
        assert!(
            ["user_code", "request_uri"].iter().all(|name| word(answer, name).is_empty()),
            "{what}: {}",
            answer.text()
        );
    }
    let refused = wiki("token", &exchanging, None);
    assert!(refused.status >= 400 && word(&refused, "access_token").is_empty(), "{}", refused.text());

    // Nothing was half done: what nobody got is still there for its owner, once.
    scene.relay.open();
    wait_until("the node to be ready", BACK_WITHIN, || is_ready(door));
    let active = wiki("token/introspect", &[("token", &access)], None);
    assert!(active.text().contains("\"active\":true"), "said to be revoked by nobody: {}", active.text());
    assert_eq!((redeem(&plain, None).status, redeem(&plain, None).status), (200, 400));
    let (once, again) = (redeem(&bound, Some(&proof)), redeem(&code(), Some(&proof)));
    assert_eq!((once.status, again.status), (200, 400), "{} {}", once.text(), again.text());
    let next = wiki("token", &refreshing, None);
    assert_eq!(next.status, 200, "{}", next.text());
    assert_eq!(wiki("revoke", &[("token", &word(&next, "refresh_token"))], None).status, 200);
    let over = wiki("token/introspect", &[("token", &word(&next, "access_token"))], None);
    assert!(over.text().contains("\"active\":false"), "{}", over.text());
}
