//! What a call sends: one JSON document. Members nobody asks for are passed over, as Keycloak does; a member of
//! another type than it has to be is refused.

use crate::admin::Failure;
use serde_json::{Map, Value};

/// An object that was sent.
#[derive(Debug, Clone, Default)]
pub struct Body(Map<String, Value>);

impl Body {
    /// Takes an object.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(value: Value) -> Result<Self, Failure> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Failure::bad("the body must be a JSON object")),
        }
    }

    /// Whether a member is there; `null` is not.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A member; `null` counts as absent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A member that is a text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        let wrong = || Failure::bad(format!("{name} must be a text"));
        self.get(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// When it is not, or something else.
    pub fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)?.ok_or_else(|| Failure::bad(format!("{name} is missing")))
    }

    /// A member that is true or false.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        let wrong = || Failure::bad(format!("{name} must be true or false"));
        self.get(name).map(|value| value.as_bool().ok_or_else(wrong)).transpose()
    }

    /// A member that is a list of texts.
    ///
    /// # Errors
    /// When it is something else.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        self.get(name).map(|value| texts(name, value)).transpose()
    }

    /// A member that is a list of objects.
    ///
    /// # Errors
    /// When it is something else.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, Failure> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(all)) => all.iter().cloned().map(Self::of).collect(),
            Some(_) => Err(Failure::bad(format!("{name} must be a list"))),
        }
    }

    /// A member that is an object.
    ///
    /// # Errors
    /// When it is something else.
    pub fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, Failure> {
        let wrong = || Failure::bad(format!("{name} must be an object"));
        self.get(name).map(|value| value.as_object().ok_or_else(wrong)).transpose()
    }
}

/// A list of texts.
///
/// # Errors
/// When it is something else.
pub fn texts(name: &str, value: &Value) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::bad(format!("{name} must be a list of texts"));
    let all = value.as_array().ok_or_else(wrong)?;
    all.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}
