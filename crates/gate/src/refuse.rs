//! Every way of not letting somebody through: to the sign-in page, with the missing group's name, by a
//! status with one sentence.

use crate::answer::Gate;
use crate::ask::{self, BadAsk, Kind, Original};
use crate::dialect::{Dialect, WhenSignedOut};
use crate::pages::{page, with_type};
use crate::query::{query_pairs, url_encode};
use bytes::Bytes;
use doorward_engine::gate::check::{Checked, Holder};
use doorward_engine::gate::decide::{Refusal, Verdict};
use doorward_engine::live::apps::{Apps, Place};
use doorward_engine::sign_in::flow::Entrance;
use doorward_model::address::BackTo;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use http::header::{HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode, Uri};

/// Facts for the page that tells a signed-in person what is missing.
pub struct Denied {
    /// The realm's name for people.
    pub realm_title: String,
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

impl Gate {
    /// 401 for a token of ours that lets nobody in (RFC 6750 §3.1). Which way it is not valid is nobody's business who
    /// does not have it.
    pub(crate) fn bad_token(&self, ctx: &Ctx) -> Response<Bytes> {
        let sentence = "this token is not valid: it is wrong, expired or revoked";
        let mut answer = self.problem(ctx, Kind::Call, StatusCode::UNAUTHORIZED, sentence);
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(INVALID_TOKEN));
        answer
    }

    pub(crate) fn sign_in(&self, ctx: &Ctx, dialect: &Dialect, place: &Place, original: &Original) -> Response<Bytes> {
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

    pub(crate) fn refuse(
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
            let is_for_others = checked.verdict == Verdict::Refused(Refusal::TokenScope);
            let of_token = format!("this token is not for app {}", place.app.slug);
            let sentence = if is_for_others { &of_token } else { &sentence };
            return self.problem(ctx, Kind::Call, StatusCode::FORBIDDEN, sentence);
        };
        if original.kind == Kind::Call {
            return self.problem(ctx, Kind::Call, StatusCode::FORBIDDEN, &sentence);
        }
        let scheme = place.address.scheme();
        let realm = apps.realm(&place.app.realm_id);
        let facts = Denied {
            realm_title: realm.map(|realm| realm.title.to_string()).unwrap_or_default(),
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
    pub(crate) fn narrow(&self, ctx: &Ctx, uri: &Uri, holder: &Holder, kind: Kind) -> Option<Response<Bytes>> {
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

const INVALID_TOKEN: &str =
    "Bearer realm=\"doorward\", error=\"invalid_token\", error_description=\"the token is wrong, expired or revoked\"";
const NARROWED: &str = "the proxy allows other groups or addresses only";

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

#[cfg(test)]
mod tests {
    use super::domain_fits;

    #[test]
    fn gauntlet_b2_02_domains_are_compared_whole() {
        assert!(domain_fits("a@example.com", "example.com") && domain_fits("a@x.example.com", "*.example.com"));
        assert!(!domain_fits("a@badexample.com", "*.example.com") && !domain_fits("a@badexample.com", "example.com"));
        assert!(!domain_fits("", "example.com") && !domain_fits("a@example.com.evil", "example.com"));
    }
}
