//! What people agreed to: asked once, remembered, taken back on the account page. Taking it back ends what
//! the client holds.

use crate::clients::{Client, find};
use crate::door::Door;
use crate::token::{claims, single_claims};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{ClientId, RealmId, SessionId, UserId};
use doorward_model::limits;
use doorward_model::people::User;
use doorward_model::time::Timestamp;
use doorward_oauth::authorize::{AuthorizeRequest, Detail};
use doorward_oauth::scope::Scopes;
use doorward_store::tx::Tx;
use doorward_store::{consents, grants};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether the person has just agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// On the page shown for this request.
    Now,
    /// Nobody was asked yet.
    NotAsked,
}

/// A question for agreement, sealed into its page: it stands for one request in one session.
#[derive(Serialize, Deserialize)]
struct Question {
    realm_id: RealmId,
    session_id: SessionId,
    request: String,
    expires_at: Timestamp,
}

const PURPOSE: &str = "question for agreement";

/// The text that stands in the page which puts the question for a request, as it came.
pub fn ask(door: &Door, ctx: &Ctx, realm: &RealmId, (session, request): (&SessionId, &str)) -> Result<String, Fault> {
    let question = Question {
        realm_id: realm.clone(),
        session_id: session.clone(),
        request: request.to_owned(),
        expires_at: ctx.now.plus_seconds(limits::FLOW_SECONDS),
    };
    let text = serde_json::to_vec(&question)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing a question for agreement", error))?;
    Ok(URL_SAFE_NO_PAD.encode(door.keys.seal(PURPOSE, &text, &*door.dice)?))
}

/// The request a page's question was about, while it may be answered in this session.
pub fn asked(door: &Door, ctx: &Ctx, realm: &RealmId, (session, text): (&SessionId, &str)) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let question: Question = serde_json::from_slice(&door.keys.open(PURPOSE, &sealed)?).ok()?;
    let fits = question.realm_id == *realm && question.session_id == *session && ctx.now < question.expires_at;
    fits.then_some(question.request)
}

/// Whether a former agreement covers all these scopes.
pub async fn covers(door: &Door, user: &UserId, client: &ClientId, scopes: &Scopes) -> Result<bool, Fault> {
    let known = consents::find(&mut &door.store, user, client).await?;
    Ok(known.and_then(|text| Scopes::parse(&text).ok()).is_some_and(|agreed| scopes.subset_of(&agreed)))
}

/// Whether a former agreement covers all that a request asks for. None covers authorization details: each of those
/// is one thing to do, and agreed to for itself (RFC 9396 §11.1).
pub(super) async fn covers_request(
    door: &Door,
    user: &UserId,
    client: &Client,
    request: &AuthorizeRequest,
) -> Result<bool, Fault> {
    Ok(request.details.is_empty() && covers(door, user, &client.id, &wanted(client, request)).await?)
}

/// Scopes, and those that would bring the single claims that are asked for.
pub(super) fn wanted(client: &Client, request: &AuthorizeRequest) -> Scopes {
    request.scopes.clone().union(&single_claims::to_agree_to(client, &request.claims))
}

/// Scopes people are told about before they agree.
pub fn shown(client: &Client, request: &AuthorizeRequest) -> Vec<String> {
    claims::shown(client, &wanted(client, request))
}

pub(crate) async fn give(tx: &mut Tx, ctx: &Ctx, user: &User, client: &Client, scopes: &Scopes) -> Result<(), Fault> {
    let before = consents::find(tx, &user.id, &client.id).await?;
    let before = before.and_then(|text| Scopes::parse(&text).ok()).unwrap_or_default();
    let all = before.union(scopes).to_string();
    consents::give(tx, &user.id, &client.id, &all, ctx.now).await?;
    let detail = format!("client {}: {all}", client.name);
    tx.record(Event::new(EventKind::ConsentGiven, Some(&client.realm_id), user.id.to_string(), detail));
    Ok(())
}

/// Records that somebody agreed to authorization details: their types only, because what else they say may be between
/// the person and the client.
pub(super) fn note_details(tx: &mut Tx, user: &User, client: &Client, request: &AuthorizeRequest) {
    if !request.details.is_empty() {
        let kinds: Vec<&str> = request.details.iter().map(Detail::kind).collect();
        let detail = format!("client {}: details of type {}", client.name, kinds.join(", "));
        tx.record(Event::new(EventKind::ConsentGiven, Some(&client.realm_id), user.id.to_string(), detail));
    }
}

/// What a user agreed to, with the clients.
pub async fn of_user(door: &Door, user: &User) -> Result<Vec<(consents::Consent, Arc<Client>)>, Fault> {
    let mut told = Vec::new();
    for known in consents::of_user(&mut &door.store, &user.id, limits::CONSENTS_LISTED).await? {
        // One deleted this very moment is listed no more: its agreements went with it.
        if let Some(client) = find(door, &user.realm_id, &known.client).await? {
            told.push((known, client));
        }
    }
    Ok(told)
}

/// Takes an agreement back, and what the client holds with it; `false` when there was none.
pub async fn take_back(door: &Door, ctx: &Ctx, user: &User, client: &ClientId) -> Result<bool, Fault> {
    let mut tx = door.begin().await?;
    if !consents::revoke(&mut tx, &user.id, client).await? {
        return Ok(false);
    }
    let count = grants::end_of_user_and_client(&mut tx, &user.id, client).await?;
    let detail = format!("client {client}: {count} families of tokens revoked");
    tx.record(Event::new(EventKind::ConsentRevoked, Some(&user.realm_id), user.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(true)
}
