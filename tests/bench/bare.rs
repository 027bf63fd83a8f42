//! The baselines: servers on the same stack (hyper's automatic connection builder with Doorward's own settings, the
//! same serving threads and allocator) that decide nothing and always give one answer taken from the gate itself.

use bytes::Bytes;
use doorward_web::threads::Threads;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::{Authorization, AuthorizationServer};
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use prost::Message as _;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service as _;

/// Serves plain HTTP until killed. The file holds the answer's headers, one a line, and after an empty line its body.
pub fn http(port: &str, file: &str) -> bool {
    let text = std::fs::read_to_string(file).expect("the file with the headers");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let body = Bytes::from(body.to_owned());
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    let headers = Arc::new(headers);
    serve(port, move |stream, builder| {
        let (headers, body) = (headers.clone(), body.clone());
        let service = service_fn(move |_request: Request<Incoming>| {
            let (headers, body) = (headers.clone(), body.clone());
            async move {
                let mut answer = Response::new(Full::new(body));
                *answer.headers_mut() = (*headers).clone();
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        async move {
            let _ = connection.await;
        }
    })
}

#[derive(Clone)]
struct Always(Arc<CheckResponse>);

#[tonic::async_trait]
impl Authorization for Always {
    async fn check(
        &self,
        request: tonic::Request<CheckRequest>,
    ) -> Result<tonic::Response<CheckResponse>, tonic::Status> {
        drop(request);
        Ok(tonic::Response::new((*self.0).clone()))
    }
}

/// Serves Envoy's check until killed. The file holds the encoded answer.
pub fn grpc(port: &str, file: &str) -> bool {
    let bytes = std::fs::read(file).expect("the file with the answer");
    let answer = CheckResponse::decode(bytes.as_slice()).expect("an encoded answer");
    let service = AuthorizationServer::new(Always(Arc::new(answer)));
    serve(port, move |stream, builder| {
        let service = service.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut service = service.clone();
            async move { service.call(request).await }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
        async move {
            let _ = connection.await;
        }
    })
}

/// Accepts forever; the settings are those of Doorward's own listeners.
fn serve<Serving: Future<Output = ()> + Send + 'static>(
    port: &str,
    serving: impl Fn(TcpStream, &Builder<TokioExecutor>) -> Serving,
) -> bool {
    let port: u16 = port.parse().expect("a port number");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let threads = Threads::start().expect("serving threads");
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a free port");
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .max_buf_size(64 * 1024)
            .half_close(true)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(256)
            .keep_alive_interval(Duration::from_secs(30))
            .max_header_list_size(64 * 1024);
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let seat = threads.seat();
                let stream = seat.adopt(stream).expect("a connection that can be watched");
                seat.serve(serving(stream, &builder));
            }
        }
    })
}
