//! What is declared of users besides names, and of realms besides their title.

use super::document::{Document, Text};
use super::object::Reader;
use doorward_engine::clients::{Lifetimes, PasswordSignIn, RealmSettings, SessionLives};
use doorward_engine::manage::{profiles, wrong};
use doorward_engine::token::Profile;
use doorward_model::limits as nouns;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// What is declared of a user besides names; what is absent is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredProfile {
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Whether the e-mail address is known to be the user's.
    pub email_verified: Option<bool>,
    /// Whether the password is kept for emergencies.
    pub break_glass: Option<bool>,
    /// Attributes by name; an empty list takes one away.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// The subject the user brought along.
    pub subject: Option<String>,
}

impl DeclaredProfile {
    /// The profile with what is declared.
    pub fn on(&self, now: &Profile) -> Profile {
        let mut attributes = now.attributes.clone();
        for (name, values) in &self.attributes {
            if values.is_empty() {
                attributes.remove(name);
            } else {
                attributes.insert(name.clone(), values.clone());
            }
        }
        Profile {
            email_verified: self.email_verified.unwrap_or(now.email_verified),
            break_glass: self.break_glass.unwrap_or(now.break_glass),
            given_name: self.given_name.clone().unwrap_or_else(|| now.given_name.clone()),
            family_name: self.family_name.clone().unwrap_or_else(|| now.family_name.clone()),
            attributes,
        }
    }
}

/// Lives that are declared of a realm, and whom passwords let in; what is absent is left as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeclaredLives {
    /// Lives of tokens.
    pub lifetimes: Lifetimes,
    /// Lives of sessions.
    pub sessions: SessionLives,
    /// Whom a password kept here lets in.
    pub password_sign_in: Option<PasswordSignIn>,
}

impl DeclaredLives {
    /// The settings with what is declared.
    pub fn on(&self, now: &RealmSettings) -> RealmSettings {
        let (tokens, sessions) = (&now.lifetimes, &now.sessions);
        RealmSettings {
            lifetimes: Lifetimes {
                access_seconds: self.lifetimes.access_seconds.or(tokens.access_seconds),
                refresh_seconds: self.lifetimes.refresh_seconds.or(tokens.refresh_seconds),
                offline_seconds: self.lifetimes.offline_seconds.or(tokens.offline_seconds),
            },
            sessions: SessionLives {
                idle_seconds: self.sessions.idle_seconds.or(sessions.idle_seconds),
                lifetime_seconds: self.sessions.lifetime_seconds.or(sessions.lifetime_seconds),
                remembered_idle_seconds: self.sessions.remembered_idle_seconds.or(sessions.remembered_idle_seconds),
                remembered_lifetime_seconds: self
                    .sessions
                    .remembered_lifetime_seconds
                    .or(sessions.remembered_lifetime_seconds),
            },
            password_sign_in: self.password_sign_in.unwrap_or(now.password_sign_in),
            rest: now.rest.clone(),
        }
    }
}

/// Lives of a realm's sessions, in seconds.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSessions {
    pub idle_seconds: Option<Spanned<i64>>,
    pub lifetime_seconds: Option<Spanned<i64>>,
    pub remembered_idle_seconds: Option<Spanned<i64>>,
    pub remembered_lifetime_seconds: Option<Spanned<i64>>,
}

/// Attributes by name, in the order they were written.
#[derive(Debug)]
pub(super) struct WrittenAttributes(Vec<(Text, Spanned<WrittenValues>)>);

impl<'de> Deserialize<'de> for WrittenAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attributes;
        impl<'de> Visitor<'de> for Attributes {
            type Value = WrittenAttributes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attributes by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenAttributes, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(WrittenAttributes(all))
            }
        }
        deserializer.deserialize_map(Attributes)
    }
}

/// One text or several.
#[derive(Debug)]
struct WrittenValues(Vec<String>);

impl<'de> Deserialize<'de> for WrittenValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = WrittenValues;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E>(self, text: &str) -> Result<WrittenValues, E> {
                Ok(WrittenValues(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenValues, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(WrittenValues(values))
            }
        }
        deserializer.deserialize_any(Values)
    }
}

impl Reader<'_> {
    pub(super) fn profile(&mut self, document: &Document) -> DeclaredProfile {
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.value.clone());
        let subject =
            self.optional(document.subject.as_ref(), |text| profiles::check_subject(text).map(|()| text.to_owned()));
        let mut declared = DeclaredProfile {
            given_name: text(&document.given_name),
            family_name: text(&document.family_name),
            email_verified: document.email_verified,
            break_glass: document.break_glass,
            attributes: BTreeMap::new(),
            subject,
        };
        self.judge(document.given_name.as_ref().or(document.family_name.as_ref()), &declared);
        for (name, written) in document.attributes.iter().flat_map(|attributes| &attributes.value.0) {
            let one = BTreeMap::from([(name.value.clone(), written.value.0.clone())]);
            if self.judge(Some(name), &DeclaredProfile { attributes: one, ..DeclaredProfile::default() }) {
                declared.attributes.insert(name.value.clone(), written.value.0.clone());
            }
        }
        if declared.attributes.len() > nouns::ATTRIBUTES
            && let Some(attributes) = &document.attributes
        {
            let what = format!("a user has at most {} attributes", nouns::ATTRIBUTES);
            self.complain(&self.at(attributes), what, "take some away");
        }
        declared
    }

    /// Whether what stands at a place is fit; complains when not.
    fn judge(&mut self, at: Option<&Text>, declared: &DeclaredProfile) -> bool {
        let Some(at) = at.map(|at| self.at(at)) else { return true };
        match profiles::check(&declared.on(&Profile::default())) {
            Ok(()) => true,
            Err(refused) => {
                self.complain(&at, refused.to_string(), "correct the value");
                false
            }
        }
    }

    pub(super) fn lives(&mut self, document: &Document) -> DeclaredLives {
        let lifetimes = self.lifetimes(document.client.lifetimes.as_ref());
        let password_sign_in = document.password_sign_in.as_ref().and_then(|written| {
            let rule = PasswordSignIn::parse(&written.value);
            if rule.is_none() {
                let what = format!("password_sign_in cannot be {:?}", written.value);
                self.complain(&self.at(written), what, "write everyone or break-glass");
            }
            rule
        });
        let lives = DeclaredLives { lifetimes, password_sign_in, ..Default::default() };
        let Some(written) = &document.sessions else { return lives };
        let all = [
            ("idle_seconds", &written.idle_seconds),
            ("lifetime_seconds", &written.lifetime_seconds),
            ("remembered_idle_seconds", &written.remembered_idle_seconds),
            ("remembered_lifetime_seconds", &written.remembered_lifetime_seconds),
        ];
        let seconds = |number: &Option<Spanned<i64>>| number.as_ref().map(|number| number.value);
        let sessions = SessionLives {
            idle_seconds: seconds(&written.idle_seconds),
            lifetime_seconds: seconds(&written.lifetime_seconds),
            remembered_idle_seconds: seconds(&written.remembered_idle_seconds),
            remembered_lifetime_seconds: seconds(&written.remembered_lifetime_seconds),
        };
        self.complain_of_lives(wrong::sessions(&sessions), &all);
        DeclaredLives { sessions, ..lives }
    }
}
