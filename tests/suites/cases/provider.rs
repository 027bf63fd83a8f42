//! Codes, refresh tokens and what ends them, on two nodes of one database: each is good once, each ends
//! with what it rests on.

use std::sync::Arc;

use doorward_engine::authorize::consent::Agreed;
use doorward_engine::authorize::issue::Answer;
use doorward_engine::authorize::{Fresh, Next, Return, acceptable, address, go_on};
use doorward_engine::clients::{Client, ClientKind, ClientSettings, ConsentMode, GrantType, Lifetimes};
use doorward_engine::manage::{clients, find, groups, users};
use doorward_engine::sessions;
use doorward_engine::token::check::check;
use doorward_engine::token::exchange_code::{Ask, exchange_code};
use doorward_engine::token::mint::DEFAULT_ALGORITHM;
use doorward_engine::token::refresh::{self, refresh};
use doorward_engine::token::revoke::revoke;
use doorward_engine::token::{Refused, Tokens};
use doorward_engine::upkeep;
use doorward_model::app::Access;
use doorward_model::name::{ClientName, RealmName};
use doorward_model::people::{Realm, Source};
use doorward_oauth::authorize::{AuthorizeRequest, Entry};
use doorward_oauth::error::ErrorCode;
use doorward_oauth::parameters::Parameters;
use doorward_oauth::redirect::{Http, RedirectRule};
use doorward_store::events::{self, Wanted};
use doorward_store::sessions::SignedIn;

use crate::fixture::{Ground, Node};
use crate::people::at_once;

pub const CALLBACK: &str = "https://grafana.example.com/login/generic_oauth";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A node's provider.
#[derive(Clone)]
pub struct Provider {
    pub node: Arc<Node>,
    pub realm: Realm,
}

pub fn settings(access: Access) -> ClientSettings {
    ClientSettings {
        redirect_uris: vec![RedirectRule::parse_exact(CALLBACK, Http::Allowed).expect("a redirect URI")],
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        access,
        ..ClientSettings::default()
    }
}

pub fn everyone() -> Access {
    Access { everyone: true, ..Access::default() }
}

impl Provider {
    pub async fn on(node: &Arc<Node>) -> Provider {
        Provider::of(node, "main").await
    }

    pub async fn of(node: &Arc<Node>, realm: &str) -> Provider {
        let name = RealmName::parse(realm).expect("a name");
        let realm = find::realm(&node.door, &name).await.expect("a database").expect("the realm");
        let ctx = node.ctx();
        node.door.keys.ensure(&node.door, &ctx, &realm.id, DEFAULT_ALGORITHM).await.expect("a key");
        Provider { node: node.clone(), realm }
    }

    pub async fn client(&self, name: &str, settings: ClientSettings) -> Client {
        let (door, ctx) = (&self.node.door, self.node.ctx());
        let mut tx = door.begin().await.expect("a transaction");
        let name = ClientName::parse(name).expect("a client id");
        let made = clients::create(door, &ctx, &mut tx, &self.realm.id, (name, None, settings)).await;
        let (client, _) = made.expect("a database").unwrap_or_else(|refused| panic!("{refused}"));
        door.commit(&ctx, tx).await.expect("a commit");
        client
    }

    pub fn query(client: &Client, more: &str) -> String {
        format!(
            "client_id={}&redirect_uri={CALLBACK}&response_type=code&scope=openid+profile&state=s&nonce=n\
             &code_challenge={CHALLENGE}&code_challenge_method=S256{more}",
            client.name
        )
    }

    pub async fn ask(&self, query: &str, by: Option<&SignedIn>, state: (Fresh, Agreed)) -> Next {
        let (door, ctx) = (&self.node.door, self.node.ctx());
        let parameters = Parameters::parse_query(query).expect("parameters");
        let entry = Entry::parse(&parameters).expect("an entry");
        let back: Return = address(door, &self.realm, &entry).await.expect("a database").expect("an address");
        let request = AuthorizeRequest::parse(&parameters).expect("a request");
        acceptable(&back, &request).expect("an acceptable request");
        go_on(door, &ctx, (&back, &request), by, state).await.expect("a database")
    }

    pub async fn code(&self, client: &Client, by: &SignedIn, more: &str) -> String {
        self.code_of(&Self::query(client, more), by).await
    }

