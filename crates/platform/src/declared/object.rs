//! Declared objects with checked names. Every name that others refer to keeps its place, so that what
//! is found out later can still be pointed at.

use super::check;
use super::client::DeclaredClient;
use super::complaint::{Complaint, Position};
use super::connector::DeclaredConnector;
use super::document::{Document, KINDS, Text, read};
use super::near::near;
use super::profile::{DeclaredLives, DeclaredProfile};
use super::role::{DeclaredRole, RoleKey};
use super::scope::DeclaredScope;
use super::secret::SecretReference;
use crate::limits;
use doorward_model::address::Address;
use doorward_model::app::{AppSettings, HeaderFamily, Icon, PublicPath};
use doorward_model::limits as nouns;
use doorward_model::name::{AppSlug, DisplayText, EmailAddress, GroupName, RealmName, UserName};
use doorward_model::ways::WayName;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde_saphyr::{Location, Spanned};
use std::fmt::Display;
use std::sync::Arc;

/// Says what is wrong with an upstream and what to do about it. Given by the program, which knows the
/// built-in proxy; this crate does not.
pub type CheckUpstream = fn(&str) -> Result<(), (String, String)>;

/// What declared files are read with.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Realm of objects that name none.
    pub realm: RealmName,
    /// Whether objects of any other realm are refused: somebody named the realm for this call.
    pub is_only_realm: bool,
    /// The check of upstreams.
    pub upstream: CheckUpstream,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Position,
}

/// A declared object.
#[derive(Debug, Clone, PartialEq)]
pub enum Declared {
    /// `kind: Realm`.
    Realm(DeclaredRealm),
    /// `kind: Group`.
    Group(DeclaredGroup),
    /// `kind: User`.
    User(DeclaredUser),
    /// `kind: Role`.
    Role(DeclaredRole),
    /// `kind: App`.
    App(Box<DeclaredApp>),
    /// `kind: ClientScope`.
    Scope(Box<DeclaredScope>),
    /// `kind: Client`.
    Client(Box<DeclaredClient>),
    /// `kind: Connector`.
    Connector(Box<DeclaredConnector>),
}

/// A declared realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredRealm {
    /// Its name.
    pub name: Located<RealmName>,
    /// Its name for people; left as it is when absent.
    pub title: Option<DisplayText>,
    /// Lives of tokens and sessions.
    pub lives: DeclaredLives,
}

/// A declared group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredGroup {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its name.
    pub name: Located<GroupName>,
    /// Users in it; a list owns every declared membership of the group, no list owns none.
    pub members: Option<Vec<Located<UserName>>>,
    /// Groups inside it; a list owns every declared nesting in the group, no list owns none.
    pub groups: Option<Vec<Located<GroupName>>>,
    /// Roles everybody in it has; a list owns every declared one of the group, no list owns none.
    pub roles: Option<Vec<Located<RoleKey>>>,
}

/// A declared user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredUser {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its sign-in name.
    pub name: Located<UserName>,
    /// Its name for people; left as it is when absent.
    pub display: Option<DisplayText>,
    /// Its e-mail address; left as it is when absent.
    pub email: Option<EmailAddress>,
    /// Whether it may sign in; when absent, new users may and known ones are left as they are, so that
    /// applying a file does not undo a hand that disabled somebody.
    pub active: Option<bool>,
    /// First password; used only while the user has none.
    pub password: Option<SecretReference>,
    /// Groups it is in; a list owns every declared membership of the user, no list owns none.
    pub groups: Option<Vec<Located<GroupName>>>,
    /// What is known besides.
    pub profile: DeclaredProfile,
    /// Roles it has; a list owns every declared one of the user, no list owns none.
    pub roles: Option<Vec<Located<RoleKey>>>,
}

/// A declared app. It is owned as a whole: what is absent is reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredApp {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its name.
    pub name: Located<AppSlug>,
    /// Groups that may enter.
    pub allowed_groups: Vec<Located<GroupName>>,
    /// Whether every signed-in user of the realm may enter.
    pub everyone: bool,
    /// The ways in that count there; none for every one.
    pub connectors: Vec<Located<WayName>>,
    /// Everything else.
    pub settings: AppSettings,
    /// Where each of the addresses stands, in the order of `settings.addresses`.
    pub addresses_at: Vec<Position>,
}

