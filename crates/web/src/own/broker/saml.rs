//! To a provider that speaks SAML and back. Its answer is a form posted from its own site, and browsers send no cookies with
//! such a form. So what arrives is sent once more, by a page of ours, and now comes with the cookie that says what this
//! browser has asked for.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Headers, Query};
use crate::cookies::{attempt_name, set_attempt};
use crate::limits;
use crate::oidc::response::form_on;
use crate::own::broker::{Asked, ForPerson, Troubled, oidc, saml_logout, troubled};
use crate::own::sign_in::{Browser, Way, flow_over};
use crate::pages;
use crate::web::Web;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use doorward_engine::federation::attempt::{self, Attempt};
use doorward_engine::federation::settings::{Kind, SamlSettings};
use doorward_engine::federation::{Connector, ExternalIdentity, Once, note_news, open_secret};
use doorward_engine::live::realms::LiveRealm;
use doorward_gate::ask;
use doorward_gate::query::query_pairs;
use doorward_model::fault::Fault;
use doorward_saml::limits::MARK_SECONDS;
use doorward_saml::metadata;
use doorward_saml::own_key::OwnKeys;
use doorward_saml::peers::{Came, Party, speaks_of_logout};
use doorward_saml::redirect::Side;
use doorward_saml::request;
use doorward_saml::response as answer;
use doorward_saml::trouble::Trouble;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{StatusCode, header};
use std::sync::Arc;

impl Troubled for Trouble {
    fn for_person(&self) -> ForPerson {
        match self {
            Self::Refused(_) => ForPerson::Refused,
            _ if self.may_pass() => ForPerson::Away,
            _ => ForPerson::Unproved,
        }
    }
}

/// A SAML connector of a realm.
pub(super) type Here<'a> = (&'a LiveRealm, &'a Connector, &'a SamlSettings);

/// Sends the browser to the provider.
pub(super) async fn out(asked: &Asked<'_>, here: Here<'_>, (presented, _): (&str, &str)) -> Outcome {
    let (web, ctx, (realm, connector, _)) = (asked.web, &asked.arrival.ctx, here);
    let browser = Browser::of(web, asked.headers);
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (presented, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    let fresh = way.fresh_seconds();
    let (begun, text) = attempt::begin(web.door(), ctx, connector, (presented, &browser.hash, fresh))?;
    if text.len() > limits::WAY_BYTES {
        let words = (
            "This sign-in is too large",
            "The tool's request is too long to be kept while you are at the identity provider.",
            "Ask your administrator: the tool can send its request ahead (PAR), or a shorter one.",
        );
        return Ok(answers::problem(web, ctx, StatusCode::URI_TOO_LONG, words));
    }
    let endpoint = asked.redirect_uri(realm, connector);
    let led = match party(asked, here, &endpoint)? {
        Ok(party) => web.saml.way(&party, &id_of(&begun), fresh.is_some() || asked.chooses_account(&way)).await,
        Err(trouble) => Err(trouble),
    };
    tell(asked, connector).await?;
    let mut answer = match led {
        Ok(request::Way::Address(address)) => answers::see_other(&address),
        Ok(request::Way::Form { target, fields }) => form_on(target, fields, connector.title())?,
        Err(trouble) => return troubled(asked, (realm, connector, presented), &trouble).await,
    };
    let scheme = web.door().settings.public.scheme();
    let slot = free_slot(asked);
    for crowded in crowded(asked, (slot, text.len())) {
        set_attempt(answer.headers_mut(), scheme, (crowded, ""), 0);
    }
    set_attempt(answer.headers_mut(), scheme, (slot, &text), doorward_engine::limits::PROVIDER_SECONDS);
    Ok(answer)
}

/// Notes what has happened to the provider's metadata: a certificate that changed is somebody's to look at.
async fn tell(asked: &Asked<'_>, connector: &Connector) -> Result<(), Fault> {
    for news in asked.web.saml.news(&connector.id) {
        let news = news.to_string();
        tracing::warn!(connector = %connector.name, "{news}");
        note_news(asked.web.door(), &asked.arrival.ctx, connector, &news).await?;
    }
    Ok(())
}

/// Places to clear, so that all ways together are not larger than browsers and proxies carry.
fn crowded(asked: &Asked<'_>, (slot, size): (usize, usize)) -> Vec<usize> {
    let scheme = asked.web.door().settings.public.scheme();
    let size_at = |slot: usize| ask::cookies(asked.headers, &attempt_name(scheme, slot)).map(str::len).sum::<usize>();
    let mut left = limits::WAYS_BYTES.saturating_sub(size);
    let others = (0..limits::WAYS).filter(|other| *other != slot).map(|other| (other, size_at(other)));
    let mut all = Vec::new();
    for (other, size) in others.filter(|(_, size)| *size > 0) {
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => all.push(other),
        }
    }
    all
}

/// The id of the request that began with an attempt: an XML name, which begins with no digit.
fn id_of(begun: &Attempt) -> String {
    format!("_{}", begun.nonce)
}

