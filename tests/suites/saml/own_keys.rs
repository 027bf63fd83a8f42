//! A connector's own key follows another one, and nobody is kept out meanwhile.

use crate::encrypted::{Way, encrypt_for};
use crate::forge::{Claims, Signer};
use crate::ground::{Asked, Ground};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_saml::certificate::Key;
use doorward_saml::redirect;
use doorward_tests::page_request;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The certificates we publish for a purpose, in their order.
fn published(ground: &Ground, purpose: &str) -> Vec<String> {
    let metadata = ground.descriptor("company");
    let begin = format!("<md:KeyDescriptor use=\"{purpose}\">");
    let parts = metadata.split(&begin).skip(1);
    let certificate = |part: &str| Some(part.split_once("<ds:X509Certificate>")?.1.split_once('<')?.0.to_owned());
    parts.map(|part| certificate(part).expect("a certificate")).collect()
}

/// Whether a request to sign in is signed with the key of a certificate.
fn is_signed_by(asked: &Asked, certificate: &str) -> bool {
    let keys = [Key::of_certificate(certificate).expect("a certificate")];
    let (_, query) = asked.address.split_once('?').expect("a query");
    redirect::read(query, &keys).is_ok_and(|carried| carried.is_signed)
}

/// The public key of a certificate, as openssl reads it.
fn public_key(certificate: &str) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(["x509", "-inform", "DER", "-noout", "-pubkey"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut openssl = command.spawn().expect("openssl");
    let der = STANDARD.decode(certificate).expect("base64");
    openssl.stdin.take().expect("its input").write_all(&der).expect("written");
    let pem = String::from_utf8(openssl.wait_with_output().expect("openssl").stdout).expect("text");
    let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    STANDARD.decode(body).expect("base64")
}

/// Brings an answer encrypted for a certificate; tells its status.
fn bring_encrypted(ground: &Ground, signer: &Signer, asked: &mut Asked, certificate: &str) -> u16 {
    let claims = Claims::new(&ground.endpoint("company"), &asked.id);
    let sealed = encrypt_for(&claims.signed(signer), &public_key(certificate), &Way::usual());
    ground.bring(&mut asked.jar, "company", &claims.response("", &sealed)).answer.status
}

fn events(ground: &Ground) -> Vec<String> {
    let told = ground.door.cli_text(&["events", "--kind", "connector_key_changed", "--output", "json"]);
    let all: Vec<Value> = serde_json::from_str(&told).expect("JSON");
    all.iter().map(|event| event["detail"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn one_key_follows_another_and_nobody_notices() {
    let (ground, signer) = Ground::forged(&["--encryption", "--single-logout"]);
    let step = |more: &[&str]| ground.door.cli_text(&[&["connector", "rotate-key", "company"], more].concat());
    let refused = |more: &[&str], word: &str| {
        let output = ground.door.cli(&[&["connector", "rotate-key", "company"], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{more:?}: {said}");
    };
    let first = published(&ground, "signing");
    assert_eq!((first.len(), &first), (1, &published(&ground, "encryption")));
    let first = &first[0];
    // A session from before, and people who are on the way at each step.
    let mut early = ground.ask("company");
    assert_eq!(bring_encrypted(&ground, &signer, &mut early, first), 200);
    refused(&["--switch"], "the only one");
    let mut before = ground.ask("company");

    assert!(step(&[]).contains("/endpoint/descriptor"));
    let both = published(&ground, "signing");
    assert_eq!((both.len(), &both[0]), (2, first));
    let second = &both[1];
    assert_eq!(published(&ground, "encryption"), std::slice::from_ref(second));
    refused(&[], "--switch");
    refused(&["--retire"], "--switch first");
    assert!(is_signed_by(&before, first));
    assert_eq!(bring_encrypted(&ground, &signer, &mut before, first), 200);
    let mut between = ground.ask("company");
    assert!(is_signed_by(&between, first) && !is_signed_by(&between, second));
    assert_eq!(bring_encrypted(&ground, &signer, &mut ground.ask("company"), second), 200);

    step(&["--switch"]);
    assert_eq!(published(&ground, "signing"), [second.clone(), first.clone()]);
    assert_eq!(published(&ground, "encryption"), std::slice::from_ref(second));
    refused(&["--switch"], "--retire");
    assert_eq!(bring_encrypted(&ground, &signer, &mut between, first), 200);
    let mut after = ground.ask("company");
    assert!(is_signed_by(&after, second) && !is_signed_by(&after, first));

    step(&["--retire"]);
    for purpose in ["signing", "encryption"] {
        assert_eq!(published(&ground, purpose), std::slice::from_ref(second));
    }
    assert_eq!(bring_encrypted(&ground, &signer, &mut after, second), 200);
    assert_eq!(bring_encrypted(&ground, &signer, &mut ground.ask("company"), first), 502);
    assert!(ground.is_in(&mut early.jar));
    // Signing out is signed with the new one as well.
    let out = early.jar.send(page_request(&format!("{}/realms/main/sign-out", ground.door.url())));
    assert_eq!(out.status, 200);
    let mut told = events(&ground);
    told.sort();
    let said = |what: &str| format!("connector company {what}");
    assert_eq!(told, [said("key 1 was forgotten"), said("key 2 signs from now on"), said("key 2 was made")]);
}

#[test]
fn a_key_others_may_know_is_replaced_at_once_and_a_file_can_say_which_there_are() {
    let (ground, signer) = Ground::forged(&["--encryption"]);
    let first = published(&ground, "signing");
    ground.door.cli_text(&["connector", "update", "company", "--set", "saml.own_key=2"]);
    let second = published(&ground, "signing");
    assert!(second.len() == 1 && second != first);
    assert_eq!(bring_encrypted(&ground, &signer, &mut ground.ask("company"), &first[0]), 502);
    // As a file says it.
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "json"]);
    let mut saml = serde_json::from_str::<Value>(&shown).expect("JSON")["settings"]["saml"].take();
    let file = ground.door.scratch().join("company.yaml");
    let path = file.to_str().expect("a path");
    let mut declare = |own_key: u32, others: &[u32]| {
        saml["own_key"] = json!(own_key);
        saml["other_own_keys"] = json!(others);
        let text = json!({"kind": "Connector", "name": "company", "saml": saml}).to_string();
        std::fs::write(&file, text).expect("a file");
        ground.door.cli(&["apply", "-f", path])
    };
    assert!(declare(2, &[3]).status.success());
    let both = published(&ground, "signing");
    assert_eq!((both.len(), &both[0]), (2, &second[0]));
    // Saying the same again makes nothing.
    assert!(declare(2, &[3]).status.success());
    assert_eq!(published(&ground, "signing"), both);
    assert!(declare(3, &[]).status.success());
    assert_eq!(published(&ground, "signing"), both[1..]);
    for odd in [declare(3, &[3]), declare(0, &[]), declare(1, &[2, 3, 4])] {
        assert!(!odd.status.success() && String::from_utf8_lossy(&odd.stderr).contains("own"), "{odd:?}");
    }
    assert_eq!(published(&ground, "signing"), both[1..]);
}
