//! A password that somebody else chose opens nothing: whoever signs in with it chooses another one first.

use super::{Admin, NOTHING, text};
use crate::{provider, relying_party};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_tests::{PASSWORD, action, field, page_request};
use serde_json::{Value, json};

const GIVEN: &str = "a phrase to begin with";
const OWN: &str = "a phrase of my own choosing";

/// Fills in the form of the page a browser is at; where that leads.
fn fill(jar: &mut Jar, (page, url): (&Answer, &str), fields: &[(&str, &str)]) -> (Answer, String) {
    let html = page.text();
    let hidden: Vec<(&str, String)> = ["csrf", "flow", "renewal"]
        .into_iter()
        .filter(|name| html.contains(&format!("name=\"{name}\"")))
        .map(|name| (name, field(&html, name)))
        .collect();
    let mut form: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
    form.extend_from_slice(fields);
    let target = Address::parse(url).join(&action(&html));
    let hop = jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop");
    (hop.answer, hop.url)
}

fn both(wanted: &str) -> [(&'static str, &str); 2] {
    [("new_password", wanted), ("new_password_repeat", wanted)]
}

fn has_session(door: &Door, jar: &Jar) -> bool {
    jar.header_for(&format!("{}/", door.url())).is_some_and(|cookies| cookies.contains("session"))
}

fn by_password(door: &Door, word: &str) -> Answer {
    let url = format!("{}/realms/main/protocol/openid-connect/token", door.url());
    let form = [("grant_type", "password"), ("client_id", "tool"), ("username", "alice"), ("password", word)];
    Request::new("POST", &url).form(&form).send()
}

#[test]
fn a_temporary_password_is_changed_before_anything_is_opened() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    door.cli_text(&["client", "create", "tool", "--public", "--grant", "password", "--everyone"]);
    let party = relying_party(&door, "grafana", "basic", &["--allow", "grafana-users"]);
    let alice = text(&admin.get("/users?username=alice"), "/0/id").to_owned();
    let place = format!("/users/{alice}");
    let phrase = json!({"type": "password", "value": GIVEN, "temporary": true});
    admin.does("PUT", &format!("{place}/reset-password"), &phrase);
    assert_eq!(admin.get(&place)["requiredActions"], json!(["UPDATE_PASSWORD"]));

    // Programs that send it are told in Keycloak's words, after the right one only.
    let refused = by_password(&door, GIVEN);
    assert_eq!(refused.status, 400);
    let words = json!({"error": "invalid_grant", "error_description": "Account is not fully set up"});
    assert_eq!(refused.json(), words);
    assert_eq!(by_password(&door, PASSWORD).status, 401);

    // A browser on its way to a tool is asked for another one, as often as it takes.
    let mut jar = Jar::new();
    let first = jar.follow(page_request(&party.url("/login"))).pop().expect("a hop");
    let signs_in = [("login", "alice"), ("password", GIVEN)];
    let (page, url) = fill(&mut jar, (&first.answer, &first.url), &signs_in);
    assert!(page.status == 200 && page.text().contains("Choose a new password"), "{}", page.text());
    assert!(!has_session(&door, &jar));
    let account = format!("{}/realms/main/account", door.url());
    assert!(jar.get(&account).location().contains("/sign-in"), "nobody is signed in");
    let form_action = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(form_action.contains("form-action"), "{form_action}");
    for (fields, why) in [
        ([("new_password", OWN), ("new_password_repeat", "another")], "differ"),
        (both(GIVEN), "you were given"),
        (both("short"), "New password"),
        (both(""), "New password"),
    ] {
        let (again, _) = fill(&mut jar, (&page, &url), &fields);
        assert!(again.status == 400 && again.text().contains(why), "{why}: {}", again.text());
        assert!(!has_session(&door, &jar), "{why}");
    }
    // The page is worth nothing in another browser, or without its form's proof.
    let mut other = Jar::new();
    other.follow(page_request(&party.url("/login")));
    let (elsewhere, _) = fill(&mut other, (&page, &url), &both(OWN));
    assert_eq!((elsewhere.status, has_session(&door, &other)), (403, false));
    let bare = Request::new("POST", &format!("{}/realms/main/sign-in/new-password", door.url()));
    let renewal = field(&page.text(), "renewal");
    let answer =
        bare.form(&[("renewal", renewal.as_str()), ("new_password", OWN), ("new_password_repeat", OWN)]).send();
    assert_eq!(answer.status, 403);

    // With one of her own alice goes on to where she was going.
    let (done, at) = fill(&mut jar, (&page, &url), &both(OWN));
    assert_eq!(done.status, 200, "{at}: {}", done.text());
    assert_eq!(text(&done.json(), "/claims/preferred_username"), "alice");
    assert!(has_session(&door, &jar));
    let (again, _) = fill(&mut jar, (&page, &url), &both("and one more of them"));
    assert_eq!(again.status, 410, "{}", again.text());
    assert_eq!((by_password(&door, GIVEN).status, by_password(&door, OWN).status), (401, 200));
    assert_eq!(admin.get(&place)["requiredActions"], json!([]));
}

#[test]
fn it_is_asked_for_in_every_way_keycloak_has_and_by_command() {
    let door = provider();
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    door.cli_text(&["client", "create", "tool", "--public", "--grant", "password", "--everyone"]);
    let alice = text(&admin.get("/users?username=alice"), "/0/id").to_owned();
    let place = format!("/users/{alice}");
    let signs_in = || by_password(&door, PASSWORD).status == 200;
    assert!(signs_in());
    admin.does("PUT", &place, &json!({"requiredActions": ["UPDATE_PASSWORD"]}));
    assert!(!signs_in());
    admin.does("PUT", &place, &json!({"requiredActions": []}));
    assert!(signs_in());
    // One that was read before does not make a password last that is sent beside it.
    let told = |temporary: bool| json!([{"type": "password", "value": PASSWORD, "temporary": temporary}]);
    admin.does("PUT", &place, &json!({"requiredActions": [], "credentials": told(true)}));
    assert!(!signs_in());
    admin.does("PUT", &place, &json!({"requiredActions": ["UPDATE_PASSWORD"], "credentials": told(false)}));
    assert!(!signs_in());
    admin.does("PUT", &place, &json!({"credentials": told(false)}));
    assert!(signs_in());

    let shown = |name: &str| -> Value {
        let told = door.cli_text(&["user", "show", name, "--output", "json"]);
        serde_json::from_str::<Value>(&told).expect("JSON")["temporary_password"].clone()
    };
    let password = ["--password-env", "DOORWARD_TEST_PASSWORD"];
    door.cli_text(&[&["user", "set-password", "alice", "--temporary"], &password[..]].concat());
    assert_eq!((signs_in(), shown("alice")), (false, json!(true)));
    door.cli_text(&[&["user", "set-password", "alice"], &password[..]].concat());
    assert_eq!((signs_in(), shown("alice")), (true, json!(false)));
    door.cli_text(&[&["user", "create", "dora", "--temporary"], &password[..]].concat());
    assert_eq!(shown("dora"), json!(true));
    let without = door.cli(&["user", "create", "emil", "--temporary"]);
    assert_eq!(without.status.code(), Some(3));
    let made = admin.make("/users", &json!({"username": "finn", "enabled": true, "credentials": told(true)}));
    assert_eq!(admin.get(&format!("/users/{made}"))["requiredActions"], json!(["UPDATE_PASSWORD"]));
    assert_eq!(admin.call("DELETE", &format!("/users/{made}"), &NOTHING).status, 204);
}
