//! The built-in reverse proxy: judge, then carry. The path that was judged is the path forwarded; the
//! tool sees our identity headers and none of a client's, and none of our cookies or tokens.

use crate::limits;
use crate::web::Web;
use bytes::Bytes;
use doorward_engine::gate::check::{self, Holder};
use doorward_engine::gate::decide::Verdict;
use doorward_engine::live::apps::{Apps, Place};
use doorward_gate::answer::Outcome;
use doorward_gate::ask::{self, Original};
use doorward_gate::{dialect, headers};
use doorward_model::address::HostName;
use doorward_model::context::Ctx;
use doorward_model::path::RequestPath;
use doorward_proxy::{Body, Forwarded, HeaderEdit, Upstream};
use http::header::{AUTHORIZATION, HOST, HeaderMap};
use http::{HeaderName, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The upstream name of the small sample tool that runs beside us.
pub const SAMPLE: &str = "doorward:sample";

/// Judges a request for an app's host and carries it to the tool.
pub async fn carry(
    web: &Arc<Web>,
    ctx: &Ctx,
    apps: &Apps,
    host: HostName,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let path = match RequestPath::parse(target) {
        Ok(path) => path,
        Err(bad) => return web.gate.bad(ctx, request.headers(), &bad.into()).map(whole),
    };
    if request.headers().get_all(AUTHORIZATION).iter().count() > 1 || request.headers().get_all(HOST).iter().count() > 1
    {
        let kind = ask::kind(request.headers());
        let sentence = "the request has two Host or Authorization headers";
        return web.gate.problem(ctx, kind, StatusCode::BAD_REQUEST, sentence).map(whole);
    }
    let kind = ask::kind(request.headers());
    let found = match apps.at(&host, &path) {
        Ok(found) => found,
        Err(bad) => return web.gate.bad(ctx, request.headers(), &bad.into()).map(whole),
    };
    let Some(place) = found else {
        let sentence = format!("no app answers at {host}{}", path.path());
        return web.gate.problem(ctx, kind, StatusCode::NOT_FOUND, &sentence).map(whole);
    };
    let original = Original { host, path, method: request.method().clone(), kind };
    let (told, holder) = match web.gate.judge(ctx, &dialect::BUILT_IN, apps, place, &original, request.headers()).await
    {
        Outcome::Answer(answer) => return answer.map(whole),
        Outcome::Pass { told, holder } => (told, holder),
    };
    let upstream = match upstream(web, place) {
        Ok(upstream) => upstream,
        Err(sentence) => return web.gate.problem(ctx, kind, StatusCode::BAD_GATEWAY, &sentence).map(whole),
    };
    drop_own_token(request.headers_mut());
    send(web, ctx, (place, &upstream), (told, holder), original, request).await
}

async fn send(
    web: &Arc<Web>,
    ctx: &Ctx,
    (place, upstream): (&Place, &Upstream),
    (told, holder): (HeaderMap, Holder),
    original: Original,
    request: Request<Incoming>,
) -> Response<Body> {
    let edit = HeaderEdit {
        drop: &|name: &HeaderName| headers::is_managed(name.as_str()),
        set: &told,
        cookies_to_drop: &ask::is_own_cookie,
        forwarded: Forwarded {
            client_ip: ctx.client.unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
            proto: place.address.scheme().as_str(),
            host: client_host(&request, &original),
        },
    };
    let ends = ends(web, place, &original, holder);
    match web.carrier.carry(upstream, request, edit, ends).await {
        Ok(answer) => answer,
        Err(fault) => {
            tracing::warn!(request = %ctx.request, app = %place.app.slug, "carrying to {upstream}: {}", fault.story());
            let sentence = fault.sentence(place.app.settings.title.as_str());
            web.gate.problem(ctx, original.kind, fault.status(), &sentence).map(whole)
        }
    }
}

fn client_host(request: &Request<Incoming>, original: &Original) -> String {
    match request.uri().authority() {
        Some(authority) => authority.to_string(),
        None => request
            .headers()
            .get(HOST)
            .and_then(|value| value.to_str().ok())
            .unwrap_or(original.host.as_str())
            .to_owned(),
    }
}

fn upstream(web: &Web, place: &Place) -> Result<Upstream, String> {
    let slug = &place.app.slug;
    let wanted = match place.app.settings.upstream.as_deref() {
        None => return Err(format!("app {slug} stands behind another proxy: open it at that proxy's address")),
        Some(SAMPLE) => match web.sample {
            Some(address) => format!("http://{address}"),
            None => return Err("the sample tool runs with `doorward up` only".to_owned()),
        },
        Some(url) => url.to_owned(),
    };
    Upstream::parse(&wanted).map_err(|error| format!("app {slug} has an upstream that cannot be used: {error}"))
}

/// A service token is for the gate; the tool must not be able to use it.
fn drop_own_token(headers: &mut HeaderMap) {
    if headers.get(AUTHORIZATION).is_some_and(ask::holds_own_token) {
        headers.remove(AUTHORIZATION);
    }
}

/// Resolves when the right to an open stream is gone, whatever took it: the session, a group, the app's
/// rule, the app itself, a token. Looks at flags in memory twice a second; only when one fell does it ask.
fn ends(
    web: &Arc<Web>,
    place: &Place,
    original: &Original,
    holder: Holder,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let (web, host, path) = (web.clone(), original.host.clone(), original.path.clone());
    let (app, mut holder, mut version) = (place.app.id.clone(), holder, web.door().live.apps().version);
    Box::pin(async move {
        loop {
            tokio::time::sleep(limits::STREAM_CHECK).await;
            let now = web.world.now();
            let apps = web.door().live.apps();
            if apps.version == version && check::is_current(&holder, now) {
                continue;
            }
            version = apps.version;
            let place = match apps.at(&host, &path) {
                Ok(Some(place)) if place.app.id == app => place,
                _ => return,
            };
            // Gone, or not to be known: a stream that cannot be justified ends.
            let Ok(again) = check::again(web.door(), now, place, &path, holder).await else { return };
            if !matches!(again.verdict, Verdict::Pass(_)) {
                return;
            }
            holder = again.holder;
        }
    })
}

fn whole(bytes: Bytes) -> Body {
    Body::full(bytes)
}
