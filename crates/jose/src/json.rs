//! The JSON of tokens: one object, read in the one way there is.

use crate::limits;
use doorward_model::json;
pub use doorward_model::json::BadJson;
use serde_json::{Map, Value};

/// Reads bytes that must be exactly one JSON object. The caller bounds their number.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, BadJson> {
    json::object(bytes, limits::NESTING)
}
