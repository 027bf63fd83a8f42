//! Reads the markup of rendered pages, for tests only: elements with their attributes and text, and a
//! complaint if they do not nest. Strict on purpose, since all it reads is our own templates.

/// Elements that have no end tag in HTML.
const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];

/// One element.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// Text between the start tag and the next tag.
    pub(super) text: String,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// All elements in document order, or what is wrong with the document.
pub(super) fn tags(html: &str) -> Result<Vec<Tag>, String> {
    let body = html.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for piece in body.split('<').skip(1) {
        let (inside, text) = piece.split_once('>').ok_or_else(|| format!("no end: <{piece}"))?;
        if let Some(name) = inside.strip_prefix('/') {
            let expected = open.pop();
            if expected.as_deref() != Some(name) {
                return Err(format!("</{name}> where {expected:?} is open"));
            }
            continue;
        }
        let is_closed = inside.ends_with('/');
        let inside = inside.trim_end_matches('/');
        let (name, rest) = inside.split_once(' ').unwrap_or((inside, ""));
        if !is_closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        found.push(Tag { name: name.to_owned(), attributes: attributes(rest)?, text: text.to_owned() });
    }
    if open.is_empty() { Ok(found) } else { Err(format!("still open: {open:?}")) }
}

fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').ok_or_else(|| format!("no quote: {text}"))?,
            None => ("", after),
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(format!("strange attribute {name:?} in {text}"));
        }
        all.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complains_about_markup_that_does_not_nest() {
        assert!(tags("<!doctype html><p><b></p></b>").is_err());
        assert!(tags("<!doctype html><p>").is_err());
        assert!(tags("<!doctype html><p a=\"1>").is_err());
        assert!(tags("<p></p>").is_err());
    }

    #[test]
    fn reads_attributes_with_and_without_value() {
        let read = tags("<!doctype html><input required value=\"a b\"><p>text</p>");
        assert!(read.is_ok_and(|tags| matches!(tags.as_slice(), [input, p]
            if input.attribute("required") == Some("")
                && input.attribute("value") == Some("a b")
                && p.text == "text")));
    }
}
