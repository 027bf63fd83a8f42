//! LDAP version 3 (RFC 4511) as far as a client needs it that binds, searches and changes passwords: bytes in and out, no
//! decisions.

pub(crate) mod ber;
pub(crate) mod filter;
pub(crate) mod message;
pub(crate) mod wire;
