//! Authorization: may this browser be sent back to this client with a code? First the client and the
//! address are checked, because before that nothing may be sent anywhere; then the session, its age, the
//! rule, the person's agreement. OIDC Core §3.1.2, RFC 6749 §4.1.

pub mod consent;

use crate::clients::{self, Client, ClientKind, ConsentMode, GrantType};
use crate::door::Door;
use crate::gate::decide::{Refusal, Verdict};
use crate::token::{Authorized, claims, facts_text};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::FamilyId;
use doorward_model::limits;
use doorward_model::people::Realm;
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_oauth::authorize::{AuthorizeRequest, Entry, Prompt, ResponseType};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::pkce::{AllowPlain, Challenge};
use doorward_oauth::redirect::VerifiedRedirect;
use doorward_oauth::scope::Scopes;
use doorward_store::grants::{self, UsedCode};
use doorward_store::groups;
use doorward_store::sessions::SignedIn;
use std::sync::Arc;

/// A client and an address of its own: from here on errors may be sent there.
#[derive(Clone)]
pub struct Return {
    /// The client.
    pub client: Arc<Client>,
    /// Where the browser goes back to, exactly as the request named it.
    pub target: VerifiedRedirect,
    /// Whether the request named it.
    pub is_named: bool,
}

/// Finds the client and checks the address. The sentence of a refusal is for people: nothing is redirected.
pub async fn address(door: &Door, realm: &Realm, entry: &Entry) -> Result<Result<Return, &'static str>, Fault> {
    let name = doorward_model::name::ClientName::parse(&entry.client_id);
    let known = match name {
        Ok(name) => clients::find(door, &realm.id, &name).await?,
        Err(_) => None,
    };
    let Some(client) = known else { return Ok(Err("No client of that client_id is registered in this realm.")) };
    if !client.is_active {
        return Ok(Err("This client is disabled."));
    }
    let is_named = entry.redirect_uri.is_some();
    match VerifiedRedirect::find(&client.settings.redirect_uris, entry.redirect_uri.as_deref()) {
        Ok(target) => Ok(Ok(Return { client, target, is_named })),
        Err(_) if is_named => Ok(Err("The redirect_uri is not one this client has registered.")),
        Err(_) => Ok(Err("The request names no redirect_uri, and the client has not exactly one.")),
    }
}

/// Whether a request is one this client may make; the protocol's error otherwise, to be sent back.
pub fn acceptable(back: &Return, request: &AuthorizeRequest) -> Result<(), OAuthError> {
    let client = &back.client;
    if request.request.is_some() {
        return Err(OAuthError::new(ErrorCode::RequestNotSupported, "request objects are not taken"));
    }
    if request.request_uri.is_some() {
        return Err(OAuthError::new(ErrorCode::RequestUriNotSupported, "request_uri is not taken"));
    }
    if request.response_type != ResponseType::Code {
        return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "this client may use response_type code only"));
    }
    if request.is_jarm {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "response modes with .jwt are not taken"));
    }
    if !client.may(GrantType::AuthorizationCode) {
        let sentence = "this client may not use the authorization code grant";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, sentence));
    }
    allowed(client, &request.scopes, &request.resources)?;
    challenge(client, request).map(drop)
}

/// Whether a client may ask a person for these scopes and resources, however it asks.
pub fn allowed(client: &Client, scopes: &Scopes, resources: &[String]) -> Result<(), OAuthError> {
    if let Some(scope) = claims::not_allowed(client, scopes) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, format!("this client may not ask for scope {scope}")));
    }
    // Whoever could name any resource could get a person's token for somebody else's service.
    let is_declared = |resource: &String| client.settings.mappers.iter().any(|mapper| mapper.is_audience(resource));
    if !resources.iter().all(is_declared) {
        let sentence = "resource is none of the audiences declared for this client";
        return Err(OAuthError::new(ErrorCode::InvalidTarget, sentence));
    }
    Ok(())
}

fn challenge(client: &Client, request: &AuthorizeRequest) -> Result<Option<Challenge>, OAuthError> {
    let (given, method) = (request.code_challenge.as_deref(), request.code_challenge_method.as_deref());
    let challenge = Challenge::parse(given, method, AllowPlain::No)?;
    let may_do_without = client.settings.kind == ClientKind::Confidential && client.settings.pkce_optional;
    if challenge.is_none() && !may_do_without {
        let sentence = "code_challenge is missing: this client must use PKCE (code_challenge_method S256)";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, sentence));
    }
    Ok(challenge)
}

/// What happens next with a request that is acceptable.
pub enum Next {
    /// The person signs in, or again.
    SignIn,
    /// The person is asked to agree.
    Consent,
    /// The client's rule says no; the verdict says why.
    Refused(Verdict),
    /// The client asked that nobody be disturbed, and this would need somebody.
    Error(OAuthError),
    /// The browser goes back with this code.
    Code(PlainToken),
}

/// Whether a sign-in is recent enough for a request.
fn is_recent(ctx: &Ctx, request: &AuthorizeRequest, signed_in: &SignedIn, fresh: Fresh) -> bool {
    if fresh == Fresh::Yes {
        return true;
    }
    let age = ctx.now.millis_since(signed_in.session.created_at) / 1000;
    let within = request.max_age.is_none_or(|most| age <= i64::from(most));
    within && !request.prompt.contains(Prompt::Login) && !request.prompt.contains(Prompt::SelectAccount)
}

