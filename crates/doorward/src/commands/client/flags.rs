//! Flags that making and changing a client share: redirect rules, who may enter, claims.

use crate::commands::Shell;
use crate::exit::{Exit, plain};
use clap::Args;
use doorward_engine::clients::mapper::Mapper;
use doorward_engine::clients::{ClientSettings, Workload};
use doorward_engine::token::claims::KNOWN_SCOPES;
use doorward_model::app::Access;
use doorward_model::id::{AppId, GroupId};
use doorward_model::name::{AppSlug, GroupName};
use doorward_model::people::Realm;
use doorward_platform::declared::client::{claim_name, fixed_claim, halves, rule};
use doorward_platform::declared::workload::workload;
use doorward_platform::limits;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;

/// Where browsers may be sent back to.
#[derive(Args, Debug, Default)]
pub struct Redirects {
    /// A URI browsers may be sent back to, compared byte for byte; may be repeated.
    #[arg(long, num_args = 1.., value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Everything below https://host/path/*; may be repeated. Risky.
    #[arg(long, num_args = 1.., value_name = "URI")]
    redirect_wildcard: Vec<String>,
    /// A regular expression for whole URIs, scheme and host written out; may be repeated. Risky.
    #[arg(long, num_args = 1.., value_name = "REGEX")]
    redirect_regex: Vec<String>,
    /// A URI on the person's own machine, at any port, such as http://127.0.0.1/cb; may be repeated.
    #[arg(long, num_args = 1.., value_name = "URI")]
    redirect_loopback: Vec<String>,
    /// A path at Doorward's own host; may be repeated.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    redirect_relative: Vec<String>,
}

impl Redirects {
    /// Exact URIs.
    pub fn exact(redirect_uri: Vec<String>) -> Self {
        Self { redirect_uri, ..Self::default() }
    }

    fn by_flag(&self) -> [(&'static str, &[String]); 5] {
        [
            ("exact", &self.redirect_uri),
            ("wildcard", &self.redirect_wildcard),
            ("regex", &self.redirect_regex),
            ("loopback", &self.redirect_loopback),
            ("relative", &self.redirect_relative),
        ]
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.by_flag().iter().all(|(_, texts)| texts.is_empty())
    }

    /// The rules; an empty text stands for none.
    pub fn rules<T: DeserializeOwned>(&self) -> Result<Vec<T>, Exit> {
        let mut rules = Vec::new();
        for (way, texts) in self.by_flag() {
            let flag = if way == "exact" { "--redirect-uri".to_owned() } else { format!("--redirect-{way}") };
            rules.extend(rules_of(&flag, way, texts)?);
        }
        Ok(rules)
    }
}

/// Redirect rules of one kind, each once; an empty text stands for none.
pub fn rules_of<T: DeserializeOwned>(flag: &str, way: &str, texts: &[String]) -> Result<Vec<T>, Exit> {
    let mut seen = HashSet::new();
    let given = texts.iter().filter(|text| !text.is_empty() && seen.insert(text.as_str()));
    given
        .map(|text| {
            rule(way, text).map_err(|sentence| {
                let (what, how) = halves(&sentence);
                Exit::usage(format!("{flag} `{}`: {what}: {how}", text.escape_debug()))
            })
        })
        .collect()
}

/// A list in which what was given twice stands once.
pub fn once<T: PartialEq>(given: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(given.len());
    for entry in given {
        if !kept.contains(&entry) {
            kept.push(entry);
        }
    }
    kept
}

/// What is risky about a client's redirect rules, and scopes that are not what they seem, a sentence for each.
pub fn risks(settings: &ClientSettings) -> Vec<String> {
    let of_redirects = settings.redirect_risks().filter_map(|(text, risk)| {
        let (what, how) = halves(risk?);
        Some(format!("{text}: {what}: {how}"))
    });
    of_redirects.chain(settings.scopes.iter().filter_map(|scope| meant(scope))).collect()
}

/// Says so when a scope of a client's own is nearly one that every client may ask for: declared like this it means nothing.
fn meant(scope: &str) -> Option<String> {
    let lower = scope.to_ascii_lowercase();
    let known = if lower == "offline" { "offline_access" } else { lower.as_str() };
    let is_meant = known != scope && KNOWN_SCOPES.contains(&known);
    is_meant.then(|| format!("scope {scope} means nothing here: {known} is meant, which every client may ask for"))
}

/// Who may enter, as typed.
#[derive(Args, Debug, Default)]
#[group(id = "rule", multiple = false)]
pub struct RuleFlags {
    /// The app it belongs to: whoever may enter the app may sign in through it.
    #[arg(long, value_name = "APP", value_parser = AppSlug::parse)]
    app: Option<AppSlug>,
    /// A group that may sign in through it; may be repeated.
    #[arg(long, num_args = 1.., value_name = "GROUP", value_parser = GroupName::parse)]
    allow: Vec<GroupName>,
    /// Let every user of the realm sign in through it.
    #[arg(long)]
    everyone: bool,
}

/// Who may enter.
#[derive(Debug)]
pub enum Rule {
    /// Whoever may enter the app.
    App(AppSlug),
    /// Members of these groups.
    Groups(Vec<GroupName>),
    /// Every user of the realm.
    Everyone,
    /// Nobody.
    Nobody,
}

impl RuleFlags {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.app.is_none() && self.allow.is_empty() && !self.everyone
    }

