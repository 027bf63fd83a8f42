//! What declared objects must be among themselves: each declared once, no group inside itself, no
//! address twice.

use super::complaint::{Complaint, Position};
use super::object::{Declared, DeclaredApp};
use crate::limits;
use doorward_model::name::{GroupName, RealmName};
use std::collections::HashMap;
use std::fmt::Display;

/// All complaints about the set, in the order of the objects.
pub(super) fn all(objects: &[Declared]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if objects.len() > limits::DECLARED_OBJECTS {
        let at = objects.get(limits::DECLARED_OBJECTS).map(position);
        let what = format!("more than {} objects are declared", limits::DECLARED_OBJECTS);
        return at.map(|at| Complaint::new(at, what, "split the set")).into_iter().collect();
    }
    complaints.extend(twice(objects));
    complaints.extend(cycles(objects));
    complaints.extend(addresses(objects));
    complaints
}

fn position(object: &Declared) -> &Position {
    match object {
        Declared::Realm(realm) => &realm.name.at,
        Declared::Group(group) => &group.name.at,
        Declared::User(user) => &user.name.at,
        Declared::Role(role) => &role.name.at,
        Declared::Scope(scope) => &scope.name.at,
        Declared::App(app) => &app.name.at,
        Declared::Client(client) => &client.name.at,
        Declared::Connector(connector) => &connector.name.at,
    }
}

/// An object as people name it.
fn label(object: &Declared) -> String {
    let within = |kind: &str, realm: &RealmName, name: &dyn Display| format!("{kind} {realm}/{name}");
    match object {
        Declared::Realm(realm) => format!("realm {}", realm.name.value),
        Declared::Group(group) => within("group", &group.realm.value, &group.name.value),
        Declared::User(user) => within("user", &user.realm.value, &user.name.value),
        Declared::Role(role) => within("role", &role.realm.value, &role.key()),
        Declared::Scope(scope) => within("scope", &scope.realm.value, &scope.name.value),
        Declared::App(app) => within("app", &app.realm.value, &app.name.value),
        Declared::Client(client) => within("client", &client.realm.value, &client.name.value),
        Declared::Connector(one) => within("connector", &one.realm.value, &one.name.value),
    }
}

fn twice(objects: &[Declared]) -> Vec<Complaint> {
    let mut first: HashMap<String, &Position> = HashMap::new();
    let mut complaints = Vec::new();
    for object in objects {
        let label = label(object);
        match first.get(&label) {
            Some(other) => {
                let what = format!("{label} is declared twice");
                complaints.push(Complaint::new(position(object), what, format!("the other stands at {other}")));
            }
            None => drop(first.insert(label, position(object))),
        }
    }
    complaints
}

fn cycles(objects: &[Declared]) -> Vec<Complaint> {
    let mut nesting = Nesting::default();
    let mut complaints = Vec::new();
    for object in objects {
        let Declared::Group(group) = object else { continue };
        for inner in group.groups.iter().flatten() {
            let edge = Edge { realm: &group.realm.value, outer: &group.name.value, inner: &inner.value };
            if let Err(complaint) = nesting.add(&edge, &inner.at) {
                complaints.push(complaint);
            }
        }
    }
    complaints
}

/// One group inside another.
pub(super) struct Edge<'a> {
    /// The realm of both.
    pub realm: &'a RealmName,
    /// The group around.
    pub outer: &'a GroupName,
    /// The group inside.
    pub inner: &'a GroupName,
}

/// Groups inside groups, never in a circle.
#[derive(Default)]
pub(super) struct Nesting<'a> {
    inside: HashMap<(&'a RealmName, &'a GroupName), Vec<&'a GroupName>>,
}

impl<'a> Nesting<'a> {
    /// Adds a nesting that is known to be sound.
    pub(super) fn keep(&mut self, edge: &Edge<'a>) {
        self.inside.entry((edge.realm, edge.outer)).or_default().push(edge.inner);
    }

    /// Adds a nesting, or says why it would put a group inside itself.
    pub(super) fn add(&mut self, edge: &Edge<'a>, at: &Position) -> Result<(), Complaint> {
        if let Some(way) = self.way(edge.realm, edge.inner, edge.outer) {
            let what = if edge.inner == edge.outer {
                format!("group {} stands inside itself", edge.outer)
            } else {
                let way: Vec<String> = way.iter().rev().map(ToString::to_string).collect();
                format!(
                    "group {} cannot lie inside {}, which lies inside it: {}",
                    edge.inner,
                    edge.outer,
                    way.join(" in ")
                )
            };
            return Err(Complaint::new(at, what, "remove one of these nestings"));
        }
        self.keep(edge);
        Ok(())
    }

    /// The groups from `outer` down to `inner`, if one lies inside the other.
    fn way(&self, realm: &RealmName, outer: &'a GroupName, inner: &GroupName) -> Option<Vec<&'a GroupName>> {
        let mut came_from: HashMap<&GroupName, Option<&'a GroupName>> = HashMap::from([(outer, None)]);
        let mut waiting: Vec<&'a GroupName> = vec![outer];
        while let Some(group) = waiting.pop() {
            if group == inner {
                let mut way = vec![group];
                let mut last = group;
                while let Some(Some(before)) = came_from.get(last) {
                    way.push(before);
                    last = before;
                }
                way.reverse();
                return Some(way);
            }
            for next in self.inside.get(&(realm, group)).into_iter().flatten() {
                if !came_from.contains_key(next) {
                    came_from.insert(next, Some(group));
                    waiting.push(next);
                }
            }
        }
        None
    }
}

/// Host and path prefix name an app, so no two may share them. Ports do not count: cookies ignore them.
fn addresses(objects: &[Declared]) -> Vec<Complaint> {
    let mut first: HashMap<(&str, &str), (&DeclaredApp, &Position)> = HashMap::new();
    let mut complaints = Vec::new();
    for object in objects {
        let Declared::App(app) = object else { continue };
        for (address, at) in app.settings.addresses.iter().zip(&app.addresses_at) {
            let place = (address.host().as_str(), address.prefix());
            match first.get(&place) {
                Some((other, there)) => {
                    let what =
                        format!("{address} is an address of app {}/{} already", other.realm.value, other.name.value);
                    let how = format!("remove it here or at {there}; ports make no difference");
                    complaints.push(Complaint::new(at, what, how));
                }
                None => drop(first.insert(place, (app, at))),
            }
        }
    }
    complaints
}
