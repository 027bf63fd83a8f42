//! `doorward group`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::manage;
use doorward_model::limits::PAGE_ROWS;
use doorward_model::name::{GroupName, UserName};
use doorward_model::people::Source;
use doorward_store::groups::{self, Member};
use serde_json::{Value, json};

/// Groups, their members, and groups inside groups.
#[derive(Subcommand, Debug)]
pub enum Group {
    /// Create a group.
    Create {
        /// Its name.
        #[arg(value_parser = GroupName::parse)]
        name: GroupName,
    },
    /// List groups.
    List,
    /// Show a group, who is in it and which groups lie inside it.
    Show {
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        name: GroupName,
    },
    /// Delete a group; it leaves every rule that named it.
    Delete {
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        name: GroupName,
    },
    /// Put a user into a group.
    AddMember {
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        group: GroupName,
        /// The user.
        #[arg(value_parser = UserName::parse)]
        user: UserName,
    },
    /// Take a user out of a group.
    RemoveMember {
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        group: GroupName,
        /// The user.
        #[arg(value_parser = UserName::parse)]
        user: UserName,
    },
    /// Put a group inside another: its members are then members of both.
    Nest {
        /// The group around.
        #[arg(value_parser = GroupName::parse)]
        parent: GroupName,
        /// The group inside.
        #[arg(value_parser = GroupName::parse)]
        child: GroupName,
    },
    /// Take a group out of another.
    Unnest {
        /// The group around.
        #[arg(value_parser = GroupName::parse)]
        parent: GroupName,
        /// The group inside.
        #[arg(value_parser = GroupName::parse)]
        child: GroupName,
    },
}

/// Runs the command.
pub async fn run(command: Group, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Group::Create { name } => create(shell, name).await,
        Group::List => list(shell).await,
        Group::Show { name } => show(shell, &name).await,
        Group::Delete { name } => delete(shell, &name).await,
        Group::AddMember { group, user } => member(shell, &group, &user, true).await,
        Group::RemoveMember { group, user } => member(shell, &group, &user, false).await,
        Group::Nest { parent, child } => nesting(shell, &parent, &child, true).await,
        Group::Unnest { parent, child } => nesting(shell, &parent, &child, false).await,
    }
}

async fn create(shell: &Shell, name: GroupName) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut tx = shell.door.begin().await?;
    let group = manage::groups::create(&shell.door, &mut tx, &realm.id, name).await??;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Created group {}.", group.name)))
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = groups::list(&mut &shell.door.store, &realm.id, &after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(Report::rows(&["name", "id"], rows)) };
        after = last.name.to_string();
        rows.extend(page.iter().map(|group| json!({"name": group.name, "id": group.id})));
    }
}

async fn show(shell: &Shell, name: &GroupName) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let group = shell.group(&realm, name).await?;
    let mut query = &shell.door.store;
    let members = groups::members(&mut query, &group.id, "", limits::ROWS).await?;
    let inside = groups::children(&mut query, &group.id, limits::ROWS).await?;
    Ok(Report::one(json!({
        "realm": realm.name,
        "id": group.id,
        "name": group.name,
        "members": names(members),
        "groups": names(inside),
    })))
}

/// Names, each once although several sources may say the same.
fn names(members: Vec<Member>) -> Vec<String> {
    let mut names: Vec<String> = members.into_iter().map(|member| member.name).collect();
    names.dedup();
    names
}

async fn delete(shell: &Shell, name: &GroupName) -> Result<Report, Exit> {
    let group = shell.group(&shell.realm().await?, name).await?;
    let mut tx = shell.door.begin().await?;
    manage::groups::delete(&mut tx, &group).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Deleted group {name}.")))
}

async fn member(shell: &Shell, group: &GroupName, user: &UserName, add: bool) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let (found, person) = (shell.group(&realm, group).await?, shell.user(&realm, user).await?);
    let mut tx = shell.door.begin().await?;
    let changed = if add {
        manage::groups::add_member(&mut tx, &found, &person, &Source::Local).await?
    } else {
        manage::groups::remove_member(&mut tx, &found, &person, &Source::Local).await?
    };
    shell.commit(tx).await?;
    match (add, changed) {
        (true, true) => Ok(Report::words(format!("User {user} is in group {group}."))),
        (true, false) => Ok(Report::words(format!("User {user} was in group {group} already."))),
        (false, true) => Ok(Report::words(format!("User {user} was taken out of group {group}."))),
        (false, false) => {
            Err(Exit::refused(format!("no command put user {user} into group {group}: a declared file may have")))
        }
    }
}

async fn nesting(shell: &Shell, parent: &GroupName, child: &GroupName, add: bool) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let (outer, inner) = (shell.group(&realm, parent).await?, shell.group(&realm, child).await?);
    let mut tx = shell.door.begin().await?;
    let changed = if add {
        manage::groups::nest(&mut tx, &outer, &inner, &Source::Local).await??
    } else {
        manage::groups::unnest(&mut tx, &outer, &inner, &Source::Local).await?
    };
    shell.commit(tx).await?;
    match (add, changed) {
        (true, true) => Ok(Report::words(format!("Group {child} lies inside {parent}."))),
        (true, false) => Ok(Report::words(format!("Group {child} lay inside {parent} already."))),
        (false, true) => Ok(Report::words(format!("Group {child} was taken out of {parent}."))),
        (false, false) => {
            Err(Exit::refused(format!("no command put group {child} inside {parent}: a declared file may have")))
        }
    }
}
