//! From an app's host to the sign-in page and back: the half that runs on Doorward's own host.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Headers, Query, visitor};
use crate::cookies;
use crate::own::launcher;
use crate::own::sign_in::Browser;
use crate::pages;
use crate::web::Web;
use axum::extract::State;
use axum::response::Response;
use doorward_engine::gate::decide::Verdict;
use doorward_engine::live::apps::Place;
use doorward_engine::sessions::SignedIn;
use doorward_engine::sign_in::enter::{self, Entry, back_at};
use doorward_engine::sign_in::flow::{self, Aim, Entrance, Wish};
use doorward_gate::query::{url_decode, url_encode};
use doorward_gate::refuse::missing;
use doorward_model::address::{BackTo, HostName};
use doorward_model::fault::Fault;
use doorward_model::id::AppId;
use doorward_model::people::Realm;
use doorward_model::session::Session;
use doorward_model::time::Timestamp;
use http::StatusCode;
use http::header::HeaderMap;
use std::sync::Arc;

/// `GET /enter?app=…&back=…&binding=…&via=…`: an app's host sends a browser here; with `another=yes` somebody who wants to
/// come in with another account.
pub async fn enter(State(web): State<Arc<Web>>, arrival: Arrival, Headers(headers): Headers, query: Query) -> Response {
    let outcome = match wish_of(&web, &query) {
        Some(wish) => sign_in_for(&web, &arrival, &headers, &wish).await,
        None => Ok(nowhere(&web, &arrival)),
    };
    let mut answer = outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault));
    if query.fields.text("another") == "yes" {
        cookies::set_another(answer.headers_mut(), web.door().settings.public.scheme());
    }
    answer
}

/// `GET /.doorward/start?rd=…`, `GET /oauth2/start?rd=…` on our own host: for apps whose pass is shared by
/// the parent domain. Without a target that is an app's, the launcher.
pub async fn start(State(web): State<Arc<Web>>, arrival: Arrival, Headers(headers): Headers, query: Query) -> Response {
    let Some(wish) = shared_wish(&web, &query.raw) else { return answers::found("/") };
    let outcome = sign_in_for(&web, &arrival, &headers, &wish).await;
    outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

/// `GET /`: the launcher, for those who are signed in. With `rd=` it is the portal as Authelia has it,
/// `/?rd=…&rm=GET`, and does what [`start`] does.
pub async fn front(State(web): State<Arc<Web>>, arrival: Arrival, Headers(headers): Headers, query: Query) -> Response {
    if let Some(wish) = shared_wish(&web, without_method(&query.raw)) {
        let outcome = sign_in_for(&web, &arrival, &headers, &wish).await;
        return outcome.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault));
    }
    match visitor(&web, &arrival, &headers).await {
        Ok(Some(visitor)) => launcher::show(State(web), arrival, visitor).await,
        Ok(None) => answers::see_other(&format!("/realms/{}/sign-in", web.door().settings.realm)),
        Err(fault) => answers::fault(&web, &arrival.ctx, &fault),
    }
}

async fn sign_in_for(web: &Web, arrival: &Arrival, headers: &HeaderMap, wish: &Wish) -> Outcome {
    let apps = web.door().live.apps();
    let app = apps.find(&wish.app_id);
    let Some(realm) = app.and_then(|app| apps.realm(&app.realm_id)) else { return Ok(nowhere(web, arrival)) };
    if let Some(visitor) = visitor(web, arrival, headers).await?
        && visitor.signed_in.session.realm_id == realm.id
    {
        let signed_in = &visitor.signed_in;
        let entry = enter::ask(web.door(), &arrival.ctx, signed_in, wish).await?;
        return match entry {
            Entry::Refused(verdict) => denied(web, arrival, signed_in, (wish, &verdict), visitor.proof.reveal()),
            entry => lead(web, (arrival, headers), signed_in, wish, entry).await,
        };
    }
    to_page(web, (arrival, headers), realm, wish)
}

fn to_page(web: &Web, (arrival, headers): (&Arrival, &HeaderMap), realm: &Realm, wish: &Wish) -> Outcome {
    let browser = Browser::of(web, headers);
    let token = flow::begin(web.door(), &arrival.ctx, &realm.id, &browser.hash, Aim::App(wish))?;
    let mut answer = answers::found(&format!("/realms/{}/sign-in?flow={}", realm.name, token));
    browser.keep(web, answer.headers_mut());
    Ok(answer)
}

