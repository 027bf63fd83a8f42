//! What somebody authorized becomes its first tokens: a family begins, with a refresh token where the client
//! may have one. Every grant that speaks for a person ends here.

use crate::clients::{Client, ClientKind, GrantType};
use crate::door::Door;
use crate::logout;
use crate::token::claims::{Common, granted_to};
use crate::token::dpop::Bound;
use crate::token::{Authorized, Subject, Tokens, facts_text, mint};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::FamilyId;
use doorward_model::session::Session;
use doorward_oauth::authorize::Detail;
use doorward_store::grants::{self, FamilyRow};
use doorward_store::tx::Tx;

/// Who gets tokens, for whom, and what was authorized.
pub(crate) struct Beginning<'a> {
    /// The realm's name.
    pub realm: &'a str,
    /// The client.
    pub client: &'a Client,
    /// The session the authorization was given in; live.
    pub session: &'a Session,
    /// The person, as of now.
    pub subject: &'a Subject,
    /// What was authorized.
    pub authorized: Authorized,
    /// Fewer details than were authorized, for the first answer only.
    pub details: Option<Vec<Detail>>,
    /// The key the access token is bound to.
    pub bound: Option<Bound>,
}

/// Begins a family in an open transaction, whose caller commits. The event is recorded under the kind given.
pub(crate) async fn begin(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (family_id, kind): (FamilyId, EventKind),
    beginning: Beginning<'_>,
) -> Result<Tokens, Fault> {
    let Beginning { realm, client, session, subject, mut authorized, details, bound } = beginning;
    // A public client's refresh tokens are bound as well (RFC 9449 §5).
    if client.settings.kind == ClientKind::Public {
        authorized.refresh_key = bound.as_ref().map(|bound| bound.thumbprint().to_owned());
    }
    let scopes = granted_to(client, &authorized.scopes);
    let offline = authorized.scopes.contains("offline_access");
    let refresh = client.may(GrantType::RefreshToken).then(|| mint::refresh(door));
    let refresh_seconds = client.refresh_seconds(offline);
    // Without refresh tokens the family lives as long as the access token it is there to check.
    let life = if refresh.is_none() { client.access_seconds() } else { refresh_seconds };
    let expires_at = match offline {
        true => ctx.now.plus_seconds(life),
        false => session.expires_at,
    };
    let family = FamilyRow {
        id: family_id,
        client_id: client.id.clone(),
        user_id: session.user_id.clone(),
        session_id: (!offline).then(|| session.id.clone()),
        facts: facts_text(&authorized)?,
        created_at: ctx.now,
        expires_at,
        came_by: session.came_by().cloned(),
    };
    // The family keeps all of them, the tokens of this answer say fewer.
    authorized.details = details.unwrap_or(authorized.details);
    grants::create_family(tx, &family, session).await?;
    logout::note_client(tx, (&session.id, &client.id), &subject.sub).await?;
    if let Some(refresh) = &refresh {
        let until = ctx.now.plus_seconds(refresh_seconds);
        grants::create_refresh(tx, &refresh.hash(), &family.id, until).await?;
    }
    let issuer = mint::issuer_for(door, realm, client);
    let (session_id, bound_to) = (Some(&session.id), bound.as_ref());
    let common = Common {
        issuer: &issuer,
        client,
        now: ctx.now,
        scopes: &scopes,
        session: session_id,
        bound: bound_to,
        certificate: ctx.certificate.as_deref(),
    };
    let (access, id) = mint::for_person(door, &common, subject, &authorized, &family.id)?;
    let detail = format!("client {}, family {}", client.name, family.id);
    tx.record(Event::new(kind, Some(&client.realm_id), session.user_id.to_string(), detail));
    Ok(Tokens {
        access,
        access_seconds: client.access_seconds(),
        refresh: refresh.map(|token| (token, refresh_seconds)),
        id,
        scopes: scopes.into(),
        session: Some(session.id.clone()),
        bound,
        details: authorized.details,
    })
}
