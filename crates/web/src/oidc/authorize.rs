//! `GET|POST /realms/{realm}/protocol/openid-connect/auth`: from a client's request to a browser sent back
//! with an answer, by way of the sign-in page and the question for agreement where they are needed. Until the
//! client and its address are verified, nothing is sent anywhere: people see a page.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, InRealm, Visitor, visitor};
use crate::limits;
use crate::oidc::details;
use crate::oidc::response::{form_target, send, send_error};
use crate::own::sign_in::{Browser, known_realm, no_realm};
use crate::own::stale_form;
use crate::pages;
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::authorize::asked::{self, Asked, Read, Stuck};
use doorward_engine::authorize::consent::{self, Agreed};
use doorward_engine::authorize::{Fresh, Next, Return, acceptable, go_on, missing};
use doorward_engine::clients::{self, Client};
use doorward_engine::sign_in::flow::{self, Aim};
use doorward_engine::token::mint::DEFAULT_ALGORITHM;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_model::ways::Ways;
use doorward_oauth::authorize::AuthorizeRequest;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::limits::LOGIN_HINT_BYTES;
use doorward_oauth::parameters::Parameters;
use http::header::HeaderMap;
use http::{Method, StatusCode};
use std::sync::Arc;

/// A browser arrives with a client's request.
pub async fn start(
    State(web): State<Arc<Web>>,
    InRealm(name): InRealm,
    arrival: Arrival,
    request: Request,
) -> Response {
    match arrive(&web, &name, &arrival, request).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn arrive(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let Some(realm) = known_realm(web, name).await? else { return Ok(no_realm(web, &arrival.ctx)) };
    web.door().keys.ensure(web.door(), &arrival.ctx, &realm.id, DEFAULT_ALGORITHM).await?;
    let headers = request.headers().clone();
    let raw = match *request.method() {
        Method::POST => {
            let bytes = axum::body::to_bytes(request.into_body(), limits::FORM_BYTES).await.unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => request.uri().query().unwrap_or_default().to_owned(),
    };
    let visitor = visitor(web, arrival, &headers).await?;
    let here = Here { web, arrival, realm: &realm, headers: &headers };
    let asked = Asked::arriving(&raw, &arrival.ctx);
    proceed(&here, &asked, visitor.as_ref(), (Fresh::No, Agreed::NotAsked)).await
}

/// Goes on after somebody has signed in for a request.
pub async fn resume(
    (web, arrival, realm, headers): (&Web, &Arrival, &Realm, &HeaderMap),
    sealed: &str,
    visitor: &Visitor,
) -> Outcome {
    let here = Here { web, arrival, realm, headers };
    let Some(asked) = Asked::of_text(sealed) else { return Ok(stuck(&here, &Stuck::Over)) };
    proceed(&here, &asked, Some(visitor), (Fresh::Yes, Agreed::NotAsked)).await
}

/// Who came where with what.
pub(super) struct Here<'a> {
    pub(super) web: &'a Web,
    pub(super) arrival: &'a Arrival,
    pub(super) realm: &'a Realm,
    pub(super) headers: &'a HeaderMap,
}

async fn proceed(here: &Here<'_>, asked: &Asked, visitor: Option<&Visitor>, state: (Fresh, Agreed)) -> Outcome {
    let Here { web, arrival, realm, headers } = *here;
    let read = match read(web, arrival, realm, asked).await? {
        Ok(read) => read,
        Err(why) => {
            log_stuck(here, asked, &why);
            return Ok(stuck(here, &why));
        }
    };
    let back = &read.back;
    let wanted = AuthorizeRequest::parse(&read.parameters);
    let request = match wanted.and_then(|request| acceptable(back, &request).map(|()| request)) {
        Ok(request) => request,
        Err(error) => return send_error(here, &read, &error).await,
    };
    let signed_in = visitor.map(|visitor| &*visitor.signed_in);
    match (go_on(web.door(), &arrival.ctx, (back, &request), signed_in, state).await?, visitor) {
        (Next::Answer(answer), _) => {
            let fields = answer.fields();
            let fields: Vec<_> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
            send(here, &read, &fields).await
        }
        (Next::Error(error), _) => send_error(here, &read, &error).await,
        (Next::Spent, _) => Ok(stuck(here, &Stuck::Over)),
        (Next::SignIn, _) => {
            let browser = Browser::of(web, headers);
            let sealed = asked.to_text()?;
            let token = flow::begin(web.door(), &arrival.ctx, &realm.id, &browser.hash, Aim::Client(&sealed))?;
            let mut answer = answers::see_other(&format!("/realms/{}/sign-in?flow={token}", realm.name));
            browser.keep(web, answer.headers_mut());
            Ok(answer)
        }
        (Next::Consent, Some(visitor)) => ask(here, back, &request, asked, visitor),
        (Next::Refused(verdict), Some(visitor)) => {
            let groups = missing(web.door(), &verdict).await?;
            denied(here, back, &asked.raw, (visitor, groups))
        }
        (Next::Consent | Next::Refused(_), None) => Ok(stuck(here, &Stuck::Broken("Sign in first.".to_owned()))),
    }
}

/// Reads a request, if it is no longer than a link to the sign-in page can carry.
async fn read(web: &Web, arrival: &Arrival, realm: &Realm, asked: &Asked) -> Result<Result<Read, Stuck>, Fault> {
    if asked.raw.len() > limits::AUTHORIZATION_BYTES {
        let sentence = "The request is longer than 8 KiB. A request of any length can be pushed instead (RFC 9126).";
        return Ok(Err(Stuck::Broken(sentence.to_owned())));
    }
    asked::read(web.door(), &arrival.ctx, realm, asked).await
}

/// What the sign-in page should know of a request it stands before.
pub struct Preview {
    /// The client's name for people.
    pub title: String,
    /// Where its form may lead in the end.
    pub target: String,
    /// The name the client expects.
    pub login_hint: String,
    /// The connector the client wants its people to come through (`kc_idp_hint`, as Keycloak has it).
    pub provider_hint: String,
    /// How long ago, at most, the person may have proved themselves, in seconds: `max_age`, and 0 for `prompt=login`.
    pub fresh_seconds: Option<i64>,
    /// Whether the person is to choose who to be (`prompt=select_account`).
    pub chooses_account: bool,
    /// The ways in that count for the client: one that all of these admit.
    pub ways: Vec<Ways>,
}

/// What is behind the text a flow carries.
pub async fn preview(web: &Web, arrival: &Arrival, realm: &Realm, sealed: &str) -> Result<Option<Preview>, Fault> {
    let Some(asked) = Asked::of_text(sealed) else { return Ok(None) };
    let Ok(Read { back, parameters }) = read(web, arrival, realm, &asked).await? else { return Ok(None) };
    let hint = |name| {
        let text = parameters.one(name).ok().flatten().filter(|hint| hint.len() <= LOGIN_HINT_BYTES);
        text.unwrap_or_default().to_owned()
    };
    Ok(Some(Preview {
        title: back.client.title().to_owned(),
        target: form_target(back.target.as_str()),
        login_hint: hint("login_hint"),
        provider_hint: hint("kc_idp_hint"),
        ways: clients::ways(web.door(), &back.client),
        chooses_account: hint("prompt").split(' ').any(|word| word == "select_account"),
        fresh_seconds: match hint("prompt").split(' ').any(|word| word == "login") {
            true => Some(0),
            false => hint("max_age").parse().ok().filter(|seconds| *seconds >= 0),
        },
    }))
}

/// Tells administrators what came, for the request id on the page: a wrong address is the commonest slip there is. Of an
/// address that is long, or has a query, only the beginning.
fn log_stuck(here: &Here<'_>, asked: &Asked, why: &Stuck) {
    let Stuck::Broken(sentence) = why else { return };
    let parameters = Parameters::parse_query(&asked.raw).unwrap_or_default();
    let shown = |name: &str| {
        let text = parameters.one(name).ok().flatten().unwrap_or_default();
        let text = text.split(['?', '#']).next().unwrap_or_default();
        text.chars().take(limits::LOGGED_CHARACTERS).collect::<String>()
    };
    let (client, target) = (shown("client_id"), shown("redirect_uri"));
    let request = here.arrival.ctx.request;
    tracing::info!(%request, ?client, redirect_uri = ?target, "an authorization request is not answered: {sentence}");
}

/// A page instead of an answer: nothing can be sent anywhere.
pub(super) fn stuck(here: &Here<'_>, why: &Stuck) -> Response {
    let words = match why {
        Stuck::Broken(sentence) => (
            "This sign-in cannot go on",
            sentence.as_str(),
            "Nothing was sent anywhere. Tell whoever runs the tool you came from: its settings and ours do not agree.",
        ),
        Stuck::Over => (
            "This request is over",
            "A request of this kind is answered once, and only for a short time. This one was answered, is too old, \
             or was made for another tool.",
            "Nothing was sent anywhere. Go back to the tool you came from and start again.",
        ),
    };
    answers::problem(here.web, &here.arrival.ctx, StatusCode::BAD_REQUEST, words)
}

fn denied(here: &Here<'_>, back: &Return, raw: &str, (visitor, missing_groups): (&Visitor, Vec<String>)) -> Outcome {
    let web = here.web;
    let apps = web.door().live.apps();
    let app = back.client.app_id.as_ref().and_then(|id| apps.find(id));
    let public = &web.door().settings.public;
    let view = pages::Denied {
        realm_title: back.realm.title.to_string(),
        app_name: back.client.title().to_owned(),
        missing_groups,
        signed_in_as: visitor.signed_in.user.name.to_string(),
        how_to_ask: app.and_then(|app| app.settings.how_to_ask.as_ref()).map(ToString::to_string),
        home_url: public.url("/"),
        switch_account_action: format!("/realms/{}/sign-out", here.realm.name),
        csrf: visitor.proof.reveal().to_owned(),
        request_id: here.arrival.ctx.request.to_string(),
        retry_url: request_url(web, here.realm, raw),
    };
    answers::page(StatusCode::FORBIDDEN, &view, "")
}

/// Where a request, as it came, is made again.
fn request_url(web: &Web, realm: &Realm, raw: &str) -> String {
    web.door().settings.public.url(&format!("/realms/{}/protocol/openid-connect/auth?{raw}", realm.name))
}

fn ask(here: &Here<'_>, back: &Return, request: &AuthorizeRequest, asked: &Asked, visitor: &Visitor) -> Outcome {
    let web = here.web;
    let session = &visitor.signed_in.session;
    let sealed = consent::ask(web.door(), &here.arrival.ctx, &here.realm.id, (&session.id, &asked.to_text()?))?;
    let target = form_target(back.target.as_str());
    let view = pages::Consent {
        client_title: back.client.title().to_owned(),
        client_name: back.client.name.to_string(),
        signed_in_as: visitor.signed_in.user.name.to_string(),
        realm_title: here.realm.title.to_string(),
        // What is told in truth: every client is told some things, asked for or not.
        scopes: consent::shown(&back.client, request).iter().map(|name| scope_words_of(&back.client, name)).collect(),
        details: request.details.iter().map(details::words).collect(),
        resources: request.resources.clone(),
        action: format!("/realms/{}/consent", here.realm.name),
        csrf: visitor.proof.reveal().to_owned(),
        request: sealed,
        return_host: target.clone(),
        switch_account_action: Some(format!("/realms/{}/sign-out", here.realm.name)),
        retry_url: request_url(web, here.realm, &asked.raw),
    };
    answers::page(StatusCode::OK, &view, &target)
}

/// A scope in words: those of whoever declared it for the realm, where there are any.
pub fn scope_words_of(client: &Client, name: &str) -> pages::ScopeWords {
    let words = pages::scope_words(name);
    let declared = client.settings.realm.scopes.iter().find(|scope| scope.name == name);
    match declared.map(|scope| &scope.settings.description).filter(|text| !text.is_empty()) {
        Some(description) => pages::ScopeWords { detail: description.clone(), ..words },
        None => words,
    }
}

/// `POST /realms/{realm}/consent`
pub async fn decide(
    State(web): State<Arc<Web>>,
    InRealm(name): InRealm,
    arrival: Arrival,
    visitor: Visitor,
    Headers(headers): Headers,
    fields: Fields,
) -> Response {
    match decided(&web, &name, (&arrival, &headers), &visitor, &fields).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn decided(
    web: &Web,
    name: &str,
    (arrival, headers): (&Arrival, &HeaderMap),
    visitor: &Visitor,
    fields: &Fields,
) -> Outcome {
    let Some(realm) = known_realm(web, name).await? else { return Ok(no_realm(web, &arrival.ctx)) };
    let session = &visitor.signed_in.session.id;
    let question = consent::asked(web.door(), &arrival.ctx, &realm.id, (session, fields.text("request")));
    let asked = question.as_deref().and_then(Asked::of_text).filter(|_| visitor.proof.matches(fields.text("csrf")));
    let Some(asked) = asked else { return Ok(stale_form(web, arrival)) };
    let here = Here { web, arrival, realm: &realm, headers };
    if fields.text("decision") == "allow" {
        // The sign-in was recent enough when the question was put.
        return proceed(&here, &asked, Some(visitor), (Fresh::Yes, Agreed::Now)).await;
    }
    match read(web, arrival, &realm, &asked).await? {
        Ok(read) => {
            let error = OAuthError::new(ErrorCode::AccessDenied, "the person did not agree");
            send_error(&here, &read, &error).await
        }
        Err(why) => Ok(stuck(&here, &why)),
    }
}
