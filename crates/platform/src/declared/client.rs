//! Declared clients, and the words in them that commands share. What a client as a whole must be is the engine's
//! to say; what a line can be pointed at for is said here as well.

use super::complaint::{Complaint, Position};
use super::document::{Document, List, Text};
use super::object::{Located, Reader, shown, values, word};
use super::role::RoleKey;
use super::secret::SecretReference;
use super::written::{Rules, WrittenLifetimes, WrittenRule};
use crate::limits;
use crate::limits::DETAIL_TYPE_BYTES;
use doorward_engine::clients::mapper::{From, Mapper, RESERVED, Tell};
use doorward_engine::clients::{
    Authentication, ClientKind, ClientSettings, ConsentMode, GrantType, Lifetimes, Paths, SubjectKind,
};
use doorward_engine::manage::wrong::{self, Wrong};
use doorward_model::address::{Address, HostName};
use doorward_model::app::Access;
use doorward_model::limits as nouns;
use doorward_model::name::{AppSlug, ClientName, DisplayText, GroupName, RealmName};
use doorward_model::ways::WayName;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_saphyr::Spanned;

/// A declared client. It is owned as a whole: what is absent is reset, but for `active`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredClient {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its `client_id`.
    pub name: Located<ClientName>,
    /// The app whose rule decides who may enter.
    pub app: Option<Located<AppSlug>>,
    /// Groups that may enter, when it belongs to no app.
    pub allowed_groups: Vec<Located<GroupName>>,
    /// Whether every signed-in user of the realm may enter, when it belongs to no app.
    pub everyone: bool,
    /// The ways in that count there, beside those of its app; none for every one.
    pub connectors: Vec<Located<WayName>>,
    /// Whether it works; when absent, new ones do and known ones are left as they are, so that applying a file does
    /// not undo a hand that disabled one.
    pub active: Option<bool>,
    /// First secret, which its tool has already; used only when the client is made.
    pub secret: Option<SecretReference>,
    /// Everything else; its rule about who may enter is empty.
    pub settings: ClientSettings,
    /// Roles it has where it speaks for itself; a list owns every declared one, no list owns none.
    pub service_roles: Option<Vec<Located<RoleKey>>>,
    /// What is risky about its redirect rules.
    pub risks: Vec<Complaint>,
}

/// Words for how redirect URIs are compared.
pub const WAYS: [&str; 5] = ["exact", "wildcard", "regex", "loopback", "relative"];

/// Algorithms tokens can be signed with, by their JOSE names.
pub const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

/// What a client may do when nothing is said: people sign in and stay signed in.
pub const USUAL_GRANTS: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];

/// Reads a redirect rule: a text and one of the [`WAYS`]. The rules know their own written form, which is also how
/// they are stored.
///
/// # Errors
/// A sentence of what is wrong; what to do stands behind `; `.
pub fn rule<T: DeserializeOwned>(way: &str, text: &str) -> Result<T, String> {
    serde_json::from_value(json!({way: text})).map_err(|error| error.to_string())
}

/// A sentence of the form `what; how` in two halves.
pub fn halves(sentence: &str) -> (&str, &str) {
    sentence.split_once("; ").unwrap_or((sentence, "correct the value"))
}

/// Reads a grant type.
///
/// # Errors
/// A sentence with the known ones.
pub fn grant(text: &str) -> Result<GrantType, String> {
    word("grant", text)
}

/// The grants among these, each once and in the usual order.
pub fn in_order(grants: &[GrantType]) -> Vec<GrantType> {
    GrantType::ALL.into_iter().filter(|grant| grants.contains(grant)).collect()
}

/// Reads whether people are asked first.
///
/// # Errors
/// A sentence with the known words.
pub fn consent(text: &str) -> Result<ConsentMode, String> {
    word("consent", text)
}

/// Reads how a client proves who it is.
///
/// # Errors
/// A sentence with the known words.
pub fn authentication(text: &str) -> Result<Authentication, String> {
    word("authentication", text)
}

/// Reads the name of an algorithm.
///
/// # Errors
/// A sentence with the known ones.
pub fn algorithm(text: &str) -> Result<String, String> {
    match ALGORITHMS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("the algorithm `{}` is not one of {}", shown(text), ALGORITHMS.join(", "))),
    }
}

/// Reads whose paths a client is set up for.
///
/// # Errors
/// A sentence with the known words.
pub fn paths(text: &str) -> Result<Paths, String> {
    word("paths", text)
}

/// Reads a sector (OIDC Core §8.1).
///
/// # Errors
/// A sentence of what a sector is.
pub fn sector(text: &str) -> Result<SubjectKind, String> {
    match HostName::parse(text) {
        Some((host, None)) if host.as_str() == text => Ok(SubjectKind::Pairwise(text.to_owned())),
        _ => Err(format!("the sector `{}` is not a host name such as example.com", shown(text))),
    }
}

