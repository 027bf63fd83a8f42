//! Proofs of possession on the wire: the header they come in, the nonce they are to have, the challenge that asks
//! for one. RFC 9449 §4.1, §7.1, §8.

use crate::callers::Arrival;
use crate::oidc::Failure;
use crate::web::Web;
use axum::response::Response;
use doorward_engine::clients::Client;
use doorward_engine::token::Outcome;
use doorward_engine::token::check::Good;
use doorward_engine::token::dpop::{self, Key, Scheme, Shown};
use doorward_engine::token::mint;
use doorward_model::address::Address;
use doorward_oauth::dpop::only_one;
use doorward_oauth::error::{ErrorCode, OAuthError};
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::sync::{Arc, OnceLock};

/// Where a proof stands.
const DPOP: HeaderName = HeaderName::from_static("dpop");
/// Where the next nonce stands.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Where a request was sent, as its sender must name it: below the configured public address, whatever its headers say.
pub struct Place<'w> {
    method: Method,
    path: Arc<str>,
    public: &'w Address,
    /// Written out when a proof is to be compared with it.
    url: OnceLock<String>,
}

impl<'w> Place<'w> {
    /// The place of a request.
    pub fn of(web: &'w Web, method: &Method, path: &Arc<str>) -> Self {
        let public = &web.door().settings.public;
        Self { method: method.clone(), path: path.clone(), public, url: OnceLock::new() }
    }

    /// The proof a request brought, if any.
    pub fn proof<'a>(&'a self, headers: &'a HeaderMap) -> Result<Option<Shown<'a>>, OAuthError> {
        let lines = headers.get_all(DPOP).iter().map(|line| line.to_str().ok());
        let proof = only_one(lines)?;
        let url = || self.url.get_or_init(|| self.public.url(&self.path));
        Ok(proof.map(|proof| Shown { proof, method: self.method.as_str(), url: url() }))
    }

    /// The key a client shows that it holds, if it shows one.
    pub fn key(
        &self,
        web: &Web,
        arrival: &Arrival,
        (client, headers): (&Client, &HeaderMap),
    ) -> Result<Option<Key>, Failure> {
        Ok(dpop::of_client(web.door(), &arrival.ctx, client, self.proof(headers)?.as_ref())?)
    }

    /// Whether a good access token may be used here by whoever shows it.
    pub async fn admit(
        &self,
        web: &Web,
        arrival: &Arrival,
        good: &Good,
        shown: (&str, Scheme),
        headers: &HeaderMap,
    ) -> Outcome<()> {
        match self.proof(headers) {
            Ok(proof) => dpop::admit(web.door(), &arrival.ctx, good, shown, proof.as_ref()).await,
            // A token that needs no proof is not judged by one.
            Err(_) if shown.1 == Scheme::Bearer => dpop::admit(web.door(), &arrival.ctx, good, shown, None).await,
            Err(refused) => Ok(Err(refused)),
        }
    }
}

/// Tells a client that needs nonces the one to use next, beside every answer to a proof; others, when theirs is over.
pub fn tell_nonce(
    web: &Web,
    arrival: &Arrival,
    (client, headers): (&Client, &HeaderMap),
    (refused, answer): (Option<ErrorCode>, &mut Response),
) {
    let is_due = dpop::needs_nonce(client) && headers.contains_key(DPOP);
    if !is_due && refused != Some(ErrorCode::UseDpopNonce) {
        return;
    }
    let nonce = dpop::nonce(web.door(), &arrival.ctx, &client.realm_id);
    if let Ok(nonce) = HeaderValue::from_str(&nonce) {
        answer.headers_mut().insert(DPOP_NONCE, nonce);
    }
}

/// The access token of the `Authorization` header and how it is shown, if there is exactly one.
pub fn credential(headers: &HeaderMap) -> Option<(&str, Scheme)> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (kind, token) = lines.next()?.to_str().ok()?.trim().split_once(' ')?;
    let scheme = match kind {
        kind if kind.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        kind if kind.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return None,
    };
    lines.next().is_none().then(|| (token.trim(), scheme))
}

/// The line of `WWW-Authenticate` for a token that was shown in this way (RFC 6750 §3, RFC 9449 §7.1).
pub fn challenge(scheme: Scheme, error: Option<(&str, &str)>) -> String {
    let mut line = match scheme {
        Scheme::Bearer => "Bearer realm=\"doorward\"".to_owned(),
        Scheme::Dpop => format!("DPoP algs=\"{}\"", mint::algorithms().join(" ")),
    };
    if let Some((code, sentence)) = error {
        line.push_str(&format!(", error=\"{code}\", error_description=\"{sentence}\""));
    }
    line
}
