//! The account page: who I am, where I am signed in, my password.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Fields, Headers, Visitor};
use crate::cookies::Cookie;
use crate::own::{directory_password, person, programs, stale_form};
use crate::pages::{self, FreshToken, SessionRow};
use crate::web::Web;
use axum::extract::State;
use axum::response::Response;
use doorward_engine::manage::users::{self, PasswordChange};
use doorward_engine::sessions;
use doorward_engine::token::password::AGENT;
use doorward_model::id::SessionId;
use doorward_model::limits;
use doorward_model::secret::Password;
use doorward_model::session::Session;
use doorward_model::time::Timestamp;
use http::StatusCode;
use std::sync::Arc;

/// The rule for new passwords, in words.
pub fn password_rule() -> String {
    format!(
        "At least {} characters. A few random words are better than one with tricks.",
        limits::PASSWORD_CHARACTERS_MIN
    )
}

/// What the page says besides what is so: what was just done, or why not.
#[derive(Default)]
pub struct Told {
    /// The answer's status.
    pub status: StatusCode,
    /// What was done, one sentence.
    pub notice: Option<String>,
    /// Why the password was not changed, one sentence.
    pub error: Option<String>,
    /// Why no token was made, one sentence.
    pub token_error: Option<String>,
    /// The token that was just made.
    pub fresh: Option<FreshToken>,
}

impl Told {
    /// Something was done.
    pub fn notice(sentence: impl Into<String>) -> Self {
        Self { notice: Some(sentence.into()), ..Self::default() }
    }

    /// The password was not changed.
    pub fn error(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, error: Some(sentence.into()), ..Self::default() }
    }
}

/// Why a session that a person ends on the account page is over, as the record has it.
const ENDED: &str = "ended by its user";

/// `GET /realms/{realm}/account`
pub async fn show(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor) -> Response {
    finish(&web, &arrival, render(&web, &arrival, &visitor, Told::default()).await)
}

/// `POST /realms/{realm}/account/password`
pub async fn change_password(
    State(web): State<Arc<Web>>,
    arrival: Arrival,
    visitor: Visitor,
    Headers(headers): Headers,
    fields: Fields,
) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let scheme = web.door().settings.public.scheme();
    let device = Cookie::Device.read(&headers, scheme).map(|(_, hash)| hash);
    let user = &visitor.signed_in.user;
    let outcome = async {
        let passwords = match new_password(&fields, user.name.as_str()) {
            Ok(passwords) => passwords,
            Err(sentence) => {
                return render(&web, &arrival, &visitor, Told::error(StatusCode::BAD_REQUEST, sentence)).await;
            }
        };
        let typed = (fields.text("current_password"), fields.text("new_password"));
        let place = (&*visitor.signed_in, device.as_ref());
        if let Some(told) = directory_password::change(&web, &arrival.ctx, place, typed).await? {
            return render(&web, &arrival, &visitor, told).await;
        }
        let keep = (&visitor.signed_in.session.id, device.as_ref());
        let told = match users::change_own_password(web.door(), &arrival.ctx, user, keep, passwords).await? {
            PasswordChange::Changed => {
                Told::notice("Your password is changed. Every other session of yours is signed out.")
            }
            PasswordChange::Wrong => Told::error(StatusCode::FORBIDDEN, "The current password is not right."),
            PasswordChange::Throttled => {
                Told::error(StatusCode::TOO_MANY_REQUESTS, "Too many wrong tries. Wait five minutes and try again.")
            }
            PasswordChange::Busy => Told::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "Many people are signing in right now. Try again in a moment.",
            ),
        };
        render(&web, &arrival, &visitor, told).await
    };
    finish(&web, &arrival, outcome.await)
}

fn new_password(fields: &Fields, user_name: &str) -> Result<(Password, Password), String> {
    if fields.text("new_password") != fields.text("new_password_repeat") {
        return Err("The two new passwords differ. Type the same one twice.".to_owned());
    }
    let current = Password::presented(fields.text("current_password"));
    let current = current.map_err(|bad| format!("Current password: {bad}."))?;
    let wanted = Password::chosen(fields.text("new_password"), user_name);
    Ok((current, wanted.map_err(|bad| format!("New password: {bad}."))?))
}

