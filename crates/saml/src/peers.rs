//! Providers as connectors know them: their metadata, kept for a while, and the checking of their answers beside the threads
//! that answer requests. Each connector has a place of its own, so that one that hangs keeps nobody else waiting.

use crate::certificate::Key;
use crate::identity::identity;
use crate::limits;
use crate::metadata::{self, Read};
use crate::own_key::OwnKey;
use crate::redirect::Side;
use crate::request::{SignOn, Way, bring, sign_on};
use crate::response::{self, Proved, Request};
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    /// Held by whoever reads the metadata; the last failure.
    failed: tokio::sync::Mutex<Option<(Timestamp, Trouble)>>,
}

#[derive(Clone)]
struct Known {
    settings: SamlSettings,
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
    /// Its own key.
    pub own: Arc<OwnKey>,
    /// Now.
    pub now: Timestamp,
}

impl Party<'_> {
    /// What we are called there.
    pub fn own_id(&self) -> &str {
        self.settings.own_entity_id.as_deref().unwrap_or(self.endpoint)
    }
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
            (None, Err(_)) => place.failed.lock().await,
        };
        if let Some(fresh) = place.known(settings, now).filter(|known| known.is_fresh(now)) {
            return Ok(fresh.provider);
        }
        let remembered = failed.as_ref().filter(|(at, _)| now.millis_since(*at) < limits::FAILURE_SECONDS * 1000);
        let outcome = match remembered {
            Some((_, trouble)) => Err(trouble.clone()),
            None => self.fetch(url, settings, now).await,
        };
        match (outcome, known) {
            (Ok(fresh), _) => {
                *failed = None;
                let provider = fresh.provider.clone();
                *place.known.lock() = Some(fresh);
                Ok(provider)
            }
            (Err(trouble), known) => {
                // By the clock of whoever asked first, and a little in the future for those who waited behind it.
                failed.get_or_insert((now.plus_seconds(limits::WAITED_SECONDS), trouble.clone()));
                known.map(|known| known.provider).ok_or(trouble)
            }
        }
    }

    async fn fetch(&self, url: &str, settings: &SamlSettings, now: Timestamp) -> Result<Known, Trouble> {
        let Read { provider, until, again_seconds, .. } =
            self.read(url, Some(&settings.entity_id), &settings.metadata_certificates, now).await?;
        let again_seconds = again_seconds.unwrap_or(limits::METADATA_SECONDS);
        Ok(Known {
            settings: settings.clone(),
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
        let key = party.settings.signed_requests.then_some(&*party.own);
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

impl Place {
    /// What was read for these settings, if it may still be used.
    fn known(&self, settings: &SamlSettings, now: Timestamp) -> Option<Known> {
        let known = self.known.lock().clone()?;
        let is_usable = known.settings == *settings
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
