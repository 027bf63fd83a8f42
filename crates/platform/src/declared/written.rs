//! What stands in a declared client, as it was written: redirect rules, lifetimes and mappers are objects of
//! their own. Nothing is judged here but the shape.

use super::document::{List, Text};
use super::workload::Workloads;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use std::fmt;

pub(super) type Rules = Spanned<Vec<Spanned<WrittenRule>>>;

/// The keys that only a client has.
#[derive(Debug, Default)]
pub(super) struct WrittenClient {
    pub public: Option<bool>,
    pub redirect_uris: Option<Rules>,
    pub post_logout_redirect_uris: Option<Rules>,
    pub web_origins: Option<List>,
    pub grants: Option<List>,
    pub scopes: Option<List>,
    pub consent: Option<Text>,
    pub app: Option<Text>,
    pub pkce_optional: Option<bool>,
    pub dpop_bound: Option<bool>,
    pub backchannel_logout_uri: Option<Text>,
    pub frontchannel_logout_uri: Option<Text>,
    pub lifetimes: Option<WrittenLifetimes>,
    pub mappers: Option<Spanned<Vec<Spanned<WrittenMapper>>>>,
    pub algorithm: Option<Text>,
    pub authentication: Option<Text>,
    pub jwks: Option<Spanned<serde_json::Value>>,
    pub tls_subject: Option<Text>,
    pub certificate_bound: Option<bool>,
    pub pairwise_sector: Option<Text>,
    pub userinfo_algorithm: Option<Text>,
    pub paths: Option<Text>,
    pub exchange_for: Option<List>,
    pub workloads: Option<Workloads>,
    pub require_pushed: Option<bool>,
    pub require_signed_request: Option<bool>,
    pub authorization_details: Option<List>,
    pub tolerates_prompt_none: Option<bool>,
}

impl WrittenClient {
    /// Where the value of a key stands, of those whose values have a place.
    pub(super) fn value_at(&self, key: &str) -> Option<Location> {
        let of_text = |text: &Option<Text>| text.as_ref().map(|text| text.referenced);
        match key {
            "grants" => self.grants.as_ref().map(|list| list.referenced),
            "redirect_uris" => self.redirect_uris.as_ref().map(|list| list.referenced),
            "workloads" => self.workloads.as_ref().map(|list| list.referenced),
            "mappers" => self.mappers.as_ref().map(|list| list.referenced),
            "jwks" => self.jwks.as_ref().map(|set| set.referenced),
            "tls_subject" => of_text(&self.tls_subject),
            "authentication" => of_text(&self.authentication),
            _ => None,
        }
    }

    /// Takes the value of a key; `false` when it is none of these.
    pub(super) fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "public" => self.public = Some(map.next_value()?),
            "redirect_uris" => self.redirect_uris = Some(map.next_value()?),
            "post_logout_redirect_uris" => self.post_logout_redirect_uris = Some(map.next_value()?),
            "web_origins" => self.web_origins = Some(map.next_value()?),
            "grants" => self.grants = Some(map.next_value()?),
            "scopes" => self.scopes = Some(map.next_value()?),
            "consent" => self.consent = Some(map.next_value()?),
            "app" => self.app = Some(map.next_value()?),
            "pkce_optional" => self.pkce_optional = Some(map.next_value()?),
            "dpop_bound" => self.dpop_bound = Some(map.next_value()?),
            "backchannel_logout_uri" => self.backchannel_logout_uri = Some(map.next_value()?),
            "frontchannel_logout_uri" => self.frontchannel_logout_uri = Some(map.next_value()?),
            "lifetimes" => self.lifetimes = Some(map.next_value()?),
            "mappers" => self.mappers = Some(map.next_value()?),
            "paths" => self.paths = Some(map.next_value()?),
            "exchange_for" => self.exchange_for = Some(map.next_value()?),
            "workloads" => self.workloads = Some(map.next_value()?),
            "pairwise_sector" => self.pairwise_sector = Some(map.next_value()?),
            "userinfo_algorithm" => self.userinfo_algorithm = Some(map.next_value()?),
            "algorithm" => self.algorithm = Some(map.next_value()?),
            "authentication" => self.authentication = Some(map.next_value()?),
            "jwks" => self.jwks = Some(map.next_value()?),
            "tls_subject" => self.tls_subject = Some(map.next_value()?),
            "certificate_bound" => self.certificate_bound = Some(map.next_value()?),
            "require_pushed" => self.require_pushed = Some(map.next_value()?),
            "require_signed_request" => self.require_signed_request = Some(map.next_value()?),
            "authorization_details" => self.authorization_details = Some(map.next_value()?),
            "tolerates_prompt_none" => self.tolerates_prompt_none = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A text, which is an exact URI, or an object whose one key says how URIs are compared.
#[derive(Debug)]
pub(super) enum WrittenRule {
    Exact(String),
    Ways(Vec<(Text, Text)>),
}

impl<'de> Deserialize<'de> for WrittenRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;
        impl<'de> Visitor<'de> for Rule {
            type Value = WrittenRule;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a redirect URI")
            }
            fn visit_str<E>(self, text: &str) -> Result<WrittenRule, E> {
                Ok(WrittenRule::Exact(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenRule, A::Error> {
                let mut ways = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    ways.push(entry);
                }
                Ok(WrittenRule::Ways(ways))
            }
        }
        deserializer.deserialize_any(Rule)
    }
}

/// Lives of what a client is given, in seconds.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLifetimes {
    pub access_seconds: Option<Spanned<i64>>,
    pub refresh_seconds: Option<Spanned<i64>>,
    pub offline_seconds: Option<Spanned<i64>>,
}

/// A mapper; one of its keys is wanted.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMapper {
    pub claim: Option<WrittenClaim>,
    pub audience: Option<Text>,
}

/// A claim: its name or the names on the way to it, where it comes from and where it is told.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenClaim {
    pub path: Spanned<WrittenPath>,
    pub from: Spanned<WrittenFrom>,
    pub tell: Option<List>,
}

/// Where a claim comes from; one source is wanted, and what may stand beside it depends on which.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFrom {
    pub attribute: Option<Text>,
    pub many: Option<bool>,
    pub groups: Option<Text>,
    pub group_paths: Option<Text>,
    pub realm_roles: Option<Text>,
    pub client_roles: Option<Text>,
    pub add: Option<Text>,
    pub property: Option<Text>,
    pub template: Option<Text>,
    pub join: Option<Text>,
    pub value: Option<serde_json::Value>,
}

/// One name or several.
#[derive(Debug)]
pub(super) struct WrittenPath(pub Vec<String>);

impl<'de> Deserialize<'de> for WrittenPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Path;
        impl<'de> Visitor<'de> for Path {
            type Value = WrittenPath;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a claim")
            }
            fn visit_str<E>(self, text: &str) -> Result<WrittenPath, E> {
                Ok(WrittenPath(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenPath, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(WrittenPath(names))
            }
        }
        deserializer.deserialize_any(Path)
    }
}
