//! Authorization: may this browser be sent back to this client with what it asks for? First the client and the
//! address are checked, because before that nothing may be sent anywhere; then what this client may ask for; then
//! the session, its age, whose it is, the rule, the person's agreement. OIDC Core §3.1.2, RFC 6749 §4.1.

pub mod asked;
pub mod consent;
pub mod issue;
mod object;
mod person;
pub mod pushed;
pub mod signed_response;
mod wishes;

use crate::authorize::asked::Came;
use crate::authorize::issue::{Answer, Issued, issue};
use crate::clients::{self, Client, ConsentMode};
use crate::denials;
use crate::door::Door;
use crate::gate::decide::{Refusal, Verdict};
use crate::token::mint;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_oauth::authorize::{AuthorizeRequest, Entry, Prompt};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::redirect::{RedirectRule, VerifiedRedirect};
use doorward_store::groups;
use doorward_store::sessions::SignedIn;
use std::sync::Arc;
pub use wishes::{acceptable, allowed};

/// A client and an address of its own: from here on errors may be sent there.
#[derive(Clone)]
pub struct Return {
    /// The client.
    pub client: Arc<Client>,
    /// The realm it asks.
    pub realm: Realm,
    /// Where the browser goes back to, exactly as the request named it.
    pub target: VerifiedRedirect,
    /// Whether the request named it.
    pub is_named: bool,
    /// How the request came.
    pub came: Came,
}

impl Return {
    /// The issuer's URL: who answers.
    pub fn issuer(&self, door: &Door) -> String {
        mint::issuer_for(door, self.realm.name.as_str(), &self.client)
    }
}

/// Finds the client and checks the address. The sentence of a refusal is for people: nothing is redirected.
pub async fn address(door: &Door, realm: &Realm, entry: &Entry) -> Result<Result<Return, String>, Fault> {
    let name = doorward_model::name::ClientName::parse(&entry.client_id);
    let known = match name {
        Ok(name) => clients::find(door, &realm.id, &name).await?,
        Err(_) => None,
    };
    let Some(client) = known else {
        return Ok(Err("No client of that client_id is registered in this realm.".to_owned()));
    };
    if !client.is_active {
        return Ok(Err("This client is disabled.".to_owned()));
    }
    let is_named = entry.redirect_uri.is_some();
    match VerifiedRedirect::find(&client.settings.redirect_uris, entry.redirect_uri.as_deref()) {
        Ok(target) => {
            let (realm, came) = (realm.clone(), Came::default());
            Ok(Ok(Return { client, realm, target, is_named, came }))
        }
        Err(_) if is_named => {
            let rules: Vec<&str> =
                client.settings.redirect_uris.iter().map(RedirectRule::text).take(RULES_TOLD).collect();
            tracing::info!(client = %client.name, "a redirect_uri was refused that is none of: {}", rules.join(" "));
            Ok(Err(format!("The redirect_uri is not one {} has registered.", client.title())))
        }
        Err(_) => Ok(Err(format!("The request names no redirect_uri, and {} has not exactly one.", client.title()))),
    }
}

/// Redirect rules the log tells of one client.
const RULES_TOLD: usize = 10;

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
    /// The browser goes back with this.
    Answer(Answer),
    /// The request was pushed, and has been answered before: nothing is sent anywhere.
    Spent,
}

