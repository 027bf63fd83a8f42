//! The certificate a client showed to a trusted proxy, from the header the proxy hands it on in. Each proxy
//! writes it its own way; what is read here is bytes, judged by others. From anybody else the header does not
//! exist.

use crate::trust::TrustedProxies;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use std::net::IpAddr;

/// Envoy's header, which is the only one that holds more than certificates.
const ENVOY: &str = "x-forwarded-client-cert";
/// What some proxies write when there was no certificate.
const NOTHING: [&str; 3] = ["", "(null)", "-"];

/// Why a header is not taken; then the request counts as one without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificateHeader {
    /// It stands twice: a client wrote one of them.
    #[error("the header with the client's certificate stands twice: let the proxy replace what clients send")]
    Doubled,
    /// Envoy appended to what was there.
    #[error(
        "the header with the client's certificate tells of several connections: set Envoy's \
         forward_client_cert_details to SANITIZE_SET"
    )]
    Several,
    /// No form that is known.
    #[error("the header holds no certificate in PEM (escaped or in one line) or in base64")]
    Form,
}

/// A chain in DER, the client's own certificate first.
pub type Chain = Vec<Vec<u8>>;

impl TrustedProxies {
    /// The list, with the header in which these proxies hand on clients' certificates.
    #[must_use]
    pub fn with_certificate_header(mut self, name: HeaderName) -> Self {
        self.certificate_header = Some(name);
        self
    }

    /// Whether clients' certificates are taken at all.
    pub fn takes_certificates(&self) -> bool {
        self.certificate_header.is_some()
    }

    /// The certificates a client showed to the peer, when the peer is a trusted proxy and there were any.
    pub fn certificates(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Option<Chain>, BadCertificateHeader> {
        let Some(name) = self.certificate_header.as_ref().filter(|_| self.contains(peer)) else { return Ok(None) };
        let mut lines = headers.get_all(name).iter();
        let Some(line) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(BadCertificateHeader::Doubled);
        }
        let text = line.to_str().map_err(|_| BadCertificateHeader::Form)?.trim();
        if NOTHING.contains(&text) {
            return Ok(None);
        }
        if name.as_str() == ENVOY { envoy(text) } else { plain(text).map(Some) }
    }
}

/// nginx (`$ssl_client_escaped_cert`) and Apache write PEM, Traefik and HAProxy base64, RFC 9440 base64 between
/// colons.
fn plain(text: &str) -> Result<Chain, BadCertificateHeader> {
    if let Some(text) = text.strip_prefix(':') {
        return Ok(vec![decoded(text.strip_suffix(':').ok_or(BadCertificateHeader::Form)?)?]);
    }
    // Base64 has no percent sign, so this is no guess.
    let open = if text.contains('%') { unescaped(text)? } else { text.to_owned() };
    if open.contains("-----BEGIN") { pem(&open) } else { open.split(',').map(decoded).collect() }
}

/// PEM (RFC 7468 §5), whatever white space has become of its line ends.
fn pem(text: &str) -> Result<Chain, BadCertificateHeader> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut chain = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (body, after) =
            rest.strip_prefix(BEGIN).and_then(|rest| rest.split_once(END)).ok_or(BadCertificateHeader::Form)?;
        chain.push(decoded(body)?);
        rest = after.trim_start_matches([' ', '\t', '\r', '\n', ',']);
    }
    Ok(chain)
}

fn decoded(text: &str) -> Result<Vec<u8>, BadCertificateHeader> {
    let bare: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(bare).map_err(|_| BadCertificateHeader::Form)?;
    if bytes.is_empty() { Err(BadCertificateHeader::Form) } else { Ok(bytes) }
}

/// RFC 3986 §2.1. A plus is a plus: base64 has them.
fn unescaped(text: &str) -> Result<String, BadCertificateHeader> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = text.bytes();
    let mut open = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            open.push(byte);
            continue;
        }
        let (high, low) = (bytes.next().and_then(digit), bytes.next().and_then(digit));
        let (Some(high), Some(low)) = (high, low) else { return Err(BadCertificateHeader::Form) };
        open.push(high << 4 | low);
    }
    String::from_utf8(open).map_err(|_| BadCertificateHeader::Form)
}

/// Envoy's elements: `Key=value` separated by semicolons, connections by commas; values with either stand in
/// quotes. `Chain` holds the client's own certificate too.
fn envoy(text: &str) -> Result<Option<Chain>, BadCertificateHeader> {
    if cut(text, ',').len() > 1 {
        return Err(BadCertificateHeader::Several);
    }
    let (mut own, mut chain) = (None, None);
    for pair in cut(text, ';') {
        let (key, value) = pair.split_once('=').ok_or(BadCertificateHeader::Form)?;
        let slot = match key.trim().to_ascii_lowercase().as_str() {
            "cert" => &mut own,
            "chain" => &mut chain,
            _ => continue,
        };
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        if slot.replace(bare).is_some() {
            return Err(BadCertificateHeader::Form);
        }
    }
    match chain.or(own) {
        Some(text) => pem(&unescaped(text)?).map(Some),
        // Without them only names and hashes were handed on: nothing that can be checked.
        None => Ok(None),
    }
}

