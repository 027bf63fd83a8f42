//! `doorward connector`: identity providers people may sign in with.

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::{Args, Subcommand};
use doorward_engine::federation::settings::{
    ClaimNames, ConnectorSettings, GroupRules, Kind, Linking, OidcSettings, SecretRef,
};
use doorward_engine::federation::{self, Connector as Stored};
use doorward_engine::manage::connectors as manage;
use doorward_model::name::{ConnectorName, DisplayText, UserName};
use doorward_model::people::Realm;
use doorward_store::connectors;
use serde_json::json;
use std::collections::BTreeMap;

/// Identity providers people may sign in with.
#[derive(Subcommand, Debug)]
pub enum Connector {
    /// Connect a provider that speaks OpenID Connect.
    Add(Box<Add>),
    /// List them.
    List,
    /// Show one.
    Show {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Let nobody in through it, and end the sessions that began there.
    Disable {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Let people in through it again.
    Enable {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Forget it with its links and what it said of groups; users stay.
    Remove {
        /// Its name.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
    },
    /// Say which user somebody at the provider is.
    Link {
        /// The connector.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// The user.
        #[arg(value_parser = UserName::parse)]
        user: UserName,
        /// What the provider calls them: the claim sub.
        #[arg(long)]
        subject: String,
    },
    /// List who is linked through one.
    Links {
        /// The connector.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// Those after this user name.
        #[arg(long, value_name = "NAME", default_value = "")]
        after: String,
    },
    /// Take such a link back, and end the sessions that rest on it.
    Unlink {
        /// The connector.
        #[arg(value_parser = ConnectorName::parse)]
        connector: ConnectorName,
        /// What the provider calls them: the claim sub.
        #[arg(long)]
        subject: String,
    },
}

/// A new connector.
#[derive(Args, Debug)]
pub struct Add {
    /// Its name in URLs and commands.
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// The provider's issuer, letter by letter as its tokens say it.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Where the client secret is kept: env:NAME or file:/PATH. Without it Doorward is a public client there.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse)]
    client_secret_ref: Option<SecretRef>,
    /// Its name on the button.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    title: Option<DisplayText>,
    /// Scopes to ask for besides openid, with commas between them.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE", default_value = "profile,email")]
    scopes: Vec<String>,
    /// One more parameter of the authorization request, such as audience=API; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// Do not ask the userinfo endpoint.
    #[arg(long)]
    no_user_info: bool,
    /// Claims the user name is taken from, the first that is there.
    #[arg(long, value_delimiter = ',', value_name = "CLAIM", default_value = "preferred_username,email")]
    name_claims: Vec<String>,
    /// The claim groups are read from; a dot leads into an object. Empty for none.
    #[arg(long, value_name = "CLAIM", default_value = "groups")]
    groups_claim: String,
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
    /// The provider's addresses are proved although it does not say so, as with Entra ID; names that look like an
    /// address count too.
    #[arg(long)]
    addresses_are_proved: bool,
    /// The only values of the claim hd that may come in; may be repeated.
    #[arg(long, value_name = "DOMAIN")]
    hosted_domain: Vec<String>,
    /// How far the provider's clock may be apart, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    clock_tolerance: u32,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("it lacks what stands before the =")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
pub async fn run(command: Connector, shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    match command {
        Connector::Add(new) => add(shell, *new).await,
        Connector::List => list(shell, &realm).await,
        Connector::Show { connector } => show(shell, &realm, &connector).await,
        Connector::Disable { connector } => set_active(shell, &find(shell, &realm, &connector).await?, false).await,
        Connector::Enable { connector } => set_active(shell, &find(shell, &realm, &connector).await?, true).await,
        Connector::Remove { connector } => remove(shell, &find(shell, &realm, &connector).await?).await,
        Connector::Link { connector, user, subject } => {
            link(shell, (&realm, &find(shell, &realm, &connector).await?), &user, &subject).await
        }
        Connector::Links { connector, after } => links(shell, &find(shell, &realm, &connector).await?, &after).await,
        Connector::Unlink { connector, subject } => {
            unlink(shell, &find(shell, &realm, &connector).await?, &subject).await
        }
    }
}

/// Connects a provider.
pub async fn add(shell: &Shell, new: Add) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let settings = ConnectorSettings {
        title: new.title,
        kind: Kind::Oidc(OidcSettings {
            issuer: new.issuer,
            client_id: new.client_id,
            secret_from: new.client_secret_ref,
            scopes: new.scopes,
            parameters: new.parameter.into_iter().collect(),
            user_info: !new.no_user_info,
            claims: ClaimNames { name: new.name_claims, groups: new.groups_claim, ..ClaimNames::default() },
            clock_tolerance_seconds: new.clock_tolerance,
            hosted_domains: new.hosted_domain,
            addresses_are_proved: new.addresses_are_proved,
        }),
        linking: Linking { create: !new.no_create, domains: new.domain },
        groups: GroupRules {
            same_name: !new.only_listed_groups,
            prefix: new.groups_prefix,
            map: new.group.into_iter().collect::<BTreeMap<_, _>>(),
        },
    };
    let mut tx = shell.door.begin().await?;
    let made = manage::create(&shell.door, &shell.ctx, &mut tx, (&realm.id, new.name), settings, None).await??;
    shell.commit(tx).await?;
    let uri = redirect_uri(shell, &realm, &made).await;
    let words = format!(
        "Connected {}. Register this redirect URI at the provider:\n  {uri}\nPeople find it on the sign-in page.",
        made.name
    );
    let value = json!({"name": made.name, "id": made.id, "redirect_uri": uri, "settings": made.settings});
    Ok(Report::text(words, value))
}

async fn redirect_uri(shell: &Shell, realm: &Realm, connector: &Stored) -> String {
    shell.standing().await.public.url(&format!("/realms/{}/broker/{}/endpoint", realm.name, connector.name))
}

async fn find(shell: &Shell, realm: &Realm, name: &ConnectorName) -> Result<Stored, Exit> {
    let missing = || {
        let sentence =
            format!("realm {} has no connector named {name}: list them with `doorward connector list`", realm.name);
        Exit::refused(sentence)
    };
    federation::find(&shell.door, &realm.id, name).await?.ok_or_else(missing)
}

async fn list(shell: &Shell, realm: &Realm) -> Result<Report, Exit> {
    let mut rows = Vec::new();
    for row in connectors::of_realm(&mut &shell.door.store, &realm.id).await? {
        let connector = Stored::read(row)?;
        let people = connectors::count_links(&mut &shell.door.store, &connector.id).await?;
        let Kind::Oidc(oidc) = &connector.settings.kind;
        rows.push(json!({
            "name": connector.name, "kind": connector.settings.kind.as_str(), "title": connector.title(),
            "issuer": oidc.issuer, "active": connector.is_active, "people": people, "id": connector.id,
        }));
    }
    Ok(Report::rows(&["name", "kind", "title", "issuer", "active", "people"], rows))
}

async fn show(shell: &Shell, realm: &Realm, name: &ConnectorName) -> Result<Report, Exit> {
    let connector = find(shell, realm, name).await?;
    let people = connectors::count_links(&mut &shell.door.store, &connector.id).await?;
    Ok(Report::one(json!({
        "realm": realm.name,
        "id": connector.id,
        "name": connector.name,
        "active": connector.is_active,
        "people": people,
        "redirect_uri": redirect_uri(shell, realm, &connector).await,
        "settings": connector.settings,
    })))
}

async fn set_active(shell: &Shell, connector: &Stored, is_active: bool) -> Result<Report, Exit> {
    let mut tx = shell.door.begin().await?;
    let ended = manage::set_active(&mut tx, connector, is_active).await?;
    shell.commit(tx).await?;
    Ok(Report::words(match is_active {
        true => format!("Enabled connector {}.", connector.name),
        false => format!("Disabled connector {}; {ended} sessions ended.", connector.name),
    }))
}

async fn remove(shell: &Shell, connector: &Stored) -> Result<Report, Exit> {
    let mut tx = shell.door.begin().await?;
    let ended = manage::delete(&mut tx, connector).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Removed connector {}; {ended} sessions ended, its users stay.", connector.name)))
}

async fn links(shell: &Shell, connector: &Stored, after: &str) -> Result<Report, Exit> {
    let found = connectors::links_of(&mut &shell.door.store, &connector.id, after, limits::LINKS_LISTED).await?;
    let rows = found.into_iter().map(|link| {
        json!({
            "user": link.user, "subject": link.subject, "issuer": link.issuer,
            "since": link.created_at.rfc3339(), "seen": link.seen_at.rfc3339(),
        })
    });
    Ok(Report::rows(&["user", "subject", "since", "seen"], rows.collect()))
}

async fn link(
    shell: &Shell,
    (realm, connector): (&Realm, &Stored),
    user: &UserName,
    subject: &str,
) -> Result<Report, Exit> {
    let user = shell.user(realm, user).await?;
    let name = &connector.name;
    let mut tx = shell.door.begin().await?;
    if !manage::link(&mut tx, &shell.ctx, (connector, subject), &user).await?? {
        return Err(Exit::refused(format!(
            "somebody with that subject is linked already: take it back with `doorward connector unlink {name} --subject …`"
        )));
    }
    shell.commit(tx).await?;
    Ok(Report::words(format!("Linked: whoever comes through {name} with that subject is {}.", user.name)))
}

async fn unlink(shell: &Shell, connector: &Stored, subject: &str) -> Result<Report, Exit> {
    let name = &connector.name;
    let mut tx = shell.door.begin().await?;
    let Some(ended) = manage::unlink(&mut tx, (connector, subject)).await? else {
        return Err(Exit::refused(format!("nobody with that subject is linked through connector {name}")));
    };
    shell.commit(tx).await?;
    Ok(Report::words(format!("Taken back; {ended} sessions ended. They are nobody here until they are linked again.")))
}
