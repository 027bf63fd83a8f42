//! The certificate behind a request, as a trusted proxy tells it. What cannot be read counts as none.

use crate::callers::Arrival;
use crate::web::Web;
use doorward_engine::clients::Certificate;
use http::HeaderMap;

/// The certificate the caller's connection was made with.
pub fn shown(web: &Web, arrival: &Arrival, headers: &HeaderMap) -> Option<Certificate> {
    let request = arrival.ctx.request;
    match web.trusted.certificates(arrival.peer, headers) {
        Ok(None) => None,
        Ok(Some(chain)) => match Certificate::parse(chain) {
            Ok(certificate) => Some(certificate),
            Err(bad) => {
                tracing::warn!(%request, "what proxy {} told as a client's certificate is not read: {bad}", arrival.peer);
                None
            }
        },
        Err(bad) => {
            tracing::warn!(%request, "proxy {}: {bad}", arrival.peer);
            None
        }
    }
}
