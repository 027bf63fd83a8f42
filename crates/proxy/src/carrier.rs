//! Carries one judged request to its upstream and the answer back. Owns the order of the steps and
//! the rule when a request may be sent twice. RFC 9110 §7, §9.2.2, RFC 9112 §9.3.1, RFC 6455 §4.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme as UriScheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, request};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use parking_lot::RwLock;
use rustls::RootCertStore;

use crate::activity::LastActivity;
use crate::answer::{self, Miss};
use crate::body::{Body, Ends, RequestBody};
use crate::dial::{Dialer, Versions};
use crate::fault::Fault;
use crate::headers::{self, HeaderEdit};
use crate::lane::{Health, Lane, Lease, Link, Reuse};
use crate::limits::{self, Timeouts};
use crate::screen;
use crate::tunnel;
use crate::upstream::{Scheme, Upstream};

/// The proxy: one for the whole process, holding the connections to every upstream.
pub struct Carrier {
    timeouts: Timeouts,
    dialer: Dialer,
    lanes: RwLock<HashMap<Upstream, Arc<Lane>>>,
}

/// A request on its way, independent of the HTTP version it will travel on.
struct Outbound {
    method: Method,
    path: PathAndQuery,
    headers: http::HeaderMap,
    host: HeaderValue,
    has_unknown_length: bool,
    is_websocket: bool,
}

/// An answer and the connection it came on.
struct Answered {
    response: Response<Incoming>,
    lease: Lease,
}

