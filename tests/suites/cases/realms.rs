//! Realms, apps and scopes stay apart: what opens one thing opens nothing else.

use doorward_engine::gate::check::{Credential, check};
use doorward_engine::gate::decide::{Because, Refusal, Verdict};
use doorward_engine::live::realms;
use doorward_engine::manage::{self, apps, tokens};
use doorward_engine::sign_in::enter::{Entry, shared_pass};
use doorward_model::address::Address;
use doorward_model::app::{AppSettings, Icon};
use doorward_model::fault::FaultKind;
use doorward_model::name::{AppSlug, DisplayText, RealmName, TokenName};
use doorward_model::path::RequestPath;
use doorward_model::secret::PlainToken;

use crate::fixture::{Ground, Node};
use crate::people::{Answer, everyone, host};

const DAGSTER: &str = "dagster.example.com";
const GRAFANA: &str = "grafana.example.com";

async fn a_user_of_one_realm_never_passes_an_app_of_another(ground: Ground) {
    let node = ground.node().await;
    let (main, other) = (node.realm("main").await, node.realm("other").await);
    let app = node.app(&main, DAGSTER, everyone()).await;
    let stranger = node.user(&other, "alice").await;
    node.user(&main, "alice").await;
    let session = node.session(&stranger).await;
    let refusal = Verdict::Refused(Refusal::OtherRealm { wanted: main.id.clone() });
    let Entry::Refused(verdict) = node.ticket(&session, &app, &node.binding()).await else { panic!("a ticket") };
    assert_eq!(verdict, refusal);
    // Even a pass that should never exist opens nothing, and is not told from one that was made up.
    let pass = node.pass(&session.session, &app).await;
    assert_eq!(node.check_pass(DAGSTER, &pass).await, Answer::Said(Verdict::SignIn));
}

async fn a_pass_to_one_app_opens_no_other(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (dagster, grafana) = (node.app(&realm, DAGSTER, everyone()).await, node.app(&realm, GRAFANA, everyone()).await);
    let session = node.session(&node.user(&realm, "alice").await).await;
    let pass = node.enter(&session, &dagster).await;
    assert_eq!(node.check_pass(DAGSTER, &pass).await, Answer::Said(Verdict::Pass(Because::Everyone)));
    assert!(node.check_pass(GRAFANA, &pass).await.asks_to_sign_in());
    // Nor is it another kind of credential.
    for credential in [Credential::SharedPass(pass.hash()), Credential::Service(pass.hash())] {
        assert!(node.check(DAGSTER, credential).await.asks_to_sign_in());
        assert!(node.check(GRAFANA, credential).await.asks_to_sign_in());
    }
    let second = node.enter(&session, &grafana).await;
    assert!(node.check_pass(GRAFANA, &second).await.passes());
    assert!(node.check_pass(DAGSTER, &second).await.asks_to_sign_in());
}

async fn a_pass_opens_one_host_of_an_app_and_one_app_of_a_host(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let make = async |slug: &str, addresses: &[&str]| {
        let addresses = addresses.iter().map(|text| Address::parse(text).expect("an address")).collect();
        let settings = AppSettings {
            title: DisplayText::parse(slug).expect("a title"),
            description: None,
            icon: Icon::Pipeline,
            addresses,
            upstream: None,
            public_paths: vec![],
            headers: vec![],
            bearer_token: false,
            how_to_ask: None,
        };
        let slug = AppSlug::parse(slug).expect("a slug");
        let made = node.change(async |tx| apps::create(&node.door, tx, &realm.id, slug, (everyone(), settings)).await);
        made.await.expect("the app is new")
    };
    let dagster = make("dagster", &["https://tools.example.com/dagster", "https://second.example.com"]).await;
    let grafana = make("grafana", &["https://tools.example.com/grafana"]).await;
    let session = node.session(&node.user(&realm, "alice").await).await;
    let (first, other) = (node.enter(&session, &dagster).await, node.enter(&session, &grafana).await);
    let at = async |url: &str, pass: &PlainToken| {
        let address = Address::parse(url).expect("an address");
        let path = RequestPath::parse(&format!("{}/runs", address.prefix())).expect("a path");
        let apps = node.door.live.apps();
        let place = apps.at(address.host(), &path).expect("one app").expect("an app");
        let checked = check(&node.door, node.world.now(), place, &path, Credential::Pass(pass.hash())).await;
        checked.expect("an answer").verdict
    };
    for (url, good, bad) in
        [("https://tools.example.com/dagster", &first, &other), ("https://tools.example.com/grafana", &other, &first)]
    {
        assert_eq!(at(url, good).await, Verdict::Pass(Because::Everyone), "{url}");
        assert_eq!(at(url, bad).await, Verdict::SignIn, "{url}");
    }
    for pass in [&first, &other] {
        assert_eq!(at("https://second.example.com", pass).await, Verdict::SignIn, "another host of the app");
    }
}

