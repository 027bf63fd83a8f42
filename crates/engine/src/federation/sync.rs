//! Everybody a directory has, taken over at once: new people get users, groups are put in place of what was said before,
//! and who is not there any more is shut out. People come page by page, each is one transaction; who is gone is known only
//! at the end, and when that would be many, nothing is done unless somebody says so.

use crate::administration::{self, Rights};
use crate::door::Door;
use crate::federation::groups::map;
use crate::federation::linking::{Decision, decide};
use crate::federation::sign_in::known;
use crate::federation::{Connector, ExternalIdentity};
use crate::limits;
use crate::manage;
use crate::sessions;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{GroupId, UserId};
use doorward_model::name::{DisplayText, EmailAddress, GroupName, UserName};
use doorward_model::people::{Holder, Realm, Source, User};
use doorward_store::sync::Linked;
use doorward_store::tx::Tx;
use doorward_store::{connectors, grants, groups, jobs, realms, sync, users};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher as _;

/// Somebody as the directory has them now.
#[derive(Debug)]
pub struct Present {
    /// What it says of them.
    pub identity: ExternalIdentity,
    /// Whether it lets them in nowhere: as if they were not there.
    pub is_barred: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// People the directory has, those it lets in nowhere included.
    pub read: usize,
    /// New users.
    pub created: usize,
    /// Users who were there and are linked from now on.
    pub linked: usize,
    /// Users who are there again.
    pub back: usize,
    /// Users whose groups changed.
    pub regrouped: usize,
    /// People who are nobody here, because a user is in their way or they have no name a user could have.
    pub passed_over: usize,
    /// Users who were shut out because the directory has them no more.
    pub removed: usize,
    /// Users who would have been.
    pub held_back: usize,
}

/// A user and the groups the directory says.
struct Wanted {
    user: UserId,
    /// Nothing is known of them yet.
    is_new: bool,
    groups: BTreeSet<GroupId>,
}

/// One reading of a whole directory.
pub struct Reading<'a> {
    realm: &'a Realm,
    connector: &'a Connector,
    source: Source,
    /// Marks of the subjects seen, under keys of this reading's own: 16 bytes each, whatever a subject is.
    seen: HashSet<u128>,
    keys: (RandomState, RandomState),
    /// Groups by name, and whether a rule has to name them.
    groups: HashMap<GroupName, (GroupId, bool)>,
    report: Report,
    /// How many people of it were here before.
    before: i64,
}

impl<'a> Reading<'a> {
    /// Begins one.
    pub async fn begin(door: &Door, (realm, connector): (&'a Realm, &'a Connector)) -> Result<Self, Fault> {
        Ok(Self {
            realm,
            connector,
            source: Source::Connector(connector.id.clone()),
            seen: HashSet::new(),
            keys: (RandomState::new(), RandomState::new()),
            groups: HashMap::new(),
            report: Report::default(),
            before: sync::count_here(&mut &door.store, &connector.id).await?,
        })
    }

