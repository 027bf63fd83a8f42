//! People of a directory nobody here knows yet.

use super::Reading;
use crate::door::Door;
use crate::federation::ExternalIdentity;
use crate::federation::linking::{Decision, decide, is_authoritative};
use crate::federation::sign_in::known;
use crate::token::Profile;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::UserId;
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::User;
use doorward_store::sync::{self, NewUser};
use doorward_store::tx::Tx;
use doorward_store::{connectors, users};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The user somebody is from now on.
pub(super) struct Made {
    pub(super) user: UserId,
    /// Nothing is known of them yet.
    pub(super) is_new: bool,
}

impl Reading<'_> {
    /// Those nobody here knows yet: their users, new ones and those they are from now on.
    pub(super) async fn welcome<'p>(
        &mut self,
        door: &Door,
        ctx: &Ctx,
        tx: &mut Tx,
        new: &[&'p ExternalIdentity],
    ) -> Result<HashMap<&'p str, Made>, Fault> {
        let mut made = HashMap::new();
        // Also what others of the same page would have: two who come together are in each other's way.
        let mut taken = self.taken(tx, new).await?;
        let (mut all, mut subjects, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for identity in new {
            let name = identity.name.as_deref().and_then(|name| UserName::parse(name).ok());
            let Some(name) = name.filter(|_| self.connector.settings.linking.create) else {
                rest.push(*identity);
                continue;
            };
            let texts = in_the_way(identity, &name);
            if texts.iter().any(|text| taken.contains(text)) {
                rest.push(*identity);
                continue;
            }
            taken.extend(texts);
            all.push(self.user(door, ctx, identity, name)?);
            subjects.push(identity.subject.as_str());
        }
        sync::add_users(tx, &all).await.map_err(at_once)?;
        let links: Vec<(&str, &UserId)> = subjects.iter().copied().zip(all.iter().map(|new| &new.user.id)).collect();
        sync::add_links(tx, self.place(), (&links, ctx.now)).await.map_err(at_once)?;
        for (NewUser { user, .. }, subject) in all.into_iter().zip(subjects) {
            let detail = format!("user {}, {}", user.name, self.told());
            tx.record(Event::new(EventKind::UserCreated, Some(&self.realm.id), user.id.to_string(), detail));
            made.insert(subject, Made { user: user.id, is_new: true });
            self.report.created += 1;
        }
        // Looked at one by one, by the rules of a sign-in.
        for identity in rest {
            match self.decide(ctx, tx, identity).await? {
                Some(user) => drop(made.insert(identity.subject.as_str(), Made { user, is_new: false })),
                None => self.report.passed_over += 1,
            }
        }
        Ok(made)
    }

    fn user(&self, door: &Door, ctx: &Ctx, identity: &ExternalIdentity, name: UserName) -> Result<NewUser, Fault> {
        let fallback = DisplayText::parse(name.as_str())
            .map_err(|error| Fault::internal(format!("showing a user name: {error}")))?;
        let email_verified = is_authoritative(&self.connector.settings.linking, identity);
        let user = User {
            id: UserId::draw(&*door.dice),
            realm_id: self.realm.id.clone(),
            name,
            email: identity.email.clone().filter(|_| identity.email_verified),
            display: identity.display.clone().unwrap_or(fallback),
            is_active: true,
            created_at: ctx.now,
        };
        let profile = match email_verified {
            true => Profile { email_verified, ..Profile::default() }.to_text()?,
            false => "{}".to_owned(),
        };
        Ok(NewUser { user, profile })
    }

    /// Names and addresses that users have, among those these people would have.
    async fn taken(&self, tx: &mut Tx, new: &[&ExternalIdentity]) -> Result<HashSet<String>, Fault> {
        let mut all = BTreeSet::new();
        for identity in new {
            if let Some(name) = identity.name.as_deref().and_then(|name| UserName::parse(name).ok()) {
                all.extend(in_the_way(identity, &name));
            }
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut taken: HashSet<String> = sync::names(tx, &self.realm.id, &all).await?.into_iter().collect();
        let addresses: Vec<&str> = all.into_iter().filter(|text| text.contains('@')).collect();
        taken.extend(sync::addresses(tx, &self.realm.id, &addresses).await?);
        Ok(taken)
    }

    /// Somebody who may be a user that is there: linked if the rules say so.
    async fn decide(&mut self, ctx: &Ctx, tx: &mut Tx, identity: &ExternalIdentity) -> Result<Option<UserId>, Fault> {
        let known = known(tx, self.realm, self.connector, identity).await?;
        let Decision::Link(id) = decide(&self.connector.settings.linking, identity, known) else { return Ok(None) };
        users::hold(tx, &id).await?;
        let Some(user) = users::find(tx, &id).await? else { return Ok(None) };
        if !connectors::link(tx, identity.outsider(&self.connector.id), &id, ctx.now).await? {
            return Ok(None);
        }
        let detail = format!("user {}, {}", user.name, self.told());
        tx.record(Event::new(EventKind::UserLinked, Some(&self.realm.id), id.to_string(), detail));
        self.report.linked += 1;
        Ok(Some(id))
    }
}

/// What nobody else may have: the name, as an address too, and the address, as a name too.
fn in_the_way(identity: &ExternalIdentity, name: &UserName) -> BTreeSet<String> {
    let email = identity.email.as_ref();
    let as_name = email.and_then(|email| UserName::parse(email.as_str()).ok()).map(|name| name.as_str().to_owned());
    let as_address = EmailAddress::parse(name.as_str()).ok().map(|address| address.as_str().to_owned());
    let texts = [Some(name.as_str().to_owned()), email.map(|email| email.as_str().to_owned()), as_name, as_address];
    texts.into_iter().flatten().collect()
}

/// What a conflict means here.
fn at_once(fault: Fault) -> Fault {
    match fault.kind() {
        FaultKind::Conflict => {
            Fault::new(FaultKind::Conflict, "reading a directory", "somebody came at the same moment")
        }
        _ => fault,
    }
}
