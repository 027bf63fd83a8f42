//! The one body type of the proxy, in both directions. Owns silence limits, the end-now signal and
//! trailer filtering while bytes stream; never collects them. RFC 9110 §6.5, RFC 9112 §7.1.2.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderName;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

use crate::activity::{LastActivity, SilenceTimer};
use crate::headers;

/// The error of a body that breaks off.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The future that completes when the caller wants everything of this exchange to end.
pub(crate) type Ends = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A request or response body: nothing, a piece of memory, or a stream.
pub struct Body(Kind);

enum Kind {
    Empty,
    Full(Bytes),
    Incoming(Incoming),
    Boxed(UnsyncBoxBody<Bytes, BoxError>),
    Answer(Box<AnswerStream>),
}

impl Body {
    /// A body without bytes.
    #[must_use]
    pub fn empty() -> Body {
        Body(Kind::Empty)
    }

    /// A body of known bytes.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        if bytes.is_empty() { Body::empty() } else { Body(Kind::Full(bytes)) }
    }

    /// Any other stream of bytes, for example a web framework's own body.
    pub fn stream<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body(Kind::Boxed(body.map_err(Into::into).boxed_unsync()))
    }

    /// An upstream's body, held to the silence limit and ended when `ends` completes.
    pub(crate) fn answer(incoming: Incoming, silence: Duration, ends: Ends) -> Body {
        if incoming.is_end_stream() {
            return Body::empty();
        }
        let silence = SilenceTimer::new(silence);
        let stream = AnswerStream { incoming, silence, ends, is_broken: false };
        Body(Kind::Answer(Box::new(stream)))
    }
}

impl From<Incoming> for Body {
    fn from(incoming: Incoming) -> Body {
        if incoming.is_end_stream() { Body::empty() } else { Body(Kind::Incoming(incoming)) }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Body({:?})", self.size_hint())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Incoming(incoming) => Pin::new(incoming).poll_frame(cx).map_err(|error| Box::new(error).into()),
            Kind::Boxed(body) => Pin::new(body).poll_frame(cx),
            Kind::Answer(stream) => stream.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Incoming(incoming) => incoming.is_end_stream(),
            Kind::Boxed(body) => body.is_end_stream(),
            Kind::Answer(stream) => stream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Incoming(incoming) => incoming.size_hint(),
            Kind::Boxed(body) => body.size_hint(),
            Kind::Answer(stream) => stream.incoming.size_hint(),
        }
    }
}

/// Why a response body broke off on our side.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("the session behind this answer ended")]
    Ended,
    #[error("the upstream was silent for too long in the middle of its answer")]
    Silent,
}

struct AnswerStream {
    incoming: Incoming,
    silence: SilenceTimer,
    ends: Ends,
    /// Broken off by us: nothing follows, and `ends` must not be polled again.
    is_broken: bool,
}

impl AnswerStream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.is_broken {
            return Poll::Ready(None);
        }
        // The signal comes first: bytes that already wait belong to a session that is over.
        if self.ends.as_mut().poll(cx).is_ready() {
            self.is_broken = true;
            return Poll::Ready(Some(Err(AnswerError::Ended.into())));
        }
        let Poll::Ready(next) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            ready!(self.silence.poll_expired(cx));
            self.is_broken = true;
            return Poll::Ready(Some(Err(AnswerError::Silent.into())));
        };
        self.silence.stop();
        Poll::Ready(match next {
            Some(Ok(frame)) => Some(Ok(filter_trailers(frame, |name| !headers::is_hop_by_hop(name)))),
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }
}

/// Why the client's body could not be sent on in full.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    #[error("the client was silent for too long in the middle of its body")]
    Silent,
    #[error("the client's body broke off")]
    Broken(#[source] BoxError),
}

/// The body sent to an upstream.
pub(crate) struct RequestBody {
    body: Body,
    /// Absent for requests without a body, which is most of them.
    watch: Option<Box<RequestWatch>>,
}

struct RequestWatch {
    silence: SilenceTimer,
    activity: Arc<LastActivity>,
    /// Trailer fields that were declared in the head and passed the caller's rules there.
    trailers: Vec<HeaderName>,
}

impl RequestBody {
    /// A body with no bytes to come.
    pub(crate) fn empty() -> RequestBody {
        RequestBody { body: Body::empty(), watch: None }
    }

    /// Streams `body`; every piece handed on is marked in `activity`.
    pub(crate) fn watched(
        body: Body,
        silence: Duration,
        activity: Arc<LastActivity>,
        trailers: Vec<HeaderName>,
    ) -> RequestBody {
        let silence = SilenceTimer::new(silence);
        RequestBody { body, watch: Some(Box::new(RequestWatch { silence, activity, trailers })) }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = &mut *self;
        let next = Pin::new(&mut this.body).poll_frame(cx);
        let Some(watch) = &mut this.watch else {
            return next.map_err(RequestBodyError::Broken);
        };
        let Poll::Ready(next) = next else {
            watch.activity.excuse();
            ready!(watch.silence.poll_expired(cx));
            return Poll::Ready(Some(Err(RequestBodyError::Silent)));
        };
        watch.silence.stop();
        watch.activity.touch();
        Poll::Ready(match next {
            Some(Ok(frame)) => Some(Ok(filter_trailers(frame, |name| watch.trailers.contains(name)))),
            Some(Err(error)) => Some(Err(RequestBodyError::Broken(error))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn filter_trailers(frame: Frame<Bytes>, keep: impl Fn(&HeaderName) -> bool) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            let refused: Vec<HeaderName> = trailers.keys().filter(|name| !keep(name)).cloned().collect();
            for name in refused {
                trailers.remove(name);
            }
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}
