//! Pushed and signed requests, and answers that travel otherwise than in a query, with the same relying party.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{client, issuer, provider, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Answer, Request, get, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_tests::{PASSWORD, action, field, page_request, sign_in_at};
use serde_json::{Value, json};

fn party(door: &Door, name: &str, ways: &str, more: &[&str]) -> RelyingParty {
    let port = free_port();
    let secret = client(door, name, port, more);
    let (issuer, scope) = (issuer(door), "openid profile email");
    let options = RelyingPartyOptions { port, issuer: &issuer, client_id: name, secret: (&secret, "basic"), scope };
    RelyingParty::start_with(&options, ways)
}

/// Sends the form a browser with script would send by itself.
fn posted(answer: &Answer, party: &RelyingParty) -> Value {
    let html = answer.text();
    assert_eq!(action(&html), party.url("/callback"), "{html}");
    assert_eq!(answer.header("referrer-policy"), Some("origin"));
    let names = ["code", "id_token", "access_token", "state", "iss", "session_state", "response", "error"];
    let there: Vec<_> = names.iter().filter(|name| html.contains(&format!("name=\"{name}\""))).collect();
    let fields: Vec<(&str, String)> = there.into_iter().map(|name| (*name, field(&html, name))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = Request::new("POST", &party.url("/callback")).form(&fields).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_relying_party_pushes_its_request_and_gets_a_signed_answer() {
    let door = provider();
    let party = party(&door, "grafana", "par jarm", &["--everyone", "--require-pushed", "--algorithm", "PS256"]);
    let (mut jar, answer, url) = sign_in_at(&party.url("/login?login_hint=alice"), "alice");
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    assert_eq!(text(&answer.json(), "/claims/preferred_username"), "alice");
    assert!(url.contains("/callback?response=") && !url.contains("code="), "{url}");
    // Errors come signed as well, and the relying party believes them.
    let hops = Jar::new().follow(page_request(&party.url("/login?prompt=none")));
    let quiet = hops.last().expect("a hop").answer.json();
    assert_eq!(text(&quiet, "/error"), "login_required", "{quiet:#}");
    // The same address again is answered by a page, with nothing in it for anybody.
    let hops = jar.follow(page_request(&party.url("/login")));
    let asked = hops.iter().find(|hop| hop.url.contains("request_uri=")).expect("a pushed request").url.clone();
    let again = jar.send(page_request(&asked));
    assert_eq!((again.status, again.header("location")), (400, None), "{}", again.text());
    assert!(again.text().contains("This request is over"), "{}", again.text());
}

#[test]
fn a_relying_party_signs_its_requests_with_a_key_it_registered() {
    let door = provider();
    let arguments = ["registration", "create", "signers", "--uses", "2", "--redirect-host", "127.0.0.1", "--everyone"];
    let initial = door.cli_text(&arguments).trim().to_owned();
    for ways in ["jar", "jar par"] {
        let port = free_port();
        let register = |method: &str, url: &str, token: &str, body: &Value| {
            let request = Request::new(method, url).header("Authorization", format!("Bearer {token}"));
            let answer = request.header("Content-Type", "application/json").body(body.to_string().as_bytes()).send();
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
            answer.json()
        };
        let mut metadata = json!({"redirect_uris": [format!("http://127.0.0.1:{port}/callback")]});
        let endpoint = format!("{}/clients-registrations/openid-connect", issuer(&door));
        let made = register("POST", &endpoint, &initial, &metadata);
        let (name, secret) = (text(&made, "/client_id"), text(&made, "/client_secret"));
        let issuer = issuer(&door);
        let options =
            RelyingPartyOptions { port, issuer: &issuer, client_id: name, secret: (secret, "basic"), scope: "openid" };
        let party = RelyingParty::start_with(&options, ways);
        let members = metadata.as_object_mut().expect("an object");
        members.insert("client_id".to_owned(), json!(name));
        members.insert("jwks".to_owned(), party.page("/jwks").1);
        members.insert("require_signed_request_object".to_owned(), json!(true));
        let own = text(&made, "/registration_access_token");
        register("PUT", text(&made, "/registration_client_uri"), own, &metadata);

        let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "alice");
        let told = decide(&mut jar, &answer, &url, "allow").json();
        assert_eq!(text(&told, "/claims/preferred_username"), "alice", "{ways}: {told:#}");
        // Without its signature the same request is none of this client's.
        let plain = format!(
            "{issuer}/protocol/openid-connect/auth?client_id={name}&response_type=code&scope=openid\
             &redirect_uri=http://127.0.0.1:{port}/callback&code_challenge_method=S256\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        let refused = jar.send(page_request(&plain));
        assert!(refused.location().contains("error=invalid_request&"), "{}", refused.location());
    }
}

/// Answers the question for consent.
fn decide(jar: &mut Jar, page: &Answer, url: &str, decision: &str) -> Answer {
    let html = page.text();
    let target = Address::parse(url).join(&action(&html));
    let (request, csrf) = (field(&html, "request"), field(&html, "csrf"));
    let form = [("request", request.as_str()), ("csrf", csrf.as_str()), ("decision", decision)];
    let hops = jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form));
    hops.into_iter().next_back().expect("a hop").answer
}

