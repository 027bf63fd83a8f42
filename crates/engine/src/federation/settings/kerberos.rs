//! A domain whose browsers show tickets of Kerberos.

use crate::limits;
use doorward_model::name::ConnectorName;
use doorward_model::secret_ref::SecretRef;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A domain whose browsers show tickets of Kerberos (RFC 4559).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KerberosSettings {
    /// The realm, such as `AD.EXAMPLE.COM`, letter by letter.
    pub realm: String,
    /// What tickets must be for: `HTTP/` and the host of this door.
    pub service: String,
    /// Where the service's keys are kept: a file, read for every ticket.
    pub keytab: SecretRef,
    /// A directory of the same people, asked who each is, in which groups, and whether they may come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<ConnectorName>,
    /// Whether names alone say who somebody is, without any directory. In Active Directory whoever may add a computer
    /// comes by a ticket with any name nobody has (MS-KILE 3.3.5.6.1), so it has to be said.
    #[serde(default)]
    pub names_alone: bool,
    /// Networks whose browsers are asked for a ticket; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Whether names that differ in capitals alone are one person's, as in Active Directory.
    #[serde(default)]
    pub ignore_case: bool,
    /// How far clocks may be apart, in seconds.
    #[serde(default = "usual_tolerance")]
    pub clock_tolerance_seconds: u32,
}

/// What the realms themselves take (RFC 4120 §8.2).
fn usual_tolerance() -> u32 {
    300
}

impl KerberosSettings {
    /// Whether a browser at this address is asked for a ticket.
    pub fn may_help(&self, client: Option<IpAddr>) -> bool {
        let holds = |client: IpAddr| {
            let client = client.to_canonical();
            self.networks.iter().filter_map(|text| text.parse::<IpNet>().ok()).any(|network| network.contains(&client))
        };
        self.networks.is_empty() || client.is_some_and(holds)
    }

    /// What the realm calls a person of this name, for ever; nobody where capitals make no difference and it is not
    /// certain what is one: letters from elsewhere fold into others.
    pub fn subject(&self, name: &str) -> Option<String> {
        match self.ignore_case {
            true => name.is_ascii().then(|| format!("{}@{}", name.to_ascii_lowercase(), self.realm)),
            false => Some(format!("{name}@{}", self.realm)),
        }
    }

    /// By what people are told apart.
    pub(super) fn subjects(&self) -> String {
        format!("principal {} {:?}", self.ignore_case, self.directory)
    }

    /// Without what makes no difference to whom it vouches for.
    pub(super) fn essence(&self) -> Self {
        Self { networks: Vec::new(), clock_tolerance_seconds: 0, ..self.clone() }
    }

    /// What no such connector may be.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.len() <= limits::KERBEROS_NAME_BYTES
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        if !is_plain(&self.realm) {
            return Err("the realm is missing, or has letters no realm has: write AD.EXAMPLE.COM".to_owned());
        }
        if !self.service.strip_prefix("HTTP/").is_some_and(is_plain) {
            return Err("the service is HTTP/ and the host people's browsers are at: HTTP/sso.example.com".to_owned());
        }
        if !matches!(self.keytab, SecretRef::File(_)) {
            return Err("the keytab is a file: write file:/PATH".to_owned());
        }
        if let Some(odd) = self.networks.iter().find(|text| text.parse::<IpNet>().is_err()) {
            return Err(format!("`{}` is no network: write 10.0.0.0/8", odd.escape_debug()));
        }
        if self.directory.is_none() && !self.names_alone {
            let risk = "in Active Directory anybody who may add a computer gets tickets under any name nobody has";
            return Err(format!(
                "it names no directory, and {risk}: name one (--directory), or say that names alone will do (--names-alone)"
            ));
        }
        if self.clock_tolerance_seconds > limits::CLOCK_TOLERANCE_SECONDS {
            return Err(format!("the clock tolerance is at most {} s", limits::CLOCK_TOLERANCE_SECONDS));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> KerberosSettings {
        KerberosSettings {
            realm: "AD.EXAMPLE.TEST".to_owned(),
            service: "HTTP/sso.ad.example.test".to_owned(),
            keytab: SecretRef::File("/etc/doorward/http.keytab".to_owned()),
            directory: None,
            names_alone: true,
            networks: Vec::new(),
            ignore_case: false,
            clock_tolerance_seconds: 300,
        }
    }

    #[test]
    fn what_a_connector_may_be_is_said_in_a_sentence() {
        assert_eq!(settings().check(), Ok(()));
        let odd = |change: fn(&mut KerberosSettings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().err().unwrap_or_default()
        };
        assert!(odd(|all| all.realm = "a@b".to_owned()).contains("realm"));
        assert!(odd(|all| all.realm = String::new()).contains("realm"));
        for service in ["HTTP/", "host/sso", "HTTP/a/b", "HTTP/a b", "http/sso"] {
            let settings = KerberosSettings { service: service.to_owned(), ..settings() };
            assert!(settings.check().is_err_and(|why| why.contains("service")), "{service}");
        }
        assert!(odd(|all| all.keytab = SecretRef::Variable("KEYTAB".to_owned())).contains("file:/PATH"));
        assert!(odd(|all| all.networks = vec!["10.0.0.0/33".to_owned()]).contains("network"));
        assert!(odd(|all| all.names_alone = false).contains("--directory"));
        assert!(odd(|all| all.clock_tolerance_seconds = 601).contains("600"));
    }

    #[test]
    fn browsers_of_named_networks_alone_are_asked() {
        let settings =
            KerberosSettings { networks: vec!["10.1.0.0/16".to_owned(), "fd00::/8".to_owned()], ..settings() };
        for (address, is_asked) in
            [("10.1.2.3", true), ("10.2.0.1", false), ("::ffff:10.1.2.3", true), ("fd01::1", true)]
        {
            assert_eq!(settings.may_help(address.parse().ok()), is_asked, "{address}");
        }
        assert!(!settings.may_help(None));
    }

    #[test]
    fn capitals_make_another_person_unless_the_domain_knows_none() {
        let plain = settings();
        assert_ne!(plain.subject("Ada"), plain.subject("ada"));
        let folded = KerberosSettings { ignore_case: true, ..settings() };
        assert_eq!((folded.subject("ADA"), folded.subject("ada")), (plain.subject("ada"), plain.subject("ada")));
        // The sign of Kelvin, of Ångström and of Ohm are no capitals of letters people have.
        for odd in ["\u{212a}im", "\u{212b}sa", "\u{2126}mega", "åsa"] {
            assert_eq!(folded.subject(odd), None, "{odd}");
            assert!(plain.subject(odd).is_some(), "{odd}");
        }
    }
}
