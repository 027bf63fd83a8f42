//! Providers as connectors know them: their metadata, kept for a while, and the checking of their answers beside the threads
//! that answer requests. Each connector has a place of its own, so that one that hangs keeps nobody else waiting.

use crate::certificate::Key;
use crate::identity::identity;
use crate::limits;
use crate::logout::{self, Session};
use crate::metadata::{self, Read};
use crate::own_key::OwnKeys;
use crate::redirect::{self, Carried, Side};
use crate::request::{SignOn, Way, bring, sign_on};
use crate::response::{self, Proved, Request};
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use doorward_engine::federation::settings::{SamlBinding, SamlPlace, SamlProvider, SamlSettings};
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_model::id::ConnectorId;
use doorward_model::time::Timestamp;
use doorward_outbound::Outbound;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Everything that speaks SAML.
pub struct Peers {
    outbound: Arc<Outbound>,
    places: Mutex<HashMap<ConnectorId, Arc<Place>>>,
    checking: Arc<Semaphore>,
}

#[derive(Default)]
struct Place {
    known: Mutex<Option<Known>>,
    /// What has happened to the metadata that nobody was told of yet.
    news: Mutex<Vec<News>>,
    /// Held by whoever reads the metadata; the last failure.
    failed: tokio::sync::Mutex<Option<Failure>>,
}

struct Failure {
    at: Timestamp,
    source: Source,
    trouble: Trouble,
}

/// What happened to a provider's metadata, for whoever administers it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum News {
    #[error("the provider's certificates are others: {come} came and {gone} went, {count} count now")]
    Certificates { come: usize, gone: usize, count: usize },
    #[error("{0}; what was read before counts until then for a day at most")]
    Stale(Trouble),
    #[error("the provider's metadata can be read again")]
    Fresh,
}

/// What of a connector's settings says which metadata is read: others may change and find it read.
#[derive(Clone, PartialEq, Eq)]
struct Source {
    url: Option<String>,
    entity_id: String,
    certificates: Vec<String>,
}

impl Source {
    fn of(settings: &SamlSettings) -> Self {
        Self {
            url: settings.metadata_url.clone(),
            entity_id: settings.entity_id.clone(),
            certificates: settings.metadata_certificates.clone(),
        }
    }
}

#[derive(Clone)]
struct Known {
    source: Source,
    provider: Arc<Provider>,
    read_at: Timestamp,
    again_seconds: i64,
    until: Option<Timestamp>,
}

/// What is known of a provider.
#[derive(Debug)]
pub struct Provider {
    /// As published.
    pub published: SamlProvider,
    /// The keys its signatures are checked with.
    pub keys: Vec<Key>,
}

impl Provider {
    fn of(published: SamlProvider) -> Result<Self, Trouble> {
        let keys =
            published.certificates.iter().map(|text| Key::of_certificate(text)).collect::<Result<Vec<_>, _>>()?;
        match keys.is_empty() {
            true => Err(Trouble::Metadata("it has no certificate that signatures are checked with".to_owned())),
            false => Ok(Self { published, keys }),
        }
    }

    /// Where requests to sign in go: by the browser's address when that is offered.
    pub fn sign_on(&self) -> Option<&SamlPlace> {
        preferred(&self.published.sign_on)
    }

    /// Where requests to sign out go.
    pub fn logout(&self) -> Option<&SamlPlace> {
        preferred(&self.published.logout)
    }
}

fn preferred(places: &[SamlPlace]) -> Option<&SamlPlace> {
    places.iter().find(|place| place.binding == SamlBinding::Redirect).or_else(|| places.first())
}

/// One connector at work: our side of it.
pub struct Party<'a> {
    /// The connector.
    pub connector: &'a Connector,
    /// Its settings.
    pub settings: &'a SamlSettings,
    /// Where its answers come to.
    pub endpoint: &'a str,
    /// Its own keys.
    pub own: Arc<OwnKeys>,
    /// Now.
    pub now: Timestamp,
}

impl Party<'_> {
    /// What we are called there.
    pub fn own_id(&self) -> &str {
        self.settings.own_entity_id.as_deref().unwrap_or(self.endpoint)
    }
}

