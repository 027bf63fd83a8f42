//! Statements as constants, and the short list of those that must differ between the two databases.
//! Every statement stands in a `statements!` block, so that a test can prepare each on both.

/// One statement, the same text on both databases.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    /// Its name in the code, for messages.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Declares a module's statements and their list.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: $crate::sql::Sql = $crate::sql::Sql { name: stringify!($name), text: $text };)*
        /// Every statement of this module, for the test that prepares them.
        pub const STATEMENTS: &[$crate::sql::Sql] = &[$($name,)*];
    };
}
pub(crate) use statements;

/// Every statement of the crate.
pub fn all() -> impl Iterator<Item = Sql> {
    [
        crate::apps::STATEMENTS,
        crate::assertions::STATEMENTS,
        crate::changes::STATEMENTS,
        crate::client_scopes::STATEMENTS,
        crate::clients::STATEMENTS,
        crate::connectors::STATEMENTS,
        crate::consents::STATEMENTS,
        crate::device_codes::STATEMENTS,
        crate::deliveries::STATEMENTS,
        crate::events::STATEMENTS,
        crate::grants::STATEMENTS,
        crate::groups::STATEMENTS,
        crate::jobs::STATEMENTS,
        crate::keys::STATEMENTS,
        crate::origins::STATEMENTS,
        crate::personal_tokens::STATEMENTS,
        crate::proofs::STATEMENTS,
        crate::pushed::STATEMENTS,
        crate::realms::STATEMENTS,
        crate::roles::STATEMENTS,
        crate::registrations::STATEMENTS,
        crate::service_tokens::STATEMENTS,
        crate::sessions::STATEMENTS,
        crate::setup::STATEMENTS,
        crate::shown::STATEMENTS,
        crate::throttles::STATEMENTS,
        crate::users::STATEMENTS,
        crate::workload_tokens::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// PostgreSQL only: writers of the change feed queue up here until they commit, so that sequence
/// numbers become visible in order and a reader never skips a late one. SQLite has one writer anyway.
pub const POSTGRES_FEED_LOCK: &str = "SELECT pg_advisory_xact_lock(7203861)";
/// PostgreSQL only: wakes the other nodes at commit.
pub const POSTGRES_NOTIFY: &str = "SELECT pg_notify('doorward_changes', '')";
/// The channel of [`POSTGRES_NOTIFY`].
pub const POSTGRES_CHANNEL: &str = "doorward_changes";
/// PostgreSQL only: two nodes starting at once must not both migrate.
pub const POSTGRES_MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7203860)";
/// PostgreSQL only: whether the server is a standby, and whether it takes writes.
pub const POSTGRES_STANDING: &str = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'off'";
/// PostgreSQL only: a step of a migration, or another node's, may take longer than a person waits for a statement.
pub const POSTGRES_NO_HURRY: &str = "SET LOCAL statement_timeout = 0";
