//! What there is, for whoever may list it: readings of the store that decide nothing. Only readings are handed on:
//! whatever changes something has a use case.

pub use doorward_store::store::Query;
pub use doorward_store::tx::Tx;

/// Clients.
pub mod clients {
    pub use doorward_store::clients::{find, find_by_id, page};
}

/// Groups, and who is in them.
pub mod groups {
    pub use doorward_store::groups::{direct_of_user, find, find_by_id, list, members, nestings_of_realm};
}

/// Realms.
pub mod realms {
    pub use doorward_store::realms::list;
}

/// Roles, and who has them.
pub mod roles {
    pub use doorward_store::roles::{all_of_realm, direct, find, find_by_id, page, users};
}

/// Users.
pub mod users {
    pub use doorward_store::users::{Known, Search, count_found, find, find_known, profile, search};
}
