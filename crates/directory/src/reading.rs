//! Everybody a directory has, page after page: while one page is taken over, the next is on its way. Groups are read first;
//! of them only who is in which is kept, as marks of 16 bytes.

use crate::account::Bar;
use crate::directories::Directories;
use crate::groups;
use crate::index::Index;
use crate::person::Person;
use crate::place::{For, Place};
use crate::protocol::message::{self, Scope, Search};
use crate::protocol::wire::{Bounds, SUCCESS, Wire};
use crate::stand::Stand;
use crate::tries::Tries;
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_engine::federation::directory::filter::Filter;
use doorward_engine::federation::settings::{LdapSettings, Reach, TYPED};
use doorward_engine::federation::sync::{Page, Present, Standing};
use doorward_model::time::Timestamp;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use zeroize::Zeroizing;

/// A directory that is being read, at one of its servers.
pub struct Reading {
    pub(crate) place: Arc<Place>,
    pub(crate) wire: Wire,
    pub(crate) stand: Stand,
    pub(crate) now: Timestamp,
    issuer: String,
}

impl Directories {
    /// Begins to read a directory.
    ///
    /// # Errors
    /// [`Trouble`]: the directory cannot be asked.
    pub async fn open(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        now: Timestamp,
    ) -> Result<Reading, Trouble> {
        let place = self.place(connector)?;
        let mut tries = Tries::of(&place)?;
        let (wire, stand) = loop {
            let (number, mut wire) = tries.next(For::Asking, sealed.as_ref(), Bounds::of_reading()).await?;
            match Stand::read(&mut wire, &place.settings, now).await {
                Ok(stand) => break (wire, stand),
                Err(trouble) => tries.failed(number, trouble)?,
            }
        };
        drop(tries);
        Ok(Reading { place, wire, stand, now, issuer: connector.settings.kind.issuer().to_owned() })
    }
}

impl Reading {
    /// Whose counting [`Reading::mark`] is: the server, or its database.
    pub fn server(&self) -> &str {
        self.stand.server()
    }

    /// How far the server had come before anything was read, if it counts.
    pub fn reached(&self) -> Option<i64> {
        self.stand.reached()
    }

    /// Once it was read: from where on changes are to be asked for next time, if anything says it.
    pub fn mark(&self) -> Option<i64> {
        self.stand.mark()
    }

    /// Reads everybody. Nobody is known to be gone before this has ended well.
    ///
    /// # Errors
    /// [`Trouble`]: the directory broke off.
    pub async fn everybody(&mut self, pages: &Sender<Page>) -> Result<(), Trouble> {
        let place = self.place.clone();
        let settings = &place.settings;
        let index = Index::read(&mut self.wire, settings).await?;
        let filter = anybody(settings)?;
        let attributes = self.attributes(settings);
        let scope = Scope::from(settings.users.reach);
        let search = Search { base: &settings.users.base, scope, filter: &filter, attributes: &attributes, most: 0 };
        let size = usize::try_from(settings.page_size).unwrap_or(usize::MAX);
        let server = self.wire.server().shown();
        let mut cookie = Vec::new();
        loop {
            let mut read = Vec::with_capacity(size);
            let mut nameless = 0;
            let page = message::Page { size: settings.page_size, cookie: &cookie };
            let (stand, now) = (&mut self.stand, self.now);
            let outcome = self
                .wire
                .search(&search, Some(page), |entry| {
                    // Whoever tells more than a page at once would fill the memory.
                    if read.len() + nameless >= size {
                        let why = "a page is too long".to_owned();
                        return Err(Trouble::Malformed { server: server.clone(), why });
                    }
                    stand.note(entry);
                    match Person::read(settings, entry, now) {
                        Ok(person) => read.push(person),
                        // One entry nobody can be told by must not keep all others from being read.
                        Err(trouble) if trouble.is_of_person() => nameless += 1,
                        Err(trouble) => return Err(trouble),
                    }
                    Ok(())
                })
                .await?;
            if outcome.code != SUCCESS {
                return Err(self.wire.refused("a page of people", outcome));
            }
            let mut people = Vec::with_capacity(read.len());
            for person in read {
                people.push(self.indexed(settings, &index, person).await?);
            }
            // Nobody takes them any more: whoever did has said why.
            if pages.send(Page { people, nameless }).await.is_err() || outcome.cookie.is_empty() {
                return Ok(());
            }
            cookie = outcome.cookie;
        }
    }

    pub(crate) fn attributes<'s>(&self, settings: &'s LdapSettings) -> Vec<&'s str> {
        let mut attributes = Person::attributes(settings);
        attributes.extend(self.stand.attribute());
        attributes
    }

    /// Somebody and their groups, which are known already.
    async fn indexed(
        &mut self,
        settings: &LdapSettings,
        index: &Index,
        mut person: Person,
    ) -> Result<Present, Trouble> {
        if let Some(attribute) = settings.groups.as_ref().and_then(|groups| groups.member_of.as_deref())
            && person.groups.rest.is_some()
        {
            person.groups.member_of = groups::named_by(&mut self.wire, attribute, &person).await?;
        }
        let groups = index.of(&person);
        Ok(self.present(settings, &person, groups))
    }

    pub(crate) fn present(&self, settings: &LdapSettings, person: &Person, groups: Option<Vec<String>>) -> Present {
        let standing = match person.bar {
            None => Standing::Free,
            Some(Bar::Disabled | Bar::Expired) => Standing::Out,
            Some(Bar::Unread) => Standing::Unread,
            Some(_) => Standing::Waiting,
        };
        Present { identity: person.identity(settings, &self.issuer, groups), standing }
    }
}

/// Whatever somebody could type: everybody who could be found.
pub(crate) fn anybody(settings: &LdapSettings) -> Result<Filter, Trouble> {
    let filter = settings.user_filter().replace(TYPED, "*");
    Filter::parse(&filter).map_err(|bad| Trouble::Settings(bad.to_string()))
}

impl From<Reach> for Scope {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::One => Self::One,
            Reach::Whole => Self::Whole,
        }
    }
}
