//! Tokens people make for their programs, and agreements they take back: on the account page, with a browser.

use crate::house::{Scene, scene, signed_in};
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_tests::field;

fn account(scene: &Scene) -> String {
    format!("{}/realms/main/account", scene.door.url())
}

fn post(scene: &Scene, jar: &mut Jar, path: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = field(&jar.get(&account(scene)).text(), "csrf");
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend(fields);
    jar.send(Request::new("POST", &format!("{}/{path}", account(scene))).form(&form))
}

/// The token on the page that was answered.
fn made(answer: &Answer) -> String {
    let page = answer.text();
    let start = page.find(">dwa_").expect("a token on the page") + 1;
    page[start..start + 47].to_owned()
}

fn with(scene: &Scene, token: &str, path: &str) -> u16 {
    let url = format!("{}{path}", scene.url);
    Request::new("GET", &url).header("Authorization", format!("Bearer {token}")).send().status
}

#[test]
fn a_persons_token_enters_as_the_person_while_the_person_may_enter() {
    let scene = scene();
    let mut jar = signed_in(&scene, "alice");
    let wanted = [("name", "nightly"), ("days", "30"), ("app-echo", "yes")];
    let answer = post(&scene, &mut jar, "tokens", &wanted);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = made(&answer);
    assert!(!jar.get(&account(&scene)).text().contains(&token), "it is shown once");

    assert_eq!(with(&scene, &token, "/x"), 200);
    let told = scene.echo.last();
    assert!(told.headers.iter().any(|(_, value)| value == "alice"), "{:?}", told.headers);
    assert!(told.header("authorization").is_none(), "the tool never sees the token");

    // It ends with what it rests on: the group, the account, itself.
    scene.door.cli_text(&["group", "remove-member", "data-engineers", "alice"]);
    assert_eq!(with(&scene, &token, "/x"), 403);
    scene.door.cli_text(&["group", "add-member", "data-engineers", "alice"]);
    assert_eq!(with(&scene, &token, "/x"), 200);
    scene.door.cli_text(&["user", "disable", "alice"]);
    assert_ne!(with(&scene, &token, "/x"), 200);
    scene.door.cli_text(&["user", "enable", "alice"]);
    assert_eq!(with(&scene, &token, "/x"), 200);
    let mut jar = signed_in(&scene, "alice");
    let id = field(&jar.get(&account(&scene)).text(), "token");
    let mut other = signed_in(&scene, "bob");
    assert!(post(&scene, &mut other, "tokens/revoke", &[("token", &id)]).text().contains("gone already"));
    assert_eq!(with(&scene, &token, "/x"), 200, "nobody else revokes it");
    assert!(post(&scene, &mut jar, "tokens/revoke", &[("token", &id)]).text().contains("is revoked"));
    assert_eq!(with(&scene, &token, "/x"), 401);
}

#[test]
fn a_token_is_made_only_for_tools_that_are_open_and_only_by_the_page() {
    let scene = scene();
    let mut jar = signed_in(&scene, "bob");
    for (wanted, why) in [
        (vec![("name", "mine"), ("days", "30"), ("app-echo", "yes")], "at least one tool"),
        (vec![("name", "Not A Name"), ("days", "30")], "What it is for"),
        (vec![("name", "mine"), ("days", "0")], "days"),
        (vec![("name", "mine"), ("days", "-1")], "how long"),
        (vec![("name", "mine"), ("days", "99999")], "how long"),
    ] {
        let answer = post(&scene, &mut jar, "tokens", &wanted);
        assert_eq!(answer.status, 400, "{wanted:?}");
        assert!(answer.text().contains(why) || answer.text().contains("at least one tool"), "{wanted:?}");
    }
    let mut jar = signed_in(&scene, "alice");
    let good = [("name", "mine"), ("days", "30"), ("app-echo", "yes")];
    assert_eq!(post(&scene, &mut jar, "tokens", &good).status, 200);
    assert!(post(&scene, &mut jar, "tokens", &good).text().contains("already"));
    let forged = [("csrf", "x"), ("name", "forged"), ("days", "30"), ("app-echo", "yes")];
    let answer = jar.send(Request::new("POST", &format!("{}/tokens", account(&scene))).form(&forged));
    assert_ne!(answer.status, 200);
    let elsewhere =
        Request::new("POST", &format!("{}/tokens", account(&scene))).header("Origin", "https://evil.example");
    assert_eq!(jar.send(elsewhere.form(&good)).status, 403);
    // A token opens only the tools it was made for.
    let other = scene.door.url_as("other.localhost");
    let upstream = scene.echo.url();
    scene.door.cli_text(&["app", "create", "other", "--address", &other, "--upstream", &upstream, "--everyone"]);
    let token = made(&post(&scene, &mut jar, "tokens", &[("name", "narrow"), ("days", "7"), ("app-echo", "yes")]));
    let answer = Request::new("GET", &format!("{other}/x")).header("Authorization", format!("Bearer {token}")).send();
    assert_eq!(answer.status, 403);
}

#[test]
fn what_a_person_agreed_to_is_listed_and_taken_back() {
    let scene = scene();
    let callback = "http://127.0.0.1:1/cb";
    scene.door.cli_text(&[
        "client",
        "create",
        "notes",
        "--title",
        "Notes",
        "--public",
        "--everyone",
        "--consent",
        "explicit",
        "--redirect-uri",
        callback,
    ]);
    let mut jar = signed_in(&scene, "alice");
    let ask = format!(
        "{}/realms/main/protocol/openid-connect/auth?client_id=notes&response_type=code&scope=openid+profile&redirect_uri={callback}\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        scene.door.url()
    );
    let page = jar.get(&ask).text();
    let form = [("csrf", field(&page, "csrf")), ("request", field(&page, "request")), ("decision", "allow".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = jar.send(Request::new("POST", &format!("{}/realms/main/consent", scene.door.url())).form(&form));
    assert!(answer.location().starts_with(callback), "{}", answer.location());
    assert!(jar.get(&ask).location().starts_with(callback), "asked once");

    let page = jar.get(&account(&scene)).text();
    assert!(page.contains("Tools you agreed to") && page.contains("Notes") && page.contains("See your name"), "{page}");
    let client = field(&page, "client");
    assert!(post(&scene, &mut jar, "consents/revoke", &[("client", &client)]).text().contains("has to ask you again"));
    assert!(!jar.get(&account(&scene)).text().contains("Tools you agreed to"));
    assert_eq!(jar.get(&ask).status, 200, "asked again");
}
