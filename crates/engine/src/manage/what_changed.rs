//! Which fields differ between what was and what is: their names, for the record, and never what stands in them.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The keys whose values differ, the ones inside an object behind a dot; what people chose the names of is one key.
pub(super) fn what_changed<T: Serialize>(before: &T, after: &T, whole: &[&str]) -> String {
    let (Ok(before), Ok(after)) = (serde_json::to_value(before), serde_json::to_value(after)) else {
        return String::new();
    };
    let mut keys = Vec::new();
    gather("", (&before, &after), whole, &mut keys);
    keys.join(", ")
}

fn gather(around: &str, (before, after): (&Value, &Value), whole: &[&str], keys: &mut Vec<String>) {
    let names = |value: &Value| value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let all: BTreeSet<String> = names(before).into_iter().chain(names(after)).collect();
    for key in all {
        let (old, new) = (before.get(&key).unwrap_or(&Value::Null), after.get(&key).unwrap_or(&Value::Null));
        if old == new {
            continue;
        }
        let path = format!("{around}{key}");
        if (old.is_object() || new.is_object()) && !whole.contains(&path.as_str()) {
            gather(&format!("{path}."), (old, new), whole, keys);
        } else {
            keys.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::what_changed;
    use serde_json::json;

    #[test]
    fn fields_are_named_and_their_values_are_not() {
        let before = json!({"title": "a", "oidc": {"issuer": "x", "scopes": ["a"]}, "attributes": {"pin": ["1234"]}});
        let after = json!({"title": "a", "oidc": {"issuer": "y", "scopes": ["b"]}, "attributes": {"other": ["5678"]}});
        assert_eq!(what_changed(&before, &after, &["attributes"]), "attributes, oidc.issuer, oidc.scopes");
        assert_eq!(what_changed(&before, &before, &[]), "");
        assert_eq!(what_changed(&json!({}), &json!({"refresh": {"every": 5}}), &[]), "refresh.every");
    }
}
