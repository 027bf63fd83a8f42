//! What a browser takes back besides a code, for whom, and what people agree to before, on a real database.

use doorward_engine::authorize::asked::Asked;
use doorward_engine::authorize::consent::{self, Agreed};
use doorward_engine::authorize::{Fresh, Next, signed_response};
use doorward_engine::clients::{Client, ClientSettings, ConsentMode, GrantType, SubjectKind};
use doorward_engine::manage::users;
use doorward_engine::sessions;
use doorward_engine::token::exchange_code::{Ask, exchange_code};
use doorward_engine::token::{Refused, Tokens, refresh};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::jws::Presented;
use doorward_model::ways::{WayIn, Ways};
use doorward_oauth::authorize::{AuthorizeRequest, parse_details};
use doorward_oauth::error::ErrorCode;
use doorward_oauth::parameters::Parameters;
use doorward_oauth::token_hash::{at_hash, c_hash, s_hash};
use doorward_store::sessions::SignedIn;
use serde_json::{Map, Value, json};

use crate::fixture::Ground;
use crate::provider::{CALLBACK, Provider, VERIFIER, everyone, refresh_of, settings};
use crate::requests::{Came, OLD, arrive, proceed};
use crate::ways_in::{by, connector, put_client};

fn implicit() -> ClientSettings {
    let grants = vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Implicit];
    ClientSettings { grants, ..settings(everyone()) }
}

fn verified(at: &Provider, token: &str) -> Map<String, Value> {
    let presented = Presented::read(token).expect("a token");
    let keys = at.node.door.keys.published(&at.realm.id);
    let key = keys.iter().find(|key| Some(key.id().as_str()) == presented.header().kid()).expect("a key of ours");
    presented.verify(key.public()).expect("a signature").into_map()
}

