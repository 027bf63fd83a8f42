//! Every limit of the core in one place, with its unit and its reason. Limits of a single skill
//! (the reverse proxy, the pages) stand in a `limits.rs` of that crate.

/// Longest user name, in characters: fits every tool seen so far.
pub const USER_NAME_CHARACTERS: usize = 128;
/// Longest group name, in characters: groups travel in headers, joined.
pub const GROUP_NAME_CHARACTERS: usize = 128;
/// Longest role name, in characters: as much as Keycloak takes, because roles come over from there.
pub const ROLE_NAME_CHARACTERS: usize = 255;
/// Longest description of a role, in characters: a sentence or two.
pub const ROLE_DESCRIPTION_CHARACTERS: usize = 500;
/// Attributes of one user.
pub const ATTRIBUTES: usize = 64;
/// Values of one attribute.
pub const ATTRIBUTE_VALUES: usize = 32;
/// Longest name of an attribute, in bytes.
pub const ATTRIBUTE_NAME_BYTES: usize = 128;
/// Longest value of an attribute, in characters: tokens travel in headers.
pub const ATTRIBUTE_CHARACTERS: usize = 1024;
/// All that is known of a user besides names, in bytes as stored.
pub const PROFILE_BYTES: usize = 16 * 1024;
/// Longest subject a user may bring along, in bytes (OIDC Core §2).
pub const SUBJECT_BYTES: usize = 255;
/// Scopes of one realm's own: each is looked at for every token.
pub const CLIENT_SCOPES: usize = 200;
/// Longest name of a scope, in bytes.
pub const SCOPE_NAME_BYTES: usize = 128;
/// Mappers of one scope.
pub const SCOPE_MAPPERS: usize = 100;
/// Longest realm name and app slug, in bytes: they stand in URLs and host names.
pub const SLUG_BYTES: usize = 63;
/// Longest display text (names of people and apps), in characters.
pub const DISPLAY_CHARACTERS: usize = 200;
/// Longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3).
pub const EMAIL_BYTES: usize = 254;
/// Shortest password accepted when one is set, in characters (NIST SP 800-63B §5.1.1).
pub const PASSWORD_CHARACTERS_MIN: usize = 10;
/// Longest password accepted, in bytes: every byte counts, none is cut, hashing stays cheap to start.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Longest request path with query that is judged, in bytes: proxies refuse more themselves.
pub const PATH_BYTES: usize = 8192;
/// Longest host name, in bytes (RFC 1035 §2.3.4).
pub const HOST_BYTES: usize = 253;
/// Addresses one app may answer at.
pub const APP_ADDRESSES: usize = 32;
/// Groups one app may name in its rule.
pub const APP_GROUPS: usize = 256;
/// Public paths one app may declare.
pub const APP_PUBLIC_PATHS: usize = 64;
/// Longest Cookie header searched for our cookies, in bytes: browsers stop earlier per cookie.
pub const COOKIE_HEADER_BYTES: usize = 16 * 1024;
/// Groups told to a tool in one header; beyond it the list would break proxies' 8 KiB header lines.
pub const GROUPS_HEADER_BYTES: usize = 6 * 1024;

