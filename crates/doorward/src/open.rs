//! Opens the door: data directory, master key, database, schema, keys. Every way this can fail has its
//! own sentence.

use crate::exit::{Code, Exit, plain as plain_error};
use crate::limits;
use crate::settings::Config;
use doorward_engine::door::Door;
use doorward_engine::manage;
use doorward_jose::seal::{MASTER_KEY_BYTES, MasterKey};
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::name::DisplayText;
use doorward_store::migrate::{MigrationError, is_new, migrate};
use doorward_store::realms;
use doorward_store::store::{Database, OpenError, Store};
use doorward_world::World;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use zeroize::Zeroizing;

const KEY_FILE: &str = "master.key";
const KEY_VARIABLE: &str = "DOORWARD_MASTER_KEY";

/// Whether opening may make a new installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// What is missing is made.
    Allowed,
    /// Nothing is made: what is missing was looked for in the wrong place.
    Never,
}

/// What to say when no installation was ever made at the configured place, as far as files tell.
pub fn nothing_there(config: &Config) -> Option<Exit> {
    let data = &config.data;
    let is_absent = |path: &Path| fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let at = || format!("there is no Doorward at {}: give the --data the server has", data.display());
    let sentence = match &config.database {
        Database::Sqlite(file) => {
            let is_inside = file.parent() == Some(data);
            if is_absent(file) || fs::metadata(file).is_ok_and(|file| file.len() == 0) {
                let elsewhere = format!("there is no Doorward in {}", name_of(&config.database));
                if is_inside { at() } else { format!("{elsewhere}: give the --database the server has") }
            } else if !is_inside && key_variable().is_none() && is_absent(&data.join(KEY_FILE)) {
                at()
            } else {
                return None;
            }
        }
        Database::Postgres(_) if key_variable().is_none() && is_absent(&data.join(KEY_FILE)) => format!(
            "there is no master key for the PostgreSQL database at {}: give the --data the server has, or {KEY_VARIABLE}",
            data.display()
        ),
        Database::Postgres(_) => return None,
    };
    Some(Exit::new(Code::Data, sentence))
}

/// Opens the door on the configured database; makes what is missing on first use, where that is allowed.
///
/// # Errors
/// Codes 4 (data directory, master key) and 5 (database), each with one sentence.
pub async fn open(config: &Config, world: &World, begin: Begin) -> Result<Door, Exit> {
    if begin == Begin::Never
        && let Some(exit) = nothing_there(config)
    {
        return Err(exit);
    }
    // Where both database and key are elsewhere nothing needs the directory.
    if begin == Begin::Allowed || config.data.exists() || matches!(config.database, Database::Sqlite(_)) {
        prepare_directory(config)?;
    }
    let master = master_key(config, world)?;
    let store = Store::open(&config.database).await.map_err(|error| not_open(config, &error))?;
    if begin == Begin::Never && is_new(&store).await.map_err(|fault| unreachable(config, &fault))? {
        let sentence =
            format!("there is no Doorward in {}: give the --database the server has", name_of(&config.database));
        return Err(Exit::new(Code::Data, sentence));
    }
    match migrate(&store).await {
        Ok(()) => {}
        Err(MigrationError::Newer { found, known }) => {
            let sentence = format!(
                "{} was written by a newer Doorward: its schema has version {found}, and this program, {}, knows \
                 {known}: install a newer Doorward",
                name_of(&config.database),
                env!("CARGO_PKG_VERSION")
            );
            return Err(Exit::new(Code::Database, sentence));
        }
        Err(MigrationError::Fault(fault)) => return Err(unreachable(config, &fault)),
    }
    let door = Door::new(store, config.settings.clone(), master, world.dice().clone());
    let ctx = context(world, Actor::Worker("start"));
    door.warm(&ctx).await.map_err(|fault| not_warm(config, fault))?;
    first_realm(&door, &ctx, config).await?;
    Ok(door)
}

/// What the database is called in sentences; never a URL, which may hold a password.
fn name_of(database: &Database) -> String {
    match database {
        Database::Sqlite(file) => format!("the database file {}", file.display()),
        Database::Postgres(_) => "the PostgreSQL database".to_owned(),
    }
}

