//! Messages of LDAP: what is asked, and how answers are read.

use crate::protocol::ber::{Malformed, Reader, Writer, tag};
use crate::protocol::filter;
use doorward_engine::federation::directory::filter::Filter;
use zeroize::Zeroizing;

const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const MODIFY: u8 = 0x66;
const EXTENDED: u8 = 0x77;
/// Another password (RFC 3062 §2).
const NEW_PASSWORD: &str = "1.3.6.1.4.1.4203.1.11.1";
/// The start of TLS on a connection in clear (RFC 4511 §4.14).
pub(crate) const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Results in pages (RFC 2696).
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Asks to be told of password policies (draft-behera-ldap-password-policy).
const POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// How far below its base a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// At the base itself.
    Base,
    /// One level below.
    One,
    /// The base and everything below.
    Whole,
}

/// A search.
pub(crate) struct Search<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: &'a Filter,
    pub(crate) attributes: &'a [&'a str],
    /// Entries wanted at most; 0 for no limit.
    pub(crate) most: u32,
}

/// One page of a longer answer.
pub(crate) struct Page<'a> {
    pub(crate) size: u32,
    /// What the last page said; empty for the first.
    pub(crate) cookie: &'a [u8],
}

fn message(id: i32, fill: impl FnOnce(&mut Writer)) -> Writer {
    let mut writer = Writer::new();
    writer.inside(tag::SEQUENCE, |inner| {
        inner.number(tag::INTEGER, i64::from(id));
        fill(inner);
    });
    writer
}

fn control(writer: &mut Writer, name: &str, is_critical: bool, value: Option<&[u8]>) {
    writer.inside(tag::SEQUENCE, |control| {
        control.text(name);
        if is_critical {
            control.boolean(tag::BOOLEAN, true);
        }
        value.iter().for_each(|value| control.octets(tag::OCTETS, value));
    });
}

/// A simple bind.
pub(crate) fn bind(id: i32, name: &str, password: &[u8]) -> Writer {
    message(id, |writer| {
        writer.inside(BIND, |bind| {
            bind.number(tag::INTEGER, 3);
            bind.text(name);
            bind.octets(0x80, password);
        });
        writer.inside(0xa0, |controls| control(controls, POLICY, false, None));
    })
}

/// A search, a page of it if one is wanted.
pub(crate) fn search(id: i32, asked: &Search<'_>, page: Option<Page<'_>>) -> Writer {
    message(id, |writer| {
        writer.inside(SEARCH, |search| {
            search.text(asked.base);
            search.number(
                tag::ENUMERATED,
                match asked.scope {
                    Scope::Base => 0,
                    Scope::One => 1,
                    Scope::Whole => 2,
                },
            );
            // Aliases are not followed: they lead out of the base.
            search.number(tag::ENUMERATED, 0);
            search.number(tag::INTEGER, i64::from(asked.most));
            search.number(tag::INTEGER, 0);
            search.boolean(tag::BOOLEAN, false);
            filter::write(asked.filter, search);
            search.inside(tag::SEQUENCE, |names| asked.attributes.iter().for_each(|name| names.text(name)));
        });
        if let Some(page) = page {
            let mut value = Writer::new();
            value.inside(tag::SEQUENCE, |value| {
                value.number(tag::INTEGER, i64::from(page.size));
                value.octets(tag::OCTETS, page.cookie);
            });
            writer.inside(0xa0, |controls| control(controls, PAGED, true, Some(value.bytes())));
        }
    })
}

/// An operation of a name of its own.
pub(crate) fn extended(id: i32, name: &str, value: Option<&[u8]>) -> Writer {
    message(id, |writer| {
        writer.inside(EXTENDED, |extended| {
            extended.octets(0x80, name.as_bytes());
            value.iter().for_each(|value| extended.octets(0x81, value));
        });
    })
}

/// Another password for whoever is bound (RFC 3062).
pub(crate) fn new_password(id: i32, (old, new): (&str, &str)) -> Writer {
    let mut value = Writer::new();
    value.inside(tag::SEQUENCE, |value| {
        value.octets(0x81, old.as_bytes());
        value.octets(0x82, new.as_bytes());
    });
    extended(id, NEW_PASSWORD, Some(value.bytes()))
}

/// Another password in Active Directory's way: the old value is taken out and the new one put in, in one modification, which
/// is how people change their own (MS-ADTS 3.1.1.3.1.5.1).
pub(crate) fn new_unicode_password(id: i32, dn: &str, (old, new): (&str, &str)) -> Writer {
    const ADD: i64 = 0;
    const DELETE: i64 = 1;
    let change = |writer: &mut Writer, how: i64, password: &str| {
        writer.inside(tag::SEQUENCE, |change| {
            change.number(tag::ENUMERATED, how);
            change.inside(tag::SEQUENCE, |attribute| {
                attribute.text("unicodePwd");
                attribute.inside(tag::SET, |values| values.octets(tag::OCTETS, &quoted(password)));
            });
        });
    };
    message(id, |writer| {
        writer.inside(MODIFY, |modify| {
            modify.text(dn);
            modify.inside(tag::SEQUENCE, |changes| {
                change(changes, DELETE, old);
                change(changes, ADD, new);
            });
        });
    })
}