/// Reads an address at which a client is told that somebody signed out.
///
/// # Errors
/// A sentence of what is wrong; what to do stands behind `; `.
pub fn logout_uri(text: &str) -> Result<String, String> {
    doorward_engine::clients::settings::logout_uri(text)
        .map_err(|bad| format!("`{}` cannot be told of sign-outs: {bad}", shown(text)))
}

/// Reads a scope (RFC 6749 §3.3).
///
/// # Errors
/// A sentence of what a scope is.
pub fn scope(text: &str) -> Result<String, String> {
    let fits = text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    match fits && !text.is_empty() && (text.len() <= limits::SCOPE_BYTES) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "the scope `{}` must be 1 to {} printable ASCII characters without spaces, quotes and backslashes",
            shown(text),
            limits::SCOPE_BYTES
        )),
    }
}

/// Reads a type of authorization details: what a request may name (RFC 9396 §2).
///
/// # Errors
/// A sentence with the letters and the length a type may have.
pub fn detail_type(text: &str) -> Result<String, String> {
    let is_fine = (1..=DETAIL_TYPE_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_fine {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "the type `{}` must be 1 to {DETAIL_TYPE_BYTES} printable ASCII characters without spaces",
            shown(text)
        )),
    }
}

/// Reads an origin as browsers write it (RFC 6454 §6.2), or `+` for those of the redirect URIs.
///
/// # Errors
/// A sentence of what an origin is.
pub fn origin(text: &str) -> Result<String, String> {
    if text == "+" {
        return Ok(text.to_owned());
    }
    let wrong = || format!("the web origin `{}` must be scheme and host, https://app.example.com, or +", shown(text));
    let address = Address::parse(text).map_err(|_| wrong())?;
    if address.prefix().is_empty() { Ok(address.origin()) } else { Err(wrong()) }
}

/// Reads the name of a claim, an attribute or an audience.
///
/// # Errors
/// A sentence that begins with `what`.
pub fn claim_name(what: &str, text: &str) -> Result<String, String> {
    match (1..=limits::CLAIM_NAME_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "the {what} `{}` must be 1 to {} printable ASCII characters without spaces",
            shown(text),
            limits::CLAIM_NAME_BYTES
        )),
    }
}

/// A mapper that tells the same to everybody, everywhere.
///
/// # Errors
/// A sentence of what is wrong with the name or the value.
pub fn fixed_claim(name: &str, value: Value) -> Result<Mapper, String> {
    let path = vec![mapped_name(name)?];
    Ok(Mapper::Claim { path, from: fixed(value)?, tell: Tell::default() })
}

pub(super) fn mapped_name(name: &str) -> Result<String, String> {
    match RESERVED.contains(&name) {
        true => Err(format!("the claim {name} cannot be mapped: tokens are checked by it")),
        false => claim_name("claim", name),
    }
}

pub(super) fn fixed(value: Value) -> Result<From, String> {
    match value.to_string().len() <= limits::CLAIM_VALUE_BYTES {
        true => Ok(From::Value(value)),
        false => Err(format!("the value of a claim may have at most {} bytes", limits::CLAIM_VALUE_BYTES)),
    }
}

