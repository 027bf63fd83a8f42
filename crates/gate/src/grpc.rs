//! Envoy's external authorization over gRPC (`envoy.service.auth.v3`, method `Check`): the same
//! question in another envelope. All headers of the request are seen here, so look-alikes of managed
//! names can be taken off one by one.

use crate::answer::{Gate, Outcome};
use crate::ask::{self, BadAsk, Original};
use crate::dialect;
use crate::headers::{is_managed, names_not_told};
use bytes::Bytes;
use doorward_model::address::HostName;
use doorward_model::context::Ctx;
use doorward_model::path::RequestPath;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue as EnvoyHeader, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::{Authorization, AuthorizationServer};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::rpc::Status as RpcStatus;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use tonic::{Request, Response as GrpcResponse, Status};

/// The service for a listener of its own. `begin` makes the context of a request from the client's
/// address.
pub fn service(
    gate: Arc<Gate>,
    begin: Arc<dyn Fn(Option<IpAddr>) -> Ctx + Send + Sync>,
) -> AuthorizationServer<EnvoyCheck> {
    AuthorizationServer::new(EnvoyCheck { gate, begin })
}

/// The service behind Envoy's gRPC filter.
pub struct EnvoyCheck {
    gate: Arc<Gate>,
    begin: Arc<dyn Fn(Option<IpAddr>) -> Ctx + Send + Sync>,
}

impl EnvoyCheck {
    async fn decide(&self, ctx: &Ctx, request: &HttpRequest) -> CheckResponse {
        let headers = header_map(request);
        let original = match original(request, &headers) {
            Ok(original) => original,
            Err(bad) => return denied(&self.gate.bad(ctx, &headers, &bad)),
        };
        let apps = self.gate.door.live.apps();
        let place = match apps.at(&original.host, &original.path) {
            Ok(Some(place)) => place,
            Ok(None) => {
                let sentence = format!("no app answers at {}{}", original.host, original.path.path());
                return denied(&self.gate.problem(ctx, original.kind, StatusCode::FORBIDDEN, &sentence));
            }
            Err(ambiguous) => return denied(&self.gate.bad(ctx, &headers, &ambiguous.into())),
        };
        match self.gate.judge(ctx, &dialect::GRPC, &apps, place, &original, &headers).await {
            Outcome::Answer(answer) => denied(&answer),
            Outcome::Pass { told, .. } => allowed(&told, &headers),
        }
    }
}

#[tonic::async_trait]
impl Authorization for EnvoyCheck {
    async fn check(&self, request: Request<CheckRequest>) -> Result<GrpcResponse<CheckResponse>, Status> {
        let attributes = request.into_inner().attributes.unwrap_or_default();
        let http = attributes.request.and_then(|request| request.http);
        let Some(http) = http else {
            return Err(Status::invalid_argument("the check holds no HTTP request: use the HTTP filter of ext_authz"));
        };
        let client = http.headers.get("x-envoy-external-address").and_then(|text| text.parse().ok());
        let ctx = (self.begin)(client);
        Ok(GrpcResponse::new(self.decide(&ctx, &http).await))
    }
}

fn original(request: &HttpRequest, headers: &HeaderMap) -> Result<Original, BadAsk> {
    let (host, _) = HostName::parse(&request.host).ok_or(BadAsk::Host)?;
    let path = RequestPath::parse(&request.path)?;
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| BadAsk::Header(":method"))?;
    let kind = ask::kind(headers);
    Ok(Original { host, path, method, kind })
}

fn header_map(request: &HttpRequest) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    let raw = request.header_map.iter().flat_map(|map| &map.headers);
    for header in raw {
        let bytes = if header.raw_value.is_empty() { header.value.as_bytes() } else { header.raw_value.as_slice() };
        append(&mut headers, &header.key, bytes);
    }
    for (name, value) in &request.headers {
        append(&mut headers, name, value.as_bytes());
    }
    headers
}

fn append(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value)) {
        headers.append(name, value);
    }
}

fn allowed(told: &HeaderMap, seen: &HeaderMap) -> CheckResponse {
    let look_alikes = seen.keys().map(HeaderName::as_str).filter(|name| is_managed(name) && !told.contains_key(*name));
    let mut headers_to_remove: Vec<String> = look_alikes.map(str::to_owned).collect();
    // Names this app is not told are taken off too, in case a copy was hidden from us.
    headers_to_remove.extend(names_not_told(told).map(str::to_owned));
    let mut headers: Vec<HeaderValueOption> = told.iter().map(option).collect();
    if seen.contains_key(COOKIE) {
        let cookies = ask::clean_cookies(seen);
        if cookies.is_empty() {
            headers_to_remove.push(COOKIE.as_str().to_owned());
        } else {
            headers.push(option((&COOKIE, &cookies)));
        }
    }
    if seen.get(AUTHORIZATION).is_some_and(ask::holds_own_token) && !told.contains_key(AUTHORIZATION) {
        headers_to_remove.push(AUTHORIZATION.as_str().to_owned());
    }
    CheckResponse {
        status: Some(RpcStatus { code: 0, ..RpcStatus::default() }),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
            headers,
            headers_to_remove,
            ..OkHttpResponse::default()
        })),
        ..CheckResponse::default()
    }
}

fn denied(answer: &Response<Bytes>) -> CheckResponse {
    // 16 is UNAUTHENTICATED, 7 PERMISSION_DENIED (google.rpc.Code); Envoy shows the HTTP part.
    let code = if answer.status() == StatusCode::FORBIDDEN { 7 } else { 16 };
    CheckResponse {
        status: Some(RpcStatus { code, ..RpcStatus::default() }),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: i32::from(answer.status().as_u16()) }),
            headers: answer.headers().iter().map(option).collect(),
            body: String::from_utf8_lossy(answer.body()).into_owned(),
        })),
        ..CheckResponse::default()
    }
}

/// One header that replaces whatever the client sent under its name.
fn option((name, value): (&HeaderName, &HeaderValue)) -> HeaderValueOption {
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    HeaderValueOption {
        header: Some(EnvoyHeader { key: name.as_str().to_owned(), value: text, ..EnvoyHeader::default() }),
        // OVERWRITE_IF_EXISTS_OR_ADD
        append_action: 2,
        keep_empty_value: true,
        ..HeaderValueOption::default()
    }
}

/// What a peer that is not trusted gets: PERMISSION_DENIED.
pub fn not_trusted() -> Response<tonic::body::Body> {
    let sentence = "this address is not a trusted proxy: start Doorward with --trust-proxy and the proxy's address";
    Status::permission_denied(sentence).into_http()
}