/// `POST /realms/{realm}/account/sessions/end`
pub async fn end_session(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor, fields: Fields) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let outcome = async {
        let Ok(id) = SessionId::parse(fields.text("session")) else { return Ok(stale_form(&web, &arrival)) };
        let ended = sessions::end_own(web.door(), &arrival.ctx, (&visitor.signed_in.user.id, &id), ENDED).await?;
        let notice = if ended { "That session is signed out." } else { "That session was over already." };
        render(&web, &arrival, &visitor, Told::notice(notice)).await
    };
    finish(&web, &arrival, outcome.await)
}

/// `POST /realms/{realm}/account/sessions/end-others`
pub async fn end_others(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor, fields: Fields) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let outcome = async {
        let signed_in = &visitor.signed_in;
        let current = Some(&signed_in.session.id);
        let count = sessions::end_others(web.door(), &arrival.ctx, &signed_in.user.id, current).await?;
        let notice = match count {
            0 => "You are signed in nowhere else.".to_owned(),
            1 => "One other session is signed out.".to_owned(),
            many => format!("{many} other sessions are signed out."),
        };
        render(&web, &arrival, &visitor, Told::notice(notice)).await
    };
    finish(&web, &arrival, outcome.await)
}

/// The page.
pub async fn render(web: &Web, arrival: &Arrival, visitor: &Visitor, told: Told) -> Outcome {
    let user = &visitor.signed_in.user;
    let apps = web.door().live.apps();
    let realm = apps.realm(&user.realm_id);
    let name = realm.map_or("", |realm| realm.name.as_str());
    let known = web.door().live.person(&web.door().store, user.clone()).await?;
    let current = &visitor.signed_in.session.id;
    let sessions = sessions::list(web.door(), &arrival.ctx, &user.id).await?;
    let account = format!("/realms/{name}/account");
    let programs = programs::view(web, arrival, visitor, (&account, &told)).await?;
    let view = pages::Account {
        person: person(user),
        realm_title: realm.map(|realm| realm.title.to_string()).unwrap_or_default(),
        email: user.email.as_ref().map(ToString::to_string),
        groups: known.groups.iter().map(|group| group.name.to_string()).collect(),
        sessions: sessions.iter().map(|session| row(session, current)).collect(),
        csrf: visitor.proof.reveal().to_owned(),
        change_password_action: format!("{account}/password"),
        end_session_action: format!("{account}/sessions/end"),
        end_other_sessions_action: format!("{account}/sessions/end-others"),
        sign_out_action: format!("/realms/{name}/sign-out"),
        home_url: web.door().settings.public.url("/"),
        notice: told.notice,
        error: told.error,
        password_rule: password_rule(),
        programs,
    };
    answers::page(told.status, &view, "")
}

fn row(session: &Session, current: &SessionId) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        device: device(&session.user_agent),
        address: session.client_address.clone(),
        started: moment(session.created_at),
        last_seen: moment(session.last_seen_at),
        is_current: session.id == *current,
    }
}

/// A moment in words people use.
pub fn moment(at: Timestamp) -> String {
    let text = at.rfc3339();
    let minutes = text.get(..16).unwrap_or(&text);
    format!("{} UTC", minutes.replace('T', " "))
}

/// Browser and system in words people use; the full description is too long to recognise.
pub fn device(user_agent: &str) -> String {
    if let Some(client) = user_agent.strip_prefix(AGENT) {
        return format!("{client}, which sent your password");
    }
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chromium (headless)"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let first = |table: &[(&str, &'static str)]| {
        table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (first(&BROWSERS), first(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "An unknown device".to_owned(),
    }
}

/// The answer, or the page of a fault.
pub fn finish(web: &Web, arrival: &Arrival, outcome: Outcome) -> Response {
    outcome.unwrap_or_else(|fault| answers::fault(web, &arrival.ctx, &fault))
}
