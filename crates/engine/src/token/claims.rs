//! What stands in tokens, by scope: Keycloak's claim names, so that tools set up for it read ours. A plain
//! function of who, what and when. OIDC Core §2, §5.1; RFC 9068 §2.2.

use crate::clients::mapper::{Facts, Mapper, Place};
use crate::clients::{Assigned, Client};
use crate::token::dpop::Bound;
use crate::token::roles::Roles;
use crate::token::{Authorized, Profile, Subject, certificate, single_claims};
use doorward_model::id::{FamilyId, SessionId};
use doorward_model::time::Timestamp;
use doorward_oauth::scope::Scopes;
use serde_json::{Map, Value, json};

/// Scopes every client's tokens have, asked for or not, as Keycloak's default scopes.
pub const DEFAULT_SCOPES: [&str; 5] = ["basic", "profile", "email", "groups", "roles"];
/// Scopes every client may ask for. Some only stand for what is told anyway.
pub const KNOWN_SCOPES: [&str; 12] = [
    "openid",
    "basic",
    "profile",
    "email",
    "groups",
    "roles",
    "acr",
    "web-origins",
    "address",
    "phone",
    "offline_access",
    "microprofile-jwt",
];
/// What scopes tell of people, beside the claims of mappers.
pub const ABOUT: [&str; 22] = [
    "name",
    "preferred_username",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
    "groups",
    "realm_access",
    "resource_access",
    "upn",
];
/// Attributes that the scope `profile` tells under their own names (OIDC Core §5.1), where they are set.
const OF_PROFILE: [&str; 9] =
    ["middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"];
/// Members of the claim `address` (OIDC Core §5.1.1) and the attributes they come from, as Keycloak names them.
const OF_ADDRESS: [(&str, &str); 6] = [
    ("formatted", "formatted"),
    ("street_address", "street"),
    ("locality", "locality"),
    ("region", "region"),
    ("postal_code", "postal_code"),
    ("country", "country"),
];
/// Claims the provider tells, for its metadata.
pub const TOLD: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "jti",
    "azp",
    "sid",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "name",
    "preferred_username",
    "given_name",
    "family_name",
    "email",
    "groups",
];
/// How people prove who they are so far: one factor (`acr` as Keycloak numbers levels).
pub const ACR: &str = "1";
/// By what means (RFC 8176).
pub const AMR: [&str; 1] = ["pwd"];

/// What every token of one answer shares.
pub struct Common<'a> {
    /// The realm's issuer URL.
    pub issuer: &'a str,
    /// The client.
    pub client: &'a Client,
    /// Now.
    pub now: Timestamp,
    /// Scopes granted, defaults included.
    pub scopes: &'a Scopes,
    /// The browser session.
    pub session: Option<&'a SessionId>,
    /// The key the access token is bound to.
    pub bound: Option<&'a Bound>,
    /// The certificate access tokens are bound to.
    pub certificate: Option<&'a str>,
}

/// What is told about a person at a place, by the scopes granted.
pub fn about(subject: &Subject, client: &Client, scopes: &Scopes, place: Place) -> Map<String, Value> {
    let Subject { user, groups, profile, roles, paths, sub } = subject;
    let names: Vec<String> = groups.iter().map(|group| group.name.to_string()).collect();
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(sub));
    if scopes.contains("profile") {
        claims.insert("name".to_owned(), json!(user.display.as_str()));
        claims.insert("preferred_username".to_owned(), json!(user.name.as_str()));
        for (name, text) in [("given_name", &profile.given_name), ("family_name", &profile.family_name)] {
            if !text.is_empty() {
                claims.insert(name.to_owned(), json!(text));
            }
        }
        let known = |name: &str| Some((name.to_owned(), json!(profile.attributes.get(name)?.first()?)));
        claims.extend(OF_PROFILE.into_iter().filter_map(known));
    }
    if scopes.contains("email")
        && let Some(email) = &user.email
    {
        claims.insert("email".to_owned(), json!(email.as_str()));
        claims.insert("email_verified".to_owned(), json!(profile.email_verified));
    }
    if scopes.contains("groups") {
        claims.insert("groups".to_owned(), json!(names));
    }
    contact(profile, scopes, &mut claims);
    // As with Keycloak, only access tokens have them unless a mapper says otherwise.
    if scopes.contains("roles") && matches!(place, Place::Access | Place::Introspection) {
        roles.tell(&mut claims);
    }
    if scopes.contains("microprofile-jwt") {
        claims.insert("upn".to_owned(), json!(user.name.as_str()));
    }
    let client_name = client.name.as_str();
    let facts = Facts { groups: &names, paths, roles, profile, user: Some(user), client: client_name };
    for mapper in mappers(client, scopes) {
        mapper.apply(place, &facts, &mut claims);
    }
    claims
}