/// In quotation marks, as UTF-16 from the low byte.
fn quoted(password: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * password.len() + 4));
    let units = "\"".encode_utf16().chain(password.encode_utf16()).chain("\"".encode_utf16());
    units.for_each(|unit| bytes.extend(unit.to_le_bytes()));
    bytes
}

/// An entry as it lies in the answer.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) dn: &'a str,
    attributes: Vec<(&'a str, Reader<'a>)>,
}

impl<'a> Entry<'a> {
    fn read(content: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(content);
        let dn = reader.text(tag::OCTETS)?;
        let mut list = reader.inside(tag::SEQUENCE)?;
        let mut attributes = Vec::with_capacity(12);
        while !list.is_empty() {
            let mut attribute = list.inside(tag::SEQUENCE)?;
            let name = attribute.text(tag::OCTETS)?;
            let values = attribute.inside(tag::SET)?;
            // Looked through once, so that reading them later cannot fail.
            let mut looked = values;
            while !looked.is_empty() {
                looked.one(tag::OCTETS)?;
            }
            attributes.push((name, values));
        }
        Ok(Self { dn, attributes })
    }

    /// The values of an attribute; names are the same in both cases.
    pub(crate) fn values(&self, name: &str) -> Values<'a> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        Values(found.map(|(_, values)| *values))
    }

    /// The first value of an attribute.
    pub(crate) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The first value of an attribute as text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.first(name)?).ok()
    }

    /// An attribute told in part (`member;range=0-1499`): its values, and where the rest begins, if there is a rest.
    pub(crate) fn part(&self, name: &str) -> Option<(Values<'a>, Option<u64>)> {
        self.attributes.iter().find_map(|(known, values)| {
            let (base, options) = known.split_once(';')?;
            let range = options
                .split(';')
                .find_map(|option| option.get(..6).filter(|o| o.eq_ignore_ascii_case("range=")).and(option.get(6..)))?;
            let (_, end) = range.split_once('-').filter(|_| base.eq_ignore_ascii_case(name))?;
            let next = if end == "*" { None } else { Some(end.parse::<u64>().ok()?.checked_add(1)?) };
            Some((Values(Some(*values)), next))
        })
    }
}

/// The values of an attribute.
#[derive(Debug, Clone)]
pub(crate) struct Values<'a>(Option<Reader<'a>>);

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let reader = self.0.as_mut()?;
        if reader.is_empty() { None } else { reader.one(tag::OCTETS).ok() }
    }
}

/// How an operation ended (RFC 4511 §4.1.9).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    pub(crate) code: i64,
    /// The server's own words.
    pub(crate) words: String,
    /// Where the next page goes on; empty when there is none.
    pub(crate) cookie: Vec<u8>,
    /// Whether the server says that this password must be changed before anything else.
    pub(crate) must_change: bool,
    /// What a password policy objects to, by its number.
    pub(crate) policy: Option<i64>,
}

/// An answer.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    Entry(Entry<'a>),
    /// A way to another server, which is not taken.
    Elsewhere,
    Done(Outcome),
    /// Something on the way to an end.
    Other,
}

/// Reads a message: whose answer it is, and the answer.
pub(crate) fn read(bytes: &[u8]) -> Result<(i64, Answer<'_>), Malformed> {
    let mut message = Reader::new(bytes).inside(tag::SEQUENCE)?;
    let id = message.number(tag::INTEGER)?;
    let (kind, content) = message.next()?;
    let answer = match kind {
        0x64 => Answer::Entry(Entry::read(content)?),
        0x73 => Answer::Elsewhere,
        // Ends of a bind, a search, a change, an extended operation.
        0x61 | 0x65 | 0x67 | 0x78 => {
            let mut outcome = outcome(content)?;
            if let Some(controls) = message.maybe(0xa0)? {
                read_controls(Reader::new(controls), &mut outcome)?;
            }
            Answer::Done(outcome)
        }
        _ => Answer::Other,
    };
    Ok((id, answer))
}

fn outcome(content: &[u8]) -> Result<Outcome, Malformed> {
    let mut reader = Reader::new(content);
    let code = reader.number(tag::ENUMERATED)?;
    reader.one(tag::OCTETS)?;
    let words = String::from_utf8_lossy(reader.one(tag::OCTETS)?).into_owned();
    Ok(Outcome { code, words, ..Outcome::default() })
}

