//! Examples of the standards that the crates' own tests do not have: RFC 7515 appendix A.4 to A.6, RFC 7520 §4,
//! RFC 9449.

use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::{BadToken, Part};
use doorward_jose::hmac::HmacKey;
use doorward_jose::json::BadJson;
use doorward_jose::jwk::PublicKey;
use doorward_jose::jws::Presented;
use serde_json::{Value, json};

/// RFC 7520 §4: a sentence of Tolkien's, so no claims. That it is looked at shows that the signature was right.
const RIGHT_BUT_NO_CLAIMS: BadToken = BadToken::Json(Part::Claims, BadJson::Syntax);
const FRODO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h\
    ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0\
    by4";
const BILBO_N: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRB\
    SFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTw\
    Jlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5g\
    HdrNP5zw";
const BILBO_HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9";
const BILBO_SIGNATURE: &str = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglI\
    I7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt\
    8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogor\
    ee7vjbU5y18kDquDg";
const HMAC_HEADER: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9";
const HMAC_KEY: &str = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg";
const HMAC_SIGNATURE: &str = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
/// The claims of RFC 7515, appendix A.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn key(jwk: &Value) -> PublicKey {
    PublicKey::parse_jwk(jwk).expect("a key of a standard")
}

fn unb64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

#[test]
fn rfc_7520_4_1_rsa_pkcs1_and_what_else_is_written_of_it() {
    let rsa = json!({"kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "n": BILBO_N, "e": "AQAB"});
    let key = key(&rsa);
    assert_eq!(key.kid(), Some("bilbo.baggins@hobbiton.example"));
    let token = format!("{BILBO_HEADER}.{FRODO}.{BILBO_SIGNATURE}");
    let verify = |token: &str| Presented::read(token).and_then(|read| read.verify(&key)).err();
    assert_eq!(verify(&token), Some(RIGHT_BUT_NO_CLAIMS));
    assert_eq!(verify(&token.replace(".SXT", ".SXU")), Some(BadToken::Signature));
    // The same in the JSON forms, and with its content detached (§4.5).
    let flat = json!({"payload": FRODO, "protected": BILBO_HEADER, "signature": BILBO_SIGNATURE}).to_string();
    let signatures = json!([{"protected": BILBO_HEADER, "signature": BILBO_SIGNATURE}]);
    let general = json!({"payload": FRODO, "signatures": signatures}).to_string();
    assert_eq!((verify(&flat), verify(&general)), (Some(BadToken::JsonForm), Some(BadToken::JsonForm)));
    assert_eq!(verify(&format!("{BILBO_HEADER}..{BILBO_SIGNATURE}")), Some(BadToken::EmptyPart));
}

#[test]
fn rfc_7520_4_4_hmac() {
    let key = HmacKey::new(&unb64(HMAC_KEY)).expect("a secret");
    let token = format!("{HMAC_HEADER}.{FRODO}.{HMAC_SIGNATURE}");
    let verify = |token: &str| Presented::read(token).and_then(|read| read.verify_hmac(&key)).err();
    assert_eq!(verify(&token), Some(RIGHT_BUT_NO_CLAIMS));
    assert_eq!(verify(&token.replace(".SXT", ".SXU")), Some(BadToken::Signature));
    // §3.5: the key as a JWK is no public key.
    assert!(PublicKey::parse_jwk(&json!({"kty": "oct", "use": "sig", "alg": "HS256", "k": HMAC_KEY})).is_err());
}

#[test]
fn rfc_7515_appendix_a_4_to_a_6_are_not_spoken() {
    // A.4, ES512: an algorithm nobody here has a key for.
    let p521 = json!({
        "kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    });
    assert!(PublicKey::parse_jwk(&p521).is_err());
    let p256 = key(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    let verify = |token: &str| Presented::read(token).and_then(|read| read.verify(&p256)).err();
    let a4 = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34\
        XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    assert_eq!(verify(a4), Some(BadToken::Algorithm));
    // A.5, unsecured.
    assert_eq!(verify(&format!("eyJhbGciOiJub25lIn0.{JOE}.")), Some(BadToken::EmptyPart));
    // A.6, the JSON form with two signatures.
    let a6 = json!({"payload": JOE, "signatures": [{"protected": "eyJhbGciOiJFUzI1NiJ9",
        "header": {"kid": "e9bc097a-ce51-4036-9562-d2ade882db0d"},
        "signature": "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"}]});
    assert_eq!(verify(&a6.to_string()), Some(BadToken::JsonForm));
}

/// The head of both proofs of RFC 9449: `typ`, `alg` and the client's key.
const PROOF_HEADER: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoU\
    klDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6I\
    lAtMjU2In19";

#[test]
fn rfc_9449_proofs_bring_the_key_that_made_them() {
    let at_token = format!(
        "{PROOF_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2\
         VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    );
    let at_resource = format!(
        "{PROOF_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm\
         90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW\
         9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    );
    for (token, method, url) in [
        (&at_token, "POST", "https://server.example.com/token"),
        (&at_resource, "GET", "https://resource.example.org/protectedresource"),
    ] {
        let (proof, key) = Presented::read_with_key(token).expect("a proof");
        assert!(proof.header().is("dpop+jwt") && key.verifies(Algorithm::Es256));
        // §6.1: what tokens call the key.
        assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let claims = proof.verify(&key).expect("its signature");
        assert_eq!((claims.text("htm"), claims.text("htu")), (Ok(Some(method)), Ok(Some(url))));
        if method == "GET" {
            // §7.1: the token it goes with.
            let ath = doorward_tests::proof::ath("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
            assert_eq!(claims.text("ath"), Ok(Some(ath.as_str())));
        }
    }
}
