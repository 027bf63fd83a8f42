//! A client in Keycloak's words, both ways. What is not said stays as it is; what Doorward does not have is passed
//! over, unless somebody would rely on it.

use crate::admin::{Body, Failure};
use doorward_engine::clients::mapper::Mapper;
use doorward_engine::clients::{Authentication, Client, ClientKind, ClientSettings, ConsentMode, GrantType};
use doorward_model::address::Address;
use doorward_model::name::DisplayText;
use doorward_oauth::logout::logout_uri;
use doorward_oauth::redirect::{Http, RedirectRule};
use serde_json::{Map, Value, json};

const REFRESH: &str = "use.refresh.tokens";
const DEVICE: &str = "oauth2.device.authorization.grant.enabled";
const EXCHANGE: &str = "standard.token.exchange.enabled";
const PKCE: &str = "pkce.code.challenge.method";
const LIFE: &str = "access.token.lifespan";
const AFTER_LOGOUT: &str = "post.logout.redirect.uris";
const BACKCHANNEL_LOGOUT: &str = "backchannel.logout.url";
const FRONTCHANNEL_LOGOUT: &str = "frontchannel.logout.url";
const DPOP: &str = "dpop.bound.access.tokens";
const CERTIFICATE: &str = "tls.client.certificate.bound.access.tokens";
const PUSHED: &str = "require.pushed.authorization.requests";
/// Whether everybody in the realm may enter.
pub const EVERYONE: &str = "doorward.everyone";
/// The groups that may enter, by name.
pub const GROUPS: &str = "doorward.groups";
/// Between the entries of an attribute that holds several, as with Keycloak.
pub const BETWEEN: &str = "##";

/// A client for readers, with the names of the groups that may enter. Its secret is not among it.
pub fn representation(client: &Client, groups: &[String]) -> Value {
    let settings = &client.settings;
    let may = |grant| settings.grants.contains(&grant);
    let texts = |rules: &[RedirectRule]| rules.iter().map(|rule| rule.text().to_owned()).collect::<Vec<_>>();
    let mut attributes = Map::new();
    let flags = [
        (DPOP, settings.dpop_bound),
        (CERTIFICATE, settings.certificate_bound),
        (PUSHED, settings.require_pushed),
        (EVERYONE, settings.access.everyone),
    ];
    attributes.extend(flags.map(|(name, is_on)| (name.to_owned(), json!(is_on.to_string()))));
    attributes.insert(GROUPS.to_owned(), json!(groups.join(BETWEEN)));
    for (name, uri) in [
        (BACKCHANNEL_LOGOUT, &settings.backchannel_logout_uri),
        (FRONTCHANNEL_LOGOUT, &settings.frontchannel_logout_uri),
    ] {
        attributes.extend(uri.as_ref().map(|uri| (name.to_owned(), json!(uri))));
    }
    for (name, grant) in
        [(REFRESH, GrantType::RefreshToken), (DEVICE, GrantType::DeviceCode), (EXCHANGE, GrantType::TokenExchange)]
    {
        attributes.insert(name.to_owned(), json!(may(grant).to_string()));
    }
    if !settings.pkce_optional {
        attributes.insert(PKCE.to_owned(), json!("S256"));
    }
    if let Some(seconds) = settings.lifetimes.access_seconds {
        attributes.insert(LIFE.to_owned(), json!(seconds.to_string()));
    }
    if !settings.post_logout_redirect_uris.is_empty() {
        attributes.insert(AFTER_LOGOUT.to_owned(), json!(texts(&settings.post_logout_redirect_uris).join(BETWEEN)));
    }
    json!({
        "id": client.id,
        "clientId": client.name,
        "name": settings.title,
        "enabled": client.is_active,
        "protocol": "openid-connect",
        "clientAuthenticatorType": authenticator(settings.authentication),
        "frontchannelLogout": settings.frontchannel_logout_uri.is_some(),
        "fullScopeAllowed": true,
        "publicClient": settings.kind == ClientKind::Public,
        "bearerOnly": false,
        "standardFlowEnabled": may(GrantType::AuthorizationCode),
        "implicitFlowEnabled": may(GrantType::Implicit),
        "directAccessGrantsEnabled": may(GrantType::Password),
        "serviceAccountsEnabled": may(GrantType::ClientCredentials),
        "consentRequired": settings.consent == ConsentMode::Explicit,
        "redirectUris": texts(&settings.redirect_uris),
        "webOrigins": settings.web_origins,
        "attributes": attributes,
        "protocolMappers": mappers(&settings.mappers),
    })
}

