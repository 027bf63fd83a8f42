//! What other sites, other clients and other keys cannot do where people come in with the company's word.

use crate::ground::{Ground, people, visit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::{ConnectorSettings, Kind, OidcSettings};
use doorward_federation::providers::Providers;
use doorward_federation::trouble::Trouble;
use doorward_model::dice::Counting;
use doorward_model::id::{ConnectorId, RealmId};
use doorward_model::name::ConnectorName;
use doorward_outbound::{Outbound, Reach, Setup};
use doorward_testkit::http::{Address, Request, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use doorward_tests::{PASSWORD, action, field, page_request, sign_in_at, user};
use doorward_world::World;
use serde_json::json;
use std::sync::Arc;

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn gauntlet_b4_15_nobody_is_linked_by_what_another_site_sends() {
    let ground = Ground::new(&["--link-by-password"]);
    let realm = format!("{}/realms/main", ground.door.url());
    user(&ground.door, "ada");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "ada"]);
    let is_linked = || ground.door.cli_text(&["connector", "links", "company"]).contains("company-");
    // She is signed in with her password, and another site leads her browser about.
    let (mut jar, answer, _) = sign_in_at(&ground.tool_url("/x"), "ada");
    assert_eq!(answer.status, 200);
    let flow = field(&visit(&mut Jar::new(), &ground.tool_url("/x")).answer.text(), "flow");
    for query in [String::new(), "?flow=".to_owned(), format!("?flow={flow}")] {
        let answer = jar.send(page_request(&format!("{realm}/broker/company/login{query}")));
        assert!(answer.status >= 400 && answer.header("location").is_none(), "{query} {}", answer.text());
    }
    // Somebody else's answer is nothing in her browser.
    let mut theirs = Jar::new();
    let page = ground.leave(&mut theirs);
    let back = ground.bring_back(&mut theirs, &page, "bob");
    assert!(jar.send(page_request(&back)).status >= 400);
    assert!(!is_linked() && visit(&mut jar, &ground.tool_url("/x")).answer.status == 200);
    // Whoever comes back with her name is asked for her password: by a form of ours, and in no other way.
    let (mut came, page) = ground.come("ada");
    let html = page.answer.text();
    assert!(html.contains("There is already an account"), "{html}");
    let (flow, csrf, pending) = (field(&html, "flow"), field(&html, "csrf"), field(&html, "pending"));
    let target = Address::parse(&page.url).join(&action(&html));
    let whole =
        [("login", "ada"), ("password", PASSWORD), ("flow", &flow), ("csrf", &csrf), ("pending", pending.as_str())];
    let query: Vec<String> = whole.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    came.clone().send(page_request(&format!("{target}?{}", query.join("&"))));
    assert!(!is_linked(), "by an address");
    let mut forged = whole;
    forged[3].1 = "forged";
    assert!(came.clone().send(Request::new("POST", &target).form(&forged)).status >= 400);
    assert!(!is_linked(), "by a form without the proof of its page");
    assert!(Jar::new().send(Request::new("POST", &target).form(&whole)).status >= 400);
    assert!(!is_linked(), "by a form without the browser's cookie");
    let mut nameless = whole;
    nameless[1].1 = "";
    came.clone().send(Request::new("POST", &target).form(&nameless));
    assert!(!is_linked(), "without the password");
    came.send(Request::new("POST", &target).form(&whole));
    assert!(is_linked(), "with everything");
}

