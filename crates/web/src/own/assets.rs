//! Style sheet and pictures, with their content's hash in the name.

use crate::pages::{PREFIX, find_asset};
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

/// `GET /.doorward/static/{name}`
pub async fn show(Path(name): Path<String>) -> Response {
    let path = format!("{PREFIX}{name}");
    let Some(asset) = find_asset(&path) else {
        return crate::answers::text(StatusCode::NOT_FOUND, "there is no such file\n");
    };
    let mut answer = Response::new(Body::from(asset.bytes));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}
