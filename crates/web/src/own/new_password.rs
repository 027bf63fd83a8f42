//! The page between a temporary password and the session: nothing is opened until another password is chosen.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, visitor};
use crate::own::account::password_rule;
use crate::own::sign_in::{Begun, flow_over, open};
use crate::pages;
use crate::web::Web;
use axum::extract::{Path, State};
use axum::response::Response;
use doorward_engine::sign_in::renewal::{self, Waiting, Wanted};
use doorward_model::secret::Password;
use http::StatusCode;
use http::header::{HeaderMap, USER_AGENT};
use std::sync::Arc;

/// The page: which attempt it belongs to, and why it comes again, if it does.
pub fn ask(
    web: &Web,
    begun: &Begun,
    (flow, renewal): (&str, &str),
    (status, error): (StatusCode, Option<String>),
) -> Outcome {
    let Begun { realm, browser, way } = begun;
    let (app_name, targets) = way.end(web);
    let view = pages::NewPassword {
        realm_title: realm.title.to_string(),
        app_name,
        action: format!("/realms/{}/sign-in/new-password", realm.name),
        csrf: browser.proof().reveal().to_owned(),
        flow: flow.to_owned(),
        renewal: renewal.to_owned(),
        error,
        password_rule: password_rule(),
    };
    answers::page(status, &view, &targets)
}

/// `POST /realms/{realm}/sign-in/new-password`
pub async fn submit(
    State(web): State<Arc<Web>>,
    Path(realm): Path<String>,
    arrival: Arrival,
    Headers(headers): Headers,
    fields: Fields,
) -> Response {
    match choose(&web, &realm, (&arrival, &headers), &fields).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn choose(web: &Web, realm: &str, (arrival, headers): (&Arrival, &HeaderMap), fields: &Fields) -> Outcome {
    let begun = match Begun::of(web, realm, (arrival, headers), fields).await? {
        Ok(begun) => begun,
        Err(answer) => return Ok(answer),
    };
    let Begun { realm, browser, way } = &begun;
    let (flow, renewal) = (fields.text("flow"), fields.text("renewal"));
    let found = renewal::find(web.door(), &arrival.ctx, (&realm.id, &browser.hash), renewal).await?;
    let Some(waiting) = found else { return Ok(flow_over(web, &arrival.ctx, realm)) };
    let again = |status, sentence: &str| ask(web, &begun, (flow, renewal), (status, Some(sentence.to_owned())));
    let wanted = match wanted(fields, &waiting) {
        Ok(wanted) => wanted,
        Err(sentence) => return again(StatusCode::BAD_REQUEST, &sentence),
    };
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let former = visitor(web, arrival, headers).await?.map(|visitor| visitor.signed_in.session.id.clone());
    match renewal::choose(web.door(), &arrival.ctx, waiting, wanted, (user_agent, former)).await? {
        renewal::Outcome::Opened(opened) => open(web, (arrival, headers), realm, *opened, way).await,
        renewal::Outcome::Over => Ok(flow_over(web, &arrival.ctx, realm)),
        renewal::Outcome::Same => {
            again(StatusCode::BAD_REQUEST, "That is the password you were given. Choose another one.")
        }
        renewal::Outcome::Busy => {
            again(StatusCode::SERVICE_UNAVAILABLE, "Many people are signing in right now. Try again in a moment.")
        }
    }
}

fn wanted(fields: &Fields, waiting: &Waiting) -> Result<Wanted, String> {
    let text = fields.text("new_password");
    if text != fields.text("new_password_repeat") {
        return Err("The two passwords differ. Type the same one twice.".to_owned());
    }
    let chosen = || Password::chosen(text, waiting.name().as_str()).map_err(|bad| format!("New password: {bad}."));
    Ok(Wanted { compared: chosen()?, kept: chosen()? })
}