fn not_open(config: &Config, error: &OpenError) -> Exit {
    let name = name_of(&config.database);
    let sentence = match error {
        OpenError::Standby => format!(
            "{name} is a standby, which lags behind its primary, so that who was shut out there could still enter here: \
             name the primary with --database"
        ),
        OpenError::ReadOnly => format!(
            "{name} takes no writes: name the primary with --database, or end what makes it read-only \
             (default_transaction_read_only)"
        ),
        OpenError::Fault(fault) => return unreachable(config, fault),
    };
    Exit::new(Code::Database, sentence)
}

fn unreachable(config: &Config, fault: &Fault) -> Exit {
    let how = match config.database {
        Database::Sqlite(_) => "check its path and permissions",
        Database::Postgres(_) => "check that it runs and that --database names it",
    };
    Exit::new(Code::Database, format!("{} cannot be used, {fault}: {how}", name_of(&config.database)))
}

fn not_warm(config: &Config, fault: Fault) -> Exit {
    let text = fault.to_string();
    if fault.kind() == FaultKind::Corrupt && text.contains("another master key") {
        let sentence = format!(
            "the keys in {} were sealed with another master key than {}: give every node the key the database was \
             made with, by that file or {KEY_VARIABLE}",
            name_of(&config.database),
            if key_variable().is_some() {
                KEY_VARIABLE.to_owned()
            } else {
                config.data.join(KEY_FILE).display().to_string()
            }
        );
        return Exit::new(Code::Data, sentence);
    }
    fault.into()
}

/// A fresh installation has the realm of the settings.
async fn first_realm(door: &Door, ctx: &Ctx, config: &Config) -> Result<(), Exit> {
    if !realms::list(&mut &door.store, 1).await?.is_empty() {
        return Ok(());
    }
    let name = config.settings.realm.clone();
    let title = DisplayText::parse("Doorward").map_err(|bad| Exit::new(Code::Broken, bad.to_string()))?;
    let mut tx = door.begin().await?;
    // Another node may have been faster; then it is there already.
    if manage::realms::create(door, ctx, &mut tx, name, title).await?.is_ok() {
        door.commit(ctx, tx).await?;
    }
    door.warm(ctx).await?;
    Ok(())
}

/// The circumstances of something done now.
pub fn context(world: &World, actor: Actor) -> Ctx {
    let mut process = [0u8; 4];
    world.dice().fill(&mut process);
    Ctx {
        now: world.now(),
        actor,
        request: RequestTag::new(u32::from_be_bytes(process), 1),
        client: None,
        certificate: None,
    }
}

/// Who runs this command on this machine.
pub fn operator() -> Actor {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    Actor::Operator(named.map(|name| plain(&name)).unwrap_or_else(|| match fs::metadata("/proc/self") {
        Ok(process) => format!("uid-{}", process.uid()),
        Err(_) => "unknown".to_owned(),
    }))
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !doorward_model::name::is_unprintable(*c)).take(64).collect()
}

/// Says so when others may look into the data directory: one that was there before keeps its mode.
pub fn warn_of_readers(config: &Config) {
    let shown = config.data.display();
    if let Ok(mode) = mode_of(&config.data)
        && mode & 0o077 != 0
    {
        tracing::warn!(
            "the data directory {shown} is open to others on this machine (mode {mode:03o}): run chmod 700 {shown}"
        );
    }
}

fn mode_of(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
}

