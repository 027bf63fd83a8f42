//! `doorward client create`, and what every way of making a client shares.

use super::flags::{
    Redirects, Rule, RuleFlags, audience, check_counts, claim, once, risks, rules_of, seconds, workload_file,
};
use super::proof::ProofFlags;
use super::requests::RequestFlags;
use super::secret::{Drawn, Told, brought_secret};
use crate::commands::Shell;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::clients::mapper::Mapper;
use doorward_engine::clients::{
    ClientKind, ClientSettings, ConsentMode, GrantType, Lifetimes, Paths, SubjectKind, Workload,
};
use doorward_engine::manage;
use doorward_model::app::Access;
use doorward_model::name::{ClientName, DisplayText};
use doorward_model::secret::ClientSecretText;
use doorward_model::ways::WayName;
use doorward_platform::declared::client::{
    USUAL_GRANTS, algorithm, consent, grant, in_order, logout_uri, origin, paths, scope,
};
use doorward_platform::declared::workload::exchange_target;
use std::path::PathBuf;

/// A new client.
#[derive(Args, Debug)]
pub struct Create {
    /// Its client_id.
    #[arg(value_parser = ClientName::parse)]
    name: ClientName,
    /// Its name for people.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    title: Option<DisplayText>,
    /// It cannot keep a secret: it runs in browsers or on people's machines.
    #[arg(long)]
    public: bool,
    /// It is a program that speaks for itself: the same as --grant client_credentials.
    #[arg(long, conflicts_with_all = ["public", "grant"])]
    service: bool,
    /// Where browsers may be sent back to.
    #[command(flatten)]
    redirects: Redirects,
    /// Where browsers may be sent after signing out; may be repeated [default: as after signing in].
    #[arg(long, num_args = 1.., value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// An origin whose scripts may call Doorward, or + for those of the redirect URIs; may be repeated.
    #[arg(long, num_args = 1.., value_name = "ORIGIN", value_parser = origin)]
    web_origin: Vec<String>,
    /// How it comes by tokens: authorization_code, refresh_token, client_credentials, device_code, token_exchange,
    /// jwt_bearer, password, implicit; may be repeated
    /// [default: authorization_code refresh_token].
    #[arg(long, num_args = 1.., value_name = "GRANT", value_parser = grant)]
    grant: Vec<GrantType>,
    /// A scope it may ask for beyond those every client may; may be repeated.
    #[arg(long, num_args = 1.., value_name = "SCOPE", value_parser = scope)]
    scope: Vec<String>,
    /// Whether people are asked before it learns about them: implicit, explicit [default: implicit].
    #[arg(long, value_name = "MODE", value_parser = consent)]
    consent: Option<ConsentMode>,
    /// Who may enter.
    #[command(flatten)]
    rule: RuleFlags,
    /// A connector people may come in by, or accounts for those kept here; may be repeated [default: every one].
    #[arg(long, num_args = 1.., value_name = "NAME", value_parser = WayName::parse)]
    connector: Vec<WayName>,
    /// It may do without PKCE, as tools of old do.
    #[arg(long, conflicts_with = "public")]
    pkce_optional: bool,
    /// Its tokens must be bound to a key of its own (DPoP).
    #[arg(long)]
    dpop_bound: bool,
    /// Tell people by an id that only clients of this sector share: a host name, such as example.com.
    #[arg(long, value_name = "HOST")]
    pairwise_sector: Option<String>,
    /// Sign what userinfo tells: RS256, PS256, ES256, EdDSA; plain JSON without.
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    userinfo_algorithm: Option<String>,
    /// Where it is told, server to server, that a session ended.
    #[arg(long, value_name = "URL", value_parser = logout_uri)]
    backchannel_logout_uri: Option<String>,
    /// Its own page that ends its session in the browser.
    #[arg(long, value_name = "URL", value_parser = logout_uri)]
    frontchannel_logout_uri: Option<String>,
    /// Life of its access and ID tokens, in seconds.
    #[arg(long, value_name = "N", value_parser = seconds)]
    access_seconds: Option<i64>,
    /// Life of each of its refresh tokens, in seconds.
    #[arg(long, value_name = "N", value_parser = seconds)]
    refresh_seconds: Option<i64>,
    /// Life of each of its offline tokens, in seconds.
    #[arg(long, value_name = "N", value_parser = seconds)]
    offline_seconds: Option<i64>,
    /// Another audience of its access tokens; may be repeated.
    #[arg(long, num_args = 1.., value_name = "AUDIENCE", value_parser = audience)]
    audience: Vec<Mapper>,
    /// A claim that is the same for everybody; may be repeated.
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE", value_parser = claim)]
    claim: Vec<Mapper>,
    /// What its tokens are signed with: RS256, PS256, ES256, EdDSA [default: RS256].
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    algorithm: Option<String>,
    /// How it proves who it is.
    #[command(flatten)]
    proof: ProofFlags,
    /// A client or audience it may exchange tokens for; may be repeated.
    #[arg(long, num_args = 1.., value_name = "NAME", value_parser = exchange_target)]
    exchange_for: Vec<String>,
    /// A file, YAML or JSON, that says whose workloads may speak as this client; may be repeated.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = workload_file)]
    workload: Vec<Workload>,
    /// Whose paths it is set up for: keycloak, authentik [default: keycloak].
    #[arg(long, value_name = "NAME", value_parser = paths)]
    paths: Option<Paths>,
    /// Its authorization requests.
    #[command(flatten)]
    requests: RequestFlags,
    /// Write the secret into this file instead of printing it.
    #[arg(long, value_name = "FILE", conflicts_with = "public")]
    secret_file: Option<PathBuf>,
    /// Read the secret from standard input: the one its tool has had from another provider.
    #[arg(long, conflicts_with_all = ["public", "secret_file"])]
    secret_stdin: bool,
}