async fn a_shared_pass_opens_apps_below_its_domain_while_that_mode_is_on(ground: Ground) {
    let on = ground.node_with(|settings| settings.shared_domain = Some(host("tools.example.com"))).await;
    let off = ground.node().await;
    let elsewhere = ground.node_with(|settings| settings.shared_domain = Some(host("example.com"))).await;
    let (realm, other) = (on.realm("main").await, on.realm("other").await);
    let alice = on.user(&realm, "alice").await;
    let inside = ["tools.example.com", "dagster.tools.example.com", "a.b.tools.example.com"];
    let outside = ["grafana.example.com", "eviltools.example.com", "example.com", "tools.example.com.evil.org"];
    for (number, at) in inside.iter().chain(&outside).enumerate() {
        // Slugs are first labels; two hosts share one.
        let realm = if number == 6 { &other } else { &realm };
        on.app(realm, at, everyone()).await;
    }
    let foreign = on.app(&other, "foreign.tools.example.com", everyone()).await;
    for node in [&off, &elsewhere] {
        node.follow().await;
    }
    let session = on.session(&alice).await.session;
    let drawn = shared_pass(&on.door, &on.ctx(), &session).await.expect("an answer").expect("a shared pass");
    let pass = Credential::SharedPass(drawn.hash());
    for at in inside {
        assert!(on.check(at, pass).await.passes(), "{at}");
    }
    for at in outside {
        assert!(on.check(at, pass).await.asks_to_sign_in(), "{at}");
    }
    let foreign = foreign.settings.addresses.first().expect("an address").host().as_str().to_owned();
    assert!(!on.check(&foreign, pass).await.passes(), "another realm's app");
    for at in inside.iter().chain(&outside) {
        assert!(!off.check(at, pass).await.passes(), "{at} with the mode off");
        assert!(!elsewhere.check(at, pass).await.passes(), "{at} with another domain");
        assert!(!on.check(at, Credential::Pass(drawn.hash())).await.passes(), "{at} shown as a pass of one host");
    }
    assert!(shared_pass(&off.door, &off.ctx(), &session).await.expect("an answer").is_none());
}

async fn a_service_token_opens_its_apps_until_it_is_over(ground: Ground) {
    let node = ground.node().await;
    let (realm, other) = (node.realm("main").await, node.realm("other").await);
    let dagster = node.app(&realm, DAGSTER, everyone()).await;
    node.app(&realm, GRAFANA, everyone()).await;
    let foreign = node.app(&other, "foreign.example.com", everyone()).await;
    let token = node.service_token(&realm, "ci", &[&dagster], 600).await;
    let credential = Credential::Service(token.hash());
    assert_eq!(node.check(DAGSTER, credential).await, Answer::Said(Verdict::Pass(Because::TokenScope)));
    assert_eq!(node.check(GRAFANA, credential).await, Answer::Said(Verdict::Refused(Refusal::TokenScope)));
    assert!(!node.check("foreign.example.com", credential).await.passes());
    // A token that names another realm's app still stays in its realm.
    let crossing = node.service_token(&realm, "crossing", &[&foreign], 600).await;
    assert!(!node.check("foreign.example.com", Credential::Service(crossing.hash())).await.passes());
    // A token is no pass.
    assert!(node.check(DAGSTER, Credential::Pass(token.hash())).await.asks_to_sign_in());
    ground.advance(599).await;
    assert!(node.check(DAGSTER, credential).await.passes());
    ground.advance(1).await;
    assert_eq!(node.check(DAGSTER, credential).await, Answer::Said(Verdict::Refused(Refusal::TokenExpired)));
}

