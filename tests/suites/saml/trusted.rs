//! Which of a provider's keys count, from where, and for how long: what stands around its part of the metadata, keys that are
//! there for something else, another source of metadata, and whoever is told that keys have changed.

use crate::forge::{COMPANY, Claims, Signer};
use crate::ground::Ground;
use crate::metadata::{Publisher, Reader, count};
use doorward_saml::limits;
use doorward_saml::trouble::Trouble;
use serde_json::Value;
use std::time::Duration;

const LIST: &str = "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\"";
/// The elements around a provider's keys, from the outside.
const PLACES: [&str; 3] = [LIST, "<EntityDescriptor ", "<IDPSSODescriptor "];

/// A company's metadata in a list, with attributes in some of the places.
fn listed(signer: &Signer, attributes: &[(usize, String)]) -> String {
    let alone = signer.metadata();
    let (_, alone) = alone.split_once("<EntityDescriptor ").expect("a provider");
    let whole = format!("{LIST}><EntityDescriptor {alone}</EntitiesDescriptor>");
    attributes.iter().fold(whole, |text, (place, attribute)| {
        let head = PLACES[*place];
        text.replacen(head, &format!("{} {attribute} ", head.trim_end()), 1)
    })
}

#[tokio::test]
async fn gauntlet_b6_21_whatever_around_the_keys_is_over_first_ends_them() {
    let signer = Signer::new();
    let publisher = Publisher::of("");
    for (place, name) in PLACES.iter().enumerate() {
        publisher.say(200, &listed(&signer, &[(place, "validUntil=\"2020-01-01T00:00:00Z\"".to_owned())]));
        let outcome = Reader::new(&publisher, &[]).at(0).await;
        assert!(matches!(&outcome, Err(Trouble::Metadata(why)) if why.contains("validUntil")), "{name}: {outcome:?}");
    }
    for (sooner, later) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        let reader = Reader::new(&publisher, &[]);
        let until = |seconds| format!("validUntil=\"{}\"", reader.begun.plus_seconds(seconds).rfc3339());
        publisher.say(200, &listed(&signer, &[(sooner, until(100)), (later, until(3000))]));
        assert_eq!(count(reader.at(0).await), 1);
        publisher.say(500, "");
        assert_eq!(count(reader.at(90).await), 1, "{sooner} before {later}");
        assert!(reader.at(101).await.is_err(), "{sooner} before {later}");
    }
}

#[tokio::test]
async fn whatever_around_the_keys_is_to_be_read_again_first_says_when() {
    let signer = Signer::new();
    let publisher = Publisher::of("");
    for (sooner, later) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let again = |time: &str| format!("cacheDuration=\"{time}\"");
        publisher.say(200, &listed(&signer, &[(sooner, again("PT2M")), (later, again("PT10M"))]));
        publisher.asked();
        let reader = Reader::new(&publisher, &[]);
        for (seconds, asked) in [(0, 1), (119, 0), (121, 1), (122, 0)] {
            assert_eq!(count(reader.at(seconds).await), 1);
            assert_eq!(publisher.asked(), asked, "{sooner} before {later}, after {seconds} s");
        }
    }
}

#[tokio::test]
async fn gauntlet_b6_21_a_key_to_encrypt_with_signs_nothing() {
    let (signer, other) = (Signer::new(), Signer::new());
    let alone = signer.metadata();
    let (_, key) =
        other.metadata().split_once("<KeyDescriptor").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a key");
    let key = format!("<KeyDescriptor{}</KeyDescriptor>", key.split_once("</KeyDescriptor>").expect("its end").0);
    let beside = |purpose: &str| {
        let key = key.replace(" use=\"signing\"", purpose);
        alone.replacen("<KeyDescriptor", &format!("{key}<KeyDescriptor"), 1)
    };
    let publisher = Publisher::of("");
    let read = async |text: &str| {
        publisher.say(200, text);
        Reader::new(&publisher, &[]).at(0).await.map(|provider| provider.published.certificates.clone())
    };
    for purpose in [" use=\"encryption\"", " use=\"Signing\"", " use=\"\""] {
        assert_eq!(
            read(&beside(purpose)).await.expect("metadata"),
            std::slice::from_ref(&signer.certificate),
            "{purpose}"
        );
        // And with no other one there is nothing to check signatures with.
        assert!(read(&alone.replace(" use=\"signing\"", purpose)).await.is_err(), "{purpose}");
    }
    // Without a word for what it is there for it is there for both.
    let both = [other.certificate.clone(), signer.certificate.clone()];
    assert_eq!(read(&beside("")).await.expect("metadata"), both);
}