    pub async fn code_of(&self, query: &str, by: &SignedIn) -> String {
        match self.ask(query, Some(by), (Fresh::No, Agreed::NotAsked)).await {
            Next::Answer(Answer { code: Some(code), .. }) => code.reveal().to_owned(),
            Next::Error(error) => panic!("{error}"),
            _ => panic!("no code"),
        }
    }

    pub async fn exchange(&self, client: &Client, code: &str) -> Result<Tokens, Refused> {
        let ask = Ask { code, redirect_uri: Some(CALLBACK), verifier: Some(VERIFIER), key: None, details: None };
        exchange_code(&self.node.door, &self.node.ctx(), "main", client, ask).await.expect("a database")
    }

    pub async fn refresh(&self, client: &Client, token: &str) -> Result<Tokens, Refused> {
        let ask = refresh::Ask { token, narrower: None, key: None, details: None };
        refresh(&self.node.door, &self.node.ctx(), "main", client, ask).await.expect("a database")
    }

    pub async fn is_good(&self, access: &str) -> bool {
        check(&self.node.door, &self.node.ctx(), &self.realm, access).await.expect("a database").is_some()
    }
}

pub fn refresh_of(tokens: &Tokens) -> String {
    tokens.refresh.as_ref().map(|(token, _)| token.reveal().to_owned()).expect("a refresh token")
}

pub fn is_invalid_grant(outcome: Result<Tokens, Refused>) -> bool {
    outcome.err().is_some_and(|error| error.code() == ErrorCode::InvalidGrant)
}

async fn gauntlet_b3_02_fifty_redemptions_of_one_code_give_tokens_once_and_the_replay_takes_them_back(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    for round in 0..10 {
        let code = at_a.code(&client, &alice, "").await;
        let nodes = [&a, &b];
        let won = at_once(&nodes, 50, |_, number| {
            let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
            let (code, client) = (code.clone(), client.clone());
            async move { at.exchange(&client, &code).await.ok() }
        });
        let won: Vec<Tokens> = won.await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "round {round}");
        // The others were replays: nothing of what the first one got is good any more.
        for tokens in &won {
            assert!(!at_a.is_good(&tokens.access).await && !at_b.is_good(&tokens.access).await);
            assert!(is_invalid_grant(at_b.refresh(&client, &refresh_of(tokens)).await));
        }
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 0);
}

async fn gauntlet_b3_01_codes_and_refresh_tokens_belong_to_their_client(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let mine = provider.client("grafana", settings(everyone())).await;
    let other = provider.client("superset", settings(everyone())).await;
    let code = provider.code(&mine, &alice, "").await;
    assert!(is_invalid_grant(provider.exchange(&other, &code).await));
    // Another client's try neither uses the code up nor ends anything.
    let Ok(tokens) = provider.exchange(&mine, &code).await else { panic!("the code is good") };
    assert!(is_invalid_grant(provider.refresh(&other, &refresh_of(&tokens)).await));
    assert!(provider.is_good(&tokens.access).await);
    assert!(provider.refresh(&mine, &refresh_of(&tokens)).await.is_ok());
}

async fn gauntlet_b3_07_cut_or_respelled_tokens_are_unknown(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let client = provider.client("grafana", settings(everyone())).await;
    let code = provider.code(&client, &alice, "").await;
    let Ok(tokens) = provider.exchange(&client, &code).await else { panic!("the code is good") };
    let (token, access) = (refresh_of(&tokens), &tokens.access);
    for text in [&token[..token.len() - 1], &token[1..], &format!("{token}="), &token.to_uppercase(), "", " "] {
        assert!(is_invalid_grant(provider.refresh(&client, text).await), "{text}");
    }
    for text in [&access[..access.len() - 1], &access[1..], &format!("{access}="), &access.replace('.', "..")] {
        assert!(!provider.is_good(text).await, "{text}");
    }
    assert!(provider.is_good(access).await && provider.refresh(&client, &token).await.is_ok());
}