async fn a_service_token_needs_an_app_and_an_end(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let app = node.app(&realm, DAGSTER, everyone()).await.id;
    let forever = 100 * 365 * 24 * 3600;
    for (apps, seconds) in [(vec![], 60), (vec![app.clone()], 0), (vec![app.clone()], -1), (vec![app.clone()], forever)]
    {
        let ctx = node.ctx();
        let name = TokenName::parse("ci").expect("a name");
        let made = node.change(async |tx| tokens::create(&node.door, &ctx, tx, &realm.id, (name, apps, seconds)).await);
        assert!(made.await.is_err(), "{seconds}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM service_tokens").await, 0);
}

async fn names_are_taken_per_realm_and_addresses_everywhere(ground: Ground) {
    let node = ground.node().await;
    let (main, other) = (node.realm("main").await, node.realm("other").await);
    node.user(&main, "alice").await;
    node.user(&other, "alice").await;
    let app = node.app(&main, DAGSTER, everyone()).await;
    let taken = node
        .change(async |tx| {
            let rest = (everyone(), app.settings.clone());
            doorward_engine::manage::apps::create(&node.door, tx, &other.id, app.slug.clone(), rest).await
        })
        .await;
    assert!(taken.is_err_and(|refused| refused.to_string().contains(DAGSTER)));
}

async fn a_realm_in_memory_has_its_new_title_at_once_here_and_elsewhere_when_the_feed_says_so(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let name = RealmName::parse("main").expect("a name");
    let title = async |node: &Node| {
        let found = realms::find(&node.door, node.world.now(), &name).await.expect("a database");
        found.map(|realm| realm.title.to_string())
    };
    assert_eq!((title(&a).await, title(&b).await), (None, None), "what is not there is not remembered");
    let realm = a.realm("main").await;
    b.follow().await;
    let before = realm.title.to_string();
    assert_eq!((title(&a).await, title(&b).await), (Some(before.clone()), Some(before)));
    let new = DisplayText::parse("The new title").expect("a title");
    a.change(async |tx| manage::realms::retitle(tx, &realm, &new).await).await;
    assert_eq!(title(&a).await.as_deref(), Some("The new title"));
    b.follow().await;
    assert_eq!(title(&b).await.as_deref(), Some("The new title"));
}

async fn a_node_that_was_cut_off_for_too_long_knows_no_realm(ground: Ground) {
    let node = ground.deaf_node().await;
    node.realm("main").await;
    let name = RealmName::parse("main").expect("a name");
    let found = async || realms::find(&node.door, node.world.now(), &name).await;
    assert!(found().await.is_ok_and(|realm| realm.is_some()));
    ground.world.advance_seconds(61);
    assert!(found().await.is_err_and(|fault| fault.kind() == FaultKind::Unavailable));
    node.follow().await;
    assert!(found().await.is_ok_and(|realm| realm.is_some()));
}

on_both!(together:
    a_realm_in_memory_has_its_new_title_at_once_here_and_elsewhere_when_the_feed_says_so,
    a_node_that_was_cut_off_for_too_long_knows_no_realm,
    a_user_of_one_realm_never_passes_an_app_of_another,
    a_pass_to_one_app_opens_no_other,
    a_pass_opens_one_host_of_an_app_and_one_app_of_a_host,
    a_shared_pass_opens_apps_below_its_domain_while_that_mode_is_on,
    a_service_token_opens_its_apps_until_it_is_over,
    a_service_token_needs_an_app_and_an_end,
    names_are_taken_per_realm_and_addresses_everywhere,
);
