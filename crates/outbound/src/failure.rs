//! Why a call gave no answer, each as one sentence for administrators. None repeats more of a URL than its host: the
//! rest may hold a secret.

use std::net::IpAddr;

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Failure {
    #[error("the address is no https:// or http:// URL with a host")]
    Malformed,
    #[error("the address holds a user name or password: they do not belong there")]
    UserInfo,
    #[error("{host} has no address: {why}")]
    NoAddress { host: String, why: String },
    #[error(
        "{}: if it may be called, start the server with --outbound-allow {address} (in its file outbound.allow), and say so to \
         commands: DOORWARD_OUTBOUND_ALLOW={address}",
        private(host, *address)
    )]
    Private { host: String, address: IpAddr },
    #[error("{host} cannot be reached: {why}")]
    Connect { host: String, why: String },
    #[error("the proxy {proxy} cannot be used: {why}")]
    Proxy { proxy: String, why: String },
    #[error("{host} did not prove who it is: {why}")]
    Tls { host: String, why: String },
    #[error("{host} did not answer within {seconds} seconds")]
    Slow { host: String, seconds: u64 },
    #[error("{host} broke off or gave no HTTP answer: {why}")]
    Broken { host: String, why: String },
    #[error("{host} answered more than {bytes} bytes")]
    TooLong { host: String, bytes: usize },
}

fn private(host: &str, address: IpAddr) -> String {
    match host.trim_matches(['[', ']']) == address.to_string() {
        true => format!("{address} is a private address"),
        false => format!("{host} leads to the private address {address}"),
    }
}
