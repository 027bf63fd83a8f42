//! Connectors: created, changed, disabled and deleted. Whatever shuts one ends the sessions that began at it.

use crate::door::Door;
use crate::federation::Connector;
use crate::federation::linking::links_by;
use crate::federation::settings::ConnectorSettings;
use crate::limits;
use crate::manage::Refused;
use crate::manage::own_keys;
use crate::manage::what_changed::what_changed;
use crate::sessions;
use crate::token::{Profile, profile};
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, RealmId};
use doorward_model::name::ConnectorName;
use doorward_model::people::{Source, User};
use doorward_model::ways::ACCOUNTS;
use doorward_store::connectors::Outsider;
use doorward_store::tx::Tx;
use doorward_store::{connectors, grants, realms, users};
use serde::Serialize;
use std::fmt;
use zeroize::Zeroizing;

/// What connectors' secrets are sealed for.
pub(crate) const PURPOSE: &str = "connector secret";

/// What goes when a connector is changed or shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Ends {
    /// Sessions that began at it.
    pub sessions: usize,
    /// Links that are forgotten.
    pub links: i64,
    /// Links that do not count from then on, because they are another issuer's. They count again when that one comes back.
    pub idle: i64,
    /// Whether the secret that was sealed for it is forgotten.
    pub secret: bool,
}

impl Ends {
    /// Whether everything goes on.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let links = |count: i64| counted(usize::try_from(count).unwrap_or_default(), "link");
        let forgotten = [links(self.links), self.secret.then(|| "the sealed secret".to_owned())];
        let forgotten = forgotten.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        let ended = counted(self.sessions, "session").map(|sessions| format!("ends {sessions}"));
        let idle = links(self.idle).map(|links| format!("leaves {links} to the issuer that was"));
        let forgotten = (!forgotten.is_empty()).then(|| format!("forgets {forgotten}"));
        f.write_str(&ended.into_iter().chain(idle).chain(forgotten).collect::<Vec<_>>().join(", "))
    }
}

/// Creates a connector, active from now on. A secret given here is sealed.
pub async fn create(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (realm, name): (&RealmId, ConnectorName),
    settings: ConnectorSettings,
    secret: Option<Zeroizing<String>>,
) -> Result<Result<Connector, Refused>, Fault> {
    if name.as_str() == ACCOUNTS {
        let what = format!("the name {ACCOUNTS} stands for accounts kept here: choose another one");
        return Ok(Err(Refused::because(what)));
    }
    if let Err(what) = settings.check() {
        return Ok(Err(Refused::because(format!("connector {name}: {what}"))));
    }
    if let Err(what) = check_beside_others(tx, realm, &name, &settings).await? {
        return Ok(Err(Refused::because(format!("connector {name}: {what}"))));
    }
    if connectors::of_realm(tx, realm).await?.len() >= limits::CONNECTORS {
        return Ok(Err(Refused::because(format!(
            "a realm has at most {} connectors: remove one first",
            limits::CONNECTORS
        ))));
    }
    let id = ConnectorId::draw(&*door.dice);
    // What a SAML provider knows of us is a key of our own.
    let secret = match settings.kind.saml() {
        Some(saml) => Some(own_keys::made((door, ctx), &saml.own_keys()).await?),
        None => secret,
    };
    let sealed = match secret {
        Some(secret) => Some(door.keys.seal(PURPOSE, secret.as_bytes(), &*door.dice)?),
        None => None,
    };
    let connector = Connector { id, realm_id: realm.clone(), name, settings, sealed, is_active: true, revision: 0 };
    if !connectors::create(tx, &connector.row()?, ctx.now).await? {
        return Ok(Err(Refused::taken("connector", connector.name.as_str())));
    }
    let mut connector = connector;
    if let Some(sealed) = &connector.sealed {
        connectors::set_secret(tx, &connector.id, sealed).await?;
        connector.revision += 1;
    }
    note(tx, EventKind::ConnectorCreated, &connector, "");
    Ok(Ok(connector))
}

