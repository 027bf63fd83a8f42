//! From a verdict to the words of each dialect. Every answer says what to do next and may never be
//! cached; a page is led to the sign-in page, a call gets a status.

use crate::ask::{self, BadAsk, Kind, Original};
use crate::dialect::{self, Dialect, WhenSignedOut};
use crate::headers::{self, Extras};
use bytes::Bytes;
use doorward_engine::door::Door;
use doorward_engine::gate::check::{self, Checked, Credential, Holder};
use doorward_engine::gate::decide::{Refusal, Verdict};
use doorward_engine::gate::identity::Identity;
use doorward_engine::live::apps::{Apps, Place};
use doorward_engine::live::people::Prepared;
use doorward_engine::sign_in::flow::Entrance;
use doorward_model::address::{BackTo, HostName};
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::limits;
use doorward_model::time::Timestamp;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, Response, StatusCode, Uri};
use std::sync::Arc;

/// Facts for the page that tells a signed-in person what is missing.
pub struct Denied {
    /// The app's name for people.
    pub app_title: String,
    /// Groups any of which would let the person in.
    pub missing_groups: Vec<String>,
    /// Who is signed in.
    pub user_name: String,
    /// How to ask for access.
    pub how_to_ask: Option<String>,
    /// Where the person wanted to go.
    pub retry_url: String,
    /// The request's id.
    pub request: String,
    /// The entrance by which the browser reaches Doorward from here.
    pub entrance: Entrance,
    /// The credential the page was asked with, for its form's proof.
    pub pass_cookie: Option<String>,
}

/// Renders pages: the web's business, lent to the gate.
pub trait Words: Send + Sync {
    /// The 403 page.
    fn denied(&self, facts: &Denied) -> String;
    /// Any other page with a sentence.
    fn problem(&self, status: StatusCode, sentence: &str, request: &str) -> String;
}

/// The gate: a door and its words.
pub struct Gate {
    /// The door.
    pub door: Arc<Door>,
    /// The pages.
    pub words: Arc<dyn Words>,
}

/// The head of a proxy's request.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// What the gate decided, before it is put in words.
pub enum Outcome {
    /// Let through, with these headers for the tool.
    Pass {
        /// The identity headers.
        told: HeaderMap,
        /// Who it is, for those who end streams when the right to them ends.
        holder: Holder,
    },
    /// Anything else: the answer is ready.
    Answer(Response<Bytes>),
}

impl Gate {
    /// Answers a proxy's question, sent to the host `own`.
    pub async fn answer(
        &self,
        ctx: &Ctx,
        dialect: &Dialect,
        head: Head<'_>,
        own: Result<HostName, BadAsk>,
    ) -> Response<Bytes> {
        let apps = self.door.live.apps_now();
        let known = |host: &HostName| apps.knows_host(host);
        let (host, path) = match ask::target(dialect, head.uri, head.headers, own, known) {
            Ok(target) => target,
            Err(bad) => return self.bad(ctx, head.headers, &bad),
        };
        let place = match apps.at(&host, &path) {
            Ok(Some(place)) => place,
            Ok(None) => {
                let sentence = format!("no app answers at {host}{}", path.path());
                return self.problem(ctx, ask::kind(head.headers), StatusCode::FORBIDDEN, &sentence);
            }
            Err(ambiguous) => return self.bad(ctx, head.headers, &ambiguous.into()),
        };
        if dialect.passes_own_paths && path.is_plain() && path.is_under(AUTHENTIK_PATHS) {
            return allowed(dialect, headers::tell(dialect.families, None, &NOTHING));
        }
        let credentials = ask::credentials(head.headers, place.address.scheme(), &place.label);
        let is_public = place.app.is_public(&path);
        let outcome = match self.ready(ctx.now, dialect, place, credentials[0]) {
            Some(ready) => ready,
            None => {
                let original = match ask::original((host, path), head.method, head.headers) {
                    Ok(original) => original,
                    Err(bad) => return self.bad(ctx, head.headers, &bad),
                };
                let leads = dialect.number == dialect::VERIFY && head.uri.query().is_some_and(names_a_portal);
                let portal = Dialect { signed_out: WhenSignedOut::Redirect, ..*dialect };
                let dialect = if leads { &portal } else { dialect };
                let asked = (&original, head.headers);
                // Boxed, because the future of every request is as large as its largest way through.
                Box::pin(self.judge_afresh(ctx, dialect, &apps, place, asked, credentials)).await
            }
        };
        match outcome {
            Outcome::Answer(answer) => answer,
            Outcome::Pass { mut told, holder } => {
                if dialect.narrows
                    && !is_public
                    && let Some(refused) = self.narrow(ctx, head.uri, &holder, ask::kind(head.headers))
                {
                    return refused;
                }
                if dialect.cleans {
                    clean(head.headers, place, &mut told);
                }
                allowed(dialect, told)
            }
        }
    }

