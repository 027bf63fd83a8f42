//! What should be known of a connector's settings: what follows from those nobody gave, and what looks like a mistake. The
//! same for commands and for declared files. Nobody is asked for it.

use crate::commands::Shell;
use crate::exit::Exit;
use doorward_directory::tls::{self, BadFile};
use doorward_engine::federation::settings::{ConnectorSettings, Kind};
use doorward_engine::federation::sign_in::administers;
use doorward_model::fault::plain;
use doorward_model::name::{ConnectorName, GroupName};
use doorward_model::people::Realm;
use doorward_model::secret_ref::SecretRef;
use doorward_outbound::{Failure, Outbound, Setup};
use doorward_store::groups;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;

/// Where single settings are changed.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// By a command.
    Command,
    /// In the file that owns the connector.
    File,
}

impl How {
    fn set(self, name: &ConnectorName, key: &str, value: &str) -> String {
        match self {
            Self::Command => format!("`doorward connector update {name} --set {key}={value}`"),
            Self::File => format!("declare {key} as {value}"),
        }
    }
}

/// All of it, for a connector of a realm that may not be there yet; `planned` are groups that will be.
pub async fn advice(
    shell: &Shell,
    (realm, planned): (Option<&Realm>, &HashSet<&GroupName>),
    (name, settings): (&ConnectorName, &ConnectorSettings),
    how: How,
) -> Result<Vec<String>, Exit> {
    let mut warnings = left_open(name, settings, how);
    warnings.extend(authorities(settings).unwrap_or_else(Some));
    warnings.extend(secrets_unread(settings));
    warnings.extend(not_called(shell, settings).await?);
    warnings.extend(groups_named(shell, (realm, planned), settings).await?);
    Ok(warnings)
}

/// What follows from settings nobody gave, where people would be surprised by it.
fn left_open(name: &ConnectorName, settings: &ConnectorSettings, how: How) -> Vec<String> {
    let mut warnings = Vec::new();
    match &settings.kind {
        Kind::Ldap(ldap) => {
            if ldap.read_minutes == 0 {
                warnings.push(format!(
                    "whom the directory disables or takes out of a group keeps the session they have until they sign in \
                     again or the directory is read, and nobody has said how often that is: {}",
                    how.set(name, "ldap.read_minutes", "60")
                ));
            }
            if !ldap.addresses_are_proved {
                warnings.push(format!(
                    "e-mail addresses are left out, because nobody has said that the directory proves them: {}",
                    how.set(name, "ldap.addresses_are_proved", "true")
                ));
            }
        }
        Kind::Saml(saml) => {
            if !saml.addresses_are_proved {
                warnings.push(format!(
                    "e-mail addresses are left out, because nobody has said that the provider proves them: {}",
                    how.set(name, "saml.addresses_are_proved", "true")
                ));
            }
            if saml.single_logout && saml.provider.as_ref().is_some_and(|provider| provider.logout.is_empty()) {
                let what = "ask for metadata with a SingleLogoutService";
                warnings.push(format!("the metadata says nowhere to sign out, so nobody is signed out there: {what}"));
            }
        }
        Kind::OAuth2(oauth2)
            if settings.linking.create
                && oauth2.github.as_ref().is_some_and(|place| place.organizations.is_empty()) =>
        {
            warnings.push(format!(
                "anybody with an account there comes in as a new user: name organisations, {}, or let nobody in who is not \
                 linked, {}",
                how.set(name, "oauth2.github.organizations", "ORG"),
                how.set(name, "linking.create", "false")
            ));
        }
        _ => {}
    }
    warnings
}

/// Whether the file of authorities can be used, as far as this command can read it: a warning, or what is wrong with it.
fn authorities(settings: &ConnectorSettings) -> Result<Option<String>, String> {
    let Some(file) = settings.kind.ldap().and_then(|ldap| ldap.ca_file.as_deref()) else { return Ok(None) };
    match tls::check(file) {
        Ok(()) => Ok(None),
        Err(BadFile::Unreadable(why)) => Ok(Some(format!(
            "the file of authorities (--ca-file, ldap.ca_file) was not looked at, because this command cannot read it: \
             {why}; the server reads it when it connects"
        ))),
        Err(BadFile::Wrong(why)) => {
            Err(format!("the file of authorities (--ca-file, ldap.ca_file) cannot be used: {why}"))
        }
    }
}

/// Secrets and keys in files that this command cannot read. The server may well be able to, so it is no refusal.
pub fn secrets_unread(settings: &ConnectorSettings) -> Vec<String> {
    let unread = |place: &&SecretRef| {
        let SecretRef::File(path) = place else { return None };
        let read = File::open(path).and_then(|mut file| file.read(&mut [0]));
        let why = match read {
            Ok(0) => "it is empty".to_owned(),
            Ok(_) => return None,
            Err(error) => plain(&error),
        };
        Some(format!("this command cannot read what is to be in file {path}: {why}; the server reads it at every use"))
    };
    settings.kind.kept_elsewhere().iter().filter_map(unread).collect()
}

/// Refuses a file of authorities that can be read and not be used; of one that cannot be read a warning.
pub fn check_authorities(settings: &ConnectorSettings) -> Result<Option<String>, Exit> {
    authorities(settings).map_err(Exit::refused)
}

/// Addresses that are private by what they say themselves, and that the server does not call.
pub async fn not_called(shell: &Shell, settings: &ConnectorSettings) -> Result<Vec<String>, Exit> {
    let called = settings.kind.called();
    if called.is_empty() {
        return Ok(Vec::new());
    }
    let reach = shell.found().await.standing.reach(&shell.config);
    let outbound = Outbound::new(Setup { reach, ..shell.config.outbound.clone() }).map_err(Exit::usage)?;
    let mut told: Vec<String> = Vec::new();
    for url in called {
        if let Err(refused @ Failure::Private { .. }) = outbound.judge(url) {
            told.extend(Some(refused.to_string()).filter(|sentence| !told.contains(sentence)));
        }
    }
    Ok(told)
}

/// What should be known of groups that rules name: nobody has made one, which a mistyped name looks like, or its members
/// administer.
pub async fn groups_named(
    shell: &Shell,
    (realm, planned): (Option<&Realm>, &HashSet<&GroupName>),
    settings: &ConnectorSettings,
) -> Result<Vec<String>, Exit> {
    let mut warnings = Vec::new();
    for (theirs, ours) in &settings.groups.map {
        let Ok(name) = GroupName::parse(ours) else { continue };
        let (theirs, mut query) = (theirs.escape_debug(), &shell.door.store);
        let found = match realm {
            Some(realm) => groups::find(&mut query, &realm.id, &name).await?.map(|group| (realm, group)),
            None => None,
        };
        match &found {
            Some((realm, group)) if administers(&shell.door, &mut query, realm, group).await? => {
                warnings.push(format!("whoever is in {theirs} there administers here from now on, by group {name}"));
            }
            None if !planned.contains(&name) => {
                warnings
                    .push(format!("there is no group {name} yet: it is made when somebody comes who is in {theirs}"));
            }
            _ => {}
        }
    }
    Ok(warnings)
}
