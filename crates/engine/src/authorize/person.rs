//! Whom a client expects to come back, and how they are to prove who they are: `id_token_hint`, a `sub` or an `acr`
//! asked for by value. OIDC Core §3.1.2.1, §3.1.2.2 and §5.5.1.

use crate::authorize::Return;
use crate::door::Door;
use crate::token::{check, claims, profile, sub};
use doorward_model::fault::Fault;
use doorward_model::people::User;
use doorward_oauth::authorize::{AuthorizeRequest, ClaimAsked};
use doorward_oauth::error::{ErrorCode, OAuthError};
use serde_json::Value;

/// Whether the person who is signed in is the one a client expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is, or anybody will do.
    Expected,
    /// It is not.
    SomebodyElse,
    /// The hint is none of our ID tokens for this client: whoever signs in now will do.
    Unclear,
}

/// Compares the person with what the request says about whom it expects.
pub(super) async fn is_expected(
    door: &Door,
    back: &Return,
    request: &AuthorizeRequest,
    user: &User,
) -> Result<Fit, Fault> {
    let asked = [&request.claims.id_token, &request.claims.userinfo];
    let mut subjects = asked.into_iter().filter_map(|half| half.get("sub")).filter(|sub| !sub.values.is_empty());
    if request.id_token_hint.is_none() && subjects.clone().next().is_none() {
        return Ok(Fit::Expected);
    }
    let (_, imported) = profile(&mut &door.store, &user.id).await?;
    let told = sub::of(door, &back.client, &user.id, imported.as_deref());
    if !subjects.all(|sub| sub.values.iter().any(|value| value.as_str() == Some(&told))) {
        return Ok(Fit::SomebodyElse);
    }
    Ok(request.id_token_hint.as_ref().map_or(Fit::Expected, |hint| fits(door, back, hint, &told)))
}

fn fits(door: &Door, back: &Return, hint: &str, told: &str) -> Fit {
    // An ID token whose time is over still says whom it spoke of.
    let Some(hint) = check::signed(door, &back.realm, hint, "ID") else { return Fit::Unclear };
    let is_of_client = hint.text("azp").is_ok_and(|name| name == Some(back.client.name.as_str()));
    match hint.subject() {
        Ok(subject) if is_of_client && subject == told => Fit::Expected,
        Ok(_) if is_of_client => Fit::SomebodyElse,
        Ok(_) | Err(_) => Fit::Unclear,
    }
}

/// Whether people can prove who they are in a way the client cannot do without. What it merely prefers
/// (`acr_values`, or `acr` that is not essential) does not count: the ID token says what happened.
pub(super) fn can_sign_in_so(request: &AuthorizeRequest) -> Result<(), OAuthError> {
    let is_met = |acr: &ClaimAsked| {
        let is_ours = |value: &Value| value.as_str() == Some(claims::ACR);
        !acr.essential || acr.values.is_empty() || acr.values.iter().any(is_ours)
    };
    if request.claims.id_token.get("acr").is_none_or(is_met) {
        return Ok(());
    }
    let sentence = "nobody can sign in here in a way that has any of the acr values the claims parameter insists on";
    Err(OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, sentence))
}
