//! Signing out together with a provider (SAML Core §3.7, SAML Profiles §4.4): its requests and answers judged, ours
//! written. Pure.

use crate::certificate::Key;
use crate::limits;
use crate::moment;
use crate::names::{REQUESTER, SAML, SAMLP, SUCCESS};
use crate::response::{Name, check_issuer, check_order, check_status, id, is_short, name};
use crate::scan::Kind;
use crate::signature::{check_shape, is_signed};
use crate::trouble::Trouble;
use crate::xml::{Node, Tree, escaped};
use doorward_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a message is held to.
pub struct Asked<'a> {
    /// What the provider calls itself.
    pub provider: &'a str,
    /// Where the message came to.
    pub endpoint: &'a str,
    /// When it came.
    pub now: Timestamp,
    /// How far the provider's clock may be apart, in seconds.
    pub tolerance: i64,
    /// The provider's keys.
    pub keys: &'a [Key],
    /// Whether what brought the message is signed already, as a query is.
    pub is_carrier_signed: bool,
}

/// A provider's word that somebody signed out there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// Who.
    pub name: Name,
    /// What their sessions are called there; all of them when empty.
    pub sessions: Vec<String>,
    /// When it was given.
    pub issued_at: Timestamp,
    /// Until when it would be taken again.
    pub until: Timestamp,
}

/// What a provider has to be told to end a session there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub name: Name,
    /// What it is called.
    pub index: Option<String>,
}

/// Judges a request.
///
/// # Errors
/// [`Trouble`]: why it is not taken.
pub fn request(message: &[u8], asked: &Asked<'_>) -> Result<Request, Trouble> {
    let tree = Tree::read(message, Kind::Message)?;
    let root = envelope(&tree, "LogoutRequest", asked)?;
    let issued_at = issued(root, asked)?;
    let last = issued_at.plus_seconds(limits::LOGOUT_SECONDS);
    let until = match root.attribute("NotOnOrAfter").map(moment::parse) {
        None => last,
        Some(Some(until)) => until.min(last),
        Some(None) => return Err(Trouble::Answer("a time in it is none")),
    };
    let until = until.plus_seconds(asked.tolerance);
    if until <= asked.now {
        return Err(Trouble::Answer("it is not good any more (NotOnOrAfter, IssueInstant)"));
    }
    let mut sessions = Vec::new();
    for index in root.all(SAMLP, "SessionIndex") {
        let text = index.text()?.trim().to_owned();
        if !is_short(&text) || sessions.len() >= limits::LOGOUT_SESSIONS {
            return Err(Trouble::Answer("it names more sessions than can be read, or one that is none"));
        }
        sessions.push(text);
    }
    let name = name(root)?.ok_or(Trouble::Answer("it names nobody (NameID)"))?;
    let id = id(root).ok_or(Trouble::Answer("it has no id"))?;
    Ok(Request { id, name, sessions, issued_at, until })
}

/// Judges an answer to our request; tells that request's id.
///
/// # Errors
/// [`Trouble`]: why it is not taken, or that the provider refused.
pub fn answer(message: &[u8], asked: &Asked<'_>) -> Result<String, Trouble> {
    let tree = Tree::read(message, Kind::Message)?;
    let root = envelope(&tree, "LogoutResponse", asked)?;
    issued(root, asked)?;
    check_status(root)?;
    root.attribute("InResponseTo").map(str::to_owned).ok_or(Trouble::Answer("it answers nothing (InResponseTo)"))
}

/// The root of a signed message from the provider for us.
fn envelope<'t>(tree: &'t Tree<'_>, kind: &str, asked: &Asked<'_>) -> Result<Node<'t>, Trouble> {
    check_shape(tree, &[(SAMLP, kind)])?;
    let root = tree.root()?;
    if !root.is(SAMLP, kind) || root.attribute("Version") != Some("2.0") || !root.has_only_elements() {
        return Err(Trouble::Answer("it is no message of SAML 2.0 for signing out"));
    }
    check_order(root)?;
    if !is_signed(root, asked.keys)? && !asked.is_carrier_signed {
        return Err(Trouble::Answer("it is not signed"));
    }
    check_issuer(root.child(SAML, "Issuer")?.ok_or(Trouble::Answer("it has no issuer"))?, asked.provider)?;
    if root.attribute("Destination") != Some(asked.endpoint) {
        return Err(Trouble::Answer("it is meant for another address (Destination)"));
    }
    Ok(root)
}

fn issued(root: Node<'_>, asked: &Asked<'_>) -> Result<Timestamp, Trouble> {
    let at = root.attribute("IssueInstant").and_then(moment::parse);
    let at = at.ok_or(Trouble::Answer("it does not say when it was made (IssueInstant)"))?;
    match at <= asked.now.plus_seconds(asked.tolerance) {
        true => Ok(at),
        false => Err(Trouble::Answer("it was made in the future (IssueInstant)")),
    }
}

/// Writes a request.
pub fn write_request((id, now): (&str, Timestamp), own_id: &str, to: &str, session: &Session) -> String {
    let Name { value, format, qualifier, party } = &session.name;
    let maybe = |name: &str, value: &Option<String>| match value {
        Some(value) => format!(" {name}=\"{}\"", escaped(value)),
        None => String::new(),
    };
    let index = match &session.index {
        Some(index) => format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escaped(index)),
        None => String::new(),
    };
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{}\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\" NotOnOrAfter=\"{}\"><saml:Issuer>{}</saml:Issuer><saml:NameID Format=\"{}\"{}{}>{}</saml:NameID>\
         {index}</samlp:LogoutRequest>",
        escaped(id),
        now.rfc3339(),
        escaped(to),
        now.plus_seconds(limits::LOGOUT_SECONDS).rfc3339(),
        escaped(own_id),
        escaped(format),
        maybe("NameQualifier", qualifier),
        maybe("SPNameQualifier", party),
        escaped(value),
    )
}

/// Writes an answer to a request: that it was done, or that it was not taken.
pub fn write_answer((id, now): (&str, Timestamp), own_id: &str, to: &str, (request, is_done): (&str, bool)) -> String {
    let status = if is_done { SUCCESS } else { REQUESTER };
    format!(
        "<samlp:LogoutResponse xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{}\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\" InResponseTo=\"{}\"><saml:Issuer>{}</saml:Issuer><samlp:Status><samlp:StatusCode \
         Value=\"{status}\"/></samlp:Status></samlp:LogoutResponse>",
        escaped(id),
        now.rfc3339(),
        escaped(to),
        escaped(request),
        escaped(own_id),
    )
}