    /// Judges a request at a place.
    pub async fn judge(
        &self,
        ctx: &Ctx,
        dialect: &Dialect,
        apps: &Apps,
        place: &Place,
        original: &Original,
        headers: &HeaderMap,
    ) -> Outcome {
        let credentials = ask::credentials(headers, place.address.scheme(), &place.label);
        if let Some(ready) = self.ready(ctx.now, dialect, place, credentials[0]) {
            return ready;
        }
        // Boxed, because the future of every request is as large as its largest way through.
        Box::pin(self.judge_afresh(ctx, dialect, apps, place, (original, headers), credentials)).await
    }

    /// The first credential that belongs to somebody counts: a pass that is over must not hide a good one.
    async fn check(
        &self,
        now: Timestamp,
        place: &Place,
        original: &Original,
        [first, second]: [Credential; 2],
    ) -> Result<Checked, Fault> {
        let checked = check::check(&self.door, now, place, &original.path, first).await?;
        match (&checked.holder, second) {
            (Holder::Nobody, Credential::SharedPass(_)) => {
                check::check(&self.door, now, place, &original.path, second).await
            }
            _ => Ok(checked),
        }
    }

    async fn judge_afresh(
        &self,
        ctx: &Ctx,
        dialect: &Dialect,
        apps: &Apps,
        place: &Place,
        (original, headers): (&Original, &HeaderMap),
        credentials: [Credential; 2],
    ) -> Outcome {
        let checked = match self.check(ctx.now, place, original, credentials).await {
            Ok(checked) => checked,
            Err(fault) => return Outcome::Answer(self.fault(ctx, original.kind, &fault)),
        };
        match &checked.verdict {
            Verdict::Pass(_) => match self.tell(ctx.now, dialect, apps, place, &checked) {
                Ok(told) => Outcome::Pass { told, holder: checked.holder },
                Err(fault) => Outcome::Answer(self.fault(ctx, original.kind, &fault)),
            },
            Verdict::SignIn | Verdict::Refused(Refusal::TokenExpired | Refusal::Inactive) => {
                Outcome::Answer(self.sign_in(ctx, dialect, place, original))
            }
            Verdict::Refused(_) => {
                if let Err(fault) = check::record_denial(&self.door, ctx, place, &original.host, &checked).await {
                    tracing::warn!(request = %ctx.request, "recording a denial: {fault}");
                }
                Outcome::Answer(self.refuse(ctx, dialect, apps, place, (original, headers), &checked))
            }
        }
    }

    /// The answer made before for this pass, app and dialect, while nothing it rests on has changed.
    fn ready(&self, now: Timestamp, dialect: &Dialect, place: &Place, credential: Credential) -> Option<Outcome> {
        let (Credential::Pass(hash) | Credential::SharedPass(hash)) = credential else { return None };
        let pass = self.door.live.find_pass(&hash)?;
        let prepared = match pass.session.person.prepared(&place.app, dialect.number, now) {
            Some(prepared) => prepared,
            None => {
                pass.prepared.load_full().filter(|kept| kept.is_for(&place.app, dialect.number) && now < kept.until)?
            }
        };
        let holds = pass.session.is_live(now)
            && check::fits(&self.door, &pass, place, credential)
            && check::refuse_when_out_of_step(&self.door, now).is_ok();
        if !holds {
            return None;
        }
        let told = prepared.value.downcast_ref::<HeaderMap>()?.clone();
        self.door.live.saw(&pass.session, now);
        Some(Outcome::Pass { told, holder: Holder::Person(pass) })
    }

