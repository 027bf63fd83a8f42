//! What a sign-in would come to, without one: nothing is written.

use crate::door::Door;
use crate::federation::groups::{Mapped, map};
use crate::federation::linking::{Decision, decide};
use crate::federation::sign_in::{administers, known};
use crate::federation::{Connector, ExternalIdentity};
use doorward_model::fault::Fault;
use doorward_model::people::{Realm, User};
use doorward_store::{groups, users};

/// What would come of it.
pub struct Preview {
    /// Who they would be.
    pub decision: Decision,
    /// The user the decision speaks of, when it is one who is there.
    pub user: Option<User>,
    /// The groups they would be in, with what is passed over; none when the provider says nothing of groups.
    pub groups: Option<Mapped>,
}

/// Looks what somebody a provider vouches for would be.
///
/// # Errors
/// Within the answer, how many groups somebody may be in, when there are more.
pub async fn preview(
    door: &Door,
    (realm, connector): (&Realm, &Connector),
    identity: &ExternalIdentity,
) -> Result<Result<Preview, usize>, Fault> {
    let mut query = &door.store;
    let mut groups = match identity.groups.as_deref().map(|said| map(&connector.settings.groups, said)) {
        Some(Ok(mapped)) => Some(mapped),
        Some(Err(most)) => return Ok(Err(most)),
        None => None,
    };
    if let Some(mapped) = &mut groups {
        let by_name: Vec<_> =
            mapped.groups.iter().filter(|(_, is_named)| !**is_named).map(|(name, _)| name.clone()).collect();
        for name in by_name {
            if let Some(group) = groups::find(&mut query, &realm.id, &name).await?
                && administers(door, &mut query, realm, &group).await?
            {
                mapped.groups.remove(&name);
                mapped.passed_over.push((name.to_string(), "it administers, and no rule names it"));
            }
        }
    }
    let known = known(&mut query, realm, connector, identity).await?;
    let decision = decide(&connector.settings.linking, identity, known);
    let user = match &decision {
        Decision::Linked(id) | Decision::Link(id) | Decision::Prove(id) => users::find(&mut query, id).await?,
        Decision::Create(_) | Decision::Refuse(_) => None,
    };
    Ok(Ok(Preview { decision, user, groups }))
}
