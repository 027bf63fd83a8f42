//! `doorward connector rotate-key`: a new key of a SAML connector's own in the place of the one before, step by step, so that
//! the provider knows each key before it counts and for as long as it does.

use crate::commands::Shell;
use crate::commands::connector::redirect_uri;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::federation::Connector as Stored;
use doorward_engine::federation::settings::{ConnectorSettings, KeyStep, Kind};
use doorward_engine::manage::connectors as manage;
use doorward_model::name::ConnectorName;
use doorward_model::people::Realm;
use serde_json::json;

/// Which step.
#[derive(Args, Debug)]
pub struct RotateKey {
    /// Its name.
    #[arg(value_parser = ConnectorName::parse)]
    pub connector: ConnectorName,
    /// Sign with the new key: the provider has it by now.
    #[arg(long, conflicts_with = "retire")]
    switch: bool,
    /// Forget the former key: the provider encrypts for the new one by now.
    #[arg(long)]
    retire: bool,
}

/// Takes a step.
pub async fn run(shell: &Shell, realm: &Realm, connector: &Stored, asked: &RotateKey) -> Result<Report, Exit> {
    let name = &connector.name;
    let Some(saml) = connector.settings.kind.saml() else {
        let kind = connector.settings.kind.as_str();
        return Err(Exit::usage(format!(
            "connector {name} is of the kind {kind}: SAML connectors have keys of their own"
        )));
    };
    let step = match (asked.switch, asked.retire) {
        (false, false) => KeyStep::Begin,
        (true, _) => KeyStep::Switch,
        (false, true) => KeyStep::Retire,
    };
    let saml = saml.after(step).map_err(|why| Exit::refused(format!("connector {name}: {why}")))?;
    let (own_key, others) = (saml.own_key, saml.other_own_keys.clone());
    let settings = ConnectorSettings { kind: Kind::Saml(saml), ..connector.settings.clone() };
    let mut tx = shell.door.begin().await?;
    manage::update((&shell.door, &shell.ctx), &mut tx, connector, settings).await??;
    shell.commit(tx).await?;
    let metadata = format!("{}/descriptor", redirect_uri(shell, realm, connector).await);
    let value = json!({"connector": name, "own_key": own_key, "other_own_keys": others, "metadata": metadata});
    let numbers = others.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let words = match step {
        KeyStep::Begin => format!(
            "Made key {numbers} of connector {name}; key {own_key} still signs. Give the provider the metadata again:\n  \
             {metadata}\nThen: doorward connector rotate-key {name} --switch"
        ),
        KeyStep::Switch => format!(
            "Key {own_key} of connector {name} signs now; what is encrypted for key {numbers} still opens.\nWhen the provider \
             encrypts for the new one: doorward connector rotate-key {name} --retire"
        ),
        KeyStep::Retire => format!("Connector {name} has key {own_key} alone now."),
    };
    Ok(Report::text(words, value))
}
