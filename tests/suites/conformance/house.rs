//! One server for the whole suite, the clients that come to it, and a browser. The server outlives the tests and ends
//! with this program.

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Answer, Request, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_testkit::scratch::Scratch;
use doorward_tests::proof::Holder;
use doorward_tests::{PASSWORD, action, field, page_request, with_password};
use doorward_world::World;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Where codes go that a test wants for itself: nobody listens there, and no browser of ours goes there.
pub const NOWHERE: &str = "http://127.0.0.1:9/callback";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636, appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const FORM: &str = "application/x-www-form-urlencoded";
/// The clients whose secrets are asked for.
const WITH_SECRETS: [&str; 7] = ["certified", "certified-post", "plain", "other", "machine", "told", "signed-userinfo"];

const DECLARED: &str = "
kind: User
name: alice
display: Alice Adams
given_name: Alice
family_name: Adams
email: alice@example.com
email_verified: true
password: env:DOORWARD_TEST_PASSWORD
attributes:
  phoneNumber: '+49 30 1234567'
  phoneNumberVerified: 'true'
  street: Tor 1
  locality: Berlin
  country: Germany
  nickname: al
---
kind: Client
name: certified
redirect_uris: ['@BASIC@/callback']
post_logout_redirect_uris: ['@BASIC@/bye']
everyone: true
pkce_optional: true
---
kind: Client
name: certified-post
redirect_uris: ['@POST@/callback']
everyone: true
---
kind: Client
name: plain
redirect_uris: ['@NOWHERE@', '@NOWHERE@-two']
post_logout_redirect_uris: ['http://127.0.0.1:9/bye']
everyone: true
pkce_optional: true
---
kind: Client
name: other
redirect_uris: ['@NOWHERE@']
everyone: true
pkce_optional: true
---
kind: Client
name: asking
public: true
redirect_uris: ['@NOWHERE@']
everyone: true
consent: explicit
---
kind: Client
name: hybrid
redirect_uris: ['@NOWHERE@']
everyone: true
grants: [authorization_code, implicit]
---
kind: Client
name: machine
grants: [client_credentials]
dpop_bound: true
---
kind: Client
name: told
redirect_uris: ['@NOWHERE@']
post_logout_redirect_uris: ['http://127.0.0.1:9/bye']
everyone: true
backchannel_logout_uri: '@TOOL@/backchannel'
frontchannel_logout_uri: '@TOOL@/frontchannel'
---
kind: Client
name: signed-userinfo
redirect_uris: ['@NOWHERE@']
everyone: true
userinfo_algorithm: RS256
---
kind: Client
name: fapi
redirect_uris: ['@NOWHERE@']
everyone: true
authentication: private_key_jwt
jwks: {keys: [@FIRST@]}
dpop_bound: true
require_pushed: true
algorithm: PS256
---
kind: Client
name: fapi-two
redirect_uris: ['@NOWHERE@']
everyone: true
authentication: private_key_jwt
jwks: {keys: [@SECOND@]}
dpop_bound: true
require_pushed: true
algorithm: ES256
---
kind: Client
name: signing
redirect_uris: ['@NOWHERE@', '@NOWHERE@-two']
everyone: true
authentication: private_key_jwt
jwks: {keys: [@FIRST@]}
require_pushed: true
require_signed_request: true
algorithm: PS256
";

/// The server and who comes to it.
pub struct House {
    pub door: Door,
    /// Proves itself with `client_secret_basic`, checks everything it is told.
    pub basic: RelyingParty,
    /// The same with `client_secret_post`.
    pub post: RelyingParty,
    /// Hears of sign-outs.
    pub tool: Echo,
    /// The keys of `fapi` and `signing`, and of `fapi-two`.
    pub keys: [Holder; 2],
    secrets: Vec<(&'static str, String)>,
}

/// The one house.
pub fn house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(House::start);
    &HOUSE
}

/// Now, in seconds.
pub fn now() -> i64 {
    World::real().now().seconds()
}

/// A text somewhere in JSON.
pub fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    doorward_tests::clients::text(value, path)
}

/// Status and refusal of an answer in the protocol's words.
pub fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "/error").to_owned())
}

