//! The real programs Doorward stands beside: reverse proxies, Dagster, PostgreSQL. Each starter returns a handle that
//! ends its program when dropped. Configuration texts are the caller's; `@DIR@` in them becomes the peer's directory.

mod dagster;
mod postgres;
mod proxies;
mod relying_party;

pub use dagster::{Dagster, DagsterOptions};
pub use postgres::Postgres;
pub use proxies::{
    Peer, caddy, check_caddy, check_envoy, check_haproxy, check_nginx, envoy, haproxy, nginx, nginx_around, traefik,
};
pub use relying_party::{RelyingParty, RelyingPartyOptions};
