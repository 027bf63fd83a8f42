//! Somebody's token becomes one for another service: narrower, not longer, and it says who asked. It stays in the
//! family of the first one, so that what ends that ends this too. RFC 8693.

use crate::clients::{self, Client};
use crate::door::Door;
use crate::token::check::{Good, check};
use crate::token::claims::{self, Common};
use crate::token::dpop::{self, Key};
use crate::token::{Outcome, Refused, mint, subject};
use doorward_jose::claims::Claims;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::FamilyId;
use doorward_model::limits;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use serde_json::{Map, Value, json};

/// The kinds of token that are spoken of (RFC 8693 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// An access token.
    Access,
    /// An ID token.
    Id,
}

impl TokenType {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "urn:ietf:params:oauth:token-type:access_token",
            Self::Id => "urn:ietf:params:oauth:token-type:id_token",
        }
    }

    /// From the wire.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Access, Self::Id].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What the client sends.
pub struct Ask<'a> {
    /// The token to exchange.
    pub subject_token: &'a str,
    /// Clients and audiences the new token is for; none for the client itself.
    pub targets: Vec<String>,
    /// The scopes it shall have; all that the old one has when not said.
    pub scopes: Option<Scopes>,
    /// What it shall be.
    pub wanted: TokenType,
    /// The key the client holds.
    pub key: Option<&'a Key>,
}

/// A token that was exchanged.
#[derive(Debug)]
pub struct Exchanged {
    /// The token.
    pub token: String,
    /// What it is.
    pub kind: TokenType,
    /// Its life, in seconds.
    pub seconds: i64,
    /// Its scopes.
    pub scopes: Scopes,
    /// Whether it is bound to the client's key.
    pub is_bound: bool,
}

