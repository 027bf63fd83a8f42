//! What an authorization response carries and how it travels. OAuth 2.0 Multiple Response Types §2 to
//! §5, OAuth 2.0 Form Post Response Mode, JARM §2.3.

use crate::error::{ErrorCode, OAuthError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is asked for in the front channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ResponseType {
    /// `none`: only whether it worked.
    None,
    /// `code`.
    Code,
    /// `id_token`.
    IdToken,
    /// `token`.
    Token,
    /// `code id_token`.
    CodeIdToken,
    /// `code token`.
    CodeToken,
    /// `id_token token`.
    IdTokenToken,
    /// `code id_token token`.
    CodeIdTokenToken,
}

impl ResponseType {
    /// Every type.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Code,
        Self::IdToken,
        Self::Token,
        Self::CodeIdToken,
        Self::CodeToken,
        Self::IdTokenToken,
        Self::CodeIdTokenToken,
    ];

    /// Reads the words in any order.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        let known = match words.as_slice() {
            ["none"] => Self::None,
            ["code"] => Self::Code,
            ["id_token"] => Self::IdToken,
            ["token"] => Self::Token,
            ["code", "id_token"] => Self::CodeIdToken,
            ["code", "token"] => Self::CodeToken,
            ["id_token", "token"] => Self::IdTokenToken,
            ["code", "id_token", "token"] => Self::CodeIdTokenToken,
            _ => {
                let sentence = "response_type must be none, or any of code, id_token and token";
                return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, sentence));
            }
        };
        Ok(known)
    }

    /// As metadata and registrations write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Code => "code",
            Self::IdToken => "id_token",
            Self::Token => "token",
            Self::CodeIdToken => "code id_token",
            Self::CodeToken => "code token",
            Self::IdTokenToken => "id_token token",
            Self::CodeIdTokenToken => "code id_token token",
        }
    }

    /// Whether a code is issued.
    pub fn has_code(self) -> bool {
        matches!(self, Self::Code | Self::CodeIdToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// Whether an identity token travels through the browser.
    pub fn has_id_token(self) -> bool {
        matches!(self, Self::IdToken | Self::CodeIdToken | Self::IdTokenToken | Self::CodeIdTokenToken)
    }

    /// Whether an access token travels through the browser.
    pub fn has_token(self) -> bool {
        matches!(self, Self::Token | Self::CodeToken | Self::IdTokenToken | Self::CodeIdTokenToken)
    }

    /// How the answer travels when nothing is asked for (Multiple Response Types §3.0 and §5).
    pub fn default_mode(self) -> ResponseMode {
        if self.has_id_token() || self.has_token() { ResponseMode::Fragment } else { ResponseMode::Query }
    }
}

impl fmt::Display for ResponseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for ResponseType {
    type Error = OAuthError;
    fn try_from(text: String) -> Result<Self, OAuthError> {
        Self::parse(&text)
    }
}

impl From<ResponseType> for String {
    fn from(response_type: ResponseType) -> Self {
        response_type.as_str().to_owned()
    }
}

/// How an authorization response travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect.
    #[default]
    Query,
    /// In the fragment of the redirect: browsers do not send it to the server.
    Fragment,
    /// In the body of a form the browser posts.
    FormPost,
}

/// What `response_mode` asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResponseWay {
    pub(super) mode: ResponseMode,
    /// Whether everything is wrapped in one signed token (JARM).
    pub(super) is_jarm: bool,
}

impl ResponseWay {
    /// Reads `response_mode`, if any, for a response type. Tokens never travel in a query, where servers
    /// log them (Multiple Response Types §3.0, JARM §2.3.1).
    pub(super) fn parse(mode: Option<&str>, response_type: ResponseType) -> Result<Self, OAuthError> {
        let (asked, is_jarm) = match mode {
            None => (None, false),
            Some("query") => (Some(ResponseMode::Query), false),
            Some("fragment") => (Some(ResponseMode::Fragment), false),
            Some("form_post") => (Some(ResponseMode::FormPost), false),
            Some("jwt") => (None, true),
            Some("query.jwt") => (Some(ResponseMode::Query), true),
            Some("fragment.jwt") => (Some(ResponseMode::Fragment), true),
            Some("form_post.jwt") => (Some(ResponseMode::FormPost), true),
            Some(_) => {
                let sentence = "response_mode must be query, fragment, form_post, or one of these with .jwt";
                return Err(OAuthError::invalid_request(sentence));
            }
        };
        let default = response_type.default_mode();
        if (asked == Some(ResponseMode::Query)) && (default == ResponseMode::Fragment) {
            let sentence = "tokens do not travel in a query; use response_mode fragment or form_post";
            return Err(OAuthError::invalid_request(sentence));
        }
        Ok(Self { mode: asked.unwrap_or(default), is_jarm })
    }
}

#[cfg(test)]
mod tests {
    use super::{ResponseMode, ResponseType, ResponseWay};
    use crate::error::ErrorCode;

    #[test]
    fn response_types_are_read_in_any_order() {
        for known in ResponseType::ALL {
            assert_eq!(ResponseType::parse(known.as_str()), Ok(known));
            let mut words: Vec<_> = known.as_str().split(' ').collect();
            words.reverse();
            assert_eq!(ResponseType::parse(&words.join(" ")), Ok(known));
            assert_eq!(known.has_code(), words.contains(&"code"));
            assert_eq!(known.has_id_token(), words.contains(&"id_token"));
            assert_eq!(known.has_token(), words.contains(&"token"));
        }
        for bad in
            ["", "Code", "code code", "code none", "none token", "id_token code code token", "code,token", "saml"]
        {
            let code = ResponseType::parse(bad).err().map(|refusal| refusal.code());
            assert_eq!(code, Some(ErrorCode::UnsupportedResponseType), "{bad}");
        }
    }

    #[test]
    fn tokens_never_travel_in_a_query() {
        for known in ResponseType::ALL {
            let carries = known.has_token() || known.has_id_token();
            let default = if carries { ResponseMode::Fragment } else { ResponseMode::Query };
            let way = |mode| ResponseWay::parse(mode, known);
            assert_eq!(way(None), Ok(ResponseWay { mode: default, is_jarm: false }));
            assert_eq!(way(Some("jwt")), Ok(ResponseWay { mode: default, is_jarm: true }));
            for mode in ["query", "query.jwt"] {
                assert_eq!(way(Some(mode)).is_err(), carries, "{known} {mode}");
            }
            let modes = [("fragment", ResponseMode::Fragment), ("form_post", ResponseMode::FormPost)];
            for (word, mode) in modes {
                assert_eq!(way(Some(word)), Ok(ResponseWay { mode, is_jarm: false }));
                let jarm = ResponseWay::parse(Some(&format!("{word}.jwt")), known);
                assert_eq!(jarm, Ok(ResponseWay { mode, is_jarm: true }));
            }
            for bad in ["Query", "form_post.", "okta_post_message", "jwt.jwt", " query"] {
                assert!(way(Some(bad)).is_err(), "{bad}");
            }
        }
    }
}
