//! Whether an answer proves somebody (SAML Profiles §4.1.4.3, and what signature wrapping taught everybody since). Pure: the
//! message, what was asked and the provider's keys in; what the one verified assertion says out.

use crate::certificate::Key;
use crate::encrypted;
use crate::limits;
use crate::moment;
use crate::names::{BEARER, DS, ENTITY, SAML, SAMLP, SUCCESS};
use crate::own_key::OwnKeys;
use crate::scan::Kind;
use crate::signature::{check_shape, is_signed};
use crate::trouble::Trouble;
use crate::xml::{Node, Tree};
use doorward_model::time::Timestamp;
use doorward_model::told::told;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What an answer is held to.
pub struct Asked<'a> {
    /// What the provider calls itself.
    pub provider: &'a str,
    /// What we are called there.
    pub audience: &'a str,
    /// Where the answer came to.
    pub endpoint: &'a str,
    /// When it came.
    pub now: Timestamp,
    /// How far the provider's clock may be apart, in seconds.
    pub tolerance: i64,
    /// The requests this browser has open.
    pub requests: &'a [Request],
    /// Whether an answer nobody asked for is taken.
    pub unsolicited: bool,
    /// Whether the assertion, and whether the whole answer must be signed; one of them must in any case.
    pub signed: (bool, bool),
    /// How the person must have proved themselves; in any way when empty.
    pub contexts: &'a [String],
    /// The provider's keys.
    pub keys: &'a [Key],
    /// Our own keys, for encrypted assertions.
    pub own: &'a OwnKeys,
}

/// A request that has not been answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// Since when the person must have proved themselves; any time when absent.
    pub fresh_since: Option<Timestamp>,
}

/// What an assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Its id.
    pub id: String,
    /// The request it answers.
    pub request: Option<String>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Until when it has to be remembered, so that it is taken once: longer than anybody would take it, by whichever of its
    /// confirmations and whatever tolerance.
    pub until: Timestamp,
    /// The person's name there.
    pub name: Option<Name>,
    /// What the session is called there.
    pub session: Option<String>,
    /// When the session there is over.
    pub session_until: Option<Timestamp>,
    /// What else is said.
    pub attributes: Vec<Attribute>,
}

/// A name of somebody (SAML Core §2.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The name.
    pub value: String,
    /// Of which kind it is.
    pub format: String,
    /// Who gave it.
    pub qualifier: Option<String>,
    /// To whom it was given.
    pub party: Option<String>,
}

/// An attribute of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub friendly: Option<String>,
    /// Its values.
    pub values: Vec<String>,
}

/// The elements that may be signed.
const SIGNED: [(&str, &str); 2] = [(SAMLP, "Response"), (SAML, "Assertion")];

/// Judges an answer.
///
/// # Errors
/// [`Trouble`]: why it proves nobody.
pub fn check(message: &[u8], asked: &Asked<'_>) -> Result<Proved, Trouble> {
    let tree = Tree::read(message, Kind::Message)?;
    let response = tree.root()?;
    check_shape(&tree, &SIGNED)?;
    // Over the message as it came: what is encrypted in it is signed as such.
    let is_whole_signed = is_signed(response, asked.keys)?;
    check_envelope(response, is_whole_signed, asked)?;
    match sole(&tree, response)? {
        Held::Plain(assertion) => judge(response, assertion, is_whole_signed, asked),
        Held::Encrypted(holder) => {
            let opened = in_place(message, holder, &encrypted::open(holder, asked.own)?)?;
            let tree = Tree::read(&opened, Kind::Message).map_err(|_| Trouble::Encryption)?;
            check_shape(&tree, &SIGNED)?;
            let response = tree.root()?;
            match sole(&tree, response)? {
                Held::Plain(assertion) => judge(response, assertion, is_whole_signed, asked),
                Held::Encrypted(_) => Err(Trouble::Encryption),
            }
        }
    }
}

enum Held<'t> {
    Plain(Node<'t>),
    Encrypted(Node<'t>),
}

/// The one assertion there is: in the whole message, under whatever name a reader could take for one.
fn sole<'t>(tree: &'t Tree<'_>, response: Node<'t>) -> Result<Held<'t>, Trouble>
where
{
    let is_one = |node: &Node<'_>| matches!(node.name(), "Assertion" | "EncryptedAssertion");
    let mut all = tree.elements().filter(is_one);
    let (Some(found), None) = (all.next(), all.next()) else {
        return Err(Trouble::Answer("it does not hold exactly one assertion"));
    };
    let stands_right = found.parent().is_some_and(|at| at.id == response.id);
    match (stands_right, found.is(SAML, "Assertion"), found.is(SAML, "EncryptedAssertion")) {
        (true, true, _) => Ok(Held::Plain(found)),
        (true, _, true) => Ok(Held::Encrypted(found)),
        _ => Err(Trouble::Answer("its assertion stands where none belongs")),
    }
}

