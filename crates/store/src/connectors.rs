//! Outside identity providers, who of theirs is who here, and the sessions that began there. This crate never sees
//! a connector's secret open.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, RealmId, SessionId, UserId};
use doorward_model::name::ConnectorName;
use doorward_model::people::Source;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO connectors (id, realm_id, name, settings, is_active, created_ms) \
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (realm_id, name) DO NOTHING";
    SET_SETTINGS = "UPDATE connectors SET settings = $2, revision = revision + 1 WHERE id = $1";
    SET_OWN_KEYS = "UPDATE connectors SET settings = $2, sealed = $3 WHERE id = $1";
    SET_ACTIVE = "UPDATE connectors SET is_active = $2, revision = revision + 1 WHERE id = $1";
    SET_SECRET = "UPDATE connectors SET sealed = $2, revision = revision + 1 WHERE id = $1";
    DROP_SECRET = "UPDATE connectors SET sealed = NULL, revision = revision + 1 WHERE id = $1";
    DELETE = "DELETE FROM connectors WHERE id = $1";
    DELETE_MEMBERSHIPS = "DELETE FROM memberships WHERE source = $1";
    BY_NAME = "SELECT id, realm_id, name, settings, sealed, is_active, revision FROM connectors \
               WHERE realm_id = $1 AND name = $2";
    BY_ID = "SELECT id, realm_id, name, settings, sealed, is_active, revision FROM connectors WHERE id = $1";
    HOLD = "UPDATE connectors SET name = name WHERE id = $1 AND is_active = 1 AND revision = $2";
    HOLD_ANY = "UPDATE connectors SET name = name WHERE id = $1";
    OF_REALM = "SELECT id, realm_id, name, settings, sealed, is_active, revision FROM connectors \
                WHERE realm_id = $1 ORDER BY name";
    LINKED = "SELECT user_id FROM links WHERE connector_id = $1 AND issuer = $2 AND subject = $3";
    LINK = "INSERT INTO links (connector_id, issuer, subject, user_id, created_ms, seen_ms) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connector_id, issuer, subject) DO NOTHING";
    LINK_SEEN = "UPDATE links SET seen_ms = $4 WHERE connector_id = $1 AND issuer = $2 AND subject = $3";
    UNLINK = "DELETE FROM links WHERE connector_id = $1 AND issuer = $2 AND subject = $3";
    LINKS_OF_USER = "SELECT connector_id, issuer, subject, user_id, created_ms, seen_ms FROM links \
                     WHERE user_id = $1 ORDER BY created_ms";
    LINKS_OF = "SELECT u.name, l.issuer, l.subject, l.created_ms, l.seen_ms FROM links l JOIN users u ON u.id = l.user_id \
                WHERE l.connector_id = $1 AND u.name > $2 ORDER BY u.name, l.subject LIMIT $3";
    LINKS_COUNT = "SELECT COUNT(*) FROM links WHERE connector_id = $1";
    LINKS_COUNT_AT = "SELECT COUNT(*) FROM links WHERE connector_id = $1 AND issuer = $2";
    BEGUN_BY = "SELECT session_id FROM session_origins WHERE connector_id = $1 AND issuer = $2 AND subject = $3 \
                ORDER BY session_id";
    BEGUN_AT = "SELECT session_id FROM session_origins WHERE connector_id = $1 ORDER BY session_id";
    FORGET_GROUPS = "DELETE FROM memberships WHERE user_id = $1 AND source = $2";
    GROUPS_SAID = "SELECT group_id FROM memberships WHERE user_id = $1 AND source = $2";
}

/// A connector as stored; its settings are the engine's business.
#[derive(Debug, Clone)]
pub struct ConnectorRow {
    /// Its id.
    pub id: ConnectorId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its name in URLs.
    pub name: ConnectorName,
    /// Its settings, as JSON.
    pub settings: String,
    /// Its client secret, sealed, when it is kept here.
    pub sealed: Option<Vec<u8>>,
    /// Nobody comes in through a disabled one.
    pub is_active: bool,
    /// How often it was changed.
    pub revision: i64,
}

/// Somebody at an outside identity provider: nothing but issuer and subject tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outsider<'a> {
    /// The connector.
    pub connector: &'a ConnectorId,
    /// Who vouches for them.
    pub issuer: &'a str,
    /// What the issuer calls them, for ever.
    pub subject: &'a str,
}

/// Who somebody outside is here.
#[derive(Debug, Clone)]
pub struct Link {
    /// The connector.
    pub connector: ConnectorId,
    /// Who vouches for them.
    pub issuer: String,
    /// What the issuer calls them.
    pub subject: String,
    /// The user.
    pub user: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// When they last came.
    pub seen_at: Timestamp,
}

