//! Telling clients that a session ended: OpenID Connect Back-Channel Logout 1.0, server to server, and the addresses
//! of Front-Channel Logout 1.0 for the browser. What is to be told is written down in the transaction that ends the
//! session; a worker on any node takes it to the client, and again until it gets there. Dials nobody.

use crate::clients::Client;
use crate::door::Door;
use crate::limits::{
    DELIVERY_ATTEMPTS, DELIVERY_LEASE_SECONDS, DELIVERY_PAUSE_SECONDS, LOGOUT_FRAMES, LOGOUT_TOKEN_SECONDS,
};
use crate::manage::Refused;
use crate::token::mint;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, RealmId, SessionId};
use doorward_model::name::ClientName;
use doorward_oauth::logout::in_frame;
use doorward_store::deliveries::{self, Claimed, Party};
use doorward_store::tx::Tx;
use doorward_store::{clients, realms};
use serde_json::{Value, json};

/// The header type of logout tokens (Back-Channel Logout §2.4).
pub const HEADER_TYPE: &str = "logout+jwt";
/// The event a logout token tells of (Back-Channel Logout §2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout token ready to be sent.
pub struct Due {
    /// Where it is posted.
    pub url: String,
    /// The token.
    pub token: String,
    claim: (i64, i64),
    realm_id: RealmId,
    client: ClientName,
    session_id: SessionId,
}

impl Due {
    /// Who is told.
    pub fn client(&self) -> &ClientName {
        &self.client
    }
}

/// Notes that a client got tokens in a session, and whom they speak of as it is told.
pub(crate) async fn note_client(
    tx: &mut Tx,
    (session, client): (&SessionId, &ClientId),
    subject: &str,
) -> Result<(), Fault> {
    let (session_id, client_id) = (session.clone(), client.clone());
    deliveries::note(tx, &Party { session_id, client_id, subject: subject.to_owned() }).await
}

/// Sees to it that whoever got tokens in a session that has just ended is told.
pub(crate) async fn tell(tx: &mut Tx, session: &SessionId) -> Result<(), Fault> {
    let parties = deliveries::leave(tx, session).await?;
    write_down(tx, &parties).await
}

/// The same for sessions that are over without anybody having ended them.
pub(crate) async fn tell_over(tx: &mut Tx) -> Result<(), Fault> {
    let parties = deliveries::leave_over(tx).await?;
    write_down(tx, &parties).await
}

async fn write_down(tx: &mut Tx, parties: &[Party]) -> Result<(), Fault> {
    for party in parties {
        let Some(row) = clients::find_by_id(tx, &party.client_id).await? else { continue };
        if wants_telling(&Client::read(row)?) {
            deliveries::create(tx, party).await?;
        }
    }
    Ok(())
}

fn wants_telling(client: &Client) -> bool {
    client.is_active && client.settings.backchannel_logout_uri.is_some()
}

/// Pages of clients that end their own sessions in the browser, for a session that is about to end (Front-Channel
/// Logout §3).
pub async fn frames(door: &Door, realm: &RealmId, session: &SessionId) -> Result<Vec<String>, Fault> {
    let mut frames = Vec::new();
    let realm = realms::find_by_id(&mut &door.store, realm).await?;
    let Some(realm) = realm else { return Ok(frames) };
    for id in deliveries::clients_of(&mut &door.store, session).await?.iter().take(LOGOUT_FRAMES) {
        let client = clients::find_by_id(&mut &door.store, id).await?.map(Client::read).transpose()?;
        let Some(client) = client.filter(|client| client.is_active) else { continue };
        let issuer = mint::issuer_for(door, realm.name.as_str(), &client);
        let uri = client.settings.frontchannel_logout_uri.as_deref();
        frames.extend(uri.map(|uri| in_frame(uri, &issuer, session.as_str())));
    }
    Ok(frames)
}

