//! The way back: an answer, or an error, put where the client asked for it. Takes verified addresses only. RFC 6749
//! §4.1.2, RFC 9207, OAuth 2.0 Form Post Response Mode, JARM.

use crate::answers::{self, Outcome};
use crate::oidc::authorize::{Here, stuck};
use crate::oidc::origin_of;
use crate::pages;
use askama::Template;
use doorward_engine::authorize::asked::{Read, Stuck};
use doorward_engine::authorize::{pushed, signed_response};
use doorward_oauth::authorize::{Entry, ResponseMode};
use doorward_oauth::error::OAuthError;
use doorward_oauth::response::{Delivery, redirect_target};
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};

/// Sends an error back. A pushed request is used up by it, as by any answer.
pub(super) async fn send_error(here: &Here<'_>, read: &Read, error: &OAuthError) -> Outcome {
    if !pushed::answered(here.web.door(), &here.arrival.ctx, &read.back).await? {
        return Ok(stuck(here, &Stuck::Over));
    }
    send(here, read, &error.fields()).await
}

/// Sends the browser back to the verified address, with `state` and `iss` (RFC 9207) beside everything, or all of it
/// in one signed token.
pub(super) async fn send(here: &Here<'_>, read: &Read, fields: &[(&str, &str)]) -> Outcome {
    let (door, back) = (here.web.door(), &read.back);
    let mut all = fields.to_vec();
    if let Some(state) = read.parameters.one("state").ok().flatten() {
        all.push(("state", state));
    }
    let entry = Entry::parse(&read.parameters);
    let (mode, is_jarm) = entry.map_or((ResponseMode::Query, false), |entry| (entry.response_mode, entry.is_jarm));
    let delivery = if is_jarm {
        let token = signed_response::sign(door, &here.arrival.ctx, back, &all).await?;
        redirect_target(&back.target, mode, &[("response", &token)])
    } else {
        let issuer = back.issuer(door);
        all.push(("iss", &issuer));
        redirect_target(&back.target, mode, &all)
    };
    match delivery {
        Delivery::Redirect(url) => Ok(answers::found(&url)),
        Delivery::Form { action, fields } => form(action, fields, back.client.title()),
    }
}

/// A page that sends a form somewhere by itself.
pub(crate) fn form(action: String, fields: Vec<(String, String)>, client_title: &str) -> Outcome {
    let target = format!("form-action {};", form_target(&action));
    form_to(action, fields, client_title, &target)
}

/// A page that sends a form by itself to where it is led on: browsers hold redirects after a form to its policy too, and
/// where they lead is not known yet.
pub(crate) fn form_on(action: String, fields: Vec<(String, String)>, title: &str) -> Outcome {
    form_to(action, fields, title, "")
}

/// A page that sends a form by itself, as [`form_on`] does.
pub(crate) fn page_on(view: &impl Template) -> Outcome {
    scripted(view, "")
}

fn form_to(action: String, fields: Vec<(String, String)>, client_title: &str, targets: &str) -> Outcome {
    scripted(&pages::FormPost { action, fields, client_title: client_title.to_owned() }, targets)
}

fn scripted(view: &impl Template, targets: &str) -> Outcome {
    let mut answer = answers::page(StatusCode::OK, view, "")?;
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; {targets} \
         base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Under the policy of other pages browsers would send `Origin: null`, which tools take for an attack. This one
    // tells our origin and nothing else of the address.
    answer.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("origin"));
    Ok(answer)
}

/// A redirect URI as a source of a content security policy.
pub(super) fn form_target(uri: &str) -> String {
    let of_scheme = || uri.split_once(':').map(|(scheme, _)| format!("{scheme}:"));
    match origin_of(uri) {
        Some(origin) if origin.starts_with("http") => origin.to_owned(),
        _ => of_scheme().unwrap_or_default(),
    }
}
