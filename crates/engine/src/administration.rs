//! Who may administer a realm over HTTP, and how far: by roles as of now, in Keycloak's words. Whoever administers
//! a part of a realm cannot take more: neither themselves nor through anybody or anything that is allowed more.

use crate::clients::Client;
use crate::door::Door;
use crate::manage::Refused;
use crate::token::check::{Good, check};
use crate::token::roles::Roles;
use doorward_jose::jws::Presented;
use doorward_model::context::Ctx;
use doorward_model::event::Actor;
use doorward_model::fault::Fault;
use doorward_model::id::KeyId;
use doorward_model::people::{Holder, Realm, Role};
use doorward_oauth::scope::Scopes;
use doorward_store::store::Query;
use doorward_store::{clients, realms, roles};
use std::collections::BTreeSet;

/// The role of a realm whose holders may do everything in it; in the server's own realm, in every realm. Not Keycloak's
/// `admin`: tools use roles of that name for their own administrators, and those are not meant.
pub const ADMIN: &str = "doorward-admin";
/// The client whose roles allow a part. A person's token counts here when this name is among its audiences, or it was
/// issued to [`ADMIN_CLI`].
pub const REALM_MANAGEMENT: &str = "realm-management";
/// The client that is there for administration alone.
pub const ADMIN_CLI: &str = "admin-cli";

/// One thing that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Right {
    /// Everything in every realm, and new realms.
    EveryRealm = 1,
    /// Changing a realm and its roles.
    ManageRealm = 1 << 1,
    /// Reading what is said of a realm, and its roles.
    ViewRealm = 1 << 2,
    /// Changing users and groups, and who has which role.
    ManageUsers = 1 << 3,
    /// Reading users and groups.
    ViewUsers = 1 << 4,
    /// Reading names of groups.
    QueryGroups = 1 << 5,
    /// Changing clients, and reading their secrets.
    ManageClients = 1 << 6,
    /// Reading clients.
    ViewClients = 1 << 7,
    /// Reading names of clients.
    QueryClients = 1 << 8,
    /// Asking for users: those the caller may read are found, which are none without [`Right::ViewUsers`].
    QueryUsers = 1 << 9,
}

/// Several of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights(u16);

impl Rights {
    /// Everything in one realm.
    pub const REALM: Self = Self(0b11_1111_1110);
    /// Everything in every realm.
    pub const ALL: Self = Self(0b11_1111_1111);

    /// Whether this is among them.
    pub fn has(self, right: Right) -> bool {
        self.0 & right as u16 != 0
    }

    /// Whether all of those are among these.
    pub fn cover(self, those: Self) -> bool {
        those.0 & !self.0 == 0
    }

    fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |bits, right| bits | *right as u16))
    }

    fn and(self, those: Self) -> Self {
        Self(self.0 | those.0)
    }

    /// What roles of a realm allow in that realm.
    pub fn of_roles(roles: &Roles, is_servers_realm: bool) -> Self {
        use Right::{ManageClients, ManageRealm, ManageUsers, QueryClients, QueryGroups, QueryUsers};
        use Right::{ViewClients, ViewRealm, ViewUsers};
        let whole = match (roles.realm.contains(ADMIN), is_servers_realm) {
            (true, true) => Self::ALL,
            (true, false) => Self::REALM,
            (false, _) => Self::default(),
        };
        let fine = roles.clients.get(REALM_MANAGEMENT).into_iter().flatten();
        fine.fold(whole, |rights, name| {
            rights.and(match name.as_str() {
                "realm-admin" => Self::REALM,
                "manage-realm" => Self::of(&[ManageRealm, ViewRealm]),
                "view-realm" => Self::of(&[ViewRealm]),
                "manage-users" => Self::of(&[ManageUsers, ViewUsers, QueryUsers, QueryGroups]),
                "view-users" => Self::of(&[ViewUsers, QueryUsers, QueryGroups]),
                "query-users" => Self::of(&[QueryUsers]),
                "query-groups" => Self::of(&[QueryGroups]),
                "manage-clients" => Self::of(&[ManageClients, ViewClients, QueryClients]),
                "view-clients" => Self::of(&[ViewClients, QueryClients]),
                "query-clients" => Self::of(&[QueryClients]),
                _ => Self::default(),
            })
        })
    }
}

