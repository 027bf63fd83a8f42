//! Every kind of credential there is, and the places that take it. A kind without a row does not compile; a kind of
//! random credential, a signer or a sealed text that the product gets and this list does not have fails a test.

use crate::places::Place;
use doorward_model::secret::TokenKind;
use std::path::{Path, PathBuf};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A kind of credential.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];
        }
    };
}

kinds! {
    /// Authorization code.
    Code,
    /// Refresh token of a browser session.
    Refresh,
    /// Refresh token that outlives the session.
    Offline,
    /// Access token of a person.
    AccessOfPerson,
    /// Access token of a client that speaks for itself.
    AccessOfService,
    /// Access token of a client that administers the realm.
    AccessOfAdmin,
    /// Access token of a person, bound to a key.
    AccessBound,
    /// Access token that came of an exchange.
    AccessExchanged,
    /// Access token that came through the browser.
    AccessOfBrowser,
    /// ID token.
    IdToken,
    /// ID token that came through the browser.
    IdTokenOfBrowser,
    /// What tools behind the gate are told, signed.
    IdentityToken,
    /// What userinfo tells, signed.
    UserinfoToken,
    /// What introspection tells, signed.
    IntrospectionToken,
    /// An authorization response, signed.
    ResponseToken,
    /// What a client is told when a session has ended.
    LogoutToken,
    /// What a device shows.
    DeviceCode,
    /// What its person types.
    UserCode,
    /// The name of a pushed request.
    PushedRequest,
    /// Lets a program register clients.
    Registration,
    /// By which a registered client changes itself.
    RegisteredClient,
    /// A person's token for programs.
    PersonalToken,
    /// A machine's token.
    ServiceToken,
    /// A client's secret.
    ClientSecret,
    /// A person's password.
    Password,
    /// A client's assertion about itself.
    ClientAssertion,
    /// A request signed by a client.
    RequestObject,
    /// A platform's token for its workload.
    WorkloadToken,
    /// Cookie of a session.
    SessionCookie,
    /// Cookie of a pass to the app served by the built-in proxy.
    PassCookie,
    /// Cookie of a pass to the app behind a proxy of its own.
    OuterPassCookie,
    /// Cookie of a pass shared by the parent domain.
    SharedPassCookie,
    /// From the sign-in page to an app's host.
    Ticket,
    /// Cookie that flows and tickets are bound to.
    BrowserCookie,
    /// Cookie of a browser that has signed in before.
    DeviceCookie,
    /// A sign-in flow in its page.
    Flow,
    /// The way to a provider and back, in the provider's hands.
    ProviderState,
    /// A sign-in that waits for a new password, in its page.
    Renewal,
    /// The question for consent in its page.
    ConsentQuestion,
    /// The question about a device in its page.
    DeviceQuestion,
    /// What a form carries to prove where it comes from.
    FormProof,
    /// A proof of possession of a key.
    DpopProof,
    /// The nonce such a proof is to have.
    DpopNonce,
    /// The link for the first administrator.
    SetupLink,
    /// The id of a session, on the account page.
    SessionId,
    /// The id of a personal token, there.
    PersonalTokenId,
    /// The id of a client somebody agreed to, there.
    ConsentedClient,
}