/// Directories of earlier runs: the server outlives its tests, so nothing removes its directory when it ends.
fn clear_away() {
    let folders = std::fs::read_dir(std::env::temp_dir().join("doorward-tests")).into_iter().flatten().flatten();
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("conformance-").and_then(|rest| rest.split('-').next()).map(str::to_owned);
        if owner.is_some_and(|pid| !std::path::Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

impl House {
    fn start() -> House {
        clear_away();
        let port = free_port();
        let options = DoorOptions {
            port,
            public_url: Some(format!("http://localhost:{port}")),
            environment: vec![("DOORWARD_OUTBOUND_ALLOW".to_owned(), "127.0.0.0/8".to_owned())],
            ..DoorOptions::serve()
        };
        let door = Door::start_in(Scratch::new("conformance"), with_password(options));
        let (tool, keys, ports) = (Echo::start(), [Holder::default(), Holder::default()], [free_port(), free_port()]);
        let [first, second] = &keys;
        let mut declared = DECLARED.replace("@NOWHERE@", NOWHERE).replace("@TOOL@", &tool.url());
        for (name, port) in [("@BASIC@", ports[0]), ("@POST@", ports[1])] {
            declared = declared.replace(name, &format!("http://127.0.0.1:{port}"));
        }
        declared = declared.replace("@FIRST@", &registered(first)).replace("@SECOND@", &registered(second));
        let file = door.scratch().write("declared.yaml", &declared).display().to_string();
        let folder = door.scratch().join("secrets");
        door.cli_text(&["apply", "-f", &file, "--secrets-dir", &folder.display().to_string()]);
        let secret = |name: &'static str| {
            let read = std::fs::read_to_string(folder.join(format!("main-{name}.secret")));
            (name, read.expect("the client's secret"))
        };
        let secrets = WITH_SECRETS.map(secret).to_vec();
        let issuer = format!("{}/realms/main", door.url());
        let party = |name: &str, port: u16, way: &str| {
            let (_, secret) = secrets.iter().find(|(known, _)| *known == name).expect("a secret");
            let secret = (secret.as_str(), way);
            RelyingParty::start_strict(&RelyingPartyOptions {
                port,
                issuer: &issuer,
                client_id: name,
                secret,
                scope: "openid",
            })
        };
        let (basic, post) = (party("certified", ports[0], "basic"), party("certified-post", ports[1], "post"));
        House { door, basic, post, tool, keys, secrets }
    }

    /// Issuer of the realm.
    pub fn issuer(&self) -> String {
        format!("{}/realms/main", self.door.url())
    }

    /// An endpoint by the last words of its path.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/protocol/openid-connect/{name}", self.issuer())
    }

    /// A client's secret.
    pub fn secret(&self, client: &str) -> &str {
        let found = self.secrets.iter().find(|(name, _)| *name == client);
        found.map(|(_, secret)| secret.as_str()).expect("a client with a secret")
    }

    /// What a client would send a browser to; a parameter given again replaces the usual one, an empty one takes it away.
    pub fn request(&self, client: &str, more: &[(&str, &str)]) -> String {
        format!("{}?{}", self.endpoint("auth"), query(&wishes(client, more)))
    }

    /// Asks the token endpoint, as a client with a secret.
    pub fn token(&self, client: &str, form: &[(&str, &str)]) -> Answer {
        let own = [("client_id", client), ("client_secret", self.secret(client))];
        Request::new("POST", &self.endpoint("token")).form(&[form, &own].concat()).send()
    }

    /// Redeems a code sent to [`NOWHERE`].
    pub fn redeem(&self, client: &str, code: &str) -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", NOWHERE)];
        self.token(client, &[&form[..], &[("code_verifier", VERIFIER)]].concat())
    }

    /// Asks userinfo as the bearer of a token.
    pub fn userinfo(&self, token: &str) -> Answer {
        doorward_tests::clients::ask(&self.endpoint("userinfo"), token)
    }
}

