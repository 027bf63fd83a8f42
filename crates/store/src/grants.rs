//! Authorization codes, families of refresh tokens, revoked access tokens. Single use is decided by one
//! guarded statement. Locks are taken in one order, from the session to the family to its tokens, which is
//! the order a deletion takes them in.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, ConnectorId, FamilyId, RealmId, SessionId, UserId};
use doorward_model::secret::TokenHash;
use doorward_model::session::Session;
use doorward_model::time::Timestamp;

statements! {
    CREATE_CODE = "INSERT INTO codes (hash, client_id, session_id, family_id, facts, expires_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
    HOLD_SESSION = "UPDATE sessions SET idle_seconds = idle_seconds \
                    WHERE id = (SELECT session_id FROM codes WHERE hash = $1)";
    USE_CODE = "UPDATE codes SET used_ms = $2 \
                WHERE hash = $1 AND client_id = $3 AND used_ms IS NULL AND expires_ms > $2 \
                RETURNING session_id, family_id, facts";
    SPENT_CODE = "SELECT family_id FROM codes WHERE hash = $1 AND client_id = $2 AND used_ms IS NOT NULL";
    PRUNE_CODES = "DELETE FROM codes WHERE expires_ms < $1";
    CREATE_FAMILY = "INSERT INTO families (id, client_id, user_id, session_id, facts, created_ms, used_ms, \
                     expires_ms, begun_in, connector_id, through_id) \
                     VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)";
    FAMILY = "SELECT id, client_id, user_id, session_id, facts, created_ms, expires_ms, \
              COALESCE(through_id, connector_id) FROM families WHERE id = $1";
    HOLD_FAMILY = "UPDATE families SET used_ms = $2 \
                   WHERE id = (SELECT family_id FROM refresh_tokens WHERE hash = $1) AND client_id = $3 \
                   RETURNING id, client_id, user_id, session_id, facts, created_ms, expires_ms, \
                   COALESCE(through_id, connector_id)";
    SET_FACTS = "UPDATE families SET facts = $2 WHERE id = $1";
    END_FAMILY = "DELETE FROM families WHERE id = $1 RETURNING user_id";
    END_OFFLINE_OF_USER = "DELETE FROM families WHERE user_id = $1 AND session_id IS NULL";
    END_OFFLINE_BEGUN_IN = "DELETE FROM families WHERE begun_in = $1 AND session_id IS NULL";
    END_OFFLINE_BEGUN_AT = "DELETE FROM families WHERE user_id = $1 AND connector_id = $2 AND session_id IS NULL";
    END_OFFLINE_OF_CONNECTOR = "DELETE FROM families WHERE session_id IS NULL \
                                AND user_id IN (SELECT user_id FROM links WHERE connector_id = $1)";
    END_OFFLINE_THROUGH = "DELETE FROM families WHERE through_id = $1 AND session_id IS NULL";
    END_OF_USER_AND_CLIENT = "DELETE FROM families WHERE user_id = $1 AND client_id = $2";
    PRUNE_FAMILIES = "DELETE FROM families WHERE expires_ms < $1";
    CREATE_REFRESH = "INSERT INTO refresh_tokens (hash, family_id, expires_ms) VALUES ($1, $2, $3)";
    USE_REFRESH = "UPDATE refresh_tokens SET used_ms = $2, successor = $3 \
                   WHERE hash = $1 AND used_ms IS NULL AND expires_ms > $2";
    REFRESH = "SELECT expires_ms, used_ms, successor FROM refresh_tokens WHERE hash = $1";
    PRUNE_REFRESH = "DELETE FROM refresh_tokens WHERE expires_ms < $1";
    REVOKE_TOKEN = "INSERT INTO revoked_tokens (realm_id, token_id, expires_ms) VALUES ($1, $2, $3) \
                    ON CONFLICT (realm_id, token_id) DO NOTHING";
    IS_REVOKED = "SELECT 1 FROM revoked_tokens WHERE realm_id = $1 AND token_id = $2";
    PRUNE_REVOKED = "DELETE FROM revoked_tokens WHERE expires_ms < $1";
}

/// A code that has just been used up.
#[derive(Debug)]
pub struct UsedCode {
    /// The session it was issued in.
    pub session_id: SessionId,
    /// The family its tokens belong to.
    pub family_id: FamilyId,
    /// What was authorized, as JSON.
    pub facts: String,
}