/// Whoever showed a good token.
pub struct Caller {
    /// The realm the token is of.
    pub home: Realm,
    /// The token.
    pub good: Good,
    /// What the caller may do at home.
    rights: Rights,
}

impl Caller {
    /// The caller behind an access token, whichever realm it is of; `None` when the token is not good now.
    pub async fn find(door: &Door, ctx: &Ctx, token: &str) -> Result<Option<Self>, Fault> {
        let Some(home) = realm_of(door, ctx, token).await? else { return Ok(None) };
        let Some(good) = check(door, ctx, &home, token).await? else { return Ok(None) };
        let roles = match &good.person {
            Some((person, _)) => person.roles.clone(),
            None => Roles::of_client(&mut &door.store, &good.client.id).await?,
        };
        let rights = match is_meant(&good) {
            true => Rights::of_roles(&roles, home.name == door.settings.realm),
            false => Rights::default(),
        };
        Ok(Some(Self { home, good, rights }))
    }

    /// As events name the caller.
    pub fn actor(&self) -> Actor {
        match &self.good.person {
            Some((person, _)) => Actor::User(person.user.id.clone()),
            None => Actor::Client(self.good.client.id.clone()),
        }
    }

    /// What the caller may do in a realm: nothing outside their own, unless they administer every realm.
    pub fn rights_in(&self, realm: &str) -> Rights {
        if realm == self.home.name.as_str() || self.rights.has(Right::EveryRealm) {
            return self.rights;
        }
        Rights::default()
    }
}

/// The realm whose key signed a token. The signature is not looked at here.
async fn realm_of(door: &Door, ctx: &Ctx, token: &str) -> Result<Option<Realm>, Fault> {
    let Ok(presented) = Presented::read(token) else { return Ok(None) };
    let Some(id) = presented.header().kid().filter(|id| KeyId::parse(id).is_ok()) else { return Ok(None) };
    let signed_by = |door: &Door| {
        let all = door.keys.all();
        all.iter()
            .find(|(_, known)| known.iter().any(|known| known.key.id().as_str() == id))
            .map(|(realm, _)| realm.clone())
    };
    let mut found = signed_by(door);
    if found.is_none() {
        // Another node may have made the key a moment ago.
        crate::upkeep::follow(door, ctx).await?;
        found = signed_by(door);
    }
    match found {
        Some(id) => realms::find_by_id(&mut &door.store, &id).await,
        None => Ok(None),
    }
}

/// Whether a token may be used for administration at all. A client's own stands for that client. A person's could
/// have been issued to any tool they signed in to: only clients that are there for this may use theirs, and of those
/// that are there for something else too, only tokens for this. A token that was handed on, or is narrower than its
/// person's roles, is not meant for it.
fn is_meant(good: &Good) -> bool {
    let scopes = good.claims.text("scope").ok().flatten().and_then(|text| Scopes::parse(text).ok());
    if good.claims.get("act").is_some() || !scopes.is_some_and(|scopes| scopes.contains("roles")) {
        return false;
    }
    let is_for_this = || good.claims.audiences().is_ok_and(|all| all.contains(&REALM_MANAGEMENT));
    good.person.is_none() || is_admin_cli(&good.client) || (has_audience(&good.client) && is_for_this())
}

fn is_admin_cli(client: &Client) -> bool {
    client.name.as_str() == ADMIN_CLI
}

fn has_audience(client: &Client) -> bool {
    client.settings.mappers.iter().any(|mapper| mapper.is_audience(REALM_MANAGEMENT))
}

/// Refuses a change of somebody who may do what the caller may not: it would be a way to become them. Asked before a
/// change and, inside its transaction, behind it.
pub async fn outranks(
    door: &Door,
    query: &mut impl Query,
    (rights, realm): (Rights, &Realm),
    holder: &Holder,
) -> Result<Result<(), Refused>, Fault> {
    let roles = match holder {
        Holder::User(id) => Roles::of_user(query, id).await?,
        Holder::Client(id) => Roles::of_client(query, id).await?,
        Holder::Group(_) | Holder::Role(_) => brought_by(query, holder).await?,
    };
    let theirs = Rights::of_roles(&roles, realm.name == door.settings.realm);
    Ok(rights
        .cover(theirs)
        .then_some(())
        .ok_or_else(|| Refused::because("your roles do not allow you this: it needs more than you have")))
}

