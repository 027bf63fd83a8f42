//! Where a browser goes after signing out: on, or first past the tools that end their own sessions in it.

use crate::answers::{self, Outcome};
use crate::pages;
use crate::web::Web;
use axum::response::Response;
use doorward_engine::logout;
use doorward_model::fault::Fault;
use doorward_model::id::{RealmId, SessionId};
use doorward_oauth::logout::origin;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use std::collections::BTreeSet;

/// The frames of a session that is about to end: who got tokens in it is not known afterwards.
pub async fn frames(web: &Web, realm: &RealmId, session: &SessionId) -> Result<Vec<String>, Fault> {
    logout::frames(web.door(), realm, session).await
}

/// On to the next place, by way of a page with these frames if there are any.
pub fn by_way_of(frames: Vec<String>, next: &str, redirect: fn(&str) -> Response) -> Outcome {
    if frames.is_empty() {
        return Ok(redirect(next));
    }
    let origins: BTreeSet<String> = frames.iter().filter_map(|frame| origin(frame)).collect();
    let view = pages::SigningOut { frames, next_url: next.to_owned() };
    let mut answer = answers::page(StatusCode::OK, &view, "")?;
    let policy = answer.headers().get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let origins = origins.into_iter().collect::<Vec<_>>().join(" ");
    let policy = HeaderValue::from_str(&format!(
        "{}; script-src 'self'; frame-src {origins}",
        policy.unwrap_or("default-src 'none'")
    ));
    // Without the word for them frames stay empty and the script is not run: the button is still there.
    if let Ok(policy) = policy {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(answer)
}
