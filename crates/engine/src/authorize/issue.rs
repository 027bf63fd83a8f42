//! What a person's agreement becomes: a code, tokens through the browser, or only the word that it worked. One
//! transaction, in which a pushed request is used up. OIDC Core §3.1.2.5, §3.2.2.5 and §3.3.2.5.

use crate::authorize::{Return, consent};
use crate::clients::Client;
use crate::door::Door;
use crate::gate::decide::Verdict;
use crate::logout;
use crate::token::claims::{self, Common, granted_to};
use crate::token::{Authorized, Subject, facts_text, mint, subject};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{FamilyId, SessionId};
use doorward_model::limits;
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_model::session::Session;
use doorward_oauth::authorize::AuthorizeRequest;
use doorward_oauth::pkce::Challenge;
use doorward_oauth::scope::Scopes;
use doorward_oauth::token_hash::{at_hash, c_hash, s_hash};
use doorward_store::grants::{self, FamilyRow, UsedCode};
use doorward_store::pushed;
use doorward_store::sessions::SignedIn;
use doorward_store::tx::Tx;
use serde_json::json;

/// What a browser takes back to the client.
pub struct Answer {
    /// The code.
    pub code: Option<PlainToken>,
    /// The access token.
    pub access: Option<Access>,
    /// The ID token.
    pub id_token: Option<String>,
    /// The browser session.
    pub session: SessionId,
}

/// An access token that travels through the browser.
pub struct Access {
    /// The token.
    pub token: String,
    /// Its life, in seconds.
    pub seconds: i64,
    /// What was granted.
    pub scopes: Scopes,
}

impl Answer {
    /// Its parameters on the way back (RFC 6749 §4.1.2 and §4.2.2), with `session_state` as Keycloak has it.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        fields.extend(self.code.as_ref().map(|code| ("code", code.reveal().to_owned())));
        if let Some(access) = &self.access {
            fields.push(("access_token", access.token.clone()));
            fields.push(("token_type", "Bearer".to_owned()));
            fields.push(("expires_in", access.seconds.to_string()));
            fields.push(("scope", access.scopes.to_string()));
        }
        fields.extend(self.id_token.as_ref().map(|token| ("id_token", token.clone())));
        fields.push(("session_state", self.session.to_string()));
        fields
    }
}

/// What came of issuing.
pub(super) enum Issued {
    /// An answer.
    Answer(Answer),
    /// The pushed request was answered before.
    Spent,
    /// The person lost the right to enter this very moment.
    Refused(Verdict),
}

/// Issues what a request asks for, to a person who may have it. `agreed` is whether the person has just said yes.
pub(super) async fn issue(
    door: &Door,
    ctx: &Ctx,
    (back, request): (&Return, &AuthorizeRequest),
    challenge: Option<Challenge>,
    (signed_in, agreed): (&SignedIn, bool),
) -> Result<Issued, Fault> {
    let client = &back.client;
    let kind = request.response_type;
    if kind.has_token() || kind.has_id_token() {
        // Here, because no transaction is open: making a key is one of its own.
        mint::prepare(door, ctx, client).await?;
    }
    let authorized = authorized(back, request, challenge, signed_in);
    let mut tx = door.begin().await?;
    if let Some(hash) = &back.came.pushed
        && !pushed::answer(&mut tx, hash, ctx.now).await?
    {
        return Ok(Issued::Spent);
    }
    if agreed {
        consent::give(&mut tx, ctx, &signed_in.user, client, &consent::wanted(client, request)).await?;
        consent::note_details(&mut tx, &signed_in.user, client, request);
    }
    let code =
        if kind.has_code() { Some(code(door, ctx, &mut tx, client, (&authorized, signed_in)).await?) } else { None };
    let mut answer = Answer { code, access: None, id_token: None, session: signed_in.session.id.clone() };
    if kind.has_token() || kind.has_id_token() {
        let person = match subject(door, &mut tx, client, (&signed_in.user.id, signed_in.session.came_by())).await? {
            Ok(person) => person,
            Err(verdict) => return Ok(Issued::Refused(verdict)),
        };
        let given = (&authorized, &person, &signed_in.session);
        tokens(door, ctx, &mut tx, (back, request), given, &mut answer).await?;
    }
    door.commit(ctx, tx).await?;
    Ok(Issued::Answer(answer))
}