/// Reads the objects of one file. `source_name` stands in every complaint.
pub fn parse(source_name: &str, text: &str, reading: &Reading) -> Result<Vec<Declared>, Vec<Complaint>> {
    let objects = parse_alone(source_name, text, reading)?;
    let complaints = check::all(&objects);
    if complaints.is_empty() { Ok(objects) } else { Err(complaints) }
}

/// Reads the objects of several files, given as (name, text), that belong together.
pub fn parse_all(files: &[(String, String)], reading: &Reading) -> Result<Vec<Declared>, Vec<Complaint>> {
    let mut objects = Vec::new();
    let mut complaints = Vec::new();
    for (name, text) in files {
        match parse_alone(name, text, reading) {
            Ok(found) => objects.extend(found),
            Err(found) => complaints.extend(found),
        }
    }
    complaints.extend(check::all(&objects));
    if complaints.is_empty() { Ok(objects) } else { Err(complaints) }
}

fn parse_alone(source_name: &str, text: &str, reading: &Reading) -> Result<Vec<Declared>, Vec<Complaint>> {
    let file: Arc<str> = source_name.into();
    let documents = read(&file, text).map_err(|complaint| vec![complaint])?;
    let mut reader = Reader { file, reading, complaints: Vec::new() };
    let mut objects = Vec::with_capacity(documents.len());
    for document in &documents {
        objects.extend(reader.object(document));
        if reader.complaints.len() >= limits::COMPLAINTS {
            break;
        }
    }
    reader.complaints.sort_by(|a, b| a.at.cmp(&b.at));
    if reader.complaints.is_empty() { Ok(objects) } else { Err(reader.complaints) }
}

/// Turns documents into objects and gathers what is wrong on the way.
pub(super) struct Reader<'a> {
    file: Arc<str>,
    reading: &'a Reading,
    complaints: Vec<Complaint>,
}

