//! Flags of domains whose browsers show tickets of Kerberos.

use crate::commands::Shell;
use crate::commands::connector::add::Common;
use crate::commands::connector::test::told;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_directory::directories::Directories;
use doorward_engine::federation::settings::{KerberosSettings, Kind};
use doorward_engine::federation::{self, Connector as Stored, open_secret};
use doorward_kerberos::{keytab, limits};
use doorward_model::name::ConnectorName;
use doorward_model::secret_ref::SecretRef;
use doorward_world::secrets;
use serde_json::{Value, json};

/// A new connector.
#[derive(Args, Debug)]
pub struct Kerberos {
    #[command(flatten)]
    common: Common,
    /// The realm, letter by letter: AD.EXAMPLE.COM.
    #[arg(long, value_name = "REALM")]
    kerberos_realm: String,
    /// What tickets must be for: HTTP/ and the host of this door, as browsers ask for it.
    #[arg(long, value_name = "HTTP/HOST")]
    service: String,
    /// Where the service's keys are: file:/PATH, read for every ticket.
    #[arg(long, value_name = "REF", value_parser = SecretRef::parse)]
    keytab: SecretRef,
    /// A connector to the directory of the same people, which says who each is, in which groups, and whether they may
    /// come in.
    #[arg(long, value_name = "CONNECTOR", value_parser = ConnectorName::parse)]
    directory: Option<ConnectorName>,
    /// Names alone say who somebody is, without a directory. Not for Active Directory: whoever may add a computer there
    /// gets tickets under any name nobody has.
    #[arg(long, conflicts_with = "directory")]
    names_alone: bool,
    /// A network whose browsers are asked for a ticket; may be repeated. All of them unless said.
    #[arg(long, value_name = "CIDR")]
    network: Vec<String>,
    /// Names that differ in capitals alone are one person's, as in Active Directory.
    #[arg(long)]
    ignore_case: bool,
    /// How far clocks may be apart, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    clock_tolerance: u32,
}

impl Kerberos {
    /// What every kind has, and what this one is.
    pub fn read(self) -> (Common, Kind) {
        let kind = Kind::Kerberos(KerberosSettings {
            realm: self.kerberos_realm,
            service: self.service,
            keytab: self.keytab,
            directory: self.directory,
            names_alone: self.names_alone,
            networks: self.network,
            ignore_case: self.ignore_case,
            clock_tolerance_seconds: self.clock_tolerance,
        });
        (self.common, kind)
    }
}

/// The keys of the keytab that count.
async fn keys(settings: &KerberosSettings) -> Result<Vec<Value>, String> {
    let SecretRef::File(path) = &settings.keytab else { return Err("its keytab is no file".to_owned()) };
    let bytes = secrets::read_bytes(path, limits::KEYTAB_BYTES).await?;
    let all = keytab::read(&bytes).map_err(|trouble| trouble.to_string())?;
    let is_ours = |entry: &&keytab::Entry| entry.service == settings.service && entry.realm == settings.realm;
    let told = |entry: &keytab::Entry| json!({"version": entry.version, "kind": entry.key.kind().name()});
    match all.iter().filter(is_ours).map(told).collect::<Vec<_>>() {
        none if none.is_empty() => {
            Err(format!("the keytab has no key by AES of {}@{}", settings.service, settings.realm))
        }
        keys => Ok(keys),
    }
}

/// What is wrong with the directory that says who people are.
async fn directory(shell: &Shell, connector: &Stored, name: &ConnectorName) -> Result<Option<String>, Exit> {
    let found = federation::find(&shell.door, &connector.realm_id, name).await?;
    let Some(found) = found.filter(|found| found.is_active && found.settings.kind.ldap().is_some()) else {
        return Ok(Some(format!("its directory {name} is no active connector to a directory")));
    };
    let sealed = open_secret(&shell.door, &found)?;
    let probed = Directories::default().probe(&found, sealed).await;
    Ok(probed.err().map(|trouble| format!("its directory {name}: {trouble}")))
}

/// Reads a connector's keys, as this command sees them.
pub async fn ask(shell: &Shell, connector: &Stored, settings: &KerberosSettings) -> Result<Report, Exit> {
    let keys = keys(settings).await;
    let mut faults: Vec<String> = keys.as_ref().err().cloned().into_iter().collect();
    if let Some(name) = &settings.directory {
        faults.extend(directory(shell, connector, name).await?);
    }
    told(connector, &faults)?;
    let keys: Vec<_> = keys.unwrap_or_default();
    Ok(Report::one(json!({
        "connector": connector.name,
        "issuer": settings.realm,
        "service": settings.service,
        "keys": keys,
    })))
}
