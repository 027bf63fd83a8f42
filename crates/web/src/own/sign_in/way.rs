//! Where a sign-in leads, and what whoever is waiting there wants of it.

use super::Browser;
use crate::callers::Arrival;
use crate::oidc::authorize;
use crate::own::broker::open::admit;
use crate::web::Web;
use doorward_engine::sign_in::flow::{self, Wish};
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_model::ways::{CameBy, Ways};

/// Where a browser goes after signing in.
pub enum Way {
    /// To the launcher.
    Home,
    /// To an app.
    App(Wish),
    /// To a page of our own.
    Page(String),
    /// Back to a client.
    Client {
        /// The client's request, as the flow carries it.
        request: String,
        /// What the page should know of it.
        preview: authorize::Preview,
    },
}

impl Way {
    /// Where a flow leads, if it is still one of this browser's own.
    pub async fn of_flow(
        web: &Web,
        arrival: &Arrival,
        realm: &Realm,
        (text, browser): (&str, &Browser),
    ) -> Result<Option<Self>, Fault> {
        let kept = flow::find(web.door(), &arrival.ctx, text, &browser.hash);
        let Some(kept) = kept.filter(|kept| kept.realm_id == realm.id) else { return Ok(None) };
        let asked = (flow::authorize(&kept), flow::page(&kept));
        Self::of(web, arrival, realm, flow::wish(web.door(), &kept), asked).await.map(Some)
    }

    pub(super) async fn of(
        web: &Web,
        arrival: &Arrival,
        realm: &Realm,
        wish: Option<Wish>,
        (request, page): (Option<&str>, Option<&str>),
    ) -> Result<Self, Fault> {
        if let Some(page) = page {
            return Ok(Self::Page(page.to_owned()));
        }
        if let Some(request) = request
            && let Some(preview) = authorize::preview(web, arrival, realm, request).await?
        {
            return Ok(Self::Client { request: request.to_owned(), preview });
        }
        Ok(wish.map_or(Self::Home, Self::App))
    }

    /// Its name for people, and where the browser is led after a form: to the app's own host, or back to the client.
    pub fn end(&self, web: &Web) -> (Option<String>, String) {
        match self {
            Self::Home | Self::Page(_) => (None, String::new()),
            Self::App(wish) => {
                let apps = web.door().live.apps();
                let title = apps.find(&wish.app_id).map(|app| app.settings.title.to_string());
                (title, wish.back_to.address().origin())
            }
            Self::Client { preview, .. } => (Some(preview.title.clone()), preview.target.clone()),
        }
    }

    /// The ways in that count there: one that all of these admit.
    pub fn ways(&self, web: &Web) -> Vec<Ways> {
        match self {
            Self::Home | Self::Page(_) => Vec::new(),
            Self::App(wish) => {
                let apps = web.door().live.apps();
                apps.find(&wish.app_id).map(|app| app.access.ways.clone()).into_iter().collect()
            }
            Self::Client { preview, .. } => preview.ways.clone(),
        }
    }

    /// Whether somebody who came so may go there.
    pub fn admits(&self, web: &Web, came: CameBy<'_>) -> bool {
        admit(&self.ways(web), came)
    }

    /// What the client that is waiting wants, if one is.
    fn preview(&self) -> Option<&authorize::Preview> {
        match self {
            Self::Client { preview, .. } => Some(preview),
            Self::Home | Self::App(_) | Self::Page(_) => None,
        }
    }

    /// The name the client expects, if one does.
    pub fn login_hint(&self) -> &str {
        self.preview().map_or("", |preview| &preview.login_hint)
    }

    /// How long ago, at most, the person may have proved themselves, in seconds.
    pub fn fresh_seconds(&self) -> Option<i64> {
        self.preview().and_then(|preview| preview.fresh_seconds)
    }

    /// Whether the client wants the person to choose who to be.
    pub fn chooses_account(&self) -> bool {
        self.preview().is_some_and(|preview| preview.chooses_account)
    }

    /// Whether somebody has to do something: an old proof, or one that speaks for itself, is not what the client wants.
    pub fn wants_a_person(&self) -> bool {
        self.fresh_seconds() == Some(0) || self.chooses_account()
    }

    /// The connector the client wants its people to come through.
    pub(super) fn provider_hint(&self) -> &str {
        self.preview().map_or("", |preview| &preview.provider_hint)
    }
}
