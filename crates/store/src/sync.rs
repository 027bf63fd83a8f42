//! Many people of a provider at once: what is known of them, and writing what is new.

use crate::limits::{A_FEW, AT_ONCE};
use crate::row::{Row, Value};
use crate::sql::{Rows, Sql, statements, with_rows};
use crate::store::Query;
use crate::tx::Tx;
use crate::users::user;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, GroupId, RealmId, UserId};
use doorward_model::name::EmailAddress;
use doorward_model::people::{Source, User};
use doorward_model::time::Timestamp;

statements! {
    LINKED = with_rows!("SELECT l.subject, COALESCE(l.away_ms, 0), u.id, u.realm_id, u.name, u.email, u.display, u.is_active, u.created_ms \
                         FROM links l JOIN users u ON u.id = l.user_id \
                         WHERE l.connector_id = $1 AND l.issuer = $2 AND l.subject IN ",
                        Rows { first: 3, count: 1, columns: AT_ONCE }, "");
    NAMES = with_rows!("SELECT name FROM users WHERE realm_id = $1 AND name IN ",
                       Rows { first: 2, count: 1, columns: AT_ONCE }, "");
    ADDRESSES = with_rows!("SELECT email FROM users WHERE realm_id = $1 AND email IN ",
                           Rows { first: 2, count: 1, columns: AT_ONCE }, "");
    SAID = with_rows!("SELECT user_id, group_id FROM memberships WHERE source = $1 AND user_id IN ",
                      Rows { first: 2, count: 1, columns: AT_ONCE }, "");
    SUBJECTS_IN = "SELECT DISTINCT l.subject FROM memberships m JOIN links l ON l.user_id = m.user_id \
                   WHERE m.group_id = $1 AND m.source = $2 AND l.connector_id = $3 AND l.issuer = $4 AND l.away_ms IS NULL \
                   AND l.subject > $5 ORDER BY l.subject LIMIT $6";
    ADD_USERS = with_rows!("INSERT INTO users (id, realm_id, name, email, display, is_active, created_ms, profile) VALUES ",
                           Rows { first: 1, count: AT_ONCE, columns: 8 }, "");
    ADD_SOME_USERS = with_rows!("INSERT INTO users (id, realm_id, name, email, display, is_active, created_ms, profile) VALUES ",
                                Rows { first: 1, count: A_FEW, columns: 8 }, "");
    ADD_USER = "INSERT INTO users (id, realm_id, name, email, display, is_active, created_ms, profile) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    ADD_LINKS = with_rows!("INSERT INTO links (connector_id, issuer, subject, user_id, created_ms, seen_ms) VALUES ",
                           Rows { first: 1, count: AT_ONCE, columns: 6 }, "");
    ADD_SOME_LINKS = with_rows!("INSERT INTO links (connector_id, issuer, subject, user_id, created_ms, seen_ms) VALUES ",
                                Rows { first: 1, count: A_FEW, columns: 6 }, "");
    ADD_LINK = "INSERT INTO links (connector_id, issuer, subject, user_id, created_ms, seen_ms) \
                VALUES ($1, $2, $3, $4, $5, $6)";
    ADD_MEMBERS = with_rows!("INSERT INTO memberships (group_id, user_id, source) VALUES ",
                             Rows { first: 1, count: AT_ONCE, columns: 3 },
                             " ON CONFLICT (group_id, user_id, source) DO NOTHING");
    ADD_SOME_MEMBERS = with_rows!("INSERT INTO memberships (group_id, user_id, source) VALUES ",
                                  Rows { first: 1, count: A_FEW, columns: 3 },
                                  " ON CONFLICT (group_id, user_id, source) DO NOTHING");
    ADD_MEMBER = "INSERT INTO memberships (group_id, user_id, source) VALUES ($1, $2, $3) \
                  ON CONFLICT (group_id, user_id, source) DO NOTHING";
    BEGIN_MEMBERS = with_rows!("INSERT INTO memberships (group_id, user_id, source) VALUES ",
                             Rows { first: 1, count: AT_ONCE, columns: 3 }, "");
    BEGIN_SOME_MEMBERS = with_rows!("INSERT INTO memberships (group_id, user_id, source) VALUES ",
                                  Rows { first: 1, count: A_FEW, columns: 3 }, "");
    BEGIN_MEMBER = "INSERT INTO memberships (group_id, user_id, source) VALUES ($1, $2, $3)";
    HERE = "SELECT subject, user_id FROM links WHERE connector_id = $1 AND issuer = $2 AND subject > $3 AND away_ms IS NULL \
            AND seen_ms < $5 ORDER BY subject LIMIT $4";
    COUNT_HERE = "SELECT COUNT(*) FROM links WHERE connector_id = $1 AND away_ms IS NULL";
    SET_AWAY = "UPDATE links SET away_ms = $4, away_shut = 0 WHERE connector_id = $1 AND issuer = $2 AND subject = $3 \
                AND away_ms IS NULL AND seen_ms < $5";
    SET_SHUT = "UPDATE links SET away_shut = 1 WHERE connector_id = $1 AND issuer = $2 AND subject = $3 \
                AND away_ms IS NOT NULL";
    COME_BACK_SHUT = "UPDATE links SET away_ms = NULL, away_shut = 0 WHERE connector_id = $1 AND issuer = $2 AND subject = $3 \
                      AND away_shut = 1";
    COME_BACK = "UPDATE links SET away_ms = NULL WHERE connector_id = $1 AND issuer = $2 AND subject = $3 \
                 AND away_ms IS NOT NULL";
    SHUT_OF_REALM = "SELECT DISTINCT l.user_id FROM links l JOIN users u ON u.id = l.user_id \
                     WHERE u.realm_id = $1 AND l.away_shut = 1";
    VOUCHING = "SELECT COUNT(*) FROM links WHERE user_id = $1 AND away_ms IS NULL";
    FORGET_SHUT = "UPDATE links SET away_shut = 0 WHERE user_id = $1 AND away_shut = 1";
}

