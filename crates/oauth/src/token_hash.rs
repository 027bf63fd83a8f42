//! `at_hash`, `c_hash` and `s_hash`: what ties an identity token to the access token, code and state beside it.
//! OIDC Core §3.1.3.6 and §3.3.2.11.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `at_hash` of an access token for an identity token signed with `algorithm` (RFC 7518 §3.1); `None` for
/// an algorithm that has no hash.
pub fn at_hash(algorithm: &str, access_token: &str) -> Option<String> {
    left_half(algorithm, access_token)
}

/// `c_hash` of a code for an identity token signed with `algorithm` (RFC 7518 §3.1); `None` for an
/// algorithm that has no hash.
pub fn c_hash(algorithm: &str, code: &str) -> Option<String> {
    left_half(algorithm, code)
}

/// `s_hash` of a state for an identity token signed with `algorithm` (FAPI 1.0 part 2 §5.1.1); `None` for an
/// algorithm that has no hash.
pub fn s_hash(algorithm: &str, state: &str) -> Option<String> {
    left_half(algorithm, state)
}

fn left_half(algorithm: &str, text: &str) -> Option<String> {
    let hash = match algorithm {
        "RS256" | "ES256" | "PS256" | "HS256" => &digest::SHA256,
        "RS384" | "ES384" | "PS384" | "HS384" => &digest::SHA384,
        // Ed25519 hashes with SHA-512 inside (RFC 8032 §5.1), and so do its verifiers here.
        "RS512" | "ES512" | "PS512" | "HS512" | "EdDSA" | "Ed25519" => &digest::SHA512,
        _ => return None,
    };
    let hash = digest::digest(hash, text.as_bytes());
    let half = hash.as_ref().get(..hash.as_ref().len() / 2)?;
    Some(URL_SAFE_NO_PAD.encode(half))
}

#[cfg(test)]
mod tests {
    use super::{at_hash, c_hash, s_hash};

    #[test]
    fn the_examples_of_the_specification_are_met() {
        // OIDC Core appendix A.3, A.4 and A.6.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        for algorithm in ["RS256", "ES256", "PS256"] {
            assert_eq!(at_hash(algorithm, token).as_deref(), Some("77QmUPtjPfzWtF2AnpK9RQ"));
            assert_eq!(s_hash(algorithm, token), at_hash(algorithm, token));
            assert_eq!(c_hash(algorithm, code).as_deref(), Some("LDktKdoQak3Pk0cnXxCltA"));
        }
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let of = |algorithm| at_hash(algorithm, token);
        assert_eq!(of("RS384").as_deref(), Some("jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"));
        assert_eq!(of("EdDSA").as_deref(), Some("q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"));
        assert_eq!(of("ES512"), of("EdDSA"));
        assert_eq!((of("none"), of(""), of("rs256")), (None, None, None));
    }
}
