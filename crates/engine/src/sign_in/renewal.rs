//! A temporary password opens nothing: whoever signs in with one is asked for another, and gets a session when it is
//! set. Between the two the attempt is sealed into the page, as a flow is; it opens only in the browser that began it,
//! and only while that very password is in force, so it is used up by the change itself.

use crate::clients::RealmSettings;
use crate::door::Door;
use crate::limits;
use crate::manage::users::forget_what_rested_on_password;
use crate::passwords::HashError;
use crate::sign_in::password::{Begin, Opened, Proved, begin_session, broke_glass};
use crate::token;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::context::Ctx;
use doorward_model::event::Actor;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{RealmId, SessionId, UserId};
use doorward_model::name::UserName;
use doorward_model::people::User;
use doorward_model::secret::{Password, TokenHash};
use doorward_model::time::Timestamp;
use doorward_store::users;
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "temporary password";
const PREFIX: &str = "dwn_";

/// An attempt that waits for a new password, as sealed.
#[derive(Serialize, Deserialize)]
struct Renewal {
    realm_id: RealmId,
    user_id: UserId,
    /// Digest of what is stored of the temporary password.
    password: String,
    /// Hash (hex) of the cookie of the browser that began it.
    browser: String,
    remember: bool,
    expires_at: Timestamp,
}

/// Begins to wait for a new password; the text stands in the page.
pub fn begin(
    door: &Door,
    ctx: &Ctx,
    proved: &Proved,
    (browser, remember): (&TokenHash, bool),
) -> Result<String, Fault> {
    let renewal = Renewal {
        realm_id: proved.user.realm_id.clone(),
        user_id: proved.user.id.clone(),
        password: fingerprint(&proved.hash),
        browser: browser.hex(),
        remember,
        expires_at: ctx.now.plus_seconds(limits::RENEWAL_SECONDS),
    };
    let broken = |error| Fault::new(FaultKind::Internal, "writing a sign-in that waits for a password", error);
    let text = serde_json::to_vec(&renewal).map_err(broken)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(door.keys.seal(PURPOSE, &text, &*door.dice)?)))
}

/// Somebody who may choose a new password.
pub struct Waiting {
    user: User,
    hash: String,
    remember: bool,
}

impl Waiting {
    /// Their name, which a password must differ from.
    pub fn name(&self) -> &UserName {
        &self.user.name
    }
}

/// The attempt in a page's text, while it lasts, for the browser that began it and the password it began with.
pub async fn find(
    door: &Door,
    ctx: &Ctx,
    (realm, browser): (&RealmId, &TokenHash),
    text: &str,
) -> Result<Option<Waiting>, Fault> {
    let Some(renewal) = open(door, text) else { return Ok(None) };
    if renewal.realm_id != *realm || renewal.browser != browser.hex() || renewal.expires_at <= ctx.now {
        return Ok(None);
    }
    let user = users::find(&mut &door.store, &renewal.user_id).await?;
    let stored = users::password(&mut &door.store, &renewal.user_id).await?;
    let (Some(user), Some(stored)) = (user, stored) else { return Ok(None) };
    let is_so = user.is_active && stored.is_temporary && fingerprint(&stored.hash) == renewal.password;
    Ok(is_so.then_some(Waiting { user, hash: stored.hash, remember: renewal.remember }))
}

fn open(door: &Door, text: &str) -> Option<Renewal> {
    let sealed = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    serde_json::from_slice(&door.keys.open(PURPOSE, &sealed)?).ok()
}

/// What is stored of a password is not carried through browsers, not even sealed.
fn fingerprint(hash: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, hash.as_bytes()))
}

/// How choosing a new password ended.
pub enum Outcome {
    /// Signed in.
    Opened(Box<Opened>),
    /// It is the temporary one.
    Same,
    /// The temporary password is in force no more.
    Over,
    /// Too many people are signing in at this moment.
    Busy,
}

/// The password somebody wants, as [`Password::chosen`] takes it, twice: to be compared and to be kept.
pub struct Wanted {
    /// For comparing.
    pub compared: Password,
    /// For keeping.
    pub kept: Password,
}

/// Sets the new password and opens a session, together or not at all.
pub async fn choose(
    door: &Door,
    ctx: &Ctx,
    waiting: Waiting,
    wanted: Wanted,
    (user_agent, former): (&str, Option<SessionId>),
) -> Result<Outcome, Fault> {
    let Waiting { user, hash: old, remember } = waiting;
    match door.hasher.verify(&user.realm_id, wanted.compared, Some(&old)).await {
        Ok(false) => {}
        Ok(true) => return Ok(Outcome::Same),
        Err(HashError::Busy) => return Ok(Outcome::Busy),
        Err(HashError::Fault(fault)) => return Err(fault),
    }
    let new = match door.hasher.hash(wanted.kept, &*door.dice).await {
        Ok(hash) => hash,
        Err(HashError::Busy) => return Ok(Outcome::Busy),
        Err(HashError::Fault(fault)) => return Err(fault),
    };
    let mut tx = door.begin().await?;
    if !users::renew_password(&mut tx, &user.id, (&old, &new)).await? {
        return Ok(Outcome::Over);
    }
    let is_break_glass = token::profile(&mut tx, &user.id).await?.0.break_glass;
    if !RealmSettings::load(&mut tx, &user.realm_id).await?.password_sign_in.takes(is_break_glass) {
        return Ok(Outcome::Over);
    }
    forget_what_rested_on_password(&mut tx, &user, None).await?;
    if let Some(former) = &former {
        crate::sessions::end_in(&mut tx, former, "signed in again").await?;
    }
    let ctx = &Ctx { actor: Actor::User(user.id.clone()), ..ctx.clone() };
    if is_break_glass {
        broke_glass(ctx, &mut tx, &user);
    }
    let opened = begin_session(door, ctx, &mut tx, user, Begin { remember, user_agent, ..Begin::default() }).await?;
    door.commit(ctx, tx).await?;
    Ok(Outcome::Opened(Box::new(opened)))
}
