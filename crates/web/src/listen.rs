//! Listeners: accept loops with limits on time, size and number, which finish what is open when told to
//! stop. HTTP/1.1 and HTTP/2 on one port; gRPC on another.

use crate::front::Front;
use crate::limits;
use crate::threads::Threads;
use crate::web::Web;
use axum::Router;
use axum::body::Body as PageBody;
use doorward_gate::grpc;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower_service::Service as _;

/// Told to stop when it turns true.
pub type Stop = watch::Receiver<bool>;

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_ARRIVAL)
        .max_buf_size(limits::HEAD_BYTES)
        .half_close(true)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS)
        .keep_alive_interval(limits::PING_EVERY)
        .max_header_list_size(limits::HEAD_BYTES as u32);
    builder
}

/// Serves the main listener until told to stop.
pub async fn serve_front(listener: TcpListener, front: Arc<Front>, (threads, stop): (Arc<Threads>, Stop)) {
    accept(listener, (threads, stop), move |stream, peer, builder, graceful| {
        let front = front.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let front = front.clone();
            async move { Ok::<_, Infallible>(front.answer(peer, request).await) }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        async move {
            let _ = watched.await;
        }
    })
    .await;
}

/// Serves Envoy's gRPC checks until told to stop. Peers that are not trusted are not answered.
pub async fn serve_grpc(listener: TcpListener, web: Arc<Web>, (threads, stop): (Arc<Threads>, Stop)) {
    let keeper = web.clone();
    let begin: Arc<dyn Fn(Option<IpAddr>) -> doorward_model::context::Ctx + Send + Sync> =
        Arc::new(move |client| keeper.begin(client));
    let service = grpc::service(web.gate.clone(), begin);
    accept(listener, (threads, stop), move |stream, peer, builder, graceful| {
        let service = service.clone();
        let is_trusted = web.trusted.contains(peer);
        if !is_trusted {
            tracing::warn!("a gRPC check from {peer} is not answered: it is not a trusted proxy");
        }
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut service = service.clone();
            async move { if is_trusted { service.call(request).await } else { Ok(grpc::not_trusted()) } }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
        let watched = graceful.watch(connection);
        async move {
            let _ = watched.await;
        }
    })
    .await;
}

/// Serves a plain router (operations, the sample tool) until told to stop.
pub async fn serve_router(listener: TcpListener, router: Router, (threads, stop): (Arc<Threads>, Stop)) {
    accept(listener, (threads, stop), move |stream, _peer, builder, graceful| {
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut router = router.clone();
            async move {
                let answer: Result<Response<PageBody>, Infallible> = router.call(request.map(PageBody::new)).await;
                answer
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        async move {
            let _ = watched.await;
        }
    })
    .await;
}

async fn accept<Serving: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    (threads, mut stop): (Arc<Threads>, Stop),
    serve: impl Fn(TcpStream, IpAddr, &Builder<TokioExecutor>, &GracefulShutdown) -> Serving,
) {
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer): (TcpStream, SocketAddr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to be closed.
                tracing::warn!("accepting a connection: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let seat = threads.seat();
        let stream = match seat.adopt(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!("a connection cannot be watched: {error}");
                continue;
            }
        };
        let serving = serve(stream, peer.ip(), &builder, &graceful);
        seat.serve(async move {
            let _place = place;
            serving.await;
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits::FAREWELL) => {}
    }
}