fn read_controls(mut list: Reader<'_>, outcome: &mut Outcome) -> Result<(), Malformed> {
    while !list.is_empty() {
        let mut control = list.inside(tag::SEQUENCE)?;
        let name = control.text(tag::OCTETS)?;
        control.maybe(tag::BOOLEAN)?;
        let value = control.maybe(tag::OCTETS)?;
        match (name, value) {
            (PAGED, Some(value)) => {
                let mut page = Reader::new(value).inside(tag::SEQUENCE)?;
                page.number(tag::INTEGER)?;
                outcome.cookie = page.one(tag::OCTETS)?.to_vec();
            }
            (POLICY, Some(value)) => {
                let mut policy = Reader::new(value).inside(tag::SEQUENCE)?;
                policy.maybe(0xa0)?;
                if !policy.is_empty() {
                    let number = policy.number(0x81)?;
                    outcome.policy = Some(number);
                    outcome.must_change = number == 2;
                }
            }
            // Netscape's older way to say that the password is over (draft-vchu-ldap-pwd-policy).
            ("2.16.840.1.113730.3.4.4", _) => outcome.must_change = true,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fill: impl FnOnce(&mut Writer)) -> Writer {
        message(7, |writer| {
            writer.inside(0x64, |entry| {
                entry.text("uid=a,dc=x");
                entry.inside(tag::SEQUENCE, fill);
            });
        })
    }

    fn attribute(list: &mut Writer, name: &str, values: &[&str]) {
        list.inside(tag::SEQUENCE, |attribute| {
            attribute.text(name);
            attribute.inside(tag::SET, |set| values.iter().for_each(|value| set.text(value)));
        });
    }

    #[test]
    fn entries_are_read_with_their_values_and_parts() -> Result<(), Malformed> {
        let written = entry(|list| {
            attribute(list, "UID", &["a"]);
            attribute(list, "mail", &["a@x", "b@x"]);
            attribute(list, "member;range=0-1", &["c", "d"]);
            attribute(list, "empty", &[]);
        });
        let (7, Answer::Entry(entry)) = read(written.bytes())? else { panic!("an entry") };
        assert_eq!((entry.dn, entry.text("uid")), ("uid=a,dc=x", Some("a")));
        assert_eq!(entry.values("Mail").collect::<Vec<_>>(), [b"a@x", b"b@x"]);
        assert!(entry.first("empty").is_none() && entry.first("none").is_none() && entry.first("member").is_none());
        let Some((values, next)) = entry.part("member") else { panic!("a part") };
        assert_eq!((values.count(), next), (2, Some(2)));
        Ok(())
    }

    #[test]
    fn no_cut_message_is_read_and_none_panics() {
        let written = entry(|list| attribute(list, "member;range=0-*", &["c"]));
        let whole = written.bytes();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for place in 0..whole.len() {
            for bits in [0x01u8, 0x80, 0xff, 0x20] {
                let mut bent = whole.to_vec();
                bent[place] ^= bits;
                if let Ok((_, Answer::Entry(entry))) = read(&bent) {
                    let _ = (entry.text("member"), entry.part("member").map(|(values, _)| values.count()));
                }
            }
        }
    }

    #[test]
    fn a_password_is_quoted_as_microsoft_has_it() {
        // The example of MS-ADTS 3.1.1.3.1.5.1: "new".
        assert_eq!(quoted("new").as_slice(), b"\"\0n\0e\0w\0\"\0");
        assert_eq!(quoted("ü😀").len(), 2 + 2 + 4 + 2);
    }

    #[test]
    fn the_end_of_a_page_and_a_policys_objection_are_read() -> Result<(), Malformed> {
        let written = message(3, |writer| {
            writer.inside(0x65, |done| {
                done.number(tag::ENUMERATED, 49);
                done.text("");
                done.text("80090308: LdapErr: data 52e");
            });
            writer.inside(0xa0, |controls| {
                let mut page = Writer::new();
                page.inside(tag::SEQUENCE, |page| {
                    page.number(tag::INTEGER, 0);
                    page.text("next");
                });
                control(controls, PAGED, false, Some(page.bytes()));
                let mut policy = Writer::new();
                policy.inside(tag::SEQUENCE, |policy| policy.octets(0x81, &[2]));
                control(controls, POLICY, false, Some(policy.bytes()));
            });
        });
        let (3, Answer::Done(outcome)) = read(written.bytes())? else { panic!("an end") };
        assert_eq!((outcome.code, outcome.cookie.as_slice(), outcome.must_change), (49, b"next".as_slice(), true));
        assert!(outcome.words.contains("52e"));
        Ok(())
    }
}
