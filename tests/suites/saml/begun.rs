//! What was begun is what an answer counts for: in the browser that asked, at the connector that was asked, as that was
//! then, and once, by the request and by the assertion.

use crate::apart::{changed, post};
use crate::forge::{COMPANY, Claims, Signer, at};
use crate::ground::{Asked, Ground};
use doorward_testkit::encoding::base64;
use doorward_testkit::jar::{Hop, Jar};

const OTHER: &str = "https://other.example/idp";

fn is_attempt(name: &str) -> bool {
    name.contains("attempt")
}

fn refused(ground: &Ground, jar: &mut Jar, end: &Hop, status: u16, words: &str) {
    let text = end.answer.text();
    assert!(end.answer.status == status && text.contains(words), "{} {text}", end.answer.status);
    assert!(!ground.is_in(jar));
}

#[test]
fn gauntlet_b6_15_a_request_begun_elsewhere_brings_nobody_in_whoever_planted_it() {
    for words in [&[][..], &["--unsolicited"]] {
        let (ground, signer) = Ground::forged(words);
        let theirs = ground.ask("company");
        let answer = Claims::new(&ground.endpoint("company"), &theirs.id).genuine(&signer);
        let planted: Vec<_> = theirs.jar.cookies.iter().filter(|one| is_attempt(&one.name)).cloned().collect();
        assert_eq!(planted.len(), 1);
        // In a browser that is known here, with nothing begun, and in one that is on its way itself.
        let mut known = ground.ask("company").jar;
        known.cookies.retain(|one| !is_attempt(&one.name));
        for mut victim in [Jar::new(), known, ground.ask("company").jar] {
            victim.cookies.retain(|one| planted.iter().all(|planted| planted.name != one.name));
            victim.cookies.extend(planted.clone());
            let end = ground.bring(&mut victim, "company", &answer);
            assert!(end.answer.status >= 400, "{} {}", end.answer.status, end.answer.text());
            assert!(!ground.is_in(&mut victim));
        }
        // It was good all the while, where it was asked for.
        let Asked { mut jar, .. } = theirs;
        assert_eq!(ground.bring(&mut jar, "company", &answer).answer.status, 200);
        assert!(ground.is_in(&mut jar));
    }
}

#[test]
fn gauntlet_b6_15_a_request_to_one_company_is_not_answered_by_another() {
    let (ground, _) = Ground::forged(&[]);
    let other = Signer::new();
    ground.connect("other", &other.metadata().replace(COMPANY, OTHER), &[]);
    let mut asked = ground.ask("company");
    let mut claims = Claims::new(&ground.endpoint("other"), &asked.id);
    OTHER.clone_into(&mut claims.issuer);
    let end = ground.bring(&mut asked.jar, "other", &claims.genuine(&other));
    refused(&ground, &mut asked.jar, &end, 410, "");
    // Asked there it does.
    let mut asked = ground.ask("other");
    let mut claims = Claims::new(&ground.endpoint("other"), &asked.id);
    OTHER.clone_into(&mut claims.issuer);
    assert_eq!(ground.bring(&mut asked.jar, "other", &claims.genuine(&other)).answer.status, 200);
}

#[test]
fn whoever_is_on_the_way_when_the_connector_changes_begins_again() {
    let (ground, signer) = Ground::forged(&[]);
    let mut asked = ground.ask("company");
    ground.door.cli_text(&["connector", "update", "company", "--set", "saml.clock_tolerance_seconds=30"]);
    let answer = Claims::new(&ground.endpoint("company"), &asked.id).genuine(&signer);
    let end = ground.bring(&mut asked.jar, "company", &answer);
    refused(&ground, &mut asked.jar, &end, 410, "");
}

#[test]
fn gauntlet_b6_14_a_request_is_answered_once_whatever_the_assertion() {
    let (ground, signer) = Ground::forged(&[]);
    let mut asked = ground.ask("company");
    let mut before = asked.jar.clone();
    let first = Claims::new(&ground.endpoint("company"), &asked.id);
    let second = Claims { id: "_another".to_owned(), ..first.clone() };
    assert_eq!(ground.bring(&mut asked.jar, "company", &first.genuine(&signer)).answer.status, 200);
    let end = ground.bring(&mut before, "company", &second.genuine(&signer));
    refused(&ground, &mut before, &end, 403, "used already");
}

#[test]
fn gauntlet_b6_14_an_assertion_counts_once_whatever_requests_it_confirms() {
    let (ground, signer) = Ground::forged(&[]);
    let (mut one, mut two) = (ground.ask("company"), ground.ask("company"));
    let endpoint = ground.endpoint("company");
    let claims = Claims { response_request: None, ..Claims::new(&endpoint, &one.id) };
    let more = format!(
        "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         InResponseTo=\"{}\" NotOnOrAfter=\"{}\" Recipient=\"{endpoint}\"></saml:SubjectConfirmationData>\
         </saml:SubjectConfirmation></saml:Subject>",
        two.id,
        at(120)
    );
    let answer = changed(&claims, &signer, "</saml:Subject>", &more);
    let end = ground.bring(&mut one.jar, "company", &answer);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let end = ground.bring(&mut two.jar, "company", &answer);
    refused(&ground, &mut two.jar, &end, 403, "used already");
}

#[test]
fn a_form_with_two_answers_or_an_answer_and_a_request_is_neither() {
    let (ground, signer) = Ground::forged(&[]);
    let mut asked = ground.ask("company");
    let answer = base64(Claims::new(&ground.endpoint("company"), &asked.id).genuine(&signer).as_bytes());
    let one = ("SAMLResponse", answer.as_str());
    for more in [one, ("SAMLResponse", ""), ("SAMLRequest", answer.as_str())] {
        for form in [[one, more, ("again", "yes")], [more, one, ("again", "yes")]] {
            let end = post(&ground, &mut asked.jar, &form);
            refused(&ground, &mut asked.jar, &end, 410, "");
        }
    }
    assert_eq!(post(&ground, &mut asked.jar, &[one, ("again", "yes")]).answer.status, 200);
    assert!(ground.is_in(&mut asked.jar));
}
