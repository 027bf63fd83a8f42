//! Reading what changed: from where on, and what has to be known of before.

use super::{Reading, Report, Run};
use crate::door::Door;
use crate::federation::groups::map;
use crate::limits;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::name::GroupName;
use doorward_store::reading_marks::{self, ReadingMark};
use doorward_store::{groups, sync};
use std::collections::BTreeSet;

/// A directory's server before it is read: whose count it is, and how far that had come, if it counts.
pub type Stand<'a> = (&'a str, Option<i64>);

impl Reading<'_> {
    /// Those who changed are to be read: from where on; `None` when everybody has to be, and then it is a reading of everybody.
    pub async fn since(&mut self, door: &Door, stand: Stand<'_>) -> Result<Option<i64>, Fault> {
        let mark = reading_marks::find(&mut &door.store, &self.connector.id).await?;
        match since(mark.as_ref(), self.connector.revision, stand) {
            Ok(from) => {
                self.is_of_changes = true;
                self.report.run = Run::Changes;
                Ok(Some(from))
            }
            Err(why) => {
                self.report.whole_because = Some(why);
                Ok(None)
            }
        }
    }

    /// Too many are concerned to be followed one by one, so everybody is read after all, before anybody was taken over. Nobody
    /// is left out of that, so whoever is not there is gone.
    pub fn of_everybody(&mut self) {
        self.report.run = Run::Whole;
        self.report.whole_because = Some("more are concerned than are followed one by one");
    }

    /// Who is in these groups of the directory's, or would be here, because it has said so: by what it calls them. `None`
    /// when they are too many to be asked for one by one.
    pub async fn members_before(&self, door: &Door, names: &[String]) -> Result<Option<Vec<String>>, Fault> {
        let mut here: BTreeSet<GroupName> = BTreeSet::new();
        for name in names {
            // One by one: there may be more than anybody can be in.
            let mapped = map(&self.connector.settings.groups, std::slice::from_ref(name)).unwrap_or_default();
            here.extend(mapped.groups.into_keys());
        }
        let mut subjects = BTreeSet::new();
        for name in here {
            let Some(group) = groups::find(&mut &door.store, &self.realm.id, &name).await? else { continue };
            let mut after = String::new();
            loop {
                let (of, from) = ((&group.id, &self.source), (after.as_str(), limits::LINKS_READ));
                let page = sync::subjects_in(&mut &door.store, self.place(), of, from).await?;
                let Some(last) = page.last() else { break };
                after = last.clone();
                subjects.extend(page);
                if subjects.len() > limits::PEOPLE_FOLLOWED {
                    return Ok(None);
                }
            }
        }
        Ok(Some(subjects.into_iter().collect()))
    }

    /// Everything was taken over: notes from where on changes are to be asked for next time, and what came of it.
    pub async fn remember(&self, door: &Door, ctx: &Ctx, server: &str, mark: Option<i64>) -> Result<(), Fault> {
        let mut tx = self.hold(door).await?;
        let before = reading_marks::find(&mut tx, &self.connector.id).await?;
        let revision = self.connector.revision;
        let before = before.filter(|before| before.server == server && before.revision == revision);
        // Nothing that changed says nothing new, and what was reached is not given up.
        match mark.max(before.map(|before| before.reached).filter(|_| self.report.run == Run::Changes)) {
            Some(reached) => {
                let mark = ReadingMark { revision, server: server.to_owned(), reached };
                reading_marks::set(&mut tx, &self.connector.id, &mark).await?;
            }
            None => reading_marks::forget(&mut tx, &self.connector.id).await?,
        }
        door.commit(ctx, tx).await
    }

    /// Tells the record what came of it, if anything did.
    pub(super) async fn record(&self, door: &Door, ctx: &Ctx) -> Result<(), Fault> {
        let Report { created, linked, back, regrouped, removed, held_back, .. } = self.report;
        if created + linked + back + regrouped + removed + held_back == 0 {
            return Ok(());
        }
        let mut tx = door.begin().await?;
        let detail = format!("connector {}: {}", self.connector.name, self.report);
        let id = self.connector.id.to_string();
        tx.record(Event::new(EventKind::DirectoryRead, Some(&self.realm.id), id, detail));
        door.commit(ctx, tx).await
    }

    /// For the record: the connector, and what kind of reading it was.
    pub(super) fn told(&self) -> String {
        match self.report.run {
            Run::Whole => format!("connector {}, everybody read", self.connector.name),
            Run::Changes => format!("connector {}, changes read", self.connector.name),
        }
    }
}

/// From where on changes are asked for; why everybody is read when that cannot be told.
fn since(mark: Option<&ReadingMark>, revision: i64, (server, reached): Stand<'_>) -> Result<i64, &'static str> {
    match mark {
        None => Err("it is not known how far it had come when it was read last"),
        Some(mark) if mark.revision != revision => Err("its connector was changed"),
        Some(mark) if mark.server != server => Err("another server answers, which counts by itself"),
        Some(mark) if reached.is_some_and(|reached| reached < mark.reached) => Err("its server was put back"),
        Some(mark) => Ok(mark.reached),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_asked_for_where_the_last_count_was_made_and_nowhere_else() {
        let mark = ReadingMark { revision: 3, server: "one".to_owned(), reached: 100 };
        for (mark, revision, stand, from) in [
            (Some(&mark), 3, ("one", Some(100)), Ok(100)),
            (Some(&mark), 3, ("one", Some(500)), Ok(100)),
            (Some(&mark), 3, ("one", None), Ok(100)),
            (Some(&mark), 3, ("one", Some(99)), Err("put back")),
            (Some(&mark), 3, ("two", Some(500)), Err("another server")),
            (Some(&mark), 4, ("one", Some(500)), Err("was changed")),
            (None, 3, ("one", Some(500)), Err("not known")),
        ] {
            match (since(mark, revision, stand), from) {
                (Ok(since), Ok(from)) => assert_eq!(since, from, "{stand:?}"),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (since, _) => panic!("{stand:?} {since:?}"),
            }
        }
    }
}
