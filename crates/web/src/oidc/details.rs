//! Authorization details in words for the question before a client gets them. Nothing is left out: what is not seen
//! is not agreed to. RFC 9396 §2.2.

use crate::pages::DetailWords;
use doorward_oauth::authorize::Detail;
use serde_json::Value;

/// One detail in words.
pub(super) fn words(detail: &Detail) -> DetailWords {
    let mut lines = Vec::new();
    for (name, value) in detail.members() {
        add(&mut lines, label(name), value);
    }
    DetailWords { kind: detail.kind().to_owned(), lines }
}

/// Adds a member: a line for what is simple, a line for each part of what is not.
fn add(lines: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (inner, value) in members {
                add(lines, format!("{name}: {}", plain(inner)), value);
            }
        }
        Value::Array(list) if list.iter().any(|value| value.is_object() || value.is_array()) => {
            for (place, value) in list.iter().enumerate() {
                add(lines, format!("{name} {}", place + 1), value);
            }
        }
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().map(simple).collect();
            lines.push((name, if texts.is_empty() { NOTHING.to_owned() } else { texts.join(", ") }));
        }
        simply => lines.push((name, simple(simply))),
    }
}

const NOTHING: &str = "nothing";

fn simple(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null | Value::Array(_) | Value::Object(_) => NOTHING.to_owned(),
        Value::Number(number) => number.to_string(),
    }
}

/// The name of a member, in words where the RFC says what it means.
fn label(name: &str) -> String {
    match name {
        "actions" => "May do".to_owned(),
        "locations" => "At".to_owned(),
        "datatypes" => "With data of kind".to_owned(),
        "privileges" => "With the rights of".to_owned(),
        "identifier" => "Which".to_owned(),
        other => {
            let words = plain(other);
            let mut letters = words.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or(words)
        }
    }
}

/// `instructedAmount` and `instructed_amount` as `instructed amount`.
fn plain(name: &str) -> String {
    let mut words = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        if after_small && letter.is_ascii_uppercase() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(if matches!(letter, '_' | '-') { ' ' } else { letter });
        }
        after_small = letter.is_ascii_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;
    use doorward_oauth::authorize::Detail;

    #[test]
    fn every_member_is_shown_in_plain_words() {
        let text = r#"{"type":"payment_initiation","actions":["initiate","cancel"],"urgent":true,"gone":null,"none":[],
            "identifier":"a-1","instructedAmount":{"currency":"EUR","amount":123.5},"IBAN":"DE02","empty":{},
            "items":[{"name":"x"},["y",false]]}"#;
        let Ok(detail) = serde_json::from_str::<Detail>(text) else { panic!("not a detail") };
        let words = words(&detail);
        let lines: Vec<_> = words.lines.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(words.kind, "payment_initiation");
        assert_eq!(
            lines,
            [
                ("IBAN", "DE02"),
                ("May do", "initiate, cancel"),
                ("Empty", "nothing"),
                ("Gone", "nothing"),
                ("Which", "a-1"),
                ("Instructed amount: amount", "123.5"),
                ("Instructed amount: currency", "EUR"),
                ("Items 1: name", "x"),
                ("Items 2", "y, no"),
                ("None", "nothing"),
                ("Urgent", "yes"),
            ]
        );
    }
}
