//! Keys, signatures and key sets. The only crate that holds private keys. Signs and verifies compact
//! JWS with ES256 (RFC 7515 §3.1, RFC 7518 §3.4), publishes JWKS (RFC 7517 §5), seals secrets at rest
//! (AES-256-GCM). Keys are parsed once and kept: general-purpose libraries parse them at every call.

pub mod key;
pub mod seal;
