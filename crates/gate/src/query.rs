//! The query of a URL: names, values and their escapes.

/// Encodes a whole value for a query (RFC 3986 §2.1: everything but unreserved characters).
pub fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Decodes percent escapes and `+`; `None` when an escape is broken or the result is not UTF-8.
pub fn url_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                bytes.push(u8::try_from(value).ok()?);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Names and values of a query; pairs that do not decode are left out.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((url_decode(name)?, url_decode(value)?))
    })
}

#[cfg(test)]
mod tests {
    use super::{url_decode, url_encode};

    #[test]
    fn encoding_round_trips_whatever_a_path_holds() {
        let path = "/runs/7?x=1&y=%2F+z#é";
        assert_eq!(url_decode(&url_encode(path)).as_deref(), Some(path));
        assert_eq!(url_decode("%2"), None);
        assert_eq!(url_decode("%zz"), None);
    }
}
