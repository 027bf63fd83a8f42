//! `doorward connector`: identity providers people may sign in with.

mod add;
pub mod advice;
mod kerberos;
mod ldap;
mod links;
mod oidc;
mod presets;
mod rotate_key;
mod saml;
mod speech;
mod sync;
mod test;
mod update;

pub use add::{Add, add};

use crate::commands::{Shell, apply};
use crate::exit::Exit;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::federation::settings::Kind;
use doorward_engine::federation::{self, Connector as Stored};
use doorward_engine::manage::connectors as manage;
use doorward_engine::manage::ways::{self, NamedBy};
use doorward_model::name::{ConnectorName, UserName};
use doorward_model::people::Realm;
use doorward_platform::declared::Plan;
use doorward_store::connectors;
use serde_json::{Value, json};

/// Identity providers people may sign in with.
#[derive(Subcommand, Debug)]
pub enum Connector {
    /// Connect a provider.
    #[command(subcommand)]
    Add(Add),
    /// List them.
    List,
    /// Show one.
    Show {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Change settings. Sessions that began there end when its word is another one from now on.
    Update(Box<update::Update>),
    /// Ask the provider for what it publishes, or say who somebody would be here, without saving anything.
    Test(test::Test),
    /// Read a whole directory: new people get users, groups are as they are there, and who is gone is shut out.
    Sync(sync::Sync),
    /// Put a new key of a SAML connector's own in the place of the one before, in three steps.
    RotateKey(rotate_key::RotateKey),
    /// Let nobody in through it, and end the sessions that began there.
    Disable {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Let people in through it again.
    Enable {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Forget it with its links and what it said of groups; users stay.
    Remove {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// Only say which sessions and links would go with it; ends with code 2.
        #[arg(long)]
        plan: bool,
    },
    /// Say which user somebody at the provider is.
    Link {
        /// The connector.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// The user.
        #[arg(value_parser = UserName::parse)]
        user: UserName,
        /// What the provider calls them: the claim sub.
        #[arg(long)]
        subject: String,
    },
    /// List who is linked through one.
    Links {
        /// The connector.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// Those after this user name.
        #[arg(long, value_name = "NAME", default_value = "")]
        after: String,
    },
    /// Take such a link back, and end the sessions that rest on it.
    Unlink {
        /// The connector.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// The user; every link of theirs there is taken back.
        #[arg(value_parser = UserName::parse, required_unless_present = "subject", conflicts_with = "subject")]
        user: Option<UserName>,
        /// What the provider calls them: the claim sub.
        #[arg(long)]
        subject: Option<String>,
    },
}

/// Runs the command.
pub async fn run(command: Connector, shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    match command {
        Connector::Add(new) => add(shell, new).await,
        Connector::List => list(shell, &realm).await,
        Connector::Show { connector } => show(shell, &realm, &connector).await,
        Connector::Update(asked) => {
            let connector = find(shell, &realm, &asked.connector).await?;
            update::update(shell, (&realm, &connector), &asked).await
        }
        Connector::Sync(asked) => {
            let connector = find(shell, &realm, &asked.connector).await?;
            sync::run(shell, &realm, &connector, &asked).await
        }
        Connector::Test(asked) => {
            test::test(shell, &realm, &find(shell, &realm, &asked.connector).await?, &asked).await
        }
        Connector::RotateKey(asked) => {
            let connector = find(shell, &realm, &asked.connector).await?;
            rotate_key::run(shell, &realm, &connector, &asked).await
        }
        Connector::Disable { connector } => set_active(shell, &find(shell, &realm, &connector).await?, false).await,
        Connector::Enable { connector } => set_active(shell, &find(shell, &realm, &connector).await?, true).await,
        Connector::Remove { connector, plan } => {
            let connector = find(shell, &realm, &connector).await?;
            if plan { plan_removal(shell, &realm, &connector).await } else { remove(shell, &connector).await }
        }
        Connector::Link { connector, user, subject } => {
            links::link(shell, (&realm, &find(shell, &realm, &connector).await?), &user, &subject).await
        }
        Connector::Links { connector, after } => {
            links::list(shell, &find(shell, &realm, &connector).await?, &after).await
        }
        Connector::Unlink { connector, user, subject } => {
            let connector = find(shell, &realm, &connector).await?;
            links::unlink(shell, (&realm, &connector), (user.as_ref(), subject)).await
        }
    }
}

async fn redirect_uri(shell: &Shell, realm: &Realm, connector: &Stored) -> String {
    shell.standing().await.public.url(&connector.callback_path(&realm.name))
}

/// Adds what the provider has to be told of a connector.
fn addresses(value: &mut Value, connector: &Stored, uri: &str) {
    match &connector.settings.kind {
        Kind::Oidc(_) | Kind::OAuth2(_) => value["redirect_uri"] = json!(uri),
        // Nobody is sent to a directory and back.
        Kind::Ldap(_) | Kind::Kerberos(_) => {}
        Kind::Saml(saml) => {
            value["entity_id"] = json!(saml.own_entity_id.as_deref().unwrap_or(uri));
            value["endpoint"] = json!(uri);
            value["metadata"] = json!(format!("{uri}/descriptor"));
        }
    }
}

async fn find(shell: &Shell, realm: &Realm, name: &ConnectorName) -> Result<Stored, Exit> {
    let missing = || {
        let sentence =
            format!("realm {} has no connector named {name}: list them with `doorward connector list`", realm.name);
        Exit::refused(sentence)
    };
    federation::find(&shell.door, &realm.id, name).await?.ok_or_else(missing)
}

async fn list(shell: &Shell, realm: &Realm) -> Result<Report, Exit> {
    let mut rows = Vec::new();
    for row in connectors::of_realm(&mut &shell.door.store, &realm.id).await? {
        let connector = Stored::read(row)?;
        let kind = &connector.settings.kind;
        let people = connectors::count_links_at(&mut &shell.door.store, &connector.id, kind.issuer()).await?;
        rows.push(json!({
            "name": connector.name, "kind": kind.as_str(), "title": connector.title(), "issuer": kind.issuer(),
            "asks": kind.asks(), "active": connector.is_active, "people": people, "id": connector.id,
        }));
    }
    Ok(Report::rows(&["name", "kind", "title", "asks", "active", "people"], rows))
}

async fn show(shell: &Shell, realm: &Realm, name: &ConnectorName) -> Result<Report, Exit> {
    let connector = find(shell, realm, name).await?;
    let issuer = connector.settings.kind.issuer();
    let people = connectors::count_links_at(&mut &shell.door.store, &connector.id, issuer).await?;
    let mut value = json!({
        "realm": realm.name,
        "id": connector.id,
        "name": connector.name,
        "active": connector.is_active,
        "people": people,
        "secret": secret_of(&connector),
        "settings": connector.settings,
    });
    addresses(&mut value, &connector, &redirect_uri(shell, realm, &connector).await);
    Ok(Report::one(value).and_settings("settings"))
}

/// Where its secret is, and never what it is.
fn secret_of(connector: &Stored) -> Value {
    match (connector.settings.kind.secret_from(), &connector.sealed) {
        (Some(reference), _) => json!(reference),
        (None, Some(_)) => json!("sealed"),
        (None, None) => json!("none"),
    }
}

async fn set_active(shell: &Shell, connector: &Stored, is_active: bool) -> Result<Report, Exit> {
    if connector.is_active == is_active {
        let state = if is_active { "enabled" } else { "disabled" };
        return Ok(Report::words(format!("Connector {} is {state} already.", connector.name)));
    }
    let mut tx = shell.door.begin().await?;
    let named = ways::named_by(&mut tx, connector).await?;
    let ended = manage::set_active(&mut tx, connector, is_active).await?;
    shell.commit(tx).await?;
    Ok(match is_active {
        true => Report::words(format!("Enabled connector {}.", connector.name)),
        false => Report::words(format!("Disabled connector {}; {}.", connector.name, ended_sessions(ended)))
            .and_warnings(named.iter().map(|named| shuts(connector, named, "now"))),
    })
}

async fn remove(shell: &Shell, connector: &Stored) -> Result<Report, Exit> {
    let mut tx = shell.door.begin().await?;
    let named = ways::named_by(&mut tx, connector).await?;
    let ends = manage::delete(&mut tx, connector).await?;
    shell.commit(tx).await?;
    let (ended, forgotten) = (ended_sessions(ends.sessions), counted_links(ends.links));
    let words = format!("Removed connector {}; {ended}, {forgotten} forgotten, its users stay.", connector.name);
    Ok(Report::words(words).and_warnings(named.iter().map(|named| shuts(connector, named, "now"))))
}

async fn plan_removal(shell: &Shell, realm: &Realm, connector: &Stored) -> Result<Report, Exit> {
    let mut tx = shell.door.begin().await?;
    let named = ways::named_by(&mut tx, connector).await?;
    drop(tx);
    let told = apply::rehearsed(shell, Plan::of_removal(&realm.name, connector)).await?;
    Ok(told.and_warnings(named.iter().map(|named| shuts(connector, named, "then"))))
}

/// How many sessions ended.
fn ended_sessions(count: usize) -> String {
    format!("{count} {} ended", if count == 1 { "session" } else { "sessions" })
}

/// How many links.
fn counted_links(count: i64) -> String {
    format!("{count} {}", if count == 1 { "link" } else { "links" })
}

/// What it means for an app or a client that a connector it names is shut, now or then.
pub fn shuts(connector: &Stored, named: &NamedBy, when: &str) -> String {
    let (what, name) = (&named.what, &connector.name);
    let (kind, own) = what.split_once(' ').unwrap_or((what, ""));
    let rest = match named.is_only_way {
        true => format!("and no other way in, so nobody gets in there {when}"),
        false => format!("as a way in, and there are fewer {when}"),
    };
    format!("{what} names {name} {rest}: see `doorward {kind} update {own} --connector NAME`")
}
