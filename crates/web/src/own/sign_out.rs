//! Signing out ends the session and with it every pass, at once.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Visitor};
use crate::cookies::{self, Cookie};
use crate::own::goodbye::Goodbye;
use crate::own::{person, stale_form};
use crate::pages;
use crate::web::Web;
use axum::extract::{Path, State};
use axum::response::Response;
use doorward_engine::sessions;
use doorward_gate::query::url_encode;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

/// `GET /realms/{realm}/sign-out`: asks, because a link can come from anywhere.
pub async fn show(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor) -> Response {
    let apps = web.door().live.apps();
    let realm = apps.realm(&visitor.signed_in.user.realm_id).map_or("", |realm| realm.name.as_str());
    let view = pages::SignOutConfirm {
        action: format!("/realms/{realm}/sign-out"),
        csrf: visitor.proof.reveal().to_owned(),
        person: person(&visitor.signed_in.user),
        home_url: web.door().settings.public.url("/"),
    };
    answers::page(StatusCode::OK, &view, "").unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

/// `POST /realms/{realm}/sign-out`
pub async fn submit(
    State(web): State<Arc<Web>>,
    Path(realm): Path<String>,
    arrival: Arrival,
    visitor: Visitor,
    fields: Fields,
) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let outcome = end(&web, &arrival, &visitor, &realm, fields.text("retry")).await;
    outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn end(web: &Web, arrival: &Arrival, visitor: &Visitor, realm: &str, retry: &str) -> Outcome {
    let session = &visitor.signed_in.session;
    let goodbye = Goodbye::of(web, session).await?;
    sessions::end(web.door(), &arrival.ctx, &session.id, "signed out").await?;
    // "Another account" comes from a page before an app or a client: back there, which asks anew.
    let apps = web.door().live.apps();
    let mut targets = apps.of_realm(&visitor.signed_in.user.realm_id).into_iter();
    let target = targets.find_map(|app| doorward_model::address::BackTo::resolve(retry, &app.settings.addresses));
    let request =
        web.door().settings.public.url(&format!("/realms/{}/protocol/openid-connect/auth?", url_encode(realm)));
    let device = web.door().settings.public.url(&format!("/realms/{}/device", url_encode(realm)));
    let is_device = |rest: &str| rest.is_empty() || rest.starts_with("?user_code=");
    let back = match target.filter(|_| retry.contains("://")) {
        Some(back_to) => Some(back_to.url()),
        // A client's request is checked again where it leads.
        None if retry.starts_with(&request) => Some(retry.to_owned()),
        None if retry.strip_prefix(&device).is_some_and(is_device) => Some(retry.to_owned()),
        None => None,
    };
    let wants_another = back.is_some();
    let location = back.unwrap_or_else(|| format!("/realms/{}/signed-out", url_encode(realm)));
    let mut answer = goodbye.by_way_of((web, &arrival.ctx, &url_encode(realm)), &location, answers::see_other).await?;
    clear(web, answer.headers_mut());
    if wants_another {
        cookies::set_another(answer.headers_mut(), web.door().settings.public.scheme());
    }
    Ok(answer)
}

/// Takes our cookies from the browser.
pub fn clear(web: &Web, headers: &mut HeaderMap) {
    let settings = &web.door().settings;
    Cookie::Session.clear(headers, settings.public.scheme());
    if let Some(domain) = &settings.shared_domain {
        cookies::clear_shared(headers, settings.public.scheme(), domain);
    }
}

/// `GET /realms/{realm}/signed-out`
pub async fn done(State(web): State<Arc<Web>>, Path(realm): Path<String>, arrival: Arrival) -> Response {
    let public = &web.door().settings.public;
    let view = pages::SignedOut {
        home_url: public.url("/"),
        sign_in_url: public.url(&format!("/realms/{}/sign-in", url_encode(&realm))),
    };
    answers::page(StatusCode::OK, &view, "").unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}
