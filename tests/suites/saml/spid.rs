//! What spid-sp-test, which judges service providers of Italy's public identity, sends: some hundred answers, each with one
//! thing missing, empty or wrong, or wrapped. Each comes to a request of its own, and what counts is whether anybody is
//! signed in then.

use crate::forge::{COMPANY, Signer};
use crate::ground::Ground;
use doorward_testkit::peers::Spid;

/// Its rules that are SPID's and not SAML's: what breaks only those is not refused.
const NOT_OURS: [(&str, &str); 6] = [
    ("14", "SAML sets no bound to how old IssueInstant may be: NotOnOrAfter says how long an assertion counts"),
    ("39", "the same of the assertion: which request it answers is said by InResponseTo"),
    ("48", "NameQualifier may be left out (SAML Core §2.2.2), and an empty one says nothing"),
    ("49", "NameQualifier may be left out (SAML Core §2.2.2)"),
    ("71", "Format of an Issuer may be left out: then it is `entity` (SAML Core §2.2.5)"),
    ("76", "NotBefore of Conditions may be left out (SAML Core §2.5.1)"),
];

/// About the person's name: judged where it is what tells people apart.
const OF_NAMES: [&str; 7] = ["43", "44", "45", "46", "47", "48", "49"];

/// How many answers of each kind there are: fewer would mean that something was not sent.
const HOSTILE: usize = 100;
const GENUINE: usize = 7;

/// A door that trusts a provider by this key, told these words more, and who answers for that provider.
fn ground(words: &[&str]) -> (Ground, Spid) {
    let (ground, signer) = (Ground::new(), Signer::new());
    let usual = ["--assertions-signed", "--name-attributes", "spidCode", "--email-attributes", "email"];
    let levels: Vec<String> = (1..=3).map(|level| format!("https://www.spid.gov.it/SpidL{level}")).collect();
    let levels = levels.iter().flat_map(|level| ["--authn-context", level.as_str()]);
    let all: Vec<&str> = usual.into_iter().chain(levels).chain(words.iter().copied()).collect();
    ground.connect("company", &signer.metadata(), &all);
    (ground, Spid::start(&signer.key_pem))
}

/// Brings what a test sends to a request of its own: whether it has to be taken, and whether it was.
fn judged(ground: &Ground, spid: &mut Spid, test: &str, is_persistent: bool) -> (Option<bool>, bool) {
    let mut asked = ground.ask("company");
    let answer = spid.answer(test, (COMPANY, &asked.message), is_persistent);
    let end = ground.bring(&mut asked.jar, "company", &answer.message);
    // 502 is what we say of an answer that proves nobody; the others would be our own faults.
    assert!(![500, 503].contains(&end.answer.status), "{test}: {} {}", end.answer.status, end.answer.text());
    (answer.is_good, ground.is_in(&mut asked.jar))
}

#[test]
fn gauntlet_b6_12_spid_sp_test_gets_nobody_in_who_should_not_be() {
    let (ground, mut spid) = ground(&["--name-id", "transient", "--subject-attribute", "spidCode"]);
    let (mut refused, mut taken, mut wrong) = (0, 0, Vec::new());
    for test in spid.names() {
        let is_ours = !OF_NAMES.contains(&test.as_str()) && NOT_OURS.iter().all(|(name, _)| *name != test);
        let (is_good, is_in) = judged(&ground, &mut spid, &test, false);
        match (is_good, is_in) {
            (Some(false), false) => refused += 1,
            (Some(true), true) => taken += 1,
            (None, _) => {}
            (Some(false), true) if !is_ours => {}
            _ => wrong.push(test),
        }
    }
    assert!(wrong.is_empty(), "judged the other way: {wrong:?}");
    assert_eq!((refused, taken), (HOSTILE, GENUINE));
}

#[test]
fn gauntlet_b6_12_spid_sp_test_names_nobody_whose_name_is_none() {
    let (ground, mut spid) = ground(&[]);
    let mut found = Vec::new();
    for test in OF_NAMES.iter().chain(&["1"]) {
        let (is_good, is_in) = judged(&ground, &mut spid, test, true);
        assert!(is_good.is_some(), "{test}");
        found.push((*test, is_in));
    }
    let refused = |test| (test, false);
    let taken = |test| (test, true);
    let names = ["43", "44", "45", "46", "47"].map(refused);
    assert_eq!(found, [&names[..], &["48", "49", "1"].map(taken)].concat());
}
