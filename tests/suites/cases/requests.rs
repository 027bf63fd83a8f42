//! Authorization requests that were pushed or signed, on two nodes of one database.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::authorize::asked::{Asked, Read, Stuck, read};
use doorward_engine::authorize::consent::Agreed;
use doorward_engine::authorize::issue::Answer;
use doorward_engine::authorize::pushed::{answered, push};
use doorward_engine::authorize::{Fresh, Next, acceptable, go_on};
use doorward_engine::clients::{Client, ClientKind, ClientSettings};
use doorward_engine::token::dpop::{Bound, use_up_alone};
use doorward_engine::token::exchange_code::{Ask, exchange_code};
use doorward_engine::upkeep;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::id::KeyId;
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_oauth::authorize::AuthorizeRequest;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use doorward_store::pushed::{self, PushedRow};
use doorward_store::sessions::SignedIn;
use doorward_tests::proof::Holder;
use serde_json::{Value, json};

use crate::fixture::{Ground, Node};
use crate::people::at_once;
use crate::provider::{CALLBACK, CHALLENGE, Provider, VERIFIER, everyone, settings};

pub const OLD: (Fresh, Agreed) = (Fresh::No, Agreed::NotAsked);

/// What came of a browser that arrived with a request.
pub enum Came {
    Stuck(Stuck),
    Next(Box<Read>, Next),
}

impl Came {
    pub fn answer(self) -> Option<Answer> {
        if let Self::Next(_, Next::Answer(answer)) = self { Some(answer) } else { None }
    }

    pub fn error(self) -> Option<ErrorCode> {
        if let Self::Next(_, Next::Error(error)) = self { Some(error.code()) } else { None }
    }

    fn is_over(&self) -> bool {
        matches!(self, Self::Stuck(Stuck::Over) | Self::Next(_, Next::Spent))
    }

    pub fn words(&self) -> String {
        match self {
            Self::Stuck(Stuck::Broken(sentence)) => sentence.clone(),
            Self::Stuck(Stuck::Over) => "over".to_owned(),
            Self::Next(_, Next::Error(error)) => error.to_string(),
            Self::Next(_, Next::Answer(_)) => "answer".to_owned(),
            Self::Next(_, Next::SignIn) => "sign in".to_owned(),
            Self::Next(_, Next::Consent) => "consent".to_owned(),
            Self::Next(_, Next::Refused(_)) => "refused".to_owned(),
            Self::Next(_, Next::Spent) => "spent".to_owned(),
        }
    }
}

pub async fn push_at(at: &Provider, client: &Client, query: &str) -> Result<String, OAuthError> {
    let parameters = Parameters::parse_form(query).expect("parameters");
    let (door, ctx) = (&at.node.door, at.node.ctx());
    push(door, &ctx, (&at.realm, client), &parameters, None).await.expect("a database")
}

pub async fn proceed(at: &Provider, asked: &Asked, by: Option<&SignedIn>, state: (Fresh, Agreed)) -> Came {
    let (door, ctx) = (&at.node.door, at.node.ctx());
    let read = match read(door, &ctx, &at.realm, asked).await.expect("a database") {
        Ok(read) => read,
        Err(stuck) => return Came::Stuck(stuck),
    };
    let request = match AuthorizeRequest::parse(&read.parameters) {
        Ok(request) => request,
        Err(error) => return Came::Next(Box::new(read), Next::Error(error)),
    };
    if let Err(error) = acceptable(&read.back, &request) {
        return Came::Next(Box::new(read), Next::Error(error));
    }
    let next = go_on(door, &ctx, (&read.back, &request), by, state).await.expect("a database");
    Came::Next(Box::new(read), next)
}

pub async fn arrive(at: &Provider, raw: &str, by: Option<&SignedIn>) -> Came {
    proceed(at, &Asked::arriving(raw, &at.node.ctx()), by, OLD).await
}

fn with_name(client: &str, name: &str) -> String {
    format!("client_id={client}&request_uri={name}")
}

