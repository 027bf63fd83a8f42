//! Statements as constants, and the short list of those that must differ between the two databases.
//! Every statement stands in a `statements!` block, so that a test can prepare each on both.

/// One statement, the same text on both databases.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    /// Its name in the code, for messages.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The same with parameters as SQLite numbers them: `?1` is the first, while `$1` would be a name it looks up.
    pub(crate) sqlite: &'static str,
}

impl Sql {
    /// Whether nobody can tell from its text how much it takes along.
    pub(crate) fn is_deletion(self) -> bool {
        self.text.starts_with("DELETE")
    }
}

/// A statement's text with parameters as SQLite numbers them.
#[expect(clippy::indexing_slicing, reason = "compiled in: a mistake does not build")]
pub(crate) const fn numbered<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let mut bytes = [b' '; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        let byte = text.as_bytes()[at];
        let is_parameter = byte == b'$' && at + 1 < LENGTH && text.as_bytes()[at + 1].is_ascii_digit();
        bytes[at] = if is_parameter { b'?' } else { byte };
        at += 1;
    }
    bytes
}

/// Declares a module's statements and their list.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: $crate::sql::Sql = {
            const TEXT: &str = $text;
            const BYTES: [u8; TEXT.len()] = $crate::sql::numbered(TEXT);
            let sqlite = match std::str::from_utf8(&BYTES) {
                Ok(text) => text,
                Err(_) => "",
            };
            $crate::sql::Sql { name: stringify!($name), text: TEXT, sqlite }
        };)*
        /// Every statement of this module, for the test that prepares them.
        pub const STATEMENTS: &[$crate::sql::Sql] = &[$($name,)*];
    };
}
pub(crate) use statements;

/// The length of [`rows_text`]'s text.
pub(crate) const fn rows_length(before: &str, rows: Rows, after: &str) -> usize {
    let mut length = before.len() + after.len();
    let mut number = rows.first;
    let mut row = 0;
    while row < rows.count {
        // Two parentheses, and a comma before each but the first.
        length += if row == 0 { 2 } else { 3 };
        let mut column = 0;
        while column < rows.columns {
            length += 1 + digits(number) + if column == 0 { 0 } else { 1 };
            number += 1;
            column += 1;
        }
        row += 1;
    }
    length
}

/// Rows of parameters: `($1,$2),($3,$4)`.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    /// The number of the first parameter.
    pub(crate) first: usize,
    /// How many rows.
    pub(crate) count: usize,
    /// How many parameters in each.
    pub(crate) columns: usize,
}

const fn digits(mut number: usize) -> usize {
    let mut digits = 1;
    while number >= 10 {
        number /= 10;
        digits += 1;
    }
    digits
}

/// A statement with rows of parameters in it, as ASCII; made when compiled, so that it is one text like every other.
#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "compiled in: a mistake does not build")]
pub(crate) const fn rows_text<const LENGTH: usize>(before: &str, rows: Rows, after: &str) -> [u8; LENGTH] {
    let mut text = [b' '; LENGTH];
    let (mut at, mut number, mut row) = (0, rows.first, 0);
    let mut from = 0;
    while from < before.len() {
        text[at] = before.as_bytes()[from];
        (at, from) = (at + 1, from + 1);
    }
    while row < rows.count {
        if row > 0 {
            text[at] = b',';
            at += 1;
        }
        text[at] = b'(';
        at += 1;
        let mut column = 0;
        while column < rows.columns {
            if column > 0 {
                text[at] = b',';
                at += 1;
            }
            text[at] = b'$';
            at += 1;
            let count = digits(number);
            let (mut rest, mut place) = (number, count);
            while place > 0 {
                place -= 1;
                text[at + place] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            at += count;
            number += 1;
            column += 1;
        }
        text[at] = b')';
        at += 1;
        row += 1;
    }
    from = 0;
    while from < after.len() {
        text[at] = after.as_bytes()[from];
        (at, from) = (at + 1, from + 1);
    }
    text
}

/// A statement for many rows at once.
macro_rules! with_rows {
    ($before:expr, $rows:expr, $after:expr) => {{
        const BYTES: [u8; $crate::sql::rows_length($before, $rows, $after)] =
            $crate::sql::rows_text($before, $rows, $after);
        match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => "",
        }
    }};
}
pub(crate) use with_rows;

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
        crate::reading_marks::STATEMENTS,
        crate::pushed::STATEMENTS,
        crate::realms::STATEMENTS,
        crate::roles::STATEMENTS,
        crate::registrations::STATEMENTS,
        crate::service_tokens::STATEMENTS,
        crate::sessions::STATEMENTS,
        crate::setup::STATEMENTS,
        crate::shown::STATEMENTS,
        crate::sync::STATEMENTS,
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
/// PostgreSQL only: looks at the tables that grow when a directory is taken over. Nothing else does so for the first minute,
/// and until then the server takes a realm for a handful of people, reads all of them to find some, and keeps that plan.
pub const POSTGRES_LOOK_AT_PEOPLE: &str = "ANALYZE users, links, memberships";
