//! Signing in with what an outside provider proved: load what is known, decide, and in one transaction link or create
//! the user, put what the provider says of groups in place of what it said before, and open the session.

use crate::administration::{self, Rights};
use crate::door::Door;
use crate::federation::groups::{Mapped, map};
use crate::federation::linking::{Decision, Known, Present, Why, decide, is_authoritative};
use crate::federation::{Connector, ExternalIdentity, pending, sync};
use crate::manage;
use crate::manage::users::NewUser;
use crate::sign_in::password::{Begin, Opened, begin_session};
use crate::sign_in::throttle::{self, Reserved};
use crate::token::profile;
use doorward_model::context::Ctx;
use doorward_model::event::{Actor, Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, GroupId, SessionId, UserId};
use doorward_model::name::{EmailAddress, UserName};
use doorward_model::people::{Group, Holder, Realm, Source, User};
use doorward_model::secret::TokenHash;
use doorward_model::told::told;
use doorward_store::origins::{self, Keeping};
use doorward_store::store::Query;
use doorward_store::tx::Tx;
use doorward_store::{connectors, groups, shown, users};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The browser somebody comes back in.
pub struct Browser<'a> {
    /// Hash of the secret it is known by.
    pub hash: &'a TokenHash,
    /// Its description of itself.
    pub user_agent: &'a str,
    /// The session it had before; it ends.
    pub former: Option<SessionId>,
    /// "Keep me signed in".
    pub remember: bool,
    /// Places of an attempt with a password, which was no guess.
    pub reserved: Vec<Reserved>,
}

/// How it ended.
pub enum Outcome {
    /// Signed in.
    Opened(Box<Opened>),
    /// Not before they show that they are the user who is in their way: by its password, beside this text.
    Prove(String),
    /// Not, and why.
    Refused(Refusal),
}

/// Why somebody the provider vouches for does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The connector is disabled or gone, or was changed a moment ago.
    ConnectorDisabled,
    /// The user is disabled.
    UserDisabled,
    /// They are nobody here.
    Nobody(Why),
    /// The provider says more groups than anybody can be in.
    TooManyGroups,
    /// The provider has said since that they signed out.
    SignedOutThere,
    /// The provider's answer was taken once already.
    ShownBefore,
}

/// Why a provider proved nobody, as far as the record tells it; the log has the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproved {
    /// It refused.
    ProviderRefused,
    /// It vouches for somebody the connector does not let in.
    NotLetIn,
    /// It did not answer.
    Unreachable,
    /// Its answer proves nothing.
    NotProved,
}

/// Notes that somebody came back from a provider that proved nobody.
pub async fn unproved(
    door: &Door,
    ctx: &Ctx,
    (realm, connector): (&Realm, &Connector),
    why: Unproved,
) -> Result<(), Fault> {
    let words = match why {
        Unproved::ProviderRefused => "the provider refused",
        Unproved::NotLetIn => "the connector does not let this account of the provider in",
        Unproved::Unreachable => "the provider cannot be asked",
        Unproved::NotProved => "the provider's answer proves nobody",
    };
    note_refusal(door, ctx, (realm, connector), words).await
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectorDisabled => "the connector is disabled or was changed a moment ago",
            Self::UserDisabled => "the user is disabled",
            Self::Nobody(Why::Unknown) => "nobody here is linked, and the connector creates no users",
            Self::Nobody(Why::NoName) => "the provider tells no name that a user could have",
            Self::Nobody(Why::Taken) => "a user with the same name or e-mail address is there and not linked",
            Self::TooManyGroups => "the provider says more groups than anybody can be in",
            Self::SignedOutThere => "the provider has said since that the person signed out",
            Self::ShownBefore => "the provider's answer was taken once already",
        })
    }
}

