//! What must be refused though all but one thing about it is right: each case looks at a guard that stands alone.

use doorward_engine::authorize::asked::Asked;
use doorward_engine::authorize::consent::{self, Agreed};
use doorward_engine::authorize::issue::Answer;
use doorward_engine::authorize::pushed::push;
use doorward_engine::authorize::{Fresh, Next};
use doorward_engine::clients::mapper::{From, Mapper, Tell};
use doorward_engine::clients::{
    Assigned, ClientKind, ClientSettings, ConsentMode, GrantType, Lifetimes, ScopeSettings, SubjectKind,
};
use doorward_engine::manage::roles::{self, NewRole};
use doorward_engine::manage::{client_scopes, groups};
use doorward_engine::token::check::signed;
use doorward_engine::token::exchange_code::{Ask, exchange_code};
use doorward_engine::token::refresh::{self, refresh};
use doorward_engine::token::revoke::{end_session, revoke};
use doorward_engine::token::{Refused, Tokens, sub};
use doorward_model::limits;
use doorward_model::name::RoleName;
use doorward_model::people::Source;
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_oauth::authorize::parse_details;
use doorward_oauth::error::ErrorCode;
use doorward_oauth::parameters::Parameters;
use doorward_oauth::scope::Scopes;
use doorward_store::pushed::{self, PushedRow};
use serde_json::json;

use crate::fixture::Ground;
use crate::people::only;
use crate::provider::{CALLBACK, Provider, VERIFIER, everyone, is_invalid_grant, refresh_of, settings};
use crate::requests::{OLD, arrive, proceed};

async fn a_code_is_worth_nothing_once_its_session_has_idled_out(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    ground.advance(alice.session.idle_seconds - 10).await;
    let (one, two) = (at.code(&client, &alice, "").await, at.code(&client, &alice, "").await);
    assert!(at.exchange(&client, &one).await.is_ok(), "it has not yet");
    ground.advance(20).await;
    assert!(is_invalid_grant(at.exchange(&client, &two).await), "the row is there, and nobody was seen");
}

