//! `prompt`: what the client wants the person to be asked. OIDC Core §3.1.2.1.

use crate::error::OAuthError;
use serde::{Deserialize, Serialize};

/// A question the client may put to the person (OIDC Core §3.1.2.1, Initiating User Registration 1.0 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// No page at all.
    None,
    /// Sign in again.
    Login,
    /// Consent again.
    Consent,
    /// Choose an account.
    SelectAccount,
    /// Register.
    Create,
}

impl Prompt {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "login" => Some(Self::Login),
            "consent" => Some(Self::Consent),
            "select_account" => Some(Self::SelectAccount),
            "create" => Some(Self::Create),
            _ => None,
        }
    }
}

/// Distinct questions. `none` stands alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompts(Vec<Prompt>);

impl Prompts {
    pub(super) fn parse(words: &[String]) -> Result<Self, OAuthError> {
        let mut prompts = Self::default();
        for word in words {
            let prompt = Prompt::parse(word).ok_or_else(|| {
                OAuthError::invalid_request("prompt must be none, or any of login, consent, select_account and create")
            })?;
            if !prompts.contains(prompt) {
                prompts.0.push(prompt);
            }
        }
        if prompts.contains(Prompt::None) && (prompts.0.len() > 1) {
            return Err(OAuthError::invalid_request("prompt=none stands alone; remove the other words"));
        }
        Ok(prompts)
    }

    /// Whether a question is among them.
    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }

    /// Whether nothing special is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