async fn gauntlet_b3_21_fifty_browsers_with_one_pushed_request_get_one_code(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    for round in 1..=5 {
        let name =
            push_at(&at_a, &client, &Provider::query(&client, "")).await.expect("a request this client may make");
        let raw = with_name("grafana", &name);
        let nodes = [&a, &b];
        let came = at_once(&nodes, 50, |_, number| {
            let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
            let (raw, alice) = (raw.clone(), alice.clone());
            async move { arrive(&at, &raw, Some(&alice)).await }
        });
        let (answers, others): (Vec<_>, Vec<_>) =
            came.await.into_iter().partition(|came| matches!(came, Came::Next(_, Next::Answer(_))));
        assert_eq!((answers.len(), others.len()), (1, 49), "round {round}");
        assert!(others.iter().all(Came::is_over));
        assert!(arrive(&at_b, &raw, Some(&alice)).await.is_over(), "and later neither");
        assert_eq!(ground.number("SELECT COUNT(*) FROM codes").await, round);
    }
}

async fn gauntlet_b3_21_a_pushed_request_is_its_clients_for_ninety_seconds(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let mine = at.client("grafana", settings(everyone())).await;
    at.client("superset", settings(everyone())).await;
    let pushed = async || push_at(&at, &mine, &Provider::query(&mine, "")).await.expect("a request");
    let name = pushed().await;
    for raw in [
        with_name("superset", &name),
        with_name("grafana", &format!("{name}x")),
        with_name("grafana", &name[..name.len() - 1]),
        with_name("grafana", "urn:ietf:params:oauth:request_uri:"),
        with_name("grafana", "urn:ietf:params:oauth:request_uri:dwo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        assert!(arrive(&at, &raw, Some(&alice)).await.is_over(), "{raw}");
    }
    let stuck = arrive(&at, &with_name("nobody", &name), Some(&alice)).await;
    assert!(matches!(stuck, Came::Stuck(Stuck::Broken(_))));
    // What stands beside the name does not count.
    let raw =
        format!("{}&scope=openid+email&state=other&redirect_uri=https://evil.example/", with_name("grafana", &name));
    let Came::Next(read, Next::Answer(_)) = arrive(&at, &raw, Some(&alice)).await else { panic!("no answer") };
    assert_eq!(read.back.target.as_str(), CALLBACK);
    assert_eq!(read.parameters.one("state").ok().flatten(), Some("s"));
    let late = pushed().await;
    ground.advance(90).await;
    assert!(arrive(&at, &with_name("grafana", &late), Some(&alice)).await.is_over(), "too late");
}

async fn a_pushed_request_survives_the_sign_in_page_and_any_answer_uses_it_up(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    let name = push_at(&at, &client, &Provider::query(&client, "")).await.expect("a request");
    let asked = Asked::arriving(&with_name("grafana", &name), &node.ctx());
    assert_eq!(proceed(&at, &asked, None, OLD).await.words(), "sign in");
    ground.advance(25 * 60).await;
    // Meanwhile what is over is forgotten; this one is not, because somebody came with it in time.
    upkeep::prune(&node.door, &node.ctx()).await.expect("a database");
    let sealed = asked.to_text().expect("text");
    let resumed = Asked::of_text(&sealed).expect("what was sealed");
    let fresh = (Fresh::Yes, Agreed::NotAsked);
    assert_eq!(proceed(&at, &resumed, Some(&alice), fresh).await.words(), "answer");
    assert_eq!(proceed(&at, &resumed, Some(&alice), fresh).await.words(), "spent", "the same page again");
    ground.advance(3 * 60 * 60).await;
    upkeep::prune(&node.door, &node.ctx()).await.expect("a database");
    assert_eq!(ground.number("SELECT COUNT(*) FROM pushed_requests").await, 0);

    // An error is an answer.
    let quiet = Provider::query(&client, "&prompt=none");
    let raw = with_name("grafana", &push_at(&at, &client, &quiet).await.expect("a request"));
    let Came::Next(read, Next::Error(error)) = arrive(&at, &raw, None).await else { panic!("no error") };
    assert_eq!(error.code(), ErrorCode::LoginRequired);
    let (door, ctx) = (&node.door, node.ctx());
    assert!(answered(door, &ctx, &read.back).await.expect("a database"));
    assert!(!answered(door, &ctx, &read.back).await.expect("a database"));
    assert!(arrive(&at, &raw, Some(&alice)).await.is_over());
}

async fn what_the_authorization_endpoint_would_refuse_cannot_be_pushed(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    let base = Provider::query(&client, "");
    for (query, code) in [
        (base.replace("client_id=grafana", "client_id=superset"), ErrorCode::InvalidRequest),
        (base.replace("/login/", "/logout/"), ErrorCode::InvalidRequest),
        (base.replace("openid+profile", "openid+secrets"), ErrorCode::InvalidScope),
        (base.replace("=code&", "=password&"), ErrorCode::UnsupportedResponseType),
        (base.replace("=code&", "=token&"), ErrorCode::UnauthorizedClient),
        (base.replace("S256", "plain"), ErrorCode::InvalidRequest),
        (format!("{base}&request_uri=urn:ietf:params:oauth:request_uri:x"), ErrorCode::InvalidRequest),
        (format!("{base}&request=e30.e30.e30"), ErrorCode::InvalidRequestObject),
        (format!("{base}&resource=https://other.example.com"), ErrorCode::InvalidTarget),
        (format!("{base}&prompt=create"), ErrorCode::InvalidRequest),
        (format!("{base}&state=again"), ErrorCode::InvalidRequest),
    ] {
        let refused = push_at(&at, &client, &query).await.err().map(|error| error.code());
        assert_eq!(refused, Some(code), "{query}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM pushed_requests").await, 0);
    // The client's own credentials, and whatever else stood in the form, are not kept.
    let secret = format!("{base}&client_secret=hunter2&client_assertion=hunter2&password=hunter2");
    push_at(&at, &client, &secret).await.expect("a request");
    let kept = ground.texts("SELECT query FROM pushed_requests").await.concat();
    assert!(kept.contains("state=s") && !kept.contains("hunter2"), "{kept}");
}

async fn a_public_client_has_only_so_many_pushed_requests(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let public = ClientSettings { kind: ClientKind::Public, ..settings(everyone()) };
    let client = at.client("spa", public).await;
    let (door, ctx) = (&node.door, node.ctx());
    let row = PushedRow { query: "client_id=spa".to_owned(), is_signed: false };
    let create = async |most| {
        let name = PlainToken::draw(TokenKind::PushedRequest, &*door.dice);
        let mut tx = door.begin().await.expect("a transaction");
        let times = (ctx.now, ctx.now.plus_seconds(90));
        let made = pushed::create(&mut tx, (&name.hash(), &client.id), &row, times, most).await.expect("a database");
        door.commit(&ctx, tx).await.expect("a commit");
        made
    };
    assert!(create(2).await && create(2).await && !create(2).await && create(3).await);
    assert_eq!(ground.number("SELECT COUNT(*) FROM pushed_requests").await, 3);
    let name = push_at(&at, &client, &Provider::query(&client, "")).await;
    assert!(name.is_ok_and(|name| name.starts_with("urn:ietf:params:oauth:request_uri:dwq_")));
}

/// A client's own key, with which it signs requests.
pub struct Pen {
    pub key: SigningKey,
    pub jwks: Value,
}

pub fn pen(node: &Node) -> Pen {
    let pkcs8 = SigningKey::generate(Algorithm::Es256).expect("a key");
    let key = SigningKey::parse(KeyId::draw(&*node.door.dice), Algorithm::Es256, &pkcs8).expect("a key");
    let jwks = json!({"keys": [key.public_jwk()]});
    Pen { key, jwks }
}

/// A good request object's claims at this moment.
pub fn claims(node: &Node, client: &str) -> Value {
    let now = node.world.now().seconds();
    json!({
        "iss": client, "aud": "https://door.example.com/realms/main", "exp": now + 60, "nbf": now, "iat": now,
        "jti": "1", "client_id": client, "redirect_uri": CALLBACK, "response_type": "code",
        "scope": "openid profile", "state": "signed state", "nonce": "n", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", "max_age": 3600, "claims": {"userinfo": {"email": null}},
    })
}

impl Pen {
    pub fn sign(&self, claims: &Value) -> String {
        self.key.sign("oauth-authz-req+jwt", claims).expect("a signature")
    }
}

async fn gauntlet_b3_21_a_signed_request_counts_alone_and_only_as_signed(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let (pen, other) = (pen(&node), pen(&node));
    let with_key = ClientSettings { jwks: Some(pen.jwks.clone()), ..settings(everyone()) };
    at.client("grafana", with_key.clone()).await;
    at.client("superset", with_key).await;
    at.client("plain", settings(everyone())).await;
    let good = claims(&node, "grafana");
    let outer = |client: &str, text: &str| format!("client_id={client}&request={text}");
    let raw = format!(
        "{}&redirect_uri=https://evil.example/&state=evil&scope=openid+offline_access&response_mode=fragment",
        outer("grafana", &pen.sign(&good))
    );
    let Came::Next(read, Next::Answer(_)) = arrive(&at, &raw, Some(&alice)).await else { panic!("no answer") };
    assert_eq!(read.back.target.as_str(), CALLBACK);
    let one = |name| read.parameters.one(name).ok().flatten();
    assert_eq!((one("state"), one("scope")), (Some("signed state"), Some("openid profile")));
    assert_eq!((one("response_mode"), one("max_age")), (None, Some("3600")));
    assert_eq!(one("claims"), Some(r#"{"userinfo":{"email":null}}"#));
    for kind in ["JWT", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"] {
        let text = pen.key.sign(kind, &good).expect("a signature");
        assert_eq!(arrive(&at, &outer("grafana", &text), Some(&alice)).await.words(), "answer", "{kind}");
    }

    let now = node.world.now().seconds();
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        let members = claims.as_object_mut().expect("an object");
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.to_owned(), value)),
        }
        pen.sign(&claims)
    };
    let unsigned = |algorithm: &str| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&json!({"alg": algorithm})), part(&good))
    };
    let key = pen.jwks.to_string();
    let mut bad = vec![
        ("another's key", other.sign(&good)),
        ("not signed", format!("{}.", unsigned("none"))),
        ("not signed, with a signature", format!("{}.AAAA", unsigned("none"))),
        (
            "the public key as a secret",
            format!("{}.{}", unsigned("HS256"), URL_SAFE_NO_PAD.encode(&key.as_bytes()[..32])),
        ),
        ("another kind of token", pen.key.sign("at+jwt", &good).expect("a signature")),
        ("no token", "e30".to_owned()),
        ("the client as sub", changed("sub", json!("grafana"))),
        ("a request within", changed("request", json!("e30.e30.e30"))),
        ("a request_uri within", changed("request_uri", json!("urn:ietf:params:oauth:request_uri:x"))),
        ("a text that is none", changed("scope", json!(["openid"]))),
        ("a number that is no text", changed("state", json!(7))),
    ];
    for (name, values) in [
        ("iss", vec![Value::Null, json!("superset"), json!(["grafana"])]),
        ("aud", vec![Value::Null, json!("https://door.example.com"), json!(["https://other.example.com"])]),
        ("exp", vec![Value::Null, json!(now - 31), json!(now + 3601), json!("soon")]),
        ("nbf", vec![json!(now + 31)]),
        ("client_id", vec![Value::Null, json!("superset")]),
    ] {
        bad.extend(values.into_iter().map(|value| (name, changed(name, value))));
    }
    for (what, text) in &bad {
        let came = arrive(&at, &outer("grafana", text), Some(&alice)).await;
        assert!(came.words().starts_with("The signed request cannot be used: "), "{what}: {}", came.words());
        let client = at_client(&at, "grafana").await;
        let refused = push_at(&at, &client, &format!("request={text}")).await.err().map(|error| error.code());
        assert_eq!(refused, Some(ErrorCode::InvalidRequestObject), "{what}");
    }
    let mixed = arrive(&at, &outer("superset", &pen.sign(&good)), Some(&alice)).await;
    assert!(mixed.words().contains("iss"), "another client's: {}", mixed.words());
    let keyless = arrive(&at, &outer("plain", &pen.sign(&claims(&node, "plain"))), Some(&alice)).await;
    assert!(keyless.words().contains("no keys"), "{}", keyless.words());
    // A list of audiences, and clocks that are not quite alike, are fine.
    for text in [
        changed("aud", json!(["https://door.example.com/realms/main", "x"])),
        changed("exp", json!(now - 29)),
        changed("nbf", json!(now + 29)),
    ] {
        assert_eq!(arrive(&at, &outer("grafana", &text), Some(&alice)).await.words(), "answer");
    }
}

