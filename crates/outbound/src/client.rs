//! One call: connect, ask, read the answer up to its largest size, all within one time.

use crate::dial::Wire;
use crate::failure::Failure;
use crate::limits;
use crate::proxy::Proxies;
use crate::reach::Reach;
use crate::roots;
use crate::target::Target;
use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// What the client is made of.
#[derive(Clone, Default)]
pub struct Setup {
    /// Which addresses may be called.
    pub reach: Reach,
    /// Proxies on the way.
    pub proxies: Proxies,
    /// Certificates trusted besides the system's, in PEM.
    pub more_roots: Option<Vec<u8>>,
    /// Whether nobody is trusted but those: for somebody with an authority of their own.
    pub only_more_roots: bool,
    /// Time limits, for those who wait shorter than [`limits::CONNECT`] and [`limits::TOTAL`].
    pub patience: Option<(Duration, Duration)>,
}

impl fmt::Debug for Setup {
    /// Proxies may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// Calls others. Made once.
pub struct Outbound {
    pub(crate) reach: Reach,
    pub(crate) proxies: Proxies,
    more_roots: Vec<CertificateDer<'static>>,
    only_more_roots: bool,
    config: OnceCell<Arc<ClientConfig>>,
    connect: Duration,
    total: Duration,
}

/// Who calls, and headers beside the usual ones.
type Said<'a> = (Option<HeaderValue>, &'a [(HeaderName, HeaderValue)]);

/// What somebody answered.
#[derive(Debug)]
pub struct Answer {
    /// The status, redirects included: they are not followed.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

impl Outbound {
    /// From its parts.
    ///
    /// # Errors
    /// A sentence on the certificates given.
    pub fn new(setup: Setup) -> Result<Self, String> {
        let more_roots = setup.more_roots.as_deref().map(roots::read_pem).transpose()?.unwrap_or_default();
        let (connect, total) = setup.patience.unwrap_or((limits::CONNECT, limits::TOTAL));
        let Setup { reach, proxies, only_more_roots, .. } = setup;
        Ok(Self { reach, proxies, more_roots, only_more_roots, config: OnceCell::new(), connect, total })
    }

    /// Posts a form.
    ///
    /// # Errors
    /// A [`Failure`] when there is no answer; an answer of any status is one.
    pub async fn post_form(&self, url: &str, pairs: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.post_form_as(url, pairs, None).await
    }

    /// Posts a form, and says who posts it.
    ///
    /// # Errors
    /// As [`Outbound::post_form`].
    pub async fn post_form_as(
        &self,
        url: &str,
        pairs: &[(&str, &str)],
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, Failure> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let body = Some(("application/x-www-form-urlencoded", body.into()));
        self.call((Method::POST, url), body, (authorization, &[])).await
    }

    /// Gets a document.
    ///
    /// # Errors
    /// As [`Outbound::post_form`].
    pub async fn get(&self, url: &str) -> Result<Answer, Failure> {
        self.get_as(url, None).await
    }

    /// Gets a document, and says who gets it.
    ///
    /// # Errors
    /// As [`Outbound::post_form`].
    pub async fn get_as(&self, url: &str, authorization: Option<HeaderValue>) -> Result<Answer, Failure> {
        self.get_with(url, authorization, &[]).await
    }

    /// The same with more headers.
    ///
    /// # Errors
    /// As [`Outbound::post_form`].
    pub async fn get_with(
        &self,
        url: &str,
        authorization: Option<HeaderValue>,
        more: &[(HeaderName, HeaderValue)],
    ) -> Result<Answer, Failure> {
        self.call((Method::GET, url), None, (authorization, more)).await
    }

    async fn call(
        &self,
        (method, url): (Method, &str),
        body: Option<(&'static str, Bytes)>,
        headers: Said<'_>,
    ) -> Result<Answer, Failure> {
        let target = Target::parse(url)?;
        let slow = |limit: Duration| Failure::Slow { host: target.host.clone(), seconds: limit.as_secs().max(1) };
        let whole = async {
            let connected = timeout(self.connect, self.dial(&target)).await;
            let (wire, names_whole) = connected.map_err(|_| slow(self.connect))??;
            self.exchange(wire, (&target, names_whole), (method, headers), body).await
        };
        timeout(self.total, whole).await.map_err(|_| slow(self.total))?
    }

    async fn exchange(
        &self,
        wire: Box<dyn Wire>,
        (target, names_whole): (&Target, bool),
        (method, (authorization, more)): (Method, Said<'_>),
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Answer, Failure> {
        let broken = |why: String| Failure::Broken { host: target.host.clone(), why };
        let uri = if names_whole { &target.whole } else { &target.path };
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, &target.authority)
            .header(USER_AGENT, HeaderValue::from_static("doorward"))
            .header(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        for (name, value) in more {
            request = request.header(name, value);
        }
        if let Some((kind, _)) = &body {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some(authorization) =
            self.proxies.of(target).filter(|_| names_whole).and_then(|p| p.authorization.as_ref())
        {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let body = body.map(|(_, bytes)| bytes).unwrap_or_default();
        let request = request.body(Full::new(body)).map_err(|error| broken(error.to_string()))?;
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(limits::HEAD_BYTES)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| broken(error.to_string()))?;
        let conversation = async {
            let answer = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
            read(answer, &target.host).await
        };
        // The connection is driven here and ends with the call.
        tokio::pin!(conversation);
        tokio::select! {
            answer = &mut conversation => answer,
            _ = connection => conversation.await,
        }
    }

    pub(crate) async fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        let read = || async {
            let (more, is_all) = (self.more_roots.clone(), self.only_more_roots);
            let reading = tokio::task::spawn_blocking(move || roots::client_config(&more, is_all));
            reading.await.map_err(|error| error.to_string())?
        };
        self.config.get_or_try_init(read).await.cloned()
    }
}

async fn read(answer: http::Response<Incoming>, host: &str) -> Result<Answer, Failure> {
    let (parts, mut incoming) = answer.into_parts();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Failure::Broken { host: host.to_owned(), why: error.to_string() })?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len() + data.len() > limits::ANSWER_BYTES {
            return Err(Failure::TooLong { host: host.to_owned(), bytes: limits::ANSWER_BYTES });
        }
        body.extend_from_slice(&data);
    }
    Ok(Answer { status: parts.status, headers: parts.headers, body: body.freeze() })
}
