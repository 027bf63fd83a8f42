//! Single parameters of an authorization request, each within its limit.

use super::Display;
use crate::error::{ErrorCode, OAuthError};
use crate::limits;
use crate::parameters::Parameters;

/// A parameter as text, within a limit in bytes.
pub(super) fn text(parameters: &Parameters, name: &'static str, bytes: usize) -> Result<Option<String>, OAuthError> {
    match parameters.one(name)? {
        Some(value) if value.len() > bytes => {
            Err(OAuthError::invalid_request(format!("{name} may have at most {bytes} bytes; shorten it")))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

/// A parameter as words with spaces between.
pub(super) fn words(parameters: &Parameters, name: &'static str) -> Result<Vec<String>, OAuthError> {
    let text = text(parameters, name, limits::WORD_LIST_BYTES)?.unwrap_or_default();
    let words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.len() > limits::WORDS {
        return Err(OAuthError::invalid_request(format!("{name} may hold at most {} words", limits::WORDS)));
    }
    Ok(words)
}

/// `max_age` in whole seconds.
pub(super) fn max_age(parameters: &Parameters) -> Result<Option<u32>, OAuthError> {
    let Some(text) = parameters.one("max_age")? else { return Ok(None) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if is_number => Ok(Some(seconds)),
        _ => Err(OAuthError::invalid_request("max_age must be a number of seconds, 0 or more")),
    }
}

/// `display`: only how a page looks, so an unknown word is ignored.
pub(super) fn display(parameters: &Parameters) -> Result<Option<Display>, OAuthError> {
    Ok(parameters.one("display")?.and_then(Display::parse))
}

/// `resource`: absolute URIs without fragment (RFC 8707 §2).
pub fn resources(parameters: &Parameters) -> Result<Vec<String>, OAuthError> {
    let refuse = |sentence| OAuthError::new(ErrorCode::InvalidTarget, sentence);
    let resources: Vec<_> = parameters.all("resource").map(str::to_owned).collect();
    if resources.len() > limits::RESOURCES {
        return Err(refuse("too many resource parameters; ask for fewer at once"));
    }
    let is_uri = |text: &String| {
        (text.len() <= limits::URI_BYTES)
            && text.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'#' | b'\\'))
            && url::Url::parse(text).is_ok()
    };
    if resources.iter().all(is_uri) {
        Ok(resources)
    } else {
        Err(refuse("resource must be an absolute URI without fragment"))
    }
}

/// `dpop_jkt`: the thumbprint of a key (RFC 9449 §10).
pub(super) fn thumbprint(parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    let thumbprint = text(parameters, "dpop_jkt", limits::WORD_BYTES)?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_fine = |text: &String| (text.len() == 43) && text.bytes().all(is_letter);
    if thumbprint.as_ref().is_none_or(is_fine) {
        Ok(thumbprint)
    } else {
        Err(OAuthError::invalid_request("dpop_jkt must be the SHA-256 of the key as 43 letters of base64url"))
    }
}
