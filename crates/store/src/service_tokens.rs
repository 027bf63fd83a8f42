//! Service tokens of machines, scoped to apps.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, RealmId, ServiceTokenId};
use doorward_model::name::TokenName;
use doorward_model::secret::TokenHash;
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO service_tokens (id, hash, realm_id, name, created_ms, expires_ms) \
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (realm_id, name) DO NOTHING";
    ALLOW_APP = "INSERT INTO service_token_apps (token_id, app_id) VALUES ($1, $2) \
                 ON CONFLICT (token_id, app_id) DO NOTHING";
    BY_HASH = "SELECT t.id, t.realm_id, t.name, t.expires_ms, a.app_id FROM service_tokens t \
               LEFT JOIN service_token_apps a ON a.token_id = t.id WHERE t.hash = $1";
    OF_REALM = "SELECT t.id, t.realm_id, t.name, t.expires_ms, a.app_id FROM service_tokens t \
                LEFT JOIN service_token_apps a ON a.token_id = t.id WHERE t.realm_id = $1 \
                ORDER BY t.name, a.app_id LIMIT $2";
    DELETE = "DELETE FROM service_tokens WHERE realm_id = $1 AND name = $2 RETURNING id";
    PRUNE = "DELETE FROM service_tokens WHERE expires_ms < $1";
}

fn gather(rows: &[Row]) -> Result<Vec<ServiceToken>, Fault> {
    let mut tokens: Vec<ServiceToken> = Vec::new();
    for row in rows {
        let id = row.parsed(0, "service_tokens", ServiceTokenId::parse)?;
        let app = row.maybe_text(4)?;
        let app = app
            .map(|text| AppId::parse(&text).map_err(|error| Fault::corrupt("service_token_apps", &text, error)))
            .transpose()?;
        match tokens.last_mut() {
            Some(token) if token.id == id => token.apps.extend(app),
            _ => tokens.push(ServiceToken {
                id,
                realm_id: row.parsed(1, "service_tokens", RealmId::parse)?,
                name: row.parsed(2, "service_tokens", TokenName::parse)?,
                apps: app.into_iter().collect(),
                expires_at: row.moment(3)?,
                owner: None,
            }),
        }
    }
    Ok(tokens)
}

/// Keeps a new token under its hash; `false` when the name is taken.
pub async fn create(tx: &mut Tx, hash: &TokenHash, token: &ServiceToken, now: Timestamp) -> Result<bool, Fault> {
    let values = [
        Value::Text(token.id.as_str()),
        Value::Bytes(hash.as_bytes()),
        Value::Text(token.realm_id.as_str()),
        Value::Text(token.name.as_str()),
        now.into(),
        token.expires_at.into(),
    ];
    if tx.run(CREATE, &values).await? == 0 {
        return Ok(false);
    }
    for app in &token.apps {
        tx.run(ALLOW_APP, &[Value::Text(token.id.as_str()), Value::Text(app.as_str())]).await?;
    }
    Ok(true)
}

/// The token behind a bearer credential.
pub async fn find(query: &mut impl Query, hash: &TokenHash) -> Result<Option<ServiceToken>, Fault> {
    let rows = query.all(BY_HASH, &[Value::Bytes(hash.as_bytes())]).await?;
    Ok(gather(&rows)?.into_iter().next())
}

/// A realm's tokens by name.
pub async fn list(query: &mut impl Query, realm: &RealmId, count: i64) -> Result<Vec<ServiceToken>, Fault> {
    gather(&query.all(OF_REALM, &[Value::Text(realm.as_str()), Value::Number(count)]).await?)
}

/// Revokes a token by name.
pub async fn delete(tx: &mut Tx, realm: &RealmId, name: &TokenName) -> Result<Option<ServiceTokenId>, Fault> {
    let row = tx.first(DELETE, &[Value::Text(realm.as_str()), Value::Text(name.as_str())]).await?;
    row.map(|row| row.parsed(0, "service_tokens", ServiceTokenId::parse)).transpose()
}

/// Forgets tokens that ended before.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}
