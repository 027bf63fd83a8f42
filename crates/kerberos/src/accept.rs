//! Whether a token proves somebody (RFC 4120 §3.2.3). Pure: the token, the service's keys and the time in; who it is out.
//! What the domain says of groups (PAC) is not read.

use crate::crypto::Key;
use crate::keytab::Entry;
use crate::limits;
use crate::messages::{Authenticator, Principal, Shown, Ticket, write_answer};
use crate::negotiate::Offer;
use crate::trouble::{Trouble, Version};
use aws_lc_rs::digest::{SHA256, digest};
use doorward_model::dice::Dice;
use doorward_model::time::Timestamp;

/// Uses of keys (RFC 4120 §7.5.1): a ticket, what shows it, the answer.
const OF_TICKET: u32 = 2;
const OF_AUTHENTICATOR: u32 = 11;
const OF_ANSWER: u32 = 12;
/// Flags of tickets (§5.3): not good before it is validated; of nobody in particular.
const INVALID: u32 = 1 << (31 - 7);
const ANONYMOUS: u32 = 1 << (31 - 16);
/// The checksum that is none: what GSS-API says of itself (RFC 4121 §4.1.1).
const GSS: i64 = 0x8003;
const WANTS_PROOF: u32 = 2;
const DCE: u32 = 0x1000;
/// A person's name (RFC 4120 §6.2).
const PERSON: i64 = 1;

/// What a token is held to.
pub struct Asked<'a> {
    /// The service it must be for, such as `HTTP/sso.example.com`.
    pub service: &'a str,
    /// The realm of both.
    pub realm: &'a str,
    /// The service's keys.
    pub keys: &'a [Entry],
    /// When it came.
    pub now: Timestamp,
    /// How far clocks may be apart, in seconds.
    pub tolerance: i64,
}

/// Who a token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Their name, without the realm.
    pub name: String,
    /// When they proved themselves to the realm.
    pub authenticated_at: Timestamp,
    /// What tells this showing from any other.
    pub mark: String,
    /// Until when it would be taken again.
    pub until: Timestamp,
    /// What the browser is answered.
    pub answer: Vec<u8>,
}

/// Whether a token could prove anybody, as far as that can be seen without a key: what costs nothing comes first.
///
/// # Errors
/// [`Trouble`]: why it proves nobody, whatever the keys are.
pub fn look(token: &[u8], service: &str, realm: &str) -> Result<(), Trouble> {
    opened(token, service, realm).map(|_| ())
}

fn opened<'a>(token: &'a [u8], service: &str, realm: &str) -> Result<(Offer<'a>, Shown<'a>), Trouble> {
    if token.len() > limits::TOKEN_BYTES {
        return Err(Trouble::Malformed("it is too large"));
    }
    let offer = Offer::read(token)?;
    let shown = Shown::read(offer.shown)?;
    if shown.realm != realm {
        return Err(Trouble::OtherRealm);
    }
    if shown.service.parts.join("/") != service {
        return Err(Trouble::OtherService);
    }
    if crate::crypto::Kind::of(shown.ticket.kind).is_none() {
        return Err(Trouble::Cipher(shown.ticket.kind));
    }
    Ok((offer, shown))
}

