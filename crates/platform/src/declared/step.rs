//! What a plan is made of: single changes by name, each with one line for people.

use super::role::{HolderName, RoleKey};
use super::secret::SecretReference;
use doorward_engine::clients::{ClientSettings, RealmSettings, ScopeSettings};
use doorward_engine::federation::settings::ConnectorSettings;
use doorward_engine::manage::connectors::Ends;
use doorward_engine::token::Profile;
use doorward_model::app::AppSettings;
use doorward_model::name::{
    AppSlug, ClientName, ConnectorName, DisplayText, EmailAddress, GroupName, RealmName, UserName,
};
use doorward_model::ways::WayName;
use serde::{Serialize, Serializer};
use std::fmt;

/// One change. Names stand for objects that exist or are created by an earlier step of the same plan.
/// Memberships and nestings are those of the source `declared`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Create a realm.
    CreateRealm {
        /// Its name.
        realm: RealmName,
        /// Its name for people.
        title: DisplayText,
    },
    /// Change a realm's name for people.
    UpdateRealm {
        /// Its name.
        realm: RealmName,
        /// The new name for people.
        title: DisplayText,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Create a group.
    CreateGroup {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        group: GroupName,
    },
    /// Create a user.
    CreateUser {
        /// Its realm.
        realm: RealmName,
        /// Its sign-in name.
        user: UserName,
        /// Its name for people.
        display: Option<DisplayText>,
        /// Its e-mail address.
        email: Option<EmailAddress>,
        /// Whether it may sign in.
        is_active: bool,
        /// Where its first password is kept.
        password: Option<SecretReference>,
    },
    /// Change a user; what is absent stays.
    UpdateUser {
        /// Its realm.
        realm: RealmName,
        /// Its sign-in name.
        user: UserName,
        /// The new name for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<DisplayText>,
        /// The new e-mail address.
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<EmailAddress>,
        /// Whether it may sign in from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        is_active: Option<bool>,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Set the first password of a user that has none.
    SetPassword {
        /// Its realm.
        realm: RealmName,
        /// Its sign-in name.
        user: UserName,
        /// Where the password is kept.
        password: SecretReference,
    },
    /// Take a group out of another.
    Unnest {
        /// The realm of both.
        realm: RealmName,
        /// The group around.
        parent: GroupName,
        /// The group inside.
        child: GroupName,
    },
    /// Put a group inside another.
    Nest {
        /// The realm of both.
        realm: RealmName,
        /// The group around.
        parent: GroupName,
        /// The group inside.
        child: GroupName,
    },
    /// Take a user out of a group.
    RemoveMember {
        /// The realm of both.
        realm: RealmName,
        /// The group.
        group: GroupName,
        /// The user.
        user: UserName,
    },
    /// Put a user into a group.
    AddMember {
        /// The realm of both.
        realm: RealmName,
        /// The group.
        group: GroupName,
        /// The user.
        user: UserName,
    },
    /// Change an app; all of it is given.
    UpdateApp {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        app: AppSlug,
        /// Whether every signed-in user of the realm may enter.
        everyone: bool,
        /// Groups that may enter.
        allowed_groups: Vec<GroupName>,
        /// The ways in that count there; none for every one.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        connectors: Vec<WayName>,
        /// Everything else.
        settings: Box<AppSettings>,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Create an app.
    CreateApp {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        app: AppSlug,
        /// Whether every signed-in user of the realm may enter.
        everyone: bool,
        /// Groups that may enter.
        allowed_groups: Vec<GroupName>,
        /// The ways in that count there; none for every one.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        connectors: Vec<WayName>,
        /// Everything else.
        settings: Box<AppSettings>,
    },
    /// Change a client; all of it is given. One that is no longer public gets a secret.
    UpdateClient {
        /// Its realm.
        realm: RealmName,
        /// Its `client_id`.
        client: ClientName,
        /// The app it belongs to.
        app: Option<AppSlug>,
        /// Whether every signed-in user of the realm may enter.
        everyone: bool,
        /// Groups that may enter.
        allowed_groups: Vec<GroupName>,
        /// The ways in that count there; none for every one.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        connectors: Vec<WayName>,
        /// Whether it works from now on.
        is_active: bool,
        /// Everything else; the rule in it is empty.
        #[serde(serialize_with = "without_rule")]
        settings: Box<ClientSettings>,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Create a client. One that is not public gets a secret.
    CreateClient {
        /// Its realm.
        realm: RealmName,
        /// Its `client_id`.
        client: ClientName,
        /// The app it belongs to.
        app: Option<AppSlug>,
        /// Whether every signed-in user of the realm may enter.
        everyone: bool,
        /// Groups that may enter.
        allowed_groups: Vec<GroupName>,
        /// The ways in that count there; none for every one.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        connectors: Vec<WayName>,
        /// Whether it works.
        is_active: bool,
        /// Where the secret is that its tool has already.
        #[serde(skip_serializing_if = "Option::is_none")]
        secret: Option<SecretReference>,
        /// Everything else; the rule in it is empty.
        #[serde(serialize_with = "without_rule")]
        settings: Box<ClientSettings>,
    },
    /// Change what is known of a user besides names; all of it is given.
    SetProfile {
        /// Its realm.
        realm: RealmName,
        /// Its sign-in name.
        user: UserName,
        /// What is known.
        profile: Profile,
        /// The subject the user brought along.
        subject: Option<String>,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Change lives of tokens and sessions of a realm; all of it is given.
    SetRealm {
        /// Its name.
        realm: RealmName,
        /// What is declared.
        settings: Box<RealmSettings>,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Create a scope of a realm's own.
    CreateScope {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        scope: String,
        /// What it brings.
        settings: Box<ScopeSettings>,
    },
    /// Change a scope of a realm's own; all of it is given.
    UpdateScope {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        scope: String,
        /// What it brings.
        settings: Box<ScopeSettings>,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Create a connector.
    CreateConnector {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        connector: ConnectorName,
        /// Whether people come in through it.
        is_active: bool,
        /// Everything else.
        settings: Box<ConnectorSettings>,
    },
    /// Change a connector; all of it is given.
    UpdateConnector {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        connector: ConnectorName,
        /// Whether people come in through it from now on.
        is_active: bool,
        /// Everything else.
        settings: Box<ConnectorSettings>,
        /// What changes, for people.
        changes: Vec<String>,
        /// What goes with that, as far as it was tried.
        #[serde(skip_serializing_if = "Ends::is_nothing")]
        ends: Ends,
    },
    /// Remove a connector. Files never say so.
    RemoveConnector {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        connector: ConnectorName,
        /// What goes with it, as far as it was tried.
        #[serde(skip_serializing_if = "Ends::is_nothing")]
        ends: Ends,
    },
    /// Create a role.
    CreateRole {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        #[serde(flatten)]
        role: RoleKey,
        /// What it stands for, for people.
        description: String,
    },
    /// Change what a role stands for.
    UpdateRole {
        /// Its realm.
        realm: RealmName,
        /// Its name.
        #[serde(flatten)]
        role: RoleKey,
        /// The new text.
        description: String,
        /// What changes, for people.
        changes: Vec<String>,
    },
    /// Take a role back.
    TakeRole {
        /// The realm of both.
        realm: RealmName,
        /// The role.
        #[serde(flatten)]
        role: RoleKey,
        /// Who has it.
        from: HolderName,
    },
    /// Give a role.
    GiveRole {
        /// The realm of both.
        realm: RealmName,
        /// The role.
        #[serde(flatten)]
        role: RoleKey,
        /// Who gets it.
        to: HolderName,
    },
}

/// A client's settings without the rule, which stands beside them with names for ids.
fn without_rule<S: Serializer>(settings: &ClientSettings, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(settings).map_err(serde::ser::Error::custom)?;
    if let Some(object) = value.as_object_mut() {
        object.remove("access");
    }
    value.serialize(serializer)
}

/// How a step counts in the last line of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Add,
    Change,
    Remove,
}

impl Step {
    pub(super) fn sort(&self) -> Sort {
        match self {
            Self::CreateRealm { .. }
            | Self::CreateGroup { .. }
            | Self::CreateUser { .. }
            | Self::CreateApp { .. }
            | Self::CreateClient { .. }
            | Self::CreateRole { .. }
            | Self::CreateScope { .. }
            | Self::CreateConnector { .. }
            | Self::GiveRole { .. }
            | Self::AddMember { .. }
            | Self::Nest { .. } => Sort::Add,
            Self::UpdateRealm { .. }
            | Self::UpdateUser { .. }
            | Self::SetPassword { .. }
            | Self::UpdateRole { .. }
            | Self::UpdateScope { .. }
            | Self::UpdateConnector { .. }
            | Self::SetProfile { .. }
            | Self::SetRealm { .. }
            | Self::UpdateApp { .. }
            | Self::UpdateClient { .. } => Sort::Change,
            Self::RemoveMember { .. } | Self::TakeRole { .. } | Self::Unnest { .. } | Self::RemoveConnector { .. } => {
                Sort::Remove
            }
        }
    }
}

impl Step {
    /// The object a step makes or changes, as people name it; none for what lies between two objects.
    pub(super) fn object(&self) -> Option<String> {
        Some(match self {
            Self::CreateRealm { realm, .. } | Self::UpdateRealm { realm, .. } | Self::SetRealm { realm, .. } => {
                format!("realm {realm}")
            }
            Self::CreateGroup { realm, group } => format!("group {realm}/{group}"),
            Self::CreateUser { realm, user, .. }
            | Self::UpdateUser { realm, user, .. }
            | Self::SetPassword { realm, user, .. }
            | Self::SetProfile { realm, user, .. } => format!("user {realm}/{user}"),
            Self::CreateApp { realm, app, .. } | Self::UpdateApp { realm, app, .. } => format!("app {realm}/{app}"),
            Self::CreateClient { realm, client, .. } | Self::UpdateClient { realm, client, .. } => {
                format!("client {realm}/{client}")
            }
            Self::CreateScope { realm, scope, .. } | Self::UpdateScope { realm, scope, .. } => {
                format!("scope {realm}/{scope}")
            }
            Self::CreateConnector { realm, connector, .. }
            | Self::UpdateConnector { realm, connector, .. }
            | Self::RemoveConnector { realm, connector, .. } => format!("connector {realm}/{connector}"),
            Self::CreateRole { realm, role, .. } | Self::UpdateRole { realm, role, .. } => {
                format!("role {realm}/{role}")
            }
            _ => return None,
        })
    }

    /// What a step changes about its object.
    pub(super) fn changes(&self) -> String {
        match self {
            Self::UpdateRealm { changes, .. }
            | Self::UpdateUser { changes, .. }
            | Self::UpdateApp { changes, .. }
            | Self::UpdateClient { changes, .. }
            | Self::SetProfile { changes, .. }
            | Self::SetRealm { changes, .. }
            | Self::UpdateScope { changes, .. }
            | Self::UpdateRole { changes, .. } => changes.join("; "),
            Self::UpdateConnector { changes, ends, .. } => {
                let ends = (!ends.is_nothing()).then(|| ends.to_string());
                changes.iter().cloned().chain(ends).collect::<Vec<_>>().join("; ")
            }
            Self::SetPassword { password, .. } => format!("first password from {password}"),
            _ => String::new(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnest { realm, parent, child } => write!(f, "- nesting {}{child} → {parent}", within(realm)),
            Self::Nest { realm, parent, child } => write!(f, "+ nesting {}{child} → {parent}", within(realm)),
            Self::RemoveMember { realm, group, user } => write!(f, "- member {}{user} → {group}", within(realm)),
            Self::AddMember { realm, group, user } => write!(f, "+ member {}{user} → {group}", within(realm)),
            Self::TakeRole { realm, role, from } => write!(f, "- role {}{role} → {from}", within(realm)),
            Self::GiveRole { realm, role, to } => write!(f, "+ role {}{role} → {to}", within(realm)),
            Self::RemoveConnector { realm, connector, ends } if ends.is_nothing() => {
                write!(f, "- connector {realm}/{connector}")
            }
            Self::RemoveConnector { realm, connector, ends } => write!(f, "- connector {realm}/{connector}: {ends}"),
            about => {
                let object = about.object().unwrap_or_default();
                match about.sort() {
                    Sort::Add => write!(f, "+ {object}"),
                    _ => write!(f, "~ {object}: {}", about.changes()),
                }
            }
        }
    }
}

/// The realm memberships are told without.
const USUAL_REALM: &str = "main";

/// The realm before a name, unless it is the usual one.
fn within(realm: &RealmName) -> String {
    if realm.as_str() == USUAL_REALM { String::new() } else { format!("{realm}/") }
}
