//! What people and machines do on a node, in one call each, for cases that are about something else.

use std::sync::Arc;

use doorward_engine::door::Door;
use doorward_engine::gate::check::{Credential, Holder, check};
use doorward_engine::gate::decide::Verdict;
use doorward_engine::manage::{apps, groups, realms, tokens, users};
use doorward_engine::sign_in::enter::{Admitted, Entry, admit, ask};
use doorward_engine::sign_in::flow::{Entrance, Wish};
use doorward_engine::sign_in::password::{Attempt, Opened, Outcome, sign_in};
use doorward_model::address::{Address, BackTo, HostName};
use doorward_model::app::{Access, App, AppSettings, Icon};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, SessionId};
use doorward_model::name::{AppSlug, DisplayText, EmailAddress, GroupName, RealmName, TokenName, UserName};
use doorward_model::path::RequestPath;
use doorward_model::people::{Group, Realm, Source, User};
use doorward_model::secret::{Password, PlainToken, TokenHash, TokenKind};
use doorward_model::session::{Pass, Session};
use doorward_store::sessions::{self, SignedIn};
use doorward_store::tx::Tx;
use tokio::sync::OnceCell;

use crate::fixture::Node;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// Nobody's password.
pub const WRONG: &str = "incorrect donkey battery";

/// What the gate said, or that nothing answers there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    NoApp,
    Said(Verdict),
}

impl Answer {
    pub fn passes(&self) -> bool {
        matches!(self, Answer::Said(Verdict::Pass(_)))
    }

    pub fn asks_to_sign_in(&self) -> bool {
        *self == Answer::Said(Verdict::SignIn)
    }
}

/// One sign-in form, filled in.
#[derive(Clone)]
pub struct Form {
    pub login: String,
    pub password: String,
    pub remember: bool,
    pub device: Option<TokenHash>,
    pub former: Option<SessionId>,
}

impl Form {
    pub fn new(login: &str, password: &str) -> Form {
        let (login, password) = (login.to_owned(), password.to_owned());
        Form { login, password, remember: false, device: None, former: None }
    }
}

/// The outcome as one word.
pub fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Opened(_) => "opened",
        Outcome::Wrong => "wrong",
        Outcome::Disabled => "disabled",
        Outcome::MustChange(_) => "must change",
        Outcome::Throttled { .. } => "throttled",
        Outcome::Busy => "busy",
        Outcome::Elsewhere(_) => "elsewhere",
    }
}

pub fn host(text: &str) -> HostName {
    HostName::parse(text).expect("a host name").0
}

