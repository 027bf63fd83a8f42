//! Signing out together with a provider that speaks SAML. Its word ends sessions by what it calls them, whatever cookies the
//! browser has; the answer to ours leads the browser on to where it was going.

use crate::answers::{self, Outcome};
use crate::cookies;
use crate::oidc::response::form_on;
use crate::own::broker::Asked;
use crate::own::broker::saml::{AGAIN, Here, party};
use crate::web::Web;
use axum::response::Response;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::logout::{Heard, Word, heard};
use doorward_engine::federation::settings::SamlSettings;
use doorward_engine::federation::{Connector, open_secret, parting};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;
use doorward_saml::identity::{format, session_of};
use doorward_saml::limits;
use doorward_saml::logout::{Request, Session};
use doorward_saml::own_key::OwnKeys;
use doorward_saml::peers::{Came, Party, Told};
use doorward_saml::redirect::Side;
use doorward_saml::request::Way;
use doorward_saml::trouble::Trouble;
use http::StatusCode;
use std::sync::Arc;

/// Where a browser is sent whose person signs out; nowhere when the provider cannot be told.
pub async fn way_out(
    (web, ctx): (&Web, &Ctx),
    (connector, settings, endpoint): (&Connector, &SamlSettings, &str),
    (kept, state): (&Kept, &str),
) -> Result<Option<String>, Fault> {
    let session = kept.saml_session.as_deref().and_then(|text| serde_json::from_str::<Session>(text).ok());
    let Some(session) = session else { return Ok(None) };
    let secret = open_secret(web.door(), connector)?;
    let led = match OwnKeys::open(settings, secret.as_ref().map_or("", |secret| secret.as_str())) {
        Ok(own) => {
            let party = Party { connector, settings, endpoint, own: Arc::new(own), now: ctx.now };
            web.saml.way_out(&party, &id_of(state), &session).await
        }
        Err(trouble) => Err(trouble),
    };
    led.or_else(|trouble| {
        tracing::warn!(request = %ctx.request, connector = %connector.name, "not signed out at the provider: {trouble}");
        Ok(None)
    })
}

/// The id of the request that began with a parting.
fn id_of(state: &str) -> String {
    format!("_{state}")
}

/// Takes an answer from a form, which comes without cookies at first.
pub(super) async fn answered(asked: &Asked<'_>, here: Here<'_>, (posted, is_again): (&str, bool)) -> Outcome {
    let (realm, connector, _) = here;
    let scheme = asked.web.door().settings.public.scheme();
    if cookies::read_parting(asked.headers, scheme).is_none() && !is_again {
        let fields = vec![("SAMLResponse".to_owned(), posted.to_owned()), (AGAIN.to_owned(), "yes".to_owned())];
        return form_on(asked.redirect_uri(realm, connector), fields, realm.title.as_str());
    }
    told(asked, here, Came::Form { side: Side::Response, posted, relay_state: None }).await
}

/// Takes what a provider says of signing out.
pub(super) async fn told(asked: &Asked<'_>, here: Here<'_>, came: Came<'_>) -> Outcome {
    let (realm, connector, _) = here;
    let endpoint = asked.redirect_uri(realm, connector);
    let told = match party(asked, here, &endpoint)? {
        Ok(party) => match asked.web.saml.told(&party, came).await {
            Ok(Told::Request { request, relay_state }) => {
                return ended(asked, here, &party, (&request, relay_state.as_deref())).await;
            }
            Ok(Told::Answer(request)) => Ok(request),
            Err(trouble) => Err(trouble),
        },
        Err(trouble) => Err(trouble),
    };
    match told {
        Ok(request) => go_on(asked, here, &request),
        Err(trouble) => Ok(refused(asked, connector, &trouble)),
    }
}