impl Reader<'_> {
    fn object(&mut self, document: &Spanned<Document>) -> Option<Declared> {
        let written = &document.value;
        let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        let Some(kind) = &written.kind else {
            let at = Position::new(&self.file, document.referenced);
            return self.no(&at, "the object has no kind", format!("add kind: with one of {}", known.join(", ")));
        };
        let Some((kind, keys)) = KINDS.iter().find(|(name, _)| *name == kind.value) else {
            let at = self.at(kind);
            let what = format!("the kind `{}` is unknown", shown(&kind.value));
            let meant = near(&kind.value, &known).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            return self.no(&at, what, format!("{meant}use one of {}", known.join(", ")));
        };
        self.check_keys(kind, keys, written);
        match *kind {
            "Realm" => self.realm(document).map(Declared::Realm),
            "Group" => self.group(document).map(Declared::Group),
            "User" => self.user(document).map(Declared::User),
            "Role" => self.role(document).map(Declared::Role),
            "ClientScope" => self.client_scope(document).map(|scope| Declared::Scope(Box::new(scope))),
            "Connector" => self.connector(document).map(|one| Declared::Connector(Box::new(one))),
            "App" => self.app(document).map(|app| Declared::App(Box::new(app))),
            _ => self.client(document).map(|client| Declared::Client(Box::new(client))),
        }
    }

    fn realm(&mut self, document: &Spanned<Document>) -> Option<DeclaredRealm> {
        let written = &document.value;
        let title = self.optional(written.title.as_ref(), DisplayText::parse);
        let name = self.name(document, RealmName::parse)?;
        self.check_realm(&name);
        let lives = self.lives(written);
        Some(DeclaredRealm { name, title, lives })
    }

    fn group(&mut self, document: &Spanned<Document>) -> Option<DeclaredGroup> {
        let written = &document.value;
        let members = written.members.as_ref().map(|list| self.list(list, limits::LIST_ENTRIES, UserName::parse));
        let groups = written.groups.as_ref().map(|list| self.list(list, limits::LIST_ENTRIES, GroupName::parse));
        let realm = self.of_realm(document);
        let name = self.name(document, GroupName::parse);
        let roles = self.roles(written.roles.as_ref());
        Some(DeclaredGroup { realm: realm?, name: name?, members, groups, roles })
    }

    fn user(&mut self, document: &Spanned<Document>) -> Option<DeclaredUser> {
        let written = &document.value;
        let display = self.optional(written.display.as_ref(), DisplayText::parse);
        let email = self.optional(written.email.as_ref(), EmailAddress::parse);
        let groups = written.groups.as_ref().map(|list| self.list(list, limits::LIST_ENTRIES, GroupName::parse));
        let password = self.secret("password", written.password.as_ref());
        let realm = self.of_realm(document);
        let name = self.name(document, UserName::parse);
        let roles = self.roles(written.roles.as_ref());
        let profile = self.profile(written);
        let (realm, name, active) = (realm?, name?, written.active);
        Some(DeclaredUser { realm, name, display, email, active, password, groups, profile, roles })
    }

    fn app(&mut self, document: &Spanned<Document>) -> Option<DeclaredApp> {
        let written = &document.value;
        let realm = self.of_realm(document);
        let name = self.name(document, AppSlug::parse);
        let title = self.optional(written.title.as_ref(), DisplayText::parse);
        let addresses = self.addresses(document);
        let allowed_groups = match &written.allowed_groups {
            Some(list) => self.list(list, nouns::APP_GROUPS, GroupName::parse),
            None => Vec::new(),
        };
        let public_paths = match &written.public_paths {
            Some(list) => self.list(list, nouns::APP_PUBLIC_PATHS, PublicPath::parse),
            None => Vec::new(),
        };
        let headers = match &written.headers {
            Some(list) => self.list(list, HeaderFamily::ALL.len(), |text| word("header family", text)),
            None => Vec::new(),
        };
        let upstream = self.upstream(written.upstream.as_ref());
        let icon = self.optional(written.icon.as_ref(), |text| word::<Icon>("icon", text));
        let description = self.optional(written.description.as_ref(), DisplayText::parse);
        let how_to_ask = self.optional(written.how_to_ask.as_ref(), DisplayText::parse);
        let (realm, name) = (realm?, name?);
        let title = match title {
            Some(title) => title,
            None => DisplayText::parse(name.value.as_str()).ok()?,
        };
        let (addresses, addresses_at) = addresses.into_iter().map(|address| (address.value, address.at)).unzip();
        let settings = AppSettings {
            title,
            description,
            icon: icon.unwrap_or_default(),
            addresses,
            upstream,
            public_paths: values(public_paths),
            headers: values(headers),
            bearer_token: written.bearer_token.unwrap_or(false),
            how_to_ask,
        };
        let everyone = written.everyone.unwrap_or(false);
        self.own_rule(written);
        let connectors = self.ways(written);
        Some(DeclaredApp { realm, name, allowed_groups, everyone, connectors, settings, addresses_at })
    }

    fn addresses(&mut self, document: &Spanned<Document>) -> Vec<Located<Address>> {
        let addresses = match &document.value.addresses {
            Some(list) => self.list(list, nouns::APP_ADDRESSES, Address::parse),
            None => Vec::new(),
        };
        let written = document.value.addresses.as_ref().is_some_and(|list| !list.value.is_empty());
        if !written {
            let place = document.value.addresses.as_ref().map_or(document.referenced, |list| list.referenced);
            let at = Position::new(&self.file, place);
            self.complain(&at, "the app has no address", "add addresses: [https://tool.example.com]");
        }
        addresses
    }

    fn upstream(&mut self, text: Option<&Text>) -> Option<String> {
        let text = text?;
        match (self.reading.upstream)(&text.value) {
            Ok(()) => Some(text.value.clone()),
            Err((what, how)) => {
                let at = self.at(text);
                self.no(&at, what, how)
            }
        }
    }

    pub(super) fn of_realm(&mut self, document: &Spanned<Document>) -> Option<Located<RealmName>> {
        match &document.value.realm {
            Some(text) => {
                let realm = self.located(text, RealmName::parse)?;
                self.check_realm(&realm);
                Some(realm)
            }
            None => {
                let at = Position::new(&self.file, document.referenced);
                Some(Located { value: self.reading.realm.clone(), at })
            }
        }
    }

    /// Complains about a realm other than the only one.
    fn check_realm(&mut self, realm: &Located<RealmName>) {
        let only = &self.reading.realm;
        if self.reading.is_only_realm && realm.value != *only {
            let what = format!("realm {} stands here and --realm says {only}", realm.value);
            self.complain(&realm.at, what, "correct one of the two, or leave out --realm");
        }
    }

    pub(super) fn name<T, E: Display>(
        &mut self,
        document: &Spanned<Document>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Located<T>> {
        match &document.value.name {
            Some(text) => self.located(text, parse),
            None => {
                let at = Position::new(&self.file, document.referenced);
                self.no(&at, "the object has no name", "add name: …")
            }
        }
    }

    pub(super) fn optional<T, E: Display>(
        &mut self,
        text: Option<&Text>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        text.and_then(|text| self.located(text, parse)).map(|located| located.value)
    }

    pub(super) fn located<T, E: Display>(
        &mut self,
        text: &Text,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Located<T>> {
        let at = self.at(text);
        let value = self.parsed(&at, &text.value, parse)?;
        Some(Located { value, at })
    }

    pub(super) fn parsed<T, E: Display>(
        &mut self,
        at: &Position,
        text: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => self.no(at, error.to_string(), "correct the value"),
        }
    }

    /// Whether an app or a client says itself who may enter; complains when it says so in two ways.
    pub(super) fn own_rule(&mut self, written: &Document) -> bool {
        let groups = written.allowed_groups.as_ref().filter(|list| !list.value.is_empty());
        let everyone = written.everyone.unwrap_or(false);
        if let Some(place) = written.key_at("everyone").filter(|_| everyone && groups.is_some()) {
            self.complain(&self.place(place), "everyone and allowed_groups", "keep one of them");
        }
        everyone || groups.is_some()
    }

    fn check_keys(&mut self, kind: &str, keys: &[&str], written: &Document) {
        for key in &written.keys {
            if (key.value == "kind") || keys.contains(&key.value.as_str()) {
                continue;
            }
            let at = self.at(key);
            let what = format!("{kind} has no key `{}`", shown(&key.value));
            let meant = near(&key.value, keys).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            self.complain(&at, what, format!("{meant}its keys are {}", keys.join(", ")));
        }
    }

    /// How many complaints there are so far.
    pub(super) fn count(&self) -> usize {
        self.complaints.len()
    }

    pub(super) fn at<T>(&self, value: &Spanned<T>) -> Position {
        self.place(value.referenced)
    }

    pub(super) fn place(&self, location: Location) -> Position {
        Position::new(&self.file, location)
    }

    pub(super) fn complain(&mut self, at: &Position, what: impl Into<String>, how: impl Into<String>) {
        if self.complaints.len() < limits::COMPLAINTS {
            self.complaints.push(Complaint::new(at, what, how));
        }
    }

    pub(super) fn no<T>(&mut self, at: &Position, what: impl Into<String>, how: impl Into<String>) -> Option<T> {
        self.complain(at, what, how);
        None
    }
}

/// One of a fixed set of words, as the model spells them.
pub(super) fn word<'de, T: Deserialize<'de>>(what: &str, text: &'de str) -> Result<T, String> {
    let parsed: Result<T, serde::de::value::Error> = T::deserialize(text.into_deserializer());
    parsed.map_err(|error| {
        let error = error.to_string();
        let expected = error.split("expected ").nth(1).unwrap_or("another word").replace('`', "");
        format!("the {what} `{}` is not {expected}", shown(text))
    })
}

pub(super) fn values<T>(located: Vec<Located<T>>) -> Vec<T> {
    located.into_iter().map(|entry| entry.value).collect()
}

/// Text from a file, fit for one line of a complaint.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
