//! What changes among mappers, in words: what is told, from where, and where.

use super::object::shown;
use doorward_engine::clients::mapper::{From, Mapper, Tell};
use doorward_engine::clients::template::Property;
use serde_json::Value;

/// A phrase for each mapper that comes, goes or changes.
pub(super) fn changes(old: &[Mapper], new: &[Mapper]) -> Vec<String> {
    let mut gone: Vec<&Mapper> = old.iter().filter(|mapper| !new.contains(mapper)).collect();
    let mut changes = Vec::new();
    for mapper in new.iter().filter(|mapper| !old.contains(mapper)) {
        let subject = subject(mapper);
        let former = gone.iter().position(|former| self::subject(former) == subject);
        changes.push(match former.map(|place| gone.remove(place)) {
            Some(former) => format!("mapper {subject}: {} → {}", told(former), told(mapper)),
            None if told(mapper).is_empty() => format!("mapper +{subject}"),
            None => format!("mapper +{subject}: {}", told(mapper)),
        });
    }
    changes.extend(gone.into_iter().map(|mapper| format!("mapper -{}", subject(mapper))));
    match changes.is_empty() && old != new {
        true => vec!["mappers: the same in another order or number".to_owned()],
        false => changes,
    }
}

/// What a mapper tells.
fn subject(mapper: &Mapper) -> String {
    match mapper {
        Mapper::Claim { path, .. } => format!("claim {}", shown(&path.join(" → "))),
        Mapper::Audience(audience) => format!("audience {}", shown(audience)),
    }
}

/// From where, and where; empty for an audience.
fn told(mapper: &Mapper) -> String {
    match mapper {
        Mapper::Claim { from, tell, .. } => format!("{}, {}", source(from), places(tell)),
        Mapper::Audience(_) => String::new(),
    }
}

fn source(from: &From) -> String {
    let those = |what: &str, prefix: &str| match prefix {
        "" => what.to_owned(),
        prefix => format!("{what} {}*", shown(prefix)),
    };
    let with = |add: &str| match add {
        "" => String::new(),
        add => format!(" with `{}` before each", shown(add)),
    };
    match from {
        From::Attribute { name, many: false } => format!("attribute {}", shown(name)),
        From::Attribute { name, many: true } => format!("all values of attribute {}", shown(name)),
        From::Groups { prefix } => those("groups", prefix),
        From::GroupPaths { prefix } => those("paths of groups", prefix),
        From::RealmRoles { prefix, add } => format!("{}{}", those("roles of the realm", prefix), with(add)),
        From::ClientRoles { client, add } => format!("roles of client {}{}", shown(client), with(add)),
        From::Property(property) => {
            let known = Property::ALL.iter().find(|(known, _)| known == property);
            format!("the user's {}", known.map_or("property", |(_, name)| name))
        }
        From::Template(template) => format!("template `{}`", shown(template.as_str())),
        From::Joined { with, of } => format!("{} joined by `{}`", source(of), shown(with)),
        From::Value(Value::String(text)) => format!("the value `{}`", shown(text)),
        From::Value(value) => format!("the value `{}`", shown(&value.to_string())),
    }
}

fn places(tell: &Tell) -> String {
    if *tell == Tell::default() {
        return "told everywhere".to_owned();
    }
    let introspection = tell.introspection.unwrap_or(tell.access);
    let all = [(tell.access, "access"), (tell.id, "id"), (tell.userinfo, "userinfo"), (introspection, "introspection")];
    let places: Vec<&str> = all.into_iter().filter(|(is_told, _)| *is_told).map(|(_, place)| place).collect();
    if places.is_empty() { "told nowhere".to_owned() } else { format!("told in {}", places.join(", ")) }
}
