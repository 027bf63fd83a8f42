//! Every route of the edge with its access class. What is not in this list does not answer; the class
//! decides what is checked before the handler runs. The gate's dialects stand in
//! `doorward_gate::dialect`, in front of these.

use crate::callers::admit;
use crate::web::Web;
use crate::{admin, app_host, keys, oidc, operations, own};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

/// What is checked before a handler runs. Requests that change something must also come from a page of
/// the same host, whatever the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// A live session; others are led to sign in.
    SignedIn,
    /// A trusted proxy.
    Proxy,
    /// A client of the OpenID Provider, or a browser it sends, from wherever it may be: the handler checks
    /// who asks, and nothing is done on the word of a cookie alone.
    Client,
}

/// On which hosts a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Doorward's own.
    Own,
    /// Every app's.
    App,
}

/// One line of the table.
pub struct Route {
    /// Its path.
    pub path: &'static str,
    /// Where it answers.
    pub site: Site,
    /// What is checked first.
    pub access: Access,
    /// `GET`, `POST`, or `ANY` for those the handler names.
    pub method: &'static str,
    handler: MethodRouter<Arc<Web>>,
}

/// A line.
pub(crate) fn route(
    method: &'static str,
    path: &'static str,
    (site, access): (Site, Access),
    handler: MethodRouter<Arc<Web>>,
) -> Route {
    Route { path, site, access, method, handler }
}