/// The message with an assertion in the place of the encrypted one.
fn in_place(message: &[u8], holder: Node<'_>, opened: &[u8]) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let range = holder.range().ok_or(Trouble::Encryption)?;
    let (Some(before), Some(after)) = (message.get(..range.start), message.get(range.end..)) else {
        return Err(Trouble::Encryption);
    };
    if before.len() + opened.len() + after.len() > limits::MESSAGE_BYTES {
        return Err(Trouble::Encryption);
    }
    Ok(Zeroizing::new([before, opened, after].concat()))
}

/// What stands around the assertion.
fn check_envelope(response: Node<'_>, is_signed: bool, asked: &Asked<'_>) -> Result<(), Trouble> {
    if !response.is(SAMLP, "Response") || response.attribute("Version") != Some("2.0") || !response.has_only_elements()
    {
        return Err(Trouble::Answer("it is no answer of SAML 2.0"));
    }
    if id(response).is_none() {
        return Err(Trouble::Answer("it has no id"));
    }
    // Nothing rests on it: what counts is when the assertion was made.
    if response.attribute("IssueInstant").and_then(moment::parse).is_none() {
        return Err(Trouble::Answer("it does not say when it was written (IssueInstant)"));
    }
    check_order(response)?;
    match response.child(SAML, "Issuer")? {
        Some(issuer) => check_issuer(issuer, asked.provider)?,
        None if is_signed => return Err(Trouble::Answer("it is signed and does not say by whom")),
        None => {}
    }
    if response.attribute("Destination") != Some(asked.endpoint) {
        return Err(Trouble::Answer("it is meant for another address (Destination)"));
    }
    check_status(response)
}

/// A signature stands behind the issuer and nowhere else (the schemas of SAML).
pub(crate) fn check_order(element: Node<'_>) -> Result<(), Trouble> {
    let place = element.children().position(|child| child.is(DS, "Signature"));
    let issuer = element.children().position(|child| child.is(SAML, "Issuer"));
    match (place, issuer) {
        (None | Some(1), None | Some(0)) | (Some(0), None) => Ok(()),
        _ => Err(Trouble::Answer("its parts stand in another order than SAML's")),
    }
}

/// Whether the provider did what it was asked.
pub(crate) fn check_status(message: Node<'_>) -> Result<(), Trouble> {
    let status = message.child(SAMLP, "Status")?.ok_or(Trouble::Answer("it has no status"))?;
    let code = status.child(SAMLP, "StatusCode")?.ok_or(Trouble::Answer("it has no status"))?;
    let value = code.attribute("Value").unwrap_or_default();
    if value == SUCCESS {
        return Ok(());
    }
    let last = |text: &str| text.rsplit(':').next().map(str::to_owned).unwrap_or_default();
    let inner = code.child(SAMLP, "StatusCode")?.and_then(|code| code.attribute("Value")).map(last);
    let words = match status.child(SAMLP, "StatusMessage")? {
        Some(words) => words.text()?,
        None => String::new(),
    };
    let all = [last(value), inner.unwrap_or_default(), words];
    Err(Trouble::Refused(told(all.join(" ").trim())))
}

pub(crate) fn check_issuer(issuer: Node<'_>, provider: &str) -> Result<(), Trouble> {
    let is_entity = issuer.attribute("Format").is_none_or(|format| format == ENTITY);
    match is_entity && issuer.text()?.trim() == provider {
        true => Ok(()),
        false => Err(Trouble::Answer("it is from another provider (Issuer)")),
    }
}

