//! Service tokens: how machines pass the gate.

use crate::door::Door;
use crate::manage::Refused;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, RealmId, ServiceTokenId};
use doorward_model::limits;
use doorward_model::name::{TokenName, UserName};
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_model::session::ServiceToken;
use doorward_store::tx::Tx;
use doorward_store::{groups, service_tokens, users};

/// How the name begins by which a tool is told of a token.
const TOLD: &str = "service-";

/// What tools are told in place of a user's name when a token came.
pub fn told_name(name: &TokenName) -> String {
    format!("{TOLD}{name}")
}

/// Refuses the name of a user that tools could not tell from a token. Whoever asks holds the realm to the end of the
/// transaction, so that of a user and a token made at once one is refused.
pub(crate) async fn keep_apart(tx: &mut Tx, realm: &RealmId, user: &UserName) -> Result<Result<(), Refused>, Fault> {
    let Some(token) = user.as_str().strip_prefix(TOLD) else { return Ok(Ok(())) };
    groups::lock_structure(tx, realm).await?;
    if service_tokens::is_there(tx, realm, token).await? {
        let why = format!("user {user}: tools are told of the token {token} by this name: choose another one");
        return Ok(Err(Refused::because(why)));
    }
    Ok(Ok(()))
}

/// Creates a token; its clear form is in the answer and nowhere else.
pub async fn create(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    realm: &RealmId,
    (name, apps, seconds): (TokenName, Vec<AppId>, i64),
) -> Result<Result<(PlainToken, ServiceToken), Refused>, Fault> {
    if apps.is_empty() {
        return Ok(Err(Refused::because("a service token needs at least one app: name it with --app")));
    }
    if !(1..=limits::SERVICE_TOKEN_SECONDS).contains(&seconds) {
        let days = limits::SERVICE_TOKEN_SECONDS / 86_400;
        return Ok(Err(Refused::because(format!("a service token may live 1 second to {days} days"))));
    }
    groups::lock_structure(tx, realm).await?;
    if let Ok(told) = UserName::parse(&told_name(&name))
        && users::find_by_name(tx, realm, &told).await?.is_some()
    {
        let why = format!("token {name}: tools would be told of it as {told}, which is a user: choose another name");
        return Ok(Err(Refused::because(why)));
    }
    let plain = PlainToken::draw(TokenKind::Service, &*door.dice);
    let token = ServiceToken {
        id: ServiceTokenId::draw(&*door.dice),
        realm_id: realm.clone(),
        name,
        apps,
        expires_at: ctx.now.plus_seconds(seconds),
        owner: None,
        came_by: None,
    };
    if !service_tokens::create(tx, &plain.hash(), &token, ctx.now).await? {
        return Ok(Err(Refused::taken("token", token.name.as_str())));
    }
    note(tx, EventKind::ServiceTokenCreated, realm, &token.id, &token.name);
    Ok(Ok((plain, token)))
}

/// Revokes a token by name; `false` when there is none.
pub async fn revoke(tx: &mut Tx, realm: &RealmId, name: &TokenName) -> Result<bool, Fault> {
    let Some(id) = service_tokens::delete(tx, realm, name).await? else { return Ok(false) };
    note(tx, EventKind::ServiceTokenRevoked, realm, &id, name);
    Ok(true)
}

fn note(tx: &mut Tx, kind: EventKind, realm: &RealmId, id: &ServiceTokenId, name: &TokenName) {
    tx.changed(Change::ServiceToken(id.clone()));
    tx.record(Event::new(kind, Some(realm), id.to_string(), format!("token {name}")));
}