    /// What came of it so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn place(&self) -> sync::Place<'a> {
        (&self.connector.id, self.connector.settings.kind.issuer())
    }

    fn mark(&self, subject: &str) -> u128 {
        let half = |state: &RandomState| u128::from(state.hash_one(subject));
        (half(&self.keys.0) << 64) | half(&self.keys.1)
    }

    /// Takes a page of people over.
    ///
    /// # Errors
    /// A conflict when the connector was changed or a name taken at the same moment: nothing of the page is done, and
    /// another reading finds it so.
    pub async fn page(&mut self, door: &Door, ctx: &Ctx, people: &[Present]) -> Result<(), Fault> {
        self.report.read += people.len();
        let mut here: Vec<(&ExternalIdentity, BTreeSet<GroupName>, BTreeSet<GroupName>)> = Vec::new();
        for person in people.iter().filter(|person| !person.is_barred) {
            let mark = self.mark(&person.identity.subject);
            if !self.seen.insert(mark) {
                continue;
            }
            let said = person.identity.groups.as_deref().unwrap_or_default();
            // Somebody in too many groups is refused at the door as well; the groups they had are not touched.
            let Ok(mapped) = map(&self.connector.settings.groups, said) else {
                self.report.passed_over += 1;
                continue;
            };
            let named = mapped.groups.iter().filter(|(_, is_named)| **is_named).map(|(name, _)| name.clone()).collect();
            here.push((&person.identity, mapped.groups.into_keys().collect(), named));
        }
        let mut tx = door.begin().await?;
        if !connectors::hold_active(&mut tx, &self.connector.id, self.connector.revision).await? {
            return Err(Fault::new(
                FaultKind::Conflict,
                "reading a directory",
                "its connector was disabled or changed",
            ));
        }
        let subjects: Vec<&str> = here.iter().map(|(identity, ..)| identity.subject.as_str()).collect();
        let linked = sync::linked(&mut tx, self.place(), &subjects).await?;
        let linked: HashMap<String, Linked> = linked.into_iter().map(|one| (one.subject.clone(), one)).collect();
        let new: Vec<&ExternalIdentity> =
            here.iter().map(|(identity, ..)| *identity).filter(|one| !linked.contains_key(&one.subject)).collect();
        let made = self.welcome(door, ctx, &mut tx, &new).await?;
        self.call_back(&mut tx, linked.values()).await?;
        let mut wanted = Vec::new();
        for (identity, names, named) in &here {
            let user = match (linked.get(&identity.subject), made.get(identity.subject.as_str())) {
                (Some(linked), _) => (linked.user.id.clone(), false),
                (None, Some(user)) => (user.clone(), true),
                (None, None) => continue,
            };
            if identity.groups.is_some() {
                let (user, is_new) = user;
                wanted.push(Wanted { user, is_new, groups: self.ids(door, &mut tx, names, named).await? });
            }
        }
        self.put_groups(&mut tx, &wanted).await?;
        door.commit(ctx, tx).await
    }

    /// Those nobody here knows yet: their users, new ones and those they are from now on.
    async fn welcome<'p>(
        &mut self,
        door: &Door,
        ctx: &Ctx,
        tx: &mut Tx,
        new: &[&'p ExternalIdentity],
    ) -> Result<HashMap<&'p str, UserId>, Fault> {
        let mut made = HashMap::new();
        let taken = self.taken(tx, new).await?;
        let mut users_new: Vec<User> = Vec::new();
        let mut subjects: Vec<&str> = Vec::new();
        let mut names = HashSet::new();
        for identity in new {
            let name = identity.name.as_deref().and_then(|name| UserName::parse(name).ok());
            let is_free =
                name.as_ref().is_some_and(|name| !in_the_way(identity, name).any(|text| taken.contains(&text)));
            match name {
                Some(name) if is_free && self.connector.settings.linking.create && names.insert(name.clone()) => {
                    users_new.push(self.user(door, ctx, identity, name)?);
                    subjects.push(&identity.subject);
                }
                // Looked at one by one, by the rules of a sign-in.
                _ => match self.decide(ctx, tx, identity).await? {
                    Some(user) => drop(made.insert(identity.subject.as_str(), user)),
                    None => self.report.passed_over += 1,
                },
            }
        }
        let count = sync::add_users(tx, &users_new).await?;
        let links: Vec<(&str, &UserId)> = subjects.iter().copied().zip(users_new.iter().map(|user| &user.id)).collect();
        let linked = sync::add_links(tx, self.place(), (&links, ctx.now)).await?;
        if count != links.len() as u64 || linked != count {
            return Err(Fault::new(FaultKind::Conflict, "reading a directory", "somebody came at the same moment"));
        }
        for (user, subject) in users_new.into_iter().zip(subjects) {
            let detail = format!("user {}, connector {}", user.name, self.connector.name);
            tx.record(Event::new(EventKind::UserCreated, Some(&self.realm.id), user.id.to_string(), detail));
            made.insert(subject, user.id);
            self.report.created += 1;
        }
        Ok(made)
    }

    fn user(&self, door: &Door, ctx: &Ctx, identity: &ExternalIdentity, name: UserName) -> Result<User, Fault> {
        let fallback = DisplayText::parse(name.as_str())
            .map_err(|error| Fault::internal(format!("showing a user name: {error}")))?;
        Ok(User {
            id: UserId::draw(&*door.dice),
            realm_id: self.realm.id.clone(),
            name,
            email: identity.email.clone().filter(|_| identity.email_verified),
            display: identity.display.clone().unwrap_or(fallback),
            is_active: true,
            created_at: ctx.now,
        })
    }

    /// Names and addresses that users have, among those these people would have.
    async fn taken(&self, tx: &mut Tx, new: &[&ExternalIdentity]) -> Result<HashSet<String>, Fault> {
        let mut all = Vec::new();
        for identity in new {
            if let Some(name) = identity.name.as_deref().and_then(|name| UserName::parse(name).ok()) {
                all.extend(in_the_way(identity, &name));
            }
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut taken: HashSet<String> = sync::names(tx, &self.realm.id, &all).await?.into_iter().collect();
        let addresses: Vec<&str> = all.into_iter().filter(|text| text.contains('@')).collect();
        taken.extend(sync::addresses(tx, &self.realm.id, &addresses).await?);
        Ok(taken)
    }

    /// Somebody who may be a user that is there: linked if the rules say so.
    async fn decide(&mut self, ctx: &Ctx, tx: &mut Tx, identity: &ExternalIdentity) -> Result<Option<UserId>, Fault> {
        let known = known(tx, self.realm, self.connector, identity).await?;
        let Decision::Link(id) = decide(&self.connector.settings.linking, identity, known) else { return Ok(None) };
        users::hold(tx, &id).await?;
        let Some(user) = users::find(tx, &id).await? else { return Ok(None) };
        if !connectors::link(tx, identity.outsider(&self.connector.id), &id, ctx.now).await? {
            return Ok(None);
        }
        let detail = format!("user {}, connector {}", user.name, self.connector.name);
        tx.record(Event::new(EventKind::UserLinked, Some(&self.realm.id), id.to_string(), detail));
        self.report.linked += 1;
        Ok(Some(id))
    }

    /// Those who were away and are there again.
    async fn call_back(&mut self, tx: &mut Tx, linked: impl Iterator<Item = &Linked>) -> Result<(), Fault> {
        for one in linked.filter(|one| one.is_away) {
            back(tx, self.place(), (&one.subject, &one.user)).await?;
            self.report.back += 1;
        }
        Ok(())
    }

    /// The groups of these names, made when missing; without those that administer, unless a rule names them.
    async fn ids(
        &mut self,
        door: &Door,
        tx: &mut Tx,
        names: &BTreeSet<GroupName>,
        named: &BTreeSet<GroupName>,
    ) -> Result<BTreeSet<GroupId>, Fault> {
        let mut ids = BTreeSet::new();
        for name in names {
            if !self.groups.contains_key(name) {
                let found = match groups::find(tx, &self.realm.id, name).await? {
                    Some(group) => group,
                    None => match manage::groups::create(door, tx, &self.realm.id, name.clone()).await? {
                        Ok(group) => group,
                        Err(_) => continue,
                    },
                };
                let mut administers = false;
                for id in groups::all_above(tx, &found.id).await? {
                    let asked = (Rights::default(), self.realm);
                    administers |= administration::outranks(door, tx, asked, &Holder::Group(id)).await?.is_err();
                }
                self.groups.insert(name.clone(), (found.id, administers));
            }
            if let Some((id, administers)) = self.groups.get(name)
                && (!administers || named.contains(name))
            {
                ids.insert(id.clone());
            }
        }
        Ok(ids)
    }

    /// Puts what the directory says now in place of what it said before.
    async fn put_groups(&mut self, tx: &mut Tx, wanted: &[Wanted]) -> Result<(), Fault> {
        let known: Vec<&str> = wanted.iter().filter(|one| !one.is_new).map(|one| one.user.as_str()).collect();
        let mut said: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (user, group) in sync::said(tx, &self.source, &known).await? {
            said.entry(user).or_default().insert(group);
        }
        let mut added = Vec::new();
        let mut changed = Vec::new();
        for one in wanted {
            let before = said.remove(one.user.as_str()).unwrap_or_default();
            let count = added.len();
            let new = one.groups.iter().filter(|group| !before.contains(group.as_str()));
            added.extend(new.map(|group| (group, &one.user)));
            let is_gone = |group: &&String| !one.groups.iter().any(|now| now.as_str() == group.as_str());
            let gone: Vec<&String> = before.iter().filter(is_gone).collect();
            for group in &gone {
                let id = GroupId::parse(group).map_err(|error| Fault::corrupt("memberships", group, error))?;
                groups::remove_member(tx, &id, &one.user, &self.source).await?;
            }
            if !one.is_new && (added.len() > count || !gone.is_empty()) {
                changed.push(&one.user);
            }
        }
        sync::add_members(tx, &self.source, &added).await?;
        for user in &changed {
            let detail = format!("connector {}: groups as the directory has them", self.connector.name);
            tx.record(Event::new(EventKind::UserChanged, Some(&self.realm.id), user.to_string(), detail));
        }
        self.report.regrouped += changed.len();
        if changed.len() > limits::CHANGES_AT_ONCE {
            tx.changed(Change::Groups(self.realm.id.clone()));
        } else {
            changed.into_iter().for_each(|user| tx.changed(Change::User(user.clone())));
        }
        Ok(())
    }

    /// Everybody was read: shuts those out who are not there any more, unless they are more than `brake` percent of those
    /// who were.
    pub async fn finish(mut self, door: &Door, ctx: &Ctx, brake: Option<i64>) -> Result<Report, Fault> {
        let gone = self.gone(door).await?;
        let count = i64::try_from(gone.len()).unwrap_or(i64::MAX);
        let is_much = |percent: i64| {
            count > limits::REMOVED_ALWAYS && count.saturating_mul(100) > self.before.saturating_mul(percent)
        };
        if brake.is_some_and(is_much) {
            self.report.held_back = gone.len();
            return Ok(self.report);
        }
        for some in gone.chunks(limits::CHANGES_AT_ONCE) {
            let mut tx = door.begin().await?;
            if !connectors::hold_active(&mut tx, &self.connector.id, self.connector.revision).await? {
                let what = "its connector was disabled or changed";
                return Err(Fault::new(FaultKind::Conflict, "reading a directory", what));
            }
            for (subject, user) in some {
                self.report.removed += usize::from(self.shut_out(ctx, &mut tx, (subject, user)).await?);
            }
            door.commit(ctx, tx).await?;
        }
        Ok(self.report)
    }

    async fn gone(&self, door: &Door) -> Result<Vec<(String, UserId)>, Fault> {
        let mut gone = Vec::new();
        let mut after = String::new();
        loop {
            let page = sync::here(&mut &door.store, self.place(), (&after, limits::LINKS_READ)).await?;
            let Some((last, _)) = page.last() else { return Ok(gone) };
            after = last.clone();
            gone.extend(page.into_iter().filter(|(subject, _)| !self.seen.contains(&self.mark(subject))));
        }
    }

    /// Ends what rests on the directory's word; a user nobody else vouches for, and without a password, is disabled.
    async fn shut_out(&self, ctx: &Ctx, tx: &mut Tx, (subject, id): (&str, &UserId)) -> Result<bool, Fault> {
        users::hold(tx, id).await?;
        let Some(user) = users::find(tx, id).await? else { return Ok(false) };
        let who = self.connector.outsider(subject);
        for session in connectors::begun_by(tx, who).await? {
            sessions::end_in(tx, &session, "the directory has its user no more").await?;
        }
        grants::end_offline_begun_at(tx, id, &self.connector.id).await?;
        connectors::forget_groups(tx, id, &self.source).await?;
        tx.changed(Change::User(id.clone()));
        let is_only = connectors::links(tx, id).await?.len() < 2 && users::password(tx, id).await?.is_none();
        if is_only && user.is_active {
            manage::users::disable(tx, &user).await?;
        }
        let is_noted = sync::set_away(tx, self.place(), subject, ctx.now).await?;
        let detail = format!("connector {}: {} is not in the directory any more", self.connector.name, user.name);
        tx.record(Event::new(EventKind::UserChanged, Some(&self.realm.id), id.to_string(), detail));
        Ok(is_noted)
    }
}

