//! Clients that register themselves: under a policy that came with the credential they showed, when they
//! are made and again whenever they change. RFC 7591, RFC 7592.

use crate::clients::{Authentication, Client, ClientKind, ClientSettings, ConsentMode, GrantType, find};
use crate::door::Door;
use crate::manage::{self, Refused};
use crate::token::claims::KNOWN_SCOPES;
use crate::token::{Outcome, mint};
use doorward_model::app::Access;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{RealmId, RegistrationTokenId};
use doorward_model::limits;
use doorward_model::name::{ClientName, DisplayText, TokenName};
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_model::time::Timestamp;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::logout::logout_uri;
use doorward_oauth::registration::{Metadata, Method};
use doorward_store::clients;
use doorward_store::registrations::{self, Registration, RegistrationToken};
use doorward_store::tx::Tx;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What clients may be like that register under one credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Who may enter them: it is not theirs to say.
    pub access: Access,
    /// Hosts browsers may be sent back to (`app.example.com`), and schemes of programs (`com.example.app:`).
    pub redirect_hosts: Vec<String>,
    /// How they may come by tokens.
    pub grants: Vec<GrantType>,
    /// Scopes they may ask for beyond those every client has.
    pub scopes: Vec<String>,
}

/// Makes a credential for registering clients; its clear form is in the answer and nowhere else.
pub async fn create_token(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    realm: &RealmId,
    (name, policy, uses, seconds): (TokenName, &Policy, i64, i64),
) -> Result<Result<(PlainToken, Timestamp), Refused>, Fault> {
    let no = |what: &str| Ok(Err(Refused::because(what)));
    if !(1..=limits::REGISTRATIONS).contains(&uses) {
        return no("a registration token is good for 1 to 10000 clients: correct --uses");
    }
    if !(1..=limits::SERVICE_TOKEN_SECONDS).contains(&seconds) {
        return no("a registration token may live 1 second to 730 days: correct --expires-in");
    }
    if policy.grants.is_empty() {
        return no("a registration token needs at least one grant: name it with --grant");
    }
    if policy.grants.contains(&GrantType::AuthorizationCode) && policy.redirect_hosts.is_empty() {
        return no("browsers could be sent nowhere: name the hosts with --redirect-host");
    }
    let plain = PlainToken::draw(TokenKind::Registration, &*door.dice);
    let expires_at = ctx.now.plus_seconds(seconds);
    let text = written(policy)?;
    let token = RegistrationToken {
        id: RegistrationTokenId::draw(&*door.dice),
        realm_id: realm.clone(),
        name,
        policy: text,
        uses_left: uses,
        expires_at,
    };
    if !registrations::create_token(tx, &plain.hash(), &token, ctx.now).await? {
        return Ok(Err(Refused::taken("registration token", token.name.as_str())));
    }
    let detail = format!("registration token {}, {uses} uses", token.name);
    tx.record(Event::new(EventKind::RegistrationTokenCreated, Some(realm), token.id.to_string(), detail));
    Ok(Ok((plain, expires_at)))
}

/// Takes a credential away by name; `false` when there is none. Clients it made stay.
pub async fn revoke_token(tx: &mut Tx, realm: &RealmId, name: &TokenName) -> Result<bool, Fault> {
    let Some(id) = registrations::delete_token(tx, realm, name).await? else { return Ok(false) };
    let detail = format!("registration token {name}");
    tx.record(Event::new(EventKind::RegistrationTokenRevoked, Some(realm), id.to_string(), detail));
    Ok(true)
}

/// A client as its owner is told of it.
pub struct Registered {
    /// The client.
    pub client: Arc<Client>,
    /// When it registered.
    pub at: Timestamp,
    /// Its secret, if one was just made.
    pub secret: Option<PlainToken>,
    /// The token by which it changes itself, if it was just made.
    pub token: Option<PlainToken>,
}