#[tokio::test]
async fn gauntlet_b6_21_keys_count_for_the_settings_they_were_read_for() {
    let (old, new) = (Signer::new(), Signer::new());
    let (here, there) = (Publisher::of(&old.metadata()), Publisher::of(&new.metadata()));
    let certificate = |signer: &Signer| vec![signer.certificate.clone()];
    // Another address: its keys at once, and no news of keys that changed, because nobody changed any.
    let mut reader = Reader::new(&here, &[]);
    assert_eq!(reader.at(0).await.expect("metadata").published.certificates, certificate(&old));
    reader.settings.metadata_url = Some(there.echo.url());
    assert_eq!(reader.at(1).await.expect("metadata").published.certificates, certificate(&new));
    assert_eq!(reader.news(), [""; 0]);
    // One at which nothing can be read: not the keys of the other one meanwhile.
    there.say(500, "");
    let mut reader = Reader::new(&here, &[]);
    assert_eq!(count(reader.at(0).await), 1);
    reader.settings.metadata_url = Some(there.echo.url());
    assert!(reader.at(1).await.is_err());
    // Nor is the other's failure this one's.
    reader.settings.metadata_url = Some(here.echo.url());
    assert_eq!(reader.at(2).await.expect("metadata").published.certificates, certificate(&old));
    // A signature is wanted now.
    let mut reader = Reader::new(&here, &[]);
    assert_eq!(count(reader.at(0).await), 1);
    reader.settings.metadata_certificates = certificate(&new);
    assert!(reader.at(1).await.is_err());
    // Another provider of the same document.
    let mut reader = Reader::new(&here, &[]);
    assert_eq!(count(reader.at(0).await), 1);
    reader.settings.entity_id = "https://other.example/idp".to_owned();
    assert!(reader.at(1).await.is_err());
}

#[tokio::test]
async fn an_address_that_was_wrong_keeps_nobody_from_the_right_one() {
    let signer = Signer::new();
    let (wrong, right) = (Publisher::of(""), Publisher::of(&signer.metadata()));
    let mut reader = Reader::new(&wrong, &[]);
    assert!(reader.at(0).await.is_err());
    reader.settings.metadata_url = Some(right.echo.url());
    assert_eq!(count(reader.at(1).await), 1);
    assert_eq!(reader.news(), [""; 0]);
    // Back again, it is asked again.
    wrong.asked();
    wrong.say(200, &signer.metadata());
    reader.settings.metadata_url = Some(wrong.echo.url());
    assert_eq!((count(reader.at(2).await), wrong.asked()), (1, 1));
}

/// A door whose company publishes its metadata there.
fn reading(publisher: &Publisher) -> Ground {
    let ground = Ground::new();
    let url = publisher.echo.url();
    let words = ["connector", "add", "saml", "company", "--metadata", &url, "--entity-id", COMPANY];
    ground.door.cli_text(&[&words[..], &["--addresses-are-proved"]].concat());
    ground
}

/// What becomes of an answer signed by this key.
fn end(ground: &Ground, signer: &Signer) -> (u16, bool) {
    let mut asked = ground.ask("company");
    let answer = Claims::new(&ground.endpoint("company"), &asked.id).genuine(signer);
    let end = ground.bring(&mut asked.jar, "company", &answer);
    (end.answer.status, ground.is_in(&mut asked.jar))
}

fn record(ground: &Ground) -> Vec<String> {
    let told = ground.door.cli_text(&["events", "--kind", "provider_changed", "--output", "json"]);
    let events: Value = serde_json::from_str(&told).expect("JSON");
    let details = events.as_array().expect("a list").iter().map(|event| event["detail"].as_str().unwrap_or_default());
    details.map(str::to_owned).collect()
}

#[test]
fn gauntlet_b6_21_whose_keys_changed_is_told_in_the_log_and_the_record_once() {
    let (old, new) = (Signer::new(), Signer::new());
    let soon = |signer: &Signer| signer.metadata().replacen("entityID", "cacheDuration=\"PT1M\" entityID", 1);
    let publisher = Publisher::of(&soon(&old));
    let ground = reading(&publisher);
    assert_eq!(end(&ground, &old), (200, true));
    publisher.say(200, &soon(&new));
    assert_eq!(end(&ground, &new), (502, false), "not read again yet");
    assert_eq!(record(&ground), [""; 0]);
    let least = u64::try_from(limits::METADATA_SECONDS_LEAST).expect("a time");
    std::thread::sleep(Duration::from_secs(least + 1));
    assert_eq!(end(&ground, &new), (200, true));
    assert_eq!(end(&ground, &old), (502, false));
    let words = "the provider's certificates are others: 1 came and 1 went, 1 count now";
    assert_eq!(record(&ground), [format!("connector company: {words}")]);
    let log = ground.door.output();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(words)).collect();
    assert!(matches!(lines.as_slice(), [line] if line.contains("company")), "{lines:?}");
}

#[test]
fn gauntlet_b6_21_after_another_source_of_metadata_the_former_keys_let_nobody_in() {
    let (old, new) = (Signer::new(), Signer::new());
    let (here, there) = (Publisher::of(&old.metadata()), Publisher::of(&new.metadata()));
    let ground = reading(&here);
    assert_eq!(end(&ground, &old), (200, true));
    let set = format!("saml.metadata_url={}", there.echo.url());
    ground.door.cli_text(&["connector", "update", "company", "--set", &set]);
    assert_eq!(end(&ground, &old), (502, false));
    assert_eq!(end(&ground, &new), (200, true));
    assert_eq!(record(&ground), [""; 0], "nobody's keys have changed");
}
