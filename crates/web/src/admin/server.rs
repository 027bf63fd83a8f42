//! `GET /admin/serverinfo`: what is running, and no more than that.

use crate::admin::{Call, Outcome, told};
use serde_json::json;

/// Names the program and its version; clients that look for a version of Keycloak's find Doorward's own.
pub async fn info(_: Call) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    Ok(told(&json!({
        "systemInfo": {"version": version, "serverName": "doorward"},
        "profileInfo": {"name": "doorward", "disabledFeatures": [], "previewFeatures": [], "experimentalFeatures": []},
        "themes": {}, "providers": {}, "protocolMapperTypes": {}, "enums": {},
    })))
}
