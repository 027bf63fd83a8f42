//! People of a company's directory at the sign-in page: OpenLDAP and Samba as an Active Directory domain, the built binary,
//! real browsers and real forms.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

mod active_directory;
mod bent;
mod changes;
mod followed;
mod ground;
mod new_password;
mod openldap;
mod outage;
mod scripted;
mod sync;
