//! How large an answer may be, how long ago somebody may have proved themselves, and in which ways: taken at the bound, and
//! not beyond it.

use crate::forge::{Claims, at, now};
use crate::judged::{ENDPOINT, Judge, REQUEST};
use doorward_saml::limits;
use doorward_saml::response::Request;

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";

fn is_taken(judge: &Judge, message: &str) -> bool {
    judge.who(message.as_bytes()).is_ok()
}

#[test]
fn gauntlet_b6_19_an_answer_is_taken_up_to_its_bounds_and_not_beyond_them() {
    let judge = Judge::new();
    let genuine = Claims::new(ENDPOINT, REQUEST).genuine(&judge.signer);
    // In a part that nobody signed and nobody reads.
    let with = |inner: &str| {
        genuine.replacen("<samlp:Status>", &format!("<samlp:Extensions>{inner}</samlp:Extensions><samlp:Status>"), 1)
    };
    let elements = |text: &str| text.matches("</").count();
    let long = |size: usize| {
        let rest = size - with("<x></x>").len();
        with(&format!("<x>{}</x>", "y".repeat(rest)))
    };
    let deep = |depth: usize| with(&format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth)));
    let many = |count: usize| with(&"<x></x>".repeat(count - elements(&with(""))));
    let attributes = |count: usize| {
        let all: String = (0..count).map(|number| format!(" a{number}=\"\"")).collect();
        with(&format!("<x{all}></x>"))
    };
    assert_eq!((long(limits::MESSAGE_BYTES).len(), elements(&many(100))), (limits::MESSAGE_BYTES, 100));
    for (name, at_bound, beyond) in [
        ("bytes", long(limits::MESSAGE_BYTES), long(limits::MESSAGE_BYTES + 1)),
        // Two are around them.
        ("depth", deep(limits::DEPTH - 2), deep(limits::DEPTH - 1)),
        ("elements", many(limits::ELEMENTS), many(limits::ELEMENTS + 1)),
        ("attributes", attributes(limits::ATTRIBUTES), attributes(limits::ATTRIBUTES + 1)),
    ] {
        assert!(is_taken(&judge, &at_bound), "{name}: {:?}", judge.who(at_bound.as_bytes()));
        assert!(!is_taken(&judge, &beyond), "{name}");
    }
}

#[test]
fn gauntlet_b6_19_a_person_is_told_of_up_to_a_bound() {
    let judge = Judge::new();
    let saying = |attributes: usize, values: usize| {
        let value = "<saml:AttributeValue>x</saml:AttributeValue>".repeat(values);
        let all = (0..attributes).map(|number| format!("<saml:Attribute Name=\"n{number}\">{value}</saml:Attribute>"));
        let more = format!("<saml:AttributeStatement>{}</saml:AttributeStatement>", all.collect::<String>());
        Claims { more, ..Claims::new(ENDPOINT, REQUEST) }.genuine(&judge.signer)
    };
    // Beside the two attributes, of a value each, that say who it is.
    assert!(is_taken(&judge, &saying(limits::PERSON_ATTRIBUTES - 2, 1)));
    assert!(!is_taken(&judge, &saying(limits::PERSON_ATTRIBUTES - 1, 1)));
    assert!(is_taken(&judge, &saying(1, limits::PERSON_VALUES - 2)));
    assert!(!is_taken(&judge, &saying(1, limits::PERSON_VALUES - 1)));
}

#[test]
fn gauntlet_b6_13_who_was_to_prove_themselves_anew_has_done_so_since() {
    let mut judge = Judge::new();
    let proved = |seconds: i64| Claims { proved_at: at(seconds), ..Claims::new(ENDPOINT, REQUEST) };
    let hour_ago = proved(-3600).genuine(&judge.signer);
    assert!(is_taken(&judge, &hour_ago), "any time is good enough where nothing was said");
    judge.requests = vec![Request { id: REQUEST.to_owned(), fresh_since: Some(now().plus_seconds(-300)) }];
    assert!(!is_taken(&judge, &hour_ago));
    // By the provider's clock, which may be a minute behind.
    assert!(!is_taken(&judge, &proved(-365).genuine(&judge.signer)));
    assert!(is_taken(&judge, &proved(-355).genuine(&judge.signer)));
    // It is the request it answers that says so, not another one that is open.
    let other = Request { id: "_other".to_owned(), fresh_since: None };
    judge.requests.insert(0, other);
    assert!(!is_taken(&judge, &hour_ago));
}

#[test]
fn gauntlet_b6_13_who_was_to_prove_themselves_in_some_way_has_done_so_in_it() {
    let mut judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    let usual = claims.genuine(&judge.signer);
    let other = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509";
    for (wanted, taken) in [
        (vec![], true),
        (vec![PASSWORD], true),
        (vec![other, PASSWORD], true),
        (vec![other], false),
        (vec![&PASSWORD[..PASSWORD.len() - 1]], false),
        (vec![""], false),
    ] {
        judge.contexts = wanted.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(is_taken(&judge, &usual), taken, "{wanted:?}");
    }
    // Said nowhere it was done in no way that counts.
    judge.contexts = vec![PASSWORD.to_owned()];
    let class = format!("<saml:AuthnContextClassRef>{PASSWORD}</saml:AuthnContextClassRef>");
    assert!(claims.assertion("").contains(&class));
    let silent = crate::apart::changed(&claims, &judge.signer, &class, "");
    assert!(!is_taken(&judge, &silent));
    judge.contexts.clear();
    assert!(is_taken(&judge, &silent));
}
