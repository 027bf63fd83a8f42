//! Sign-in at another screen, on two nodes of one database: who may let a device in, how often it may ask, and
//! that its code is good once.

use doorward_engine::clients::{Client, ClientSettings, ConsentMode, GrantType};
use doorward_engine::device::{Answer, Answered, Typed, Wanted, answer, start, type_code};
use doorward_engine::manage::{self, groups, users};
use doorward_engine::sessions;
use doorward_engine::token::Tokens;
use doorward_engine::token::device_code::device_code;
use doorward_model::app::Access;
use doorward_model::people::Source;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use doorward_store::sessions::SignedIn;

use crate::fixture::Ground;
use crate::people::{at_once, only};
use crate::provider::{Provider, everyone, refresh_of};

/// A device that waits.
#[derive(Clone)]
pub struct Device {
    pub device_code: String,
    pub user_code: String,
}

pub fn of_devices(access: Access) -> ClientSettings {
    ClientSettings { grants: vec![GrantType::DeviceCode, GrantType::RefreshToken], access, ..ClientSettings::default() }
}

fn wanted(scopes: &str) -> Wanted {
    Wanted { scopes: Scopes::parse(scopes).expect("scopes"), resources: Vec::new() }
}

impl Provider {
    async fn try_start(&self, client: &Client, wanted: &Wanted) -> Result<Device, OAuthError> {
        let started = start(&self.node.door, &self.node.ctx(), &self.realm, client, wanted).await.expect("a database");
        started.map(|started| Device {
            device_code: started.device_code.reveal().to_owned(),
            user_code: started.user_code.to_string(),
        })
    }

