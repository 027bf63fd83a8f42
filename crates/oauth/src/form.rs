//! `application/x-www-form-urlencoded`, read strictly and written as browsers do. A broken escape is
//! refused instead of taken literally, because the next reader might take it another way.
//! RFC 6749 appendix B.

/// Why a text cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadForm {
    /// `%` without two hexadecimal digits behind it.
    Escape,
    /// The decoded bytes are not UTF-8.
    NotUtf8,
    /// A NUL byte: databases and C libraries end a text there.
    Nul,
}

/// Decodes one name or value.
pub(crate) fn decode(text: &str) -> Result<String, BadForm> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => escaped(rest.next(), rest.next()).ok_or(BadForm::Escape)?,
            other => other,
        };
        if byte == 0 {
            return Err(BadForm::Nul);
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).map_err(|_| BadForm::NotUtf8)
}

/// The byte two hexadecimal digits stand for.
pub(crate) fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Writes names and values, joined by `&`.
pub fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::{BadForm, decode, encode};

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["", "plain", "a b+c", "100%", "\u{e9}\u{4e2d}\u{1f511}", "a&b=c#d\r\n", "*-._~!'()"] {
            assert_eq!(decode(&encode(&[(text, "")]).replace('=', "")).as_deref(), Ok(text));
        }
        assert_eq!(encode(&[("a b", "c&d"), ("e", "")]), "a+b=c%26d&e=");
    }

    #[test]
    fn broken_escapes_and_bytes_that_are_no_text_are_refused() {
        for broken in ["%", "%4", "a%", "%zz", "%+1", "%4g", "%%41", "% 41", "%\u{e9}1"] {
            assert_eq!(decode(broken), Err(BadForm::Escape), "{broken}");
        }
        for bytes in ["%ff", "%c0%ae", "%ed%a0%80", "%e4%b8"] {
            assert_eq!(decode(bytes), Err(BadForm::NotUtf8), "{bytes}");
        }
        for nul in ["%00", "a%00b", "a\0"] {
            assert_eq!(decode(nul), Err(BadForm::Nul), "{nul:?}");
        }
    }
}