/// Registers a client (RFC 7591 §3.1). A refusal uses nothing up.
pub async fn register(
    door: &Door,
    ctx: &Ctx,
    realm: &RealmId,
    (presented, metadata): (&str, &Metadata),
) -> Outcome<Registered> {
    let Some(hash) = TokenHash::of_presented(TokenKind::Registration, presented) else { return Ok(Err(unknown())) };
    let mut tx = door.begin().await?;
    let Some(used) = registrations::use_token(&mut tx, &hash, realm, ctx.now).await? else {
        return Ok(Err(unknown()));
    };
    let policy = read(used.id.as_str(), &used.policy)?;
    let settings = match settings(&policy, metadata) {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(error)),
    };
    let name = ClientName::parse(&mint::token_id(door))
        .map_err(|error| Fault::new(FaultKind::Internal, "naming a client that registers", error))?;
    let made = manage::clients::create(door, ctx, &mut tx, realm, (name, None, settings)).await?;
    let (client, secret) = match made {
        Ok(made) => made,
        Err(refused) => return Ok(Err(not_allowed(refused.to_string()))),
    };
    let token = PlainToken::draw(TokenKind::RegisteredClient, &*door.dice);
    let kept = Registration { hash: token.hash(), policy: used.policy, created_at: ctx.now };
    registrations::create(&mut tx, &client.id, &kept).await?;
    let detail = format!("client {} by registration token {}", client.name, used.name);
    tx.record(Event::new(EventKind::ClientRegistered, Some(realm), client.id.to_string(), detail));
    door.commit(ctx, tx).await?;
    Ok(Ok(Registered { client: Arc::new(client), at: ctx.now, secret, token: Some(token) }))
}

/// The client behind a token shown at its own address, with what is kept of it (RFC 7592 §2). Which of the two
/// is wrong is not told.
pub async fn of_token(
    door: &Door,
    realm: &RealmId,
    (name, presented): (&str, &str),
) -> Outcome<(Arc<Client>, Registration)> {
    let hash = TokenHash::of_presented(TokenKind::RegisteredClient, presented);
    let (Some(hash), Ok(name)) = (hash, ClientName::parse(name)) else { return Ok(Err(unknown())) };
    let Some(client) = find(door, realm, &name).await?.filter(|client| client.is_active) else {
        return Ok(Err(unknown()));
    };
    let kept = registrations::find(&mut &door.store, &client.id).await?;
    Ok(kept.filter(|kept| kept.hash.matches(&hash)).map(|kept| (client, kept)).ok_or_else(unknown))
}

/// Puts new metadata in the place of a client's own, under the policy it registered with (RFC 7592 §2.2). What only
/// an operator may set stays.
pub async fn replace(
    door: &Door,
    ctx: &Ctx,
    (client, kept): (&Client, &Registration),
    metadata: &Metadata,
) -> Outcome<Registered> {
    let policy = read(client.id.as_str(), &kept.policy)?;
    let wanted = match settings(&policy, metadata) {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(error)),
    };
    let mut tx = door.begin().await?;
    // As it stands, not as it is remembered: an operator may have changed it a moment ago.
    let stored = clients::find_by_id(&mut tx, &client.id).await?.map(Client::read).transpose()?;
    let Some(client) = stored.filter(|client| client.is_active) else { return Ok(Err(unknown())) };
    let now = &client.settings;
    if wanted.kind != now.kind || wanted.authentication != now.authentication {
        let sentence = "token_endpoint_auth_method of this client stays as it is: register another client";
        return Ok(Err(OAuthError::new(ErrorCode::InvalidClientMetadata, sentence)));
    }
    // Taken one by one: whatever a client cannot say of itself is an operator's, and stays.
    let settings = ClientSettings {
        title: wanted.title,
        redirect_uris: wanted.redirect_uris,
        post_logout_redirect_uris: wanted.post_logout_redirect_uris,
        grants: wanted.grants,
        scopes: wanted.scopes,
        algorithm: wanted.algorithm,
        userinfo_algorithm: wanted.userinfo_algorithm,
        jwks: wanted.jwks,
        require_pushed: wanted.require_pushed,
        require_signed_request: wanted.require_signed_request,
        dpop_bound: wanted.dpop_bound,
        backchannel_logout_uri: wanted.backchannel_logout_uri,
        frontchannel_logout_uri: wanted.frontchannel_logout_uri,
        ..now.clone()
    };
    let changed = Client { settings, ..client };
    if let Err(refused) = manage::clients::update(&mut tx, &changed).await? {
        return Ok(Err(not_allowed(refused.to_string())));
    }
    door.commit(ctx, tx).await?;
    Ok(Ok(Registered { client: Arc::new(changed), at: kept.created_at, secret: None, token: None }))
}

/// Deletes a client at its own wish (RFC 7592 §2.3).
pub async fn remove(door: &Door, ctx: &Ctx, client: &Client) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    manage::clients::delete(&mut tx, client).await?;
    door.commit(ctx, tx).await
}