/// The table.
#[rustfmt::skip]
pub fn table() -> Vec<Route> {
    use Site::{App, Own};
    let mut all = vec![
        // The launcher asks for its visitor itself: with `rd=` anybody is led to sign in for an app.
        route("GET",  "/",                                         (Own, Access::Open),     get(own::enter::front)),
        route("GET",  "/realms/{realm}/sign-in",                   (Own, Access::Open),     get(own::sign_in::show)),
        route("POST", "/realms/{realm}/sign-in",                   (Own, Access::Open),     post(own::sign_in::submit)),
        route("POST", "/realms/{realm}/sign-in/new-password",      (Own, Access::Open),     post(own::new_password::submit)),
        route("GET",  "/realms/{realm}/broker/{connector}/login",  (Own, Access::Open),     get(own::broker::login)),
        route("GET",  "/realms/{realm}/broker/{connector}/endpoint", (Own, Access::Open),   get(own::broker::endpoint)),
        route("GET",  "/v1/oauth/callback/",                        (Own, Access::Open),     get(own::broker::shared)),
        route("GET",  "/v1/oauth/redirect/",                        (Own, Access::Open),     get(own::broker::shared)),
        route("POST", "/v1/oauth/callback/",                        (Own, Access::Client),   post(own::broker::shared_posted)),
        route("POST", "/v1/oauth/redirect/",                        (Own, Access::Client),   post(own::broker::shared_posted)),
        route("GET",  "/realms/{realm}/broker/{connector}/endpoint/logout_response", (Own, Access::Open), get(own::broker::parting::back)),
        route("POST", "/realms/{realm}/broker/{connector}/backchannel-logout", (Own, Access::Client), post(own::broker::parting::told)),
        route("POST", "/realms/{realm}/protocol/openid-connect/logout/backchannel-logout", (Own, Access::Client), post(own::broker::parting::told_to_realm)),
        route("POST", "/realms/{realm}/broker/{connector}/endpoint", (Own, Access::Client), post(own::broker::posted)),
        route("GET",  "/realms/{realm}/broker/{connector}/endpoint/descriptor", (Own, Access::Open), get(own::broker::descriptor)),
        route("GET",  "/realms/{realm}/sign-out",                  (Own, Access::SignedIn), get(own::sign_out::show)),
        route("POST", "/realms/{realm}/sign-out",                  (Own, Access::SignedIn), post(own::sign_out::submit)),
        route("GET",  "/realms/{realm}/signed-out",                (Own, Access::Open),     get(own::sign_out::done)),
        route("GET",  "/realms/{realm}/account",                   (Own, Access::SignedIn), get(own::account::show)),
        route("POST", "/realms/{realm}/account/password",          (Own, Access::SignedIn), post(own::account::change_password)),
        route("POST", "/realms/{realm}/account/sessions/end",      (Own, Access::SignedIn), post(own::account::end_session)),
        route("POST", "/realms/{realm}/account/sessions/end-others", (Own, Access::SignedIn), post(own::account::end_others)),
        route("POST", "/realms/{realm}/account/tokens",            (Own, Access::SignedIn), post(own::programs::create_token)),
        route("POST", "/realms/{realm}/account/tokens/revoke",     (Own, Access::SignedIn), post(own::programs::revoke_token)),
        route("POST", "/realms/{realm}/account/consents/revoke",   (Own, Access::SignedIn), post(own::programs::take_back)),
        route("GET",  "/setup",                                    (Own, Access::Open),     get(own::setup::show)),
        route("POST", "/setup",                                    (Own, Access::Open),     post(own::setup::submit)),
        route("GET",  "/enter",                                    (Own, Access::Open),     get(own::enter::enter)),
        route("GET",  "/.doorward/start",                          (Own, Access::Open),     get(own::enter::start)),
        route("GET",  "/oauth2/start",                             (Own, Access::Open),     get(own::enter::start)),
        route("GET",  "/oauth2/sign_in",                           (Own, Access::Open),     get(own::enter::start)),
        route("GET",  "/oauth2/sign_out",                          (Own, Access::SignedIn), get(own::sign_out::show)),
        route("GET",  "/realms/{realm}/protocol/openid-connect/certs", (Own, Access::Open), get(keys::certs)),
        route("GET",  "/realms/{realm}",                           (Own, Access::Open),     get(oidc::discovery::root)),
        route("GET",  "/realms/{realm}/.well-known/openid-configuration", (Own, Access::Open), get(oidc::discovery::show)),
        route("GET",  "/realms/{realm}/.well-known/oauth-authorization-server", (Own, Access::Open), get(oidc::discovery::show)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/auth", (Own, Access::Client), get(oidc::authorize::start).post(oidc::authorize::start)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/ext/par/request", (Own, Access::Client), post(oidc::pushed::take).options(oidc::preflight)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/token", (Own, Access::Client), post(oidc::token::give).options(oidc::preflight)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/userinfo", (Own, Access::Client), get(oidc::userinfo::tell).post(oidc::userinfo::tell).options(oidc::preflight)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/token/introspect", (Own, Access::Client), post(oidc::introspect::tell)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/revoke", (Own, Access::Client), post(oidc::revoke::take).options(oidc::preflight)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/logout", (Own, Access::Client), get(oidc::logout::start).post(oidc::logout::start)),
        route("POST", "/realms/{realm}/protocol/openid-connect/logout/confirm", (Own, Access::SignedIn), post(oidc::logout::confirm)),
        route("ANY",  "/realms/{realm}/clients-registrations/openid-connect", (Own, Access::Client), post(oidc::register::create)),
        route("ANY",  "/realms/{realm}/clients-registrations/openid-connect/{client}", (Own, Access::Client), get(oidc::register::one).put(oidc::register::one).delete(oidc::register::one)),
        route("GET",  "/application/o/{slug}/",                    (Own, Access::Open),     get(oidc::discovery::to_metadata)),
        route("GET",  "/application/o/{slug}/.well-known/openid-configuration", (Own, Access::Open), get(oidc::discovery::of_client)),
        route("GET",  "/application/o/{slug}/jwks/",               (Own, Access::Open),     get(keys::certs)),
        route("ANY",  "/application/o/{slug}/end-session/",        (Own, Access::Client),   get(oidc::logout::start).post(oidc::logout::start)),
        route("ANY",  "/application/o/authorize/",                 (Own, Access::Client),   get(oidc::authorize::start).post(oidc::authorize::start)),
        route("ANY",  "/application/o/token/",                     (Own, Access::Client),   post(oidc::token::give).options(oidc::preflight)),
        route("ANY",  "/application/o/userinfo/",                  (Own, Access::Client),   get(oidc::userinfo::tell).post(oidc::userinfo::tell).options(oidc::preflight)),
        route("ANY",  "/application/o/device/",                    (Own, Access::Client),   post(oidc::device::give).options(oidc::preflight)),
        route("ANY",  "/application/o/introspect/",                (Own, Access::Client),   post(oidc::introspect::tell)),
        route("ANY",  "/application/o/revoke/",                    (Own, Access::Client),   post(oidc::revoke::take).options(oidc::preflight)),
        route("ANY",  "/realms/{realm}/protocol/openid-connect/auth/device", (Own, Access::Client), post(oidc::device::give).options(oidc::preflight)),
        route("GET",  "/realms/{realm}/device",                    (Own, Access::Open),     get(own::device::show)),
        route("POST", "/realms/{realm}/device",                    (Own, Access::SignedIn), post(own::device::type_code)),
        route("POST", "/realms/{realm}/device/answer",             (Own, Access::SignedIn), post(own::device::answer)),
        route("POST", "/realms/{realm}/consent",                   (Own, Access::SignedIn), post(oidc::authorize::decide)),
        route("GET",  "/ping",                                     (Own, Access::Open),     get(operations::ping)),
        route("GET",  "/ready",                                    (Own, Access::Open),     get(operations::ready)),
        route("GET",  "/.doorward/static/{name}",                  (Own, Access::Open),     get(own::assets::show)),

        route("GET",  "/.doorward/start",                          (App, Access::Open),     get(app_host::start)),
        route("GET",  "/.doorward/enter",                          (App, Access::Open),     get(app_host::enter)),
        route("GET",  "/.doorward/signout",                        (App, Access::Open),     get(app_host::sign_out)),
        route("POST", "/.doorward/signout",                        (App, Access::Open),     post(app_host::switch_account)),
        route("GET",  "/.doorward/denied",                         (App, Access::Proxy),    get(app_host::denied)),
        route("GET",  "/.doorward/static/{name}",                  (App, Access::Open),     get(own::assets::show)),
        route("GET",  "/oauth2/start",                             (App, Access::Open),     get(app_host::start)),
        route("GET",  "/oauth2/sign_in",                           (App, Access::Open),     get(app_host::sign_in_page)),
        route("GET",  "/oauth2/callback",                          (App, Access::Open),     get(app_host::enter)),
        route("GET",  "/oauth2/sign_out",                          (App, Access::Open),     get(app_host::sign_out)),
        route("POST", "/oauth2/sign_out",                          (App, Access::Open),     post(app_host::switch_account)),
        route("GET",  "/oauth2/userinfo",                          (App, Access::Open),     get(app_host::user_info)),
        route("GET",  "/outpost.goauthentik.io/start",             (App, Access::Open),     get(app_host::start)),
        route("GET",  "/outpost.goauthentik.io/sign_in",           (App, Access::Open),     get(app_host::start)),
        route("GET",  "/outpost.goauthentik.io/callback",          (App, Access::Open),     get(app_host::enter)),
        route("GET",  "/outpost.goauthentik.io/sign_out",          (App, Access::Open),     get(app_host::sign_out)),
        route("POST", "/outpost.goauthentik.io/sign_out",          (App, Access::Open),     post(app_host::switch_account)),
        route("GET",  "/outpost.goauthentik.io/ping",              (App, Access::Open),     get(operations::pong)),
    ];
    all.extend(admin::table::table());
    all
}

/// The routers of both kinds of host.
pub struct Routers {
    /// Doorward's own host.
    pub own: Router,
    /// App hosts' reserved paths.
    pub app: Router,
}

impl Routers {
    /// Builds the routers from the table.
    pub fn new(web: &Arc<Web>) -> Self {
        let build = |site: Site| {
            let mut router = Router::new();
            for line in table().into_iter().filter(|line| line.site == site) {
                let (access, keeper) = (line.access, web.clone());
                let check = from_fn(move |request: Request, next: Next| admit(access, keeper.clone(), request, next));
                router = router.route(line.path, line.handler.layer(check));
            }
            router.fallback(own::not_found).method_not_allowed_fallback(own::wrong_method).with_state(web.clone())
        };
        Self { own: build(Site::Own), app: build(Site::App) }
    }
}

/// Whether a path on an app's host is ours, whatever the tool has there.
pub fn is_reserved(path: &str) -> bool {
    ["/.doorward/", "/oauth2/", "/outpost.goauthentik.io/"].iter().any(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{Site, is_reserved, table};

    #[test]
    fn every_route_of_an_app_host_lies_below_a_reserved_path() {
        for line in table() {
            assert!(line.site == Site::Own || is_reserved(line.path), "{}", line.path);
        }
    }
}
