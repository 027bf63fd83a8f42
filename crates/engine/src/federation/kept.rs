//! What a provider gave beside its word, for later: kept with the session that began there, sealed for that session
//! alone, and gone with it.

use crate::door::Door;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::SessionId;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// Tokens of a provider. Only what the connector's settings need is in it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The ID token, shown again when its person signs out (RP-Initiated Logout §2, `id_token_hint`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The refresh token (OIDC Core §12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The name of the session in a SAML provider's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saml_session: Option<String>,
}

impl fmt::Debug for Kept {
    /// Tells what is there, never what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id_token, refresh_token) = (self.id_token.is_some(), self.refresh_token.is_some());
        f.debug_struct("Kept")
            .field("id_token", &id_token)
            .field("refresh_token", &refresh_token)
            .finish_non_exhaustive()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.id_token.zeroize();
        self.refresh_token.zeroize();
        self.saml_session.zeroize();
    }
}

impl Kept {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.id_token.is_none() && self.refresh_token.is_none() && self.saml_session.is_none()
    }

    /// What a SAML provider has to be told to end a session there.
    pub fn of_saml(session: String) -> Self {
        let mut kept = Self::default();
        kept.saml_session = Some(session);
        kept
    }

    /// Sealed for a session; `None` when there is nothing to keep.
    pub(crate) fn closed(&self, door: &Door, session: &SessionId) -> Result<Option<Vec<u8>>, Fault> {
        if self.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_vec(self)
            .map_err(|error| Fault::new(FaultKind::Internal, "writing a provider's tokens", error))
            .map(Zeroizing::new)?;
        door.keys.seal(&purpose(session), &text, &*door.dice).map(Some)
    }

    /// What was sealed for this session; nothing when it was sealed with another master key, for then it is lost.
    pub(crate) fn open(door: &Door, session: &SessionId, sealed: Option<&[u8]>) -> Self {
        let clear = sealed.and_then(|sealed| door.keys.open(&purpose(session), sealed));
        clear.and_then(|clear| serde_json::from_slice(&clear).ok()).unwrap_or_default()
    }
}

fn purpose(session: &SessionId) -> String {
    format!("a provider's tokens for {session}")
}
