//! An authorization code becomes tokens, once. A second showing by the same client revokes what the first
//! one gave. RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9700 §2.1.1.

use crate::clients::{Client, refusals};
use crate::door::Door;
use crate::token::begin::{Beginning, begin};
use crate::token::dpop::{self, Key};
use crate::token::{Outcome, Refused, Tokens, invalid_grant, read_facts, subject};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::secret::{TokenHash, TokenKind};
use doorward_oauth::authorize::{Detail, narrowed};
use doorward_oauth::pkce::{self, AllowPlain, Challenge};
use doorward_store::grants;
use doorward_store::sessions;
use doorward_store::tx::Tx;

/// What the client shows.
pub struct Ask<'a> {
    /// The code.
    pub code: &'a str,
    /// Where it says the code was sent.
    pub redirect_uri: Option<&'a str>,
    /// The PKCE verifier.
    pub verifier: Option<&'a str>,
    /// The key it holds.
    pub key: Option<&'a Key>,
    /// Fewer details than were granted, for this answer only (RFC 9396 §6).
    pub details: Option<Vec<Detail>>,
}

/// Exchanges a code.
pub async fn exchange_code(door: &Door, ctx: &Ctx, realm: &str, client: &Client, ask: Ask<'_>) -> Outcome<Tokens> {
    let outcome = exchange(door, ctx, realm, client, ask).await?;
    refusals::noted(door, ctx, client, ("authorization_code", outcome)).await
}

async fn exchange(door: &Door, ctx: &Ctx, realm: &str, client: &Client, ask: Ask<'_>) -> Outcome<Tokens> {
    let Some(hash) = TokenHash::of_presented(TokenKind::Code, ask.code) else { return Ok(Err(unknown())) };
    let mut tx = door.begin().await?;
    let bound = match dpop::use_up(&mut tx, client, ask.key).await? {
        Ok(bound) => bound,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(used) = grants::use_code(&mut tx, &hash, &client.id, ctx.now).await? else {
        return replayed(door, ctx, tx, client, &hash).await;
    };
    let authorized = read_facts("codes", used.family_id.as_str(), &used.facts)?;
    // From here on the code is spent, whatever else is wrong: it was shown, so it may be known.
    let refuse = async |tx: Tx, sentence| {
        door.commit(ctx, tx).await?;
        Ok(Err(invalid_grant(sentence)))
    };
    let names_it = ask.redirect_uri.map(|uri| uri == authorized.redirect_uri);
    if !names_it.unwrap_or(!authorized.named_redirect_uri) {
        return refuse(tx, "redirect_uri is not the one the code was sent to").await;
    }
    if !dpop::fits(authorized.code_key.as_deref(), bound.as_ref()) {
        return refuse(tx, "the code is bound to a key: show a DPoP proof of that key").await;
    }
    let challenge = authorized.challenge.as_deref();
    let challenge = Challenge::parse(challenge, challenge.map(|_| S256), AllowPlain::No);
    if let Err(error) = challenge.and_then(|challenge| pkce::check(challenge.as_ref(), ask.verifier)) {
        door.commit(ctx, tx).await?;
        return Ok(Err(error));
    }
    let details = ask.details.map(|asked| narrowed(&authorized.details, asked)).transpose();
    let details = match details {
        Ok(details) => details,
        Err(error) => {
            door.commit(ctx, tx).await?;
            return Ok(Err(error));
        }
    };
    let session = sessions::find_by_id(&mut tx, &used.session_id).await?;
    let Some(session) = session.filter(|session| session.is_live(ctx.now)) else {
        return refuse(tx, "the session this code came from is over").await;
    };
    let Ok(subject) = subject(door, &mut tx, client, (&session.user_id, session.came_by())).await? else {
        return refuse(tx, "this person may not enter any more").await;
    };
    let beginning = Beginning { realm, client, session: &session, subject: &subject, authorized, details, bound };
    let tokens = begin(door, ctx, &mut tx, (used.family_id, EventKind::CodeToToken), beginning).await?;
    door.commit(ctx, tx).await?;
    Ok(Ok(tokens))
}

/// The one method challenges are taken in (RFC 7636 §4.2).
const S256: &str = "S256";

/// The code was no good. If this client used it before, what it got then is revoked: one of the two showings
/// was not the client's own (RFC 6749 §4.1.2).
async fn replayed(door: &Door, ctx: &Ctx, mut tx: Tx, client: &Client, hash: &TokenHash) -> Outcome<Tokens> {
    if let Some(family) = grants::spent_code(&mut tx, hash, &client.id).await? {
        let owner = grants::end_family(&mut tx, &family).await?;
        let subject = owner.map(|owner| owner.to_string()).unwrap_or_default();
        let detail = format!("client {}, family {family}: its tokens are revoked", client.name);
        tx.record(Event::new(EventKind::CodeReplayed, Some(&client.realm_id), subject, detail));
        door.commit(ctx, tx).await?;
    }
    Ok(Err(unknown()))
}

fn unknown() -> Refused {
    invalid_grant("the code is unknown, used, over, or another client's")
}
