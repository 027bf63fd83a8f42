//! What the tokens of a client that speaks for itself say is the same from one to the next, but for their times, their ids
//! and what they are bound to. It is worked out once and kept beside the client's roles, and counts for as long as client
//! and roles are the ones it was worked out from.

use crate::clients::Client;
use crate::door::Door;
use crate::token::certificate;
use crate::token::claims::{self, Common};
use crate::token::dpop::Bound;
use crate::token::mint;
use crate::token::roles::Roles;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_oauth::scope::Scopes;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// Bytes the claims of one token take beside those that are worked out already.
const ROOM: usize = 128;

/// A client's own token, but for what differs from one to the next.
pub(crate) struct Prepared {
    client: Arc<Client>,
    realm: Box<str>,
    asked: Scopes,
    /// The scopes granted.
    pub(crate) granted: Arc<Scopes>,
    /// The claims, written out: a JSON object that is not closed yet.
    said: Box<str>,
}

impl Prepared {
    /// Works it out for a client of a realm and the scopes it asks for.
    pub(crate) fn new(
        door: &Door,
        ctx: &Ctx,
        (realm, client): (&str, &Arc<Client>),
        (asked, roles): (&Scopes, &Roles),
        granted: Scopes,
    ) -> Result<Self, Fault> {
        let issuer = mint::issuer_for(door, realm, client);
        let common = Common {
            issuer: &issuer,
            client,
            now: ctx.now,
            scopes: &granted,
            session: None,
            bound: None,
            certificate: None,
        };
        let mut claims = claims::service(&common, roles, "");
        for differs in ["iat", "exp", "jti"] {
            claims.remove(differs);
        }
        let mut said = written(&claims)?;
        said.truncate(said.len() - 1);
        let (client, realm, asked, said) = (client.clone(), realm.into(), asked.clone(), said.into());
        Ok(Self { client, realm, asked, granted: Arc::new(granted), said })
    }

    /// Whether it was worked out for this.
    pub(crate) fn is_for(&self, realm: &str, client: &Arc<Client>, asked: &Scopes) -> bool {
        // The same one in memory: whatever changes a client takes it out of there.
        Arc::ptr_eq(&self.client, client) && *self.realm == *realm && self.asked == *asked
    }

    /// A token, bound to a key and a certificate if there are any.
    pub(crate) fn sign(&self, door: &Door, ctx: &Ctx, bound: Option<&Bound>) -> Result<String, Fault> {
        let key = mint::key_for(door, &self.client.realm_id, &self.client)?;
        let end = ctx.now.plus_seconds(self.client.access_seconds()).seconds();
        let mut claims = String::with_capacity(self.said.len() + ROOM);
        claims.push_str(&self.said);
        // Digits alone: nothing in it needs to be escaped.
        let (now, id) = (ctx.now.seconds(), mint::token_id(door));
        let _ = write!(claims, ",\"iat\":{now},\"exp\":{end},\"jti\":\"{id}\"");
        if bound.is_some() || ctx.certificate.is_some() {
            let mut more = Map::new();
            if let Some(bound) = bound {
                more.insert("cnf".to_owned(), json!({"jkt": bound.thumbprint()}));
            }
            certificate::confirm(&mut more, ctx.certificate.as_deref());
            let more = written(&more)?;
            claims.push(',');
            claims.push_str(more.trim_start_matches('{'));
        } else {
            claims.push('}');
        }
        key.sign_written(mint::HEADER_TYPE, claims.as_bytes())
    }
}

fn written(claims: &Map<String, Value>) -> Result<String, Fault> {
    serde_json::to_string(claims).map_err(|error| Fault::new(FaultKind::Internal, "writing a token's claims", error))
}
