//! Limits of the use cases, each with its unit and reason.

/// Password checks of one realm that may wait for a free core: more are told to come back, so memory and patience
/// stay bounded.
pub const HASHES_WAITING: usize = 64;
/// The same of all realms together.
pub const HASHES_WAITING_IN_ALL: usize = 1024;
/// Passes kept in memory: a million live sessions at one app each.
pub const PASSES_CACHED: usize = 1_048_576;
/// Sessions kept in memory.
pub const SESSIONS_CACHED: usize = 1_048_576;
/// Service tokens kept in memory.
pub const TOKENS_CACHED: usize = 16_384;
/// Refusals of all clients together written to the record in one second, on each node: each is a durable write.
pub const REFUSALS_RECORDED_EACH_SECOND: u32 = 5;
/// Refusals of one client and kind written to the record one by one in a window of [`REFUSAL_SECONDS`], on each node.
pub const REFUSALS_RECORDED_OF_CLIENT: u32 = 10;
/// Window of [`REFUSALS_RECORDED_OF_CLIENT`], in seconds.
pub const REFUSAL_SECONDS: i64 = 60;
/// Longest template of a claim, in bytes: tokens travel in headers.
pub const TEMPLATE_BYTES: usize = 1024;
/// Placeholders and texts of one template: each is looked up for every token.
pub const TEMPLATE_PARTS: usize = 32;
/// Paths of groups told of one user: a group may lie inside many, and ways multiply.
pub const GROUP_PATHS: usize = 500;
/// Longest path of groups that is followed further up, in bytes.
pub const GROUP_PATH_BYTES: usize = 4096;
/// Realms kept in memory.
pub const REALMS_CACHED: usize = 4096;
/// Clients kept in memory.
pub const CLIENTS_CACHED: usize = 16_384;
/// Recent changes remembered to tell whether something just loaded is already old.
pub const CHANGES_REMEMBERED: usize = 4096;
/// A session's last-seen time is noted at most this often, in seconds: no write on the gate's path.
pub const SEEN_EVERY_SECONDS: i64 = 60;
/// Denials recorded for one session and app at most this often, in seconds.
pub const DENIALS_EVERY_SECONDS: i64 = 60;

/// Time to choose a password in place of a temporary one, in seconds.
pub const RENEWAL_SECONDS: i64 = 15 * 60;

/// Failed sign-ins to one account from one network, from browsers not seen before.
pub const FAILURES_PER_PAIR: i64 = 5;
/// Window of [`FAILURES_PER_PAIR`] and of [`FAILURES_PER_DEVICE`], in seconds.
pub const PAIR_SECONDS: i64 = 5 * 60;
/// Failed sign-ins to one account from a browser that signed in to it before. A budget of its own, so
/// that strangers cannot lock a person out.
pub const FAILURES_PER_DEVICE: i64 = 10;
/// Failed sign-ins to one account from anywhere by browsers not seen before.
pub const FAILURES_PER_ACCOUNT: i64 = 100;
/// Window of [`FAILURES_PER_ACCOUNT`], in seconds.
pub const ACCOUNT_SECONDS: i64 = 60 * 60;
/// Failed sign-ins from one network to any account. Attempts under way count until they end, so it must
/// leave room for an office that comes to work behind one address.
pub const FAILURES_PER_NETWORK: i64 = 200;
/// Window of [`FAILURES_PER_NETWORK`], in seconds.
pub const NETWORK_SECONDS: i64 = 5 * 60;
/// Wrong user codes of devices from one session: people mistype, guessers need thousands of millions.
pub const USER_CODES_PER_SESSION: i64 = 10;
/// Wrong user codes of devices from one network.
pub const USER_CODES_PER_NETWORK: i64 = 100;
/// Window of [`USER_CODES_PER_SESSION`] and [`USER_CODES_PER_NETWORK`], in seconds.
pub const USER_CODE_SECONDS: i64 = 10 * 60;
/// Device codes one client may ask for from one network while they last: each is a row, and anybody can ask.
pub const DEVICES_PER_NETWORK: i64 = 300;
/// Browsers are known for this long after their last sign-in, in seconds.
pub const DEVICE_SECONDS: i64 = 180 * 24 * 60 * 60;
/// Longest browser description kept, in characters.
pub const USER_AGENT_CHARACTERS: usize = 300;
/// A nonce for proofs of possession is the one to use for this long, in seconds, and good for as long again: proofs
/// made ahead of time are worth nothing after that, and a program that calls all the time is sent back seldom.
pub const NONCE_SECONDS: i64 = 150;
/// Random-looking bytes of such a nonce: it cannot be guessed.
pub const NONCE_BYTES: usize = 16;