/// The connectors whose directories are to be read now; whoever is told reads them, and no other node does until the next
/// time has come.
pub async fn due(door: &Door, ctx: &Ctx) -> Result<Vec<(Realm, Connector)>, Fault> {
    let mut due = Vec::new();
    for realm in realms::list(&mut &door.store, limits::REALMS_READ).await? {
        for connector in super::active(door, &realm.id).await? {
            let minutes = connector.settings.kind.ldap().map_or(0, |ldap| ldap.read_minutes);
            if minutes == 0 {
                continue;
            }
            let name = format!("read {}", connector.id);
            if jobs::next(&mut &door.store, &name).await?.is_some_and(|next| next > ctx.now) {
                continue;
            }
            let mut tx = door.begin().await?;
            jobs::plan(&mut tx, &name, ctx.now).await?;
            let next = ctx.now.plus_seconds(i64::from(minutes) * 60);
            let is_ours = jobs::claim(&mut tx, &name, (ctx.now, next)).await?;
            door.commit(ctx, tx).await?;
            if is_ours {
                due.push((realm.clone(), connector));
            }
        }
    }
    Ok(due)
}

/// Somebody is there again: a user who was disabled because they were away is not disabled any more.
pub(crate) async fn back(tx: &mut Tx, place: sync::Place<'_>, (subject, user): (&str, &User)) -> Result<bool, Fault> {
    users::hold(tx, &user.id).await?;
    if !sync::come_back(tx, place, subject).await? {
        return Ok(false);
    }
    if !user.is_active {
        manage::users::enable(tx, user).await?;
    }
    Ok(true)
}

/// What nobody else may have: the name, as an address too, and the address, as a name too.
fn in_the_way(identity: &ExternalIdentity, name: &UserName) -> impl Iterator<Item = String> {
    let email = identity.email.as_ref().map(EmailAddress::as_str).map(str::to_owned);
    std::iter::once(name.as_str().to_owned()).chain(email)
}
