//! The command line: flags shared by all commands, flags of a server, and the list of commands. Owns
//! their spelling and the order of `--protect` and `--allow`; each command's own arguments stand with it.

use crate::commands::{
    app, apply, client, connector, delivery, events, explain, group, identity, import, key, realm, recipe,
    registration, role, scope, session, setup_link, token, user,
};
use crate::exit::{Code, Exit};
use crate::open::Begin;
use crate::up::Protect;
use crate::{complaint, headings, upstream};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use doorward_model::name::{AppSlug, GroupName};
use std::ffi::OsString;
use std::path::PathBuf;

/// Stands in front of your tools, signs people in, decides who may enter, and tells the tool who came.
#[derive(Parser, Debug)]
#[command(name = "doorward", version, after_help = Code::table(), propagate_version = true)]
pub struct Cli {
    /// Flags every command has.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags every command has.
#[derive(Args, Debug, Clone, Default)]
pub struct Common {
    /// Directory of keys and database [default: $XDG_DATA_HOME/doorward].
    #[arg(long, global = true, help_heading = "Common", env = "DOORWARD_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://… [default: sqlite:DATA/doorward.db].
    #[arg(
        long,
        global = true,
        help_heading = "Common",
        env = "DOORWARD_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database: Option<String>,
    /// Settings file (YAML).
    #[arg(long, global = true, help_heading = "Common", env = "DOORWARD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Realm to work in [default: main].
    #[arg(long, global = true, help_heading = "Common", env = "DOORWARD_REALM", value_name = "NAME")]
    pub realm: Option<String>,
    /// Form of what a command prints [default: table on a terminal, else json].
    #[arg(long, global = true, help_heading = "Common", value_enum, value_name = "FORM")]
    pub output: Option<Output>,
    /// Form of the log on standard error.
    #[arg(
        long,
        global = true,
        help_heading = "Common",
        value_enum,
        default_value_t,
        env = "DOORWARD_LOG_FORMAT",
        value_name = "FORM"
    )]
    pub log_format: LogFormat,
}

/// Forms of what a command prints.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For files.
    Yaml,
}

/// Forms of the log.
#[derive(ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Flags of a server. Other commands know them by their variables and the settings file.
#[derive(Args, Debug, Clone, Default)]
pub struct ListenFlags {
    /// Where browsers and proxies reach Doorward [default: 127.0.0.1:8080].
    #[arg(long, env = "DOORWARD_LISTEN", value_name = "IP:PORT")]
    pub listen: Option<String>,
    /// Where Envoy reaches the gRPC gate, or none [default: 127.0.0.1:8081].
    #[arg(long, env = "DOORWARD_GRPC_LISTEN", value_name = "IP:PORT")]
    pub grpc_listen: Option<String>,
    /// Where health is read, or none [default: 127.0.0.1:8082].
    #[arg(long, env = "DOORWARD_OPERATIONS_LISTEN", value_name = "IP:PORT")]
    pub operations_listen: Option<String>,
    /// Where browsers reach Doorward [default: http://doorward.localhost:PORT].
    #[arg(long, env = "DOORWARD_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// A network whose forwarding headers are believed; may be repeated.
    #[arg(long, env = "DOORWARD_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NET")]
    pub trust_proxy: Vec<String>,
    /// The header in which trusted proxies hand on clients' certificates, such as ssl-client-cert.
    #[arg(long, env = "DOORWARD_CLIENT_CERTIFICATE_HEADER", value_name = "NAME")]
    pub client_certificate_header: Option<String>,
    /// Certificates (PEM) of those who vouch for clients known by the subject of theirs.
    #[arg(long, env = "DOORWARD_CLIENT_CERTIFICATE_AUTHORITIES", value_name = "FILE")]
    pub client_certificate_authorities: Option<String>,
    /// A parent domain whose apps share one pass.
    #[arg(long, env = "DOORWARD_COOKIE_DOMAIN", value_name = "DOMAIN")]
    pub cookie_domain: Option<String>,
    /// A private network in which Doorward may call clients; may be repeated.
    #[arg(long, env = "DOORWARD_OUTBOUND_ALLOW", value_delimiter = ',', value_name = "NET")]
    pub outbound_allow: Vec<String>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run everything on this machine, made on first use.
    Up(UpFlags),
    /// Run a server.
    Serve(ListenFlags),
    /// Realms.
    #[command(subcommand)]
    Realm(realm::Realm),
    /// Users.
    #[command(subcommand)]
    User(user::User),
    /// Groups, their members, and groups inside groups.
    #[command(subcommand)]
    Group(group::Group),
    /// Roles of the realm and of clients, and who has them.
    #[command(subcommand)]
    Role(role::Role),
    /// Apps and who may enter them.
    #[command(subcommand)]
    App(app::App),
    /// Scopes of the realm's own, and what each brings.
    #[command(subcommand)]
    Scope(scope::Scope),
    /// Sessions of browsers.
    #[command(subcommand)]
    Session(session::Session),
    /// Clients: tools and programs that sign people in here, or themselves.
    #[command(subcommand)]
    Client(client::Client),
    /// Identity providers people may sign in with.
    #[command(subcommand)]
    Connector(connector::Connector),
    /// `client create` and `connector add`, with other option names.
    #[command(subcommand)]
    Identity(identity::Identity),
    /// What other software was configured with.
    #[command(subcommand)]
    Import(import::Import),
    /// Service tokens of machines.
    #[command(subcommand)]
    Token(token::Token),
    /// Let programs register clients by themselves.
    #[command(subcommand)]
    Registration(registration::Registration),
    /// Say whether a user may enter an app or sign in through a client, and why.
    Explain(explain::Explain),
    /// Make what YAML files declare so.
    Apply(apply::Apply),
    /// Print a reverse proxy's configuration for an app.
    Recipe(recipe::Recipe),
    /// Make a one-time link that makes whoever opens it an administrator; older ones stop working.
    SetupLink(setup_link::SetupLink),
    /// The newest entries of the audit record.
    Events(events::Events),
    /// Signing keys.
    #[command(subcommand)]
    Key(key::Key),
    /// What clients are still to be told: sessions that ended.
    #[command(subcommand)]
    Delivery(delivery::Delivery),
}

