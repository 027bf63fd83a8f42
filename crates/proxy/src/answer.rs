//! Waits for the head of an upstream's answer within its limits, and says what went wrong when none
//! comes. Owns the waiting and the reading of errors; sends nothing. RFC 9110 §15.6.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use crate::activity::LastActivity;
use crate::body::{Ends, RequestBody, RequestBodyError};
use crate::fault::{Fault, Stage};

/// Why no answer came.
pub(crate) enum Miss {
    /// The request never left: it comes back whole and may be sent again.
    Unsent(Box<Request<RequestBody>>, hyper::Error),
    /// The upstream closed the connection before a byte of the answer.
    Closed(hyper::Error),
    /// Final.
    Fault(Fault),
}

/// Waits for the response head. Silence counts from the last progress of the request body.
pub(crate) async fn wait(
    sent: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
    activity: Option<&Arc<LastActivity>>,
    allowed: Duration,
    ends: &mut Ends,
) -> Result<Response<Incoming>, Miss> {
    let silence = async {
        match activity {
            Some(activity) => activity.silent_for(allowed).await,
            None => tokio::time::sleep(allowed).await,
        }
    };
    tokio::select! {
        biased;
        () = ends => Err(Miss::Fault(Fault::Ended)),
        answer = sent => answer.map_err(|mut error| match error.take_message() {
            Some(request) => Miss::Unsent(Box::new(request), error.into_error()),
            None => read_error(error.into_error()),
        }),
        () = silence => Err(Miss::Fault(Fault::Timeout(Stage::ResponseHeaders))),
    }
}

fn read_error(error: hyper::Error) -> Miss {
    let mut source = error.source();
    while let Some(cause) = source {
        match cause.downcast_ref::<RequestBodyError>() {
            Some(RequestBodyError::Silent) => {
                return Miss::Fault(Fault::Timeout(Stage::RequestBody));
            }
            Some(RequestBodyError::Broken(_)) => {
                return Miss::Fault(Fault::BadRequest("The request's body broke off."));
            }
            None => source = cause.source(),
        }
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Miss::Closed(error);
    }
    Miss::Fault(Fault::Upstream(Box::new(error)))
}