async fn gauntlet_b3_04_one_refresh_token_has_one_successor_and_a_late_replay_ends_the_line(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    let code = at_a.code(&client, &alice, "").await;
    let Ok(first) = at_a.exchange(&client, &code).await else { panic!("the code is good") };
    let token = refresh_of(&first);
    let nodes = [&a, &b];
    let successors = at_once(&nodes, 50, |_, number| {
        let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
        let (token, client) = (token.clone(), client.clone());
        async move { at.refresh(&client, &token).await.map(|tokens| refresh_of(&tokens)) }
    });
    let successors: Vec<_> = successors.await.into_iter().map(|outcome| outcome.expect("within the grace")).collect();
    assert!(successors.windows(2).all(|pair| pair[0] == pair[1]), "two successors of one token");
    assert_eq!(ground.number("SELECT COUNT(*) FROM refresh_tokens WHERE used_ms IS NULL").await, 1);
    let Some(successor) = successors.first() else { panic!("no successor") };
    let Ok(second) = at_b.refresh(&client, successor).await else { panic!("the successor is good") };
    ground.advance(6).await;
    assert!(is_invalid_grant(at_b.refresh(&client, &token).await), "a copy, long after");
    assert!(is_invalid_grant(at_a.refresh(&client, &refresh_of(&second)).await), "the whole line has ended");
    assert!(!at_a.is_good(&second.access).await);
    let kinds = ground.texts("SELECT kind FROM events WHERE kind = 'refresh_replayed'").await;
    assert_eq!(kinds.len(), 1);
}

async fn gauntlet_b3_05_tokens_end_with_the_user_the_group_the_session_and_the_client(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let group = node.group(&realm, "grafana-users").await;
    let rule = Access { groups: vec![group.id.clone()], ..Access::default() };
    let client = provider.client("grafana", settings(rule)).await;
    for (name, more) in [("online", ""), ("offline", "&scope=openid+offline_access")] {
        for ending in ["disabled", "group", "session", "password"] {
            let user = node.user(&realm, &format!("{name}-{ending}")).await;
            node.join(&group, &user).await;
            let session = node.session(&user).await;
            let query = Provider::query(&client, "")
                .replace("&scope=openid+profile", if more.is_empty() { "&scope=openid" } else { more });
            let Next::Answer(Answer { code: Some(code), .. }) =
                provider.ask(&query, Some(&session), (Fresh::No, Agreed::NotAsked)).await
            else {
                panic!("no code")
            };
            let Ok(tokens) = provider.exchange(&client, code.reveal()).await else { panic!("the code is good") };
            assert!(provider.is_good(&tokens.access).await, "{name} {ending}");
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
                _ => node.change(async |tx| users::set_password(tx, &user, "-", None).await).await,
            }
            // An offline token outlives the session it came from, and nothing else.
            let lives = name == "offline" && ending == "session";
            assert_eq!(provider.is_good(&tokens.access).await, lives, "{name} {ending}");
            let refreshed = provider.refresh(&client, &refresh_of(&tokens)).await;
            assert_eq!(refreshed.is_ok(), lives, "{name} {ending}");
        }
    }
}

