//! `doorward connector add`: one subcommand for each kind of provider.

use crate::commands::connector::advice::{How, advice, check_authorities};
use crate::commands::connector::kerberos::Kerberos;
use crate::commands::connector::ldap::Ldap;
use crate::commands::connector::oidc::Oidc;
use crate::commands::connector::presets;
use crate::commands::connector::saml::Saml;
use crate::commands::connector::{addresses, redirect_uri};
use crate::commands::{Shell, input};
use crate::exit::Exit;
use crate::report::Report;
use clap::{Args, Subcommand};
use doorward_engine::federation::presets::Preset;
use doorward_engine::federation::settings::{ConnectorSettings, Entrance, GroupRules, Kind, Linking};
use doorward_engine::manage::connectors as manage;
use doorward_model::name::{ConnectorName, DisplayText};
use serde_json::json;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// The kinds of providers.
#[derive(Subcommand, Debug)]
pub enum Add {
    /// Any provider that speaks OpenID Connect.
    #[command(visible_alias = "generic")]
    Oidc(Box<Oidc>),
    /// A provider that speaks SAML 2.0.
    Saml(Box<Saml>),
    /// Microsoft Entra ID: one tenant, or several.
    Entra(Box<presets::Entra>),
    /// Okta.
    Okta(Box<presets::Okta>),
    /// Auth0.
    Auth0(Box<presets::Auth0>),
    /// Amazon Cognito.
    Cognito(Box<presets::Cognito>),
    /// Google Workspace.
    Google(Box<presets::Google>),
    /// Keycloak.
    Keycloak(Box<presets::ByIssuer>),
    /// GitLab.
    Gitlab(Box<presets::GitLab>),
    /// authentik.
    Authentik(Box<presets::ByIssuer>),
    /// Zitadel.
    Zitadel(Box<presets::ByIssuer>),
    /// GitHub, or a GitHub Enterprise Server.
    Github(Box<presets::GitHub>),
    /// Any provider that speaks OAuth 2 and no OpenID Connect.
    #[command(name = "oauth2")]
    OAuth2(Box<presets::OAuth2>),
    /// Dex.
    Dex(Box<presets::ByIssuer>),
    /// A directory that speaks LDAP. Its people sign in with its passwords on the sign-in page itself.
    Ldap(Box<Ldap>),
    /// Active Directory: as ldap, with its usual values.
    Ad(Box<Ldap>),
    /// A domain whose browsers show tickets of Kerberos (SPNEGO): nobody types anything.
    Kerberos(Box<Kerberos>),
}

impl Add {
    /// What people call it, where everybody calls it the same.
    fn usual_title(&self) -> Option<&'static str> {
        match self {
            Self::Entra(_) => Some("Microsoft"),
            Self::Okta(_) => Some("Okta"),
            Self::Auth0(_) => Some("Auth0"),
            Self::Google(_) => Some("Google"),
            Self::Gitlab(_) => Some("GitLab"),
            Self::Github(_) => Some("GitHub"),
            _ => None,
        }
    }

    /// What every kind has, and what this one is.
    async fn read(self, shell: &Shell) -> Result<(Common, Kind), Exit> {
        let (common, settings) = match self {
            Self::Oidc(oidc) => return Ok(oidc.read()),
            Self::Ldap(ldap) => return Ok(ldap.read(false)),
            Self::Ad(ldap) => return Ok(ldap.read(true)),
            Self::Saml(saml) => return saml.read(shell).await,
            Self::Kerberos(kerberos) => return Ok(kerberos.read()),
            Self::Github(github) => return github.read().await,
            Self::OAuth2(oauth2) => return Ok(oauth2.read()),
            Self::Entra(entra) => entra.read().await?,
            Self::Okta(okta) => okta.read().await?,
            Self::Auth0(auth0) => auth0.read().await?,
            Self::Cognito(cognito) => cognito.read().await?,
            Self::Google(google) => google.read().await?,
            Self::Keycloak(keycloak) => keycloak.read(Preset::Keycloak).await?,
            Self::Gitlab(gitlab) => gitlab.read().await?,
            Self::Authentik(authentik) => authentik.read(Preset::Authentik).await?,
            Self::Zitadel(zitadel) => zitadel.read(Preset::Zitadel).await?,
            Self::Dex(dex) => dex.read(Preset::Dex).await?,
        };
        Ok((common, Kind::Oidc(settings)))
    }
}

