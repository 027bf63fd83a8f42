//! Running: listeners, tasks, and stopping calmly.

use crate::control::Standing;
use crate::exit::{Code, Exit};
use crate::lock::{self, Lock};
use crate::settings::Config;
use crate::{control, imported, open, tasks};
use doorward_engine::door::Door;
use doorward_engine::manage::{self, Refused};
use doorward_engine::setup;
use doorward_federation::providers::Providers;
use doorward_gate::answer::Gate;
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_model::fault::Fault;
use doorward_model::name::DisplayText;
use doorward_model::people::Realm;
use doorward_outbound::Outbound;
use doorward_proxy::{Carrier, Timeouts};
use doorward_saml::peers::Peers;
use doorward_store::{realms, users};
use doorward_web::front::Front;
use doorward_web::threads::Threads;
use doorward_web::web::Web;
use doorward_web::words::PageWords;
use doorward_web::{listen, operations, sample};
use doorward_world::World;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What `serve` and `up` have bound before they look into the database, so that a taken port is told at once.
pub struct Listeners {
    front: TcpListener,
    grpc: Option<TcpListener>,
    operations: Option<TcpListener>,
    sample: Option<TcpListener>,
}

impl Listeners {
    /// Where they are, in truth: a port 0 of the settings has become a real one.
    fn standing(&self, config: &Config) -> Standing {
        let at = |listener: &TcpListener, configured| listener.local_addr().unwrap_or(configured);
        let grpc_listen = self.grpc.as_ref().zip(config.grpc_listen).map(|(listener, address)| at(listener, address));
        Standing { listen: at(&self.front, config.listen), grpc_listen, ..Standing::of_settings(config) }
    }
}

/// `doorward serve`
pub async fn run(config: Config, world: World) -> Result<(), Exit> {
    let begun = Instant::now();
    let (lock, listeners) = begin(&config, false).await?;
    let door = open::open(&config, &world, open::Begin::Allowed).await?;
    let ctx = start_ctx(&world);
    let realm = ensure_realm(&door, &ctx).await?;
    imported::from_environment(&door, &ctx, &realm).await?;
    print_setup_link(&door, &ctx, &realm).await?;
    stand(config, world, door, (lock, listeners), &[], begun).await
}

/// Takes the data directory and every address to listen at.
///
/// # Errors
/// Code 4 when another server has the directory, code 6 naming every address that is taken.
pub async fn begin(config: &Config, with_sample: bool) -> Result<(Option<Lock>, Listeners), Exit> {
    open::prepare_directory(config)?;
    let lock = lock::take(config).await?;
    let mut taken = Vec::new();
    let front = listen_at(Some(config.listen), "--listen", &mut taken).await?;
    let grpc = listen_at(config.grpc_listen, "--grpc-listen", &mut taken).await?;
    let operations = listen_at(config.operations_listen, "--operations-listen", &mut taken).await?;
    let sample = match with_sample {
        true => listen_at(Some(SocketAddr::from(([127, 0, 0, 1], 0))), "the sample tool", &mut taken).await?,
        false => None,
    };
    match front {
        Some(front) if taken.is_empty() => Ok((lock, Listeners { front, grpc, operations, sample })),
        _ => Err(Exit::taken(&taken)),
    }
}

/// Listens where it is wanted; an address that is taken is noted, so that all of them are told at once.
async fn listen_at(
    wanted: Option<SocketAddr>,
    flag: &'static str,
    taken: &mut Vec<(SocketAddr, &'static str)>,
) -> Result<Option<TcpListener>, Exit> {
    let Some(address) = wanted else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            taken.push((address, flag));
            Ok(None)
        }
        Err(error) => Err(Exit::address(address, flag, &error)),
    }
}

/// The circumstances of what happens at the start.
pub fn start_ctx(world: &World) -> Ctx {
    Ctx {
        now: world.now(),
        actor: Actor::Worker("start"),
        request: RequestTag::new(0, 0),
        client: None,
        certificate: None,
    }
}