/// A place at a provider whose people are read: the connector, and who vouches.
pub type Place<'a> = (&'a ConnectorId, &'a str);

/// Somebody who is linked.
pub struct Linked {
    /// What the provider calls them.
    pub subject: String,
    /// Whether they were not there any more when it was read last.
    pub is_away: bool,
    /// The user.
    pub user: User,
}

/// Asks once for each [`AT_ONCE`] keys; the last ones are filled up with one of themselves.
async fn each(query: &mut impl Query, (sql, before): (Sql, &[Value<'_>]), keys: &[&str]) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    for some in keys.chunks(AT_ONCE) {
        let Some(last) = some.last() else { continue };
        let mut values = before.to_vec();
        values.extend(some.iter().map(|key| Value::Text(key)));
        values.resize(before.len() + AT_ONCE, Value::Text(last));
        rows.extend(query.all(sql, &values).await?);
    }
    Ok(rows)
}

/// Who of these is linked.
pub async fn linked(
    query: &mut impl Query,
    (connector, issuer): Place<'_>,
    subjects: &[&str],
) -> Result<Vec<Linked>, Fault> {
    let before = [Value::Text(connector.as_str()), Value::Text(issuer)];
    let rows = each(query, (LINKED, &before), subjects).await?;
    let read = |row: &Row| Ok(Linked { subject: row.text(0)?, is_away: row.number(1)? > 0, user: user(row, 2)? });
    rows.iter().map(read).collect()
}

/// Which of these names users of a realm have.
pub async fn names(query: &mut impl Query, realm: &RealmId, names: &[&str]) -> Result<Vec<String>, Fault> {
    each(query, (NAMES, &[Value::Text(realm.as_str())]), names).await?.iter().map(|row| row.text(0)).collect()
}

/// Which of these addresses users of a realm have.
pub async fn addresses(query: &mut impl Query, realm: &RealmId, all: &[&str]) -> Result<Vec<String>, Fault> {
    each(query, (ADDRESSES, &[Value::Text(realm.as_str())]), all).await?.iter().map(|row| row.text(0)).collect()
}

/// The groups a source says these users are in, as pairs of user and group.
pub async fn said(query: &mut impl Query, source: &Source, all: &[&str]) -> Result<Vec<(String, String)>, Fault> {
    let rows = each(query, (SAID, &[Value::Text(source.as_str())]), all).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// A page of those who are in a group because a provider says so, by subject.
pub async fn subjects_in(
    query: &mut impl Query,
    (connector, issuer): Place<'_>,
    (group, source): (&GroupId, &Source),
    (after, count): (&str, i64),
) -> Result<Vec<String>, Fault> {
    let group = [Value::Text(group.as_str()), Value::Text(source.as_str())];
    let place = [Value::Text(connector.as_str()), Value::Text(issuer), Value::Text(after), Value::Number(count)];
    query.all(SUBJECTS_IN, &[&group[..], &place].concat()).await?.iter().map(|row| row.text(0)).collect()
}

/// Writes rows, many at once.
async fn write(tx: &mut Tx, [many, few, one]: [Sql; 3], rows: &[Vec<Value<'_>>]) -> Result<(), Fault> {
    let mut left = rows;
    for (count, sql) in [(AT_ONCE, many), (A_FEW, few), (1, one)] {
        while let Some((some, rest)) = left.split_at_checked(count) {
            tx.run(sql, &some.concat()).await?;
            left = rest;
        }
    }
    Ok(())
}

/// A user to be created.
pub struct NewUser {
    /// The user.
    pub user: User,
    /// What else is known of them, as text.
    pub profile: String,
}

/// Creates users without passwords. A conflict when a name was taken at the same moment.
pub async fn add_users(tx: &mut Tx, all: &[NewUser]) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(all.len());
    for NewUser { user, profile } in all {
        rows.push(vec![
            Value::Text(user.id.as_str()),
            Value::Text(user.realm_id.as_str()),
            Value::Text(user.name.as_str()),
            Value::MaybeText(user.email.as_ref().map(EmailAddress::as_str)),
            Value::Text(user.display.as_str()),
            user.is_active.into(),
            user.created_at.into(),
            Value::Text(profile),
        ]);
    }
    write(tx, [ADD_USERS, ADD_SOME_USERS, ADD_USER], &rows).await
}

/// Links people with users: subject and user. A conflict when somebody of them was linked at the same moment.
pub async fn add_links(
    tx: &mut Tx,
    (connector, issuer): Place<'_>,
    (all, now): (&[(&str, &UserId)], Timestamp),
) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(all.len());
    for (subject, user) in all {
        let (connector, issuer) = (Value::Text(connector.as_str()), Value::Text(issuer));
        rows.push(vec![connector, issuer, Value::Text(subject), Value::Text(user.as_str()), now.into(), now.into()]);
    }
    write(tx, [ADD_LINKS, ADD_SOME_LINKS, ADD_LINK], &rows).await
}

/// Adds members by a source: group and user. `are_new`: the users were created in this transaction, so that nobody else can
/// have added them.
pub async fn add_members(
    tx: &mut Tx,
    source: &Source,
    (all, are_new): (&[(&GroupId, &UserId)], bool),
) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(all.len());
    for (group, user) in all {
        rows.push(vec![Value::Text(group.as_str()), Value::Text(user.as_str()), Value::Text(source.as_str())]);
    }
    let statements = match are_new {
        true => [BEGIN_MEMBERS, BEGIN_SOME_MEMBERS, BEGIN_MEMBER],
        false => [ADD_MEMBERS, ADD_SOME_MEMBERS, ADD_MEMBER],
    };
    write(tx, statements, &rows).await
}

