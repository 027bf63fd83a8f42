//! The small sample tool: shows what a tool behind the gate is told. It listens on loopback and is
//! reached through the built-in proxy like any other.

use crate::pages::{self, Person};
use askama::Template as _;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

/// The tool.
pub fn router() -> Router {
    Router::new().fallback(any(show))
}

async fn show(request: Request) -> Response {
    let headers = request.headers();
    let told = headers
        .iter()
        .filter(|(name, _)| doorward_gate::headers::is_managed(name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let view = pages::SampleTool {
        headers: told,
        person: person(headers),
        path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
    };
    let mut answer = Response::new(Body::from(view.render().unwrap_or_default()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    doorward_gate::pages::page_headers(answer.headers_mut(), "");
    answer
}

fn person(headers: &HeaderMap) -> Option<Person> {
    let text = |name: &str| {
        let value = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|text| !text.is_empty())
    };
    let user = text("remote-user")?;
    Some(Person::new(&text("remote-name").unwrap_or_default(), &user))
}
