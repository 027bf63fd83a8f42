//! A provider's metadata read from where it publishes it, by the part that reads it, at times of the test's choosing: newer
//! keys, none, too much, nothing at all, and somebody else's.

use crate::forge::{COMPANY, DS, Recipe, SAMLP, SIGN_ON, Signer, now, signature};
use crate::ground::Ground;
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::{ConnectorSettings, Kind, SamlSettings};
use doorward_model::dice::Counting;
use doorward_model::id::{ConnectorId, RealmId};
use doorward_model::name::ConnectorName;
use doorward_model::time::Timestamp;
use doorward_outbound::{Outbound, Reach, Setup};
use doorward_saml::limits;
use doorward_saml::peers::{News, Peers, Provider};
use doorward_saml::trouble::Trouble;
use doorward_testkit::echo::{Echo, Reply};
use doorward_testkit::jar::Jar;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A company that publishes what it is told to.
pub struct Publisher {
    said: Arc<Mutex<(u16, String)>>,
    pub echo: Echo,
}

impl Publisher {
    pub fn of(text: &str) -> Publisher {
        let said = Arc::new(Mutex::new((200, text.to_owned())));
        let told = said.clone();
        let echo = Echo::start_with(move |_| {
            let (status, text) = told.lock().expect("nobody panics with it").clone();
            if text == "hang" {
                std::thread::sleep(Duration::from_secs(8));
            }
            Reply { status, headers: Vec::new(), body: text.into_bytes() }
        });
        Publisher { said, echo }
    }

    pub fn say(&self, status: u16, text: &str) {
        *self.said.lock().expect("nobody panics with it") = (status, text.to_owned());
    }

    /// How often it was asked since this was asked last.
    pub fn asked(&self) -> usize {
        self.echo.take().len()
    }
}

/// A connector that reads its metadata there.
pub struct Reader {
    peers: Peers,
    connector: Connector,
    pub settings: SamlSettings,
    pub begun: Timestamp,
}

impl Reader {
    pub fn new(publisher: &Publisher, certificates: &[&Signer]) -> Reader {
        let reach = Reach::and(vec!["127.0.0.0/8".parse().expect("a network")]);
        let outbound = Outbound::new(Setup { reach, ..Setup::default() }).expect("a client");
        let certificates: Vec<&String> = certificates.iter().map(|signer| &signer.certificate).collect();
        let settings = json!({
            "entity_id": COMPANY, "metadata_url": publisher.echo.url(), "metadata_certificates": certificates,
        });
        let settings: SamlSettings = serde_json::from_value(settings).expect("settings");
        let dice = Counting::new(1);
        let connector = Connector {
            id: ConnectorId::draw(&dice),
            realm_id: RealmId::draw(&dice),
            name: ConnectorName::parse("company").expect("a name"),
            settings: ConnectorSettings::of(Kind::Saml(settings.clone())),
            sealed: None,
            is_active: true,
            revision: 0,
        };
        Reader { peers: Peers::new(Arc::new(outbound)), connector, settings, begun: now() }
    }

    /// What is known so many seconds after the beginning.
    pub async fn at(&self, seconds: i64) -> Result<Arc<Provider>, Trouble> {
        self.peers.provider((&self.connector, &self.settings), self.begun.plus_seconds(seconds)).await
    }

    pub fn news(&self) -> Vec<String> {
        self.peers.news(&self.connector.id).iter().map(News::to_string).collect()
    }
}

pub fn count(provider: Result<Arc<Provider>, Trouble>) -> usize {
    provider.map_or(0, |provider| provider.keys.len())
}

#[tokio::test]
async fn gauntlet_b6_21_keys_follow_one_another_and_the_change_is_told() {
    let (old, new) = (Signer::new(), Signer::new());
    let publisher = Publisher::of(&old.metadata());
    let reader = Reader::new(&publisher, &[]);
    assert_eq!(count(reader.at(0).await), 1);
    // Not read again within the hour.
    publisher.say(200, &new.metadata());
    let same = reader.at(limits::METADATA_SECONDS - 1).await.expect("metadata");
    assert_eq!((same.published.certificates.first(), publisher.asked()), (Some(&old.certificate), 1));
    assert!(reader.news().is_empty());
    // Both at once for a while, then the new one alone.
    let part = |signer: &Signer| {
        let text = signer.metadata();
        let (_, rest) = text.split_once("<KeyDescriptor").expect("a key");
        format!("<KeyDescriptor{}</KeyDescriptor>", rest.split_once("</KeyDescriptor>").expect("its end").0)
    };
    let both = old.metadata().replacen("<KeyDescriptor", &format!("{}<KeyDescriptor", part(&new)), 1);
    publisher.say(200, &both);
    assert_eq!(count(reader.at(limits::METADATA_SECONDS).await), 2);
    assert_eq!(reader.news(), ["the provider's certificates are others: 1 came and 0 went, 2 count now"]);
    publisher.say(200, &new.metadata());
    let last = reader.at(2 * limits::METADATA_SECONDS).await.expect("metadata");
    assert_eq!(last.published.certificates, std::slice::from_ref(&new.certificate));
    assert_eq!(reader.news(), ["the provider's certificates are others: 0 came and 1 went, 1 count now"]);
    assert!(reader.news().is_empty(), "told once");
}

