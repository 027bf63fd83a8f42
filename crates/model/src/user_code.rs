//! The short code a person copies from one screen to another (RFC 8628 §6.1): eight of twenty consonants, which
//! spell no words and are hard to mistake, 34 bits in all.

use crate::dice::Dice;
use std::fmt;

/// Consonants without those that look like others or make words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A user code. It is shown as `BCDF-GHJK` and kept without the dash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

/// Why a text is no user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has eight consonants, such as BCDF-GHJK")]
pub struct BadUserCode;

impl UserCode {
    /// Draws a fresh one, every letter as likely as any other.
    pub fn draw(dice: &dyn Dice) -> Self {
        // Beyond the last whole multiple of twenty a byte would favour the first letters.
        const FAIR: u8 = 240;
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let mut bytes = [0u8; 2 * LENGTH];
            dice.fill(&mut bytes);
            let fair = bytes.into_iter().filter(|byte| *byte < FAIR);
            let letters = fair.filter_map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()));
            code.extend(letters.take(LENGTH - code.len()).map(|letter| char::from(*letter)));
        }
        Self(code)
    }

    /// Reads what somebody typed: case, spaces and dashes do not count.
    pub fn parse(text: &str) -> Result<Self, BadUserCode> {
        const SHORT: usize = 64;
        if text.len() > SHORT {
            return Err(BadUserCode);
        }
        let letters = text.chars().filter(|letter| !letter.is_whitespace() && !is_dash(*letter));
        let code: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        let fits = code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter));
        if fits { Ok(Self(code)) } else { Err(BadUserCode) }
    }

    /// As it is kept: upper case, without the dash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hyphen, and what keyboards and word processors make of it.
fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at_checked(LENGTH / 2).unwrap_or((&self.0, ""));
        write!(f, "{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, LETTERS, UserCode};
    use crate::dice::Counting;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let dice = Counting::new(3);
        for _ in 0..100 {
            let code = UserCode::draw(&dice);
            let shown = code.to_string();
            assert!(shown.len() == 9 && shown.as_bytes().get(4) == Some(&b'-'), "{shown}");
            let lower = shown.to_lowercase();
            let spaced = format!(" {} ", lower.replace('-', " "));
            for text in [shown.as_str(), &lower, code.as_str(), &spaced, &shown.replace('-', "\u{2013}")] {
                assert_eq!(UserCode::parse(text).as_ref(), Ok(&code), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for bad in ["", "BCDF", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJA", "BCDF-GHJ1", "BCDF_GHJK", "BCDF-GHJ\u{41a}"] {
            assert!(UserCode::parse(bad).is_err(), "{bad}");
        }
        assert!(UserCode::parse(&format!("BCDF-GHJK{}", " ".repeat(100))).is_err());
    }

    #[test]
    fn gauntlet_b3_13_a_code_has_thirty_four_bits_and_every_letter_is_as_likely() {
        let bits = f64::from(u8::try_from(LETTERS.len()).unwrap_or(0)).log2() * 8.0;
        assert!(LENGTH == 8 && bits >= 34.0, "{bits}");
        let dice = Counting::new(11);
        let mut counts = [0u32; 20];
        let mut all = BTreeSet::new();
        for _ in 0..10_000 {
            let code = UserCode::draw(&dice);
            for letter in code.as_str().bytes() {
                let at = LETTERS.iter().position(|known| *known == letter);
                counts[at.unwrap_or_else(|| panic!("{code}"))] += 1;
            }
            all.insert(code.as_str().to_owned());
        }
        assert!(all.len() > 9_990, "{} different codes", all.len());
        // 80 000 letters: four thousand of each, give or take.
        assert!(counts.iter().all(|count| (3_600..4_400).contains(count)), "{counts:?}");
    }
}
