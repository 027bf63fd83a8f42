//! Everybody a directory has, page after page: while one page is taken over, the next is on its way. Groups are read first;
//! of them only who is in which is kept, as marks of 16 bytes.

use crate::account::Bar;
use crate::directories::Directories;
use crate::groups;
use crate::index::Index;
use crate::person::Person;
use crate::place::For;
use crate::protocol::message::{self, Scope, Search};
use crate::protocol::wire::{Bounds, SUCCESS, Wire};
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_engine::federation::directory::filter::Filter;
use doorward_engine::federation::settings::{LdapSettings, Reach, TYPED};
use doorward_engine::federation::sync::{Page, Present, Standing};
use doorward_model::time::Timestamp;
use tokio::sync::mpsc::Sender;
use zeroize::Zeroizing;

impl Directories {
    /// Reads everybody. Nobody is known to be gone before this has ended well.
    ///
    /// # Errors
    /// [`Trouble`]: the directory cannot be asked, or broke off.
    pub async fn read(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        now: Timestamp,
        pages: Sender<Page>,
    ) -> Result<(), Trouble> {
        let place = self.place(connector)?;
        let mut last = Trouble::Settings("it has no server".to_owned());
        for (number, server) in place.servers()? {
            match place.connect(&server, For::Asking, sealed.clone(), Bounds::of_reading()).await {
                Ok(mut wire) => {
                    let reading = Reading { settings: &place.settings, issuer: connector.settings.kind.issuer(), now };
                    return reading.run(&mut wire, pages).await;
                }
                Err(trouble) if trouble.is_of_server() => {
                    place.note(number, Some(&trouble));
                    last = trouble;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Err(last)
    }
}

struct Reading<'a> {
    settings: &'a LdapSettings,
    issuer: &'a str,
    now: Timestamp,
}

impl Reading<'_> {
    async fn run(&self, wire: &mut Wire, pages: Sender<Page>) -> Result<(), Trouble> {
        let index = Index::read(wire, self.settings).await?;
        // Whatever somebody could type: everybody who could be found.
        let filter = self.settings.user_filter().replace(TYPED, "*");
        let filter = Filter::parse(&filter).map_err(|bad| Trouble::Settings(bad.to_string()))?;
        let attributes = Person::attributes(self.settings);
        let scope = match self.settings.users.reach {
            Reach::One => Scope::One,
            Reach::Whole => Scope::Whole,
        };
        let base = &self.settings.users.base;
        let search = Search { base, scope, filter: &filter, attributes: &attributes, most: 0 };
        let size = usize::try_from(self.settings.page_size).unwrap_or(usize::MAX);
        let server = wire.server().shown();
        let mut cookie = Vec::new();
        loop {
            let mut read = Vec::with_capacity(size);
            let mut nameless = 0;
            let page = message::Page { size: self.settings.page_size, cookie: &cookie };
            let outcome = wire
                .search(&search, Some(page), |entry| {
                    // Whoever tells more than a page at once would fill the memory.
                    if read.len() + nameless >= size {
                        return Err(Trouble::Malformed {
                            server: server.clone(),
                            why: "a page is too long".to_owned(),
                        });
                    }
                    match Person::read(self.settings, entry, self.now) {
                        Ok(person) => read.push(person),
                        // One entry nobody can be told by must not keep all others from being read.
                        Err(trouble) if trouble.is_of_person() => nameless += 1,
                        Err(trouble) => return Err(trouble),
                    }
                    Ok(())
                })
                .await?;
            if outcome.code != SUCCESS {
                return Err(wire.refused("a page of people", outcome));
            }
            let mut people = Vec::with_capacity(read.len());
            for person in read {
                people.push(self.present(wire, &index, person).await?);
            }
            // Nobody takes them any more: whoever did has said why.
            if pages.send(Page { people, nameless }).await.is_err() || outcome.cookie.is_empty() {
                return Ok(());
            }
            cookie = outcome.cookie;
        }
    }

    async fn present(&self, wire: &mut Wire, index: &Index, mut person: Person) -> Result<Present, Trouble> {
        if let Some(attribute) = self.settings.groups.as_ref().and_then(|groups| groups.member_of.as_deref())
            && person.groups.rest.is_some()
        {
            person.groups.member_of = groups::named_by(wire, attribute, &person).await?;
        }
        let standing = match person.bar {
            None => Standing::Free,
            Some(Bar::Disabled | Bar::Expired) => Standing::Out,
            Some(_) => Standing::Waiting,
        };
        let groups = index.of(&person);
        Ok(Present { identity: person.identity(self.settings, self.issuer, groups), standing })
    }
}
