//! One way out to a provider and back. It is sealed into `state`, so that beginning one costs no memory and no write;
//! it opens only at the connector it was made for as long as nobody changes that, beside the cookie of the browser that began it, for ten minutes.

use crate::door::Door;
use crate::federation::Connector;
use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::ConnectorId;
use doorward_model::name::{ConnectorName, RealmName};
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use doorward_store::{connectors, realms};
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "way to a provider";
const PREFIX: &str = "dwy_";

/// What has to be known again when the browser comes back.
#[derive(Serialize, Deserialize)]
pub struct Attempt {
    connector: ConnectorId,
    revision: i64,
    /// The flow it belongs to, as it stood in the page.
    pub flow: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that whoever shows the code asked for it (RFC 7636).
    pub verifier: String,
    /// How long ago, at most, the person may have proved themselves there, in seconds; as the client asked.
    pub fresh_seconds: Option<i64>,
    /// When it began.
    pub begun_at: Timestamp,
    browser: String,
}

/// Begins one; the text is the request's `state`.
pub fn begin(
    door: &Door,
    ctx: &Ctx,
    connector: &Connector,
    (flow, browser, fresh_seconds): (&str, &TokenHash, Option<i64>),
) -> Result<(Attempt, String), Fault> {
    let attempt = Attempt {
        connector: connector.id.clone(),
        revision: connector.revision,
        flow: flow.to_owned(),
        nonce: word(door),
        verifier: word(door),
        browser: browser.hex(),
        fresh_seconds,
        begun_at: ctx.now,
    };
    let text = serde_json::to_vec(&attempt)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing the way to a provider", error))?;
    let sealed = door.keys.seal(PURPOSE, &text, &*door.dice)?;
    Ok((attempt, format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed))))
}

/// What came back, if it was begun here, at this connector, by this browser, and not too long ago.
pub fn find(door: &Door, ctx: &Ctx, connector: &Connector, (state, browser): (&str, &TokenHash)) -> Option<Attempt> {
    let attempt = open(door, state)?;
    let is_same = attempt.connector == connector.id && attempt.revision == connector.revision;
    let is_here = is_same && attempt.browser == browser.hex();
    (is_here && ctx.now < attempt.begun_at.plus_seconds(limits::PROVIDER_SECONDS)).then_some(attempt)
}

/// Whether a state was made here at all, for whomever: no reason to go on with it, only not to waste a page on others.
pub fn is_ours(door: &Door, state: &str) -> bool {
    open(door, state).is_some()
}

/// The realm and the connector a state was made for, by its own word, where the provider sends browsers back to a place
/// many share: who may use the state there is judged by [`find`]. At any other such place its connector is nobody's: an
/// answer another provider sends there would be taken for this one's, and its code be shown to this one.
pub async fn place(door: &Door, (state, path): (&str, &str)) -> Result<Option<(RealmName, ConnectorName)>, Fault> {
    let Some(attempt) = open(door, state) else { return Ok(None) };
    let Some(row) = connectors::find_by_id(&mut &door.store, &attempt.connector).await? else { return Ok(None) };
    let connector = Connector::read(row)?;
    if connector.settings.kind.oidc().is_none_or(|oidc| oidc.callback_path.as_deref() != Some(path)) {
        return Ok(None);
    }
    let realm = realms::find_by_id(&mut &door.store, &connector.realm_id).await?;
    Ok(realm.map(|realm| (realm.name, connector.name)))
}

fn open(door: &Door, state: &str) -> Option<Attempt> {
    let sealed = URL_SAFE_NO_PAD.decode(state.strip_prefix(PREFIX)?).ok()?;
    serde_json::from_slice(&door.keys.open(PURPOSE, &sealed)?).ok()
}

/// 256 random bits as text.
fn word(door: &Door) -> String {
    let mut bytes = [0u8; 32];
    door.dice.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
