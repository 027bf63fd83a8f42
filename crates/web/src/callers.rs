//! Who calls and what they carry, one extractor per access class. The class in the route table picks
//! the check that runs before the handler, so no handler can forget it.

use crate::answers;
use crate::cookies::Cookie;
use crate::limits;
use crate::routes::Access;
use crate::web::Web;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;
use doorward_engine::sessions::{self, SignedIn};
use doorward_gate::query::query_pairs;
use doorward_model::address::HostName;
use doorward_model::context::Ctx;
use doorward_model::event::Actor;
use doorward_model::name::RealmName;
use doorward_model::secret::FormProof;

use http::header::{CONTENT_TYPE, HeaderMap, ORIGIN};
use http::request::Parts;
use http::{Method, StatusCode};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

/// How a request arrived; made once by the front.
#[derive(Clone)]
pub struct Arrival {
    /// Its circumstances.
    pub ctx: Ctx,
    /// The peer of the connection.
    pub peer: IpAddr,
    /// The host it was sent to.
    pub host: HostName,
    /// The path it was sent to.
    pub path: Arc<str>,
}

impl<S: Sync> FromRequestParts<S> for Arrival {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The signed-in person behind a page of our own.
#[derive(Clone)]
pub struct Visitor {
    /// Session and user.
    pub signed_in: Arc<SignedIn>,
    /// The session cookie's proof for forms.
    pub proof: Arc<FormProof>,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // Put there by the access class; a route without it has no visitor to hand out.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The realm a path names; on paths that name none, the one that stands for no name.
pub struct InRealm(pub String);

impl FromRequestParts<Arc<Web>> for InRealm {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Infallible> {
        let named = named_realm(parts, web).await;
        Ok(Self(named.unwrap_or_else(|| web.door().settings.realm.to_string())))
    }
}

/// The realm a path names, if it names one.
async fn named_realm(parts: &mut Parts, web: &Arc<Web>) -> Option<String> {
    let path = RawPathParams::from_request_parts(parts, web).await.ok()?;
    path.iter().find(|(key, _)| *key == "realm").map(|(_, name)| name.to_owned())
}

/// The head of a request.
pub struct Headers(pub HeaderMap);

impl<S: Sync> FromRequestParts<S> for Headers {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.clone()))
    }
}

/// The fields of a query or a form; the first of several of one name counts.
#[derive(Default)]
pub struct Fields(HashMap<String, String>);

impl Fields {
    pub(crate) fn parse(text: &str) -> Self {
        let mut fields = HashMap::new();
        for (name, value) in query_pairs(text) {
            fields.entry(name).or_insert(value);
        }
        Self(fields)
    }

    /// A field's text; empty when absent.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// The query of a request.
pub struct Query {
    /// As it came.
    pub raw: String,
    /// Its fields.
    pub fields: Fields,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let raw = parts.uri.query().unwrap_or_default().to_owned();
        let fields = Fields::parse(&raw);
        Ok(Self { raw, fields })
    }
}

impl<S: Sync> FromRequest<S> for Fields {
    type Rejection = Response;
    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let is_form = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(';').next() == Some("application/x-www-form-urlencoded"));
        if !is_form {
            let sentence = "a form must be sent as application/x-www-form-urlencoded\n";
            return Err(answers::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
        }
        let reading = axum::body::to_bytes(request.into_body(), limits::FORM_BYTES);
        match tokio::time::timeout(limits::FORM_ARRIVAL, reading).await {
            Ok(Ok(bytes)) => match std::str::from_utf8(&bytes) {
                Ok(text) => Ok(Self::parse(text)),
                Err(_) => Err(answers::text(StatusCode::BAD_REQUEST, "the form is not UTF-8 text\n")),
            },
            Ok(Err(_)) => Err(answers::text(StatusCode::PAYLOAD_TOO_LARGE, "the form is larger than 32 KiB\n")),
            Err(_) => Err(answers::text(StatusCode::REQUEST_TIMEOUT, "the form did not arrive in time\n")),
        }
    }
}

