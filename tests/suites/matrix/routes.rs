//! What each route of the edge takes. A route that is not here, or a row without its route, fails a test: whoever adds a
//! route says which credentials it takes, and adds the place where there is none yet.

use crate::places::Place;
use doorward_web::routes::{Site, table};

/// What a route takes.
pub enum Row {
    /// Credentials, at these places.
    Takes(&'static [Place]),
    /// None, and why.
    Nothing(&'static str),
}

use Place::*;
use Row::{Nothing, Takes};

const TOKEN: &[Place] = &[
    TokenCode,
    TokenRefresh,
    TokenDevice,
    ExchangeSubject,
    ExchangeActor,
    TokenWorkload,
    TokenPassword,
    SecretPost,
    SecretBasic,
    SecretBearer,
    Assertion,
    TokenDpop,
    Nonce,
];
const AUTHORIZE: &[Place] = &[AuthorizeRequest, AuthorizeRequestUri, AuthorizeHint, Session];
const USERINFO: &[Place] = &[UserinfoBearer, UserinfoBody, UserinfoQuery, UserinfoDpop];
const INTROSPECT: &[Place] = &[IntrospectToken, IntrospectSecret, IntrospectBearer];
const REVOKE: &[Place] = &[RevokeToken, RevokeSecret];
const LOGOUT: &[Place] = &[LogoutHint, LogoutRefresh, LogoutSecret];
const SIGN_IN: &[Place] = &[SignInFlow, SignInPassword, SignInBrowser, SignInDevice];
const OWN_FORM: &[Place] = &[Session, AccountForm];
const ENTER: &[Place] = &[AppEnter];
const GATE: &[Place] = &[GatePass, GateShared];
const PUBLIC: Row = Nothing("the same for everybody");
const LEADS_ON: Row = Nothing("leads on to where credentials are taken, which is judged there");
const PROVIDERS_WORD: Row = Nothing("takes tokens of outside providers alone, which the suite of connectors judges");
const PROVIDERS_ANSWER: Row =
    Nothing("takes outside providers' answers alone, which the suites saml and connectors judge");

/// The rows, in the order of the table.
#[rustfmt::skip]
pub const ROWS: &[(Site, &str, &str, Row)] = &[
    (Site::Own, "GET",  "/",                                                              Takes(&[Session])),
    (Site::Own, "GET",  "/realms/{realm}/sign-in",                                        Takes(SIGN_IN)),
    (Site::Own, "POST", "/realms/{realm}/sign-in",                                        Takes(SIGN_IN)),
    (Site::Own, "POST", "/realms/{realm}/sign-in/new-password",                           Takes(&[NewPassword, SignInFlow, SignInBrowser])),
    (Site::Own, "GET",  "/realms/{realm}/broker/{connector}/login",                       LEADS_ON),
    (Site::Own, "GET",  "/realms/{realm}/broker/{connector}/endpoint",                    Takes(&[BrokerState])),
    (Site::Own, "GET",  "/v1/oauth/callback/",                                            LEADS_ON),
    (Site::Own, "GET",  "/v1/oauth/redirect/",                                            LEADS_ON),
    (Site::Own, "POST", "/v1/oauth/callback/",                                            PROVIDERS_ANSWER),
    (Site::Own, "POST", "/v1/oauth/redirect/",                                            PROVIDERS_ANSWER),
    (Site::Own, "GET",  "/realms/{realm}/broker/{connector}/endpoint/logout_response",    LEADS_ON),
    (Site::Own, "POST", "/realms/{realm}/broker/{connector}/backchannel-logout",          PROVIDERS_WORD),
    (Site::Own, "POST", "/realms/{realm}/protocol/openid-connect/logout/backchannel-logout", PROVIDERS_WORD),
    (Site::Own, "POST", "/realms/{realm}/broker/{connector}/endpoint",                    PROVIDERS_ANSWER),
    (Site::Own, "GET",  "/realms/{realm}/broker/{connector}/endpoint/descriptor",         PUBLIC),
    (Site::Own, "GET",  "/realms/{realm}/sign-out",                                       Takes(&[Session])),
    (Site::Own, "POST", "/realms/{realm}/sign-out",                                       Takes(OWN_FORM)),
    (Site::Own, "GET",  "/realms/{realm}/signed-out",                                     PUBLIC),
    (Site::Own, "GET",  "/realms/{realm}/account",                                        Takes(&[Session])),
    (Site::Own, "POST", "/realms/{realm}/account/password",                               Takes(&[AccountPassword, AccountForm])),
    (Site::Own, "POST", "/realms/{realm}/account/sessions/end",                           Takes(&[AccountEndSession, AccountForm])),
    (Site::Own, "POST", "/realms/{realm}/account/sessions/end-others",                    Takes(OWN_FORM)),
    (Site::Own, "POST", "/realms/{realm}/account/tokens",                                 Takes(OWN_FORM)),
    (Site::Own, "POST", "/realms/{realm}/account/tokens/revoke",                          Takes(&[AccountRevokeToken, AccountForm])),
    (Site::Own, "POST", "/realms/{realm}/account/consents/revoke",                        Takes(&[AccountTakeBack, AccountForm])),
    (Site::Own, "GET",  "/setup",                                                         Takes(&[Setup])),
    (Site::Own, "POST", "/setup",                                                         Takes(&[Setup])),
    (Site::Own, "GET",  "/enter",                                                         Takes(&[Session])),
    (Site::Own, "GET",  "/.doorward/start",                                               Takes(&[Session])),
    (Site::Own, "GET",  "/oauth2/start",                                                  Takes(&[Session])),
    (Site::Own, "GET",  "/oauth2/sign_in",                                                Takes(&[Session])),
    (Site::Own, "GET",  "/oauth2/sign_out",                                               Takes(&[Session])),
    (Site::Own, "GET",  "/realms/{realm}/protocol/openid-connect/certs",                  PUBLIC),
    (Site::Own, "GET",  "/realms/{realm}",                                                PUBLIC),
    (Site::Own, "GET",  "/realms/{realm}/.well-known/openid-configuration",               PUBLIC),
    (Site::Own, "GET",  "/realms/{realm}/.well-known/oauth-authorization-server",         PUBLIC),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/auth",                   Takes(AUTHORIZE)),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/ext/par/request",        Takes(&[PushRequest, PushSecret])),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/token",                  Takes(TOKEN)),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/userinfo",               Takes(USERINFO)),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/token/introspect",       Takes(INTROSPECT)),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/revoke",                 Takes(REVOKE)),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/logout",                 Takes(LOGOUT)),
    (Site::Own, "POST", "/realms/{realm}/protocol/openid-connect/logout/confirm",         Takes(OWN_FORM)),
    (Site::Own, "ANY",  "/realms/{realm}/clients-registrations/openid-connect",           Takes(&[RegisterCreate])),
    (Site::Own, "ANY",  "/realms/{realm}/clients-registrations/openid-connect/{client}",  Takes(&[RegisterManage])),
    (Site::Own, "GET",  "/application/o/{slug}/",                                         PUBLIC),
    (Site::Own, "GET",  "/application/o/{slug}/.well-known/openid-configuration",         PUBLIC),
    (Site::Own, "GET",  "/application/o/{slug}/jwks/",                                    PUBLIC),
    (Site::Own, "ANY",  "/application/o/{slug}/end-session/",                             Takes(LOGOUT)),
    (Site::Own, "ANY",  "/application/o/authorize/",                                      Takes(AUTHORIZE)),
    (Site::Own, "ANY",  "/application/o/token/",                                          Takes(TOKEN)),
    (Site::Own, "ANY",  "/application/o/userinfo/",                                       Takes(USERINFO)),
    (Site::Own, "ANY",  "/application/o/device/",                                         Takes(&[DeviceSecret])),
    (Site::Own, "ANY",  "/application/o/introspect/",                                     Takes(INTROSPECT)),
    (Site::Own, "ANY",  "/application/o/revoke/",                                         Takes(REVOKE)),
    (Site::Own, "ANY",  "/realms/{realm}/protocol/openid-connect/auth/device",            Takes(&[DeviceSecret])),
    (Site::Own, "GET",  "/realms/{realm}/device",                                         Takes(&[Session])),
    (Site::Own, "POST", "/realms/{realm}/device",                                         Takes(&[DevicePage, AccountForm])),
    (Site::Own, "POST", "/realms/{realm}/device/answer",                                  Takes(&[DeviceAnswer, AccountForm])),
    (Site::Own, "POST", "/realms/{realm}/consent",                                        Takes(&[Consent, AccountForm])),
    (Site::Own, "GET",  "/ping",                                                          PUBLIC),
    (Site::Own, "GET",  "/ready",                                                         PUBLIC),
    (Site::Own, "GET",  "/.doorward/static/{name}",                                       PUBLIC),

    (Site::App, "GET",  "/.doorward/start",                                               LEADS_ON),
    (Site::App, "GET",  "/.doorward/enter",                                               Takes(ENTER)),
    (Site::App, "GET",  "/.doorward/signout",                                             Takes(GATE)),
    (Site::App, "POST", "/.doorward/signout",                                             Takes(GATE)),
    (Site::App, "GET",  "/.doorward/denied",                                              Takes(&[DialectPass, DialectShared, DialectBearer])),
    (Site::App, "GET",  "/.doorward/static/{name}",                                       PUBLIC),
    (Site::App, "GET",  "/oauth2/start",                                                  LEADS_ON),
    (Site::App, "GET",  "/oauth2/sign_in",                                                LEADS_ON),
    (Site::App, "GET",  "/oauth2/callback",                                               Takes(ENTER)),
    (Site::App, "GET",  "/oauth2/sign_out",                                               Takes(GATE)),
    (Site::App, "POST", "/oauth2/sign_out",                                               Takes(GATE)),
    (Site::App, "GET",  "/oauth2/userinfo",                                               Takes(&[AppUserinfo])),
    (Site::App, "GET",  "/outpost.goauthentik.io/start",                                  LEADS_ON),
    (Site::App, "GET",  "/outpost.goauthentik.io/sign_in",                                LEADS_ON),
    (Site::App, "GET",  "/outpost.goauthentik.io/callback",                               Takes(ENTER)),
    (Site::App, "GET",  "/outpost.goauthentik.io/sign_out",                               Takes(GATE)),
    (Site::App, "POST", "/outpost.goauthentik.io/sign_out",                               Takes(GATE)),
    (Site::App, "GET",  "/outpost.goauthentik.io/ping",                                   PUBLIC),
];

