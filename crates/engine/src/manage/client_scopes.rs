//! Scopes of a realm's own: what each brings, and which clients have it.

use crate::clients::mapper::{Mapper, RESERVED};
use crate::clients::{ClientScope, ScopeSettings};
use crate::door::Door;
use crate::manage::{Refused, wrong};
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientScopeId, RealmId};
use doorward_store::client_scopes;
use doorward_store::tx::Tx;

/// Creates a scope.
pub async fn create(
    door: &Door,
    tx: &mut Tx,
    realm: &RealmId,
    (name, settings): (String, ScopeSettings),
) -> Result<Result<ClientScope, Refused>, Fault> {
    let scope = ClientScope { id: ClientScopeId::draw(&*door.dice), realm_id: realm.clone(), name, settings };
    if let Err(refused) = check(&scope) {
        return Ok(Err(refused));
    }
    if let Some(wrong) = wrong::one_more_scope(client_scopes::of_realm(tx, realm).await?.len()) {
        return Ok(Err(Refused::because(format!("scope {}: {wrong}", scope.name))));
    }
    if !client_scopes::create(tx, &scope.row()?).await? {
        return Ok(Err(Refused::taken("scope", &scope.name)));
    }
    note(tx, EventKind::ClientScopeCreated, &scope);
    Ok(Ok(scope))
}

/// Writes what a scope brings.
pub async fn update(tx: &mut Tx, scope: &ClientScope) -> Result<Result<(), Refused>, Fault> {
    if let Err(refused) = check(scope) {
        return Ok(Err(refused));
    }
    client_scopes::update(tx, &scope.id, &scope.row()?.settings).await?;
    note(tx, EventKind::ClientScopeChanged, scope);
    Ok(Ok(()))
}

/// Deletes a scope. What was granted stays granted, and brings nothing any more.
pub async fn delete(tx: &mut Tx, scope: &ClientScope) -> Result<(), Fault> {
    client_scopes::delete(tx, &scope.id).await?;
    note(tx, EventKind::ClientScopeDeleted, scope);
    Ok(())
}

/// Refuses what no scope may be, whoever made it.
fn check(scope: &ClientScope) -> Result<(), Refused> {
    let first = wrong::scope(&scope.name, &scope.settings).into_iter().next();
    first.map_or(Ok(()), |wrong| Err(Refused::because(format!("scope {}: {wrong}", scope.name))))
}

/// A claim among those mapped that tokens are checked by; the empty text for a mapper that names none.
pub(crate) fn reserved(mappers: &[Mapper]) -> Option<&str> {
    mappers.iter().find_map(|mapper| match mapper {
        Mapper::Claim { path, .. } => match path.first() {
            None => Some(""),
            Some(first) => RESERVED.contains(&first.as_str()).then_some(first.as_str()),
        },
        Mapper::Audience(_) => None,
    })
}

fn note(tx: &mut Tx, kind: EventKind, scope: &ClientScope) {
    tx.changed(Change::Realm(scope.realm_id.clone()));
    let detail = format!("scope {}", scope.name);
    tx.record(Event::new(kind, Some(&scope.realm_id), scope.id.to_string(), detail));
}
