//! How the program ends: one table of exit codes, and one sentence for people when something was not
//! done. Owns neither what went wrong nor the log.

use doorward_engine::manage::Refused;
pub use doorward_model::fault::plain;
use doorward_model::fault::{Fault, FaultKind};
use std::fmt;
use std::net::SocketAddr;

/// An exit code with its meaning. The whole list is [`Code::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Everything was done.
    Done,
    /// Something broke.
    Broken,
    /// `--plan` found changes to make.
    Pending,
    /// The arguments or a settings file are wrong.
    Usage,
    /// The data directory or the master key cannot be used.
    Data,
    /// The database cannot be reached or is newer than this program.
    Database,
    /// An address to listen at is taken.
    AddressTaken,
    /// A rule says no, or there is no such thing.
    Refused,
}

impl Code {
    /// All codes in order.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Broken,
        Self::Pending,
        Self::Usage,
        Self::Data,
        Self::Database,
        Self::AddressTaken,
        Self::Refused,
    ];

    /// What the process hands to its parent.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Broken => 1,
            Self::Pending => 2,
            Self::Usage => 3,
            Self::Data => 4,
            Self::Database => 5,
            Self::AddressTaken => 6,
            Self::Refused => 7,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "everything was done",
            Self::Broken => "something broke",
            Self::Pending => "there are changes to make (--plan)",
            Self::Usage => "wrong arguments, settings or declared files",
            Self::Data => "the data directory or the master key cannot be used",
            Self::Database => "the database cannot be reached, or is newer than this program",
            Self::AddressTaken => "an address to listen at is taken",
            Self::Refused => "a rule says no, or there is no such thing",
        }
    }

    /// The table for `--help`.
    pub fn table() -> String {
        let lines = Self::ALL.iter().map(|code| format!("  {}  {}\n", code.number(), code.meaning()));
        format!("Exit codes:\n{}", lines.collect::<String>())
    }
}

/// Why the program ends without having done what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Its code.
    pub code: Code,
    /// One sentence: what, where, what to do. Printed after `doorward: `.
    pub sentence: String,
}

impl Exit {
    /// An end with a code and a sentence.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// Wrong arguments or settings.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Code::Usage, sentence)
    }

    /// Addresses that are taken, each with the flag that chooses another.
    pub fn taken(addresses: &[(SocketAddr, &str)]) -> Self {
        let each: Vec<String> = addresses.iter().map(|(address, flag)| format!("{address} ({flag})")).collect();
        let are = if each.len() == 1 { "is" } else { "are" };
        let may_do_without = addresses.iter().any(|(_, flag)| *flag != "--listen");
        let none = if may_do_without { ", or `none` where it is not needed" } else { "" };
        let sentence = format!(
            "{} {are} taken: end what listens there, or choose another port with the flag in brackets{none}",
            each.join(" and ")
        );
        Self::new(Code::AddressTaken, sentence)
    }

    /// An address that cannot be listened at; `flag` says where it was given.
    pub fn address(address: SocketAddr, flag: &str, error: &std::io::Error) -> Self {
        let sentence = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                format!("{flag}: this user may not listen at {address}: choose a port above 1023")
            }
            _ => {
                let why = plain(error);
                format!("{flag}: {address} cannot be listened at, {why}: choose an address of this machine")
            }
        };
        Self::new(Code::AddressTaken, sentence)
    }

    /// A rule's no.
    pub fn refused(sentence: impl Into<String>) -> Self {
        Self::new(Code::Refused, sentence)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "doorward: {}", self.sentence)
    }
}

impl std::error::Error for Exit {}

impl From<Refused> for Exit {
    fn from(refused: Refused) -> Self {
        Self::refused(refused.to_string())
    }
}

impl From<Fault> for Exit {
    fn from(fault: Fault) -> Self {
        match fault.kind() {
            FaultKind::Unavailable => Self::new(
                Code::Database,
                format!("the database cannot be used now, {fault}: check that it runs and may be written"),
            ),
            _ => Self::new(Code::Broken, format!("something broke, {fault}: run again with DOORWARD_LOG=debug")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Exit};
    use std::io::{Error, ErrorKind};

    #[test]
    fn codes_are_numbered_in_order_and_all_explained() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), index);
        }
        assert!(Code::table().contains("  7  a rule says no"));
    }

    #[test]
    fn all_addresses_that_are_taken_are_told_at_once() {
        let at = |port: u16, flag| (([127, 0, 0, 1], port).into(), flag);
        assert_eq!(
            Exit::taken(&[at(8080, "--listen")]).sentence,
            "127.0.0.1:8080 (--listen) is taken: end what listens there, or choose another port with the flag in brackets"
        );
        assert_eq!(
            Exit::taken(&[at(8080, "--listen"), at(8081, "--grpc-listen")]).sentence,
            "127.0.0.1:8080 (--listen) and 127.0.0.1:8081 (--grpc-listen) are taken: end what listens there, or choose \
             another port with the flag in brackets, or `none` where it is not needed"
        );
    }

    #[test]
    fn an_address_that_cannot_be_used_is_named_with_its_flag() {
        let said = |error: Error| Exit::address(([127, 0, 0, 1], 80).into(), "--listen", &error).sentence;
        assert_eq!(
            said(ErrorKind::PermissionDenied.into()),
            "--listen: this user may not listen at 127.0.0.1:80: choose a port above 1023"
        );
        assert_eq!(
            said(Error::from_raw_os_error(99)),
            "--listen: 127.0.0.1:80 cannot be listened at, Cannot assign requested address: choose an address of this \
             machine"
        );
    }
}