pub fn password(text: &str) -> Password {
    Password::presented(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A rule that lets one group in.
pub fn only(group: &Group) -> Access {
    Access { groups: vec![group.id.clone()], ..Access::default() }
}

/// A rule that lets everyone of the realm in.
pub fn everyone() -> Access {
    Access { everyone: true, ..Access::default() }
}

/// The stored form of [`PASSWORD`], computed once.
async fn stored_password(door: &Door) -> String {
    static STORED: OnceCell<String> = OnceCell::const_new();
    let hash = || async { door.hasher.hash(password(PASSWORD), &*door.dice).await.expect("a hash") };
    STORED.get_or_init(hash).await.clone()
}

impl Node {
    /// Changes something in one transaction.
    pub async fn change<R>(&self, act: impl AsyncFnOnce(&mut Tx) -> Result<R, Fault>) -> R {
        let mut tx = self.door.begin().await.expect("a transaction begins");
        let outcome = act(&mut tx).await.expect("the change is written");
        self.door.commit(&self.ctx(), tx).await.expect("the change is committed");
        outcome
    }

    pub async fn realm(&self, name: &str) -> Realm {
        let title = DisplayText::parse(name).expect("a title");
        let name = RealmName::parse(name).expect("a realm name");
        let ctx = self.ctx();
        let made = self.change(async |tx| realms::create(&self.door, &ctx, tx, name, title).await).await;
        made.expect("the realm is new")
    }

    pub async fn user(&self, realm: &Realm, name: &str) -> User {
        self.user_with_email(realm, name, None).await
    }

    pub async fn user_with_email(&self, realm: &Realm, name: &str, email: Option<&str>) -> User {
        let new = users::NewUser {
            name: UserName::parse(name).expect("a user name"),
            display: None,
            email: email.map(|text| EmailAddress::parse(text).expect("an e-mail address")),
            password: Some(stored_password(&self.door).await),
            is_active: true,
        };
        let ctx = self.ctx();
        let made = self.change(async |tx| users::create(&self.door, &ctx, tx, &realm.id, new).await).await;
        made.expect("the user is new")
    }

    pub async fn group(&self, realm: &Realm, name: &str) -> Group {
        let name = GroupName::parse(name).expect("a group name");
        let made = self.change(async |tx| groups::create(&self.door, tx, &realm.id, name).await).await;
        made.expect("the group is new")
    }

    pub async fn join(&self, group: &Group, user: &User) {
        assert!(self.change(async |tx| groups::add_member(tx, group, user, &Source::Local).await).await);
    }

    /// Puts a group inside another; the sentence when that is refused.
    pub async fn nest(&self, parent: &Group, child: &Group) -> Result<bool, String> {
        let outcome = self.change(async |tx| groups::nest(tx, parent, child, &Source::Local).await).await;
        outcome.map_err(|refused| refused.to_string())
    }

    /// An app at `https://HOST`; its slug is the host's first label.
    pub async fn app(&self, realm: &Realm, host: &str, access: Access) -> App {
        let slug = AppSlug::parse(host.split('.').next().unwrap_or(host)).expect("a slug");
        let settings = AppSettings {
            title: DisplayText::parse(host).expect("a title"),
            description: None,
            icon: Icon::Pipeline,
            addresses: vec![Address::parse(&format!("https://{host}")).expect("an address")],
            upstream: None,
            public_paths: vec![],
            headers: vec![],
            bearer_token: false,
            how_to_ask: None,
        };
        let rest = (access, settings);
        let made = self.change(async |tx| apps::create(&self.door, tx, &realm.id, slug, rest).await).await;
        made.expect("the app is new")
    }

    pub async fn service_token(&self, realm: &Realm, name: &str, apps: &[&App], seconds: i64) -> PlainToken {
        let name = TokenName::parse(name).expect("a token name");
        let rest = (name, apps.iter().map(|app| app.id.clone()).collect(), seconds);
        let ctx = self.ctx();
        let made = self.change(async |tx| tokens::create(&self.door, &ctx, tx, &realm.id, rest).await).await;
        made.expect("the token is new").0
    }

    /// Sends a sign-in form.
    pub async fn send(&self, ctx: &Ctx, realm: &Realm, form: &Form) -> Result<Outcome, Fault> {
        let attempt = Attempt {
            realm_id: &realm.id,
            login: &form.login,
            password: password(&form.password),
            remember: form.remember,
            device: form.device,
            user_agent: "suite",
            former: form.former.clone(),
            pending: None,
            connectors: &[],
            takes_accounts: true,
        };
        sign_in(&self.door, ctx, attempt).await
    }

    /// Sends a sign-in form from an address and tells the outcome in one word.
    pub async fn try_from(&self, address: &str, realm: &Realm, form: &Form) -> &'static str {
        word(&self.send(&self.ctx_from(address), realm, form).await.expect("an outcome"))
    }

    /// Signs in with the right password.
    pub async fn sign_in(&self, realm: &Realm, form: &Form) -> Opened {
        match self.send(&self.ctx(), realm, form).await.expect("an outcome") {
            Outcome::Opened(opened) => *opened,
            other => panic!("{} cannot sign in: {}", form.login, word(&other)),
        }
    }

    /// Opens a session without spending time on a password.
    pub async fn session(&self, user: &User) -> SignedIn {
        self.session_by(user, (None, None)).await
    }

    /// The same, begun with the word of a connector, and proved at another one.
    pub async fn session_by(
        &self,
        user: &User,
        (connector, through): (Option<&ConnectorId>, Option<&ConnectorId>),
    ) -> SignedIn {
        let (now, limits) = (self.world.now(), self.door.settings.sessions);
        let session = Session {
            id: SessionId::draw(&*self.door.dice),
            realm_id: user.realm_id.clone(),
            user_id: user.id.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_seconds(limits.lifetime_seconds),
            idle_seconds: limits.idle_seconds,
            client_address: String::new(),
            user_agent: String::new(),
            connector: connector.cloned(),
            through: through.cloned(),
        };
        let token = PlainToken::draw(TokenKind::Session, &*self.door.dice);
        self.change(async |tx| sessions::create(tx, &token.hash(), &session).await).await;
        SignedIn { session, user: user.clone() }
    }

    /// A pass to an app's first address, written as it stands.
    pub async fn pass(&self, session: &Session, app: &App) -> PlainToken {
        let address = app.settings.addresses.first().expect("an address");
        let pass = Pass {
            session_id: session.id.clone(),
            app_id: Some(app.id.clone()),
            host: address.host().as_str().to_owned(),
        };
        let token = PlainToken::draw(TokenKind::Pass, &*self.door.dice);
        let now = self.world.now();
        self.change(async |tx| sessions::create_pass(tx, &token.hash(), &pass, now).await).await;
        token
    }

    /// Asks for a ticket to an app.
    pub async fn ticket(&self, signed_in: &SignedIn, app: &App, binding: &PlainToken) -> Entry {
        let address = app.settings.addresses.first().expect("an address");
        let wish = Wish {
            app_id: app.id.clone(),
            back_to: BackTo::front(address).expect("a front page"),
            binding: binding.hash().hex(),
            entrance: Entrance::Doorward,
        };
        ask(&self.door, &self.ctx(), signed_in, &wish).await.expect("an answer")
    }

    /// Shows a ticket at a host.
    pub async fn admit(&self, at: &str, ticket: &TokenHash, binding: Option<&TokenHash>) -> Option<Admitted> {
        admit(&self.door, &self.ctx(), &host(at), ticket, binding).await.expect("an answer")
    }

    /// The whole way from a session to a pass.
    pub async fn enter(&self, signed_in: &SignedIn, app: &App) -> PlainToken {
        let binding = self.binding();
        let Entry::Ticket(ticket) = self.ticket(signed_in, app, &binding).await else {
            panic!("{} gets no ticket", signed_in.user.name)
        };
        let at = app.settings.addresses.first().expect("an address").host().as_str().to_owned();
        self.admit(&at, &ticket.hash(), Some(&binding.hash())).await.expect("the ticket admits").pass
    }

    pub fn binding(&self) -> PlainToken {
        PlainToken::draw(TokenKind::Binding, &*self.door.dice)
    }

    /// Asks the gate at a host as a proxy does.
    pub async fn try_check(&self, at: &str, credential: Credential) -> Result<Answer, Fault> {
        let path = RequestPath::parse("/runs").expect("a path");
        let apps = self.door.live.apps();
        let Ok(Some(place)) = apps.at(&host(at), &path) else { return Ok(Answer::NoApp) };
        let checked = check(&self.door, self.world.now(), place, &path, credential).await?;
        let known = matches!(checked.holder, Holder::Person(_) | Holder::Machine(_));
        assert!(known || !matches!(checked.verdict, Verdict::Pass(_)), "nobody passes at {at}");
        Ok(Answer::Said(checked.verdict))
    }

    /// As [`Node::try_check`], where the database is there.
    pub async fn check(&self, at: &str, credential: Credential) -> Answer {
        self.try_check(at, credential).await.unwrap_or_else(|fault| panic!("checking at {at}: {fault}"))
    }

    pub async fn check_pass(&self, at: &str, pass: &PlainToken) -> Answer {
        self.check(at, Credential::Pass(pass.hash())).await
    }
}

/// The session of someone who has just signed in, as its cookie finds it.
pub fn signed_in(opened: &Opened) -> SignedIn {
    SignedIn { session: opened.kept.clone(), user: opened.user.clone() }
}

/// Runs the same work many times at once, on nodes in turn, and gathers the outcomes.
pub async fn at_once<T, F>(nodes: &[&Arc<Node>], count: usize, work: impl Fn(Arc<Node>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = Vec::with_capacity(count);
    for (number, node) in (0..count).zip(nodes.iter().cycle()) {
        tasks.push(tokio::spawn(work((*node).clone(), number)));
    }
    let mut outcomes = Vec::with_capacity(count);
    for task in tasks {
        outcomes.push(task.await.expect("no task panics"));
    }
    outcomes
}