#[test]
fn a_relying_party_takes_tokens_through_the_browser_where_it_may() {
    let door = provider();
    let hybrid = ["--everyone", "--grant", "authorization_code", "implicit", "refresh_token"];
    let both = party(&door, "hybrid", "hybrid", &hybrid);
    let (_, answer, _) = sign_in_at(&both.url("/login?response_mode=form_post"), "alice");
    let told = posted(&answer, &both);
    assert_eq!(text(&told, "/claims/preferred_username"), "alice", "{told:#}");

    let only = party(&door, "implicit", "implicit", &["--everyone", "--grant", "implicit"]);
    let (mut jar, answer, _) = sign_in_at(&only.url("/login?response_mode=form_post"), "bob");
    assert_eq!(text(&posted(&answer, &only), "/claims/preferred_username"), "bob");
    // Without a wish, tokens travel in the fragment, which no server sees; in a query never.
    let hops = jar.follow(page_request(&only.url("/login")));
    let sent = hops.iter().find(|hop| hop.url.contains("/auth?")).expect("a request").answer.location().to_owned();
    let (address, fragment) = sent.split_once('#').expect("a fragment");
    assert!(!address.contains("token") && fragment.contains("id_token=ey") && fragment.contains("&iss="), "{sent}");
    let hops = jar.follow(page_request(&only.url("/login?response_mode=query")));
    let sent = hops.iter().find(|hop| hop.url.contains("/auth?")).expect("a request").answer.location().to_owned();
    assert!(sent.contains("#error=invalid_request&") && sent.contains("&iss="), "{sent}");
}

/// Pushes a request; gives the status and what was told.
fn push(door: &Door, secret: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/protocol/openid-connect/ext/par/request", issuer(door));
    let base = [
        ("client_id", "grafana"),
        ("client_secret", secret),
        ("response_type", "code"),
        ("redirect_uri", "http://127.0.0.1:9/callback"),
        ("scope", "openid"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let kept = base.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let fields: Vec<_> = kept.chain(more).copied().filter(|(_, value)| !value.is_empty()).collect();
    let answer = Request::new("POST", &url).form(&fields).send();
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, answer.json())
}

#[test]
fn gauntlet_b3_26_and_unproved_clients_cannot_push_and_get_the_protocols_own_words() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone"]);
    let (status, told) = push(&door, &secret, &[]);
    assert_eq!((status, told.get("expires_in")), (201, Some(&json!(90))), "{told:#}");
    let long = "x".repeat(20_000);
    for (more, status, word) in [
        (&[("client_secret", "wrong")][..], 401, "invalid_client"),
        (&[("client_secret", "")], 401, "invalid_client"),
        (&[("client_id", "nobody")], 401, "invalid_client"),
        (&[("redirect_uri", "http://127.0.0.1:9/elsewhere")], 400, "invalid_request"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], 400, "invalid_request"),
        (&[("scope", "openid"), ("scope", "email")], 400, "invalid_request"),
        (&[("scope", "secrets")], 400, "invalid_scope"),
        (&[("code_challenge", "")], 400, "invalid_request"),
        (&[("authorization_details", "[{\"type\":\"payment\"}]")], 400, "invalid_authorization_details"),
        (&[("state", &long)], 400, "invalid_request"),
    ] {
        let (got, told) = push(&door, &secret, more);
        assert_eq!((got, text(&told, "/error")), (status, word), "{more:?}: {told:#}");
    }
    let url = format!("{}/protocol/openid-connect/ext/par/request", issuer(&door));
    assert_eq!(get(&url).status, 405);
    assert_eq!(Request::new("POST", &url).json(&json!({"client_id": "grafana"})).send().status, 400);
}