/// How a message for signing out came.
pub enum Came<'a> {
    /// In the query of an address, as it was sent.
    Query(&'a str),
    /// In a form.
    Form {
        /// Which way it goes.
        side: Side,
        /// The message, as the browser posted it.
        posted: &'a str,
        /// What came along to be sent back.
        relay_state: Option<&'a str>,
    },
}

/// What a provider says of signing out.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// Somebody signed out there.
    Request {
        /// Who.
        request: logout::Request,
        /// What came along to be sent back.
        relay_state: Option<String>,
    },
    /// Our request of this id is done.
    Answer(String),
}

/// Which of the two kinds of answers a browser posted, by the name it begins with: nothing is proved by it.
pub fn speaks_of_logout(posted: &str) -> bool {
    let head: String = posted.chars().filter(|letter| !letter.is_ascii_whitespace()).take(1024).collect();
    let whole = head.get(..head.len() / 4 * 4).and_then(|head| STANDARD_NO_PAD.decode(head).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&whole);
    let root = text.split('<').find(|tag| tag.starts_with(|letter: char| letter.is_alphabetic()));
    let name = root.and_then(|tag| tag.split([' ', '\t', '\r', '\n', '>', '/']).next()).unwrap_or_default();
    name.rsplit(':').next() == Some("LogoutResponse")
}

impl Peers {
    /// Reads metadata through this client.
    pub fn new(outbound: Arc<Outbound>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { outbound, places: Mutex::default(), checking: Arc::new(Semaphore::new(cores)) }
    }