/// Signs somebody in.
pub async fn sign_in(
    door: &Door,
    ctx: &Ctx,
    (realm, connector): (&Realm, &Connector),
    identity: &ExternalIdentity,
    browser: Browser<'_>,
) -> Result<Outcome, Fault> {
    let mapped = match identity.groups.as_deref().map(|said| map(&connector.settings.groups, said)) {
        Some(Err(_)) => return refuse(door, ctx, (realm, connector), Refusal::TooManyGroups).await,
        Some(Ok(mapped)) => Some(mapped),
        None => None,
    };
    let mut tx = door.begin().await?;
    // Held, so that changing or disabling the connector comes before this or sees the session that begins here.
    if !connectors::hold_active(&mut tx, &connector.id, connector.revision).await?
        || !identity.hold_proof(&mut tx).await?
    {
        drop(tx);
        return refuse(door, ctx, (realm, connector), Refusal::ConnectorDisabled).await;
    }
    for once in &identity.once {
        let at = once.at.as_ref().unwrap_or_else(|| identity.proved_at(&connector.id));
        if !shown::use_up(&mut tx, at, (&once.kind, &once.id), once.until).await? {
            drop(tx);
            return refuse(door, ctx, (realm, connector), Refusal::ShownBefore).await;
        }
    }
    let who = identity.outsider(&connector.id);
    // Whoever signed out there on the way comes in no more: what ends sessions there has seen none of ours yet.
    if is_over(ctx, &mut tx, (&connector.id, identity)).await? {
        drop(tx);
        return refuse(door, ctx, (realm, connector), Refusal::SignedOutThere).await;
    }
    let known = known(&mut tx, realm, connector, identity).await?;
    let by_address = known.same_email.iter().map(|one| (one.id.clone(), "the same e-mail address"));
    let by_name = known.taken_by.iter().map(|one| (one.id.clone(), "that name, or has it as address"));
    let in_the_way: BTreeMap<UserId, &str> = by_name.chain(by_address).collect();
    let user = match decide(&connector.settings.linking, identity, known) {
        Decision::Linked(id) => {
            users::hold(&mut tx, &id).await?;
            // Taken back a moment ago, perhaps.
            match connectors::seen(&mut tx, who, ctx.now).await? {
                true => match returned(&mut tx, connector, identity, &id).await? {
                    Some(user) => Some(with_address(&mut tx, (realm, connector), identity, user).await?),
                    None => None,
                },
                false => None,
            }
        }
        Decision::Link(id) => {
            users::hold(&mut tx, &id).await?;
            let user = users::find(&mut tx, &id).await?;
            match user {
                Some(user) if link(&mut tx, ctx, (connector, identity), &user).await? => Some(user),
                _ => None,
            }
        }
        Decision::Prove(user) => {
            // The answer was taken, whoever goes on with it.
            match identity.once.is_empty() {
                true => drop(tx),
                false => door.commit(ctx, tx).await?,
            }
            return match pending::begin(door, ctx, (connector, identity), (&user, browser.hash))? {
                Some(text) => Ok(Outcome::Prove(text)),
                None => refuse(door, ctx, (realm, connector), Refusal::Nobody(Why::Taken)).await,
            };
        }
        Decision::Create(name) => create(door, ctx, &mut tx, (connector, identity), name).await?,
        Decision::Refuse(why) => {
            if why == Why::Taken {
                tell_in_the_way(ctx, &mut tx, (connector, identity), &in_the_way).await?;
            }
            drop(tx);
            return refuse(door, ctx, (realm, connector), Refusal::Nobody(why)).await;
        }
    };
    // Gone or taken between looking and writing: to be tried again, not guessed.
    let Some(user) = user else {
        drop(tx);
        return refuse(door, ctx, (realm, connector), Refusal::Nobody(Why::Taken)).await;
    };
    if !user.is_active {
        drop(tx);
        return refuse(door, ctx, (realm, connector), Refusal::UserDisabled).await;
    }
    if let Some(mapped) = &mapped {
        put_groups(door, &mut tx, (realm, connector), &user, mapped).await?;
    }
    // In the order of every other way in: counters, then sessions.
    for reserved in &browser.reserved {
        throttle::succeeded(&mut tx, reserved).await?;
    }
    if let Some(former) = &browser.former {
        crate::sessions::end_in(&mut tx, former, "signed in again").await?;
    }
    let ctx = &Ctx { actor: Actor::User(user.id.clone()), ..ctx.clone() };
    let begin = Begin {
        remember: browser.remember,
        user_agent: browser.user_agent,
        connector: Some(connector.id.clone()),
        through: identity.through.as_ref().map(|through| through.connector.clone()),
        until: identity.session_until,
    };
    let opened = begin_session(door, ctx, &mut tx, user, begin).await?;
    rest_on(door, ctx, &mut tx, (connector, identity), &opened.kept.id).await?;
    door.commit(ctx, tx).await?;
    Ok(Outcome::Opened(Box::new(opened)))
}

