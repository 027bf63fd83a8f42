//! Two people at two browsers, one after the other at one, and whoever else asks: nobody gets what is another's,
//! and no token says more than what happened.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{client, issuer, provider, relying_party, text};
use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Answer, Request, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::process::wait_until;
use doorward_tests::proof::Holder;
use doorward_tests::{PASSWORD, action, field, page_request, sign_in_at};
use doorward_world::World;
use serde_json::{Value, json};
use std::time::Duration;

pub const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// What a client asks for in a browser.
fn request(door: &Door, client: &str, more: &str) -> String {
    format!(
        "{}/protocol/openid-connect/auth?client_id={client}&redirect_uri={CALLBACK}&response_type=code\
         &scope=openid+offline_access{more}",
        issuer(door)
    )
}

/// A page with a form: where it stands, and its text.
pub struct Page {
    pub url: String,
    pub html: String,
}

impl Page {
    /// Where the browser is led to.
    pub fn at(jar: &mut Jar, url: &str) -> Page {
        let hop = jar.follow(page_request(url)).pop().expect("a hop");
        Page { html: hop.answer.text(), url: hop.url }
    }

    /// Sends the form with these fields of its own, and more.
    pub fn send(&self, jar: &mut Jar, own: &[&str], more: &[(&str, &str)]) -> Answer {
        let target = Address::parse(&self.url).join(&action(&self.html));
        let own: Vec<(&str, String)> = own.iter().map(|name| (*name, field(&self.html, name))).collect();
        let form: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&[&form, more].concat()))
    }

    pub fn sign_in(&self, jar: &mut Jar, name: &str) -> Answer {
        self.send(jar, &["flow", "csrf"], &[("login", name), ("password", PASSWORD)])
    }

    fn allow(&self, jar: &mut Jar) -> Answer {
        self.send(jar, &["request", "csrf"], &[("decision", "allow")])
    }
}

pub fn code_in(answer: &Answer) -> Option<String> {
    let location = answer.header("location")?;
    location.split(['?', '&', '#']).find_map(|pair| pair.strip_prefix("code=")).map(str::to_owned)
}

/// Redeems a code as the client `grafana`.
fn redeem(door: &Door, secret: &str, code: &str) -> Answer {
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    with_secret(door, secret, "token", &form)
}

fn with_secret(door: &Door, secret: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let url = format!("{}/protocol/openid-connect/{path}", issuer(door));
    Request::new("POST", &url).form(&[form, &[("client_id", "grafana"), ("client_secret", secret)]].concat()).send()
}

/// The claims of a token, which other tests verify.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("no token: {token}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[test]
fn gauntlet_b3_18_what_belongs_to_one_browser_is_worth_nothing_in_another() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone", "--pkce-optional", "--consent", "explicit"]);
    let (mut alices, mut bobs) = (Jar::new(), Jar::new());
    let at_alices = Page::at(&mut alices, &request(&door, "grafana", "&state=of-alice"));
    let at_bobs = Page::at(&mut bobs, &request(&door, "grafana", "&state=of-bob"));

    // The form of one browser, sent from the other: whole, or with the other's proof in it.
    let stale = at_alices.sign_in(&mut bobs, "bob");
    assert!(
        stale.status >= 400 && stale.headers_named("set-cookie").iter().all(|line| !line.contains("_session=dws_"))
    );
    let target = Address::parse(&at_bobs.url).join(&action(&at_bobs.html));
    let (flow, csrf) = (field(&at_alices.html, "flow"), field(&at_bobs.html, "csrf"));
    let mixed = [("flow", flow.as_str()), ("csrf", csrf.as_str()), ("login", "bob"), ("password", PASSWORD)];
    let answer = bobs.send(Request::new("POST", &target).form(&mixed));
    assert!(answer.status >= 400 && code_in(&answer).is_none(), "{}", answer.text());
    // The address of one browser's page, opened in the other, is a page of the other's own and knows no client.
    let elsewhere = bobs.send(page_request(&at_alices.url)).text();
    assert_ne!(field(&elsewhere, "flow"), flow);

    // Each goes on at home, to the question whether to agree.
    let alices_consent = at_alices.sign_in(&mut alices, "alice");
    let bobs_consent = at_bobs.sign_in(&mut bobs, "bob");
    let consent = |answer: &Answer, from: &Page, jar: &mut Jar| {
        let html = match answer.header("location") {
            Some(location) => jar.send(page_request(&Address::parse(&from.url).join(location))).text(),
            None => answer.text(),
        };
        Page { url: from.url.clone(), html }
    };
    let (at_alices, at_bobs) =
        (consent(&alices_consent, &at_alices, &mut alices), consent(&bobs_consent, &at_bobs, &mut bobs));
    let answer = at_alices.allow(&mut bobs);
    assert!(answer.status >= 400 && code_in(&answer).is_none(), "{}", answer.text());
    let (foreign, csrf) = (field(&at_alices.html, "request"), field(&at_bobs.html, "csrf"));
    let target = Address::parse(&at_bobs.url).join(&action(&at_bobs.html));
    let form = [("request", foreign.as_str()), ("csrf", csrf.as_str()), ("decision", "allow")];
    let answer = bobs.send(Request::new("POST", &target).form(&form));
    assert!(answer.status >= 400 && code_in(&answer).is_none(), "{}", answer.text());

    // And each client answer carries its own state and its own person.
    for (page, jar, state, name) in
        [(&at_alices, &mut alices, "of-alice", "alice"), (&at_bobs, &mut bobs, "of-bob", "bob")]
    {
        let answer = page.allow(jar);
        let code = code_in(&answer).unwrap_or_else(|| panic!("{name}: {}", answer.text()));
        assert!(answer.location().contains(&format!("state={state}")), "{}", answer.location());
        let tokens = redeem(&door, &secret, &code).json();
        assert_eq!(text(&claims(text(&tokens, "/id_token")), "/preferred_username"), name);
    }
}

