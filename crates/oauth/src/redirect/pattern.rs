//! Redirect rules as regular expressions, for platforms that bring them along. The scheme and host must
//! be written out: they are compared as text, and only what follows the first slash is a pattern. So no
//! alternative, quantifier or flag in it can lead to another host.

use super::uri::Uri;
use super::{BadRedirect, Http};
use crate::limits;
use regex_lite::{Regex, RegexBuilder};

/// A pattern with its fixed beginning, compiled.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    heads: Vec<String>,
    tail: Regex,
}

impl Pattern {
    pub(super) fn parse(text: &str, http: Http) -> Result<Self, BadRedirect> {
        if text.len() > limits::REDIRECT_PATTERN_BYTES {
            return Err(BadRedirect::PatternTooLong);
        }
        if text.bytes().any(|byte| !matches!(byte, 0x21..=0x7e)) {
            return Err(BadRedirect::NotPrintable);
        }
        let (schemes, rest) = schemes(text.strip_prefix('^').unwrap_or(text))?;
        let (host, tail) = literal_host(rest)?;
        if tail.starts_with(['?', '*', '+', '{']) {
            return Err(BadRedirect::PatternSlash);
        }
        let heads: Vec<_> = schemes.iter().map(|scheme| format!("{scheme}://{host}/")).collect();
        for head in &heads {
            Uri::parse(head)?.check_http(http)?;
        }
        // By itself first: a tail that closes our group would escape from the anchors.
        compile(tail)?;
        Ok(Self { text: text.into(), heads, tail: compile(&format!(r"\A(?:{tail})\z"))? })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a URI that was found to have one reading is meant.
    pub(super) fn matches(&self, presented: &str) -> bool {
        let mut rests = self.heads.iter().filter_map(|head| presented.strip_prefix(head.as_str()));
        rests.any(|rest| self.tail.is_match(rest))
    }

    /// Whether it lets codes travel unencrypted.
    pub(super) fn has_plain_http(&self) -> bool {
        self.heads.iter().any(|head| Uri::parse(head).is_ok_and(|uri| uri.is_plain_http()))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

fn schemes(text: &str) -> Result<(&'static [&'static str], &str), BadRedirect> {
    let known: [(&str, &'static [&'static str]); 3] =
        [("https?://", &["https", "http"]), ("https://", &["https"]), ("http://", &["http"])];
    let found = known.into_iter().find_map(|(start, schemes)| Some((schemes, text.strip_prefix(start)?)));
    found.ok_or(BadRedirect::PatternScheme)
}

/// The host in front of the first slash with its escapes taken away, and what follows the slash.
fn literal_host(text: &str) -> Result<(String, &str), BadRedirect> {
    let (written, tail) = text.split_once('/').ok_or(BadRedirect::PatternHost)?;
    let mut host = String::with_capacity(written.len());
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '.' => return Err(BadRedirect::PatternDot),
            '\\' => match letters.next() {
                Some(escaped @ ('.' | '-')) => host.push(escaped),
                _ => return Err(BadRedirect::PatternHost),
            },
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | ':' => host.push(letter),
            _ => return Err(BadRedirect::PatternHost),
        }
    }
    Ok((host, tail))
}

fn compile(pattern: &str) -> Result<Regex, BadRedirect> {
    RegexBuilder::new(pattern)
        .size_limit(limits::REDIRECT_PATTERN_COMPILED_BYTES)
        .nest_limit(limits::REDIRECT_PATTERN_NESTING)
        .build()
        .map_err(|_| BadRedirect::PatternBroken)
}
