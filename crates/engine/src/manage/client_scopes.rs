//! Scopes of a realm's own: what each brings, and which clients have it.

use crate::clients::mapper::{Mapper, RESERVED};
use crate::clients::{ClientScope, ScopeSettings};
use crate::door::Door;
use crate::manage::Refused;
use crate::token::claims::KNOWN_SCOPES;
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientScopeId, RealmId};
use doorward_model::limits;
use doorward_model::name::is_unprintable;
use doorward_oauth::scope::Scopes;
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
    if client_scopes::of_realm(tx, realm).await?.len() >= limits::CLIENT_SCOPES {
        return Ok(Err(Refused::because(format!("a realm has at most {} scopes of its own", limits::CLIENT_SCOPES))));
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

fn check(scope: &ClientScope) -> Result<(), Refused> {
    let no = |what: String| Err(Refused::because(format!("scope {}: {what}", scope.name)));
    if KNOWN_SCOPES.contains(&scope.name.as_str()) {
        return no("Doorward has a scope of that name: choose another".to_owned());
    }
    if scope.name.len() > limits::SCOPE_NAME_BYTES
        || !Scopes::parse(&scope.name).is_ok_and(|one| one.iter().count() == 1)
    {
        return no(format!("a name has 1 to {} characters of RFC 6749 §3.3", limits::SCOPE_NAME_BYTES));
    }
    let text = &scope.settings.description;
    if text.chars().count() > limits::ROLE_DESCRIPTION_CHARACTERS || text.chars().any(is_unprintable) {
        return no(format!("a description has at most {} characters", limits::ROLE_DESCRIPTION_CHARACTERS));
    }
    if scope.settings.mappers.len() > limits::SCOPE_MAPPERS {
        return no(format!("a scope has at most {} mappers", limits::SCOPE_MAPPERS));
    }
    match reserved(&scope.settings.mappers) {
        Some(name) => no(format!("the claim {name} cannot be mapped: tokens are checked by it")),
        None => Ok(()),
    }
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
