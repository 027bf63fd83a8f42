//! Search filters on their way.

use crate::protocol::ber::{Writer, tag};
use doorward_engine::federation::directory::filter::Filter;

/// Writes a filter as LDAP carries it (RFC 4511 §4.5.1).
pub(crate) fn write(filter: &Filter, writer: &mut Writer) {
    let pair = |writer: &mut Writer, number: u8, attribute: &str, value: &[u8]| {
        writer.inside(0xa0 | number, |inner| {
            inner.text(attribute);
            inner.octets(tag::OCTETS, value);
        });
    };
    match filter {
        Filter::And(all) => writer.inside(0xa0, |inner| all.iter().for_each(|one| write(one, inner))),
        Filter::Or(all) => writer.inside(0xa1, |inner| all.iter().for_each(|one| write(one, inner))),
        Filter::Not(one) => writer.inside(0xa2, |inner| write(one, inner)),
        Filter::Equal(attribute, value) => pair(writer, 3, attribute, value),
        Filter::Pieces(attribute, initial, any, last) => writer.inside(0xa4, |inner| {
            inner.text(attribute);
            inner.inside(tag::SEQUENCE, |pieces| {
                let given = |piece: &&Vec<u8>| !piece.is_empty();
                Some(initial).filter(given).into_iter().for_each(|piece| pieces.octets(0x80, piece));
                any.iter().for_each(|piece| pieces.octets(0x81, piece));
                Some(last).filter(given).into_iter().for_each(|piece| pieces.octets(0x82, piece));
            });
        }),
        Filter::AtLeast(attribute, value) => pair(writer, 5, attribute, value),
        Filter::AtMost(attribute, value) => pair(writer, 6, attribute, value),
        Filter::Present(attribute) => writer.octets(0x87, attribute.as_bytes()),
        Filter::Like(attribute, value) => pair(writer, 8, attribute, value),
        Filter::Rule(rule, attribute, with_dn, value) => writer.inside(0xa9, |inner| {
            rule.iter().for_each(|rule| inner.octets(0x81, rule.as_bytes()));
            attribute.iter().for_each(|attribute| inner.octets(0x82, attribute.as_bytes()));
            inner.octets(0x83, value);
            if *with_dn {
                inner.boolean(0x84, true);
            }
        }),
    }
}