    fn tell(
        &self,
        now: Timestamp,
        dialect: &Dialect,
        apps: &Apps,
        place: &Place,
        checked: &Checked,
    ) -> Result<HeaderMap, Fault> {
        let settings = &place.app.settings;
        let families = if settings.headers.is_empty() { dialect.families } else { settings.headers.as_slice() };
        let mut identity = Identity::of(&checked.holder);
        if let Some(identity) = &mut identity {
            // Groups this app asks for stand first: proxies that match a list by its beginning find them.
            let wanted: Vec<&str> =
                place.app.access.groups.iter().filter_map(|id| apps.group_name(id)).map(|name| name.as_str()).collect();
            identity.groups.sort_by_key(|name| !wanted.contains(&name.as_str()));
        }
        let realm = apps.realm(&place.app.realm_id).map_or("", |realm| realm.name.as_str());
        let token = match &identity {
            Some(identity) if headers::needs_token(families, settings.bearer_token) => {
                Some(identity.token(&self.door, place, realm, now)?)
            }
            Some(_) | None => None,
        };
        let keys_url = self.door.settings.public.url(&format!("/realms/{realm}/protocol/openid-connect/certs"));
        let extras = Extras {
            app: place.app.slug.as_str(),
            keys_url: &keys_url,
            token: token.as_deref(),
            bearer: settings.bearer_token,
        };
        let mut told = headers::tell(families, identity.as_ref(), &extras);
        if dialect.narrows
            && let Some(identity) = &identity
        {
            let name = if identity.email.is_empty() { &identity.user_name } else { &identity.email };
            if let Ok(value) = HeaderValue::from_bytes(name.as_bytes()) {
                told.insert("gap-auth", value);
            }
        }
        if !dialect.path.is_empty() {
            // Such an answer goes to the proxy as it is; kept with it, this line costs nothing later.
            told.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if dialect.cleans {
            // Places for what is put in for each request, so that the map need not grow then.
            told.insert(COOKIE, HeaderValue::from_static(""));
            told.entry(AUTHORIZATION).or_insert(HeaderValue::from_static(""));
        }
        let told = headers::packed(told);
        let Holder::Person(pass) = &checked.holder else { return Ok(told) };
        if matches!(checked.verdict, Verdict::Pass(doorward_engine::gate::decide::Because::PublicPath)) {
            // Being let in at a public path says nothing about the rest of the app.
            return Ok(told);
        }
        // A token is told again well before it ends, so that a tool never gets one about to expire.
        let seconds = if token.is_some() { limits::IDENTITY_TOKEN_SECONDS / 2 } else { KEEP_SECONDS };
        let prepared = Prepared {
            app: place.app.clone(),
            dialect: dialect.number,
            until: now.plus_seconds(seconds),
            value: Box::new(told.clone()),
        };
        // A token names the session, so it is kept with the pass; all else is the same for every session.
        match token {
            Some(_) => pass.prepared.store(Some(Arc::new(prepared))),
            None => pass.session.person.keep_prepared(prepared),
        }
        Ok(told)
    }

    fn sign_in(&self, ctx: &Ctx, dialect: &Dialect, place: &Place, original: &Original) -> Response<Bytes> {
        let start = self.start_url(dialect.entrance, place, original);
        let location = HeaderValue::from_str(&start).unwrap_or_else(|_| HeaderValue::from_static("/"));
        if original.kind == Kind::Call {
            let mut answer = self.problem(ctx, Kind::Call, StatusCode::UNAUTHORIZED, "sign in first");
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"doorward\""));
            if dialect.leads_calls {
                answer.headers_mut().insert(LOCATION, location);
            }
            return answer;
        }
        let is_safe = original.method.is_safe();
        let (status, name) = match dialect.signed_out {
            WhenSignedOut::Redirect if is_safe => (StatusCode::FOUND, LOCATION),
            WhenSignedOut::Redirect => (StatusCode::SEE_OTHER, LOCATION),
            WhenSignedOut::Unauthorized => {
                (StatusCode::UNAUTHORIZED, http::HeaderName::from_static("x-doorward-sign-in"))
            }
            WhenSignedOut::UnauthorizedWithLocation => (StatusCode::UNAUTHORIZED, LOCATION),
        };
        let mut answer = self.problem(ctx, Kind::Call, status, "sign in first");
        answer.headers_mut().insert(name, location);
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"doorward\""));
        }
        answer
    }

    /// Where a browser starts to sign in, with the way back. A method that changed something is not
    /// repeated: the way back is then the app's front page.
    fn start_url(&self, entrance: Entrance, place: &Place, original: &Original) -> String {
        let back = if original.method.is_safe() { BackTo::at(&place.address, original.path.as_str()) } else { None };
        let back = back.or_else(|| BackTo::front(&place.address));
        let target = back.map(|back| back.url()).unwrap_or_default();
        let wanted: String = url_encode(&target);
        let base = match entrance {
            Entrance::Shared => {
                let base = self.door.settings.public.url(entrance.start_path());
                return format!("{base}?rd={wanted}&rm={}", original.method);
            }
            Entrance::Doorward | Entrance::OAuth2Proxy | Entrance::Authentik => {
                place.address.url(entrance.start_path())
            }
        };
        format!("{base}?rd={wanted}")
    }

    fn refuse(
        &self,
        ctx: &Ctx,
        dialect: &Dialect,
        apps: &Apps,
        place: &Place,
        (original, headers): (&Original, &HeaderMap),
        checked: &Checked,
    ) -> Response<Bytes> {
        let missing_groups = missing(apps, &checked.verdict);
        let sentence = match missing_groups.as_slice() {
            [] => "you may not open this app".to_owned(),
            names => format!("this app is for members of {}", names.join(" or ")),
        };
        let Holder::Person(pass) = &checked.holder else {
            return self.problem(ctx, Kind::Call, StatusCode::FORBIDDEN, &sentence);
        };
        if original.kind == Kind::Call {
            return self.problem(ctx, Kind::Call, StatusCode::FORBIDDEN, &sentence);
        }
        let scheme = place.address.scheme();
        let facts = Denied {
            app_title: place.app.settings.title.to_string(),
            missing_groups,
            user_name: pass.session.person.user.name.to_string(),
            how_to_ask: place.app.settings.how_to_ask.as_ref().map(ToString::to_string),
            retry_url: place.address.url(original.path.as_str()),
            request: ctx.request.to_string(),
            entrance: dialect.entrance,
            pass_cookie: ask::pass_text(headers, scheme, &place.label).map(str::to_owned),
        };
        page(StatusCode::FORBIDDEN, self.words.denied(&facts), &self.door.settings.public.origin())
    }

    /// oauth2-proxy's extra constraints in the query of `/oauth2/auth`: they can only narrow.
    fn narrow(&self, ctx: &Ctx, uri: &Uri, holder: &Holder, kind: Kind) -> Option<Response<Bytes>> {
        let mut wanted = query_pairs(uri.query().unwrap_or_default())
            .filter(|(name, _)| matches!(name.as_str(), "allowed_groups" | "allowed_emails" | "allowed_email_domains"))
            .peekable();
        wanted.peek()?;
        let Holder::Person(pass) = holder else {
            return Some(self.problem(ctx, kind, StatusCode::FORBIDDEN, NARROWED));
        };
        let person = &pass.session.person;
        let email = person.user.email.as_ref().map(ToString::to_string).unwrap_or_default();
        let fits = wanted.all(|(name, list)| {
            list.split(',').map(str::trim).filter(|item| !item.is_empty()).any(|item| match name.as_str() {
                "allowed_groups" => person.groups.iter().any(|group| group.name.as_str() == item),
                "allowed_emails" => !email.is_empty() && email == item.to_lowercase(),
                _ => domain_fits(&email, &item.to_lowercase()),
            })
        });
        (!fits).then(|| self.problem(ctx, kind, StatusCode::FORBIDDEN, NARROWED))
    }

    /// 400 for what cannot be judged.
    pub fn bad(&self, ctx: &Ctx, headers: &HeaderMap, bad: &BadAsk) -> Response<Bytes> {
        self.problem(ctx, ask::kind(headers), StatusCode::BAD_REQUEST, &bad.to_string())
    }

    /// 503 when the database is gone, 500 for anything else broken; never "pass".
    pub fn fault(&self, ctx: &Ctx, kind: Kind, fault: &Fault) -> Response<Bytes> {
        tracing::error!(request = %ctx.request, "{fault}");
        if fault.kind() == FaultKind::Unavailable {
            let sentence = "the sign-in service cannot reach its database: try again in a moment";
            let mut answer = self.problem(ctx, kind, StatusCode::SERVICE_UNAVAILABLE, sentence);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
            return answer;
        }
        self.problem(ctx, kind, StatusCode::INTERNAL_SERVER_ERROR, "something broke: the log tells what, by request id")
    }

    /// A status with one sentence: a page for people, a line of text for programs.
    pub fn problem(&self, ctx: &Ctx, kind: Kind, status: StatusCode, sentence: &str) -> Response<Bytes> {
        match kind {
            Kind::Page => page(
                status,
                self.words.problem(status, sentence, &ctx.request.to_string()),
                &self.door.settings.public.origin(),
            ),
            Kind::Call => {
                let text = format!("{sentence} ({})\n", ctx.request);
                with_type(status, "text/plain; charset=utf-8", text)
            }
        }
    }
}