#[test]
fn gauntlet_b3_18_the_next_person_at_a_browser_gets_nothing_of_the_one_before() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone", "--pkce-optional", "--consent", "explicit"]);
    let mut jar = Jar::new();
    let first = Page::at(&mut jar, &request(&door, "grafana", "&state=1"));
    let asked = first.sign_in(&mut jar, "alice");
    let left_open = match asked.header("location") {
        Some(location) => Page::at(&mut jar, &Address::parse(&first.url).join(location)),
        None => Page { url: first.url.clone(), html: asked.text() },
    };
    // Alice signs out with the question still open in a tab, and bob signs in.
    let account = format!("{}/account", issuer(&door));
    let out = Page::at(&mut jar, &format!("{}/sign-out", issuer(&door)));
    assert_eq!(out.send(&mut jar, &["csrf"], &[]).status, 303);
    let again = Page::at(&mut jar, &account);
    assert_eq!(again.sign_in(&mut jar, "bob").status, 303);
    assert!(jar.send(page_request(&account)).text().contains("bob"));
    let answer = left_open.allow(&mut jar);
    assert!(code_in(&answer).is_none(), "alice's answer is not bob's to give: {}", answer.location());
    // Her first page, sent once more from the history with his password, is his own sign-in at most.
    let late = first.sign_in(&mut jar, "bob");
    let page = match late.header("location") {
        Some(location) => Page::at(&mut jar, &Address::parse(&first.url).join(location)),
        None => Page { url: first.url.clone(), html: late.text() },
    };
    let answer = page.allow(&mut jar);
    let code = code_in(&answer).unwrap_or_else(|| panic!("{}", answer.text()));
    let tokens = redeem(&door, &secret, &code).json();
    assert_eq!(text(&claims(text(&tokens, "/id_token")), "/preferred_username"), "bob");
}

