//! To a provider that speaks OpenID Connect and back. Its answer comes in the query, in the fragment, which a page of ours
//! sends on as a form, or as a form from its own site, with which browsers send no cookies: that one is sent once more by
//! a page of ours.

use crate::answers::{self, Outcome};
use crate::oidc::response::{form_on, page_on};
use crate::own::broker::saml::AGAIN;
use crate::own::broker::{Asked, troubled};
use crate::own::sign_in::{Browser, Way, flow_over};
use crate::pages;
use doorward_engine::federation::settings::ResponseMode;
use doorward_engine::federation::{Connector, attempt, open_secret};
use doorward_engine::live::realms::LiveRealm;
use doorward_federation::oidc::{Answer, Given, Wanted};
use doorward_federation::trouble::Trouble;
use doorward_oauth::parameters::Parameters;

/// A connector of a realm.
pub(super) type Here<'a> = (&'a LiveRealm, &'a Connector);

/// Sends the browser to the provider, with the name somebody typed.
pub async fn out(asked: &Asked<'_>, (realm, connector): Here<'_>, (presented, typed): (&str, &str)) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let browser = Browser::of(web, asked.headers);
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (presented, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    let kept = (presented, &browser.hash, way.fresh_seconds());
    let (begun, state) = attempt::begin(web.door(), ctx, connector, kept)?;
    let redirect_uri = asked.redirect_uri(realm, connector);
    let hint = if typed.is_empty() { way.login_hint() } else { typed };
    let wanted = Wanted { login_hint: hint, chooses_account: asked.chooses_account(&way) };
    match web.providers.way(connector, ctx.now, (&begun, &state, &redirect_uri), wanted).await {
        Ok(way) => Ok(answers::see_other(&way)),
        Err(trouble) => troubled(asked, (realm, connector, presented), &trouble).await,
    }
}

/// Takes the browser back from it, by its address.
pub async fn back(asked: &Asked<'_>, here: Here<'_>, query: &str) -> Outcome {
    let mode = answers_by(here.1);
    if mode == ResponseMode::Fragment && query.is_empty() {
        return behind_the_hash(&asked.redirect_uri(here.0, here.1));
    }
    let Some(answered) = read(Parameters::parse_query(query).ok()) else { return Ok(over(asked, here)) };
    // Servers log queries: what was asked for elsewhere is not taken from there. A refusal is nobody's credential.
    if mode != ResponseMode::Query && one(&answered, "error").is_empty() {
        return otherwise(asked, here, (&answered, ResponseMode::Query)).await;
    }
    take(asked, here, &answered).await
}

/// Takes the browser back from it, by a form: the provider's, or the one of a page of ours.
pub(super) async fn posted(asked: &Asked<'_>, here: Here<'_>, form: &str) -> Outcome {
    let (web, (realm, connector)) = (asked.web, here);
    let Some(answered) = read(Parameters::parse_form(form).ok()) else { return Ok(over(asked, here)) };
    let is_known = Browser::of(web, asked.headers).is_known();
    if !is_known && one(&answered, AGAIN).is_empty() && attempt::is_ours(web.door(), one(&answered, "state")) {
        let mut fields: Vec<_> =
            FIELDS.iter().map(|name| ((*name).to_owned(), one(&answered, name).to_owned())).collect();
        fields.retain(|(_, value)| !value.is_empty());
        fields.push((AGAIN.to_owned(), "yes".to_owned()));
        return form_on(asked.redirect_uri(realm, connector), fields, realm.title.as_str());
    }
    if answers_by(connector) == ResponseMode::Query {
        return otherwise(asked, here, (&answered, ResponseMode::FormPost)).await;
    }
    take(asked, here, &answered).await
}

/// An answer that came otherwise than it was asked for: whoever set the provider up has to know. It is not taken.
async fn otherwise(
    asked: &Asked<'_>,
    (realm, connector): Here<'_>,
    (answered, came_by): (&Parameters, ResponseMode),
) -> Outcome {
    let browser = Browser::of(asked.web, asked.headers);
    let state = (one(answered, "state"), &browser.hash);
    // Of somebody who did not begin here nothing is said.
    let Some(begun) = attempt::find(asked.web.door(), &asked.arrival.ctx, connector, state) else {
        return Ok(over(asked, (realm, connector)));
    };
    let trouble = Trouble::Answered { came_by: word(came_by), asked_for: word(answers_by(connector)) };
    troubled(asked, (realm, connector, &begun.flow), &trouble).await
}

fn word(mode: ResponseMode) -> &'static str {
    match mode {
        ResponseMode::Query => "query",
        ResponseMode::Fragment => "fragment",
        ResponseMode::FormPost => "form_post",
    }
}

/// What of an answer is read.
const FIELDS: [&str; 7] = ["state", "code", "id_token", "access_token", "iss", "error", "error_description"];

/// A page that sends on what stands behind the `#` of its address, where servers do not see it.
pub(super) fn behind_the_hash(target: &str) -> Outcome {
    page_on(&pages::Fragment { action: target.to_owned() })
}

fn answers_by(connector: &Connector) -> ResponseMode {
    connector.settings.kind.oidc().map_or(ResponseMode::Query, |oidc| oidc.answers_by())
}

fn read(sent: Option<Parameters>) -> Option<Parameters> {
    sent.filter(|all| all.check_doubled().is_ok())
}

fn one<'a>(answered: &'a Parameters, name: &str) -> &'a str {
    answered.one(name).ok().flatten().unwrap_or_default()
}

fn over(asked: &Asked<'_>, (realm, _): Here<'_>) -> axum::response::Response {
    flow_over(asked.web, &asked.arrival.ctx, realm)
}

async fn take(asked: &Asked<'_>, (realm, connector): Here<'_>, answered: &Parameters) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let browser = Browser::of(web, asked.headers);
    let one = |name: &str| one(answered, name);
    let Some(begun) = attempt::find(web.door(), ctx, connector, (one("state"), &browser.hash)) else {
        return Ok(flow_over(web, ctx, realm));
    };
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (&begun.flow, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    let answer = match one("error") {
        "" => Answer::Given(Given {
            code: one("code"),
            id_token: one("id_token"),
            access_token: one("access_token"),
            state: one("state"),
            issuer: Some(one("iss")).filter(|issuer| !issuer.is_empty()),
        }),
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