/// Runs the command.
pub async fn run(shell: &Shell, create: Create) -> Result<Report, Exit> {
    let grants = match (create.service, create.grant.is_empty()) {
        (true, _) => vec![GrantType::ClientCredentials],
        (false, true) => USUAL_GRANTS.to_vec(),
        (false, false) => in_order(&create.grant),
    };
    let rule = match create.rule.rule() {
        Some(rule) => rule,
        None if grants.iter().any(|grant| grant.signs_people_in()) => {
            let what = format!("nobody could sign in through client {}", create.name);
            return Err(Exit::usage(format!("{what}: give --app APP, --allow GROUP or --everyone")));
        }
        None => Rule::Nobody,
    };
    let settings = create.requests.put(ClientSettings {
        title: create.title,
        kind: kind(create.public),
        redirect_uris: create.redirects.rules()?,
        post_logout_redirect_uris: rules_of("--post-logout-redirect-uri", "exact", &create.post_logout_redirect_uri)?,
        web_origins: once(create.web_origin),
        grants,
        scopes: once(create.scope),
        consent: create.consent.unwrap_or_default(),
        pkce_optional: create.pkce_optional,
        dpop_bound: create.dpop_bound,
        backchannel_logout_uri: create.backchannel_logout_uri,
        frontchannel_logout_uri: create.frontchannel_logout_uri,
        access: Access::default(),
        lifetimes: Lifetimes {
            access_seconds: create.access_seconds,
            refresh_seconds: create.refresh_seconds,
            offline_seconds: create.offline_seconds,
        },
        subject: create.pairwise_sector.map_or(SubjectKind::Public, SubjectKind::Pairwise),
        userinfo_algorithm: create.userinfo_algorithm.unwrap_or_default(),
        mappers: once(create.claim.into_iter().chain(create.audience).collect()),
        algorithm: create.algorithm.unwrap_or_default(),
        paths: create.paths.unwrap_or_default(),
        exchange_for: once(create.exchange_for),
        workloads: create.workload,
        ..create.proof.of(ClientSettings::default())?
    });
    let connectors = create.connector;
    let brought = if create.secret_stdin { Some(brought_secret()?) } else { None };
    let is_brought = brought.is_some();
    let new = New { name: create.name, rule, connectors, settings, secret_file: create.secret_file, brought };
    let warnings = risks(&new.settings);
    let told = make(shell, new).await?;
    let advice = if is_brought { " Its secret is the one you gave.".to_owned() } else { told.advice() };
    let words = format!("Created client {}.{advice}", told.name);
    Ok(Report::one(told.value().into()).and_warnings(warnings).and_words(words))
}

/// What a client is that cannot keep a secret, or can.
pub fn kind(public: bool) -> ClientKind {
    if public { ClientKind::Public } else { ClientKind::Confidential }
}

/// A client to be made.
pub struct New {
    /// Its `client_id`.
    pub name: ClientName,
    /// Who may enter.
    pub rule: Rule,
    /// The ways in that count; none for every one.
    pub connectors: Vec<WayName>,
    /// Everything else; the rule in it is passed over.
    pub settings: ClientSettings,
    /// Where its secret goes; else it is told.
    pub secret_file: Option<PathBuf>,
    /// The secret its tool has already.
    pub brought: Option<ClientSecretText>,
}

/// Makes a client.
pub async fn make(shell: &Shell, new: New) -> Result<Told, Exit> {
    check_counts(&new.settings)?;
    let realm = shell.realm().await?;
    let (app_id, access) = new.rule.find(shell, &realm).await?;
    let ways = shell.ways(&realm, &new.connectors).await?;
    let settings = ClientSettings { access: Access { ways, ..access }, ..new.settings };
    let mut tx = shell.door.begin().await?;
    let given = (new.name, app_id, settings);
    let given = (&realm.id, given);
    let made = manage::clients::create_with(&shell.door, &shell.ctx, &mut tx, given, new.brought.as_ref()).await??;
    let (client, secret) = made;
    let drawn = secret.map(|secret| Drawn::keep(secret, new.secret_file.as_deref())).transpose()?;
    shell.commit(tx).await?;
    let kept = drawn.map(Drawn::put).transpose()?;
    Ok(Told::of(shell, &realm, (client.name, client.settings.paths), kept).await)
}
