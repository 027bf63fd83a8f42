//! The path being judged. Parsed once, refused when two readers could read it differently, matched
//! against public paths only in its plainest form. RFC 3986 §3.3, §6.2.

use crate::limits;
use std::borrow::Cow;

/// Why a request path is refused with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// Does not begin with `/`.
    #[error("the path must begin with a slash")]
    NotAbsolute,
    /// Longer than the limit.
    #[error("the path is longer than {} bytes", limits::PATH_BYTES)]
    TooLong,
    /// A fragment never travels in a request (RFC 9112 §3.2).
    #[error("the path holds a # character")]
    Fragment,
    /// Some servers read a backslash as a slash.
    #[error("the path holds a backslash")]
    Backslash,
    /// Control characters, spaces, bytes beyond ASCII.
    #[error("the path holds a control character, a space or a byte beyond ASCII")]
    NotPrintable,
    /// `%` not followed by two hexadecimal digits.
    #[error("the path holds a broken percent escape")]
    BrokenEscape,
    /// An encoded slash, backslash or NUL, also doubly encoded.
    #[error("the path holds an encoded slash, backslash or NUL")]
    EncodedSeparator,
    /// A `.` or `..` segment, plain or encoded, also with parameters.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// Two apps of one host could each be meant.
    #[error("the path is spelled so that it could mean another app of this host")]
    AnotherApp,
}

/// A request target in origin form that every reader understands the same way. What was judged is
/// what is forwarded, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPath<'t> {
    text: Cow<'t, str>,
    path_length: usize,
    is_plain: bool,
}

/// One with a text of its own.
pub type RequestPath = AskedPath<'static>;

impl RequestPath {
    /// Parses path and query.
    pub fn parse(text: &str) -> Result<Self, Ambiguous> {
        AskedPath::read(text).map(AskedPath::into_owned)
    }
}

impl<'t> AskedPath<'t> {
    /// As [`RequestPath::parse`], without a copy: most are judged and forgotten.
    pub fn read(text: &'t str) -> Result<Self, Ambiguous> {
        if text.len() > limits::PATH_BYTES {
            return Err(Ambiguous::TooLong);
        }
        if !text.starts_with('/') {
            return Err(Ambiguous::NotAbsolute);
        }
        let look = Look::at(text)?;
        let path_length = look.path_length;
        let mut is_plain = true;
        if look.is_unusual {
            let path = text.get(..path_length).unwrap_or(text);
            if path.contains('\\') {
                return Err(Ambiguous::Backslash);
            }
            check_escapes(path)?;
            check_segments(path)?;
            is_plain = !path.contains(['%', ';']) && !path.contains("//");
        }
        Ok(Self { text: text.into(), path_length, is_plain })
    }

    /// With a text of its own.
    pub fn into_owned(self) -> RequestPath {
        let Self { text, path_length, is_plain } = self;
        AskedPath { text: Cow::Owned(text.into_owned()), path_length, is_plain }
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.text.get(..self.path_length).unwrap_or(&self.text)
    }

    /// Path and query, as they came.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the path has one reading only: no escapes, parameters or empty segments. Only such a
    /// path can be public.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether the path holds upper-case letters, which some servers read as lower-case ones.
    pub fn has_upper_case(&self) -> bool {
        self.path().bytes().any(|byte| byte.is_ascii_uppercase())
    }

    /// Whether some server could take this path for `prefix` or something below it: escapes decoded,
    /// parameters dropped, empty segments skipped, letters compared without case.
    pub fn could_be_under(&self, prefix: &str) -> bool {
        let mut wanted = prefix.split('/').filter(|segment| !segment.is_empty());
        let mut found = self.path().split('/').map(folded).filter(|segment| !segment.is_empty());
        wanted.all(|segment| found.next().is_some_and(|name| name.eq_ignore_ascii_case(segment)))
    }

