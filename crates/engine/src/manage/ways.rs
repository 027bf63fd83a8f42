//! Ways in by the names people use: which connector is meant, and who names one.

use crate::clients::Client;
use crate::federation::Connector;
use crate::manage::Refused;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, RealmId};
use doorward_model::limits::PAGE_ROWS;
use doorward_model::ways::{ACCOUNTS, WayIn, WayName, Ways};
use doorward_store::store::Query;
use doorward_store::{apps, clients, connectors};
use serde::Serialize;

/// What stands for a connector that is not there any more.
pub const REMOVED: &str = "(a connector that was removed)";

/// The ways of these names; the refusal says which connector is not there.
pub async fn find(query: &mut impl Query, realm: &RealmId, names: &[WayName]) -> Result<Result<Ways, Refused>, Fault> {
    let mut ways = Vec::with_capacity(names.len());
    for name in names {
        ways.push(match name {
            WayName::Accounts => WayIn::Account,
            WayName::Connector(name) => match connectors::find(query, realm, name).await? {
                Some(row) => WayIn::Connector(row.id),
                None => {
                    let list =
                        format!("list them with `doorward connector list`, or write {ACCOUNTS} for accounts kept here");
                    return Ok(Err(Refused::because(format!("there is no connector named {name}: {list}"))));
                }
            },
        });
    }
    Ok(Ok(Ways::only(ways)))
}

/// The names of ways, in order.
pub async fn names(query: &mut impl Query, ways: &Ways) -> Result<Vec<String>, Fault> {
    let mut names = Vec::with_capacity(ways.named().len());
    for way in ways.named() {
        names.push(match way {
            WayIn::Account => ACCOUNTS.to_owned(),
            WayIn::Connector(id) => name(query, id).await?,
        });
    }
    Ok(names)
}

/// The name of one connector.
pub async fn name(query: &mut impl Query, id: &ConnectorId) -> Result<String, Fault> {
    let row = connectors::find_by_id(query, id).await?;
    Ok(row.map_or_else(|| REMOVED.to_owned(), |row| row.name.to_string()))
}

/// What names a connector as a way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedBy {
    /// `app dagster` or `client grafana`.
    pub what: String,
    /// Whether no other way in is named there.
    pub is_only_way: bool,
}

/// Apps and clients that name a connector as a way in.
pub async fn named_by(query: &mut impl Query, connector: &Connector) -> Result<Vec<NamedBy>, Fault> {
    let way = WayIn::Connector(connector.id.clone());
    let told = |what: String, ways: &Ways| {
        let is_only_way = ways.named().len() == 1;
        ways.named().contains(&way).then_some(NamedBy { what, is_only_way })
    };
    let (all, _) = apps::all(query).await?;
    let of_realm = all.iter().filter(|app| app.realm_id == connector.realm_id);
    let mut named: Vec<NamedBy> =
        of_realm.filter_map(|app| told(format!("app {}", app.slug), &app.access.ways)).collect();
    let mut after = String::new();
    loop {
        let page = clients::page(query, &connector.realm_id, &after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(named) };
        after = last.name.to_string();
        for row in page {
            let client = Client::read(row)?;
            named.extend(told(format!("client {}", client.name), &client.settings.access.ways));
        }
    }
}
