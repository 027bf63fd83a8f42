//! Headings of long helps: which option of making and changing a client stands under which.

use clap::Command;

/// Options by heading; what is in none of them stays under clap's own.
const OF_A_CLIENT: &[(&str, &[&str])] = &[
    ("Who may sign in", &["app", "allow", "everyone", "consent"]),
    (
        "Redirects",
        &[
            "redirect_uri",
            "redirect_uris",
            "redirect_wildcard",
            "redirect_regex",
            "redirect_loopback",
            "redirect_relative",
            "web_origin",
            "paths",
        ],
    ),
    (
        "Grants",
        &[
            "grant",
            "service",
            "scope",
            "scopes",
            "exchange_for",
            "workload",
            "pkce_optional",
            "require_pushed",
            "require_signed_request",
            "authorization_details",
            "tolerates_prompt_none",
        ],
    ),
    (
        "Tokens",
        &[
            "access_seconds",
            "refresh_seconds",
            "offline_seconds",
            "audience",
            "claim",
            "algorithm",
            "userinfo_algorithm",
            "pairwise_sector",
            "dpop_bound",
            "certificate_bound",
        ],
    ),
    ("Secret and keys", &["public", "secret_file", "authentication", "jwks", "tls_subject"]),
    ("Logout", &["post_logout_redirect_uri", "backchannel_logout_uri", "frontchannel_logout_uri"]),
];

/// The command line with headings where a list would be too long to read.
pub fn put(root: Command) -> Command {
    root.mut_subcommand("client", |client| {
        client
            .mut_subcommand("create", |create| create.mut_args(of_a_client))
            .mut_subcommand("update", |update| update.mut_args(of_a_client))
    })
    .mut_subcommand("identity", |identity| {
        identity.mut_subcommand("create-client", |create| create.mut_args(of_a_client))
    })
}

fn of_a_client(arg: clap::Arg) -> clap::Arg {
    let id = arg.get_id().as_str();
    match OF_A_CLIENT.iter().find(|(_, ids)| ids.contains(&id)) {
        Some((heading, _)) if !arg.is_positional() => arg.help_heading(*heading),
        _ => arg,
    }
}