/// What a client becomes that says this of itself, if the policy lets it.
fn settings(policy: &Policy, metadata: &Metadata) -> Result<ClientSettings, OAuthError> {
    let grants = grants(policy, metadata)?;
    let is_for = |uri: &str| policy.redirect_hosts.iter().any(|host| leads_to(uri, host));
    let elsewhere = |uri: &str| format!("{uri} leads to none of the hosts this registration is for");
    for rule in metadata.redirect_uris.iter().chain(&metadata.post_logout_redirect_uris) {
        if !is_for(rule.text()) {
            return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, elsewhere(rule.text())));
        }
    }
    // Browsers and this server are sent there as well (OIDC Front-Channel Logout §2).
    for (member, uri) in [
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
        ("frontchannel_logout_uri", &metadata.frontchannel_logout_uri),
    ] {
        let Some(uri) = uri else { continue };
        let uri = logout_uri(uri).map_err(|bad| not_allowed(format!("{member}: {bad}")))?;
        if !is_for(&uri) {
            return Err(not_allowed(elsewhere(&uri)));
        }
    }
    let scopes: Vec<String> =
        metadata.scopes.iter().filter(|name| !KNOWN_SCOPES.contains(name)).map(str::to_owned).collect();
    if let Some(scope) = scopes.iter().find(|name| !policy.scopes.contains(name)) {
        return Err(not_allowed(format!("scope {scope} is none this registration is for")));
    }
    let title = match &metadata.name {
        Some(name) => Some(DisplayText::parse(name).map_err(|bad| not_allowed(format!("client_name: {bad}")))?),
        None => None,
    };
    let algorithm = |name: &Option<String>, member| match name.as_deref() {
        None => Ok(String::new()),
        Some(name) if mint::algorithms().contains(&name) => Ok(name.to_owned()),
        Some(_) => Err(not_allowed(format!("{member} must be one of {}", mint::algorithms().join(", ")))),
    };
    let (kind, authentication) = match metadata.method {
        Method::None => (ClientKind::Public, Authentication::Secret),
        Method::Secret => (ClientKind::Confidential, Authentication::Secret),
        Method::SecretJwt => (ClientKind::Confidential, Authentication::SecretJwt),
        Method::PrivateKeyJwt => (ClientKind::Confidential, Authentication::PrivateKeyJwt),
    };
    Ok(ClientSettings {
        title,
        kind,
        redirect_uris: metadata.redirect_uris.clone(),
        post_logout_redirect_uris: metadata.post_logout_redirect_uris.clone(),
        grants,
        scopes,
        // Nobody of the organisation has looked at it: people are asked.
        consent: ConsentMode::Explicit,
        access: policy.access.clone(),
        algorithm: algorithm(&metadata.id_token_algorithm, "id_token_signed_response_alg")?,
        userinfo_algorithm: algorithm(&metadata.userinfo_algorithm, "userinfo_signed_response_alg")?,
        authentication,
        jwks: metadata.jwks.clone(),
        require_pushed: metadata.require_pushed,
        require_signed_request: metadata.require_signed_request,
        dpop_bound: metadata.dpop_bound,
        backchannel_logout_uri: metadata.backchannel_logout_uri.clone(),
        frontchannel_logout_uri: metadata.frontchannel_logout_uri.clone(),
        ..ClientSettings::default()
    })
}

/// The scopes a client is registered with: those every client may ask for and its own, whatever it asked for itself
/// (RFC 7591 §2). Sent back in a change they are accepted as they are.
pub fn scopes(client: &Client) -> Vec<&str> {
    let own = client.settings.scopes.iter().map(String::as_str);
    KNOWN_SCOPES.into_iter().chain(own).collect()
}

fn grants(policy: &Policy, metadata: &Metadata) -> Result<Vec<GrantType>, OAuthError> {
    let mut grants = Vec::new();
    for name in &metadata.grants {
        let grant = GrantType::parse(name).filter(|grant| policy.grants.contains(grant));
        let grant = grant.ok_or_else(|| not_allowed(format!("grant type {name} is none this registration is for")))?;
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    // What comes back through the browser must be something a grant stands for (RFC 7591 §2.1).
    for name in &metadata.response_types {
        let needs = |word: &str| name.split(' ').any(|part| part == word);
        let by_code = !needs("code") || grants.contains(&GrantType::AuthorizationCode);
        let by_browser = !(needs("token") || needs("id_token")) || grants.contains(&GrantType::Implicit);
        if !by_code || !by_browser {
            return Err(not_allowed(format!("response type {name} needs a grant type that is not registered with it")));
        }
    }
    Ok(grants)
}

/// Whether an address leads to a host, or to a program with a scheme of its own.
fn leads_to(uri: &str, allowed: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let Some(rest) = rest.strip_prefix("//").filter(|_| matches!(scheme, "https" | "http")) else {
        return allowed.strip_suffix(':') == Some(scheme);
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.rfind(']') {
        Some(end) => authority.get(..=end).unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == allowed
}

fn written(policy: &Policy) -> Result<String, Fault> {
    serde_json::to_string(policy)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing a registration policy", error))
}

/// The policy in a row.
pub fn read(row: &str, text: &str) -> Result<Policy, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::corrupt("registration_tokens", row, error))
}

fn unknown() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, "the registration token is unknown, over, used up, or for something else")
}

