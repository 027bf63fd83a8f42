//! Whom TLS trusts: the authorities of one file and no others, or the system's.

use crate::limits;
use crate::trouble::Trouble;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::io::Read as _;
use std::sync::Arc;

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
    let mut roots = RootCertStore::empty();
    match file {
        Some(path) => {
            for certificate in read(path)? {
                roots.add(certificate).map_err(|error| format!("file {path}: {error}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn read(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: String| format!("file {path}: {why}");
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut pem = Vec::new();
    file.take(limits::CERTIFICATES_BYTES).read_to_end(&mut pem).map_err(|error| wrong(error.to_string()))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(wrong("it holds no certificate in PEM".to_owned())),
        Err(error) => Err(wrong(format!("it is no PEM: {error}"))),
    }
}