/// Longest `client_id`, in bytes: some are URLs.
pub const CLIENT_NAME_BYTES: usize = 255;
/// Redirect URIs one client may register.
pub const CLIENT_REDIRECT_URIS: usize = 100;
/// Secrets one client may have at a time: the one in use and those being replaced.
pub const CLIENT_SECRETS: usize = 5;
/// Shortest secret a client may bring along, in bytes: guesses at it are counted, but they are many.
pub const CLIENT_SECRET_MIN: usize = 16;
/// Longest secret a client may bring along, in bytes.
pub const CLIENT_SECRET_BYTES: usize = 1024;
/// Clients one registration token may make.
pub const REGISTRATIONS: i64 = 10_000;
/// Life of an authorization code, in seconds (RFC 6749 §4.1.2 allows ten minutes; one redirect takes none).
pub const CODE_SECONDS: i64 = 60;
/// How long a used code is remembered, in seconds, so that a replay is known for what it is.
pub const CODE_MEMORY_SECONDS: i64 = 60 * 60;
/// How long after it was pushed a browser may arrive with an authorization request, in seconds (RFC 9126 §2.2).
pub const PUSHED_SECONDS: i64 = 90;
/// How long a pushed request is kept after a browser has arrived with it, in seconds: the flow and the question for
/// consent behind it, each once more for somebody who began again.
pub const PUSHED_MEMORY_SECONDS: i64 = 2 * 60 * 60;
/// Pushed requests a public client may have at a time: whoever pushes them proves nothing.
pub const PUSHED_OF_PUBLIC_CLIENT: i64 = 1000;
/// Longest time a signed request may still be good, in seconds.
pub const REQUEST_OBJECT_SECONDS: i64 = 60 * 60;
/// For how long after its first use a refresh token still answers with its successor, in seconds: two tabs
/// that refresh at once are no theft.
pub const REFRESH_GRACE_SECONDS: i64 = 5;
/// Life of a device's code, in seconds: long enough to fetch one's phone (RFC 8628 §3.2).
pub const DEVICE_CODE_SECONDS: i64 = 10 * 60;
/// How long a device waits between two asks, in seconds (RFC 8628 §3.2), and how much longer once it asked too often.
pub const DEVICE_INTERVAL_SECONDS: i64 = 5;
/// Longest a device can be made to wait between two asks, in seconds.
pub const DEVICE_INTERVAL_SECONDS_MAX: i64 = 60;
/// What a network may take from the time between two asks of a device, in milliseconds.
pub const DEVICE_SLACK_MILLIS: i64 = 500;
/// Platforms one client may take workloads' tokens of: each is tried for every token shown.
pub const CLIENT_WORKLOADS: usize = 16;
/// Names of workloads one platform of a client may list.
pub const WORKLOAD_SUBJECTS: usize = 100;
/// Longest rest of life of a workload's token, in seconds: a day, which is what clusters give at most.
pub const WORKLOAD_TOKEN_SECONDS: i64 = 24 * 60 * 60;
/// Times one authorization may be handed on from client to client.
pub const EXCHANGES: usize = 8;

/// Life of a sign-in flow, in seconds: long enough to find one's password manager.
pub const FLOW_SECONDS: i64 = 30 * 60;
/// Life of a ticket from sign-in page to app host, in seconds: one redirect.
pub const TICKET_SECONDS: i64 = 30;
/// Life of the cookie that binds a ticket to the browser that asked, in seconds.
pub const BINDING_SECONDS: i64 = 30 * 60;
/// Life of the one-time set-up link, in seconds: a day, then `doorward setup-link` makes a new one.
pub const SETUP_SECONDS: i64 = 24 * 60 * 60;
/// Life of an identity token told to an app, in seconds.
pub const IDENTITY_TOKEN_SECONDS: i64 = 5 * 60;
/// Longest life of a service token, in seconds: two years.
pub const SERVICE_TOKEN_SECONDS: i64 = 2 * 365 * 24 * 60 * 60;
/// Tokens one person may have.
pub const PERSONAL_TOKENS: i64 = 50;
/// Longest life of a token a person makes, in seconds: a year.
pub const PERSONAL_TOKEN_SECONDS: i64 = 366 * 24 * 60 * 60;
/// How long the audit record is kept, in seconds.
pub const EVENT_SECONDS: i64 = 7 * 24 * 60 * 60;
/// How long the change feed is kept, in seconds: a node silent for longer reloads everything.
pub const CHANGE_SECONDS: i64 = 60 * 60;
/// Rows read from the change feed at once.
pub const CHANGES_AT_ONCE: i64 = 1000;
/// Sessions listed on the account page.
pub const SESSIONS_LISTED: i64 = 100;
/// Agreements listed on the account page.
pub const CONSENTS_LISTED: i64 = 200;
/// Rows of a list command's page.
pub const PAGE_ROWS: i64 = 500;
/// Longest of a stranger's own words told on, in characters.
pub const TOLD_CHARACTERS: usize = 200;