/// The mappers of the realm's scopes, and the client's own after them: whoever says something about one client
/// knows more than whoever says it about all.
fn mappers<'a>(client: &'a Client, scopes: &'a Scopes) -> impl Iterator<Item = &'a Mapper> {
    client.own_scopes(scopes).flat_map(|scope| &scope.settings.mappers).chain(&client.settings.mappers)
}

/// What the scopes `phone` and `address` tell, from attributes that Keycloak names so.
fn contact(profile: &Profile, scopes: &Scopes, claims: &mut Map<String, Value>) {
    let attribute = |name: &str| profile.attributes.get(name).and_then(|values| values.first());
    if scopes.contains("phone")
        && let Some(number) = attribute("phoneNumber")
    {
        claims.insert("phone_number".to_owned(), json!(number));
        let is_verified = attribute("phoneNumberVerified").is_some_and(|text| text == "true");
        claims.insert("phone_number_verified".to_owned(), json!(is_verified));
    }
    if scopes.contains("address") {
        let known = |(member, name): (&str, &str)| Some((member.to_owned(), json!(attribute(name)?)));
        let address: Map<String, Value> = OF_ADDRESS.into_iter().filter_map(known).collect();
        if !address.is_empty() {
            claims.insert("address".to_owned(), Value::Object(address));
        }
    }
}

/// An access token's claims for a person.
pub fn access(
    common: &Common<'_>,
    subject: &Subject,
    authorized: &Authorized,
    (family, id): (&FamilyId, &str),
) -> Map<String, Value> {
    let mut claims = about(subject, common.client, common.scopes, Place::Access);
    timed(common, &mut claims, "Bearer");
    claims.insert("jti".to_owned(), json!(format!("{family}.{id}")));
    claims.insert("aud".to_owned(), audiences(common, &authorized.resources));
    claims.insert("auth_time".to_owned(), json!(authorized.signed_in_at.seconds()));
    if !authorized.details.is_empty() {
        claims.insert("authorization_details".to_owned(), json!(authorized.details));
    }
    claims
}

/// An access token's claims for a client that speaks for itself. Its subject is the client.
pub fn service(common: &Common<'_>, roles: &Roles, id: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(common.client.id.as_str()));
    claims.insert("preferred_username".to_owned(), json!(format!("service-account-{}", common.client.name)));
    if common.scopes.contains("roles") {
        roles.tell(&mut claims);
    }
    let (client, profile) = (common.client.name.as_str(), Profile::default());
    let facts = Facts { groups: &[], paths: &[], roles, profile: &profile, user: None, client };
    for mapper in mappers(common.client, common.scopes) {
        mapper.apply(Place::Access, &facts, &mut claims);
    }
    timed(common, &mut claims, "Bearer");
    claims.insert("jti".to_owned(), json!(id));
    claims.insert("aud".to_owned(), audiences(common, &[]));
    claims
}

