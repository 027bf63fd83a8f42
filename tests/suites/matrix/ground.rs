//! A realm with everything in it that credentials can be got from or shown to.

use crate::kinds::Kind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::jws::Presented;
use doorward_jose::key::SigningKey;
use doorward_jose::key_set::KeySet;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::{Echo, Reply};
use doorward_testkit::http::{Answer, Request, get, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::ports::free_port;
use doorward_tests::proof::Holder;
use doorward_tests::{field, page_request};
use doorward_world::World;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where codes are sent. Nobody listens there.
pub const CALLBACK: &str = "http://127.0.0.1:9/callback";
/// The platform whose workloads may speak as a client.
pub const PLATFORM: &str = "https://platform.example";
/// People beside alice: one whose password is guessed at the token endpoint, one on the sign-in page, one whose account
/// strangers are held off from, and one on the account page.
pub const GUESSED: [&str; 4] = ["pat", "sam", "dora", "quinn"];

/// Where commands find the password that tess is given, and what it is.
pub const TEMPORARY: (&str, &str) = ("DOORWARD_TEMPORARY_PASSWORD", "a phrase to begin with");

/// A door below a parent domain, with passes shared by it, which says all it has to say.
pub fn door(database: Option<String>, environment: &[(&str, &str)]) -> Door {
    let port = free_port();
    let mut options = DoorOptions { database, port, ..DoorOptions::serve() };
    options.public_url = Some(format!("http://door.corp.localhost:{port}"));
    options.arguments = ["--cookie-domain", "corp.localhost"].map(str::to_owned).to_vec();
    options.environment.push((TEMPORARY.0.to_owned(), TEMPORARY.1.to_owned()));
    options.environment.push(("DOORWARD_OUTBOUND_ALLOW".to_owned(), "127.0.0.0/8".to_owned()));
    options.environment.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Door::start(options)
}

/// A realm.
pub struct Ground<'d> {
    /// The door it is in.
    pub door: &'d Door,
    /// Its name.
    pub realm: &'static str,
    /// A word that the names of everything in it hold, and nothing else does.
    pub mark: &'static str,
    /// Everybody's password.
    pub password: String,
    /// The secret of the client `tool`.
    pub secret: String,
    /// What the client `signer` and the platform sign with.
    pub key: SigningKey,
    /// Whoever holds a key.
    pub holder: Holder,
    /// The tool behind the built-in proxy.
    pub echo: Echo,
    /// An identity provider that says where it is, and no more.
    pub company: Echo,
    /// Where the client `listener` is told of sessions that ended.
    pub listener: Echo,
    /// The address of the app served by the built-in proxy.
    pub app: String,
    /// The address of the app with a proxy of its own.
    pub outer: String,
    /// A browser in which alice is signed in.
    pub jar: Jar,
    /// Where a registered client is found.
    pub registered: String,
    /// What the cookies of passes to the two apps are called.
    pub pass_names: [String; 2],
    /// Every credential that was got here.
    pub issued: RefCell<Vec<(Kind, String)>>,
}

fn company() -> Echo {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    Echo::start_on(port, move |seen| {
        let at = |path: &str| format!("{issuer}/{path}");
        Reply::json(&match seen.path.as_str() {
            "/jwks" => json!({"keys": []}),
            _ => json!({
                "issuer": issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
                "jwks_uri": at("jwks"),
            }),
        })
    })
}

/// The present moment, in seconds since 1970.
pub fn now() -> i64 {
    World::real().now().seconds()
}

/// A number nobody has had before.
pub fn fresh_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A request that seems to come from a network of its own, so that no guesses add up.
pub fn request(method: &str, url: &str) -> Request {
    let number = fresh_number();
    let network = format!("10.{}.{}.1", (number >> 8) & 255, number & 255);
    Request::new(method, url).header("X-Forwarded-For", network)
}

