//! `GET|POST /realms/{realm}/protocol/openid-connect/auth`: from a client's request to a browser sent back
//! with a code, by way of the sign-in page and the question for agreement where they are needed. Until the
//! client and its address are verified, nothing is sent anywhere: people see a page.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, InRealm, Visitor, visitor};
use crate::limits;
use crate::oidc::origin_of;
use crate::own::sign_in::{Browser, known_realm, no_realm};
use crate::own::stale_form;
use crate::pages;
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::authorize::consent::{self, Agreed};
use doorward_engine::authorize::{Fresh, Next, Return, acceptable, address, go_on, missing};
use doorward_engine::clients::Client;
use doorward_engine::sign_in::flow::{self, Aim};
use doorward_engine::token::claims;
use doorward_engine::token::mint::{self, DEFAULT_ALGORITHM};
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_oauth::authorize::{AuthorizeRequest, Entry, ResponseMode};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use doorward_oauth::response::{Delivery, redirect_target};
use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
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
    proceed(&here, &raw, visitor.as_ref(), (Fresh::No, Agreed::NotAsked)).await
}

/// Goes on after somebody has signed in for a request.
pub async fn resume(
    (web, arrival, realm, headers): (&Web, &Arrival, &Realm, &HeaderMap),
    raw: &str,
    visitor: &Visitor,
) -> Outcome {
    let here = Here { web, arrival, realm, headers };
    proceed(&here, raw, Some(visitor), (Fresh::Yes, Agreed::NotAsked)).await
}

struct Here<'a> {
    web: &'a Web,
    arrival: &'a Arrival,
    realm: &'a Realm,
    headers: &'a HeaderMap,
}

async fn proceed(here: &Here<'_>, raw: &str, visitor: Option<&Visitor>, state: (Fresh, Agreed)) -> Outcome {
    let Here { web, arrival, realm, headers } = *here;
    let (back, parameters) = match read(web, realm, raw).await? {
        Ok(read) => read,
        Err(sentence) => return Ok(nowhere(here, &sentence)),
    };
    let asked = AuthorizeRequest::parse(&parameters);
    let request = match asked.and_then(|request| acceptable(&back, &request).map(|()| request)) {
        Ok(request) => request,
        Err(error) => return send_error(here, &back, &parameters, &error),
    };
    let signed_in = visitor.map(|visitor| &*visitor.signed_in);
    match go_on(web.door(), &arrival.ctx, (&back, &request), signed_in, state).await? {
        Next::Code(code) => {
            let session = signed_in.map(|signed_in| signed_in.session.id.to_string()).unwrap_or_default();
            send(here, &back, &parameters, &[("code", code.reveal()), ("session_state", &session)])
        }
        Next::Error(error) => send_error(here, &back, &parameters, &error),
        Next::SignIn => {
            let browser = Browser::of(web, headers);
            let aim = Aim::Client(raw);
            let token = flow::begin(web.door(), &arrival.ctx, &realm.id, &browser.hash, aim)?;
            let mut answer = answers::see_other(&format!("/realms/{}/sign-in?flow={token}", realm.name));
            browser.keep(web, answer.headers_mut());
            Ok(answer)
        }
        Next::Consent => match visitor {
            Some(visitor) => ask(here, &back, &request, raw, visitor),
            None => Ok(nowhere(here, "Sign in first.")),
        },
        Next::Refused(verdict) => match visitor {
            Some(visitor) => {
                let groups = missing(web.door(), &verdict).await?;
                denied(here, &back, raw, (visitor, groups))
            }
            None => Ok(nowhere(here, "Sign in first.")),
        },
    }
}

/// The verified client and address of a request; a sentence for people otherwise.
async fn read(web: &Web, realm: &Realm, raw: &str) -> Result<Result<(Return, Parameters), String>, Fault> {
    if raw.len() > limits::AUTHORIZATION_BYTES {
        return Ok(Err("The request is longer than 8 KiB.".to_owned()));
    }
    let parameters = match Parameters::parse_query(raw) {
        Ok(parameters) => parameters,
        Err(bad) => return Ok(Err(format!("The request cannot be read: {bad}."))),
    };
    if let Err(doubled) = parameters.check_doubled() {
        return Ok(Err(format!("The request cannot be read: {doubled}.")));
    }
    let entry = match Entry::parse(&parameters) {
        Ok(entry) => entry,
        Err(error) => return Ok(Err(format!("The request cannot be read: {}.", error.sentence()))),
    };
    let back = address(web.door(), realm, &entry).await?;
    Ok(back.map(|back| (back, parameters)).map_err(str::to_owned))
}

