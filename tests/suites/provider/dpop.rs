//! Tokens bound to a key, over HTTP: a certified relying party does all of it by itself, nonces included; whoever lacks
//! the key, or bends a proof, gets nothing. RFC 9449.

use crate::{client, issuer, provider, relying_party, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Answer, Request, get};
use doorward_tests::proof::{Holder, ath};
use doorward_tests::{page_request, sign_in_at};
use doorward_world::World;
use serde_json::{Value, json};

fn now() -> i64 {
    World::real().now().seconds()
}

fn endpoint(door: &Door, name: &str) -> String {
    format!("{}/protocol/openid-connect/{name}", issuer(door))
}

/// A program with a secret, bound to a key or not, and what it sends to get a token.
struct Machine {
    secret: String,
    url: String,
}

impl Machine {
    fn at(door: &Door, more: &[&str]) -> Machine {
        let mut arguments = vec!["client", "create", "ci", "--service", "--output", "json"];
        arguments.extend(more);
        let told: Value = serde_json::from_str(&door.cli_text(&arguments)).expect("JSON");
        Machine { secret: text(&told, "/client_secret").to_owned(), url: endpoint(door, "token") }
    }

    fn ask(&self, proofs: &[&str]) -> Request {
        let form = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", self.secret.as_str())];
        proofs.iter().fold(Request::new("POST", &self.url).form(&form), |ask, proof| ask.header("DPoP", proof))
    }
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "/error").to_owned())
}

/// What a relying party called since it was last asked: the path's last word, the status, the refusal.
fn calls(party: &doorward_testkit::peers::RelyingParty) -> Vec<(String, u64, String)> {
    let (_, told) = party.page("/calls");
    let calls = told.as_array().cloned().unwrap_or_default();
    let word = |call: &Value, name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let status = |call: &Value| call.get("status").and_then(Value::as_u64).unwrap_or_default();
    calls.iter().map(|call| (word(call, "path"), status(call), word(call, "error"))).collect()
}

#[test]
fn a_browser_app_with_a_key_is_given_a_nonce_and_everything_is_bound_to_the_key() {
    let door = provider();
    let party = relying_party(&door, "spa", "none+dpop", &["--public", "--everyone", "--dpop-bound"]);
    let (_, answer, url) = sign_in_at(&party.url("/login"), "alice");
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let told = answer.json();
    assert_eq!(text(&told, "/tokens/token_type"), "dpop");
    assert_eq!(text(&told, "/userinfo/preferred_username"), "alice");
    let called = calls(&party);
    let with = |path: &str, status: u64, error: &str| (path.to_owned(), status, error.to_owned());
    // The nonce of the token endpoint serves userinfo too.
    let wanted = [
        with("token", 400, "use_dpop_nonce"),
        with("token", 200, ""),
        with("certs", 200, ""),
        with("userinfo", 200, ""),
    ];
    let seen: Vec<_> = called.into_iter().filter(|call| call.0 != "certs").collect();
    assert_eq!(seen, wanted.iter().filter(|call| call.0 != "certs").cloned().collect::<Vec<_>>());
    let (status, refreshed) = party.page("/refresh");
    assert_eq!((status, refreshed.get("rotated")), (200, Some(&json!(true))), "{refreshed:#}");
    assert_eq!(party.page("/userinfo").0, 200);
    assert_eq!(calls(&party).iter().map(|call| call.1).collect::<Vec<_>>(), [200, 200], "no second round");

    // Whoever took the tokens has nothing.
    let userinfo = endpoint(&door, "userinfo");
    let access = text(&refreshed, "/tokens/access_token");
    let bearer = Request::new("GET", &userinfo).header("Authorization", format!("Bearer {access}")).send();
    assert_eq!(refusal(&bearer), (401, "invalid_token".to_owned()));
    let challenge = bearer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("DPoP algs=\"RS256 PS256 ES256 EdDSA\", error=\"invalid_token\""), "{challenge}");
    let in_body = Request::new("POST", &userinfo).form(&[("access_token", access)]).send();
    assert_eq!(refusal(&in_body), (401, "invalid_token".to_owned()));
    let thief = Holder::default();
    let refresh = text(&refreshed, "/tokens/refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "spa")];
    let url = endpoint(&door, "token");
    let ask = |nonce: &str| {
        let proof = thief.proof("POST", &url, now(), &[("nonce", nonce)]);
        Request::new("POST", &url).header("DPoP", &proof).form(&form).send()
    };
    let first = ask("x");
    assert_eq!(refusal(&first), (400, "use_dpop_nonce".to_owned()));
    let second = ask(first.header("dpop-nonce").unwrap_or_default());
    assert_eq!(refusal(&second), (400, "invalid_grant".to_owned()));
    assert_eq!(party.page("/refresh").0, 200, "the line goes on for its owner");
}