    /// What is known of a connector's provider.
    ///
    /// # Errors
    /// [`Trouble`]: its metadata cannot be read, or says something else than it should.
    pub async fn provider(
        &self,
        (connector, settings): (&Connector, &SamlSettings),
        now: Timestamp,
    ) -> Result<Arc<Provider>, Trouble> {
        if let Some(published) = &settings.provider {
            if published.valid_until.is_some_and(|until| until <= now) {
                let why = "what was read of it is over (validUntil): read newer metadata and update the connector";
                return Err(Trouble::Metadata(why.to_owned()));
            }
            return Provider::of(published.clone()).map(Arc::new);
        }
        let url = settings.metadata_url.as_deref().unwrap_or_default();
        let place = self.places.lock().entry(connector.id.clone()).or_default().clone();
        let known = place.known(settings, now);
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(now)) {
            return Ok(known.provider.clone());
        }
        let mut failed = match (&known, place.failed.try_lock()) {
            (_, Ok(free)) => free,
            // Somebody else is reading: what there is is good enough until then.
            (Some(known), Err(_)) => return Ok(known.provider.clone()),
            (None, Err(_)) => {
                let waiting = tokio::time::timeout(Duration::from_secs(limits::WAIT_SECONDS), place.failed.lock());
                waiting.await.map_err(|_| Trouble::Waiting)?
            }
        };
        if let Some(fresh) = place.known(settings, now).filter(|known| known.is_fresh(now)) {
            return Ok(fresh.provider);
        }
        // Of another address, perhaps: whoever puts it right is not kept waiting.
        failed.take_if(|failure| failure.source != Source::of(settings));
        let remembered = failed.as_ref().filter(|last| now.millis_since(last.at) < limits::FAILURE_SECONDS * 1000);
        let (outcome, is_new) = match remembered {
            Some(last) => (Err(last.trouble.clone()), false),
            None => (self.fetch(url, settings, now).await, true),
        };
        match (outcome, known) {
            (Ok(fresh), _) => {
                let before = place.known.lock().replace(fresh.clone()).filter(|before| before.source == fresh.source);
                let was_stale = failed.take().is_some() && before.is_some();
                place.tell(was_stale.then_some(News::Fresh));
                place.tell(before.and_then(|before| changed(&before.provider, &fresh.provider)));
                Ok(fresh.provider)
            }
            (Err(trouble), known) => {
                // By the clock of whoever asked first, and a little in the future for those who waited behind it.
                if is_new {
                    // Once for each outage.
                    let begins = failed.is_none() && known.is_some();
                    place.tell(begins.then(|| News::Stale(trouble.clone())));
                    let at = now.plus_seconds(limits::WAITED_SECONDS);
                    *failed = Some(Failure { at, source: Source::of(settings), trouble: trouble.clone() });
                }
                known.map(|known| known.provider).ok_or(trouble)
            }
        }
    }

    /// What has happened to a connector's metadata since this was asked last.
    pub fn news(&self, connector: &ConnectorId) -> Vec<News> {
        let place = self.places.lock().get(connector).cloned();
        place.map(|place| std::mem::take(&mut *place.news.lock())).unwrap_or_default()
    }

    async fn fetch(&self, url: &str, settings: &SamlSettings, now: Timestamp) -> Result<Known, Trouble> {
        let Read { provider, until, again_seconds, .. } =
            self.read(url, Some(&settings.entity_id), &settings.metadata_certificates, now).await?;
        let again_seconds = again_seconds.unwrap_or(limits::METADATA_SECONDS);
        Ok(Known {
            source: Source::of(settings),
            provider: Arc::new(Provider::of(provider)?),
            read_at: now,
            again_seconds: again_seconds.clamp(limits::METADATA_SECONDS_LEAST, limits::METADATA_SECONDS),
            until,
        })
    }

    /// Reads metadata now.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn read(
        &self,
        url: &str,
        entity_id: Option<&str>,
        certificates: &[String],
        now: Timestamp,
    ) -> Result<Read, Trouble> {
        let keys = certificates.iter().map(|text| Key::of_certificate(text)).collect::<Result<Vec<_>, _>>()?;
        let answer = self.outbound.get(url).await?;
        if answer.status != http::StatusCode::OK {
            return Err(Trouble::Status(answer.status.as_u16()));
        }
        let entity_id = entity_id.map(str::to_owned);
        self.beside(move || metadata::read(&answer.body, entity_id.as_deref(), &keys, now)).await
    }

    /// The way to a provider, with a request of this id to sign in.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn way(&self, party: &Party<'_>, id: &str, again: bool) -> Result<Way, Trouble> {
        let provider = self.provider((party.connector, party.settings), party.now).await?;
        let place = provider.sign_on().ok_or_else(|| Trouble::Metadata("it says nowhere to sign in".to_owned()))?;
        let asked = SignOn { id, now: party.now, own_id: party.own_id(), endpoint: party.endpoint, again };
        let message = sign_on(party.settings, place, &asked);
        let key = party.settings.signed_requests.then_some(party.own.signing());
        bring((Side::Request, &message), (place.binding, &place.url), None, key)
    }

    /// Who came with an answer, as the browser posted it.
    ///
    /// # Errors
    /// [`Trouble`]: why the answer proves nobody.
    pub async fn arrival(
        &self,
        party: &Party<'_>,
        requests: Vec<Request>,
        posted: &str,
    ) -> Result<(ExternalIdentity, Proved), Trouble> {
        let compact: String = posted.split_ascii_whitespace().collect();
        let message = STANDARD.decode(compact).map_err(|_| Trouble::Answer("it is not base64"))?;
        let provider = self.provider((party.connector, party.settings), party.now).await?;
        let (settings, own, now) = (party.settings.clone(), party.own.clone(), party.now);
        let (own_id, endpoint) = (party.own_id().to_owned(), party.endpoint.to_owned());
        let judge = move || {
            let asked = response::Asked {
                provider: &settings.entity_id,
                audience: &own_id,
                endpoint: &endpoint,
                now,
                tolerance: i64::from(settings.clock_tolerance_seconds),
                requests: &requests,
                unsolicited: settings.unsolicited,
                signed: (settings.assertions_signed, settings.responses_signed),
                contexts: &settings.authn_contexts,
                keys: &provider.keys,
                own: &own,
            };
            let proved = response::check(&message, &asked)?;
            let identity = identity(&settings, &own_id, &proved)?;
            Ok((identity, proved))
        };
        self.beside(judge).await
    }

    /// Where a browser is sent whose person signs out, with a request of this id; nowhere when the provider signs nobody out
    /// by an address.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn way_out(&self, party: &Party<'_>, id: &str, session: &Session) -> Result<Option<String>, Trouble> {
        let provider = self.provider((party.connector, party.settings), party.now).await?;
        let Some(place) = provider.logout().filter(|place| place.binding == SamlBinding::Redirect) else {
            return Ok(None);
        };
        let message = logout::write_request((id, party.now), party.own_id(), &place.url, session);
        redirect::address(&place.url, (Side::Request, &message), None, Some(party.own.signing())).map(Some)
    }

    /// What a provider says of signing out.
    ///
    /// # Errors
    /// [`Trouble`]: it is not the provider's word, or refuses.
    pub async fn told(&self, party: &Party<'_>, came: Came<'_>) -> Result<Told, Trouble> {
        let provider = self.provider((party.connector, party.settings), party.now).await?;
        let (entity_id, endpoint) = (party.settings.entity_id.clone(), party.endpoint.to_owned());
        let (now, tolerance) = (party.now, i64::from(party.settings.clock_tolerance_seconds));
        let carried = match came {
            Came::Query(query) => redirect::read(query, &provider.keys)?,
            Came::Form { side, posted, relay_state } => {
                let compact: String = posted.split_ascii_whitespace().collect();
                let message = STANDARD.decode(compact).map_err(|_| Trouble::Answer("it is not base64"))?;
                let relay_state = relay_state.map(str::to_owned);
                Carried { side, message, relay_state, is_signed: false }
            }
        };
        let judge = move || {
            let Carried { side, message, relay_state, is_signed } = carried;
            let asked = logout::Asked {
                provider: &entity_id,
                endpoint: &endpoint,
                now,
                tolerance,
                keys: &provider.keys,
                is_carrier_signed: is_signed,
            };
            match side {
                Side::Request => {
                    logout::request(&message, &asked).map(|request| Told::Request { request, relay_state })
                }
                Side::Response => logout::answer(&message, &asked).map(Told::Answer),
            }
        };
        self.beside(judge).await
    }

    /// How a provider's request to sign out is answered; not at all when it says nowhere to.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn answer(
        &self,
        party: &Party<'_>,
        id: &str,
        (request, is_done, relay_state): (&str, bool, Option<&str>),
    ) -> Result<Option<Way>, Trouble> {
        let provider = self.provider((party.connector, party.settings), party.now).await?;
        let Some(place) = provider.logout() else { return Ok(None) };
        let to = place.answers.as_deref().unwrap_or(&place.url);
        let message = logout::write_answer((id, party.now), party.own_id(), to, (request, is_done));
        let state = relay_state.filter(|state| state.len() <= limits::RELAY_STATE_BYTES);
        bring((Side::Response, &message), (place.binding, to), state, Some(party.own.signing())).map(Some)
    }

    /// Does what takes long beside the threads that answer requests, as many at a time as there are processors.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let turn = tokio::time::timeout(Duration::from_secs(5), self.checking.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Trouble::Busy) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Trouble::Answer("checking it failed on our side"))?
    }
}

/// Whether other certificates count now.
fn changed(before: &Provider, now: &Provider) -> Option<News> {
    let (old, new) = (&before.published.certificates, &now.published.certificates);
    let come = new.iter().filter(|one| !old.contains(one)).count();
    let gone = old.iter().filter(|one| !new.contains(one)).count();
    (come + gone > 0).then_some(News::Certificates { come, gone, count: new.len() })
}

impl Place {
    fn tell(&self, news: Option<News>) {
        let mut all = self.news.lock();
        if let Some(news) = news.filter(|_| all.len() < limits::NEWS) {
            all.push(news);
        }
    }

    /// What was read for these settings, if it may still be used.
    fn known(&self, settings: &SamlSettings, now: Timestamp) -> Option<Known> {
        let known = self.known.lock().clone()?;
        let is_usable = known.source == Source::of(settings)
            && known.until.is_none_or(|until| now < until)
            && now.millis_since(known.read_at) < limits::METADATA_STALE_SECONDS * 1000;
        is_usable.then_some(known)
    }
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.millis_since(self.read_at) < self.again_seconds * 1000
    }
}