/// Where whoever has just signed in goes next: to the app they asked for, to the launcher, or to the sign-in page, when
/// another way in counts there. The page that says what is missing has an address of its own, so that loading it again
/// asks again and sends no password.
pub async fn go_on(
    web: &Web,
    (arrival, headers): (&Arrival, &HeaderMap),
    signed_in: &SignedIn,
    wish: Option<&Wish>,
) -> Outcome {
    let Some(wish) = wish else { return Ok(answers::see_other("/")) };
    let entry = enter::ask(web.door(), &arrival.ctx, signed_in, wish).await?;
    lead(web, (arrival, headers), signed_in, wish, entry).await
}

async fn lead(
    web: &Web,
    (arrival, headers): (&Arrival, &HeaderMap),
    signed_in: &SignedIn,
    wish: &Wish,
    entry: Entry,
) -> Outcome {
    match entry {
        Entry::Gone => Ok(nowhere(web, arrival)),
        Entry::OtherWay => {
            let apps = web.door().live.apps();
            match apps.realm(&signed_in.session.realm_id) {
                Some(realm) => to_page(web, (arrival, headers), realm, wish),
                None => Ok(nowhere(web, arrival)),
            }
        }
        Entry::Refused(_) => Ok(answers::see_other(&again_url(web, wish))),
        Entry::Shared => go_on_shared(web, arrival, signed_in, wish).await,
        Entry::Ticket(ticket) => {
            let path = format!("{}?ticket={}", wish.entrance.enter_path(), ticket.reveal());
            Ok(answers::see_other(&wish.back_to.address().url(&path)))
        }
    }
}

/// The page that says what is missing.
fn denied(
    web: &Web,
    arrival: &Arrival,
    signed_in: &SignedIn,
    (wish, verdict): (&Wish, &Verdict),
    proof: &str,
) -> Outcome {
    let apps = web.door().live.apps();
    let Some(app) = apps.find(&wish.app_id) else { return Ok(nowhere(web, arrival)) };
    let Some(realm) = apps.realm(&app.realm_id) else { return Ok(nowhere(web, arrival)) };
    let view = pages::Denied {
        realm_title: realm.title.to_string(),
        app_name: app.settings.title.to_string(),
        missing_groups: missing(&apps, verdict),
        signed_in_as: signed_in.user.name.to_string(),
        how_to_ask: app.settings.how_to_ask.as_ref().map(ToString::to_string),
        home_url: web.door().settings.public.url("/"),
        switch_account_action: format!("/realms/{}/sign-out", realm.name),
        csrf: proof.to_owned(),
        request_id: arrival.ctx.request.to_string(),
        retry_url: wish.back_to.url(),
    };
    answers::page(StatusCode::FORBIDDEN, &view, &wish.back_to.address().origin())
}

async fn go_on_shared(web: &Web, arrival: &Arrival, signed_in: &SignedIn, wish: &Wish) -> Outcome {
    let settings = &web.door().settings;
    let pass = enter::shared_pass(web.door(), &arrival.ctx, &signed_in.session).await?;
    let Some((domain, pass)) = settings.shared_domain.as_ref().zip(pass) else {
        let words = (
            "This way in is closed",
            "The app's proxy expects a cookie shared by a parent domain, and that mode is not on.",
            "Ask your administrator to start Doorward with --cookie-domain.",
        );
        return Ok(answers::problem(web, &arrival.ctx, StatusCode::CONFLICT, words));
    };
    let mut answer = answers::see_other(&wish.back_to.url());
    let keep = keep_seconds(web, &signed_in.session, arrival.ctx.now).await?;
    cookies::set_shared(answer.headers_mut(), settings.public.scheme(), domain, &pass, keep);
    Ok(answer)
}

/// How long a session's cookies outlive the closing of the browser: not at all, unless asked for.
pub async fn keep_seconds(web: &Web, session: &Session, now: Timestamp) -> Result<Option<i64>, Fault> {
    let is_remembered = enter::is_remembered(web.door(), now, &session.realm_id, session.idle_seconds).await?;
    Ok(is_remembered.then(|| session.expires_at.millis_since(now) / 1000))
}

/// The link by which an app's host sends a browser here.
pub fn enter_url(web: &Web, wish: &Wish) -> String {
    let query = format!(
        "/enter?app={}&back={}&binding={}&via={}",
        wish.app_id,
        url_encode(&wish.back_to.url()),
        wish.binding,
        wish.entrance.as_str()
    );
    web.door().settings.public.url(&query)
}

/// The link that asks once more for what a browser wished.
fn again_url(web: &Web, wish: &Wish) -> String {
    match wish.entrance {
        Entrance::Shared => {
            let target = url_encode(&wish.back_to.url());
            web.door().settings.public.url(&format!("{}?rd={target}", wish.entrance.start_path()))
        }
        _ => enter_url(web, wish),
    }
}

