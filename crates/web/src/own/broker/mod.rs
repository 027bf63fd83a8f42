//! Out to an identity provider and back.

mod kerberos;
mod oidc;
pub mod open;
pub mod parting;
mod saml;
pub mod saml_logout;

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Headers, Query, visitor};
use crate::cookies;
use crate::own::sign_in::{Browser, DEVICE_SECONDS, Way, known_realm, no_realm, open, prove};
use crate::pages;
use crate::web::Web;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use doorward_engine::federation::linking::Why;
use doorward_engine::federation::settings::Kind;
use doorward_engine::federation::sign_in::{self, Refusal, Unproved};
use doorward_engine::federation::{Connector, ExternalIdentity, attempt, find};
use doorward_engine::live::realms::LiveRealm;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::name::ConnectorName;
use doorward_oauth::parameters::Parameters;
use doorward_saml::peers::Came;
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{StatusCode, Uri};
use std::sync::Arc;

/// `GET /realms/{realm}/broker/{connector}/login?flow=…`
pub async fn login(
    State(web): State<Arc<Web>>,
    Path((realm, connector)): Path<(String, String)>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    let begun = (query.fields.text("flow"), query.fields.text("login_hint"));
    match out(&asked, (&realm, &connector), begun).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

/// `GET /realms/{realm}/broker/{connector}/endpoint?code=…&state=…`
pub async fn endpoint(
    State(web): State<Arc<Web>>,
    Path((realm, connector)): Path<(String, String)>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    match back(&asked, (&realm, &connector), &query.raw).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

/// `GET /v1/oauth/callback/?code=…&state=…`: the same for connectors of every realm; the state says which.
pub async fn shared(
    State(web): State<Arc<Web>>,
    arrival: Arrival,
    Headers(headers): Headers,
    uri: Uri,
    query: Query,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    match back_to_any(&asked, uri.path(), (query.fields.text("state"), &query.raw)).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

/// `POST /v1/oauth/callback/`: the same for answers that come as a form.
pub async fn shared_posted(
    State(web): State<Arc<Web>>,
    arrival: Arrival,
    Headers(headers): Headers,
    uri: Uri,
    query: Query,
    request: Request,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    let text = match saml::read(&headers, &query, request).await {
        Ok(text) => text,
        Err(answer) => return answer,
    };
    match posted_to_any(&asked, uri.path(), &text).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

pub use saml::{descriptor, posted};

async fn out(asked: &Asked<'_>, place: (&str, &str), begun: (&str, &str)) -> Outcome {
    match asked.place(place).await? {
        Ok((realm, connector)) => match &connector.settings.kind {
            _ if !counts(asked, (&realm, &connector), begun.0).await? => {
                Ok(asked.does_not_count(&realm, &connector, begun.0))
            }
            Kind::Oidc(_) | Kind::OAuth2(_) => oidc::out(asked, (&realm, &connector), begun).await,
            Kind::Ldap(_) => Ok(asked.no_way()),
            Kind::Saml(saml) => saml::out(asked, (&realm, &connector, saml), begun).await,
            Kind::Kerberos(kerberos) => kerberos::out(asked, (&realm, &connector, kerberos), begun.0).await,
        },
        Err(answer) => Ok(answer),
    }
}

/// Whether coming in through a connector counts where a flow leads. A flow that is over says so itself.
async fn counts(asked: &Asked<'_>, (realm, connector): (&LiveRealm, &Connector), flow: &str) -> Result<bool, Fault> {
    let browser = Browser::of(asked.web, asked.headers);
    let way = Way::of_flow(asked.web, asked.arrival, realm, (flow, &browser)).await?;
    Ok(way.is_none_or(|way| way.admits(asked.web, Some(&connector.id))))
}

async fn back(asked: &Asked<'_>, place: (&str, &str), query: &str) -> Outcome {
    match asked.place(place).await? {
        Ok((realm, connector)) => match &connector.settings.kind {
            Kind::Oidc(_) | Kind::OAuth2(_) => oidc::back(asked, (&realm, &connector), query).await,
            Kind::Ldap(_) | Kind::Kerberos(_) => Ok(asked.no_way()),
            Kind::Saml(saml) => saml_logout::told(asked, (&realm, &connector, saml), Came::Query(query)).await,
        },
        Err(answer) => Ok(answer),
    }
}

async fn back_to_any(asked: &Asked<'_>, path: &str, (state, query): (&str, &str)) -> Outcome {
    if query.is_empty() {
        return oidc::behind_the_hash(&asked.web.door().settings.public.url(path));
    }
    match attempt::place(asked.web.door(), (state, path)).await? {
        Some((realm, connector)) => back(asked, (realm.as_str(), connector.as_str()), query).await,
        None => Ok(asked.no_way()),
    }
}

async fn posted_to_any(asked: &Asked<'_>, path: &str, text: &str) -> Outcome {
    let sent = Parameters::parse_form(text).ok();
    let state = sent.as_ref().and_then(|sent| sent.one("state").ok().flatten()).unwrap_or_default();
    match attempt::place(asked.web.door(), (state, path)).await? {
        Some((realm, connector)) => saml::take(asked, (realm.as_str(), connector.as_str()), text).await,
        None => Ok(asked.no_way()),
    }
}

struct Asked<'a> {
    web: &'a Web,
    arrival: &'a Arrival,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    /// The realm and its connector, if both are there and the connector is active; else the answer that says so.
    async fn place(
        &self,
        (realm, connector): (&str, &str),
    ) -> Result<Result<(Arc<LiveRealm>, Connector), Response>, Fault> {
        let (web, ctx) = (self.web, &self.arrival.ctx);
        let Some(realm) = known_realm(web, realm).await? else { return Ok(Err(no_realm(web, ctx))) };
        let found = match ConnectorName::parse(connector) {
            Ok(name) => find(web.door(), &realm.id, &name).await?,
            Err(_) => None,
        };
        match found.filter(|connector| connector.is_active) {
            Some(connector) => Ok(Ok((realm, connector))),
            None => Ok(Err(self.no_way())),
        }
    }

    fn no_way(&self) -> Response {
        let words = (
            "There is no such way in",
            "This identity provider is not connected, or not any more.",
            "Start again from the sign-in page, or ask your administrator.",
        );
        answers::problem(self.web, &self.arrival.ctx, StatusCode::NOT_FOUND, words)
    }

    fn does_not_count(&self, realm: &LiveRealm, connector: &Connector, flow: &str) -> Response {
        let what = format!("Coming in through {} does not count where you want to go.", connector.title());
        let words = ("This way in does not count here", what.as_str(), "Choose another one.");
        problem(self, (realm, flow), StatusCode::FORBIDDEN, words)
    }

    /// Somebody was proved: signs them in, or says why not.
    async fn arrived(
        &self,
        (realm, connector, flow): (&LiveRealm, &Connector, &str),
        identity: &ExternalIdentity,
        way: &Way,
    ) -> Outcome {
        let (web, ctx) = (self.web, &self.arrival.ctx);
        let browser = Browser::of(web, self.headers);
        let former = visitor(web, self.arrival, self.headers).await?;
        let came = sign_in::Browser {
            user_agent: self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
            former: former.map(|visitor| visitor.signed_in.session.id.clone()),
            hash: &browser.hash,
            remember: false,
            reserved: Vec::new(),
        };
        log_notes(ctx, connector, identity);
        match sign_in::sign_in(web.door(), ctx, (realm, connector), identity, came).await? {
            sign_in::Outcome::Opened(opened) => {
                let mut answer = open(web, (self.arrival, self.headers), realm, *opened, way).await?;
                let scheme = web.door().settings.public.scheme();
                if cookies::wants_another(self.headers, scheme) {
                    cookies::clear_another(answer.headers_mut(), scheme);
                }
                cookies::set_way(answer.headers_mut(), scheme, &connector.name, DEVICE_SECONDS);
                Ok(answer)
            }
            sign_in::Outcome::Prove(pending) => prove(web, (self.arrival, realm), (flow, &pending), (way, &browser)),
            sign_in::Outcome::Refused(refusal) => {
                // Who it was, for whoever links them: a name proved by the provider, and not in the record.
                let request = ctx.request;
                tracing::info!(%request, connector = %connector.name, subject = ?identity.subject, "not let in: {refusal}");
                Ok(refused(self, (realm, connector, flow), refusal))
            }
        }
    }

    /// Whether the person is to choose who to be, by their own wish or the client's.
    fn chooses_account(&self, way: &Way) -> bool {
        way.chooses_account() || cookies::wants_another(self.headers, self.web.door().settings.public.scheme())
    }

    fn redirect_uri(&self, realm: &LiveRealm, connector: &Connector) -> String {
        self.web.door().settings.public.url(&connector.callback_path(&realm.name))
    }
}

/// Says in the log what was missing in what a provider said.
pub fn log_notes(ctx: &Ctx, connector: &Connector, identity: &ExternalIdentity) {
    for note in &identity.notes {
        tracing::info!(request = %ctx.request, connector = %connector.name, "{note}");
    }
}

/// What a person makes of a provider that proved nobody.
#[derive(Clone, Copy)]
enum ForPerson {
    /// The person did not agree there, or may not use this there.
    Declined,
    /// The provider knows them, and the connector is not for them.
    NotLetIn,
    /// It refused otherwise.
    Refused,
    /// Another attempt may go better.
    Away,
    /// What it said proves nothing.
    Unproved,
}

/// Why a provider proved nobody, in the words of its protocol.
trait Troubled: std::fmt::Display + Sync {
    /// What the person makes of it.
    fn for_person(&self) -> ForPerson;
}

impl Troubled for doorward_federation::trouble::Trouble {
    fn for_person(&self) -> ForPerson {
        match self {
            Self::Declined(_) => ForPerson::Declined,
            Self::NotLetIn(_) => ForPerson::NotLetIn,
            Self::Refused(_) => ForPerson::Refused,
            _ if self.may_pass() => ForPerson::Away,
            _ => ForPerson::Unproved,
        }
    }
}

/// The provider proved nobody. What it said stands in the log; the page says what a person can do.
async fn troubled(
    asked: &Asked<'_>,
    (realm, connector, flow): (&LiveRealm, &Connector, &str),
    trouble: &dyn Troubled,
) -> Outcome {
    let (title, person) = (connector.title(), trouble.for_person());
    let (request, name) = (asked.arrival.ctx.request, &connector.name);
    match person {
        // Nothing is out of order: a person said no, or is none of those the connector is for.
        ForPerson::Declined | ForPerson::NotLetIn => tracing::info!(%request, connector = %name, "{trouble}"),
        _ => tracing::warn!(%request, connector = %name, "{trouble}"),
    }
    let (status, what, how, why) = match person {
        ForPerson::Declined => {
            let what = format!("{title} says that you did not agree, or that you may not come in this way.");
            (StatusCode::FORBIDDEN, what, DECLINED, Unproved::ProviderRefused)
        }
        ForPerson::NotLetIn => {
            let what = format!("{title} knows you, but this way in is not open to your account there.");
            (StatusCode::FORBIDDEN, what, ANOTHER, Unproved::NotLetIn)
        }
        ForPerson::Refused => {
            (StatusCode::FORBIDDEN, format!("{title} did not sign you in."), AGAIN, Unproved::ProviderRefused)
        }
        ForPerson::Away => {
            let what = format!("{title} cannot be asked right now.");
            (StatusCode::SERVICE_UNAVAILABLE, what, AGAIN, Unproved::Unreachable)
        }
        ForPerson::Unproved => {
            let what = format!("{title} and Doorward do not understand each other, so nothing says who you are.");
            (StatusCode::BAD_GATEWAY, what, ASK, Unproved::NotProved)
        }
    };
    sign_in::unproved(asked.web.door(), &asked.arrival.ctx, (realm, connector), why).await?;
    let mut answer = problem(asked, (realm, flow), status, ("You are not signed in", &what, how));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
    }
    Ok(answer)
}

const AGAIN: &str =
    "Try again. If it happens again, give the request number to your administrator: the log tells the story.";
const DECLINED: &str = "Sign in again if you did not mean that. If you did not refuse anything, ask your administrator whether you may come in.";
const ANOTHER: &str =
    "Sign in with another account, or give the request number to your administrator: the log tells the reason.";
const ASK: &str = "Give the request number to your administrator: the log tells the story.";

fn refused(asked: &Asked<'_>, (realm, connector, flow): (&LiveRealm, &Connector, &str), refusal: Refusal) -> Response {
    let (what, how) = words_of(connector, refusal);
    problem(asked, (realm, flow), StatusCode::FORBIDDEN, ("You are not signed in", &what, how))
}

/// Why somebody does not come in, for that person: what is so, and what can be done.
pub fn words_of(connector: &Connector, refusal: Refusal) -> (String, &'static str) {
    let title = connector.title();
    match refusal {
        Refusal::ConnectorDisabled => (
            "This identity provider was changed or disconnected a moment ago.".to_owned(),
            "Try again, or sign in another way.",
        ),
        Refusal::UserDisabled => ("This account is disabled.".to_owned(), "Ask your administrator."),
        Refusal::Nobody(Why::Unknown) => {
            (format!("{title} knows you, but there is no account for you here."), "Ask your administrator for one.")
        }
        Refusal::Nobody(Why::NoName) => (
            format!("{title} tells no name that an account here could have."),
            "Such a name has letters, digits and . _ - @ + ' only. Ask your administrator: the connector can read it from another claim.",
        ),
        Refusal::Nobody(Why::Taken) => (
            "There is already an account with your name or e-mail address, and nothing says that it is yours."
                .to_owned(),
            "If it is yours and has a password, sign in with that. Otherwise ask your administrator to link the two.",
        ),
        Refusal::TooManyGroups => (
            format!("{title} says that you are in more groups than anybody can be in here."),
            "Ask your administrator: the provider can send only the groups that matter.",
        ),
        Refusal::SignedOutThere => {
            (format!("You have signed out at {title} meanwhile."), "Start again; it takes a moment.")
        }
        Refusal::ShownBefore => {
            (format!("This answer of {title} was used already: each is good for one sign-in."), "Sign in again.")
        }
    }
}

fn problem(
    asked: &Asked<'_>,
    (realm, flow): (&LiveRealm, &str),
    status: StatusCode,
    (title, what, how): (&str, &str, &str),
) -> Response {
    let (web, ctx): (&Web, &Ctx) = (asked.web, &asked.arrival.ctx);
    let view = pages::Problem {
        status: status.as_u16(),
        title: title.to_owned(),
        what: what.to_owned(),
        how: how.to_owned(),
        request_id: ctx.request.to_string(),
        home_url: Some(web.door().settings.public.url("/")),
        // Where people are led on at once they would come back here.
        retry_url: Some(
            web.door().settings.public.url(&format!("/realms/{}/sign-in?flow={flow}&way=page", realm.name)),
        ),
    };
    answers::page(status, &view, "").unwrap_or_else(|fault| answers::fault(web, ctx, &fault))
}
