//! Explaining a decision: the same function the gate calls, with the way to it in words.

use crate::clients;
use crate::door::Door;
use crate::gate::decide::{Because, Refusal, Verdict, Visitor, admits, decide};
use crate::manage::find::{self, NotFound};
use crate::manage::ways;
use doorward_model::app::Access;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, GroupId};
use doorward_model::name::{AppSlug, ClientName, RealmName, UserName};
use doorward_model::path::RequestPath;
use doorward_model::people::{Group, Realm, User};
use doorward_model::ways::{ACCOUNTS, WayIn, WayName, Ways};
use doorward_store::{connectors, groups};
use serde::Serialize;
use std::collections::{HashMap, HashSet, VecDeque};

/// A decision in words.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// `pass` or `refuse`.
    pub verdict: &'static str,
    /// The user asked about.
    pub user: String,
    /// The app asked about.
    pub app: String,
    /// The path asked about.
    pub path: String,
    /// The method asked about; access does not depend on it.
    pub method: String,
    /// One sentence.
    pub reason: String,
    /// From the user to the group that lets them in, outermost last.
    pub group_path: Vec<String>,
    /// Groups any of which would let them in.
    pub missing_groups: Vec<String>,
    /// The ways in that count, by name; none for every one.
    pub connectors: Vec<String>,
}

/// Explains whether a user may enter an app, having come in by a way, or by any that counts there.
pub async fn explain(
    door: &Door,
    ctx: &Ctx,
    (realm, user, app): (&RealmName, &UserName, &AppSlug),
    (path, method): (&RequestPath, &str),
    by: Option<&WayName>,
) -> Result<Result<Explanation, NotFound>, Fault> {
    let realm = find::or_return!(find::realm(door, realm).await?);
    let user = find::or_return!(find::user(door, &realm, user).await?);
    let app = find::or_return!(find::app(door, &realm, app).await?);
    let all = groups::of_user(&mut &door.store, &user.id).await?;
    let came = find::or_return!(came(door, &realm, by).await?);
    let verdict = match &came {
        None if !app.is_public(path) => admits((&app.realm_id, &app.access), (&user, &all)),
        came => {
            let came = came.as_ref().and_then(Option::as_ref);
            decide(ctx.now, &app, Some(path), Some(Visitor::Person { user: &user, groups: &all, came }))
        }
    };
    let told = told(door, (&user, &all), (&app.access, "app"), (&verdict, by)).await?;
    let way = came.as_ref().and_then(Option::as_ref);
    let (told, connectors) = with_ways(door, told, (std::slice::from_ref(&app.access.ways), by, way)).await?;
    Ok(Ok(Explanation {
        verdict: told.verdict,
        user: user.name.to_string(),
        app: app.slug.to_string(),
        path: path.as_str().to_owned(),
        method: method.to_owned(),
        reason: told.reason,
        group_path: told.group_path,
        missing_groups: told.missing_groups,
        connectors,
    }))
}

/// By which way somebody is said to have come: `None` when nothing is said, and nothing within for an account kept here.
async fn came(
    door: &Door,
    realm: &Realm,
    by: Option<&WayName>,
) -> Result<Result<Option<Option<ConnectorId>>, NotFound>, Fault> {
    let Some(by) = by else { return Ok(Ok(None)) };
    let found = find::or_return!(ways::find(&mut &door.store, &realm.id, std::slice::from_ref(by)).await?);
    Ok(Ok(found.named().first().map(|way| match way {
        WayIn::Account => None,
        WayIn::Connector(id) => Some(id.clone()),
    })))
}

