//! A look at the bytes of a message before anything reads it. What SAML never needs is refused here, so that no reader
//! can be led astray by it: document types, entities of their own, processing instructions, comments, CDATA sections,
//! other encodings. What would make reading slow is refused too. Linear in the size.

use crate::limits;
use crate::trouble::Trouble;

/// What may stand in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A protocol message: elements and text.
    Message,
    /// Metadata, which people write by hand: comments too.
    Metadata,
}

impl Kind {
    fn sizes(self) -> (usize, usize) {
        match self {
            Self::Message => (limits::MESSAGE_BYTES, limits::ELEMENTS),
            Self::Metadata => (limits::METADATA_BYTES, limits::METADATA_ELEMENTS),
        }
    }
}

/// The text of a document whose bytes are harmless.
///
/// # Errors
/// [`Trouble::Xml`]
pub fn text(bytes: &[u8], kind: Kind) -> Result<&str, Trouble> {
    let (largest, most) = kind.sizes();
    if bytes.len() > largest {
        return Err(Trouble::Xml("it is too large"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Xml("it is not UTF-8"))?;
    let mut rest = declared(text)?;
    if !rest.trim_start_matches(is_space).starts_with('<') {
        return Err(Trouble::Xml("it is no XML"));
    }
    let (mut elements, mut depth) = (0usize, 0usize);
    while let Some(at) = rest.find('<') {
        let (_, tag) = rest.split_at(at);
        if let Some(comment) = tag.strip_prefix("<!--").filter(|_| kind == Kind::Metadata) {
            let (_, after) = comment.split_once("-->").ok_or(Trouble::Xml("a comment has no end"))?;
            rest = after;
            continue;
        }
        if tag.starts_with("<!") || tag.starts_with("<?") {
            return Err(Trouble::Xml("it holds a comment, a declaration, a CDATA section or an instruction"));
        }
        let end = end_of_tag(tag.as_bytes())?;
        let (tag, after) = tag.split_at(end);
        let is_end = tag.starts_with("</");
        elements += usize::from(!is_end);
        match (is_end, tag.ends_with("/>")) {
            (true, _) => depth = depth.saturating_sub(1),
            (false, false) => depth += 1,
            (false, true) => {}
        }
        if elements > most || depth > limits::DEPTH {
            return Err(Trouble::Xml("it has too many elements, or too many inside one another"));
        }
        rest = after;
    }
    Ok(text)
}

/// What follows the XML declaration, if there is one: version 1.0 and UTF-8.
fn declared(text: &str) -> Result<&str, Trouble> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with(is_space)) else { return Ok(text) };
    let (words, rest) = rest.split_once("?>").ok_or(Trouble::Xml("its declaration has no end"))?;
    let words = words.replace('\'', "\"");
    let mut pairs = words.split_ascii_whitespace();
    let fits = |pair: &str| {
        let pair = pair.to_ascii_lowercase();
        matches!(pair.as_str(), "version=\"1.0\"" | "encoding=\"utf-8\"" | "standalone=\"yes\"" | "standalone=\"no\"")
    };
    if words.len() > 100 || !pairs.all(fits) {
        return Err(Trouble::Xml("its declaration says something else than XML 1.0 in UTF-8"));
    }
    Ok(rest)
}

/// Where a tag ends: behind its `>`, which may stand in the value of an attribute before.
fn end_of_tag(tag: &[u8]) -> Result<usize, Trouble> {
    let (mut quote, mut attributes) = (None, 0);
    for (at, byte) in tag.iter().enumerate().take(limits::TAG_BYTES) {
        match (quote, byte) {
            (None, b'>') => return Ok(at + 1),
            (None, b'<') if at > 0 => return Err(Trouble::Xml("a tag holds another one")),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'=') => attributes += 1,
            (Some(open), _) if open == *byte => quote = None,
            _ => {}
        }
        if attributes > limits::ATTRIBUTES {
            return Err(Trouble::Xml("a tag has too many attributes"));
        }
    }
    Err(Trouble::Xml("a tag is too long, or has no end"))
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::{Kind, text};
    use crate::limits;

    #[test]
    fn gauntlet_b6_05_and_19_what_saml_never_needs_is_refused_before_it_is_read() {
        for fine in [
            "<a/>",
            "<?xml version=\"1.0\" encoding='UTF-8'?>\n<a b=\"x>y\">&lt;&#65;</a>",
            "<a b='\"'><c/></a>",
            " \n<a/>",
        ] {
            assert!(text(fine.as_bytes(), Kind::Message).is_ok(), "{fine}");
        }
        for odd in [
            "",
            "x",
            "\u{feff}<a/>",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a><!-- --></a>",
            "<a><![CDATA[x]]></a>",
            "<a><?x y?></a>",
            "<?xml-stylesheet href=\"x\"?><a/>",
            "<?xml version=\"1.1\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"utf-7\"?><a/>",
            "<a/><!-- -->",
            "<a",
            "<a b=\"",
            "<a <b/>",
        ] {
            assert!(text(odd.as_bytes(), Kind::Message).is_err(), "{odd}");
        }
        for bytes in [&b"\xff\xfe<\0a\0/\0>\0"[..], b"<a>\xc3</a>", b"\0<\0a"] {
            assert!(text(bytes, Kind::Message).is_err(), "{bytes:?}");
        }
        assert!(text(b"<a><!-- > <b --></a>", Kind::Metadata).is_ok());
        assert!(text(b"<!DOCTYPE a><a/>", Kind::Metadata).is_err());
        assert!(text(b"<a><!-- </a>", Kind::Metadata).is_err());
    }

    #[test]
    fn gauntlet_b6_19_what_would_be_slow_is_refused_in_no_time() {
        let deep = "<a>".repeat(100_000);
        let wide = format!("<r>{}</r>", "<a/>".repeat(limits::ELEMENTS));
        let attributes: String = (0..limits::ATTRIBUTES).map(|number| format!(" a{number}=''")).collect();
        let crowded = format!("<a{attributes} x=''/>");
        let long = format!("<a b=\"{}\"/>", "x".repeat(limits::TAG_BYTES));
        let large = format!("<a>{}</a>", "x".repeat(limits::MESSAGE_BYTES));
        for slow in [deep, wide, crowded, long, large] {
            let began = std::time::Instant::now();
            assert!(text(slow.as_bytes(), Kind::Message).is_err());
            assert!(began.elapsed().as_millis() < 100);
        }
        assert!(text(format!("<a{attributes}/>").as_bytes(), Kind::Message).is_ok());
    }
}