/// Whether the person has just signed in for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// Yes.
    Yes,
    /// The session was there before.
    No,
}

/// Goes on with a request: the one decision about sending a browser back.
pub async fn go_on(
    door: &Door,
    ctx: &Ctx,
    (back, request): (&Return, &AuthorizeRequest),
    signed_in: Option<&SignedIn>,
    (fresh, agreed): (Fresh, consent::Agreed),
) -> Result<Next, Fault> {
    let quiet = request.prompt.contains(Prompt::None);
    let or_error = |next: Next, code, sentence: &'static str| {
        if quiet { Next::Error(OAuthError::new(code, sentence)) } else { next }
    };
    let Some(signed_in) = signed_in.filter(|signed_in| signed_in.session.realm_id == back.client.realm_id) else {
        return Ok(or_error(Next::SignIn, ErrorCode::LoginRequired, "nobody is signed in"));
    };
    if !is_recent(ctx, request, signed_in, fresh) {
        return Ok(or_error(Next::SignIn, ErrorCode::LoginRequired, "the sign-in is too long ago"));
    }
    let person = door.live.person(&door.store, signed_in.user.clone()).await?;
    let verdict = clients::admits(door, &back.client, &signed_in.user, &person.groups);
    if !matches!(verdict, Verdict::Pass(_)) {
        refused(door, ctx, back, signed_in, &verdict).await?;
        return Ok(or_error(Next::Refused(verdict), ErrorCode::AccessDenied, "this person may not enter"));
    }
    let asks = back.client.settings.consent == ConsentMode::Explicit || request.prompt.contains(Prompt::Consent);
    if asks && agreed == consent::Agreed::NotAsked {
        let known = consent::covers(door, &signed_in.user.id, &back.client.id, &request.scopes).await?;
        if !known || request.prompt.contains(Prompt::Consent) {
            return Ok(or_error(Next::Consent, ErrorCode::ConsentRequired, "this person has not agreed yet"));
        }
    }
    let challenge = match challenge(&back.client, request) {
        Ok(challenge) => challenge,
        Err(error) => return Ok(Next::Error(error)),
    };
    let code = issue(door, ctx, (back, request), challenge, signed_in, (asks, agreed)).await?;
    Ok(Next::Code(code))
}

async fn issue(
    door: &Door,
    ctx: &Ctx,
    (back, request): (&Return, &AuthorizeRequest),
    challenge: Option<Challenge>,
    signed_in: &SignedIn,
    (asks, agreed): (bool, consent::Agreed),
) -> Result<PlainToken, Fault> {
    let authorized = Authorized {
        scopes: request.scopes.clone(),
        redirect_uri: back.target.as_str().to_owned(),
        named_redirect_uri: back.is_named,
        challenge: challenge.map(|challenge| challenge.text().to_owned()),
        nonce: request.nonce.clone(),
        signed_in_at: signed_in.session.created_at,
        resources: request.resources.clone(),
        code_key: request.dpop_jkt.clone(),
        refresh_key: None,
    };
    let code = PlainToken::draw(TokenKind::Code, &*door.dice);
    let kept = UsedCode {
        session_id: signed_in.session.id.clone(),
        family_id: FamilyId::draw(&*door.dice),
        facts: facts_text(&authorized)?,
    };
    let client = &back.client;
    let mut tx = door.begin().await?;
    if asks && agreed == consent::Agreed::Now {
        consent::give(&mut tx, ctx, &signed_in.user, client, &request.scopes).await?;
    }
    let until = ctx.now.plus_seconds(limits::CODE_SECONDS);
    grants::create_code(&mut tx, &code.hash(), &client.id, &kept, until).await?;
    let detail = format!("client {}", client.name);
    tx.record(Event::new(EventKind::CodeIssued, Some(&client.realm_id), signed_in.user.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(code)
}

/// Names of the groups any of which would let a person in.
pub async fn missing(door: &Door, verdict: &Verdict) -> Result<Vec<String>, Fault> {
    let Verdict::Refused(Refusal::MissingGroups(ids)) = verdict else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for id in ids {
        let group = groups::find_by_id(&mut &door.store, id).await?;
        names.extend(group.map(|group| group.name.to_string()));
    }
    Ok(names)
}

async fn refused(door: &Door, ctx: &Ctx, back: &Return, signed_in: &SignedIn, verdict: &Verdict) -> Result<(), Fault> {
    if !door.live.may_record_denial(&signed_in.session.id, ctx.now) {
        return Ok(());
    }
    let names = missing(door, verdict).await?.join(" or ");
    // Groups of a client's own rule stand in no snapshot: their names were just asked for.
    let words = if names.is_empty() { verdict.words(|_| None) } else { format!("is missing {names}") };
    let detail = format!("user {} at client {} {words}", signed_in.user.name, back.client.name);
    let mut tx = door.begin().await?;
    let (realm, user) = (&back.client.realm_id, signed_in.user.id.to_string());
    tx.record(Event::new(EventKind::AuthorizationRefused, Some(realm), user, detail));
    door.commit(ctx, tx).await
}
