//! Answers of pages: HTML with its policy, redirects to checked places, problems in one sentence.

use crate::pages;
use crate::web::Web;
use askama::Template;
use axum::body::Body;
use doorward_gate::pages::page_headers;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

/// What every handler gives back: an answer, or a fault that becomes one.
pub type Outcome = Result<Response<Body>, Fault>;

/// A page. `form_targets` are origins its forms may lead to besides our own.
pub fn page(status: StatusCode, view: &impl Template, form_targets: &str) -> Outcome {
    let html = view.render().map_err(|error| Fault::new(FaultKind::Internal, "rendering a page", error))?;
    let mut answer = Response::new(Body::from(html));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    page_headers(answer.headers_mut(), form_targets);
    Ok(answer)
}

/// 303 to a place that was checked or is our own.
pub fn see_other(location: &str) -> Response<Body> {
    redirect(StatusCode::SEE_OTHER, location)
}

/// 302 to a place that was checked or is our own.
pub fn found(location: &str) -> Response<Body> {
    redirect(StatusCode::FOUND, location)
}

fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    let location = HeaderValue::from_str(location).unwrap_or_else(|_| HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, location);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// JSON.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    json_text(status, value.to_string())
}

/// JSON that is written out already.
pub fn json_text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(text.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Plain text.
pub fn text(status: StatusCode, sentence: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(sentence));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A page that says what happened and what to do.
pub fn problem(web: &Web, ctx: &Ctx, status: StatusCode, (title, what, how): (&str, &str, &str)) -> Response<Body> {
    let view = pages::Problem {
        status: status.as_u16(),
        title: title.to_owned(),
        what: what.to_owned(),
        how: how.to_owned(),
        request_id: ctx.request.to_string(),
        home_url: Some(web.door().settings.public.url("/")),
        retry_url: None,
    };
    page(status, &view, "").unwrap_or_else(|_| text(status, "something broke\n"))
}

/// What people see of a fault: a fixed sentence and the request's id. The log gets the story.
pub fn fault(web: &Web, ctx: &Ctx, fault: &Fault) -> Response<Body> {
    tracing::error!(request = %ctx.request, "{fault}");
    if fault.kind() == FaultKind::Unavailable {
        let words = (
            "Back in a moment",
            "The sign-in service cannot reach its database.",
            "Nothing is lost. Wait a moment and load the page again.",
        );
        let mut answer = problem(web, ctx, StatusCode::SERVICE_UNAVAILABLE, words);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
        return answer;
    }
    let words = (
        "Something broke",
        "The request could not be finished because of a fault on our side.",
        "Try again. If it happens again, give the request number to your administrator: the log tells the story.",
    );
    problem(web, ctx, StatusCode::INTERNAL_SERVER_ERROR, words)
}
