//! How Doorward itself calls others: which private networks it may, whom it trusts, through which proxy.

use super::file::{Given, WrittenOutbound};
use super::network;
use crate::exit::{Exit, plain};
use crate::limits;
use doorward_outbound::{Outbound, Proxies, Reach, Setup};
use std::io::Read as _;

/// Puts together flag (or its variable), file and the proxies' variables.
pub(super) fn setup(flag: &[String], written: &WrittenOutbound) -> Result<Setup, Exit> {
    let allow = if flag.is_empty() {
        written.allow.clone()
    } else {
        flag.iter().map(|text| Given { text: text.trim().to_owned(), at: "--outbound-allow".to_owned() }).collect()
    };
    let reach = Reach::and(allow.iter().map(network).collect::<Result<_, _>>()?);
    let proxies = Proxies::from_variables(|name| std::env::var(name).ok()).map_err(Exit::usage)?;
    let more_roots = written.ca_file.as_ref().map(read).transpose()?;
    let setup = Setup { reach, proxies, more_roots, ..Setup::default() };
    match (Outbound::new(setup.clone()), &written.ca_file) {
        (Err(why), Some(given)) => {
            Err(given.wrong(format!("{} cannot be used, {why}", given.shown()), "name a file of certificates"))
        }
        _ => Ok(setup),
    }
}

fn read(given: &Given) -> Result<Vec<u8>, Exit> {
    let unreadable = |error: std::io::Error| {
        given
            .wrong(format!("{} cannot be read, {}", given.shown(), plain(&error)), "name a file of certificates in PEM")
    };
    let file = std::fs::File::open(&given.text).map_err(unreadable)?;
    let mut pem = Vec::new();
    file.take(limits::CA_FILE_BYTES).read_to_end(&mut pem).map_err(unreadable)?;
    Ok(pem)
}
