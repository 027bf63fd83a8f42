//! Whom TLS trusts: the authorities of one file and no others, or the system's.

use crate::limits;
use crate::trouble::Trouble;
use doorward_model::fault::plain;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::io::Read as _;
use std::sync::Arc;

/// Why a file says nobody to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// It is not there, or not for this process to read.
    #[error("{0}")]
    Unreadable(String),
    /// It holds something else.
    #[error("{0}")]
    Wrong(String),
}

/// Whether a file of authorities can be used, as this process sees it.
///
/// # Errors
/// [`BadFile`]: a sentence that names the file.
pub fn check(path: &str) -> Result<(), BadFile> {
    roots_of(path).map(drop)
}

/// The settings of TLS for a directory. Reads files, so elsewhere than where requests are served.
///
/// # Errors
/// [`Trouble::Authorities`].
pub(crate) async fn config(file: Option<&str>) -> Result<Arc<ClientConfig>, Trouble> {
    let file = file.map(str::to_owned);
    let reading = tokio::task::spawn_blocking(move || build(file.as_deref()));
    reading.await.map_err(|error| Trouble::Authorities(error.to_string()))?.map_err(Trouble::Authorities)
}

fn build(file: Option<&str>) -> Result<Arc<ClientConfig>, String> {
    let roots = match file {
        Some(path) => roots_of(path).map_err(|bad| bad.to_string())?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn roots_of(path: &str) -> Result<RootCertStore, BadFile> {
    let mut roots = RootCertStore::empty();
    for certificate in read(path)? {
        roots.add(certificate).map_err(|error| BadFile::Wrong(format!("file {path}: {error}")))?;
    }
    Ok(roots)
}

fn read(path: &str) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let unreadable = |error: std::io::Error| BadFile::Unreadable(format!("file {path}: {}", plain(&error)));
    let wrong = |why: String| BadFile::Wrong(format!("file {path}: {why}"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut pem = Vec::new();
    file.take(limits::CERTIFICATES_BYTES).read_to_end(&mut pem).map_err(unreadable)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(wrong("it holds no certificate in PEM".to_owned())),
        Err(error) => Err(wrong(format!("it is no PEM: {error}"))),
    }
}
