//! Is it alive, is it ready? Liveness says the process answers; readiness says it may be sent people.

use crate::answers;
use crate::web::Web;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use std::sync::Arc;

/// How old the last look at the change feed may be for a ready node, in milliseconds.
const READY_MILLISECONDS: i64 = 3000;

/// Paths that answer whatever host a probe names: orchestrators use bare addresses.
pub const PROBES: [&str; 2] = ["/ping", "/ready"];

/// The operations listener's own paths.
pub fn router(web: Arc<Web>) -> Router {
    // Each under both names: the main listener's, and the one orchestrators look for.
    let router = Router::new().route("/healthz", get(ping)).route("/ping", get(ping));
    router.route("/readyz", get(ready)).route("/ready", get(ready)).with_state(web)
}

/// `GET /ping`, `GET /healthz`
pub async fn ping() -> Response {
    answers::text(StatusCode::OK, "OK")
}

/// `GET /outpost.goauthentik.io/ping`
pub async fn pong() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// `GET /ready`, `GET /readyz`
pub async fn ready(State(web): State<Arc<Web>>) -> Response {
    let behind = web.world.now().millis_since(web.door().live.synced_at());
    if behind <= READY_MILLISECONDS {
        answers::text(StatusCode::OK, "OK")
    } else {
        answers::text(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n")
    }
}