/// Those mappers Keycloak has a word for and that can be sent back.
fn mappers(all: &[Mapper]) -> Value {
    let audience = |mapper: &Mapper| match mapper {
        Mapper::Audience(name) => Some(json!({
            "name": format!("audience {name}"), "protocol": "openid-connect", "protocolMapper": AUDIENCE,
            "config": {"included.custom.audience": name, "access.token.claim": "true"},
        })),
        _ => None,
    };
    all.iter().filter_map(audience).collect()
}

const AUDIENCE: &str = "oidc-audience-mapper";

/// How a client proves who it is, in Keycloak's words.
fn authenticator(authentication: Authentication) -> &'static str {
    match authentication {
        Authentication::Secret => "client-secret",
        Authentication::SecretJwt => "client-secret-jwt",
        Authentication::PrivateKeyJwt => "client-jwt",
        Authentication::TlsSubject | Authentication::TlsSelfSigned => "client-x509",
    }
}

/// What is said of a new client. Nobody may enter until that is said too.
pub fn new_settings(body: &Body) -> Result<ClientSettings, Failure> {
    let mut settings = ClientSettings { pkce_optional: true, ..ClientSettings::default() };
    let has_addresses = body.texts("redirectUris")?.is_some_and(|all| !all.is_empty());
    // Without an address nobody could be sent back.
    if body.flag("standardFlowEnabled")?.unwrap_or(has_addresses) {
        settings.grants.push(GrantType::AuthorizationCode);
    }
    // As with Keycloak, tokens can be refreshed unless something else is said.
    settings.grants.push(GrantType::RefreshToken);
    apply(body, &mut settings)?;
    Ok(settings)
}

/// Takes over what is said of a client.
pub fn apply(body: &Body, settings: &mut ClientSettings) -> Result<(), Failure> {
    refuse_what_is_not_there(body, settings)?;
    if let Some(name) = body.text("name")? {
        settings.title = match name {
            "" => None,
            name => Some(DisplayText::parse(name).map_err(|bad| Failure::bad(bad.to_string()))?),
        };
    }
    if let Some(public) = body.flag("publicClient")? {
        settings.kind = if public { ClientKind::Public } else { ClientKind::Confidential };
    }
    if let Some(asked) = body.flag("consentRequired")? {
        settings.consent = if asked { ConsentMode::Explicit } else { ConsentMode::Implicit };
    }
    for (name, grant) in [
        ("standardFlowEnabled", GrantType::AuthorizationCode),
        ("implicitFlowEnabled", GrantType::Implicit),
        ("directAccessGrantsEnabled", GrantType::Password),
        ("serviceAccountsEnabled", GrantType::ClientCredentials),
    ] {
        turn(settings, grant, body.flag(name)?);
    }
    if let Some(uris) = body.texts("redirectUris")? {
        settings.redirect_uris = rules(body, &uris, &settings.redirect_uris)?;
    }
    if let Some(origins) = body.texts("webOrigins")? {
        settings.web_origins = origins.iter().map(|text| origin(text)).collect::<Result<_, _>>()?;
    }
    attributes(body, settings)?;
    if body.has("protocolMappers") {
        let others = settings.mappers.drain(..).filter(|mapper| !matches!(mapper, Mapper::Audience(_)));
        let mut kept: Vec<Mapper> = others.collect();
        for mapper in body.objects("protocolMappers")? {
            kept.push(audience(&mapper)?);
        }
        settings.mappers = kept;
    }
    if settings.kind == ClientKind::Public {
        settings.pkce_optional = false;
    }
    let can_be_refreshed = settings.grants.iter().any(|grant| grant.can_be_refreshed());
    if !can_be_refreshed {
        turn(settings, GrantType::RefreshToken, Some(false));
    }
    Ok(())
}

