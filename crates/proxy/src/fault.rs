//! Why a request could not be carried, its status and its one public sentence. Owns the mapping;
//! the detail for the log is in `source()` and never shown to the browser. RFC 9110 §15.

use http::StatusCode;

use crate::body::BoxError;

/// A request that got no answer from its upstream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No connection: refused, unknown name, certificate not trusted.
    #[error("cannot connect to the upstream")]
    Connect(#[source] BoxError),
    /// Something took longer than its limit.
    #[error("time limit reached: {0:?}")]
    Timeout(Stage),
    /// The request is malformed or of a kind that is never carried; the sentence says why.
    #[error("{0}")]
    BadRequest(&'static str),
    /// The upstream broke the connection or the protocol before a full response head.
    #[error("the upstream gave no usable answer")]
    Upstream(#[source] BoxError),
    /// Too many connections are open to this upstream.
    #[error("too many connections are open to the upstream")]
    Busy,
    /// The caller's `ends` signal came before the answer.
    #[error("ended by the caller before the upstream answered")]
    Ended,
}

/// What was being waited for when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection to the upstream, TLS included.
    Connect,
    /// The next part of the client's body.
    RequestBody,
    /// The head of the upstream's answer.
    ResponseHeaders,
}

impl Fault {
    /// The status to answer with: 400, 401, 408, 502, 503 or 504.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Fault::Connect(_) | Fault::Upstream(_) => StatusCode::BAD_GATEWAY,
            Fault::Timeout(Stage::RequestBody) => StatusCode::REQUEST_TIMEOUT,
            Fault::Timeout(Stage::Connect | Stage::ResponseHeaders) => StatusCode::GATEWAY_TIMEOUT,
            Fault::BadRequest(_) => StatusCode::BAD_REQUEST,
            Fault::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Ended => StatusCode::UNAUTHORIZED,
        }
    }

    /// One sentence about the tool of that name, which may be shown to anybody; it names no address and no internals.
    #[must_use]
    pub fn sentence(&self, name: &str) -> String {
        match self {
            Fault::Connect(_) => format!("{name} cannot be reached at the moment; try again soon."),
            Fault::Timeout(Stage::RequestBody) => "The upload stalled; send the request again.".to_owned(),
            Fault::Timeout(Stage::Connect | Stage::ResponseHeaders) => {
                format!("{name} did not answer in time; try again.")
            }
            Fault::BadRequest(sentence) => (*sentence).to_owned(),
            Fault::Upstream(_) => format!("{name} broke off its answer; try again."),
            Fault::Busy => format!("{name} is very busy; try again in a moment."),
            Fault::Ended => format!("Your session ended before {name} answered; sign in again."),
        }
    }

    /// The whole story for the log, cause by cause. It names addresses.
    #[must_use]
    pub fn story(&self) -> String {
        let mut story = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let told = error.to_string();
            // Some say what their cause says, and some say nothing but that something is wrong.
            if !story.ends_with(&told) {
                story = format!("{story}: {told}");
            }
            cause = error.source();
        }
        story
    }
}
