//! The words of OAuth 2.0 and OpenID Connect, and the rules that need nothing but words: parameters,
//! refusals, redirect rules, PKCE, scopes, authorization requests and responses, client authentication
//! as presented, metadata. Pure: no waiting, no clock, no dice, no store. Who a person or client is,
//! and what they may do, is decided in `engine`.

pub mod authorize;
pub mod client_auth;
pub mod discovery;
pub mod dpop;
pub mod error;
pub mod form;
pub mod limits;
pub mod logout;
pub mod parameters;
pub mod pkce;
pub mod redirect;
pub mod registration;
pub mod response;
pub mod scope;
pub mod token_hash;
