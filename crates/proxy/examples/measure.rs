//! Two servers for measuring: `measure upstream ADDRESS` answers every request with a few bytes,
//! `measure front ADDRESS UPSTREAM-URL` puts the carrier before it. Point a load generator at each.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use doorward_proxy::{Body, Carrier, Forwarded, HeaderEdit, Timeouts, Upstream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

const USAGE: &str = "measure upstream ADDRESS | measure front ADDRESS UPSTREAM-URL";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["upstream", address] => serve(address, |_| async { hello() }).await,
        ["front", address, url] => {
            let upstream = Upstream::parse(url)?;
            let carrier = Arc::new(Carrier::new(Timeouts::STANDARD));
            let mut set = HeaderMap::new();
            set.insert("remote-user", HeaderValue::from_static("ada"));
            let set = Arc::new(set);
            serve(address, move |request| {
                let (carrier, upstream, set) = (Arc::clone(&carrier), upstream.clone(), Arc::clone(&set));
                async move { front(&carrier, &upstream, &set, request).await }
            })
            .await
        }
        _ => Err(USAGE.into()),
    }
}

fn hello() -> Response<Body> {
    let mut response = Response::new(Body::full("hello, world\n"));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    response
}

async fn front(carrier: &Carrier, upstream: &Upstream, set: &HeaderMap, request: Request<Incoming>) -> Response<Body> {
    let edit = HeaderEdit {
        drop: &|name: &HeaderName| name.as_str().starts_with("remote-"),
        set,
        cookies_to_drop: &|name| name.starts_with("doorward"),
        forwarded: Forwarded {
            client_ip: std::net::Ipv4Addr::LOCALHOST.into(),
            proto: "https",
            host: "tool.example".to_owned(),
        },
    };
    match carrier.carry(upstream, request, edit, std::future::pending()).await {
        Ok(response) => response,
        Err(fault) => {
            let mut response = Response::new(Body::full(fault.sentence("The tool")));
            *response.status_mut() = fault.status();
            response
        }
    }
}

async fn serve<F, S>(address: &str, answer: S) -> Result<(), Box<dyn Error>>
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
    }
}