#[test]
fn a_tool_with_a_key_and_a_secret_needs_no_nonce_and_introspection_names_the_key() {
    let door = provider();
    let grants = ["authorization_code", "refresh_token", "client_credentials"].map(|grant| ["--grant", grant]).concat();
    let more = [&["--everyone"], grants.as_slice()].concat();
    let party = relying_party(&door, "grafana", "basic+dpop", &more);
    let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "alice");
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let (_, looked_up) = party.page("/introspect");
    assert_eq!((text(&looked_up, "/token_type"), text(&looked_up, "/cnf/jkt").len()), ("DPoP", 43), "{looked_up:#}");
    let (status, machine) = party.page("/machine");
    assert_eq!((status, text(&machine, "/token_type")), (200, "dpop"), "{machine:#}");
    assert!(calls(&party).iter().all(|call| call.1 == 200));
    // A code bound to another key than the one the relying party has.
    let other = Holder::default().thumbprint();
    let hop = jar.follow(page_request(&party.url(&format!("/login?dpop_jkt={other}")))).pop().expect("a hop");
    assert_eq!(text(&hop.answer.json(), "/error"), "invalid_grant", "{}", hop.answer.text());
}

#[test]
fn gauntlet_b3_proofs_that_are_doubled_forged_or_used_give_no_token() {
    let door = provider();
    let machine = Machine::at(&door, &["--dpop-bound"]);
    let holder = Holder::default();
    let fresh = || holder.proof("POST", &machine.url, now(), &[]);
    let invalid = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(refusal(&machine.ask(&[]).send()), invalid, "no proof");
    assert_eq!(refusal(&machine.ask(&[&fresh(), &fresh()]).send()), invalid, "two headers");
    assert_eq!(refusal(&machine.ask(&[&format!("{}, {}", fresh(), fresh())]).send()), invalid, "two in one");
    let mut private = holder.header();
    private["jwk"]["d"] = json!("AAAA");
    let leaking = holder.sign(&private, &holder.claims("POST", &machine.url, now()));
    assert_eq!(refusal(&machine.ask(&[&leaking]).send()), invalid, "a private key");
    // The public address counts, whatever the request says of itself.
    let elsewhere = holder.proof("POST", &machine.url.replace("localhost", "evil.localhost"), now(), &[]);
    let forwarded = machine.ask(&[&elsewhere]).header("X-Forwarded-Host", "evil.localhost");
    assert_eq!(refusal(&forwarded.send()), invalid, "another host");
    let proof = fresh();
    let first = machine.ask(&[&proof]).send();
    assert_eq!((first.status, text(&first.json(), "/token_type")), (200, "DPoP"));
    assert_eq!(first.header("dpop-nonce"), None);
    assert_eq!(refusal(&machine.ask(&[&proof]).send()), invalid, "a second time");
    // Proofs are said to be taken, with these algorithms.
    let metadata = get(&format!("{}/.well-known/openid-configuration", issuer(&door))).json();
    let algorithms = json!(["RS256", "PS256", "ES256", "EdDSA"]);
    assert_eq!(metadata.get("dpop_signing_alg_values_supported"), Some(&algorithms));
}

#[test]
fn a_used_proof_stays_used_after_a_restart() {
    let mut door = provider();
    let machine = Machine::at(&door, &[]);
    let proof = Holder::default().proof("POST", &machine.url, now(), &[]);
    assert_eq!(machine.ask(&[&proof]).send().status, 200);
    door.restart();
    assert_eq!(refusal(&machine.ask(&[&proof]).send()), (400, "invalid_dpop_proof".to_owned()));
}

#[test]
fn a_plus_stands_for_any_port_of_a_loopback_rule() {
    let door = provider();
    let rules = ["--redirect-loopback", "http://127.0.0.1/cb", "--redirect-uri", "https://pages.example.com:8443/cb"];
    let words =
        [["client", "create", "page", "--public", "--everyone", "--web-origin", "+"].as_slice(), &rules].concat();
    door.cli_text(&words);
    let url = endpoint(&door, "token");
    let may_read = |origin: &str| {
        let form = [("grant_type", "authorization_code"), ("code", "x"), ("client_id", "page")];
        let answer = Request::new("POST", &url).header("Origin", origin).form(&form).send();
        answer.header("access-control-allow-origin") == Some(origin)
    };
    for own in ["http://127.0.0.1", "http://127.0.0.1:5173", "https://pages.example.com:8443"] {
        assert!(may_read(own), "{own}");
    }
    let others = [
        "http://localhost:5173",
        "https://127.0.0.1:5173",
        "http://127.0.0.1.evil.example:5173",
        "http://127.0.0.1:5173:80",
        "http://127.0.0.1:",
        "https://pages.example.com",
        "https://pages.example.com:9443",
    ];
    for other in others {
        assert!(!may_read(other), "{other}");
    }
}