/// Public keys one client may declare: a few, and those being replaced.
pub const CLIENT_KEYS: usize = 20;
/// Largest declared key set, in bytes as JSON: it is kept with the client in memory.
pub const CLIENT_KEYS_BYTES: usize = 32 * 1024;
/// How far ahead the end of a client's assertion may lie, in seconds: it is made for one request.
pub const ASSERTION_SECONDS: i64 = 5 * 60;
/// How long a used assertion is remembered beyond its end, in seconds: clocks differ, those of nodes too.
pub const ASSERTION_MEMORY_SECONDS: i64 = 2 * 60;
/// Counters of wrong secrets kept in memory.
pub const GUESSES_CACHED: usize = 65_536;
/// Wrong secrets taken for one client from one network.
pub const FAILURES_PER_CLIENT: i64 = 20;
/// Window of [`FAILURES_PER_CLIENT`], in seconds.
pub const CLIENT_FAILURE_SECONDS: i64 = 5 * 60;
/// How long a retiring key stays beyond the end of what it signed, in seconds: clocks differ, and a node may hear
/// of a change late.
pub const KEY_SLACK_SECONDS: i64 = 5 * 60;
/// How long another node leaves the work on signing keys to the one that claimed it, in seconds: longer than making
/// some RSA keys takes.
pub const KEY_WORK_SECONDS: i64 = 30;
/// Life of a logout token, in seconds (OIDC Back-Channel Logout §4: at most two minutes).
pub const LOGOUT_TOKEN_SECONDS: i64 = 120;
/// How long a node has to take a token to a client, in seconds; after that another one tries.
pub const DELIVERY_LEASE_SECONDS: i64 = 60;
/// Pauses between attempts, the first and the longest, in seconds: a restart is short, an outage is not.
pub const DELIVERY_PAUSE_SECONDS: (i64, i64) = (5, 60 * 60);
/// Attempts before a delivery is given up: about half a day.
pub const DELIVERY_ATTEMPTS: i64 = 16;
/// Frames on the page after signing out: more tools than one person has open.
pub const LOGOUT_FRAMES: usize = 32;
/// How long somebody may take at an outside provider, in seconds.
pub const PROVIDER_SECONDS: i64 = 10 * 60;
/// Largest form of somebody who waits to be linked, in bytes before it is sealed: it is carried by a form.
pub const PENDING_BYTES: usize = 10 * 1024;
/// Longest text of the cookie that says where a browser goes after signing out at an outside provider, in bytes: browsers
/// keep 4096 with its name.
pub const PARTING_BYTES: usize = 3800;
/// Groups an outside provider may say somebody is in.
pub const EXTERNAL_GROUPS: usize = 500;
/// Groups an outside provider may say where rules name those that count: as many as fifty pages of a directory hold.
pub const EXTERNAL_GROUPS_SAID: usize = 5000;
/// Connectors of a realm: more than fit on a sign-in page.
pub const CONNECTORS: usize = 50;
/// Longest issuer or client id of an outside provider, in bytes.
pub const ISSUER_BYTES: usize = 512;
/// Longest entity id, in bytes (SAML Metadata §2.2.1).
pub const ENTITY_ID_BYTES: usize = 1024;
/// Most certificates of one SAML provider: those in use and those to come.
pub const SAML_CERTIFICATES: usize = 16;
/// Most keys of its own a SAML connector has at a time: each is tried at what is encrypted for us.
pub const SAML_OWN_KEYS: usize = 3;
/// How far an outside provider's clock may be apart at most, in seconds.
pub const CLOCK_TOLERANCE_SECONDS: u32 = 600;
/// How often an outside provider may be asked again for somebody, at least and at most, in seconds; the most is also how
/// long a session may go on without an answer.
pub const REFRESH_SECONDS: (u32, u32) = (5, 7 * 24 * 60 * 60);
/// How long a node has to ask for somebody again, in seconds: longer than all calls of one asking may take.
pub const REFRESH_LEASE_SECONDS: i64 = 90;
/// Pause before an outside provider that could not be asked is asked again, in seconds.
pub const REFRESH_PAUSE_SECONDS: i64 = 30;
/// Longest subject of an outside provider, in bytes (OIDC Core §2).
pub const SUBJECT_BYTES: usize = 255;
/// Servers one directory may have.
pub const DIRECTORY_SERVERS: usize = 8;
/// Longest time a directory may be given to connect or to answer, in seconds: somebody waits at the sign-in page.
pub const DIRECTORY_SECONDS: u32 = 60;
/// Most entries of one page of a directory.
pub const DIRECTORY_PAGE: u32 = 10_000;
/// Deepest search filter that is read.
pub const FILTER_DEPTH: usize = 32;
/// Longest name of a directory's attribute, in bytes.
pub const ATTRIBUTE_BYTES: usize = 128;
/// Longest name of a directory's entry, in bytes.
pub const DN_BYTES: usize = 8 * 1024;
/// Users whose change is told to caches one by one in one transaction; more are told as one change of the realm's groups.
pub const CHANGES_AT_ONCE: usize = 128;
/// People a directory may have lost without anybody being asked, however few it had.
pub const REMOVED_ALWAYS: i64 = 5;
/// Links read at once.
pub const LINKS_READ: i64 = 1000;
/// People of groups that changed who are asked for one by one; when there are more, everybody is read.
pub const PEOPLE_FOLLOWED: usize = 1000;
/// Longest time between two readings of a whole directory, in minutes: a week.
pub const DIRECTORY_READ_MINUTES: u32 = 7 * 24 * 60;
/// Realms looked at for directories that are to be read.
pub const REALMS_READ: i64 = 10_000;
/// Longest name of a realm of Kerberos, and of a host of a service there, in bytes.
pub const KERBEROS_NAME_BYTES: usize = 120;
