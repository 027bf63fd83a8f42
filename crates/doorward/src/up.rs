//! `doorward up`: one machine, everything generated. A small sample tool stands behind the gate, and real
//! ones by `--protect`.

mod behind;

use crate::exit::Exit;
use crate::serve;
use crate::settings::Config;
use crate::{control, imported, open};
use doorward_engine::door::Door;
use doorward_engine::manage;
use doorward_model::address::Address;
use doorward_model::app::{Access, App, AppSettings, Icon};
use doorward_model::context::Ctx;
use doorward_model::name::{AppSlug, DisplayText, GroupName};
use doorward_model::people::Realm;
use doorward_store::apps;
use doorward_store::tx::Tx;
use doorward_web::proxied;
use doorward_world::World;
use std::time::Instant;

/// A tool to put behind the built-in reverse proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protect {
    /// Its name, and its host's first label.
    pub slug: AppSlug,
    /// Where it listens.
    pub upstream: String,
    /// Groups that may enter.
    pub groups: Vec<GroupName>,
}

/// `doorward up`
pub async fn run(config: Config, world: World, protects: Vec<Protect>) -> Result<(), Exit> {
    let begun = Instant::now();
    let (lock, listeners) = serve::begin(&config, true).await?;
    let door = open::open(&config, &world, open::Begin::Allowed).await?;
    let ctx = serve::start_ctx(&world);
    let realm = serve::ensure_realm(&door, &ctx).await?;
    imported::from_environment(&door, &ctx, &realm).await?;
    put_behind(&door, &ctx, &realm, &protects).await?;
    let lines = behind::lines(&door, &realm, (&config, &config.doorward())).await?;
    control::poke(&config).await;
    serve::print_setup_link(&door, &ctx, &realm).await?;
    serve::stand(config, world, door, (lock, listeners), &lines, begun).await
}

/// Creates the sample and the protected apps, or brings them up to date; what was changed by hand stays.
async fn put_behind(door: &Door, ctx: &Ctx, realm: &Realm, protects: &[Protect]) -> Result<(), Exit> {
    let mut tx = door.begin().await?;
    let sample = AppSlug::parse("sample").map_err(|bad| Exit::usage(bad.to_string()))?;
    if !protects.iter().any(|protect| protect.slug == sample) {
        let wanted = Wanted {
            title: "Sample tool",
            description: Some("Shows what a tool behind the gate is told"),
            icon: Icon::Generic,
            upstream: proxied::SAMPLE,
            access: Access { everyone: true, ..Access::default() },
            is_our_own: true,
        };
        ensure(door, &mut tx, realm, &sample, wanted).await?;
    }
    for protect in protects {
        let groups = manage::groups::find_or_create(door, &mut tx, &realm.id, &protect.groups).await?;
        let title = title(&protect.slug);
        let wanted = Wanted {
            title: &title,
            description: None,
            icon: icon(&protect.slug),
            upstream: &protect.upstream,
            access: Access { groups, ..Access::default() },
            is_our_own: false,
        };
        ensure(door, &mut tx, realm, &protect.slug, wanted).await?;
    }
    door.commit(ctx, tx).await?;
    Ok(())
}

struct Wanted<'a> {
    title: &'a str,
    description: Option<&'a str>,
    icon: Icon,
    upstream: &'a str,
    access: Access,
    /// Nobody but us says where the sample stands: its address follows ours.
    is_our_own: bool,
}

async fn ensure(door: &Door, tx: &mut Tx, realm: &Realm, slug: &AppSlug, wanted: Wanted<'_>) -> Result<(), Exit> {
    let address = address(&door.settings.public, slug)?;
    let Some(app) = apps::find(tx, &realm.id, slug).await? else {
        let text = |text: &str| DisplayText::parse(text).map_err(|bad| Exit::usage(bad.to_string()));
        let settings = AppSettings {
            title: text(wanted.title)?,
            description: wanted.description.map(text).transpose()?,
            icon: wanted.icon,
            addresses: vec![address.clone()],
            upstream: Some(wanted.upstream.to_owned()),
            public_paths: Vec::new(),
            headers: Vec::new(),
            bearer_token: false,
            how_to_ask: None,
        };
        let created = manage::apps::create(door, tx, &realm.id, slug.clone(), (wanted.access, settings)).await?;
        created.map_err(Exit::from)?;
        return Ok(());
    };
    let brought = brought_up_to_date(&app, &address, &wanted);
    if app.settings.upstream.is_none() {
        tracing::warn!(
            "app {slug} stood behind another proxy, and the built-in one serves it from now on: that proxy's questions \
             about it are answered no more"
        );
    }
    if brought != app {
        manage::apps::update(door, tx, &brought).await?.map_err(Exit::from)?;
    }
    Ok(())
}

/// The app with the upstream and groups asked for now. The address of a real tool is whatever was said last.
fn brought_up_to_date(app: &App, address: &Address, wanted: &Wanted<'_>) -> App {
    let mut app = app.clone();
    app.settings.upstream = Some(wanted.upstream.to_owned());
    for known in &mut app.settings.addresses {
        if wanted.is_our_own && known.host() == address.host() && known.prefix().is_empty() {
            *known = address.clone();
        }
    }
    for group in &wanted.access.groups {
        if !app.access.groups.contains(group) {
            app.access.groups.push(group.clone());
        }
    }
    app
}

/// The app's host beside Doorward's own: `doorward.example.com` gives `dagster.example.com`.
fn address(public: &Address, slug: &AppSlug) -> Result<Address, Exit> {
    let host = public.host().as_str();
    let parent = match host.split_once('.') {
        Some((_, parent)) if !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err() => parent,
        _ => {
            return Err(Exit::usage(format!(
                "public URL {public} has no parent domain to put {slug} below: use a host like doorward.localhost"
            )));
        }
    };
    let origin = public.origin();
    let renamed = origin.replacen(&format!("://{host}"), &format!("://{slug}.{parent}"), 1);
    Address::parse(&renamed).map_err(|bad| Exit::usage(bad.to_string()))
}

fn title(slug: &AppSlug) -> String {
    let mut letters = slug.as_str().chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str().replace('-', " "))
}

/// A symbol people will recognise, from the tool's name.
fn icon(slug: &AppSlug) -> Icon {
    match slug.as_str() {
        "dagster" | "airflow" | "kestra" | "prefect" => Icon::Pipeline,
        "grafana" | "superset" | "metabase" => Icon::Chart,
        "minio" | "seaweedfs" => Icon::Storage,
        "polaris" | "trino" | "cube" => Icon::Database,
        "jupyter" | "jupyterhub" | "marimo" => Icon::Notebook,
        "airbyte" => Icon::Workflow,
        _ => Icon::Initials,
    }
}

#[cfg(test)]
mod tests {
    use super::address;
    use doorward_model::address::Address;
    use doorward_model::name::AppSlug;

    #[test]
    fn an_app_stands_beside_doorward_where_that_has_a_name() {
        let at = |public: &str| {
            let (Ok(public), Ok(slug)) = (Address::parse(public), AppSlug::parse("dagster")) else {
                panic!("{public}")
            };
            address(&public, &slug).map(|address| address.to_string()).map_err(|exit| exit.sentence)
        };
        assert_eq!(at("https://door.example.com").as_deref(), Ok("https://dagster.example.com"));
        for public in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"] {
            let told = at(public).err().unwrap_or_default();
            assert!(told.starts_with(&format!("public URL {public} has no parent domain")), "{told}");
        }
    }
}
