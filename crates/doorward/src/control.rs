//! A word between a command and the server running on the same data directory: "something changed, look
//! now". A command returns only after the server has looked, so that its effect is there at once.

use crate::settings::Config;
use doorward_engine::upkeep;
use doorward_model::event::Actor;
use doorward_web::listen::Stop;
use doorward_web::web::Web;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// How long a command waits for a server that does not answer; the feed reaches it anyway.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: u8 = b'l';
const LOOKED: u8 = b'k';

fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Answers commands until told to stop. Without the socket (an unusual file system) commands still work,
/// a tenth of a second later.
pub async fn listen(data: PathBuf, web: Arc<Web>, mut stop: Stop) {
    let path = path(&data);
    let _ = std::fs::remove_file(&path);
    let listener = match UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!("listening for commands at {}: {error}", path.display());
            return;
        }
    };
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    if let Err(error) = std::fs::set_permissions(&path, owner_only) {
        tracing::warn!("keeping {} to its owner: {error}", path.display());
    }
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(answer(stream, web.clone()));
        }
    }
    let _ = std::fs::remove_file(&path);
}

async fn answer(mut stream: UnixStream, web: Arc<Web>) {
    let mut word = [0u8; 1];
    let heard = tokio::time::timeout(PATIENCE, stream.read_exact(&mut word)).await;
    if !matches!(heard, Ok(Ok(_))) || word != [LOOK] {
        return;
    }
    let ctx = web.begin_as(Actor::Worker("control"), None);
    match upkeep::follow(web.door(), &ctx).await {
        Ok(()) => {
            let _ = stream.write_all(&[LOOKED]).await;
        }
        Err(fault) => tracing::warn!("following the change feed: {fault}"),
    }
}

/// Tells a server running on this data directory to look at the change feed, and waits until it has.
pub async fn poke(config: &Config) {
    let ask = async {
        let mut stream = UnixStream::connect(path(&config.data)).await.ok()?;
        stream.write_all(&[LOOK]).await.ok()?;
        let mut word = [0u8; 1];
        stream.read_exact(&mut word).await.ok()
    };
    let _ = tokio::time::timeout(PATIENCE, ask).await;
}
