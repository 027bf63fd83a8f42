//! `doorward connector test`: whether a provider can be asked, and what somebody would be here. Nothing is written.

use crate::commands::connector::{kerberos, saml};
use crate::commands::{Shell, input};
use crate::exit::{Code, Exit};
use crate::limits;
use crate::report::Report;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use doorward_directory::directories::Directories;
use doorward_engine::federation::linking::{Decision, Why};
use doorward_engine::federation::preview::{Preview, preview};
use doorward_engine::federation::settings::Kind;
use doorward_engine::federation::sign_in::Refusal;
use doorward_engine::federation::{Connector as Stored, ExternalIdentity, open_secret};
use doorward_federation::claims;
use doorward_federation::providers::Providers;
use doorward_jose::json;
use doorward_model::name::{ConnectorName, EmailAddress};
use doorward_model::people::Realm;
use doorward_outbound::Outbound;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to try.
#[derive(Args, Debug)]
pub struct Test {
    /// Its name.
    #[arg(value_parser = ConnectorName::parse)]
    pub connector: ConnectorName,
    /// A file with claims as the provider would give them, a JSON object or an ID token: says who that would be here,
    /// and in which groups. Nothing is proved, and nothing saved. - for standard input.
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// Somebody's name at a directory: says who that would be here, and in which groups.
    #[arg(long, value_name = "NAME", conflicts_with = "claims")]
    user: Option<String>,
}

/// Tries a connector out.
pub async fn test(shell: &Shell, realm: &Realm, connector: &Stored, asked: &Test) -> Result<Report, Exit> {
    let told = match (&asked.claims, &asked.user) {
        (Some(file), _) => try_claims(shell, (realm, connector), &read(file)?).await,
        (None, Some(name)) => look(shell, (realm, connector), name).await,
        (None, None) if connector.settings.kind.ldap().is_some() => probe(shell, connector).await,
        (None, None) => ask(shell, connector).await,
    };
    let name = &connector.name;
    let shut = (!connector.is_active)
        .then(|| format!("connector {name} is disabled, so nobody comes in by it: `doorward connector enable {name}`"));
    told.map(|report| report.and_warnings(shut))
}

/// Asks a directory whether it can be asked.
async fn probe(shell: &Shell, connector: &Stored) -> Result<Report, Exit> {
    let refuse = |why: String| Exit::refused(format!("connector {}: {why}", connector.name));
    let sealed = open_secret(&shell.door, connector)?;
    let probed = Directories::default().probe(connector, sealed).await;
    let probed = probed.map_err(|trouble| refuse(trouble.to_string()))?;
    Ok(Report::one(json!({"connector": connector.name, "server": probed.server, "notes": probed.notes})))
}

/// Asks a directory about somebody.
async fn look(shell: &Shell, (realm, connector): (&Realm, &Stored), name: &str) -> Result<Report, Exit> {
    let refuse = |why: String| Exit::refused(format!("connector {}: {why}", connector.name));
    if let Some(why) = told_of_nobody(connector) {
        return Err(Exit::usage(format!("connector {}: {why}", connector.name)));
    }
    let directories = Directories::default();
    let sealed = || open_secret(&shell.door, connector);
    let looked = directories.look(connector, sealed()?, (name.trim(), shell.ctx.now)).await;
    match looked.map_err(|trouble| refuse(trouble.to_string()))? {
        Some((_, Some(bar))) => Err(refuse(format!("nobody comes in with this name: {bar}"))),
        Some((mut identity, None)) => {
            // Why somebody is in no group may be that no group there says who is in it.
            let probed =
                directories.probe(connector, sealed()?).await.map_err(|trouble| refuse(trouble.to_string()))?;
            identity.notes.extend(probed.notes);
            tell(shell, (realm, connector), &identity).await
        }
        None => Err(refuse("the directory has nobody of this name, as far as whoever asks it is shown".to_owned())),
    }
}

/// Why there is nobody to look for by name, and what can be tried instead; `None` of a directory.
fn told_of_nobody(connector: &Stored) -> Option<String> {
    let by_name = "only directories are asked about people by name";
    let test = format!("`doorward connector test {}`", connector.name);
    Some(match &connector.settings.kind {
        Kind::Ldap(_) => return None,
        Kind::Oidc(_) => format!(
            "{by_name}: {test} tries the provider, its keys and what Doorward proves itself with, and with --claims FILE (a \
             JSON object or an ID token) says who somebody with these claims would be here"
        ),
        Kind::OAuth2(_) => format!("{by_name}: {test} tries the provider and what Doorward proves itself with"),
        Kind::Saml(_) => format!("{by_name}: {test} reads the provider's metadata and tries the connector's own key"),
        Kind::Kerberos(kerberos) => match &kerberos.directory {
            Some(directory) => format!(
                "{by_name}, and {directory} is the one of this connector: `doorward connector test {directory} --user NAME`"
            ),
            None => format!("{by_name}, and this connector has none: {test} reads its keytab"),
        },
    })
}

