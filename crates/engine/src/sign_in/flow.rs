//! The flow: one sign-in attempt. Its token stands in the page, so that several tabs can sign in side by
//! side, and works only with the cookie of the browser that began it. It remembers where to go afterwards.

use crate::door::Door;
use doorward_model::address::BackTo;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, RealmId};
use doorward_model::limits;
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_store::flows::{self, Flow};

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

/// Begins a flow. `None` when this client address has too many under way.
pub async fn begin(
    door: &Door,
    ctx: &Ctx,
    realm: &RealmId,
    browser: &TokenHash,
    wish: Option<&Wish>,
) -> Result<Option<PlainToken>, Fault> {
    let token = PlainToken::draw(TokenKind::Flow, &*door.dice);
    let flow = Flow {
        realm_id: realm.clone(),
        app_id: wish.map(|wish| wish.app_id.clone()),
        back_url: wish.map(|wish| wish.back_to.url()).unwrap_or_default(),
        binding: wish.map(|wish| wish.binding.clone()).unwrap_or_default(),
        entrance: wish.map_or(Entrance::Doorward, |wish| wish.entrance).as_str().to_owned(),
        browser: browser.hex(),
    };
    let mut tx = door.begin().await?;
    let times = (ctx.now, ctx.now.plus_seconds(limits::FLOW_SECONDS));
    if !flows::create(&mut tx, &token.hash(), &flow, &ctx.client_address(), times).await? {
        return Ok(None);
    }
    door.commit(ctx, tx).await?;
    Ok(Some(token))
}

/// The flow of that token, while it lasts and for the browser that began it.
pub async fn find(door: &Door, ctx: &Ctx, hash: &TokenHash, browser: &TokenHash) -> Result<Option<Flow>, Fault> {
    let flow = flows::find(&mut &door.store, hash, ctx.now).await?;
    Ok(flow.filter(|flow| flow.browser == browser.hex()))
}

/// The wish a flow carries, checked again: the app may have changed since.
pub fn wish(door: &Door, flow: &Flow) -> Option<Wish> {
    let app_id = flow.app_id.clone()?;
    let apps = door.live.apps();
    let back_to = BackTo::resolve(&flow.back_url, &apps.find(&app_id)?.settings.addresses)?;
    let entrance = Entrance::parse(&flow.entrance)?;
    Some(Wish { app_id, back_to, binding: flow.binding.clone(), entrance })
}