fn free_slot(asked: &Asked<'_>) -> usize {
    let scheme = asked.web.door().settings.public.scheme();
    let is_free = |slot: &usize| ask::cookies(asked.headers, &attempt_name(scheme, *slot)).next().is_none();
    let mut byte = [0u8];
    asked.web.world.dice().fill(&mut byte);
    let [byte] = byte;
    (0..limits::WAYS).find(is_free).unwrap_or(usize::from(byte) % limits::WAYS)
}

/// `POST /realms/{realm}/broker/{connector}/endpoint`
pub async fn posted(
    State(web): State<Arc<Web>>,
    Path((realm, connector)): Path<(String, String)>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
    request: Request,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    let text = match read(&headers, &query, request).await {
        Ok(text) => text,
        Err(answer) => return answer,
    };
    match take(&asked, (&realm, &connector), &text).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

/// The form as it came.
pub(super) async fn read(headers: &HeaderMap, query: &Query, request: Request) -> Result<String, Response> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next() != Some("application/x-www-form-urlencoded") || !query.raw.is_empty() {
        let sentence = "a message must be sent as application/x-www-form-urlencoded, without a query\n";
        return Err(answers::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    let reading = axum::body::to_bytes(request.into_body(), limits::MESSAGE_FORM_BYTES);
    match tokio::time::timeout(limits::FORM_ARRIVAL, reading).await {
        Ok(Ok(bytes)) => String::from_utf8(bytes.to_vec())
            .map_err(|_| answers::text(StatusCode::BAD_REQUEST, "the form is not UTF-8 text\n")),
        Ok(Err(_)) => Err(answers::text(StatusCode::PAYLOAD_TOO_LARGE, "the form is larger than 512 KiB\n")),
        Err(_) => Err(answers::text(StatusCode::REQUEST_TIMEOUT, "the form did not arrive in time\n")),
    }
}

/// The fields that count; `None` when one is there twice.
struct Sent {
    response: Option<String>,
    request: Option<String>,
    relay_state: Option<String>,
    is_again: bool,
    csrf: String,
}

impl Sent {
    fn parse(text: &str) -> Option<Self> {
        let mut sent = Self { response: None, request: None, relay_state: None, is_again: false, csrf: String::new() };
        for (name, value) in query_pairs(text) {
            let slot = match name.as_str() {
                "SAMLResponse" => &mut sent.response,
                "SAMLRequest" => &mut sent.request,
                "RelayState" => &mut sent.relay_state,
                AGAIN => {
                    sent.is_again = true;
                    continue;
                }
                "csrf" => {
                    sent.csrf = value;
                    continue;
                }
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return None;
            }
        }
        Some(sent)
    }
}

/// The field by which a page of ours says that it has sent an answer on.
pub(super) const AGAIN: &str = "again";

/// Takes what came as a form.
pub(super) async fn take(asked: &Asked<'_>, place: (&str, &str), text: &str) -> Outcome {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let (realm, connector) = match asked.place(place).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let settings = match &connector.settings.kind {
        Kind::Saml(settings) => settings,
        Kind::Oidc(_) => return oidc::posted(asked, (&realm, &connector), text).await,
        Kind::Ldap(_) | Kind::OAuth2(_) | Kind::Kerberos(_) => return Ok(flow_over(web, ctx, &realm)),
    };
    let here = (&*realm, &connector, settings);
    match Sent::parse(text) {
        Some(Sent { response: Some(response), request: None, is_again, csrf, .. }) => match speaks_of_logout(&response)
        {
            true => saml_logout::answered(asked, here, (&response, is_again)).await,
            false => back(asked, here, (&response, is_again.then_some(csrf.as_str()))).await,
        },
        Some(Sent { response: None, request: Some(request), relay_state, .. }) => {
            let relay_state = relay_state.as_deref();
            let came = Came::Form { side: Side::Request, posted: &request, relay_state };
            saml_logout::told(asked, here, came).await
        }
        _ => Ok(flow_over(web, ctx, &realm)),
    }
}

/// Takes the browser back from the provider.
async fn back(asked: &Asked<'_>, here: Here<'_>, (response, again): (&str, Option<&str>)) -> Outcome {
    let (web, ctx, (realm, connector, settings)) = (asked.web, &asked.arrival.ctx, here);
    let endpoint = asked.redirect_uri(realm, connector);
    let begun = begun(asked, connector);
    let csrf = again.unwrap_or_default();
    if begun.is_empty() && again.is_none() {
        let fields = vec![("SAMLResponse".to_owned(), response.to_owned()), (AGAIN.to_owned(), "yes".to_owned())];
        return form_on(endpoint, fields, realm.title.as_str());
    }
    // An answer in another browser, or that nobody waits for any more, is not even looked at.
    if begun.is_empty() && !settings.unsolicited {
        return Ok(flow_over(web, ctx, realm));
    }
    let flow = begun.first().map_or("", |(_, begun)| begun.flow.as_str());
    let proved = match party(asked, here, &endpoint)? {
        Ok(party) => prove(asked, &party, &begun, response).await,
        Err(trouble) => Err(trouble),
    };
    tell(asked, connector).await?;
    let (mut identity, proved) = match proved {
        Ok(proved) => proved,
        Err(trouble) => return troubled(asked, (realm, connector, flow), &trouble).await,
    };
    identity.once.push(Once { kind: "saml assertion".to_owned(), id: proved.id, until: proved.until, at: None });
    let answered = begun.iter().find(|(_, begun)| Some(id_of(begun)) == proved.request);
    let Some((slot, begun)) = answered else {
        // Another site may have sent the browser here with an answer of its own.
        let browser = Browser::of(web, asked.headers);
        if !browser.proof().matches(csrf) {
            return ask_first(asked, here, (&browser, &identity, response));
        }
        return asked.arrived((realm, connector, ""), &identity, &Way::Home).await;
    };
    // Longer than the seal opens, by as much as clocks of two nodes are apart.
    let until = begun.begun_at.plus_seconds(doorward_engine::limits::PROVIDER_SECONDS + MARK_SECONDS);
    identity.once.push(Once { kind: "saml request".to_owned(), id: id_of(begun), until, at: None });
    let browser = Browser::of(web, asked.headers);
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (&begun.flow, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    let mut answer = asked.arrived((realm, connector, &begun.flow), &identity, &way).await?;
    set_attempt(answer.headers_mut(), web.door().settings.public.scheme(), (*slot, ""), 0);
    Ok(answer)
}

/// Asks whether somebody wants to be who an answer nobody asked for speaks of.
fn ask_first(asked: &Asked<'_>, (realm, connector, _): Here<'_>, came: (&Browser, &ExternalIdentity, &str)) -> Outcome {
    let (web, (browser, identity, response)) = (asked.web, came);
    let page = pages::Arriving {
        action: asked.redirect_uri(realm, connector),
        csrf: browser.proof().reveal().to_owned(),
        provider: connector.title().to_owned(),
        name: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        answer: response.to_owned(),
        home_url: web.door().settings.public.url("/"),
    };
    let mut answer = answers::page(StatusCode::OK, &page, "")?;
    browser.keep(web, answer.headers_mut());
    Ok(answer)
}

/// The ways to this connector's provider this browser has begun, and where each is kept.
fn begun(asked: &Asked<'_>, connector: &Connector) -> Vec<(usize, Attempt)> {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let scheme = web.door().settings.public.scheme();
    let browser = Browser::of(web, asked.headers);
    let found = |slot: usize| {
        let name = attempt_name(scheme, slot);
        let mut texts = ask::cookies(asked.headers, &name);
        let begun = texts.find_map(|text| attempt::find(web.door(), ctx, connector, (text, &browser.hash)))?;
        Some((slot, begun))
    };
    (0..limits::WAYS).filter_map(found).collect()
}

async fn prove(
    asked: &Asked<'_>,
    party: &Party<'_>,
    begun: &[(usize, Attempt)],
    response: &str,
) -> Result<(ExternalIdentity, answer::Proved), Trouble> {
    let request = |(_, begun): &(usize, Attempt)| answer::Request {
        id: id_of(begun),
        fresh_since: begun.fresh_seconds.map(|seconds| begun.begun_at.plus_seconds(-seconds)),
    };
    asked.web.saml.arrival(party, begun.iter().map(request).collect(), response).await
}

/// Our side of a connector, with its keys open.
pub(super) fn party<'a>(
    asked: &Asked<'_>,
    (_, connector, settings): Here<'a>,
    endpoint: &'a str,
) -> Result<Result<Party<'a>, Trouble>, Fault> {
    let secret = open_secret(asked.web.door(), connector)?;
    let secret = secret.as_ref().map_or("", |secret| secret.as_str());
    let own = OwnKeys::open(settings, secret).map(Arc::new);
    let now = asked.arrival.ctx.now;
    Ok(own.map(|own| Party { connector, settings, endpoint, own, now }))
}

