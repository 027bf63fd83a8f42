//! The admin API's lines of the route table: each names the rights of which its caller needs one.

use crate::admin::{Call, Outcome, clients, composites, groups, holders, realms, roles, server, to, users};
use crate::routes::{Access, Route, Site, route};
use axum::routing::{delete, get, post, put};
use doorward_engine::administration::Right::{
    self, EveryRealm, ManageClients, ManageRealm, ManageUsers, QueryClients, QueryGroups, QueryUsers, ViewClients,
    ViewRealm, ViewUsers,
};

/// All of them, one line per call. Browsers' cookies count for nothing here: the handlers look at tokens alone.
#[rustfmt::skip]
pub fn table() -> Vec<Route> {
    vec![
        line("GET",    "/admin/serverinfo",                                     &[], server::info),
        line("GET",    "/admin/realms",                                         &[], realms::list),
        line("POST",   "/admin/realms",                                         &[EveryRealm], realms::create),
        line("GET",    "/admin/realms/{realm}",                                 &[], realms::show),
        line("PUT",    "/admin/realms/{realm}",                                 &[ManageRealm], realms::update),

        line("GET",    "/admin/realms/{realm}/users",                           &[QueryUsers], users::list),
        line("POST",   "/admin/realms/{realm}/users",                           &[ManageUsers], users::create),
        line("GET",    "/admin/realms/{realm}/users/count",                     &[QueryUsers], users::count),
        line("GET",    "/admin/realms/{realm}/users/{id}",                      &[ViewUsers], users::show),
        line("PUT",    "/admin/realms/{realm}/users/{id}",                      &[ManageUsers], users::update),
        line("DELETE", "/admin/realms/{realm}/users/{id}",                      &[ManageUsers], users::delete),
        line("PUT",    "/admin/realms/{realm}/users/{id}/reset-password",       &[ManageUsers], users::reset_password),
        line("POST",   "/admin/realms/{realm}/users/{id}/logout",               &[ManageUsers], users::logout),
        line("GET",    "/admin/realms/{realm}/users/{id}/groups",               &[ViewUsers], users::groups),
        line("PUT",    "/admin/realms/{realm}/users/{id}/groups/{group}",       &[ManageUsers], users::join),
        line("DELETE", "/admin/realms/{realm}/users/{id}/groups/{group}",       &[ManageUsers], users::leave),

        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings",                 &[ViewUsers], holders::all),
        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings/realm",           &[ViewUsers], holders::given),
        line("POST",   "/admin/realms/{realm}/users/{id}/role-mappings/realm",           &[ManageUsers], holders::give),
        line("DELETE", "/admin/realms/{realm}/users/{id}/role-mappings/realm",           &[ManageUsers], holders::take),
        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings/realm/available", &[ViewUsers], holders::available),
        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings/realm/composite", &[ViewUsers], holders::effective),
        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings/clients/{client}",           &[ViewUsers], holders::given),
        line("POST",   "/admin/realms/{realm}/users/{id}/role-mappings/clients/{client}",           &[ManageUsers], holders::give),
        line("DELETE", "/admin/realms/{realm}/users/{id}/role-mappings/clients/{client}",           &[ManageUsers], holders::take),
        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings/clients/{client}/available", &[ViewUsers], holders::available),
        line("GET",    "/admin/realms/{realm}/users/{id}/role-mappings/clients/{client}/composite", &[ViewUsers], holders::effective),
        line("GET",    "/admin/realms/{realm}/groups/{group}/role-mappings",                  &[ViewUsers], holders::all),
        line("GET",    "/admin/realms/{realm}/groups/{group}/role-mappings/realm",            &[ViewUsers], holders::given),
        line("POST",   "/admin/realms/{realm}/groups/{group}/role-mappings/realm",            &[ManageUsers], holders::give),
        line("DELETE", "/admin/realms/{realm}/groups/{group}/role-mappings/realm",            &[ManageUsers], holders::take),
        line("GET",    "/admin/realms/{realm}/groups/{group}/role-mappings/clients/{client}", &[ViewUsers], holders::given),
        line("POST",   "/admin/realms/{realm}/groups/{group}/role-mappings/clients/{client}", &[ManageUsers], holders::give),
        line("DELETE", "/admin/realms/{realm}/groups/{group}/role-mappings/clients/{client}", &[ManageUsers], holders::take),

        line("GET",    "/admin/realms/{realm}/groups",                          &[QueryGroups], groups::list),
        line("POST",   "/admin/realms/{realm}/groups",                          &[ManageUsers], groups::create),
        line("GET",    "/admin/realms/{realm}/groups/count",                    &[QueryGroups], groups::count),
        line("GET",    "/admin/realms/{realm}/groups/{group}",                  &[QueryGroups], groups::show),
        line("PUT",    "/admin/realms/{realm}/groups/{group}",                  &[ManageUsers], groups::update),
        line("DELETE", "/admin/realms/{realm}/groups/{group}",                  &[ManageUsers], groups::delete),
        line("GET",    "/admin/realms/{realm}/groups/{group}/children",         &[QueryGroups], groups::children),
        line("POST",   "/admin/realms/{realm}/groups/{group}/children",         &[ManageUsers], groups::create_inside),
        line("GET",    "/admin/realms/{realm}/groups/{group}/members",          &[ViewUsers], groups::members),
        line("GET",    "/admin/realms/{realm}/group-by-path/{*path}",           &[QueryGroups], groups::by_path),

        line("GET",    "/admin/realms/{realm}/roles",                           &[ViewRealm, ViewUsers], roles::list),
        line("POST",   "/admin/realms/{realm}/roles",                           &[ManageRealm], roles::create),
        line("GET",    "/admin/realms/{realm}/roles/{name}",                    &[ViewRealm, ViewUsers], roles::show),
        line("PUT",    "/admin/realms/{realm}/roles/{name}",                    &[ManageRealm], roles::update),
        line("DELETE", "/admin/realms/{realm}/roles/{name}",                    &[ManageRealm], roles::delete),
        line("GET",    "/admin/realms/{realm}/roles/{name}/users",              &[ViewUsers], roles::holders),
        line("GET",    "/admin/realms/{realm}/roles/{name}/composites",         &[ViewRealm, ViewUsers], composites::list),
        line("POST",   "/admin/realms/{realm}/roles/{name}/composites",         &[ManageRealm], composites::add),
        line("DELETE", "/admin/realms/{realm}/roles/{name}/composites",         &[ManageRealm], composites::remove),
        line("GET",    "/admin/realms/{realm}/roles-by-id/{role}",              &[ViewRealm, ViewUsers, ViewClients], roles::show_by_id),
        line("GET",    "/admin/realms/{realm}/clients/{client}/roles",                   &[ViewClients, ViewUsers], roles::list),
        line("POST",   "/admin/realms/{realm}/clients/{client}/roles",                   &[ManageClients], roles::create),
        line("GET",    "/admin/realms/{realm}/clients/{client}/roles/{name}",            &[ViewClients, ViewUsers], roles::show),
        line("PUT",    "/admin/realms/{realm}/clients/{client}/roles/{name}",            &[ManageClients], roles::update),
        line("DELETE", "/admin/realms/{realm}/clients/{client}/roles/{name}",            &[ManageClients], roles::delete),
        line("GET",    "/admin/realms/{realm}/clients/{client}/roles/{name}/users",      &[ViewUsers], roles::holders),
        line("GET",    "/admin/realms/{realm}/clients/{client}/roles/{name}/composites", &[ViewClients, ViewUsers], composites::list),
        line("POST",   "/admin/realms/{realm}/clients/{client}/roles/{name}/composites", &[ManageClients], composites::add),
        line("DELETE", "/admin/realms/{realm}/clients/{client}/roles/{name}/composites", &[ManageClients], composites::remove),

        line("GET",    "/admin/realms/{realm}/clients",                               &[QueryClients], clients::list),
        line("POST",   "/admin/realms/{realm}/clients",                               &[ManageClients], clients::create),
        line("GET",    "/admin/realms/{realm}/clients/{client}",                      &[ViewClients], clients::show),
        line("PUT",    "/admin/realms/{realm}/clients/{client}",                      &[ManageClients], clients::update),
        line("DELETE", "/admin/realms/{realm}/clients/{client}",                      &[ManageClients], clients::delete),
        line("GET",    "/admin/realms/{realm}/clients/{client}/client-secret",        &[ManageClients], clients::secret),
        line("POST",   "/admin/realms/{realm}/clients/{client}/client-secret",        &[ManageClients], clients::new_secret),
        line("GET",    "/admin/realms/{realm}/clients/{client}/service-account-user", &[ViewClients], clients::service_account),
    ]
}

/// A call: its caller needs one of these rights in the realm of the path; any at all where none is named.
fn line<F, Fut>(method: &'static str, path: &'static str, needs: &'static [Right], handle: F) -> Route
where
    F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let handle = to(needs, handle);
    let handler = match method {
        "POST" => post(handle),
        "PUT" => put(handle),
        "DELETE" => delete(handle),
        _ => get(handle),
    };
    route(method, path, (Site::Own, Access::Client), handler)
}