/// Changes a connector's settings. When its word is another one from now on, the sessions that began at it end and what
/// it said of groups is forgotten, until people come again; tells what went.
pub async fn update(
    (door, ctx): (&Door, &Ctx),
    tx: &mut Tx,
    connector: &Connector,
    settings: ConnectorSettings,
) -> Result<Result<Ends, Refused>, Fault> {
    let refuse = |what: &str| Ok(Err(Refused::because(format!("connector {}: {what}", connector.name))));
    if let Err(what) = settings.check() {
        return refuse(&what);
    }
    if settings.kind.as_str() != connector.settings.kind.as_str() {
        return refuse("it cannot become one of another kind: add a new one, and remove this one");
    }
    if let Err(what) = check_beside_others(tx, &connector.realm_id, &connector.name, &settings).await? {
        return refuse(&what);
    }
    // Whoever has somebody's former name under the new meaning would become them.
    if settings.kind.subjects() != connector.settings.kind.subjects()
        && connectors::count_links(tx, &connector.id).await? > 0
    {
        return refuse(
            "people are linked by what the provider calls them, and that would be something else: add a new connector, and remove this one",
        );
    }
    let is_other_issuer = settings.kind.issuer() != connector.settings.kind.issuer();
    let is_same_word =
        settings.groups == connector.settings.groups && settings.kind.essence() == connector.settings.kind.essence();
    let changed = Connector { settings, ..connector.clone() };
    if own_keys::are_all_that_differs(&connector.settings, &changed.settings) {
        connectors::hold(tx, &connector.id).await?;
        return own_keys::settle((door, ctx), tx, (connector, &changed)).await.map(|()| Ok(Ends::default()));
    }
    // Held by this very statement, as by whoever signs in.
    connectors::set_settings(tx, &changed.row()?).await?;
    own_keys::settle((door, ctx), tx, (connector, &changed)).await?;
    // The secret was the former provider's to know.
    let secret = is_other_issuer && connector.sealed.is_some() && connector.settings.kind.saml().is_none();
    if secret {
        connectors::drop_secret(tx, &connector.id).await?;
    }
    let maps = ["group_rules.map", "oidc.parameters", "oauth2.parameters", "saml.attributes"];
    let what = what_changed(&connector.settings, &changed.settings, &maps);
    note(tx, EventKind::ConnectorChanged, connector, &format!("changed: {what}"));
    if is_same_word {
        return Ok(Ok(Ends { secret, ..Ends::default() }));
    }
    let idle = match is_other_issuer {
        true => connectors::count_links_at(tx, &connector.id, connector.settings.kind.issuer()).await?,
        false => 0,
    };
    let sessions = end_sessions(tx, connector, "its connector was changed").await?;
    connectors::forget_memberships(tx, &connector.id).await?;
    tx.changed(Change::Groups(connector.realm_id.clone()));
    Ok(Ok(Ends { sessions, idle, secret, ..Ends::default() }))
}

/// Keeps a connector's secret, sealed, in place of the one before.
pub async fn seal(door: &Door, tx: &mut Tx, connector: &Connector, secret: &str) -> Result<(), Fault> {
    let sealed = door.keys.seal(PURPOSE, secret.as_bytes(), &*door.dice)?;
    connectors::set_secret(tx, &connector.id, &sealed).await?;
    note(tx, EventKind::ConnectorChanged, connector, "secret changed");
    Ok(())
}

/// Disables or enables a connector; disabling ends the sessions that began at it, and tells how many.
pub async fn set_active(tx: &mut Tx, connector: &Connector, is_active: bool) -> Result<usize, Fault> {
    connectors::set_active(tx, &connector.id, is_active).await?;
    note(tx, EventKind::ConnectorChanged, connector, if is_active { "enabled" } else { "disabled" });
    if is_active { Ok(0) } else { end_sessions(tx, connector, "its connector was disabled").await }
}

/// Deletes a connector with its links and every membership it said, and tells what went. Users stay.
pub async fn delete(tx: &mut Tx, connector: &Connector) -> Result<Ends, Fault> {
    // Before anything is read: whoever is signing in holds the row, and is seen, or finds nothing behind it.
    connectors::hold(tx, &connector.id).await?;
    let sessions = end_sessions(tx, connector, "its connector was deleted").await?;
    let links = connectors::count_links(tx, &connector.id).await?;
    connectors::delete(tx, &connector.id).await?;
    // Everybody's groups may be others now.
    tx.changed(Change::Groups(connector.realm_id.clone()));
    note(tx, EventKind::ConnectorDeleted, connector, "");
    Ok(Ends { sessions, links, ..Ends::default() })
}

/// Says which user somebody at the provider is; `false` when they are linked already.
pub async fn link(
    tx: &mut Tx,
    ctx: &Ctx,
    (connector, subject): (&Connector, &str),
    user: &User,
) -> Result<Result<bool, Refused>, Fault> {
    if subject.trim().is_empty() || subject.len() > limits::SUBJECT_BYTES || subject.chars().any(char::is_control) {
        let most = limits::SUBJECT_BYTES;
        return Ok(Err(Refused::because(format!("a subject has 1 to {most} bytes and no control characters"))));
    }
    connectors::hold(tx, &connector.id).await?;
    users::hold(tx, &user.id).await?;
    let who = connector.outsider(subject);
    let linked = match connector.settings.kind.ldap() {
        // Reading a directory counts as seeing everybody who is there.
        Some(_) => connectors::link(tx, who, &user.id, ctx.now).await?,
        None => connectors::link_unseen(tx, who, &user.id, ctx.now).await?,
    };
    if linked {
        let detail = format!("user {}, connector {}", user.name, connector.name);
        tx.record(Event::new(EventKind::UserLinked, Some(&user.realm_id), user.id.to_string(), detail));
    }
    Ok(Ok(linked))
}