/// Makes the data directory, or sees that it may be used.
///
/// # Errors
/// Code 4 with one sentence.
pub fn prepare_directory(config: &Config) -> Result<(), Exit> {
    let data = &config.data;
    let shown = data.display();
    let unusable = |error: io::Error| {
        let why = plain_error(&error);
        let sentence = match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                format!(
                    "the data directory {shown} cannot be made, a file is in its place: name a directory with --data"
                )
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!(
                    "the data directory {shown} cannot be written, {why}: correct its owner or name another with --data"
                )
            }
            _ => format!("the data directory {shown} cannot be used, {why}: name another with --data"),
        };
        Exit::new(Code::Data, sentence)
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(unusable)?;
    let mode = mode_of(data).map_err(unusable)?;
    if mode & 0o002 != 0 {
        // Of a directory everybody is meant to share, such as /tmp, nobody may take the others' rights.
        let is_shared = mode & 0o1000 != 0;
        let or = if is_shared { String::new() } else { format!("run chmod 700 {shown}, or ") };
        let sentence = format!(
            "the data directory {shown} can be written by everybody on this machine (mode {mode:03o}): {or}name a \
             directory inside it with --data, such as {}",
            data.join("doorward").display()
        );
        return Err(Exit::new(Code::Data, sentence));
    }
    // Only a SQLite file beside the key needs a directory that stays writable.
    if matches!(&config.database, Database::Sqlite(file) if file.parent() == Some(data)) {
        let probe = data.join(format!(".probe-{}", std::process::id()));
        fs::write(&probe, b"").map_err(unusable)?;
        fs::remove_file(&probe).map_err(unusable)?;
    }
    if let Database::Sqlite(file) = &config.database {
        // Made before SQLite would, so that nobody else may read it; SQLite's other files follow its mode.
        let _ = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    }
    Ok(())
}

/// What the variable holds; empty counts as not set, as everywhere.
fn key_variable() -> Option<OsString> {
    std::env::var_os(KEY_VARIABLE).filter(|text| !text.is_empty())
}

fn master_key(config: &Config, world: &World) -> Result<MasterKey, Exit> {
    let bytes = match key_variable() {
        Some(text) => {
            let text = Zeroizing::new(text.to_string_lossy().into_owned());
            from_hex(text.trim()).ok_or_else(|| {
                let sentence = format!("{KEY_VARIABLE} does not hold 64 hexadecimal digits: correct or unset it");
                Exit::new(Code::Data, sentence)
            })?
        }
        None => key_from_file(config, world)?,
    };
    Ok(MasterKey::from_bytes(&bytes)?)
}

type KeyBytes = Zeroizing<[u8; MASTER_KEY_BYTES]>;

fn key_from_file(config: &Config, world: &World) -> Result<KeyBytes, Exit> {
    let path = config.data.join(KEY_FILE);
    let shown = path.display();
    if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        make_key(config, world, &path)?;
    }
    let unreadable = |error: io::Error| {
        let why = plain_error(&error);
        Exit::new(Code::Data, format!("the master key {shown} cannot be read, {why}: correct its owner"))
    };
    let file = fs::File::open(&path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let sentence = format!("the master key {shown} can be read by others (mode {mode:03o}): run chmod 600 {shown}");
        return Err(Exit::new(Code::Data, sentence));
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(limits::MASTER_KEY_FILE_BYTES).read_to_end(&mut content).map_err(unreadable)?;
    if let Ok(raw) = <[u8; MASTER_KEY_BYTES]>::try_from(content.as_slice()) {
        return Ok(Zeroizing::new(raw));
    }
    let text = std::str::from_utf8(&content).ok().and_then(|text| from_hex(text.trim()));
    text.ok_or_else(|| {
        let sentence = format!("the master key {shown} does not hold 64 hexadecimal digits: put the right file back");
        Exit::new(Code::Data, sentence)
    })
}

/// Makes the key whole under another name and links it into place, so that nobody reads half a key and
/// of two processes that start at once, both use the same one.
fn make_key(config: &Config, world: &World, path: &Path) -> Result<(), Exit> {
    let shown = path.display();
    if let Database::Sqlite(file) = &config.database
        && fs::metadata(file).is_ok_and(|file| file.len() > 0)
        && file.parent() == Some(&config.data)
    {
        let sentence = format!("the database is there but its master key {shown} is not: put the key file back");
        return Err(Exit::new(Code::Data, sentence));
    }
    let mut bytes = Zeroizing::new([0u8; MASTER_KEY_BYTES]);
    world.dice().fill(bytes.as_mut());
    let text =
        Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect::<String>());
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(|error| {
        let why = plain_error(&error);
        Exit::new(Code::Data, format!("the master key {shown} cannot be written, {why}: correct the directory's owner"))
    })
}

fn from_hex(text: &str) -> Option<KeyBytes> {
    let mut bytes = Zeroizing::new([0u8; MASTER_KEY_BYTES]);
    if text.len() != MASTER_KEY_BYTES * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, index) in bytes.iter_mut().zip(0..) {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
