//! JSON with one reading. Readers disagree on members that appear twice, and deep nesting exhausts stacks;
//! here the first is refused at any depth and the second is bounded.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// Why bytes are not taken as a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// Not JSON, or something follows it.
    #[error("it is not JSON in UTF-8")]
    Syntax,
    /// JSON, but not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A member appears twice in one object.
    #[error("a member appears twice in it")]
    Doubled,
    /// Objects and lists are nested too deeply.
    #[error("it is nested too deeply")]
    Deep,
}

/// Reads bytes that must be exactly one JSON value, with objects and lists in one another for so many levels. The
/// caller bounds the number of bytes.
///
/// # Errors
/// What is wrong with them.
pub fn value(bytes: &[u8], levels: usize) -> Result<Value, BadJson> {
    let found = Cell::new(BadJson::Syntax);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { levels, found: &found }.deserialize(&mut reader);
    let value = value.map_err(|_| found.get())?;
    reader.end().map_err(|_| BadJson::Syntax)?;
    Ok(value)
}

/// As [`value`], of which nothing but an object is taken.
///
/// # Errors
/// What is wrong with the bytes.
pub fn object(bytes: &[u8], levels: usize) -> Result<Map<String, Value>, BadJson> {
    if let Value::Object(members) = value(bytes, levels)? { Ok(members) } else { Err(BadJson::NotAnObject) }
}

/// Builds a value, knowing how many levels may still open. What is wrong is left in `found`, because the
/// errors of a deserialiser carry text only.
#[derive(Clone, Copy)]
struct Strict<'f> {
    levels: usize,
    found: &'f Cell<BadJson>,
}

impl Strict<'_> {
    fn refuse<E: Error>(self, why: BadJson) -> E {
        self.found.set(why);
        E::custom(why)
    }

    fn inside<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| self.refuse(BadJson::Deep))?;
        Ok(Self { levels, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(BadJson::Syntax))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(self.refuse(BadJson::Doubled));
            }
            members.insert(name, object.next_value_seed(inside)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::{BadJson, object, value};
    use serde_json::{Value, json};

    const LEVELS: usize = 32;

    #[test]
    fn every_kind_of_value_reads_as_it_stands() {
        let text = r#" {"a":[1,-2,3.5,null,true,"x\u0041"],"b":{"a":{}},"c":18446744073709551615} "#;
        let wanted = json!({"a": [1, -2, 3.5, null, true, "xA"], "b": {"a": {}}, "c": u64::MAX});
        assert_eq!(object(text.as_bytes(), LEVELS).map(Value::Object), Ok(wanted));
    }

    #[test]
    fn what_has_two_readings_or_none_is_refused() {
        let cases: [(&[u8], BadJson); 16] = [
            (b"", BadJson::Syntax),
            (b"{", BadJson::Syntax),
            (b"{}{}", BadJson::Syntax),
            (b"{} x", BadJson::Syntax),
            (b"\xef\xbb\xbf{}", BadJson::Syntax),
            (b"{\"a\":\"\xff\"}", BadJson::Syntax),
            (br#"{"a":"\ud800"}"#, BadJson::Syntax),
            (br#"{"a":1e999}"#, BadJson::Syntax),
            (br#"{"a":01}"#, BadJson::Syntax),
            (br#"{"a":1,}"#, BadJson::Syntax),
            (b"[]", BadJson::NotAnObject),
            (b"\"text\"", BadJson::NotAnObject),
            (br#"{"a":1,"a":1}"#, BadJson::Doubled),
            (br#"{"a":1,"\u0061":1}"#, BadJson::Doubled),
            (br#"{"b":[{"c":{"a":1,"a":2}}]}"#, BadJson::Doubled),
            (br#"{"a":{},"a":[]}"#, BadJson::Doubled),
        ];
        for (bytes, why) in cases {
            assert_eq!(object(bytes, LEVELS).err(), Some(why), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_value_of_any_kind_is_one_value() {
        assert_eq!(value(b" [1, {\"a\": []}] ", LEVELS), Ok(json!([1, {"a": []}])));
        assert_eq!((value(b"null", LEVELS), value(b"1 2", LEVELS)), (Ok(Value::Null), Err(BadJson::Syntax)));
        assert_eq!(value(br#"[{"a":1,"a":1}]"#, LEVELS), Err(BadJson::Doubled));
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |lists: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(lists), "]".repeat(lists));
        for levels in [2, 7, 32] {
            assert!(object(nested(levels - 1).as_bytes(), levels).is_ok());
            assert_eq!(object(nested(levels).as_bytes(), levels), Err(BadJson::Deep));
        }
        let objects = format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33));
        assert_eq!(object(objects.as_bytes(), LEVELS), Err(BadJson::Deep));
        assert_eq!(object(r#"{"a":"#.repeat(10_000).as_bytes(), LEVELS), Err(BadJson::Deep));
    }
}
