//! What a tool is told about a visitor, independent of header families: the facts themselves, and the
//! signed token that carries them. OIDC Core §5.1 claim names, RFC 7519.

use crate::door::Door;
use crate::gate::check::Holder;
use crate::live::apps::Place;
use crate::manage::tokens::told_name;
use doorward_jose::algorithm::Algorithm;
use doorward_model::fault::Fault;
use doorward_model::limits;
use doorward_model::people::{Group, User};
use doorward_model::time::Timestamp;
use serde_json::json;

/// Who came, in words tools understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The immutable id.
    pub subject: String,
    /// The sign-in name.
    pub user_name: String,
    /// The e-mail address, empty when unknown.
    pub email: String,
    /// The name for people.
    pub display: String,
    /// Names of all groups, in order.
    pub groups: Vec<String>,
    /// The session's id, empty for machines.
    pub session: String,
}

impl Identity {
    /// The identity of a holder; `None` for nobody.
    pub fn of(holder: &Holder) -> Option<Self> {
        match holder {
            Holder::Nobody => None,
            Holder::Person(pass) => {
                let person = &pass.session.person;
                Some(Self::of_person((&person.user, &person.groups), pass.session.id.to_string()))
            }
            Holder::Machine(live) if let Some((user, groups)) = &live.owner => {
                Some(Self::of_person((user, groups), String::new()))
            }
            Holder::Machine(token) => {
                let name = told_name(&token.token.name);
                Some(Self {
                    subject: token.token.id.to_string(),
                    user_name: name.clone(),
                    email: String::new(),
                    display: name,
                    groups: Vec::new(),
                    session: String::new(),
                })
            }
        }
    }

    fn of_person((user, groups): (&User, &[Group]), session: String) -> Self {
        Self {
            subject: user.id.to_string(),
            user_name: user.name.to_string(),
            email: user.email.as_ref().map(ToString::to_string).unwrap_or_default(),
            display: user.display.to_string(),
            groups: groups.iter().map(|group| group.name.to_string()).collect(),
            session,
        }
    }

    /// Signs a token for one app: its audience is the app's slug, so that it is good at no other.
    pub fn token(&self, door: &Door, place: &Place, realm: &str, now: Timestamp) -> Result<String, Fault> {
        let key = door
            .keys
            .signing(&place.app.realm_id, Algorithm::Es256)
            .ok_or_else(|| Fault::internal(format!("finding a signing key of realm {}", place.app.realm_id)))?;
        let mut claims = json!({
            "iss": door.settings.public.url(&format!("/realms/{realm}")),
            "aud": place.app.slug.as_str(),
            "sub": self.subject,
            "iat": now.seconds(),
            "exp": now.plus_seconds(limits::IDENTITY_TOKEN_SECONDS).seconds(),
            "preferred_username": self.user_name,
            "name": self.display,
            "groups": self.groups,
        });
        if let Some(object) = claims.as_object_mut() {
            if !self.email.is_empty() {
                object.insert("email".to_owned(), json!(self.email));
            }
            if !self.session.is_empty() {
                object.insert("sid".to_owned(), json!(self.session));
            }
        }
        key.sign("JWT", &claims)
    }
}
