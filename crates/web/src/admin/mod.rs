//! A part of Keycloak's Admin REST API, below `/admin/realms`: its words for the use cases commands have. Each file
//! speaks of one kind of thing; none holds a rule.

mod body;
mod call;
pub mod client_words;
pub mod clients;
pub mod composites;
pub mod groups;
pub mod holders;
pub mod realms;
pub mod roles;
pub mod server;
pub mod table;
pub mod users;

use crate::answers;
use crate::web::Web;
use axum::response::Response;
pub use body::Body;
pub use call::{Call, Window, to};
use doorward_engine::manage::Refused;
use doorward_engine::passwords::HashError;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

/// What a call gives back.
pub type Outcome = Result<Response, Failure>;

/// Why a call gives nothing back.
pub enum Failure {
    /// No good token.
    Unknown,
    /// The token's holder may not do this; why, when that says nothing of others.
    Forbidden(Option<String>),
    /// There is no such thing in this realm, in Keycloak's words.
    Missing(&'static str),
    /// The name is in use, in Keycloak's words.
    Taken(String),
    /// What was sent cannot be done: what and where.
    Bad(String),
    /// Too much at once: come back.
    Busy,
    /// Something broke.
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Bad(refused.to_string())
    }
}

impl From<HashError> for Failure {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Failure {
    /// What was sent cannot be done.
    pub fn bad(sentence: impl Into<String>) -> Self {
        Self::Bad(sentence.into())
    }

    /// A use case's "no" to a new thing; `words` are Keycloak's for a name in use.
    pub fn of_new(refused: &Refused, words: String) -> Self {
        if refused.is_taken() { Self::Taken(words) } else { Self::Bad(refused.to_string()) }
    }

    fn answer(self, ctx: &Ctx) -> Response {
        let error = |status, sentence: &str| answers::json(status, &json!({"error": sentence}));
        match self {
            Self::Unknown => {
                let mut answer = error(StatusCode::UNAUTHORIZED, "HTTP 401 Unauthorized");
                let line = HeaderValue::from_static("Bearer realm=\"doorward\", error=\"invalid_token\"");
                answer.headers_mut().insert(WWW_AUTHENTICATE, line);
                answer
            }
            Self::Forbidden(None) => error(StatusCode::FORBIDDEN, "HTTP 403 Forbidden"),
            Self::Forbidden(Some(why)) => {
                let body = json!({"error": "HTTP 403 Forbidden", "error_description": why});
                answers::json(StatusCode::FORBIDDEN, &body)
            }
            Self::Missing(words) => error(StatusCode::NOT_FOUND, words),
            Self::Taken(words) => answers::json(StatusCode::CONFLICT, &json!({"errorMessage": words})),
            Self::Bad(sentence) => answers::json(StatusCode::BAD_REQUEST, &json!({"errorMessage": sentence})),
            Self::Busy => later(error(StatusCode::SERVICE_UNAVAILABLE, "too many passwords are being set: try again")),
            Self::Fault(fault) => {
                tracing::error!(request = %ctx.request, "{fault}");
                let sentence = format!("the request could not be finished ({})", ctx.request);
                match fault.kind() {
                    FaultKind::Unavailable => later(error(StatusCode::SERVICE_UNAVAILABLE, &sentence)),
                    _ => error(StatusCode::INTERNAL_SERVER_ERROR, &sentence),
                }
            }
        }
    }
}

fn later(mut answer: Response) -> Response {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    answer
}

/// Whether programs ask here, which read no pages.
pub fn is_below(path: &str) -> bool {
    path == "/admin/realms" || path == "/admin/serverinfo" || path.starts_with("/admin/realms/")
}

/// There is no such call.
pub fn nothing(status: StatusCode) -> Response {
    answers::json(status, &json!({"error": format!("HTTP {status}")}))
}

/// 200 with what was asked for.
pub fn told(value: &Value) -> Response {
    answers::json(StatusCode::OK, value)
}

/// 204: done.
pub fn done() -> Response {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// 201 with the address of what was made.
pub fn made(web: &Web, path: &str) -> Response {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::CREATED;
    if let Ok(place) = HeaderValue::from_str(&web.door().settings.public.url(path)) {
        answer.headers_mut().insert(LOCATION, place);
    }
    answer
}