    /// Whether this path is `prefix` or lies below it, segment by segment.
    pub fn is_under(&self, prefix: &str) -> bool {
        let prefix = prefix.trim_end_matches('/');
        self.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// What one look at every byte tells. Nearly all paths need no other.
struct Look {
    path_length: usize,
    /// Whether the path holds escapes, parameters, backslashes, empty segments or segments that begin with
    /// a dot.
    is_unusual: bool,
}

impl Look {
    fn at(text: &str) -> Result<Self, Ambiguous> {
        let mut look = Self { path_length: text.len(), is_unusual: false };
        let mut before = 0;
        for (place, byte) in text.bytes().enumerate() {
            match byte {
                b'#' => return Err(Ambiguous::Fragment),
                ..=0x20 | 0x7f.. => return Err(Ambiguous::NotPrintable),
                b'?' if place < look.path_length => look.path_length = place,
                _ if place > look.path_length => {}
                b'%' | b';' | b'\\' => look.is_unusual = true,
                b'/' | b'.' if before == b'/' => look.is_unusual = true,
                _ => {}
            }
            before = byte;
        }
        Ok(look)
    }
}

/// A segment as the loosest reader sees it.
fn folded(segment: &str) -> String {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or(0);
        decoded.push(match byte {
            b'%' => u8::try_from(digit(rest.next()) * 16 + digit(rest.next())).unwrap_or(b'?'),
            other => other,
        });
    }
    let text = String::from_utf8_lossy(&decoded).into_owned();
    text.split(';').next().unwrap_or_default().to_owned()
}

fn check_escapes(path: &str) -> Result<(), Ambiguous> {
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let after = rest.get(at + 1..).unwrap_or("");
        let digits = after.get(..2).ok_or(Ambiguous::BrokenEscape)?;
        let value = u8::from_str_radix(digits, 16).map_err(|_| Ambiguous::BrokenEscape)?;
        if digits.starts_with('+') {
            return Err(Ambiguous::BrokenEscape);
        }
        match value {
            b'/' | b'\\' | 0 => return Err(Ambiguous::EncodedSeparator),
            // A second decoding somewhere behind us must not find what the first one hid.
            b'%' if hides_separator(after.get(2..).unwrap_or("")) => return Err(Ambiguous::EncodedSeparator),
            _ => rest = after.get(2..).unwrap_or(""),
        }
    }
    Ok(())
}

fn hides_separator(after: &str) -> bool {
    let mut rest = after;
    // `%25` may be stacked: %2525…2f.
    while let Some(deeper) = rest.strip_prefix("25") {
        rest = deeper;
    }
    rest.get(..2).is_some_and(|digits| matches!(digits.to_ascii_lowercase().as_str(), "2f" | "5c" | "00" | "2e"))
}

fn check_segments(path: &str) -> Result<(), Ambiguous> {
    for segment in path.split('/') {
        // At most two dots of at most three bytes each: a first look that keeps this cheap.
        if !segment.starts_with(['.', '%']) {
            continue;
        }
        let name = segment.split(';').next().unwrap_or(segment);
        if matches!(name.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..") {
            return Err(Ambiguous::DotSegment);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::RequestPath;

    #[test]
    fn gauntlet_b1_06_paths_that_could_be_read_twice_are_refused() {
        for path in [
            "/public/../admin",
            "/public/..%2fadmin",
            "/public/%2e%2e/admin",
            "/public/%252e%252e/admin",
            "/./admin",
            "/public\\..\\admin",
            "/public/..;/admin",
            "/public/%2E%2e;x/admin",
            "/public/%5c..%5cadmin",
            "/a%00b",
            "/a%2525252fb",
            "/a#b",
            "/a b",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "admin",
            "",
            "/a\u{e9}",
            "/.",
            "/..",
            "/public/.%2e/admin",
            "/%252F",
            "/a\u{0}",
            "/a\t",
        ] {
            assert!(RequestPath::parse(path).is_err(), "{path}");
        }
        assert!(RequestPath::parse(&format!("/{}", "a".repeat(8192))).is_err());
    }

    #[test]
    fn gauntlet_b1_06_unusual_but_unambiguous_paths_pass_yet_are_never_public() {
        for path in ["//admin", "/%61dmin", "/%41DMIN", "/admin;x=1", "/;x/admin", "/a//b"] {
            assert!(RequestPath::parse(path).is_ok_and(|p| !p.is_plain()), "{path}");
        }
        for path in ["/", "/admin/", "/a/b?x=/../#".trim_end_matches('#'), "/...", "/a.b/.c", "/a?next=%2f..%2f"] {
            assert!(RequestPath::parse(path).is_ok_and(|p| p.is_plain()), "{path}");
        }
    }

    #[test]
    fn gauntlet_b1_06_other_spellings_of_a_prefix_are_known_for_what_they_are() {
        let could = |path: &str| RequestPath::parse(path).is_ok_and(|p| p.could_be_under("/secret"));
        for path in
            ["/secret/x", "/%73ecret/x", "//secret/x", "/;a/secret/x", "/secret;v=1/x", "/SECRET", "/%73%65cret"]
        {
            assert!(could(path), "{path}");
        }
        assert!(!could("/secretx") && !could("/") && !could("/x/secret"));
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        let under = |path: &str, prefix: &str| RequestPath::parse(path).is_ok_and(|p| p.is_under(prefix));
        assert!(under("/hooks/x", "/hooks") && under("/hooks", "/hooks") && under("/hooks?x", "/hooks/"));
        assert!(!under("/hooksx", "/hooks") && !under("/?/hooks", "/hooks"));
    }
}
