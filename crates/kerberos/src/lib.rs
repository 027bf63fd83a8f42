//! Kerberos 5, as the service a ticket is for: what a browser of a domain sends with `Negotiate` (RFC 4559), judged with
//! the service's own keys. Asks nobody and stores nothing; whether something was shown before is for others to say, and so
//! is which user somebody is.

pub mod accept;
pub mod crypto;
mod der;
pub mod keytab;
pub mod limits;
mod messages;
mod negotiate;
pub mod trouble;

#[cfg(test)]
mod tests;
