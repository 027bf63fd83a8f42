//! What a person may have meant who wrote a word that is not known.

/// Letters that may be wrong, missing, too many or swapped.
const FAR: usize = 2;

/// The known word nearest to one that is not, if one is near.
pub fn near<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    // Longer than any key: not worth comparing.
    if written.len() > 64 {
        return None;
    }
    let written = written.to_lowercase();
    let distances = known.iter().map(|word| (distance(&written, &word.to_lowercase()), *word));
    let (distance, word) = distances.min_by_key(|(distance, _)| *distance)?;
    // Half of a short word may not be guessed.
    (distance <= FAR && distance * 2 < word.len()).then_some(word)
}

/// Letters to put in, take out or exchange to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, (known, above)) in other.iter().zip(row.windows(2)).enumerate() {
            let (Some(diagonal), Some(up)) = (above.first(), above.last()) else { continue };
            let left = next.get(column).copied().unwrap_or(line + 1);
            let changed = diagonal + usize::from(letter != *known);
            next.push(changed.min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn only_what_is_near_is_guessed() {
        let known = ["redirect_uris", "realm", "name", "scopes", "app", "everyone"];
        for (written, meant) in [
            ("redirect_uri", Some("redirect_uris")),
            ("redirecturis", Some("redirect_uris")),
            ("Redirect_URIs", Some("redirect_uris")),
            ("scope", Some("scopes")),
            ("everyoen", Some("everyone")),
            ("apps", Some("app")),
            ("callback", None),
            ("nme", Some("name")),
            ("ap", Some("app")),
            ("xyz", None),
            ("", None),
            ("post_logout_uris", None),
        ] {
            assert_eq!(near(written, &known), meant, "{written}");
        }
        assert_eq!(near(&"a".repeat(1000), &known), None);
        assert_eq!(near("name", &[]), None);
    }
}