impl Carrier {
    /// A proxy that trusts the system's certificate authorities for https upstreams.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Carrier {
        Carrier { timeouts, dialer: Dialer::new(None), lanes: RwLock::default() }
    }

    /// A proxy that trusts exactly these authorities for https upstreams.
    #[must_use]
    pub fn with_roots(timeouts: Timeouts, roots: RootCertStore) -> Carrier {
        Carrier { timeouts, dialer: Dialer::new(Some(roots)), lanes: RwLock::default() }
    }

    /// What requests lately showed about this upstream; all empty if none was sent yet.
    pub fn health(&self, upstream: &Upstream) -> Health {
        self.lanes.read().get(upstream).map(|lane| lane.health()).unwrap_or_default()
    }

    /// Sends the request and streams the answer back; bodies are never collected. WebSocket
    /// handshakes become tunnels once the upstream answered 101. When `ends` completes, the
    /// exchange is broken off: while waiting with `Fault::Ended`, later by an error in the body or
    /// by closing the tunnel. Use `std::future::pending()` when nothing can end it.
    ///
    /// # Errors
    /// A `Fault` with its status and public sentence; nothing was answered to the client yet.
    pub async fn carry<B: Into<Body>>(
        &self,
        upstream: &Upstream,
        request: Request<B>,
        edit: HeaderEdit<'_>,
        ends: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Response<Body>, Fault> {
        let mut ends: Ends = Box::pin(ends);
        let (mut parts, body) = request.into_parts();
        let body = body.into();
        let client_switch = parts.extensions.remove::<OnUpgrade>();
        let (outbound, body, activity) = self.prepare(parts, body, &edit)?;
        let (is_head, is_websocket) = (outbound.method == Method::HEAD, outbound.is_websocket);
        if is_websocket && upstream.scheme() == Scheme::H2c {
            return Err(Fault::BadRequest("This application is set up without WebSockets (h2c)."));
        }
        let lane = self.lane(upstream);
        let answered = self.exchange(&lane, outbound, body, activity, &mut ends).await;
        let Answered { mut response, lease } = answered.inspect_err(|fault| {
            if matches!(fault, Fault::Upstream(_) | Fault::Timeout(_)) {
                lane.note_failure();
            }
        })?;
        lane.note_success();
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let (Some(client), true) = (client_switch, is_websocket) else {
                return Err(Fault::Upstream("a 101 answer that nobody asked for".into()));
            };
            let upstream = hyper::upgrade::on(&mut response);
            let answer = switch_answer(response)?;
            tunnel::open(client, upstream, self.timeouts.tunnel_idle, ends, lease.permit);
            return Ok(answer);
        }
        if let Link::Http1(sender) = lease.link {
            lane.give_back(sender, lease.permit);
        }
        Ok(self.plain_answer(response, is_head, ends))
    }

    fn lane(&self, upstream: &Upstream) -> Arc<Lane> {
        if let Some(lane) = self.lanes.read().get(upstream) {
            return Arc::clone(lane);
        }
        let mut lanes = self.lanes.write();
        if lanes.len() >= limits::UPSTREAMS_MAX {
            lanes.retain(|_, lane| !lane.is_unused());
        }
        let lane = lanes.entry(upstream.clone()).or_insert_with(|| Arc::new(Lane::new(upstream.clone())));
        Arc::clone(lane)
    }

    fn prepare(
        &self,
        parts: request::Parts,
        body: Body,
        edit: &HeaderEdit<'_>,
    ) -> Result<(Outbound, RequestBody, Option<Arc<LastActivity>>), Fault> {
        let screened = screen::screen(&parts)?;
        let is_websocket = screened.is_websocket;
        let length = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
        let path = parts.uri.into_parts().path_and_query;
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let edited = headers::edit_request(parts.headers, screened, length, edit)?;
        let outbound = Outbound {
            method: parts.method,
            path,
            headers: edited.headers,
            host: edited.host,
            has_unknown_length: length.is_none(),
            is_websocket,
        };
        if body.is_end_stream() {
            return Ok((outbound, RequestBody::empty(), None));
        }
        let activity = Arc::new(LastActivity::new());
        let silence = self.timeouts.body_idle;
        let body = RequestBody::watched(body, silence, Arc::clone(&activity), edited.trailers);
        Ok((outbound, body, Some(activity)))
    }

    /// Sends, and sends once more on a new connection only when the first try cannot have had an
    /// effect: the request never left a resting connection, or it is safe (RFC 9110 §9.2.1), has no
    /// body, and the resting connection was closed without a byte of an answer.
    async fn exchange(
        &self,
        lane: &Arc<Lane>,
        outbound: Outbound,
        body: RequestBody,
        activity: Option<Arc<LastActivity>>,
        ends: &mut Ends,
    ) -> Result<Answered, Fault> {
        let is_safe = matches!(outbound.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let may_repeat = is_safe && activity.is_none() && !outbound.is_websocket;
        let versions = if outbound.is_websocket { Versions::OnlyHttp1 } else { Versions::Any };
        let reuse = if may_repeat { Reuse::Any } else { Reuse::OnlyFresh };
        let mut lease = self.lease(lane, versions, reuse, ends).await?;
        let spare = (may_repeat && lease.is_reused).then(|| outbound.duplicate());
        let request = outbound.into_request(&lease.link, lane.upstream(), body)?;
        if let Some(activity) = &activity {
            activity.touch();
        }
        let allowed = self.timeouts.response_headers;
        let first = answer::wait(lease.send(request), activity.as_ref(), allowed, ends).await;
        let (miss, is_reused) = match first {
            Ok(response) => return Ok(Answered { response, lease }),
            Err(miss) => (miss, lease.is_reused),
        };
        let (outbound, body) = match (miss, spare) {
            (Miss::Unsent(request, _), _) if is_reused => Outbound::from_unsent(*request),
            (Miss::Closed(_), Some(spare)) => (spare, RequestBody::empty()),
            (miss, _) => return Err(miss.into_fault()),
        };
        tracing::debug!(upstream = %lane.upstream(), "a resting connection was closed; sending again");
        let mut lease = self.lease(lane, versions, Reuse::Never, ends).await?;
        let request = outbound.into_request(&lease.link, lane.upstream(), body)?;
        let second = answer::wait(lease.send(request), activity.as_ref(), allowed, ends).await;
        second.map(|response| Answered { response, lease }).map_err(Miss::into_fault)
    }

    async fn lease(&self, lane: &Arc<Lane>, versions: Versions, reuse: Reuse, ends: &mut Ends) -> Result<Lease, Fault> {
        tokio::select! {
            biased;
            () = ends => Err(Fault::Ended),
            lease = lane.lease(&self.dialer, self.timeouts.connect, versions, reuse) => lease,
        }
    }

    fn plain_answer(&self, response: Response<Incoming>, is_head: bool, ends: Ends) -> Response<Body> {
        let (mut parts, incoming) = response.into_parts();
        let has_no_content = parts.status == StatusCode::NO_CONTENT;
        if has_no_content {
            parts.headers.remove(CONTENT_LENGTH);
        }
        let is_length_free = is_head || parts.status == StatusCode::NOT_MODIFIED;
        let length = if incoming.is_end_stream() { Some(0) } else { incoming.size_hint().exact() };
        parts.headers = headers::edit_response(parts.headers, is_length_free, length);
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        Response::from_parts(parts, Body::answer(incoming, self.timeouts.body_idle, ends))
    }
}

