//! `doorward user`. Passwords come from standard input or a variable, never from the command line, where
//! other users of the machine could read them.

mod profile;

use crate::commands::Shell;
use crate::exit::{Exit, plain};
use crate::limits;
use crate::report::Report;
use clap::{Args, Subcommand};
use doorward_engine::manage::{self, users::NewUser};
use doorward_engine::token::profile as profile_of;
use doorward_engine::token::roles::Roles;
use doorward_model::limits::PAGE_ROWS;
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::Holder;
use doorward_model::secret::{BadPassword, Password};
use doorward_store::{groups, roles, users};
use profile::ProfileFlags;
use serde_json::{Value, json};
use std::io::Read as _;

/// Users.
#[derive(Subcommand, Debug)]
pub enum User {
    /// Create a user; without a password nobody can sign in as them yet.
    Create {
        /// Name to sign in with.
        #[arg(value_parser = UserName::parse)]
        name: UserName,
        /// E-mail address.
        #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
        email: Option<EmailAddress>,
        /// Name for people.
        #[arg(long = "name", value_name = "TEXT", value_parser = DisplayText::parse)]
        display: Option<DisplayText>,
        /// What is known besides.
        #[command(flatten)]
        profile: Box<ProfileFlags>,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordSource,
        /// They must choose another password when they first sign in.
        #[arg(long)]
        temporary: bool,
    },
    /// Change what is given about a user.
    Update(Box<profile::Update>),
    /// List users.
    List,
    /// Show a user and their groups.
    Show {
        /// The user.
        #[arg(value_parser = UserName::parse)]
        name: UserName,
    },
    /// Keep a user out and end their sessions.
    Disable {
        /// The user.
        #[arg(value_parser = UserName::parse)]
        name: UserName,
    },
    /// Let a disabled user in again.
    Enable {
        /// The user.
        #[arg(value_parser = UserName::parse)]
        name: UserName,
    },
    /// Delete a user and everything that hangs on them.
    Delete {
        /// The user.
        #[arg(value_parser = UserName::parse)]
        name: UserName,
    },
    /// Set a password and end all sessions.
    SetPassword {
        /// The user.
        #[arg(value_parser = UserName::parse)]
        name: UserName,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordSource,
        /// They must choose another password at their next sign-in.
        #[arg(long)]
        temporary: bool,
    },
}

/// Where a password comes from.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub struct PasswordSource {
    /// Read the password from standard input.
    #[arg(long)]
    pub password_stdin: bool,
    /// Read the password from this environment variable.
    #[arg(long, value_name = "VARIABLE")]
    pub password_env: Option<String>,
}

impl PasswordSource {
    /// The password, if one was given, fit for that user.
    fn read(&self, user: &UserName) -> Result<Option<Password>, Exit> {
        let (text, at) = match &self.password_env {
            Some(name) => {
                let missing =
                    || Exit::usage(format!("--password-env: {name} is not set or not text: set it to the password"));
                (std::env::var(name).map_err(|_| missing())?, "--password-env")
            }
            None if self.password_stdin => (from_stdin()?, "--password-stdin"),
            None => return Ok(None),
        };
        let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        match Password::chosen(text, user.as_str()) {
            Ok(password) => Ok(Some(password)),
            Err(BadPassword::Empty) => Err(Exit::refused(format!("{at}: the password is empty: nothing was changed"))),
            Err(bad) => Err(Exit::refused(format!("{at}: {bad}: nothing was changed"))),
        }
    }
}

fn from_stdin() -> Result<String, Exit> {
    let mut text = String::new();
    let read = std::io::stdin().take(limits::PASSWORD_INPUT_BYTES).read_to_string(&mut text);
    read.map_err(|error| {
        let why = plain(&error);
        Exit::usage(format!("--password-stdin: the password cannot be read, {why}: give it as UTF-8 text"))
    })?;
    Ok(text)
}

/// Runs the command.
pub async fn run(command: User, shell: &Shell) -> Result<Report, Exit> {
    match command {
        User::Create { name, email, display, profile, password, temporary } => {
            let password = password.read(&name)?;
            if temporary && password.is_none() {
                let what = "--temporary is about a password: add --password-stdin or --password-env VARIABLE";
                return Err(Exit::usage(what));
            }
            let new = NewUser { name, display, email, password: None, is_active: true };
            create(shell, new, (&profile, password, temporary)).await
        }
        User::Update(command) => profile::update(shell, *command).await,
        User::List => list(shell).await,
        User::Show { name } => show(shell, &name).await,
        User::Disable { name } => set_active(shell, &name, false).await,
        User::Enable { name } => set_active(shell, &name, true).await,
        User::Delete { name } => delete(shell, &name).await,
        User::SetPassword { name, password, temporary } => {
            let Some(password) = password.read(&name)? else {
                return Err(Exit::usage("no password is given: add --password-stdin or --password-env VARIABLE"));
            };
            set_password(shell, &name, (password, temporary)).await
        }
    }
}

