//! People a directory has no more, and those it has again.

use super::{Present, Reading, Report, Run, Standing};
use crate::door::Door;
use crate::limits;
use crate::manage;
use crate::sessions;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::UserId;
use doorward_model::people::User;
use doorward_store::tx::Tx;
use doorward_store::{connectors, grants, sync, users};

const GONE: &str = "is not in the directory any more, or shut there";
const SHUT: &str = "is let in nowhere by the directory any more";

impl Reading<'_> {
    /// Shuts out whom the directory itself lets in nowhere any more: it has said so of each, so no brake holds it back.
    pub(super) async fn shut(&mut self, ctx: &Ctx, tx: &mut Tx, people: &[Present]) -> Result<(), Fault> {
        let out = people.iter().filter(|person| person.standing == Standing::Out);
        let subjects: Vec<&str> = out.map(|person| person.identity.subject.as_str()).collect();
        for one in sync::linked(tx, self.place(), &subjects).await?.iter().filter(|one| !one.is_away) {
            let is_out = self.shut_out(ctx, tx, (&one.subject, &one.user.id), SHUT).await?;
            self.report.removed += usize::from(is_out);
        }
        Ok(())
    }

    /// Everybody was read: shuts those out who are not there any more, unless they are more than `brake` percent of those
    /// who were, or it is not certain who is there.
    pub async fn finish(mut self, door: &Door, ctx: &Ctx, brake: Option<i64>) -> Result<Report, Fault> {
        if self.report.run == Run::Changes {
            self.record(door, ctx).await?;
            return Ok(self.report);
        }
        let gone = self.gone(door).await?;
        let is_too_much = |percent| is_too_much(gone.len(), self.before, percent);
        if brake.is_some_and(|percent| self.report.nameless > 0 || is_too_much(percent)) {
            self.report.held_back = gone.len();
            self.record(door, ctx).await?;
            return Ok(self.report);
        }
        for some in gone.chunks(limits::CHANGES_AT_ONCE) {
            let mut tx = self.hold(door).await?;
            for (subject, user) in some {
                self.report.removed += usize::from(self.shut_out(ctx, &mut tx, (subject, user), GONE).await?);
            }
            door.commit(ctx, tx).await?;
        }
        self.record(door, ctx).await?;
        Ok(self.report)
    }

    async fn gone(&self, door: &Door) -> Result<Vec<(String, UserId)>, Fault> {
        let mut gone = Vec::new();
        let mut after = String::new();
        loop {
            let asked = (self.began_at, after.as_str(), limits::LINKS_READ);
            let page = sync::here(&mut &door.store, self.place(), asked).await?;
            let Some((last, _)) = page.last() else { return Ok(gone) };
            after = last.clone();
            gone.extend(page.into_iter().filter(|(subject, _)| !self.seen.contains(&self.mark(subject))));
        }
    }

    /// Ends what rests on the directory's word; a user nobody else vouches for, and without a password, is disabled.
    async fn shut_out(&self, ctx: &Ctx, tx: &mut Tx, (subject, id): (&str, &UserId), why: &str) -> Result<bool, Fault> {
        users::hold(tx, id).await?;
        // Whoever came in meanwhile, or is linked no more, is not gone.
        if !sync::set_away(tx, self.place(), subject, (ctx.now, self.began_at)).await? {
            return Ok(false);
        }
        let Some(user) = users::find(tx, id).await? else { return Ok(false) };
        for session in connectors::begun_by(tx, self.connector.outsider(subject)).await? {
            sessions::end_in(tx, &session, "the directory lets its user in no more").await?;
        }
        grants::end_offline_begun_at(tx, id, &self.connector.id).await?;
        connectors::forget_groups(tx, id, &self.source).await?;
        tx.changed(Change::User(id.clone()));
        let is_only = sync::count_vouching(tx, id).await? == 0 && users::password(tx, id).await?.is_none();
        if is_only && user.is_active {
            manage::users::disable(tx, &user).await?;
            sync::set_shut(tx, self.place(), subject).await?;
        }
        let detail = format!("{}: {} {why}", self.told(), user.name);
        tx.record(Event::new(EventKind::UserChanged, Some(&self.realm.id), id.to_string(), detail));
        Ok(true)
    }
}

/// Whether so many may not go without anybody being asked. A few may, however few there were, but never everybody.
fn is_too_much(gone: usize, before: i64, percent: i64) -> bool {
    let gone = i64::try_from(gone).unwrap_or(i64::MAX);
    let is_much = gone.saturating_mul(100) > before.saturating_mul(percent);
    is_much && (gone > limits::REMOVED_ALWAYS || gone >= before || percent == 0)
}

/// Somebody is there again: a user who was disabled because they were away is not disabled any more, and one whom
/// somebody here has disabled stays so.
pub(crate) async fn back(tx: &mut Tx, place: sync::Place<'_>, (subject, user): (&str, &User)) -> Result<(), Fault> {
    users::hold(tx, &user.id).await?;
    let was_shut = sync::come_back(tx, place, subject).await?;
    if was_shut && !user.is_active {
        manage::users::enable(tx, user).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_too_much;

    #[test]
    fn a_few_may_go_and_never_everybody() {
        for (gone, before, percent, is_much) in [
            (0, 0, 10, false),
            (0, 100, 0, false),
            (10, 100, 10, false),
            (11, 100, 10, true),
            (5, 8, 10, false),
            (6, 8, 10, true),
            (5, 5, 10, true),
            (1, 1, 10, true),
            (1, 100, 0, true),
            (5, 5, 100, false),
        ] {
            assert_eq!(is_too_much(gone, before, percent), is_much, "{gone} of {before}, {percent} %");
        }
    }
}