async fn a_code_needs_its_verifier_its_address_and_its_minute(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let client = provider.client("grafana", settings(everyone())).await;
    let wrong = [
        (Some(CALLBACK), None),
        (Some(CALLBACK), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")),
        (None, Some(VERIFIER)),
        (Some("https://grafana.example.com/login/generic_oauth/"), Some(VERIFIER)),
    ];
    for (redirect_uri, verifier) in wrong {
        let code = provider.code(&client, &alice, "").await;
        let ask = Ask { code: &code, redirect_uri, verifier, key: None, details: None };
        let outcome = exchange_code(&node.door, &node.ctx(), "main", &client, ask).await.expect("a database");
        assert!(is_invalid_grant(outcome), "{redirect_uri:?} {verifier:?}");
        assert!(is_invalid_grant(provider.exchange(&client, &code).await), "a code shown wrongly is spent");
    }
    let code = provider.code(&client, &alice, "").await;
    ground.advance(61).await;
    assert!(is_invalid_grant(provider.exchange(&client, &code).await), "too late");
}

async fn the_record_is_searched_by_client(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    // Names of which one holds the other, and one with what stands for any letter in a search.
    let names = ["my_tool", "my-tool", "my_tool:8080", "tool"];
    for name in names {
        let client = provider.client(name, settings(everyone())).await;
        let code = provider.code(&client, &alice, "").await;
        let tokens = provider.exchange(&client, &code).await.unwrap_or_else(|error| panic!("{error}"));
        provider.refresh(&client, &refresh_of(&tokens)).await.unwrap_or_else(|error| panic!("{error}"));
    }
    for name in names {
        let name = ClientName::parse(name).expect("a name");
        let found = doorward_engine::clients::find(&node.door, &realm.id, &name).await.expect("a database");
        let wanted =
            Wanted { client: Some((found.expect("the client").id.clone(), name.clone())), ..Wanted::default() };
        let mut query = &node.door.store;
        let told = events::matching(&mut query, 100, &wanted).await.expect("a database");
        let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
        for kind in ["client_created", "code_issued", "code_to_token", "token_refreshed"] {
            assert_eq!(kinds.iter().filter(|known| **known == kind).count(), 1, "{kind} of {name}: {kinds:?}");
        }
    }
}

async fn people_are_asked_to_sign_in_and_to_agree_where_a_request_needs_it(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let explicit = ClientSettings { consent: ConsentMode::Explicit, ..settings(everyone()) };
    let (client, asking) =
        (provider.client("grafana", settings(everyone())).await, provider.client("notes", explicit).await);
    let old = (Fresh::No, Agreed::NotAsked);
    let query = |client: &Client, more: &str| Provider::query(client, more);
    assert!(matches!(provider.ask(&query(&client, ""), None, old).await, Next::SignIn));
    assert!(matches!(provider.ask(&query(&client, "&prompt=login"), Some(&alice), old).await, Next::SignIn));
    let fresh = (Fresh::Yes, Agreed::NotAsked);
    assert!(matches!(provider.ask(&query(&client, "&prompt=login"), Some(&alice), fresh).await, Next::Answer(_)));
    ground.advance(100).await;
    assert!(matches!(provider.ask(&query(&client, "&max_age=60"), Some(&alice), old).await, Next::SignIn));
    let now = node.session(&node.user(&realm, "eve").await).await;
    let at_once = provider.ask(&query(&client, "&max_age=0"), Some(&now), old).await;
    assert!(matches!(at_once, Next::SignIn), "0 asks everybody, also who signed in this second");
    assert!(matches!(provider.ask(&query(&client, "&max_age=200"), Some(&alice), old).await, Next::Answer(_)));
    let error = |next: Next| if let Next::Error(error) = next { Some(error.code()) } else { None };
    let quiet = provider.ask(&query(&client, "&prompt=none"), None, old).await;
    assert_eq!(error(quiet), Some(ErrorCode::LoginRequired));
    let quiet = provider.ask(&query(&asking, "&prompt=none"), Some(&alice), old).await;
    assert_eq!(error(quiet), Some(ErrorCode::ConsentRequired));
    assert!(matches!(provider.ask(&query(&asking, ""), Some(&alice), old).await, Next::Consent));
    assert!(matches!(
        provider.ask(&query(&asking, ""), Some(&alice), (Fresh::Yes, Agreed::Now)).await,
        Next::Answer(_)
    ));
    assert!(matches!(provider.ask(&query(&asking, ""), Some(&alice), old).await, Next::Answer(_)), "it is remembered");
    let more = query(&asking, "").replace("openid+profile", "openid+profile+offline_access");
    assert!(matches!(provider.ask(&more, Some(&alice), old).await, Next::Consent), "and covers no more than it did");
}

async fn a_client_without_a_rule_admits_nobody_and_a_public_one_needs_pkce(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let closed = provider.client("closed", settings(Access::default())).await;
    let asked = provider.ask(&Provider::query(&closed, ""), Some(&alice), (Fresh::No, Agreed::NotAsked)).await;
    assert!(matches!(asked, Next::Refused(_)));
    let public = ClientSettings { kind: ClientKind::Public, ..settings(everyone()) };
    let public = provider.client("spa", public).await;
    let query =
        Provider::query(&public, "").replace(&format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"), "");
    let parameters = Parameters::parse_query(&query).expect("parameters");
    let entry = Entry::parse(&parameters).expect("an entry");
    let back = address(&node.door, &provider.realm, &entry).await.expect("a database").expect("an address");
    let request = AuthorizeRequest::parse(&parameters).expect("a request");
    assert!(acceptable(&back, &request).is_err_and(|error| error.code() == ErrorCode::InvalidRequest));
}

async fn a_revoked_token_is_over_at_once_on_every_node(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    let tokens = async || {
        let code = at_a.code(&client, &alice, "").await;
        at_a.exchange(&client, &code).await.unwrap_or_else(|error| panic!("{error}"))
    };
    let (one, two) = (tokens().await, tokens().await);
    revoke(&a.door, &a.ctx(), &at_a.realm, &client, &one.access).await.expect("a database");
    assert!(!at_b.is_good(&one.access).await && at_b.is_good(&two.access).await);
    assert!(at_b.refresh(&client, &refresh_of(&one)).await.is_ok(), "the line goes on");
    revoke(&a.door, &a.ctx(), &at_a.realm, &client, &refresh_of(&two)).await.expect("a database");
    assert!(!at_b.is_good(&two.access).await && is_invalid_grant(at_b.refresh(&client, &refresh_of(&two)).await));
}

async fn a_confidential_client_of_old_may_do_without_pkce_and_then_takes_no_verifier(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let client = provider.client("old", ClientSettings { pkce_optional: true, ..settings(everyone()) }).await;
    let bare =
        Provider::query(&client, "").replace(&format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"), "");
    for (verifier, is_good) in [(None, true), (Some(VERIFIER), false)] {
        let asked = provider.ask(&bare, Some(&alice), (Fresh::No, Agreed::NotAsked)).await;
        let Next::Answer(Answer { code: Some(code), .. }) = asked else { panic!("no code") };
        let ask = Ask { code: code.reveal(), redirect_uri: Some(CALLBACK), verifier, key: None, details: None };
        let outcome = exchange_code(&node.door, &node.ctx(), "main", &client, ask).await.expect("a database");
        assert_eq!(outcome.is_ok(), is_good, "{verifier:?}");
    }
}

async fn work_in_a_tool_keeps_the_session_and_idleness_ends_it_with_its_tokens(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let lifetimes = Lifetimes { access_seconds: Some(36_000), refresh_seconds: Some(36_000), ..Lifetimes::default() };
    let client = provider.client("grafana", ClientSettings { lifetimes, ..settings(everyone()) }).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let code = provider.code(&client, &alice, "").await;
    let Ok(mut tokens) = provider.exchange(&client, &code).await else { panic!("the code is good") };
    for _ in 0..3 {
        ground.advance(20 * 60).await;
        tokens = match provider.refresh(&client, &refresh_of(&tokens)).await {
            Ok(tokens) => tokens,
            Err(error) => panic!("{error}"),
        };
        upkeep::note_seen(&node.door, &node.ctx()).await.expect("a database");
    }
    ground.advance(31 * 60).await;
    assert!(is_invalid_grant(provider.refresh(&client, &refresh_of(&tokens)).await), "idle for too long");
    assert!(!provider.is_good(&tokens.access).await);
}

async fn an_offline_token_ends_a_fixed_time_after_it_was_first_given(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("grafana", settings(everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let query = Provider::query(&client, "").replace("openid+profile", "openid+offline_access");
    let Next::Answer(Answer { code: Some(code), .. }) =
        provider.ask(&query, Some(&alice), (Fresh::No, Agreed::NotAsked)).await
    else {
        panic!("no code")
    };
    let Ok(tokens) = provider.exchange(&client, code.reveal()).await else { panic!("the code is good") };
    ground.advance(20 * 86_400).await;
    let Ok(tokens) = provider.refresh(&client, &refresh_of(&tokens)).await else { panic!("twenty days are in time") };
    ground.advance(11 * 86_400).await;
    assert!(is_invalid_grant(provider.refresh(&client, &refresh_of(&tokens)).await), "thirty-one days are not");
}

on_both!(together:
    work_in_a_tool_keeps_the_session_and_idleness_ends_it_with_its_tokens,
    an_offline_token_ends_a_fixed_time_after_it_was_first_given,
    a_confidential_client_of_old_may_do_without_pkce_and_then_takes_no_verifier,
    gauntlet_b3_02_fifty_redemptions_of_one_code_give_tokens_once_and_the_replay_takes_them_back,
    gauntlet_b3_01_codes_and_refresh_tokens_belong_to_their_client,
    gauntlet_b3_07_cut_or_respelled_tokens_are_unknown,
    gauntlet_b3_04_one_refresh_token_has_one_successor_and_a_late_replay_ends_the_line,
    gauntlet_b3_05_tokens_end_with_the_user_the_group_the_session_and_the_client,
    a_code_needs_its_verifier_its_address_and_its_minute,
    the_record_is_searched_by_client,
    people_are_asked_to_sign_in_and_to_agree_where_a_request_needs_it,
    a_client_without_a_rule_admits_nobody_and_a_public_one_needs_pkce,
    a_revoked_token_is_over_at_once_on_every_node,
);