#[tokio::test]
async fn what_was_read_counts_for_a_day_while_it_cannot_be_read_again() {
    let signer = Signer::new();
    let publisher = Publisher::of(&signer.metadata());
    let reader = Reader::new(&publisher, &[]);
    assert_eq!(count(reader.at(0).await), 1);
    let (mut at, last) = (limits::METADATA_SECONDS, limits::METADATA_STALE_SECONDS);
    for (status, text) in [(500, String::new()), (200, "no metadata".to_owned()), (404, String::new())] {
        publisher.say(status, &text);
        assert_eq!(count(reader.at(at).await), 1, "{status}");
        at += 60;
    }
    let news = reader.news();
    assert!(news.len() == 1 && news.iter().all(|one| one.contains("answered 500")), "once for each outage: {news:?}");
    assert_eq!(count(reader.at(last - 1).await), 1);
    assert!(reader.at(last).await.is_err());
    publisher.say(200, &signer.metadata());
    assert_eq!(count(reader.at(last + 60).await), 1);
    assert_eq!(reader.news(), ["the provider's metadata can be read again"]);
}

#[tokio::test]
async fn what_is_too_large_over_or_somebody_elses_is_not_taken() {
    let signer = Signer::new();
    let publisher = Publisher::of("");
    for (name, text) in [
        ("too large", format!("{}<!-- {} -->", signer.metadata(), "x".repeat(1024 * 1024))),
        ("another provider's", signer.metadata().replace(COMPANY, "https://other.example/idp")),
        ("over", signer.metadata().replacen("entityID", "validUntil=\"2020-01-01T00:00:00Z\" entityID", 1)),
        ("without a key", signer.metadata().replace("KeyDescriptor", "Other")),
        ("nothing", String::new()),
    ] {
        publisher.say(200, &text);
        let outcome = Reader::new(&publisher, &[]).at(0).await;
        assert!(outcome.is_err(), "{name}");
    }
    // Over a while later.
    let soon = now().plus_seconds(100).rfc3339();
    publisher.say(200, &signer.metadata().replacen("entityID", &format!("validUntil=\"{soon}\" entityID"), 1));
    let reader = Reader::new(&publisher, &[]);
    assert_eq!(count(reader.at(0).await), 1);
    publisher.say(500, "");
    assert_eq!(count(reader.at(90).await), 1);
    assert!(reader.at(101).await.is_err());
}

#[tokio::test]
async fn gauntlet_b6_21_metadata_is_signed_by_the_certificate_that_was_named() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let publisher = Publisher::of(&signer.metadata());
    let made = |by: &Signer| {
        let plain = |signature: &str| {
            format!(
                "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_m\" entityID=\"{COMPANY}\">{signature}\
                 <IDPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\"><KeyDescriptor use=\"signing\"><KeyInfo \
                 xmlns=\"{DS}\"><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
                 <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
                 Location=\"{SIGN_ON}\"></SingleSignOnService></IDPSSODescriptor></EntityDescriptor>",
                signer.certificate
            )
        };
        plain(&signature(("_m", &plain("")), by, &Recipe::default()))
    };
    assert!(Reader::new(&publisher, &[&signer]).at(0).await.is_err(), "unsigned");
    publisher.say(200, &made(&stranger));
    assert!(Reader::new(&publisher, &[&signer]).at(0).await.is_err(), "a stranger's");
    publisher.say(200, &made(&signer).replace(SIGN_ON, "https://other.example/sso"));
    assert!(Reader::new(&publisher, &[&signer]).at(0).await.is_err(), "changed");
    publisher.say(200, &made(&signer));
    assert_eq!(count(Reader::new(&publisher, &[&signer]).at(0).await), 1);
    assert_eq!(count(Reader::new(&publisher, &[&stranger, &signer]).at(0).await), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_hangs_keeps_nobody_waiting_behind_whoever_came_first() {
    let publisher = Publisher::of("hang");
    let reader = Arc::new(Reader::new(&publisher, &[]));
    let first = tokio::spawn({
        let reader = reader.clone();
        async move { reader.at(0).await.is_err() }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    let all: Vec<_> = (0..20)
        .map(|_| {
            let reader = reader.clone();
            tokio::spawn(async move { reader.at(0).await.err() })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.expect("an end"), Some(Trouble::Waiting));
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(first.await.expect("an end"));
    assert_eq!(publisher.asked(), 1);
    // Known before: nobody waits at all.
    publisher.say(200, &Signer::new().metadata());
    assert_eq!(count(reader.at(60).await), 1);
    publisher.say(200, "hang");
    let first = tokio::spawn({
        let reader = reader.clone();
        async move { count(reader.at(60 + limits::METADATA_SECONDS).await) }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    assert_eq!(count(reader.at(60 + limits::METADATA_SECONDS).await), 1);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(first.await.expect("an end"), 1);
}

#[test]
fn what_was_read_from_a_file_counts_as_long_as_it_says() {
    let (ground, signer) = (Ground::new(), Signer::new());
    let until = "2100-01-01T00:00:00Z";
    let metadata =
        signer.metadata().replace("<IDPSSODescriptor ", &format!("<IDPSSODescriptor validUntil=\"{until}\" "));
    ground.connect("company", &metadata, &[]);
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "json"]);
    assert!(shown.contains("\"valid_until\": 4102444800000"), "{shown}");
    assert_eq!(ground.leave(&mut Jar::new(), "company").status, 303);
    ground.door.cli_text(&["connector", "update", "company", "--set", "saml.provider.valid_until=1000"]);
    let left = ground.leave(&mut Jar::new(), "company");
    assert!(left.status >= 400, "{} {}", left.status, left.location());
}