pub async fn at_client(at: &Provider, name: &str) -> Arc<Client> {
    let name = doorward_model::name::ClientName::parse(name).expect("a name");
    let found = doorward_engine::clients::find(&at.node.door, &at.realm.id, &name).await.expect("a database");
    found.expect("a client")
}

async fn a_client_may_have_to_push_or_sign_its_requests(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let pen = pen(&node);
    let pushing = at.client("pushing", ClientSettings { require_pushed: true, ..settings(everyone()) }).await;
    let signing = ClientSettings { require_signed_request: true, jwks: Some(pen.jwks.clone()), ..settings(everyone()) };
    let signing = at.client("signing", signing).await;
    let plain = |client: &Client| Provider::query(client, "");
    let refused = Some(ErrorCode::InvalidRequest);
    assert_eq!(arrive(&at, &plain(&pushing), Some(&alice)).await.error(), refused);
    assert_eq!(arrive(&at, &plain(&signing), Some(&alice)).await.error(), refused);
    let name = push_at(&at, &pushing, &plain(&pushing)).await.expect("a request");
    assert_eq!(arrive(&at, &with_name("pushing", &name), Some(&alice)).await.words(), "answer");
    let told = push_at(&at, &signing, &plain(&signing)).await.err().map(|error| error.code());
    assert_eq!(told, refused, "pushing is not signing");
    let signed = format!("request={}", pen.sign(&claims(&node, "signing")));
    let name = push_at(&at, &signing, &signed).await.expect("a request");
    // The object's time counts when it is pushed, and not again when somebody has signed in.
    let asked = Asked::arriving(&with_name("signing", &name), &node.ctx());
    assert_eq!(proceed(&at, &asked, None, OLD).await.words(), "sign in");
    let direct = Asked::arriving(&format!("client_id=signing&{signed}"), &node.ctx());
    assert_eq!(proceed(&at, &direct, None, OLD).await.words(), "sign in");
    ground.advance(20 * 60).await;
    let fresh = (Fresh::Yes, Agreed::NotAsked);
    for asked in [asked, direct] {
        let resumed = Asked::of_text(&asked.to_text().expect("text")).expect("what was sealed");
        assert_eq!(proceed(&at, &resumed, Some(&alice), fresh).await.words(), "answer");
    }
    assert!(arrive(&at, &format!("client_id=signing&{signed}"), Some(&alice)).await.words().contains("expired"));
}

