//! One call: whose token, which realm, what is sent. Every route names the rights of which its caller needs one;
//! they are asked for before the handler runs and before a body is read.

use crate::admin::{Body, Failure, Outcome};
use crate::callers::{Arrival, Fields};
use crate::limits;
use crate::oidc::certificate;
use crate::oidc::dpop::{Place, credential};
use crate::own::sign_in::known_realm;
use crate::web::Web;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use doorward_engine::administration::{Caller, Right, Rights};
use doorward_engine::door::Door;
use doorward_engine::live::realms::LiveRealm;
use doorward_engine::manage::look::Query;
use doorward_engine::manage::look::Tx;
use doorward_engine::token::certificate::admits;
use doorward_engine::{administration, manage::Refused};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Holder;
use http::Method;
use serde_json::Value;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

/// A call that may be answered.
pub struct Call {
    /// The server.
    pub web: Arc<Web>,
    /// Its circumstances; the actor is the caller.
    pub ctx: Ctx,
    /// Who calls.
    pub caller: Caller,
    /// What the caller may do in the realm.
    pub rights: Rights,
    /// The realm of the path; the caller's own where the path names none.
    pub realm: Arc<LiveRealm>,
    /// The query.
    pub query: Fields,
    path: HashMap<String, String>,
    sent: Option<Value>,
}

/// A handler behind its rights: the caller needs one of them in the realm of the path; any at all where none is named.
pub fn to<F, Fut>(
    needs: &'static [Right],
    handle: F,
) -> impl Fn(State<Arc<Web>>, Arrival, RawPathParams, Request) -> Answer + Clone + Send + Sync + 'static
where
    F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    move |State(web), arrival, path, request| {
        let handle = handle.clone();
        Box::pin(async move {
            let ctx = arrival.ctx.clone();
            let outcome = match Call::begin(web, arrival, &path, needs, request).await {
                Ok(call) => handle(call).await,
                Err(failure) => Err(failure),
            };
            outcome.unwrap_or_else(|failure| failure.answer(&ctx))
        })
    }
}

