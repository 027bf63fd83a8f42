//! Why a provider proved nobody, each as one sentence for administrators. None holds a token, a code or a secret.

use doorward_jose::bad::BadToken;
use doorward_model::told::told;
use doorward_outbound::Failure;

/// Why nobody came of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Trouble {
    #[error("the provider cannot be asked: {0}")]
    Unreachable(#[from] Failure),
    #[error("{what} of the provider answered {status}{words}")]
    Status { what: &'static str, status: u16, words: String },
    #[error("{what} of the provider is not what it should be: {why}")]
    Malformed { what: &'static str, why: String },
    #[error(
        "the provider calls itself `{found}`, and the connector says `{declared}`: they must be the same, letter by letter"
    )]
    Issuer { found: String, declared: String },
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the provider says that it cannot do it right now: {0}")]
    Away(String),
    #[error("the provider says that the person did not agree, or may not come in by this client: {0}")]
    Declined(String),
    #[error("the person is not let in: {0}")]
    NotLetIn(String),
    #[error(
        "the provider does not take Doorward for this client ({0}): check the client id, its secret or key, and that it \
         may use the authorization code"
    )]
    Client(String),
    #[error("the provider does not vouch for the person: {0}")]
    NotVouched(String),
    #[error(
        "its answer came by {came_by}, and was asked for by {asked_for}: what is registered at the provider and the \
         connector's response mode (oidc.response_mode) must agree"
    )]
    Answered { came_by: &'static str, asked_for: &'static str },
    #[error("the token is not good: {0}")]
    Token(#[from] BadToken),
    #[error("its token says {0}")]
    Claim(&'static str),
    #[error("its token is {what} `{said}`, and the connector says `{wanted}`: they must be the same, letter by letter")]
    Foreign { what: &'static str, said: String, wanted: String },
    #[error("claim {name} {why}")]
    Mapping { name: String, why: &'static str },
    #[error("this connector does not speak OpenID Connect")]
    OtherKind,
    #[error("a secret cannot be used: {0}")]
    Secret(String),
}

impl Trouble {
    pub(crate) fn malformed(what: &'static str, why: impl ToString) -> Self {
        Self::Malformed { what, why: told(&why.to_string()) }
    }

    /// What a provider said instead of vouching for somebody (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
    pub(crate) fn of_answer(error: &str, description: &str) -> Self {
        let words = told(format!("{error} {description}").trim());
        match error {
            "access_denied" => Self::Declined(words),
            "server_error" | "temporarily_unavailable" => Self::Away(words),
            _ => Self::Refused(words),
        }
    }

    /// Whether another attempt may go better: the provider was not there, not wrong.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Away(_) => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}