async fn a_key_shown_with_a_pushed_request_binds_the_code(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    let (holder, other) = (Holder::default(), Holder::default());
    let (door, ctx) = (&node.door, node.ctx());
    let bound = async |holder: &Holder| {
        let key = crate::proofs::key(&at, &client, holder);
        let used = use_up_alone(door, &ctx, &client, Some(&key)).await.expect("a database");
        used.unwrap_or_else(|refused| panic!("{refused}")).expect("a key")
    };
    let (mine, theirs) = (bound(&holder).await, bound(&other).await);
    let push = async |more: &str, key: &Bound| {
        let parameters = Parameters::parse_form(&Provider::query(&client, more)).expect("parameters");
        push(door, &ctx, (&at.realm, &client), &parameters, Some(key)).await.expect("a database")
    };
    let named = format!("&dpop_jkt={}", theirs.thumbprint());
    let refused = push(&named, &mine).await.err().map(|error| error.code());
    assert_eq!(refused, Some(ErrorCode::InvalidDpopProof));
    for (more, key, is_good) in [("", &mine, true), (named.as_str(), &theirs, false)] {
        let name = push(more, key).await.expect("a request");
        let answer = arrive(&at, &with_name("grafana", &name), Some(&alice)).await.answer().expect("an answer");
        let code = answer.code.expect("a code");
        let key = crate::proofs::key(&at, &client, &holder);
        let ask = Ask {
            code: code.reveal(),
            redirect_uri: Some(CALLBACK),
            verifier: Some(VERIFIER),
            key: Some(&key),
            details: None,
        };
        let outcome = exchange_code(door, &ctx, "main", &client, ask).await.expect("a database");
        assert_eq!(outcome.is_ok(), is_good);
    }
}

on_both!(together:
    gauntlet_b3_21_fifty_browsers_with_one_pushed_request_get_one_code,
    gauntlet_b3_21_a_pushed_request_is_its_clients_for_ninety_seconds,
    gauntlet_b3_21_a_signed_request_counts_alone_and_only_as_signed,
    a_pushed_request_survives_the_sign_in_page_and_any_answer_uses_it_up,
    what_the_authorization_endpoint_would_refuse_cannot_be_pushed,
    a_public_client_has_only_so_many_pushed_requests,
    a_client_may_have_to_push_or_sign_its_requests,
    a_key_shown_with_a_pushed_request_binds_the_code,
);
