//! Times and the other claims with a type.

use crate::pen::{pen, verify};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::{Claims, Skew, Times};
use serde_json::{Value, json};

const NOW: i64 = 2_000_000_000;

fn claims(text: &str) -> Claims {
    let pen = pen(Algorithm::EdDsa);
    verify(&pen.claims(text), pen.key.public()).expect("a good token")
}

#[test]
fn gauntlet_b5_09_times_are_whole_numbers() {
    let values = [
        r#""2000000600""#,
        r#""never""#,
        r#""""#,
        "2000000600.0",
        "2000000600.5",
        "2e9",
        "1e300",
        "1e308",
        "-1",
        "-2000000600",
        "-0",
        "9223372036854775808",
        "18446744073709551615",
        "99999999999999999999999999",
        "null",
        "true",
        "false",
        "[2000000600]",
        "[]",
        "{}",
        r#"{"now":2000000600}"#,
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in values {
            let others = if name == "exp" { "" } else { r#""exp":2000000600,"# };
            let claims = claims(&format!(r#"{{{others}"{name}":{value}}}"#));
            assert_eq!(claims.check_times(NOW, Skew::USUAL), Err(BadToken::TimeClaim(name)), "{name}: {value}");
            assert_eq!(claims.time(name), Err(BadToken::TimeClaim(name)), "{name}: {value}");
            assert_eq!(claims.times(), Err(BadToken::TimeClaim(name)), "{name}: {value}");
        }
    }
    let whole = claims(r#"{"exp":9223372036854775807,"nbf":0,"iat":2000000000}"#);
    let wanted = Times { exp: Some(i64::MAX), nbf: Some(0), iat: Some(NOW) };
    assert_eq!(whole.times(), Ok(wanted));
    assert_eq!(whole.check_times(NOW, Skew::USUAL), Ok(()));
    assert_eq!(claims("{}").check_times(NOW, Skew::USUAL), Err(BadToken::NoClaim("exp")));
    assert_eq!(claims(r#"{"nbf":1,"iat":1}"#).check_times(NOW, Skew::USUAL), Err(BadToken::NoClaim("exp")));
}

#[test]
fn gauntlet_b5_17_clocks_may_be_seconds_apart_and_no_minute() {
    let at = |exp: i64, nbf: i64, iat: i64| {
        let claims = claims(&json!({"exp": NOW + exp, "nbf": NOW + nbf, "iat": NOW + iat}).to_string());
        claims.check_times(NOW, Skew::USUAL)
    };
    let cases = [
        ((600, 0, 0), Ok(())),
        ((1, 0, 0), Ok(())),
        ((0, 0, 0), Ok(())),
        ((-10, -20, -20), Ok(())),
        ((-29, -40, -40), Ok(())),
        ((-30, -40, -40), Err(BadToken::Expired)),
        ((-61, -90, -90), Err(BadToken::Expired)),
        ((-100_000, -200_000, -200_000), Err(BadToken::Expired)),
        ((600, 10, 0), Ok(())),
        ((600, 30, 0), Ok(())),
        ((600, 31, 0), Err(BadToken::NotYet("nbf"))),
        ((600, 61, 0), Err(BadToken::NotYet("nbf"))),
        ((600, 0, 10), Ok(())),
        ((600, 0, 30), Ok(())),
        ((600, 0, 31), Err(BadToken::NotYet("iat"))),
        ((600, 0, 61), Err(BadToken::NotYet("iat"))),
    ];
    for ((exp, nbf, iat), wanted) in cases {
        assert_eq!(at(exp, nbf, iat), wanted, "exp {exp:+}, nbf {nbf:+}, iat {iat:+}");
    }
    let own = |exp: i64, iat: i64| Times { exp: Some(NOW + exp), nbf: None, iat: Some(NOW + iat) };
    assert_eq!(own(1, 0).check(NOW, Skew::NONE), Ok(()));
    assert_eq!(own(0, 0).check(NOW, Skew::NONE), Err(BadToken::Expired));
    assert_eq!(own(9, 1).check(NOW, Skew::NONE), Err(BadToken::NotYet("iat")));
    // The ends of time do not wrap around.
    let ends = Times { exp: Some(i64::MAX), nbf: Some(0), iat: None };
    assert_eq!(ends.check(i64::MAX, Skew::USUAL), Err(BadToken::Expired));
    assert_eq!(ends.check(i64::MAX - 1, Skew::USUAL), Ok(()));
    assert_eq!(ends.check(0, Skew::USUAL), Ok(()));
    assert_eq!(Times { exp: Some(0), nbf: None, iat: None }.check(NOW, Skew::USUAL), Err(BadToken::Expired));
}

#[test]
fn an_audience_is_text_or_a_list_of_texts() {
    let audiences = |aud: Value| {
        let claims = claims(&json!({ "aud": aud }).to_string());
        claims.audiences().map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(audiences(json!("a")), Ok(vec!["a".to_owned()]));
    assert_eq!(audiences(json!(["a", "b"])), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(audiences(json!([])), Ok(Vec::new()));
    assert_eq!(claims("{}").audiences(), Ok(Vec::new()));
    for other in [json!(null), json!(1), json!(true), json!({"a": "a"}), json!(["a", 1]), json!([["a"]]), json!([null])]
    {
        assert_eq!(audiences(other.clone()), Err(BadToken::Audience), "{other}");
    }
}

#[test]
fn single_texts_are_short_texts() {
    let whole = claims(r#"{"iss":"https://a.example","sub":"usr","jti":"1"}"#);
    assert_eq!((whole.issuer(), whole.subject(), whole.jti()), (Ok("https://a.example"), Ok("usr"), Ok("1")));
    let none = claims("{}");
    assert_eq!(none.issuer(), Err(BadToken::NoClaim("iss")));
    assert_eq!(none.subject(), Err(BadToken::NoClaim("sub")));
    assert_eq!(none.jti(), Err(BadToken::NoClaim("jti")));
    assert_eq!(none.text("nonce"), Ok(None));
    for name in ["iss", "sub", "jti", "nonce"] {
        let with = |value: Value| claims(&json!({ name: value }).to_string());
        assert!(with(json!("x".repeat(2048))).text(name).is_ok_and(|text| text.is_some()), "{name}");
        for other in [json!("x".repeat(2049)), json!(null), json!(1), json!(["usr"]), json!({"usr": 1}), json!(true)] {
            assert_eq!(with(other.clone()).text(name), Err(BadToken::TextClaim(name)), "{name}: {other}");
        }
    }
    assert_eq!(whole.get("sub"), Some(&json!("usr")));
    assert_eq!(whole.into_map().len(), 3);
}