/// What the sign-in page should know of a request it stands before: the client's name, and where its form
/// may lead in the end.
pub async fn preview(web: &Web, realm: &Realm, raw: &str) -> Result<Option<(String, String)>, Fault> {
    let Ok((back, _)) = read(web, realm, raw).await? else { return Ok(None) };
    Ok(Some((back.client.title().to_owned(), form_target(back.target.as_str()))))
}

/// A redirect URI as a source of a content security policy.
fn form_target(uri: &str) -> String {
    let of_scheme = || uri.split_once(':').map(|(scheme, _)| format!("{scheme}:"));
    match origin_of(uri) {
        Some(origin) if origin.starts_with("http") => origin.to_owned(),
        _ => of_scheme().unwrap_or_default(),
    }
}

fn send_error(here: &Here<'_>, back: &Return, parameters: &Parameters, error: &OAuthError) -> Outcome {
    let fields = [("error", error.code().as_str()), ("error_description", error.sentence())];
    send(here, back, parameters, &fields)
}

/// Sends the browser back to the verified address, with `state` and `iss` (RFC 9207) beside everything.
fn send(here: &Here<'_>, back: &Return, parameters: &Parameters, fields: &[(&str, &str)]) -> Outcome {
    let issuer = mint::issuer_for(here.web.door(), here.realm.name.as_str(), &back.client);
    let mut all = fields.to_vec();
    if let Some(state) = parameters.one("state").ok().flatten() {
        all.push(("state", state));
    }
    all.push(("iss", &issuer));
    let mode = Entry::parse(parameters).map_or(ResponseMode::Query, |entry| entry.response_mode);
    match redirect_target(&back.target, mode, &all) {
        Delivery::Redirect(url) => Ok(answers::found(&url)),
        Delivery::Form { action, fields } => {
            let target = form_target(&action);
            let view = pages::FormPost { action, fields, client_title: back.client.title().to_owned() };
            let mut answer = answers::page(StatusCode::OK, &view, &target)?;
            let policy = format!(
                "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
                 form-action {target}; base-uri 'none'; frame-ancestors 'none'"
            );
            if let Ok(policy) = HeaderValue::from_str(&policy) {
                answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
            }
            Ok(answer)
        }
    }
}

fn nowhere(here: &Here<'_>, sentence: &str) -> Response {
    let words = (
        "This sign-in cannot go on",
        sentence,
        "Nothing was sent anywhere. Tell whoever runs the tool you came from: its settings and ours do not agree.",
    );
    answers::problem(here.web, &here.arrival.ctx, StatusCode::BAD_REQUEST, words)
}

fn denied(here: &Here<'_>, back: &Return, raw: &str, (visitor, missing_groups): (&Visitor, Vec<String>)) -> Outcome {
    let web = here.web;
    let apps = web.door().live.apps();
    let app = back.client.app_id.as_ref().and_then(|id| apps.find(id));
    let public = &web.door().settings.public;
    let view = pages::Denied {
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

fn ask(here: &Here<'_>, back: &Return, request: &AuthorizeRequest, raw: &str, visitor: &Visitor) -> Outcome {
    let web = here.web;
    let session = &visitor.signed_in.session;
    let sealed = consent::ask(web.door(), &here.arrival.ctx, &here.realm.id, (&session.id, raw))?;
    let target = form_target(back.target.as_str());
    let view = pages::Consent {
        client_title: back.client.title().to_owned(),
        client_name: back.client.name.to_string(),
        signed_in_as: visitor.signed_in.user.name.to_string(),
        realm_title: here.realm.title.to_string(),
        // What is told in truth: every client is told some things, asked for or not.
        scopes: claims::shown(&back.client, &request.scopes)
            .iter()
            .map(|name| scope_words_of(&back.client, name))
            .collect(),
        resources: request.resources.clone(),
        action: format!("/realms/{}/consent", here.realm.name),
        csrf: visitor.proof.reveal().to_owned(),
        request: sealed,
        return_host: target.clone(),
        switch_account_action: Some(format!("/realms/{}/sign-out", here.realm.name)),
        retry_url: request_url(web, here.realm, raw),
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
    let Some(raw) = question.filter(|_| visitor.proof.matches(fields.text("csrf"))) else {
        return Ok(stale_form(web, arrival));
    };
    let here = Here { web, arrival, realm: &realm, headers };
    if fields.text("decision") == "allow" {
        // The sign-in was recent enough when the question was put.
        return proceed(&here, &raw, Some(visitor), (Fresh::Yes, Agreed::Now)).await;
    }
    let (back, parameters) = match read(web, &realm, &raw).await? {
        Ok(read) => read,
        Err(sentence) => return Ok(nowhere(&here, &sentence)),
    };
    let error = OAuthError::new(ErrorCode::AccessDenied, "the person did not agree");
    send_error(&here, &back, &parameters, &error)
}
