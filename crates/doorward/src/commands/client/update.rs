//! `doorward client update`: what is given changes, everything else stays.

use super::create::kind;
use super::flags::{
    Redirects, RuleFlags, audience, check_counts, claim, once, risks, rules_of, seconds, workload_file,
};
use super::proof::ProofFlags;
use super::requests::RequestFlags;
use super::secret::{Drawn, Told};
use super::{app_names, group_names};
use crate::commands::Shell;
use crate::commands::app::way_names;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::clients::mapper::{From, Mapper};
use doorward_engine::clients::{
    Client, ClientSettings, ConsentMode, GrantType, Lifetimes, Paths, SubjectKind, Workload,
};
use doorward_engine::manage;
use doorward_model::app::Access;
use doorward_model::id::AppId;
use doorward_model::name::{AppSlug, ClientName, DisplayText, GroupName};
use doorward_model::people::Realm;
use doorward_model::ways::WayName;
use doorward_platform::declared::client::{algorithm, consent, grant, in_order, logout_uri, origin, paths, scope};
use doorward_platform::declared::workload::exchange_target;
use doorward_platform::declared::{ClientFacts, client_changes, ways_changes};
use doorward_store::clients;
use std::collections::HashMap;
use std::fmt::Display;
use std::path::PathBuf;

/// What changes about a client.
#[derive(Args, Debug)]
pub struct Update {
    /// The client.
    #[arg(value_name = "CLIENT", value_parser = ClientName::parse)]
    name: ClientName,
    /// Its name for people.
    #[arg(long, value_name = "TEXT", value_parser = or_default(DisplayText::parse))]
    title: Option<Put<DisplayText>>,
    /// Whether it cannot keep a secret. One that is no longer public gets a secret.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    public: Option<bool>,
    /// Where browsers may be sent back to; one of these flags replaces all former redirect rules.
    #[command(flatten)]
    redirects: Redirects,
    /// Where browsers may be sent after signing out; may be repeated.
    #[arg(long, num_args = 1.., value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// An origin whose scripts may call Doorward, or + for those of the redirect URIs; may be repeated.
    #[arg(long, num_args = 1.., value_name = "ORIGIN", value_parser = or_default(origin))]
    web_origin: Vec<Put<String>>,
    /// How it comes by tokens: authorization_code, refresh_token, client_credentials, device_code, token_exchange,
    /// jwt_bearer, password, implicit; may be repeated.
    #[arg(long, num_args = 1.., value_name = "GRANT", value_parser = grant)]
    grant: Vec<GrantType>,
    /// A scope it may ask for beyond those every client may; may be repeated.
    #[arg(long, num_args = 1.., value_name = "SCOPE", value_parser = or_default(scope))]
    scope: Vec<Put<String>>,
    /// Whether people are asked before it learns about them: implicit, explicit.
    #[arg(long, value_name = "MODE", value_parser = or_default(consent))]
    consent: Option<Put<ConsentMode>>,
    /// Who may enter, in place of what was said before.
    #[command(flatten)]
    rule: RuleFlags,
    /// The connectors people may come in by, or accounts for those kept here; may be repeated, '' for every one.
    #[arg(long, num_args = 1.., value_name = "NAME", value_parser = or_default(WayName::parse))]
    connector: Vec<Put<WayName>>,
    /// Whether it may do without PKCE, as tools of old do.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pkce_optional: Option<bool>,
    /// Whether its tokens must be bound to a key of its own (DPoP).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    dpop_bound: Option<bool>,
    /// Tell people by an id that only clients of this sector share: a host name; '' for the id everybody is told.
    #[arg(long, value_name = "HOST")]
    pairwise_sector: Option<String>,
    /// Sign what userinfo tells: RS256, PS256, ES256, EdDSA; '' for plain JSON.
    #[arg(long, value_name = "ALGORITHM", value_parser = or_default(algorithm))]
    userinfo_algorithm: Option<Put<String>>,
    /// Where it is told, server to server, that a session ended.
    #[arg(long, value_name = "URL", value_parser = or_default(logout_uri))]
    backchannel_logout_uri: Option<Put<String>>,
    /// Its own page that ends its session in the browser.
    #[arg(long, value_name = "URL", value_parser = or_default(logout_uri))]
    frontchannel_logout_uri: Option<Put<String>>,
    /// Life of its access and ID tokens, in seconds.
    #[arg(long, value_name = "N", value_parser = or_default(seconds))]
    access_seconds: Option<Put<i64>>,
    /// Life of each of its refresh tokens, in seconds.
    #[arg(long, value_name = "N", value_parser = or_default(seconds))]
    refresh_seconds: Option<Put<i64>>,
    /// Life of each of its offline tokens, in seconds.
    #[arg(long, value_name = "N", value_parser = or_default(seconds))]
    offline_seconds: Option<Put<i64>>,
    /// Another audience of its access tokens; may be repeated.
    #[arg(long, num_args = 1.., value_name = "AUDIENCE", value_parser = or_default(audience))]
    audience: Vec<Put<Mapper>>,
    /// A claim that is the same for everybody; may be repeated. Claims a file takes from groups or attributes stay.
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE", value_parser = or_default(claim))]
    claim: Vec<Put<Mapper>>,
    /// What its tokens are signed with: RS256, PS256, ES256, EdDSA.
    #[arg(long, value_name = "ALGORITHM", value_parser = or_default(algorithm))]
    algorithm: Option<Put<String>>,
    /// A client or audience it may exchange tokens for; may be repeated.
    #[arg(long, num_args = 1.., value_name = "NAME", value_parser = or_default(exchange_target))]
    exchange_for: Vec<Put<String>>,
    /// A file, YAML or JSON, that says whose workloads may speak as this client; may be repeated.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = or_default(workload_file))]
    workload: Vec<Put<Workload>>,
    /// Whose paths it is set up for: keycloak, authentik.
    #[arg(long, value_name = "NAME", value_parser = paths)]
    paths: Option<Paths>,
    /// How it proves who it is.
    #[command(flatten)]
    proof: ProofFlags,
    /// Its authorization requests.
    #[command(flatten)]
    requests: RequestFlags,
    /// Write the secret of a client that is no longer public, or now needs one, into this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// A new value, or back to the default.
#[derive(Debug, Clone)]
enum Put<T> {
    Default,
    Value(T),
}

impl<T> Put<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Default => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// A parser that takes an empty text for "the default".
fn or_default<T, E: Display>(
    parse: impl Fn(&str) -> Result<T, E> + Clone,
) -> impl Fn(&str) -> Result<Put<T>, String> + Clone {
    move |text| match text {
        "" => Ok(Put::Default),
        text => parse(text).map(Put::Value).map_err(|error| error.to_string()),
    }
}

fn put<T: Clone>(given: Option<Put<T>>, now: Option<T>) -> Option<T> {
    given.map_or(now, Put::value)
}

fn put_list<T: PartialEq>(given: Vec<Put<T>>, now: Vec<T>) -> Vec<T> {
    if given.is_empty() { now } else { once(given.into_iter().filter_map(Put::value).collect()) }
}

impl Update {
    fn is_empty(&self) -> bool {
        let lists = [
            self.post_logout_redirect_uri.len(),
            self.web_origin.len(),
            self.grant.len(),
            self.scope.len(),
            self.audience.len(),
            self.claim.len(),
            self.exchange_for.len(),
            self.workload.len(),
            self.connector.len(),
        ];
        let others = [
            self.title.is_some(),
            self.public.is_some(),
            self.consent.is_some(),
            self.pkce_optional.is_some(),
            self.dpop_bound.is_some(),
            self.backchannel_logout_uri.is_some(),
            self.frontchannel_logout_uri.is_some(),
            self.access_seconds.is_some(),
            self.refresh_seconds.is_some(),
            self.offline_seconds.is_some(),
            self.algorithm.is_some(),
            self.pairwise_sector.is_some(),
            self.userinfo_algorithm.is_some(),
            self.paths.is_some(),
        ];
        let none = lists.iter().all(|count| *count == 0) && !others.contains(&true);
        let flags = self.proof.is_empty() && self.requests.is_empty();
        none && flags && self.redirects.is_empty() && self.rule.is_empty()
    }

