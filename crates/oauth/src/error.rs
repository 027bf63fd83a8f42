//! Refusals in the protocol's own words: a code that programs read and a sentence for the person who
//! debugs the client. The sentence is chosen by us; of what was sent it repeats at most a parameter's name.
//! RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6 and the RFCs named at each code.

use crate::limits;
use std::borrow::Cow;
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What a refusal is called on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As written on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// A parameter is missing, doubled or malformed (RFC 6749 §5.2).
    InvalidRequest = "invalid_request";
    /// The client is unknown or did not prove who it is (RFC 6749 §5.2).
    InvalidClient = "invalid_client";
    /// The code, refresh token or assertion is wrong, spent or another client's (RFC 6749 §5.2).
    InvalidGrant = "invalid_grant";
    /// This client may not use this grant or response type (RFC 6749 §5.2).
    UnauthorizedClient = "unauthorized_client";
    /// No such grant type here (RFC 6749 §5.2).
    UnsupportedGrantType = "unsupported_grant_type";
    /// No such response type here (RFC 6749 §4.1.2.1).
    UnsupportedResponseType = "unsupported_response_type";
    /// A scope is unknown, malformed or more than was granted (RFC 6749 §5.2).
    InvalidScope = "invalid_scope";
    /// The person or a rule said no (RFC 6749 §4.1.2.1).
    AccessDenied = "access_denied";
    /// Something broke on our side; a redirect cannot carry status 500 (RFC 6749 §4.1.2.1).
    ServerError = "server_error";
    /// We cannot answer now; a redirect cannot carry status 503 (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable = "temporarily_unavailable";
    /// `prompt=none`, yet a page would be needed (OIDC Core §3.1.2.6).
    InteractionRequired = "interaction_required";
    /// `prompt=none`, yet nobody is signed in (OIDC Core §3.1.2.6).
    LoginRequired = "login_required";
    /// The way of signing in that is asked for cannot be had (OIDC Unmet Authentication Requirements 1.0 §2).
    UnmetAuthenticationRequirements = "unmet_authentication_requirements";
    /// `prompt=none`, yet an account must be chosen (OIDC Core §3.1.2.6).
    AccountSelectionRequired = "account_selection_required";
    /// `prompt=none`, yet consent is missing (OIDC Core §3.1.2.6).
    ConsentRequired = "consent_required";
    /// The `request_uri` cannot be used (RFC 9101 §7).
    InvalidRequestUri = "invalid_request_uri";
    /// The request object is invalid (RFC 9101 §7).
    InvalidRequestObject = "invalid_request_object";
    /// Request objects are not taken (OIDC Core §3.1.2.6).
    RequestNotSupported = "request_not_supported";
    /// Request URIs are not taken (OIDC Core §3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported";
    /// Registration inside the request is not taken (OIDC Core §3.1.2.6).
    RegistrationNotSupported = "registration_not_supported";
    /// The resource asked for is unknown or malformed (RFC 8707 §2).
    InvalidTarget = "invalid_target";
    /// The person has not decided yet (RFC 8628 §3.5).
    AuthorizationPending = "authorization_pending";
    /// The device asks too often (RFC 8628 §3.5).
    SlowDown = "slow_down";
    /// The device code is too old (RFC 8628 §3.5).
    ExpiredToken = "expired_token";
    /// The proof needs the nonce we send (RFC 9449 §8).
    UseDpopNonce = "use_dpop_nonce";
    /// The proof of possession is invalid (RFC 9449 §5).
    InvalidDpopProof = "invalid_dpop_proof";
    /// The access token is wrong, spent or revoked (RFC 6750 §3.1).
    InvalidToken = "invalid_token";
    /// The access token does not reach that far (RFC 6750 §3.1).
    InsufficientScope = "insufficient_scope";
    /// A redirect URI cannot be registered (RFC 7591 §3.2.2).
    InvalidRedirectUri = "invalid_redirect_uri";
    /// Another field of a registration is invalid (RFC 7591 §3.2.2).
    InvalidClientMetadata = "invalid_client_metadata";
    /// Tokens of this type cannot be revoked (RFC 7009 §2.2.1).
    UnsupportedTokenType = "unsupported_token_type";
    /// The authorization details are unknown or malformed (RFC 9396 §5).
    InvalidAuthorizationDetails = "invalid_authorization_details";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal to be told to a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {sentence}")]
pub struct OAuthError {
    code: ErrorCode,
    sentence: Cow<'static, str>,
}

impl OAuthError {
    /// A refusal with its sentence. Letters that `error_description` may not hold become `?`
    /// (RFC 6749 §5.2); what is longer than the limit is cut.
    pub fn new(code: ErrorCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        let sentence = sentence.into();
        let is_fine = (sentence.len() <= limits::SENTENCE_BYTES) && sentence.chars().all(may_stand);
        if is_fine {
            return Self { code, sentence };
        }
        let shown = |letter| if may_stand(letter) { letter } else { '?' };
        let kept: String = sentence.chars().take(limits::SENTENCE_BYTES).map(shown).collect();
        Self { code, sentence: kept.into() }
    }

    /// `invalid_request` with its sentence.
    pub fn invalid_request(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, sentence)
    }

    /// Its code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Its sentence, fit for `error_description`.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The two parameters or members that tell it, in every kind of answer.
    pub fn fields(&self) -> [(&'static str, &str); 2] {
        [("error", self.code.as_str()), ("error_description", &self.sentence)]
    }
}

fn may_stand(letter: char) -> bool {
    matches!(letter, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e')
}

#[cfg(test)]
mod tests {
    use super::{ErrorCode, OAuthError};
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_word_of_its_own() {
        let words: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!((words.len(), ErrorCode::ALL.len()), (32, 32));
        assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        assert_eq!(ErrorCode::UseDpopNonce.to_string(), "use_dpop_nonce");
    }

    #[test]
    fn a_sentence_holds_only_what_the_rfc_allows() {
        let told = |sentence: &str| OAuthError::invalid_request(sentence.to_owned()).sentence().to_owned();
        assert_eq!(told("fine: 100% of ~it [all]!"), "fine: 100% of ~it [all]!");
        assert_eq!(told("a \"b\" \\ c\r\nd\u{e9}\0\x7f"), "a ?b? ? c??d???");
        assert_eq!(told(&"x".repeat(5000)).len(), 512);
        assert_eq!(told(&"\u{e9}".repeat(5000)).len(), 512);
    }

    #[test]
    fn a_refusal_is_told_by_two_fields() {
        let refusal = OAuthError::new(ErrorCode::SlowDown, "wait five seconds");
        assert_eq!(refusal.fields(), [("error", "slow_down"), ("error_description", "wait five seconds")]);
        assert_eq!(refusal.to_string(), "slow_down: wait five seconds");
        assert_eq!(refusal.code(), ErrorCode::SlowDown);
    }
}
