//! Which apps are open to a person: what the launcher shows and what a token of theirs may open.

use crate::door::Door;
use crate::gate::decide::{Verdict, admits, may_enter};
use doorward_model::app::App;
use doorward_model::fault::Fault;
use doorward_model::people::{Group, User};
use doorward_model::ways::CameBy;
use std::sync::Arc;

/// The apps of a user's realm that are open to the user now, having come in by some way.
pub async fn open_apps(door: &Door, user: &User, came: CameBy<'_>) -> Result<Vec<Arc<App>>, Fault> {
    of_user(door, user, |app, who| may_enter((&app.realm_id, &app.access), who, came)).await
}

/// The apps a user may enter by one way or another: which ones count there they are asked for at the app.
pub async fn apps_to_enter(door: &Door, user: &User) -> Result<Vec<Arc<App>>, Fault> {
    of_user(door, user, |app, who| admits((&app.realm_id, &app.access), who)).await
}

async fn of_user(
    door: &Door,
    user: &User,
    judge: impl Fn(&App, (&User, &[Group])) -> Verdict,
) -> Result<Vec<Arc<App>>, Fault> {
    let known = door.live.person(&door.store, user.clone()).await?;
    let may_open = |app: &&Arc<App>| matches!(judge(app, (user, &known.groups)), Verdict::Pass(_));
    Ok(door.live.apps().of_realm(&user.realm_id).iter().filter(may_open).cloned().collect())
}
