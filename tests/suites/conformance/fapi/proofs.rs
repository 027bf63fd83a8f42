//! Proofs of possession that are wrong somewhere: `dpop-negative-tests` (RFC 9449 §4.3, §7.1).

use crate::house::{house, now, refusal, text};
use doorward_testkit::http::{Answer, Request};
use doorward_tests::clients::tampered;
use doorward_tests::proof::{Holder, ath};
use serde_json::{Value, json};

type Change = fn(&Holder, &mut Value, &mut Value);

fn without(value: &mut Value, name: &str) {
    super::without(value, name);
}

/// What can be wrong with a proof at any endpoint, and what is right in spite of its looks.
const CASES: [(&str, Change, bool); 30] = [
    ("as it should be", |_, _, _| (), true),
    ("no typ", |_, header, _| without(header, "typ"), false),
    ("typ JWT", |_, header, _| header["typ"] = json!("JWT"), false),
    ("no alg", |_, header, _| without(header, "alg"), false),
    ("alg none", |_, header, _| header["alg"] = json!("none"), false),
    ("alg HS256", |_, header, _| header["alg"] = json!("HS256"), false),
    ("alg of another key", |_, header, _| header["alg"] = json!("EdDSA"), false),
    ("no jwk", |_, header, _| without(header, "jwk"), false),
    ("the private key", |_, header, _| header["jwk"]["d"] = json!("AAAA"), false),
    ("another key", |_, header, _| header["jwk"] = Holder::default().jwk(), false),
    ("a shared key", |_, header, _| header["jwk"] = json!({"kty": "oct", "k": "AAAA"}), false),
    ("crit", |_, header, _| header["crit"] = json!(["htm"]), false),
    ("no jti", |_, _, claims| without(claims, "jti"), false),
    ("jti empty", |_, _, claims| claims["jti"] = json!(""), false),
    ("no htm", |_, _, claims| without(claims, "htm"), false),
    ("htm PUT", |_, _, claims| claims["htm"] = json!("PUT"), false),
    ("htm in small letters", |_, _, claims| small(claims, "htm"), false),
    ("no htu", |_, _, claims| without(claims, "htu"), false),
    ("another path", |_, _, claims| put(claims, "htu", "", "/x"), false),
    ("another host", |_, _, claims| claims["htu"] = json!("http://localhost:1/token"), false),
    ("another scheme", |_, _, claims| scheme(claims, "https://"), false),
    ("scheme in capitals", |_, _, claims| scheme(claims, "HTTP://"), true),
    ("a query", |_, _, claims| put(claims, "htu", "", "?a=b"), true),
    ("a fragment", |_, _, claims| put(claims, "htu", "", "#a"), true),
    ("no iat", |_, _, claims| without(claims, "iat"), false),
    ("iat a text", |_, _, claims| claims["iat"] = json!(now().to_string()), false),
    ("iat 10 seconds ago", |_, _, claims| claims["iat"] = json!(now() - 10), true),
    ("iat in 10 seconds", |_, _, claims| claims["iat"] = json!(now() + 10), true),
    ("iat an hour ago", |_, _, claims| claims["iat"] = json!(now() - 3600), false),
    ("iat in an hour", |_, _, claims| claims["iat"] = json!(now() + 3600), false),
];

fn small(claims: &mut Value, name: &str) {
    claims[name] = json!(claims[name].as_str().expect("text").to_lowercase());
}

fn put(claims: &mut Value, name: &str, before: &str, behind: &str) {
    claims[name] = json!(format!("{before}{}{behind}", claims[name].as_str().expect("text")));
}

fn scheme(claims: &mut Value, scheme: &str) {
    claims["htu"] = json!(claims["htu"].as_str().expect("text").replace("http://", scheme));
}

fn machine(proofs: &[&str]) -> Answer {
    let form =
        [("grant_type", "client_credentials"), ("client_id", "machine"), ("client_secret", house().secret("machine"))];
    let request = Request::new("POST", &house().endpoint("token")).form(&form);
    proofs.iter().fold(request, |request, proof| request.header("DPoP", proof)).send()
}