    /// The settings with what was given.
    fn of(self, now: ClientSettings) -> Result<ClientSettings, Exit> {
        let lifetimes = Lifetimes {
            access_seconds: put(self.access_seconds, now.lifetimes.access_seconds),
            refresh_seconds: put(self.refresh_seconds, now.lifetimes.refresh_seconds),
            offline_seconds: put(self.offline_seconds, now.lifetimes.offline_seconds),
        };
        let now = self.proof.of(now)?;
        let after_logout = &self.post_logout_redirect_uri;
        Ok(self.requests.put(ClientSettings {
            title: put(self.title, now.title),
            kind: self.public.map_or(now.kind, kind),
            redirect_uris: if self.redirects.is_empty() { now.redirect_uris } else { self.redirects.rules()? },
            post_logout_redirect_uris: match after_logout.is_empty() {
                true => now.post_logout_redirect_uris,
                false => rules_of("--post-logout-redirect-uri", "exact", after_logout)?,
            },
            web_origins: put_list(self.web_origin, now.web_origins),
            grants: if self.grant.is_empty() { now.grants } else { in_order(&self.grant) },
            scopes: put_list(self.scope, now.scopes),
            consent: self.consent.map_or(now.consent, |consent| consent.value().unwrap_or_default()),
            pkce_optional: self.pkce_optional.unwrap_or(now.pkce_optional),
            dpop_bound: self.dpop_bound.unwrap_or(now.dpop_bound),
            backchannel_logout_uri: put(self.backchannel_logout_uri, now.backchannel_logout_uri),
            frontchannel_logout_uri: put(self.frontchannel_logout_uri, now.frontchannel_logout_uri),
            access: now.access,
            lifetimes,
            mappers: mappers(now.mappers, self.claim, self.audience),
            algorithm: self.algorithm.map_or(now.algorithm, |name| name.value().unwrap_or_default()),
            subject: self.pairwise_sector.map_or(now.subject, sector),
            userinfo_algorithm: put(self.userinfo_algorithm, Some(now.userinfo_algorithm)).unwrap_or_default(),
            paths: self.paths.unwrap_or(now.paths),
            exchange_for: put_list(self.exchange_for, now.exchange_for),
            workloads: put_list(self.workload, now.workloads),
            ..now
        }))
    }
}

/// A sector, or the id everybody is told for none.
fn sector(text: String) -> SubjectKind {
    if text.is_empty() { SubjectKind::Public } else { SubjectKind::Pairwise(text) }
}

/// Each flag replaces the mappers it could have made.
fn mappers(now: Vec<Mapper>, claims: Vec<Put<Mapper>>, audiences: Vec<Put<Mapper>>) -> Vec<Mapper> {
    let (mut kept, mut fixed, mut named) = (Vec::new(), Vec::new(), Vec::new());
    for mapper in now {
        match &mapper {
            Mapper::Claim { from: From::Value(_), .. } => fixed.push(mapper),
            Mapper::Claim { .. } => kept.push(mapper),
            Mapper::Audience(_) => named.push(mapper),
        }
    }
    kept.extend(put_list(claims, fixed));
    kept.extend(put_list(audiences, named));
    kept
}

/// Runs the command.
pub async fn run(shell: &Shell, mut changes: Update) -> Result<Report, Exit> {
    if changes.is_empty() {
        return Err(Exit::usage("nothing is given to change: see `doorward client update --help`"));
    }
    let realm = shell.realm().await?;
    let before = shell.client(&realm, &changes.name).await?;
    let secret_file = changes.secret_file.take();
    let rule = std::mem::take(&mut changes.rule).rule();
    let (app_id, access) = match rule {
        Some(rule) => rule.find(shell, &realm).await?,
        None => (before.app_id.clone(), before.settings.access.clone()),
    };
    let ways = match changes.connector.is_empty() {
        true => before.settings.access.ways.clone(),
        false => {
            let names: Vec<WayName> = changes.connector.iter().cloned().filter_map(Put::value).collect();
            shell.ways(&realm, &names).await?
        }
    };
    let access = Access { ways, ..access };
    let settings = ClientSettings { access, ..changes.of(before.settings.clone())? };
    check_counts(&settings)?;
    let after = Client { app_id, settings, ..before.clone() };
    let said = said(shell, &before, &after).await?;
    if said.is_empty() {
        return Ok(Report::words(format!("Client {} is so already.", before.name)));
    }
    let warnings = risks(&after.settings);
    let words = format!("Changed client {}: {}.", before.name, said.join("; "));
    match change(shell, &realm, (&before, after), secret_file).await? {
        Some(told) => {
            let words = format!("{words}{}", told.advice());
            Ok(Report::one(told.value().into()).and_warnings(warnings).and_words(words))
        }
        None => Ok(Report::words(words).and_warnings(warnings)),
    }
}

/// Makes the change; what there is to tell of a new secret.
async fn change(
    shell: &Shell,
    realm: &Realm,
    (before, after): (&Client, Client),
    secret_file: Option<PathBuf>,
) -> Result<Option<Told>, Exit> {
    let mut tx = shell.door.begin().await?;
    let now = clients::find(&mut tx, &realm.id, &before.name).await?.map(Client::read).transpose()?;
    if now.as_ref() != Some(before) {
        let sentence = format!("somebody else changed client {} at the same time: try again", before.name);
        return Err(Exit::refused(sentence));
    }
    manage::clients::update(&mut tx, &after).await??;
    let gets_secret = !before.settings.has_secret() && after.settings.has_secret();
    if !gets_secret {
        shell.commit(tx).await?;
        return Ok(None);
    }
    let secret = manage::clients::rotate_secret(&shell.door, &shell.ctx, &mut tx, &after, 0).await??;
    let drawn = Drawn::keep(secret, secret_file.as_deref())?;
    shell.commit(tx).await?;
    Ok(Some(Told::of(shell, realm, (after.name, after.settings.paths), Some(drawn.put()?)).await))
}

/// What differs, with names for ids.
async fn said(shell: &Shell, before: &Client, after: &Client) -> Result<Vec<String>, Exit> {
    let apps = app_names(shell).await?;
    let now = group_names(shell, &before.settings.access).await?;
    let then = group_names(shell, &after.settings.access).await?;
    let (now, then): (Vec<&GroupName>, Vec<&GroupName>) = (now.iter().collect(), then.iter().collect());
    let mut said = client_changes(&facts(before, &now, &apps), &facts(after, &then, &apps));
    let (now, then) = (&before.settings.access.ways, &after.settings.access.ways);
    said.extend(ways_changes(&way_names(shell, now).await?, &way_names(shell, then).await?));
    Ok(said)
}

fn facts<'a>(client: &'a Client, groups: &'a [&'a GroupName], apps: &'a HashMap<AppId, AppSlug>) -> ClientFacts<'a> {
    ClientFacts {
        app: client.app_id.as_ref().and_then(|id| apps.get(id)),
        everyone: client.settings.access.everyone,
        groups,
        is_active: client.is_active,
        settings: &client.settings,
    }
}
