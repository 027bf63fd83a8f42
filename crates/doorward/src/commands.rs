//! The commands, one file per noun. Each loads what it names, makes its change in one transaction, tells
//! a running server, and hands back a report; printing is `report`'s.

pub mod app;
pub mod apply;
pub mod client;
pub mod connector;
pub mod delivery;
pub mod events;
pub mod explain;
pub mod group;
pub mod identity;
pub mod import;
pub mod input;
pub mod key;
pub mod realm;
pub mod recipe;
pub mod registration;
pub mod role;
pub mod scope;
pub mod session;
pub mod setup_link;
pub mod token;
pub mod user;

use crate::arguments::Command;
use crate::control::{self, Standing};
use crate::exit::{Code, Exit};
use crate::open::{context, nothing_there, open, operator};
use crate::report::Report;
use crate::settings::Config;
use doorward_engine::door::Door;
use doorward_engine::manage::{find, ways};
use doorward_engine::passwords::HashError;
use doorward_model::context::Ctx;
use doorward_model::name::{AppSlug, ClientName, GroupName, UserName};
use doorward_model::people;
use doorward_model::secret::Password;
use doorward_model::ways::{WayName, Ways};
use doorward_store::tx::Tx;
use doorward_world::World;
use std::io::Write as _;

/// What every command works with.
pub struct Shell {
    /// Settings.
    pub config: Config,
    /// The open door.
    pub door: Door,
    /// When and by whom.
    pub ctx: Ctx,
}

/// Where a server is reached, and whether that is the settings' word alone.
pub struct Found {
    /// Where.
    pub standing: Standing,
    /// No server answered.
    pub is_assumed: bool,
}

/// Runs one command.
pub async fn run(command: Command, config: Config, world: World) -> Result<Report, Exit> {
    let is_first = nothing_there(&config).is_some();
    let door = open(&config, &world, command.begin()).await?;
    if is_first {
        // Said before anything else: a mistyped --data shows here. Nobody may be listening.
        let _ = writeln!(
            std::io::stderr(),
            "Made a new data directory at {}. If a server has another one, give its --data.",
            config.data.display()
        );
    }
    let shell = Shell { ctx: context(&world, operator()), door, config };
    let report = match command {
        Command::Realm(command) => realm::run(command, &shell).await,
        Command::User(command) => user::run(command, &shell).await,
        Command::Group(command) => group::run(command, &shell).await,
        Command::Role(command) => role::run(command, &shell).await,
        Command::App(command) => app::run(command, &shell).await,
        Command::Scope(command) => scope::run(command, &shell).await,
        Command::Session(command) => session::run(command, &shell).await,
        Command::Client(command) => client::run(command, &shell).await,
        Command::Connector(command) => connector::run(command, &shell).await,
        Command::Identity(command) => identity::run(command, &shell).await,
        Command::Import(command) => import::run(command, &shell).await,
        Command::Token(command) => token::run(command, &shell).await,
        Command::Registration(command) => registration::run(command, &shell).await,
        Command::Explain(command) => explain::run(command, &shell).await,
        Command::Apply(command) => apply::run(command, &shell).await,
        Command::Recipe(command) => recipe::run(command, &shell).await,
        Command::SetupLink(command) => setup_link::run(command, &shell).await,
        Command::Events(command) => events::run(command, &shell).await,
        Command::Key(command) => key::run(command, &shell).await,
        Command::Delivery(command) => delivery::run(command, &shell).await,
        Command::Up(_) | Command::Serve(_) => Err(Exit::new(Code::Broken, "a server is not a command")),
    };
    shell.door.store.close().await;
    report
}

impl Shell {
    /// The realm commands work in.
    pub async fn realm(&self) -> Result<people::Realm, Exit> {
        Ok(find::realm(&self.door, &self.config.settings.realm).await??)
    }

    /// A user of a realm.
    pub async fn user(&self, realm: &people::Realm, name: &UserName) -> Result<people::User, Exit> {
        Ok(find::user(&self.door, realm, name).await??)
    }

    /// A group of a realm.
    pub async fn group(&self, realm: &people::Realm, name: &GroupName) -> Result<people::Group, Exit> {
        Ok(find::group(&self.door, realm, name).await??)
    }

    /// An app of a realm.
    pub async fn app(&self, realm: &people::Realm, slug: &AppSlug) -> Result<doorward_model::app::App, Exit> {
        Ok(find::app(&self.door, realm, slug).await??)
    }

    /// A client of a realm.
    pub async fn client(
        &self,
        realm: &people::Realm,
        name: &ClientName,
    ) -> Result<doorward_engine::clients::Client, Exit> {
        Ok(find::client(&self.door, realm, name).await??)
    }

    /// The ways in of these names.
    pub async fn ways(&self, realm: &people::Realm, names: &[WayName]) -> Result<Ways, Exit> {
        Ok(ways::find(&mut &self.door.store, &realm.id, names).await??)
    }

    /// Commits, and tells a server running on this machine.
    pub async fn commit(&self, tx: Tx) -> Result<(), Exit> {
        self.door.commit(&self.ctx, tx).await?;
        self.told().await;
        Ok(())
    }

    /// Tells a server running on this machine that something was committed.
    pub async fn told(&self) {
        control::poke(&self.config).await;
    }

    /// Where the server of this data directory is reached: in its own words when one runs, else by the settings.
    /// What was merely guessed is said aloud: addresses are copied into the settings of tools.
    pub async fn standing(&self) -> Standing {
        let Found { standing, is_assumed } = self.found().await;
        if is_assumed && !self.config.is_public_named {
            // Nobody may be listening.
            let _ = writeln!(
                std::io::stderr(),
                "warning: no server runs on {}, so addresses are told as if it were reached at {}: start it first, or set \
                 DOORWARD_PUBLIC_URL",
                self.config.data.display(),
                standing.public
            );
        }
        standing
    }

    /// The same, and whether a server said so.
    pub async fn found(&self) -> Found {
        match control::ask(&self.config).await {
            Some(standing) => Found { standing, is_assumed: false },
            None => Found { standing: Standing::of_settings(&self.config), is_assumed: true },
        }
    }

    /// Hashes a password.
    pub async fn hash(&self, password: Password) -> Result<String, Exit> {
        self.door.hasher.hash(password, &*self.door.dice).await.map_err(|error| match error {
            HashError::Busy => Exit::new(Code::Broken, "too many passwords are being checked: try again"),
            HashError::Fault(fault) => fault.into(),
        })
    }
}
