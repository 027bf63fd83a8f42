//! Apps, where they answer, and which groups may enter.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::app::{Access, App, AppSettings};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, GroupId, RealmId};
use doorward_model::name::{AppSlug, GroupName};
use doorward_model::ways::Ways;
use std::collections::HashMap;

statements! {
    CREATE = "INSERT INTO apps (id, realm_id, slug, settings, everyone, ways) VALUES ($1, $2, $3, $4, $5, $6) \
              ON CONFLICT (realm_id, slug) DO NOTHING";
    UPDATE = "UPDATE apps SET settings = $2, everyone = $3, ways = $4 WHERE id = $1";
    DELETE_TICKETS = "DELETE FROM tickets WHERE app_id = $1";
    DELETE = "DELETE FROM apps WHERE id = $1";
    ALL = "SELECT id, realm_id, slug, settings, everyone, ways FROM apps ORDER BY realm_id, slug";
    GROUPS = "SELECT a.app_id, a.group_id, g.name FROM app_groups a JOIN user_groups g ON g.id = a.group_id \
              ORDER BY a.app_id, g.name";
    BY_SLUG = "SELECT id, realm_id, slug, settings, everyone, ways FROM apps WHERE realm_id = $1 AND slug = $2";
    GROUPS_OF = "SELECT group_id FROM app_groups WHERE app_id = $1 ORDER BY group_id";
    CLEAR_HOSTS = "DELETE FROM app_hosts WHERE app_id = $1";
    CLAIM_HOST = "INSERT INTO app_hosts (host, prefix, app_id) VALUES ($1, $2, $3) \
                  ON CONFLICT (host, prefix) DO NOTHING";
    CLEAR_GROUPS = "DELETE FROM app_groups WHERE app_id = $1";
    ALLOW_GROUP = "INSERT INTO app_groups (app_id, group_id) VALUES ($1, $2) ON CONFLICT (app_id, group_id) DO NOTHING";
}

/// What keeps an app from being stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Another app of the realm has this slug.
    Slug,
    /// Another app answers at this address.
    Address(String),
}

fn app(row: &Row, groups: Vec<GroupId>) -> Result<App, Fault> {
    let settings = row.parsed(3, "apps", |text| serde_json::from_str::<AppSettings>(text))?;
    Ok(App {
        id: row.parsed(0, "apps", AppId::parse)?,
        realm_id: row.parsed(1, "apps", RealmId::parse)?,
        slug: row.parsed(2, "apps", AppSlug::parse)?,
        access: Access { everyone: row.claim(4)?, groups, ways: row.parsed(5, "apps", Ways::parse)? },
        settings,
    })
}

/// Every app with the names of the groups its rule names: the gate's snapshot.
pub async fn all(query: &mut impl Query) -> Result<(Vec<App>, HashMap<GroupId, GroupName>), Fault> {
    let mut names = HashMap::new();
    let mut allowed: HashMap<String, Vec<GroupId>> = HashMap::new();
    for row in query.all(GROUPS, &[]).await? {
        let group = row.parsed(1, "app_groups", GroupId::parse)?;
        names.insert(group.clone(), row.parsed(2, "user_groups", GroupName::parse)?);
        allowed.entry(row.text(0)?).or_default().push(group);
    }
    let rows = query.all(ALL, &[]).await?;
    let apps = rows
        .iter()
        .map(|row| app(row, allowed.remove(&row.text(0)?).unwrap_or_default()))
        .collect::<Result<_, Fault>>()?;
    Ok((apps, names))
}

/// The app of that slug in a realm.
pub async fn find(query: &mut impl Query, realm: &RealmId, slug: &AppSlug) -> Result<Option<App>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(slug.as_str())];
    let Some(row) = query.first(BY_SLUG, &values).await? else { return Ok(None) };
    let id = row.text(0)?;
    let groups = query.all(GROUPS_OF, &[Value::Text(&id)]).await?;
    let groups =
        groups.iter().map(|row| row.parsed(0, "app_groups", GroupId::parse)).collect::<Result<Vec<_>, Fault>>()?;
    app(&row, groups).map(Some)
}

/// Creates an app.
pub async fn create(tx: &mut Tx, app: &App) -> Result<Result<(), Taken>, Fault> {
    let (settings, ways) = (settings_text(app)?, app.access.ways.to_text());
    let values = [
        Value::Text(app.id.as_str()),
        Value::Text(app.realm_id.as_str()),
        Value::Text(app.slug.as_str()),
        Value::Text(&settings),
        app.access.everyone.into(),
        Value::Text(&ways),
    ];
    if tx.run(CREATE, &values).await? == 0 {
        return Ok(Err(Taken::Slug));
    }
    write_lists(tx, app).await
}

/// Writes a changed app.
pub async fn update(tx: &mut Tx, app: &App) -> Result<Result<(), Taken>, Fault> {
    let (settings, ways) = (settings_text(app)?, app.access.ways.to_text());
    let id = Value::Text(app.id.as_str());
    let values = [id, Value::Text(&settings), app.access.everyone.into(), Value::Text(&ways)];
    tx.run(UPDATE, &values).await?;
    let id = [Value::Text(app.id.as_str())];
    tx.run(CLEAR_HOSTS, &id).await?;
    tx.run(CLEAR_GROUPS, &id).await?;
    write_lists(tx, app).await
}

/// Gives up an app's addresses, so that another app updated in the same transaction may take them.
pub async fn release_addresses(tx: &mut Tx, id: &AppId) -> Result<(), Fault> {
    tx.run(CLEAR_HOSTS, &[Value::Text(id.as_str())]).await.map(drop)
}

/// Deletes an app; its passes go with it. Tickets go first: someone entering holds a ticket and then needs
/// the app, and on PostgreSQL the two would wait for each other in the other order.
pub async fn delete(tx: &mut Tx, id: &AppId) -> Result<bool, Fault> {
    tx.run(DELETE_TICKETS, &[Value::Text(id.as_str())]).await?;
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

fn settings_text(app: &App) -> Result<String, Fault> {
    serde_json::to_string(&app.settings).map_err(|error| Fault::corrupt("apps", app.id.as_str(), error))
}

async fn write_lists(tx: &mut Tx, app: &App) -> Result<Result<(), Taken>, Fault> {
    let id = app.id.as_str();
    for address in &app.settings.addresses {
        let values = [Value::Text(address.host().as_str()), Value::Text(address.prefix()), Value::Text(id)];
        if tx.run(CLAIM_HOST, &values).await? == 0 {
            return Ok(Err(Taken::Address(address.to_string())));
        }
    }
    for group in &app.access.groups {
        tx.run(ALLOW_GROUP, &[Value::Text(id), Value::Text(group.as_str())]).await?;
    }
    Ok(Ok(()))
}