/// A family of tokens: everything that came from one authorization.
#[derive(Debug, Clone)]
pub struct FamilyRow {
    /// Its id.
    pub id: FamilyId,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// Whom it speaks for.
    pub user_id: UserId,
    /// The session it ends with; `None` for an offline one.
    pub session_id: Option<SessionId>,
    /// What was authorized, as JSON.
    pub facts: String,
    /// When it began.
    pub created_at: Timestamp,
    /// The end of its life whatever happens.
    pub expires_at: Timestamp,
    /// By which way its person had come in; `None` for an account kept here.
    pub came_by: Option<ConnectorId>,
}

/// A refresh token's own row.
#[derive(Debug)]
pub struct RefreshRow {
    /// The end of its life.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// The token that took its place, sealed.
    pub successor: Option<Vec<u8>>,
}

fn family(row: &Row) -> Result<FamilyRow, Fault> {
    Ok(FamilyRow {
        id: row.parsed(0, "families", FamilyId::parse)?,
        client_id: row.parsed(1, "families", ClientId::parse)?,
        user_id: row.parsed(2, "families", UserId::parse)?,
        session_id: row.maybe_parsed(3, "families", SessionId::parse)?,
        facts: row.text(4)?,
        created_at: row.moment(5)?,
        expires_at: row.moment(6)?,
        came_by: row.maybe_parsed(7, "families", ConnectorId::parse)?,
    })
}

/// Keeps a new code under its hash.
pub async fn create_code(
    tx: &mut Tx,
    hash: &TokenHash,
    client: &ClientId,
    code: &UsedCode,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    let values = [
        Value::Bytes(hash.as_bytes()),
        Value::Text(client.as_str()),
        Value::Text(code.session_id.as_str()),
        Value::Text(code.family_id.as_str()),
        Value::Text(&code.facts),
        expires_at.into(),
    ];
    tx.run(CREATE_CODE, &values).await.map(drop)
}

/// Uses a code up, if it is this client's, good and unused. The session is held first.
pub async fn use_code(
    tx: &mut Tx,
    hash: &TokenHash,
    client: &ClientId,
    now: Timestamp,
) -> Result<Option<UsedCode>, Fault> {
    tx.hold(HOLD_SESSION, &[Value::Bytes(hash.as_bytes())]).await?;
    let values = [Value::Bytes(hash.as_bytes()), now.into(), Value::Text(client.as_str())];
    let Some(row) = tx.first(USE_CODE, &values).await? else { return Ok(None) };
    Ok(Some(UsedCode {
        session_id: row.parsed(0, "codes", SessionId::parse)?,
        family_id: row.parsed(1, "codes", FamilyId::parse)?,
        facts: row.text(2)?,
    }))
}

/// The family of a code of this client that was used before.
pub async fn spent_code(tx: &mut Tx, hash: &TokenHash, client: &ClientId) -> Result<Option<FamilyId>, Fault> {
    let row = tx.first(SPENT_CODE, &[Value::Bytes(hash.as_bytes()), Value::Text(client.as_str())]).await?;
    row.map(|row| row.parsed(0, "codes", FamilyId::parse)).transpose()
}

/// Begins a family, authorized in this session.
pub async fn create_family(tx: &mut Tx, family: &FamilyRow, begun_in: &Session) -> Result<(), Fault> {
    let values = [
        Value::Text(family.id.as_str()),
        Value::Text(family.client_id.as_str()),
        Value::Text(family.user_id.as_str()),
        Value::MaybeText(family.session_id.as_ref().map(SessionId::as_str)),
        Value::Text(&family.facts),
        family.created_at.into(),
        family.expires_at.into(),
        Value::Text(begun_in.id.as_str()),
        Value::MaybeText(begun_in.connector.as_ref().map(ConnectorId::as_str)),
        Value::MaybeText(begun_in.through.as_ref().map(ConnectorId::as_str)),
    ];
    tx.run(CREATE_FAMILY, &values).await.map(drop)
}

/// The family of that id, while it stands.
pub async fn find_family(query: &mut impl Query, id: &FamilyId) -> Result<Option<FamilyRow>, Fault> {
    query.first(FAMILY, &[Value::Text(id.as_str())]).await?.as_ref().map(family).transpose()
}

/// The family of a refresh token of this client, held until the transaction ends: two uses of one token,
/// or a use and a revocation, come one after the other.
pub async fn hold_family(
    tx: &mut Tx,
    refresh: &TokenHash,
    client: &ClientId,
    now: Timestamp,
) -> Result<Option<FamilyRow>, Fault> {
    let values = [Value::Bytes(refresh.as_bytes()), now.into(), Value::Text(client.as_str())];
    tx.first(HOLD_FAMILY, &values).await?.as_ref().map(family).transpose()
}

/// Writes down more of what was authorized.
pub async fn set_facts(tx: &mut Tx, id: &FamilyId, facts: &str) -> Result<(), Fault> {
    tx.run(SET_FACTS, &[Value::Text(id.as_str()), Value::Text(facts)]).await.map(drop)
}