/// What every kind has.
#[derive(Args, Debug)]
pub struct Common {
    /// Its name in URLs and commands.
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Its name on the button.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    title: Option<DisplayText>,
    /// What stands before the provider's names of groups and is left out; others are passed over.
    #[arg(long, value_name = "TEXT")]
    groups_prefix: Option<String>,
    /// The provider's name or id of a group and the group here; may be repeated.
    #[arg(long, value_name = "THEIRS=OURS", value_parser = pair)]
    group: Vec<(String, String)>,
    /// Pass over every group that no --group names.
    #[arg(long)]
    only_listed_groups: bool,
    /// A domain of e-mail addresses of which the provider's word is the last; may be repeated. Somebody who comes with
    /// a proved address of it is the user whose proved address that is.
    #[arg(long, value_name = "DOMAIN")]
    domain: Vec<String>,
    /// Let in only people who are linked.
    #[arg(long)]
    no_create: bool,
    /// Read the secret from standard input and keep it sealed in the store, where nothing else keeps secrets.
    #[arg(long)]
    secret_stdin: bool,
    /// A domain of e-mail addresses: whoever types one on the sign-in page is led to the provider; may be repeated.
    #[arg(long, value_name = "DOMAIN")]
    lead_domain: Vec<String>,
    /// Lead everybody to the provider without showing the sign-in page first.
    #[arg(long)]
    at_once: bool,
    /// No button on the sign-in page.
    #[arg(long)]
    hidden: bool,
    /// Ask somebody in whose way a user of the same name or address is for its password, and link them.
    #[arg(long)]
    link_by_password: bool,
}

impl Common {
    fn settings(self, kind: Kind, usual_title: Option<&str>) -> Result<New, Exit> {
        if self.secret_stdin && kind.ldap().is_some() {
            return Err(Exit::usage("the password of a bind DN is not kept here: say --bind-password-ref"));
        }
        if self.secret_stdin && kind.kerberos().is_some() {
            return Err(Exit::usage("keys of Kerberos are not kept here: say --keytab"));
        }
        if self.secret_stdin && kind.secret_from().is_some() {
            return Err(Exit::usage("--secret-stdin and a reference to the secret: say one of them"));
        }
        // GitHub gives tokens to nobody without one.
        let is_github = matches!(&kind, Kind::OAuth2(oauth2) if oauth2.github.is_some());
        if is_github && !self.secret_stdin && kind.secret_from().is_none() {
            return Err(Exit::usage("GitHub asks for a client secret: say --client-secret-ref, or --secret-stdin"));
        }
        let secret = if self.secret_stdin { Some(input::secret()?) } else { None };
        let usual_title = usual_title.and_then(|title| DisplayText::parse(title).ok());
        let settings = ConnectorSettings {
            title: self.title.or(usual_title),
            kind,
            sign_in: Entrance { domains: self.lead_domain, at_once: self.at_once, hidden: self.hidden },
            linking: Linking { create: !self.no_create, domains: self.domain, by_password: self.link_by_password },
            groups: GroupRules {
                same_name: !self.only_listed_groups,
                prefix: self.groups_prefix,
                map: self.group.into_iter().collect(),
            },
        };
        Ok((self.name, settings, secret))
    }
}

/// Name, settings, and the secret that is sealed.
type New = (ConnectorName, ConnectorSettings, Option<Zeroizing<String>>);

/// Reads `NAME=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) => Err("it lacks what stands before the =".to_owned()),
        None => Err("write two of them with = between, NAME=VALUE".to_owned()),
    }
}

/// Connects a provider.
pub async fn add(shell: &Shell, new: Add) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let usual_title = new.usual_title();
    let (common, kind) = new.read(shell).await?;
    let (name, settings, secret) = common.settings(kind, usual_title)?;
    check_authorities(&settings)?;
    let mut tx = shell.door.begin().await?;
    let made = manage::create(&shell.door, &shell.ctx, &mut tx, (&realm.id, name), settings, secret).await??;
    shell.commit(tx).await?;
    let uri = match &made.settings.kind {
        Kind::Ldap(_) | Kind::Kerberos(_) => String::new(),
        _ => redirect_uri(shell, &realm, &made).await,
    };
    let register = match &made.settings.kind {
        Kind::Oidc(_) | Kind::OAuth2(_) => format!("Register this redirect URI at the provider:\n  {uri}"),
        Kind::Saml(_) => format!("Give the provider this metadata:\n  {uri}/descriptor"),
        Kind::Ldap(_) | Kind::Kerberos(_) => String::new(),
    };
    let name = &made.name;
    let found = match &made.settings.kind {
        Kind::Kerberos(_) => "People find it on the sign-in page; browsers there show their tickets.",
        Kind::Ldap(_) => "Its people sign in with their names and passwords there, in the form on the sign-in page.",
        _ if made.settings.sign_in.hidden => "No button leads to it.",
        _ if made.settings.sign_in.at_once => "Everybody is led to it at once.",
        _ => "People find it on the sign-in page.",
    };
    let mut words = format!("Connected {name}. ");
    if !register.is_empty() {
        words.push_str(&register);
        words.push('\n');
    }
    words.push_str(found);
    words.push_str(&format!("\nNothing was asked yet. Try it out: doorward connector test {name}"));
    let mut value = json!({"name": made.name, "id": made.id, "settings": made.settings});
    addresses(&mut value, &made, &uri);
    let place = (Some(&realm), &HashSet::new());
    let warnings = advice(shell, place, (&made.name, &made.settings), How::Command).await?;
    Ok(Report::text(words, value).and_warnings(warnings))
}
