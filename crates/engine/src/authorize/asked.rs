//! A client's request as it came, and what it says: plainly, in a signed object (RFC 9101), or pushed before
//! (RFC 9126). Until client and address are verified, whoever came sees a page and nothing is sent anywhere.

use crate::authorize::{Return, address, object, pushed};
use crate::clients::{self, Client};
use crate::door::Door;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use doorward_oauth::authorize::{Entry, PUSHED_PREFIX};
use doorward_oauth::parameters::Parameters;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A request as a browser brought it. On the way through the sign-in page it is sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Asked {
    /// The query, or the form, as it came.
    pub raw: String,
    /// When it came: whatever ends with time is judged as of then, however long signing in takes.
    pub arrived_at: Timestamp,
    #[serde(skip)]
    is_new: bool,
}

impl Asked {
    /// A request that a browser brings now.
    pub fn arriving(raw: &str, ctx: &Ctx) -> Self {
        Self { raw: raw.to_owned(), arrived_at: ctx.now, is_new: true }
    }

    /// As the text that is sealed.
    pub fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|error| Fault::new(FaultKind::Internal, "writing a request", error))
    }

    /// From the text that was sealed.
    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// How a request came.
#[derive(Clone, Copy, Default)]
pub struct Came {
    /// Pushed before, under the name of this hash.
    pub pushed: Option<TokenHash>,
    /// Signed by the client.
    pub is_signed: bool,
}

/// What is known of a request once client and address are verified.
pub struct Read {
    /// Where the browser goes back to.
    pub back: Return,
    /// What the client asks for.
    pub parameters: Parameters,
}

/// Why nothing can be sent anywhere: sentences for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// Tool and provider do not agree.
    Broken(String),
    /// The request was good once, or is not known.
    Over,
}

fn broken(sentence: impl Into<String>) -> Stuck {
    Stuck::Broken(sentence.into())
}

/// Reads a request. Parameters beside a signed or pushed one do not count, apart from `client_id`.
pub async fn read(door: &Door, ctx: &Ctx, realm: &Realm, asked: &Asked) -> Result<Result<Read, Stuck>, Fault> {
    let outer = match parse(&asked.raw) {
        Ok(outer) => outer,
        Err(stuck) => return Ok(Err(stuck)),
    };
    let one = |name| outer.one(name).ok().flatten();
    let name = one("request_uri").and_then(|uri| uri.strip_prefix(PUSHED_PREFIX));
    let (inner, came) = match (name, one("request")) {
        (None, None) => (None, Came::default()),
        (Some(_), Some(_)) => {
            return Ok(Err(broken("The request holds request and request_uri; only one may be sent.")));
        }
        (Some(name), None) => {
            let Some(client) = named(door, realm, &outer).await? else { return Ok(Err(unknown_client())) };
            let found = if asked.is_new {
                pushed::open(door, ctx, &client, name).await?
            } else {
                pushed::find(door, &client, name).await?
            };
            let Some((query, came)) = found else { return Ok(Err(Stuck::Over)) };
            (Some(query), came)
        }
        (None, Some(text)) => {
            let Some(client) = named(door, realm, &outer).await? else { return Ok(Err(unknown_client())) };
            match object::open(door, realm, &client, (text, asked.arrived_at)) {
                Ok(query) => (Some(query), Came { is_signed: true, ..Came::default() }),
                Err(error) => {
                    return Ok(Err(broken(format!("The signed request cannot be used: {}.", error.sentence()))));
                }
            }
        }
    };
    let parameters = match inner.as_deref().map_or(Ok(outer), parse) {
        Ok(parameters) => parameters,
        Err(stuck) => return Ok(Err(stuck)),
    };
    let entry = match Entry::parse(&parameters) {
        Ok(entry) => entry,
        Err(error) => return Ok(Err(broken(format!("The request cannot be read: {}.", error.sentence())))),
    };
    let back = address(door, realm, &entry).await?;
    Ok(back.map(|back| Read { back: Return { came, ..back }, parameters }).map_err(broken))
}

fn parse(query: &str) -> Result<Parameters, Stuck> {
    let cannot = |why: &dyn std::fmt::Display| broken(format!("The request cannot be read: {why}."));
    let parameters = Parameters::parse_query(query).map_err(|bad| cannot(&bad))?;
    parameters.check_doubled().map_err(|doubled| cannot(&doubled))?;
    Ok(parameters)
}

/// The client the parameters name, if it is there and active.
async fn named(door: &Door, realm: &Realm, parameters: &Parameters) -> Result<Option<Arc<Client>>, Fault> {
    let name = parameters.one("client_id").ok().flatten().and_then(|name| ClientName::parse(name).ok());
    let Some(name) = name else { return Ok(None) };
    Ok(clients::find(door, &realm.id, &name).await?.filter(|client| client.is_active))
}

fn unknown_client() -> Stuck {
    broken("No active client of that client_id is registered in this realm.")
}