/// An answer to come.
pub type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Call {
    async fn begin(
        web: Arc<Web>,
        arrival: Arrival,
        path: &RawPathParams,
        needs: &[Right],
        request: Request,
    ) -> Result<Self, Failure> {
        let path: HashMap<_, _> = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (parts, body) = request.into_parts();
        let (token, scheme) = credential(&parts.headers).ok_or(Failure::Unknown)?;
        let door = web.door();
        let caller = Caller::find(door, &arrival.ctx, token).await?.ok_or(Failure::Unknown)?;
        if !admits(&caller.good.claims, certificate::shown(&web, &arrival, &parts.headers).as_ref()) {
            return Err(Failure::Unknown);
        }
        let place = Place::of(&web, &parts.method, &arrival.path);
        let shown = place.admit(&web, &arrival, &caller.good, (token, scheme), &parts.headers).await?;
        shown.map_err(|_| Failure::Unknown)?;
        let name = path.get("realm").map_or(caller.home.name.as_str(), String::as_str);
        let rights = caller.rights_in(name);
        let is_allowed = match needs {
            [] => rights != Rights::default(),
            needs => needs.iter().any(|right| rights.has(*right)),
        };
        if !is_allowed {
            return Err(Failure::Forbidden(None));
        }
        let realm = known_realm(&web, name).await?.ok_or(Failure::Missing("Realm not found."))?;
        let sent = match parts.method {
            Method::GET | Method::HEAD => None,
            _ => read(body).await?,
        };
        let query = Fields::parse(parts.uri.query().unwrap_or_default());
        let ctx = Ctx { actor: caller.actor(), ..arrival.ctx };
        Ok(Self { web, ctx, caller, rights, realm, query, path, sent })
    }

    /// The door.
    pub fn door(&self) -> &Door {
        self.web.door()
    }

    /// A part of the path.
    pub fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// The object that was sent.
    ///
    /// # Errors
    /// When something else was, or nothing.
    pub fn body(&self) -> Result<Body, Failure> {
        Body::of(self.sent.clone().unwrap_or_default())
    }

    /// The objects that were sent.
    ///
    /// # Errors
    /// When something else was, or too many.
    pub fn bodies(&self) -> Result<Vec<Body>, Failure> {
        let Some(Value::Array(all)) = &self.sent else { return Err(Failure::bad("the body must be a JSON list")) };
        if all.len() > limits::ADMIN_ENTRIES {
            return Err(Failure::bad(format!("the body may list at most {}", limits::ADMIN_ENTRIES)));
        }
        all.iter().cloned().map(Body::of).collect()
    }

    /// A flag of the query, however it is capitalised: Python's programs send `True`.
    pub fn is_set(&self, name: &str) -> bool {
        self.query.text(name).eq_ignore_ascii_case("true")
    }

    /// Refuses what the query asks for and is not there: passing a filter over would answer another question.
    ///
    /// # Errors
    /// When one of these is asked for.
    pub fn cannot(&self, names: &[&str]) -> Result<(), Failure> {
        match names.iter().find(|name| !self.query.text(name).is_empty()) {
            Some(name) => Err(Failure::bad(format!("the parameter {name} is not supported here: leave it out"))),
            None => Ok(()),
        }
    }

    /// Commits what the caller changed.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn commit(&self, tx: Tx) -> Result<(), Failure> {
        Ok(self.door().commit(&self.ctx, tx).await?)
    }

    /// Refuses to touch somebody who may do what the caller may not. Asked behind a change that gives something, before
    /// one that takes it away.
    ///
    /// # Errors
    /// 403 in that case.
    pub async fn may_touch(&self, query: &mut impl Query, holder: &Holder) -> Result<(), Failure> {
        let judged: Result<Result<(), Refused>, Fault> =
            administration::outranks(self.door(), query, (self.rights, &self.realm), holder).await;
        judged?.map_err(|refused| Failure::Forbidden(Some(refused.to_string())))
    }
}

/// The JSON that was sent, if anything was.
async fn read(body: axum::body::Body) -> Result<Option<Value>, Failure> {
    let reading = axum::body::to_bytes(body, limits::ADMIN_BYTES);
    let bytes = match tokio::time::timeout(limits::FORM_ARRIVAL, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(Failure::bad("the body is too large or broke off")),
        Err(_) => return Err(Failure::bad("the body did not arrive in time")),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|_| Failure::bad("the body is not JSON"))
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// How many are left out in front.
    pub first: usize,
    /// How many follow at most.
    pub max: usize,
}

impl Window {
    /// `first` and `max` of the query; without `max`, `usual` of them. Below zero stands for nothing said.
    ///
    /// # Errors
    /// When one is no number, or `first` is beyond what can be skipped.
    pub fn of(call: &Call, usual: usize) -> Result<Self, Failure> {
        let number = |name: &str| match call.query.text(name) {
            "" => Ok(None),
            text => match text.parse::<i64>() {
                Ok(number) => Ok(usize::try_from(number).ok()),
                Err(_) => Err(Failure::bad(format!("{name} must be a whole number"))),
            },
        };
        let (first, max) = (number("first")?.unwrap_or(0), number("max")?.unwrap_or(usual));
        if first > limits::ADMIN_SKIP {
            return Err(Failure::bad(format!("first may be at most {}", limits::ADMIN_SKIP)));
        }
        Ok(Self { first, max: max.min(limits::ADMIN_ROWS) })
    }

    /// How many rows have to be read.
    pub fn end(self) -> i64 {
        i64::try_from(self.first.saturating_add(self.max)).unwrap_or(i64::MAX)
    }

    /// The part of a list.
    pub fn cut<T>(self, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        all.into_iter().skip(self.first).take(self.max)
    }
}
