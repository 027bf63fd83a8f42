//! What stands around a ticket on its way through HTTP: SPNEGO (RFC 4178) and the head of GSS-API (RFC 4121 §4.1).

use crate::der::{BITS, Der, ENUMERATED, OBJECT, OCTETS, SEQUENCE, application, context, write, write_inside};
use crate::limits;
use crate::trouble::Trouble;

const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
/// Kerberos 5, and what Windows calls it by mistake and puts first.
const KERBEROS: [&[u8]; 2] =
    [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2], &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2]];
const NTLM: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a];
/// What stands before a shown ticket, and before its answer.
const ASKS: [u8; 2] = [1, 0];
const ANSWERS: [u8; 2] = [2, 0];

/// What a browser sent.
pub struct Offer<'a> {
    /// The name it knows Kerberos by.
    mechanism: &'a [u8],
    /// The shown ticket.
    pub shown: &'a [u8],
}

impl<'a> Offer<'a> {
    /// Reads a token. What the browser put first counts: asking it for another way would be one more way round, and the
    /// only other one there is proves nobody.
    pub fn read(token: &'a [u8]) -> Result<Self, Trouble> {
        if token.starts_with(b"NTLMSSP\0") {
            return Err(Trouble::Ntlm);
        }
        let mut whole = Der::new(token);
        let mut all = whole.take(application(0))?;
        whole.end()?;
        if all.take(OBJECT)?.rest() != SPNEGO {
            return Err(Trouble::NoTicket);
        }
        let mut inner = all.inside(context(0), SEQUENCE)?;
        all.end()?;
        let mechanism = preferred(inner.inside(context(0), SEQUENCE)?)?;
        inner.maybe_inside(context(1), BITS)?;
        let carried = inner.maybe_inside(context(2), OCTETS)?;
        // Hints and a checksum of the list: which way was taken is not open to anybody, so nothing rests on them.
        inner.maybe(context(3))?;
        inner.maybe(context(4))?;
        inner.end()?;
        if mechanism == NTLM {
            return Err(Trouble::Ntlm);
        }
        if !KERBEROS.contains(&mechanism) {
            return Err(Trouble::NoTicket);
        }
        let mut whole = carried.ok_or(Trouble::NoTicket)?;
        let mut held = whole.take(application(0))?;
        whole.end()?;
        if held.take(OBJECT)?.rest() != KERBEROS[0] {
            return Err(Trouble::NoTicket);
        }
        let shown = held.rest().strip_prefix(&ASKS).ok_or(Trouble::Malformed("it is another message"))?;
        Ok(Self { mechanism, shown })
    }

    /// The answer to it: done, and the proof of who we are if one was wanted.
    pub fn answer(&self, proof: Option<&[u8]>) -> Vec<u8> {
        let done = write_inside(context(0), ENUMERATED, &[0]);
        let mechanism = write_inside(context(1), OBJECT, self.mechanism);
        let proof = proof.map(|proof| {
            let held = [write(OBJECT, KERBEROS[0]), ANSWERS.to_vec(), proof.to_vec()].concat();
            write_inside(context(2), OCTETS, &write(application(0), &held))
        });
        write_inside(context(1), SEQUENCE, &[done, mechanism, proof.unwrap_or_default()].concat())
    }
}

fn preferred<'a>(mut all: Der<'a>) -> Result<&'a [u8], Trouble> {
    let first = all.take(OBJECT)?.rest();
    for _ in 1..limits::MECHANISMS {
        if all.is_over() {
            return Ok(first);
        }
        all.take(OBJECT)?;
    }
    Err(Trouble::Malformed("it offers too many ways"))
}
