//! Everybody a directory has, taken over at once: new people get users, groups are put in place of what was said before,
//! and who is not there any more is shut out. People come page by page, each is one transaction; who is gone is known only
//! at the end, and when that would be many, nothing is done unless somebody says so.

mod arrivals;
mod changes;
mod leaving;
mod members;
mod when;

pub(crate) use leaving::back;
pub use when::due;

use crate::door::Door;
use crate::federation::groups::map;
use crate::federation::{Connector, ExternalIdentity};
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{GroupId, UserId};
use doorward_model::name::GroupName;
use doorward_model::people::{Realm, Source};
use doorward_model::time::Timestamp;
use doorward_store::sync::Linked;
use doorward_store::tx::Tx;
use doorward_store::{connectors, sync};
use members::Wanted;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasher as _;

/// Whether somebody the directory has may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They may.
    Free,
    /// Not right now: a locked account, a password to be changed. No user is made for them; one who is there goes on, for
    /// wrong passwords that anybody can type must not end what somebody does.
    Waiting,
    /// Not any more: as if they were not there.
    Out,
    /// It cannot be read, so everything stays: no user is made, one who is there goes on, and one who was shut out stays so.
    Unread,
}

/// Somebody as the directory has them now.
#[derive(Debug)]
pub struct Present {
    /// What it says of them.
    pub identity: ExternalIdentity,
    /// Whether they may come in.
    pub standing: Standing,
}

/// People who were read together.
#[derive(Debug, Default)]
pub struct Page {
    /// Who they are.
    pub people: Vec<Present>,
    /// Entries nothing says for ever who they are: while there are any, nobody is known to be gone.
    pub nameless: usize,
}

/// Who is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Run {
    /// Everybody: who is not there is gone.
    #[default]
    Whole,
    /// Those who changed: who is not among them is as they were.
    Changes,
}

impl Run {
    /// Its name in commands and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Changes => "changes",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Who was read.
    pub run: Run,
    /// Why everybody was, when those who changed were to be.
    pub whole_because: Option<&'static str>,
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
    /// Entries without the value by which people are told apart.
    pub nameless: usize,
    /// People of whom it cannot be read whether they may come in.
    pub unread: usize,
    /// Users who were shut out because the directory has them no more, or lets them in nowhere any more.
    pub removed: usize,
    /// Users who would have been.
    pub held_back: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, created, linked, back, regrouped, passed_over, removed, .. } = self;
        f.write_str(match self.run {
            Run::Whole => "everybody, ",
            Run::Changes => "what changed, ",
        })?;
        write!(
            f,
            "{read} people, {created} new, {linked} linked, {back} back, {regrouped} in other groups, \
             {passed_over} passed over, {removed} gone"
        )?;
        if self.unread > 0 {
            write!(f, ", {} whose userAccountControl cannot be read", self.unread)?;
        }
        if self.held_back > 0 { write!(f, ", {} would be gone and are not", self.held_back) } else { Ok(()) }
    }
}

/// One reading of a directory.
pub struct Reading<'a> {
    realm: &'a Realm,
    connector: &'a Connector,
    source: Source,
    /// Who comes in through the directory from now on is there, whatever was read before.
    began_at: Timestamp,
    /// Marks of the subjects seen, under keys of this reading's own: 16 bytes each, whatever a subject is.
    seen: HashSet<u128>,
    /// Whether those who changed were to be read: then whoever is shut there is out at once, however many are read after all.
    is_of_changes: bool,
    keys: (RandomState, RandomState),
    /// Groups by name.
    groups: HashMap<GroupName, GroupId>,
    /// Groups that bring roles, and whether they administer, as far as this page has asked.
    bearing: Option<HashMap<GroupId, Option<bool>>>,
    report: Report,
    /// How many people of it were here before.
    before: i64,
}

/// Somebody of a page who may be here, and the groups they would be in: all, and those a rule names.
struct Here<'p> {
    identity: &'p ExternalIdentity,
    standing: Standing,
    groups: BTreeSet<GroupName>,
    named: BTreeSet<GroupName>,
}

impl<'a> Reading<'a> {
    /// Begins one.
    pub async fn begin(door: &Door, ctx: &Ctx, (realm, connector): (&'a Realm, &'a Connector)) -> Result<Self, Fault> {
        Ok(Self {
            realm,
            connector,
            source: Source::Connector(connector.id.clone()),
            began_at: ctx.now,
            seen: HashSet::new(),
            is_of_changes: false,
            keys: (RandomState::new(), RandomState::new()),
            groups: HashMap::new(),
            bearing: None,
            report: Report::default(),
            before: sync::count_here(&mut &door.store, &connector.id).await?,
        })
    }

