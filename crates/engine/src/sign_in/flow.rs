//! The flow: one sign-in attempt. It is sealed into the page itself, so that beginning one costs no memory
//! and no write, and several tabs can sign in side by side. It opens only beside the cookie of the browser
//! that began it, for half an hour, and remembers where to go afterwards.

use crate::door::Door;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::address::BackTo;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{AppId, RealmId};
use doorward_model::limits;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "sign-in flow";
const PREFIX: &str = "dwf_";

/// One sign-in attempt, as sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flow {
    /// The realm being signed in to.
    pub realm_id: RealmId,
    /// The app it is for, if it began at one.
    app_id: Option<AppId>,
    back_url: String,
    binding: String,
    entrance: String,
    /// The authorization request it is for, as it came, if it began at a client.
    #[serde(default)]
    authorize: Option<String>,
    /// The page of our own it is for.
    #[serde(default)]
    page: Option<String>,
    /// Hash (hex) of the cookie of the browser that began it: a link alone opens nothing.
    browser: String,
    expires_at: Timestamp,
}

/// What a flow is for.
#[derive(Clone, Copy)]
pub enum Aim<'a> {
    /// The launcher.
    Home,
    /// An app.
    App(&'a Wish),
    /// A client: its authorization request, as it came.
    Client(&'a str),
    /// A page of our own: its path and query, put together by us.
    Page(&'a str),
}

/// What an app's host asks for on behalf of a browser.
pub struct Wish {
    /// The app to enter.
    pub app_id: AppId,
    /// Where on it the browser wanted to be.
    pub back_to: BackTo,
    /// Hash (hex) of the cookie the app's host gave to the browser.
    pub binding: String,
    /// By which of the app host's own paths the browser came.
    pub entrance: Entrance,
}

/// The paths on an app's host that lead to Doorward: its own, or those of the gates it stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// `/.doorward/…`
    Doorward,
    /// `/oauth2/…`, as oauth2-proxy has them.
    OAuth2Proxy,
    /// `/outpost.goauthentik.io/…`, as authentik has them.
    Authentik,
    /// None at all: the pass is shared by the parent domain.
    Shared,
}

impl Entrance {
    /// As written in links and kept in flows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Doorward => "doorward",
            Self::OAuth2Proxy => "oauth2",
            Self::Authentik => "authentik",
            Self::Shared => "shared",
        }
    }

    /// Reads what [`Entrance::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Doorward, Self::OAuth2Proxy, Self::Authentik, Self::Shared].into_iter().find(|e| e.as_str() == text)
    }

    /// Where on the app's host a browser starts to sign in.
    pub fn start_path(self) -> &'static str {
        match self {
            Self::Doorward | Self::Shared => "/.doorward/start",
            Self::OAuth2Proxy => "/oauth2/start",
            Self::Authentik => "/outpost.goauthentik.io/start",
        }
    }

    /// Where on the app's host a ticket becomes a pass.
    pub fn enter_path(self) -> &'static str {
        match self {
            Self::Doorward | Self::Shared => "/.doorward/enter",
            Self::OAuth2Proxy => "/oauth2/callback",
            Self::Authentik => "/outpost.goauthentik.io/callback",
        }
    }
}

/// Begins a flow; the text stands in the page.
pub fn begin(door: &Door, ctx: &Ctx, realm: &RealmId, browser: &TokenHash, aim: Aim<'_>) -> Result<String, Fault> {
    let (wish, authorize, page) = match aim {
        Aim::Home => (None, None, None),
        Aim::App(wish) => (Some(wish), None, None),
        Aim::Client(request) => (None, Some(request.to_owned()), None),
        Aim::Page(path) => (None, None, Some(path.to_owned())),
    };
    let flow = Flow {
        realm_id: realm.clone(),
        app_id: wish.map(|wish| wish.app_id.clone()),
        back_url: wish.map(|wish| wish.back_to.url()).unwrap_or_default(),
        binding: wish.map(|wish| wish.binding.clone()).unwrap_or_default(),
        entrance: wish.map_or(Entrance::Doorward, |wish| wish.entrance).as_str().to_owned(),
        authorize,
        page,
        browser: browser.hex(),
        expires_at: ctx.now.plus_seconds(limits::FLOW_SECONDS),
    };
    let text =
        serde_json::to_vec(&flow).map_err(|error| Fault::new(FaultKind::Internal, "writing a sign-in flow", error))?;
    let sealed = door.keys.seal(PURPOSE, &text, &*door.dice)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)))
}

/// The flow in a page's text, while it lasts and for the browser that began it.
pub fn find(door: &Door, ctx: &Ctx, text: &str, browser: &TokenHash) -> Option<Flow> {
    let sealed = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let flow: Flow = serde_json::from_slice(&door.keys.open(PURPOSE, &sealed)?).ok()?;
    (flow.browser == browser.hex() && ctx.now < flow.expires_at).then_some(flow)
}

/// The authorization request a flow carries, to be checked again.
pub fn authorize(flow: &Flow) -> Option<&str> {
    flow.authorize.as_deref()
}

/// The page of our own a flow leads to.
pub fn page(flow: &Flow) -> Option<&str> {
    flow.page.as_deref()
}

/// The wish a flow carries, checked again: the app may have changed since.
pub fn wish(door: &Door, flow: &Flow) -> Option<Wish> {
    let app_id = flow.app_id.clone()?;
    let apps = door.live.apps();
    let back_to = BackTo::resolve(&flow.back_url, &apps.find(&app_id)?.settings.addresses)?;
    let entrance = Entrance::parse(&flow.entrance)?;
    Some(Wish { app_id, back_to, binding: flow.binding.clone(), entrance })
}
