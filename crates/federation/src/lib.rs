//! Asking outside identity providers who somebody is. Speaks their protocols and dials out; what they proved leaves here
//! as an `ExternalIdentity`, and which user that is, is the engine's to say.

pub mod claims;
mod client_auth;
mod directory;
mod github;
mod google;
pub mod id_token;
pub mod limits;
pub mod logout_token;
pub mod metadata;
mod oauth2;
pub mod oidc;
pub mod providers;
pub mod renewal;
pub mod sign_out;
pub mod tokens;
mod trial;
pub mod trouble;