/// Claims the next delivery that is due and signs its token; `None` when there is nothing to do.
pub async fn claim(door: &Door, ctx: &Ctx) -> Result<Option<Due>, Fault> {
    while deliveries::is_due(&mut &door.store, ctx.now).await? {
        let mut tx = door.begin().await?;
        let claimed = deliveries::claim(&mut tx, ctx.now, ctx.now.plus_seconds(DELIVERY_LEASE_SECONDS)).await?;
        let Some(claimed) = claimed else { return Ok(None) };
        let client = clients::find_by_id(&mut tx, &claimed.party.client_id).await?.map(Client::read).transpose()?;
        let Some(client) = client.filter(wants_telling) else {
            // It no longer wants to know.
            deliveries::finish(&mut tx, (claimed.number, claimed.attempt)).await?;
            door.commit(ctx, tx).await?;
            continue;
        };
        door.commit(ctx, tx).await?;
        return sign(door, ctx, &client, claimed).await.map(Some);
    }
    Ok(None)
}

async fn sign(door: &Door, ctx: &Ctx, client: &Client, claimed: Claimed) -> Result<Due, Fault> {
    mint::prepare(door, ctx, client).await?;
    let realm = realms::find_by_id(&mut &door.store, &client.realm_id).await?;
    let realm = realm.ok_or_else(|| Fault::corrupt("clients", client.id.as_str(), "its realm is not there"))?;
    let Party { session_id, subject, .. } = claimed.party;
    let claims = json!({
        "iss": mint::issuer_for(door, realm.name.as_str(), client),
        "sub": subject,
        "aud": client.name.as_str(),
        "iat": ctx.now.seconds(),
        "exp": ctx.now.plus_seconds(LOGOUT_TOKEN_SECONDS).seconds(),
        "jti": mint::token_id(door),
        "typ": "Logout",
        "sid": session_id.as_str(),
        "events": Value::from_iter([(EVENT, json!({}))]),
    });
    let token = mint::key_for(door, &client.realm_id, client)?.sign(HEADER_TYPE, &claims)?;
    Ok(Due {
        url: client.settings.backchannel_logout_uri.clone().unwrap_or_default(),
        token,
        claim: (claimed.number, claimed.attempt),
        realm_id: client.realm_id.clone(),
        client: client.name.clone(),
        session_id,
    })
}

/// The client took the token.
pub async fn delivered(door: &Door, ctx: &Ctx, due: &Due) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    if deliveries::finish(&mut tx, due.claim).await? {
        note(&mut tx, EventKind::LogoutDelivered, due, "");
    }
    door.commit(ctx, tx).await
}

/// The client did not take the token: it is tried again after a pause that grows, and given up in the end.
pub async fn not_delivered(door: &Door, ctx: &Ctx, due: &Due, problem: &str) -> Result<(), Fault> {
    let (_, attempt) = due.claim;
    let is_failed = attempt >= DELIVERY_ATTEMPTS;
    let until = if is_failed { ctx.now } else { ctx.now.plus_seconds(pause(attempt)) };
    let mut tx = door.begin().await?;
    if deliveries::put_off(&mut tx, due.claim, (until, is_failed), problem).await? && is_failed {
        note(&mut tx, EventKind::LogoutUndelivered, due, &format!(", given up after {attempt} attempts: {problem}"));
    }
    door.commit(ctx, tx).await
}

/// Before the next attempt, in seconds: four times as long each time, up to the last of the pauses.
fn pause(attempt: i64) -> i64 {
    let (first, longest) = DELIVERY_PAUSE_SECONDS;
    let doublings = u32::try_from(attempt.saturating_sub(1).saturating_mul(2)).unwrap_or(u32::MAX).min(40);
    first.saturating_mul(1i64 << doublings).min(longest)
}

fn note(tx: &mut Tx, kind: EventKind, due: &Due, more: &str) {
    let detail = format!("client {}{more}", due.client);
    tx.record(Event::new(kind, Some(&due.realm_id), due.session_id.to_string(), detail));
}

/// Tries a delivery again at once.
pub async fn retry(tx: &mut Tx, number: i64) -> Result<Result<(), Refused>, Fault> {
    let is_there = deliveries::retry(tx, number).await?;
    Ok(if is_there {
        Ok(())
    } else {
        Err(Refused::because(format!("there is no delivery {number}: see doorward delivery list")))
    })
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let pauses: Vec<i64> = (1..=8).map(pause).collect();
        assert_eq!(pauses, [5, 20, 80, 320, 1280, 3600, 3600, 3600]);
        assert_eq!(pause(i64::MAX), 3600);
    }
}