/// The provider said that somebody signed out there: what rests on it ends, and the provider is told.
async fn ended(
    asked: &Asked<'_>,
    (_, connector, settings): Here<'_>,
    party: &Party<'_>,
    (request, relay_state): (&Request, Option<&str>),
) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let mut is_done = true;
    match words(settings, request, ctx.now) {
        Ok(words) => {
            let mut count = 0;
            for word in words {
                match heard(web.door(), ctx, connector, &word).await? {
                    Heard::Ended(ended) => count += ended,
                    Heard::Before => is_done = false,
                }
            }
            tracing::info!(request = %ctx.request, connector = %connector.name, count, "signed out at the provider");
        }
        Err(trouble) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "a request to sign out: {trouble}");
            is_done = false;
        }
    }
    let mut bytes = [0u8; 20];
    web.world.dice().fill(&mut bytes);
    let id = bytes.iter().fold("_".to_owned(), |id, byte| format!("{id}{byte:02x}"));
    match web.saml.answer(party, &id, (&request.id, is_done, relay_state)).await {
        Ok(Some(Way::Address(address))) => Ok(answers::see_other(&address)),
        Ok(Some(Way::Form { target, fields })) => form_on(target, fields, connector.title()),
        Ok(None) => Ok(answers::text(StatusCode::OK, "signed out\n")),
        Err(trouble) => Ok(refused(asked, connector, &trouble)),
    }
}

/// What a request says, session by session.
fn words(settings: &SamlSettings, request: &Request, now: Timestamp) -> Result<Vec<Word>, Trouble> {
    // What nobody asked for may have been given before the person signed out, and be shown for as long as it is good.
    let until = match settings.unsolicited {
        true => request.until.max(now.plus_seconds(limits::ASSERTION_SECONDS + limits::MARK_SECONDS)),
        false => request.until,
    };
    // Where an attribute tells people apart, the name in the request is another one, and a part of the session's.
    let subject = match settings.subject_attribute {
        Some(_) => None,
        None if request.name.format == format(settings.name_id) => Some(request.name.value.clone()),
        None => return Err(Trouble::Answer("it names somebody in another format than the connector wants (NameID)")),
    };
    if request.sessions.is_empty() && subject.is_none() {
        return Err(Trouble::Answer("it names no session, and people are told apart by an attribute"));
    }
    let word = |number: usize, session: Option<&String>| Word {
        subject: subject.clone(),
        session: session.map(|index| session_of(settings, Some(&request.name), index)),
        token_id: format!("{number} {}", request.id),
        told_at: request.issued_at,
        until,
    };
    Ok(match request.sessions.as_slice() {
        [] => vec![word(0, None)],
        sessions => sessions.iter().enumerate().map(|(number, session)| word(number, Some(session))).collect(),
    })
}

/// The provider has signed the person out: on to where the browser was going.
fn go_on(asked: &Asked<'_>, (realm, connector, _): Here<'_>, request: &str) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let scheme = web.door().settings.public.scheme();
    let kept = cookies::read_parting(asked.headers, scheme);
    let parting = kept.and_then(|text| parting::find(web.door(), ctx, connector, &text));
    let Some(parting) = parting.filter(|parting| id_of(&parting.state) == request) else {
        return Ok(answers::see_other(&format!("/realms/{}/signed-out", realm.name)));
    };
    let mut answer = answers::see_other(&parting.next);
    cookies::clear_parting(answer.headers_mut(), scheme);
    Ok(answer)
}

fn refused(asked: &Asked<'_>, connector: &Connector, trouble: &Trouble) -> Response {
    let ctx = &asked.arrival.ctx;
    tracing::warn!(request = %ctx.request, connector = %connector.name, "a message for signing out: {trouble}");
    let words = (
        "This signing out cannot go on",
        "What came from the identity provider is not its word, or it did not sign you out there.",
        "Close the browser to be sure, or give the request number to your administrator: the log tells the story.",
    );
    answers::problem(asked.web, ctx, StatusCode::BAD_REQUEST, words)
}
