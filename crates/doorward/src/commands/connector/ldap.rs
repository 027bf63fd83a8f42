//! Flags of directories: LDAP, and Active Directory as the one with other usual values.

use crate::commands::connector::add::Common;
use clap::{Args, ValueEnum};
use doorward_engine::federation::settings::{GroupSearch, Kind, LdapSettings, Nesting, Reach, UserSearch};
use doorward_model::secret_ref::SecretRef;

/// A new connector.
#[derive(Args, Debug)]
pub struct Ldap {
    #[command(flatten)]
    common: Common,
    /// A server, such as ldaps://dc1.example.com; may be repeated, and the next one is asked when one is not there. In
    /// clear (ldap://, without --start-tls) only to this machine.
    #[arg(long, value_name = "URL", required = true)]
    server_url: Vec<String>,
    /// Begin TLS on ldap:// servers before anything is said.
    #[arg(long)]
    start_tls: bool,
    /// A file of certificates in PEM: the only authorities that count for these servers. The system's without it.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Who asks. Without it Doorward asks as nobody in particular.
    #[arg(long, value_name = "DN", default_value = "", requires = "bind_password_ref")]
    bind_dn: String,
    /// Where the password of the bind DN is kept: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse, requires = "bind_dn")]
    bind_password_ref: Option<SecretRef>,
    /// The entry people are below.
    #[arg(long, value_name = "DN")]
    user_search_base: String,
    /// Which of the entries there are people who may come in; {name} stands for the name somebody types.
    #[arg(long, value_name = "FILTER")]
    user_search_filter: Option<String>,
    /// How far below the base people are.
    #[arg(long, value_name = "SCOPE", value_enum, default_value = "whole")]
    user_search_scope: Scope,
    /// The attribute user names are taken from: uid, and sAMAccountName in Active Directory.
    #[arg(long, value_name = "ATTRIBUTE")]
    name_attribute: Option<String>,
    /// The attribute of names for people: cn, and displayName in Active Directory.
    #[arg(long, value_name = "ATTRIBUTE")]
    display_attribute: Option<String>,
    /// The attribute of e-mail addresses: mail.
    #[arg(long, value_name = "ATTRIBUTE")]
    email_attribute: Option<String>,
    /// The attribute that never changes and is never given to somebody else: entryUUID, and objectGUID in Active
    /// Directory.
    #[arg(long, value_name = "ATTRIBUTE")]
    subject_attribute: Option<String>,
    /// The entry groups are below. Without it groups are not read.
    #[arg(long, value_name = "DN")]
    group_search_base: Option<String>,
    /// Which of the entries there are groups.
    #[arg(long, value_name = "FILTER", requires = "group_search_base")]
    group_search_filter: Option<String>,
    /// How far below the base groups are.
    #[arg(long, value_name = "SCOPE", value_enum, default_value = "whole")]
    group_search_scope: Scope,
    /// The attribute names of groups are taken from: cn, and sAMAccountName in Active Directory.
    #[arg(long, value_name = "ATTRIBUTE", requires = "group_search_base")]
    group_name_attribute: Option<String>,
    /// The attribute by which groups name their members: member.
    #[arg(long, value_name = "ATTRIBUTE", requires = "group_search_base")]
    member_attribute: Option<String>,
    /// The attribute of people that stands in groups, such as uid with memberUid. Without it their DNs do.
    #[arg(long, value_name = "ATTRIBUTE", requires = "group_search_base")]
    member_value_attribute: Option<String>,
    /// The attribute by which people name their groups, such as memberOf: groups are then not searched for members.
    #[arg(long, value_name = "ATTRIBUTE", requires = "group_search_base", conflicts_with_all = ["member_attribute", "member_value_attribute"])]
    member_of_attribute: Option<String>,
    /// What groups inside groups count for: followed here level by level (usual), or by the directory itself (usual in
    /// Active Directory).
    #[arg(long, value_name = "NESTING", value_enum, requires = "group_search_base")]
    group_nesting: Option<Inner>,
    /// The directory's addresses are proved; names that look like an address count too.
    #[arg(long)]
    addresses_are_proved: bool,
    /// People change their passwords there on their account page here.
    #[arg(long)]
    change_passwords: bool,
    /// How long a connection may take to stand.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    connect_timeout: u32,
    /// How long an answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    answer_timeout: u32,
    /// Read everybody every so many minutes, as `connector sync` does; 0 for never.
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    sync_every: u32,
    /// Between two of these, read only who changed every so many minutes, as `connector sync --changes` does; 0 for never.
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    sync_changes_every: u32,
    /// Entries asked for at once where there are many.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    page_size: u32,
}

/// How far below its base a search looks.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// One level.
    One,
    /// All levels.
    Whole,
}

impl From<Scope> for Reach {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::One => Self::One,
            Scope::Whole => Self::Whole,
        }
    }
}

/// Groups inside groups.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Inner {
    /// They do not count.
    Off,
    /// Followed level by level.
    Walk,
    /// Followed by Active Directory's own rule.
    InChain,
}

impl From<Inner> for Nesting {
    fn from(inner: Inner) -> Self {
        match inner {
            Inner::Off => Self::Off,
            Inner::Walk => Self::Walk,
            Inner::InChain => Self::InChain,
        }
    }
}

impl Ldap {
    /// What every kind has, and what this one is.
    pub fn read(self, active_directory: bool) -> (Common, Kind) {
        let users = UserSearch {
            base: self.user_search_base,
            filter: self.user_search_filter,
            reach: self.user_search_scope.into(),
            name: self.name_attribute,
            display: self.display_attribute,
            email: self.email_attribute,
            subject: self.subject_attribute,
        };
        let groups = self.group_search_base.map(|base| GroupSearch {
            base,
            filter: self.group_search_filter,
            reach: self.group_search_scope.into(),
            name: self.group_name_attribute,
            member: self.member_attribute,
            member_of: self.member_of_attribute,
            member_value: self.member_value_attribute,
            nesting: self.group_nesting.map(Nesting::from),
        });
        let kind = Kind::Ldap(LdapSettings {
            servers: self.server_url,
            start_tls: self.start_tls,
            ca_file: self.ca_file,
            bind_dn: self.bind_dn,
            secret_from: self.bind_password_ref,
            active_directory,
            users,
            groups,
            addresses_are_proved: self.addresses_are_proved,
            change_passwords: self.change_passwords,
            connect_seconds: self.connect_timeout,
            answer_seconds: self.answer_timeout,
            read_minutes: self.sync_every,
            changes_minutes: self.sync_changes_every,
            page_size: self.page_size,
        });
        (self.common, kind)
    }
}