/// The configured realm, created on first start.
pub async fn ensure_realm(door: &Door, ctx: &Ctx) -> Result<Realm, Exit> {
    let name = &door.settings.realm;
    if let Some(realm) = realms::find(&mut &door.store, name).await? {
        return Ok(realm);
    }
    let title = DisplayText::parse("Doorward").map_err(|bad| Fault::internal(bad.to_string()))?;
    let mut tx = door.begin().await?;
    match manage::realms::create(door, ctx, &mut tx, name.clone(), title).await? {
        Ok(realm) => {
            door.commit(ctx, tx).await?;
            door.keys.load(door, ctx).await?;
            Ok(realm)
        }
        // Another node was faster.
        Err(_) => {
            drop(tx);
            let found = realms::find(&mut &door.store, name).await?;
            found.ok_or_else(|| Exit::from(Refused::because(format!("realm {name} cannot be created"))))
        }
    }
}

/// While a realm has no user, every start prints a fresh one-time link for the first one.
pub async fn print_setup_link(door: &Door, ctx: &Ctx, realm: &Realm) -> Result<(), Exit> {
    if users::count(&mut &door.store, &realm.id).await? > 0 {
        return Ok(());
    }
    let link = setup::make_link(door, ctx, realm).await?;
    println!("Setup link: {}", door.settings.public.url(&format!("/setup?token={}", link.reveal())));
    println!("            It makes the first administrator, works once, and for a day.");
    Ok(())
}

/// Opens for business and stays until told to stop.
pub async fn stand(
    config: Config,
    world: World,
    door: Door,
    (lock, listeners): (Option<Lock>, Listeners),
    lines: &[String],
    begun: Instant,
) -> Result<(), Exit> {
    open::warn_of_readers(&config);
    let outbound = Arc::new(Outbound::new(config.outbound.clone()).map_err(Exit::usage)?);
    let public = door.settings.public.clone();
    let standing = listeners.standing(&config);
    let sample_address = listeners.sample.as_ref().and_then(|listener| listener.local_addr().ok());
    let words = Arc::new(PageWords { public: public.clone() });
    let gate = Arc::new(Gate::new(Arc::new(door), words));
    let carrier = Carrier::new(Timeouts::STANDARD);
    let web = Arc::new(Web::new(
        gate,
        (carrier, Providers::new(outbound.clone()), Peers::new(outbound.clone())),
        config.trusted.clone(),
        world,
        sample_address,
    ));
    let (tell, stop) = watch::channel(false);
    let mut running = tasks::start(&web, outbound, &stop);
    if let Some(listener) = lock.as_ref().and_then(|lock| control::bind(&config.data, lock)) {
        let answers = control::serve(listener, config.data.clone(), web.clone(), standing, stop.clone());
        running.push(tokio::spawn(answers));
    }
    let front = Arc::new(Front::new(web.clone()));
    let threads =
        Threads::start().map_err(|error| Exit::new(Code::Broken, format!("threads cannot be started: {error}")))?;
    let threads = Arc::new(threads);
    let whose = || (threads.clone(), stop.clone());
    running.push(tokio::spawn(listen::serve_front(listeners.front, front, whose())));
    if let Some(listener) = listeners.grpc {
        running.push(tokio::spawn(listen::serve_grpc(listener, web.clone(), whose())));
    }
    if let Some(listener) = listeners.operations {
        let router = operations::router(web.clone());
        running.push(tokio::spawn(listen::serve_router(listener, router, whose())));
    }
    if let Some(listener) = listeners.sample {
        running.push(tokio::spawn(listen::serve_router(listener, sample::router(), whose())));
    }
    println!("Doorward is ready after {} ms", begun.elapsed().as_millis());
    println!("  Sign in   {public}");
    for line in lines {
        println!("  {line}");
    }
    println!("  Data      {}", config.data.display());
    until_told().await;
    tracing::info!("stopping: open requests may finish");
    let _ = tell.send(true);
    for task in running {
        let _ = task.await;
    }
    web.door().store.close().await;
    // Held to the very end: the next server starts on what this one has closed.
    drop(lock);
    Ok(())
}

async fn until_told() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
