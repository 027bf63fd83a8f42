//! The first look at every request on the main listener: a proxy's question, an app's host, or our own.
//! Proxies' questions are answered before any router, because they come most often.

use crate::callers::Arrival;
use crate::keys;
use crate::limits;
use crate::oidc::token;
use crate::operations;
use crate::pages::PREFIX;
use crate::proxied;
use crate::routes::{Routers, is_reserved};
use crate::web::Web;
use arc_swap::Guard;
use axum::Router;
use axum::body::Body as PageBody;
use bytes::Bytes;
use doorward_engine::live::apps::Place;
use doorward_gate::answer::Head;
use doorward_gate::{ask, dialect};
use doorward_model::address::HostName;
use doorward_proxy::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use tower_service::Service as _;

/// What stands behind the main listener.
pub struct Front {
    web: Arc<Web>,
    routers: Routers,
}

impl Front {
    /// Builds the routers.
    pub fn new(web: Arc<Web>) -> Self {
        let routers = Routers::new(&web);
        Self { web, routers }
    }

    /// Answers one request of a peer.
    pub async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Body> {
        let web = &self.web;
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let head = Head { method, uri, headers, peer, trusted: &web.trusted };
        let own = ask::own_host(head.uri, head.headers);
        let apps = web.door().live.apps_now();
        if let Some(dialect) = dialect::find(head.uri.path())
            && web.trusted.contains(peer)
        {
            let places = own.as_ref().map_or(&[][..], |own| apps.at_host(own));
            if !is_served_here(places) {
                let ctx = web.begin(None);
                return web.gate.answer(&ctx, &apps, dialect, head, (&own, !places.is_empty())).await.map(whole);
            }
        }
        let ctx = web.begin(Some(head.client()));
        if request.headers().len() > limits::HEADERS || *head.method == Method::CONNECT {
            return web.gate.problem(&ctx, ask::kind(head.headers), StatusCode::BAD_REQUEST, BAD_HEAD).map(whole);
        }
        let host = match own {
            Ok(host) => host.into_owned(),
            Err(bad) => return web.gate.bad(&ctx, head.headers, &bad).map(whole),
        };
        let path = head.uri.path();
        let apps = Guard::into_inner(apps);
        if apps.knows_host(&host) {
            if !is_reserved(path) {
                // Boxed, as below: what is rare must not make the future of every check larger.
                return Box::pin(proxied::carry(web, &ctx, &apps, host, request)).await;
            }
            if dialect::find(path).is_some() {
                return untrusted(peer);
            }
            return Box::pin(self.page(&self.routers.app, Arrival { ctx, peer, host, path: path.into() }, request))
                .await;
        }
        if *head.method == Method::GET && keys::is_at(path) && is_ours(web, &host) {
            return Box::pin(keys::certs_at(web, &ctx, path)).await.map(Body::stream);
        }
        if *head.method == Method::POST && token::is_at(path) && is_ours(web, &host) {
            let arrival = Arrival { ctx, peer, host, path: path.into() };
            return Box::pin(token::give_at(web, arrival, request.map(PageBody::new))).await.map(Body::stream);
        }
        // What pages are made of is there at every host, for the page that says that nothing else is.
        if is_ours(web, &host) || operations::PROBES.contains(&path) || path.starts_with(PREFIX) {
            if dialect::find(path).is_some() {
                return untrusted(peer);
            }
            return Box::pin(self.page(&self.routers.own, Arrival { ctx, peer, host, path: path.into() }, request))
                .await;
        }
        if dialect::find(path).is_some() {
            return untrusted(peer);
        }
        // The name that was asked for is not repeated: whoever made the link chose it.
        let sentence = "no app and no page of Doorward answers at this host name";
        web.gate.problem(&ctx, ask::kind(request.headers()), StatusCode::MISDIRECTED_REQUEST, sentence).map(whole)
    }

    async fn page(&self, router: &Router, arrival: Arrival, mut request: Request<Incoming>) -> Response<Body> {
        request.extensions_mut().insert(arrival);
        let answer: Result<Response<PageBody>, Infallible> = router.clone().call(request.map(PageBody::new)).await;
        match answer {
            Ok(answer) => answer.map(Body::stream),
            Err(never) => match never {},
        }
    }
}

const BAD_HEAD: &str = "the request has too many headers or a method that cannot be used here";

/// Doorward's own host.
fn is_ours(web: &Web, host: &HostName) -> bool {
    host == web.door().settings.public.host()
}

/// Whether an app of a host is served by the built-in proxy: then what arrives for the host comes from
/// browsers, also behind a trusted load balancer, and the gate answers no questions there.
fn is_served_here(places: &[Place]) -> bool {
    places.iter().any(|place| place.app.settings.upstream.is_some())
}

fn untrusted(peer: IpAddr) -> Response<Body> {
    tracing::warn!("{peer} asked the gate and is not a trusted proxy: start with --trust-proxy {peer} if it is one");
    let sentence = "this address is not a trusted proxy: start Doorward with --trust-proxy and the proxy's address\n";
    let mut answer = Response::new(Body::full(sentence));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer
}

fn whole(bytes: Bytes) -> Body {
    if bytes.is_empty() { Body::empty() } else { Body::full(bytes) }
}
