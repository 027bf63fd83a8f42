//! What strangers say, fit for a log and for a terminal.

use crate::limits;

/// A stranger's words: short, and without what could be taken for a line of its own or moves a terminal's cursor. Quotes
/// stay as they are, so that JSON can be read.
pub fn told(words: &str) -> String {
    let mut shown = String::new();
    for letter in words.chars().take(limits::TOLD_CHARACTERS) {
        match letter {
            '"' | '\'' => shown.push(letter),
            _ => shown.extend(letter.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn strangers_words_stay_on_their_line_and_can_be_read() {
        assert_eq!(told(r#"{"error":"it's gone"}"#), r#"{"error":"it's gone"}"#);
        assert_eq!(told("no\n2026 \u{1b}[2J a\\nb"), r"no\n2026 \u{1b}[2J a\\nb");
        assert_eq!(told(&"é".repeat(1000)).chars().count(), 200);
    }
}
