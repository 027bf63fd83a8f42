//! Settings of clients' certificates: who hands them on, and who vouches for them.

use super::file::{Given, Written};
use super::pick;
use crate::arguments::ListenFlags;
use crate::exit::{Exit, plain};
use crate::limits;
use doorward_engine::clients::Authorities;
use doorward_gate::trust::TrustedProxies;
use http::HeaderName;
use std::io::Read as _;

/// Headers that say something else already.
const TAKEN: [&str; 7] =
    ["authorization", "connection", "content-length", "content-type", "cookie", "host", "x-forwarded-for"];

/// The list of trusted proxies with the header they hand on certificates in.
pub(super) fn taken_from(
    trusted: TrustedProxies,
    flags: &ListenFlags,
    written: &Written,
) -> Result<TrustedProxies, Exit> {
    let flag = flags.client_certificate_header.as_ref();
    let Some(given) = pick(flag, "--client-certificate-header", &written.client_certificate_header) else {
        return Ok(trusted);
    };
    let name = HeaderName::try_from(given.text.as_str()).ok().filter(|name| !TAKEN.contains(&name.as_str()));
    let what = format!("`{}` is no header that certificates are handed on in", given.shown());
    let name = name.ok_or_else(|| given.wrong(what, "write the name your proxy uses, such as ssl-client-cert"))?;
    if trusted.is_empty() {
        let what = "no proxy is trusted that could hand certificates on";
        return Err(given.wrong(what, "name your proxies with --trust-proxy or trusted_proxies"));
    }
    Ok(trusted.with_certificate_header(name))
}

/// Who vouches for certificates.
pub(super) fn authorities(flags: &ListenFlags, written: &Written) -> Result<Option<Authorities>, Exit> {
    let flag = flags.client_certificate_authorities.as_ref();
    let given = pick(flag, "--client-certificate-authorities", &written.client_certificate_authorities);
    given.map(|given| read(&given)).transpose()
}

fn read(given: &Given) -> Result<Authorities, Exit> {
    let unreadable = |error: std::io::Error| {
        given.wrong(format!("the file {} cannot be read, {}", given.shown(), plain(&error)), "correct the path")
    };
    let mut text = Vec::new();
    let file = std::fs::File::open(&given.text).map_err(unreadable)?;
    file.take(limits::AUTHORITIES_BYTES).read_to_end(&mut text).map_err(unreadable)?;
    Authorities::parse_pem(&text).map_err(|sentence| {
        let (what, how) = sentence.split_once(": ").unwrap_or((&sentence, "write certificates in PEM"));
        given.wrong(format!("the file {}: {what}", given.shown()), how)
    })
}