/// What is told, with the names of the ways in that count where not every one does: those that all of these admit. Whoever
/// cannot come in at all does not get in, whatever their groups are.
async fn with_ways(
    door: &Door,
    mut told: Told,
    (all, by, came): (&[Ways], Option<&WayName>, Option<&ConnectorId>),
) -> Result<(Told, Vec<String>), Fault> {
    let mut query = &door.store;
    let first = all.iter().find(|ways| !ways.is_any());
    let counts = |way: &&WayIn| all.iter().all(|ways| ways.is_any() || ways.named().contains(way));
    let ways: Vec<WayIn> = first.iter().flat_map(|ways| ways.named()).filter(counts).cloned().collect();
    let named = ways::names(&mut query, &Ways::only(ways.iter().cloned())).await?;
    let words = if named.is_empty() { "no way at all".to_owned() } else { named.join(" or ") };
    if told.verdict == "pass" && !told.is_public {
        if let (Some(by), Some(id)) = (by, came)
            && !is_open(door, id).await?
        {
            let reason = format!("connector {by} is disabled, so nobody comes in by it");
            told = Told { verdict: "refuse", reason, ..Told::default() };
        } else if by.is_none() && first.is_some() {
            let mut is_any_open = false;
            for way in &ways {
                is_any_open |= match way {
                    WayIn::Account => true,
                    WayIn::Connector(id) => is_open(door, id).await?,
                };
            }
            if is_any_open {
                told.reason = format!("{}, of those who come in by {words}", told.reason);
            } else {
                let reason = format!("no way in is open: what counts is {words}, disabled or gone");
                told = Told { verdict: "refuse", reason, ..Told::default() };
            }
        }
    }
    if told.is_other_way {
        told.reason = format!("{}, and what counts is {words}", told.reason);
    }
    Ok((told, named))
}

/// Whether people come in by that connector.
async fn is_open(door: &Door, id: &ConnectorId) -> Result<bool, Fault> {
    Ok(connectors::find_by_id(&mut &door.store, id).await?.is_some_and(|row| row.is_active))
}

/// A decision about a client in words.
#[derive(Debug, Serialize)]
pub struct ClientExplanation {
    /// `pass` or `refuse`.
    pub verdict: &'static str,
    /// The user asked about.
    pub user: String,
    /// The client asked about.
    pub client: String,
    /// The app whose rule is asked, if it is not the client's own.
    pub app: Option<String>,
    /// One sentence.
    pub reason: String,
    /// From the user to the group that lets them in, outermost last.
    pub group_path: Vec<String>,
    /// Groups any of which would let them in.
    pub missing_groups: Vec<String>,
    /// The ways in that count, by name; none for every one.
    pub connectors: Vec<String>,
}

/// Explains whether a user may sign in through a client, by the rule that is asked at authorization, having come in by a
/// way, or by any that counts there.
pub async fn explain_client(
    door: &Door,
    (realm, user, client): (&RealmName, &UserName, &ClientName),
    by: Option<&WayName>,
) -> Result<Result<ClientExplanation, NotFound>, Fault> {
    let realm = find::or_return!(find::realm(door, realm).await?);
    let user = find::or_return!(find::user(door, &realm, user).await?);
    let client = find::or_return!(find::client(door, &realm, client).await?);
    let all = groups::of_user(&mut &door.store, &user.id).await?;
    let came = find::or_return!(came(door, &realm, by).await?);
    let verdict = match &came {
        None => clients::admits_by_any_way(door, &client, (&user, &all)),
        Some(came) => clients::admits(door, &client, (&user, &all), came.as_ref()),
    };
    let app = client.app_id.as_ref().and_then(|id| door.live.apps().find(id).cloned());
    let (access, noun) = match &app {
        Some(app) => (&app.access, "app"),
        None => (&client.settings.access, "client"),
    };
    let mut told = told(door, (&user, &all), (access, noun), (&verdict, by)).await?;
    let way = came.as_ref().and_then(Option::as_ref);
    let connectors;
    (told, connectors) = with_ways(door, told, (&clients::ways(door, &client), by, way)).await?;
    if !client.is_active {
        let reason = "the client is disabled, so nobody can sign in through it".to_owned();
        told = Told { verdict: "refuse", reason, ..Told::default() };
    }
    Ok(Ok(ClientExplanation {
        verdict: told.verdict,
        user: user.name.to_string(),
        client: client.name.to_string(),
        app: app.map(|app| app.slug.to_string()),
        reason: told.reason,
        group_path: told.group_path,
        missing_groups: told.missing_groups,
        connectors,
    }))
}

