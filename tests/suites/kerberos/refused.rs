//! What is no ticket for this door, or was one once.

use crate::ground::{Ground, SERVICE, lead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::Postgres;
use doorward_tests::{field, page_request};
use std::time::Duration;

/// All nodes know it.
const MASTER_KEY: &str = "0f0e0d0c0b0a09080706050403020100f0e0d0c0b0a090807060504030201000";

fn bytes(shown: &str) -> Vec<u8> {
    STANDARD.decode(shown.trim_start_matches("Negotiate ")).expect("base64")
}

fn written(token: &[u8]) -> String {
    format!("Negotiate {}", STANDARD.encode(token))
}

#[test]
fn what_is_no_ticket_for_this_door_proves_nobody() {
    let ground = Ground::new(&[]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let refused = |shown: &str, why: &str| {
        let end = ground.show(&mut Jar::new(), shown);
        assert!(end.url.contains("ticket=refused"), "{why}: {} {}", end.url, end.answer.status);
        assert!(ground.log().contains(why), "{why}: {}", ground.log());
        assert!(!ground.has("alice"), "{why}");
    };
    // For another service, and for another name of the same account.
    refused(&alice.shown_to("other.localhost"), "the ticket is for another service");
    refused(&alice.shown_to("second.localhost"), "the ticket is for another service");
    // The name this door has, written over the other's, which has as many letters.
    let swap = |from: &str| {
        let mut token = bytes(&alice.shown_to(from));
        let at = token.windows(from.len()).position(|part| part == from.as_bytes()).expect("the name");
        token.splice(at..at + from.len(), b"doorward.localhost"[..from.len()].iter().copied());
        token
    };
    refused(&written(&swap("elseward.localhost")), "the keytab");
    let ntlm = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2\0\0\0\0\0\0\0\0";
    refused(&written(ntlm), "NTLM");
    refused("Negotiate ?", "no token in base64");
    refused("NTLM TlRMTVNTUAAB", "no token in base64");
    refused("Basic YWxpY2U6QWxpY2UtcHcx", "no token in base64");
    refused(&written(&vec![0x60; 40_000]), "the token cannot be read");
    // Larger than any browser sends, and larger than any head is.
    let mut jar = Jar::new();
    let asked = ground.leave(&mut jar);
    let huge = page_request(&asked.url).header("Authorization", written(&vec![0x60; 80_000]));
    let status = huge.try_send().map_or(431, |answer| answer.status);
    assert_eq!(status, 431);
    // Two at once.
    let good = alice.shown_to("doorward.localhost");
    let twice = page_request(&asked.url).header("Authorization", &good).header("Authorization", &good);
    let end = lead(&mut jar, twice);
    assert!(end.url.contains("ticket=refused") && !ground.has("alice"), "{}", end.url);
    // And the door is still there for the ticket as it is.
    let end = ground.show(&mut Jar::new(), &good);
    assert_eq!(end.answer.status, 403, "in, without the group: {}", end.url);
    assert!(ground.has("alice"));
}

#[test]
fn mutants_of_a_real_ticket_prove_nobody() {
    let ground = Ground::new(&[]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let token = bytes(&alice.shown_to("doorward.localhost"));
    let mut jar = Jar::new();
    let asked = ground.leave(&mut jar);
    let show = |jar: &mut Jar, token: &[u8]| {
        let answer = jar.send(page_request(&asked.url).header("Authorization", written(token)));
        answer.header("location").unwrap_or_default().contains("ticket=refused")
    };
    // Where the ticket begins: what stands before is the browser's list of ways, which says nothing of anybody.
    let begin = token.windows(2).position(|part| part == [0x6e, 0x82]).expect("a ticket");
    let step = (token.len() - begin).div_ceil(400);
    let mut refused = 0;
    for at in (begin + 40..token.len()).step_by(step) {
        for bent in [1, 0x80] {
            let mut mutant = token.clone();
            mutant[at] ^= bent;
            assert!(show(&mut jar, &mutant), "bit {bent} of {at}");
            refused += 1;
        }
        assert!(show(&mut jar, &token[..at]), "cut at {at}");
        refused += 1;
    }
    assert!(refused > 500, "{refused}");
    assert!(!ground.has("alice"));
    assert!(!show(&mut jar, &token));
    assert!(ground.has("alice"));
}

#[test]
fn a_showing_that_is_late_proves_nobody() {
    let ground = Ground::new(&["--clock-tolerance", "2"]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let late = alice.shown_to("doorward.localhost");
    std::thread::sleep(Duration::from_secs(4));
    let end = ground.show(&mut Jar::new(), &late);
    assert!(end.url.contains("ticket=refused") && !ground.has("alice"), "{}", end.url);
    assert!(ground.log().contains("s apart from the one here"), "{}", ground.log());
    ground.show(&mut Jar::new(), &alice.shown_to("doorward.localhost"));
    assert!(ground.has("alice"));
}

#[test]
fn a_showing_counts_once_wherever_the_same_keys_are() {
    let ground = Ground::new(&[]);
    ground.connect(("again", SERVICE), &["--clock-tolerance", "600"]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let shown = alice.shown_to("doorward.localhost");
    let at = |jar: &mut Jar, name: &str, shown: &str| {
        let asked = ground.leave(jar);
        let url = asked.url.replace("/broker/domain/", &format!("/broker/{name}/"));
        lead(jar, page_request(&url).header("Authorization", shown))
    };
    let account = format!("{}/realms/main/account", ground.door.url());
    let mut first = Jar::new();
    at(&mut first, "domain", &shown);
    assert_eq!(first.send(page_request(&account)).status, 200);
    let mut second = Jar::new();
    let end = at(&mut second, "again", &shown);
    assert!(end.answer.text().contains("was used already"), "{} {}", end.url, end.answer.text());
    assert_ne!(second.send(page_request(&account)).status, 200);
    // A showing of its own is nobody's second one; there, alice is somebody in the way of herself.
    let end = at(&mut second, "again", &alice.shown_to("doorward.localhost"));
    assert!(!end.answer.text().contains("was used already"), "{} {}", end.url, end.answer.text());
}

#[test]
fn what_is_no_token_is_refused_before_the_keys_are_read() {
    let ground = Ground::new(&[]);
    std::fs::remove_file(&ground.keytab).expect("the keytab was there");
    let end = ground.show(&mut Jar::new(), "Negotiate AAAA");
    assert!(end.url.contains("ticket=refused"), "{}", end.url);
    assert!(ground.log().contains("the token cannot be read"), "{}", ground.log());
    assert!(!ground.log().contains("keytab cannot"), "{}", ground.log());
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    ground.show(&mut Jar::new(), &alice.shown_to("doorward.localhost"));
    assert!(ground.log().contains("keytab"), "{}", ground.log());
    // Everything that is wrong is said at once.
    let told = ground.door.cli(&["connector", "test", "domain"]);
    assert!(!told.status.success(), "{told:?}");
}

#[test]
fn a_showing_counts_once_on_whatever_node() {
    let postgres = Postgres::start();
    let options = || {
        let mut options = DoorOptions { database: Some(postgres.url("doorward")), ..DoorOptions::up() };
        options.environment.push(("DOORWARD_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()));
        options
    };
    postgres.create_database("doorward");
    let first = Ground::with(options(), SERVICE, &[]);
    let second = DoorOptions { verb: "serve".to_owned(), public_url: Some(first.door.url()), ..options() };
    let second = Door::start(second);
    let alice = first.domain.computer("alice", "Alice-pw1", "1h");
    let shown = alice.shown_to("doorward.localhost");
    let mut jars: Vec<(Jar, String)> = (0..12)
        .map(|_| {
            let mut jar = Jar::new();
            let url = first.leave(&mut jar).url;
            (jar, url)
        })
        .collect();
    // All at once, half of them at each.
    std::thread::scope(|scope| {
        for (number, (jar, url)) in jars.iter_mut().enumerate() {
            let port = if number % 2 == 0 { first.door.port() } else { second.port() };
            let request = page_request(url).header("Authorization", &shown).via_port(port);
            scope.spawn(move || jar.send(request));
        }
    });
    let account = format!("{}/realms/main/account", first.door.url());
    let ins = jars.iter_mut().filter_map(|(jar, _)| (jar.send(page_request(&account)).status == 200).then_some(()));
    assert_eq!(ins.count(), 1);
    let told = first.door.cli_text(&["events", "--kind", "sign_in_refused", "--output", "json"]);
    assert!(told.contains("taken once already"), "{told}");
    // And the next showing of the same ticket is another one.
    let mut jar = Jar::new();
    first.show(&mut jar, &alice.shown_to("doorward.localhost"));
    assert_eq!(jar.send(page_request(&account)).status, 200);
}

#[test]
fn a_good_ticket_is_not_enough_where_more_is_wanted() {
    let ground = Ground::new(&[]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let client = ["client", "create", "notes", "--redirect-uri", "https://notes.example.com/cb", "--everyone"];
    ground.door.cli_text(&client);
    let show = |more: &str| {
        let mut jar = Jar::new();
        let url = format!(
            "{}/realms/main/protocol/openid-connect/auth?client_id=notes&redirect_uri=https://notes.example.com/cb\
             &response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256{more}",
            ground.door.url()
        );
        let page = lead(&mut jar, page_request(&url));
        let flow = field(&page.answer.text(), "flow");
        let url = format!("{}/realms/main/broker/domain/login?flow={flow}", ground.door.url());
        let shown = alice.shown_to("doorward.localhost");
        let answer = jar.send(page_request(&url).header("Authorization", shown));
        answer.header("location").unwrap_or_default().to_owned()
    };
    // The ticket is older than the client takes, however new its showing.
    std::thread::sleep(Duration::from_secs(3));
    for more in ["&prompt=login", "&max_age=0", "&prompt=select_account", "&max_age=1"] {
        let to = show(more);
        assert!(to.contains("way=page") && !to.contains("ticket=refused"), "{more}: {to}");
        assert!(!ground.has("alice"), "{more}");
    }
    let to = show("&max_age=3000");
    assert!(!to.contains("way=page") && ground.has("alice"), "{to}");
    // Whoever is in stays who they are, though an attempt begun before is shown somebody else's ticket.
    let bob = ground.domain.computer("bob", "Bob-pw1", "1h");
    let mut jar = Jar::new();
    let before = ground.leave(&mut jar);
    ground.show(&mut jar, &alice.shown_to("doorward.localhost"));
    let other = page_request(&before.url).header("Authorization", bob.shown_to("doorward.localhost"));
    let to = jar.send(other).header("location").unwrap_or_default().to_owned();
    assert!(to.contains("way=page") && !ground.has("bob"), "{to}");
}

#[test]
fn the_directory_has_to_call_them_by_the_ticket_s_name() {
    let ground = Ground::new(&["--directory", "people"]);
    let filter = "(&(objectClass=user)(sAMAccountName=bob)(!(cn={name})))";
    ground.door.cli_text(&["connector", "update", "people", "--set", &format!("ldap.users.filter={filter}")]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let end = ground.show(&mut Jar::new(), &alice.shown_to("doorward.localhost"));
    assert!(end.url.contains("ticket=refused"), "{}", end.url);
    assert!(ground.log().contains("by another name than the ticket's"), "{}", ground.log());
    assert!(!ground.has("bob") && !ground.has("alice"));
}
