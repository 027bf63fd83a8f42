//! `GET|POST /realms/{realm}/protocol/openid-connect/logout`: a client asks that a person be signed out.
//! OpenID Connect RP-Initiated Logout 1.0, with Keycloak's rules for when people are asked first. A POST
//! with a refresh token, as older Keycloak adapters send it, ends what the token belongs to.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, InRealm, Visitor, visitor};
use crate::oidc::{self, caller};
use crate::own::goodbye::Goodbye;
use crate::own::sign_in::{known_realm, no_realm};
use crate::own::{person, sign_out, stale_form};
use crate::pages;
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::clients::{self, Client};
use doorward_engine::token::{check, revoke};
use doorward_engine::{sessions, token::check::HintSession};
use doorward_model::fault::Fault;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_oauth::authorize::ResponseMode;
use doorward_oauth::parameters::Parameters;
use doorward_oauth::redirect::VerifiedRedirect;
use doorward_oauth::response::{Delivery, redirect_target};
use http::{Method, StatusCode};
use std::sync::Arc;

/// A browser, or an older adapter, arrives.
pub async fn start(
    State(web): State<Arc<Web>>,
    InRealm(name): InRealm,
    arrival: Arrival,
    request: Request,
) -> Response {
    match arrive(&web, &name, &arrival, request).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn arrive(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let Some(realm) = known_realm(web, name).await? else { return Ok(no_realm(web, &arrival.ctx)) };
    let headers = request.headers().clone();
    let raw = if request.method() == Method::POST {
        let bytes = axum::body::to_bytes(request.into_body(), crate::limits::FORM_BYTES).await.unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        request.uri().query().unwrap_or_default().to_owned()
    };
    let Ok(parameters) = Parameters::parse_query(&raw) else { return Ok(bad(web, arrival, UNREADABLE)) };
    if parameters.check_doubled().is_err() {
        return Ok(bad(web, arrival, UNREADABLE));
    }
    if let Some(token) = parameters.one("refresh_token").ok().flatten() {
        return Ok(oidc::finish(arrival, by_token(web, arrival, &realm, (&headers, &parameters), token).await));
    }
    let asked = match read(web, &realm, &parameters).await? {
        Ok(asked) => asked,
        Err(sentence) => return Ok(bad(web, arrival, sentence)),
    };
    let visitor = visitor(web, arrival, &headers).await?;
    let visitor = visitor.filter(|visitor| visitor.signed_in.session.realm_id == realm.id);
    let Some(visitor) = visitor else {
        // Nobody is signed in here; what the hint names may be another browser's and ends with it.
        if let Some(hint) = &asked.hint
            && let Some(user) = &hint.user
        {
            sessions::end_own(web.door(), &arrival.ctx, (user, &hint.session), "signed out at a client").await?;
        }
        return after(web, arrival, &realm, (&asked, Goodbye::default())).await;
    };
    let is_proved = asked.hint.as_ref().is_some_and(|hint| hint.session == visitor.signed_in.session.id);
    if is_proved {
        return end(web, arrival, &realm, (&visitor, &asked)).await;
    }
    let view = pages::SignOutConfirm {
        action: format!("/realms/{}/protocol/openid-connect/logout/confirm?{raw}", realm.name),
        csrf: visitor.proof.reveal().to_owned(),
        person: person(&visitor.signed_in.user),
        home_url: web.door().settings.public.url("/"),
    };
    let target = asked.target.as_ref().and_then(|target| oidc::origin_of(target.as_str())).unwrap_or_default();
    answers::page(StatusCode::OK, &view, target)
}

/// `POST /realms/{realm}/protocol/openid-connect/logout/confirm`: the person said yes.
pub async fn confirm(
    State(web): State<Arc<Web>>,
    InRealm(name): InRealm,
    arrival: Arrival,
    visitor: Visitor,
    query: crate::callers::Query,
    fields: Fields,
) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let outcome = async {
        let Some(realm) = known_realm(&web, &name).await? else { return Ok(no_realm(&web, &arrival.ctx)) };
        let Ok(parameters) = Parameters::parse_query(&query.raw) else { return Ok(bad(&web, &arrival, UNREADABLE)) };
        match read(&web, &realm, &parameters).await? {
            Ok(asked) => end(&web, &arrival, &realm, (&visitor, &asked)).await,
            Err(sentence) => Ok(bad(&web, &arrival, sentence)),
        }
    };
    outcome.await.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

/// What a request for signing out says, verified.
struct Asked {
    hint: Option<HintSession>,
    target: Option<VerifiedRedirect>,
    state: Option<String>,
}

async fn read(web: &Web, realm: &Realm, parameters: &Parameters) -> Result<Result<Asked, &'static str>, Fault> {
    let one = |name| parameters.one(name).ok().flatten();
    let hint = match one("id_token_hint") {
        Some(token) => match check::hint(web.door(), realm, token).await? {
            Some(hint) => Some(hint),
            None => return Ok(Err("The id_token_hint is not an ID token of this realm.")),
        },
        None => None,
    };
    let hinted = hint.as_ref().map(|hint| hint.client.as_str());
    if let (Some(named), Some(hinted)) = (one("client_id"), hinted)
        && named != hinted
    {
        return Ok(Err("The client_id and the id_token_hint name two clients."));
    }
    let client = match one("client_id").or(hinted).map(ClientName::parse) {
        Some(Ok(name)) => clients::find(web.door(), &realm.id, &name).await?,
        Some(Err(_)) | None => None,
    };
    let target = match (one("post_logout_redirect_uri"), client) {
        (None, _) => None,
        (Some(_), None) => {
            return Ok(Err("A post_logout_redirect_uri needs a known client_id or an id_token_hint beside it."));
        }
        (Some(uri), Some(client)) => match VerifiedRedirect::find(rules(&client), Some(uri)) {
            Ok(target) => Some(target),
            Err(_) => return Ok(Err("The post_logout_redirect_uri is not one this client has registered.")),
        },
    };
    Ok(Ok(Asked { hint, target, state: one("state").map(str::to_owned) }))
}