#[test]
fn gauntlet_b3_21_what_a_request_says_stands_in_no_cookie_and_no_log() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone"]);
    let (state, nonce, hint) = ("state-in-clear-4711", "nonce-in-clear-4711", "hint-in-clear-4711");
    let (_, told) = push(&door, &secret, &[("state", state), ("nonce", nonce), ("login_hint", hint)]);
    let base = format!("{}/protocol/openid-connect/auth?client_id=grafana", issuer(&door));
    let plain = format!(
        "{base}&response_type=code&redirect_uri=http://127.0.0.1:9/callback&scope=openid&state={state}&nonce={nonce}\
         &login_hint={hint}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
    for url in [format!("{base}&request_uri={}", text(&told, "/request_uri")), plain] {
        let mut jar = Jar::new();
        let start = jar.send(page_request(&url));
        let page = jar.send(page_request(&Address::parse(&url).join(start.location())));
        let html = page.text();
        assert_eq!(field(&html, "login"), hint, "the page asks for the person expected");
        let form = [
            ("login", "alice"),
            ("password", PASSWORD),
            ("flow", &field(&html, "flow")),
            ("csrf", &field(&html, "csrf")),
        ]
        .map(|(name, value): (&str, &str)| (name, value.to_owned()));
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let done = jar.send(Request::new("POST", &Address::parse(&url).join(&action(&html))).form(&form));
        let location = done.location().to_owned();
        assert!(location.starts_with("http://127.0.0.1:9/callback?code="), "{location}");
        assert!(location.contains(&format!("&state={state}&iss=")), "{location}");
        for answer in [&start, &page, &done] {
            let cookies = answer.headers_named("set-cookie").concat();
            assert!([state, nonce, hint, "grafana"].iter().all(|word| !cookies.contains(word)), "{cookies}");
        }
        assert!([state, nonce, hint].iter().all(|word| !start.location().contains(word)), "{}", start.location());
    }
    let events = door.cli_text(&["events", "--output", "json"]);
    for word in [state, nonce, hint, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", text(&told, "/request_uri")] {
        assert!(!door.output().contains(word) && !events.contains(word), "{word}");
    }
}

#[test]
fn gauntlet_b3_23_every_answer_and_every_error_says_who_answers() {
    let door = provider();
    client(&door, "grafana", 9, &["--everyone", "--grant", "authorization_code", "implicit"]);
    let base = format!(
        "{}/protocol/openid-connect/auth?client_id=grafana&redirect_uri=http://127.0.0.1:9/callback&state=a%20%26%22%C3%A9",
        issuer(&door)
    );
    let iss = format!("iss={}", issuer(&door).replace(':', "%3A").replace('/', "%2F"));
    for (more, error) in [
        ("", "invalid_request"),
        ("&response_type=magic", "unsupported_response_type"),
        ("&response_type=code&scope=secrets", "invalid_scope"),
        ("&response_type=code&prompt=create", "invalid_request"),
        ("&response_type=id_token&scope=openid", "invalid_request"),
        ("&response_type=token&scope=openid&prompt=none", "login_required"),
        ("&response_type=code&request_uri=https://evil.example/object", "request_uri_not_supported"),
    ] {
        for (mode, start) in [("", ""), ("&response_mode=fragment", "#")] {
            let answer = page_request(&format!("{base}{more}{mode}")).send();
            let location = answer.location();
            assert!(location.contains(&format!("error={error}&")), "{more}{mode}: {location}");
            assert!(location.ends_with(&format!("&state=a+%26%22%C3%A9&{iss}")), "{more}{mode}: {location}");
            assert!(location.contains(start), "{more}{mode}: {location}");
        }
        let answer = page_request(&format!("{base}{more}&response_mode=jwt")).send();
        let location = answer.location();
        let token = location.split("response=").nth(1).unwrap_or_else(|| panic!("{more}: {location}"));
        let claims = claims(token);
        assert_eq!((text(&claims, "/error"), text(&claims, "/iss")), (error, issuer(&door).as_str()), "{more}");
        assert_eq!((text(&claims, "/aud"), text(&claims, "/state")), ("grafana", "a &\"\u{e9}"));
        assert!(!location.contains("error=") && !location.contains("state="), "{location}");
    }
}

