//! Reading a secret from where it is kept. It is read for every use, so that another one needs no restart.

use doorward_model::fault::plain;
use doorward_model::secret_ref::SecretRef;
use std::future::Future;
use std::io::Read as _;
use std::pin::Pin;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Largest file a secret is read from, in bytes.
const SECRET_BYTES: u64 = 16 * 1024;

/// A cluster's answer: the secret, or one sentence.
pub type Told<'a> = Pin<Box<dyn Future<Output = Result<Zeroizing<String>, String>> + Send + 'a>>;

/// Asks the cluster this program runs in. Nothing is dialled from here, so whoever may do that brings it.
pub trait Cluster: Send + Sync {
    /// What stands under a key of a Secret.
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str, key: &'a str) -> Told<'a>;
}

static CLUSTER: OnceLock<Box<dyn Cluster>> = OnceLock::new();

/// Secrets of a cluster are asked for here from now on; the first one stays.
pub fn ask(cluster: impl Cluster + 'static) {
    let _ = CLUSTER.set(Box::new(cluster));
}

/// Reads it, without the end of line a file may have.
///
/// # Errors
/// One sentence: where it should be, and why it is not.
pub async fn read(reference: &SecretRef) -> Result<Zeroizing<String>, String> {
    match reference {
        SecretRef::Variable(name) => match std::env::var(name) {
            Ok(secret) if !secret.is_empty() => Ok(Zeroizing::new(secret)),
            _ => Err(format!(
                "the environment variable {name} is not set here: set it for the server, and for this command too"
            )),
        },
        SecretRef::File(path) => {
            let path = path.clone();
            let reading = tokio::task::spawn_blocking(move || of_file(&path));
            reading.await.map_err(|error| error.to_string())?
        }
        SecretRef::Kubernetes { namespace, name, key } => match CLUSTER.get() {
            Some(cluster) => cluster.read(namespace, name, key).await,
            None => Err("nothing here asks a cluster".to_owned()),
        },
    }
}

/// Reads a file of keys that are no text, of at most so many bytes.
///
/// # Errors
/// One sentence: where it should be, and why it is not.
pub async fn read_bytes(path: &str, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let wrong = |why: std::io::Error| format!("file {path}: {}", plain(&why));
        let mut bytes = Zeroizing::new(Vec::new());
        let file = std::fs::File::open(&path).map_err(wrong)?;
        // One more than there may be, so that whoever reads it sees that there are too many.
        let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map_err(wrong)?;
        Ok(bytes)
    });
    reading.await.map_err(|error| error.to_string())?
}

fn of_file(path: &str) -> Result<Zeroizing<String>, String> {
    let wrong = |why: String| format!("file {path}: {why}");
    let file = std::fs::File::open(path).map_err(|error| wrong(plain(&error)))?;
    let mut secret = Zeroizing::new(String::new());
    file.take(SECRET_BYTES).read_to_string(&mut secret).map_err(|error| wrong(plain(&error)))?;
    let kept = secret.trim_end_matches(['\r', '\n']);
    if kept.is_empty() {
        return Err(wrong("it is empty".to_owned()));
    }
    Ok(Zeroizing::new(kept.to_owned()))
}