#[test]
fn gauntlet_b3_20_a_wish_for_a_fresh_sign_in_is_met_by_the_password_alone_and_every_token_tells_the_true_time() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone", "--pkce-optional"]);
    let (mut jar, _, _) = sign_in_at(&format!("{}/account", issuer(&door)), "alice");
    let tokens = |answer: &Answer| {
        let code =
            code_in(answer).unwrap_or_else(|| panic!("no code: {} {:?}", answer.status, answer.header("location")));
        let told = redeem(&door, &secret, &code);
        assert_eq!(told.status, 200, "{}", told.text());
        told.json()
    };
    let time =
        |tokens: &Value| claims(text(tokens, "/id_token")).get("auth_time").and_then(Value::as_i64).expect("a time");
    let first = tokens(&jar.send(page_request(&request(&door, "grafana", ""))));
    let then = time(&first);
    wait_until("the sign-in to be older than two seconds", Duration::from_secs(5), || {
        World::real().now().seconds() > then + 2
    });

    // The page it leads to is not passed by going elsewhere meanwhile, nor by a wrong password.
    let wish = request(&door, "grafana", "&max_age=1");
    let page = Page::at(&mut jar, &wish);
    assert!(page.html.contains("name=\"password\""), "{}", page.html);
    let again = Page::at(&mut jar, &page.url);
    assert!(again.html.contains("name=\"password\""), "the same page again still asks");
    let wrong = page.send(&mut jar, &["flow", "csrf"], &[("login", "alice"), ("password", "not hers")]);
    assert_eq!((wrong.status, code_in(&wrong)), (401, None));
    let quiet = jar.send(page_request(&format!("{wish}&prompt=none")));
    assert!(quiet.location().contains("error=login_required"), "{}", quiet.location());
    assert_eq!(time(&tokens(&jar.send(page_request(&request(&door, "grafana", "&max_age=3600"))))), then);
    // Only the password is, and the new time is told.
    let met = page.sign_in(&mut jar, "alice");
    let answer = if code_in(&met).is_some() {
        met
    } else {
        jar.send(page_request(&Address::parse(&page.url).join(met.location())))
    };
    let fresh = tokens(&answer);
    assert!(time(&fresh) >= then + 2, "{} is not after {then}", time(&fresh));

    // Refreshing signs nobody in: the time stays, and so does how it was done. Another browser's sign-in is its own.
    let refresh = |tokens: &Value| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", text(tokens, "/refresh_token"))];
        let told = with_secret(&door, &secret, "token", &form);
        assert_eq!(told.status, 200, "{}", told.text());
        told.json()
    };
    let (mut other, _, _) = sign_in_at(&format!("{}/account", issuer(&door)), "alice");
    let others = tokens(&other.send(page_request(&request(&door, "grafana", "&acr_values=2+gold"))));
    let sessions = [(&fresh, time(&fresh)), (&others, time(&others))];
    assert!(sessions[1].1 >= sessions[0].1 && text(&fresh, "/session_state") != text(&others, "/session_state"));
    for (tokens, signed_in_at) in sessions {
        let later = refresh(tokens);
        for told in [tokens, &later] {
            let claims = claims(text(told, "/id_token"));
            let said = (claims.get("auth_time"), text(&claims, "/acr"), claims.get("amr"));
            assert_eq!(said, (Some(&json!(signed_in_at)), "1", Some(&json!(["pwd"]))), "{claims:#}");
            let looked_up =
                with_secret(&door, &secret, "token/introspect", &[("token", text(told, "/access_token"))]).json();
            assert_eq!(looked_up.get("active"), Some(&json!(true)), "{looked_up:#}");
            assert_eq!(
                (looked_up.get("auth_time"), text(&looked_up, "/acr")),
                (Some(&json!(signed_in_at)), "1"),
                "{looked_up:#}"
            );
        }
    }
    // What cannot be had is refused when it is insisted on, also in who is told and in what is pushed to us by a hint.
    for wanted in [
        json!({"id_token": {"acr": {"essential": true, "value": "2"}}}),
        json!({"id_token": {"acr": {"essential": true, "values": ["gold", "3"]}}}),
    ] {
        let answer =
            jar.send(page_request(&request(&door, "grafana", &format!("&claims={}", percent(&wanted.to_string())))));
        assert!(answer.location().contains("error=unmet_authentication_requirements"), "{}", answer.location());
    }
}

#[test]
fn gauntlet_b10_09_nobody_is_signed_out_by_a_guess_or_by_another_site() {
    let door = provider();
    let party = relying_party(
        &door,
        "grafana",
        "basic",
        &["--everyone", "--frontchannel-logout-uri", "http://127.0.0.1:9/out"],
    );
    let (mut jar, answer, _) = sign_in_at(&party.url("/login"), "alice");
    let told = answer.json();
    let (sid, id_token) = (text(&told, "/claims/sid").to_owned(), text(&told, "/tokens/id_token").to_owned());
    let (mut bobs, answer, _) = sign_in_at(&party.url("/login"), "bob");
    let bobs_token = text(&answer.json(), "/tokens/id_token").to_owned();
    let account = format!("{}/account", issuer(&door));
    let logout = format!("{}/protocol/openid-connect/logout", issuer(&door));
    let iss = percent(&issuer(&door));
    let is_there = |jar: &mut Jar| jar.send(page_request(&account)).status == 200;
    let (head, payload, _) = {
        let mut parts = id_token.splitn(3, '.');
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next())
    };
    let unsigned = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string()));
    let forged = format!("{head}.{payload}.{}", "A".repeat(342));
    // What another site can make a browser ask for, with her cookies and without.
    for query in [
        format!("sid={sid}&iss={iss}"),
        format!("sid={}&iss={iss}", "s".repeat(26)),
        format!("session_state={sid}"),
        "client_id=grafana".to_owned(),
        format!("id_token_hint={}", percent(&unsigned)),
        format!("id_token_hint={}", percent(&forged)),
        format!("id_token_hint={bobs_token}"),
        String::new(),
    ] {
        let url = format!("{logout}?{query}");
        let shown = jar.send(page_request(&url));
        assert!(matches!(shown.status, 200 | 400), "{query}: {}", shown.status);
        assert!(shown.status == 400 || shown.text().contains("<form"), "{query}: she is asked first");
        Jar::new().send(page_request(&url));
        if query.contains("id_token_hint=ey") && query.contains(&bobs_token) {
            // A genuine hint without its browser ends what it names, and that alone.
            assert!(!is_there(&mut bobs), "bob's own hint");
        }
        assert!(is_there(&mut jar), "{query}");
    }
    for path in ["sign-out", "protocol/openid-connect/logout/confirm"] {
        let url = format!("{}/{path}", issuer(&door));
        let from_elsewhere = Request::new("POST", &url).header("Origin", "https://evil.example").form(&[("csrf", "x")]);
        assert!(jar.send(from_elsewhere).status >= 400, "{path}");
        assert!(jar.send(Request::new("POST", &url).form(&[])).status >= 400, "{path}");
        assert!(is_there(&mut jar), "{path}");
    }
    // Front-channel addresses of ours there are none: what tools answer to is not answered here.
    assert!(jar.send(page_request(&format!("{}/out?sid={sid}&iss={iss}", door.url()))).status >= 400);
    assert!(is_there(&mut jar));
    let refresh = text(&told, "/tokens/refresh_token");
    let form = [("refresh_token", refresh), ("client_id", "grafana"), ("client_secret", "wrong")];
    assert_eq!(Request::new("POST", &logout).form(&form).send().status, 401, "nor by a token without its client");
    assert!(is_there(&mut jar));
    assert_eq!(party.page("/userinfo").0, 500, "the party holds bob's tokens, which ended");
}