/// Cuts at a separator that does not stand in quotes.
fn cut(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        if letter == separator && !quoted {
            parts.extend(text.get(start..at));
            start = at + letter.len_utf8();
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::{BadCertificateHeader, Chain};
    use crate::trust::TrustedProxies;
    use http::{HeaderMap, HeaderName, HeaderValue};

    type Told = Result<Option<Chain>, BadCertificateHeader>;

    fn told(peer: &str, header: &str, lines: &[&str]) -> Told {
        let trusted = TrustedProxies::new("10.0.0.0/8".parse().into_iter().collect()).unwrap_or_default();
        let (Ok(name), Ok(peer)) = (HeaderName::try_from(header), peer.parse()) else { panic!("{header}") };
        let mut headers = HeaderMap::new();
        for line in lines {
            let Ok(value) = HeaderValue::from_str(line) else { panic!("{line}") };
            headers.append(name.clone(), value);
        }
        trusted.with_certificate_header(name).certificates(peer, &headers)
    }

    fn chain(texts: &[&str]) -> Told {
        Ok(Some(texts.iter().map(|text| text.as_bytes().to_vec()).collect()))
    }

    const PROXY: &str = "10.0.0.1";
    // `one+` and `two?` in base64 (`b25lKw==`, `dHdvPw==`); a plus in base64 itself: `>>>` is `Pj4+`.
    const ESCAPED: &str = "-----BEGIN%20CERTIFICATE-----%0Ab25l%0AKw==%0A-----END%20CERTIFICATE-----%0A";

    #[test]
    fn every_proxys_form_is_read() {
        for (header, line, wanted) in [
            ("ssl-client-cert", ESCAPED, chain(&["one+"])),
            ("ssl_client_cert", "-----BEGIN CERTIFICATE----- b25l Kw== -----END CERTIFICATE----- ", chain(&["one+"])),
            ("x-forwarded-tls-client-cert", "b25lKw==,dHdvPw==", chain(&["one+", "two?"])),
            ("x-forwarded-tls-client-cert", "b25lKw%3D%3D", chain(&["one+"])),
            ("x-ssl-client-der", "Pj4+", chain(&[">>>"])),
            ("client-cert", ":b25lKw==:", chain(&["one+"])),
            ("ssl-client-cert", "", Ok(None)),
            ("ssl-client-cert", "(null)", Ok(None)),
        ] {
            assert_eq!(told(PROXY, header, &[line]), wanted, "{line}");
        }
        assert_eq!(told(PROXY, "ssl-client-cert", &[]), Ok(None));
    }

    #[test]
    fn envoys_elements_are_told_apart() {
        let both = format!(r#"By=spiffe://a;Hash=00;Cert="{ESCAPED}";Subject="CN=a,O=\"b;c\"";URI="#);
        assert_eq!(told(PROXY, super::ENVOY, &[&both]), chain(&["one+"]));
        let whole = format!(r#"Cert="x";Chain="{ESCAPED}{}""#, ESCAPED.replace("b25l%0AKw==", "dHdvPw=="));
        assert_eq!(told(PROXY, super::ENVOY, &[&whole]), chain(&["one+", "two?"]));
        assert_eq!(told(PROXY, super::ENVOY, &["By=a;Hash=00"]), Ok(None));
        let two = format!(r#"Cert="{ESCAPED}",By=b;Cert="{ESCAPED}""#);
        assert_eq!(told(PROXY, super::ENVOY, &[&two]), Err(BadCertificateHeader::Several));
        let twice = format!(r#"Cert="{ESCAPED}";cert="{ESCAPED}""#);
        assert_eq!(told(PROXY, super::ENVOY, &[&twice]), Err(BadCertificateHeader::Form));
    }

    #[test]
    fn strangers_and_broken_headers_bring_no_certificate() {
        assert_eq!(told("192.0.2.1", "ssl-client-cert", &[ESCAPED]), Ok(None));
        let twice = told(PROXY, "ssl-client-cert", &[ESCAPED, ESCAPED]);
        assert_eq!(twice, Err(BadCertificateHeader::Doubled));
        for bad in ["x", "%", "%zz", "%ff", ":b25l", "::", "b25l,", "-----BEGIN CERTIFICATE-----b25l", "\u{e9}"] {
            assert_eq!(told(PROXY, "ssl-client-cert", &[bad]), Err(BadCertificateHeader::Form), "{bad}");
        }
        let untold = TrustedProxies::new("10.0.0.0/8".parse().into_iter().collect()).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert("ssl-client-cert", HeaderValue::from_static(ESCAPED));
        let Ok(peer) = PROXY.parse() else { panic!("{PROXY}") };
        assert_eq!(untold.certificates(peer, &headers), Ok(None));
    }
}
