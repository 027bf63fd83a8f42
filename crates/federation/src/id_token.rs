//! Whether an ID token is the answer to what was asked (OIDC Core §3.1.3.7). Pure: the token, the keys and what was
//! asked in; what it claims out.

use crate::limits;
use crate::trouble::Trouble;
use doorward_engine::federation::settings::OidcSettings;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_model::told::told;
use doorward_oauth::token_hash;

/// What the token must answer.
pub struct Asked<'a> {
    /// Whose it must be, and for whom.
    pub settings: &'a OidcSettings,
    /// The nonce of the request; absent when nothing was asked in a browser (OIDC Core §12.2).
    pub nonce: Option<&'a str>,
    /// The access token that came with it.
    pub access_token: &'a str,
    /// What else came with it through the browser, when it came that way.
    pub beside: Option<Beside<'a>>,
    /// Seconds since 1970.
    pub now: i64,
    /// Since when the person must have proved themselves, in seconds since 1970; any time when absent.
    pub fresh_since: Option<i64>,
}

/// What came through the browser with an ID token: nobody can take a part of it for a part of another answer, because
/// the token says which belong to it (OIDC Core §3.2.2.9, §3.3.2.10).
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// The code, if one was asked for.
    pub code: &'a str,
    /// The state of the request.
    pub state: &'a str,
}

/// Checks a token. `Err(Trouble::Token(BadToken::UnknownKey))` says that other keys may do.
///
/// # Errors
/// [`Trouble::Token`] or [`Trouble::Claim`]: what is wrong with it.
pub fn check(keys: &KeySet, token: &str, asked: &Asked<'_>) -> Result<Claims, Trouble> {
    let presented = Presented::read(token)?;
    let claims = presented.verify(keys.find_for(presented.header())?)?;
    let tolerance = asked.settings.clock_tolerance_seconds;
    check_issuer(&claims, asked.settings)?;
    check_audience(&claims, &asked.settings.client_id)?;
    claims.check_times(asked.now, Skew::seconds(tolerance))?;
    if claims.time("iat")?.is_none() {
        return Err(Trouble::Token(BadToken::NoClaim("iat")));
    }
    if asked.nonce.is_some() && claims.text("nonce")? != asked.nonce {
        return Err(Trouble::Claim("another nonce: it does not answer this sign-in"));
    }
    if let Some(since) = asked.fresh_since {
        let proved_at = claims.time("auth_time")?.ok_or(BadToken::NoClaim("auth_time"))?;
        if proved_at < since.saturating_sub(i64::from(tolerance)) {
            return Err(Trouble::Claim(
                "that the person proved themselves too long ago: the provider did not ask again",
            ));
        }
    }
    check_ties(&claims, presented.header().algorithm_name(), asked)?;
    let subject = claims.subject()?;
    if subject.trim().is_empty() || subject.len() > limits::SUBJECT_BYTES || subject.chars().any(char::is_control) {
        return Err(Trouble::Claim("no subject anybody could be known by"));
    }
    Ok(claims)
}

/// Whether token, code and state are those the token says to belong to it. What came through the browser must be named.
fn check_ties(claims: &Claims, algorithm: &str, asked: &Asked<'_>) -> Result<(), Trouble> {
    let is_tied = |said: Option<&str>, hash: Option<String>, must_be_said: bool| match said {
        Some(said) => hash.as_deref() == Some(said),
        None => !must_be_said,
    };
    let token = asked.access_token;
    let must_name_token = asked.beside.is_some() && !token.is_empty();
    if !is_tied(claims.text("at_hash")?, token_hash::at_hash(algorithm, token), must_name_token) {
        return Err(Trouble::Claim("that another access token belongs to it"));
    }
    let Some(Beside { code, state }) = asked.beside else { return Ok(()) };
    if !is_tied(claims.text("c_hash")?, token_hash::c_hash(algorithm, code), !code.is_empty()) {
        return Err(Trouble::Claim("that another code belongs to it"));
    }
    if !is_tied(claims.text("s_hash")?, token_hash::s_hash(algorithm, state), false) {
        return Err(Trouble::Claim("that it answers another request"));
    }
    Ok(())
}

/// Whether a token is the provider's: of one of its issuers, and of a tenant that is let in.
pub(crate) fn check_issuer(claims: &Claims, settings: &OidcSettings) -> Result<(), Trouble> {
    let tenant = claims.text("tid")?;
    if let Some(tenant) = tenant.filter(|tenant| !settings.lets_in_tenant(tenant)) {
        return Err(Trouble::NotLetIn(format!("tenant `{}` (claim tid) is none of the connector's", told(tenant))));
    }
    let issuer = claims.issuer()?;
    if !settings.speaks(issuer, tenant) {
        return Err(Trouble::Foreign { what: "of issuer", said: told(issuer), wanted: settings.issuer.clone() });
    }
    Ok(())
}

/// Whether a token of the provider is for us, and for nobody else who would have to be trusted with it.
pub(crate) fn check_audience(claims: &Claims, client_id: &str) -> Result<(), Trouble> {
    let audiences = claims.audiences()?;
    if !audiences.contains(&client_id) {
        let said = told(&audiences.join(" "));
        return Err(Trouble::Foreign { what: "for client", said, wanted: client_id.to_owned() });
    }
    let party = claims.text("azp")?;
    if party.is_some_and(|party| party != client_id) || (audiences.len() > 1 && party.is_none()) {
        return Err(Trouble::Claim("that it is for several clients, and not that it was made for Doorward"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
