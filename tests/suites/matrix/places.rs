//! Every place that takes a credential: how one is shown there, and how to see that it was taken.

use crate::ground::{CALLBACK, GUESSED, Ground, now, request};
use crate::issue::Shown;
use crate::kinds::Kind;
use doorward_gate::dialect::{DIALECTS, Source};
use doorward_testkit::http::{Address, Answer, Request, percent};
use doorward_testkit::jar::Jar;
use doorward_tests::page_request;
use doorward_tests::proof::ath;

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A place that takes a credential.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Place { $($(#[$doc])* $name,)* }

        impl Place {
            /// All of them.
            pub const ALL: &[Place] = &[$(Place::$name),*];
        }
    };
}

places! {
    /// `code` at the token endpoint.
    TokenCode,
    /// `refresh_token` there.
    TokenRefresh,
    /// `device_code` there.
    TokenDevice,
    /// `subject_token` there.
    ExchangeSubject,
    /// `actor_token` there, beside a good `subject_token`.
    ExchangeActor,
    /// `assertion` there.
    TokenWorkload,
    /// `password` there.
    TokenPassword,
    /// `client_secret` there.
    SecretPost,
    /// The same as HTTP Basic authentication.
    SecretBasic,
    /// In place of it, as a bearer.
    SecretBearer,
    /// `client_assertion` there.
    Assertion,
    /// The header `DPoP` there.
    TokenDpop,
    /// The nonce in a proof there.
    Nonce,
    /// A bearer at userinfo.
    UserinfoBearer,
    /// `access_token` in a form there.
    UserinfoBody,
    /// `access_token` in the address there.
    UserinfoQuery,
    /// Beside a proof there.
    UserinfoDpop,
    /// `token` at introspection.
    IntrospectToken,
    /// `client_secret` there.
    IntrospectSecret,
    /// In place of it, as a bearer.
    IntrospectBearer,
    /// `token` at revocation: taken when it is dead afterwards.
    RevokeToken,
    /// `client_secret` there.
    RevokeSecret,
    /// `id_token_hint` where people are signed out.
    LogoutHint,
    /// `refresh_token` there.
    LogoutRefresh,
    /// `client_secret` there.
    LogoutSecret,
    /// `request` at the authorization endpoint.
    AuthorizeRequest,
    /// `request_uri` there.
    AuthorizeRequestUri,
    /// `id_token_hint` there.
    AuthorizeHint,
    /// `request` where requests are pushed.
    PushRequest,
    /// `client_secret` there.
    PushSecret,
    /// `client_secret` where devices start.
    DeviceSecret,
    /// Where clients register.
    RegisterCreate,
    /// Where a registered client is.
    RegisterManage,
    /// The code typed for a device.
    DevicePage,
    /// The answer to its question.
    DeviceAnswer,
    /// The answer to the question for consent.
    Consent,
    /// The flow in the sign-in form.
    SignInFlow,
    /// What a provider sends a browser back with.
    BrokerState,
    /// The password in it.
    SignInPassword,
    /// The cookie its flow is bound to.
    SignInBrowser,
    /// The cookie that gives an account held off from strangers another chance.
    SignInDevice,
    /// The form for a new password.
    NewPassword,
    /// A bearer at the admin API.
    AdminBearer,
    /// The session's cookie.
    Session,
    /// The proof in a form of the account.
    AccountForm,
    /// The current password there.
    AccountPassword,
    /// A session's id there.
    AccountEndSession,
    /// A personal token's id there.
    AccountRevokeToken,
    /// A client's id there.
    AccountTakeBack,
    /// The set-up page.
    Setup,
    /// The ticket on an app's host.
    AppEnter,
    /// The cookie of a pass at what tells an app's pages who is there.
    AppUserinfo,
    /// A bearer at an app served by the built-in proxy.
    GateBearer,
    /// A password of HTTP Basic authentication there.
    GateBasic,
    /// In the address there.
    GateQuery,
    /// The cookie of a pass there.
    GatePass,
    /// The cookie of a shared pass there.
    GateShared,
    /// As a bearer and a shared pass where the app lets everybody in: taken when the app is told who it is.
    GatePublic,
    /// A bearer in every proxy's way of asking.
    DialectBearer,
    /// The cookie of a pass there.
    DialectPass,
    /// The cookie of a shared pass there.
    DialectShared,
}

impl Place {
    /// Whether an answer says that the credential was taken.
    pub fn takes(self, answer: &Answer) -> bool {
        use Place::*;
        let location = answer.header("location").unwrap_or_default();
        let says = |words: &str| answer.status == 200 && answer.text().contains(words);
        match self {
            // A good token that has not enough scope is taken all the same.
            UserinfoBearer | UserinfoBody | UserinfoQuery | UserinfoDpop => matches!(answer.status, 200 | 403),
            IntrospectToken => says("\"active\":true"),
            RevokeToken => false,
            LogoutHint | SignInFlow | SignInPassword | SignInDevice | NewPassword => answer.status == 303,
            LogoutRefresh => answer.status == 204,
            // What is wrong is then the refresh token beside it.
            LogoutSecret => answer.status != 401,
            // It was ours; the provider said no.
            BrokerState => answer.status == 403,
            Nonce => !answer.text().contains("use_dpop_nonce"),
            AuthorizeRequest | AuthorizeRequestUri | AuthorizeHint | Consent => {
                location.contains("code=") || location.contains("id_token=")
            }
            PushRequest | PushSecret | RegisterCreate => answer.status == 201,
            DevicePage => says("name=\"request\""),
            AccountEndSession => says("That session is signed out."),
            AccountRevokeToken => says("That token is revoked."),
            AccountTakeBack => says("That tool has to ask you again."),
            AppEnter => answer.headers_named("set-cookie").iter().any(|line| line.starts_with("doorward_pass_")),
            DialectBearer | DialectPass | DialectShared => matches!(answer.status, 200 | 202),
            TokenCode | TokenRefresh | TokenDevice | ExchangeSubject | ExchangeActor | TokenWorkload
            | TokenPassword | SecretPost | SecretBasic | SecretBearer | Assertion | TokenDpop | IntrospectSecret
            | IntrospectBearer | RevokeSecret | DeviceSecret | RegisterManage | DeviceAnswer | SignInBrowser
            | Session | AccountForm | AdminBearer | AccountPassword | Setup | AppUserinfo | GateBearer | GateBasic
            | GateQuery | GatePass | GateShared | GatePublic => answer.status == 200,
        }
    }

    /// Whether an answer is a refusal: neither taken nor something that broke, or was never looked at.
    pub fn refuses(self, answer: &Answer) -> bool {
        use Place::*;
        let answers_all = [IntrospectToken, RevokeToken, AccountEndSession, AccountRevokeToken, AccountTakeBack];
        let is_quiet = answers_all.contains(&self) && answer.status == 200;
        let is_judged = matches!(answer.status, 302 | 303 | 400 | 401 | 403 | 410);
        !self.takes(answer) && (is_quiet || is_judged || self == Place::SignInDevice && answer.status == 429)
    }
}

impl Ground<'_> {
    /// Shows a credential at a place, in its own browser if it has one.
    pub fn show(&self, place: Place, kind: Kind, shown: &Shown) -> Answer {
        use Place::*;
        let value = shown.value.as_str();
        match place {
            TokenCode => {
                self.token(&[("grant_type", "authorization_code"), ("code", value), ("redirect_uri", CALLBACK)])
            }
            TokenRefresh => self.token(&[("grant_type", "refresh_token"), ("refresh_token", value)]),
            TokenDevice => self.token(&[("grant_type", DEVICE), ("device_code", value)]),
            ExchangeSubject => {
                self.token(&[("grant_type", EXCHANGE), ("subject_token", value), ("subject_token_type", ACCESS)])
            }
            ExchangeActor => {
                let good = self.issue(Kind::AccessOfPerson).value;
                let subject = [("subject_token", good.as_str()), ("subject_token_type", ACCESS)];
                let actor = [("grant_type", EXCHANGE), ("actor_token", value), ("actor_token_type", ACCESS)];
                self.token(&[subject.as_slice(), &actor].concat())
            }
            TokenWorkload => self.token(&[("grant_type", JWT_BEARER), ("assertion", value)]),
            TokenPassword => self.token(&[("grant_type", "password"), ("username", GUESSED[0]), ("password", value)]),
            TokenDpop => {
                let form = [&self.proof()[..], &[("grant_type", "client_credentials")]].concat();
                request("POST", &self.endpoint("token")).header("DPoP", value).form(&form).send()
            }
            Nonce => self.with_nonce(value),
            SecretPost | SecretBasic | SecretBearer | Assertion | IntrospectSecret | IntrospectBearer
            | RevokeSecret | LogoutSecret | PushSecret | DeviceSecret => self.show_as_client(place, value),
            UserinfoBearer | UserinfoBody | UserinfoQuery | UserinfoDpop => self.show_userinfo(place, value),
            IntrospectToken => {
                self.ask(self.endpoint("token/introspect"), &[&self.proof()[..], &[("token", value)]].concat())
            }
            RevokeToken => self.ask(self.endpoint("revoke"), &[&self.proof()[..], &[("token", value)]].concat()),
            LogoutHint => page_request(&format!("{}?id_token_hint={}", self.endpoint("logout"), percent(value))).send(),
            LogoutRefresh => {
                self.ask(self.endpoint("logout"), &[&self.proof()[..], &[("refresh_token", value)]].concat())
            }
            AuthorizeRequest | AuthorizeRequestUri | AuthorizeHint | PushRequest => {
                self.show_request(place, kind, shown)
            }
            RegisterCreate => self.send_registration(value),
            RegisterManage => {
                let url = if kind == Kind::RegisteredClient { &shown.beside } else { &self.registered };
                request("GET", url).header("Authorization", format!("Bearer {value}")).send()
            }
            SignInFlow | SignInPassword | SignInBrowser | SignInDevice | NewPassword => {
                self.show_sign_in(place, kind, shown)
            }
            BrokerState => {
                let url =
                    format!("{}/broker/company/endpoint?error=access_denied&state={}", self.issuer(), percent(value));
                let mut jar = shown.jar.clone().unwrap_or_default();
                jar.send(page_request(&url))
            }
            AdminBearer => {
                let url = format!("{}/admin/realms/{}/users", self.door.url(), self.realm);
                request("GET", &url).header("Authorization", format!("Bearer {value}")).send()
            }
            Session => page_request(&self.account("")).header("Cookie", format!("doorward_session={value}")).send(),
            DevicePage | DeviceAnswer | Consent | AccountForm | AccountPassword | AccountEndSession
            | AccountRevokeToken | AccountTakeBack => self.show_own(place, shown),
            Setup => page_request(&format!("{}/setup?token={}", self.door.url(), percent(value))).send(),
            AppEnter | AppUserinfo | GateBearer | GateBasic | GateQuery | GatePass | GateShared | GatePublic => {
                self.show_app(place, kind, shown)
            }
            DialectBearer | DialectPass | DialectShared => self.show_dialects(place, value),
        }
    }

    fn show_as_client(&self, place: Place, value: &str) -> Answer {
        use Place::*;
        let post = [("client_id", "tool"), ("client_secret", value)];
        let with = |form: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> { [&post[..], form].concat() };
        let grant = ("grant_type", "client_credentials");
        let bearer = format!("Bearer {value}");
        match place {
            SecretBasic => {
                let basic = Ground::basic("tool", value);
                request("POST", &self.endpoint("token")).header("Authorization", basic).form(&[grant]).send()
            }
            SecretBearer => {
                let form = [("client_id", "tool"), grant];
                request("POST", &self.endpoint("token")).header("Authorization", bearer).form(&form).send()
            }
            IntrospectBearer => {
                let form = [("client_id", "tool"), ("token", "x")];
                request("POST", &self.endpoint("token/introspect")).header("Authorization", bearer).form(&form).send()
            }
            Assertion => self.ask(self.endpoint("token"), &[&self.asserted(value)[..], &[grant]].concat()),
            IntrospectSecret => self.ask(self.endpoint("token/introspect"), &with(&[("token", "x")])),
            RevokeSecret => self.ask(self.endpoint("revoke"), &with(&[("token", "x")])),
            LogoutSecret => self.ask(self.endpoint("logout"), &with(&[("refresh_token", "x")])),
            PushSecret => {
                let wanted = with(&[("response_type", "code"), ("redirect_uri", CALLBACK)]);
                self.ask(self.endpoint("ext/par/request"), &wanted)
            }
            DeviceSecret => self.ask(self.endpoint("auth/device"), &post),
            _ => self.ask(self.endpoint("token"), &with(&[("grant_type", "client_credentials")])),
        }
    }

    fn show_userinfo(&self, place: Place, value: &str) -> Answer {
        let url = self.endpoint("userinfo");
        match place {
            Place::UserinfoBody => self.ask(url, &[("access_token", value)]),
            Place::UserinfoQuery => request("GET", &format!("{url}?access_token={}", percent(value))).send(),
            Place::UserinfoDpop => {
                let proof = self.holder.proof("GET", &url, now(), &[("ath", &ath(value))]);
                request("GET", &url).header("Authorization", format!("DPoP {value}")).header("DPoP", proof).send()
            }
            _ => request("GET", &url).header("Authorization", format!("Bearer {value}")).send(),
        }
    }

    fn show_request(&self, place: Place, kind: Kind, shown: &Shown) -> Answer {
        let value = shown.value.as_str();
        let mut jar = self.own_jar(shown);
        match place {
            Place::AuthorizeRequest => self.authorize(&mut jar, "signer", &[("request", value)]),
            Place::AuthorizeRequestUri => {
                let name = value.strip_prefix(PUSHED).unwrap_or(value);
                self.authorize(&mut jar, "tool", &[("request_uri", &format!("{PUSHED}{name}"))])
            }
            Place::AuthorizeHint if kind == Kind::IdTokenOfBrowser => {
                let more =
                    [("response_type", "id_token"), ("nonce", "n"), ("prompt", "none"), ("id_token_hint", value)];
                self.authorize(&mut jar, "browser", &more)
            }
            Place::AuthorizeHint => self.authorize(&mut jar, "tool", &[("prompt", "none"), ("id_token_hint", value)]),
            _ => {
                let assertion = self.assertion();
                let form = [&self.asserted(&assertion)[..], &[("request", value)]].concat();
                self.ask(self.endpoint("ext/par/request"), &form)
            }
        }
    }

    /// The browser a credential is in, if somebody is signed in to this realm there; a signed-in one otherwise.
    fn own_jar(&self, shown: &Shown) -> Jar {
        let has_session = |jar: &&Jar| jar.find(&self.door.url(), "doorward_session").is_some();
        shown.jar.as_ref().filter(has_session).cloned().unwrap_or_else(|| self.jar.clone())
    }

    fn show_sign_in(&self, place: Place, kind: Kind, shown: &Shown) -> Answer {
        let value = shown.value.as_str();
        let mut jar = Jar::new();
        match place {
            Place::SignInPassword => self.send_sign_in(&mut jar, self.sign_in_target(), (GUESSED[1], value)),
            Place::SignInFlow => {
                let csrf = match (kind, &shown.jar) {
                    (Kind::Flow, Some(own)) => {
                        jar = own.clone();
                        shown.beside.clone()
                    }
                    _ => self.sign_in_form(&mut jar).1,
                };
                let form = [("login", "alice"), ("password", self.password.as_str()), ("flow", value), ("csrf", &csrf)];
                jar.send(self.sign_in_target().form(&form))
            }
            Place::NewPassword => {
                let (flow, csrf) = match (kind, &shown.jar, shown.beside.split_once(' ')) {
                    (Kind::Renewal, Some(own), Some((flow, csrf))) => {
                        jar = own.clone();
                        (flow.to_owned(), csrf.to_owned())
                    }
                    _ => self.sign_in_form(&mut jar),
                };
                let chosen = self.password.as_str();
                let form = [
                    ("flow", flow.as_str()),
                    ("csrf", &csrf),
                    ("renewal", value),
                    ("new_password", chosen),
                    ("new_password_repeat", chosen),
                ];
                jar.send(request("POST", &format!("{}/sign-in/new-password", self.issuer())).form(&form))
            }
            Place::SignInBrowser => {
                let flow = if kind == Kind::BrowserCookie { &shown.beside } else { &self.sign_in_form(&mut jar).0 };
                let url = format!("{}/sign-in?flow={}", self.issuer(), percent(flow));
                let mut answer = page_request(&url).header("Cookie", format!("doorward_browser={value}")).send();
                // The page is shown to everybody; the flow in it is the one asked for only where it may be.
                if answer.status == 200 && !answer.text().contains(flow) {
                    answer.status = 401;
                }
                answer
            }
            _ => {
                let stranger =
                    || Request::new("POST", &self.sign_in_target().url()).header("X-Forwarded-For", "10.255.0.1");
                let mut tries = 0;
                while self.send_sign_in(&mut Jar::new(), stranger(), (GUESSED[2], "a wrong password")).status != 429 {
                    tries += 1;
                    assert!(tries < 10, "strangers are not held off");
                }
                let (flow, csrf) = self.sign_in_form(&mut jar);
                let cookies =
                    format!("{}; doorward_device={value}", jar.header_for(&self.door.url()).unwrap_or_default());
                let form = [("login", GUESSED[2]), ("password", &self.password), ("flow", &flow), ("csrf", &csrf)];
                stranger().header("Cookie", cookies).form(&form).send()
            }
        }
    }

    fn show_own(&self, place: Place, shown: &Shown) -> Answer {
        let value = shown.value.as_str();
        let mut jar = self.own_jar(shown);
        match place {
            Place::DevicePage => {
                // Wrong codes are counted for the session.
                self.device_question(&mut self.sign_in("alice"), value)
            }
            Place::DeviceAnswer => self.answer_device(&mut jar, value),
            Place::Consent => {
                let more = [("request", value), ("decision", "allow")];
                self.post_own(&mut jar, &format!("{}/consent", self.issuer()), &more)
            }
            Place::AccountForm => {
                let form = [("csrf", value), ("client", "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa")];
                jar.send(request("POST", &self.account("/consents/revoke")).form(&form))
            }
            Place::AccountPassword => {
                let mut jar = self.sign_in(GUESSED[3]);
                let same = self.password.as_str();
                let more = [("current_password", value), ("new_password", same), ("new_password_repeat", same)];
                self.post_own(&mut jar, &self.account("/password"), &more)
            }
            Place::AccountEndSession => self.post_own(&mut jar, &self.account("/sessions/end"), &[("session", value)]),
            Place::AccountRevokeToken => self.post_own(&mut jar, &self.account("/tokens/revoke"), &[("token", value)]),
            _ => self.post_own(&mut jar, &self.account("/consents/revoke"), &[("client", value)]),
        }
    }

    fn show_app(&self, place: Place, kind: Kind, shown: &Shown) -> Answer {
        let value = shown.value.as_str();
        let page = format!("{}/x", self.app);
        let get = |url: &str| request("GET", url);
        match place {
            Place::AppEnter => {
                let mut jar = match (kind, &shown.jar) {
                    (Kind::Ticket, Some(own)) => own.clone(),
                    _ => {
                        let mut jar = Jar::new();
                        jar.send(page_request(&format!("{}/.doorward/start", self.app)));
                        jar
                    }
                };
                jar.send(page_request(&format!("{}/.doorward/enter?ticket={}", self.app, percent(value))))
            }
            Place::AppUserinfo => {
                let url = format!("{}/oauth2/userinfo", self.app);
                get(&url).header("Cookie", format!("{}={value}", self.pass_names[0])).send()
            }
            Place::GateBearer => get(&page).header("Authorization", format!("Bearer {value}")).send(),
            Place::GateBasic => get(&page).header("Authorization", Ground::basic("alice", value)).send(),
            Place::GateQuery => get(&format!("{page}?access_token={0}&token={0}", percent(value))).send(),
            Place::GatePublic => {
                let open = get(&format!("{}/open/x", self.app)).header("Authorization", format!("Bearer {value}"));
                let mut answer = open.header("Cookie", format!("doorward_shared={value}")).send();
                assert_eq!(answer.status, 200, "{}", answer.text());
                if self.echo.last().header("remote-user").unwrap_or_default().is_empty() {
                    answer.status = 401;
                }
                answer
            }
            Place::GateShared => get(&page).header("Cookie", format!("doorward_shared={value}")).send(),
            _ => get(&page).header("Cookie", format!("{}={value}", self.pass_names[0])).send(),
        }
    }

    /// Asks in every way proxies ask. The answer is the first that takes the credential, else the last.
    fn show_dialects(&self, place: Place, value: &str) -> Answer {
        let (name, text) = match place {
            Place::DialectPass => ("Cookie", format!("{}={value}", self.pass_names[1])),
            Place::DialectShared => ("Cookie", format!("doorward_shared={value}")),
            _ => ("Authorization", format!("Bearer {value}")),
        };
        let mut last = None;
        for dialect in DIALECTS {
            let outer = Address::parse(&self.outer);
            let asked = match dialect.source {
                Source::Path => request("GET", &format!("{}{}/x", self.outer, dialect.path)),
                Source::OriginalUrl | Source::Either => request("GET", &format!("{}{}", self.door.url(), dialect.path))
                    .header("X-Original-URL", format!("{}/x", self.outer)),
                Source::Forwarded => request("GET", &format!("{}{}", self.door.url(), dialect.path))
                    .header("X-Forwarded-Proto", "http")
                    .header("X-Forwarded-Host", outer.authority())
                    .header("X-Forwarded-Uri", "/x")
                    .header("X-Forwarded-Method", "GET"),
            };
            let answer = asked.header(name, &text).send();
            if place.takes(&answer) || !place.refuses(&answer) {
                return answer;
            }
            last = Some(answer);
        }
        last.expect("a way of asking")
    }
}

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
