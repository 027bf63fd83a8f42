//! The signed-in person as pages show them, and the rule for initials.

use super::limits::INITIALS_MAX;

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Display name; the user name again if there is none.
    pub name: String,
    /// Name used to sign in.
    pub username: String,
    /// One or two letters for the avatar.
    pub initials: String,
}

impl Person {
    /// A person with initials taken from the display name, or from the user name if that is blank.
    pub fn new(name: &str, username: &str) -> Self {
        let name = if name.trim().is_empty() { username } else { name };
        Self { name: name.to_owned(), username: username.to_owned(), initials: initials(name) }
    }
}

/// First letters of the first and last word, in capitals; empty if there is no letter or digit.
pub(super) fn initials(name: &str) -> String {
    let mut letters = name
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.' | '@' | '/'))
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = letters.next();
    let last = letters.next_back();
    first.into_iter().chain(last).take(INITIALS_MAX).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_come_from_first_and_last_word() {
        let table = [
            ("Ada Lovelace", "AL"),
            ("ada", "A"),
            ("María del Carmen Núñez", "MN"),
            ("data-quality", "DQ"),
            ("<script>alert(1)</script>", "SS"),
            ("مريم الفاسي", "ما"),
            ("  ", ""),
        ];
        for (name, expected) in table {
            assert_eq!(initials(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_blank_display_name_falls_back_to_the_user_name() {
        let person = Person::new(" ", "grace.hopper");
        assert_eq!((person.name.as_str(), person.initials.as_str()), ("grace.hopper", "GH"));
    }
}
