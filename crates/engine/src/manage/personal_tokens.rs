//! Tokens that people make for their own programs: they open the apps named, while the owner may enter those.

use crate::door::Door;
use crate::gate::decide::{Verdict, may_enter};
use crate::manage::Refused;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ServiceTokenId};
use doorward_model::limits;
use doorward_model::name::TokenName;
use doorward_model::people::{Group, User};
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_model::session::ServiceToken;
use doorward_model::ways::CameBy;
use doorward_store::personal_tokens;

/// Makes a token for a user; its clear form is in the answer and nowhere else.
pub async fn create(
    door: &Door,
    ctx: &Ctx,
    (user, groups, came): (&User, &[Group], CameBy<'_>),
    (name, apps, seconds): (TokenName, Vec<AppId>, i64),
) -> Result<Result<PlainToken, Refused>, Fault> {
    let no = |sentence: String| Ok(Err(Refused::because(sentence)));
    if apps.is_empty() {
        return no("a token needs at least one tool: choose the ones it is for".to_owned());
    }
    if !(1..=limits::PERSONAL_TOKEN_SECONDS).contains(&seconds) {
        return no(format!("a token may live 1 to {} days", limits::PERSONAL_TOKEN_SECONDS / 86_400));
    }
    let known = door.live.apps();
    let may_open = |id: &AppId| {
        known.find(id).is_some_and(|app| {
            matches!(may_enter((&app.realm_id, &app.access), (user, groups), came), Verdict::Pass(_))
        })
    };
    if !apps.iter().all(may_open) {
        return no("a token can only be for tools that are open to you".to_owned());
    }
    let plain = PlainToken::draw(TokenKind::Service, &*door.dice);
    let token = ServiceToken {
        id: ServiceTokenId::draw(&*door.dice),
        realm_id: user.realm_id.clone(),
        name,
        apps,
        expires_at: ctx.now.plus_seconds(seconds),
        owner: Some(user.id.clone()),
        came_by: came.cloned(),
    };
    let mut tx = door.begin().await?;
    if personal_tokens::count(&mut tx, &user.id).await? >= limits::PERSONAL_TOKENS {
        return no(format!("you have {} tokens already: revoke one first", limits::PERSONAL_TOKENS));
    }
    if !personal_tokens::create(&mut tx, (&plain.hash(), &user.id), &token, ctx.now).await? {
        return no(format!("you have a token named {} already: choose another name", token.name));
    }
    let detail = format!("token {}", token.name);
    tx.record(Event::new(EventKind::PersonalTokenCreated, Some(&user.realm_id), user.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(Ok(plain))
}

/// Revokes a token of a user; `false` when there is none of that id.
pub async fn revoke(door: &Door, ctx: &Ctx, user: &User, id: &ServiceTokenId) -> Result<bool, Fault> {
    let mut tx = door.begin().await?;
    let Some(name) = personal_tokens::delete(&mut tx, id, &user.id).await? else { return Ok(false) };
    tx.changed(Change::ServiceToken(id.clone()));
    let detail = format!("token {name}");
    tx.record(Event::new(EventKind::PersonalTokenRevoked, Some(&user.realm_id), user.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(true)
}

/// A user's tokens by name.
pub async fn list(door: &Door, user: &User) -> Result<Vec<ServiceToken>, Fault> {
    personal_tokens::of_user(&mut &door.store, &user.id).await
}