/// Where a client may send people after signing out: where it says, or else where it may send them at all.
fn rules(client: &Client) -> &[doorward_oauth::redirect::RedirectRule] {
    let settings = &client.settings;
    if settings.post_logout_redirect_uris.is_empty() {
        &settings.redirect_uris
    } else {
        &settings.post_logout_redirect_uris
    }
}

async fn end(web: &Web, arrival: &Arrival, realm: &Realm, (visitor, asked): (&Visitor, &Asked)) -> Outcome {
    let session = &visitor.signed_in.session;
    let goodbye = Goodbye::of(web, session).await?;
    sessions::end(web.door(), &arrival.ctx, &session.id, "signed out at a client").await?;
    let mut answer = after(web, arrival, realm, (asked, goodbye)).await?;
    sign_out::clear(web, answer.headers_mut());
    Ok(answer)
}

async fn after(web: &Web, arrival: &Arrival, realm: &Realm, (asked, goodbye): (&Asked, Goodbye)) -> Outcome {
    let here = (web, &arrival.ctx, realm.name.as_str());
    let Some(target) = &asked.target else {
        let signed_out = web.door().settings.public.url(&format!("/realms/{}/signed-out", realm.name));
        return goodbye.by_way_of(here, &signed_out, answers::see_other).await;
    };
    let state: Vec<(&str, &str)> = asked.state.as_deref().map(|state| ("state", state)).into_iter().collect();
    let (Delivery::Redirect(url) | Delivery::Form { action: url, .. }) =
        redirect_target(target, ResponseMode::Query, &state);
    goodbye.by_way_of(here, &url, answers::found).await
}

async fn by_token(
    web: &Web,
    arrival: &Arrival,
    realm: &Realm,
    asked: (&http::HeaderMap, &Parameters),
    token: &str,
) -> oidc::Outcome {
    let client = caller(web, arrival, realm, asked).await?;
    revoke::end_session(web.door(), &arrival.ctx, &client, token).await??;
    Ok(answers::text(StatusCode::NO_CONTENT, ""))
}

const UNREADABLE: &str = "The request cannot be read: a parameter is doubled or malformed.";

fn bad(web: &Web, arrival: &Arrival, sentence: &str) -> Response {
    let words = ("This signing out cannot go on", sentence, "Nothing was ended. Sign out from the launcher instead.");
    answers::problem(web, &arrival.ctx, StatusCode::BAD_REQUEST, words)
}