/// A user who comes again; one who was shut out because the directory had them no more comes back with that.
async fn returned(
    tx: &mut Tx,
    connector: &Connector,
    identity: &ExternalIdentity,
    id: &UserId,
) -> Result<Option<User>, Fault> {
    let Some(user) = users::find(tx, id).await? else { return Ok(None) };
    // Only directories are read whole, so nobody of another provider is ever away.
    if connector.settings.kind.ldap().is_none() {
        return Ok(Some(user));
    }
    sync::back(tx, (&connector.id, identity.issuer.as_str()), (&identity.subject, &user)).await?;
    users::find(tx, id).await
}

/// Says in the log who has somebody's name or address already, for whoever is to link them.
async fn tell_in_the_way(
    ctx: &Ctx,
    tx: &mut Tx,
    (connector, identity): (&Connector, &ExternalIdentity),
    users: &BTreeMap<UserId, &str>,
) -> Result<(), Fault> {
    let (request, connector) = (ctx.request, &connector.name);
    let theirs = identity.name.as_deref().map_or_else(|| "somebody without a name".to_owned(), told);
    // Quoted for a shell. What cannot be shown as it is stands in a line of its own.
    let subject = match told(&identity.subject) == identity.subject {
        true => format!("'{}'", identity.subject.replace('\'', r"'\''")),
        false => "…".to_owned(),
    };
    for (id, why) in users {
        let Some(User { name, .. }) = users::find(tx, id).await? else { continue };
        tracing::info!(
            %request,
            "{theirs} is not let in, because user {name} has {why}: if they are one, `doorward connector link {connector} \
             {name} --subject {subject}`"
        );
    }
    Ok(())
}

/// Gives a user who has no address the one the provider has proved, if it is in nobody's way: the connector may have been
/// told only now that the provider's addresses are proved. An address that is there stays.
async fn with_address(
    tx: &mut Tx,
    (realm, connector): (&Realm, &Connector),
    identity: &ExternalIdentity,
    user: User,
) -> Result<User, Fault> {
    let proved = identity.email.as_ref().filter(|_| identity.email_verified && user.email.is_none());
    let Some(address) = proved else { return Ok(user) };
    let is_anybodys = !users::of_email(tx, &realm.id, address).await?.is_empty();
    let bearer = match UserName::parse(address.as_str()) {
        Ok(name) => users::find_by_name(tx, &realm.id, &name).await?,
        Err(_) => None,
    };
    if is_anybodys || bearer.is_some_and(|bearer| bearer.id != user.id) {
        return Ok(user);
    }
    let user = User { email: Some(address.clone()), ..user };
    manage::users::update(tx, &user).await?;
    prove_address(tx, connector, identity, &user).await?;
    Ok(user)
}

