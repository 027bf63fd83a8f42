//! The examples of the standards.

use crate::pen::{refusal, verify};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::{BadToken, Part};
use doorward_jose::hmac::HmacKey;
use doorward_jose::json::BadJson;
use doorward_jose::jwk::PublicKey;
use doorward_jose::jws::Presented;
use serde_json::{Value, json};

/// The claims of RFC 7515, appendix A: issuer joe, and an `exp` long past.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A1_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
const A1_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A1_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A2_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT\
    -SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7W\
    TBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk\
    2PAcDTW9gb54h4FRWyuXpoQ";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F\
    p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB\
    _eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWk\
    WywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const RFC_8037_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
    hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const RFC_7638_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP\
    ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8K\
    JZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0L\
    s1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn key(jwk: &Value) -> PublicKey {
    PublicKey::parse_jwk(jwk).expect("a key of a standard")
}

fn ed25519() -> PublicKey {
    key(&json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}))
}

#[test]
fn rfc_7515_appendix_a_2_and_a_3_verify() {
    let rsa = key(&json!({"kty": "RSA", "n": A2_N, "e": "AQAB"}));
    let p256 = key(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    let tokens = [
        (format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{A2_SIGNATURE}"), &rsa, &p256, Algorithm::Rs256),
        (format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{A3_SIGNATURE}"), &p256, &rsa, Algorithm::Es256),
    ];
    for (token, own, other, algorithm) in tokens {
        assert_eq!(Presented::read(&token).ok().and_then(|read| read.header().algorithm()), Some(algorithm));
        let claims = verify(&token, own).expect("the example verifies");
        assert_eq!(claims.issuer(), Ok("joe"));
        assert_eq!(claims.times().map(|times| times.exp), Ok(Some(1_300_819_380)));
        assert_eq!(claims.get("http://example.com/is_root"), Some(&json!(true)));
        assert_eq!(refusal(&token, other), Some(BadToken::Algorithm));
    }
}

#[test]
fn rfc_7515_appendix_a_1_verifies() {
    let key = HmacKey::new(&crate::pen::unb64(A1_KEY)).expect("a secret");
    let token = format!("{A1_HEADER}.{JOE}.{A1_SIGNATURE}");
    let claims = Presented::read(&token).and_then(|presented| presented.verify_hmac(&key));
    assert!(claims.is_ok_and(|claims| claims.issuer() == Ok("joe")));
}

#[test]
fn rfc_8037_appendix_a_4_verifies() {
    // What is signed there is a sentence: the signature is right, the claims are none.
    assert_eq!(refusal(RFC_8037_TOKEN, &ed25519()), Some(BadToken::Json(Part::Claims, BadJson::Syntax)));
    let bent = RFC_8037_TOKEN.replace("hgyY", "hgyZ");
    assert_eq!(refusal(&bent, &ed25519()), Some(BadToken::Signature));
}

#[test]
fn thumbprints_are_those_of_rfc_7638_and_rfc_8037() {
    let rsa = json!({"kty": "RSA", "n": RFC_7638_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
    assert_eq!(key(&rsa).thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(ed25519().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key(&rsa).kid(), Some("2011-04-29"));
    assert!(key(&rsa).verifies(Algorithm::Rs256) && !key(&rsa).verifies(Algorithm::Ps256));
}