/// What would be believed to hold and does not.
fn refuse_what_is_not_there(body: &Body, settings: &ClientSettings) -> Result<(), Failure> {
    if body.flag("bearerOnly")? == Some(true) {
        return Err(Failure::bad("bearerOnly is not supported: a client here gets tokens in some way"));
    }
    if !matches!(body.text("protocol")?, None | Some("openid-connect")) {
        return Err(Failure::bad("protocol must be openid-connect"));
    }
    let way = body.text("clientAuthenticatorType")?;
    if way.is_some_and(|way| way != authenticator(settings.authentication)) {
        let how = "`doorward client update --authentication` changes it";
        return Err(Failure::bad(format!(
            "clientAuthenticatorType stays {}: {how}",
            authenticator(settings.authentication)
        )));
    }
    if body.flag("fullScopeAllowed")? == Some(false) {
        return Err(Failure::bad("fullScopeAllowed cannot be false: tokens tell all roles of whoever they speak for"));
    }
    if body.flag("authorizationServicesEnabled")? == Some(true) {
        return Err(Failure::bad("authorizationServicesEnabled is not supported: leave it out"));
    }
    Ok(())
}

fn turn(settings: &mut ClientSettings, grant: GrantType, on: Option<bool>) {
    let is_on = settings.grants.contains(&grant);
    match on {
        Some(true) if !is_on => settings.grants.push(grant),
        Some(false) if is_on => settings.grants.retain(|one| *one != grant),
        Some(_) | None => {}
    }
}

/// Addresses: a final `*` makes a wildcard with its limits, and what begins with `/` lies below `rootUrl`.
/// Those that are there already stay as they were made.
fn rules(body: &Body, uris: &[String], kept: &[RedirectRule]) -> Result<Vec<RedirectRule>, Failure> {
    let root = body.text("rootUrl")?.unwrap_or_default().trim_end_matches('/');
    let read = |text: &String| {
        if let Some(known) = kept.iter().find(|rule| rule.text() == text) {
            return Ok(known.clone());
        }
        let whole = if text.starts_with('/') && !root.is_empty() { format!("{root}{text}") } else { text.clone() };
        let rule = match whole.ends_with('*') {
            true => RedirectRule::parse_wildcard(&whole, Http::Allowed),
            false => RedirectRule::parse_exact(&whole, Http::Allowed),
        };
        rule.map_err(|bad| Failure::bad(format!("{}: {bad}", text.escape_debug())))
    };
    uris.iter().map(read).collect()
}

fn origin(text: &str) -> Result<String, Failure> {
    if text == "+" {
        return Ok(text.to_owned());
    }
    let address = Address::parse(text).ok().filter(|address| address.prefix().is_empty());
    let wrong = || Failure::bad("a web origin must be scheme and host, https://app.example.com, or +");
    address.map(|address| address.origin()).ok_or_else(wrong)
}

/// A mapper that adds an audience; others are declared in files.
fn audience(mapper: &Body) -> Result<Mapper, Failure> {
    let wrong = || Failure::bad("protocolMappers may hold oidc-audience-mapper only: declare other claims in a file");
    if mapper.text("protocolMapper")? != Some(AUDIENCE) {
        return Err(wrong());
    }
    let config = mapper.object("config")?.ok_or_else(wrong)?;
    let named = ["included.client.audience", "included.custom.audience"];
    let name = named.iter().find_map(|name| config.get(*name)?.as_str().filter(|text| !text.is_empty()));
    let fits = |name: &&str| name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_graphic());
    name.filter(fits).map(|name| Mapper::Audience(name.to_owned())).ok_or_else(wrong)
}