async fn create(
    shell: &Shell,
    new: NewUser,
    (profile, password, temporary): (&ProfileFlags, Option<Password>, bool),
) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let password = match password {
        Some(password) => Some(shell.hash(password).await?),
        None => None,
    };
    let has_password = password.is_some();
    let mut tx = shell.door.begin().await?;
    let new = NewUser { password, ..new };
    let user = manage::users::create(&shell.door, &shell.ctx, &mut tx, &realm.id, new).await??;
    if !profile.is_empty() {
        profile.write(&mut tx, &user).await?;
    }
    if temporary {
        manage::users::require_new_password(&mut tx, &user, true).await?;
    }
    shell.commit(tx).await?;
    let rest = match has_password {
        true => String::new(),
        false => {
            format!(
                " There is no password yet: set one with `{} user set-password {} --password-stdin`.",
                shell.config.doorward(),
                user.name
            )
        }
    };
    Ok(Report::words(format!("Created user {}.{rest}", user.name)))
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = users::list(&mut &shell.door.store, &realm.id, &after, PAGE_ROWS).await?;
        let Some(last) = page.last() else {
            return Ok(Report::rows(&["name", "display", "email", "active"], rows));
        };
        after = last.name.to_string();
        rows.extend(page.iter().map(|user| {
            json!({
                "name": user.name, "display": user.display, "email": user.email, "active": user.is_active,
                "id": user.id,
            })
        }));
    }
}

async fn show(shell: &Shell, name: &UserName) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let user = shell.user(&realm, name).await?;
    let mut query = &shell.door.store;
    let password = users::password(&mut query, &user.id).await?;
    let all = groups::of_user(&mut query, &user.id).await?;
    let direct = groups::direct_of_user(&mut query, &user.id).await?;
    let direct: Vec<_> = all.iter().filter(|group| direct.contains(&group.id)).map(|group| &group.name).collect();
    let (known, subject) = profile_of(&mut query, &user.id).await?;
    let given = roles::direct(&mut query, &Holder::User(user.id.clone())).await?;
    let held = Roles::of_user(&mut query, &user.id).await?;
    let mut given: Vec<_> = given.into_iter().map(|(role, _)| role.name).collect();
    given.dedup();
    let roles_in_words = ("all_roles", in_words(&held));
    let value = json!({
        "realm": realm.name,
        "id": user.id,
        "subject": subject,
        "email_verified": known.email_verified,
        "break_glass": known.break_glass,
        "given_name": known.given_name,
        "family_name": known.family_name,
        "attributes": known.attributes,
        "roles": given,
        "all_roles": {"realm": held.realm, "clients": held.clients},
        "name": user.name,
        "display": user.display,
        "email": user.email,
        "active": user.is_active,
        "password": password.is_some(),
        "temporary_password": password.is_some_and(|password| password.is_temporary),
        "created": user.created_at.rfc3339(),
        "groups": direct,
        "all_groups": all.iter().map(|group| &group.name).collect::<Vec<_>>(),
    });
    Ok(Report::one(value).and_cells([roles_in_words]))
}

/// Roles for people: those of the realm by name, those of each client behind it.
fn in_words(held: &Roles) -> String {
    let of_clients =
        held.clients.iter().flat_map(|(client, roles)| roles.iter().map(move |role| format!("{client}: {role}")));
    held.realm.iter().map(ToString::to_string).chain(of_clients).collect::<Vec<_>>().join(", ")
}

async fn set_active(shell: &Shell, name: &UserName, is_active: bool) -> Result<Report, Exit> {
    let user = shell.user(&shell.realm().await?, name).await?;
    let mut tx = shell.door.begin().await?;
    let (changed, word) = if is_active {
        (manage::users::enable(&mut tx, &user).await?, "enabled")
    } else {
        (manage::users::disable(&mut tx, &user).await?, "disabled")
    };
    shell.commit(tx).await?;
    let sentence = if changed { format!("User {name} is {word}.") } else { format!("User {name} was {word} already.") };
    Ok(Report::words(sentence))
}

async fn delete(shell: &Shell, name: &UserName) -> Result<Report, Exit> {
    let user = shell.user(&shell.realm().await?, name).await?;
    let mut tx = shell.door.begin().await?;
    manage::users::delete(&mut tx, &user).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Deleted user {name}.")))
}

async fn set_password(shell: &Shell, name: &UserName, (password, temporary): (Password, bool)) -> Result<Report, Exit> {
    let user = shell.user(&shell.realm().await?, name).await?;
    let hash = shell.hash(password).await?;
    let mut tx = shell.door.begin().await?;
    if temporary {
        manage::users::set_temporary_password(&mut tx, &user, &hash).await?;
    } else {
        manage::users::set_password(&mut tx, &user, &hash, None).await?;
    }
    shell.commit(tx).await?;
    let rest = if temporary { " They choose another one when they sign in." } else { "" };
    Ok(Report::words(format!("Set the password of {name} and ended their sessions.{rest}")))
}