/// Ends a family with all its tokens; tells whose it was.
pub async fn end_family(tx: &mut Tx, id: &FamilyId) -> Result<Option<UserId>, Fault> {
    let row = tx.first(END_FAMILY, &[Value::Text(id.as_str())]).await?;
    row.map(|row| row.parsed(0, "families", UserId::parse)).transpose()
}

/// Ends offline families that were authorized in a session; tells how many.
pub async fn end_offline_begun_in(tx: &mut Tx, session: &SessionId) -> Result<u64, Fault> {
    tx.run(END_OFFLINE_BEGUN_IN, &[Value::Text(session.as_str())]).await
}

/// Ends a user's offline families that were authorized in sessions of a connector; tells how many.
pub async fn end_offline_begun_at(tx: &mut Tx, user: &UserId, connector: &ConnectorId) -> Result<u64, Fault> {
    tx.run(END_OFFLINE_BEGUN_AT, &[Value::Text(user.as_str()), Value::Text(connector.as_str())]).await
}

/// Ends every offline family of everybody linked through a connector.
pub async fn end_offline_of_connector(tx: &mut Tx, connector: &ConnectorId) -> Result<u64, Fault> {
    tx.run(END_OFFLINE_OF_CONNECTOR, &[Value::Text(connector.as_str())]).await
}

/// Ends every offline family of people whom a connector proved, of whom another one says who they are.
pub async fn end_offline_through(tx: &mut Tx, connector: &ConnectorId) -> Result<u64, Fault> {
    tx.run(END_OFFLINE_THROUGH, &[Value::Text(connector.as_str())]).await
}

/// Ends a user's families that outlive sessions; tells how many.
pub async fn end_offline_of_user(tx: &mut Tx, user: &UserId) -> Result<u64, Fault> {
    tx.run(END_OFFLINE_OF_USER, &[Value::Text(user.as_str())]).await
}

/// Ends what a client holds for a user; tells how many families.
pub async fn end_of_user_and_client(tx: &mut Tx, user: &UserId, client: &ClientId) -> Result<u64, Fault> {
    tx.run(END_OF_USER_AND_CLIENT, &[Value::Text(user.as_str()), Value::Text(client.as_str())]).await
}

/// Keeps a new refresh token under its hash.
pub async fn create_refresh(
    tx: &mut Tx,
    hash: &TokenHash,
    family: &FamilyId,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    let values = [Value::Bytes(hash.as_bytes()), Value::Text(family.as_str()), expires_at.into()];
    tx.run(CREATE_REFRESH, &values).await.map(drop)
}

/// Uses a refresh token up in favour of its sealed successor; `false` when it was used or is over.
pub async fn use_refresh(tx: &mut Tx, hash: &TokenHash, successor: &[u8], now: Timestamp) -> Result<bool, Fault> {
    let values = [Value::Bytes(hash.as_bytes()), now.into(), Value::Bytes(successor)];
    Ok(tx.run(USE_REFRESH, &values).await? == 1)
}

/// A refresh token's own row.
pub async fn find_refresh(query: &mut impl Query, hash: &TokenHash) -> Result<Option<RefreshRow>, Fault> {
    let Some(row) = query.first(REFRESH, &[Value::Bytes(hash.as_bytes())]).await? else { return Ok(None) };
    Ok(Some(RefreshRow { expires_at: row.moment(0)?, used_at: row.maybe_moment(1)?, successor: row.maybe_bytes(2)? }))
}

/// Revokes one access token until it would be over anyway.
pub async fn revoke_token(tx: &mut Tx, realm: &RealmId, token: &str, until: Timestamp) -> Result<(), Fault> {
    tx.run(REVOKE_TOKEN, &[Value::Text(realm.as_str()), Value::Text(token), until.into()]).await.map(drop)
}

/// Whether an access token was revoked.
pub async fn is_revoked(query: &mut impl Query, realm: &RealmId, token: &str) -> Result<bool, Fault> {
    let row = query.first(IS_REVOKED, &[Value::Text(realm.as_str()), Value::Text(token)]).await?;
    Ok(row.is_some())
}

/// Forgets codes that ended before `codes_before`, and what else ended before `now`.
pub async fn prune(tx: &mut Tx, now: Timestamp, codes_before: Timestamp) -> Result<(), Fault> {
    tx.run(PRUNE_CODES, &[codes_before.into()]).await?;
    tx.run(PRUNE_FAMILIES, &[now.into()]).await?;
    tx.run(PRUNE_REFRESH, &[now.into()]).await?;
    tx.run(PRUNE_REVOKED, &[now.into()]).await.map(drop)
}
