//! Keys of a SAML connector's own: made when settings name them, forgotten when they do not any more. They stand in one
//! sealed text beside the settings that name them, and both are written by one statement.

use crate::door::Door;
use crate::federation::own_keys::OwnKeys;
use crate::federation::settings::{ConnectorSettings, Kind};
use crate::federation::{Connector, open_secret};
use crate::manage::connectors::{PURPOSE, note};
use doorward_jose::self_signed;
use doorward_model::context::Ctx;
use doorward_model::event::EventKind;
use doorward_model::fault::{Fault, FaultKind};
use doorward_store::connectors;
use doorward_store::tx::Tx;
use zeroize::Zeroizing;

/// New keys of these numbers, as they are sealed together.
pub(super) async fn made(place: (&Door, &Ctx), numbers: &[u32]) -> Result<Zeroizing<String>, Fault> {
    let mut keys = OwnKeys::default();
    for number in numbers {
        keys.put(*number, make(place).await?);
    }
    Ok(keys.text())
}

/// Whether settings are the same but for the keys of our own: then nobody on the way has to begin again.
pub(super) fn are_all_that_differs(before: &ConnectorSettings, after: &ConnectorSettings) -> bool {
    let (Some(former), Some(saml)) = (before.kind.saml(), after.kind.saml()) else { return false };
    let mut same = saml.clone();
    same.own_key = former.own_key;
    same.other_own_keys.clone_from(&former.other_own_keys);
    former.own_keys() != saml.own_keys() && *before == ConnectorSettings { kind: Kind::Saml(same), ..after.clone() }
}

/// Has the keys there that a connector's settings name, and no others, and writes both. Its row is held: what is sealed is
/// read as it is now.
pub(super) async fn settle(
    place: (&Door, &Ctx),
    tx: &mut Tx,
    (before, after): (&Connector, &Connector),
) -> Result<(), Fault> {
    let (Some(former), Some(saml)) = (before.settings.kind.saml(), after.settings.kind.saml()) else { return Ok(()) };
    let Some(held) = connectors::find_by_id(tx, &after.id).await? else { return Ok(()) };
    let (door, _) = place;
    let mut connector = Connector { sealed: held.sealed, ..after.clone() };
    let clear = open_secret(door, &connector)?.unwrap_or_default();
    let corrupt = || Fault::corrupt("connectors", after.id.as_str(), "what is sealed there is no key");
    let mut keys = OwnKeys::parse(&clear).ok_or_else(corrupt)?;
    let wanted = saml.own_keys();
    let (missing, gone) = (keys.missing(&wanted), keys.keep(&wanted));
    if former.own_keys() == wanted && missing.is_empty() && gone.is_empty() {
        return Ok(());
    }
    for number in &missing {
        keys.put(*number, make(place).await?);
        note(tx, EventKind::ConnectorKeyChanged, after, &format!("key {number} was made"));
    }
    if former.own_key != saml.own_key {
        note(tx, EventKind::ConnectorKeyChanged, after, &format!("key {} signs from now on", saml.own_key));
    }
    for number in &gone {
        note(tx, EventKind::ConnectorKeyChanged, after, &format!("key {number} was forgotten"));
    }
    connector.sealed = Some(door.keys.seal(PURPOSE, keys.text().as_bytes(), &*door.dice)?);
    connectors::set_own_keys(tx, &connector.row()?).await
}

/// A key, made beside the threads that answer.
async fn make((door, ctx): (&Door, &Ctx)) -> Result<Zeroizing<String>, Fault> {
    let (name, now) = (door.settings.public.host().to_string(), ctx.now);
    let making = tokio::task::spawn_blocking(move || self_signed::make(&name, now));
    making.await.map_err(|error| Fault::new(FaultKind::Internal, "making a connector's key", error))?
}
