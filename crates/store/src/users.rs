//! Users of a realm, and the browsers they are known by.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{RealmId, UserId};
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::User;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO users (id, realm_id, name, email, display, password, is_active, created_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (realm_id, name) DO NOTHING";
    BY_ID = "SELECT id, realm_id, name, email, display, is_active, created_ms FROM users WHERE id = $1";
    BY_NAME = "SELECT id, realm_id, name, email, display, is_active, created_ms FROM users \
               WHERE realm_id = $1 AND name = $2";
    BY_EMAIL = "SELECT id, realm_id, name, email, display, is_active, created_ms FROM users \
                WHERE realm_id = $1 AND email = $2 ORDER BY id LIMIT 2";
    PAGE = "SELECT id, realm_id, name, email, display, is_active, created_ms FROM users \
            WHERE realm_id = $1 AND name > $2 ORDER BY name LIMIT $3";
    NAMED = "SELECT id, realm_id, name, email, display, is_active, created_ms, password, password_temporary, profile FROM users \
             WHERE realm_id = $1 AND name = $2";
    ADDRESSED = "SELECT id, realm_id, name, email, display, is_active, created_ms, password, password_temporary, profile FROM users \
                 WHERE realm_id = $1 AND email = $2 ORDER BY id LIMIT 2";
    PASSWORD = "SELECT password, password_temporary FROM users WHERE id = $1";
    KEPT_FOR_EMERGENCIES = "SELECT COUNT(*) FROM users WHERE realm_id = $1 AND is_active = 1 AND password IS NOT NULL \
                            AND profile LIKE '%\"break_glass\":true%'";
    WITHOUT_PASSWORD = "SELECT id FROM users WHERE realm_id = $1 AND password IS NULL ORDER BY id";
    PROFILE = "SELECT profile, subject FROM users WHERE id = $1";
    WITH_PROFILE = "SELECT id, realm_id, name, email, display, is_active, created_ms, profile, subject \
                    FROM users WHERE id = $1";
    BY_SUBJECT = "SELECT id, realm_id, name, email, display, is_active, created_ms FROM users \
                  WHERE realm_id = $1 AND subject = $2";
    SET_SUBJECT = "UPDATE users SET subject = $2 WHERE id = $1 AND NOT EXISTS \
                   (SELECT 1 FROM users o WHERE o.realm_id = users.realm_id AND o.subject = $2 AND o.id <> $1)";
    CLEAR_SUBJECT = "UPDATE users SET subject = NULL WHERE id = $1";
    SUBJECTS_OF_REALM = "SELECT id, subject FROM users WHERE realm_id = $1 AND subject IS NOT NULL";
    PROFILES_OF_REALM = "SELECT id, profile FROM users WHERE realm_id = $1 AND profile <> '{}'";
    SET_PROFILE = "UPDATE users SET profile = $2 WHERE id = $1";
    SET_PASSWORD = "UPDATE users SET password = $2, password_temporary = $3 WHERE id = $1";
    SET_TEMPORARY = "UPDATE users SET password_temporary = $2 WHERE id = $1 AND password_temporary <> $2";
    RENEW_PASSWORD = "UPDATE users SET password = $3, password_temporary = 0 \
                      WHERE id = $1 AND password = $2 AND password_temporary = 1 AND is_active = 1";
    HAS_PASSWORD = "SELECT id FROM users WHERE id = $1 AND password = $2 AND password_temporary = 0 AND is_active = 1";
    HOLD = "UPDATE users SET name = name WHERE id = $1";
    UPDATE = "UPDATE users SET email = $2, display = $3 WHERE id = $1";
    SET_ACTIVE = "UPDATE users SET is_active = $2 WHERE id = $1 AND is_active <> $2";
    DELETE = "DELETE FROM users WHERE id = $1";
    COUNT = "SELECT COUNT(*) FROM users WHERE realm_id = $1";
    KNOWN = "SELECT id, realm_id, name, email, display, is_active, created_ms, profile, password_temporary FROM users \
             WHERE id = $1";
    SEARCH = "SELECT id, realm_id, name, email, display, is_active, created_ms, profile, password_temporary FROM users \
              WHERE realm_id = $1 AND name LIKE $2 ESCAPE '!' AND COALESCE(email, '') LIKE $3 ESCAPE '!' \
              AND (name LIKE $4 ESCAPE '!' OR COALESCE(email, '') LIKE $4 ESCAPE '!' \
              OR LOWER(display) LIKE $4 ESCAPE '!') ORDER BY name LIMIT $5 OFFSET $6";
    COUNT_FOUND = "SELECT COUNT(*) FROM users \
                   WHERE realm_id = $1 AND name LIKE $2 ESCAPE '!' AND COALESCE(email, '') LIKE $3 ESCAPE '!' \
                   AND (name LIKE $4 ESCAPE '!' OR COALESCE(email, '') LIKE $4 ESCAPE '!' \
                   OR LOWER(display) LIKE $4 ESCAPE '!')";
    REMEMBER_DEVICE = "INSERT INTO devices (hash, user_id, used_ms) VALUES ($1, $2, $3) \
                       ON CONFLICT (hash) DO UPDATE SET used_ms = excluded.used_ms";
    KNOWS_DEVICE = "SELECT 1 FROM devices WHERE hash = $1 AND user_id = $2";
    FORGET_DEVICE = "DELETE FROM devices WHERE hash = $1";
    FORGET_DEVICES = "DELETE FROM devices WHERE user_id = $1";
    PRUNE_DEVICES = "DELETE FROM devices WHERE used_ms < $1";
}

