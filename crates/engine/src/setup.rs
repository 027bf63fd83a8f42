//! The first administrator: by a link that works once. There is no default password anywhere.

use crate::administration::ADMIN;
use crate::door::Door;
use crate::manage::roles::{self, NewRole};
use crate::manage::{Refused, tokens};
use crate::passwords::HashError;
use crate::sign_in::password::{Begin, Opened, begin_session};
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{GroupId, RealmId, UserId};
use doorward_model::limits;
use doorward_model::name::{DisplayText, EmailAddress, GroupName, RoleName, UserName};
use doorward_model::people::{Group, Holder, Realm, Source, User};
use doorward_model::secret::{Password, PlainToken, TokenHash, TokenKind};
use doorward_store::tx::Tx;
use doorward_store::{groups, realms, setup, users};

/// The group whose members administer a realm.
pub const ADMINISTRATORS: &str = "doorward-admins";

/// The first administrator as typed into the form.
pub struct Founder<'a> {
    /// Sign-in name.
    pub name: UserName,
    /// Name for people.
    pub display: DisplayText,
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Password.
    pub password: Password,
    /// The browser's description of itself.
    pub user_agent: &'a str,
}

/// How setting up ended.
pub enum Outcome {
    /// Done, and signed in.
    Opened(Box<Opened>),
    /// The link does not work, or no longer.
    LinkGone,
    /// Something about the person is not taken.
    Refused(Refused),
    /// Too many people are signing in at this moment.
    Busy,
}

/// Makes a link; older ones of the realm stop working.
pub async fn make_link(door: &Door, ctx: &Ctx, realm: &Realm) -> Result<PlainToken, Fault> {
    let token = PlainToken::draw(TokenKind::Setup, &*door.dice);
    let mut tx = door.begin().await?;
    let times = (ctx.now, ctx.now.plus_seconds(limits::SETUP_SECONDS));
    setup::create(&mut tx, &token.hash(), &realm.id, times).await?;
    tx.record(Event::new(EventKind::SetUpLinkMade, Some(&realm.id), realm.name.to_string(), String::new()));
    door.commit(ctx, tx).await?;
    Ok(token)
}

/// The realm of a link that still works.
pub async fn find_link(door: &Door, ctx: &Ctx, hash: &TokenHash) -> Result<Option<Realm>, Fault> {
    match setup::find(&mut &door.store, hash, ctx.now).await? {
        Some(id) => realms::find_by_id(&mut &door.store, &id).await,
        None => Ok(None),
    }
}

/// Creates the administrator and signs them in. They join the administrators and every group an app's
/// rule names, so that the first person can open what was put behind the door.
pub async fn found(door: &Door, ctx: &Ctx, link: &TokenHash, founder: Founder<'_>) -> Result<Outcome, Fault> {
    if setup::find(&mut &door.store, link, ctx.now).await?.is_none() {
        return Ok(Outcome::LinkGone);
    }
    let password = match door.hasher.hash(founder.password, &*door.dice).await {
        Ok(hash) => hash,
        Err(HashError::Busy) => return Ok(Outcome::Busy),
        Err(HashError::Fault(fault)) => return Err(fault),
    };
    let mut tx = door.begin().await?;
    let Some(realm) = setup::use_up(&mut tx, link, ctx.now).await? else { return Ok(Outcome::LinkGone) };
    let user = User {
        id: UserId::draw(&*door.dice),
        realm_id: realm.clone(),
        name: founder.name,
        email: founder.email,
        display: founder.display,
        is_active: true,
        created_at: ctx.now,
    };
    if let Err(refused) = tokens::keep_apart(&mut tx, &realm, &user.name).await? {
        return Ok(Outcome::Refused(refused));
    }
    if !users::create(&mut tx, &user, Some(&password)).await? {
        // Dropped without commit: the link stays good for another name.
        return Ok(Outcome::Refused(Refused::taken("user", user.name.as_str())));
    }
    let mut joined = vec![administrators(door, &mut tx, &realm).await?];
    for app in door.live.apps().of_realm(&realm) {
        joined.extend(app.access.groups.iter().cloned());
    }
    for group in &joined {
        groups::add_member(&mut tx, group, &user.id, &Source::Local).await?;
    }
    tx.changed(Change::User(user.id.clone()));
    tx.record(Event::new(EventKind::SetUp, Some(&realm), user.id.to_string(), format!("user {}", user.name)));
    let begin = Begin { user_agent: founder.user_agent, ..Begin::default() };
    let opened = begin_session(door, ctx, &mut tx, user, begin).await?;
    door.commit(ctx, tx).await?;
    Ok(Outcome::Opened(Box::new(opened)))
}

async fn administrators(door: &Door, tx: &mut Tx, realm: &RealmId) -> Result<GroupId, Fault> {
    let name = GroupName::parse(ADMINISTRATORS)
        .map_err(|error| Fault::internal(format!("naming the administrators: {error}")))?;
    if let Some(group) = groups::find(tx, realm, &name).await? {
        return Ok(group.id);
    }
    let group = Group { id: GroupId::draw(&*door.dice), realm_id: realm.clone(), name };
    groups::create(tx, &group).await?;
    // Only of a group made here: one that was there before may have members nobody meant.
    may_administer(door, tx, &group).await?;
    Ok(group.id)
}

/// Gives the administrators the role that the admin API asks for.
async fn may_administer(door: &Door, tx: &mut Tx, group: &Group) -> Result<(), Fault> {
    let name =
        RoleName::parse(ADMIN).map_err(|error| Fault::internal(format!("naming the administrators: {error}")))?;
    let role = match doorward_store::roles::find(tx, (&group.realm_id, None), &name).await? {
        Some(role) => role,
        None => {
            let description = "Administers the realm, by the admin API.".to_owned();
            let new = NewRole { client: None, name, description };
            match roles::create(door, tx, &group.realm_id, new).await? {
                Ok(role) => role,
                Err(refused) => return Err(Fault::internal(format!("making the administrators' role: {refused}"))),
            }
        }
    };
    let given = roles::give(tx, &role, &Holder::Group(group.id.clone()), &Source::Local).await?;
    given.map(drop).map_err(|refused| Fault::internal(format!("giving the administrators' role: {refused}")))
}
