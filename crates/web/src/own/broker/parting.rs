//! Signing out together with a provider: its word that somebody signed out there, and the browser that comes back from
//! its page for signing out.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Headers, InRealm, Query};
use crate::cookies;
use crate::oidc;
use crate::own::broker::Asked;
use crate::own::sign_in::known_realm;
use crate::web::Web;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use doorward_engine::federation::logout::{Heard, heard};
use doorward_engine::federation::settings::SignOut;
use doorward_engine::federation::{Connector, parting};
use doorward_engine::live::realms::LiveRealm;
use doorward_federation::logout_token;
use doorward_federation::trouble::Trouble;
use doorward_oauth::error::{ErrorCode, OAuthError};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use std::borrow::Cow;
use std::sync::Arc;

/// `POST /realms/{realm}/broker/{connector}/backchannel-logout`
pub async fn told(
    State(web): State<Arc<Web>>,
    Path((realm, connector)): Path<(String, String)>,
    arrival: Arrival,
    request: Request,
) -> Response {
    unkept(oidc::finish(&arrival, hear(&web, &arrival, (&realm, Some(&connector)), request).await))
}

/// `POST /realms/{realm}/protocol/openid-connect/logout/backchannel-logout`: as with Keycloak, for whichever connector the
/// token is from.
pub async fn told_to_realm(
    State(web): State<Arc<Web>>,
    InRealm(realm): InRealm,
    arrival: Arrival,
    request: Request,
) -> Response {
    unkept(oidc::finish(&arrival, hear(&web, &arrival, (&realm, None), request).await))
}

/// Back-Channel Logout §2.8: no answer may be kept by anybody on the way.
fn unkept(mut answer: Response) -> Response {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn hear(web: &Web, arrival: &Arrival, place: (&str, Option<&str>), request: Request) -> oidc::Outcome {
    let (realm, named) = place;
    let Some(realm) = known_realm(web, realm).await? else { return Err(oidc::Failure::NoRealm) };
    let (_, parameters) = oidc::form(request).await?;
    let Some(token) = parameters.one("logout_token").ok().flatten() else {
        return Err(refuse("the form lacks the logout_token"));
    };
    let mut why = match logout_token::said_issuer(token) {
        Some(_) => "no connector of this realm is with the provider that says it made the logout token".to_owned(),
        None => "the logout_token is no signed token (JWT) that says who made it".to_owned(),
    };
    let (mut is_heard, mut count) = (false, 0);
    for connector in possible(&realm, named, token) {
        let word = match web.providers.word(connector, arrival.ctx.now, token).await {
            Ok(word) => word,
            Err(trouble) => {
                why = told_of(arrival, connector, &trouble);
                continue;
            }
        };
        match heard(web.door(), &arrival.ctx, connector, &word).await? {
            Heard::Ended(ended) => {
                (is_heard, count) = (true, count + ended);
            }
            Heard::Before => "the logout token was shown before".clone_into(&mut why),
        }
    }
    if !is_heard {
        return Err(refuse(why));
    }
    tracing::info!(request = %arrival.ctx.request, count, "a provider said that somebody signed out there");
    Ok(answers::text(StatusCode::OK, ""))
}

/// The connectors a token may be for: what it says of itself is not proved, and chooses only whose keys are tried.
fn possible<'r>(
    realm: &'r LiveRealm,
    named: Option<&'r str>,
    token: &str,
) -> impl Iterator<Item = &'r Connector> + use<'r> {
    let issuer = logout_token::said_issuer(token);
    let is_of = move |connector: &&Connector| {
        named.is_none_or(|name| connector.name.as_str() == name)
            && connector
                .settings
                .kind
                .oidc()
                .is_some_and(|oidc| issuer.as_ref().is_some_and(|said| oidc.may_be_issuer(said)))
    };
    realm.connectors.iter().filter(is_of)
}

/// The story for the log; whoever sent the token gets the sentence, which holds nothing of it.
fn told_of(arrival: &Arrival, connector: &Connector, trouble: &Trouble) -> String {
    tracing::warn!(request = %arrival.ctx.request, connector = %connector.name, "a logout token was refused: {trouble}");
    match trouble {
        Trouble::Token(_) | Trouble::Claim(_) => trouble.to_string(),
        Trouble::NotLetIn(_) | Trouble::Foreign { .. } => {
            "the logout token is of another provider, or of a part of it that this connector does not let in, or for \
             another client"
                .to_owned()
        }
        _ => "the provider's keys cannot be had, so nothing proves the logout token".to_owned(),
    }
}

fn refuse(sentence: impl Into<Cow<'static, str>>) -> oidc::Failure {
    OAuthError::new(ErrorCode::InvalidRequest, sentence).into()
}

/// `GET /realms/{realm}/broker/{connector}/endpoint/logout_response`
pub async fn back(
    State(web): State<Arc<Web>>,
    Path((realm, connector)): Path<(String, String)>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    let outcome = go_on(&asked, (&realm, &connector), query.fields.text("state")).await;
    outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn go_on(asked: &Asked<'_>, place: (&str, &str), state: &str) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let (realm, connector) = match asked.place(place).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let scheme = web.door().settings.public.scheme();
    let kept = cookies::read_parting(asked.headers, scheme);
    let Some(parting) = kept.and_then(|text| parting::find(web.door(), ctx, &connector, &text)) else {
        return Ok(answers::see_other(&format!("/realms/{}/signed-out", realm.name)));
    };
    // A provider that repeats what it was told has to: anybody can lead a browser here.
    let repeats = connector.settings.kind.sign_out() == Some(&SignOut::Published);
    if repeats && state != parting.state {
        let words = (
            "This signing out cannot go on",
            "What came back from the identity provider does not belong to it.",
            "You are signed out here. Open the tool you came from again.",
        );
        return Ok(answers::problem(web, ctx, StatusCode::BAD_REQUEST, words));
    }
    let mut answer = answers::see_other(&parting.next);
    cookies::clear_parting(answer.headers_mut(), scheme);
    Ok(answer)
}