    /// What came of it so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How many people of it were here when it began.
    pub fn before(&self) -> usize {
        usize::try_from(self.before).unwrap_or(0)
    }

    fn place(&self) -> sync::Place<'a> {
        (&self.connector.id, self.connector.settings.kind.issuer())
    }

    fn mark(&self, subject: &str) -> u128 {
        let half = |state: &RandomState| u128::from(state.hash_one(subject));
        (half(&self.keys.0) << 64) | half(&self.keys.1)
    }

    /// A transaction in which the connector stays as it is.
    async fn hold(&self, door: &Door) -> Result<Tx, Fault> {
        let mut tx = door.begin().await?;
        if connectors::hold_active(&mut tx, &self.connector.id, self.connector.revision).await? {
            return Ok(tx);
        }
        Err(Fault::new(FaultKind::Conflict, "reading a directory", "its connector was disabled or changed"))
    }

    /// Takes a page of people over.
    ///
    /// # Errors
    /// A conflict when the connector was changed or a name taken at the same moment: nothing of the page is done, and
    /// another reading finds it so.
    pub async fn page(&mut self, door: &Door, ctx: &Ctx, page: &Page) -> Result<(), Fault> {
        self.report.read += page.people.len() + page.nameless;
        self.report.nameless += page.nameless;
        self.report.unread += page.people.iter().filter(|person| person.standing == Standing::Unread).count();
        let mut here = self.here(&page.people);
        self.bearing = None;
        let mut tx = self.hold(door).await?;
        let subjects: Vec<&str> = here.iter().map(|one| one.identity.subject.as_str()).collect();
        let linked = sync::linked(&mut tx, self.place(), &subjects).await?;
        let linked: HashMap<String, Linked> = linked.into_iter().map(|one| (one.subject.clone(), one)).collect();
        let is_away = |subject: &str| linked.get(subject).is_some_and(|one| one.is_away);
        here.retain(|one| one.standing != Standing::Unread || !is_away(&one.identity.subject));
        let there: HashSet<&str> = here.iter().map(|one| one.identity.subject.as_str()).collect();
        let unknown =
            here.iter().filter(|one| one.standing == Standing::Free && !linked.contains_key(&one.identity.subject));
        let unknown: Vec<&ExternalIdentity> = unknown.map(|one| one.identity).collect();
        let created = self.report.created;
        let made = self.welcome(door, ctx, &mut tx, &unknown).await?;
        for one in linked.values().filter(|one| one.is_away && there.contains(one.subject.as_str())) {
            back(&mut tx, self.place(), (&one.subject, &one.user)).await?;
            self.report.back += 1;
        }
        let mut wanted = Vec::new();
        for one in &here {
            let subject = one.identity.subject.as_str();
            let (user, is_new): (UserId, bool) = match (linked.get(subject), made.get(subject)) {
                (Some(linked), _) => (linked.user.id.clone(), false),
                (None, Some(made)) => (made.user.clone(), made.is_new),
                (None, None) => continue,
            };
            if one.identity.groups.is_some() {
                wanted.push(Wanted { user, is_new, groups: self.ids(door, &mut tx, one).await? });
            }
        }
        self.put_groups(&mut tx, &wanted).await?;
        if self.is_of_changes {
            self.shut(ctx, &mut tx, &page.people).await?;
        }
        door.commit(ctx, tx).await?;
        // Each time they are about twice as many.
        if self.report.created.checked_ilog2() != created.checked_ilog2() {
            door.store.look_at_people().await?;
        }
        Ok(())
    }

    /// Those of a page who are there, each once.
    fn here<'p>(&mut self, people: &'p [Present]) -> Vec<Here<'p>> {
        let mut here = Vec::new();
        for Present { identity, standing } in people.iter().filter(|person| person.standing != Standing::Out) {
            let mark = self.mark(&identity.subject);
            if !self.seen.insert(mark) {
                continue;
            }
            let said = identity.groups.as_deref().unwrap_or_default();
            // Somebody in too many groups is refused at the door as well; the groups they had are not touched.
            let Ok(mapped) = map(&self.connector.settings.groups, said) else {
                self.report.passed_over += 1;
                continue;
            };
            let named = mapped.groups.iter().filter(|(_, is_named)| **is_named).map(|(name, _)| name.clone()).collect();
            here.push(Here { identity, standing: *standing, groups: mapped.groups.into_keys().collect(), named });
        }
        here
    }
}