/// What went with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlinked {
    /// Sessions that rested on it.
    pub sessions: usize,
    /// Whether the user's address counts as proved no more, because it would have linked them again at once.
    pub is_address_unproved: bool,
}

/// Takes such a link back with what the connector said of the user's groups, and ends the sessions that rest on it.
/// `None` when there is no such link. The issuer may be one the connector had before.
pub async fn unlink(
    tx: &mut Tx,
    connector: &Connector,
    (issuer, subject): (&str, &str),
) -> Result<Option<Unlinked>, Fault> {
    let who = Outsider { connector: &connector.id, issuer, subject };
    connectors::hold(tx, &connector.id).await?;
    let Some(user) = connectors::linked(tx, who).await? else { return Ok(None) };
    users::hold(tx, &user).await?;
    if !connectors::unlink(tx, who).await? {
        return Ok(None);
    }
    let begun = connectors::begun_by(tx, who).await?;
    for session in &begun {
        sessions::end_in(tx, session, "its link was taken back").await?;
    }
    grants::end_offline_of_user(tx, &user).await?;
    // Else the address would link them again at once. Where it would not, the connector has not proved it, and somebody's
    // word for it stays.
    let address = users::find(tx, &user).await?.and_then(|found| found.email);
    let (known, _) = profile(tx, &user).await?;
    let is_address_unproved =
        known.email_verified && address.is_some_and(|address| links_by(&connector.settings.linking, &address));
    if is_address_unproved {
        users::set_profile(tx, &user, &Profile { email_verified: false, ..known }.to_text()?).await?;
    }
    tx.changed(Change::User(user.clone()));
    connectors::forget_groups(tx, &user, &Source::Connector(connector.id.clone())).await?;
    let detail = format!("connector {}", connector.name);
    tx.record(Event::new(EventKind::UserUnlinked, Some(&connector.realm_id), user.to_string(), detail));
    Ok(Some(Unlinked { sessions: begun.len(), is_address_unproved }))
}

async fn check_beside_others(
    tx: &mut Tx,
    realm: &RealmId,
    name: &ConnectorName,
    settings: &ConnectorSettings,
) -> Result<Result<(), String>, Fault> {
    if let Some(directory) = settings.kind.kerberos().and_then(|kerberos| kerberos.directory.as_ref()) {
        let there = connectors::find(tx, realm, directory).await?.map(Connector::read).transpose()?;
        if there.is_none_or(|there| there.settings.kind.ldap().is_none()) {
            return Ok(Err(format!(
                "its directory {directory} is no connector to a directory: add that one first, with `doorward connector \
                 add ad` or `ldap`"
            )));
        }
    }
    for row in connectors::of_realm(tx, realm).await?.into_iter().filter(|row| row.name != *name) {
        let other = Connector::read(row)?;
        if let Err(what) = settings.check_beside((&other.name, &other.settings)) {
            return Ok(Err(what));
        }
    }
    let Some(path) = settings.kind.oidc().and_then(|oidc| oidc.callback_path.as_ref()) else { return Ok(Ok(())) };
    // One place for two providers: one of them could pass the other's answers off as its own (RFC 9700 §4.4).
    for other in realms::list(tx, i64::MAX).await? {
        for row in connectors::of_realm(tx, &other.id).await? {
            let other = Connector::read(row)?;
            let is_same = other.realm_id == *realm && other.name == *name;
            let theirs = other.settings.kind.oidc().and_then(|oidc| oidc.callback_path.as_ref());
            if !is_same && theirs == Some(path) {
                return Ok(Err(format!("connector {} has the callback path {path} already", other.name)));
            }
        }
    }
    Ok(Ok(()))
}

async fn end_sessions(tx: &mut Tx, connector: &Connector, why: &str) -> Result<usize, Fault> {
    let mut begun = connectors::begun_at(tx, &connector.id).await?;
    // Those too whom it proved, of whom a directory says who they are.
    begun.extend(doorward_store::sessions::begun_through(tx, &connector.id).await?);
    for session in &begun {
        sessions::end_in(tx, session, why).await?;
    }
    // Offline tokens outlive sessions, but not the word they rest on.
    grants::end_offline_of_connector(tx, &connector.id).await?;
    grants::end_offline_through(tx, &connector.id).await?;
    Ok(begun.len())
}

/// Records what happened to a connector, and has it read anew everywhere.
pub(super) fn note(tx: &mut Tx, kind: EventKind, connector: &Connector, what: &str) {
    let detail = format!("connector {} {what}", connector.name);
    // The sign-in page shows connectors from memory.
    tx.changed(Change::Realm(connector.realm_id.clone()));
    tx.record(Event::new(kind, Some(&connector.realm_id), connector.id.to_string(), detail.trim_end()));
}
