//! One server for each data directory: the second one is told about the first, and never takes its control socket.

use crate::control;
use crate::exit::{Code, Exit, plain};
use crate::limits;
use crate::settings::Config;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const LOCK_FILE: &str = "server.lock";

/// The data directory's only server, as long as this lives. The kernel lets go of it when the process ends, however it
/// ends, so nothing is ever left behind that has to be removed by hand.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the data directory for the server that starts. `None` where nothing can be locked: a directory that takes no
/// writes (its database is elsewhere), or a file system without locks. Nothing is lost there but the word between commands
/// and the server.
///
/// # Errors
/// Code 4 when another server has it.
pub async fn take(config: &Config) -> Result<Option<Lock>, Exit> {
    let path = config.data.join(LOCK_FILE);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) => {
            not_locked(&path, &error);
            return Ok(None);
        }
    };
    match file.try_lock() {
        Ok(()) => {
            // Only whoever is refused reads it, and does without when it is not there.
            let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
            Ok(Some(Lock { _file: file }))
        }
        Err(TryLockError::WouldBlock) => Err(taken(config, file).await),
        Err(TryLockError::Error(error)) => {
            not_locked(&path, &error);
            Ok(None)
        }
    }
}

fn not_locked(path: &Path, error: &io::Error) {
    tracing::warn!(
        "{} cannot be locked, {}: see to it that one server only runs on this data directory; what commands change counts a \
         tenth of a second later",
        path.display(),
        plain(error)
    );
}

async fn taken(config: &Config, file: File) -> Exit {
    let mut text = String::new();
    let read = file.take(limits::LOCK_FILE_BYTES).read_to_string(&mut text);
    let process = read.ok().and_then(|_| text.trim().parse::<u32>().ok());
    let who = process.map(|number| format!(", process {number}")).unwrap_or_default();
    let place = control::ask(config).await.map(|standing| format!(", reached at {}", standing.public));
    let sentence = format!(
        "a server runs on the data directory {} already{who}{}: end it first, or give this one a directory of its own with \
         --data",
        config.data.display(),
        place.unwrap_or_default()
    );
    Exit::new(Code::Data, sentence)
}