const NARROWED: &str = "the proxy allows other groups or addresses only";
/// Paths of authentik's outpost on every app's host.
const AUTHENTIK_PATHS: &str = "/outpost.goauthentik.io";
/// What fills headers that tell of nobody.
const NOTHING: Extras<'_> = Extras { app: "", keys_url: "", token: None, bearer: false };

fn allowed(dialect: &Dialect, told: HeaderMap) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = dialect.allow;
    *answer.headers_mut() = told;
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The client's own Cookie and Authorization without what is ours, for the proxy to put in their place.
fn clean(headers: &HeaderMap, place: &Place, told: &mut HeaderMap) {
    told.insert(COOKIE, ask::clean_cookies(headers));
    if place.app.settings.bearer_token {
        return;
    }
    let own = headers.get(AUTHORIZATION).filter(|value| !ask::holds_own_token(value));
    told.insert(AUTHORIZATION, own.cloned().unwrap_or_else(|| HeaderValue::from_static("")));
}

/// Whether Authelia's older endpoint was told where its portal is: only then it redirects.
fn names_a_portal(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("rd="))
}

/// Prepared answers without a token in them rest on nothing that runs out.
const KEEP_SECONDS: i64 = 24 * 60 * 60;

/// The headers every page carries. Forms may lead to Doorward's own host and to the hosts named: browsers
/// hold redirects after a form to the same rule.
pub fn page_headers(headers: &mut HeaderMap, form_targets: &str) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {form_targets}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert("content-security-policy", policy);
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn page(status: StatusCode, html: String, form_targets: &str) -> Response<Bytes> {
    let mut answer = with_type(status, "text/html; charset=utf-8", html);
    page_headers(answer.headers_mut(), form_targets);
    answer
}

