//! `doorward role`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::{ArgGroup, Args, Subcommand};
use doorward_engine::clients::Client;
use doorward_engine::manage::{self, find, roles::NewRole};
use doorward_model::name::{ClientName, GroupName, RoleName, UserName};
use doorward_model::people::{Holder, Realm, Role as Stored, Source};
use doorward_store::clients;
use doorward_store::roles::{self, Named};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Roles: words that tools read in tokens.
#[derive(Subcommand, Debug)]
pub enum Role {
    /// Create a role of the realm, or of a client.
    Create {
        /// The role.
        #[command(flatten)]
        role: Which,
        /// What it stands for, for people.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// List the roles of the realm and of its clients.
    List {
        /// Only the roles of this client.
        #[arg(long, value_name = "CLIENT", value_parser = ClientName::parse)]
        client: Option<ClientName>,
    },
    /// Show a role and who has it.
    Show {
        /// The role.
        #[command(flatten)]
        role: Which,
    },
    /// Delete a role; whoever had it has it no more.
    Delete {
        /// The role.
        #[command(flatten)]
        role: Which,
    },
    /// Give a role.
    Assign {
        /// The role.
        #[command(flatten)]
        role: Which,
        /// Who gets it.
        #[command(flatten)]
        to: To,
    },
    /// Take a role back.
    Unassign {
        /// The role.
        #[command(flatten)]
        role: Which,
        /// Who has it.
        #[command(flatten)]
        to: To,
    },
}

/// Which role.
#[derive(Args, Debug)]
pub struct Which {
    /// The role.
    #[arg(value_name = "ROLE", value_parser = RoleName::parse)]
    name: RoleName,
    /// The client whose role it is; without this it is one of the realm.
    #[arg(long, value_name = "CLIENT", value_parser = ClientName::parse)]
    client: Option<ClientName>,
}

/// Who has a role.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("holder").required(true))]
pub struct To {
    /// A user.
    #[arg(long, value_name = "USER", group = "holder", value_parser = UserName::parse)]
    user: Option<UserName>,
    /// Everybody in a group, and in groups inside it.
    #[arg(long, value_name = "GROUP", group = "holder", value_parser = GroupName::parse)]
    group: Option<GroupName>,
    /// A client, where it speaks for itself.
    #[arg(long, value_name = "CLIENT", group = "holder", value_parser = ClientName::parse)]
    service: Option<ClientName>,
    /// Everybody who has another role.
    #[arg(long, value_name = "ROLE", group = "holder", value_parser = RoleName::parse)]
    role: Option<RoleName>,
    /// The client whose role --role is.
    #[arg(long, value_name = "CLIENT", requires = "role", value_parser = ClientName::parse)]
    role_client: Option<ClientName>,
}

/// Runs the command.
pub async fn run(command: Role, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Role::Create { role, description } => create(shell, role, description.unwrap_or_default()).await,
        Role::List { client } => list(shell, client.as_ref()).await,
        Role::Show { role } => show(shell, &role).await,
        Role::Delete { role } => delete(shell, &role).await,
        Role::Assign { role, to } => assign(shell, &role, &to, true).await,
        Role::Unassign { role, to } => assign(shell, &role, &to, false).await,
    }
}

async fn owner(shell: &Shell, realm: &Realm, client: Option<&ClientName>) -> Result<Option<Client>, Exit> {
    match client {
        Some(client) => Ok(Some(shell.client(realm, client).await?)),
        None => Ok(None),
    }
}

async fn find(shell: &Shell, realm: &Realm, which: &Which) -> Result<Stored, Exit> {
    let client = owner(shell, realm, which.client.as_ref()).await?;
    match find::role(&shell.door, realm, (client.as_ref(), &which.name)).await? {
        Ok(role) => Ok(role),
        Err(none) => Err(match (client, of_clients(shell, realm, &which.name).await?.as_slice()) {
            (Some(_), _) | (None, []) => none.into(),
            (None, [client]) => Exit::refused(format!(
                "there is no role named {} in realm {}, client {client} has one: add --client {client}",
                which.name, realm.name
            )),
            (None, clients) => {
                let names: Vec<&str> = clients.iter().map(ClientName::as_str).collect();
                Exit::refused(format!(
                    "there is no role named {} in realm {}, clients have one: add --client with one of {}",
                    which.name,
                    realm.name,
                    names.join(", ")
                ))
            }
        }),
    }
}

/// The clients that have a role of that name.
async fn of_clients(shell: &Shell, realm: &Realm, name: &RoleName) -> Result<Vec<ClientName>, Exit> {
    let names = client_names(shell, realm).await?;
    let all = roles::all_of_realm(&mut &shell.door.store, &realm.id).await?;
    let owners = all.iter().filter(|role| role.name == *name).filter_map(|role| role.client_id.as_ref());
    let mut owners: Vec<ClientName> = owners.filter_map(|id| names.get(id.as_str()).cloned()).collect();
    owners.sort();
    Ok(owners)
}

async fn create(shell: &Shell, which: Which, description: String) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let client = owner(shell, &realm, which.client.as_ref()).await?.map(|client| client.id);
    let new = NewRole { client, name: which.name.clone(), description };
    let mut tx = shell.door.begin().await?;
    manage::roles::create(&shell.door, &mut tx, &realm.id, new).await??;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Created {}.", words(&which))))
}