/// A page of those who were there when the provider was read last and have not come since a moment, by subject.
pub async fn here(
    query: &mut impl Query,
    (connector, issuer): Place<'_>,
    (since, after, count): (Timestamp, &str, i64),
) -> Result<Vec<(String, UserId)>, Fault> {
    let place = [Value::Text(connector.as_str()), Value::Text(issuer)];
    let asked = [Value::Text(after), Value::Number(count), since.into()];
    let rows = query.all(HERE, &[&place[..], &asked].concat()).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.parsed(1, "links", UserId::parse)?))).collect()
}

/// How many were.
pub async fn count_here(query: &mut impl Query, connector: &ConnectorId) -> Result<i64, Fault> {
    query.first(COUNT_HERE, &[Value::Text(connector.as_str())]).await?.map_or(Ok(0), |row| row.number(0))
}

/// Notes that somebody is not there any more; `false` when they came in since a moment, or it is known already.
pub async fn set_away(
    tx: &mut Tx,
    (connector, issuer): Place<'_>,
    subject: &str,
    (now, since): (Timestamp, Timestamp),
) -> Result<bool, Fault> {
    let values = [Value::Text(connector.as_str()), Value::Text(issuer), Value::Text(subject), now.into(), since.into()];
    Ok(tx.run(SET_AWAY, &values).await? == 1)
}

/// Notes that the user of somebody who is away was disabled for that alone.
pub async fn set_shut(tx: &mut Tx, (connector, issuer): Place<'_>, subject: &str) -> Result<(), Fault> {
    let values = [Value::Text(connector.as_str()), Value::Text(issuer), Value::Text(subject)];
    tx.run(SET_SHUT, &values).await.map(drop)
}

/// Notes that somebody is there again; whether their user was disabled because they were away.
pub async fn come_back(tx: &mut Tx, (connector, issuer): Place<'_>, subject: &str) -> Result<bool, Fault> {
    let values = [Value::Text(connector.as_str()), Value::Text(issuer), Value::Text(subject)];
    if tx.run(COME_BACK_SHUT, &values).await? == 1 {
        return Ok(true);
    }
    tx.run(COME_BACK, &values).await?;
    Ok(false)
}

/// Users of a realm who are disabled because a provider has them no more: they come back when it has them again.
pub async fn shut_of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<UserId>, Fault> {
    let rows = query.all(SHUT_OF_REALM, &[Value::Text(realm.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "links", UserId::parse)).collect()
}

/// How many providers have a user, as far as is known.
pub async fn count_vouching(query: &mut impl Query, user: &UserId) -> Result<i64, Fault> {
    query.first(VOUCHING, &[Value::Text(user.as_str())]).await?.map_or(Ok(0), |row| row.number(0))
}

/// Somebody here has decided what becomes of a user: no provider that has them again takes it back.
pub async fn forget_shut(tx: &mut Tx, user: &UserId) -> Result<(), Fault> {
    tx.run(FORGET_SHUT, &[Value::Text(user.as_str())]).await.map(drop)
}