/// `GET /realms/{realm}/broker/{connector}/endpoint/descriptor`
pub async fn descriptor(
    State(web): State<Arc<Web>>,
    Path((realm, connector)): Path<(String, String)>,
    arrival: Arrival,
    Headers(headers): Headers,
) -> Response {
    let asked = Asked { web: &web, arrival: &arrival, headers: &headers };
    match published(&asked, (&realm, &connector)).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn published(asked: &Asked<'_>, place: (&str, &str)) -> Outcome {
    let (realm, connector) = match asked.place(place).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let none = || answers::text(StatusCode::NOT_FOUND, "this connector publishes nothing\n");
    let Kind::Saml(settings) = &connector.settings.kind else { return Ok(none()) };
    let endpoint = asked.redirect_uri(&realm, &connector);
    match party(asked, (&realm, &connector, settings), &endpoint)? {
        Ok(party) => {
            let text = metadata::own(settings, (party.own_id(), &endpoint), &party.own);
            let mut answer = Response::new(Body::from(text));
            let kind = HeaderValue::from_static("application/samlmetadata+xml");
            answer.headers_mut().insert(CONTENT_TYPE, kind);
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let quiet = HeaderValue::from_static("nosniff");
            answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, quiet);
            Ok(answer)
        }
        Err(trouble) => {
            tracing::warn!(connector = %connector.name, "{trouble}");
            Ok(none())
        }
    }
}
