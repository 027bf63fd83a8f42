//! `/realms/{realm}/device`: a person signs in for another screen. They type the code it shows, or come by a link
//! that has it typed already, see who asks for what, and answer. RFC 8628 §3.3.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, Query, Visitor, visitor};
use crate::oidc::authorize::scope_words_of;
use crate::own::sign_in::{Browser, known_realm, no_realm};
use crate::own::stale_form;
use crate::pages;
use crate::web::Web;
use axum::extract::{Path, State};
use axum::response::Response;
use doorward_engine::authorize::missing;
use doorward_engine::clients::Client;
use doorward_engine::device::{self, Answer, Answered, Question, Typed};
use doorward_engine::gate::decide::{Refusal, Verdict};
use doorward_engine::live::realms::LiveRealm;
use doorward_engine::sign_in::flow::{self, Aim};
use doorward_engine::token::claims;
use doorward_model::people::Realm;
use doorward_model::user_code::UserCode;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use std::sync::Arc;

/// The address people are told to open.
pub fn page_url(web: &Web, realm: &Realm) -> String {
    web.door().settings.public.url(&path(realm))
}

fn path(realm: &Realm) -> String {
    format!("/realms/{}/device", realm.name)
}

/// The page with a code that was typed, or stood in a link; without it when it is none.
fn path_with(realm: &Realm, typed: &str) -> String {
    match UserCode::parse(typed) {
        Ok(code) => format!("{}?user_code={code}", path(realm)),
        Err(_) => path(realm),
    }
}