/// How a kind is known to be alive when all places that must refuse it have.
pub enum Life {
    /// These places take it.
    At(&'static [Place]),
    /// It is for others to check: the realm's published keys verify it, and its time is not over.
    Signed,
}

/// The row of a kind.
pub fn life(kind: Kind) -> Life {
    use Place::*;
    Life::At(match kind {
        Kind::Code => &[TokenCode],
        Kind::Refresh | Kind::Offline => &[TokenRefresh, LogoutRefresh, RevokeToken],
        Kind::AccessOfPerson | Kind::AccessExchanged => {
            &[UserinfoBearer, UserinfoBody, IntrospectToken, ExchangeSubject, RevokeToken]
        }
        // It is of another client than the one that asks about it.
        Kind::AccessOfBrowser => &[UserinfoBearer, UserinfoBody],
        // Userinfo knows it and says that it has not enough scope.
        Kind::AccessOfService => &[IntrospectToken, UserinfoBearer, UserinfoBody, RevokeToken],
        Kind::AccessOfAdmin => &[AdminBearer, UserinfoBearer, UserinfoBody],
        Kind::AccessBound => &[UserinfoDpop, IntrospectToken, RevokeToken],
        Kind::IdToken | Kind::IdTokenOfBrowser => &[AuthorizeHint, LogoutHint],
        Kind::IdentityToken
        | Kind::UserinfoToken
        | Kind::IntrospectionToken
        | Kind::ResponseToken
        | Kind::LogoutToken => {
            return Life::Signed;
        }
        Kind::DeviceCode => &[TokenDevice],
        Kind::UserCode => &[DevicePage],
        Kind::PushedRequest => &[AuthorizeRequestUri],
        Kind::Registration => &[RegisterCreate],
        Kind::RegisteredClient => &[RegisterManage],
        Kind::PersonalToken | Kind::ServiceToken => &[GateBearer, DialectBearer, GatePublic],
        Kind::ClientSecret => {
            &[SecretPost, SecretBasic, PushSecret, DeviceSecret, IntrospectSecret, RevokeSecret, LogoutSecret]
        }
        Kind::Password => &[TokenPassword, SignInPassword, AccountPassword],
        Kind::ClientAssertion => &[Assertion],
        Kind::RequestObject => &[AuthorizeRequest, PushRequest],
        Kind::WorkloadToken => &[TokenWorkload],
        Kind::SessionCookie => &[Session],
        Kind::PassCookie => &[GatePass, AppUserinfo],
        Kind::OuterPassCookie => &[DialectPass],
        Kind::SharedPassCookie => &[GateShared, DialectShared, GatePublic],
        Kind::Ticket => &[AppEnter],
        Kind::BrowserCookie => &[SignInBrowser],
        Kind::DeviceCookie => &[SignInDevice],
        Kind::Flow => &[SignInFlow],
        Kind::ProviderState => &[BrokerState],
        Kind::Renewal => &[NewPassword],
        Kind::ConsentQuestion => &[Consent],
        Kind::DeviceQuestion => &[DeviceAnswer],
        Kind::FormProof => &[AccountForm],
        Kind::DpopProof => &[TokenDpop],
        Kind::DpopNonce => &[Nonce],
        Kind::SetupLink => &[Setup],
        Kind::SessionId => &[AccountEndSession],
        Kind::PersonalTokenId => &[AccountRevokeToken],
        Kind::ConsentedClient => &[AccountTakeBack],
    })
}

macro_rules! sorts {
    ($($sort:ident => [$($kind:ident),*]),* $(,)?) => {
        /// Every sort of random credential, with the kinds that are of it.
        pub const SORTS: &[(TokenKind, &[Kind])] = &[$((TokenKind::$sort, &[$(Kind::$kind),*])),*];

        /// A new sort does not compile until it has its kinds.
        pub fn number(sort: TokenKind) -> usize {
            match sort { $(TokenKind::$sort => SORTS.iter().filter(|known| known.0 == TokenKind::$sort).count(),)* }
        }
    };
}

sorts! {
    Session => [SessionCookie],
    Pass => [PassCookie, OuterPassCookie],
    SharedPass => [SharedPassCookie],
    Ticket => [Ticket],
    Binding => [BrowserCookie],
    Device => [DeviceCookie],
    Setup => [SetupLink],
    Service => [PersonalToken, ServiceToken],
    Code => [Code],
    Refresh => [Refresh, Offline],
    Registration => [Registration],
    RegisteredClient => [RegisteredClient],
    ClientSecret => [ClientSecret],
    DeviceCode => [DeviceCode],
    PushedRequest => [PushedRequest],
}

/// Files of the engine that sign something, and the kinds they make.
pub const SIGNERS: &[(&str, &[Kind])] = &[
    ("authorize/issue.rs", &[Kind::AccessOfBrowser, Kind::IdTokenOfBrowser]),
    ("authorize/signed_response.rs", &[Kind::ResponseToken]),
    ("gate/identity.rs", &[Kind::IdentityToken]),
    ("logout.rs", &[Kind::LogoutToken]),
    ("token/client_credentials.rs", &[Kind::AccessOfService, Kind::AccessOfAdmin]),
    ("token/exchange.rs", &[Kind::AccessExchanged]),
    ("token/introspect.rs", &[Kind::IntrospectionToken, Kind::UserinfoToken]),
    ("token/mint.rs", &[Kind::AccessOfPerson, Kind::AccessBound, Kind::IdToken]),
];

/// Files that sign questions to outside providers, with keys those have registered, and the answer to a ticket: XML, and
/// assertions that name the provider as the one they are for. Nothing here takes any of it for a credential.
const ASKERS: [&str; 6] = [
    "federation/src/client_auth.rs",
    "federation/src/google.rs",
    "kerberos/src/crypto.rs",
    "saml/src/own_key.rs",
    "saml/src/redirect.rs",
    "saml/src/sign.rs",
];

/// Files of the engine that seal something, and the kinds they make; none where what is sealed never leaves the store.
pub const SEALERS: &[(&str, &[Kind])] = &[
    ("authorize/consent.rs", &[Kind::ConsentQuestion]),
    ("device.rs", &[Kind::DeviceQuestion]),
    ("federation/attempt.rs", &[Kind::ProviderState]),
    ("federation/kept.rs", &[]),
    // Opened by one page and by the sign-in form, which the suite of connectors tries with each other's.
    ("federation/parting.rs", &[]),
    ("federation/pending.rs", &[]),
    ("keys/mod.rs", &[]),
    ("manage/clients.rs", &[]),
    ("manage/connectors.rs", &[]),
    ("manage/own_keys.rs", &[]),
    ("sign_in/flow.rs", &[Kind::Flow]),
    ("sign_in/renewal.rs", &[Kind::Renewal]),
    ("token/refresh.rs", &[]),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// The files below `crates/*/src` that hold a text, by crate and path; without those that own signing and sealing.
fn holding(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![crates()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(crates()).expect("below").display().to_string();
            let is_apart = name.starts_with("jose") || name.starts_with("testkit") || name.contains("/tests");
            if is_apart {
                continue;
            }
            if path.is_dir() {
                waiting.push(path);
            } else if name.ends_with(".rs") && std::fs::read_to_string(&path).is_ok_and(|code| code.contains(text)) {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn whatever_signs_or_seals_has_its_kinds_in_the_table() {
    for (text, rows) in [(".sign(", SIGNERS), (".seal(", SEALERS)] {
        let known: Vec<String> = rows.iter().map(|(name, _)| format!("engine/src/{name}")).collect();
        let mut found = holding(text);
        found.retain(|name| text != ".sign(" || !ASKERS.contains(&name.as_str()));
        assert_eq!(found, known, "files that hold `{text}`");
    }
}

#[test]
fn every_place_has_a_kind_or_takes_nothing_at_all() {
    use Place::*;
    const NOBODYS: [Place; 6] = [ExchangeActor, SecretBearer, UserinfoQuery, IntrospectBearer, GateBasic, GateQuery];
    let takes = |kind: &Kind, place: &Place| matches!(life(*kind), Life::At(homes) if homes.contains(place));
    for place in Place::ALL {
        let is_taken = Kind::ALL.iter().any(|kind| takes(kind, place));
        assert_ne!(is_taken, NOBODYS.contains(place), "{place:?}");
    }
}
