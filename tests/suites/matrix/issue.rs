//! One fresh credential of each kind, got as its holder would get it.

use crate::ground::{CALLBACK, Ground, PLATFORM, TEMPORARY, fresh_number, now, request};
use crate::kinds::Kind;
use doorward_testkit::http::{Request, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::process::wait_until;
use doorward_tests::{field, page_request};
use serde_json::{Value, json};
use std::time::Duration;

/// A credential, and what its holder has besides.
pub struct Shown {
    /// The credential.
    pub value: String,
    /// The browser it is in.
    pub jar: Option<Jar>,
    /// Where it belongs: a registered client's address, a flow.
    pub beside: String,
}

fn bare(value: impl Into<String>) -> Shown {
    Shown { value: value.into(), jar: None, beside: String::new() }
}

fn with(jar: Jar, value: impl Into<String>) -> Shown {
    Shown { value: value.into(), jar: Some(jar), beside: String::new() }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {value:#}")).to_owned()
}

/// The value of a cookie a browser has for an address.
fn cookie(jar: &Jar, url: &str, name: &str) -> String {
    jar.find(url, name).unwrap_or_else(|| panic!("no cookie {name} for {url}")).value.clone()
}

impl Ground<'_> {
    /// A fresh credential of a kind.
    pub fn issue(&self, kind: Kind) -> Shown {
        let shown = self.got(kind);
        self.issued.borrow_mut().push((kind, shown.value.clone()));
        shown
    }

    fn got(&self, kind: Kind) -> Shown {
        match kind {
            Kind::Code => {
                let mut jar = self.sign_in("alice");
                let code = self.authorized(&mut jar, "tool", &[], "code");
                with(jar, code)
            }
            Kind::Refresh => self.of_tokens("openid", "refresh_token"),
            Kind::Offline => self.of_tokens("openid offline_access", "refresh_token"),
            Kind::AccessOfPerson => self.of_tokens("openid", "access_token"),
            Kind::IdToken => self.of_tokens("openid", "id_token"),
            Kind::SessionId => self.of_tokens("openid", "session_state"),
            Kind::AccessOfService => bare(text(&self.given(&[("grant_type", "client_credentials")]), "access_token")),
            Kind::AccessOfAdmin => {
                let (secret, grant) = (self.secret_of("steward"), ("grant_type", "client_credentials"));
                let form = [("client_id", "steward"), ("client_secret", secret.as_str()), grant];
                bare(text(&self.ask(self.endpoint("token"), &form).json(), "access_token"))
            }
            Kind::AccessBound => self.bound(),
            Kind::AccessExchanged => self.exchanged(),
            Kind::AccessOfBrowser => self.of_browser("token", "access_token"),
            Kind::IdTokenOfBrowser => self.of_browser("id_token", "id_token"),
            Kind::IdentityToken => self.identity(),
            Kind::UserinfoToken => self.userinfo(),
            Kind::IntrospectionToken => self.introspection(),
            Kind::ResponseToken => {
                let mut jar = self.sign_in("alice");
                let response = self.authorized(&mut jar, "tool", &[("response_mode", "jwt")], "response");
                with(jar, response)
            }
            Kind::LogoutToken => self.logout(),
            Kind::DeviceCode => self.device_code(),
            Kind::UserCode => bare(self.device().1),
            Kind::PushedRequest => self.pushed(),
            Kind::Registration => bare(self.registration()),
            Kind::RegisteredClient => {
                let (value, beside) = self.register(&self.registration());
                Shown { value, jar: None, beside }
            }
            Kind::PersonalToken => self.personal("dwa_"),
            Kind::PersonalTokenId => self.personal(""),
            Kind::ServiceToken => self.service(),
            Kind::ClientSecret => bare(self.secret.as_str()),
            Kind::Password => bare(self.password.as_str()),
            Kind::ClientAssertion => bare(self.assertion()),
            Kind::RequestObject => bare(self.request_object()),
            Kind::WorkloadToken => bare(self.workload()),
            Kind::SessionCookie => {
                let jar = self.sign_in("alice");
                let value = cookie(&jar, &self.door.url(), "doorward_session");
                with(jar, value)
            }
            Kind::PassCookie => {
                let (jar, _, value) = self.pass(&self.app);
                with(jar, value)
            }
            Kind::OuterPassCookie => {
                let (jar, _, value) = self.pass(&self.outer);
                with(jar, value)
            }
            Kind::SharedPassCookie => self.shared(),
            Kind::Ticket => {
                let (jar, location) = self.ticket(&self.app);
                let (_, ticket) = location.split_once("ticket=").unwrap_or_else(|| panic!("no ticket in {location}"));
                with(jar, ticket)
            }
            Kind::BrowserCookie => {
                let mut jar = Jar::new();
                let (flow, _) = self.sign_in_form(&mut jar);
                Shown { value: cookie(&jar, &self.door.url(), "doorward_browser"), jar: Some(jar), beside: flow }
            }
            Kind::DeviceCookie => {
                let jar = self.sign_in("dora");
                let value = cookie(&jar, &self.door.url(), "doorward_device");
                bare(value)
            }
            Kind::Flow => {
                let mut jar = Jar::new();
                let (flow, csrf) = self.sign_in_form(&mut jar);
                Shown { value: flow, jar: Some(jar), beside: csrf }
            }
            Kind::ProviderState => {
                let mut jar = Jar::new();
                let (flow, _) = self.sign_in_form(&mut jar);
                let url = format!("{}/broker/company/login?flow={}", self.issuer(), percent(&flow));
                let answer = jar.send(page_request(&url));
                let way = answer.location();
                let state = way.split("state=").nth(1).and_then(|rest| rest.split('&').next());
                let state = state.unwrap_or_else(|| panic!("no state in {way}")).to_owned();
                with(jar, state)
            }
            Kind::Renewal => {
                self.cli(&["user", "set-password", "tess", "--password-env", TEMPORARY.0, "--temporary"]);
                let mut jar = Jar::new();
                let page = self.send_sign_in(&mut jar, self.sign_in_target(), ("tess", TEMPORARY.1)).text();
                let beside = format!("{} {}", field(&page, "flow"), field(&page, "csrf"));
                Shown { value: field(&page, "renewal"), jar: Some(jar), beside }
            }
            Kind::ConsentQuestion => {
                let mut jar = self.sign_in("alice");
                let page = self.authorize(&mut jar, "asker", &[("prompt", "consent")]).text();
                with(jar, field(&page, "request"))
            }
            Kind::ConsentedClient => self.consented(),
            Kind::DeviceQuestion => {
                let mut jar = self.sign_in("alice");
                let page = self.device_question(&mut jar, &self.device().1).text();
                with(jar, field(&page, "request"))
            }
            Kind::FormProof => {
                let mut jar = self.sign_in("alice");
                let proof = field(&self.account_page(&mut jar), "csrf");
                with(jar, proof)
            }
            Kind::DpopProof => bare(self.holder.proof("POST", &self.endpoint("token"), now(), &[])),
            Kind::DpopNonce => bare(self.nonce()),
            Kind::SetupLink => {
                let link = self.cli(&["setup-link", "--public-url", &self.door.url()]);
                let token = link.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next());
                bare(token.unwrap_or_else(|| panic!("no token in {link}")))
            }
        }
    }

    fn of_tokens(&self, scope: &str, name: &str) -> Shown {
        let mut jar = self.sign_in("alice");
        let told = self.tokens(&mut jar, scope);
        with(jar, text(&told, name))
    }

    fn of_browser(&self, response_type: &str, name: &str) -> Shown {
        let mut jar = self.sign_in("alice");
        let value = self.authorized(&mut jar, "browser", &[("response_type", response_type), ("nonce", "n")], name);
        with(jar, value)
    }

    fn bound(&self) -> Shown {
        let mut jar = self.sign_in("alice");
        let code = self.authorized(&mut jar, "tool", &[], "code");
        let url = self.endpoint("token");
        let more = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        let proof = self.holder.proof("POST", &url, now(), &[]);
        let answer = request("POST", &url).header("DPoP", proof).form(&[&self.proof()[..], &more].concat()).send();
        let told = answer.json();
        assert_eq!(text(&told, "token_type"), "DPoP");
        with(jar, text(&told, "access_token"))
    }

    fn exchanged(&self) -> Shown {
        let first = self.issue(Kind::AccessOfPerson);
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", first.value.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        Shown { value: text(&self.given(&form), "access_token"), ..first }
    }

    fn identity(&self) -> Shown {
        let (mut jar, ..) = self.pass(&self.app);
        let url = format!("{}/told-{}", self.app, fresh_number());
        assert_eq!(jar.send(page_request(&url)).status, 200);
        let told = self.echo.last();
        let header = told.header("authorization").unwrap_or_default();
        with(jar, header.strip_prefix("Bearer ").unwrap_or_else(|| panic!("{:?}", told.headers)))
    }

    /// The answer to a refused request for userinfo is JSON; this one is a token.
    fn userinfo(&self) -> Shown {
        let mut jar = self.sign_in("alice");
        let code = self.authorized(&mut jar, "signer", &[], "code");
        let more = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        let assertion = self.assertion();
        let told = self.ask(self.endpoint("token"), &[&self.asserted(&assertion)[..], &more].concat()).json();
        let access = format!("Bearer {}", text(&told, "access_token"));
        let answer = request("GET", &self.endpoint("userinfo")).header("Authorization", access).send();
        assert_eq!(answer.header("content-type"), Some("application/jwt"), "{}", answer.text());
        with(jar, answer.text())
    }

    fn introspection(&self) -> Shown {
        let access = self.issue(Kind::AccessOfService).value;
        let form = [&self.proof()[..], &[("token", access.as_str())]].concat();
        let asked = request("POST", &self.endpoint("token/introspect"));
        let answer = asked.header("Accept", "application/token-introspection+jwt").form(&form).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        bare(answer.text())
    }

    /// Signs out of a session the client `listener` has tokens of.
    fn logout(&self) -> Shown {
        let mut jar = self.sign_in("alice");
        let (code, secret) = (self.authorized(&mut jar, "listener", &[], "code"), self.secret_of("listener"));
        let proof = [("client_id", "listener"), ("client_secret", secret.as_str())];
        let more = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        let given = self.ask(self.endpoint("token"), &[proof.as_slice(), &more].concat());
        assert_eq!(given.status, 200, "{}", given.text());
        self.listener.take();
        self.post_own(&mut jar, &format!("{}/sign-out", self.issuer()), &[]);
        wait_until("the client to be told", Duration::from_secs(30), || !self.listener.seen().is_empty());
        let told = self.listener.last();
        let body = String::from_utf8_lossy(&told.body).into_owned();
        bare(body.strip_prefix("logout_token=").unwrap_or_else(|| panic!("{body}")))
    }

    fn device_code(&self) -> Shown {
        let (device_code, user_code) = self.device();
        let mut jar = self.sign_in("alice");
        let question = field(&self.device_question(&mut jar, &user_code).text(), "request");
        let done = self.answer_device(&mut jar, &question);
        assert_eq!(done.status, 200, "{}", done.text());
        with(jar, device_code)
    }

    fn pushed(&self) -> Shown {
        let wanted = [("response_type", "code"), ("redirect_uri", CALLBACK), ("scope", "openid")];
        let answer = self.ask(self.endpoint("ext/par/request"), &[&self.proof()[..], &wanted].concat());
        assert_eq!(answer.status, 201, "{}", answer.text());
        bare(text(&answer.json(), "request_uri"))
    }

    /// The token of a person itself, or its id when `prefix` is empty.
    fn personal(&self, prefix: &str) -> Shown {
        let mut jar = self.sign_in("alice");
        let name = format!("t{}", fresh_number());
        let apps = ["app", "outer"].map(|app| format!("app-{}-{app}", self.mark));
        let more = [("name", name.as_str()), ("days", "30"), (apps[0].as_str(), "yes"), (apps[1].as_str(), "yes")];
        let page = self.post_own(&mut jar, &self.account("/tokens"), &more).text();
        if prefix.is_empty() {
            return with(jar, self.token_id(&page, &name));
        }
        let at = page.find(&format!(">{prefix}")).unwrap_or_else(|| panic!("no token in {page}")) + 1;
        with(jar, &page[at..at + 47])
    }

    /// The id in the row of a personal token.
    fn token_id(&self, page: &str, name: &str) -> String {
        let row = page.rfind(&format!(">{name}<")).unwrap_or_else(|| panic!("no {name} in {page}"));
        field(&page[row..], "token")
    }

    fn service(&self) -> Shown {
        let name = format!("s{}", fresh_number());
        let apps = ["app", "outer"].map(|app| format!("{}-{app}", self.mark));
        bare(self.cli(&["token", "create", &name, "--app", &apps[0], "--app", &apps[1]]))
    }

    /// Everything a request of the client `signer` says, signed.
    pub fn request_object(&self) -> String {
        self.signed(&json!({"iss": "signer", "aud": self.issuer(), "client_id": "signer", "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid", "iat": now(), "exp": now() + 200}))
    }

    fn workload(&self) -> String {
        let id = format!("w{}", fresh_number());
        self.signed(&json!({"iss": PLATFORM, "sub": "job:1", "aud": self.issuer(), "iat": now(), "exp": now() + 200,
            "jti": id}))
    }

    fn shared(&self) -> Shown {
        let mut jar = self.sign_in("alice");
        let start = format!("{}/.doorward/start?rd={}", self.door.url(), doorward_testkit::http::percent(&self.app));
        jar.send(Request::new("GET", &start));
        let value = cookie(&jar, &self.app, "doorward_shared");
        with(jar, value)
    }

    fn consented(&self) -> Shown {
        let question = self.issue(Kind::ConsentQuestion);
        let mut jar = question.jar.unwrap_or_default();
        let more = [("request", question.value.as_str()), ("decision", "allow")];
        let answer = self.post_own(&mut jar, &format!("{}/consent", self.issuer()), &more);
        assert!(answer.location().contains("code="), "{}", answer.location());
        let client = field(&self.account_page(&mut jar), "client");
        with(jar, client)
    }

    /// What the token endpoint tells a public client that shows a proof without one.
    fn nonce(&self) -> String {
        let answer = self.with_nonce("");
        answer.header("dpop-nonce").unwrap_or_else(|| panic!("no nonce: {}", answer.text())).to_owned()
    }

    /// A public client shows a proof with a nonce.
    pub fn with_nonce(&self, nonce: &str) -> doorward_testkit::http::Answer {
        let url = self.endpoint("token");
        let proof = self.holder.proof("POST", &url, now(), &[("nonce", nonce)]);
        let form = [("grant_type", "authorization_code"), ("code", "x"), ("client_id", "page")];
        request("POST", &url).header("DPoP", proof).form(&form).send()
    }
}