pub(crate) fn user(row: &Row, from: usize) -> Result<User, Fault> {
    let email = row.maybe_text(from + 3)?;
    Ok(User {
        id: row.parsed(from, "users", UserId::parse)?,
        realm_id: row.parsed(from + 1, "users", RealmId::parse)?,
        name: row.parsed(from + 2, "users", UserName::parse)?,
        email: email
            .map(|text| EmailAddress::parse(&text).map_err(|error| Fault::corrupt("users", &text, error)))
            .transpose()?,
        display: row.parsed(from + 4, "users", DisplayText::parse)?,
        is_active: row.claim(from + 5)?,
        created_at: row.moment(from + 6)?,
    })
}

/// Creates a user with an optional password hash (PHC text); `false` when the name is taken.
pub async fn create(tx: &mut Tx, user: &User, password: Option<&str>) -> Result<bool, Fault> {
    let values = [
        Value::Text(user.id.as_str()),
        Value::Text(user.realm_id.as_str()),
        Value::Text(user.name.as_str()),
        Value::MaybeText(user.email.as_ref().map(EmailAddress::as_str)),
        Value::Text(user.display.as_str()),
        Value::MaybeText(password),
        user.is_active.into(),
        user.created_at.into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// The user of that id.
pub async fn find(query: &mut impl Query, id: &UserId) -> Result<Option<User>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.map(|row| user(&row, 0)).transpose()
}

/// The user of that id, with what [`profile`] gives.
pub async fn find_with_profile(
    query: &mut impl Query,
    id: &UserId,
) -> Result<Option<(User, (String, Option<String>))>, Fault> {
    let row = query.first(WITH_PROFILE, &[Value::Text(id.as_str())]).await?;
    row.map(|row| Ok((user(&row, 0)?, (row.text(7)?, row.maybe_text(8)?)))).transpose()
}

/// What is known of a user besides names, as JSON, and the subject the user brought along.
pub async fn profile(query: &mut impl Query, id: &UserId) -> Result<Option<(String, Option<String>)>, Fault> {
    let row = query.first(PROFILE, &[Value::Text(id.as_str())]).await?;
    row.map(|row| Ok((row.text(0)?, row.maybe_text(1)?))).transpose()
}

/// The user of a realm who brought that subject along.
pub async fn find_by_subject(query: &mut impl Query, realm: &RealmId, subject: &str) -> Result<Option<User>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(subject)];
    query.first(BY_SUBJECT, &values).await?.map(|row| user(&row, 0)).transpose()
}