    pub async fn device(&self, client: &Client, scopes: &str) -> Device {
        self.try_start(client, &wanted(scopes)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn type_code(&self, by: &SignedIn, code: &str) -> Typed {
        type_code(&self.node.door, &self.node.ctx(), &self.realm, (by, code)).await.expect("a database")
    }

    /// The sealed question somebody gets for a code.
    pub async fn question(&self, by: &SignedIn, device: &Device) -> String {
        match self.type_code(by, &device.user_code).await {
            Typed::Question(question) => question.sealed,
            Typed::Unknown => panic!("an unknown code"),
            Typed::Throttled { .. } => panic!("too many codes"),
            Typed::Refused { .. } => panic!("not admitted"),
        }
    }

    pub async fn answer(&self, by: &SignedIn, sealed: &str, said: Answer) -> Answered {
        answer(&self.node.door, &self.node.ctx(), &self.realm, (by, sealed), said).await.expect("a database")
    }

    pub async fn allow(&self, by: &SignedIn, device: &Device) {
        let sealed = self.question(by, device).await;
        assert!(matches!(self.answer(by, &sealed, Answer::Allow).await, Answered::Allowed(_)));
    }

    pub async fn poll(&self, client: &Client, device: &Device) -> Result<Tokens, ErrorCode> {
        let code = &device.device_code;
        let outcome =
            device_code(&self.node.door, &self.node.ctx(), "main", client, (code, None)).await.expect("a database");
        outcome.map_err(|error| error.code())
    }

    pub async fn told(&self, client: &Client, device: &Device) -> Option<ErrorCode> {
        self.poll(client, device).await.err()
    }
}

async fn gauntlet_b3_13_fifty_redemptions_of_one_device_code_give_tokens_once(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("cli", of_devices(everyone())).await;
    b.follow().await;
    for round in 0..10 {
        let device = at_a.device(&client, "openid").await;
        at_b.allow(&alice, &device).await;
        let nodes = [&a, &b];
        let won = at_once(&nodes, 50, |_, number| {
            let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
            let (device, client) = (device.clone(), client.clone());
            async move { at.poll(&client, &device).await }
        });
        let (won, lost): (Vec<_>, Vec<_>) = won.await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "round {round}");
        assert!(lost.iter().all(|outcome| outcome.as_ref().is_err_and(|code| *code == ErrorCode::InvalidGrant)));
        let Some(Ok(tokens)) = won.first() else { panic!("no tokens") };
        assert!(at_a.is_good(&tokens.access).await && at_b.is_good(&tokens.access).await);
        assert!(tokens.id.is_some() && at_b.refresh(&client, &refresh_of(tokens)).await.is_ok());
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 10);
}

async fn gauntlet_b3_13_a_code_is_answered_once_in_the_session_that_was_asked_and_by_its_own_client(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (alice, bob) = (node.user(&realm, "alice").await, node.user(&realm, "bob").await);
    let (alice, bob) = (node.session(&alice).await, node.session(&bob).await);
    let provider = Provider::on(&node).await;
    let mine = provider.client("cli", of_devices(everyone())).await;
    let other = provider.client("other", of_devices(everyone())).await;
    let device = provider.device(&mine, "openid").await;
    assert_eq!(provider.told(&other, &device).await, Some(ErrorCode::InvalidGrant), "another client's");
    let sealed = provider.question(&alice, &device).await;
    assert!(matches!(provider.answer(&bob, &sealed, Answer::Allow).await, Answered::Over), "another session");
    assert!(matches!(provider.answer(&alice, &sealed[1..], Answer::Allow).await, Answered::Over));
    assert_eq!(provider.told(&mine, &device).await, Some(ErrorCode::AuthorizationPending));
    assert!(matches!(provider.answer(&alice, &sealed, Answer::Deny).await, Answered::Denied(_)));
    assert!(matches!(provider.answer(&alice, &sealed, Answer::Allow).await, Answered::Over), "a second answer");
    assert!(matches!(provider.type_code(&alice, &device.user_code).await, Typed::Unknown), "an answered code");
    assert_eq!(provider.told(&mine, &device).await, Some(ErrorCode::AccessDenied));
    // Two people answer the same question at once: the first one counts.
    let device = provider.device(&mine, "openid").await;
    let (of_alice, of_bob) = (provider.question(&alice, &device).await, provider.question(&bob, &device).await);
    assert!(matches!(provider.answer(&alice, &of_alice, Answer::Allow).await, Answered::Allowed(_)));
    assert!(matches!(provider.answer(&bob, &of_bob, Answer::Allow).await, Answered::Over));
    assert_eq!(provider.told(&other, &device).await, Some(ErrorCode::InvalidGrant), "allowed, and another client's");
    let Ok(tokens) = provider.poll(&mine, &device).await else { panic!("it was allowed") };
    assert!(provider.is_good(&tokens.access).await);
    for cut in [&device.device_code[1..], &device.device_code[..device.device_code.len() - 1], "", "x"] {
        let cut = Device { device_code: cut.to_owned(), user_code: String::new() };
        assert_eq!(provider.told(&mine, &cut).await, Some(ErrorCode::InvalidGrant));
    }
}

async fn gauntlet_b3_13_a_device_that_hurries_waits_longer_on_every_node_and_its_code_ends(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("cli", of_devices(everyone())).await;
    b.follow().await;
    let device = at_a.device(&client, "openid").await;
    let (pending, slow) = (Some(ErrorCode::AuthorizationPending), Some(ErrorCode::SlowDown));
    assert_eq!(at_a.told(&client, &device).await, pending);
    ground.advance(5).await;
    assert_eq!(at_b.told(&client, &device).await, pending);
    ground.advance(4).await;
    assert_eq!(at_a.told(&client, &device).await, slow, "four seconds after the other node was asked");
    // Five seconds more from now on: ten after the last ask that was in time.
    ground.advance(5).await;
    assert_eq!(at_b.told(&client, &device).await, slow, "nine seconds");
    ground.advance(6).await;
    assert_eq!(at_a.told(&client, &device).await, pending, "fifteen seconds");
    ground.advance(14).await;
    assert_eq!(at_a.told(&client, &device).await, slow, "fourteen of fifteen");
    // Once somebody has answered there is nothing to wait for.
    at_a.allow(&alice, &device).await;
    assert!(at_b.poll(&client, &device).await.is_ok());
    let late = at_a.device(&client, "openid").await;
    ground.advance(599).await;
    at_a.allow(&alice, &late).await;
    ground.advance(1).await;
    assert_eq!(at_a.told(&client, &late).await, Some(ErrorCode::ExpiredToken));
    let later = at_a.device(&client, "openid").await;
    ground.advance(600).await;
    assert!(matches!(at_a.type_code(&alice, &later.user_code).await, Typed::Unknown));
}

async fn gauntlet_b3_13_and_b3_14_the_rule_is_asked_at_approval_and_at_redemption(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let group = node.group(&realm, "cli-users").await;
    let client = provider.client("cli", of_devices(only(&group))).await;
    let denied = Some(ErrorCode::AccessDenied);
    // Somebody without the group types the code: the device hears no.
    let outsider = node.session(&node.user(&realm, "outsider").await).await;
    let device = provider.device(&client, "openid").await;
    assert!(matches!(provider.type_code(&outsider, &device.user_code).await, Typed::Refused { .. }));
    assert_eq!(provider.told(&client, &device).await, denied);
    for ending in ["disabled", "group", "session", "deleted"] {
        for moment in ["before the answer", "before the tokens"] {
            let name = format!("{ending}-{}", moment.replace(' ', "-"));
            let user = node.user(&realm, &name).await;
            node.join(&group, &user).await;
            let session = node.session(&user).await;
            let device = provider.device(&client, "openid offline_access").await;
            let sealed = provider.question(&session, &device).await;
            if moment == "before the tokens" {
                assert!(matches!(provider.answer(&session, &sealed, Answer::Allow).await, Answered::Allowed(_)));
            }
            match ending {
                "disabled" => assert!(node.change(async |tx| users::disable(tx, &user).await).await),
                "group" => {
                    let left = async |tx: &mut _| groups::remove_member(tx, &group, &user, &Source::Local).await;
                    assert!(node.change(left).await);
                }
                "session" => {
                    let ended = sessions::end(&node.door, &node.ctx(), &session.session.id, "a test said so").await;
                    assert!(ended.expect("a database"));
                }
                _ => node.change(async |tx| users::delete(tx, &user).await).await,
            }
            if moment == "before the answer" {
                let answered = provider.answer(&session, &sealed, Answer::Allow).await;
                assert!(matches!(answered, Answered::Refused(..) | Answered::Over), "{name}");
                let told = provider.told(&client, &device).await;
                let is_no = told == denied || told == Some(ErrorCode::AuthorizationPending);
                assert!(is_no, "{name}: {told:?}");
            } else {
                assert_eq!(provider.told(&client, &device).await, denied, "{name}");
            }
        }
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 0);
}

async fn gauntlet_b3_12_a_device_asks_for_no_more_than_its_client_may(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let declared = ClientSettings { scopes: vec!["catalog:read".to_owned()], ..of_devices(everyone()) };
    let client = provider.client("cli", declared).await;
    for bad in ["catalog:write", "openid catalog:read catalog:write", "OPENID", "admin"] {
        let refused = provider.try_start(&client, &wanted(bad)).await.err().map(|error| error.code());
        assert_eq!(refused, Some(ErrorCode::InvalidScope), "{bad}");
    }
    let elsewhere = Wanted { resources: vec!["https://api.example.com/".to_owned()], ..wanted("openid") };
    let refused = provider.try_start(&client, &elsewhere).await.err().map(|error| error.code());
    assert_eq!(refused, Some(ErrorCode::InvalidTarget));
    let device = provider.device(&client, "openid catalog:read").await;
    provider.allow(&alice, &device).await;
    let Ok(tokens) = provider.poll(&client, &device).await else { panic!("it was allowed") };
    assert_eq!(tokens.scopes.to_string(), "openid catalog:read basic profile email groups roles");
    assert_eq!(ground.number("SELECT COUNT(*) FROM device_codes").await, 1);
}

async fn gauntlet_b3_13_wrong_codes_are_counted_for_the_session_and_for_the_network(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let user = node.user(&realm, "alice").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("cli", of_devices(everyone())).await;
    let device = provider.device(&client, "openid").await;
    let wrong = "ZZZZ-ZZZZ";
    let first = node.session(&user).await;
    // A right code, however often it is typed, takes no try.
    for _ in 0..20 {
        provider.question(&first, &device).await;
    }
    for number in 0..10 {
        assert!(matches!(provider.type_code(&first, wrong).await, Typed::Unknown), "{number}");
    }
    assert!(matches!(provider.type_code(&first, &device.user_code).await, Typed::Throttled { .. }));
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'device_throttled'").await, 1);
    // What is no code at all tells nothing and counts nothing.
    let second = node.session(&user).await;
    for _ in 0..20 {
        assert!(matches!(provider.type_code(&second, "hello").await, Typed::Unknown));
    }
    provider.question(&second, &device).await;
    for _ in 0..9 {
        let session = node.session(&user).await;
        for _ in 0..10 {
            assert!(matches!(provider.type_code(&session, wrong).await, Typed::Unknown));
        }
    }
    let fresh = node.session(&user).await;
    assert!(matches!(provider.type_code(&fresh, &device.user_code).await, Typed::Throttled { .. }), "the network");
    ground.advance(601).await;
    let device = provider.device(&client, "openid").await;
    provider.question(&fresh, &device).await;
}

async fn gauntlet_b3_13_parallel_guesses_do_not_run_past_the_limit(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let session = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let nodes = [&a, &b];
    let outcomes = at_once(&nodes, 50, |_, number| {
        let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
        let session = session.clone();
        async move { matches!(at.type_code(&session, "ZZZZ-ZZZZ").await, Typed::Unknown) }
    });
    assert_eq!(outcomes.await.into_iter().filter(|was_tried| *was_tried).count(), 10);
}

async fn what_a_device_got_ends_with_the_session_that_allowed_it_unless_it_is_offline(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("cli", of_devices(everyone())).await;
    for (scopes, lives) in [("openid", false), ("openid offline_access", true)] {
        let session = node.session(&node.user(&realm, &format!("alice-{lives}")).await).await;
        let device = provider.device(&client, scopes).await;
        provider.allow(&session, &device).await;
        let Ok(tokens) = provider.poll(&client, &device).await else { panic!("it was allowed") };
        assert!(provider.is_good(&tokens.access).await);
        let ended = sessions::end(&node.door, &node.ctx(), &session.session.id, "a test said so").await;
        assert!(ended.expect("a database"));
        assert_eq!(provider.is_good(&tokens.access).await, lives, "{scopes}");
        assert_eq!(provider.refresh(&client, &refresh_of(&tokens)).await.is_ok(), lives, "{scopes}");
    }
}

async fn what_was_allowed_is_worth_nothing_once_the_session_has_idled_out(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("cli", of_devices(everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    ground.advance(alice.session.idle_seconds - 60).await;
    let device = provider.device(&client, "openid offline_access").await;
    provider.allow(&alice, &device).await;
    ground.advance(61).await;
    assert_eq!(provider.told(&client, &device).await, Some(ErrorCode::AccessDenied));
}

async fn a_code_of_a_client_that_lost_the_grant_is_asked_about_no_more(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("cli", of_devices(everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let device = provider.device(&client, "openid").await;
    let sealed = provider.question(&alice, &device).await;
    let without = ClientSettings { grants: vec![GrantType::ClientCredentials], ..of_devices(everyone()) };
    let changed = Client { settings: without, ..client.clone() };
    let written = node.change(async |tx| manage::clients::update(tx, &changed).await).await;
    written.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(matches!(provider.type_code(&alice, &device.user_code).await, Typed::Unknown));
    assert!(matches!(provider.answer(&alice, &sealed, Answer::Allow).await, Answered::Over));
}

async fn letting_a_device_in_is_an_agreement_that_is_remembered(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let asking = ClientSettings { consent: ConsentMode::Explicit, ..of_devices(everyone()) };
    let clients = [provider.client("asking", asking).await, provider.client("trusted", of_devices(everyone())).await];
    for client in &clients {
        let (device, refused) =
            (provider.device(client, "openid profile").await, provider.device(client, "openid email").await);
        provider.allow(&alice, &device).await;
        let sealed = provider.question(&alice, &refused).await;
        assert!(matches!(provider.answer(&alice, &sealed, Answer::Deny).await, Answered::Denied(_)));
    }
    assert_eq!(ground.texts("SELECT scopes FROM consents").await, ["openid profile"]);
}

async fn one_network_asks_for_so_many_codes_and_others_still_get_theirs(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("cli", of_devices(everyone())).await;
    provider.device(&client, "openid").await;
    // The counter of this network, as full as it gets.
    let most = doorward_engine::limits::DEVICES_PER_NETWORK;
    ground.raw(&format!("UPDATE throttles SET failures = {}", most - 1)).await;
    provider.device(&client, "openid").await;
    let refused = provider.try_start(&client, &wanted("openid")).await.err().map(|error| error.code());
    assert_eq!(refused, Some(ErrorCode::SlowDown));
    let (door, elsewhere) = (&node.door, node.ctx_from("203.0.113.9"));
    let started = start(door, &elsewhere, &provider.realm, &client, &wanted("openid")).await.expect("a database");
    assert!(started.is_ok(), "from elsewhere");
    ground.advance(601).await;
    provider.device(&client, "openid").await;
}

on_both!(together:
    what_was_allowed_is_worth_nothing_once_the_session_has_idled_out,
    a_code_of_a_client_that_lost_the_grant_is_asked_about_no_more,
    letting_a_device_in_is_an_agreement_that_is_remembered,
    one_network_asks_for_so_many_codes_and_others_still_get_theirs,
    gauntlet_b3_13_fifty_redemptions_of_one_device_code_give_tokens_once,
    gauntlet_b3_13_a_code_is_answered_once_in_the_session_that_was_asked_and_by_its_own_client,
    gauntlet_b3_13_a_device_that_hurries_waits_longer_on_every_node_and_its_code_ends,
    gauntlet_b3_13_and_b3_14_the_rule_is_asked_at_approval_and_at_redemption,
    gauntlet_b3_12_a_device_asks_for_no_more_than_its_client_may,
    gauntlet_b3_13_wrong_codes_are_counted_for_the_session_and_for_the_network,
    gauntlet_b3_13_parallel_guesses_do_not_run_past_the_limit,
    what_a_device_got_ends_with_the_session_that_allowed_it_unless_it_is_offline,
);
