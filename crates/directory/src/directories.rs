//! Looking for people in directories and proving their passwords. Each connector has connections of its own, so that a
//! directory that hangs keeps nobody waiting who does not come from it.

use crate::account::{self, Bar, Said};
use crate::groups;
use crate::limits;
use crate::login;
use crate::person::Person;
use crate::place::{For, Place};
use crate::probing::{Probed, Probing};
use crate::protocol::wire::{Bounds, Wire};
use crate::tries::Tries;
use crate::trouble::Trouble;
use doorward_engine::federation::settings::LdapSettings;
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_model::id::ConnectorId;
use doorward_model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

/// Everything that asks directories.
#[derive(Default)]
pub struct Directories {
    places: Mutex<HashMap<ConnectorId, Arc<Place>>>,
}

/// How trying a password ended.
#[derive(Debug)]
pub enum Proof {
    /// It is theirs, and they may sign in.
    Right(Box<ExternalIdentity>),
    /// It is theirs, and the directory does not let them in.
    Barred(Bar),
    /// Nothing proves that it is theirs.
    Wrong(Option<Bar>),
    /// It was sent, and the answer was lost: a guess like any other.
    Lost(Trouble),
}

impl Directories {
    /// Looks for somebody by the name that was typed.
    ///
    /// # Errors
    /// [`Trouble`]: the directory cannot be asked, or has no clear answer.
    pub async fn find(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        (login, now): (&str, Timestamp),
    ) -> Result<Option<Person>, Trouble> {
        if login.is_empty() || login.len() > limits::LOGIN_BYTES || login.chars().any(char::is_control) {
            return Ok(None);
        }
        let place = self.place(connector)?;
        let _turn = place.turn().await?;
        asked(&place, sealed, &Finding { login, now }).await
    }

    /// The person of a subject, as the directory has them now.
    pub(crate) async fn find_again(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        (subject, now): (&str, Timestamp),
    ) -> Result<Option<Person>, Trouble> {
        let place = self.place(connector)?;
        let _turn = place.turn().await?;
        asked(&place, sealed, &FindingAgain { subject, now }).await
    }

    /// What the directory would say of somebody, without any proof: for whoever tries a connector out.
    ///
    /// # Errors
    /// As [`Directories::find`].
    pub async fn look(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        asked_for: (&str, Timestamp),
    ) -> Result<Option<(ExternalIdentity, Option<Bar>)>, Trouble> {
        let Some(person) = self.find(connector, sealed.clone(), asked_for).await? else { return Ok(None) };
        let place = self.place(connector)?;
        let groups = asked(&place, sealed, &Grouping { person: &person }).await?;
        let issuer = connector.settings.kind.issuer();
        Ok(Some((person.identity(&place.settings, issuer, groups), person.bar)))
    }

    /// Whether the directory can be asked, and has the entries people and groups are below; tells which server answered, and
    /// what the settings speak of and nothing there has.
    ///
    /// # Errors
    /// As [`Directories::find`].
    pub async fn probe(&self, connector: &Connector, sealed: Option<Zeroizing<String>>) -> Result<Probed, Trouble> {
        let place = self.place(connector)?;
        asked(&place, sealed, &Probing).await
    }

    /// Tries a password, and meanwhile reads the groups of whoever it may be right for: the directory takes its time for
    /// the one, and the other does not rest on it.
    ///
    /// # Errors
    /// As [`Directories::find`].
    pub async fn prove(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        (person, password): (&Person, &str),
    ) -> Result<Proof, Trouble> {
        let place = self.place(connector)?;
        let _turn = place.turn().await?;
        let binding = Binding { dn: &person.dn, password, bar: person.bar, is_lost: AtomicBool::new(false) };
        let grouping = Grouping { person };
        let is_lost = &binding.is_lost;
        let bound = asked(&place, None, &binding);
        let (said, groups) = match person.bar {
            // They are not let in, whatever groups they are in.
            Some(_) => (bound.await, Ok(None)),
            None => {
                let (said, groups) = tokio::join!(bound, asked(&place, sealed, &grouping));
                (said, groups)
            }
        };
        let said = match said {
            Err(trouble) if is_lost.load(Ordering::Relaxed) => return Ok(Proof::Lost(trouble)),
            said => said?,
        };
        match (said, person.bar) {
            (Said::Wrong(why), _) => return Ok(Proof::Wrong(why)),
            (Said::RightBut(bar), _) | (Said::Right, Some(bar)) => return Ok(Proof::Barred(bar)),
            (Said::Right, None) => {}
        }
        // Only now: that groups cannot be read says nothing to somebody who does not know the password.
        let groups = groups?;
        let issuer = connector.settings.kind.issuer();
        Ok(Proof::Right(Box::new(person.identity(&place.settings, issuer, groups))))
    }

    /// Ends connections nobody uses, and forgets directories nobody asks any more: their connectors may be gone.
    pub fn rest(&self) {
        let mut places = self.places.lock();
        // Counted under the lock that hands them out.
        places.retain(|_, place| !place.rest() || Arc::strong_count(place) > 1);
    }

    pub(crate) fn place(&self, connector: &Connector) -> Result<Arc<Place>, Trouble> {
        let missing = || Trouble::Settings("it is no directory".to_owned());
        let settings = connector.settings.kind.ldap().ok_or_else(missing)?;
        let mut places = self.places.lock();
        match places.get(&connector.id) {
            Some(place) if place.settings == *settings => {
                place.touch();
                Ok(place.clone())
            }
            // Other settings are another directory: nothing that was connected for the old ones is used.
            _ => {
                let place = Arc::new(Place::new(settings.clone()));
                places.insert(connector.id.clone(), place.clone());
                Ok(place)
            }
        }
    }
}