async fn a_code_shown_with_details_nobody_agreed_to_is_spent(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let of_type = ClientSettings { authorization_details: vec!["payment".to_owned()], ..settings(everyone()) };
    let client = at.client("ledger", of_type).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let code = at.code(&client, &alice, "&authorization_details=%5B%7B%22type%22:%22payment%22%7D%5D").await;
    let other = parse_details(r#"[{"type":"payment","amount":1}]"#).expect("details");
    let ask =
        Ask { code: &code, redirect_uri: Some(CALLBACK), verifier: Some(VERIFIER), key: None, details: Some(other) };
    let refused = exchange_code(&node.door, &node.ctx(), "main", &client, ask).await.expect("a database");
    assert_eq!(refused.err().map(|error| error.code()), Some(ErrorCode::InvalidAuthorizationDetails));
    assert!(is_invalid_grant(at.exchange(&client, &code).await), "a code shown wrongly is spent");
}

async fn a_spent_code_in_another_clients_hands_ends_nothing(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let (mine, other) =
        (at.client("grafana", settings(everyone())).await, at.client("superset", settings(everyone())).await);
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let code = at.code(&mine, &alice, "").await;
    let tokens = at.exchange(&mine, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(is_invalid_grant(at.exchange(&other, &code).await));
    assert!(at.is_good(&tokens.access).await, "whoever finds a code in a log cannot sign people out");
    assert!(is_invalid_grant(at.exchange(&mine, &code).await));
    assert!(!at.is_good(&tokens.access).await, "its own client's second showing does");
}

async fn a_refresh_token_has_an_end_of_its_own(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let lifetimes = Lifetimes { refresh_seconds: Some(60), ..Lifetimes::default() };
    let client = at.client("grafana", ClientSettings { lifetimes, ..settings(everyone()) }).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let code = at.code(&client, &alice, "").await;
    let first = at.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
    ground.advance(59).await;
    let second = at.refresh(&client, &refresh_of(&first)).await.unwrap_or_else(|refused| panic!("{refused}"));
    ground.advance(60).await;
    assert!(is_invalid_grant(at.refresh(&client, &refresh_of(&second)).await), "though the session goes on");
    assert!(at.is_good(&second.access).await, "and its access token too");
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 1, "nothing was copied, so nothing ends");
}

async fn an_agreement_taken_back_ends_what_that_client_holds_of_that_person(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let asking = || ClientSettings { consent: ConsentMode::Explicit, ..settings(everyone()) };
    let (mine, other) = (at.client("notes", asking()).await, at.client("mail", asking()).await);
    let (alice, bob) = (node.user(&realm, "alice").await, node.user(&realm, "bob").await);
    let mut held = Vec::new();
    for user in [&alice, &bob] {
        for client in [&mine, &other] {
            let session = node.session(user).await;
            let agreed = (Fresh::Yes, Agreed::Now);
            let next = at.ask(&Provider::query(client, ""), Some(&session), agreed).await;
            let Next::Answer(Answer { code: Some(code), .. }) = next else { panic!("no code") };
            held.push(at.exchange(client, code.reveal()).await.unwrap_or_else(|refused| panic!("{refused}")));
        }
    }
    // What was agreed to for one client is nothing to a third one.
    let third = at.client("files", asking()).await;
    let session = node.session(&alice).await;
    let old = (Fresh::No, Agreed::NotAsked);
    assert!(matches!(at.ask(&Provider::query(&third, ""), Some(&session), old).await, Next::Consent));
    assert!(matches!(at.ask(&Provider::query(&mine, ""), Some(&session), old).await, Next::Answer(_)));
    assert!(consent::take_back(&node.door, &node.ctx(), &alice, &mine.id).await.expect("a database"));
    let mut are_good = Vec::new();
    for tokens in &held {
        are_good.push(at.is_good(&tokens.access).await);
    }
    assert_eq!(are_good, [false, true, true, true], "alice's of the first client alone");
    assert_eq!(ground.number("SELECT COUNT(*) FROM consents").await, 3);
    assert!(!consent::take_back(&node.door, &node.ctx(), &alice, &mine.id).await.expect("a database"));
}

async fn only_a_client_with_the_grant_gets_a_refresh_token(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let once = ClientSettings { grants: vec![GrantType::AuthorizationCode], ..settings(everyone()) };
    for (name, settings, has) in [("once", once, false), ("stays", settings(everyone()), true)] {
        let client = at.client(name, settings).await;
        let code = at.code(&client, &alice, "").await;
        let tokens = at.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
        assert_eq!(tokens.refresh.is_some(), has, "{name}");
    }
}

async fn a_refresh_may_ask_for_less_and_never_for_more(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let declared = ClientSettings { scopes: vec!["read".to_owned(), "write".to_owned()], ..settings(everyone()) };
    let client = at.client("grafana", declared).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let again = async |token: &str, scopes: &str| -> Result<Tokens, Refused> {
        let narrower = Scopes::parse(scopes).expect("scopes");
        let ask = refresh::Ask { token, narrower: Some(&narrower), key: None, details: None };
        refresh(&node.door, &node.ctx(), "main", &client, ask).await.expect("a database")
    };
    let query = Provider::query(&client, "").replace("openid+profile", "openid+read");
    let code = at.code_of(&query, &alice).await;
    let first = at.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
    let token = refresh_of(&first);
    for more in ["openid read write", "write", "offline_access"] {
        let refused = again(&token, more).await.err().map(|error| error.code());
        assert_eq!(refused, Some(ErrorCode::InvalidScope), "{more}");
    }
    // What was refused used nothing up; what is told less is told it in this answer only.
    let less = again(&token, "openid").await.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(!less.scopes.contains("read"), "{}", less.scopes);
    let all = at.refresh(&client, &refresh_of(&less)).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(all.scopes.contains("read"), "{}", all.scopes);
}

async fn a_right_that_was_lost_at_a_refresh_does_not_bring_the_line_back(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let group = node.group(&realm, "grafana-users").await;
    let client = at.client("grafana", settings(only(&group))).await;
    let user = node.user(&realm, "alice").await;
    node.join(&group, &user).await;
    let alice = node.session(&user).await;
    let code = at.code(&client, &alice, "").await;
    let tokens = at.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
    let left = async |tx: &mut _| groups::remove_member(tx, &group, &user, &Source::Local).await;
    assert!(node.change(left).await);
    assert!(is_invalid_grant(at.refresh(&client, &refresh_of(&tokens)).await));
    node.join(&group, &user).await;
    assert!(is_invalid_grant(at.refresh(&client, &refresh_of(&tokens)).await), "what ended has ended");
    assert!(!at.is_good(&tokens.access).await);
}

async fn a_client_takes_back_its_own_tokens_and_nobody_elses(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let (mine, other) =
        (at.client("grafana", settings(everyone())).await, at.client("superset", settings(everyone())).await);
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let query = Provider::query(&mine, "").replace("openid+profile", "openid+offline_access");
    let code = at.code_of(&query, &alice).await;
    let tokens = at.exchange(&mine, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
    let (door, refresh) = (&node.door, refresh_of(&tokens));
    for token in [&tokens.access, &refresh] {
        revoke(door, &node.ctx(), &at.realm, &other, token).await.expect("a database");
    }
    assert!(end_session(door, &node.ctx(), &other, &refresh).await.expect("a database").is_err());
    // An ID token is nothing that could be taken back, though it names its client too.
    let id = tokens.id.as_deref().expect("an ID token");
    revoke(door, &node.ctx(), &at.realm, &mine, id).await.expect("a database");
    assert_eq!(ground.number("SELECT COUNT(*) FROM revoked_tokens").await, 0);
    assert!(at.is_good(&tokens.access).await);
    // Signing out with an offline token ends its line; there is no session that it ends with.
    assert!(end_session(door, &node.ctx(), &mine, &refresh).await.expect("a database").is_ok());
    assert!(!at.is_good(&tokens.access).await && is_invalid_grant(at.refresh(&mine, &refresh).await));
}

async fn a_question_for_agreement_is_answered_in_its_session_for_half_an_hour(ground: Ground) {
    let node = ground.node().await;
    let (main, sales) = (node.realm("main").await, node.realm("sales").await);
    let user = node.user(&main, "alice").await;
    let (one, two) = (node.session(&user).await.session.id, node.session(&user).await.session.id);
    let door = &node.door;
    let sealed = consent::ask(door, &node.ctx(), &main.id, (&one, "what was asked")).expect("a question");
    let asked = |realm, session, text: &str| consent::asked(door, &node.ctx(), realm, (session, text));
    assert_eq!(asked(&main.id, &one, &sealed).as_deref(), Some("what was asked"));
    assert_eq!(asked(&main.id, &two, &sealed), None, "another session of the same person");
    assert_eq!(asked(&sales.id, &one, &sealed), None, "another realm");
    assert_eq!(asked(&main.id, &one, &sealed[1..]), None);
    ground.advance(limits::FLOW_SECONDS - 1).await;
    assert!(asked(&main.id, &one, &sealed).is_some());
    ground.advance(1).await;
    assert_eq!(asked(&main.id, &one, &sealed), None, "half an hour later");
}

async fn a_request_that_wants_somebody_asked_has_somebody_asked(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let trusted = at.client("trusted", settings(everyone())).await;
    let asking = ClientSettings { consent: ConsentMode::Explicit, ..settings(everyone()) };
    let asking = at.client("asking", asking).await;
    let (old, agreed) = ((Fresh::No, Agreed::NotAsked), (Fresh::Yes, Agreed::Now));
    for client in [&trusted, &asking] {
        assert!(matches!(at.ask(&Provider::query(client, ""), Some(&alice), agreed).await, Next::Answer(_)));
        assert!(matches!(at.ask(&Provider::query(client, ""), Some(&alice), old).await, Next::Answer(_)));
        let query = Provider::query(client, "&prompt=consent");
        assert!(matches!(at.ask(&query, Some(&alice), old).await, Next::Consent), "{}", client.name);
        assert!(matches!(at.ask(&query, Some(&alice), agreed).await, Next::Answer(_)), "{}", client.name);
        let query = Provider::query(client, "&prompt=select_account");
        assert!(matches!(at.ask(&query, Some(&alice), old).await, Next::SignIn), "{}", client.name);
    }
    // Whom it expects may stand in either half of the claims parameter.
    for half in ["id_token", "userinfo"] {
        for (sub, is_alice) in [(alice.user.id.as_str(), true), ("usr_somebody_else", false)] {
            let asked = format!("&claims=%7B%22{half}%22:%7B%22sub%22:%7B%22value%22:%22{sub}%22%7D%7D%7D");
            let next = at.ask(&Provider::query(&trusted, &asked), Some(&alice), old).await;
            assert_eq!(matches!(next, Next::Answer(_)), is_alice, "{half} {sub}");
            assert_eq!(matches!(next, Next::SignIn), !is_alice, "{half} {sub}");
        }
    }
}

async fn a_client_nobody_signs_in_through_is_not_even_told_that_it_worked(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    for (grant, is_good) in [(GrantType::AuthorizationCode, true), (GrantType::DeviceCode, false)] {
        let name = if is_good { "browser" } else { "device" };
        let client = at.client(name, ClientSettings { grants: vec![grant], ..settings(everyone()) }).await;
        let query = Provider::query(&client, "").replace("=code&", "=none&");
        let came = arrive(&at, &query, Some(&alice)).await;
        assert_eq!(came.error(), (!is_good).then_some(ErrorCode::UnauthorizedClient), "{name}");
    }
}

async fn a_pushed_request_that_was_opened_is_still_its_clients_and_over_in_time(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let mine = at.client("grafana", settings(everyone())).await;
    at.client("superset", settings(everyone())).await;
    let parameters = Parameters::parse_form(&Provider::query(&mine, "")).expect("parameters");
    let told = push(&node.door, &node.ctx(), (&at.realm, &mine), &parameters, None).await.expect("a database");
    let name = told.unwrap_or_else(|refused| panic!("{refused}"));
    let with = |client: &str| format!("client_id={client}&request_uri={name}");
    let opened = Asked::arriving(&with("grafana"), &node.ctx());
    assert_eq!(proceed(&at, &opened, None, OLD).await.words(), "sign in");
    assert_eq!(arrive(&at, &with("superset"), Some(&alice)).await.words(), "over", "another client's name for it");
    ground.advance(limits::PUSHED_SECONDS).await;
    // Signing in may take its time; arriving may not.
    assert_eq!(arrive(&at, &with("grafana"), Some(&alice)).await.words(), "over");
    let resumed = Asked::of_text(&opened.to_text().expect("text")).expect("what was sealed");
    assert_eq!(proceed(&at, &resumed, Some(&alice), (Fresh::Yes, Agreed::NotAsked)).await.words(), "answer");
}

async fn a_claim_asked_for_by_name_comes_to_those_who_may_have_its_scope(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let team = Mapper::Claim { path: vec!["team".to_owned()], from: From::Value(json!("data")), tell: Tell::default() };
    let scope = ScopeSettings { assigned: Assigned::Named, mappers: vec![team], ..ScopeSettings::default() };
    let made = async |tx: &mut _| client_scopes::create(&node.door, tx, &realm.id, ("teams".to_owned(), scope)).await;
    node.change(made).await.unwrap_or_else(|refused| panic!("{refused}"));
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let named = ClientSettings { scopes: vec!["teams".to_owned()], ..settings(everyone()) };
    for (name, settings, is_told) in [("named", named, true), ("other", settings(everyone()), false)] {
        let client = at.client(name, settings).await;
        let query = Provider::query(&client, "&claims=%7B%22id_token%22:%7B%22team%22:null%7D%7D");
        let code = at.code_of(&query, &alice).await;
        let client = doorward_engine::clients::find(&node.door, &realm.id, &client.name).await.expect("a database");
        let client = client.expect("the client");
        let tokens = at.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
        let id = tokens.id.as_deref().and_then(|id| signed(&node.door, &at.realm, id, "ID")).expect("an ID token");
        assert_eq!(id.get("team").is_some(), is_told, "{name}");
    }
}

async fn a_sector_is_told_nothing_that_others_know_a_person_by(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let user = node.user(&realm, "alice").await;
    let sector = |sector: &str| SubjectKind::Pairwise(sector.to_owned());
    let [open, one, two] = [SubjectKind::Public, sector("one.example.com"), sector("two.example.com")];
    let mut told = Vec::new();
    for (name, subject) in [("open", open), ("one", one), ("two", two)] {
        let client = at.client(name, ClientSettings { subject, ..settings(everyone()) }).await;
        told.push(sub::of(&node.door, &client, &user.id, Some("brought-along")));
    }
    assert_eq!(told[0], "brought-along");
    assert!(told[1] != told[0] && told[2] != told[0] && told[1] != told[2], "{told:?}");
    assert!(told.iter().all(|sub| sub != user.id.as_str()));
}

async fn a_client_of_another_realm_gets_no_role_here(ground: Ground) {
    let node = ground.node().await;
    let (main, _) = (node.realm("main").await, node.realm("sales").await);
    let (here, there) = (Provider::on(&node).await, Provider::of(&node, "sales").await);
    let clients = [here.client("api", settings(everyone())).await, there.client("api", settings(everyone())).await];
    for (client, is_fine) in clients.iter().zip([true, false]) {
        let name = RoleName::parse("reader").expect("a name");
        let new = NewRole { client: Some(client.id.clone()), name, description: String::new() };
        let made = node.change(async |tx| roles::create(&node.door, tx, &main.id, new).await).await;
        assert_eq!(made.is_ok(), is_fine);
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM roles WHERE name = 'reader'").await, 1);
}

async fn a_public_client_that_has_pushed_a_thousand_requests_waits(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let (door, ctx) = (&node.door, node.ctx());
    for (name, kind) in [("spa", ClientKind::Public), ("server", ClientKind::Confidential)] {
        let client = at.client(name, ClientSettings { kind, ..settings(everyone()) }).await;
        let row = PushedRow { query: format!("client_id={name}"), is_signed: false };
        let times = (ctx.now, ctx.now.plus_seconds(limits::PUSHED_SECONDS));
        let fill = async |tx: &mut _| {
            for _ in 0..limits::PUSHED_OF_PUBLIC_CLIENT {
                let name = PlainToken::draw(TokenKind::PushedRequest, &*door.dice);
                assert!(pushed::create(tx, (&name.hash(), &client.id), &row, times, i64::MAX).await?);
            }
            Ok(())
        };
        node.change(fill).await;
        let parameters = Parameters::parse_form(&Provider::query(&client, "")).expect("parameters");
        let told = push(door, &ctx, (&at.realm, &client), &parameters, None).await.expect("a database");
        let wanted = (kind == ClientKind::Public).then_some(ErrorCode::TemporarilyUnavailable);
        assert_eq!(told.err().map(|error| error.code()), wanted, "{name}");
    }
}

on_both!(together:
    a_request_that_wants_somebody_asked_has_somebody_asked,
    a_client_nobody_signs_in_through_is_not_even_told_that_it_worked,
    a_pushed_request_that_was_opened_is_still_its_clients_and_over_in_time,
    a_claim_asked_for_by_name_comes_to_those_who_may_have_its_scope,
    a_sector_is_told_nothing_that_others_know_a_person_by,
    a_client_of_another_realm_gets_no_role_here,
    a_spent_code_in_another_clients_hands_ends_nothing,
    a_refresh_token_has_an_end_of_its_own,
    an_agreement_taken_back_ends_what_that_client_holds_of_that_person,
    a_code_is_worth_nothing_once_its_session_has_idled_out,
    a_code_shown_with_details_nobody_agreed_to_is_spent,
    only_a_client_with_the_grant_gets_a_refresh_token,
    a_refresh_may_ask_for_less_and_never_for_more,
    a_right_that_was_lost_at_a_refresh_does_not_bring_the_line_back,
    a_client_takes_back_its_own_tokens_and_nobody_elses,
    a_question_for_agreement_is_answered_in_its_session_for_half_an_hour,
    a_public_client_that_has_pushed_a_thousand_requests_waits,
);
