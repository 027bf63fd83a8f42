//! The gate's pages.

use crate::pages;
use askama::Template as _;
use doorward_engine::sign_in::flow::Entrance;
use doorward_gate::refuse::{Denied, Words};
use doorward_model::address::Address;
use doorward_model::secret::FormProof;
use http::StatusCode;

/// Pages shown on app hosts.
pub struct PageWords {
    /// Doorward's own address, where the launcher is.
    pub public: Address,
}

impl Words for PageWords {
    fn denied(&self, facts: &Denied) -> String {
        let proof = facts.pass_cookie.as_deref().map(FormProof::of);
        let view = pages::Denied {
            realm_title: facts.realm_title.clone(),
            app_name: facts.app_title.clone(),
            missing_groups: facts.missing_groups.clone(),
            signed_in_as: facts.user_name.clone(),
            how_to_ask: facts.how_to_ask.clone(),
            home_url: self.public.url("/"),
            switch_account_action: sign_out_path(facts.entrance).to_owned(),
            csrf: proof.map(|proof| proof.reveal().to_owned()).unwrap_or_default(),
            request_id: facts.request.clone(),
            retry_url: facts.retry_url.clone(),
        };
        view.render().unwrap_or_default()
    }

    fn problem(&self, status: StatusCode, sentence: &str, request: &str) -> String {
        let title = match status {
            StatusCode::BAD_REQUEST => "This address cannot be opened",
            StatusCode::FORBIDDEN => "Not open to you",
            StatusCode::MISDIRECTED_REQUEST => "Wrong door",
            StatusCode::BAD_GATEWAY => "The tool does not answer",
            StatusCode::GATEWAY_TIMEOUT => "The tool takes too long",
            StatusCode::SERVICE_UNAVAILABLE => "Back in a moment",
            _ => "Something broke",
        };
        let how = match status {
            StatusCode::BAD_REQUEST => "Check the address for typing errors, or start from the launcher.",
            StatusCode::MISDIRECTED_REQUEST => {
                let public = &self.public;
                &format!("Open {public} instead. If you run this platform, declare the app with this host name.")
            }
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                "You may enter, and the fault lies behind the door. Wait a moment and load the page again; if it goes on, tell \
                 whoever runs the tool."
            }
            StatusCode::SERVICE_UNAVAILABLE => "Nothing is lost. Wait a moment and load the page again.",
            _ => "Start from the launcher, or give the request number to your administrator.",
        };
        let view = pages::Problem {
            status: status.as_u16(),
            title: title.to_owned(),
            what: sentence_case(sentence),
            how: how.to_owned(),
            request_id: request.to_owned(),
            home_url: Some(self.public.url("/")),
            retry_url: None,
        };
        view.render().unwrap_or_default()
    }
}

/// Where an app's host signs out.
pub fn sign_out_path(entrance: Entrance) -> &'static str {
    match entrance {
        Entrance::Doorward | Entrance::Shared => "/.doorward/signout",
        Entrance::OAuth2Proxy => "/oauth2/sign_out",
        Entrance::Authentik => "/outpost.goauthentik.io/sign_out",
    }
}

fn sentence_case(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if sentence.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