/// An attribute: a text, as Keycloak has all of them.
pub fn attribute<'b>(body: &'b Body, name: &str) -> Result<Option<&'b str>, Failure> {
    let Some(value) = body.object("attributes")?.and_then(|all| all.get(name)).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    value.as_str().map(Some).ok_or_else(|| Failure::bad(format!("attributes.{name} must be a text")))
}

/// An attribute that is `true` or `false`; empty stands for `false`.
pub fn flag(body: &Body, name: &str) -> Result<Option<bool>, Failure> {
    match attribute(body, name)? {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false" | "") => Ok(Some(false)),
        Some(_) => Err(Failure::bad(format!("attributes.{name} must be \"true\" or \"false\""))),
    }
}

fn attributes(body: &Body, settings: &mut ClientSettings) -> Result<(), Failure> {
    let text = |name: &str| attribute(body, name);
    for (name, grant) in
        [(DEVICE, GrantType::DeviceCode), (EXCHANGE, GrantType::TokenExchange), (REFRESH, GrantType::RefreshToken)]
    {
        turn(settings, grant, flag(body, name)?);
    }
    for (name, is_on) in [
        (DPOP, &mut settings.dpop_bound),
        (CERTIFICATE, &mut settings.certificate_bound),
        (PUSHED, &mut settings.require_pushed),
        (EVERYONE, &mut settings.access.everyone),
    ] {
        *is_on = flag(body, name)?.unwrap_or(*is_on);
    }
    logout(body, settings)?;
    match text(PKCE)? {
        None => {}
        Some("S256") => settings.pkce_optional = false,
        Some("") => settings.pkce_optional = true,
        Some(_) => return Err(Failure::bad(format!("{PKCE} must be S256, or empty for a client that may do without"))),
    }
    if let Some(seconds) = text(LIFE)? {
        let wrong = || Failure::bad(format!("{LIFE} must be a number of seconds, or empty for the realm's own"));
        let parsed = || seconds.parse().map_err(|_| wrong());
        settings.lifetimes.access_seconds = (!seconds.is_empty()).then(parsed).transpose()?;
    }
    if let Some(uris) = text(AFTER_LOGOUT)? {
        // `+` stands for the redirect URIs, which is what an empty list means here.
        let uris: Vec<String> =
            uris.split(BETWEEN).filter(|uri| !uri.is_empty() && *uri != "+").map(str::to_owned).collect();
        settings.post_logout_redirect_uris = rules(body, &uris, &settings.post_logout_redirect_uris)?;
    }
    Ok(())
}

/// Where it hears that a session ended. Keycloak says whether by the browser apart from where.
fn logout(body: &Body, settings: &mut ClientSettings) -> Result<(), Failure> {
    let address = |name: &str, text: &str| match text {
        "" => Ok(None),
        text => logout_uri(text).map(Some).map_err(|bad| Failure::bad(format!("attributes.{name}: {bad}"))),
    };
    if let Some(text) = attribute(body, BACKCHANNEL_LOGOUT)? {
        settings.backchannel_logout_uri = address(BACKCHANNEL_LOGOUT, text)?;
    }
    if let Some(text) = attribute(body, FRONTCHANNEL_LOGOUT)? {
        settings.frontchannel_logout_uri = address(FRONTCHANNEL_LOGOUT, text)?;
    }
    match (body.flag("frontchannelLogout")?, &settings.frontchannel_logout_uri) {
        (Some(true), None) => Err(Failure::bad(format!("frontchannelLogout needs attributes.{FRONTCHANNEL_LOGOUT}"))),
        (Some(false), Some(_)) => {
            settings.frontchannel_logout_uri = None;
            Ok(())
        }
        (Some(_), _) | (None, _) => Ok(()),
    }
}
