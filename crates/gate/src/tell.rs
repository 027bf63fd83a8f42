//! What a tool is told of a visitor who passes, and what is kept of it for the next request.

use crate::answer::Gate;
use crate::ask;
use crate::dialect::Dialect;
use crate::headers::{self, Extras};
use crate::kept::Returned;
use doorward_engine::gate::check::{Checked, Holder};
use doorward_engine::gate::decide::{Because, Verdict};
use doorward_engine::gate::identity::Identity;
use doorward_engine::live::apps::{Apps, Place};
use doorward_engine::live::people::Prepared;
use doorward_model::fault::Fault;
use doorward_model::limits;
use doorward_model::time::Timestamp;
use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue};

impl Gate {
    pub(crate) fn tell(
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
        let Holder::Person(pass) = &checked.holder else { return Ok(told) };
        if matches!(checked.verdict, Verdict::Pass(Because::PublicPath)) {
            // Being let in at a public path says nothing about the rest of the app.
            return Ok(told);
        }
        let Some((shape, own)) = self.shapes.take_apart(&told) else { return Ok(told) };
        // A token is told again well before it ends, so that a tool never gets one about to expire.
        let seconds = if token.is_some() { limits::IDENTITY_TOKEN_SECONDS / 2 } else { KEEP_SECONDS };
        let app = place.app.clone();
        let prepared = Prepared { app, dialect: dialect.number, until: now.plus_seconds(seconds), shape, own };
        // A token names the session, so it is kept with the pass; all else is the same for every session.
        if token.is_none() {
            pass.session.person.keep_prepared(&prepared);
        }
        self.door.live.keep_told(pass, prepared);
        Ok(told)
    }
}

/// The client's own Authorization without what is ours, beside what is left of its cookies, for the proxy to put in their
/// place.
pub(crate) fn returned(headers: &HeaderMap, place: &Place, cookie: HeaderValue) -> Returned {
    let is_ours = |value: &HeaderValue| place.app.settings.bearer_token || ask::holds_own_token(value);
    let own = headers.get(&OWN_AUTHORIZATION).filter(|value| !is_ours(value));
    let authorization = own.cloned().unwrap_or_else(|| HeaderValue::from_static(""));
    Returned { cookie, authorization }
}

/// Puts them where they belong. The place of Authorization is taken when the app is told a token of ours.
pub(crate) fn put_back(returned: Returned, place: &Place, told: &mut HeaderMap) {
    told.insert(COOKIE, returned.cookie);
    if !place.app.settings.bearer_token {
        told.insert(AUTHORIZATION, returned.authorization);
    }
}

// Looked up for every check, made once.
static OWN_AUTHORIZATION: HeaderName = AUTHORIZATION;

/// Prepared answers without a token in them rest on nothing that runs out.
const KEEP_SECONDS: i64 = 24 * 60 * 60;