/// What the assertion itself says.
fn judge(response: Node<'_>, assertion: Node<'_>, is_whole_signed: bool, asked: &Asked<'_>) -> Result<Proved, Trouble> {
    let is_itself_signed = is_signed(assertion, asked.keys)?;
    check_order(assertion)?;
    let (must_itself, must_whole) = asked.signed;
    match (is_itself_signed, is_whole_signed) {
        (false, false) => return Err(Trouble::Answer("nothing of it is signed")),
        (false, _) if must_itself => {
            return Err(Trouble::Answer("its assertion is not signed, as the connector wants"));
        }
        (_, false) if must_whole => return Err(Trouble::Answer("the whole is not signed, as the connector wants")),
        _ => {}
    }
    if assertion.attribute("Version") != Some("2.0") || !assertion.has_only_elements() {
        return Err(Trouble::Answer("its assertion is none of SAML 2.0"));
    }
    let issued_at = assertion.attribute("IssueInstant").and_then(moment::parse);
    let issued_at = issued_at.ok_or(Trouble::Answer("it does not say when it was made (IssueInstant)"))?;
    if issued_at > asked.now.plus_seconds(asked.tolerance) {
        return Err(Trouble::Answer("it was made in the future (IssueInstant)"));
    }
    let own_id = id(assertion).ok_or(Trouble::Answer("its assertion has no id"))?;
    let issuer = assertion.child(SAML, "Issuer")?.ok_or(Trouble::Answer("its assertion has no issuer"))?;
    check_issuer(issuer, asked.provider)?;
    let subject = assertion.child(SAML, "Subject")?.ok_or(Trouble::Answer("it speaks of nobody"))?;
    let (request, confirmed_until) = confirmed(subject, asked)?;
    let said = response.attribute("InResponseTo");
    if said.is_some() && said != request.as_ref().map(|request| request.id.as_str()) {
        return Err(Trouble::Answer("it answers another request (InResponseTo)"));
    }
    let conditions = assertion.child(SAML, "Conditions")?.ok_or(Trouble::Answer("it has no conditions"))?;
    let until = check_conditions(conditions, asked)?;
    let statement = assertion.child(SAML, "AuthnStatement")?.ok_or(Trouble::Answer("nobody proved themselves"))?;
    let fresh_since = request.as_ref().and_then(|request| request.fresh_since);
    let (session, session_until) = authenticated(statement, fresh_since, asked)?;
    let until = until.unwrap_or(confirmed_until).min(confirmed_until);
    if until.plus_seconds(asked.tolerance) > asked.now.plus_seconds(limits::ASSERTION_SECONDS) {
        return Err(Trouble::Answer("it would be good for more than a day"));
    }
    let until = until.plus_seconds(limits::MARK_SECONDS);
    Ok(Proved {
        id: own_id,
        request: request.map(|request| request.id.clone()),
        issued_at,
        until,
        name: name(subject)?,
        session,
        session_until,
        attributes: attributes(assertion)?,
    })
}

/// The bearer's confirmation that fits: whom it answers, and until when any of them may be shown (SAML Profiles §4.1.4.2).
fn confirmed<'a>(subject: Node<'_>, asked: &'a Asked<'_>) -> Result<(Option<&'a Request>, Timestamp), Trouble> {
    let mut why = Trouble::Answer("nothing confirms that whoever brings it may (SubjectConfirmation)");
    let (mut found, mut last) = (None, None);
    for confirmation in subject.all(SAML, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        let Some(data) = confirmation.child(SAML, "SubjectConfirmationData")? else { continue };
        match fitting(data, asked) {
            Ok((request, until)) => {
                found = found.or(Some(request));
                last = last.max(Some(until));
            }
            Err(trouble) => {
                // Another one may count later: one that is not good yet, or of another request of this browser.
                last = last.max(data.attribute("NotOnOrAfter").and_then(moment::parse));
                why = trouble;
            }
        }
    }
    match (found, last) {
        (Some(request), Some(last)) => Ok((request, last)),
        _ => Err(why),
    }
}

fn fitting<'a>(data: Node<'_>, asked: &'a Asked<'_>) -> Result<(Option<&'a Request>, Timestamp), Trouble> {
    if data.attribute("Recipient") != Some(asked.endpoint) {
        return Err(Trouble::Answer("it is meant for another address (Recipient)"));
    }
    check_begun(data, asked)?;
    let until = end(data, asked)?.ok_or(Trouble::Answer("it does not say until when it may be shown"))?;
    match data.attribute("InResponseTo") {
        Some(id) => match asked.requests.iter().find(|request| request.id == id) {
            Some(request) => Ok((Some(request), until)),
            None => Err(Trouble::Answer("this browser has no such request open (InResponseTo)")),
        },
        None if asked.unsolicited => Ok((None, until)),
        None => Err(Trouble::Answer("nobody asked for it, and the connector does not take such answers")),
    }
}

fn check_begun(node: Node<'_>, asked: &Asked<'_>) -> Result<(), Trouble> {
    match node.attribute("NotBefore").map(moment::parse) {
        None => Ok(()),
        Some(Some(from)) if from <= asked.now.plus_seconds(asked.tolerance) => Ok(()),
        Some(Some(_)) => Err(Trouble::Answer("it is not good yet (NotBefore)")),
        Some(None) => Err(Trouble::Answer("a time in it is none")),
    }
}

/// Until when something is good, if it says so and still is.
fn end(node: Node<'_>, asked: &Asked<'_>) -> Result<Option<Timestamp>, Trouble> {
    match node.attribute("NotOnOrAfter").map(moment::parse) {
        None => Ok(None),
        Some(Some(until)) if asked.now < until.plus_seconds(asked.tolerance) => Ok(Some(until)),
        Some(Some(_)) => Err(Trouble::Answer("it is not good any more (NotOnOrAfter)")),
        Some(None) => Err(Trouble::Answer("a time in it is none")),
    }
}