/// An ID token's claims; `at_hash` ties it to the access token beside it.
pub fn id(
    common: &Common<'_>,
    subject: &Subject,
    authorized: &Authorized,
    at_hash: Option<String>,
) -> Map<String, Value> {
    let mut claims = about(subject, common.client, common.scopes, Place::Id);
    single_claims::add(&mut claims, &authorized.claims.id_token, (subject, common.client, Place::Id));
    timed(common, &mut claims, "ID");
    claims.remove("scope");
    claims.remove("client_id");
    claims.insert("aud".to_owned(), json!(common.client.name.as_str()));
    claims.insert("auth_time".to_owned(), json!(authorized.signed_in_at.seconds()));
    if let Some(at_hash) = at_hash {
        claims.insert("at_hash".to_owned(), json!(at_hash));
    }
    if !authorized.elsewhere {
        claims.insert("amr".to_owned(), json!(AMR));
    }
    if let Some(nonce) = &authorized.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims
}

/// The claims tokens are checked by; written last, so that nothing else can take their place.
fn timed(common: &Common<'_>, claims: &mut Map<String, Value>, kind: &str) {
    let end = common.now.plus_seconds(common.client.access_seconds());
    claims.insert("iss".to_owned(), json!(common.issuer));
    claims.insert("iat".to_owned(), json!(common.now.seconds()));
    claims.insert("exp".to_owned(), json!(end.seconds()));
    claims.insert("typ".to_owned(), json!(kind));
    claims.insert("azp".to_owned(), json!(common.client.name.as_str()));
    claims.insert("client_id".to_owned(), json!(common.client.name.as_str()));
    claims.insert("acr".to_owned(), json!(ACR));
    claims.insert("scope".to_owned(), json!(common.scopes.to_string()));
    if let Some(session) = common.session {
        claims.insert("sid".to_owned(), json!(session.as_str()));
    }
    if let Some(bound) = common.bound
        && kind == "Bearer"
    {
        claims.insert("cnf".to_owned(), json!({"jkt": bound.thumbprint()}));
    }
    if kind == "Bearer" {
        certificate::confirm(claims, common.certificate);
    }
    if !common.client.settings.web_origins.is_empty() && kind == "Bearer" {
        claims.insert("allowed-origins".to_owned(), json!(common.client.settings.web_origins));
    }
}

/// The client itself first: many tools ask for their own name there. Then what was asked for or declared.
fn audiences(common: &Common<'_>, resources: &[String]) -> Value {
    let mut all = vec![common.client.name.as_str()];
    let declared = mappers(common.client, common.scopes).filter_map(|mapper| match mapper {
        Mapper::Audience(name) => Some(name.as_str()),
        Mapper::Claim { .. } => None,
    });
    for name in resources.iter().map(String::as_str).chain(declared) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    match all.as_slice() {
        [only] => json!(only),
        many => json!(many),
    }
}

/// What is granted of what was asked: the defaults always, and all that was asked for.
pub fn granted(asked: &Scopes) -> Scopes {
    asked.clone().with(DEFAULT_SCOPES)
}

/// What is granted a client: the same, and the scopes of the realm's own that every client has.
pub fn granted_to(client: &Client, asked: &Scopes) -> Scopes {
    let scopes = granted(asked);
    let own: Vec<&str> = client.own_scopes(&scopes).map(|scope| scope.name.as_str()).collect();
    scopes.with(own)
}

/// Scopes people are told about before they agree: all that is granted, but those that tell nothing of them.
pub fn shown(client: &Client, asked: &Scopes) -> Vec<String> {
    const SILENT: [&str; 4] = ["basic", "acr", "web-origins", "microprofile-jwt"];
    granted_to(client, asked).iter().filter(|name| !SILENT.contains(name)).map(str::to_owned).collect()
}

/// The first scope asked for that this client may not have.
pub fn not_allowed<'a>(client: &Client, asked: &'a Scopes) -> Option<&'a str> {
    let of_realm = |name: &str| {
        let mut scopes = client.settings.realm.scopes.iter();
        scopes.any(|scope| scope.name == name && scope.settings.assigned != Assigned::Named)
    };
    let is_named = |name: &str| client.settings.scopes.iter().any(|declared| declared == name);
    asked.iter().find(|name| !KNOWN_SCOPES.contains(name) && !is_named(name) && !of_realm(name))
}
