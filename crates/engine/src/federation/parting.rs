//! One way out to a provider's own page for signing out, and back. What is to come after it travels in a cookie, sealed:
//! some providers repeat nothing they are told.

use crate::door::Door;
use crate::federation::Connector;
use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::ConnectorId;
use doorward_model::time::Timestamp;
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "way out to a provider";

/// What has to be known again when the browser comes back.
#[derive(Serialize, Deserialize)]
pub struct Parting {
    connector: ConnectorId,
    /// Where the browser goes then.
    pub next: String,
    /// What a provider that repeats anything repeats (RP-Initiated Logout §2, `state`).
    pub state: String,
    until: Timestamp,
}

/// Begins one: the cookie's text and the request's `state`. `None` when what comes after is too long for a cookie.
pub fn begin(door: &Door, ctx: &Ctx, connector: &Connector, next: &str) -> Result<Option<(String, String)>, Fault> {
    let mut bytes = [0u8; 32];
    door.dice.fill(&mut bytes);
    let state = URL_SAFE_NO_PAD.encode(bytes);
    let until = ctx.now.plus_seconds(limits::PROVIDER_SECONDS);
    let parting = Parting { connector: connector.id.clone(), next: next.to_owned(), state, until };
    let text = serde_json::to_vec(&parting)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing the way out to a provider", error))?;
    let text = URL_SAFE_NO_PAD.encode(door.keys.seal(PURPOSE, &text, &*door.dice)?);
    Ok((text.len() <= limits::PARTING_BYTES).then_some((text, parting.state)))
}

/// What a cookie carries, if it was begun for this connector and not too long ago.
pub fn find(door: &Door, ctx: &Ctx, connector: &Connector, text: &str) -> Option<Parting> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let parting: Parting = serde_json::from_slice(&door.keys.open(PURPOSE, &sealed)?).ok()?;
    (parting.connector == connector.id && ctx.now < parting.until).then_some(parting)
}
