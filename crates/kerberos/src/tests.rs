//! What the standards' own examples say, and a realm in a few lines that makes tickets nobody should take.

use crate::accept::{Asked, Proved, accept};
use crate::crypto::{Key, Kind, decrypt, encrypt, fold};
use crate::der::{
    BITS, INTEGER, OBJECT, OCTETS, SEQUENCE, STRING, TIME, application, context, write, write_inside, write_number,
};
use crate::keytab::{self, Entry};
use crate::trouble::Trouble;
use doorward_model::dice::Counting;
use doorward_model::time::Timestamp;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|byte| char::from(byte).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |all, digit| all << 4 | digit)).collect()
}

#[test]
fn bytes_are_spread_and_stolen_as_the_standards_show() {
    // RFC 3961 appendix A.1.
    assert_eq!(fold(b"kerberos").to_vec(), hex("6b657262 65726f73 7b9b5b2b 93132b93"));
    // RFC 3962 appendix B.
    let key = b"chicken teriyaki";
    let text = b"I would like the General Gau's Chicken, please, and wonton soup.";
    for (length, sealed) in [
        (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
        (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
        (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
        (48, "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8"),
    ] {
        let clear = text.get(..length).unwrap_or_default();
        assert_eq!(encrypt(key, clear), Some(hex(sealed)), "{length}");
        assert_eq!(decrypt(key, &hex(sealed)).as_deref().map(Vec::as_slice), Some(clear), "{length}");
    }
}

#[test]
fn what_the_newer_standard_encrypted_is_opened() {
    // RFC 8009 appendix A, "Test with plaintext length greater than block size" and its neighbours: use 2.
    for (kind, key, sealed, clear) in [
        (
            Kind::Aes128Sha256,
            "3705D96080C17728A0E800EAB6E0D23C",
            "84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6877CE99E247E52D16ED4421DFDF8976C",
            "000102030405",
        ),
        (
            Kind::Aes256Sha384,
            "6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C52",
            "4ED7B37C2BCAC8F74F23C1CF07E62BC7B75FB3F637B9F559C7F664F69EAB7B6092237526EA0D1F61CB20D69D10F2",
            "000102030405",
        ),
    ] {
        let Some(key) = Key::new(kind, &hex(key)) else { panic!("a key of {kind:?}") };
        assert_eq!(key.open(2, &hex(sealed)).as_deref().map(Vec::as_slice), Some(hex(clear).as_slice()), "{kind:?}");
    }
}

#[test]
fn what_was_encrypted_is_opened_for_the_same_use_and_unchanged_alone() {
    let dice = Counting::new(7);
    for kind in [Kind::Aes128Sha1, Kind::Aes256Sha1, Kind::Aes128Sha256, Kind::Aes256Sha384] {
        let Some(key) = Key::new(kind, &[7u8; 32][..if kind.name().starts_with("aes128") { 16 } else { 32 }]) else {
            panic!("a key of {kind:?}")
        };
        for length in [1, 15, 16, 17, 31, 32, 33, 48] {
            let clear = vec![9u8; length];
            let sealed = key.close(3, &clear, &dice).unwrap_or_default();
            assert_eq!(key.open(3, &sealed).as_deref(), Some(&clear), "{kind:?} {length}");
            assert!(key.open(4, &sealed).is_none(), "{kind:?} for another use");
            for at in 0..sealed.len() {
                let mut bent = sealed.clone();
                if let Some(byte) = bent.get_mut(at) {
                    *byte ^= 1;
                }
                assert!(key.open(3, &bent).is_none(), "{kind:?} {length} bent at {at}");
                assert!(key.open(3, sealed.get(..at).unwrap_or_default()).is_none(), "{kind:?} {length} cut at {at}");
            }
        }
    }
}

const REALM: &str = "AD.EXAMPLE.TEST";
const SERVICE: &str = "HTTP/sso.ad.example.test";
/// 2026-11-22T18:00:00Z.
const NOW: i64 = 1_795_370_400;

fn key(byte: u8) -> Key {
    Key::new(Kind::Aes256Sha1, &[byte; 32]).unwrap_or_else(|| panic!("thirty-two bytes"))
}

fn keys() -> Vec<Entry> {
    let elsewhere = format!("{SERVICE}@OTHER.TEST");
    let all: [(&str, u8, u16, &[u8]); 3] = [
        (SERVICE, 2, 18, &[1; 32]),
        // Of the same version, for what is not this door.
        ("HTTP/intranet.ad.example.test", 2, 18, &[3; 32]),
        (&elsewhere, 2, 18, &[4; 32]),
    ];
    keytab::read(&keytab(&all)).unwrap_or_default()
}

/// A keytab as other tools write it.
fn keytab(all: &[(&str, u8, u16, &[u8])]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let mut bytes = vec![5, 2];
    for (service, version, kind, secret) in all {
        let (service, realm) = service.split_once('@').unwrap_or((service, REALM));
        let parts: Vec<&str> = service.split('/').collect();
        let mut entry = (parts.len() as u16).to_be_bytes().to_vec();
        entry.extend(text(realm));
        entry.extend(parts.iter().flat_map(|part| text(part)));
        entry.extend([0, 0, 0, 1, 0, 0, 0, 0, *version]);
        entry.extend(kind.to_be_bytes());
        entry.extend((secret.len() as u16).to_be_bytes());
        entry.extend(*secret);
        bytes.extend((entry.len() as u32).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

/// A ticket and how it is shown; each field may be bent.
struct Made<'a> {
    realm: &'a str,
    service: &'a str,
    version: u32,
    key: u8,
    flags: u32,
    person: (&'a str, u32, &'a [&'a str]),
    shown_by: &'a str,
    shown_in: &'a str,
    passed: &'a [u8],
    times: (i64, i64),
    at: i64,
    addresses: bool,
    restricted_by: u32,
    options: u32,
    checksum: (u32, u32),
}

const MADE: Made<'_> = Made {
    realm: REALM,
    service: SERVICE,
    version: 2,
    key: 1,
    flags: 0x40a0_0000,
    person: (REALM, 1, &["alice"]),
    shown_by: "alice",
    shown_in: REALM,
    passed: &[],
    times: (-60, 36_000),
    at: 0,
    addresses: false,
    restricted_by: 1,
    options: 0,
    checksum: (0x8003, 2),
};

fn number(at: u8, number: u32) -> Vec<u8> {
    write(context(at), &write_number(INTEGER, number))
}

fn time(at: u8, seconds: i64) -> Vec<u8> {
    let text = Timestamp::from_millis((NOW + seconds) * 1000).rfc3339().replace(['-', ':', 'T'], "");
    write_inside(context(at), TIME, text.as_bytes())
}

fn name(at: u8, kind: u32, parts: &[&str]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| write(STRING, part.as_bytes())).collect();
    write_inside(context(at), SEQUENCE, &[number(0, kind), write_inside(context(1), SEQUENCE, &parts)].concat())
}

fn flags(at: u8, flags: u32) -> Vec<u8> {
    write_inside(context(at), BITS, &[&[0][..], &flags.to_be_bytes()].concat())
}

fn sealed(at: u8, version: Option<u32>, bytes: &[u8]) -> Vec<u8> {
    let version = version.map(|version| number(1, version)).unwrap_or_default();
    write_inside(context(at), SEQUENCE, &[number(0, 18), version, write_inside(context(2), OCTETS, bytes)].concat())
}

impl Made<'_> {
    fn shown(&self) -> Vec<u8> {
        let dice = Counting::new(3);
        let session = [number(0, 18), write_inside(context(1), OCTETS, &[2; 32])].concat();
        let (realm, kind, parts) = self.person;
        let passed = [number(0, 1), write_inside(context(1), OCTETS, self.passed)].concat();
        let address = write(SEQUENCE, &[number(0, 2), write_inside(context(1), OCTETS, &[127, 0, 0, 1])].concat());
        let said = write(SEQUENCE, &[number(0, self.restricted_by), write_inside(context(1), OCTETS, b"x")].concat());
        let inside = [
            flags(0, self.flags),
            write_inside(context(1), SEQUENCE, &session),
            write_inside(context(2), STRING, realm.as_bytes()),
            name(3, kind, parts),
            write_inside(context(4), SEQUENCE, &passed),
            time(5, self.times.0),
            time(7, self.times.1),
            if self.addresses { write_inside(context(9), SEQUENCE, &address) } else { Vec::new() },
            write_inside(context(10), SEQUENCE, &said),
        ];
        let inside = write_inside(application(3), SEQUENCE, &inside.concat());
        let ticket = key(self.key).close(2, &inside, &dice).unwrap_or_default();
        let service: Vec<&str> = self.service.split('/').collect();
        let realm_there = write_inside(context(1), STRING, self.realm.as_bytes());
        let ticket = [number(0, 5), realm_there, name(2, 2, &service), sealed(3, Some(self.version), &ticket)].concat();
        let ticket = write(context(3), &write_inside(application(1), SEQUENCE, &ticket));
        let (kind_of_sum, wanted) = self.checksum;
        let sum = [&16u32.to_le_bytes()[..], &[0; 16], &wanted.to_le_bytes()].concat();
        let sum = [number(0, kind_of_sum), write_inside(context(1), OCTETS, &sum)].concat();
        let says = [
            number(0, 5),
            write_inside(context(1), STRING, self.shown_in.as_bytes()),
            name(2, kind, if parts.len() == 1 { std::slice::from_ref(&self.shown_by) } else { parts }),
            write_inside(context(3), SEQUENCE, &sum),
            number(4, 7),
            time(5, self.at),
        ];
        let says = write_inside(application(2), SEQUENCE, &says.concat());
        let says = sealed(4, None, &key(2).close(11, &says, &dice).unwrap_or_default());
        let all = [number(0, 5), number(1, 14), flags(2, self.options), ticket, says].concat();
        write_inside(application(14), SEQUENCE, &all)
    }

    fn token(&self) -> Vec<u8> {
        around(&self.shown())
    }
}

const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
const NTLM: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a];

fn around(shown: &[u8]) -> Vec<u8> {
    offer(&[KERBEROS, NTLM], &write(application(0), &[&write(OBJECT, KERBEROS)[..], &[1, 0], shown].concat()))
}

fn offer(ways: &[&[u8]], carried: &[u8]) -> Vec<u8> {
    let ways: Vec<u8> = ways.iter().flat_map(|way| write(OBJECT, way)).collect();
    let inner = [write_inside(context(0), SEQUENCE, &ways), write_inside(context(2), OCTETS, carried)].concat();
    let spnego = write(OBJECT, &[0x2b, 6, 1, 5, 5, 2]);
    write(application(0), &[spnego, write_inside(context(0), SEQUENCE, &inner)].concat())
}

fn judge(token: &[u8]) -> Result<Proved, Trouble> {
    let now = Timestamp::from_millis(NOW * 1000);
    let asked = Asked { service: SERVICE, realm: REALM, keys: &keys(), now, tolerance: 300 };
    accept(token, &asked, &Counting::new(5))
}

#[test]
fn a_ticket_proves_whom_it_is_for_and_we_prove_that_we_could_read_it() {
    let proved = judge(&MADE.token());
    let Ok(proved) = proved else { panic!("{proved:?}") };
    assert_eq!((proved.name.as_str(), proved.mark.len()), ("alice", 64));
    assert_eq!(proved.authenticated_at, Timestamp::from_millis((NOW - 60) * 1000));
    assert_eq!(proved.until, Timestamp::from_millis((NOW + 301) * 1000));
    // An answer in the answer: as long as the question wanted one.
    let brief = judge(&Made { checksum: (0x8003, 0), ..MADE }.token()).map(|proved| proved.answer.len());
    assert_eq!(brief, Ok(22));
    assert!(proved.answer.len() > 100);
    // Another showing of the same ticket is another one.
    let later = judge(&Made { at: 1, ..MADE }.token()).map(|proved| proved.mark);
    assert!(later.is_ok_and(|mark| mark != proved.mark));
}

#[test]
fn tickets_that_prove_nobody_are_told_apart() {
    let why = |made: Made<'_>| judge(&made.token()).err();
    let refused = |made: Made<'_>| matches!(why(made), Some(Trouble::Refused(_)));
    assert_eq!(why(Made { service: "HTTP/other.ad.example.test", ..MADE }), Some(Trouble::OtherService));
    assert_eq!(why(Made { service: "host/sso.ad.example.test", ..MADE }), Some(Trouble::OtherService));
    assert_eq!(why(Made { realm: "OTHER.TEST", ..MADE }), Some(Trouble::OtherRealm));
    assert_eq!(why(Made { person: ("OTHER.TEST", 1, &["alice"]), ..MADE }), Some(Trouble::OtherRealm));
    assert_eq!(why(Made { passed: b"OTHER.TEST", ..MADE }), Some(Trouble::OtherRealm));
    // Another service's key, and the key of this one's namesake in another realm, whatever the ticket says it is for.
    assert_eq!(why(Made { key: 3, ..MADE }), Some(Trouble::Sealed));
    assert_eq!(why(Made { key: 4, ..MADE }), Some(Trouble::Sealed));
    assert!(matches!(why(Made { version: 3, ..MADE }), Some(Trouble::NoKey { .. })));
    assert_eq!(why(Made { times: (-60, -301), ..MADE }), Some(Trouble::Over));
    assert_eq!(why(Made { times: (-60, -300), ..MADE }), Some(Trouble::Over));
    assert_eq!(why(Made { times: (-60, -299), ..MADE }), None);
    assert_eq!(why(Made { times: (301, 36_000), ..MADE }), Some(Trouble::TooEarly));
    assert_eq!(why(Made { at: 301, ..MADE }), Some(Trouble::Clock(301)));
    assert_eq!(why(Made { at: -301, ..MADE }), Some(Trouble::Clock(301)));
    assert_eq!(why(Made { at: -300, ..MADE }), None);
    assert!(refused(Made { shown_by: "bob", ..MADE }));
    assert!(refused(Made { shown_in: "OTHER.TEST", ..MADE }));
    assert!(refused(Made { flags: 1 << 24, ..MADE }), "not validated");
    assert!(refused(Made { flags: 1 << 15, ..MADE }), "anonymous");
    assert!(refused(Made { addresses: true, ..MADE }));
    assert!(refused(Made { restricted_by: 4, ..MADE }));
    assert!(refused(Made { options: 0x4000_0000, ..MADE }), "by another ticket's key");
    assert!(refused(Made { checksum: (7, 2), ..MADE }));
    assert!(refused(Made { checksum: (0x8003, 0x1002), ..MADE }));
    for (kind, parts) in
        [(2, &["alice"][..]), (1, &["HTTP", "sso"]), (1, &["alice@other"]), (1, &["a/b"]), (10, &["a"]), (1, &["pc$"])]
    {
        let shown_by = parts[0];
        assert!(refused(Made { person: (REALM, kind, parts), shown_by, ..MADE }), "{kind} {parts:?}");
    }
}

#[test]
fn a_ticket_of_the_same_account_for_another_service_is_not_for_this_one() {
    // Both have one key: only the name tells them apart.
    let other = Made { service: "HTTP/intranet.ad.example.test", ..MADE };
    assert_eq!(judge(&other.token()).err(), Some(Trouble::OtherService));
}

#[test]
fn ntlm_is_never_taken_however_it_comes() {
    let bare = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2".to_vec();
    assert_eq!(judge(&bare).err(), Some(Trouble::Ntlm));
    assert_eq!(judge(&offer(&[NTLM], &bare)).err(), Some(Trouble::Ntlm));
    assert_eq!(judge(&offer(&[NTLM, KERBEROS], &bare)).err(), Some(Trouble::Ntlm));
    // Named as Kerberos, and nothing of the sort inside.
    assert!(judge(&offer(&[KERBEROS], &bare)).is_err());
    assert_eq!(judge(&offer(&[&[0x2a, 3]], &bare)).err(), Some(Trouble::NoTicket));
}

#[test]
fn mutants_prove_nobody() {
    let shown = MADE.shown();
    // Nobody's word: what kind of name the service's is, and whether the browser wants a proof of us.
    let options = shown.windows(5).position(|part| part == [0xa2, 7, 3, 5, 0]).map(|at| at + 5);
    let kind_of_name = shown.windows(5).position(|part| part == [0xa0, 3, 2, 1, 2]).map(|at| at + 4);
    let (mut tried, mut taken) = (0, Vec::new());
    let mut round = |bent: &[u8], what: String| {
        tried += 1;
        if judge(&around(bent)).is_ok() {
            taken.push(what);
        }
    };
    for at in (0..shown.len()).filter(|at| Some(*at) != kind_of_name) {
        for bit in (0..8).filter(|bit| Some(at) != options || *bit != 5) {
            let mut bent = shown.clone();
            bent.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << bit);
            round(&bent, format!("bit {bit} of {at}"));
        }
        let (head, tail) = shown.split_at(at);
        round(head, format!("cut at {at}"));
        if at > 0 {
            round(tail, format!("begun at {at}"));
        }
        round(&[head, &[0], tail].concat(), format!("a byte more at {at}"));
        round(&[head, tail.get(1..).unwrap_or_default()].concat(), format!("a byte less at {at}"));
        round(&[head, &[0xff; 9], tail.get(9..).unwrap_or_default()].concat(), format!("ones at {at}"));
    }
    assert!(taken.is_empty(), "{taken:?}");
    assert!(tried > 5000, "{tried}");
    // Of what stands around it the list of other ways is nobody's word: whatever is taken is the same ticket.
    let token = MADE.token();
    for at in 0..token.len() {
        let mut bent = token.clone();
        bent.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(1));
        if judge(&bent).is_ok() {
            assert!(bent.ends_with(&shown) || Some(at + shown.len()) == kind_of_name.map(|k| k + token.len()), "{at}");
        }
        assert!(judge(token.get(..at).unwrap_or_default()).is_err(), "cut at {at}");
    }
    assert!(judge(&vec![0x60; 49 * 1024]).is_err());
}

#[test]
fn a_keytab_is_read_with_its_holes_and_kinds_nobody_speaks() {
    let rc4 = keytab(&[(SERVICE, 2, 23, &[1; 16])]);
    assert!(keytab::read(&rc4).is_err_and(|why| why.to_string().contains("AES")));
    let mut both = keytab(&[(SERVICE, 2, 23, &[1; 16]), (SERVICE, 3, 18, &[1; 32])]);
    // A hole, as `ktutil` leaves one.
    both.extend([0xff, 0xff, 0xff, 0xfc, 9, 9, 9, 9]);
    let read = keytab::read(&both).unwrap_or_default();
    let [only] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!((only.service.as_str(), only.realm.as_str(), only.version), (SERVICE, REALM, 3));
    assert!(only.has_version(3) && only.has_version(0x103) && !only.has_version(2));
    assert!(!format!("{only:?}").contains("1, 1"), "{only:?}");
    for length in 0..both.len() - 8 {
        let cut = keytab::read(both.get(..length).unwrap_or_default());
        assert!(cut.is_err() || cut == Ok(read.clone()), "cut at {length}");
    }
    assert!(keytab::read(&keytab(&[(SERVICE, 2, 18, &[1; 31])])).is_err());
    assert!(keytab::read(b"\x05\x01").is_err());
}
