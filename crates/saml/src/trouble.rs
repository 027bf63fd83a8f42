//! Why a provider proved nobody, each as one sentence for administrators. None holds a message or a person.

use doorward_outbound::Failure;

/// Why nobody came of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Trouble {
    #[error("the provider's metadata cannot be read: {0}")]
    Unreachable(#[from] Failure),
    #[error("the provider's metadata answered {0}")]
    Status(u16),
    #[error("the provider's metadata is not what it should be: {0}")]
    Metadata(String),
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the message is not taken: {0}")]
    Xml(&'static str),
    #[error("the signature is not taken: {0}")]
    Signature(&'static str),
    /// One sentence for everything: whoever tries ciphertexts out learns nothing.
    #[error("the encrypted assertion cannot be opened with this connector's key")]
    Encryption,
    #[error("the answer is not taken: {0}")]
    Answer(&'static str),
    #[error(
        "the answer is meant for somebody else: its Audience is `{named}`, and Doorward is `{ours}` there, or what \
         --own-entity-id says (saml.own_entity_id)"
    )]
    Audience { ours: String, named: String },
    #[error("attribute {name} {why}")]
    Attribute { name: String, why: &'static str },
    #[error("this connector's own key cannot be used: {0}")]
    OwnKey(&'static str),
    #[error("many answers are being checked right now")]
    Busy,
    #[error("the provider's metadata is being read, and that takes long")]
    Waiting,
}

impl Trouble {
    /// Whether another attempt may go better: somebody was not there, not wrong.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy | Self::Waiting => true,
            Self::Status(status) => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}
