//! Keys, signatures and key sets (RFC 7515, 7517, 7518, 7638, 8037). The only crate that holds private
//! keys. Signs compact JWS, reads and verifies them strictly, publishes and reads JWKs, seals secrets at
//! rest (AES-256-GCM). Keys are parsed once and kept: general-purpose libraries parse them at every call.
//!
//! Reading is strict because every leniency here has been an attack elsewhere: one spelling of a token, one
//! reading of its JSON, an algorithm fixed by the key and never chosen by the token.

pub mod algorithm;
pub mod assertion;
pub mod bad;
pub mod certificate;
pub mod claims;
pub mod header;
pub mod hmac;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod key;
pub mod key_set;
pub mod limits;
pub mod mac;
pub mod seal;
pub mod self_signed;
pub mod subject;