impl<'d> Ground<'d> {
    /// Makes one.
    pub fn new(door: &'d Door, realm: &'static str, mark: &'static str) -> Ground<'d> {
        let pkcs8 = SigningKey::generate(Algorithm::Es256).expect("a key");
        let id = KeyId::draw(&Counting::new(u64::from(fresh_number())));
        let key = SigningKey::parse(id, Algorithm::Es256, &pkcs8).expect("its own key");
        let (app, outer) = (format!("{mark}-app.corp.localhost"), format!("{mark}-outer.corp.localhost"));
        let mut ground = Ground {
            door,
            realm,
            mark,
            password: format!("{mark} of {}", door.port()),
            secret: String::new(),
            key,
            holder: Holder::default(),
            echo: Echo::start(),
            company: company(),
            listener: Echo::start(),
            app: door.url_as(&app),
            outer: door.url_as(&outer),
            jar: Jar::new(),
            registered: String::new(),
            pass_names: Default::default(),
            issued: RefCell::default(),
        };
        ground.declare();
        ground.jar = ground.sign_in("alice");
        ground.registered = ground.register(&ground.registration()).1;
        ground.pass_names = [&ground.app, &ground.outer].map(|app| ground.pass(app).1);
        ground
    }

    fn declare(&mut self) {
        let scratch = self.door.scratch();
        let password = scratch.write(&format!("{}.password", self.mark), &self.password);
        let file = scratch.write(&format!("{}.yaml", self.mark), &self.declaration(&password.display().to_string()));
        let secrets = scratch.join(&format!("{}.secrets", self.mark));
        let (file, directory) = (file.display().to_string(), secrets.display().to_string());
        self.door.cli_text(&["apply", "-f", &file, "--secrets-dir", &directory]);
        self.secret = self.secret_of("tool");
        let issuer = self.company.url();
        self.cli(&["connector", "add", "oidc", "company", "--issuer", &issuer, "--client-id", "doorward"]);
        self.cli(&["role", "create", "realm-admin", "--client", "realm-management"]);
        let steward = ["--client", "realm-management", "--service", "steward"];
        self.cli(&[&["role", "assign", "realm-admin"][..], &steward].concat());
        self.cli(&["user", "create", "tess", "--password-env", TEMPORARY.0, "--temporary"]);
    }

    /// The secret of a client.
    pub fn secret_of(&self, client: &str) -> String {
        let file = self.door.scratch().join(&format!("{}.secrets/{}-{client}.secret", self.mark, self.realm));
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("no secret of {client}: {error}"))
    }

    fn declaration(&self, password: &str) -> String {
        let Ground { realm, mark, app, outer, .. } = self;
        let keys = json!({"keys": [self.key.public_jwk()]});
        let mut text = format!("kind: Realm\nname: {realm}\ntitle: Realm {mark}\n");
        for name in ["alice"].iter().chain(&GUESSED) {
            let _ = write!(
                text,
                "---\nkind: User\nname: {name}\nrealm: {realm}\ndisplay: {name} {mark}\nemail: {name}@{mark}.example\n\
                 password: 'file:{password}'\ngroups: [{mark}-people]\n"
            );
        }
        let _ = write!(text, "---\nkind: Group\nname: {mark}-people\nrealm: {realm}\n");
        let upstream = self.echo.url();
        for (kind, address, more) in [
            ("app", app, format!("upstream: '{upstream}'\nbearer_token: true\npublic_paths: [/open/*]")),
            ("outer", outer, String::new()),
        ] {
            let _ = write!(
                text,
                "---\nkind: App\nname: {mark}-{kind}\nrealm: {realm}\ntitle: App {mark} {kind}\naddresses: ['{address}']\n\
                 everyone: true\n{more}\n"
            );
        }
        let issuer = self.issuer();
        for (name, more) in [
            (
                "tool",
                format!(
                    "pkce_optional: true\ngrants: [authorization_code, refresh_token, client_credentials, device_code, \
                     token_exchange, jwt_bearer, password]\nworkloads: [{{issuer: '{PLATFORM}', audience: '{issuer}', \
                     jwks: {keys}, subjects: ['job:*']}}]"
                ),
            ),
            ("signer", format!("{SIGNER}jwks: {keys}")),
            ("asker", "pkce_optional: true\nconsent: explicit".to_owned()),
            ("page", "public: true".to_owned()),
            ("listener", format!("pkce_optional: true\nbackchannel_logout_uri: '{}/told'", self.listener.url())),
            ("browser", "grants: [implicit]".to_owned()),
        ] {
            let _ = write!(
                text,
                "---\nkind: Client\nname: {name}\nrealm: {realm}\ntitle: {name} {mark}\nredirect_uris: ['{CALLBACK}']\n\
                 everyone: true\n{more}\n"
            );
        }
        for name in ["realm-management", "steward"] {
            let _ = write!(text, "---\nkind: Client\nname: {name}\nrealm: {realm}\ngrants: [client_credentials]\n");
        }
        text
    }