/// Notes that a user's address is proved, where the provider's word for it is the last. Another provider's word is no proof
/// here: with it somebody could wait for the one it belongs to.
async fn prove_address(
    tx: &mut Tx,
    connector: &Connector,
    identity: &ExternalIdentity,
    user: &User,
) -> Result<(), Fault> {
    if is_authoritative(&connector.settings.linking, identity) {
        let (mut known, _) = profile(tx, &user.id).await?;
        known.email_verified = true;
        users::set_profile(tx, &user.id, &known.to_text()?).await?;
    }
    Ok(())
}

/// Whether the provider has said since that what it vouched for is over.
pub(super) async fn is_over(
    ctx: &Ctx,
    tx: &mut Tx,
    (connector, identity): (&ConnectorId, &ExternalIdentity),
) -> Result<bool, Fault> {
    let who = (identity.session.as_deref(), identity.subject.as_str());
    origins::is_over(tx, connector, who, identity.vouched_at.unwrap_or(ctx.now)).await
}

/// Notes that a session rests on a provider's word, and what it gave beside.
pub(super) async fn rest_on(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (connector, identity): (&Connector, &ExternalIdentity),
    session: &SessionId,
) -> Result<(), Fault> {
    let refresh = connector.settings.kind.refresh();
    let refresh_at = refresh.map(|refresh| ctx.now.plus_seconds(i64::from(refresh.every_seconds)));
    let sealed = identity.kept.closed(door, session)?;
    let keeping = Keeping { sealed: sealed.as_deref(), refresh_at, vouched_at: ctx.now };
    origins::begun(tx, session, (identity.outsider(&connector.id), identity.session.as_deref()), keeping).await
}

/// What is known here of somebody outside.
pub(super) async fn known(
    query: &mut impl Query,
    realm: &Realm,
    connector: &Connector,
    identity: &ExternalIdentity,
) -> Result<Known, Fault> {
    let linked = connectors::linked(query, identity.outsider(&connector.id)).await?;
    if linked.is_some() {
        return Ok(Known { linked, ..Known::default() });
    }
    let name = identity.name.as_deref().and_then(|name| UserName::parse(name).ok());
    // People sign in with name or address, so one's name must not be another's address either.
    let name_as_address = name.as_ref().and_then(|name| EmailAddress::parse(name.as_str()).ok());
    let address_as_name = identity.email.as_ref().and_then(|email| UserName::parse(email.as_str()).ok());
    let mut taken_by = Vec::new();
    for name in name.iter().chain(&address_as_name) {
        if let Some(user) = users::find_by_name(query, &realm.id, name).await? {
            taken_by.push(present(query, connector, &user).await?);
        }
    }
    let mut same_email = None;
    for (address, is_theirs) in
        identity.email.iter().map(|a| (a, true)).chain(name_as_address.iter().map(|a| (a, false)))
    {
        let found = users::of_email(query, &realm.id, address).await?;
        match (found.as_slice(), is_theirs) {
            ([only], true) => same_email = Some(present(query, connector, only).await?),
            (several, _) => {
                // Two are enough to see that it is not one.
                for user in several.iter().take(2) {
                    taken_by.push(present(query, connector, user).await?);
                }
            }
        }
    }
    // A user may have their own address as name: that one is not in the way of being linked by it.
    Ok(Known { linked: None, same_email, taken_by })
}

async fn present(query: &mut impl Query, connector: &Connector, user: &User) -> Result<Present, Fault> {
    let (profile, _) = profile(query, &user.id).await?;
    let links = connectors::links(query, &user.id).await?;
    let has_password = users::password(query, &user.id).await?.is_some();
    let is_linked_here = links.iter().any(|link| link.connector == connector.id);
    Ok(Present {
        id: user.id.clone(),
        email_verified: profile.email_verified,
        is_linked: !links.is_empty(),
        can_prove: user.is_active && has_password && !is_linked_here,
    })
}