fn not_allowed(sentence: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, sentence)
}

#[cfg(test)]
mod tests {
    use super::{Policy, leads_to, settings};
    use crate::clients::{ClientKind, ConsentMode, GrantType};
    use doorward_oauth::redirect::{Http, RedirectRule};
    use doorward_oauth::registration::Metadata;

    fn policy() -> Policy {
        Policy {
            redirect_hosts: ["app.example.com", "127.0.0.1", "com.example.app:"].map(str::to_owned).to_vec(),
            grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scopes: vec!["reports".to_owned()],
            ..Policy::default()
        }
    }

    fn try_it(text: &str) -> Result<super::ClientSettings, String> {
        let metadata = Metadata::parse(text).map_err(|error| error.to_string())?;
        settings(&policy(), &metadata).map_err(|error| error.sentence().to_owned())
    }

    #[test]
    fn a_client_is_what_its_policy_lets_it_be_and_people_are_asked() {
        let made = try_it(
            r#"{"redirect_uris":["https://app.example.com/cb"],"grant_types":["authorization_code","refresh_token"],
                "scope":"openid reports","token_endpoint_auth_method":"none","client_name":"Reports",
                "frontchannel_logout_uri":"https://app.example.com:8443/out"}"#,
        );
        let made = made.unwrap_or_default();
        assert_eq!((made.kind, made.consent), (ClientKind::Public, ConsentMode::Explicit));
        assert_eq!(made.scopes, ["reports"]);
        assert!(!made.access.everyone && made.access.groups.is_empty() && !made.pkce_optional);
    }

    #[test]
    fn what_the_policy_does_not_name_is_refused() {
        for (text, why) in [
            (r#"{"redirect_uris":["https://evil.example/cb"]}"#, "hosts"),
            (r#"{"redirect_uris":["https://app.example.com.evil.example/cb"]}"#, "hosts"),
            (
                r#"{"redirect_uris":["https://app.example.com/cb"],"post_logout_redirect_uris":["https://e.example/"]}"#,
                "hosts",
            ),
            (r#"{"frontchannel_logout_uri":"https://e.example/out"}"#, "hosts"),
            (r#"{"backchannel_logout_uri":"https://app.example.com.e.example/out"}"#, "hosts"),
            (r#"{"backchannel_logout_uri":"https://app.example.com@e.example/out"}"#, "backchannel_logout_uri"),
            (r#"{"grant_types":["client_credentials"]}"#, "grant type"),
            (r#"{"grant_types":["password"]}"#, "grant type"),
            (r#"{"response_types":["code id_token"]}"#, "response type"),
            (r#"{"grant_types":["refresh_token"],"response_types":["code"]}"#, "response type code"),
            (r#"{"scope":"admin"}"#, "scope admin"),
            (r#"{"id_token_signed_response_alg":"none"}"#, "id_token_signed_response_alg"),
            (r#"{"userinfo_signed_response_alg":"HS256"}"#, "userinfo_signed_response_alg"),
            (r#"{"client_name":"a\u0000b"}"#, "client_name"),
        ] {
            let told = try_it(text).err();
            assert!(told.as_ref().is_some_and(|sentence| sentence.contains(why)), "{text}: {told:?}");
        }
    }

    #[test]
    fn a_host_is_compared_as_a_whole() {
        let leads = |uri: &str, host: &str| {
            let rule = RedirectRule::parse_loopback(uri).or_else(|_| RedirectRule::parse_exact(uri, Http::Allowed));
            rule.is_ok_and(|rule| leads_to(rule.text(), host))
        };
        assert!(leads("https://app.example.com/cb", "app.example.com"));
        assert!(leads("https://app.example.com:8443/cb", "app.example.com"));
        assert!(leads("https://app.example.com?x=y", "app.example.com"));
        assert!(leads("http://127.0.0.1/cb", "127.0.0.1") && leads("http://[::1]:7/cb", "[::1]"));
        assert!(leads("com.example.app:/cb", "com.example.app:"));
        for (uri, host) in [
            ("https://x.app.example.com/cb", "app.example.com"),
            ("https://app.example.com.evil.example/cb", "app.example.com"),
            ("https://evil.example/app.example.com", "app.example.com"),
            ("com.example.app:/cb", "com.example.app"),
            ("https://app.example.com/cb", "https:"),
        ] {
            assert!(!leads(uri, host), "{uri} {host}");
        }
    }
}
