//! The part of the account page about programs: tokens a person makes for them, tools the person agreed to.

use crate::answers::Outcome;
use crate::callers::{Arrival, Fields, Visitor};
use crate::oidc::authorize::scope_words_of;
use crate::own::account::{Told, finish, moment, render};
use crate::own::stale_form;
use crate::pages::{AppChoice, ConsentRow, FreshToken, Programs, TokenRow};
use crate::web::Web;
use axum::extract::State;
use axum::response::Response;
use doorward_engine::authorize::consent;
use doorward_engine::clients::Client;
use doorward_engine::gate::open::open_apps;
use doorward_engine::manage::personal_tokens;
use doorward_engine::token::claims;
use doorward_model::id::{AppId, ClientId, ServiceTokenId};
use doorward_model::name::TokenName;
use doorward_oauth::scope::Scopes;
use http::StatusCode;
use std::sync::Arc;

/// `POST /realms/{realm}/account/tokens`
pub async fn create_token(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor, fields: Fields) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    finish(&web, &arrival, created(&web, &arrival, &visitor, &fields).await)
}

async fn created(web: &Web, arrival: &Arrival, visitor: &Visitor, fields: &Fields) -> Outcome {
    let refuse =
        |sentence: String| Told { status: StatusCode::BAD_REQUEST, token_error: Some(sentence), ..Told::default() };
    let name = match TokenName::parse(fields.text("name")) {
        Ok(name) => name,
        Err(bad) => return render(web, arrival, visitor, refuse(format!("What it is for: {bad}."))).await,
    };
    let Ok(days) = fields.text("days").parse::<u16>() else {
        return render(web, arrival, visitor, refuse("Choose how long the token is good.".to_owned())).await;
    };
    let user = &visitor.signed_in.user;
    let came = visitor.signed_in.session.came_by();
    let apps = open_apps(web.door(), user, came).await?;
    let chosen: Vec<AppId> = apps
        .iter()
        .filter(|app| !fields.text(&format!("app-{}", app.slug)).is_empty())
        .map(|app| app.id.clone())
        .collect();
    let person = web.door().live.person(&web.door().store, user.clone()).await?;
    let wanted = (name.clone(), chosen, i64::from(days) * 86_400);
    let told = match personal_tokens::create(web.door(), &arrival.ctx, (user, &person.groups, came), wanted).await? {
        Ok(token) => Told {
            fresh: Some(FreshToken { name: name.to_string(), clear: token.reveal().to_owned() }),
            ..Told::default()
        },
        Err(refused) => refuse(sentence(&refused.to_string())),
    };
    render(web, arrival, visitor, told).await
}

/// A sentence of the engine as one of a page: with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// `POST /realms/{realm}/account/tokens/revoke`
pub async fn revoke_token(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor, fields: Fields) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let outcome = async {
        let Ok(id) = ServiceTokenId::parse(fields.text("token")) else { return Ok(stale_form(&web, &arrival)) };
        let revoked = personal_tokens::revoke(web.door(), &arrival.ctx, &visitor.signed_in.user, &id).await?;
        let notice = if revoked { "That token is revoked." } else { "That token was gone already." };
        render(&web, &arrival, &visitor, Told::notice(notice)).await
    };
    finish(&web, &arrival, outcome.await)
}

/// `POST /realms/{realm}/account/consents/revoke`
pub async fn take_back(State(web): State<Arc<Web>>, arrival: Arrival, visitor: Visitor, fields: Fields) -> Response {
    if !visitor.proof.matches(fields.text("csrf")) {
        return stale_form(&web, &arrival);
    }
    let outcome = async {
        let Ok(client) = ClientId::parse(fields.text("client")) else { return Ok(stale_form(&web, &arrival)) };
        let taken = consent::take_back(web.door(), &arrival.ctx, &visitor.signed_in.user, &client).await?;
        let notice = if taken { "That tool has to ask you again." } else { "That was taken back already." };
        render(&web, &arrival, &visitor, Told::notice(notice)).await
    };
    finish(&web, &arrival, outcome.await)
}

/// What the page tells about programs.
pub async fn view(
    web: &Web,
    arrival: &Arrival,
    visitor: &Visitor,
    (account, told): (&str, &Told),
) -> Result<Programs, doorward_model::fault::Fault> {
    let user = &visitor.signed_in.user;
    let apps = web.door().live.apps();
    let title = |id: &AppId| apps.find(id).map(|app| app.settings.title.to_string());
    let tokens = personal_tokens::list(web.door(), user).await?;
    let consents = consent::of_user(web.door(), user).await?;
    Ok(Programs {
        tokens: tokens
            .iter()
            .map(|token| TokenRow {
                id: token.id.to_string(),
                name: token.name.to_string(),
                apps: token.apps.iter().filter_map(title).collect::<Vec<_>>().join(", "),
                until: moment(token.expires_at),
                is_over: token.expires_at <= arrival.ctx.now,
            })
            .collect(),
        apps: open_apps(web.door(), user, visitor.signed_in.session.came_by())
            .await?
            .iter()
            .map(|app| AppChoice { slug: app.slug.to_string(), title: app.settings.title.to_string() })
            .collect(),
        fresh: told.fresh.clone(),
        error: told.token_error.clone(),
        consents: consents
            .iter()
            .map(|(known, client)| ConsentRow {
                id: known.client_id.to_string(),
                client: client.title().to_owned(),
                allowed: allowed(client, &known.scopes),
                since: moment(known.granted_at),
            })
            .collect(),
        create_token_action: format!("{account}/tokens"),
        revoke_token_action: format!("{account}/tokens/revoke"),
        take_back_action: format!("{account}/consents/revoke"),
    })
}

/// Scopes as people were asked about them.
fn allowed(client: &Client, scopes: &str) -> String {
    let scopes = Scopes::parse(scopes).unwrap_or_default();
    claims::shown(client, &scopes).iter().map(|name| scope_words_of(client, name).title).collect::<Vec<_>>().join(" · ")
}
