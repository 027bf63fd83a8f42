//! Doorward's paths on every app's own host: starting to sign in, coming back with a ticket, signing
//! out. Their three spellings are those of the gates Doorward stands in for.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, Query};
use crate::cookies::{BROWSER_SECONDS, Cookie, clear_pass, clear_shared, set_pass};
use crate::own::enter::{enter_url, place_for, wanted};
use crate::pages;
use crate::web::Web;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use doorward_engine::gate::check::{self, Holder};
use doorward_engine::gate::identity::Identity;
use doorward_engine::live::people::LivePass;
use doorward_engine::sessions;
use doorward_engine::sign_in::enter;
use doorward_engine::sign_in::flow::{Entrance, Wish};
use doorward_gate::answer::Outcome as Judged;
use doorward_gate::ask;
use doorward_gate::dialect;
use doorward_gate::query::url_encode;
use doorward_model::address::BackTo;
use doorward_model::fault::Fault;
use doorward_model::path::RequestPath;
use doorward_model::secret::{FormProof, PlainToken, TokenHash, TokenKind};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::json;
use std::sync::Arc;

fn entrance(uri: &Uri) -> Entrance {
    if uri.path().starts_with("/oauth2/") {
        Entrance::OAuth2Proxy
    } else if uri.path().starts_with("/outpost.goauthentik.io/") {
        Entrance::Authentik
    } else {
        Entrance::Doorward
    }
}

/// `GET …/start?rd=…`: gives the browser a secret that its ticket will be bound to, and sends it to the
/// sign-in host.
pub async fn start(
    State(web): State<Arc<Web>>,
    uri: Uri,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let apps = web.door().live.apps();
    let wanted = wanted_from(&query, &headers);
    let Some((place, back_to)) = place_for(apps.at_host(&arrival.host), wanted.as_deref()) else {
        return no_app(&web, &arrival);
    };
    let scheme = place.address.scheme();
    // Several tabs may start at once: they share the secret, which lives on from every start.
    let (text, binding) = Cookie::Browser.read(&headers, scheme).unwrap_or_else(|| {
        let token = PlainToken::draw(TokenKind::Binding, &**web.world.dice());
        (token.reveal().to_owned(), token.hash())
    });
    let app_id = place.app.id.clone();
    let wish = Wish { app_id, back_to, binding: binding.hex(), entrance: entrance(&uri) };
    let mut url = enter_url(&web, &wish);
    if query.fields.text("another") == "yes" {
        url.push_str("&another=yes");
    }
    let mut answer = answers::found(&url);
    Cookie::Browser.set(answer.headers_mut(), &place.address, &text, Some(BROWSER_SECONDS));
    answer
}

