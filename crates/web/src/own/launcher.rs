//! The launcher: what this person may open.

use crate::answers::{self, Outcome};
use crate::callers::{Arrival, Visitor};
use crate::own::person;
use crate::pages::{self, Tile};
use crate::web::Web;
use axum::extract::State;
use axum::response::Response;
use doorward_engine::gate::open::apps_to_enter;
use doorward_model::address::BackTo;
use doorward_model::app::{App, Icon};
use http::StatusCode;
use std::sync::Arc;

/// `GET /`
pub async fn show(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor) -> Response {
    render(&web, &visitor).await.unwrap_or_else(|fault| answers::fault(&web, &arrival.ctx, &fault))
}

async fn render(web: &Web, visitor: &Visitor) -> Outcome {
    let user = &visitor.signed_in.user;
    let mut tiles: Vec<Tile> = apps_to_enter(web.door(), user).await?.iter().filter_map(|app| tile(app)).collect();
    tiles.sort_by_cached_key(|tile| tile.name.to_lowercase());
    let apps = web.door().live.apps();
    let realm = apps.realm(&user.realm_id);
    let name = realm.map_or("", |realm| realm.name.as_str());
    let view = pages::Launcher {
        person: person(user),
        realm_title: realm.map(|realm| realm.title.to_string()).unwrap_or_default(),
        tiles,
        csrf: visitor.proof.reveal().to_owned(),
        sign_out_action: format!("/realms/{name}/sign-out"),
        account_url: format!("/realms/{name}/account"),
    };
    answers::page(StatusCode::OK, &view, "")
}

fn tile(app: &App) -> Option<Tile> {
    let address = app.settings.addresses.first()?;
    let symbol = match app.settings.icon {
        Icon::Initials => None,
        Icon::Pipeline => Some("pipeline"),
        Icon::Database => Some("database"),
        Icon::Chart => Some("chart"),
        Icon::Storage => Some("storage"),
        Icon::Notebook => Some("notebook"),
        Icon::Workflow => Some("workflow"),
        Icon::Generic => Some("generic"),
    };
    Some(Tile {
        name: app.settings.title.to_string(),
        url: BackTo::front(address)?.url(),
        description: app.settings.description.as_ref().map(ToString::to_string).unwrap_or_default(),
        icon: pages::Icon::new(app.slug.as_str(), app.settings.title.as_str(), symbol),
        host: address.host().to_string(),
    })
}
