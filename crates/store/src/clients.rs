//! Clients of the OpenID Provider and their secrets, sealed. This crate never sees a secret open.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ClientId, ClientSecretId, RealmId};
use doorward_model::name::ClientName;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO clients (id, realm_id, name, app_id, settings, is_active, created_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (realm_id, name) DO NOTHING";
    UPDATE = "UPDATE clients SET app_id = $2, settings = $3, is_active = $4 WHERE id = $1";
    DELETE = "DELETE FROM clients WHERE id = $1";
    BY_NAME = "SELECT id, realm_id, name, app_id, settings, is_active FROM clients \
               WHERE realm_id = $1 AND name = $2";
    BY_ID = "SELECT id, realm_id, name, app_id, settings, is_active FROM clients WHERE id = $1";
    PAGE = "SELECT id, realm_id, name, app_id, settings, is_active FROM clients \
            WHERE realm_id = $1 AND name > $2 ORDER BY name LIMIT $3";
    SECRETS = "SELECT id, sealed, created_ms, expires_ms FROM client_secrets WHERE client_id = $1 \
               ORDER BY created_ms DESC, id";
    ADD_SECRET = "INSERT INTO client_secrets (id, client_id, sealed, created_ms, expires_ms) \
                  VALUES ($1, $2, $3, $4, NULL)";
    END_SECRETS = "UPDATE client_secrets SET expires_ms = $2 \
                   WHERE client_id = $1 AND (expires_ms IS NULL OR expires_ms > $2)";
    DROP_SECRETS = "DELETE FROM client_secrets WHERE client_id = $1";
    PRUNE_SECRETS = "DELETE FROM client_secrets WHERE expires_ms IS NOT NULL AND expires_ms < $1";
}

/// A client as stored; its settings are the engine's business.
#[derive(Debug, Clone)]
pub struct ClientRow {
    /// Its id.
    pub id: ClientId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its `client_id`.
    pub name: ClientName,
    /// The app it belongs to.
    pub app_id: Option<AppId>,
    /// Its settings, as JSON.
    pub settings: String,
    /// A disabled client can do nothing at all.
    pub is_active: bool,
}

/// A client's secret as stored.
#[derive(Debug)]
pub struct SealedSecret {
    /// Its id.
    pub id: ClientSecretId,
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good; `None` for the one in use.
    pub expires_at: Option<Timestamp>,
}

fn client(row: &Row) -> Result<ClientRow, Fault> {
    let app_id = row.maybe_text(3)?;
    Ok(ClientRow {
        id: row.parsed(0, "clients", ClientId::parse)?,
        realm_id: row.parsed(1, "clients", RealmId::parse)?,
        name: row.parsed(2, "clients", ClientName::parse)?,
        app_id: app_id
            .map(|text| AppId::parse(&text).map_err(|error| Fault::corrupt("clients", &text, error)))
            .transpose()?,
        settings: row.text(4)?,
        is_active: row.claim(5)?,
    })
}

/// Creates a client; `false` when the name is taken.
pub async fn create(tx: &mut Tx, client: &ClientRow, now: Timestamp) -> Result<bool, Fault> {
    let values = [
        Value::Text(client.id.as_str()),
        Value::Text(client.realm_id.as_str()),
        Value::Text(client.name.as_str()),
        Value::MaybeText(client.app_id.as_ref().map(AppId::as_str)),
        Value::Text(&client.settings),
        client.is_active.into(),
        now.into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// Writes a changed client.
pub async fn update(tx: &mut Tx, client: &ClientRow) -> Result<(), Fault> {
    let values = [
        Value::Text(client.id.as_str()),
        Value::MaybeText(client.app_id.as_ref().map(AppId::as_str)),
        Value::Text(&client.settings),
        client.is_active.into(),
    ];
    tx.run(UPDATE, &values).await.map(drop)
}

/// Deletes a client with everything issued to it.
pub async fn delete(tx: &mut Tx, id: &ClientId) -> Result<bool, Fault> {
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

/// The client of that name in a realm.
pub async fn find(query: &mut impl Query, realm: &RealmId, name: &ClientName) -> Result<Option<ClientRow>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(name.as_str())];
    query.first(BY_NAME, &values).await?.as_ref().map(client).transpose()
}

/// The client of that id.
pub async fn find_by_id(query: &mut impl Query, id: &ClientId) -> Result<Option<ClientRow>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.as_ref().map(client).transpose()
}

/// A realm's clients by name, the first `count` behind `after`.
pub async fn page(query: &mut impl Query, realm: &RealmId, after: &str, count: i64) -> Result<Vec<ClientRow>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(after), Value::Number(count)];
    query.all(PAGE, &values).await?.iter().map(client).collect()
}

/// A client's secrets, newest first, ended ones included until they are forgotten.
pub async fn secrets(query: &mut impl Query, id: &ClientId) -> Result<Vec<SealedSecret>, Fault> {
    let rows = query.all(SECRETS, &[Value::Text(id.as_str())]).await?;
    rows.iter()
        .map(|row| {
            Ok(SealedSecret {
                id: row.parsed(0, "client_secrets", ClientSecretId::parse)?,
                sealed: row.bytes(1)?,
                created_at: row.moment(2)?,
                expires_at: row.maybe_moment(3)?,
            })
        })
        .collect()
}

/// Gives a client a new secret; the others end at `others_until`.
pub async fn add_secret(
    tx: &mut Tx,
    client: &ClientId,
    (id, sealed): (&ClientSecretId, &[u8]),
    (now, others_until): (Timestamp, Timestamp),
) -> Result<(), Fault> {
    tx.run(END_SECRETS, &[Value::Text(client.as_str()), others_until.into()]).await?;
    let values = [Value::Text(id.as_str()), Value::Text(client.as_str()), Value::Bytes(sealed), now.into()];
    tx.run(ADD_SECRET, &values).await.map(drop)
}

/// Forgets all secrets of a client that proves itself in another way.
pub async fn drop_secrets(tx: &mut Tx, client: &ClientId) -> Result<u64, Fault> {
    tx.run(DROP_SECRETS, &[Value::Text(client.as_str())]).await
}

/// Forgets secrets that ended before.
pub async fn prune_secrets(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE_SECRETS, &[before.into()]).await
}