async fn list(shell: &Shell, client: Option<&ClientName>) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let only = owner(shell, &realm, client).await?.map(|client| client.id);
    let mut query = &shell.door.store;
    let names = client_names(shell, &realm).await?;
    let all = roles::all_of_realm(&mut query, &realm.id).await?;
    let wanted = all.iter().filter(|role| only.is_none() || role.client_id == only);
    let mut rows: Vec<Value> = wanted
        .map(|role| {
            let mut row = told(role, &names);
            if let Some(row) = row.as_object_mut() {
                row.insert("description".to_owned(), json!(role.description));
                row.insert("id".to_owned(), json!(role.id));
            }
            row
        })
        .collect();
    // The realm's own first, then client by client.
    rows.sort_by_cached_key(|row| (text(row, "client"), text(row, "name")));
    Ok(Report::rows(&["name", "client", "description"], rows))
}

fn text(row: &Value, key: &str) -> String {
    row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Names of a realm's clients by id.
async fn client_names(shell: &Shell, realm: &Realm) -> Result<HashMap<String, ClientName>, Exit> {
    let mut query = &shell.door.store;
    let all = clients::page(&mut query, &realm.id, "", limits::ROWS).await?;
    Ok(all.into_iter().map(|client| (client.id.to_string(), client.name)).collect())
}

/// A role by name, with its client.
fn told(role: &Stored, names: &HashMap<String, ClientName>) -> Value {
    let client = role.client_id.as_ref().and_then(|id| names.get(id.as_str()));
    json!({"name": role.name, "client": client})
}

async fn show(shell: &Shell, which: &Which) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let role = find(shell, &realm, which).await?;
    let names = client_names(shell, &realm).await?;
    let mut query = &shell.door.store;
    let inside = roles::direct(&mut query, &Holder::Role(role.id.clone())).await?;
    let around = roles::wholes(&mut query, &role.id).await?;
    let users = roles::users(&mut query, &role.id, "", limits::ROWS).await?;
    let groups = roles::groups(&mut query, &role.id, "", limits::ROWS).await?;
    let services = roles::clients(&mut query, &role.id, "", limits::ROWS).await?;
    let list = |roles: Vec<(Stored, Source)>| {
        let mut all: Vec<Value> = roles.iter().map(|(role, _)| told(role, &names)).collect();
        all.dedup();
        all
    };
    let (inside, around) = (list(inside), list(around));
    let cells = [("contains", in_words(&inside)), ("contained_in", in_words(&around))];
    let value = json!({
        "realm": realm.name,
        "id": role.id,
        "name": role.name,
        "client": which.client,
        "description": role.description,
        "contains": inside,
        "contained_in": around,
        "users": once(users),
        "groups": once(groups),
        "services": once(services),
    });
    Ok(Report::one(value).and_cells(cells))
}

/// Roles for people: those of the realm by name, those of a client behind it.
fn in_words(roles: &[Value]) -> String {
    let one = |role: &Value| match text(role, "client") {
        client if client.is_empty() => text(role, "name"),
        client => format!("{client}: {}", text(role, "name")),
    };
    roles.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Names, each once although several sources may say the same.
fn once(named: Vec<Named>) -> Vec<String> {
    let mut names: Vec<String> = named.into_iter().map(|one| one.name).collect();
    names.dedup();
    names
}

async fn delete(shell: &Shell, which: &Which) -> Result<Report, Exit> {
    let role = find(shell, &shell.realm().await?, which).await?;
    let mut tx = shell.door.begin().await?;
    manage::roles::delete(&mut tx, &role).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Deleted {}.", words(which))))
}

async fn assign(shell: &Shell, which: &Which, to: &To, give: bool) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let role = find(shell, &realm, which).await?;
    let (holder, who) = holder(shell, &realm, to).await?;
    let mut tx = shell.door.begin().await?;
    let changed = if give {
        manage::roles::give(&mut tx, &role, &holder, &Source::Local).await??
    } else {
        manage::roles::take(&mut tx, &role, &holder, &Source::Local).await?
    };
    shell.commit(tx).await?;
    let what = words(which);
    match (give, changed) {
        (true, true) => Ok(Report::words(format!("{who} has {what}."))),
        (true, false) => Ok(Report::words(format!("{who} had {what} already."))),
        (false, true) => Ok(Report::words(format!("{who} has {what} no more."))),
        (false, false) => {
            Err(Exit::refused(format!("no command gave {what} to {}: a declared file may have", uncapital(&who))))
        }
    }
}

fn uncapital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A role in words.
fn words(which: &Which) -> String {
    let of = which.client.as_ref().map(|client| format!(" of client {client}")).unwrap_or_default();
    format!("role {}{of}", which.name)
}

/// Who is meant, and the words for it.
async fn holder(shell: &Shell, realm: &Realm, to: &To) -> Result<(Holder, String), Exit> {
    if let Some(user) = &to.user {
        return Ok((Holder::User(shell.user(realm, user).await?.id), format!("User {user}")));
    }
    if let Some(group) = &to.group {
        return Ok((Holder::Group(shell.group(realm, group).await?.id), format!("Group {group}")));
    }
    if let Some(client) = &to.service {
        return Ok((Holder::Client(shell.client(realm, client).await?.id), format!("Client {client}")));
    }
    let Some(name) = &to.role else {
        return Err(Exit::usage("nobody is named: add --user, --group, --service or --role"));
    };
    let which = Which { name: name.clone(), client: to.role_client.clone() };
    let role = find(shell, realm, &which).await?;
    let mut who = words(&which);
    who.replace_range(..1, "R");
    Ok((Holder::Role(role.id), who))
}