fn check_conditions(conditions: Node<'_>, asked: &Asked<'_>) -> Result<Option<Timestamp>, Trouble> {
    check_begun(conditions, asked)?;
    let until = end(conditions, asked)?;
    let known = |node: &Node<'_>| {
        ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"].iter().any(|name| node.is(SAML, name))
    };
    if !conditions.children().all(|node| known(&node)) {
        return Err(Trouble::Answer("it holds a condition that is not known"));
    }
    let mut is_for_us = false;
    for restriction in conditions.all(SAML, "AudienceRestriction") {
        let mut names_us = false;
        for audience in restriction.all(SAML, "Audience") {
            names_us |= audience.text()?.trim() == asked.audience;
        }
        // Each of several must let us in (SAML Core §2.5.1.4).
        if !names_us {
            let named = restriction.all(SAML, "Audience").filter_map(|audience| audience.text().ok());
            let named: Vec<_> = named.map(|text| told(text.trim())).collect();
            return Err(Trouble::Audience { ours: asked.audience.to_owned(), named: named.join(", ") });
        }
        is_for_us = true;
    }
    if is_for_us { Ok(until) } else { Err(Trouble::Answer("it does not say for whom it is (Audience)")) }
}

/// What the session there is called and when it is over, if the person proved themselves as was asked.
fn authenticated(
    statement: Node<'_>,
    fresh_since: Option<Timestamp>,
    asked: &Asked<'_>,
) -> Result<(Option<String>, Option<Timestamp>), Trouble> {
    let at = statement.attribute("AuthnInstant").and_then(moment::parse);
    let at = at.ok_or(Trouble::Answer("it does not say when the person proved themselves"))?;
    if at > asked.now.plus_seconds(asked.tolerance) {
        return Err(Trouble::Answer("the person proves themselves in the future"));
    }
    if fresh_since.is_some_and(|since| at.plus_seconds(asked.tolerance) < since) {
        return Err(Trouble::Answer("the person proved themselves too long ago"));
    }
    if !asked.contexts.is_empty() {
        let context = statement.child(SAML, "AuthnContext")?;
        let class = match context {
            Some(context) => context.child(SAML, "AuthnContextClassRef")?,
            None => None,
        };
        let class = class.map(Node::text).transpose()?.unwrap_or_default();
        if !asked.contexts.iter().any(|wanted| wanted == class.trim()) {
            return Err(Trouble::Answer("the person proved themselves in another way than the connector wants"));
        }
    }
    let until = match statement.attribute("SessionNotOnOrAfter").map(moment::parse) {
        Some(None) => return Err(Trouble::Answer("a time in it is none")),
        Some(Some(until)) if until <= asked.now => return Err(Trouble::Answer("the session there is over")),
        other => other.flatten(),
    };
    let session = statement.attribute("SessionIndex").filter(|index| is_short(index)).map(str::to_owned);
    Ok((session, until))
}

/// The name in a subject or a request.
pub(crate) fn name(holder: Node<'_>) -> Result<Option<Name>, Trouble> {
    if holder.child(SAML, "EncryptedID")?.is_some() {
        return Err(Trouble::Answer("a name in it is encrypted, which is not spoken here"));
    }
    let Some(name) = holder.child(SAML, "NameID")? else { return Ok(None) };
    let own = |attribute: &str| name.attribute(attribute).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Some(Name {
        value: name.text()?,
        format: own("Format").unwrap_or_else(|| crate::names::UNSPECIFIED.to_owned()),
        qualifier: own("NameQualifier"),
        party: own("SPNameQualifier"),
    }))
}

fn attributes(assertion: Node<'_>) -> Result<Vec<Attribute>, Trouble> {
    let (mut all, mut count) = (Vec::new(), 0);
    for statement in assertion.all(SAML, "AttributeStatement") {
        if statement.children().any(|child| !child.is(SAML, "Attribute")) {
            return Err(Trouble::Answer("an attribute in it is encrypted or none of SAML's"));
        }
        for attribute in statement.children() {
            let mut values = Vec::new();
            for value in attribute.all(SAML, "AttributeValue") {
                // A value may be a name, as some providers write one.
                match name(value)? {
                    Some(name) => values.push(name.value),
                    None => values.push(value.text()?),
                }
            }
            count += values.len();
            all.push(Attribute {
                name: attribute.attribute("Name").unwrap_or_default().to_owned(),
                friendly: attribute.attribute("FriendlyName").map(str::to_owned),
                values,
            });
            if all.len() > limits::PERSON_ATTRIBUTES || count > limits::PERSON_VALUES {
                return Err(Trouble::Answer("it says more of the person than can be read"));
            }
        }
    }
    Ok(all)
}

pub(crate) fn id(node: Node<'_>) -> Option<String> {
    node.attribute("ID").filter(|id| is_short(id)).map(str::to_owned)
}

pub(crate) fn is_short(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::ID_BYTES && !text.chars().any(char::is_control)
}
