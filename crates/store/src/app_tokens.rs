//! What tokens that open apps have in common, whoever they belong to: how one is kept, and how rows become tokens.

use crate::row::{Row, Value};
use crate::sql::Sql;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ConnectorId, RealmId, ServiceTokenId, UserId};
use doorward_model::name::TokenName;
use doorward_model::secret::TokenHash;
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;

/// Keeps a new token under its hash, and the apps it opens; `false` when its owner, a realm or a user, has one of that
/// name.
pub(crate) async fn keep(
    tx: &mut Tx,
    (create, allow_app): (Sql, Sql),
    (hash, owner): (&TokenHash, &str),
    token: &ServiceToken,
    now: Timestamp,
) -> Result<bool, Fault> {
    let mut values = vec![
        Value::Text(token.id.as_str()),
        Value::Bytes(hash.as_bytes()),
        Value::Text(owner),
        Value::Text(token.name.as_str()),
        now.into(),
        token.expires_at.into(),
    ];
    // Of a person it is known how they had come.
    if token.owner.is_some() {
        values.push(Value::MaybeText(token.came_by.as_ref().map(ConnectorId::as_str)));
    }
    if tx.run(create, &values).await? == 0 {
        return Ok(false);
    }
    for app in &token.apps {
        tx.run(allow_app, &[Value::Text(token.id.as_str()), Value::Text(app.as_str())]).await?;
    }
    Ok(true)
}

/// Whose a token is, and by which way they had come when they made it.
pub(crate) type Owner = (UserId, Option<ConnectorId>);

/// Tokens from rows of id, realm, name, end and one of the apps, those of one token side by side.
pub(crate) fn gather(
    rows: &[Row],
    table: &str,
    owner: impl Fn(&Row) -> Result<Option<Owner>, Fault>,
) -> Result<Vec<ServiceToken>, Fault> {
    let mut tokens: Vec<ServiceToken> = Vec::new();
    for row in rows {
        let id = row.parsed(0, table, ServiceTokenId::parse)?;
        let app = row.maybe_parsed(4, table, AppId::parse)?;
        match tokens.last_mut() {
            Some(token) if token.id == id => token.apps.extend(app),
            _ => {
                let (owner, came_by) = owner(row)?.map_or((None, None), |(owner, came_by)| (Some(owner), came_by));
                tokens.push(ServiceToken {
                    id,
                    realm_id: row.parsed(1, table, RealmId::parse)?,
                    name: row.parsed(2, table, TokenName::parse)?,
                    apps: app.into_iter().collect(),
                    expires_at: row.moment(3)?,
                    owner,
                    came_by,
                })
            }
        }
    }
    Ok(tokens)
}
