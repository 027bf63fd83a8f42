//! Takes single cookies out of the `Cookie` header and leaves every other byte as it was. Does not
//! decide which (`HeaderEdit::cookies_to_drop`). RFC 6265 §5.4, RFC 9113 §8.2.3.

use http::HeaderValue;

/// The cookies that may travel on, or `None` when none is left. Several `Cookie` fields (HTTP/2
/// clients send crumbs) become one, as HTTP/1.1 demands.
pub(crate) fn strip(values: &[HeaderValue], drops: &(dyn Fn(&str) -> bool + Send + Sync)) -> Option<HeaderValue> {
    if let [only] = values
        && !pairs(only.as_bytes()).any(|pair| is_dropped(pair, drops))
    {
        return Some(only.clone());
    }
    let mut kept: Vec<u8> = Vec::with_capacity(values.iter().map(|value| value.len() + 2).sum());
    for value in values {
        let mut is_first_of_value = true;
        for pair in pairs(value.as_bytes()).filter(|pair| !is_dropped(pair, drops)) {
            if is_first_of_value {
                let start = pair.trim_ascii_start();
                if !kept.is_empty() {
                    kept.extend_from_slice(b"; ");
                }
                kept.extend_from_slice(start);
            } else {
                kept.push(b';');
                kept.extend_from_slice(pair);
            }
            is_first_of_value = false;
        }
    }
    if kept.trim_ascii().is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&kept).ok()
}

fn pairs(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b';')
}

fn is_dropped(pair: &[u8], drops: &(dyn Fn(&str) -> bool + Send + Sync)) -> bool {
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    drops(&String::from_utf8_lossy(name))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::strip;

    fn stripped(values: &[&'static str]) -> Option<String> {
        let values: Vec<HeaderValue> = values.iter().map(|value| HeaderValue::from_static(value)).collect();
        let kept = strip(&values, &|name| name.starts_with("door"))?;
        Some(String::from_utf8_lossy(kept.as_bytes()).into_owned())
    }

    #[test]
    fn other_cookies_keep_every_byte() {
        let odd = "a=1;b=\"x y\";  c = 3 ;;d";
        assert_eq!(stripped(&[odd]).as_deref(), Some(odd));
        assert_eq!(stripped(&["a=1;door=x;b=2"]).as_deref(), Some("a=1;b=2"));
        assert_eq!(stripped(&["door=x; a=1;  b=2"]).as_deref(), Some("a=1;  b=2"));
        assert_eq!(stripped(&["a=1; door_2 = x"]).as_deref(), Some("a=1"));
        assert_eq!(stripped(&["door=x"]), None);
        assert_eq!(stripped(&["door"]), None);
        assert_eq!(stripped(&["a=door; b=\"; door=x\""]).as_deref(), Some("a=door; b=\""));
    }

    #[test]
    fn crumbs_become_one_field() {
        assert_eq!(stripped(&["a=1", "door=x", "b=2"]).as_deref(), Some("a=1; b=2"));
    }
}