async fn tokens_through_the_browser_are_tied_together_and_end_with_the_session(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", implicit()).await;
    let coded = at.client("coded", settings(everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let query = |client: &Client, kind: &str| Provider::query(client, "").replace("=code&", &format!("={kind}&"));
    for kind in
        ["none", "code", "id_token", "token", "code+id_token", "code+token", "id_token+token", "code+id_token+token"]
    {
        let answer = arrive(&at, &query(&client, kind), Some(&alice)).await.answer().expect("an answer");
        let has = |word: &str| kind.split('+').any(|part| part == word);
        assert_eq!((answer.code.is_some(), answer.access.is_some()), (has("code"), has("token")), "{kind}");
        assert_eq!(answer.id_token.is_some(), has("id_token"), "{kind}");
        let refused = arrive(&at, &query(&coded, kind), Some(&alice)).await.error();
        let is_refused = has("token") || has("id_token");
        assert_eq!(refused, is_refused.then_some(ErrorCode::UnauthorizedClient), "{kind}");
        if let Some(id_token) = &answer.id_token {
            let told = verified(&at, id_token);
            let hash = |text: Option<String>| text.map_or(Value::Null, Value::from);
            let (access, code) = (answer.access.as_ref(), answer.code.as_ref());
            let told = |name: &str| told.get(name).cloned().unwrap_or_default();
            assert_eq!(told("at_hash"), hash(access.and_then(|access| at_hash("RS256", &access.token))), "{kind}");
            assert_eq!(told("c_hash"), hash(code.and_then(|code| c_hash("RS256", code.reveal()))), "{kind}");
            assert_eq!(told("s_hash"), hash(s_hash("RS256", "s")), "{kind}");
            assert_eq!((told("nonce"), told("aud")), (json!("n"), json!("grafana")));
        }
        if let Some(access) = &answer.access {
            assert!(at.is_good(&access.token).await, "{kind}");
        }
        if let Some(code) = &answer.code {
            // The code's tokens are others than those that came with it, and end alone when it is shown twice.
            let tokens = at.exchange(&client, code.reveal()).await.unwrap_or_else(|refused| panic!("{refused}"));
            assert!(at.is_good(&tokens.access).await && at.exchange(&client, code.reveal()).await.is_err());
            assert!(!at.is_good(&tokens.access).await, "{kind}");
        }
    }
    for ending in ["session", "disabled"] {
        let user = node.user(&realm, ending).await;
        let session = node.session(&user).await;
        let answer = arrive(&at, &query(&client, "token"), Some(&session)).await.answer().expect("an answer");
        let access = answer.access.expect("a token").token;
        assert!(at.is_good(&access).await);
        if ending == "session" {
            let ended = sessions::end(&node.door, &node.ctx(), &session.session.id, "a test said so").await;
            assert!(ended.expect("a database"));
        } else {
            assert!(node.change(async |tx| users::disable(tx, &user).await).await);
        }
        assert!(!at.is_good(&access).await, "{ending}");
    }
    let only = ClientSettings { grants: vec![GrantType::Implicit], ..settings(everyone()) };
    let only = at.client("only", only).await;
    assert_eq!(arrive(&at, &query(&only, "code"), Some(&alice)).await.error(), Some(ErrorCode::UnauthorizedClient));
    assert_eq!(arrive(&at, &query(&only, "none"), Some(&alice)).await.words(), "answer");
}

async fn tokens_through_the_browser_rest_on_the_way_somebody_came_by(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let alice = node.user(&realm, "alice").await;
    let (company, partner) = (connector(&node, &realm, "company").await, connector(&node, &realm, "partner").await);
    let accounts = Ways::only([WayIn::Account]);
    for (name, way, ways) in [("home", None, &accounts), ("company", Some(&company.id), &by(&[&company]))] {
        let session = node.session_by(&alice, (way, None)).await;
        for kind in ["token", "code+token", "code+id_token+token"] {
            let client = at.client(&format!("{name}-{}", kind.len()), implicit()).await;
            let client = put_client(&node, &client, ways.clone()).await;
            let asked = Provider::query(&client, "").replace("=code&", &format!("={kind}&"));
            let answer = arrive(&at, &asked, Some(&session)).await.answer();
            let access = answer.and_then(|answer| answer.access).unwrap_or_else(|| panic!("{name} {kind}")).token;
            assert!(at.is_good(&access).await, "{name} {kind}");
            put_client(&node, &client, by(&[&partner])).await;
            assert!(!at.is_good(&access).await, "{name} {kind}");
            assert_eq!(arrive(&at, &asked, Some(&session)).await.words(), "sign in", "{name} {kind}");
        }
    }
}

async fn a_signed_response_holds_the_answer_for_its_client(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", ClientSettings { algorithm: "EdDSA".to_owned(), ..settings(everyone()) }).await;
    let raw = Provider::query(&client, "&response_mode=jwt");
    let Came::Next(read, Next::Answer(answer)) = arrive(&at, &raw, Some(&alice)).await else { panic!("no answer") };
    let code = answer.code.expect("a code");
    let fields = [("code", code.reveal()), ("state", "s \"\u{e9}")];
    let token = signed_response::sign(&node.door, &node.ctx(), &read.back, &fields).await.expect("a database");
    assert_eq!(Presented::read(&token).expect("a token").header().algorithm(), Some(Algorithm::EdDsa));
    let now = node.world.now().seconds();
    let wanted = json!({
        "iss": "https://door.example.com/realms/main", "aud": "grafana", "iat": now, "exp": now + 60,
        "code": code.reveal(), "state": "s \"\u{e9}",
    });
    assert_eq!(Value::Object(verified(&at, &token)), wanted);
    // It is no token for anything else.
    assert!(!at.is_good(&token).await);
}

async fn a_client_that_knows_people_by_ids_of_its_own_gets_the_person_it_expects(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let bob = node.session(&node.user(&realm, "bob").await).await;
    let at = Provider::on(&node).await;
    let subject = SubjectKind::Pairwise("grafana.example.com".to_owned());
    let client = at.client("grafana", ClientSettings { subject, ..implicit() }).await;
    let raw = Provider::query(&client, "").replace("=code&", "=id_token&");
    let answer = arrive(&at, &raw, Some(&alice)).await.answer();
    let id_token = answer.and_then(|answer| answer.id_token).expect("an ID token");
    let sub = verified(&at, &id_token).get("sub").cloned().unwrap_or_default();
    assert_ne!(sub, json!(alice.user.id.as_str()));
    let claims = format!("&claims=%7B%22id_token%22:%7B%22sub%22:%7B%22value%22:{sub}%7D%7D%7D").replace('"', "%22");
    for more in [format!("&id_token_hint={id_token}"), claims] {
        let raw = Provider::query(&client, &more);
        assert_eq!(arrive(&at, &raw, Some(&alice)).await.words(), "answer", "{more}");
        assert_eq!(arrive(&at, &raw, Some(&bob)).await.words(), "sign in", "{more}");
    }
}

async fn a_client_gets_the_person_it_expects_or_an_error(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (user, somebody) = (node.user(&realm, "alice").await, node.user(&realm, "bob").await);
    let (alice, bob) = (node.session(&user).await, node.session(&somebody).await);
    let at = Provider::on(&node).await;
    let client = at.client("grafana", implicit()).await;
    let other = at.client("other", implicit()).await;
    let id_token = async |client: &Client| {
        let raw = Provider::query(client, "").replace("=code&", "=id_token&");
        arrive(&at, &raw, Some(&alice)).await.answer().and_then(|answer| answer.id_token).expect("an ID token")
    };
    let hint = |token: &str| Provider::query(&client, &format!("&id_token_hint={token}"));
    let by_sub = Provider::query(
        &client,
        &format!("&claims=%7B%22id_token%22:%7B%22sub%22:%7B%22value%22:%22{}%22%7D%7D%7D", user.id),
    );
    let good = hint(&id_token(&client).await);
    let fresh = (Fresh::Yes, Agreed::NotAsked);
    let ask =
        async |raw: &str, by: &SignedIn, state| proceed(&at, &Asked::arriving(raw, &node.ctx()), Some(by), state).await;
    for raw in [&good, &by_sub] {
        assert_eq!(ask(raw, &alice, OLD).await.words(), "answer");
        assert_eq!(ask(raw, &bob, OLD).await.words(), "sign in");
        assert_eq!(ask(raw, &bob, fresh).await.error(), Some(ErrorCode::LoginRequired));
        let quiet = format!("{raw}&prompt=none");
        assert_eq!(ask(&quiet, &alice, OLD).await.words(), "answer");
        assert_eq!(ask(&quiet, &bob, OLD).await.error(), Some(ErrorCode::LoginRequired));
    }
    // What is no ID token of ours for this client says nothing: somebody has to sign in, whoever it is.
    let access = arrive(&at, &Provider::query(&client, "").replace("=code&", "=token&"), Some(&alice)).await.answer();
    let access = access.and_then(|answer| answer.access).expect("an access token").token;
    for unclear in [id_token(&other).await, access, "e30.e30.e30".to_owned()] {
        let raw = hint(&unclear);
        assert_eq!(ask(&raw, &alice, OLD).await.words(), "sign in");
        assert_eq!(ask(&raw, &alice, fresh).await.words(), "answer");
        assert_eq!(ask(&format!("{raw}&prompt=none"), &alice, OLD).await.error(), Some(ErrorCode::LoginRequired));
    }
    // A hint whose time is over still says whom it spoke of.
    ground.advance(3600).await;
    assert_eq!(ask(&good, &alice, OLD).await.words(), "answer");

    let acr = |how: &str| Provider::query(&client, &format!("&claims=%7B%22id_token%22:%7B%22acr%22:{how}%7D%7D"));
    for (how, wanted) in [
        ("null", "answer"),
        ("%7B%22essential%22:true%7D", "answer"),
        ("%7B%22essential%22:true,%22values%22:%5B%22gold%22,%221%22%5D%7D", "answer"),
        ("%7B%22values%22:%5B%22gold%22%5D%7D", "answer"),
    ] {
        assert_eq!(ask(&acr(how), &alice, OLD).await.words(), wanted, "{how}");
    }
    let gold = acr("%7B%22essential%22:true,%22value%22:%22gold%22%7D");
    assert_eq!(ask(&gold, &alice, OLD).await.error(), Some(ErrorCode::UnmetAuthenticationRequirements));
    assert_eq!(ask(&Provider::query(&client, "&acr_values=gold"), &alice, OLD).await.words(), "answer");
}

async fn claims_asked_for_by_name_are_told_where_they_were_asked_for(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let user = node.user(&realm, "alice").await;
    let profile = r#"{"attributes":{"phoneNumber":["+41 44 000 00 00"],"salary":["1"],"country":["CH"]}}"#;
    ground.raw(&format!("UPDATE users SET profile = '{profile}' WHERE id = '{}'", user.id)).await;
    let alice = node.session(&user).await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", implicit()).await;
    let asking = at.client("asking", ClientSettings { consent: ConsentMode::Explicit, ..implicit() }).await;
    let wish = "%7B%22id_token%22:%7B%22phone_number%22:null,%22salary%22:null,%22upn%22:%7B%22essential%22:true%7D,\
                %22sid%22:null%7D%7D";
    let query = |client: &Client, more: &str| Provider::query(client, more).replace("=code&", "=id_token&");
    let asked = format!("&claims={wish}");
    let told = async |raw: &str| {
        let answer = arrive(&at, raw, Some(&alice)).await.answer().expect("an answer");
        verified(&at, &answer.id_token.expect("an ID token"))
    };
    let without = told(&query(&client, "")).await;
    assert!(["phone_number", "upn", "address"].iter().all(|name| !without.contains_key(*name)));
    let with = told(&query(&client, &asked)).await;
    assert_eq!(with.get("phone_number"), Some(&json!("+41 44 000 00 00")));
    assert_eq!(with.get("upn"), Some(&json!("alice")));
    // Neither what no scope brings, nor what the scope brings besides.
    assert!(["salary", "phone_number_verified", "address"].iter().all(|name| !with.contains_key(*name)), "{with:?}");

    // People who agreed to scopes have not agreed to a telephone number.
    let raw = query(&asking, "");
    let agreed = (Fresh::Yes, Agreed::Now);
    assert_eq!(proceed(&at, &Asked::arriving(&raw, &node.ctx()), Some(&alice), agreed).await.words(), "answer");
    assert_eq!(arrive(&at, &raw, Some(&alice)).await.words(), "answer");
    let raw = query(&asking, &asked);
    assert_eq!(arrive(&at, &raw, Some(&alice)).await.words(), "consent");
    let parameters = Parameters::parse_query(&raw).expect("parameters");
    let shown = consent::shown(&asking, &AuthorizeRequest::parse(&parameters).expect("a request"));
    assert!(shown.iter().any(|name| name == "phone"), "{shown:?}");
    assert_eq!(proceed(&at, &Asked::arriving(&raw, &node.ctx()), Some(&alice), agreed).await.words(), "answer");
    assert_eq!(arrive(&at, &raw, Some(&alice)).await.words(), "answer", "that is remembered");
}

async fn tokens_may_say_fewer_details_than_were_agreed_to_and_never_others(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let of_type = ClientSettings { authorization_details: vec!["payment".to_owned()], ..settings(everyone()) };
    let client = at.client("ledger", of_type).await;
    let both = "%5B%7B%22type%22:%22payment%22,%22amount%22:1%7D,%7B%22type%22:%22payment%22,%22amount%22:2%7D%5D";
    let read = |text: &str| parse_details(text).expect("details");
    let (one, two, three) = (
        read(r#"[{"type":"payment","amount":1}]"#),
        read(r#"[{"type":"payment","amount":2}]"#),
        read(r#"[{"type":"payment","amount":3}]"#),
    );
    let (door, ctx) = (&node.door, node.ctx());
    let redeem = async |details| {
        let code = at.code(&client, &alice, &format!("&authorization_details={both}")).await;
        let ask = Ask { code: &code, redirect_uri: Some(CALLBACK), verifier: Some(VERIFIER), key: None, details };
        exchange_code(door, &ctx, "main", &client, ask).await.expect("a database")
    };
    let again = async |token: &str, details| {
        let ask = refresh::Ask { token, narrower: None, key: None, details };
        refresh::refresh(door, &ctx, "main", &client, ask).await.expect("a database")
    };
    let code_of = |refused: Result<Tokens, Refused>| refused.err().map(|refused| refused.code());
    assert_eq!(code_of(redeem(Some(three.clone())).await), Some(ErrorCode::InvalidAuthorizationDetails));
    let first = redeem(Some(one.clone())).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(first.details, one);
    let said = |tokens: &Tokens| verified(&at, &tokens.access).get("authorization_details").cloned();
    assert_eq!(said(&first), Some(json!([{"type": "payment", "amount": 1}])));
    // A refusal uses nothing up, and the line keeps what was agreed to.
    let shown = refresh_of(&first);
    assert_eq!(code_of(again(&shown, Some(three)).await), Some(ErrorCode::InvalidAuthorizationDetails));
    let second = again(&shown, Some(two.clone())).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!((&second.details, said(&second)), (&two, Some(json!([{"type": "payment", "amount": 2}]))));
    let third = again(&refresh_of(&second), None).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(third.details.len(), 2);
}

async fn authorization_details_are_agreed_to_each_time_and_stand_in_the_tokens(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let explicit = ClientSettings {
        consent: ConsentMode::Explicit,
        authorization_details: vec!["payment".to_owned()],
        ..settings(everyone())
    };
    let client = at.client("ledger", explicit).await;
    let payment = "%5B%7B%22type%22:%22payment%22,%22amount%22:%2212%22%7D%5D";
    let raw = Provider::query(&client, &format!("&authorization_details={payment}"));
    let other = raw.replace("%22payment%22", "%22account%22");
    assert_eq!(arrive(&at, &other, Some(&alice)).await.error(), Some(ErrorCode::InvalidAuthorizationDetails));
    let agreed = (Fresh::Yes, Agreed::Now);
    let plain = Asked::arriving(&Provider::query(&client, ""), &node.ctx());
    assert_eq!(proceed(&at, &plain, Some(&alice), agreed).await.words(), "answer");
    assert_eq!(arrive(&at, &raw, Some(&alice)).await.words(), "consent", "the scopes alone were agreed to");
    let quiet = arrive(&at, &format!("{raw}&prompt=none"), Some(&alice)).await;
    assert_eq!(quiet.error(), Some(ErrorCode::ConsentRequired));
    let answer = proceed(&at, &Asked::arriving(&raw, &node.ctx()), Some(&alice), agreed).await.answer();
    let code = answer.and_then(|answer| answer.code).expect("a code");
    assert_eq!(arrive(&at, &raw, Some(&alice)).await.words(), "consent", "each is a decision of its own");
    let wanted = json!([{"type": "payment", "amount": "12"}]);
    let tokens = at.exchange(&client, code.reveal()).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(serde_json::to_value(&tokens.details).expect("JSON"), wanted);
    assert_eq!(verified(&at, &tokens.access).get("authorization_details"), Some(&wanted));
    let refreshed = at.refresh(&client, &refresh_of(&tokens)).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(serde_json::to_value(&refreshed.details).expect("JSON"), wanted);
    let details = ground.texts("SELECT detail FROM events WHERE kind = 'consent_given'").await.join("\n");
    assert!(details.contains("details of type payment") && !details.contains("12\""), "{details}");
}

async fn a_proxy_that_always_wants_quiet_may_be_humoured(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let strict = at.client("grafana", settings(everyone())).await;
    let lenient = ClientSettings { tolerates_prompt_none: true, ..settings(everyone()) };
    let lenient = at.client("kubeflow", lenient).await;
    let raw = |client: &Client| Provider::query(client, "&prompt=none");
    assert_eq!(arrive(&at, &raw(&strict), None).await.error(), Some(ErrorCode::LoginRequired));
    assert_eq!(arrive(&at, &raw(&lenient), None).await.words(), "sign in");
    assert_eq!(arrive(&at, &raw(&lenient), Some(&alice)).await.words(), "answer");
}

on_both!(together:
    tokens_through_the_browser_are_tied_together_and_end_with_the_session,
    tokens_through_the_browser_rest_on_the_way_somebody_came_by,
    a_signed_response_holds_the_answer_for_its_client,
    a_client_gets_the_person_it_expects_or_an_error,
    a_client_that_knows_people_by_ids_of_its_own_gets_the_person_it_expects,
    claims_asked_for_by_name_are_told_where_they_were_asked_for,
    authorization_details_are_agreed_to_each_time_and_stand_in_the_tokens,
    tokens_may_say_fewer_details_than_were_agreed_to_and_never_others,
    a_proxy_that_always_wants_quiet_may_be_humoured,
);