    /// What was given, if anything.
    pub fn rule(self) -> Option<Rule> {
        match self {
            Self { app: Some(app), .. } => Some(Rule::App(app)),
            Self { everyone: true, .. } => Some(Rule::Everyone),
            Self { allow, .. } if !allow.is_empty() => Some(Rule::Groups(allow)),
            Self { .. } => None,
        }
    }
}

impl Rule {
    /// The rule with ids for names.
    pub async fn find(&self, shell: &Shell, realm: &Realm) -> Result<(Option<AppId>, Access), Exit> {
        let mut groups: Vec<GroupId> = Vec::new();
        match self {
            Self::App(app) => return Ok((Some(shell.app(realm, app).await?.id), Access::default())),
            Self::Groups(names) => {
                for name in names {
                    let id = shell.group(realm, name).await?.id;
                    if !groups.contains(&id) {
                        groups.push(id);
                    }
                }
            }
            Self::Everyone | Self::Nobody => {}
        }
        Ok((None, Access { everyone: matches!(self, Self::Everyone), groups, ..Access::default() }))
    }
}

/// `NAME=VALUE`: a claim that is the same for everybody.
pub fn claim(text: &str) -> Result<Mapper, String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as team=data")?;
    fixed_claim(name, value.into())
}

/// An audience of access tokens.
pub fn audience(text: &str) -> Result<Mapper, String> {
    claim_name("audience", text).map(Mapper::Audience)
}

/// Refuses lists nobody reads.
pub fn check_counts(settings: &ClientSettings) -> Result<(), Exit> {
    let counts = [
        ("--scope", settings.scopes.len(), limits::CLIENT_WORDS),
        ("--authorization-details", settings.authorization_details.len(), limits::CLIENT_WORDS),
        ("--web-origin", settings.web_origins.len(), limits::CLIENT_WORDS),
        ("--exchange-for", settings.exchange_for.len(), limits::CLIENT_WORDS),
        ("--claim and --audience", settings.mappers.len(), limits::CLIENT_MAPPERS),
    ];
    match counts.iter().find(|(_, count, most)| count > most) {
        Some((flag, count, most)) => Err(Exit::usage(format!("{flag}: {count} are given: give at most {most}"))),
        None => Ok(()),
    }
}

/// A file that says whose workloads may speak as a client.
pub fn workload_file(path: &str) -> Result<Workload, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(WORKLOAD_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{path} cannot be read: {}", plain(&error)))?;
    if text.len() as u64 > WORKLOAD_BYTES {
        return Err(format!("{path} is longer than {WORKLOAD_BYTES} bytes"));
    }
    workload(&text).map_err(|sentence| format!("{path}: {sentence}"))
}

/// Longest such file, in bytes: a full set of keys fits.
const WORKLOAD_BYTES: u64 = 256 * 1024;

/// A life, in seconds.
pub fn seconds(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|seconds| *seconds >= 1);
    number.ok_or_else(|| "write a number of seconds, such as 300".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{claim, seconds};

    #[test]
    fn a_claim_is_a_name_and_a_value() {
        assert!(claim("team=data=x").is_ok_and(|mapper| format!("{mapper:?}").contains("\"data=x\"")));
        for bad in ["team", "=x", "a b=x", "sub=x", "aud=x"] {
            assert!(claim(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_life_is_a_positive_number() {
        assert_eq!(seconds("300"), Ok(300));
        assert!(["0", "-1", "5m", "", "9223372036854775808"].iter().all(|bad| seconds(bad).is_err()));
    }
}