/// Below this path one check stands before every call, and all of them take the same.
pub const ADMIN: (&str, Row) = ("/admin/", Takes(&[AdminBearer]));

/// Places that are at no route: what stands in front of the table.
const GATES: &[Place] =
    &[GateBearer, GateBasic, GateQuery, GatePass, GateShared, GatePublic, DialectBearer, DialectPass, DialectShared];

#[test]
fn every_route_says_what_it_takes_and_every_place_is_at_a_route() {
    let named = |site: Site, method: &str, path: &str| format!("{site:?} {method} {path}");
    let routes: Vec<String> = table().iter().map(|line| named(line.site, line.method, line.path)).collect();
    let rows: Vec<String> = ROWS.iter().map(|(site, method, path, _)| named(*site, method, path)).collect();
    let is_admin = |route: &String| route.contains(&format!(" {}", ADMIN.0));
    let without_row: Vec<_> = routes.iter().filter(|route| !rows.contains(route) && !is_admin(route)).collect();
    let without_route: Vec<_> = rows.iter().filter(|row| !routes.contains(row)).collect();
    assert!(without_row.is_empty(), "say in ROWS what these routes take: {without_row:#?}");
    assert!(without_route.is_empty(), "these rows are of no route: {without_route:#?}");
    let taken = |place: &Place| {
        let is_at = |row: &Row| match row {
            Takes(places) => places.contains(place),
            Nothing(why) => why.is_empty(),
        };
        GATES.contains(place) || is_at(&ADMIN.1) || ROWS.iter().any(|(.., row)| is_at(row))
    };
    let nowhere: Vec<_> = Place::ALL.iter().filter(|place| !taken(place)).collect();
    assert!(nowhere.is_empty(), "these places are at no route: {nowhere:?}");
}