/// Reads what [`enter_url`] writes; anything that does not lead to the app itself is refused.
fn wish_of(web: &Web, query: &Query) -> Option<Wish> {
    let app_id = AppId::parse(query.fields.text("app")).ok()?;
    let apps = web.door().live.apps();
    let back_to = BackTo::resolve(query.fields.text("back"), &apps.find(&app_id)?.settings.addresses)?;
    let entrance = Entrance::parse(query.fields.text("via")).filter(|entrance| *entrance != Entrance::Shared)?;
    let binding = query.fields.text("binding");
    let shaped = binding.len() == 64 && binding.bytes().all(|byte| byte.is_ascii_hexdigit());
    shaped.then(|| Wish { app_id, back_to, binding: binding.to_owned(), entrance })
}

fn shared_wish(web: &Web, query: &str) -> Option<Wish> {
    let wanted = wanted(query)?;
    let (_, rest) = wanted.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let (host, _) = HostName::parse(authority)?;
    let apps = web.door().live.apps();
    let (place, back_to) = place_for(apps.at_host(&host), Some(&wanted))?;
    Some(Wish { app_id: place.app.id.clone(), back_to, binding: String::new(), entrance: Entrance::Shared })
}

/// Of the apps at one host, the one the wanted target lies in; else the last, which has the shortest
/// prefix, at its front page.
pub fn place_for<'a>(places: &'a [Place], wanted: Option<&str>) -> Option<(&'a Place, BackTo)> {
    let exact = wanted.and_then(|wanted| {
        places.iter().find_map(|place| {
            BackTo::resolve(wanted, std::slice::from_ref(&*place.address)).map(|back_to| (place, back_to))
        })
    });
    exact.or_else(|| {
        let place = places.last()?;
        Some((place, back_at(place, None)?))
    })
}

/// The query without the method that Authelia's proxies put behind the target: a raw target would swallow it.
fn without_method(query: &str) -> &str {
    let is_method = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    query.rsplit_once("&rm=").filter(|(_, method)| is_method(method)).map_or(query, |(before, _)| before)
}

/// The target in `rd=`. Proxies that cannot encode put it there raw, as the last thing in the query: a raw
/// slash in its path tells, and then everything up to the end belongs to it. Some encode the path alone
/// and leave scheme and host raw.
pub fn wanted(query: &str) -> Option<String> {
    let start = if query.starts_with("rd=") { 3 } else { query.find("&rd=")? + 4 };
    let tail = query.get(start..)?;
    let value = tail.split('&').next().unwrap_or(tail);
    let path = value.split_once("://").map_or(value, |(_, rest)| rest);
    if path.contains('/') { Some(tail.to_owned()) } else { url_decode(value) }
}

fn nowhere(web: &Web, arrival: &Arrival) -> Response {
    let words = (
        "This link leads nowhere",
        "The link to the app is incomplete, or the app is no longer there.",
        "Start from the launcher.",
    );
    answers::problem(web, &arrival.ctx, StatusCode::NOT_FOUND, words)
}

#[cfg(test)]
mod tests {
    use super::{wanted, without_method};

    #[test]
    fn a_method_behind_a_raw_target_is_no_part_of_it() {
        let portal = |query| wanted(without_method(query));
        assert_eq!(portal("rd=https://h/x&rm=GET").as_deref(), Some("https://h/x"));
        assert_eq!(portal("rd=https://h/x?a=1&rm=b&rm=POST").as_deref(), Some("https://h/x?a=1&rm=b"));
        assert_eq!(portal("rd=https%3A%2F%2Fh%2Fx%3Fa%3D1&rm=GET").as_deref(), Some("https://h/x?a=1"));
        assert_eq!(portal("rd=https://h/x&rm=").as_deref(), Some("https://h/x&rm="));
    }

    #[test]
    fn targets_are_found_encoded_and_raw() {
        assert_eq!(wanted("rd=%2Fruns%3Fx%3D1%26y%3D2").as_deref(), Some("/runs?x=1&y=2"));
        assert_eq!(wanted("rd=/runs?x=1&y=%2F").as_deref(), Some("/runs?x=1&y=%2F"));
        assert_eq!(wanted("a=b&rd=https://h/x?y&z").as_deref(), Some("https://h/x?y&z"));
        assert_eq!(wanted("rd=https%3A%2F%2Fh%2Fx&rm=GET").as_deref(), Some("https://h/x"));
        assert_eq!(wanted("rd=https://h%2Fx%3Fy%3D1&rm=GET").as_deref(), Some("https://h/x?y=1"));
        assert_eq!(wanted("x=1"), None);
    }
}
