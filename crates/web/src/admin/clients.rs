//! `/admin/realms/{realm}/clients`.

use crate::admin::client_words::{BETWEEN, EVERYONE, GROUPS, apply, attribute, new_settings, representation};
use crate::admin::{Body, Call, Failure, Outcome, Window, done, holders, made, told};
use crate::limits;
use doorward_engine::administration::{Right, may_change_client};
use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::manage;
use doorward_engine::manage::look::{Query, clients, groups};
use doorward_model::id::ClientId;
use doorward_model::limits::PAGE_ROWS;
use doorward_model::name::{ClientName, GroupName};
use doorward_model::people::Holder;
use doorward_model::secret::ClientSecretText;
use serde_json::{Value, json};

const MISSING: Failure = Failure::Missing("Could not find client");

/// The client that a part of the path names; of this realm only.
pub async fn named(call: &Call, part: &str) -> Result<Client, Failure> {
    let id = ClientId::parse(call.part(part)).map_err(|_| MISSING)?;
    let found = clients::find_by_id(&mut &call.door().store, &id).await?;
    let row = found.filter(|row| row.realm_id == call.realm.id).ok_or(MISSING)?;
    Ok(Client::read(row)?)
}

/// Clients as far as the caller may see them.
async fn shown(call: &Call, clients: &[Client]) -> Result<Value, Failure> {
    let mut all = Vec::with_capacity(clients.len());
    for client in clients {
        all.push(match call.rights.has(Right::ViewClients) {
            true => whole(call, client).await?,
            false => json!({"id": client.id, "clientId": client.name, "name": client.settings.title}),
        });
    }
    Ok(Value::Array(all))
}

async fn whole(call: &Call, client: &Client) -> Result<Value, Failure> {
    let mut names = Vec::new();
    for id in &client.settings.access.groups {
        // A group that is gone lets nobody in.
        let group = groups::find_by_id(&mut &call.door().store, id).await?;
        names.extend(group.map(|group| group.name.to_string()));
    }
    Ok(representation(client, &names))
}

/// Takes over which groups may enter; what is not said stays.
async fn let_in(call: &Call, body: &Body, client: &mut ClientSettings) -> Result<(), Failure> {
    let Some(names) = attribute(body, GROUPS)? else { return Ok(()) };
    let mut ids = Vec::new();
    for name in names.split(BETWEEN).filter(|name| !name.is_empty()) {
        let found = match GroupName::parse(name) {
            Ok(parsed) => groups::find(&mut &call.door().store, &call.realm.id, &parsed).await?,
            Err(_) => None,
        };
        let missing = || Failure::bad(format!("attributes.{GROUPS}: there is no group {}", name.escape_debug()));
        ids.push(found.ok_or_else(missing)?.id);
    }
    client.access.groups = ids;
    Ok(())
}