fn authorized(
    back: &Return,
    request: &AuthorizeRequest,
    challenge: Option<Challenge>,
    signed_in: &SignedIn,
) -> Authorized {
    Authorized {
        scopes: request.scopes.clone(),
        redirect_uri: back.target.as_str().to_owned(),
        named_redirect_uri: back.is_named,
        challenge: challenge.map(|challenge| challenge.text().to_owned()),
        nonce: request.nonce.clone(),
        signed_in_at: signed_in.session.created_at,
        elsewhere: signed_in.session.connector.is_some(),
        resources: request.resources.clone(),
        code_key: request.dpop_jkt.clone(),
        refresh_key: None,
        claims: request.claims.clone(),
        details: request.details.clone(),
    }
}

async fn code(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    client: &Client,
    (authorized, signed_in): (&Authorized, &SignedIn),
) -> Result<PlainToken, Fault> {
    let code = PlainToken::draw(TokenKind::Code, &*door.dice);
    let kept = UsedCode {
        session_id: signed_in.session.id.clone(),
        family_id: FamilyId::draw(&*door.dice),
        facts: facts_text(authorized)?,
    };
    let until = ctx.now.plus_seconds(limits::CODE_SECONDS);
    grants::create_code(tx, &code.hash(), &client.id, &kept, until).await?;
    note(tx, EventKind::CodeIssued, client, signed_in.user.id.as_str());
    Ok(code)
}

/// Adds the tokens that travel through the browser. An access token belongs to a family of its own, which ends with
/// the session as one from a code would.
async fn tokens(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (back, request): (&Return, &AuthorizeRequest),
    (authorized, person, begun_in): (&Authorized, &Subject, &Session),
    answer: &mut Answer,
) -> Result<(), Fault> {
    let client = &back.client;
    let key = mint::key_for(door, &client.realm_id, client)?;
    let algorithm = key.algorithm().as_str();
    let scopes = granted_to(client, &authorized.scopes);
    let (issuer, session) = (back.issuer(door), Some(&answer.session));
    let common =
        Common { issuer: &issuer, client, now: ctx.now, scopes: &scopes, session, bound: None, certificate: None };
    logout::note_client(tx, (&answer.session, &client.id), &person.sub).await?;
    let mut access = None;
    if request.response_type.has_token() {
        let family = FamilyRow {
            id: FamilyId::draw(&*door.dice),
            client_id: client.id.clone(),
            user_id: person.user.id.clone(),
            session_id: Some(answer.session.clone()),
            facts: facts_text(authorized)?,
            created_at: ctx.now,
            expires_at: ctx.now.plus_seconds(client.access_seconds()),
            came_by: begun_in.came_by().cloned(),
        };
        grants::create_family(tx, &family, begun_in).await?;
        let claims = claims::access(&common, person, authorized, (&family.id, &mint::token_id(door)));
        let token = key.sign(mint::HEADER_TYPE, &claims)?;
        access = Some(Access { token, seconds: client.access_seconds(), scopes: scopes.clone() });
    }
    if request.response_type.has_id_token() {
        let at_hash = access.as_ref().and_then(|access| at_hash(algorithm, &access.token));
        let mut claims = claims::id(&common, person, authorized, at_hash);
        let c_hash = answer.code.as_ref().and_then(|code| c_hash(algorithm, code.reveal()));
        let s_hash = request.state.as_ref().and_then(|state| s_hash(algorithm, state));
        for (name, hash) in [("c_hash", c_hash), ("s_hash", s_hash)] {
            claims.extend(hash.map(|hash| (name.to_owned(), json!(hash))));
        }
        answer.id_token = Some(key.sign(mint::HEADER_TYPE, &claims)?);
    }
    answer.access = access;
    note(tx, EventKind::TokensInBrowser, client, person.user.id.as_str());
    Ok(())
}

fn note(tx: &mut Tx, kind: EventKind, client: &Client, user: &str) {
    tx.record(Event::new(kind, Some(&client.realm_id), user, format!("client {}", client.name)));
}