impl Command {
    /// Whether this may be the first thing that is ever done on a data directory. Everything else speaks of what is
    /// there, and a directory that holds nothing is a slip.
    pub fn begin(&self) -> Begin {
        match self {
            Self::Up(_)
            | Self::Serve(_)
            | Self::SetupLink(_)
            | Self::Identity(_)
            | Self::Realm(realm::Realm::Create { .. } | realm::Realm::Update(_))
            | Self::User(user::User::Create { .. })
            | Self::Group(group::Group::Create { .. })
            | Self::Role(role::Role::Create { .. })
            | Self::App(app::App::Create(_))
            | Self::Client(client::Client::Create(_))
            | Self::Connector(connector::Connector::Add(_))
            | Self::Registration(registration::Registration::Create { .. }) => Begin::Allowed,
            Self::Apply(apply) if !apply.is_plan() => Begin::Allowed,
            Self::Import(import) if !import.is_plan() => Begin::Allowed,
            _ => Begin::Never,
        }
    }
}

/// Flags of `up`.
#[derive(Args, Debug, Clone, Default)]
pub struct UpFlags {
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenFlags,
    /// Put a tool behind the door, such as dagster=http://127.0.0.1:3000; may be repeated.
    #[arg(long, value_name = "NAME=URL")]
    pub protect: Vec<String>,
    /// A group that may enter the tool of the --protect before it; may be repeated.
    #[arg(long, value_name = "GROUP")]
    pub allow: Vec<String>,
}

/// The parsed command line.
#[derive(Debug)]
pub struct Parsed {
    /// Flags and command.
    pub cli: Cli,
    /// What `up` protects.
    pub protects: Vec<Protect>,
}

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Stop {
    /// Help or version, to be printed.
    Help(String),
    /// Wrong arguments.
    Exit(Exit),
}

/// Reads the command line.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed, Stop> {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let matches = command().try_get_matches_from(&words).map_err(|error| stop(&error, &words))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| stop(&error, &words))?;
    let protects = match (&cli.command, matches.subcommand_matches("up")) {
        (Command::Up(flags), Some(matches)) => protects(flags, matches).map_err(Stop::Exit)?,
        _ => Vec::new(),
    };
    Ok(Parsed { cli, protects })
}

impl ListenFlags {
    /// What the environment says, for commands that have no such flags.
    pub fn from_environment() -> Result<Self, Exit> {
        #[derive(Parser)]
        struct Environment {
            #[command(flatten)]
            flags: ListenFlags,
        }
        let matches = without_empty_variables(Environment::command()).try_get_matches_from(["doorward"]);
        match matches.and_then(|matches| Environment::from_arg_matches(&matches)) {
            Ok(environment) => Ok(environment.flags),
            Err(error) => Err(Exit::usage(complaint::plain(&error))),
        }
    }
}

/// A variable that is set and empty counts as not set: whoever describes a container often passes on
/// variables nobody filled.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|text| text.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(clap::builder::Resettable::Reset) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// The whole command line.
fn command() -> clap::Command {
    without_empty_variables(headings::put(Cli::command()))
}

fn stop(error: &clap::Error, words: &[OsString]) -> Stop {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    match error.kind() {
        kind if error.use_stderr() || kind == DisplayHelpOnMissingArgumentOrSubcommand => {
            Stop::Exit(Exit::usage(complaint::sentence(error, command(), words)))
        }
        _ => Stop::Help(error.to_string()),
    }
}

