//! Changing the password somebody has at a directory, from the account page of a session that began with it. The directory
//! is asked elsewhere, between these calls and outside of every transaction.

use crate::door::Door;
use crate::federation::Connector;
use crate::manage::users::forget_what_rested_on_password;
use crate::sign_in::throttle::{self, Account, Place, Reserved};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::User;
use doorward_model::secret::TokenHash;
use doorward_model::session::Session;
use doorward_store::{connectors, users};

/// A change that a directory is asked for. Its places are reserved: it has to be ended by one of the calls below.
pub struct Changing {
    /// The directory.
    pub connector: Connector,
    /// What it calls the person.
    pub subject: String,
    reserved: Reserved,
    device: Option<TokenHash>,
}

/// Whether a directory is to be asked.
pub enum Begun {
    /// The password is kept here.
    Here,
    /// Too many wrong ones were tried.
    Throttled,
    /// It is.
    There(Box<Changing>),
}

/// Begins a change, if the session began with the word of a directory that changes passwords.
pub async fn begin(
    door: &Door,
    ctx: &Ctx,
    (user, session): (&User, &Session),
    device: Option<&TokenHash>,
) -> Result<Begun, Fault> {
    let mut query = &door.store;
    let Some(id) = &session.connector else { return Ok(Begun::Here) };
    let connector = connectors::find_by_id(&mut query, id).await?.map(Connector::read).transpose()?;
    let changes = |one: &Connector| one.is_active && one.settings.kind.ldap().is_some_and(|ldap| ldap.change_passwords);
    let Some(connector) = connector.filter(changes) else { return Ok(Begun::Here) };
    let links = connectors::links(&mut query, &user.id).await?;
    let mut theirs = links.into_iter().filter(|link| link.connector == connector.id);
    let (Some(link), None) = (theirs.next(), theirs.next()) else { return Ok(Begun::Here) };
    let known = match device {
        Some(device) => users::knows_device(&mut query, device, &user.id).await?,
        None => false,
    };
    let device = device.filter(|_| known);
    let typed = user.name.as_str();
    let account = Account { realm: &user.realm_id, typed, user: &user.id, is_known: true, device };
    match throttle::reserve(door, ctx, &account).await? {
        Place::Free(reserved) => {
            let device = device.copied();
            Ok(Begun::There(Box::new(Changing { connector, subject: link.subject, reserved, device })))
        }
        Place::Taken { .. } | Place::SilentlyTaken => Ok(Begun::Throttled),
    }
}

impl Changing {
    /// It is done: whatever rested on the former password is over, but for this session and this browser.
    pub async fn changed(self, door: &Door, ctx: &Ctx, (user, session): (&User, &Session)) -> Result<(), Fault> {
        let mut tx = door.begin().await?;
        throttle::succeeded(&mut tx, &self.reserved).await?;
        forget_what_rested_on_password(&mut tx, user, Some(&session.id)).await?;
        if let Some(device) = &self.device {
            users::remember_device(&mut tx, device, &user.id, ctx.now).await?;
        }
        door.commit(ctx, tx).await
    }

    /// Nothing was changed, and no wrong password was tried.
    pub async fn untried(self, door: &Door, ctx: &Ctx) -> Result<(), Fault> {
        throttle::give_back(door, ctx, &self.reserved).await
    }
}
