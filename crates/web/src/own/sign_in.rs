//! The sign-in page.

mod way;

pub use way::Way;

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, Query, Visitor, visitor};
use crate::cookies::{self, BROWSER_SECONDS, Cookie};
use crate::oidc::authorize;
use crate::own::broker::open::{Open, login_path, named_path};
use crate::own::{directory, enter, new_password, stale_form};
use crate::pages;
use crate::web::Web;
use axum::extract::{Path, State};
use axum::response::Response;
use doorward_engine::federation::pending;
use doorward_engine::live::realms::{self, LiveRealm};
use doorward_engine::sessions::SignedIn;
use doorward_engine::sign_in::flow::{self, Aim};
use doorward_engine::sign_in::password::{self, Attempt, Opened};
use doorward_engine::sign_in::renewal;
use doorward_gate::ask;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::name::{ConnectorName, RealmName};
use doorward_model::people::Realm;
use doorward_model::secret::{FormProof, Password, PlainToken, TokenHash, TokenKind};
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use std::sync::Arc;

/// How long a browser is known after it signed in, in seconds.
pub const DEVICE_SECONDS: i64 = 180 * 24 * 60 * 60;

/// `GET /realms/{realm}/sign-in?flow=…`
pub async fn show(
    State(web): State<Arc<Web>>,
    Path(realm): Path<String>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    match show_or_continue(&web, &realm, &arrival, &headers, &query).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn show_or_continue(web: &Web, realm: &str, arrival: &Arrival, headers: &HeaderMap, query: &Query) -> Outcome {
    let Some(realm) = known_realm(web, realm).await? else { return Ok(no_realm(web, &arrival.ctx)) };
    let browser = Browser::of(web, headers);
    let presented = query.fields.text("flow");
    let kept = flow::find(web.door(), &arrival.ctx, presented, &browser.hash).filter(|kept| kept.realm_id == realm.id);
    let wish = kept.as_ref().and_then(|kept| flow::wish(web.door(), kept));
    // A client's request leads here only when it wants somebody to sign in, or to sign in again.
    let for_client = kept.as_ref().and_then(flow::authorize);
    let page = kept.as_ref().and_then(flow::page);
    let way = Way::of(web, arrival, &realm, wish, (for_client, page)).await?;
    let visitor = visitor(web, arrival, headers).await?;
    let scheme = web.door().settings.public.scheme();
    let is_stale = visitor.is_none() && ask::cookies(headers, Cookie::Session.name(scheme)).next().is_some();
    let visitor = visitor.filter(|visitor| visitor.signed_in.session.realm_id == realm.id);
    let is_in = |visitor: &Visitor| way.admits(web, visitor.signed_in.session.came_by());
    if let Some(visitor) = visitor.as_ref().filter(|visitor| for_client.is_none() && is_in(visitor)) {
        let signed_in = &visitor.signed_in;
        return match &way {
            Way::Page(page) => Ok(answers::see_other(page)),
            Way::App(wish) => enter::go_on(web, (arrival, headers), signed_in, Some(wish)).await,
            Way::Home | Way::Client { .. } => enter::go_on(web, (arrival, headers), signed_in, None).await,
        };
    }
    let token = match &kept {
        Some(_) => presented.to_owned(),
        None => flow::begin(web.door(), &arrival.ctx, &realm.id, &browser.hash, Aim::Home)?,
    };
    let ways = way.ways(web);
    let open = Open::of(&realm, &ways);
    if open.is_shut() {
        return Ok(shut(web, &arrival.ctx, &way));
    }
    let refuses_hint = open.refuses_hint(way.provider_hint());
    let asks_for_page = refuses_hint || matches!(query.fields.text("way"), "page" | "password");
    let led = open.hinted(way.provider_hint()).or_else(|| open.taking(way.login_hint()));
    let led = led.or_else(|| open.usual(arrival.ctx.client)).filter(|_| !asks_for_page);
    // A ticket is no answer there, and the way to it would lead back here.
    let is_in_already = visitor.as_ref().is_some_and(is_in);
    let wants_another = cookies::wants_another(headers, web.door().settings.public.scheme());
    let wants_form = is_in_already || wants_another || way.wants_a_person();
    let led = led.filter(|one| one.settings.kind.kerberos().is_none() || !wants_form);
    let mut answer = match led {
        Some(connector) => answers::see_other(&login_path(&realm, connector, &token)),
        None => {
            let mut form = Form::first(&realm, &token, &way, &open);
            form.is_password_kept_back &= query.fields.text("way") != "password";
            form.error = match query.fields.text("ticket") {
                "refused" => Some(NO_TICKET.to_owned()),
                _ => refuses_hint.then(|| NO_HINT.to_owned()),
            };
            form.notice = visitor.is_some_and(|visitor| !is_in(&visitor)).then(|| OTHER_WAY.to_owned());
            render(web, StatusCode::OK, &form, &way, &browser)?
        }
    };
    browser.keep(web, answer.headers_mut());
    if is_stale {
        // What stands for nobody, whoever put it there, does not stay. A session of another realm does: a link to this
        // one is no sign-out.
        Cookie::Session.clear(answer.headers_mut(), scheme);
    }
    Ok(answer)
}

/// `POST /realms/{realm}/sign-in`
pub async fn submit(
    State(web): State<Arc<Web>>,
    Path(realm): Path<String>,
    arrival: Arrival,
    Headers(headers): Headers,
    fields: Fields,
) -> Response {
    match try_password(&web, &realm, &arrival, &headers, &fields).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

/// What the forms of one sign-in attempt have in common.
pub struct Begun {
    /// The realm.
    pub realm: Arc<LiveRealm>,
    /// The browser it began in.
    pub browser: Browser,
    /// Where it leads.
    pub way: Way,
}

impl Begun {
    /// The attempt a form belongs to, if it is one of this browser's own; else the answer that says why not.
    pub async fn of(
        web: &Web,
        realm: &str,
        (arrival, headers): (&Arrival, &HeaderMap),
        fields: &Fields,
    ) -> Result<Result<Self, Response>, Fault> {
        let Some(realm) = known_realm(web, realm).await? else { return Ok(Err(no_realm(web, &arrival.ctx))) };
        let browser = Browser::of(web, headers);
        if browser.is_new || !browser.proof().matches(fields.text("csrf")) {
            return Ok(Err(stale_form(web, arrival)));
        }
        match Way::of_flow(web, arrival, &realm, (fields.text("flow"), &browser)).await? {
            Some(way) => Ok(Ok(Self { realm, browser, way })),
            None => Ok(Err(flow_over(web, &arrival.ctx, &realm))),
        }
    }
}

/// The answer to a wrong password, and to a name nobody has.
pub const NO_MATCH: &str = "That user name and password do not match.";

/// The answer when too many come at once.
pub const BUSY: &str = "Many people are signing in right now. Try again in a moment.";

async fn try_password(web: &Web, realm: &str, arrival: &Arrival, headers: &HeaderMap, fields: &Fields) -> Outcome {
    let begun = match Begun::of(web, realm, (arrival, headers), fields).await? {
        Ok(begun) => begun,
        Err(answer) => return Ok(answer),
    };
    let Begun { realm, browser, way } = &begun;
    let remember = fields.text("remember") == "yes";
    let pending = pending::find(web.door(), &arrival.ctx, &browser.hash, fields.text("pending"));
    let asked = pending.as_ref().map(|pending| (fields.text("pending"), pending.title.clone()));
    let flow = fields.text("flow");
    let ways = way.ways(web);
    let open_ways = Open::of(realm, &ways);
    let mut form = Form { login: fields.text("login"), remember, pending: asked, ..Form::new(realm, flow) };
    if pending.is_none() && !open_ways.has_form() {
        form.error = Some(NO_PASSWORDS.to_owned());
        return render(web, StatusCode::FORBIDDEN, &form, way, browser);
    }
    if fields.text("step") == "name" {
        return match open_ways.taking(form.login) {
            Some(connector) => {
                // A page, not a redirect: browsers hold the whole way of a form against the page's policy, and where the
                // provider leads is not known here.
                let path = named_path(realm, connector, (flow, form.login));
                let url = web.door().settings.public.url(&path);
                let view =
                    pages::Proceed { url, verb: pages::Proceed::OPENING, target_name: connector.title().to_owned() };
                answers::page(StatusCode::OK, &view, "")
            }
            None => render(web, StatusCode::OK, &form, way, browser),
        };
    }
    let password = match Password::presented(fields.text("password")) {
        Ok(password) => password,
        Err(bad) => {
            form.error = Some(format!("Please {bad}."));
            return render(web, StatusCode::BAD_REQUEST, &form, way, browser);
        }
    };
    let scheme = web.door().settings.public.scheme();
    let connectors = open_ways.connectors();
    let attempt = Attempt {
        realm_id: &realm.id,
        login: fields.text("login"),
        password,
        remember,
        device: Cookie::Device.read(headers, scheme).map(|(_, hash)| hash),
        user_agent: headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
        former: visitor(web, arrival, headers).await?.map(|visitor| visitor.signed_in.session.id.clone()),
        // Whoever is asked for the password of an account here does not come from a directory.
        connectors: if pending.is_some() { &[] } else { &connectors },
        takes_accounts: pending.is_some() || open_ways.takes_accounts(),
        pending,
    };
    let outcome = password::sign_in(web.door(), &arrival.ctx, attempt).await?;
    let (status, error) = match outcome {
        password::Outcome::Elsewhere(asking) => {
            match directory::ask(web, &arrival.ctx, (realm, &browser.hash), *asking, fields.text("password")).await? {
                directory::Told::Opened(opened) => return open(web, (arrival, headers), realm, *opened, way).await,
                directory::Told::Prove(pending) => {
                    return prove(web, (arrival, realm), (flow, &pending), (way, browser));
                }
                directory::Told::Not(status, sentence) => (status, sentence),
            }
        }
        password::Outcome::Opened(opened) => return open(web, (arrival, headers), realm, *opened, way).await,
        password::Outcome::MustChange(proved) => {
            let renewal = renewal::begin(web.door(), &arrival.ctx, &proved, (&browser.hash, remember))?;
            return new_password::ask(web, &begun, (fields.text("flow"), &renewal), (StatusCode::OK, None));
        }
        password::Outcome::Wrong => (StatusCode::UNAUTHORIZED, NO_MATCH.to_owned()),
        password::Outcome::Disabled => {
            (StatusCode::FORBIDDEN, "This account is disabled. Ask your administrator.".to_owned())
        }
        password::Outcome::Throttled { until } => {
            let minutes = (until.millis_since(arrival.ctx.now) / 60_000 + 1).max(1);
            let sentence = format!(
                "Too many failed attempts. Try again in {minutes} min, or from a browser you have used before."
            );
            (StatusCode::TOO_MANY_REQUESTS, sentence)
        }
        password::Outcome::Busy => (StatusCode::SERVICE_UNAVAILABLE, BUSY.to_owned()),
    };
    form.error = Some(error);
    let mut answer = render(web, status, &form, way, browser)?;
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    Ok(answer)
}

/// Hands the fresh credentials to the browser and sends it on.
pub async fn open(
    web: &Web,
    (arrival, headers): (&Arrival, &HeaderMap),
    realm: &Realm,
    opened: Opened,
    way: &Way,
) -> Outcome {
    let signed_in = Arc::new(SignedIn { session: opened.kept, user: opened.user });
    let proof = Arc::new(FormProof::of(opened.session.reveal()));
    let mut answer = match way {
        Way::Home => enter::go_on(web, (arrival, headers), &signed_in, None).await?,
        Way::App(wish) => enter::go_on(web, (arrival, headers), &signed_in, Some(wish)).await?,
        Way::Page(path) => answers::see_other(path),
        Way::Client { request, .. } => {
            let visitor = Visitor { signed_in: signed_in.clone(), proof };
            authorize::resume((web, arrival, realm, headers), request, &visitor).await?
        }
    };
    let public = &web.door().settings.public;
    let keep = enter::keep_seconds(web, &signed_in.session, arrival.ctx.now).await?;
    Cookie::Session.set(answer.headers_mut(), public, opened.session.reveal(), keep);
    Cookie::Device.set(answer.headers_mut(), public, opened.device.reveal(), Some(DEVICE_SECONDS));
    Ok(answer)
}

const NO_TICKET: &str = "The ticket of your computer does not count here. Sign in another way.";
const NO_HINT: &str = "The identity provider you were to be sent to does not count here. Choose another way.";
const NO_PASSWORDS: &str = "Passwords do not count here. Choose another way.";
const OTHER_WAY: &str = "The way you signed in by does not count here. Sign in once more, by one that does.";

/// 403 where a sign-in leads to which no way in is open.
fn shut(web: &Web, ctx: &Ctx, way: &Way) -> Response {
    let name = way.end(web).0.unwrap_or_default();
    let what = format!("{name} takes people by identity providers that are not connected here, or not any more.");
    let words = ("No way in is open", what.as_str(), "Ask your administrator to open one.");
    answers::problem(web, ctx, StatusCode::FORBIDDEN, words)
}

/// The sign-in page of a flow, as the body of another answer.
pub fn ask(web: &Web, status: StatusCode, (realm, flow): (&LiveRealm, &str), begun: (&Way, &Browser)) -> Outcome {
    let (way, browser) = begun;
    let form = Form::first(realm, flow, way, &Open::of(realm, &way.ways(web)));
    render(web, status, &form, way, browser)
}

struct Form<'a> {
    realm: &'a LiveRealm,
    flow: &'a str,
    login: &'a str,
    remember: bool,
    error: Option<String>,
    notice: Option<String>,
    /// Who waits to be linked, and the name of the provider they came through.
    pending: Option<(&'a str, String)>,
    /// Whether only a name is asked for at first.
    is_name_asked: bool,
    /// Whether the password form stands behind a link: hardly anybody has use for it.
    is_password_kept_back: bool,
}

impl<'a> Form<'a> {
    /// What is asked first of somebody who has typed nothing yet.
    fn first(realm: &'a LiveRealm, flow: &'a str, way: &'a Way, open: &Open<'_>) -> Self {
        let is_name_asked = open.asks_names() && way.login_hint().is_empty();
        let is_password_kept_back = !is_name_asked && !open.takes_passwords();
        Self { login: way.login_hint(), is_name_asked, is_password_kept_back, ..Self::new(realm, flow) }
    }

    fn new(realm: &'a LiveRealm, flow: &'a str) -> Self {
        Self {
            realm,
            flow,
            login: "",
            remember: false,
            error: None,
            notice: None,
            pending: None,
            is_name_asked: false,
            is_password_kept_back: false,
        }
    }
}

/// Asks somebody a provider vouches for to show that the user in their way is them.
pub fn prove(
    web: &Web,
    (arrival, realm): (&Arrival, &LiveRealm),
    (flow, text): (&str, &str),
    (way, browser): (&Way, &Browser),
) -> Outcome {
    let Some(pending) = pending::find(web.door(), &arrival.ctx, &browser.hash, text) else {
        return Ok(flow_over(web, &arrival.ctx, realm));
    };
    let asked = Some((text, pending.title.clone()));
    let form = Form { login: pending.name(), pending: asked, ..Form::new(realm, flow) };
    render(web, StatusCode::OK, &form, way, browser)
}

fn render(web: &Web, status: StatusCode, form: &Form<'_>, way: &Way, browser: &Browser) -> Outcome {
    let (name, targets) = way.end(web);
    let ways = way.ways(web);
    let open = Open::of(form.realm, &ways);
    let view = pages::SignIn {
        realm_title: form.realm.title.to_string(),
        app_name: name,
        action: format!("/realms/{}/sign-in", form.realm.name),
        csrf: browser.proof().reveal().to_owned(),
        flow: form.flow.to_owned(),
        login_value: form.login.to_owned(),
        error: form.error.clone(),
        notice: match &form.pending {
            Some((_, title)) => Some(format!(
                "There is already an account with your name or e-mail address. If it is yours, sign in with its \
                 password this once: from then on {title} is enough."
            )),
            None => form.notice.clone(),
        },
        has_form: form.pending.is_some() || open.has_form(),
        pending: form.pending.as_ref().map(|(text, _)| (*text).to_owned()),
        is_name_asked: form.is_name_asked,
        password_href: (form.is_password_kept_back && open.has_form())
            .then(|| format!("/realms/{}/sign-in?flow={}&way=password", form.realm.name, form.flow)),
        remember_checked: form.remember,
        directories: if form.pending.is_some() { Vec::new() } else { open.directories() },
        // Whoever came back from a provider is not sent there again.
        providers: if form.pending.is_some() { Vec::new() } else { open.choices(form.flow, browser.way.as_ref()) },
    };
    answers::page(status, &view, &targets)
}

/// A browser as known by the secret in its cookie on our own host.
pub struct Browser {
    secret: Secret,
    /// The secret's hash.
    pub hash: TokenHash,
    is_new: bool,
    /// The connector somebody came through in it last.
    way: Option<ConnectorName>,
}

enum Secret {
    Known(String),
    Fresh(PlainToken),
}

impl Browser {
    /// Reads the cookie, or draws a new secret.
    pub fn of(web: &Web, headers: &HeaderMap) -> Self {
        let scheme = web.door().settings.public.scheme();
        let way = cookies::way(headers, scheme);
        match Cookie::Browser.read(headers, scheme) {
            Some((text, hash)) => Self { secret: Secret::Known(text), hash, is_new: false, way },
            None => {
                let fresh = PlainToken::draw(TokenKind::Binding, &**web.world.dice());
                Self { hash: fresh.hash(), secret: Secret::Fresh(fresh), is_new: true, way }
            }
        }
    }

    /// Whether it showed a secret: browsers send none with a form from another site.
    pub fn is_known(&self) -> bool {
        !self.is_new
    }

    /// The proof forms of this browser carry.
    pub fn proof(&self) -> FormProof {
        match &self.secret {
            Secret::Known(text) => FormProof::of(text),
            Secret::Fresh(token) => FormProof::of(token.reveal()),
        }
    }

    /// Sets the cookie, also when the browser has it already: it lives on from every page.
    pub fn keep(&self, web: &Web, headers: &mut HeaderMap) {
        let text = match &self.secret {
            Secret::Known(text) => text,
            Secret::Fresh(token) => token.reveal(),
        };
        Cookie::Browser.set(headers, &web.door().settings.public, text, Some(BROWSER_SECONDS));
    }
}

/// The realm of that name.
pub async fn known_realm(web: &Web, name: &str) -> Result<Option<Arc<LiveRealm>>, doorward_model::fault::Fault> {
    let Ok(name) = RealmName::parse(name) else { return Ok(None) };
    realms::find(web.door(), web.world.now(), &name).await
}

/// 404 for a realm that is not there.
pub fn no_realm(web: &Web, ctx: &Ctx) -> Response {
    let words =
        ("There is nothing here", "There is no realm of that name.", "Check the address, or ask your administrator.");
    answers::problem(web, ctx, StatusCode::NOT_FOUND, words)
}

/// 410 for an attempt that took too long.
pub fn flow_over(web: &Web, ctx: &Ctx, realm: &Realm) -> Response {
    tracing::info!(request = %ctx.request, "a sign-in that is over, or that began in another browser");
    let view = pages::Problem {
        status: 410,
        title: "This sign-in is over".to_owned(),
        what: "The page was open for too long, or in another browser.".to_owned(),
        how: "Start again; it takes a moment.".to_owned(),
        request_id: ctx.request.to_string(),
        home_url: Some(web.door().settings.public.url("/")),
        retry_url: Some(web.door().settings.public.url(&format!("/realms/{}/sign-in", realm.name))),
    };
    answers::page(StatusCode::GONE, &view, "").unwrap_or_else(|fault| answers::fault(web, ctx, &fault))
}
