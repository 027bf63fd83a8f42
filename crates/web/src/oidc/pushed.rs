//! `POST /realms/{realm}/protocol/openid-connect/ext/par/request` (RFC 9126 §2).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::dpop::{Place, tell_nonce};
use crate::oidc::{Failure, Outcome, caller, finish, form, realm, refusal, share};
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::authorize::pushed::push;
use doorward_engine::clients::Client;
use doorward_engine::token::dpop;
use doorward_model::limits::PUSHED_SECONDS;
use doorward_model::people::Realm;
use doorward_oauth::parameters::Parameters;
use http::StatusCode;
use http::header::HeaderMap;
use serde_json::json;
use std::sync::Arc;

/// Takes a client's authorization request and gives it a name.
pub async fn take(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let place = Place::of(web, request.method(), &arrival.path);
    let (headers, parameters) = form(request).await?;
    let client = caller(web, arrival, &realm, (&headers, &parameters)).await?;
    let (mut answer, refused) = match pushed(web, arrival, (&realm, &client), (&place, &headers, &parameters)).await {
        Ok(name) => {
            let body = json!({"request_uri": name, "expires_in": PUSHED_SECONDS});
            (answers::json(StatusCode::CREATED, &body), None)
        }
        Err(Failure::Refused(error)) => (refusal(arrival, &error), Some(error.code())),
        Err(other) => return Err(other),
    };
    tell_nonce(web, arrival, (&client, &headers), (refused, &mut answer));
    share(&headers, &client, &mut answer);
    Ok(answer)
}

async fn pushed(
    web: &Web,
    arrival: &Arrival,
    (realm, client): (&Realm, &Client),
    (place, headers, parameters): (&Place<'_>, &HeaderMap, &Parameters),
) -> Result<String, Failure> {
    let (door, ctx) = (web.door(), &arrival.ctx);
    // A key is shown here only by those who want the code bound to it at once.
    let key = match place.proof(headers)? {
        Some(_) => place.key(web, arrival, (client, headers))?,
        None => None,
    };
    let bound = dpop::use_up_alone(door, ctx, client, key.as_ref()).await??;
    Ok(push(door, ctx, (realm, client), parameters, bound.as_ref()).await??)
}
