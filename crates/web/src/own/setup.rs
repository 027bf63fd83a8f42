//! The page behind the one-time set-up link.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, Query};
use crate::own::account::password_rule;
use crate::own::sign_in;
use crate::pages;
use crate::web::Web;
use axum::extract::State;
use axum::response::Response;
use doorward_engine::setup::{self, Founder};
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::Realm;
use doorward_model::secret::{FormProof, Password, TokenHash, TokenKind};
use http::StatusCode;
use http::header::{HeaderMap, USER_AGENT};
use std::sync::Arc;

/// `GET /setup?token=…`
pub async fn show(State(web): State<Arc<Web>>, arrival: Arrival, query: Query) -> Response {
    let token = query.fields.text("token");
    let outcome = async {
        match link(&web, &arrival, token).await? {
            Some((_, realm)) => render(&web, &realm, (StatusCode::OK, None), token, &Fields::default()),
            None => Ok(link_gone(&web, &arrival)),
        }
    };
    outcome.await.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

/// `POST /setup`
pub async fn submit(
    State(web): State<Arc<Web>>,
    arrival: Arrival,
    Headers(headers): Headers,
    fields: Fields,
) -> Response {
    let outcome = found(&web, &arrival, &headers, &fields).await;
    outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn found(web: &Web, arrival: &Arrival, headers: &HeaderMap, fields: &Fields) -> Outcome {
    let token = fields.text("token");
    let Some((hash, realm)) = link(web, arrival, token).await? else { return Ok(link_gone(web, arrival)) };
    // The token itself is the secret that a forged form cannot know.
    if !FormProof::of(token).matches(fields.text("csrf")) {
        return Ok(crate::own::stale_form(web, arrival));
    }
    let founder = match founder(fields, headers) {
        Ok(founder) => founder,
        Err(sentence) => return render(web, &realm, (StatusCode::BAD_REQUEST, Some(sentence)), token, fields),
    };
    match setup::found(web.door(), &arrival.ctx, &hash, founder).await? {
        setup::Outcome::Opened(opened) => {
            sign_in::open(web, (arrival, headers), &realm, *opened, &sign_in::Way::Home).await
        }
        setup::Outcome::LinkGone => Ok(link_gone(web, arrival)),
        setup::Outcome::Refused(refused) => {
            render(web, &realm, (StatusCode::CONFLICT, Some(format!("{refused}."))), token, fields)
        }
        setup::Outcome::Busy => {
            let sentence = "The machine is busy. Try again in a moment.".to_owned();
            render(web, &realm, (StatusCode::SERVICE_UNAVAILABLE, Some(sentence)), token, fields)
        }
    }
}

fn founder<'a>(fields: &Fields, headers: &'a HeaderMap) -> Result<Founder<'a>, String> {
    let name = UserName::parse(fields.text("username").trim()).map_err(|bad| format!("Please check: {bad}."))?;
    let shown = if fields.text("name").trim().is_empty() { name.as_str() } else { fields.text("name") };
    let display = DisplayText::parse(shown).map_err(|bad| format!("Please check: {bad}."))?;
    let email = match fields.text("email").trim() {
        "" => None,
        text => Some(EmailAddress::parse(text).map_err(|bad| format!("Please check: {bad}."))?),
    };
    if fields.text("password") != fields.text("password_repeat") {
        return Err("The two passwords differ. Type the same one twice.".to_owned());
    }
    let password =
        Password::chosen(fields.text("password"), name.as_str()).map_err(|bad| format!("Password: {bad}."))?;
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Founder { name, display, email, password, user_agent })
}

async fn link(
    web: &Web,
    arrival: &Arrival,
    token: &str,
) -> Result<Option<(TokenHash, Realm)>, doorward_model::fault::Fault> {
    let Some(hash) = TokenHash::of_presented(TokenKind::Setup, token) else { return Ok(None) };
    Ok(setup::find_link(web.door(), &arrival.ctx, &hash).await?.map(|realm| (hash, realm)))
}

fn render(
    web: &Web,
    realm: &Realm,
    (status, error): (StatusCode, Option<String>),
    token: &str,
    fields: &Fields,
) -> Outcome {
    let apps = web.door().live.apps().of_realm(&realm.id);
    let view = pages::Setup {
        action: "/setup".to_owned(),
        csrf: FormProof::of(token).reveal().to_owned(),
        token: token.to_owned(),
        error,
        username_value: fields.text("username").to_owned(),
        email_value: fields.text("email").to_owned(),
        name_value: fields.text("name").to_owned(),
        password_rule: password_rule(),
        apps: apps.iter().map(|app| app.settings.title.to_string()).collect(),
    };
    answers::page(status, &view, "")
}

fn link_gone(web: &Web, arrival: &Arrival) -> Response {
    let words = (
        "This set-up link does not work",
        "It was used already, is older than a day, or was replaced by a newer one.",
        "Run `doorward setup-link` on the machine for a new one, or sign in if you have an account.",
    );
    answers::problem(web, &arrival.ctx, StatusCode::GONE, words)
}
