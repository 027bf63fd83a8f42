//! To a provider that speaks OpenID Connect and back.

use crate::answers::{self, Outcome};
use crate::own::broker::{Asked, troubled};
use crate::own::sign_in::{Browser, Way, flow_over};
use doorward_engine::federation::{Connector, attempt, open_secret};
use doorward_engine::live::realms::LiveRealm;
use doorward_federation::oidc::Answer;
use doorward_oauth::parameters::Parameters;

/// Sends the browser to the provider, with the name somebody typed.
pub async fn out(
    asked: &Asked<'_>,
    (realm, connector): (&LiveRealm, &Connector),
    (presented, typed): (&str, &str),
) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let browser = Browser::of(web, asked.headers);
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (presented, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    let kept = (presented, &browser.hash, way.fresh_seconds());
    let (begun, state) = attempt::begin(web.door(), ctx, connector, kept)?;
    let redirect_uri = asked.redirect_uri(realm, connector);
    let hint = if typed.is_empty() { way.login_hint() } else { typed };
    match web.providers.way(connector, ctx.now, (&begun, &state, &redirect_uri), hint).await {
        Ok(way) => Ok(answers::see_other(&way)),
        Err(trouble) => troubled(asked, (realm, connector, presented), &trouble).await,
    }
}

/// Takes the browser back from it.
pub async fn back(asked: &Asked<'_>, (realm, connector): (&LiveRealm, &Connector), query: &str) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let browser = Browser::of(web, asked.headers);
    let Some(answered) = Parameters::parse_query(query).ok().filter(|all| all.check_doubled().is_ok()) else {
        return Ok(flow_over(web, ctx, realm));
    };
    let one = |name: &str| answered.one(name).ok().flatten().unwrap_or_default();
    let Some(begun) = attempt::find(web.door(), ctx, connector, (one("state"), &browser.hash)) else {
        return Ok(flow_over(web, ctx, realm));
    };
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (&begun.flow, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    let answer = match one("error") {
        "" => Answer::Code { code: one("code"), issuer: Some(one("iss")).filter(|issuer| !issuer.is_empty()) },
        error => Answer::Refused { error, description: one("error_description") },
    };
    let redirect_uri = asked.redirect_uri(realm, connector);
    let secret = open_secret(web.door(), connector)?;
    let identity = match web.providers.arrival(connector, ctx.now, (&begun, answer, &redirect_uri), secret).await {
        Ok(identity) => identity,
        Err(trouble) => return troubled(asked, (realm, connector, &begun.flow), &trouble).await,
    };
    asked.arrived((realm, connector, &begun.flow), &identity, &way).await
}
