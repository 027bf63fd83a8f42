//! SAML 2.0, as the party that relies on an identity provider: requests, answers, metadata. What a provider proved leaves
//! here as an `ExternalIdentity`, and which user that is, is the engine's to say.

pub mod certificate;
pub mod encrypted;
pub mod identity;
pub mod limits;
pub mod logout;
pub mod metadata;
pub mod moment;
pub mod names;
pub mod own_key;
pub mod peers;
pub mod redirect;
pub mod request;
pub mod response;
pub mod scan;
pub mod sign;
pub mod signature;
pub mod trouble;
pub mod xml;

#[cfg(test)]
mod tests;
