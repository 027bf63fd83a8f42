//! The client sends a person's name and password: for tools that cannot do otherwise. The same sign-in as at the
//! page, with the same counters, and the same rule afterwards. RFC 6749 §4.3.

use crate::authorize::{allowed, consent};
use crate::clients::{Client, ConsentMode, ways};
use crate::door::Door;
use crate::sessions;
use crate::sign_in::password::{self, Attempt, Opened};
use crate::token::begin::{Beginning, begin};
use crate::token::dpop::{self, Key};
use crate::token::{Authorized, Refused, Tokens, invalid_grant, subject};
use doorward_model::context::Ctx;
use doorward_model::event::{Actor, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::FamilyId;
use doorward_model::people::Realm;
use doorward_model::secret::Password;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use doorward_store::users;

/// What the client sends.
pub struct Ask<'a> {
    /// User name or e-mail address.
    pub login: &'a str,
    /// The password.
    pub password: Password,
    /// The scopes.
    pub scopes: Scopes,
    /// The key the client holds.
    pub key: Option<&'a Key>,
}

/// Why there are no tokens.
pub enum No {
    /// Unknown user or wrong password: which one is not told.
    Wrong,
    /// Too many people are signing in at this moment.
    Busy,
    /// Anything else, in the protocol's words.
    Refused(Refused),
}

/// What the session of such a sign-in says of itself in place of a browser's description; the client's name follows.
pub const AGENT: &str = "password grant of ";

/// Signs in with a password that a client sends.
pub async fn password(
    door: &Door,
    ctx: &Ctx,
    (realm, client): (&Realm, &Client),
    ask: Ask<'_>,
) -> Result<Result<Tokens, No>, Fault> {
    if let Err(refused) = allowed(client, &ask.scopes, &[]) {
        return Ok(Err(No::Refused(refused)));
    }
    // Before any password is looked at: which one would be right must not be told here.
    if !ways(door, client).iter().all(|ways| ways.admit(None)) {
        let sentence = "people come in to this client through other ways than the accounts kept here";
        return Ok(Err(No::Refused(OAuthError::new(ErrorCode::UnauthorizedClient, sentence))));
    }
    let agent = format!("{AGENT}{}", client.title());
    let attempt = Attempt {
        realm_id: &realm.id,
        login: ask.login,
        password: ask.password,
        remember: false,
        device: None,
        user_agent: &agent,
        former: None,
        pending: None,
        connectors: &[],
        takes_accounts: true,
    };
    let refused = |refused| Ok(Err(No::Refused(refused)));
    match password::sign_in(door, ctx, attempt).await? {
        password::Outcome::Opened(opened) => enter(door, ctx, (realm, client), *opened, (ask.scopes, ask.key)).await,
        password::Outcome::Wrong | password::Outcome::Elsewhere(_) => Ok(Err(No::Wrong)),
        password::Outcome::Busy => Ok(Err(No::Busy)),
        password::Outcome::Disabled => refused(invalid_grant("Account disabled")),
        // In Keycloak's words: programs look for them.
        password::Outcome::MustChange(_) => refused(invalid_grant("Account is not fully set up")),
        password::Outcome::Throttled { until } => {
            let minutes = (until.millis_since(ctx.now) / 60_000 + 1).max(1);
            let sentence = format!("too many failed attempts: try again in {minutes} min");
            refused(OAuthError::new(ErrorCode::InvalidGrant, sentence))
        }
    }
}

/// Somebody is signed in now. Whom the client may not have is signed out again.
async fn enter(
    door: &Door,
    ctx: &Ctx,
    (realm, client): (&Realm, &Client),
    opened: Opened,
    (scopes, key): (Scopes, Option<&Key>),
) -> Result<Result<Tokens, No>, Fault> {
    let Opened { device, kept: session, user, .. } = opened;
    let ctx = &Ctx { actor: Actor::User(user.id.clone()), ..ctx.clone() };
    let agreed = match client.settings.consent {
        ConsentMode::Implicit => true,
        ConsentMode::Explicit => consent::covers(door, &user.id, &client.id, &scopes).await?,
    };
    let mut tx = door.begin().await?;
    let bound = match dpop::use_up(&mut tx, client, key).await? {
        Ok(bound) => bound,
        Err(refused) => {
            users::forget_device(&mut tx, &device.hash()).await?;
            sessions::end_in(&mut tx, &session.id, "a proof that was used before").await?;
            door.commit(ctx, tx).await?;
            return Ok(Err(No::Refused(refused)));
        }
    };
    // Nobody holds either credential of this sign-in: it must not count as a browser that is known.
    users::forget_device(&mut tx, &device.hash()).await?;
    let subject = subject(door, &mut tx, client, (&user.id, session.came_by())).await?;
    let why = match (&subject, agreed) {
        (Err(_), _) => Some("this person may not enter"),
        (Ok(_), false) => Some("this person has not agreed to what the client asks for"),
        (Ok(_), true) => None,
    };
    let (Ok(subject), None) = (subject, why) else {
        let why = why.unwrap_or("this person may not enter");
        sessions::end_in(&mut tx, &session.id, why).await?;
        door.commit(ctx, tx).await?;
        return Ok(Err(No::Refused(invalid_grant(why))));
    };
    let authorized = Authorized::new(scopes, Vec::new(), &session);
    let (family, realm) = (FamilyId::draw(&*door.dice), realm.name.as_str());
    let beginning = Beginning { realm, client, session: &session, subject: &subject, authorized, details: None, bound };
    let tokens = begin(door, ctx, &mut tx, (family, EventKind::PasswordToToken), beginning).await?;
    door.commit(ctx, tx).await?;
    Ok(Ok(tokens))
}
