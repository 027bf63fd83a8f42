//! What every handler shares.

use doorward_engine::door::Door;
use doorward_gate::answer::Gate;
use doorward_gate::trust::TrustedProxies;
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_proxy::Carrier;
use doorward_world::World;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The parts of the running process the edge needs.
pub struct Web {
    /// The gate, which holds the door.
    pub gate: Arc<Gate>,
    /// The built-in reverse proxy.
    pub carrier: Carrier,
    /// Peers that may speak for others.
    pub trusted: TrustedProxies,
    /// Clock and dice.
    pub world: World,
    /// Where the small sample tool listens, when it runs.
    pub sample: Option<SocketAddr>,
    process: u32,
    requests: AtomicU64,
}

impl Web {
    /// Puts the parts together.
    pub fn new(
        gate: Arc<Gate>,
        carrier: Carrier,
        trusted: TrustedProxies,
        world: World,
        sample: Option<SocketAddr>,
    ) -> Self {
        let mut process = [0u8; 4];
        world.dice().fill(&mut process);
        Self {
            gate,
            carrier,
            trusted,
            world,
            sample,
            process: u32::from_be_bytes(process),
            requests: AtomicU64::new(1),
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
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Ctx { now: self.world.now(), actor, request: RequestTag::new(self.process, number), client }
    }
}
