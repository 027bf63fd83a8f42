//! The audit record: what happened, to whom, by whom. All kinds stand in one list; details hold
//! names and reasons, never a secret.

use crate::id::{ClientId, RealmId, UserId};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// All kinds, for the reference page and its test.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in the record.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

events! {
    /// A password was accepted and a session began.
    SignedIn = "signed_in",
    /// Somebody whose password is kept for emergencies signed in with it.
    BreakGlassUsed = "break_glass_used",
    /// A sign-in was refused.
    SignInRefused = "sign_in_refused",
    /// A sign-in was not even tried, because too many failed before.
    SignInThrottled = "sign_in_throttled",
    /// A session ended.
    SessionEnded = "session_ended",
    /// A session goes on for a while although the provider its person came through cannot be asked.
    SessionContinued = "session_continued",
    /// An app host got a pass.
    PassIssued = "pass_issued",
    /// The gate refused someone who is signed in.
    GateDenied = "gate_denied",
    /// The first administrator was set up.
    SetUp = "set_up",
    /// A set-up link was made.
    SetUpLinkMade = "set_up_link_made",
    /// A password was changed.
    PasswordChanged = "password_changed",
    /// A realm was created.
    RealmCreated = "realm_created",
    /// A realm was changed.
    RealmChanged = "realm_changed",
    /// A scope of a realm's own was created.
    ClientScopeCreated = "client_scope_created",
    /// A scope of a realm's own was changed.
    ClientScopeChanged = "client_scope_changed",
    /// A scope of a realm's own was deleted.
    ClientScopeDeleted = "client_scope_deleted",
    /// A connector to an outside identity provider was created.
    ConnectorCreated = "connector_created",
    /// A connector was changed, disabled or enabled.
    ConnectorChanged = "connector_changed",
    /// A key of a connector's own was made, signs from now on, or was forgotten.
    ConnectorKeyChanged = "connector_key_changed",
    /// A connector was deleted.
    ConnectorDeleted = "connector_deleted",
    /// What an outside identity provider publishes of itself changed, or cannot be read.
    ProviderChanged = "provider_changed",
    /// A directory was read, whole or for changes, and something here is not as it was.
    DirectoryRead = "directory_read",
    /// Somebody at an outside identity provider was linked with a user.
    UserLinked = "user_linked",
    /// Such a link was taken back.
    UserUnlinked = "user_unlinked",
    /// A user was created.
    UserCreated = "user_created",
    /// A user was changed.
    UserChanged = "user_changed",
    /// A user was disabled.
    UserDisabled = "user_disabled",
    /// A user was enabled again.
    UserEnabled = "user_enabled",
    /// A user was deleted.
    UserDeleted = "user_deleted",
    /// A group was created.
    GroupCreated = "group_created",
    /// A group was deleted.
    GroupDeleted = "group_deleted",
    /// A member was added to a group.
    MemberAdded = "member_added",
    /// A member was removed from a group.
    MemberRemoved = "member_removed",
    /// A role was created.
    RoleCreated = "role_created",
    /// A role was changed.
    RoleChanged = "role_changed",
    /// A role was deleted.
    RoleDeleted = "role_deleted",
    /// A role was given to a user, a group, a client, or into another role.
    RoleAssigned = "role_assigned",
    /// A role was taken from whoever had it.
    RoleUnassigned = "role_unassigned",
    /// An app was created.
    AppCreated = "app_created",
    /// An app was changed.
    AppChanged = "app_changed",
    /// An app was deleted.
    AppDeleted = "app_deleted",
    /// A service token was created.
    ServiceTokenCreated = "service_token_created",
    /// A service token was revoked.
    ServiceTokenRevoked = "service_token_revoked",
    /// A person made a token for a program of theirs.
    PersonalTokenCreated = "personal_token_created",
    /// A person revoked such a token.
    PersonalTokenRevoked = "personal_token_revoked",
    /// A client was created.
    ClientCreated = "client_created",
    /// A client was changed.
    ClientChanged = "client_changed",
    /// A client was deleted.
    ClientDeleted = "client_deleted",
    /// A client got a new secret.
    ClientSecretMade = "client_secret_made",
    /// A client's secret was shown to an administrator.
    ClientSecretShown = "client_secret_shown",
    /// A credential for registering clients was created.
    RegistrationTokenCreated = "registration_token_created",
    /// A credential for registering clients was taken away.
    RegistrationTokenRevoked = "registration_token_revoked",
    /// A client registered itself.
    ClientRegistered = "client_registered",
    /// A client failed to prove who it is.
    ClientRefused = "client_refused",
    /// Secrets of a client are not even tried, because too many wrong ones came from one network.
    ClientThrottled = "client_throttled",
    /// A person was sent back to a client with a code.
    CodeIssued = "code_issued",
    /// A person was sent back to a client with tokens in the address.
    TokensInBrowser = "tokens_in_browser",
    /// A person who is signed in was refused to a client.
    AuthorizationRefused = "authorization_refused",
    /// A code became tokens.
    CodeToToken = "code_to_token",
    /// A code was shown a second time: its tokens are revoked.
    CodeReplayed = "code_replayed",
    /// A client was refused tokens for a code or a refresh token.
    TokenRefused = "token_refused",
    /// A refresh token became new tokens.
    TokenRefreshed = "token_refreshed",
    /// A used refresh token was shown again: its whole line is revoked.
    RefreshReplayed = "refresh_replayed",
    /// A client got tokens for itself.
    ClientSignedIn = "client_signed_in",
    /// Tokens were revoked: by their client, or because the person may not enter any more.
    TokenRevoked = "token_revoked",
    /// A person agreed to what a client asks for.
    ConsentGiven = "consent_given",
    /// A person took an agreement back.
    ConsentRevoked = "consent_revoked",
    /// A device asked for a code.
    DeviceStarted = "device_started",
    /// A person let a device in.
    DeviceAllowed = "device_allowed",
    /// A person did not let a device in, or may not enter.
    DeviceDenied = "device_denied",
    /// Nobody may type a device's code for a while, because too many were wrong.
    DeviceThrottled = "device_throttled",
    /// A device's code became tokens.
    DeviceToToken = "device_to_token",
    /// A client sent a person's password and got tokens.
    PasswordToToken = "password_to_token",
    /// A client exchanged a token for a narrower one.
    TokenExchanged = "token_exchanged",
    /// A signing key was made and published; it does not sign yet.
    KeyAnnounced = "key_announced",
    /// A signing key began to sign.
    KeyActivated = "key_activated",
    /// A signing key stopped signing; what it signed is still good.
    KeyRetired = "key_retired",
    /// A signing key is gone: nothing it signed is good any more.
    KeyGone = "key_gone",
    /// A client was told that a session ended.
    LogoutDelivered = "logout_delivered",
    /// A client could not be told that a session ended, and will not be.
    LogoutUndelivered = "logout_undelivered",
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, signed in.
    User(UserId),
    /// Somebody not signed in.
    Visitor,
    /// A client, speaking for itself.
    Client(ClientId),
    /// The command line, with the operating system's user name.
    Operator(String),
    /// A declared object being applied.
    Declaration,
    /// Background work, by name.
    Worker(&'static str),
}

impl Actor {
    /// As stored.
    pub fn to_text(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Client(id) => id.to_string(),
            Self::Visitor => "visitor".to_owned(),
            Self::Operator(name) => format!("operator:{name}"),
            Self::Declaration => "declaration".to_owned(),
            Self::Worker(name) => format!("worker:{name}"),
        }
    }
}

/// One entry of the audit record.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// In which realm, when in one.
    pub realm_id: Option<RealmId>,
    /// Which object it is about: an id or a name.
    pub subject: String,
    /// More words: reasons, names, never secrets.
    pub detail: String,
}

impl Event {
    /// An event about a subject.
    pub fn new(
        kind: EventKind,
        realm_id: Option<&RealmId>,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, realm_id: realm_id.cloned(), subject: subject.into(), detail: detail.into() }
    }
}
