//! Signing keys by command: announced ones are published and do not sign; replaced at once, all that the old ones
//! signed is over, what the gate keeps ready too.

use crate::{client, issuer, provider, text};
use doorward_jose::jws::Presented;
use doorward_testkit::door::Door;
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Request, get};
use doorward_tests::{page_request, sign_in_at};
use serde_json::Value;

fn listed(door: &Door) -> Vec<Value> {
    let told = door.cli_text(&["key", "list", "--output", "json"]);
    serde_json::from_str(&told).expect("JSON")
}

fn kids(door: &Door) -> Vec<String> {
    let set = get(&format!("{}/protocol/openid-connect/certs", issuer(door)));
    assert_eq!(set.header("cache-control"), Some("public, max-age=60"));
    let set = set.json();
    let keys = set.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    for key in &keys {
        assert_eq!(text(key, "/use"), "sig");
        assert!(!text(key, "/alg").is_empty() && key.get("d").is_none());
    }
    keys.iter().map(|key| text(key, "/kid").to_owned()).collect()
}

fn kid(token: &str) -> String {
    Presented::read(token).expect("a token").header().kid().expect("a key's name").to_owned()
}

#[test]
fn gauntlet_b18_06_keys_are_announced_first_and_replaced_at_once_when_asked() {
    let mut door = provider();
    let secret =
        client(&door, "machine", 9, &["--everyone", "--grant", "authorization_code", "--grant", "client_credentials"]);
    let form = [("grant_type", "client_credentials"), ("client_id", "machine"), ("client_secret", &secret)];
    let fresh = |door: &Door| {
        let url = format!("{}/protocol/openid-connect/token", issuer(door));
        text(&Request::new("POST", &url).form(&form).send().json(), "/access_token").to_owned()
    };
    let is_active = |door: &Door, token: &str| {
        let form = [("token", token), ("client_id", "machine"), ("client_secret", &secret)];
        let url = format!("{}/protocol/openid-connect/token/introspect", issuer(door));
        Request::new("POST", &url).form(&form).send().json().get("active") == Some(&Value::Bool(true))
    };
    let echo = Echo::start();
    let url = door.url_as("echo.localhost");
    let upstream = echo.url();
    door.cli_text(&[
        "app",
        "create",
        "echo",
        "--address",
        &url,
        "--upstream",
        &upstream,
        "--everyone",
        "--bearer-token",
    ]);
    let (mut jar, answer, _) = sign_in_at(&format!("{url}/in"), "alice");
    assert_eq!(answer.status, 200);
    let told = |jar: &mut doorward_testkit::jar::Jar| {
        assert_eq!(jar.send(page_request(&format!("{url}/again"))).status, 200);
        let header = echo.last().header("authorization").unwrap_or_default().to_owned();
        kid(header.strip_prefix("Bearer ").expect("a token"))
    };
    let (first, first_told) = (fresh(&door), told(&mut jar));
    assert_eq!(told(&mut jar), first_told);

    door.cli_text(&["key", "rotate"]);
    let states = |algorithm: &str| -> Vec<String> {
        let of = listed(&door).into_iter().filter(|key| text(key, "/algorithm") == algorithm);
        of.map(|key| text(&key, "/state").to_owned()).collect()
    };
    assert_eq!(
        (states("RS256"), states("ES256")),
        (vec!["announced".into(), "active".into()], vec!["announced".into(), "active".into()])
    );
    let ids: Vec<String> = listed(&door).iter().map(|key| text(key, "/id").to_owned()).collect();
    let mut shown = kids(&door);
    assert!(ids.len() == 4 && ids.iter().all(|id| shown.contains(id)), "{ids:?} {shown:?}");
    assert!(kid(&fresh(&door)) == kid(&first) && told(&mut jar) == first_told, "an announced key signs");
    let again = door.cli_text(&["key", "rotate", "--output", "json"]);
    assert_eq!(again.trim(), "[]");
    let refused = door.cli(&["key", "retire", &kid(&first)]);
    assert_eq!(refused.status.code(), Some(7));

    door.cli_text(&["key", "rotate", "--now"]);
    assert!(!is_active(&door, &first), "a token of a key that is gone");
    let (next, next_told) = (fresh(&door), told(&mut jar));
    shown.retain(|id| kids(&door).contains(id));
    assert_eq!(shown, [""; 0], "keys that are gone are published");
    assert!(is_active(&door, &next) && kids(&door).contains(&kid(&next)));
    assert!(kids(&door).contains(&next_told), "the tool is told by a key that is gone");
    door.restart();
    assert!(is_active(&door, &next) && kid(&fresh(&door)) == kid(&next));
    let events = door.cli_text(&["events", "--output", "json"]);
    for kind in ["key_announced", "key_activated", "key_gone"] {
        assert!(events.contains(kind), "{kind}");
    }
}