fn with_type(status: StatusCode, media_type: &'static str, text: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Names of the groups any of which would let the person in.
pub fn missing(apps: &Apps, verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Refused(Refusal::MissingGroups(ids)) => {
            ids.iter().filter_map(|id| apps.group_name(id)).map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    }
}

fn domain_fits(email: &str, wanted: &str) -> bool {
    let Some((_, domain)) = email.rsplit_once('@') else { return false };
    match wanted.strip_prefix("*.").or_else(|| wanted.strip_prefix('.')) {
        Some(parent) => domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')),
        None => domain == wanted,
    }
}

/// Encodes a whole value for a query (RFC 3986 §2.1: everything but unreserved characters).
pub fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Decodes percent escapes and `+`; `None` when an escape is broken or the result is not UTF-8.
pub fn url_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                bytes.push(u8::try_from(value).ok()?);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Names and values of a query; pairs that do not decode are left out.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((url_decode(name)?, url_decode(value)?))
    })
}

#[cfg(test)]
mod tests {
    use super::{domain_fits, url_decode, url_encode};

    #[test]
    fn encoding_round_trips_whatever_a_path_holds() {
        let path = "/runs/7?x=1&y=%2F+z#é";
        assert_eq!(url_decode(&url_encode(path)).as_deref(), Some(path));
        assert_eq!(url_decode("%2"), None);
        assert_eq!(url_decode("%zz"), None);
    }

    #[test]
    fn gauntlet_b2_02_domains_are_compared_whole() {
        assert!(domain_fits("a@example.com", "example.com") && domain_fits("a@x.example.com", "*.example.com"));
        assert!(!domain_fits("a@badexample.com", "*.example.com") && !domain_fits("a@badexample.com", "example.com"));
        assert!(!domain_fits("", "example.com") && !domain_fits("a@example.com.evil", "example.com"));
    }
}
