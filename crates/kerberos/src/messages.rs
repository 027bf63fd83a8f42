//! The messages of Kerberos that a service reads and writes (RFC 4120 §5).

use crate::crypto::{Key, Kind};
use crate::der::{
    BITS, Der, INTEGER, OCTETS, SEQUENCE, STRING, TIME, application, context, write, write_inside, write_number,
};
use crate::limits;
use crate::trouble::Trouble;
use doorward_model::time::Timestamp;
use zeroize::Zeroizing;

/// Authorization data of which nothing has to be understood (RFC 4120 §5.2.6.1).
const IF_RELEVANT: i64 = 1;

/// Something encrypted.
pub struct Sealed<'a> {
    /// By which kind of key.
    pub kind: i64,
    /// By which of the keys there have been, if it says so.
    pub version: Option<u32>,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(mut all: Der<'a>) -> Result<Self, Trouble> {
        let kind = all.inside(context(0), INTEGER)?.number()?;
        let version = all.maybe_inside(context(1), INTEGER)?.map(Der::number).transpose()?;
        let bytes = all.inside(context(2), OCTETS)?.rest();
        all.end()?;
        // Some write it as a number with a sign (RFC 4120 §5.2.9).
        let version = version.map(|version| (version & 0xffff_ffff) as u32);
        Ok(Self { kind, version, bytes })
    }
}

/// A name in a realm.
#[derive(PartialEq, Eq)]
pub struct Principal<'a> {
    /// What kind of name it is.
    pub kind: i64,
    /// Its parts.
    pub parts: Vec<&'a str>,
}

impl<'a> Principal<'a> {
    fn read(mut all: Der<'a>) -> Result<Self, Trouble> {
        let kind = all.inside(context(0), INTEGER)?.number()?;
        let mut names = all.inside(context(1), SEQUENCE)?;
        all.end()?;
        let mut parts = Vec::new();
        while !names.is_over() {
            if parts.len() >= limits::COMPONENTS {
                return Err(Trouble::Malformed("a name in it has too many parts"));
            }
            parts.push(names.take(STRING)?.text()?);
        }
        Ok(Self { kind, parts })
    }
}

/// A ticket somebody shows, as it is seen from outside (AP-REQ, §5.5.1).
pub struct Shown<'a> {
    /// Whether we have to prove ourselves as well.
    pub is_mutual: bool,
    /// The service's realm.
    pub realm: &'a str,
    /// The service.
    pub service: Principal<'a>,
    /// What the realm says.
    pub ticket: Sealed<'a>,
    /// What whoever shows it says.
    pub authenticator: Sealed<'a>,
}

impl<'a> Shown<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let mut whole = Der::new(bytes);
        let mut all = whole.inside(application(14), SEQUENCE)?;
        whole.end()?;
        check_kind(&mut all, 0, 14)?;
        let options = all.inside(context(2), BITS)?.flags()?;
        // Only "prove yourself as well" is known; a ticket by another ticket's key is none of ours.
        if options & !0x2000_0000 != 0 {
            return Err(Trouble::Refused("it asks for what is not spoken here"));
        }
        let mut ticket = all.take(context(3))?.inside(application(1), SEQUENCE)?;
        let authenticator = Sealed::read(all.inside(context(4), SEQUENCE)?)?;
        all.end()?;
        if ticket.inside(context(0), INTEGER)?.number()? != 5 {
            return Err(Trouble::Malformed("it is of another version"));
        }
        let realm = ticket.inside(context(1), STRING)?.text()?;
        let service = Principal::read(ticket.inside(context(2), SEQUENCE)?)?;
        let sealed = Sealed::read(ticket.inside(context(3), SEQUENCE)?)?;
        ticket.end()?;
        Ok(Self { is_mutual: options != 0, realm, service, ticket: sealed, authenticator })
    }
}

/// Version and kind at the head of a message.
fn check_kind(all: &mut Der<'_>, at: u8, kind: i64) -> Result<(), Trouble> {
    let version = all.inside(context(at), INTEGER)?.number()?;
    let found = all.inside(context(at + 1), INTEGER)?.number()?;
    if (version, found) == (5, kind) { Ok(()) } else { Err(Trouble::Malformed("it is another message")) }
}

/// What the realm says of somebody (EncTicketPart, §5.3).
pub struct Ticket<'a> {
    /// Its flags.
    pub flags: u32,
    /// The key both sides know from now on.
    pub key: Key,
    /// The person's realm.
    pub realm: &'a str,
    /// The person.
    pub person: Principal<'a>,
    /// Realms the person passed through.
    pub passed: &'a [u8],
    /// When they proved themselves to the realm.
    pub authenticated_at: Timestamp,
    /// Since when it is good.
    pub from: Timestamp,
    /// Until when it is good.
    pub until: Timestamp,
    /// Whether it counts from certain addresses alone.
    pub has_addresses: bool,
}