/// `GET /realms/{realm}/device?user_code=…`
pub async fn show(
    State(web): State<Arc<Web>>,
    Path(name): Path<String>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let outcome = show_or_sign_in(&web, &name, (&arrival, &headers), query.fields.text("user_code")).await;
    outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn show_or_sign_in(web: &Web, name: &str, (arrival, headers): (&Arrival, &HeaderMap), typed: &str) -> Outcome {
    let Some(realm) = known_realm(web, name).await? else { return Ok(no_realm(web, &arrival.ctx)) };
    let visitor = visitor(web, arrival, headers).await?;
    let Some(visitor) = visitor.filter(|visitor| visitor.signed_in.session.realm_id == realm.id) else {
        let browser = Browser::of(web, headers);
        let back = path_with(&realm, typed);
        let token = flow::begin(web.door(), &arrival.ctx, &realm.id, &browser.hash, Aim::Page(&back))?;
        let mut answer = answers::see_other(&format!("/realms/{}/sign-in?flow={token}", realm.name));
        browser.keep(web, answer.headers_mut());
        return Ok(answer);
    };
    // Only a code is put into the field: the link may come from anybody.
    let code = UserCode::parse(typed).map(|code| code.to_string()).unwrap_or_default();
    code_page(web, (&realm, &visitor), (StatusCode::OK, &code, None))
}

fn code_page(
    web: &Web,
    (realm, visitor): (&Realm, &Visitor),
    (status, typed, error): (StatusCode, &str, Option<String>),
) -> Outcome {
    let view = pages::DeviceCode {
        realm_title: realm.title.to_string(),
        signed_in_as: visitor.signed_in.user.name.to_string(),
        code_value: typed.to_owned(),
        error,
        action: path(realm),
        csrf: visitor.proof.reveal().to_owned(),
        switch_account_action: format!("/realms/{}/sign-out", realm.name),
        retry_url: web.door().settings.public.url(&path_with(realm, typed)),
    };
    answers::page(status, &view, "")
}

/// `POST /realms/{realm}/device`: a code.
pub async fn type_code(
    State(web): State<Arc<Web>>,
    Path(name): Path<String>,
    arrival: Arrival,
    visitor: Visitor,
    fields: Fields,
) -> Response {
    let outcome = async {
        let Some(realm) = own_realm(&web, &name, &visitor, &fields).await? else {
            return Ok(stale_form(&web, &arrival));
        };
        typed(&web, &arrival, (&realm, &visitor), fields.text("user_code")).await
    };
    outcome.await.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

/// The realm of a form, if its proof fits and the visitor is of that realm.
async fn own_realm(
    web: &Web,
    name: &str,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<Option<Arc<LiveRealm>>, doorward_model::fault::Fault> {
    let realm = known_realm(web, name).await?;
    let is_proved = visitor.proof.matches(fields.text("csrf"));
    Ok(realm.filter(|realm| is_proved && visitor.signed_in.session.realm_id == realm.id))
}

async fn typed(web: &Web, arrival: &Arrival, (realm, visitor): (&Realm, &Visitor), text: &str) -> Outcome {
    let shown: String = text.chars().take(20).collect();
    match device::type_code(web.door(), &arrival.ctx, realm, (&visitor.signed_in, text)).await? {
        Typed::Question(question) => ask((realm, visitor), *question, text),
        Typed::Refused { client, verdict } => denied(web, arrival, (realm, visitor), &client, &verdict).await,
        Typed::Unknown => {
            let sentence = "No device waits with that code. Compare it with the other screen, or start again there.";
            code_page(web, (realm, visitor), (StatusCode::BAD_REQUEST, &shown, Some(sentence.to_owned())))
        }
        Typed::Throttled { until } => {
            let minutes = (until.millis_since(arrival.ctx.now) / 60_000 + 1).max(1);
            let sentence = format!("Too many wrong codes. Try again in {minutes} min.");
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut answer = code_page(web, (realm, visitor), (status, &shown, Some(sentence)))?;
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
            Ok(answer)
        }
    }
}

fn ask((realm, visitor): (&Realm, &Visitor), question: Question, typed: &str) -> Outcome {
    let Question { client, wanted, sealed } = question;
    let view = pages::DeviceQuestion {
        client_title: client.title().to_owned(),
        client_name: client.name.to_string(),
        realm_title: realm.title.to_string(),
        signed_in_as: visitor.signed_in.user.name.to_string(),
        user_code: UserCode::parse(typed).map(|code| code.to_string()).unwrap_or_default(),
        scopes: claims::shown(&client, &wanted.scopes).iter().map(|name| scope_words_of(&client, name)).collect(),
        resources: wanted.resources,
        action: format!("{}/answer", path(realm)),
        csrf: visitor.proof.reveal().to_owned(),
        request: sealed,
    };
    answers::page(StatusCode::OK, &view, "")
}

/// `POST /realms/{realm}/device/answer`
pub async fn answer(
    State(web): State<Arc<Web>>,
    Path(name): Path<String>,
    arrival: Arrival,
    visitor: Visitor,
    fields: Fields,
) -> Response {
    let outcome = async {
        let Some(realm) = own_realm(&web, &name, &visitor, &fields).await? else {
            return Ok(stale_form(&web, &arrival));
        };
        answered(&web, &arrival, (&realm, &visitor), &fields).await
    };
    outcome.await.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn answered(web: &Web, arrival: &Arrival, (realm, visitor): (&Realm, &Visitor), fields: &Fields) -> Outcome {
    let said = if fields.text("decision") == "allow" { Answer::Allow } else { Answer::Deny };
    let asked = (&*visitor.signed_in, fields.text("request"));
    let (client, is_allowed) = match device::answer(web.door(), &arrival.ctx, realm, asked, said).await? {
        Answered::Allowed(client) => (client, true),
        Answered::Denied(client) => (client, false),
        Answered::Refused(client, verdict) => return denied(web, arrival, (realm, visitor), &client, &verdict).await,
        Answered::Over => {
            let words = (
                "This question is over",
                "The device waited for too long, or it was answered before.",
                "Start again on the device.",
            );
            return Ok(answers::problem(web, &arrival.ctx, StatusCode::GONE, words));
        }
    };
    let view = pages::DeviceDone {
        client_title: client.title().to_owned(),
        realm_title: realm.title.to_string(),
        is_allowed,
        account_url: format!("/realms/{}/account", realm.name),
    };
    answers::page(StatusCode::OK, &view, "")
}

async fn denied(
    web: &Web,
    arrival: &Arrival,
    (realm, visitor): (&Realm, &Visitor),
    client: &Client,
    verdict: &Verdict,
) -> Outcome {
    if let Verdict::Refused(Refusal::OtherWay(_)) = verdict {
        let what = format!("The way you signed in by does not count for {}.", client.title());
        let words = (
            "This way in does not count here",
            what.as_str(),
            "Sign out here, sign in by another way, and type the code again.",
        );
        return Ok(answers::problem(web, &arrival.ctx, StatusCode::FORBIDDEN, words));
    }
    let apps = web.door().live.apps();
    let app = client.app_id.as_ref().and_then(|id| apps.find(id));
    let public = &web.door().settings.public;
    let view = pages::Denied {
        realm_title: realm.title.to_string(),
        app_name: client.title().to_owned(),
        missing_groups: missing(web.door(), verdict).await?,
        signed_in_as: visitor.signed_in.user.name.to_string(),
        how_to_ask: app.and_then(|app| app.settings.how_to_ask.as_ref()).map(ToString::to_string),
        home_url: public.url("/"),
        switch_account_action: format!("/realms/{}/sign-out", realm.name),
        csrf: visitor.proof.reveal().to_owned(),
        request_id: arrival.ctx.request.to_string(),
        retry_url: page_url(web, realm),
    };
    answers::page(StatusCode::FORBIDDEN, &view, "")
}
