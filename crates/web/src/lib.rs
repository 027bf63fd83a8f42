//! The edge towards browsers and proxies over HTTP: listeners, the route table, pages, and the way
//! through the built-in reverse proxy. Speaks protocols, holds no rules. The only crate that imports
//! axum.

pub mod admin;
pub mod answers;
pub mod app_host;
pub mod callers;
pub mod cookies;
pub mod front;
pub mod keys;
pub mod limits;
pub mod listen;
pub mod oidc;
pub mod operations;
pub mod own;
pub mod pages;
pub mod proxied;
pub mod routes;
pub mod sample;
pub mod threads;
pub mod web;
pub mod words;