/// Gives every `--allow` to the `--protect` that stands before it.
fn protects(flags: &UpFlags, matches: &clap::ArgMatches) -> Result<Vec<Protect>, Exit> {
    let places = |name| matches.indices_of(name).into_iter().flatten();
    let mut protects: Vec<(usize, Protect)> = Vec::new();
    for (place, text) in places("protect").zip(&flags.protect) {
        protects.push((place, protect(text)?));
    }
    for (place, text) in places("allow").zip(&flags.allow) {
        let group = GroupName::parse(text).map_err(|bad| Exit::usage(format!("--allow: {bad}: correct it")))?;
        let Some((_, tool)) = protects.iter_mut().rev().find(|(before, _)| *before < place) else {
            let sentence = format!("--allow {group}: no --protect stands before it: write --protect NAME=URL first");
            return Err(Exit::usage(sentence));
        };
        tool.groups.push(group);
    }
    Ok(protects.into_iter().map(|(_, protect)| protect).collect())
}

fn protect(text: &str) -> Result<Protect, Exit> {
    let wrong =
        |what: String| Exit::usage(format!("--protect: {what}: write NAME=URL, such as dagster=http://127.0.0.1:3000"));
    let Some((slug, upstream)) = text.split_once('=') else {
        return Err(wrong(format!("`{}` has no =", text.escape_debug())));
    };
    let slug = AppSlug::parse(slug).map_err(|bad| wrong(bad.to_string()))?;
    let upstream = upstream::parse(upstream).map_err(|bad| Exit::usage(format!("--protect {slug}: {bad}")))?;
    Ok(Protect { slug, upstream, groups: Vec::new() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{Stop, command, parse};

    fn protects(arguments: &str) -> Result<Vec<String>, String> {
        let words = format!("doorward up {arguments}");
        match parse(words.split_whitespace().map(Into::into)) {
            Ok(parsed) => {
                let show = |p: &super::Protect| {
                    let groups: Vec<&str> = p.groups.iter().map(|group| group.as_str()).collect();
                    format!("{} {} [{}]", p.slug, p.upstream, groups.join(" "))
                };
                Ok(parsed.protects.iter().map(show).collect())
            }
            Err(Stop::Exit(exit)) => Err(exit.sentence),
            Err(Stop::Help(text)) => Err(text),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn an_allow_belongs_to_the_protect_before_it() {
        let given = "--protect a=http://127.0.0.1:1 --allow x --allow=y --listen 127.0.0.1:9 \
                     --protect b=http://127.0.0.1:2 --protect c=http://127.0.0.1:3 --allow z";
        let expected = ["a http://127.0.0.1:1 [x y]", "b http://127.0.0.1:2 []", "c http://127.0.0.1:3 [z]"];
        assert_eq!(protects(given).unwrap(), expected);
        assert_eq!(
            protects("--allow x --protect a=http://127.0.0.1:1").unwrap_err(),
            "--allow x: no --protect stands before it: write --protect NAME=URL first"
        );
        assert_eq!(
            protects("--protect dagster").unwrap_err(),
            "--protect: `dagster` has no =: write NAME=URL, such as dagster=http://127.0.0.1:3000"
        );
        assert_eq!(
            protects("--protect a=http://127.0.0.1:1/base").unwrap_err(),
            "--protect a: the upstream `http://127.0.0.1:1/base` has a path, a query or a fragment: write scheme, host \
             and port only, such as http://127.0.0.1:3000"
        );
    }

    #[test]
    fn help_promises_what_is_there() {
        let help = protects("--help").unwrap_err();
        assert!(help.contains("Where health is read, or none") && !help.contains("numbers"), "{help}");
    }

    fn every(command: &clap::Command, look: &mut impl FnMut(&clap::Command)) {
        look(command);
        command.get_subcommands().for_each(|inner| every(inner, look));
    }

    #[test]
    fn no_help_shows_a_name_of_the_source() {
        let mut root = command();
        root.build();
        every(&root, &mut |command| {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                for name in arg.get_value_names().into_iter().flatten() {
                    assert!(!name.contains('_'), "{} {}: {name}", command.get_name(), arg.get_id());
                }
            }
        });
    }

    #[test]
    fn a_long_help_has_headings() {
        let Err(Stop::Help(help)) = parse(["doorward", "client", "create", "--help"].map(Into::into)) else {
            panic!("no help");
        };
        let mut at = 0;
        for heading in ["Redirects:", "Logout:", "Grants:", "Who may sign in:", "Tokens:", "Common:"] {
            assert!(help.contains(&format!("\n{heading}\n")), "{heading}: {help}");
        }
        let mut longest = 0;
        for line in help.lines() {
            at = if line.starts_with("  -") || line.starts_with("      --") { at + 1 } else { at };
            at = if line.ends_with(':') && !line.starts_with(' ') { 0 } else { at };
            longest = longest.max(at);
        }
        assert!(longest <= 15, "{longest}: {help}");
    }
}
