//! Many people at once, each with a name nobody else has: no answer tells anybody of another one.

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::{Echo, Reply, Seen};
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_tests::{clients, page_request, sign_in_at, with_password};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

const PEOPLE: usize = 40;
const ROUNDS: usize = 2;
const AT_ONCE: usize = 8;
const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A name that no other one begins with.
fn name(number: usize) -> String {
    format!("canary-{number:03}-x")
}

/// A tool that says who it was told came.
fn teller() -> Echo {
    Echo::start_with(|seen: &Seen| Reply::page(seen.header("remote-user").unwrap_or("nobody")))
}

/// Where they all are.
struct Crowd {
    door: Door,
    /// The app's address.
    url: String,
}

/// A door with all of them, an app and a client for everybody.
fn crowd(echo: &Echo) -> Crowd {
    let door = Door::start(with_password(DoorOptions::serve()));
    let people: String = (0..PEOPLE)
        .map(|number| {
            let name = name(number);
            format!("---\nkind: User\nname: {name}\nemail: {name}@example.com\npassword: env:DOORWARD_TEST_PASSWORD\n")
        })
        .collect();
    let url = door.url_as("crowd.localhost");
    let app =
        format!("---\nkind: App\nname: crowd\naddresses: ['{url}']\nupstream: '{}'\neveryone: true\n", echo.url());
    let file = door.scratch().write("crowd.yaml", &format!("{people}{app}"));
    door.cli_text(&["apply", "-f", &file.display().to_string()]);
    Crowd { door, url }
}

/// Who else an answer speaks of.
fn others(answer: &Answer, own: &str) -> Vec<String> {
    let told = format!("{:?} {}", answer.headers, answer.text());
    (0..PEOPLE).map(name).filter(|name| name != own && told.contains(name.as_str())).collect()
}

/// One person's round: a page of the account, the app, a code, its tokens, and what those tell.
fn round(scene: &Crowd, secret: &str, (jar, name): (&mut Jar, &str)) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut judge = |what: &str, answer: &Answer, status: u16| {
        let own = answer.text().contains(name) || status != 200;
        if answer.status != status || !own || !others(answer, name).is_empty() {
            wrongs.push(format!("{name}, {what}: {} {:?} {:.200}", answer.status, others(answer, name), answer.text()));
        }
    };
    judge("account", &jar.send(page_request(&format!("{}/account", clients::issuer(&scene.door)))), 200);
    judge("app", &jar.send(page_request(&format!("{}/x", scene.url))), 200);
    let base = format!("{}/protocol/openid-connect", clients::issuer(&scene.door));
    let ask = format!("{base}/auth?client_id=crowd&redirect_uri={CALLBACK}&response_type=code&scope=openid+profile");
    let sent = jar.send(page_request(&ask));
    judge("code", &sent, 302);
    let proof = [("client_id", "crowd"), ("client_secret", secret)];
    let code = sent.location().split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap_or_default();
    let form =
        [&proof[..], &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]].concat();
    let given = Request::new("POST", &format!("{base}/token")).form(&form).send();
    if given.status != 200 {
        return vec![format!("{name}, tokens: {} {}", given.status, given.text())];
    }
    let told = given.json();
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let bearer = format!("Bearer {}", text("access_token"));
    judge("userinfo", &Request::new("GET", &format!("{base}/userinfo")).header("Authorization", bearer).send(), 200);
    for (path, field, value) in
        [("token/introspect", "token", text("access_token")), ("token", "refresh_token", text("refresh_token"))]
    {
        let form = [&proof[..], &[(field, value.as_str()), ("grant_type", "refresh_token")]].concat();
        let answer = Request::new("POST", &format!("{base}/{path}")).form(&form).send();
        if path == "token" {
            let access = answer.json().get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
            let url = format!("{base}/userinfo");
            judge(
                "refreshed",
                &Request::new("GET", &url).header("Authorization", format!("Bearer {access}")).send(),
                200,
            );
        } else {
            judge(path, &answer, 200);
        }
    }
    wrongs
}

#[test]
fn gauntlet_b18_02_forty_people_at_once_are_each_told_of_themselves_alone() {
    let echo = teller();
    let scene = crowd(&echo);
    let more = format!("redirect_uris: ['{CALLBACK}']\neveryone: true\npkce_optional: true");
    let secret = clients::declare(&scene.door, "crowd", &more);
    let next = AtomicUsize::new(0);
    let wrongs: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut wrongs = Vec::new();
                    while let Some(number) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < PEOPLE)
                    {
                        let name = name(number);
                        let (mut jar, answer, _) = sign_in_at(&format!("{}/in", scene.url), &name);
                        assert_eq!((answer.status, answer.text()), (200, name.clone()));
                        for _ in 0..ROUNDS {
                            wrongs.extend(round(&scene, &secret, (&mut jar, &name)));
                        }
                    }
                    wrongs
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    assert!(wrongs.is_empty(), "{} wrong:\n{}", wrongs.len(), wrongs.join("\n"));
}
