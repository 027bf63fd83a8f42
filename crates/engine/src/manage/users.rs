//! Creating, changing, disabling and deleting users, and their passwords. Whatever takes a right away
//! ends the sessions that held it, in the same transaction.

use crate::door::Door;
use crate::manage::Refused;
use crate::manage::tokens;
use crate::passwords::HashError;
use crate::sessions;
use crate::token::{Profile, profile};
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{RealmId, SessionId, UserId};
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::User;
use doorward_model::secret::{Password, TokenHash};
use doorward_store::tx::Tx;
use doorward_store::users::StoredPassword;
use doorward_store::{grants, sync, users};

/// A user to be created.
pub struct NewUser {
    /// Sign-in name.
    pub name: UserName,
    /// Name for people; the sign-in name when absent.
    pub display: Option<DisplayText>,
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Password hash (PHC text), made outside the transaction.
    pub password: Option<String>,
    /// Whether the user may sign in.
    pub is_active: bool,
}

/// Creates a user.
pub async fn create(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    realm: &RealmId,
    new: NewUser,
) -> Result<Result<User, Refused>, Fault> {
    let fallback = DisplayText::parse(new.name.as_str())
        .map_err(|error| Fault::internal(format!("showing a user name: {error}")))?;
    let user = User {
        id: UserId::draw(&*door.dice),
        realm_id: realm.clone(),
        display: new.display.unwrap_or(fallback),
        name: new.name,
        email: new.email,
        is_active: new.is_active,
        created_at: ctx.now,
    };
    if let Err(refused) = tokens::keep_apart(tx, realm, &user.name).await? {
        return Ok(Err(refused));
    }
    if !users::create(tx, &user, new.password.as_deref()).await? {
        return Ok(Err(Refused::taken("user", user.name.as_str())));
    }
    tx.record(Event::new(EventKind::UserCreated, Some(realm), user.id.to_string(), format!("user {}", user.name)));
    Ok(Ok(user))
}

/// Writes a changed e-mail address or display name. Another address is not known to be the user's any more.
pub async fn update(tx: &mut Tx, user: &User) -> Result<(), Fault> {
    let before = users::find(tx, &user.id).await?;
    let (profile, _) = profile(tx, &user.id).await?;
    let differs = |field: fn(&User, &User) -> bool| before.as_ref().is_some_and(|before| !field(before, user));
    let fields = [
        ("name", differs(|a, b| a.name == b.name)),
        ("display", differs(|a, b| a.display == b.display)),
        ("email", differs(|a, b| a.email == b.email)),
    ];
    let what: Vec<&str> = fields.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    if profile.email_verified && what.contains(&"email") {
        let unproved = Profile { email_verified: false, ..profile };
        users::set_profile(tx, &user.id, &unproved.to_text()?).await?;
    }
    users::update(tx, user).await?;
    note_what(tx, EventKind::UserChanged, user, &what.join(", "));
    Ok(())
}

/// Disables a user and ends every session; `false` when it was disabled already.
pub async fn disable(tx: &mut Tx, user: &User) -> Result<bool, Fault> {
    let changed = users::set_active(tx, &user.id, false).await?;
    // Said here, so no directory that has them again takes it back.
    sync::forget_shut(tx, &user.id).await?;
    sessions::end_all_in(tx, &user.id, None, "user disabled").await?;
    note(tx, EventKind::UserDisabled, user);
    Ok(changed)
}

/// Enables a user again; sessions do not come back.
pub async fn enable(tx: &mut Tx, user: &User) -> Result<bool, Fault> {
    let changed = users::set_active(tx, &user.id, true).await?;
    note(tx, EventKind::UserEnabled, user);
    Ok(changed)
}

/// Ends a user's sessions; tells how many.
pub async fn sign_out(tx: &mut Tx, user: &User) -> Result<usize, Fault> {
    sessions::end_all_in(tx, &user.id, None, "ended by an administrator").await
}

/// Deletes a user with everything that hangs on it.
pub async fn delete(tx: &mut Tx, user: &User) -> Result<(), Fault> {
    // The user first, then sessions: the way every other change takes.
    users::hold(tx, &user.id).await?;
    sessions::end_all_in(tx, &user.id, None, "user deleted").await?;
    users::delete(tx, &user.id).await?;
    note(tx, EventKind::UserDeleted, user);
    Ok(())
}