#[test]
fn gauntlet_b10_11_what_is_bound_to_a_key_is_renewed_with_that_key_only() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone", "--pkce-optional"]);
    client(&door, "spa", 9, &["--everyone", "--public", "--dpop-bound"]);
    let url = format!("{}/protocol/openid-connect/token", issuer(&door));
    let (mut jar, _, _) = sign_in_at(&format!("{}/account", issuer(&door)), "alice");
    let (owner, thief) = (Holder::default(), Holder::default());
    for (name, secret) in [("grafana", secret.as_str()), ("spa", "")] {
        let ask = |form: &[(&str, &str)], holder: Option<&Holder>| {
            let proof = [("client_id", name), ("client_secret", secret)];
            let proof = if secret.is_empty() { &proof[..1] } else { &proof[..] };
            let form = [form, proof].concat();
            let send = |nonce: Option<&str>| {
                let request = Request::new("POST", &url).form(&form);
                let more: Vec<(&str, &str)> = nonce.map(|nonce| ("nonce", nonce)).into_iter().collect();
                match holder {
                    Some(holder) => {
                        request.header("DPoP", holder.proof("POST", &url, World::real().now().seconds(), &more)).send()
                    }
                    None => request.send(),
                }
            };
            let answer = send(None);
            match answer.header("dpop-nonce") {
                Some(nonce) if answer.status == 400 => send(Some(nonce)),
                _ => answer,
            }
        };
        let page = request(&door, name, &format!("&dpop_jkt={}", owner.thumbprint()));
        let challenge = "&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let code = code_in(&jar.send(page_request(&format!("{page}{challenge}")))).expect("a code");
        let redeeming = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        let refused = ask(&redeeming, Some(&thief));
        assert!(refused.status == 400 && refused.json().get("access_token").is_none(), "{name}: {}", refused.text());
        let code = code_in(&jar.send(page_request(&format!("{page}{challenge}")))).expect("a code");
        let redeeming = redeeming.map(|(field, value)| (field, if field == "code" { code.as_str() } else { value }));
        let first = ask(&redeeming, Some(&owner));
        assert_eq!(first.status, 200, "{name}: {}", first.text());
        let first = first.json();
        assert_eq!(text(&first, "/token_type"), "DPoP");
        let refreshing =
            |token: &str| [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
        let renew = |token: &str, holder: Option<&Holder>| {
            let form = refreshing(token);
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            ask(&form, holder)
        };
        let token = text(&first, "/refresh_token");
        // A public client's refresh token is bound itself; one with a secret may change its key, and then what it gets
        // is bound to that one: the access token, never.
        let public = secret.is_empty();
        for holder in [None, Some(&thief)] {
            let answer = renew(token, holder);
            if public {
                assert!(answer.status == 400, "{name}: {}", answer.text());
            }
        }
        if public {
            let next = renew(token, Some(&owner));
            assert_eq!(next.status, 200, "it goes on for its owner: {}", next.text());
            let next = next.json();
            assert!(renew(text(&next, "/refresh_token"), Some(&thief)).status == 400, "nor is the next one anybody's");
        }
        let userinfo = format!("{}/protocol/openid-connect/userinfo", issuer(&door));
        let access = text(&first, "/access_token");
        let bearer = Request::new("GET", &userinfo).header("Authorization", format!("Bearer {access}")).send();
        assert_eq!(bearer.status, 401, "{name}: {}", bearer.text());
    }
}
