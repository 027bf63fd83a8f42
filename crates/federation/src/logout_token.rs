//! Whether a logout token is one, and whose (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6). Pure: the token, the
//! keys and who should have made it in; whom it speaks of out.

use crate::claims::subject;
use crate::id_token::{check_audience, check_issuer};
use crate::limits;
use crate::trouble::Trouble;
use doorward_engine::federation::logout::Word;
use doorward_engine::federation::settings::OidcSettings;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::header::Header;
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_model::time::Timestamp;
use serde_json::Value;

/// The event a logout token tells of (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// What its header calls it, when it calls it anything: the first as recommended, the second as many write.
const TYPES: [&str; 2] = ["logout+jwt", "JWT"];

/// Checks a token. `Err(Trouble::Token(BadToken::UnknownKey))` says that other keys may do.
///
/// # Errors
/// [`Trouble::Token`] or [`Trouble::Claim`]: what is wrong with it.
pub fn check(keys: &KeySet, token: &str, settings: &OidcSettings, now: i64) -> Result<Word, Trouble> {
    let presented = Presented::read(token)?;
    check_type(presented.header())?;
    let claims = presented.verify(keys.find_for(presented.header())?)?;
    check_issuer(&claims, settings)?;
    check_audience(&claims, &settings.client_id)?;
    claims.check_times(now, Skew::seconds(settings.clock_tolerance_seconds))?;
    let told_at = claims.time("iat")?.ok_or(BadToken::NoClaim("iat"))?;
    let until = claims.time("exp")?.ok_or(BadToken::NoClaim("exp"))?;
    // What an ID token has and this must not: else one could be shown in place of the other.
    if claims.get("nonce").is_some() {
        return Err(Trouble::Claim("a nonce, which is for ID tokens alone"));
    }
    let event = claims.get("events").and_then(Value::as_object).and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(Trouble::Claim("nothing of the event that somebody signed out"));
    }
    let (said, session) = (name(&claims, "sub")?, name(&claims, "sid")?);
    let token_id = name(&claims, "jti")?.ok_or(BadToken::NoClaim("jti"))?;
    let subject = match settings.claims.subject.as_slice() {
        [only] if only == "sub" => said,
        // Known by something else here, nobody is known by this name.
        others => subject(&claims.into_map(), others).ok(),
    };
    if subject.is_none() && session.is_none() {
        return Err(Trouble::Claim(
            "neither who signed out, by what people are told apart by, nor of which session (sid)",
        ));
    }
    let moment = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
    let until = moment(until).plus_seconds(i64::from(settings.clock_tolerance_seconds));
    Ok(Word { subject, session, token_id, told_at: moment(told_at), until })
}

/// Who a token says made it: not proved, and good for choosing whose keys are tried, and for nothing else.
pub fn said_issuer(token: &str) -> Option<String> {
    Presented::read(token).and_then(|presented| presented.unproved_issuer()).ok()
}

fn check_type(header: &Header) -> Result<(), Trouble> {
    let fits = header.typ().is_none() || TYPES.iter().any(|kind| header.is(kind));
    if fits { Ok(()) } else { Err(Trouble::Claim("that it is another kind of token (typ)")) }
}

/// A claim that is a name, if it is there: neither empty, nor long, nor with what no name has.
fn name(claims: &Claims, claim: &'static str) -> Result<Option<String>, Trouble> {
    let Some(text) = claims.text(claim)? else { return Ok(None) };
    if text.trim().is_empty() || text.len() > limits::SUBJECT_BYTES || text.chars().any(char::is_control) {
        return Err(Trouble::Claim("a name that nothing could be known by"));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests;