/// Judges a token.
///
/// # Errors
/// [`Trouble`]: why it proves nobody.
pub fn accept(token: &[u8], asked: &Asked<'_>, dice: &dyn Dice) -> Result<Proved, Trouble> {
    let (offer, shown) = opened(token, asked.service, asked.realm)?;
    let clear = key(&shown, asked)?.open(OF_TICKET, shown.ticket.bytes).ok_or(Trouble::Sealed)?;
    let ticket = Ticket::read(&clear)?;
    check(&ticket, asked)?;
    if shown.authenticator.kind != i64::from(ticket.key.kind().number()) {
        return Err(Trouble::Refused("it was shown with another key than the ticket's"));
    }
    let said = ticket.key.open(OF_AUTHENTICATOR, shown.authenticator.bytes);
    let said = said.ok_or(Trouble::Refused("whoever shows the ticket does not have its key"))?;
    let said = Authenticator::read(&said)?;
    if said.realm != ticket.realm || said.person != ticket.person {
        return Err(Trouble::Refused("it was shown by somebody else than the ticket is for"));
    }
    let apart = said.made_at.millis_since(asked.now).abs() / 1000;
    if apart > asked.tolerance {
        return Err(Trouble::Clock(apart));
    }
    let wants_proof = wants_proof(&said)? || shown.is_mutual;
    let proof = match wants_proof {
        true => {
            let sealed =
                ticket.key.close(OF_ANSWER, &said.answer(), dice).ok_or(Trouble::Malformed("a key in it is odd"))?;
            Some(write_answer(ticket.key.kind(), &sealed))
        }
        false => None,
    };
    let hash = digest(&SHA256, shown.authenticator.bytes);
    Ok(Proved {
        name: person(&ticket.person)?.to_owned(),
        authenticated_at: ticket.authenticated_at,
        mark: hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        // One second more: the clock above is compared in whole ones.
        until: said.made_at.plus_seconds(asked.tolerance + 1),
        answer: offer.answer(proof.as_deref()),
    })
}

/// The key a ticket was made with.
fn key<'a>(shown: &Shown<'_>, asked: &Asked<'a>) -> Result<&'a Key, Trouble> {
    let etype = shown.ticket.kind;
    let version = shown.ticket.version;
    let fits = |entry: &&Entry| {
        entry.service == asked.service
            && entry.realm == asked.realm
            && i64::from(entry.key.kind().number()) == etype
            && version.is_none_or(|version| entry.has_version(version))
    };
    // Of several the newest.
    let found = asked.keys.iter().filter(fits).max_by_key(|entry| entry.version);
    found.map(|entry| &entry.key).ok_or(Trouble::NoKey { etype, version: Version(version) })
}

fn check(ticket: &Ticket<'_>, asked: &Asked<'_>) -> Result<(), Trouble> {
    // Another realm's word is not this one's, whatever the two have agreed on.
    if ticket.realm != asked.realm || !ticket.passed.is_empty() {
        return Err(Trouble::OtherRealm);
    }
    if ticket.flags & (INVALID | ANONYMOUS) != 0 {
        return Err(Trouble::Refused("the ticket is not good yet, or of nobody in particular"));
    }
    if ticket.has_addresses {
        return Err(Trouble::Refused("the ticket is bound to addresses, and proxies stand between them and here"));
    }
    if ticket.from > asked.now.plus_seconds(asked.tolerance) {
        return Err(Trouble::TooEarly);
    }
    if ticket.until.plus_seconds(asked.tolerance) <= asked.now {
        return Err(Trouble::Over);
    }
    Ok(())
}

/// Whether the browser wants to know who we are.
fn wants_proof(said: &Authenticator<'_>) -> Result<bool, Trouble> {
    let (kind, bytes) = said.checksum;
    // Sixteen bytes that bind it to a channel, and what is wanted. Channels end at proxies: they are not compared.
    let ([16, 0, 0, 0], Some([a, b, c, d])) = (bytes.first_chunk().copied().unwrap_or_default(), bytes.get(20..24))
    else {
        return Err(Trouble::Malformed("it does not come by GSS-API"));
    };
    let flags = u32::from_le_bytes([*a, *b, *c, *d]);
    match kind == GSS && flags & DCE == 0 {
        true => Ok(flags & WANTS_PROOF != 0),
        false => Err(Trouble::Refused("it asks for what is not spoken here")),
    }
}

/// A person's name: of one part, and not to be taken for one with a realm in it.
fn person<'a>(name: &Principal<'a>) -> Result<&'a str, Trouble> {
    match name.parts.as_slice() {
        // A dollar sign ends the names of computers.
        [only]
            if name.kind == PERSON
                && only.len() <= limits::NAME_BYTES
                && !only.contains(['@', '/', '\\'])
                && !only.ends_with('$') =>
        {
            Ok(only)
        }
        _ => Err(Trouble::Refused("the ticket is no person's")),
    }
}