/// Sets a password hash, forgets known browsers, and ends every other session and every offline token.
pub async fn set_password(tx: &mut Tx, user: &User, hash: &str, keep: Option<&SessionId>) -> Result<(), Fault> {
    users::set_password(tx, &user.id, &StoredPassword { hash: hash.to_owned(), is_temporary: false }).await?;
    forget_what_rested_on_password(tx, user, keep).await
}

/// Sets a password that opens nothing but the page on which its user chooses another.
pub async fn set_temporary_password(tx: &mut Tx, user: &User, hash: &str) -> Result<(), Fault> {
    users::set_password(tx, &user.id, &StoredPassword { hash: hash.to_owned(), is_temporary: true }).await?;
    forget_what_rested_on_password(tx, user, None).await
}

/// After a password was written: known browsers are forgotten, sessions and offline tokens end, and it is recorded.
pub(crate) async fn forget_what_rested_on_password(
    tx: &mut Tx,
    user: &User,
    keep: Option<&SessionId>,
) -> Result<(), Fault> {
    users::forget_devices(tx, &user.id).await?;
    sessions::end_all_in(tx, &user.id, keep, "password changed").await?;
    // Offline tokens outlive sessions, but not the password they were got with.
    grants::end_offline_of_user(tx, &user.id).await?;
    note(tx, EventKind::PasswordChanged, user);
    Ok(())
}

/// Says whether a user must choose another password at the next sign-in; `false` when it was so already. Sessions go on.
pub async fn require_new_password(tx: &mut Tx, user: &User, is_required: bool) -> Result<bool, Fault> {
    let changed = users::set_temporary(tx, &user.id, is_required).await?;
    if changed {
        let what = if is_required { "must choose another password" } else { "need not choose another password" };
        note_what(tx, EventKind::UserChanged, user, what);
    }
    Ok(changed)
}

fn note(tx: &mut Tx, kind: EventKind, user: &User) {
    tx.changed(Change::User(user.id.clone()));
    tx.record(Event::new(kind, Some(&user.realm_id), user.id.to_string(), format!("user {}", user.name)));
}

/// The same, with what of the user it is.
fn note_what(tx: &mut Tx, kind: EventKind, user: &User, what: &str) {
    tx.changed(Change::User(user.id.clone()));
    let detail = format!("user {}: {what}", user.name);
    tx.record(Event::new(kind, Some(&user.realm_id), user.id.to_string(), detail));
}

/// How changing one's own password ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChange {
    /// Done; every other session is over.
    Changed,
    /// The current password is wrong.
    Wrong,
    /// Too many wrong tries.
    Throttled,
    /// Too many people are signing in at this moment.
    Busy,
}

/// Changes one's own password after proving the current one.
pub async fn change_own_password(
    door: &Door,
    ctx: &Ctx,
    user: &User,
    (session, device): (&SessionId, Option<&TokenHash>),
    (current, wanted): (Password, Password),
) -> Result<PasswordChange, Fault> {
    use crate::sign_in::throttle::{Account, Place, give_back, reserve, succeeded};
    let known = match device {
        Some(device) => users::knows_device(&mut &door.store, device, &user.id).await?,
        None => false,
    };
    let device = device.filter(|_| known);
    let account = Account { realm: &user.realm_id, typed: user.name.as_str(), user: &user.id, is_known: true, device };
    let Place::Free(reserved) = reserve(door, ctx, &account).await? else {
        return Ok(PasswordChange::Throttled);
    };
    let stored = users::password(&mut &door.store, &user.id).await?;
    match door.hasher.verify(&user.realm_id, current, stored.as_ref().map(|stored| stored.hash.as_str())).await {
        Ok(true) => {}
        Ok(false) => return Ok(PasswordChange::Wrong),
        Err(HashError::Busy) => {
            give_back(door, ctx, &reserved).await?;
            return Ok(PasswordChange::Busy);
        }
        Err(HashError::Fault(fault)) => return Err(fault),
    }
    let hash = match door.hasher.hash(wanted, &*door.dice).await {
        Ok(hash) => hash,
        Err(HashError::Busy) => return Ok(PasswordChange::Busy),
        Err(HashError::Fault(fault)) => return Err(fault),
    };
    let mut tx = door.begin().await?;
    succeeded(&mut tx, &reserved).await?;
    set_password(&mut tx, user, &hash, Some(session)).await?;
    if let Some(device) = device {
        users::remember_device(&mut tx, device, &user.id, ctx.now).await?;
    }
    door.commit(ctx, tx).await?;
    Ok(PasswordChange::Changed)
}
