//! Certificates made with OpenSSL: what is read from them, and who is vouched for.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::certificate::{Authorities, BadCertificate, Certificate};
use doorward_jose::jwk::PublicKey;
use doorward_jose::limits;
use doorward_jose::subject::Subject;
use serde_json::json;

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("certificates/", $name, ".pem"))
    };
}

/// 2030-01-01, 2020-01-01 and 2200-01-01.
const NOW: i64 = 1_893_456_000;
const EARLY: i64 = 1_577_836_800;
const LATE: i64 = 7_258_118_400;

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).expect("base64")
}

fn chain(pems: &[&str]) -> Certificate {
    Certificate::parse(pems.iter().map(|pem| der(pem)).collect()).expect("a certificate")
}

fn vouched(pems: &[&str], now: i64) -> bool {
    let authorities = Authorities::parse_pem(pem!("ca").as_bytes()).expect("an authority");
    authorities.vouch_for(&chain(pems), now)
}

#[test]
fn a_certificate_tells_its_subject_its_key_and_its_times() {
    let loader = chain(&[pem!("loader")]);
    assert_eq!(loader.thumbprint(), "ezZkP7kYy_m10Ve5ciCjSCGKrgwYxavaZUxzk1pIOm0");
    let declared = Subject::parse(r"cn=loader, ou=loads, o=Example\, Data, c=DE").expect("a subject");
    assert_eq!(loader.subject(), Some(&declared));
    let shown = loader.subject().map(ToString::to_string);
    assert_eq!(shown.as_deref(), Some(r"CN=loader,OU=loads,O=Example\, Data,C=DE"));
    assert!(loader.is_in_time(NOW) && !loader.is_in_time(EARLY) && !loader.is_in_time(LATE));
}

#[test]
fn a_key_has_one_thumbprint_declared_or_certified() {
    let n = "ozATjpOKFYB5wCxPzKMyVtHj6hoz3TcgF9Ea5M9lP7_SdxMeR9xBmO5SlXEqLJAFqobDOn6xJdII3WIYGzPHZC7fPr2BWvtQXkRJpjXrXaVV\
             etvVY9v6trUDY6EQ42RNGpBt7DmiPAX63GZFE-MjBTW0pb0Lz2S78h1RcNm6XJEz9OqdzBo8Oyfv6r2cc10shYWzMdl4FtQQ03BKmeMIvY20\
             IbHFcpBJwaf7of74AO_sK2cS-ErEdr7KMujnemAEVXDmaERCvgOqZM4GuthpEsTDXIoZ1gyj8VAhnPjEJulcJ4E78DpXf6aAmGn9o6hZobKB\
             F2yAZDtI519mqkcg6Q";
    for (pem, jwk) in [
        (
            pem!("self"),
            json!({"kty": "EC", "crv": "P-256", "x": "AKWNLI0Acp8Ui0yr1mttWEMBrk9OGfx3OwqhPSI9DXo",
                   "y": "IqDze0etf1kxozKliTZMR__AHDviRgo7glx7GaM5zF0"}),
        ),
        (pem!("rsa"), json!({"kty": "RSA", "e": "AQAB", "n": n})),
        (pem!("ed"), json!({"kty": "OKP", "crv": "Ed25519", "x": "IhHKFclkiMBToqI4lNru00ycpfwGhTj4YWaMbUXe6l0"})),
    ] {
        let declared = PublicKey::parse_jwk(&jwk).expect("a key").thumbprint();
        assert_eq!(chain(&[pem]).key_thumbprint(), Some(&declared), "{jwk}");
    }
    let (one, again) = (chain(&[pem!("self")]), chain(&[pem!("again")]));
    assert_eq!(one.key_thumbprint(), again.key_thumbprint());
    assert_ne!(one.thumbprint(), again.thumbprint());
    // A key of a type that is not spoken here stands for nothing.
    assert_eq!(chain(&[pem!("p384")]).key_thumbprint(), None);
}

#[test]
fn an_authority_vouches_for_its_own_in_their_time() {
    assert!(vouched(&[pem!("loader")], NOW));
    assert!(vouched(&[pem!("deep"), pem!("inter")], NOW));
    assert!(!vouched(&[pem!("deep")], NOW), "what lies between is missing");
    // Another authority of the same name.
    assert!(!vouched(&[pem!("stranger")], NOW));
    assert!(!vouched(&[pem!("stranger"), pem!("ca")], NOW));
    assert!(!vouched(&[pem!("self")], NOW));
    assert!(!vouched(&[pem!("server")], NOW), "it is made for servers");
    assert!(!vouched(&[pem!("ca")], NOW), "an authority is no client");
    assert!(!vouched(&[pem!("ended")], NOW));
    for now in [EARLY, LATE, -1] {
        assert!(!vouched(&[pem!("loader")], now), "{now}");
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    let good = der(pem!("loader"));
    let parse = |der: Vec<u8>| Certificate::parse(vec![der]).err();
    for length in 0..good.len() {
        assert!(parse(good[..length].to_vec()).is_some(), "{length}");
    }
    assert_eq!(parse([good.as_slice(), b"x"].concat()), Some(BadCertificate::Encoding));
    assert_eq!(parse(vec![0; limits::CERTIFICATE_BYTES + 1]), Some(BadCertificate::Size));
    assert_eq!(Certificate::parse(Vec::new()).err(), Some(BadCertificate::Encoding));
    assert_eq!(Certificate::parse(vec![good; limits::CHAIN + 1]).err(), Some(BadCertificate::Size));
    let authorities = |text: &str| Authorities::parse_pem(text.as_bytes()).err().unwrap_or_default();
    assert!(authorities("").contains("no certificate stands in it"));
    assert!(authorities(&format!("{}{}", pem!("ca"), pem!("ca").replace("MII", "AAA"))).starts_with("certificate 2"));
    assert!(authorities(&pem!("ca").repeat(limits::AUTHORITIES + 1)).contains("more than"));
}
