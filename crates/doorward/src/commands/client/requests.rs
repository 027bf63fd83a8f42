//! Flags about a client's authorization requests, the same for making and changing one.

use clap::Args;
use doorward_engine::clients::ClientSettings;
use doorward_platform::declared::client::detail_type;

/// How its authorization requests have to come, and what may stand in them.
#[derive(Args, Debug, Default)]
pub struct RequestFlags {
    /// Its authorization requests must be pushed (RFC 9126).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    require_pushed: Option<bool>,
    /// Its authorization requests must be signed with a key of its own (RFC 9101).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    require_signed_request: Option<bool>,
    /// A type of authorization details it may ask for (RFC 9396); may be repeated.
    #[arg(long, num_args = 1.., value_name = "TYPE", value_parser = type_or_none)]
    authorization_details: Vec<String>,
    /// It always sends prompt=none and means nothing by it: people may be asked to sign in all the same.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    tolerates_prompt_none: Option<bool>,
}

fn type_or_none(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { detail_type(text) }
}

impl RequestFlags {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        let given = [self.require_pushed, self.require_signed_request, self.tolerates_prompt_none];
        given.iter().all(Option::is_none) && self.authorization_details.is_empty()
    }

    /// The settings with what was given; an empty text stands for no type at all.
    pub fn put(self, now: ClientSettings) -> ClientSettings {
        let types = self.authorization_details;
        ClientSettings {
            require_pushed: self.require_pushed.unwrap_or(now.require_pushed),
            require_signed_request: self.require_signed_request.unwrap_or(now.require_signed_request),
            authorization_details: match types.is_empty() {
                true => now.authorization_details,
                false => types.into_iter().filter(|kind| !kind.is_empty()).collect(),
            },
            tolerates_prompt_none: self.tolerates_prompt_none.unwrap_or(now.tolerates_prompt_none),
            ..now
        }
    }
}
