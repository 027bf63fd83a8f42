//! Why a directory proved nobody, each as one sentence for administrators. None holds a password or what a person typed.

use doorward_engine::federation::settings::{Security, Server};

/// Why nobody came of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Trouble {
    #[error("the directory server {server} cannot be reached: {why}")]
    Unreachable { server: String, why: String },
    #[error("the directory server {server} did not answer within {seconds} seconds")]
    Slow { server: String, seconds: u64 },
    #[error("the directory server {server} did not prove who it is: {why}")]
    Tls { server: String, why: String },
    #[error("the directory server {server} does not begin TLS (result {code}): nothing was sent to it")]
    NoStartTls { server: String, code: i64 },
    #[error("the directory server {server} does not speak LDAP as it should: {why}")]
    Malformed { server: String, why: String },
    #[error("the directory server {server} tells more than one question may bring: {what}")]
    TooMuch { server: String, what: &'static str },
    #[error("the directory server {server} refused {what} with result {code}{words}")]
    Refused { server: String, what: &'static str, code: i64, words: String },
    #[error("the password of the bind DN cannot be read: {0}")]
    Secret(String),
    #[error("the authorities to trust cannot be read: {0}")]
    Authorities(String),
    #[error("the connector's settings are not right: {0}")]
    Settings(String),
    #[error("too many people are being looked for in this directory: more wait than may")]
    Busy,
    #[error("several entries fit the user filter: it must find one")]
    Ambiguous,
    #[error("the entry has no single value of {0}, by which people are told apart")]
    NoSubject(String),
    #[error("the directory shows no entry {0} to whoever asks it")]
    NoBase(String),
    #[error("more than {0} groups would have to be looked at")]
    TooManyGroups(usize),
    #[error("its groups have more than {0} members")]
    TooManyMembers(usize),
}

impl Trouble {
    pub(crate) fn refused(server: &Server, what: &'static str, code: i64, words: &str) -> Self {
        let words = if words.is_empty() { String::new() } else { format!(": {}", told(words)) };
        let words = format!("{}{words}", meaning(code));
        Self::Refused { server: server.shown(), what, code, words }
    }

    /// The same with what the server's port makes likely: LDAP where TLS is spoken, or the other way round.
    pub(crate) fn at_port_of(self, server: &Server) -> Self {
        let hint = match (server.port, server.security) {
            (636 | 3269, Security::Clear | Security::StartTls) => {
                format!("; port {} is for TLS from the first byte: write ldaps://", server.port)
            }
            (389 | 3268, Security::Tls) => {
                format!("; port {} begins in clear: write ldap:// with StartTLS (--start-tls, start_tls)", server.port)
            }
            _ => return self,
        };
        match self {
            Self::Unreachable { server, why } => Self::Unreachable { server, why: why + &hint },
            Self::Malformed { server, why } => Self::Malformed { server, why: why + &hint },
            Self::Tls { server, why } => Self::Tls { server, why: why + &hint },
            other => other,
        }
    }

    /// Whether another server of the same directory may do better.
    pub(crate) fn is_of_server(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } | Self::Tls { .. } | Self::NoStartTls { .. } => true,
            // Busy, unavailable (RFC 4511 appendix A).
            Self::Refused { code, .. } => matches!(code, 51 | 52),
            _ => false,
        }
    }

    /// Whether asking again over another connection would bring the same.
    pub(crate) fn is_of_question(&self) -> bool {
        matches!(self, Self::TooMuch { .. } | Self::TooManyGroups(_))
    }

    /// Whether it is about what was asked for, and not about the directory: somebody like that is not known there.
    pub fn is_of_person(&self) -> bool {
        matches!(self, Self::Ambiguous | Self::NoSubject(_))
    }
}

/// What a result is called (RFC 4511 appendix A), and what to do where the connector's settings are the likely reason.
fn meaning(code: i64) -> &'static str {
    match code {
        8 => " (strongerAuthRequired): write ldaps://, or begin TLS with StartTLS (--start-tls, start_tls)",
        13 => " (confidentialityRequired): write ldaps://, or begin TLS with StartTLS (--start-tls, start_tls)",
        32 => " (noSuchObject): check the base DN, and what the bind DN may see",
        34 => " (invalidDNSyntax): check how the DN is written",
        48 => " (inappropriateAuthentication): give a bind DN and its password",
        49 => " (invalidCredentials): check the bind DN and its password",
        50 => " (insufficientAccessRights)",
        51 => " (busy)",
        52 => " (unavailable)",
        53 => " (unwillingToPerform)",
        _ => "",
    }
}

/// A server's words, fit for a log; some end theirs with a NUL.
pub(crate) fn told(words: &str) -> String {
    doorward_model::told::told(words.trim_end_matches('\0'))
}

#[cfg(test)]
mod tests {
    use super::Trouble;
    use doorward_engine::federation::settings::Server;

    #[test]
    fn a_result_is_told_with_its_name_and_what_to_do() {
        let Ok(server) = Server::parse("ldap://127.0.0.1:389", false) else { panic!("an address") };
        let told = |what, code, words| Trouble::refused(&server, what, code, words).to_string();
        assert_eq!(
            told("the bind DN", 49, ""),
            "the directory server 127.0.0.1:389 refused the bind DN with result 49 (invalidCredentials): check the bind DN \
             and its password"
        );
        assert_eq!(
            told("a search", 32, "no\nsuch"),
            "the directory server 127.0.0.1:389 refused a search with result 32 (noSuchObject): check the base DN, and what \
             the bind DN may see: no\\nsuch"
        );
        assert_eq!(told("a search", 99, ""), "the directory server 127.0.0.1:389 refused a search with result 99");
    }
}
