//! Platforms whose workloads may speak as a client, as they are written: in a declared client, or in a file of
//! their own that a command reads. What one must be is the engine's to say.

use super::client::claim_name;
use super::document::{List, Text, plain, strictly};
use super::object::{Reader, shown, values};
use crate::limits;
use doorward_engine::clients::Workload;
use doorward_engine::manage::clients::check_workload;
use doorward_model::limits as nouns;
use serde_json::Value;
use serde_saphyr::Spanned;

pub(super) type Workloads = Spanned<Vec<Spanned<WrittenWorkload>>>;

/// A platform in a declared client.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWorkload {
    pub issuer: Text,
    pub audience: Text,
    pub jwks: Value,
    pub subjects: List,
    pub reusable: Option<bool>,
}

/// A platform in a file of its own.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadFile {
    issuer: String,
    audience: String,
    jwks: Value,
    subjects: Vec<String>,
    #[serde(default)]
    reusable: bool,
}

/// Reads a platform from YAML or JSON.
///
/// # Errors
/// A sentence of what is wrong.
pub fn workload(text: &str) -> Result<Workload, String> {
    let read = serde_saphyr::from_str_with_options::<WorkloadFile>(text, strictly());
    let WorkloadFile { issuer, audience, jwks, subjects, reusable } =
        read.map_err(|error| plain(error.without_snippet()))?;
    let workload = Workload { issuer, audience, jwks, subjects, reusable };
    check_workload(&workload)?;
    Ok(workload)
}

/// Reads what a client may exchange tokens for: a client, or an audience.
///
/// # Errors
/// A sentence of what that is.
pub fn exchange_target(text: &str) -> Result<String, String> {
    claim_name("client or audience", text)
}

impl Reader<'_> {
    pub(super) fn exchange_for(&mut self, list: Option<&List>) -> Vec<String> {
        list.map(|list| values(self.distinct(list, limits::CLIENT_WORDS, exchange_target))).unwrap_or_default()
    }

    pub(super) fn workloads(&mut self, list: Option<&Workloads>) -> Vec<Workload> {
        let Some(list) = list else { return Vec::new() };
        if list.value.len() > nouns::CLIENT_WORKLOADS {
            let what = format!("the list has more than {} entries", nouns::CLIENT_WORKLOADS);
            self.complain(&self.at(list), what, "shorten it");
            return Vec::new();
        }
        list.value.iter().filter_map(|written| self.workload(written)).collect()
    }

    fn workload(&mut self, written: &Spanned<WrittenWorkload>) -> Option<Workload> {
        let WrittenWorkload { issuer, audience, jwks, subjects, reusable } = &written.value;
        let text = |text: &str| match text.is_empty() {
            true => Err(format!("the value `{}` is empty", shown(text))),
            false => Ok(text.to_owned()),
        };
        let subjects = values(self.distinct(subjects, nouns::WORKLOAD_SUBJECTS, text));
        let workload = Workload {
            issuer: issuer.value.clone(),
            audience: audience.value.clone(),
            jwks: jwks.clone(),
            subjects,
            reusable: reusable.unwrap_or(false),
        };
        match check_workload(&workload) {
            Ok(()) => Some(workload),
            Err(what) => self.no(&self.at(written), what, "correct the workload"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{exchange_target, workload};

    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_platform_is_read_from_yaml_and_from_json() {
        let yaml = format!(
            "issuer: https://token.actions.githubusercontent.com\naudience: https://door.example.com\n\
             jwks: {{\"keys\": [{KEY}]}}\nsubjects: [\"repo:acme/lakehouse:*\"]\n"
        );
        let json = format!(
            "{{\"issuer\": \"https://token.actions.githubusercontent.com\", \"audience\": \"https://door.example.com\", \
             \"jwks\": {{\"keys\": [{KEY}]}}, \"subjects\": [\"repo:acme/lakehouse:*\"], \"reusable\": false}}"
        );
        let read = workload(&yaml);
        assert!(
            read.as_ref().is_ok_and(|read| !read.reusable && read.subjects == ["repo:acme/lakehouse:*"]),
            "{read:?}"
        );
        assert_eq!(read, workload(&json));
    }

    #[test]
    fn a_platform_that_would_trust_too_much_or_nothing_is_refused() {
        let with = |jwks: &str, subjects: &str, more: &str| {
            workload(&format!("issuer: https://i.example\naudience: a\njwks: {jwks}\nsubjects: {subjects}\n{more}"))
        };
        let keys = format!("{{\"keys\": [{KEY}]}}");
        assert!(with(&keys, "[x]", "").is_ok());
        for (jwks, subjects, more, what) in [
            (keys.as_str(), "[\"*\"]", "", "subject"),
            (&keys, "[\"a*b\"]", "", "subject"),
            (&keys, "[\"a**\"]", "", "subject"),
            (&keys, "[\"\"]", "", "subject"),
            (&keys, "[]", "", "subject"),
            ("{\"keys\": []}", "[x]", "", "public key"),
            ("{}", "[x]", "", "jwks"),
            ("{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}", "[x]", "", "public key"),
            (&keys, "[x]", "issuers: [y]\n", "issuers"),
            (&keys, "[x]", "reusable: perhaps\n", ""),
        ] {
            let refused = with(jwks, subjects, more).err();
            assert!(refused.as_ref().is_some_and(|sentence| sentence.contains(what)), "{subjects} {jwks}: {refused:?}");
        }
        assert!(workload("").is_err() && workload("x").is_err());
    }

    #[test]
    fn what_tokens_are_exchanged_for_has_no_spaces() {
        assert!(exchange_target("https://api.example.com/v1").is_ok() && exchange_target("catalog").is_ok());
        assert!(exchange_target("").is_err() && exchange_target("a b").is_err());
    }
}