/// Whether a sign-in is recent enough for a request.
fn is_recent(ctx: &Ctx, request: &AuthorizeRequest, signed_in: &SignedIn, fresh: Fresh) -> bool {
    if fresh == Fresh::Yes {
        return true;
    }
    let age = ctx.now.millis_since(signed_in.session.created_at) / 1000;
    // None at all is `prompt=login` (OIDC Core §3.1.2.1), also for somebody who signed in this very second.
    let within = request.max_age.is_none_or(|most| most > 0 && age <= i64::from(most));
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
    // Proxies of some platforms always ask that nobody be disturbed, and mean nothing by it.
    let quiet = request.prompt.contains(Prompt::None) && !back.client.settings.tolerates_prompt_none;
    let or_error = |next: Next, code, sentence: &'static str| {
        if quiet { Next::Error(OAuthError::new(code, sentence)) } else { next }
    };
    if let Err(error) = person::can_sign_in_so(request) {
        return Ok(Next::Error(error));
    }
    let Some(signed_in) = signed_in.filter(|signed_in| signed_in.session.realm_id == back.client.realm_id) else {
        return Ok(or_error(Next::SignIn, ErrorCode::LoginRequired, "nobody is signed in"));
    };
    if !is_recent(ctx, request, signed_in, fresh) {
        return Ok(or_error(Next::SignIn, ErrorCode::LoginRequired, "the sign-in is too long ago"));
    }
    match (person::is_expected(door, back, request, &signed_in.user).await?, fresh) {
        (person::Fit::Expected, _) | (person::Fit::Unclear, Fresh::Yes) => {}
        (person::Fit::SomebodyElse | person::Fit::Unclear, Fresh::No) => {
            return Ok(or_error(Next::SignIn, ErrorCode::LoginRequired, "the person expected is not signed in"));
        }
        (person::Fit::SomebodyElse, Fresh::Yes) => {
            let sentence = "another person signed in than the one expected";
            return Ok(Next::Error(OAuthError::new(ErrorCode::LoginRequired, sentence)));
        }
    }
    let person = door.live.person(&door.store, signed_in.user.clone()).await?;
    let verdict = clients::admits(door, &back.client, (&signed_in.user, &person.groups), signed_in.session.came_by());
    if let Verdict::Refused(Refusal::OtherWay(_)) = verdict {
        return Ok(or_error(Next::SignIn, ErrorCode::LoginRequired, OTHER_WAY));
    }
    if !matches!(verdict, Verdict::Pass(_)) {
        refused(door, ctx, back, signed_in, &verdict).await?;
        return Ok(or_error(Next::Refused(verdict), ErrorCode::AccessDenied, "this person may not enter"));
    }
    let asks = back.client.settings.consent == ConsentMode::Explicit || request.prompt.contains(Prompt::Consent);
    if asks && agreed == consent::Agreed::NotAsked {
        let known = consent::covers_request(door, &signed_in.user.id, &back.client, request).await?;
        if !known || request.prompt.contains(Prompt::Consent) {
            return Ok(or_error(Next::Consent, ErrorCode::ConsentRequired, "this person has not agreed yet"));
        }
    }
    let challenge = match wishes::challenge(&back.client, request) {
        Ok(challenge) => challenge,
        Err(error) => return Ok(Next::Error(error)),
    };
    let has_agreed = asks && agreed == consent::Agreed::Now;
    Ok(match issue(door, ctx, (back, request), challenge, (signed_in, has_agreed)).await? {
        Issued::Answer(answer) => Next::Answer(answer),
        Issued::Spent => Next::Spent,
        Issued::Refused(Verdict::Refused(Refusal::OtherWay(_))) => {
            or_error(Next::SignIn, ErrorCode::LoginRequired, OTHER_WAY)
        }
        Issued::Refused(verdict) => {
            refused(door, ctx, back, signed_in, &verdict).await?;
            or_error(Next::Refused(verdict), ErrorCode::AccessDenied, "this person may not enter")
        }
    })
}

const OTHER_WAY: &str = "the person has to sign in by another way";

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
    let names = missing(door, verdict).await?.join(" or ");
    // Groups of a client's own rule stand in no snapshot: their names were just asked for.
    let words = if names.is_empty() { verdict.words(|_| None) } else { format!("is missing {names}") };
    let detail = format!("user {} at client {} {words}", signed_in.user.name, back.client.name);
    let (realm, user) = (&back.client.realm_id, signed_in.user.id.to_string());
    let event = Event::new(EventKind::AuthorizationRefused, Some(realm), user, detail);
    denials::note(door, ctx, (signed_in.session.id.as_str(), back.client.id.as_str()), event).await
}
