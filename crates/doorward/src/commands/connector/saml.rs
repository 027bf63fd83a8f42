//! Flags of providers that speak SAML.

use crate::commands::Shell;
use crate::commands::connector::add::Common;
use crate::commands::connector::test::told;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::federation::own_keys::FIRST;
use doorward_engine::federation::settings::{AttributeNames, Kind, NameIdFormat, SamlSettings};
use doorward_engine::federation::{Connector as Stored, open_secret};
use doorward_outbound::Outbound;
use doorward_saml::certificate::Key;
use doorward_saml::limits::METADATA_BYTES;
use doorward_saml::metadata::{self, Read};
use doorward_saml::own_key::OwnKey;
use doorward_saml::peers::Peers;
use serde_json::json;
use std::io::Read as _;
use std::sync::Arc;

/// A new connector.
#[derive(Args, Debug)]
pub struct Saml {
    #[command(flatten)]
    common: Common,
    /// The provider's metadata: a file, read once, or an https:// URL, read again while the connector is used.
    #[arg(long, value_name = "FILE|URL")]
    metadata: String,
    /// What the provider calls itself, letter by letter; needed when the metadata describes several, or cannot be read
    /// from here.
    #[arg(long, value_name = "ID")]
    entity_id: Option<String>,
    /// A file with the certificate, in PEM, that metadata read from a URL must be signed with; may be repeated.
    #[arg(long, value_name = "FILE")]
    metadata_certificate: Vec<String>,
    /// What Doorward is called there; the address answers come to unless said.
    #[arg(long, value_name = "ID")]
    own_entity_id: Option<String>,
    /// How the provider names people: persistent, email, unspecified or transient.
    #[arg(long, value_name = "FORMAT", default_value = "persistent", value_parser = format)]
    name_id: NameIdFormat,
    /// The attribute that tells people apart for ever, in the place of their name in the answer.
    #[arg(long, value_name = "ATTRIBUTE")]
    subject_attribute: Option<String>,
    /// Whose names attributes have: generic, entra, adfs, okta or keycloak.
    #[arg(long, value_name = "PROVIDER", default_value = "generic", value_parser = preset)]
    attributes: AttributeNames,
    /// Attributes the user name is taken from, the first that is there; NameID is the name in the answer.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
    name_attributes: Option<Vec<String>>,
    /// Attributes the e-mail address is taken from, the first that is there.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
    email_attributes: Option<Vec<String>>,
    /// Attributes groups are taken from, the first that is there. Empty for none.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
    groups_attributes: Option<Vec<String>>,
    /// The provider's addresses are proved: SAML has no word for it. Names that look like an address count too.
    #[arg(long)]
    addresses_are_proved: bool,
    /// Take only assertions that are signed themselves; else a signature of the whole answer is enough.
    #[arg(long)]
    assertions_signed: bool,
    /// Take only answers that are signed as a whole; else a signature of the assertion is enough.
    #[arg(long)]
    responses_signed: bool,
    /// Publish a key to encrypt assertions with, by AES-GCM.
    #[arg(long)]
    encryption: bool,
    /// Do not sign requests.
    #[arg(long)]
    unsigned_requests: bool,
    /// Let people in who come from the provider without having asked to here.
    #[arg(long)]
    unsolicited: bool,
    /// How people must have proved themselves there: a class of authentication contexts; may be repeated.
    #[arg(long, value_name = "CLASS")]
    authn_context: Vec<String>,
    /// Sign out there too when somebody signs out here.
    #[arg(long)]
    single_logout: bool,
    /// How far the provider's clock may be apart, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    clock_tolerance: u32,
}

fn format(text: &str) -> Result<NameIdFormat, &'static str> {
    NameIdFormat::parse(text).ok_or("it is one of persistent, email, unspecified and transient")
}

fn preset(text: &str) -> Result<AttributeNames, String> {
    let known = || AttributeNames::presets().collect::<Vec<_>>().join(", ");
    AttributeNames::of(text).ok_or_else(|| format!("the providers whose names are known are {}", known()))
}