/// Runs the check of an access class before the handler.
pub async fn admit(access: Access, web: Arc<Web>, mut request: Request, next: Next) -> Response<Body> {
    let Some(arrival) = request.extensions().get::<Arrival>().cloned() else {
        return answers::text(StatusCode::INTERNAL_SERVER_ERROR, "the request did not come through the front\n");
    };
    let may_come_from_elsewhere = access == Access::Client || matches!(*request.method(), Method::GET | Method::HEAD);
    if !may_come_from_elsewhere && !comes_from_us(&web, &arrival, &request) {
        let words = (
            "This form came from elsewhere",
            "The form was sent from another site, so it was not accepted.",
            "Open the page here and send the form again.",
        );
        return answers::problem(&web, &arrival.ctx, StatusCode::FORBIDDEN, words);
    }
    match access {
        Access::Open | Access::Client => next.run(request).await,
        Access::Proxy if web.trusted.contains(arrival.peer) => next.run(request).await,
        Access::Proxy => answers::text(
            StatusCode::FORBIDDEN,
            "this address is not a trusted proxy: start Doorward with --trust-proxy and the proxy's address\n",
        ),
        Access::SignedIn => {
            let (mut parts, body) = request.into_parts();
            let named = named_realm(&mut parts, &web).await.and_then(|name| RealmName::parse(&name).ok());
            request = Request::from_parts(parts, body);
            match visitor(&web, &arrival, request.headers()).await {
                Ok(Some(visitor)) if named.as_ref().is_none_or(|name| is_of_realm(&web, &visitor, name)) => {
                    let actor = Actor::User(visitor.signed_in.user.id.clone());
                    let ctx = Ctx { actor, ..arrival.ctx.clone() };
                    request.extensions_mut().insert(Arrival { ctx, ..arrival });
                    request.extensions_mut().insert(visitor);
                    next.run(request).await
                }
                Ok(_) => {
                    let realm = named.as_ref().unwrap_or(&web.door().settings.realm);
                    answers::see_other(&format!("/realms/{realm}/sign-in"))
                }
                Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
            }
        }
    }
}

/// Whether somebody is signed in to the realm a page belongs to: in every other one they are nobody.
fn is_of_realm(web: &Web, visitor: &Visitor, name: &RealmName) -> bool {
    let apps = web.door().live.apps();
    apps.realm(&visitor.signed_in.session.realm_id).is_some_and(|realm| realm.name == *name)
}

/// Whether a form was sent by a page of the host it is sent to. Browsers say so in two ways; either
/// saying otherwise is enough to refuse.
fn comes_from_us(web: &Web, arrival: &Arrival, request: &Request) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    if !matches!(text("sec-fetch-site"), None | Some("same-origin" | "none")) {
        return false;
    }
    let Some(origin) = text(ORIGIN.as_str()) else { return true };
    let public = &web.door().settings.public;
    if arrival.host == *public.host() {
        return origin == public.origin();
    }
    web.door().live.apps().at_host(&arrival.host).iter().any(|place| place.address.origin() == origin)
}

/// The live session behind the request's cookie.
pub async fn visitor(
    web: &Web,
    arrival: &Arrival,
    headers: &HeaderMap,
) -> Result<Option<Visitor>, doorward_model::fault::Fault> {
    let scheme = web.door().settings.public.scheme();
    let Some((cookie, hash)) = Cookie::Session.read(headers, scheme) else { return Ok(None) };
    let Some(signed_in) = sessions::find(web.door(), &arrival.ctx, &hash).await? else { return Ok(None) };
    sessions::saw(web.door(), &arrival.ctx, &signed_in.session).await?;
    Ok(Some(Visitor { signed_in: Arc::new(signed_in), proof: Arc::new(FormProof::of(&cookie)) }))
}
