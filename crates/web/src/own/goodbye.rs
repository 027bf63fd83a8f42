//! Where a browser goes after signing out: on, or first past the tools that end their own sessions in it, and past the
//! provider the session began at.

use crate::answers::{self, Outcome};
use crate::cookies;
use crate::own::broker::saml_logout as saml;
use crate::pages;
use crate::web::Web;
use axum::response::Response;
use doorward_engine::federation::logout::{Leaving, leaving};
use doorward_engine::federation::parting;
use doorward_engine::logout;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::session::Session;
use doorward_oauth::logout::origin;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use std::collections::BTreeSet;

/// What is left to do in the browser whose session ends.
#[derive(Default)]
pub struct Goodbye {
    frames: Vec<String>,
    leaving: Option<Leaving>,
}

impl Goodbye {
    /// Asked before the session ends: afterwards it is not known who got tokens in it, and where it began.
    pub async fn of(web: &Web, session: &Session) -> Result<Self, Fault> {
        let frames = logout::frames(web.door(), &session.realm_id, &session.id).await?;
        Ok(Self { frames, leaving: leaving(web.door(), session).await? })
    }

    /// On to the next place, by way of all of them.
    pub async fn by_way_of(
        self,
        (web, ctx, realm): (&Web, &Ctx, &str),
        next: &str,
        redirect: fn(&str) -> Response,
    ) -> Outcome {
        let Some(leaving) = self.leaving else { return past(self.frames, next, redirect) };
        let Some((url, cookie)) = way_out(web, ctx, (realm, &leaving), next).await? else {
            return past(self.frames, next, redirect);
        };
        let mut answer = if self.frames.is_empty() {
            // A page, because browsers hold redirects after a form to this host.
            let target_name = leaving.connector.title().to_owned();
            answers::page(StatusCode::OK, &pages::Proceed { url, verb: "Signing out at", target_name }, "")?
        } else {
            past(self.frames, &url, redirect)?
        };
        cookies::set_parting(answer.headers_mut(), &web.door().settings.public, &cookie);
        Ok(answer)
    }
}

/// Where the provider signs people out, and what it takes to go on afterwards. A provider that cannot be asked keeps
/// nobody here: the session has ended.
async fn way_out(
    web: &Web,
    ctx: &Ctx,
    (realm, leaving): (&str, &Leaving),
    next: &str,
) -> Result<Option<(String, String)>, Fault> {
    let connector = &leaving.connector;
    let public = &web.door().settings.public;
    let after = public.url(&format!("/realms/{realm}/signed-out"));
    let begun = match parting::begin(web.door(), ctx, connector, next)? {
        Some(begun) => Some(begun),
        None => parting::begin(web.door(), ctx, connector, &after)?,
    };
    let Some((cookie, state)) = begun else { return Ok(None) };
    let endpoint = public.url(&format!("/realms/{realm}/broker/{}/endpoint", connector.name));
    if let Some(settings) = connector.settings.kind.saml() {
        let url = saml::way_out((web, ctx), (connector, settings, &endpoint), (&leaving.kept, &state)).await?;
        return Ok(url.map(|url| (url, cookie)));
    }
    let back = format!("{endpoint}/logout_response");
    match web.providers.way_out(connector, ctx.now, (&leaving.kept, &back, &state)).await {
        Ok(url) => Ok(Some((url, cookie))),
        Err(trouble) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "not signed out at the provider: {trouble}");
            Ok(None)
        }
    }
}

/// On to the next place, by way of a page with these frames if there are any.
fn past(frames: Vec<String>, next: &str, redirect: fn(&str) -> Response) -> Outcome {
    if frames.is_empty() {
        return Ok(redirect(next));
    }
    let origins: BTreeSet<String> = frames.iter().filter_map(|frame| origin(frame)).collect();
    let view = pages::SigningOut { frames, next_url: next.to_owned() };
    let mut answer = answers::page(StatusCode::OK, &view, "")?;
    let policy = answer.headers().get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let origins = origins.into_iter().collect::<Vec<_>>().join(" ");
    let policy = HeaderValue::from_str(&format!(
        "{}; script-src 'self'; frame-src {origins}",
        policy.unwrap_or("default-src 'none'")
    ));
    // Without the word for them frames stay empty and the script is not run: the button is still there.
    if let Ok(policy) = policy {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(answer)
}
