//! Which apps are open to a person: what the launcher shows and what a token of theirs may open.

use crate::door::Door;
use crate::gate::decide::{Verdict, Visitor, decide};
use doorward_model::app::App;
use doorward_model::fault::Fault;
use doorward_model::people::User;
use doorward_model::time::Timestamp;
use std::sync::Arc;

/// The apps of a user's realm that are open to the user now.
pub async fn open_apps(door: &Door, now: Timestamp, user: &User) -> Result<Vec<Arc<App>>, Fault> {
    let known = door.live.person(&door.store, user.clone()).await?;
    let may_open = |app: &App| {
        let who = Visitor::Person { user, groups: &known.groups };
        matches!(decide(now, app, None, Some(who)), Verdict::Pass(_))
    };
    Ok(door.live.apps().of_realm(&user.realm_id).iter().filter(|app| may_open(app)).cloned().collect())
}
