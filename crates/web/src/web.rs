//! What every handler shares.

use doorward_directory::directories::Directories;
use doorward_engine::door::Door;
use doorward_federation::providers::Providers;
use doorward_gate::answer::Gate;
use doorward_gate::trust::TrustedProxies;
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_proxy::Carrier;
use doorward_saml::peers::Peers;
use doorward_world::World;
use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers a thread takes at once; the first of each block is never used.
const BLOCK: u64 = 4096;

static BLOCKS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// The parts of the running process the edge needs.
pub struct Web {
    /// The gate, which holds the door.
    pub gate: Arc<Gate>,
    /// The built-in reverse proxy.
    pub carrier: Carrier,
    /// Outside identity providers.
    pub providers: Providers,
    /// Directories.
    pub directories: Directories,
    /// Those of them that speak SAML.
    pub saml: Peers,
    /// Peers that may speak for others.
    pub trusted: TrustedProxies,
    /// Clock and dice.
    pub world: World,
    /// Where the small sample tool listens, when it runs.
    pub sample: Option<SocketAddr>,
    process: u32,
}

impl Web {
    /// Puts the parts together.
    pub fn new(
        gate: Arc<Gate>,
        (carrier, providers, saml): (Carrier, Providers, Peers),
        trusted: TrustedProxies,
        world: World,
        sample: Option<SocketAddr>,
    ) -> Self {
        let mut process = [0u8; 4];
        world.dice().fill(&mut process);
        Self {
            gate,
            carrier,
            providers,
            directories: Directories::default(),
            saml,
            trusted,
            world,
            sample,
            process: u32::from_be_bytes(process),
        }
    }

    /// The door.
    pub fn door(&self) -> &Door {
        &self.gate.door
    }

    /// The circumstances of a request that begins now.
    pub fn begin(&self, client: Option<IpAddr>) -> Ctx {
        self.begin_as(Actor::Visitor, client)
    }

    /// The circumstances of something this actor does now.
    pub fn begin_as(&self, actor: Actor, client: Option<IpAddr>) -> Ctx {
        Ctx {
            now: self.world.now(),
            actor,
            request: RequestTag::new(self.process, Self::request_number()),
            client,
            certificate: None,
        }
    }

    /// Counts requests: each thread takes numbers a block at a time, since a count shared by all threads
    /// would have to travel between processors for every request.
    fn request_number() -> u64 {
        NEXT.with(|next| {
            if next.get() % BLOCK == 0 {
                next.set(BLOCKS.fetch_add(1, Ordering::Relaxed) * BLOCK + 1);
            }
            next.replace(next.get() + 1)
        })
    }
}
