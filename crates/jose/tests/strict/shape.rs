//! Tokens with a second spelling, or in a form that is not the compact one.

use crate::pen::{b64, pen, refusal};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::{BadToken, Part};
use doorward_jose::json::BadJson;
use doorward_jose::key::SigningKey;

const HEADER: &str = r#"{"alg":"ES256"}"#;
const CLAIMS: &str = r#"{"sub":"usr"}"#;

fn ours() -> &'static SigningKey {
    &pen(Algorithm::Es256).key
}

fn answer(token: &str) -> Option<BadToken> {
    refusal(token, ours().public())
}

#[test]
fn gauntlet_b5_10_only_the_compact_form_is_read() {
    let token = pen(Algorithm::Es256).write(HEADER, CLAIMS);
    let parts: Vec<&str> = token.split('.').collect();
    let (head, claims, signature) = (parts[0], parts[1], parts[2]);
    let cases = [
        (format!(r#"{{"payload":"{claims}","protected":"{head}","signature":"{signature}"}}"#), BadToken::JsonForm),
        (
            format!(r#"{{"payload":"{claims}","signatures":[{{"protected":"{head}","signature":"{signature}"}}]}}"#),
            BadToken::JsonForm,
        ),
        // One text that is a JSON form to one reader and a compact form to another.
        (format!(r#"{{"a":"{head}.{claims}.{signature}"}}"#), BadToken::JsonForm),
        (String::new(), BadToken::Parts),
        (head.to_owned(), BadToken::Parts),
        (format!("{head}.{claims}"), BadToken::Parts),
        (format!("{token}."), BadToken::Parts),
        (format!(".{token}"), BadToken::Parts),
        (format!("{token}.{signature}"), BadToken::Parts),
        (format!("{head}..{claims}.{signature}"), BadToken::Parts),
        (".".to_owned(), BadToken::Parts),
        ("..".to_owned(), BadToken::EmptyPart),
        ("...".to_owned(), BadToken::Parts),
        ("....".to_owned(), BadToken::Encrypted),
        (".....".to_owned(), BadToken::Parts),
        (format!(".{claims}.{signature}"), BadToken::EmptyPart),
        // Detached claims (RFC 7515, appendix F).
        (format!("{head}..{signature}"), BadToken::EmptyPart),
        (format!("{head}.{claims}."), BadToken::EmptyPart),
    ];
    assert_eq!(answer(&token), None);
    for (token, wanted) in cases {
        assert_eq!(answer(&token), Some(wanted), "{token}");
    }
}

#[test]
fn gauntlet_b5_10_a_token_has_one_spelling() {
    let pen = pen(Algorithm::Es256);
    // Lengths that leave one, two and no letters over, so that padding and stray bits can be tried everywhere.
    let token = pen.write(r#"{"alg":"ES256" }"#, CLAIMS);
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.iter().map(|part| part.len() % 4).collect::<Vec<_>>(), [2, 2, 2]);
    let names = [Part::Header, Part::Claims, Part::Signature];
    for (place, name) in names.into_iter().enumerate() {
        let part = parts[place];
        let (before, last) = part.split_at(part.len() - 1);
        // The four lowest bits of the last letter mean nothing here, and must be zero.
        let stray = match last {
            "A" => "B",
            "Q" => "R",
            "g" => "h",
            "w" => "x",
            other => panic!("the last letter is {other}"),
        };
        let spellings = [
            format!("{part}=="),
            format!("{part}="),
            format!("{before}{stray}"),
            format!(" {part}"),
            format!("{part} "),
            format!("{part}\n"),
            format!("{part}\r\n"),
            format!("{}\n{}", &part[..8], &part[8..]),
            format!("{}\t{}", &part[..8], &part[8..]),
            format!("{}+{}", &part[..8], &part[9..]),
            format!("{}/{}", &part[..8], &part[9..]),
            format!("{}%2D{}", &part[..8], &part[9..]),
            format!("{part}\0"),
            format!("{part}A{before}\u{e9}"),
            part[..part.len() - 1].to_owned(),
        ];
        for spelling in spellings {
            let mut respelled = parts.clone();
            respelled[place] = &spelling;
            assert_eq!(answer(&respelled.join(".")), Some(BadToken::Encoding(name)), "{spelling:?}");
            // Signed as it stands, so that only the reading can refuse it.
            if place < 2 {
                let signed = pen.finish(format!("{}.{}", respelled[0], respelled[1]));
                assert_eq!(answer(&signed), Some(BadToken::Encoding(name)), "{spelling:?}");
            }
        }
    }
    for around in [format!(" {token}"), format!("{token} "), format!("{token}\n"), format!("Bearer {token}")] {
        assert!(matches!(answer(&around), Some(BadToken::Encoding(_))), "{around:?}");
    }
}

#[test]
fn gauntlet_b5_10_a_member_that_appears_twice_is_refused() {
    let pen = pen(Algorithm::Es256);
    let headers = [
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","\u0061lg":"none"}"#,
        r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
        r#"{"alg":"ES256","x":{"a":[{"b":1,"b":1}]}}"#,
    ];
    for header in headers {
        let wanted = Some(BadToken::Json(Part::Header, BadJson::Doubled));
        assert_eq!(answer(&pen.write(header, CLAIMS)), wanted, "{header}");
    }
    let claims = [
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"sub":"a","s\u0075b":"b"}"#,
        r#"{"exp":1,"exp":9999999999}"#,
        r#"{"x":{"y":{"a":1,"a":2}}}"#,
        r#"{"x":[[{"a":1,"a":2}]]}"#,
    ];
    for claims in claims {
        let wanted = Some(BadToken::Json(Part::Claims, BadJson::Doubled));
        assert_eq!(answer(&pen.write(HEADER, claims)), wanted, "{claims}");
    }
}

#[test]
fn gauntlet_b5_10_header_and_claims_are_json_objects() {
    let pen = pen(Algorithm::Es256);
    let cases: [(&[u8], BadJson); 10] = [
        (b"x", BadJson::Syntax),
        (b"{\"alg\":\"ES256\"", BadJson::Syntax),
        (b"{\"alg\":\"ES256\"}}", BadJson::Syntax),
        (b"{\"alg\":\"ES256\"}{\"alg\":\"none\"}", BadJson::Syntax),
        (b"{\"alg\":\"ES256\",\"a\":\"\xff\"}", BadJson::Syntax),
        (b"\xef\xbb\xbf{\"alg\":\"ES256\"}", BadJson::Syntax),
        (b"{'alg':'ES256'}", BadJson::Syntax),
        (b"[]", BadJson::NotAnObject),
        (b"\"ES256\"", BadJson::NotAnObject),
        (b"null", BadJson::NotAnObject),
    ];
    for (bytes, why) in cases {
        assert_eq!(answer(&pen.write(bytes, CLAIMS)), Some(BadToken::Json(Part::Header, why)), "{bytes:?}");
        assert_eq!(answer(&pen.write(HEADER, bytes)), Some(BadToken::Json(Part::Claims, why)), "{bytes:?}");
    }
    // A token inside a token.
    let inner = pen.write(HEADER, CLAIMS);
    let outer = pen.write(r#"{"alg":"ES256","cty":"JWT"}"#, inner);
    assert_eq!(answer(&outer), Some(BadToken::Json(Part::Claims, BadJson::Syntax)));
}

#[test]
fn claims_of_a_token_with_a_wrong_signature_are_not_even_read() {
    let token = format!("{}.{}.{}", b64(HEADER), b64("not JSON"), b64([1; 64]));
    assert_eq!(answer(&token), Some(BadToken::Signature));
}

#[test]
fn no_refusal_repeats_what_was_sent() {
    let secret = "c2VjcmV0LXNlY3JldA";
    let tokens = [
        secret.to_owned(),
        format!("{secret}.{secret}.{secret}"),
        pen(Algorithm::Es256).write(format!(r#"{{"alg":"{secret}"}}"#), CLAIMS),
        pen(Algorithm::Es256).write(format!(r#"{{"alg":"ES256","kid":"{secret}\n"}}"#), CLAIMS),
        pen(Algorithm::Es256).write(format!(r#"{{"{secret}":1,"{secret}":1}}"#), CLAIMS),
        pen(Algorithm::Es256).write(HEADER, format!(r#"{{"{secret}":1,"{secret}":1}}"#)),
        pen(Algorithm::Es256).write(HEADER, format!(r#"{{"sub":"{secret}"#)),
    ];
    for token in tokens {
        let why = answer(&token).unwrap_or_else(|| panic!("{token} passed"));
        for shown in [why.to_string(), format!("{why:?}")] {
            assert!(!shown.contains("secret") && !shown.contains(secret), "{shown}");
        }
        assert!(why.to_string().len() < 200 && !why.to_string().contains('\n'), "{why}");
    }
}
