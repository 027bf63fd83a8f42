//! Flags of domains whose browsers show tickets of Kerberos.

use crate::commands::connector::add::Common;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::federation::Connector as Stored;
use doorward_engine::federation::settings::{KerberosSettings, Kind};
use doorward_kerberos::{keytab, limits};
use doorward_model::name::ConnectorName;
use doorward_model::secret_ref::SecretRef;
use doorward_world::secrets;
use serde_json::json;

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

/// Reads a connector's keys, as this command sees them.
pub async fn ask(connector: &Stored, settings: &KerberosSettings) -> Result<Report, Exit> {
    let refuse = |why: String| Exit::refused(format!("connector {}: {why}", connector.name));
    let SecretRef::File(path) = &settings.keytab else { return Err(refuse("its keytab is no file".to_owned())) };
    let bytes = secrets::read_bytes(path, limits::KEYTAB_BYTES).await.map_err(&refuse)?;
    let all = keytab::read(&bytes).map_err(|trouble| refuse(trouble.to_string()))?;
    let is_ours = |entry: &&keytab::Entry| entry.service == settings.service && entry.realm == settings.realm;
    let keys: Vec<_> = all.iter().filter(is_ours).collect();
    if keys.is_empty() {
        let service = format!("{}@{}", settings.service, settings.realm);
        return Err(refuse(format!("the keytab has no key by AES of {service}")));
    }
    let keys: Vec<_> =
        keys.iter().map(|entry| json!({"version": entry.version, "kind": entry.key.kind().name()})).collect();
    Ok(Report::one(json!({
        "connector": connector.name,
        "issuer": settings.realm,
        "service": settings.service,
        "keys": keys,
    })))
}
