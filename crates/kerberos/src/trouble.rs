//! Why a token proved nobody, each as one sentence for administrators. None holds a token, a key or a person.

/// Why nobody came of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Trouble {
    #[error(
        "the browser offered NTLM instead of a Kerberos ticket: it has none for this service, or is not in the domain"
    )]
    Ntlm,
    #[error("the browser's first offer is no Kerberos ticket")]
    NoTicket,
    #[error("the token cannot be read: {0}")]
    Malformed(&'static str),
    #[error("the token is not taken: {0}")]
    Refused(&'static str),
    #[error("the ticket is for another service: browsers ask for the one named after the address they are at")]
    OtherService,
    #[error("the ticket is of another realm")]
    OtherRealm,
    #[error(
        "the ticket is encrypted by type {0}, and only AES (17 to 20) is taken: have the domain use it for the service's account"
    )]
    Cipher(i64),
    #[error("the keytab has no key of this service by encryption type {etype}{version}: export it again")]
    NoKey { etype: i64, version: Version },
    #[error(
        "the ticket cannot be opened with the keytab's key: export the keytab again, the account's password was changed"
    )]
    Sealed,
    #[error("the ticket is over")]
    Over,
    #[error("the ticket is not good yet: compare the clocks")]
    TooEarly,
    #[error("the browser's clock is {0} s apart from the one here")]
    Clock(i64),
    #[error("the keytab cannot be read: {0}")]
    Keytab(String),
}

/// The version of a key a ticket names, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub Option<u32>);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(version) => write!(f, ", version {version}"),
            None => Ok(()),
        }
    }
}
