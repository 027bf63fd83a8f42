//! Whom a token speaks of, as one client is told: the user's id, the subject a user brought along, or an id that
//! only clients of the same sector share. OIDC Core §8.

use crate::clients::{Client, SubjectKind};
use crate::door::Door;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::id::{RealmId, UserId};

/// What a client is told a user by; `imported` is what a provider before this one called them.
///
/// A pairwise id is HMAC-SHA256 over realm, sector and user id, under a key that comes from the master
/// key: the same on every node, and nobody without that key can tell which user it stands for.
pub fn of(door: &Door, client: &Client, user: &UserId, imported: Option<&str>) -> String {
    match &client.settings.subject {
        SubjectKind::Public => imported.unwrap_or(user.as_str()).to_owned(),
        SubjectKind::Pairwise(sector) => pairwise(door, &client.realm_id, sector, user),
    }
}

fn pairwise(door: &Door, realm: &RealmId, sector: &str, user: &UserId) -> String {
    // No sector and no id holds a NUL, so no two pairs read the same.
    let message = format!("{realm}\0{sector}\0{user}");
    URL_SAFE_NO_PAD.encode(door.keys.mark("pairwise subject", message.as_bytes()))
}