/// `GET`: by `clientId`, or all of them by name.
pub async fn list(call: Call) -> Outcome {
    call.cannot(&["q"])?;
    let window = Window::of(&call, limits::ADMIN_ROWS)?;
    let (wanted, mut query) = (call.query.text("clientId"), &call.door().store);
    if !wanted.is_empty() && !call.is_set("search") {
        let found = match ClientName::parse(wanted) {
            Ok(name) => clients::find(&mut query, &call.realm.id, &name).await?,
            Err(_) => None,
        };
        let found: Vec<Client> = found.map(Client::read).transpose()?.into_iter().collect();
        let found: Vec<Client> = window.cut(found).collect();
        return Ok(told(&shown(&call, &found).await?));
    }
    let part = wanted.to_lowercase();
    let (mut after, mut found) = (String::new(), Vec::new());
    while i64::try_from(found.len()).unwrap_or(i64::MAX) < window.end() {
        let page = clients::page(&mut query, &call.realm.id, &after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { break };
        after = last.name.to_string();
        found.extend(page.into_iter().filter(|row| row.name.as_str().to_lowercase().contains(&part)));
    }
    let all: Result<Vec<Client>, _> = window.cut(found).map(Client::read).collect();
    Ok(told(&shown(&call, &all?).await?))
}

/// `GET` of one.
pub async fn show(call: Call) -> Outcome {
    Ok(told(&whole(&call, &named(&call, "client").await?).await?))
}

/// Refuses to touch a client that may do what the caller may not, or by which the realm is administered.
async fn may_touch(call: &Call, query: &mut impl Query, client: &Client) -> Result<(), Failure> {
    may_change(call, client)?;
    call.may_touch(query, &Holder::Client(client.id.clone())).await
}

fn may_change(call: &Call, client: &Client) -> Result<(), Failure> {
    may_change_client(call.rights, client).map_err(|refused| Failure::Forbidden(Some(refused.to_string())))
}

/// `POST`: a new client. A confidential one has a secret from the start; it is read from `client-secret`.
pub async fn create(call: Call) -> Outcome {
    let body = call.body()?;
    let name = ClientName::parse(body.needed("clientId")?).map_err(|bad| Failure::bad(bad.to_string()))?;
    let (mut settings, enabled) = (new_settings(&body)?, body.flag("enabled")?.unwrap_or(true));
    let_in(&call, &body, &mut settings).await?;
    let words = format!("Client {name} already exists");
    let mut tx = call.door().begin().await?;
    let (given, brought) = ((&call.realm.id, (name, None, settings)), brought(&body)?);
    let new = manage::clients::create_with(call.door(), &call.ctx, &mut tx, given, brought.as_ref()).await?;
    let (client, _) = new.map_err(|refused| Failure::of_new(&refused, words))?;
    may_change(&call, &client)?;
    if !enabled {
        manage::clients::update(&mut tx, &Client { is_active: false, ..client.clone() }).await??;
    }
    call.commit(tx).await?;
    Ok(made(&call.web, &format!("/admin/realms/{}/clients/{}", call.realm.name, client.id)))
}

/// `PUT`: what is sent is changed, the rest stays.
pub async fn update(call: Call) -> Outcome {
    let (body, client) = (call.body()?, named(&call, "client").await?);
    if body.text("clientId")?.is_some_and(|name| name != client.name.as_str()) {
        return Err(Failure::bad("a client cannot be renamed: leave clientId out, or as it is"));
    }
    let mut changed = client.clone();
    apply(&body, &mut changed.settings)?;
    let_in(&call, &body, &mut changed.settings).await?;
    if client.app_id.is_some() && changed.settings.access != client.settings.access {
        return Err(Failure::bad(format!(
            "the app this client belongs to says who may enter: leave {EVERYONE} and {GROUPS} out"
        )));
    }
    changed.is_active = body.flag("enabled")?.unwrap_or(client.is_active);
    let mut tx = call.door().begin().await?;
    may_touch(&call, &mut tx, &client).await?;
    may_change(&call, &changed)?;
    manage::clients::update(&mut tx, &changed).await??;
    if let Some(brought) = brought(&body)? {
        manage::clients::bring_secret(call.door(), &call.ctx, &mut tx, &changed, (&brought, 0)).await??;
    }
    call.commit(tx).await?;
    Ok(done())
}

/// A secret the client has had elsewhere. Keycloak's own exports have asterisks in its place, which say nothing.
fn brought(body: &Body) -> Result<Option<ClientSecretText>, Failure> {
    let said = body.text("secret")?.filter(|text| !text.is_empty() && !text.bytes().all(|byte| byte == b'*'));
    said.map(ClientSecretText::parse).transpose().map_err(|bad| Failure::bad(bad.to_string()))
}

/// `DELETE`.
pub async fn delete(call: Call) -> Outcome {
    let client = named(&call, "client").await?;
    let mut tx = call.door().begin().await?;
    may_touch(&call, &mut tx, &client).await?;
    manage::clients::delete(&mut tx, &client).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `GET client-secret`: the secret in use. It is recorded that it was shown.
pub async fn secret(call: Call) -> Outcome {
    let client = named(&call, "client").await?;
    let mut tx = call.door().begin().await?;
    may_touch(&call, &mut tx, &client).await?;
    let secret = manage::clients::show_secret(call.door(), &mut tx, &client).await?;
    let Some(secret) = secret else { return Ok(told(&json!({"type": "secret"}))) };
    call.commit(tx).await?;
    Ok(told(&json!({"type": "secret", "value": secret.reveal()})))
}

/// `POST client-secret`: a new secret; the one before ends at once.
pub async fn new_secret(call: Call) -> Outcome {
    let client = named(&call, "client").await?;
    let mut tx = call.door().begin().await?;
    may_touch(&call, &mut tx, &client).await?;
    let secret = manage::clients::rotate_secret(call.door(), &call.ctx, &mut tx, &client, 0).await??;
    call.commit(tx).await?;
    Ok(told(&json!({"type": "secret", "value": secret.reveal()})))
}

/// `GET service-account-user`: what its roles are given to.
pub async fn service_account(call: Call) -> Outcome {
    let client = named(&call, "client").await?;
    if !client.may(GrantType::ClientCredentials) {
        return Err(Failure::bad(format!("Service account not enabled for the client '{}'", client.name)));
    }
    Ok(told(&holders::service_account(&client)))
}
