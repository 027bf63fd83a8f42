//! Access tokens bound to a certificate (RFC 8705 §3): worth something only over a connection made with it.

use crate::clients::{Certificate, Client};
use crate::token::Refused;
use doorward_jose::claims::Claims;
use doorward_model::context::Ctx;
use doorward_oauth::error::OAuthError;
use serde_json::{Map, Value, json};

/// The member of `cnf` with the certificate's SHA-256 (RFC 8705 §3.1).
const MEMBER: &str = "x5t#S256";

/// The circumstances a client's tokens are made in, with its certificate, if they are to be bound to it; `None` where they
/// are made in those there are.
pub fn bind(ctx: &Ctx, client: &Client, certificate: Option<&Certificate>) -> Result<Option<Ctx>, Refused> {
    if !client.settings.certificate_bound {
        return Ok(None);
    }
    let missing = "this client's tokens are bound to its certificate, and it came without one: connect with it";
    let certificate = certificate.ok_or_else(|| OAuthError::invalid_request(missing))?;
    Ok(Some(Ctx { certificate: Some(certificate.thumbprint().into()), ..ctx.clone() }))
}

/// Notes in a token what it is bound to, beside whatever else it is bound to.
pub(crate) fn confirm(claims: &mut Map<String, Value>, certificate: Option<&str>) {
    let Some(certificate) = certificate else { return };
    let confirmation = claims.entry("cnf").or_insert_with(|| json!({}));
    if let Some(members) = confirmation.as_object_mut() {
        members.insert(MEMBER.to_owned(), json!(certificate));
    }
}

/// Whether a token may be used by whoever connected with this certificate, or with none.
pub fn admits(claims: &Claims, certificate: Option<&Certificate>) -> bool {
    match claims.get("cnf").and_then(|cnf| cnf.get(MEMBER)) {
        None => true,
        Some(bound) => certificate.is_some_and(|shown| bound.as_str() == Some(shown.thumbprint())),
    }
}