fn connector(row: &Row) -> Result<ConnectorRow, Fault> {
    Ok(ConnectorRow {
        id: row.parsed(0, "connectors", ConnectorId::parse)?,
        realm_id: row.parsed(1, "connectors", RealmId::parse)?,
        name: row.parsed(2, "connectors", ConnectorName::parse)?,
        settings: row.text(3)?,
        sealed: row.maybe_bytes(4)?,
        is_active: row.claim(5)?,
        revision: row.number(6)?,
    })
}

/// Creates a connector; `false` when the name is taken.
pub async fn create(tx: &mut Tx, row: &ConnectorRow, now: Timestamp) -> Result<bool, Fault> {
    let values = [
        Value::Text(row.id.as_str()),
        Value::Text(row.realm_id.as_str()),
        Value::Text(row.name.as_str()),
        Value::Text(&row.settings),
        row.is_active.into(),
        now.into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// Writes settings.
pub async fn set_settings(tx: &mut Tx, row: &ConnectorRow) -> Result<(), Fault> {
    tx.run(SET_SETTINGS, &[Value::Text(row.id.as_str()), Value::Text(&row.settings)]).await.map(drop)
}

/// Writes settings with other keys of our own: whoever is on the way is not in their way.
pub async fn set_own_keys(tx: &mut Tx, row: &ConnectorRow) -> Result<(), Fault> {
    let sealed = row.sealed.as_deref().unwrap_or_default();
    let values = [Value::Text(row.id.as_str()), Value::Text(&row.settings), Value::Bytes(sealed)];
    tx.run(SET_OWN_KEYS, &values).await.map(drop)
}

/// Writes whether it is active.
pub async fn set_active(tx: &mut Tx, id: &ConnectorId, is_active: bool) -> Result<(), Fault> {
    tx.run(SET_ACTIVE, &[Value::Text(id.as_str()), is_active.into()]).await.map(drop)
}

/// Keeps a sealed client secret.
pub async fn set_secret(tx: &mut Tx, id: &ConnectorId, sealed: &[u8]) -> Result<(), Fault> {
    tx.run(SET_SECRET, &[Value::Text(id.as_str()), Value::Bytes(sealed)]).await.map(drop)
}

/// Deletes a connector, its links, and every membership it said.
pub async fn delete(tx: &mut Tx, id: &ConnectorId) -> Result<bool, Fault> {
    forget_memberships(tx, id).await?;
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

/// Forgets a connector's sealed secret.
pub async fn drop_secret(tx: &mut Tx, id: &ConnectorId) -> Result<(), Fault> {
    tx.run(DROP_SECRET, &[Value::Text(id.as_str())]).await.map(drop)
}

/// Takes back every membership that a connector has said.
pub async fn forget_memberships(tx: &mut Tx, id: &ConnectorId) -> Result<(), Fault> {
    tx.run(DELETE_MEMBERSHIPS, &[Value::Text(Source::Connector(id.clone()).as_str())]).await.map(drop)
}

/// The connector of that name in a realm.
pub async fn find(
    query: &mut impl Query,
    realm: &RealmId,
    name: &ConnectorName,
) -> Result<Option<ConnectorRow>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(name.as_str())];
    query.first(BY_NAME, &values).await?.as_ref().map(connector).transpose()
}

/// The connector of that id.
pub async fn find_by_id(query: &mut impl Query, id: &ConnectorId) -> Result<Option<ConnectorRow>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.as_ref().map(connector).transpose()
}

/// Every connector of a realm, by name.
pub async fn of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<ConnectorRow>, Fault> {
    query.all(OF_REALM, &[Value::Text(realm.as_str())]).await?.iter().map(connector).collect()
}

/// Takes a connector's row until the end of the transaction; `false` when it is disabled, changed since that revision,
/// or gone.
pub async fn hold_active(tx: &mut Tx, id: &ConnectorId, revision: i64) -> Result<bool, Fault> {
    Ok(tx.run(HOLD, &[Value::Text(id.as_str()), Value::Number(revision)]).await? == 1)
}

/// Takes a connector's row until the end of the transaction, active or not: whoever signs in takes it too.
pub async fn hold(tx: &mut Tx, id: &ConnectorId) -> Result<(), Fault> {
    tx.run(HOLD_ANY, &[Value::Text(id.as_str())]).await.map(drop)
}

/// Who somebody outside is here.
pub async fn linked(query: &mut impl Query, who: Outsider<'_>) -> Result<Option<UserId>, Fault> {
    let row = query.first(LINKED, &place(&who)).await?;
    row.map(|row| row.parsed(0, "links", UserId::parse)).transpose()
}

/// Links somebody outside with a user; `false` when they are linked already.
pub async fn link(tx: &mut Tx, who: Outsider<'_>, user: &UserId, now: Timestamp) -> Result<bool, Fault> {
    link_at(tx, who, user, (now, now)).await
}

/// Says so of somebody who has not come yet: the link was seen never.
pub async fn link_unseen(tx: &mut Tx, who: Outsider<'_>, user: &UserId, now: Timestamp) -> Result<bool, Fault> {
    link_at(tx, who, user, (now, NEVER)).await
}

