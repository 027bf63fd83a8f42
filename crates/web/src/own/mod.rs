//! Pages of Doorward's own host.

pub mod account;
pub mod assets;
pub mod broker;
pub mod device;
mod directory;
mod directory_password;
pub mod enter;
pub mod goodbye;
pub mod launcher;
pub mod new_password;
pub mod programs;
pub mod setup;
pub mod sign_in;
pub mod sign_out;

use crate::callers::Arrival;
use crate::pages::Person;
use crate::web::Web;
use crate::{admin, answers, oidc};
use axum::extract::State;
use axum::response::Response;
use doorward_model::people::User;
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// No such page.
pub async fn not_found(State(web): State<Arc<Web>>, arrival: Arrival) -> Response {
    if admin::is_below(&arrival.path) {
        return admin::nothing(StatusCode::NOT_FOUND);
    }
    if let Some(rest) = arrival.path.strip_prefix("/auth").filter(|rest| rest.starts_with("/realms/")) {
        return without_auth(&web, &arrival, rest);
    }
    let words = (
        "There is nothing here",
        "No page of Doorward answers at this address.",
        "Check the address, or start from the launcher.",
    );
    answers::problem(&web, &arrival.ctx, StatusCode::NOT_FOUND, words)
}

/// The address of a Keycloak before 17, or of one that is told to live below `/auth`.
fn without_auth(web: &Web, arrival: &Arrival, rest: &str) -> Response {
    if oidc::is_for_programs(rest) || rest.contains("/.well-known/") {
        let sentence =
            "addresses of realms begin with /realms here: leave /auth out of the issuer and of every endpoint";
        let body = json!({"error": "invalid_request", "error_description": sentence});
        return answers::json(StatusCode::NOT_FOUND, &body);
    }
    let words = (
        "There is nothing here",
        "Addresses of realms begin with /realms here, without /auth before it.",
        "Leave /auth out of the address, or ask whoever set up the tool you came from.",
    );
    answers::problem(web, &arrival.ctx, StatusCode::NOT_FOUND, words)
}

/// The page exists for another method.
pub async fn wrong_method(State(web): State<Arc<Web>>, arrival: Arrival) -> Response {
    if admin::is_below(&arrival.path) {
        return admin::nothing(StatusCode::METHOD_NOT_ALLOWED);
    }
    if oidc::is_for_programs(&arrival.path) {
        let sentence = "this endpoint is not asked by this method: the header Allow names those that are";
        let body = json!({"error": "invalid_request", "error_description": sentence});
        return answers::json(StatusCode::METHOD_NOT_ALLOWED, &body);
    }
    let words = (
        "That is not how this page works",
        "This address does not take that kind of request.",
        "Open it in a browser.",
    );
    answers::problem(&web, &arrival.ctx, StatusCode::METHOD_NOT_ALLOWED, words)
}

/// A user as pages show them.
pub fn person(user: &User) -> Person {
    Person::new(user.display.as_str(), user.name.as_str())
}

/// The answer to a form whose proof does not fit.
pub fn stale_form(web: &Web, arrival: &Arrival) -> Response {
    let words = (
        "This form is no longer good",
        "The form was opened in another browser, or too long ago.",
        "Go back, load the page again and send the form once more.",
    );
    answers::problem(web, &arrival.ctx, StatusCode::FORBIDDEN, words)
}
