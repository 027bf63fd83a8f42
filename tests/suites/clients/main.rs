//! Tools that sign people in through the OpenID Provider, or trust its tokens: each the real program, started beside a
//! door, with the settings its documentation gives for Keycloak or for any provider.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod apache;
mod cube;
mod envoy;
mod keycloak_admin;
mod keycloak_page;
mod keycloak_python;
mod seaweedfs;
mod strict;
