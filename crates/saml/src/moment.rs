//! Instants and spans as XML Schema writes them.

use doorward_model::time::Timestamp;

/// An instant in UTC such as `2026-11-01T00:00:00.123Z` (SAML Core §1.3.3).
pub fn parse(text: &str) -> Option<Timestamp> {
    let is_utc = text.len() <= 40 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    is_utc.then(|| Timestamp::parse_rfc3339(text)).flatten()
}

/// A span such as `PT1H30M` or `P1D`, in seconds; months and years have no fixed length and are taken for thirty days
/// and 365.
pub fn span(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty() && rest.len() <= 40)?;
    let (mut seconds, mut number, mut is_time) = (0i64, String::new(), false);
    for letter in rest.chars() {
        if letter.is_ascii_digit() || letter == '.' {
            number.push(letter);
            continue;
        }
        if letter == 'T' && number.is_empty() && !is_time {
            is_time = true;
            continue;
        }
        let unit = match (letter, is_time) {
            ('Y', false) => 365 * 24 * 3600,
            ('M', false) => 30 * 24 * 3600,
            ('D', false) => 24 * 3600,
            ('H', true) => 3600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        let whole: i64 = number.split('.').next()?.parse().ok()?;
        seconds = seconds.checked_add(whole.checked_mul(unit)?)?;
        number.clear();
    }
    number.is_empty().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::{parse, span};
    use doorward_model::time::Timestamp;

    #[test]
    fn instants_are_utc_and_spans_add_up() {
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), Some(Timestamp::from_millis(1500)));
        for odd in ["1970-01-01T00:00:01", "1970-01-01T00:00:01+00:00", "1970-01-01 00:00:01Z", "", "Z", "99999999999"]
        {
            assert_eq!(parse(odd), None, "{odd}");
        }
        assert_eq!(span("PT1H30M"), Some(5400));
        assert_eq!(span("P1DT0.5S"), Some(86_400));
        for odd in ["", "P", "PT1", "1H", "P1H", "PT1D", "P-1D", "P9999999999999999Y"] {
            assert_eq!(span(odd), None, "{odd}");
        }
    }
}
