//! Fills the `{{name}}` places of a template.

/// Puts every value into its places, a list of lines with its own indentation included.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    // One pass from left to right: what a value holds is never read as a place again.
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            text.push_str("{{");
            rest = after;
            continue;
        };
        match values.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => text.push_str(value),
            // Left as it is, so that a test finds it.
            None => text.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// One line per entry, without a final line break.
pub(super) fn lines<T>(entries: impl IntoIterator<Item = T>, line: impl Fn(T) -> String) -> String {
    entries.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A list of quoted words in brackets, as YAML and most configuration languages write it.
pub(super) fn quoted(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_are_not_read_again() {
        let filled = fill("a {{x}} {{y}} {{z}} {{", &[("x", "{{y}}".into()), ("y", "2".into())]);
        assert_eq!(filled, "a {{y}} 2 {{z}} {{");
    }
}
