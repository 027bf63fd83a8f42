//! Settings as the first version that had connectors wrote them, with other spellings of their keys.

use serde_json::{Map, Value};

/// The same settings with the keys of today; none when the text is no object.
pub fn spelled_anew(text: &str) -> Option<Value> {
    let Value::Object(mut all) = serde_json::from_str(text).ok()? else { return None };
    if let Some(groups) = all.remove("groups") {
        all.insert("group_rules".to_owned(), groups);
    }
    Some(Value::Object(all.into_iter().map(|(key, value)| (key, anew(value))).collect()))
}

fn anew(value: Value) -> Value {
    let Value::Object(inner) = value else { return value };
    let renamed: Map<String, Value> = inner
        .into_iter()
        .map(|(key, value)| match key.as_str() {
            // What stands in these are others' names.
            "map" | "parameters" => (key, value),
            _ => (snake(&key), anew(value)),
        })
        .collect();
    Value::Object(renamed)
}

/// `clientId` as `client_id`.
fn snake(key: &str) -> String {
    let mut all = String::with_capacity(key.len() + 2);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            all.push('_');
        }
        all.push(letter.to_ascii_lowercase());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::settings::ConnectorSettings;

    #[test]
    fn what_the_first_version_wrote_is_read() -> Result<(), serde_json::Error> {
        let text = r#"{"title":"Example Corp","oidc":{"issuer":"https://id.example.com","clientId":"doorward",
            "secretFrom":"env:SECRET","scopes":["profile"],"parameters":{"claimsLocales":"de"},"userInfo":false,
            "claims":{"name":["email"],"display":"name","email":"email","emailVerified":"email_verified",
            "groups":"groups"},"clockToleranceSeconds":5,"hostedDomains":["example.com"],"addressesAreProved":true},
            "linking":{"create":false,"domains":[]},"groups":{"sameName":false,"map":{"oneGroup":"ops"}}}"#;
        assert!(serde_json::from_str::<ConnectorSettings>(text).is_err());
        let anew = spelled_anew(text).unwrap_or_default();
        let settings: ConnectorSettings = serde_json::from_value(anew)?;
        let Some(oidc) = settings.kind.oidc() else { panic!("{settings:?}") };
        assert_eq!((oidc.client_id.as_str(), oidc.clock_tolerance_seconds), ("doorward", 5));
        assert_eq!(oidc.parameters.get("claimsLocales").map(String::as_str), Some("de"));
        assert!(!settings.groups.same_name && !settings.linking.create);
        assert_eq!(settings.groups.map.get("oneGroup").map(String::as_str), Some("ops"));
        Ok(())
    }
}