#[test]
fn gauntlet_b4_18_a_new_client_is_agreed_to_here_however_silent_the_company_is() {
    let ground = Ground::new(&[]);
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200);
    for client in ["notebook", "another"] {
        let words = ["client", "create", client, "--redirect-uri", CALLBACK, "--everyone", "--public"];
        ground.door.cli_text(&[&words[..], &["--consent", "explicit"]].concat());
    }
    let come = |jar: &mut Jar, client: &str| {
        // Here it is over; at the company it is not, which asks nothing any more.
        ground.door.cli_text(&["session", "end", "--user", "ada"]);
        let mut at = format!(
            "{}/realms/main/protocol/openid-connect/auth?response_type=code&client_id={client}&redirect_uri={}&scope=openid\
             &code_challenge={CHALLENGE}&code_challenge_method=S256&kc_idp_hint=company",
            ground.door.url(),
            percent(CALLBACK)
        );
        let mut asks_company = false;
        loop {
            let answer = jar.send(page_request(&at));
            let Some(next) = answer.header("location") else { return (asks_company, at, answer) };
            at = Address::parse(&at).join(next);
            asks_company |= at.starts_with(&ground.company.url("/auth"));
            if at.starts_with(CALLBACK) {
                return (asks_company, at, answer);
            }
        }
    };
    for client in ["notebook", "another"] {
        let (asks_company, at, page) = come(&mut jar, client);
        let html = page.text();
        assert!(asks_company && html.contains("would like to know who you are"), "{client} {at} {html}");
        let form = [("csrf", field(&html, "csrf")), ("request", field(&html, "request"))];
        let form = [("csrf", form[0].1.as_str()), ("request", &form[1].1), ("decision", "allow")];
        let target = Address::parse(&at).join(&action(&html));
        let answer = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form));
        assert!(answer.location().starts_with(CALLBACK) && answer.location().contains("code="), "{}", answer.text());
        // Who has agreed once is not asked again.
        let (asks_company, at, _) = come(&mut jar, client);
        assert!(asks_company && at.starts_with(CALLBACK) && at.contains("code="), "{at}");
    }
}

/// The company as a connector that stands nowhere, to be asked at any time.
fn connector(company: &Upstream) -> Connector {
    let dice = Counting::new(7);
    let settings = OidcSettings::of(company.url(""), UPSTREAM_CLIENT.0.to_owned());
    Connector {
        id: ConnectorId::draw(&dice),
        realm_id: RealmId::draw(&dice),
        name: ConnectorName::parse("company").expect("a name"),
        settings: ConnectorSettings::of(Kind::Oidc(settings)),
        sealed: None,
        is_active: true,
        revision: 0,
    }
}

#[test]
fn gauntlet_b4_16_made_up_keys_are_no_requests_and_removed_ones_end_in_time() {
    let company = Upstream::start(&format!("{CALLBACK}/endpoint"), &people());
    let reach = Reach::and(vec!["127.0.0.0/8".parse().expect("a network")]);
    let outbound = Outbound::new(Setup { reach, ..Setup::default() }).expect("a client");
    let (providers, connector) = (Providers::new(Arc::new(outbound)), connector(&company));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let start = World::real().now();
    let told = json!({
        "iss": company.url(""), "aud": UPSTREAM_CLIENT.0, "iat": start.seconds(), "exp": start.seconds() + 3600,
        "jti": "1", "sub": "company-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let good = company.sign(&json!({"header": {"typ": "logout+jwt"}, "claims": told}));
    let word = |token: &str, seconds: i64| {
        runtime.block_on(providers.word(&connector, start.plus_seconds(seconds), token)).map(drop)
    };
    let rest = good.split_once('.').expect("a token").1;
    let made_up = |number: usize| {
        let header = json!({"alg": "RS256", "kid": format!("made-up-{number}"), "typ": "logout+jwt"});
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    let is_unknown = |told: Result<(), Trouble>| matches!(told, Err(Trouble::Token(_)));
    assert_eq!(word(&good, 0), Ok(()));
    for number in 0..1000 {
        assert!(is_unknown(word(&made_up(number), i64::try_from(number).expect("small") * 59 / 1000)));
    }
    assert_eq!(company.asked("jwks"), 1, "none in the first minute");
    for number in 0..1000 {
        assert!(is_unknown(word(&made_up(number), 60 + i64::try_from(number).expect("small") * 59 / 1000)));
    }
    assert_eq!(company.asked("jwks"), 2, "one in the next");
    // A key the company takes away counts as long as what is remembered, and no longer.
    company.behave(&json!({"turned": true}));
    assert_eq!(word(&good, 599), Ok(()));
    assert!(is_unknown(word(&good, 601)));
}