    /// Runs a command in the realm.
    pub fn cli(&self, arguments: &[&str]) -> String {
        self.door.cli_text(&[&["--realm", self.realm], arguments].concat()).trim().to_owned()
    }

    /// The realm's issuer.
    pub fn issuer(&self) -> String {
        format!("{}/realms/{}", self.door.url(), self.realm)
    }

    /// One of the provider's endpoints.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/protocol/openid-connect/{name}", self.issuer())
    }

    /// The account page, or an address below it.
    pub fn account(&self, below: &str) -> String {
        format!("{}/account{below}", self.issuer())
    }

    /// The form of the sign-in page: its flow and its proof.
    pub fn sign_in_form(&self, jar: &mut Jar) -> (String, String) {
        let page = jar.send(page_request(&format!("{}/sign-in", self.issuer()))).text();
        (field(&page, "flow"), field(&page, "csrf"))
    }

    /// Sends a sign-in form.
    pub fn send_sign_in(&self, jar: &mut Jar, from: Request, (name, password): (&str, &str)) -> Answer {
        let (flow, csrf) = self.sign_in_form(jar);
        let form = [("login", name), ("password", password), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
        jar.send(from.form(&form))
    }

    /// The address sign-in forms are sent to.
    pub fn sign_in_target(&self) -> Request {
        request("POST", &format!("{}/sign-in", self.issuer()))
    }

    /// A browser in which somebody is signed in.
    pub fn sign_in(&self, name: &str) -> Jar {
        let mut jar = Jar::new();
        let answer = self.send_sign_in(&mut jar, self.sign_in_target(), (name, &self.password));
        assert_eq!(answer.status, 303, "{name}: {}", answer.text());
        jar
    }

    /// A page of the account, as text.
    pub fn account_page(&self, jar: &mut Jar) -> String {
        jar.send(page_request(&self.account(""))).text()
    }

    /// The answer to an authorization request of a client, for whoever is signed in.
    pub fn authorize(&self, jar: &mut Jar, client: &str, more: &[(&str, &str)]) -> Answer {
        let base = [("client_id", client), ("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid")];
        let kept = base.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let fields = kept.chain(more).filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = fields.map(|(name, value)| format!("{name}={}", percent(value))).collect();
        jar.send(page_request(&format!("{}?{}", self.endpoint("auth"), query.join("&"))))
    }

    /// What an authorization request of the tool brings back.
    pub fn authorized(&self, jar: &mut Jar, client: &str, more: &[(&str, &str)], name: &str) -> String {
        let answer = self.authorize(jar, client, more);
        let location = answer.location();
        let value = location.split(['?', '#', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        value.unwrap_or_else(|| panic!("no {name} in {location}")).to_owned()
    }

    /// Asks the token endpoint as the tool.
    pub fn token(&self, more: &[(&str, &str)]) -> Answer {
        self.ask(self.endpoint("token"), &[&self.proof(), more].concat())
    }

    /// What the token endpoint gives the tool.
    pub fn given(&self, more: &[(&str, &str)]) -> Value {
        let answer = self.token(more);
        assert_eq!(answer.status, 200, "{more:?}: {}", answer.text());
        answer.json()
    }

    /// How the tool proves itself.
    pub fn proof(&self) -> [(&str, &str); 2] {
        [("client_id", "tool"), ("client_secret", self.secret.as_str())]
    }

    /// Posts a form.
    pub fn ask(&self, url: String, form: &[(&str, &str)]) -> Answer {
        request("POST", &url).form(form).send()
    }

    /// The tokens a browser's person gives to the tool.
    pub fn tokens(&self, jar: &mut Jar, scope: &str) -> Value {
        let code = self.authorized(jar, "tool", &[("scope", scope)], "code");
        self.given(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)])
    }

    /// What the client `signer` signs.
    pub fn signed(&self, claims: &Value) -> String {
        self.key.sign("JWT", claims).expect("a signature")
    }

    /// The assertion of the client `signer` about itself.
    pub fn assertion(&self) -> String {
        let id = format!("{}-{}", self.mark, fresh_number());
        self.signed(&json!({"iss": "signer", "sub": "signer", "aud": self.issuer(), "iat": now(), "exp": now() + 200,
            "jti": id}))
    }

    /// How the client `signer` proves itself.
    pub fn asserted<'a>(&self, assertion: &'a str) -> [(&'a str, &'a str); 3] {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        [("client_id", "signer"), ("client_assertion_type", kind), ("client_assertion", assertion)]
    }

    /// A token that registers one client.
    pub fn registration(&self) -> String {
        let name = format!("r{}", fresh_number());
        self.cli(&["registration", "create", &name, "--redirect-host", "127.0.0.1", "--everyone"])
    }

    /// Registers a client; gives its token and where it is found.
    pub fn register(&self, token: &str) -> (String, String) {
        let made = self.send_registration(token);
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let text = |name: &str| made.get(name).and_then(Value::as_str).expect("a text").to_owned();
        (text("registration_access_token"), text("registration_client_uri"))
    }

    /// Asks for a client of its own.
    pub fn send_registration(&self, token: &str) -> Answer {
        let metadata = json!({"redirect_uris": [CALLBACK], "client_name": format!("Registered {}", self.mark)});
        let url = format!("{}/clients-registrations/openid-connect", self.issuer());
        request("POST", &url).header("Authorization", format!("Bearer {token}")).json(&metadata).send()
    }

    /// A device's two codes.
    pub fn device(&self) -> (String, String) {
        let answer = self.ask(self.endpoint("auth/device"), &self.proof());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.json();
        let text = |name: &str| told.get(name).and_then(Value::as_str).expect("a text").to_owned();
        (text("device_code"), text("user_code"))
    }

    /// Sends a form of the browser's account with its proof.
    pub fn post_own(&self, jar: &mut Jar, url: &str, more: &[(&str, &str)]) -> Answer {
        let csrf = field(&self.account_page(jar), "csrf");
        jar.send(request("POST", url).form(&[&[("csrf", csrf.as_str())][..], more].concat()))
    }

    /// The question a browser's person is asked about a device.
    pub fn device_question(&self, jar: &mut Jar, user_code: &str) -> Answer {
        self.post_own(jar, &format!("{}/device", self.issuer()), &[("user_code", user_code)])
    }

    /// Answers it.
    pub fn answer_device(&self, jar: &mut Jar, question: &str) -> Answer {
        let more = [("request", question), ("decision", "allow")];
        self.post_own(jar, &format!("{}/device/answer", self.issuer()), &more)
    }

    /// A browser that enters an app; it stops where the ticket is.
    pub fn ticket(&self, app: &str) -> (Jar, String) {
        let mut jar = self.sign_in("alice");
        let start = jar.send(page_request(&format!("{app}/.doorward/start")));
        let entered = jar.send(page_request(start.location()));
        let location = entered.location().to_owned();
        (jar, location)
    }

    /// A browser inside an app, with the name and the value of its pass.
    pub fn pass(&self, app: &str) -> (Jar, String, String) {
        let (mut jar, location) = self.ticket(app);
        jar.send(page_request(&location));
        let cookies = jar.header_for(app).unwrap_or_default();
        let pass = cookies.split("; ").find(|pair| pair.starts_with("doorward_pass_")).expect("a pass");
        let (name, value) = pass.split_once('=').expect("a cookie");
        (jar.clone(), name.to_owned(), value.to_owned())
    }

    /// A header for HTTP Basic authentication.
    pub fn basic(name: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", percent(name), percent(secret))))
    }

    /// Why a token is not one that this realm signed and that is good now, if it is not.
    pub fn unsigned(&self, kind: Kind, token: &str) -> Option<String> {
        let set = get(&self.endpoint("certs")).json();
        let keys = KeySet::parse(&set).expect("published keys");
        let verified = Presented::read(token).and_then(|presented| {
            let key = keys.find_for(presented.header())?;
            presented.verify(key)
        });
        // Those without an end are told at once and kept by nobody.
        let in_time = |claims: Claims| match claims.get("exp") {
            Some(_) => claims.check_times(now(), Skew::NONE).map(|_| claims),
            None => Ok(claims),
        };
        let claims = verified.and_then(in_time);
        let is_of_realm = |claims: &Claims| claims.issuer().is_ok_and(|issuer| issuer == self.issuer());
        match claims {
            Ok(claims) if is_of_realm(&claims) => None,
            Ok(_) => Some(format!("{kind:?} names another issuer")),
            Err(why) => Some(format!("{kind:?} is none: {why}")),
        }
    }
}

const SIGNER: &str = "authentication: private_key_jwt\npkce_optional: true\nuserinfo_algorithm: ES256\ngrants: \
                      [authorization_code, refresh_token, client_credentials]\n";