/// The roles that whoever is in a group, or has a role, has by it: directly and by roles within roles.
async fn brought_by(query: &mut impl Query, holder: &Holder) -> Result<Roles, Fault> {
    let (mut brought, mut known) = (Roles::default(), BTreeSet::new());
    let mut open: Vec<Role> = match holder {
        Holder::Role(id) => roles::find_by_id(query, id).await?.into_iter().collect(),
        holder => roles::direct(query, holder).await?.into_iter().map(|(role, _)| role).collect(),
    };
    while let Some(role) = open.pop() {
        if !known.insert(role.id.clone()) {
            continue;
        }
        open.extend(roles::direct(query, &Holder::Role(role.id.clone())).await?.into_iter().map(|(role, _)| role));
        let of_one = match &role.client_id {
            None => &mut brought.realm,
            Some(id) => match clients::find_by_id(query, id).await? {
                Some(client) => brought.clients.entry(client.name.to_string()).or_default(),
                None => continue,
            },
        };
        of_one.insert(role.name.to_string());
    }
    Ok(brought)
}

/// Refuses a change of a client through which persons administer, or whose roles allow it, to whoever does not
/// administer the whole realm.
pub fn may_change_client(rights: Rights, client: &Client) -> Result<(), Refused> {
    let is_of_administration = is_admin_cli(client) || has_audience(client) || client.name.as_str() == REALM_MANAGEMENT;
    (rights.cover(Rights::REALM) || !is_of_administration)
        .then_some(())
        .ok_or_else(|| Refused::because("the realm is administered by this client: it needs the role realm-admin"))
}

#[cfg(test)]
mod tests {
    use super::{Right, Rights};
    use crate::token::roles::Roles;
    use std::collections::{BTreeMap, BTreeSet};

    fn roles(realm: &[&str], fine: &[&str]) -> Roles {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let clients = BTreeMap::from([("realm-management".to_owned(), set(fine))]);
        Roles { realm: set(realm), clients }
    }

    #[test]
    fn roles_allow_what_keycloak_lets_them_allow_and_nothing_else() {
        for (realm, fine, is_servers, expected) in [
            (&["doorward-admin"][..], &[][..], true, Rights::ALL),
            (&["doorward-admin"], &[], false, Rights::REALM),
            (&[], &["realm-admin"], true, Rights::REALM),
            (
                &[],
                &["manage-users"],
                true,
                Rights::of(&[Right::ManageUsers, Right::ViewUsers, Right::QueryUsers, Right::QueryGroups]),
            ),
            (&[], &["query-users"], true, Rights::of(&[Right::QueryUsers])),
            (&[], &["view-clients"], false, Rights::of(&[Right::ViewClients, Right::QueryClients])),
            (
                &["admin", "realm-admin", "manage-users", "Doorward-Admin"],
                &["doorward-admin", "query-realms"],
                true,
                Rights::default(),
            ),
            (&[], &[], true, Rights::default()),
        ] {
            assert_eq!(Rights::of_roles(&roles(realm, fine), is_servers), expected, "{realm:?} {fine:?}");
        }
        let elsewhere = BTreeMap::from([("another".to_owned(), BTreeSet::from(["realm-admin".to_owned()]))]);
        assert_eq!(Rights::of_roles(&Roles { clients: elsewhere, ..Roles::default() }, true), Rights::default());
    }

    #[test]
    fn nobody_covers_more_than_they_have() {
        let some = Rights::of(&[Right::ManageUsers, Right::ViewUsers]);
        assert!(Rights::ALL.cover(Rights::REALM) && Rights::REALM.cover(some) && some.cover(Rights::default()));
        assert!(!Rights::REALM.cover(Rights::ALL) && !some.cover(Rights::REALM));
        assert!(!Rights::REALM.has(Right::EveryRealm) && Rights::ALL.has(Right::EveryRealm));
    }
}
