//! What every answer that is not a plain "pass" is dressed in.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

/// The headers every page carries. Forms may lead to Doorward's own host and to the hosts named: browsers
/// hold redirects after a form to the same rule.
pub fn page_headers(headers: &mut HeaderMap, form_targets: &str) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {form_targets}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert("content-security-policy", policy);
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// A page, whole.
pub(crate) fn page(status: StatusCode, html: String, form_targets: &str) -> Response<Bytes> {
    let mut answer = with_type(status, "text/html; charset=utf-8", html);
    page_headers(answer.headers_mut(), form_targets);
    answer
}

/// A body of some media type.
pub(crate) fn with_type(status: StatusCode, media_type: &'static str, text: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