/// Writes the subject a user brought along; `false` when it is another user's, and the transaction is of no use then:
/// PostgreSQL ends it where somebody else wrote the same at the same moment.
pub async fn set_subject(tx: &mut Tx, id: &UserId, subject: Option<&str>) -> Result<bool, Fault> {
    let Some(subject) = subject else {
        return tx.run(CLEAR_SUBJECT, &[Value::Text(id.as_str())]).await.map(|_| true);
    };
    match tx.run(SET_SUBJECT, &[Value::Text(id.as_str()), Value::Text(subject)]).await {
        Ok(count) => Ok(count == 1),
        Err(fault) if fault.kind() == FaultKind::Conflict => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Subjects that users of a realm brought along, for planning declared objects.
pub async fn subjects_of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<(UserId, String)>, Fault> {
    pairs(query, SUBJECTS_OF_REALM, realm).await
}

/// What is known of the users of a realm besides names, as JSON, for planning declared objects.
pub async fn profiles_of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<(UserId, String)>, Fault> {
    pairs(query, PROFILES_OF_REALM, realm).await
}

async fn pairs(query: &mut impl Query, sql: crate::sql::Sql, realm: &RealmId) -> Result<Vec<(UserId, String)>, Fault> {
    let rows = query.all(sql, &[Value::Text(realm.as_str())]).await?;
    rows.iter().map(|row| Ok((row.parsed(0, "users", UserId::parse)?, row.text(1)?))).collect()
}

/// Writes what is known of a user besides names.
pub async fn set_profile(tx: &mut Tx, id: &UserId, profile: &str) -> Result<(), Fault> {
    tx.run(SET_PROFILE, &[Value::Text(id.as_str()), Value::Text(profile)]).await.map(drop)
}

/// The user of that name in a realm.
pub async fn find_by_name(query: &mut impl Query, realm: &RealmId, name: &UserName) -> Result<Option<User>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(name.as_str())];
    query.first(BY_NAME, &values).await?.map(|row| user(&row, 0)).transpose()
}

/// Every user with that e-mail address, up to two: more than one is nobody's address.
pub async fn of_email(query: &mut impl Query, realm: &RealmId, email: &EmailAddress) -> Result<Vec<User>, Fault> {
    let rows = query.all(BY_EMAIL, &[Value::Text(realm.as_str()), Value::Text(email.as_str())]).await?;
    rows.iter().map(|row| user(row, 0)).collect()
}

/// A page of a realm's users by name, those after `after`.
pub async fn list(query: &mut impl Query, realm: &RealmId, after: &str, count: i64) -> Result<Vec<User>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(after), Value::Number(count)];
    query.all(PAGE, &values).await?.iter().map(|row| user(row, 0)).collect()
}

/// A stored password.
#[derive(Clone)]
pub struct StoredPassword {
    /// Its hash (PHC text).
    pub hash: String,
    /// Whether it opens nothing but the page on which its user chooses another.
    pub is_temporary: bool,
}

/// The stored password, if one is set.
pub async fn password(query: &mut impl Query, id: &UserId) -> Result<Option<StoredPassword>, Fault> {
    let row = query.first(PASSWORD, &[Value::Text(id.as_str())]).await?;
    row.map_or(Ok(None), |row| stored_password(&row, 0))
}

fn stored_password(row: &Row, from: usize) -> Result<Option<StoredPassword>, Fault> {
    let Some(hash) = row.maybe_text(from)? else { return Ok(None) };
    Ok(Some(StoredPassword { hash, is_temporary: row.claim(from + 1)? }))
}

/// Whom a name that was typed belongs to, and what a password is compared with.
pub struct Candidate {
    /// The user.
    pub user: User,
    /// The stored password, if one is set.
    pub password: Option<StoredPassword>,
    /// What is kept of the user besides, as it is stored.
    pub profile: String,
}

fn candidate(row: &Row) -> Result<Candidate, Fault> {
    Ok(Candidate { user: user(row, 0)?, password: stored_password(row, 7)?, profile: row.text(9)? })
}

/// The candidate of that name in a realm.
pub async fn candidate_by_name(
    query: &mut impl Query,
    realm: &RealmId,
    name: &UserName,
) -> Result<Option<Candidate>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(name.as_str())];
    query.first(NAMED, &values).await?.map(|row| candidate(&row)).transpose()
}