/// The 101 for the client: hop-by-hop fields go, then the two that make the switch come back.
fn switch_answer(response: Response<Incoming>) -> Result<Response<Body>, Fault> {
    let (mut parts, _) = response.into_parts();
    if !screen::tokens(&parts.headers, &UPGRADE).any(|token| token.eq_ignore_ascii_case(b"websocket")) {
        return Err(Fault::Upstream("a 101 answer to something else than websocket".into()));
    }
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers = headers::edit_response(parts.headers, false, Some(0));
    parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    parts.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    parts.extensions.clear();
    Ok(Response::from_parts(parts, Body::empty()))
}

impl Miss {
    fn into_fault(self) -> Fault {
        match self {
            Miss::Unsent(_, error) | Miss::Closed(error) => Fault::Upstream(Box::new(error)),
            Miss::Fault(fault) => fault,
        }
    }
}

impl Lease {
    fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, hyper::client::conn::TrySendError<Request<RequestBody>>>> + use<>
    {
        match &mut self.link {
            Link::Http1(sender) => futures_util::future::Either::Left(sender.try_send_request(request)),
            Link::Http2(sender) => futures_util::future::Either::Right(sender.try_send_request(request)),
        }
    }
}

impl Outbound {
    fn duplicate(&self) -> Outbound {
        Outbound {
            method: self.method.clone(),
            path: self.path.clone(),
            headers: self.headers.clone(),
            host: self.host.clone(),
            has_unknown_length: self.has_unknown_length,
            is_websocket: self.is_websocket,
        }
    }

    /// Takes a request back that hyper never wrote. `into_request` may then fit it to another
    /// version than the first time.
    fn from_unsent(request: Request<RequestBody>) -> (Outbound, RequestBody) {
        let (mut parts, body) = request.into_parts();
        let host = parts.headers.remove(HOST);
        let authority = parts.uri.authority().map(Authority::as_str).unwrap_or_default();
        let host = host.or_else(|| HeaderValue::from_str(authority).ok());
        let path = parts.uri.into_parts().path_and_query;
        let outbound = Outbound {
            method: parts.method,
            path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
            has_unknown_length: !body.is_end_stream() && body.size_hint().exact().is_none(),
            is_websocket: parts.headers.contains_key(UPGRADE),
            host: host.unwrap_or_else(|| HeaderValue::from_static("")),
            headers: parts.headers,
        };
        (outbound, body)
    }

    fn into_request(self, link: &Link, upstream: &Upstream, body: RequestBody) -> Result<Request<RequestBody>, Fault> {
        let is_https = upstream.scheme() == Scheme::Https;
        let mut headers = self.headers;
        headers.remove(CONNECTION);
        headers.remove(TRANSFER_ENCODING);
        let mut uri = http::uri::Parts::default();
        uri.path_and_query = Some(self.path);
        let version = match link {
            Link::Http1(_) => {
                headers.insert(HOST, self.host);
                if self.is_websocket {
                    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                } else if headers.contains_key(TE) {
                    // RFC 9110 §10.1.4: TE must be named in Connection.
                    headers.insert(CONNECTION, HeaderValue::from_static("TE"));
                }
                // Said aloud, because hyper otherwise assumes that a GET has no body.
                if self.has_unknown_length {
                    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                }
                Version::HTTP_11
            }
            Link::Http2(_) => {
                let malformed = |_| Fault::BadRequest("The Host header is malformed.");
                uri.authority = Some(Authority::try_from(self.host.as_bytes()).map_err(malformed)?);
                uri.scheme = Some(if is_https { UriScheme::HTTPS } else { UriScheme::HTTP });
                Version::HTTP_2
            }
        };
        let malformed = |_| Fault::BadRequest("The address asked for is malformed.");
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::from_parts(uri).map_err(malformed)?;
        *request.version_mut() = version;
        *request.headers_mut() = headers;
        Ok(request)
    }
}