/// The claims of a token, which another test verifies.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[test]
fn people_see_in_plain_words_what_a_client_wants_to_do() {
    let door = provider();
    let more = ["--everyone", "--consent", "explicit", "--authorization-details", "payment_initiation"];
    let party = party(&door, "ledger", "par", &more);
    let wish = r#"[{"type":"payment_initiation","actions":["initiate"],"amount":{"value":"12.50 <b>"}}]"#;
    let url = party.url(&format!("/login?authorization_details={}", percent(wish)));
    let (mut jar, answer, url) = sign_in_at(&url, "alice");
    let html = answer.text();
    for words in ["payment_initiation", "May do", "initiate", "Amount: value", "12.50 &#60;b&#62;"] {
        assert!(html.contains(words), "{words} is not in {html}");
    }
    let told = decide(&mut jar, &answer, &url, "allow").json();
    let wanted: Value = serde_json::from_str(wish).expect("JSON");
    assert_eq!(told.pointer("/tokens/authorization_details"), Some(&wanted), "{told:#}");
    let (_, looked_up) = party.page("/introspect");
    assert_eq!(looked_up.get("authorization_details"), Some(&wanted), "{looked_up:#}");
    // Where nobody agrees to anything there are no details.
    let service = door.cli_text(&["client", "create", "robot", "--service", "--output", "json"]);
    let service: Value = serde_json::from_str(&service).expect("JSON");
    let token = format!("{}/protocol/openid-connect/token", issuer(&door));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "robot"),
        ("client_secret", text(&service, "/client_secret")),
        ("authorization_details", wish),
    ];
    let refused = Request::new("POST", &token).form(&form).send();
    assert_eq!((refused.status, text(&refused.json(), "/error")), (400, "invalid_authorization_details"));
    // The page's form a second time: the request has been answered.
    let again = decide(&mut jar, &answer, &url, "allow");
    assert_eq!((again.status, again.header("location")), (400, None), "{}", again.text());
}

#[test]
fn gauntlet_b3_20_what_asks_for_a_fresh_sign_in_gets_one_and_no_session_claims_more_than_happened() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone", "--pkce-optional"]);
    let base = format!(
        "{}/protocol/openid-connect/auth?client_id=grafana&redirect_uri=http://127.0.0.1:9/callback&response_type=code\
         &scope=openid",
        issuer(&door)
    );
    let (mut jar, _, _) = sign_in_at(&format!("{}/account", issuer(&door)), "alice");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let wish = percent(r#"{"id_token":{"acr":{"essential":true,"values":["2"]}}}"#);
    for (more, wanted) in [
        ("&max_age=1", "/sign-in?flow="),
        ("&max_age=0", "/sign-in?flow="),
        ("&prompt=login", "/sign-in?flow="),
        ("&max_age=1&prompt=none", "error=login_required"),
        (&format!("&claims={wish}"), "error=unmet_authentication_requirements"),
        ("&acr_values=2&max_age=3600", "code="),
    ] {
        let answer = jar.send(page_request(&format!("{base}{more}")));
        assert!(answer.location().contains(wanted), "{more}: {}", answer.location());
    }
    // What a preference could not have is not claimed, and the time is that of the sign-in.
    let location = jar.send(page_request(&format!("{base}&acr_values=2"))).location().to_owned();
    let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "http://127.0.0.1:9/callback"),
        ("client_id", "grafana"),
        ("client_secret", &secret),
    ];
    let told = Request::new("POST", &format!("{}/protocol/openid-connect/token", issuer(&door))).form(&form).send();
    let claims = claims(text(&told.json(), "/id_token"));
    assert_eq!((text(&claims, "/acr"), claims.get("amr")), ("1", Some(&json!(["pwd"]))), "{claims:#}");
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).expect("a time");
    assert!(time("auth_time") + 2 <= time("iat"), "{claims:#}");
}
