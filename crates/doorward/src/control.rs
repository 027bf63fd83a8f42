//! A word between a command and the server running on the same data directory: "something changed, look
//! now", or "where are you reached?". A command that changed something returns only after the server has
//! looked, so that its effect is there at once.

use crate::limits;
use crate::lock::Lock;
use crate::settings::Config;
use doorward_engine::upkeep;
use doorward_model::address::Address;
use doorward_model::event::Actor;
use doorward_outbound::Reach;
use doorward_web::listen::Stop;
use doorward_web::web::Web;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// How long a command waits for a server that does not answer; the feed reaches it anyway.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: u8 = b'l';
const LOOKED: u8 = b'k';
const WHERE: u8 = b'w';

/// Where a server is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// By browsers.
    pub public: Address,
    /// By browsers and proxies: the listener itself.
    pub listen: SocketAddr,
    /// By Envoy, unless switched off.
    pub grpc_listen: Option<SocketAddr>,
    /// The private networks it calls; unknown of servers that do not say so yet.
    #[serde(default)]
    pub outbound_allow: Option<Vec<String>>,
}

impl Standing {
    /// As the settings of this call say.
    pub fn of_settings(config: &Config) -> Self {
        let allowed = config.outbound.reach.allowed().iter().map(ToString::to_string);
        Self {
            public: config.settings.public.clone(),
            listen: config.listen,
            grpc_listen: config.grpc_listen,
            outbound_allow: Some(allowed.collect()),
        }
    }

    /// Whom it calls; as the settings of this call say, where it does not.
    pub fn reach(&self, config: &Config) -> Reach {
        match &self.outbound_allow {
            Some(allowed) => Reach::and(allowed.iter().filter_map(|network| network.parse().ok()).collect()),
            None => config.outbound.reach.clone(),
        }
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The socket, bound before the server says it is ready. Without one (an unusual file system) commands still
/// work, a tenth of a second later and by the settings they see. What is found in its place was left behind: the lock
/// says that no other server is here.
pub fn bind(data: &Path, _: &Lock) -> Option<UnixListener> {
    let path = path(data);
    let _ = std::fs::remove_file(&path);
    let listener = match UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!("listening for commands at {}: {error}", path.display());
            return None;
        }
    };
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    if let Err(error) = std::fs::set_permissions(&path, owner_only) {
        tracing::warn!("keeping {} to its owner: {error}", path.display());
    }
    Some(listener)
}

/// Answers commands until told to stop.
pub async fn serve(listener: UnixListener, data: PathBuf, web: Arc<Web>, standing: Standing, mut stop: Stop) {
    let standing = Arc::new(standing);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(answer(stream, web.clone(), standing.clone()));
        }
    }
    let _ = std::fs::remove_file(path(&data));
}

async fn answer(mut stream: UnixStream, web: Arc<Web>, standing: Arc<Standing>) {
    let mut word = [0u8; 1];
    let heard = tokio::time::timeout(PATIENCE, stream.read_exact(&mut word)).await;
    match (heard, word) {
        (Ok(Ok(_)), [LOOK]) => look(stream, &web).await,
        (Ok(Ok(_)), [WHERE]) => {
            if let Ok(text) = serde_json::to_vec(&*standing) {
                let _ = stream.write_all(&text).await;
            }
        }
        _ => {}
    }
}

async fn look(mut stream: UnixStream, web: &Web) {
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

/// Asks a server running on this data directory where it is reached. Its flags may differ from the settings
/// a command sees. `None` when no server runs here.
pub async fn ask(config: &Config) -> Option<Standing> {
    let mut stream = UnixStream::connect(path(&config.data)).await.ok()?;
    let heard = async {
        stream.write_all(&[WHERE]).await.ok()?;
        let mut text = Vec::new();
        stream.take(limits::CONTROL_ANSWER_BYTES).read_to_end(&mut text).await.ok()?;
        serde_json::from_slice(&text).ok()
    };
    let standing = tokio::time::timeout(PATIENCE, heard).await.ok().flatten();
    if standing.is_none() {
        let shown = config.data.display();
        tracing::warn!("the server on {shown} does not say where it is reached: the settings are used instead");
    }
    standing
}
