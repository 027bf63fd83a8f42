//! Signing in: a flow begins at the launcher or an app's host, a password opens a session, and a
//! ticket takes the browser back to the app's host, where it becomes a pass.

pub mod directory;
pub mod enter;
pub mod flow;
pub mod password;
pub mod renewal;
pub mod throttle;