/// The one candidate with that e-mail address; `None` when there is none or more than one, because an
/// address shared by two people identifies neither.
pub async fn candidate_by_email(
    query: &mut impl Query,
    realm: &RealmId,
    email: &EmailAddress,
) -> Result<Option<Candidate>, Fault> {
    let rows = query.all(ADDRESSED, &[Value::Text(realm.as_str()), Value::Text(email.as_str())]).await?;
    match rows.as_slice() {
        [only] => candidate(only).map(Some),
        _ => Ok(None),
    }
}

/// How many users of a realm have a password and say of it, in their profile as it is stored, that it is kept for
/// emergencies.
pub async fn kept_for_emergencies(query: &mut impl Query, realm: &RealmId) -> Result<i64, Fault> {
    match query.first(KEPT_FOR_EMERGENCIES, &[Value::Text(realm.as_str())]).await? {
        Some(row) => row.number(0),
        None => Ok(0),
    }
}

/// The users of a realm that have no password.
pub async fn without_password(query: &mut impl Query, realm: &RealmId) -> Result<Vec<UserId>, Fault> {
    let rows = query.all(WITHOUT_PASSWORD, &[Value::Text(realm.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "users", UserId::parse)).collect()
}

/// Sets the password.
pub async fn set_password(tx: &mut Tx, id: &UserId, new: &StoredPassword) -> Result<(), Fault> {
    let values = [Value::Text(id.as_str()), Value::Text(&new.hash), new.is_temporary.into()];
    tx.run(SET_PASSWORD, &values).await.map(drop)
}

/// Says whether the password is temporary; `false` when it was so already.
pub async fn set_temporary(tx: &mut Tx, id: &UserId, is_temporary: bool) -> Result<bool, Fault> {
    Ok(tx.run(SET_TEMPORARY, &[Value::Text(id.as_str()), is_temporary.into()]).await? == 1)
}

/// Puts a lasting password in place of a temporary one; `false` when that is not the one in force, or the user is
/// disabled. Of several at once one succeeds.
pub async fn renew_password(tx: &mut Tx, id: &UserId, (old, new): (&str, &str)) -> Result<bool, Fault> {
    let values = [Value::Text(id.as_str()), Value::Text(old), Value::Text(new)];
    Ok(tx.run(RENEW_PASSWORD, &values).await? == 1)
}

/// Holds a user's row to the end of the transaction, and tells whether this lasting password is in force still and the user
/// active.
pub async fn hold_password(tx: &mut Tx, id: &UserId, hash: &str) -> Result<bool, Fault> {
    hold(tx, id).await?;
    Ok(tx.first(HAS_PASSWORD, &[Value::Text(id.as_str()), Value::Text(hash)]).await?.is_some())
}

/// Holds a user's row to the end of the transaction.
pub async fn hold(tx: &mut Tx, id: &UserId) -> Result<(), Fault> {
    tx.hold(HOLD, &[Value::Text(id.as_str())]).await
}

/// Writes e-mail address and display name.
pub async fn update(tx: &mut Tx, user: &User) -> Result<(), Fault> {
    let email = user.email.as_ref().map(EmailAddress::as_str);
    let values = [Value::Text(user.id.as_str()), Value::MaybeText(email), Value::Text(user.display.as_str())];
    tx.run(UPDATE, &values).await.map(drop)
}

/// Enables or disables; `false` when it was so already.
pub async fn set_active(tx: &mut Tx, id: &UserId, is_active: bool) -> Result<bool, Fault> {
    Ok(tx.run(SET_ACTIVE, &[Value::Text(id.as_str()), is_active.into()]).await? == 1)
}

/// Deletes a user with everything that hangs on it.
pub async fn delete(tx: &mut Tx, id: &UserId) -> Result<bool, Fault> {
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

/// How many users a realm has.
pub async fn count(query: &mut impl Query, realm: &RealmId) -> Result<i64, Fault> {
    match query.first(COUNT, &[Value::Text(realm.as_str())]).await? {
        Some(row) => row.number(0),
        None => Ok(0),
    }
}

/// A user with what lists show besides.
pub struct Known {
    /// The user.
    pub user: User,
    /// What is known besides names, as JSON.
    pub profile: String,
    /// Whether the password is temporary.
    pub has_temporary_password: bool,
}

fn known(row: &Row) -> Result<Known, Fault> {
    Ok(Known { user: user(row, 0)?, profile: row.text(7)?, has_temporary_password: row.claim(8)? })
}

/// The user of that id, with what lists show besides.
pub async fn find_known(query: &mut impl Query, id: &UserId) -> Result<Option<Known>, Fault> {
    query.first(KNOWN, &[Value::Text(id.as_str())]).await?.as_ref().map(known).transpose()
}

/// What users are looked for by; what is empty is not looked at. Letters count in both cases alike.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The name, or a part of it.
    pub name: String,
    /// The e-mail address, or a part of it.
    pub email: String,
    /// A part of the name, the e-mail address or the name for people.
    pub any: String,
    /// Whether name and e-mail address are given as a whole.
    pub is_exact: bool,
}

impl Search {
    /// Patterns for name, e-mail address and any of them.
    fn patterns(&self) -> [String; 3] {
        let plain = |text: &str| {
            let lower = text.to_lowercase();
            lower.chars().flat_map(|c| matches!(c, '!' | '%' | '_').then_some('!').into_iter().chain([c])).collect()
        };
        let part = |text: &str| format!("%{}%", plain(text) as String);
        let given = |text: &str| if self.is_exact && !text.is_empty() { plain(text) } else { part(text) };
        [given(&self.name), given(&self.email), part(&self.any)]
    }
}

/// A page of the users of a realm that are looked for, by name: `count` of them behind the first `skip`.
pub async fn search(
    query: &mut impl Query,
    realm: &RealmId,
    search: &Search,
    (skip, count): (i64, i64),
) -> Result<Vec<Known>, Fault> {
    let [name, email, any] = search.patterns();
    let values = [
        Value::Text(realm.as_str()),
        Value::Text(&name),
        Value::Text(&email),
        Value::Text(&any),
        Value::Number(count),
        Value::Number(skip),
    ];
    query.all(SEARCH, &values).await?.iter().map(known).collect()
}

/// How many users of a realm are looked for.
pub async fn count_found(query: &mut impl Query, realm: &RealmId, search: &Search) -> Result<i64, Fault> {
    let [name, email, any] = search.patterns();
    let values = [Value::Text(realm.as_str()), Value::Text(&name), Value::Text(&email), Value::Text(&any)];
    match query.first(COUNT_FOUND, &values).await? {
        Some(row) => row.number(0),
        None => Ok(0),
    }
}

/// Notes that this browser has signed in as this user.
pub async fn remember_device(tx: &mut Tx, hash: &TokenHash, id: &UserId, now: Timestamp) -> Result<(), Fault> {
    let values = [Value::Bytes(hash.as_bytes()), Value::Text(id.as_str()), now.into()];
    tx.run(REMEMBER_DEVICE, &values).await.map(drop)
}

/// Whether this browser has signed in as this user before.
pub async fn knows_device(query: &mut impl Query, hash: &TokenHash, id: &UserId) -> Result<bool, Fault> {
    let values = [Value::Bytes(hash.as_bytes()), Value::Text(id.as_str())];
    Ok(query.first(KNOWS_DEVICE, &values).await?.is_some())
}

/// Forgets one browser.
pub async fn forget_device(tx: &mut Tx, hash: &TokenHash) -> Result<(), Fault> {
    tx.run(FORGET_DEVICE, &[Value::Bytes(hash.as_bytes())]).await.map(drop)
}

/// Forgets all browsers of a user.
pub async fn forget_devices(tx: &mut Tx, id: &UserId) -> Result<(), Fault> {
    tx.run(FORGET_DEVICES, &[Value::Text(id.as_str())]).await.map(drop)
}

/// Forgets browsers not seen since.
pub async fn prune_devices(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE_DEVICES, &[before.into()]).await
}