impl<'a> Ticket<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let mut whole = Der::new(bytes);
        let mut all = whole.inside(application(3), SEQUENCE)?;
        whole.end()?;
        let flags = all.inside(context(0), BITS)?.flags()?;
        let key = session_key(all.inside(context(1), SEQUENCE)?)?;
        let realm = all.inside(context(2), STRING)?.text()?;
        let person = Principal::read(all.inside(context(3), SEQUENCE)?)?;
        let mut transited = all.inside(context(4), SEQUENCE)?;
        transited.inside(context(0), INTEGER)?.number()?;
        let passed = transited.inside(context(1), OCTETS)?.rest();
        transited.end()?;
        let authenticated_at = all.inside(context(5), TIME)?.time()?;
        let from = all.maybe_inside(context(6), TIME)?.map(Der::time).transpose()?;
        let until = all.inside(context(7), TIME)?.time()?;
        all.maybe_inside(context(8), TIME)?.map(Der::time).transpose()?;
        let has_addresses = all.maybe_inside(context(9), SEQUENCE)?.is_some_and(|addresses| !addresses.is_over());
        if let Some(said) = all.maybe_inside(context(10), SEQUENCE)? {
            check_authorizations(said)?;
        }
        all.end()?;
        let from = from.unwrap_or(authenticated_at);
        Ok(Self { flags, key, realm, person, passed, authenticated_at, from, until, has_addresses })
    }
}

fn session_key(mut all: Der<'_>) -> Result<Key, Trouble> {
    let number = all.inside(context(0), INTEGER)?.number()?;
    let secret = all.inside(context(1), OCTETS)?.rest();
    all.end()?;
    let kind = Kind::of(number).ok_or(Trouble::Cipher(number))?;
    Key::new(kind, secret).ok_or(Trouble::Malformed("a key in it is odd"))
}

/// What a service does not understand and should makes the ticket one it cannot take (§5.2.6).
fn check_authorizations(mut all: Der<'_>) -> Result<(), Trouble> {
    let mut count = 0;
    while !all.is_over() {
        let mut one = all.take(SEQUENCE)?;
        let kind = one.inside(context(0), INTEGER)?.number()?;
        one.inside(context(1), OCTETS)?;
        one.end()?;
        count += 1;
        if kind != IF_RELEVANT || count > limits::AUTHORIZATIONS {
            return Err(Trouble::Refused("it is restricted in a way that is not known here"));
        }
    }
    Ok(())
}

/// What whoever shows a ticket says, with the key only they and we know (Authenticator, §5.5.1).
pub struct Authenticator<'a> {
    /// The person's realm.
    pub realm: &'a str,
    /// The person.
    pub person: Principal<'a>,
    /// What the security layer above says of itself: the kind of checksum, and its bytes.
    pub checksum: (i64, &'a [u8]),
    /// Microseconds.
    pub micros: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// The time as it was written.
    time: &'a [u8],
}

impl<'a> Authenticator<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let mut whole = Der::new(bytes);
        let mut all = whole.inside(application(2), SEQUENCE)?;
        whole.end()?;
        if all.inside(context(0), INTEGER)?.number()? != 5 {
            return Err(Trouble::Malformed("it is of another version"));
        }
        let realm = all.inside(context(1), STRING)?.text()?;
        let person = Principal::read(all.inside(context(2), SEQUENCE)?)?;
        let mut said = all.inside(context(3), SEQUENCE)?;
        let checksum = (said.inside(context(0), INTEGER)?.number()?, said.inside(context(1), OCTETS)?.rest());
        said.end()?;
        let micros = all.inside(context(4), INTEGER)?.number()?;
        let time = all.inside(context(5), TIME)?;
        if let Some(mut key) = all.maybe_inside(context(6), SEQUENCE)? {
            key.inside(context(0), INTEGER)?.number()?;
            key.inside(context(1), OCTETS)?;
            key.end()?;
        }
        all.maybe_inside(context(7), INTEGER)?.map(Der::number).transpose()?;
        if let Some(said) = all.maybe_inside(context(8), SEQUENCE)? {
            check_authorizations(said)?;
        }
        all.end()?;
        let micros = u32::try_from(micros).ok().filter(|micros| *micros < 1_000_000);
        let micros = micros.ok_or(Trouble::Malformed("a time in it is none"))?;
        Ok(Self { realm, person, checksum, micros, made_at: time.time()?, time: time.rest() })
    }

    /// The proof that we could read it (EncAPRepPart, §5.5.2), to be encrypted.
    pub fn answer(&self) -> Zeroizing<Vec<u8>> {
        let time = write_inside(context(0), TIME, self.time);
        let micros = write(context(1), &write_number(INTEGER, self.micros));
        Zeroizing::new(write_inside(application(27), SEQUENCE, &[time, micros].concat()))
    }
}

/// An answer to a ticket (AP-REP, §5.5.2).
pub fn write_answer(kind: Kind, sealed: &[u8]) -> Vec<u8> {
    let numbers = [(0, 5), (1, 15)].map(|(at, number)| write(context(at), &write_number(INTEGER, number)));
    let kind = write(context(0), &write_number(INTEGER, u32::from(kind.number())));
    let bytes = write_inside(context(2), OCTETS, sealed);
    let part = write_inside(context(2), SEQUENCE, &[kind, bytes].concat());
    write_inside(application(15), SEQUENCE, &[numbers.concat(), part].concat())
}