/// The usual wishes of a client, with others in their place.
pub fn wishes<'t>(client: &'t str, more: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
    let usual = [
        ("client_id", client),
        ("redirect_uri", NOWHERE),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

/// Parameters as a query.
pub fn query(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect::<Vec<_>>().join("&")
}

/// A key as a client registers it.
pub fn registered(key: &Holder) -> String {
    let mut jwk = key.jwk();
    (jwk["kid"], jwk["alg"], jwk["use"]) = (json!("own"), json!("ES256"), json!("sig"));
    jwk.to_string()
}

/// The page a browser ends at.
pub struct End {
    pub url: String,
    pub answer: Answer,
    /// What the provider sent to a client by way of the browser, the last time it did.
    pub sent: Vec<(String, String)>,
}

impl End {
    /// One parameter of what a client was sent.
    pub fn told(&self, name: &str) -> &str {
        let found = self.sent.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The code a client was sent.
    pub fn code(&self) -> &str {
        assert!(!self.told("code").is_empty(), "no code: {} {:?} {}", self.url, self.sent, self.answer.text());
        self.told("code")
    }

    /// Whether the sign-in page is there.
    pub fn asks_for_a_password(&self) -> bool {
        self.answer.status == 200 && self.url.contains("/sign-in?flow=")
    }
}

/// A person's browser. It runs the one script there is: a form that sends itself.
#[derive(Default)]
pub struct Browser {
    jar: Jar,
}

impl Browser {
    /// Opens an address.
    pub fn open(&mut self, url: &str) -> End {
        self.send(page_request(url))
    }

    /// Sends a request and goes wherever it leads, as far as somebody listens there.
    pub fn send(&mut self, request: Request) -> End {
        let (mut request, mut sent) = (request, Vec::new());
        for _ in 0..20 {
            let (url, house) = (request.url(), house());
            let answer = self.jar.send(request.clone());
            let (to, form) = match (answer.status, answer.header("location")) {
                (301..=303, Some(link)) => (Address::parse(&url).join(link), None),
                (200, None) if sends_itself(&answer) => form_of(&answer),
                _ => return End { url, answer, sent },
            };
            if url.starts_with(&house.door.url()) && !to.starts_with(&house.door.url()) {
                let carried = to.split_once(['?', '#']).map_or("", |(_, carried)| carried);
                sent = fields(form.as_deref().unwrap_or(carried));
            }
            let is_there = [house.door.url(), house.basic.url("/"), house.post.url("/"), house.tool.url()];
            if !is_there.iter().any(|base| to.starts_with(base)) {
                return End { url: to, answer, sent };
            }
            request = page_request(&to);
            if let Some(form) = form {
                request = Request::new("POST", &to).header("Content-Type", FORM).body(form);
            }
        }
        panic!("the redirects do not end: {}", request.url());
    }

    /// Fills in the sign-in page.
    pub fn sign_in(&mut self, page: &End) -> End {
        assert!(page.asks_for_a_password(), "{} {}: {}", page.answer.status, page.url, page.answer.text());
        let html = page.answer.text();
        let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
        let form = [("login", "alice"), ("password", PASSWORD), ("flow", &flow), ("csrf", &csrf)];
        self.submit(page, &form)
    }

    /// Sends the form of a page.
    pub fn submit(&mut self, page: &End, form: &[(&str, &str)]) -> End {
        let target = Address::parse(&page.url).join(&action(&page.answer.text()));
        self.send(Request::new("POST", &target).header("Accept", "text/html").form(form))
    }

    /// Opens an address and signs in if that is asked.
    pub fn visit(&mut self, url: &str) -> End {
        let end = self.open(url);
        if end.asks_for_a_password() { self.sign_in(&end) } else { end }
    }
}

fn sends_itself(answer: &Answer) -> bool {
    let html = answer.text();
    html.contains("<form") && action(&html).starts_with("http")
}

/// Where a form goes, and what is in it.
fn form_of(answer: &Answer) -> (String, Option<String>) {
    let html = answer.text();
    let inputs = html.split("<input").skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
    let names = inputs.filter(|tag| tag.contains("type=\"hidden\"")).filter_map(|tag| tag.split("name=\"").nth(1));
    let names: Vec<&str> = names.filter_map(|rest| rest.split('"').next()).collect();
    let pairs: Vec<(&str, String)> = names.iter().map(|name| (*name, field(&html, name))).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (action(&html), Some(query(&pairs)))
}

/// The fields of a form or a query.
pub fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).unwrap_or_default() as u8;
        bytes.push(match byte {
            b'%' => digit() << 4 | digit(),
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