/// Asks the provider for what it publishes.
async fn ask(shell: &Shell, connector: &Stored) -> Result<Report, Exit> {
    if let Some(settings) = connector.settings.kind.saml() {
        return saml::ask(shell, connector, settings).await;
    }
    if let Some(settings) = connector.settings.kind.kerberos() {
        return kerberos::ask(shell, connector, settings).await;
    }
    let outbound = Outbound::new(shell.config.outbound.clone()).map_err(Exit::usage)?;
    let providers = Providers::new(Arc::new(outbound));
    let mut faults = Vec::new();
    let published = match connector.settings.kind.oidc() {
        Some(_) => providers.published(connector, shell.ctx.now).await.map_err(|why| faults.push(why.to_string())).ok(),
        None => None,
    };
    let sealed = open_secret(&shell.door, connector)?;
    // As this command sees it; a variable may be the server's alone.
    let tried = providers.tried(connector, shell.ctx.now, sealed).await;
    faults.extend(tried.troubles.iter().map(ToString::to_string));
    told(connector, &faults)?;
    let issuer = connector.settings.kind.issuer();
    let Some(published) = published else {
        return Ok(Report::one(json!({"connector": connector.name, "issuer": issuer, "client": tried.client})));
    };
    let metadata = &published.metadata;
    Ok(Report::one(json!({
        "connector": connector.name,
        "issuer": issuer,
        "client": tried.client,
        "authorization_endpoint": metadata.authorization.as_str(),
        "token_endpoint": metadata.token,
        "userinfo_endpoint": metadata.user_info,
        "jwks_uri": metadata.keys,
        "keys": published.keys.keys().len(),
    })))
}

/// All that is wrong, at once.
pub fn told(connector: &Stored, faults: &[String]) -> Result<(), Exit> {
    let name = &connector.name;
    match faults {
        [] => Ok(()),
        [only] => Err(Exit::refused(format!("connector {name}: {only}"))),
        many => {
            let numbered = many.iter().zip(1..).map(|(fault, number)| format!("({number}) {fault}"));
            let all = numbered.collect::<Vec<_>>().join("; ");
            Err(Exit::refused(format!("connector {name}: {} things are wrong: {all}", many.len())))
        }
    }
}

fn read(file: &Path) -> Result<Map<String, Value>, Exit> {
    let refuse = |why: String| Exit::usage(format!("{}: {why}", file.display()));
    let text = input::text(file, limits::CLAIMS_BYTES).map_err(refuse)?;
    let text = text.trim();
    // An ID token: its second part is what it claims.
    let bytes = match text.split('.').collect::<Vec<_>>().as_slice() {
        [_, claims, _] if !text.starts_with('{') => {
            URL_SAFE_NO_PAD.decode(claims).map_err(|_| refuse("it is neither JSON nor a token".to_owned()))?
        }
        _ => text.as_bytes().to_vec(),
    };
    json::object(&bytes).map_err(|why| refuse(why.to_string()))
}

async fn try_claims(
    shell: &Shell,
    (realm, connector): (&Realm, &Stored),
    said: &Map<String, Value>,
) -> Result<Report, Exit> {
    let refuse = |why: String| Exit::refused(format!("connector {}: {why}", connector.name));
    let Some(oidc) = connector.settings.kind.oidc() else {
        let sentence =
            "--claims is for providers that speak OpenID Connect; of a directory ask for somebody with --user";
        return Err(Exit::usage(format!("connector {}: {sentence}", connector.name)));
    };
    let identity = claims::identity(oidc, said.clone(), Map::new()).map_err(|trouble| refuse(trouble.to_string()))?;
    tell(shell, (realm, connector), &identity).await
}

/// Says who somebody would be.
pub async fn tell(
    shell: &Shell,
    (realm, connector): (&Realm, &Stored),
    identity: &ExternalIdentity,
) -> Result<Report, Exit> {
    let found = match preview(&shell.door, (realm, connector), identity).await? {
        Ok(found) => found,
        Err(most) => {
            let sentence = format!("connector {}: it says more than {most} groups", connector.name);
            return Err(Exit::refused(sentence));
        }
    };
    let groups = found.groups.as_ref().map(|mapped| mapped.groups.keys().map(ToString::to_string).collect::<Vec<_>>());
    let passed_over = found.groups.iter().flat_map(|mapped| &mapped.passed_over);
    let passed_over: Vec<_> = passed_over.map(|(name, why)| format!("{}: {why}", name.escape_debug())).collect();
    let unproved = identity.email.as_ref().filter(|_| !identity.email_verified);
    let left_out =
        unproved.map(|email| format!("{}: nothing says that it is proved (addresses_are_proved)", email.as_str()));
    let (would_be, code) = words(&found);
    Ok(Report::one(json!({
        "would_be": would_be,
        "subject": identity.subject,
        "name": identity.name,
        "display": identity.display,
        "email": identity.email.as_ref().map(EmailAddress::as_str),
        "email_proved": identity.email_verified,
        "email_left_out": left_out,
        "groups_said": identity.groups,
        "groups": groups,
        "passed_over": passed_over,
        "notes": identity.notes,
    }))
    .and_code(code))
}

/// Who it is, and what a script is told of it: that it is nobody is the answer, and no success.
fn words(found: &Preview) -> (String, Code) {
    let name = found.user.as_ref().map(|user| user.name.to_string()).unwrap_or_default();
    let disabled = found.user.as_ref().is_some_and(|user| !user.is_active);
    let words = match &found.decision {
        Decision::Linked(_) => format!("user {name}, who is linked"),
        Decision::Link(_) => format!("user {name}, linked from then on: both have proved the same address"),
        Decision::Create(name) => format!("a new user {name}"),
        Decision::Prove(_) => format!("asked for the password of user {name}, and linked from then on"),
        Decision::Refuse(why @ (Why::Unknown | Why::NoName | Why::Taken)) => {
            return (format!("nobody: {}", Refusal::Nobody(*why)), Code::Refused);
        }
    };
    if disabled { (format!("nobody: user {name} is disabled"), Code::Refused) } else { (words, Code::Done) }
}