/// Exchanges a token.
pub async fn exchange(door: &Door, ctx: &Ctx, (realm, client): (&Realm, &Client), ask: Ask<'_>) -> Outcome<Exchanged> {
    let Some(good) = check(door, ctx, realm, ask.subject_token).await? else {
        return Ok(Err(invalid("subject_token is over, revoked, or none of this realm's access tokens")));
    };
    let old = match read(client, &good) {
        Ok(old) => old,
        Err(refused) => return Ok(Err(refused)),
    };
    let scopes = match narrowed(ask.scopes, old.scopes) {
        Ok(scopes) => scopes,
        Err(refused) => return Ok(Err(refused)),
    };
    if ask.wanted == TokenType::Id && !scopes.contains("openid") {
        return Ok(Err(invalid("an id_token needs the scope openid")));
    }
    if let Some(refused) = targets_refused(door, realm, client, (&good, &ask.targets)).await? {
        return Ok(Err(refused));
    }
    let Some((known, authorized)) = &good.person else { return Ok(Err(of_a_client())) };
    let mut tx = door.begin().await?;
    // As this client is told the person: by a subject of its own, where it has one, and with its own mappers.
    let Ok(person) = subject(door, &mut tx, client, (&known.user.id, good.came_by.as_ref())).await? else {
        return Ok(Err(invalid("the person may not enter this client")));
    };
    let person = &person;
    let bound = match dpop::use_up(&mut tx, client, ask.key).await? {
        Ok(bound) => bound,
        Err(refused) => return Ok(Err(refused)),
    };
    // What is bound to a key must not become something that is not.
    if !dpop::fits(dpop::key_of(&good.claims), bound.as_ref()) {
        return Ok(Err(invalid("subject_token is bound to a key: show a DPoP proof of that key")));
    }
    let issuer = mint::issuer_for(door, realm.name.as_str(), client);
    let session = old.session;
    let (session, bound) = (session.as_ref(), bound.as_ref());
    let common = Common {
        issuer: &issuer,
        client,
        now: ctx.now,
        scopes: &scopes,
        session,
        bound,
        certificate: ctx.certificate.as_deref(),
    };
    let mut told = match ask.wanted {
        TokenType::Access => claims::access(&common, person, authorized, (&old.family, &mint::token_id(door))),
        TokenType::Id => claims::id(&common, person, authorized, None),
    };
    let end = ctx.now.seconds().saturating_add(client.access_seconds()).min(old.end);
    told.insert("exp".to_owned(), json!(end));
    told.insert("aud".to_owned(), audience(client, &ask.targets));
    told.insert("act".to_owned(), actor(client, good.claims.get("act")));
    told.remove("nonce");
    let token = mint::key_for(door, &realm.id, client)?.sign(mint::HEADER_TYPE, &told)?;
    let is_bound = bound.is_some() && ask.wanted == TokenType::Access;
    let detail = format!("client {} for {}, family {}", client.name, targets_in_words(&ask.targets), old.family);
    tx.record(Event::new(EventKind::TokenExchanged, Some(&realm.id), person.user.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(Ok(Exchanged { token, kind: ask.wanted, seconds: end - ctx.now.seconds(), scopes, is_bound }))
}

/// What counts of the token shown.
struct Old {
    family: FamilyId,
    session: Option<doorward_model::id::SessionId>,
    scopes: Scopes,
    /// When it ends, in seconds since 1970.
    end: i64,
}

/// Reads the token shown, if this client may exchange it: it was issued to it, or is meant for it.
fn read(client: &Client, good: &Good) -> Result<Old, Refused> {
    let claims = &good.claims;
    let is_for = claims.audiences().is_ok_and(|all| all.contains(&client.name.as_str()));
    if !is_for && good.client.id != client.id {
        return Err(invalid("subject_token is not meant for this client"));
    }
    // Bound in a way that is not spoken here, it must not become something that is not bound.
    if claims.get("cnf").is_some() && dpop::key_of(claims).is_none() {
        return Err(invalid("subject_token is bound to something and cannot be exchanged"));
    }
    if depth(claims.get("act")) >= limits::EXCHANGES {
        return Err(invalid("subject_token was exchanged too often"));
    }
    let (Some(family), Ok(Some(end))) = (family(claims), claims.time("exp")) else { return Err(of_a_client()) };
    let text = |name| claims.text(name).ok().flatten();
    let scopes = Scopes::parse(text("scope").unwrap_or_default()).unwrap_or_default();
    let session = text("sid").and_then(|id| doorward_model::id::SessionId::parse(id).ok());
    Ok(Old { family, session, scopes, end })
}

fn family(claims: &Claims) -> Option<FamilyId> {
    let (family, _) = claims.jti().ok()?.split_once('.')?;
    FamilyId::parse(family).ok()
}

fn narrowed(asked: Option<Scopes>, old: Scopes) -> Result<Scopes, Refused> {
    let Some(asked) = asked else { return Ok(old) };
    let fits = asked.subset_of(&old);
    let refuse = || OAuthError::new(ErrorCode::InvalidScope, "scope asks for more than subject_token has");
    if fits { Ok(asked) } else { Err(refuse()) }
}

/// Whether a target is none this client may ask for, or a client that does not admit the person.
async fn targets_refused(
    door: &Door,
    realm: &Realm,
    client: &Client,
    (good, targets): (&Good, &[String]),
) -> Result<Option<Refused>, Fault> {
    let declared = &client.settings.exchange_for;
    let may = |target: &String| declared.contains(target) || target == client.name.as_str();
    if !targets.iter().all(may) {
        let sentence = "audience or resource is none this client may exchange tokens for";
        return Ok(Some(OAuthError::new(ErrorCode::InvalidTarget, sentence)));
    }
    let Some((person, _)) = &good.person else { return Ok(Some(of_a_client())) };
    // The client that asks gets the token, so its own rule counts too.
    let own = client.name.as_str();
    for target in targets.iter().map(String::as_str).chain([own]) {
        let Ok(name) = ClientName::parse(target) else { continue };
        let Some(known) = clients::find(door, &realm.id, &name).await? else { continue };
        if !known.is_active {
            return Ok(Some(OAuthError::new(ErrorCode::InvalidTarget, "the client asked for is disabled")));
        }
        if subject(door, &mut &door.store, &known, (&person.user.id, good.came_by.as_ref())).await?.is_err() {
            let sentence = format!(
                "this person may not enter client {target}: its rule lets them in neither by group nor as everyone"
            );
            return Ok(Some(OAuthError::new(ErrorCode::AccessDenied, sentence)));
        }
    }
    Ok(None)
}

fn audience(client: &Client, targets: &[String]) -> Value {
    match targets {
        [] => json!(client.name.as_str()),
        [only] => json!(only),
        many => json!(many),
    }
}

/// Who acts, and who acted before (RFC 8693 §4.1).
fn actor(client: &Client, before: Option<&Value>) -> Value {
    let mut actor = Map::new();
    actor.insert("sub".to_owned(), json!(client.id.as_str()));
    actor.insert("client_id".to_owned(), json!(client.name.as_str()));
    if let Some(before) = before {
        actor.insert("act".to_owned(), before.clone());
    }
    Value::Object(actor)
}

/// How often a token was exchanged.
fn depth(act: Option<&Value>) -> usize {
    std::iter::successors(act, |act| act.get("act")).count()
}

fn targets_in_words(targets: &[String]) -> String {
    if targets.is_empty() { "itself".to_owned() } else { targets.join(" ") }
}

/// A token that is not acceptable is an invalid request (RFC 8693 §2.2.2).
fn invalid(sentence: &'static str) -> Refused {
    OAuthError::invalid_request(sentence)
}

fn of_a_client() -> Refused {
    invalid("subject_token is a client's own: only a person's can be exchanged")
}

#[cfg(test)]
mod tests {
    use super::{TokenType, depth};
    use serde_json::json;

    #[test]
    fn kinds_of_tokens_read_back_and_others_do_not() {
        for kind in [TokenType::Access, TokenType::Id] {
            assert_eq!(TokenType::parse(kind.as_str()), Some(kind));
        }
        for other in ["", "access_token", "urn:ietf:params:oauth:token-type:refresh_token"] {
            assert_eq!(TokenType::parse(other), None, "{other}");
        }
    }

    #[test]
    fn who_acted_is_counted() {
        assert_eq!(depth(None), 0);
        assert_eq!(depth(Some(&json!({"sub": "a"}))), 1);
        assert_eq!(depth(Some(&json!({"sub": "b", "act": {"sub": "a"}}))), 2);
    }
}