async fn link_at(
    tx: &mut Tx,
    who: Outsider<'_>,
    user: &UserId,
    (now, seen): (Timestamp, Timestamp),
) -> Result<bool, Fault> {
    let [connector, issuer, subject] = place(&who);
    Ok(tx.run(LINK, &[connector, issuer, subject, Value::Text(user.as_str()), now.into(), seen.into()]).await? == 1)
}

/// Notes that somebody linked came again; `false` when they are linked no more.
pub async fn seen(tx: &mut Tx, who: Outsider<'_>, now: Timestamp) -> Result<bool, Fault> {
    let [connector, issuer, subject] = place(&who);
    Ok(tx.run(LINK_SEEN, &[connector, issuer, subject, now.into()]).await? == 1)
}

/// Forgets who somebody outside is here.
pub async fn unlink(tx: &mut Tx, who: Outsider<'_>) -> Result<bool, Fault> {
    Ok(tx.run(UNLINK, &place(&who)).await? == 1)
}

/// Every link of a user.
pub async fn links(query: &mut impl Query, user: &UserId) -> Result<Vec<Link>, Fault> {
    let rows = query.all(LINKS_OF_USER, &[Value::Text(user.as_str())]).await?;
    let read = |row: &Row| {
        Ok(Link {
            connector: row.parsed(0, "links", ConnectorId::parse)?,
            issuer: row.text(1)?,
            subject: row.text(2)?,
            user: row.parsed(3, "links", UserId::parse)?,
            created_at: row.moment(4)?,
            seen_at: row.moment(5)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Somebody outside and the name of the user they are.
#[derive(Debug, Clone)]
pub struct Named {
    /// The user's name.
    pub user: String,
    /// Who vouches for them.
    pub issuer: String,
    /// What the issuer calls them.
    pub subject: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When they last came, if they ever did.
    pub seen_at: Option<Timestamp>,
}

/// When somebody came who never did.
const NEVER: Timestamp = Timestamp::from_millis(0);

/// A page of a connector's links by the names of users, those after `after`.
pub async fn links_of(query: &mut impl Query, id: &ConnectorId, after: &str, count: i64) -> Result<Vec<Named>, Fault> {
    let values = [Value::Text(id.as_str()), Value::Text(after), Value::Number(count)];
    let read = |row: &Row| {
        Ok(Named {
            user: row.text(0)?,
            issuer: row.text(1)?,
            subject: row.text(2)?,
            created_at: row.moment(3)?,
            seen_at: Some(row.moment(4)?).filter(|seen| *seen != NEVER),
        })
    };
    query.all(LINKS_OF, &values).await?.iter().map(read).collect()
}

/// How many people are linked through a connector by the word of this issuer.
pub async fn count_links_at(query: &mut impl Query, id: &ConnectorId, issuer: &str) -> Result<i64, Fault> {
    let values = [Value::Text(id.as_str()), Value::Text(issuer)];
    query.first(LINKS_COUNT_AT, &values).await?.map_or(Ok(0), |row| row.number(0))
}

/// How many people are linked through a connector.
pub async fn count_links(query: &mut impl Query, id: &ConnectorId) -> Result<i64, Fault> {
    query.first(LINKS_COUNT, &[Value::Text(id.as_str())]).await?.map_or(Ok(0), |row| row.number(0))
}

/// Every session that began at a connector.
pub async fn begun_at(query: &mut impl Query, id: &ConnectorId) -> Result<Vec<SessionId>, Fault> {
    let rows = query.all(BEGUN_AT, &[Value::Text(id.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "session_origins", SessionId::parse)).collect()
}

/// Every session somebody outside began.
pub async fn begun_by(query: &mut impl Query, who: Outsider<'_>) -> Result<Vec<SessionId>, Fault> {
    let rows = query.all(BEGUN_BY, &place(&who)).await?;
    rows.iter().map(|row| row.parsed(0, "session_origins", SessionId::parse)).collect()
}

/// The groups a source says a user is in.
pub async fn groups_said(query: &mut impl Query, user: &UserId, source: &Source) -> Result<Vec<String>, Fault> {
    let values = [Value::Text(user.as_str()), Value::Text(source.as_str())];
    query.all(GROUPS_SAID, &values).await?.iter().map(|row| row.text(0)).collect()
}

fn place<'a>(who: &Outsider<'a>) -> [Value<'a>; 3] {
    [Value::Text(who.connector.as_str()), Value::Text(who.issuer), Value::Text(who.subject)]
}

/// Takes back every membership of a user that a source has said; whether there was any.
pub async fn forget_groups(tx: &mut Tx, user: &UserId, source: &Source) -> Result<bool, Fault> {
    let values = [Value::Text(user.as_str()), Value::Text(source.as_str())];
    Ok(tx.run(FORGET_GROUPS, &values).await? > 0)
}