async fn create(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (connector, identity): (&Connector, &ExternalIdentity),
    name: UserName,
) -> Result<Option<User>, Fault> {
    let new = NewUser {
        name,
        display: identity.display.clone(),
        // Tools take what they are told for an address of the person's: an unproved one could be anybody's.
        email: identity.email.clone().filter(|_| identity.email_verified),
        password: None,
        is_active: true,
    };
    let Ok(user) = manage::users::create(door, ctx, tx, &connector.realm_id, new).await? else { return Ok(None) };
    prove_address(tx, connector, identity, &user).await?;
    Ok(link(tx, ctx, (connector, identity), &user).await?.then_some(user))
}

pub(super) async fn link(
    tx: &mut Tx,
    ctx: &Ctx,
    (connector, identity): (&Connector, &ExternalIdentity),
    user: &User,
) -> Result<bool, Fault> {
    if !connectors::link(tx, identity.outsider(&connector.id), &user.id, ctx.now).await? {
        return Ok(false);
    }
    let detail = format!("user {}, connector {}", user.name, connector.name);
    tx.record(Event::new(EventKind::UserLinked, Some(&user.realm_id), user.id.to_string(), detail));
    Ok(true)
}

/// Puts what the provider says now in place of what it said before. Other sources' memberships stay.
pub(crate) async fn put_groups(
    door: &Door,
    tx: &mut Tx,
    (realm, connector): (&Realm, &Connector),
    user: &User,
    mapped: &Mapped,
) -> Result<(), Fault> {
    let source = Source::Connector(connector.id.clone());
    let before: BTreeSet<String> = connectors::groups_said(tx, &user.id, &source).await?.into_iter().collect();
    let mut now = BTreeSet::new();
    for (name, is_named) in &mapped.groups {
        let group = match groups::find(tx, &realm.id, name).await? {
            Some(group) => group,
            None => match manage::groups::create(door, tx, &realm.id, name.clone()).await? {
                Ok(group) => group,
                // Another sign-in made it a moment ago; it counts from the next one on.
                Err(_) => continue,
            },
        };
        if !is_named && administers(door, tx, realm, &group).await? {
            continue;
        }
        if !before.contains(group.id.as_str()) {
            manage::groups::add_member(tx, &group, user, &source).await?;
        }
        now.insert(group.id.to_string());
    }
    for gone in before.difference(&now) {
        let id = GroupId::parse(gone).map_err(|error| Fault::corrupt("memberships", gone, error))?;
        if let Some(group) = groups::find_by_id(tx, &id).await? {
            manage::groups::remove_member(tx, &group, user, &source).await?;
        }
    }
    Ok(())
}

/// Whether members of a group may administer anything: such a group is filled by name only where a rule says so,
/// because whoever can make groups at the provider chooses their names.
pub async fn administers(door: &Door, query: &mut impl Query, realm: &Realm, group: &Group) -> Result<bool, Fault> {
    for id in groups::all_above(query, &group.id).await? {
        let asked = (Rights::default(), realm);
        if administration::outranks(door, query, asked, &Holder::Group(id)).await?.is_err() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn refuse(door: &Door, ctx: &Ctx, place: (&Realm, &Connector), why: Refusal) -> Result<Outcome, Fault> {
    note_refusal(door, ctx, place, &why.to_string()).await?;
    Ok(Outcome::Refused(why))
}

async fn note_refusal(
    door: &Door,
    ctx: &Ctx,
    (realm, connector): (&Realm, &Connector),
    words: &str,
) -> Result<(), Fault> {
    // Anybody can come back with a refusal, and each is a durable write. The log has every one.
    if !door.live.refusals.may_record_other(ctx.now) {
        return Ok(());
    }
    let mut tx = door.begin().await?;
    // Nothing that came from outside stands in the record.
    let detail = format!("connector {}: {words}", connector.name);
    tx.record(Event::new(EventKind::SignInRefused, Some(&realm.id), String::new(), detail));
    door.commit(ctx, tx).await
}