impl Saml {
    /// What every kind has, and what this one is.
    pub async fn read(self, shell: &Shell) -> Result<(Common, Kind), Exit> {
        let certificates =
            self.metadata_certificate.iter().map(|path| certificate(path)).collect::<Result<Vec<_>, _>>()?;
        let is_url = self.metadata.contains("://");
        let (entity_id, provider) = match (&self.entity_id, is_url) {
            (Some(id), true) => (id.clone(), None),
            (None, true) => (fetched(shell, &self.metadata, &certificates).await?.entity_id, None),
            (wanted, false) => {
                let read = of_file(shell, &self.metadata, wanted.as_deref(), &certificates)?;
                (read.entity_id, Some(read.provider))
            }
        };
        let mut attributes = self.attributes;
        let wanted = [self.name_attributes, self.email_attributes, self.groups_attributes];
        for (slot, wanted) in
            [&mut attributes.name, &mut attributes.email, &mut attributes.groups].into_iter().zip(wanted)
        {
            if let Some(wanted) = wanted {
                *slot = wanted.into_iter().filter(|name| !name.is_empty()).collect();
            }
        }
        let kind = Kind::Saml(SamlSettings {
            entity_id,
            metadata_url: is_url.then_some(self.metadata),
            metadata_certificates: certificates,
            provider,
            own_entity_id: self.own_entity_id,
            name_id: self.name_id,
            subject_attribute: self.subject_attribute,
            attributes,
            addresses_are_proved: self.addresses_are_proved,
            assertions_signed: self.assertions_signed,
            responses_signed: self.responses_signed,
            encryption: self.encryption,
            own_key: FIRST,
            other_own_keys: Vec::new(),
            signed_requests: !self.unsigned_requests,
            unsolicited: self.unsolicited,
            authn_contexts: self.authn_context,
            single_logout: self.single_logout,
            clock_tolerance_seconds: self.clock_tolerance,
        });
        Ok((self.common, kind))
    }
}

async fn fetched(shell: &Shell, url: &str, certificates: &[String]) -> Result<Read, Exit> {
    let outbound = Outbound::new(shell.config.outbound.clone()).map_err(Exit::usage)?;
    let read = Peers::new(Arc::new(outbound)).read(url, None, certificates, shell.ctx.now).await;
    read.map_err(|trouble| {
        Exit::refused(format!("{url}: {trouble}; give --entity-id to connect it without reading the metadata now"))
    })
}

/// Asks a provider for what it publishes.
pub async fn ask(shell: &Shell, connector: &Stored, settings: &SamlSettings) -> Result<Report, Exit> {
    let outbound = Outbound::new(shell.config.outbound.clone()).map_err(Exit::usage)?;
    let peers = Peers::new(Arc::new(outbound));
    let provider = peers.provider((connector, settings), shell.ctx.now).await;
    let mut faults: Vec<String> = provider.as_ref().err().map(ToString::to_string).into_iter().collect();
    let key = open_secret(&shell.door, connector)?;
    let own = key.as_deref().map_or(Err("it has no key of its own: add it again".to_owned()), |key| {
        OwnKey::parse(key).map(|_| ()).map_err(|trouble| trouble.to_string())
    });
    faults.extend(own.err());
    told(connector, &faults)?;
    let Ok(provider) = provider else { return Err(Exit::refused("the provider says nothing")) };
    Ok(Report::one(json!({
        "connector": connector.name,
        "issuer": settings.entity_id,
        "sign_on": provider.published.sign_on,
        "logout": provider.published.logout,
        "certificates": provider.keys.len(),
    })))
}

fn of_file(shell: &Shell, path: &str, wanted: Option<&str>, certificates: &[String]) -> Result<Read, Exit> {
    let text = contents(path)?;
    let keys: Result<Vec<_>, _> = certificates.iter().map(|text| Key::of_certificate(text)).collect();
    let keys = keys.map_err(|trouble| Exit::refused(format!("--metadata-certificate: {trouble}")))?;
    metadata::read(&text, wanted, &keys, shell.ctx.now)
        .map_err(|trouble| Exit::refused(format!("file {path}: {trouble}")))
}

/// The base64 between the lines of a PEM file.
fn certificate(path: &str) -> Result<String, Exit> {
    let text = String::from_utf8(contents(path)?).unwrap_or_default();
    let body = text.split_once("-----BEGIN CERTIFICATE-----").and_then(|(_, rest)| rest.split_once("-----END"));
    let body = body.ok_or_else(|| Exit::usage(format!("file {path}: no certificate in PEM stands in it")))?.0;
    Ok(body.split_ascii_whitespace().collect())
}

fn contents(path: &str) -> Result<Vec<u8>, Exit> {
    let wrong = |error: std::io::Error| Exit::usage(format!("file {path}: {error}"));
    let most = u64::try_from(METADATA_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    std::fs::File::open(path).map_err(wrong)?.take(most).read_to_end(&mut text).map_err(wrong)?;
    Ok(text)
}
