//! A workload shows a token of its own platform, a cluster or a CI service, and speaks as the client that trusts
//! it. There is no secret: the platform's keys, issuer, audience and subject are declared with the client.
//! RFC 7523 §2.1, §3.

use crate::clients::{Client, GrantType, Workload, find, refusals};
use crate::door::Door;
use crate::token::client_credentials::client_credentials;
use crate::token::dpop::Key;
use crate::token::{Outcome, Refused, Tokens, invalid_grant, mint};
use aws_lc_rs::digest::{SHA256, digest};
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::limits;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use doorward_store::workload_tokens;
use std::sync::Arc;

/// The client a workload wants to speak as, if it may at all.
pub async fn client_of(door: &Door, ctx: &Ctx, realm: &Realm, name: &str) -> Outcome<Arc<Client>> {
    let known = match ClientName::parse(name) {
        Ok(name) => find(door, &realm.id, &name).await?,
        Err(_) => None,
    };
    let Some(client) = known.filter(|client| client.is_active) else {
        return Ok(Err(OAuthError::new(ErrorCode::InvalidClient, "the client is unknown or disabled")));
    };
    if client.may(GrantType::JwtBearer) {
        // Here, because no transaction is open: making a key is one of its own.
        mint::prepare(door, ctx, &client).await?;
    }
    Ok(Ok(client))
}

/// Gives the client a token for the token of a workload.
pub async fn workload(
    door: &Door,
    ctx: &Ctx,
    (realm, client): (&Realm, &Arc<Client>),
    (assertion, scopes, key): (&str, Scopes, Option<&Key>),
) -> Outcome<Tokens> {
    let (platform, claims) = match verified(client, ctx.now, assertion) {
        Ok(verified) => verified,
        Err(sentence) => return refuse(door, ctx, client, sentence).await,
    };
    // Made before anything is used up: a scope that is refused costs the workload nothing.
    let tokens = match client_credentials(door, ctx, realm.name.as_str(), client, (scopes, key)).await? {
        Ok(tokens) => tokens,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut tx = door.begin().await?;
    if let (Ok(id), false) = (claims.jti(), platform.reusable) {
        let hash = digest(&SHA256, format!("{}\n{id}", platform.issuer).as_bytes());
        let end = claims.time("exp").ok().flatten().unwrap_or_default();
        // A little longer than its life, because clocks differ.
        let until = Timestamp::from_millis(end.saturating_mul(1000)).plus_seconds(AFTER_END_SECONDS);
        if !workload_tokens::use_up(&mut tx, &realm.id, hash.as_ref(), until).await? {
            drop(tx);
            return refuse(door, ctx, client, "the assertion was shown before").await;
        }
    }
    let subject = claims.subject().unwrap_or_default();
    let detail = format!("client {}, workload {subject} of {}", client.name, platform.issuer);
    tx.record(Event::new(EventKind::ClientSignedIn, Some(&realm.id), client.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(Ok(tokens))
}

const AFTER_END_SECONDS: i64 = 120;

/// The platform that signed an assertion and what it claims; a sentence otherwise. Which claim is wrong is said
/// only of what was signed by a platform of this client.
fn verified<'c>(client: &'c Client, now: Timestamp, assertion: &str) -> Result<(&'c Workload, Claims), &'static str> {
    let presented = Presented::read(assertion).map_err(|_| "the assertion is no signed JWT in compact form")?;
    let mut why = "the assertion is signed by no key declared for this client's workloads";
    for platform in &client.settings.workloads {
        let Ok(keys) = KeySet::parse(&platform.jwks) else { continue };
        let Ok(claims) = keys.find_for(presented.header()).and_then(|key| presented.verify(key)) else { continue };
        match check(platform, now, &claims) {
            Ok(()) => return Ok((platform, claims)),
            Err(sentence) => why = sentence,
        }
    }
    Err(why)
}

/// What must be true of the claims (RFC 7523 §3).
fn check(platform: &Workload, now: Timestamp, claims: &Claims) -> Result<(), &'static str> {
    if claims.issuer() != Ok(platform.issuer.as_str()) {
        return Err("iss of the assertion is not the issuer declared for this client's workloads");
    }
    if !claims.audiences().is_ok_and(|all| all.contains(&platform.audience.as_str())) {
        return Err("aud of the assertion does not contain the audience declared for this client's workloads");
    }
    if !claims.subject().is_ok_and(|subject| platform.subjects.iter().any(|pattern| fits(pattern, subject))) {
        return Err("sub of the assertion is none of the workloads declared for this client");
    }
    if claims.check_times(now.seconds(), Skew::USUAL).is_err() {
        return Err("the assertion is over, not good yet, or says nothing of its end");
    }
    let end = claims.time("exp").ok().flatten().unwrap_or(i64::MAX);
    if end.saturating_sub(now.seconds()) > limits::WORKLOAD_TOKEN_SECONDS {
        return Err("the assertion is good for more than a day: have the platform make shorter ones");
    }
    match claims.text("jti") {
        Ok(_) => Ok(()),
        Err(_) => Err("jti of the assertion is no text"),
    }
}

/// Whether a subject is the one named, or begins as a pattern with `*` at its end does.
fn fits(pattern: &str, subject: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => !start.is_empty() && subject.starts_with(start),
        None => pattern == subject,
    }
}

async fn refuse(door: &Door, ctx: &Ctx, client: &Client, sentence: &'static str) -> Outcome<Tokens> {
    tracing::info!(request = %ctx.request, "refused a workload as client {}: {sentence}", client.name);
    refusals::record(door, ctx, client, EventKind::ClientRefused, sentence).await?;
    Ok(Err::<Tokens, Refused>(invalid_grant(sentence)))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_subject_is_exact_or_begins_as_declared() {
        for (pattern, subject, is_fine) in [
            ("system:serviceaccount:etl:runner", "system:serviceaccount:etl:runner", true),
            ("system:serviceaccount:etl:runner", "system:serviceaccount:etl:runner2", false),
            ("system:serviceaccount:etl:runner", "system:serviceaccount:etl:Runner", false),
            ("system:serviceaccount:etl:*", "system:serviceaccount:etl:runner", true),
            ("system:serviceaccount:etl:*", "system:serviceaccount:etl2:runner", false),
            ("repo:acme/*:ref", "repo:acme/etl:ref", false),
            ("*", "anything", false),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, subject), is_fine, "{pattern} {subject}");
        }
    }
}