/// One question to a directory.
pub(crate) trait Question: Sync {
    type Answer: Send;
    const PURPOSE: For;

    fn ask(
        &self,
        wire: &mut Wire,
        settings: &LdapSettings,
    ) -> impl Future<Output = Result<Self::Answer, Trouble>> + Send;
}

/// Asks over a connection that is there, else over a new one to the first server that is well.
async fn asked<Q: Question>(
    place: &Place,
    sealed: Option<Zeroizing<String>>,
    question: &Q,
) -> Result<Q::Answer, Trouble> {
    let bounds = Bounds::of_question(&place.settings);
    if let Some(mut wire) = place.kept(Q::PURPOSE) {
        wire.allow(bounds);
        match question.ask(&mut wire, &place.settings).await {
            Ok(answer) => {
                place.keep(Q::PURPOSE, wire);
                return Ok(answer);
            }
            Err(trouble) if trouble.is_of_person() || trouble.is_of_question() => return Err(trouble),
            Err(trouble @ Trouble::Slow { .. }) => place.note_server(wire.server(), &trouble),
            // It may have been ended meanwhile, which says nothing about the server.
            Err(_) => {}
        }
    }
    let mut tries = Tries::of(place)?;
    loop {
        let (number, mut wire) = tries.next(Q::PURPOSE, sealed.as_ref(), bounds).await?;
        wire.allow(bounds);
        match question.ask(&mut wire, &place.settings).await {
            Ok(answer) => {
                place.note(number, None);
                place.keep(Q::PURPOSE, wire);
                return Ok(answer);
            }
            Err(trouble) => tries.failed(number, trouble)?,
        }
    }
}

/// Who is meant by what was typed.
struct Finding<'a> {
    login: &'a str,
    now: Timestamp,
}

impl Question for Finding<'_> {
    type Answer = Option<Person>;
    const PURPOSE: For = For::Asking;

    async fn ask(&self, wire: &mut Wire, settings: &LdapSettings) -> Result<Option<Person>, Trouble> {
        login::find(wire, settings, (self.login, self.now)).await
    }
}

/// Who it is that was found before.
struct FindingAgain<'a> {
    subject: &'a str,
    now: Timestamp,
}

impl Question for FindingAgain<'_> {
    type Answer = Option<Person>;
    const PURPOSE: For = For::Asking;

    async fn ask(&self, wire: &mut Wire, settings: &LdapSettings) -> Result<Option<Person>, Trouble> {
        login::find_again(wire, settings, (self.subject, self.now)).await
    }
}

/// Whether a password is that of an entry.
struct Binding<'a> {
    dn: &'a str,
    password: &'a str,
    /// What is known of the account already.
    bar: Option<Bar>,
    /// Whether it was sent once and nothing came back.
    is_lost: AtomicBool,
}

impl Question for Binding<'_> {
    type Answer = Said;
    const PURPOSE: For = For::Proving;

    async fn ask(&self, wire: &mut Wire, _: &LdapSettings) -> Result<Said, Trouble> {
        let outcome = wire.bind(self.dn, self.password.as_bytes()).await;
        let outcome = outcome.inspect_err(|_| self.is_lost.store(true, Ordering::Relaxed))?;
        match account::of_bind(&outcome, self.bar) {
            Some(said) => Ok(said),
            None => Err(wire.refused("to say whether a password is right", outcome)),
        }
    }
}

/// Which groups somebody is in.
struct Grouping<'a> {
    person: &'a Person,
}

impl Question for Grouping<'_> {
    type Answer = Option<Vec<String>>;
    const PURPOSE: For = For::Asking;

    async fn ask(&self, wire: &mut Wire, settings: &LdapSettings) -> Result<Option<Vec<String>>, Trouble> {
        groups::of(wire, settings, self.person).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_engine::federation::settings::ConnectorSettings;
    use doorward_model::dice::Counting;
    use doorward_model::id::RealmId;
    use doorward_model::name::ConnectorName;
    use std::time::{Duration, Instant};

    fn connector(dice: &Counting) -> Option<Connector> {
        let text = r#"{"ldap": {"servers": ["ldaps://dc1.example.com"], "users": {"base": "dc=example,dc=com"}}}"#;
        let settings: ConnectorSettings = serde_json::from_str(text).ok()?;
        Some(Connector {
            id: ConnectorId::draw(dice),
            realm_id: RealmId::draw(dice),
            name: ConnectorName::parse("company").ok()?,
            settings,
            sealed: None,
            is_active: true,
            revision: 0,
        })
    }

    #[test]
    fn a_directory_nobody_asks_any_more_is_forgotten() -> Result<(), Trouble> {
        let dice = Counting::new(1);
        let (Some(removed), Some(kept)) = (connector(&dice), connector(&dice)) else { panic!("connectors") };
        let directories = Directories::default();
        let long_ago = Instant::now().checked_sub(limits::PLACE_KEPT + Duration::from_secs(1));
        let Some(long_ago) = long_ago else { return Ok(()) };
        directories.place(&removed)?.used_at(long_ago);
        directories.place(&kept)?;
        directories.rest();
        let left: Vec<ConnectorId> = directories.places.lock().keys().cloned().collect();
        assert_eq!(left.iter().collect::<Vec<_>>(), [&kept.id]);
        // Nobody takes it away while it is in use, and asking is use.
        let in_use = directories.place(&kept)?;
        in_use.used_at(long_ago);
        directories.rest();
        assert_eq!(directories.places.lock().len(), 1);
        drop(in_use);
        directories.place(&kept)?;
        directories.rest();
        assert_eq!(directories.places.lock().len(), 1);
        Ok(())
    }
}
