//! Clients that register themselves: the tokens that let them, and the tokens by which they change
//! themselves later. A use of a token is one guarded statement.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, RealmId, RegistrationTokenId};
use doorward_model::name::TokenName;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;

statements! {
    CREATE_TOKEN = "INSERT INTO registration_tokens (id, hash, realm_id, name, policy, uses_left, created_ms, expires_ms) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (realm_id, name) DO NOTHING";
    USE_TOKEN = "UPDATE registration_tokens SET uses_left = uses_left - 1 \
                 WHERE hash = $1 AND realm_id = $2 AND uses_left > 0 AND expires_ms > $3 \
                 RETURNING id, realm_id, name, policy, uses_left, expires_ms";
    TOKENS = "SELECT id, realm_id, name, policy, uses_left, expires_ms FROM registration_tokens \
              WHERE realm_id = $1 ORDER BY name LIMIT $2";
    DELETE_TOKEN = "DELETE FROM registration_tokens WHERE realm_id = $1 AND name = $2 RETURNING id";
    PRUNE_TOKENS = "DELETE FROM registration_tokens WHERE expires_ms < $1";
    CREATE = "INSERT INTO registrations (client_id, hash, policy, created_ms) VALUES ($1, $2, $3, $4)";
    FIND = "SELECT hash, policy, created_ms FROM registrations WHERE client_id = $1";
}

/// A token that lets programs register clients.
#[derive(Debug)]
pub struct RegistrationToken {
    /// Its id.
    pub id: RegistrationTokenId,
    /// Where clients are registered with it.
    pub realm_id: RealmId,
    /// Its name.
    pub name: TokenName,
    /// What clients may be like, as JSON.
    pub policy: String,
    /// How many may still register.
    pub uses_left: i64,
    /// The end of its life.
    pub expires_at: Timestamp,
}

/// What is kept of a client that registered itself.
pub struct Registration {
    /// The token by which it reads and changes itself.
    pub hash: TokenHash,
    /// What it may be like, as JSON.
    pub policy: String,
    /// When it registered.
    pub created_at: Timestamp,
}

fn token(row: &Row) -> Result<RegistrationToken, Fault> {
    Ok(RegistrationToken {
        id: row.parsed(0, "registration_tokens", RegistrationTokenId::parse)?,
        realm_id: row.parsed(1, "registration_tokens", RealmId::parse)?,
        name: row.parsed(2, "registration_tokens", TokenName::parse)?,
        policy: row.text(3)?,
        uses_left: row.number(4)?,
        expires_at: row.moment(5)?,
    })
}

/// Keeps a new token under its hash; `false` when the name is taken.
pub async fn create_token(
    tx: &mut Tx,
    hash: &TokenHash,
    token: &RegistrationToken,
    now: Timestamp,
) -> Result<bool, Fault> {
    let values = [
        Value::Text(token.id.as_str()),
        Value::Bytes(hash.as_bytes()),
        Value::Text(token.realm_id.as_str()),
        Value::Text(token.name.as_str()),
        Value::Text(&token.policy),
        Value::Number(token.uses_left),
        now.into(),
        token.expires_at.into(),
    ];
    Ok(tx.run(CREATE_TOKEN, &values).await? == 1)
}

/// Uses a token of this realm once, if it is good and has a use left.
pub async fn use_token(
    tx: &mut Tx,
    hash: &TokenHash,
    realm: &RealmId,
    now: Timestamp,
) -> Result<Option<RegistrationToken>, Fault> {
    let values = [Value::Bytes(hash.as_bytes()), Value::Text(realm.as_str()), now.into()];
    tx.first(USE_TOKEN, &values).await?.as_ref().map(token).transpose()
}

/// A realm's tokens by name.
pub async fn tokens(query: &mut impl Query, realm: &RealmId, count: i64) -> Result<Vec<RegistrationToken>, Fault> {
    let rows = query.all(TOKENS, &[Value::Text(realm.as_str()), Value::Number(count)]).await?;
    rows.iter().map(token).collect()
}

/// Takes a token away by name.
pub async fn delete_token(
    tx: &mut Tx,
    realm: &RealmId,
    name: &TokenName,
) -> Result<Option<RegistrationTokenId>, Fault> {
    let row = tx.first(DELETE_TOKEN, &[Value::Text(realm.as_str()), Value::Text(name.as_str())]).await?;
    row.map(|row| row.parsed(0, "registration_tokens", RegistrationTokenId::parse)).transpose()
}

/// Forgets tokens that ended before.
pub async fn prune_tokens(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE_TOKENS, &[before.into()]).await
}

/// Keeps by which token a client changes itself.
pub async fn create(tx: &mut Tx, client: &ClientId, kept: &Registration) -> Result<(), Fault> {
    let values = [
        Value::Text(client.as_str()),
        Value::Bytes(kept.hash.as_bytes()),
        Value::Text(&kept.policy),
        kept.created_at.into(),
    ];
    tx.run(CREATE, &values).await.map(drop)
}

/// What is kept of a client, if it registered itself.
pub async fn find(query: &mut impl Query, client: &ClientId) -> Result<Option<Registration>, Fault> {
    let Some(row) = query.first(FIND, &[Value::Text(client.as_str())]).await? else { return Ok(None) };
    let bytes = row.bytes(0)?;
    let hash = TokenHash::from_stored(&bytes)
        .ok_or_else(|| Fault::corrupt("registrations", client.as_str(), "the hash has not 32 bytes"))?;
    Ok(Some(Registration { hash, policy: row.text(1)?, created_at: row.moment(2)? }))
}
