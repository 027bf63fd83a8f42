//! Tokens made to be large.

use crate::pen::{b64, pen, refusal};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::{BadToken, Part};
use doorward_jose::json::BadJson;
use doorward_jose::jws::Presented;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;

#[test]
fn gauntlet_b5_13_a_huge_token_is_refused_before_it_is_looked_at() {
    let bombs = [
        ".".repeat(10 * MIB),
        "a".repeat(10 * MIB),
        "{".repeat(10 * MIB),
        format!("{}.{}.{}", "a".repeat(3 * MIB), "a".repeat(3 * MIB), "a".repeat(3 * MIB)),
        "a.".repeat(5 * MIB),
        "\0".repeat(10 * MIB),
        "\u{1f512}".repeat(2 * MIB),
    ];
    // Looking at every byte once would take milliseconds; the quickest of some readings, as others work here too.
    for bomb in bombs {
        let quickest = (0..100).map(|_| {
            let start = Instant::now();
            assert_eq!(Presented::read(&bomb).err(), Some(BadToken::TooLong));
            assert_eq!(Presented::read_with_key(&bomb).err(), Some(BadToken::TooLong));
            start.elapsed()
        });
        let quickest = quickest.min().expect("some readings");
        assert!(quickest < Duration::from_micros(50), "{quickest:?} for {bomb:.3}…");
    }
}

#[test]
fn gauntlet_b5_13_a_token_ends_at_its_limit() {
    let pen = pen(Algorithm::Es256);
    let of = |length: usize| pen.claims(format!(r#"{{"sub":"{}"}}"#, "x".repeat(length)));
    // 20 letters of header, a dot, the claims, a dot, 86 letters of signature.
    let room = (64 * 1024 - 20 - 2 - 86) * 3 / 4 - r#"{"sub":""}"#.len();
    assert!((64 * 1024 - 3..=64 * 1024).contains(&of(room).len()), "{}", of(room).len());
    assert_eq!(refusal(&of(room), pen.key.public()), None);
    assert_eq!(refusal(&of(room + 3), pen.key.public()), Some(BadToken::TooLong));
}

#[test]
fn gauntlet_b5_13_a_header_ends_at_its_limit() {
    let pen = pen(Algorithm::Es256);
    let of = |length: usize| {
        let frame = r#"{"alg":"ES256","x":""}"#.len();
        pen.write(format!(r#"{{"alg":"ES256","x":"{}"}}"#, "x".repeat(length - frame)), "{}")
    };
    assert_eq!(refusal(&of(8192), pen.key.public()), None);
    assert_eq!(refusal(&of(8193), pen.key.public()), Some(BadToken::HeaderTooLong));
    assert_eq!(refusal(&of(40_000), pen.key.public()), Some(BadToken::HeaderTooLong));
}

#[test]
fn gauntlet_b5_13_nesting_and_crowds_are_bounded() {
    let pen = pen(Algorithm::Es256);
    let deep = Some(BadToken::Json(Part::Claims, BadJson::Deep));
    let start = Instant::now();
    for (open, inner, close) in [("[", "", "]"), (r#"{"a":"#, "1", "}")] {
        let nested = |levels: usize| format!(r#"{{"a":{}{inner}{}}}"#, open.repeat(levels), close.repeat(levels));
        assert_eq!(refusal(&pen.claims(nested(31)), pen.key.public()), None, "{open}");
        assert_eq!(refusal(&pen.claims(nested(32)), pen.key.public()), deep, "{open}");
        assert_eq!(refusal(&pen.claims(nested(7000)), pen.key.public()), deep, "{open}");
        assert_eq!(refusal(&pen.claims(format!(r#"{{"a":{}"#, open.repeat(7000))), pen.key.public()), deep, "{open}");
        let header = format!(r#"{{"alg":"ES256","a":{}"#, open.repeat(1000));
        let wanted = Some(BadToken::Json(Part::Header, BadJson::Deep));
        assert_eq!(refusal(&pen.write(header, "{}"), pen.key.public()), wanted, "{open}");
    }
    // As many members and values as fit.
    let members: Vec<String> = (0..5000).map(|n| format!(r#""{n}":0"#)).collect();
    assert_eq!(refusal(&pen.claims(format!("{{{}}}", members.join(","))), pen.key.public()), None);
    assert_eq!(refusal(&pen.claims(format!(r#"{{"a":[{}0]}}"#, "0,".repeat(20_000))), pen.key.public()), None);
    let long = b64(format!(r#"{{"alg":"ES256","kid":{}1}}"#, "1".repeat(8000)));
    assert!(refusal(&format!("{long}.e30.AA"), pen.key.public()).is_some());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