/// `GET /oauth2/sign_in`: a page that goes on by itself, because some proxies show what stands here under
/// another status and would not follow a redirect (`error_page 401 =403 /oauth2/sign_in`).
pub async fn sign_in_page(
    State(web): State<Arc<Web>>,
    uri: Uri,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let apps = web.door().live.apps();
    let wanted = wanted_from(&query, &headers);
    let Some((place, back_to)) = place_for(apps.at_host(&arrival.host), wanted.as_deref()) else {
        return no_app(&web, &arrival);
    };
    let start = format!("{}?rd={}", entrance(&uri).start_path(), url_encode(&back_to.url()));
    let target_name = place.app.settings.title.to_string();
    let view = pages::Proceed { url: place.address.url(&start), verb: pages::Proceed::OPENING, target_name };
    answers::page(StatusCode::OK, &view, "").unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

/// Where the browser wanted to be: in the query, or in the header oauth2-proxy reads.
fn wanted_from(query: &Query, headers: &HeaderMap) -> Option<String> {
    let told = || headers.get("x-auth-request-redirect").and_then(|value| value.to_str().ok()).map(str::to_owned);
    wanted(&query.raw).or_else(told)
}

/// `GET …/enter?ticket=…`: the ticket becomes a pass for this host.
pub async fn enter(State(web): State<Arc<Web>>, arrival: Arrival, Headers(headers): Headers, query: Query) -> Response {
    let outcome = admit(&web, &arrival, &headers, query.fields.text("ticket")).await;
    outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn admit(web: &Web, arrival: &Arrival, headers: &HeaderMap, ticket: &str) -> Outcome {
    let apps = web.door().live.apps();
    let Some(front) = apps.at_host(&arrival.host).last() else { return Ok(no_app(web, arrival)) };
    let binding = Cookie::Browser.read(headers, front.address.scheme()).map(|(_, hash)| hash);
    let admitted = match TokenHash::of_presented(TokenKind::Ticket, ticket) {
        Some(hash) => enter::admit(web.door(), &arrival.ctx, &arrival.host, &hash, binding.as_ref()).await?,
        None => None,
    };
    let Some(admitted) = admitted else {
        let view = pages::Problem {
            status: 400,
            title: "This way in was used already".to_owned(),
            what: "The link into the app works once, for half a minute, in the browser that asked for it.".to_owned(),
            how: "Open the app again; if you are signed in, you will not have to type anything.".to_owned(),
            request_id: arrival.ctx.request.to_string(),
            home_url: Some(web.door().settings.public.url("/")),
            retry_url: BackTo::front(&front.address).map(|back_to| back_to.url()),
        };
        return answers::page(StatusCode::BAD_REQUEST, &view, "");
    };
    let mut answer = answers::found(&admitted.back_to.url());
    let entered = apps.at_host(&arrival.host).iter().find(|place| place.app.id == admitted.app_id);
    if let Some(place) = entered {
        set_pass(answer.headers_mut(), place, &admitted.pass, admitted.keep_seconds);
    }
    Ok(answer)
}

/// `GET …/sign_out?rd=…`: tools link here, so it acts at once; a link on another site only gets to the
/// page that asks.
pub async fn sign_out(
    State(web): State<Arc<Web>>,
    arrival: Arrival,
    Headers(headers): Headers,
    query: Query,
) -> Response {
    let is_foreign = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let public = &web.door().settings.public;
    let realm = &web.door().settings.realm;
    if is_foreign {
        return answers::found(&public.url(&format!("/realms/{realm}/sign-out")));
    }
    let apps = web.door().live.apps();
    let target = wanted(&query.raw).and_then(|wanted| {
        apps.at_host(&arrival.host)
            .iter()
            .find_map(|place| BackTo::resolve(&wanted, std::slice::from_ref(&*place.address)))
    });
    let location = match target {
        Some(back_to) => back_to.url(),
        None => public.url(&format!("/realms/{realm}/signed-out")),
    };
    end_and_go(&web, &arrival, &headers, &location).await
}

/// `POST …/sign_out` from the page that says what is missing: another account, same place.
pub async fn switch_account(
    State(web): State<Arc<Web>>,
    uri: Uri,
    arrival: Arrival,
    Headers(headers): Headers,
    fields: Fields,
) -> Response {
    let apps = web.door().live.apps();
    let Some((place, back_to)) = place_for(apps.at_host(&arrival.host), Some(fields.text("retry"))) else {
        return no_app(&web, &arrival);
    };
    let pass = ask::pass_text(&headers, place.address.scheme(), &place.label);
    if !pass.is_some_and(|text| FormProof::of(text).matches(fields.text("csrf"))) {
        return crate::own::stale_form(&web, &arrival);
    }
    let start = format!("{}?rd={}&another=yes", entrance(&uri).start_path(), url_encode(&back_to.url()));
    end_and_go(&web, &arrival, &headers, &place.address.url(&start)).await
}

async fn end_and_go(web: &Web, arrival: &Arrival, headers: &HeaderMap, location: &str) -> Response {
    let outcome = async {
        if let Some(pass) = holder(web, arrival, headers).await? {
            sessions::end(web.door(), &arrival.ctx, &pass.session.id, "signed out at an app").await?;
        }
        let mut answer = answers::see_other(location);
        for place in web.door().live.apps().at_host(&arrival.host) {
            clear_pass(answer.headers_mut(), place);
            if let Some(domain) = &web.door().settings.shared_domain {
                clear_shared(answer.headers_mut(), place.address.scheme(), domain);
            }
        }
        Ok(answer)
    };
    outcome.await.unwrap_or_else(|fault: Fault| answers::fault(web, &arrival.ctx, &fault))
}

/// `GET /oauth2/userinfo`: who is signed in here, as oauth2-proxy tells it.
pub async fn user_info(State(web): State<Arc<Web>>, arrival: Arrival, Headers(headers): Headers) -> Response {
    match holder(&web, &arrival, &headers).await {
        Ok(Some(pass)) => {
            let identity = Identity::of(&Holder::Person(pass));
            let body = identity.map(|identity| {
                json!({
                    "user": identity.user_name, "email": identity.email, "groups": identity.groups,
                    "preferredUsername": identity.user_name,
                })
            });
            answers::json(StatusCode::OK, &body.unwrap_or_default())
        }
        Ok(None) => answers::text(StatusCode::UNAUTHORIZED, "Unauthorized\n"),
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

/// `GET /.doorward/denied`: the page behind nginx's 403, for the URL it asked about.
pub async fn denied(State(web): State<Arc<Web>>, arrival: Arrival, Headers(headers): Headers) -> Response {
    let Some(nginx) = dialect::find("/gate/nginx") else { return no_app(&web, &arrival) };
    let apps = web.door().live.apps();
    let own = Err(ask::BadAsk::Host);
    let root = Uri::from_static("/");
    let told = ask::target(nginx, &root, &headers, &own, |_| false);
    let original = match told.and_then(|told| ask::original(told, &Method::GET, &headers)) {
        Ok(original) => ask::Original { kind: ask::Kind::Page, ..original },
        Err(bad) => return web.gate.bad(&arrival.ctx, &headers, &bad).map(Body::from),
    };
    let Ok(Some(place)) = apps.at(&original.host, &original.path) else { return no_app(&web, &arrival) };
    match web.gate.judge(&arrival.ctx, nginx, &apps, place, &original, &headers).await {
        Judged::Answer(answer) => answer.map(Body::from),
        // The right was granted between the two questions.
        Judged::Pass { .. } => answers::found(&place.address.url(original.path.as_str())),
    }
}

/// The live pass behind the request's cookie, for this host.
async fn holder(web: &Web, arrival: &Arrival, headers: &HeaderMap) -> Result<Option<Arc<LivePass>>, Fault> {
    let apps = web.door().live.apps();
    let Ok(root) = RequestPath::parse("/") else { return Ok(None) };
    for place in apps.at_host(&arrival.host) {
        for credential in ask::credentials(headers, place.address.scheme(), &place.label) {
            let checked = check::check(web.door(), arrival.ctx.now, place, &root, credential).await?;
            if let Holder::Person(pass) = checked.holder {
                return Ok(Some(pass));
            }
        }
    }
    Ok(None)
}

fn no_app(web: &Web, arrival: &Arrival) -> Response {
    let words = ("There is nothing here", "No app answers at this address.", "Start from the launcher.");
    answers::problem(web, &arrival.ctx, StatusCode::NOT_FOUND, words)
}