impl Reader<'_> {
    pub(super) fn client(&mut self, document: &Spanned<Document>) -> Option<DeclaredClient> {
        let written = &document.value;
        let realm = self.of_realm(document);
        let name = self.name(document, ClientName::parse);
        let app = written.client.app.as_ref().and_then(|text| self.located(text, AppSlug::parse));
        let allowed_groups = match &written.allowed_groups {
            Some(list) => self.distinct(list, nouns::APP_GROUPS, GroupName::parse),
            None => Vec::new(),
        };
        let complaints = self.count();
        let (settings, risks) = self.settings(written);
        // A value that could not be read is missing in the settings: what follows from that is no news.
        if self.count() == complaints {
            self.check_whole(document, &settings);
        }
        self.check_access(document, &settings);
        let (everyone, active) = (written.everyone.unwrap_or(false), written.active);
        let secret = self.secret("secret", written.secret.as_ref());
        if let Some(text) = written.secret.as_ref().filter(|_| !settings.has_secret()) {
            let at = self.at(text);
            self.complain(
                &at,
                "this client has no secret: it is public, or proves itself by a key",
                "leave secret out",
            );
        }
        let service_roles = self.roles(written.service_roles.as_ref());
        let connectors = self.ways(written);
        let (realm, name) = (realm?, name?);
        Some(DeclaredClient {
            realm,
            name,
            app,
            allowed_groups,
            everyone,
            connectors,
            active,
            secret,
            settings,
            service_roles,
            risks,
        })
    }

    fn settings(&mut self, document: &Document) -> (ClientSettings, Vec<Complaint>) {
        let written = &document.client;
        let title = self.optional(document.title.as_ref(), DisplayText::parse);
        let (redirect_uris, places): (Vec<_>, Vec<_>) = self.rules(written.redirect_uris.as_ref());
        let (post_logout_redirect_uris, later) = self.rules(written.post_logout_redirect_uris.as_ref());
        let grants = match &written.grants {
            Some(list) => in_order(&values(self.distinct(list, GrantType::ALL.len(), grant))),
            None => USUAL_GRANTS.to_vec(),
        };
        let settings = ClientSettings {
            title,
            kind: if written.public.unwrap_or(false) { ClientKind::Public } else { ClientKind::Confidential },
            redirect_uris,
            post_logout_redirect_uris,
            web_origins: self.words(written.web_origins.as_ref(), origin),
            grants,
            scopes: self.words(written.scopes.as_ref(), scope),
            consent: self.optional(written.consent.as_ref(), consent).unwrap_or_default(),
            require_pushed: written.require_pushed.unwrap_or(false),
            require_signed_request: written.require_signed_request.unwrap_or(false),
            authorization_details: self.words(written.authorization_details.as_ref(), detail_type),
            tolerates_prompt_none: written.tolerates_prompt_none.unwrap_or(false),
            pkce_optional: written.pkce_optional.unwrap_or(false),
            dpop_bound: written.dpop_bound.unwrap_or(false),
            backchannel_logout_uri: self.logout_uri(written.backchannel_logout_uri.as_ref()),
            frontchannel_logout_uri: self.logout_uri(written.frontchannel_logout_uri.as_ref()),
            access: Access::default(),
            lifetimes: self.lifetimes(written.lifetimes.as_ref()),
            mappers: self.mappers(written.mappers.as_ref(), limits::CLIENT_MAPPERS),
            algorithm: self.optional(written.algorithm.as_ref(), algorithm).unwrap_or_default(),
            authentication: self.optional(written.authentication.as_ref(), authentication).unwrap_or_default(),
            jwks: written.jwks.as_ref().map(|set| set.value.clone()),
            tls_subject: written.tls_subject.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
            certificate_bound: written.certificate_bound.unwrap_or(false),
            subject: self.optional(written.pairwise_sector.as_ref(), sector).unwrap_or_default(),
            userinfo_algorithm: self.optional(written.userinfo_algorithm.as_ref(), algorithm).unwrap_or_default(),
            paths: self.optional(written.paths.as_ref(), paths).unwrap_or_default(),
            exchange_for: self.exchange_for(written.exchange_for.as_ref()),
            workloads: self.workloads(written.workloads.as_ref()),
            ..ClientSettings::default()
        };
        let risks = settings.redirect_risks().zip(places.iter().chain(&later)).filter_map(|((text, risk), at)| {
            let (what, how) = halves(risk?);
            Some(Complaint::new(at, format!("{text}: {what}"), how))
        });
        let risks = risks.collect();
        (settings, risks)
    }

    fn logout_uri(&mut self, written: Option<&Text>) -> Option<String> {
        let text = written?;
        match logout_uri(&text.value) {
            Ok(uri) => Some(uri),
            Err(sentence) => {
                let (what, how) = halves(&sentence);
                self.no(&self.at(text), what, how)
            }
        }
    }

    fn words(&mut self, list: Option<&List>, parse: fn(&str) -> Result<String, String>) -> Vec<String> {
        list.map(|list| values(self.distinct(list, limits::CLIENT_WORDS, parse))).unwrap_or_default()
    }

    /// Redirect rules and where each stands.
    fn rules<T: DeserializeOwned + PartialEq>(&mut self, list: Option<&Rules>) -> (Vec<T>, Vec<Position>) {
        let Some(list) = list else { return Default::default() };
        if list.value.len() > nouns::CLIENT_REDIRECT_URIS {
            let what = format!("the list has more than {} entries", nouns::CLIENT_REDIRECT_URIS);
            self.complain(&self.at(list), what, "shorten it");
            return Default::default();
        }
        let rules = list.value.iter().filter_map(|written| self.rule(written)).collect();
        self.once(rules).into_iter().map(|rule| (rule.value, rule.at)).unzip()
    }

    fn rule<T: DeserializeOwned>(&mut self, written: &Spanned<WrittenRule>) -> Option<Located<T>> {
        let at = self.at(written);
        let (way, text) = match &written.value {
            WrittenRule::Exact(text) => ("exact", text),
            WrittenRule::Ways(ways) => match ways.as_slice() {
                [(way, text)] if WAYS.contains(&way.value.as_str()) => (way.value.as_str(), &text.value),
                _ => {
                    let how = format!("write one text, or an object with one of {}", WAYS.join(", "));
                    return self.no(&at, "this is no redirect rule", how);
                }
            },
        };
        match rule(way, text) {
            Ok(value) => Some(Located { value, at }),
            Err(sentence) => {
                let (what, how) = halves(&sentence);
                self.no(&at, what, how)
            }
        }
    }

    pub(super) fn lifetimes(&mut self, written: Option<&WrittenLifetimes>) -> Lifetimes {
        let Some(written) = written else { return Lifetimes::default() };
        let all = [
            ("access_seconds", &written.access_seconds),
            ("refresh_seconds", &written.refresh_seconds),
            ("offline_seconds", &written.offline_seconds),
        ];
        let seconds = |number: &Option<Spanned<i64>>| number.as_ref().map(|number| number.value);
        let lives = Lifetimes {
            access_seconds: seconds(&written.access_seconds),
            refresh_seconds: seconds(&written.refresh_seconds),
            offline_seconds: seconds(&written.offline_seconds),
        };
        self.complain_of_lives(wrong::lifetimes(&lives), &all);
        lives
    }

    /// Complaints about lives, each at its number.
    pub(super) fn complain_of_lives(&mut self, wrongs: Vec<Wrong>, written: &[(&str, &Option<Spanned<i64>>)]) {
        for Wrong { key, what, how } in wrongs {
            let number = written.iter().find(|(name, _)| *name == key).and_then(|(_, number)| number.as_ref());
            if let Some(at) = number.map(|number| self.at(number)) {
                self.complain(&at, what, how);
            }
        }
    }

    /// What no client may be, pointed at the key that is to blame.
    fn check_whole(&mut self, document: &Spanned<Document>, settings: &ClientSettings) {
        for Wrong { key, what, how } in wrong::client(settings) {
            let at = document.value.client.value_at(key).or_else(|| document.value.key_at(key));
            self.complain(&self.place(at.unwrap_or(document.referenced)), what, how);
        }
    }

    /// One way of saying who may enter; saying nothing would be a client nobody can use.
    fn check_access(&mut self, document: &Spanned<Document>, settings: &ClientSettings) {
        let written = &document.value;
        let own = self.own_rule(written);
        match &written.client.app {
            Some(app) if own => {
                let what = "the client has a rule of its own, and its app has one too";
                self.complain(&self.at(app), what, "keep app, or allowed_groups and everyone");
            }
            None if !own && settings.grants.iter().any(|grant| grant.signs_people_in()) => {
                let at = self.place(document.referenced);
                let how = "add app: NAME, allowed_groups: […] or everyone: true";
                self.complain(&at, "nobody could sign in through the client", how);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ALGORITHMS, algorithm, claim_name, fixed_claim, origin, scope};
    use crate::limits;
    use doorward_jose::algorithm::Algorithm;

    #[test]
    fn the_algorithms_are_those_that_can_sign() {
        let known: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        assert_eq!(ALGORITHMS.as_slice(), known);
        assert!(algorithm("none").is_err() && algorithm("rs256").is_err() && algorithm("EdDSA").is_ok());
    }

    #[test]
    fn origins_are_as_browsers_write_them() {
        let read = |text| origin(text).ok();
        assert_eq!(read("https://App.example.com:443/").as_deref(), Some("https://app.example.com"));
        assert_eq!(read("http://[::1]:3000").as_deref(), Some("http://[::1]:3000"));
        assert_eq!(read("+").as_deref(), Some("+"));
        for bad in ["*", "https://*.example.com", "https://a.x/b", "https://a.x?b", "a.x", "null", "ftp://a.x", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn scopes_and_names_have_letters_of_the_protocol() {
        let long = "a".repeat(limits::SCOPE_BYTES);
        assert!(scope(&long).is_ok() && scope("urn:x/y!~").is_ok());
        for bad in ["", "a b", "a\"", "a\\", "\u{e9}", "a\n", &format!("{long}a")] {
            assert!(scope(bad).is_err(), "{bad:?}");
        }
        let long = "a".repeat(limits::CLAIM_NAME_BYTES);
        assert!(claim_name("claim", &long).is_ok() && claim_name("claim", &format!("{long}a")).is_err());
        assert!(claim_name("claim", "").is_err() && claim_name("claim", "a b").is_err());
    }

    #[test]
    fn a_fixed_claim_is_small_and_none_that_tokens_are_checked_by() {
        let text = "a".repeat(limits::CLAIM_VALUE_BYTES - 2);
        assert!(fixed_claim("team", text.as_str().into()).is_ok());
        assert!(fixed_claim("team", format!("{text}a").into()).is_err());
        for name in doorward_engine::clients::mapper::RESERVED {
            assert!(fixed_claim(name, 1.into()).is_err(), "{name}");
        }
    }
}