#[test]
fn fapi2_dpop_negative_tests_at_the_token_endpoint() {
    let (url, holder) = (house().endpoint("token"), Holder::default());
    let invalid = (400, "invalid_dpop_proof".to_owned());
    for (name, change, is_good) in CASES {
        let (mut header, mut claims) = (holder.header(), holder.claims("POST", &url, now()));
        change(&holder, &mut header, &mut claims);
        let answer = machine(&[&holder.sign(&header, &claims)]);
        let refused = (answer.status != 200).then(|| refusal(&answer));
        assert_eq!(refused, (!is_good).then(|| invalid.clone()), "{name}: {}", answer.text());
    }
    let good = || holder.proof("POST", &url, now(), &[]);
    assert_eq!(refusal(&machine(&[])), invalid, "none");
    assert_eq!(refusal(&machine(&[&good(), &good()])), invalid, "two");
    for bad in ["", "x", "a.b.c", &tampered(&good()), &good()[1..], &format!("{} ", &good()[..40])] {
        assert_eq!(refusal(&machine(&[bad])), invalid, "{bad}");
    }
    let proof = good();
    assert_eq!(machine(&[&proof]).status, 200);
    assert_eq!(refusal(&machine(&[&proof])), invalid, "a second time");
}

#[test]
fn fapi2_dpop_negative_tests_at_userinfo() {
    let (house, url, holder) = (house(), house().endpoint("userinfo"), Holder::default());
    let member = super::Member::new("fapi");
    let end = crate::house::Browser::default().visit(&member.way(&member.push(&[])));
    let tokens = member.redeem(end.code(), &[super::proof(&holder)]).json();
    let access = text(&tokens, "/access_token");
    let ask = |scheme: &str, proofs: &[&str]| {
        let request = Request::new("GET", &url).header("Authorization", format!("{scheme} {access}"));
        proofs.iter().fold(request, |request, proof| request.header("DPoP", proof)).send()
    };
    let good = |holder: &Holder| holder.proof("GET", &url, now(), &[("ath", &ath(access))]);
    let hash: [(&str, Change, bool); 2] = [
        ("no ath", |_, _, claims| without(claims, "ath"), false),
        ("ath of another token", |_, _, claims| claims["ath"] = json!(ath("another")), false),
    ];
    for (name, change, is_good) in CASES.into_iter().chain(hash) {
        let (mut header, mut claims) = (holder.header(), holder.claims("GET", &url, now()));
        claims["ath"] = json!(ath(access));
        change(&holder, &mut header, &mut claims);
        let answer = ask("DPoP", &[&holder.sign(&header, &claims)]);
        assert_eq!(answer.status, if is_good { 200 } else { 401 }, "{name}: {}", answer.text());
    }
    let thief = Holder::default();
    for (name, scheme, proofs) in [
        ("as a bearer", "Bearer", vec![good(&holder)]),
        ("as a bearer without a proof", "Bearer", vec![]),
        ("without a proof", "DPoP", vec![]),
        ("two proofs", "DPoP", vec![good(&holder), good(&holder)]),
        ("another's key", "DPoP", vec![good(&thief)]),
    ] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = ask(scheme, &proofs);
        assert_eq!(answer.status, 401, "{name}: {}", answer.text());
        assert!(answer.headers_named("www-authenticate").iter().any(|line| line.starts_with("DPoP")), "{name}");
    }
    assert_eq!(ask("DPoP", &[&good(&holder)]).status, 200);
    // An unbound token does not become a bound one.
    let plain = crate::house::Browser::default().visit(&house.request("plain", &[]));
    let plain = house.redeem("plain", plain.code()).json();
    let plain = text(&plain, "/access_token");
    let proof = holder.proof("GET", &url, now(), &[("ath", &ath(plain))]);
    let answer =
        Request::new("GET", &url).header("Authorization", format!("DPoP {plain}")).header("DPoP", proof).send();
    assert_eq!(answer.status, 401, "{}", answer.text());
}
