//! A door with clients and signed-in people, for the benches of the OpenID Provider; and what a durable commit of its
//! database takes.

use crate::limits;
use crate::talk::{Line, Talker, between, form};
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_store::store::{Database, Store};
use doorward_store::throttles;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::jar::Jar;
use doorward_tests::{door, sign_in_at, user};
use doorward_world::World;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Instant;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:9/callback";
/// Where the endpoints lie.
pub const BASE: &str = "/realms/main/protocol/openid-connect";

/// A running door with a client per algorithm and some people signed in.
pub struct Site {
    /// The door.
    pub door: Door,
    cookies: Vec<String>,
}

impl Site {
    /// A door with people signed in by cookie.
    pub fn build() -> Site {
        let door = door();
        let cookies = (0..limits::PROVIDER_PEOPLE).map(|number| {
            let name = format!("person{number}");
            user(&door, &name);
            let (jar, _, _) = sign_in_at(&format!("{}/realms/main/account", door.url()), &name);
            cookie(&jar)
        });
        let cookies = cookies.collect();
        Site { door, cookies }
    }

    /// Creates a client that people sign in to; gives its secret.
    pub fn client(&self, name: &str, algorithm: &str) -> String {
        secret(
            &self.door,
            &["client", "create", name, "--everyone", "--redirect-uri", CALLBACK, "--algorithm", algorithm],
        )
    }

    /// Browsers of these people that come back to a client again and again.
    pub fn visitors(&self, client: &str, secret: &str) -> Vec<Visitor> {
        let of = |number: usize| {
            let cookie = self.cookies.get(number % self.cookies.len()).expect("a person who is signed in");
            let start = format!(
                "GET {BASE}/auth?client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&response_type=code\
                 &scope=openid+profile&state=s&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256 HTTP/1.1\r\n\
                 Host: doorward.localhost\r\nAccept: text/html\r\nCookie: {cookie}\r\n\r\n"
            );
            let proof = format!("client_id={client}&client_secret={secret}");
            Visitor { start, proof, refresh: String::new() }
        };
        (0..limits::CONNECTIONS).map(of).collect()
    }

    /// The door's database.
    pub fn file(&self) -> PathBuf {
        self.door.scratch().join("data/doorward.db")
    }
}

/// Creates a client and gives its secret.
pub fn secret(door: &Door, words: &[&str]) -> String {
    let told = door.cli_text(&[words, &["--output", "json"]].concat());
    let told: Value = serde_json::from_str(&told).expect("JSON");
    told.get("client_secret").and_then(Value::as_str).expect("a secret").to_owned()
}

fn cookie(jar: &Jar) -> String {
    let cookies = jar.cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
    cookies.collect::<Vec<_>>().join("; ")
}

/// A browser whose person is signed in, and the client behind it.
pub struct Visitor {
    start: String,
    proof: String,
    refresh: String,
}

impl Visitor {
    /// From the request to tokens, without a page in between.
    async fn arrive(&mut self, line: &mut Line) {
        let code = between(line.ask(&self.start, "302").await, "code=", '&').to_owned();
        let fields = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback\
             &code_verifier={VERIFIER}&{}",
            self.proof
        );
        let answer = line.ask(&form(&format!("{BASE}/token"), &fields), "200").await;
        self.refresh = between(answer, "\"refresh_token\":\"", '"').to_owned();
    }
}

impl Talker for Visitor {
    async fn turn(&mut self, line: &mut Line) {
        self.arrive(line).await;
    }
}

/// A client that keeps one person signed in.
pub struct Keeper(pub Visitor);

impl Talker for Keeper {
    async fn turn(&mut self, line: &mut Line) {
        let Visitor { proof, refresh, .. } = &self.0;
        if refresh.is_empty() {
            return self.0.arrive(line).await;
        }
        let fields = format!("grant_type=refresh_token&refresh_token={refresh}&{proof}");
        let answer = line.ask(&form(&format!("{BASE}/token"), &fields), "200").await;
        self.0.refresh = between(answer, "\"refresh_token\":\"", '"').to_owned();
    }
}

/// The time of one durable commit with one small write in it, one after the other, in milliseconds each.
pub fn commits(file: PathBuf) -> Vec<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let world = World::real();
        let ctx = Ctx {
            now: world.now(),
            actor: Actor::Worker("bench"),
            request: RequestTag::new(0, 0),
            client: None,
            certificate: None,
        };
        let store = Store::open(&Database::Sqlite(file)).await.expect("the door's own database");
        let mut times = Vec::with_capacity(limits::COMMITS);
        for _ in 0..limits::COMMITS {
            let begun = Instant::now();
            let mut tx = store.begin().await.expect("a transaction");
            let window = (ctx.now, ctx.now.plus_seconds(60));
            throttles::reserve(&mut tx, "bench", i64::MAX, window).await.expect("a write");
            tx.commit(&ctx).await.expect("a commit");
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        store.close().await;
        times
    })
}

/// A door with nobody in it.
pub fn empty() -> Door {
    Door::start(DoorOptions::serve())
}
