//! Tickets of Kerberos count once, wherever they would count: two connectors with the same keys take the same ones.

use crate::door::Door;
use crate::federation::settings::KerberosSettings;
use crate::federation::{Connector, Once};
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;
use doorward_store::{connectors, realms};

/// What counts once of a showing that its own connector would take until then: the same at every connector for the same
/// service, of whatever realm, always in one order.
pub async fn once(
    door: &Door,
    settings: &KerberosSettings,
    (mark, until): (&str, Timestamp),
) -> Result<Vec<Once>, Fault> {
    let own = i64::from(settings.clock_tolerance_seconds);
    let mut all = Vec::new();
    for realm in realms::list(&mut &door.store, i64::MAX).await? {
        for row in connectors::of_realm(&mut &door.store, &realm.id).await? {
            let connector = Connector::read(row)?;
            let Some(other) = connector.settings.kind.kerberos() else { continue };
            if other.service != settings.service || other.realm != settings.realm {
                continue;
            }
            // For as long as any node would take it there, however far its clock is behind.
            let tolerance = i64::from(other.clock_tolerance_seconds);
            let until = until.plus_seconds(tolerance.max(own) - own + tolerance.max(own));
            let (kind, id) = ("kerberos ticket".to_owned(), mark.to_owned());
            all.push(Once { kind, id, until, at: Some(connector.id) });
        }
    }
    all.sort_by(|one, other| one.at.cmp(&other.at));
    Ok(all)
}
