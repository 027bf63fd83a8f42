//! Sign-in attempts under way.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, RealmId};
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO flows (hash, realm_id, app_id, back_url, binding, entrance, browser, client_address, expires_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UNDER_WAY = "SELECT COUNT(*) FROM flows WHERE client_address = $1 AND expires_ms > $2";
    FIND = "SELECT realm_id, app_id, back_url, binding, entrance, browser FROM flows \
            WHERE hash = $1 AND expires_ms > $2";
    CLOSE = "DELETE FROM flows WHERE hash = $1";
    PRUNE = "DELETE FROM flows WHERE expires_ms < $1";
}

/// One sign-in attempt.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The realm being signed in to.
    pub realm_id: RealmId,
    /// The app it is for, if it began at one.
    pub app_id: Option<AppId>,
    /// Where the browser goes afterwards (checked again then); empty for the launcher.
    pub back_url: String,
    /// Hash (hex) of the cookie on the app's host; empty for the launcher.
    pub binding: String,
    /// By which of the app host's own paths the browser came; it goes back by the same.
    pub entrance: String,
    /// Hash (hex) of the cookie of the browser that began it: a link alone opens nothing.
    pub browser: String,
}

/// Keeps a new flow; `false` when this client address has too many under way.
pub async fn create(
    tx: &mut Tx,
    hash: &TokenHash,
    flow: &Flow,
    client_address: &str,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<bool, Fault> {
    let under_way = tx.first(UNDER_WAY, &[Value::Text(client_address), now.into()]).await?;
    let count = under_way.map_or(Ok(0), |row| row.number(0))?;
    if count >= doorward_model::limits::FLOWS_PER_ADDRESS {
        return Ok(false);
    }
    let values = [
        Value::Bytes(hash.as_bytes()),
        Value::Text(flow.realm_id.as_str()),
        Value::MaybeText(flow.app_id.as_ref().map(|id| id.as_str())),
        Value::Text(&flow.back_url),
        Value::Text(&flow.binding),
        Value::Text(&flow.entrance),
        Value::Text(&flow.browser),
        Value::Text(client_address),
        expires_at.into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// The flow behind a cookie, while it lasts.
pub async fn find(query: &mut impl Query, hash: &TokenHash, now: Timestamp) -> Result<Option<Flow>, Fault> {
    let Some(row) = query.first(FIND, &[Value::Bytes(hash.as_bytes()), now.into()]).await? else { return Ok(None) };
    let app_id = row.maybe_text(1)?;
    let app_id =
        app_id.map(|text| AppId::parse(&text).map_err(|error| Fault::corrupt("flows", &text, error))).transpose()?;
    Ok(Some(Flow {
        realm_id: row.parsed(0, "flows", RealmId::parse)?,
        app_id,
        back_url: row.text(2)?,
        binding: row.text(3)?,
        entrance: row.text(4)?,
        browser: row.text(5)?,
    }))
}

/// Closes a flow: only one caller gets `true`.
pub async fn close(tx: &mut Tx, hash: &TokenHash) -> Result<bool, Fault> {
    Ok(tx.run(CLOSE, &[Value::Bytes(hash.as_bytes())]).await? == 1)
}

/// Forgets flows that were given up.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
