//! Texts with fixed placeholders, for claims. No expressions: what stands in braces is looked up, or was refused
//! when the text was declared.

use super::mapper::Facts;
use crate::limits;
use serde::{Deserialize, Serialize};

/// Something known about a user, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// The id.
    Id,
    /// What the user signs in with.
    Name,
    /// The e-mail address.
    Email,
    /// The name for people.
    Display,
    /// First name.
    GivenName,
    /// Family name.
    FamilyName,
}

impl Property {
    /// All of them, with their names in templates and declared files.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Id, "id"),
        (Self::Name, "name"),
        (Self::Email, "email"),
        (Self::Display, "display"),
        (Self::GivenName, "given_name"),
        (Self::FamilyName, "family_name"),
    ];

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(property, _)| property)
    }

    /// Its value; `None` where nothing is known, and for a client that speaks for itself.
    pub fn of<'a>(self, facts: &Facts<'a>) -> Option<&'a str> {
        let user = facts.user?;
        let text = match self {
            Self::Id => user.id.as_str(),
            Self::Name => user.name.as_str(),
            Self::Email => user.email.as_ref()?.as_str(),
            Self::Display => user.display.as_str(),
            Self::GivenName => &facts.profile.given_name,
            Self::FamilyName => &facts.profile.family_name,
        };
        (!text.is_empty()).then_some(text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    User(Property),
    Attribute(String),
    Client,
}

/// A text with placeholders: `{user.name}`, `{user.attributes.team}`, `{client}`; `{{` and `}}` for braces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence of what is wrong: an unknown placeholder, an open brace, a text that is too long.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > limits::TEMPLATE_BYTES {
            return Err(format!("a template has 1 to {} bytes", limits::TEMPLATE_BYTES));
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                '{' | '}' if rest.peek() == Some(&letter) => {
                    rest.next();
                    plain.push(letter);
                }
                '{' => {
                    let mut name = String::new();
                    let is_closed = rest.by_ref().any(|letter| {
                        name.extend((letter != '}').then_some(letter));
                        letter == '}'
                    });
                    if !is_closed {
                        return Err("a { is not closed in the template: write {{ for the letter".to_owned());
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(placeholder(&name)?);
                }
                '}' => return Err("a } stands alone in the template: write }} for the letter".to_owned()),
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if parts.len() > limits::TEMPLATE_PARTS {
            return Err(format!("a template has at most {} parts", limits::TEMPLATE_PARTS));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text with everything looked up; `None` when something in it is not known.
    pub fn fill(&self, facts: &Facts<'_>) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            text.push_str(match part {
                Part::Text(plain) => plain,
                Part::User(property) => property.of(facts)?,
                Part::Attribute(name) => facts.profile.attributes.get(name)?.first()?,
                Part::Client => facts.client,
            });
        }
        Some(text)
    }
}

fn placeholder(name: &str) -> Result<Part, String> {
    if name == "client" {
        return Ok(Part::Client);
    }
    let of_user = name.strip_prefix("user.").unwrap_or_default();
    if let Some(attribute) = of_user.strip_prefix("attributes.").filter(|attribute| !attribute.is_empty()) {
        return Ok(Part::Attribute(attribute.to_owned()));
    }
    if let Some(property) = Property::parse(of_user) {
        return Ok(Part::User(property));
    }
    let known: Vec<String> = Property::ALL.iter().map(|(_, name)| format!("{{user.{name}}}")).collect();
    let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
    Err(format!(
        "the placeholder `{{{shown}}}` is not one of {}, {{user.attributes.NAME}}, {{client}}",
        known.join(", ")
    ))
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl std::convert::From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn what_is_not_a_placeholder_is_refused() {
        for good in ["{user.name}", "x-{user.attributes.a.b}-{client}", "{{{user.email}}}", "plain", "{{}}"] {
            assert!(Template::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["{user}", "{user.password}", "{user.attributes.}", "{name}", "{client", "a}", "{}", "", "{user.name"]
        {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        assert!(Template::parse(&"a".repeat(1025)).is_err());
        assert!(Template::parse(&"{client}".repeat(33)).is_err());
    }
}