#[test]
fn scripts_of_a_clients_own_origin_can_read_the_nonce() {
    let door = provider();
    let origin = "http://127.0.0.1:9";
    client(&door, "spa", 9, &["--public", "--everyone", "--web-origin", origin]);
    let url = endpoint(&door, "token");
    let preflight = Request::new("OPTIONS", &url)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "dpop");
    let allowed = preflight.send();
    assert!(allowed.header("access-control-allow-headers").is_some_and(|names| names.contains("dpop")));
    let holder = Holder::default();
    let ask = |origin: &str| {
        let form = [("grant_type", "authorization_code"), ("code", "x"), ("client_id", "spa")];
        let proof = holder.proof("POST", &url, now(), &[]);
        Request::new("POST", &url).header("Origin", origin).header("DPoP", &proof).form(&form).send()
    };
    let told = ask(origin);
    assert_eq!(refusal(&told), (400, "use_dpop_nonce".to_owned()));
    assert!(told.header("dpop-nonce").is_some_and(|nonce| !nonce.is_empty()));
    assert_eq!(told.header("access-control-allow-origin"), Some(origin));
    assert_eq!(told.header("access-control-expose-headers"), Some("DPoP-Nonce, WWW-Authenticate"));
    assert_eq!(ask("http://evil.example").header("access-control-allow-origin"), None);
}

#[test]
fn userinfo_asks_for_its_nonce_with_a_challenge() {
    let door = provider();
    client(&door, "spa", 9, &["--public", "--everyone"]);
    let holder = Holder::default();
    let (token_url, userinfo) = (endpoint(&door, "token"), endpoint(&door, "userinfo"));
    let access = public_token(&door, &holder, &token_url);
    let ask = |more: &[(&str, &str)]| {
        let hash = ath(&access);
        let proof = holder.proof("GET", &userinfo, now(), &[&[("ath", hash.as_str())], more].concat());
        let authorization = format!("DPoP {access}");
        Request::new("GET", &userinfo).header("Authorization", authorization).header("DPoP", &proof).send()
    };
    let first = ask(&[]);
    assert_eq!(refusal(&first), (401, "use_dpop_nonce".to_owned()));
    let challenge = first.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("DPoP ") && challenge.contains("error=\"use_dpop_nonce\""), "{challenge}");
    let nonce = first.header("dpop-nonce").unwrap_or_default().to_owned();
    let second = ask(&[("nonce", &nonce)]);
    assert_eq!((second.status, text(&second.json(), "/preferred_username")), (200, "alice"));
    let nothing = get(&userinfo);
    let challenges = nothing.headers_named("www-authenticate");
    assert!((nothing.status == 401) && (challenges.len() == 2), "{challenges:?}");
}

/// Alice's access token at the client `spa`, bound to a key.
fn public_token(door: &Door, holder: &Holder, url: &str) -> String {
    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let callback = "http://127.0.0.1:9/callback";
    let start = format!(
        "{}?client_id=spa&redirect_uri={callback}&response_type=code&scope=openid&code_challenge={CHALLENGE}\
         &code_challenge_method=S256",
        endpoint(door, "auth")
    );
    let (mut jar, _, _) = sign_in_at(&format!("{}/realms/main/account", door.url()), "alice");
    let code = code_of(&jar.send(page_request(&start)));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", callback),
        ("code_verifier", VERIFIER),
        ("client_id", "spa"),
    ];
    let ask = |more: &[(&str, &str)]| {
        let proof = holder.proof("POST", url, now(), more);
        Request::new("POST", url).header("DPoP", &proof).form(&form).send()
    };
    let first = ask(&[]);
    let nonce = first.header("dpop-nonce").unwrap_or_default().to_owned();
    let given = ask(&[("nonce", &nonce)]);
    assert_eq!(given.status, 200, "{}", given.text());
    text(&given.json(), "/access_token").to_owned()
}

/// The code an answer sends a browser back with.
fn code_of(answer: &Answer) -> String {
    let location = answer.location();
    let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
    code.unwrap_or_else(|| panic!("no code in {location}")).to_owned()
}
