//! The pages people see: one view struct and one template of the same name each, with samples.
//! Owns words, layout and static assets; knows nothing of the model, the store or HTTP. Callers
//! fill a view with prepared strings and call `render()` of [`askama::Template`], which escapes them.
//! Every page works without script and without inline style, so it fits
//! `default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'`.
//! [`FormPost`] has a script, which spares people a button where `script-src 'self'` lets it run; [`Fragment`] alone can
//! do nothing without its own.

mod account;
mod arriving;
mod assets;
mod consent;
mod denied;
mod device;
mod form_post;
mod fragment;
mod gallery;
mod icon;
mod launcher;
mod limits;
#[cfg(test)]
mod markup;
mod new_password;
mod person;
mod problem;
mod proceed;
mod programs;
mod sample_tool;
mod setup;
mod sign_in;
mod signed_out;
mod signing_out;

pub use account::{Account, SessionRow};
pub use arriving::Arriving;
pub use assets::{Asset, PREFIX, assets, favicon_path, find_asset, stylesheet_path};
pub use consent::{Consent, DetailWords, ScopeWords, scope_words};
pub use denied::Denied;
pub use device::{DeviceCode, DeviceDone, DeviceQuestion};
pub use form_post::FormPost;
pub use fragment::Fragment;
pub use gallery::{Rendering, gallery};
pub use icon::{Face, Icon, Symbol};
pub use launcher::{Launcher, Tile};
pub use new_password::NewPassword;
pub use person::Person;
pub use problem::Problem;
pub use proceed::Proceed;
pub use programs::{AppChoice, ConsentRow, FreshToken, Programs, TokenRow};
pub use sample_tool::SampleTool;
pub use setup::Setup;
pub use sign_in::{Choice, SignIn};
pub use signed_out::{SignOutConfirm, SignedOut};
pub use signing_out::SigningOut;