/// What every explanation tells.
#[derive(Default)]
struct Told {
    is_other_way: bool,
    is_public: bool,
    verdict: &'static str,
    reason: String,
    group_path: Vec<String>,
    missing_groups: Vec<String>,
}

/// A verdict in words; `noun` says whose rule was asked.
async fn told(
    door: &Door,
    (user, all): (&User, &[Group]),
    (access, noun): (&Access, &str),
    (verdict, by): (&Verdict, Option<&WayName>),
) -> Result<Told, Fault> {
    let mut names: HashMap<GroupId, String> =
        all.iter().map(|group| (group.id.clone(), group.name.to_string())).collect();
    for id in &access.groups {
        if let Some(group) = groups::find_by_id(&mut &door.store, id).await? {
            names.insert(id.clone(), group.name.to_string());
        }
    }
    let named = |id: &GroupId| names.get(id).cloned().unwrap_or_else(|| id.to_string());
    let mut told =
        Told { verdict: if matches!(verdict, Verdict::Pass(_)) { "pass" } else { "refuse" }, ..Told::default() };
    told.reason = match verdict {
        Verdict::Pass(Because::PublicPath) => {
            told.is_public = true;
            "this path is public: nobody has to sign in".to_owned()
        }
        Verdict::Pass(Because::Everyone) => "every signed-in user of the realm may enter".to_owned(),
        Verdict::Pass(Because::Group(id)) => {
            told.group_path = group_path(door, &user.id, id, all).await?;
            format!("member of {}, which may enter", named(id))
        }
        Verdict::Pass(Because::TokenScope) => "the service token is scoped to this app".to_owned(),
        Verdict::SignIn => "nobody is signed in".to_owned(),
        Verdict::Refused(Refusal::Inactive) => "the user is disabled".to_owned(),
        Verdict::Refused(Refusal::OtherRealm { .. }) => format!("the {noun} belongs to another realm"),
        Verdict::Refused(Refusal::OtherWay(_)) => {
            told.is_other_way = true;
            let came = by.map_or_else(|| ACCOUNTS.to_owned(), ToString::to_string);
            format!("coming in by {came} does not count here")
        }
        Verdict::Refused(Refusal::NoRule) => format!("the {noun} has no rule, so it admits nobody"),
        Verdict::Refused(Refusal::MissingGroups(ids)) => {
            told.missing_groups = ids.iter().map(named).collect();
            format!("in none of the groups that may enter: {}", told.missing_groups.join(", "))
        }
        Verdict::Refused(Refusal::TokenScope | Refusal::TokenExpired) => "the service token does not fit".to_owned(),
    };
    Ok(told)
}

/// The shortest way from the user's own groups up to the one that counts.
async fn group_path(
    door: &Door,
    user: &doorward_model::id::UserId,
    target: &GroupId,
    all: &[Group],
) -> Result<Vec<String>, Fault> {
    let direct = groups::direct_of_user(&mut &door.store, user).await?;
    let edges = groups::edges_of_user(&mut &door.store, user).await?;
    let mut came_from: HashMap<GroupId, Option<GroupId>> = direct.iter().map(|id| (id.clone(), None)).collect();
    let mut queue: VecDeque<GroupId> = direct.into();
    let mut seen: HashSet<GroupId> = queue.iter().cloned().collect();
    while let Some(inner) = queue.pop_front() {
        if inner == *target {
            break;
        }
        for (_, outer) in edges.iter().filter(|(from, _)| *from == inner) {
            if seen.insert(outer.clone()) {
                came_from.insert(outer.clone(), Some(inner.clone()));
                queue.push_back(outer.clone());
            }
        }
    }
    let names: HashMap<&GroupId, String> = all.iter().map(|group| (&group.id, group.name.to_string())).collect();
    let mut path = Vec::new();
    let mut at = Some(target.clone());
    while let Some(id) = at {
        path.push(names.get(&id).cloned().unwrap_or_else(|| id.to_string()));
        at = came_from.get(&id).cloned().flatten();
    }
    path.reverse();
    Ok(path)
}
