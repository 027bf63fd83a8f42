//! Settings in two steps: what was written (flags over environment over file), and the [`Config`] that
//! holds. Every complaint says what is wrong, where it was written and what to write instead.

mod certificates;
mod file;
mod outbound;
#[cfg(test)]
mod tests;

use crate::arguments::{Common, ListenFlags};
use crate::exit::{Code, Exit};
use crate::limits;
use doorward_engine::settings::{KeyTimes, SessionLimits, Settings};
use doorward_gate::trust::{TrustedProxies, TrustsEveryone};
use doorward_model::address::{Address, HostName};
use doorward_model::name::RealmName;
use doorward_store::store::Database;
use file::{Given, Written};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

const LISTEN: &str = "127.0.0.1:8080";
const GRPC_LISTEN: &str = "127.0.0.1:8081";
const OPERATIONS_LISTEN: &str = "127.0.0.1:8082";
const REALM: &str = "main";
const DATABASE_GRACE_SECONDS: i64 = 300;

/// What holds while the program runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where keys and, for SQLite, the database are kept.
    pub data: PathBuf,
    /// Which database.
    pub database: Database,
    /// Where browsers and proxies reach Doorward.
    pub listen: SocketAddr,
    /// Where Envoy reaches the gRPC gate.
    pub grpc_listen: Option<SocketAddr>,
    /// Where health is read.
    pub operations_listen: Option<SocketAddr>,
    /// Peers that may speak for others.
    pub trusted: TrustedProxies,
    /// Whether the realm was named for this call, by flag or variable.
    pub is_realm_named: bool,
    /// Whether somebody said where browsers reach Doorward.
    pub is_public_named: bool,
    /// How Doorward itself calls others.
    pub outbound: doorward_outbound::Setup,
    /// Settings of the use cases.
    pub settings: Settings,
}

impl Config {
    /// Reads the settings file, if there is one, and puts everything together.
    ///
    /// # Errors
    /// Code 3 with one sentence naming the flag, variable or line.
    pub fn load(common: &Common, flags: &ListenFlags) -> Result<Self, Exit> {
        let written = match &common.config {
            Some(path) => Written::read(path)?,
            None => Written::default(),
        };
        Self::from_written(common, flags, &written)
    }

    /// How this program is called again for the same data directory.
    pub fn doorward(&self) -> String {
        match usual_data_directory() {
            Ok(usual) if usual == self.data => "doorward".to_owned(),
            _ => format!("doorward --data {}", self.data.display()),
        }
    }

    fn from_written(common: &Common, flags: &ListenFlags, written: &Written) -> Result<Self, Exit> {
        let data = data_directory(common, written)?;
        let database = match pick(common.database.as_ref(), "--database", &written.database) {
            Some(given) => database(&given)?,
            None => Database::Sqlite(data.join("doorward.db")),
        };
        let listen = pick(flags.listen.as_ref(), "--listen", &written.listen);
        if let Some(given) = listen.as_ref().filter(|given| given.text == "none") {
            return Err(given.wrong("Doorward cannot do without this listener", "write IP:PORT"));
        }
        let listen = listener(listen, LISTEN)?.ok_or_else(|| Exit::new(Code::Broken, "there is no listener"))?;
        let grpc = pick(flags.grpc_listen.as_ref(), "--grpc-listen", &written.grpc_listen);
        let operations = pick(flags.operations_listen.as_ref(), "--operations-listen", &written.operations_listen);
        let named = pick(flags.public_url.as_ref(), "--public-url", &written.public_url);
        let is_public_named = named.is_some();
        let public = match named {
            Some(given) => public_url(&given)?,
            None => {
                let text = format!("http://doorward.localhost:{}", listen.port());
                public_url(&Given { text, at: "--listen".to_owned() })?
            }
        };
        let domain = pick(flags.cookie_domain.as_ref(), "--cookie-domain", &written.cookie_domain);
        let realm = match pick(common.realm.as_ref(), "--realm", &written.realm) {
            Some(given) => RealmName::parse(&given.text).map_err(|bad| given.wrong(bad, "correct it"))?,
            None => RealmName::parse(REALM).map_err(|bad| Exit::new(Code::Broken, bad.to_string()))?,
        };
        Ok(Self {
            data,
            database,
            listen,
            grpc_listen: listener(grpc, GRPC_LISTEN)?,
            operations_listen: listener(operations, OPERATIONS_LISTEN)?,
            trusted: certificates::taken_from(trusted(flags, written)?, flags, written)?,
            outbound: outbound::setup(&flags.outbound_allow, &written.outbound)?,
            is_realm_named: common.realm.is_some(),
            is_public_named,
            settings: Settings {
                shared_domain: domain.map(|given| shared_domain(&given, &public)).transpose()?,
                client_authorities: certificates::authorities(flags, written)?,
                public,
                realm,
                sessions: sessions(written)?,
                keys: keys(written)?,
                database_grace_seconds: match &written.database_grace_seconds {
                    Some(given) => given.within(0, limits::GRACE_SECONDS)?,
                    None => DATABASE_GRACE_SECONDS,
                },
            },
        })
    }
}

/// What a flag (or its variable) says, else what the file says.
fn pick(flag: Option<&String>, name: &str, written: &Option<Given>) -> Option<Given> {
    match flag {
        Some(text) => Some(Given { text: text.clone(), at: name.to_owned() }),
        None => written.clone(),
    }
}

fn data_directory(common: &Common, written: &Written) -> Result<PathBuf, Exit> {
    let path = match (&common.data, &written.data) {
        (Some(path), _) => path.clone(),
        (None, Some(given)) => PathBuf::from(&given.text),
        (None, None) => usual_data_directory()?,
    };
    std::path::absolute(&path).map_err(|_| Exit::usage("--data: the path is empty: name a directory"))
}

/// `$XDG_DATA_HOME/doorward`, else `~/.local/share/doorward` (XDG Base Directory Specification).
fn usual_data_directory() -> Result<PathBuf, Exit> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")));
    let missing = "no data directory is named and HOME is not set: give --data DIR";
    base.map(|base| base.join("doorward")).ok_or_else(|| Exit::usage(missing))
}

fn database(given: &Given) -> Result<Database, Exit> {
    let text = &given.text;
    match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => Ok(Database::Sqlite(Path::new(path).to_owned())),
        None if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
            if names_several_hosts(text) {
                let how = "name one, the primary's, or an address that always leads to it";
                return Err(given.wrong("the database URL names several hosts", how));
            }
            Ok(Database::Postgres(text.clone()))
        }
        // The text is not repeated: it may hold a password.
        _ => Err(given.wrong("the database is of no known kind", "write sqlite:PATH or postgres://USER@HOST/NAME")),
    }
}

/// Whether a PostgreSQL URL names several hosts, one of which may be a standby.
fn names_several_hosts(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, query) = (rest.split(['/', '?', '#']).next(), rest.split_once('?').map(|(_, query)| query));
    let hosts = authority.map(|text| text.rsplit('@').next().unwrap_or(text));
    let named = query.into_iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('='));
    let named = named.filter(|(name, _)| matches!(*name, "host" | "hostaddr")).map(|(_, value)| value);
    hosts.into_iter().chain(named).any(|hosts| hosts.contains(',') || hosts.to_ascii_lowercase().contains("%2c"))
}

fn listener(given: Option<Given>, usual: &str) -> Result<Option<SocketAddr>, Exit> {
    let given = given.unwrap_or_else(|| Given { text: usual.to_owned(), at: "--listen".to_owned() });
    if given.text == "none" {
        return Ok(None);
    }
    let what = format!("`{}` is not an address to listen at", given.shown());
    given.text.parse().map(Some).map_err(|_| match given.text.parse::<u16>() {
        Ok(port) => {
            given.wrong(what, format!("write 127.0.0.1:{port}, or 0.0.0.0:{port} for every address of this machine"))
        }
        Err(_) => given.wrong(what, "write IP:PORT, such as 127.0.0.1:8080 or [::1]:8080"),
    })
}

fn public_url(given: &Given) -> Result<Address, Exit> {
    let address = Address::parse(&given.text).map_err(|bad| given.wrong(bad, "write https://door.example.com"))?;
    if address.prefix().is_empty() {
        Ok(address)
    } else {
        Err(given.wrong(
            format!("the public address may have no path, and this one has {}", address.prefix()),
            format!("write {}", address.origin()),
        ))
    }
}

fn shared_domain(given: &Given, public: &Address) -> Result<HostName, Exit> {
    let name = given.text.trim_start_matches('.');
    let domain = match HostName::parse(name) {
        Some((domain, None)) => domain,
        _ => return Err(given.wrong(format!("`{}` is not a domain", given.shown()), "write example.com")),
    };
    if !domain.as_str().contains('.') {
        // RFC 6265 §5.3: browsers refuse cookies for public suffixes, and every single label is one.
        let what = format!("`{domain}` is a whole top-level domain, for which browsers keep no cookies");
        return Err(given.wrong(what, "write a domain of your own, such as example.com"));
    }
    if public.host().is_within(&domain) {
        Ok(domain)
    } else {
        let what = format!("Doorward's own host {} does not lie in the cookie domain {domain}", public.host());
        Err(given.wrong(what, "choose a domain that holds it, or change the public address"))
    }
}

fn trusted(flags: &ListenFlags, written: &Written) -> Result<TrustedProxies, Exit> {
    let networks: Vec<Given> = if flags.trust_proxy.is_empty() {
        written.trusted_proxies.clone()
    } else {
        let from_flag = |text: &String| Given { text: text.trim().to_owned(), at: "--trust-proxy".to_owned() };
        flags.trust_proxy.iter().map(from_flag).collect()
    };
    let mut parsed = Vec::with_capacity(networks.len());
    for given in &networks {
        let network = network(given)?;
        if network.prefix_len() < least_prefix(&network) {
            let what = match network.prefix_len() {
                0 => format!("{network} means that everybody's headers are believed"),
                _ => format!("{network} is far too wide to hold proxies only, and everybody in it would be believed"),
            };
            return Err(given.wrong(what, WIDEST));
        }
        parsed.push(network);
    }
    TrustedProxies::new(parsed).map_err(|TrustsEveryone(wide)| Exit::usage(format!("{wide} is too wide: {WIDEST}")))
}

/// A network, or a single address.
fn network(given: &Given) -> Result<IpNet, Exit> {
    let network = given.text.parse().ok().or_else(|| given.text.parse::<IpAddr>().ok().map(IpNet::from));
    network.ok_or_else(|| given.wrong(format!("`{}` is not a network", given.shown()), "write 10.0.0.0/8 or 10.1.2.3"))
}

const WIDEST: &str = "name the networks of your own proxies only, IPv4 at most /8, IPv6 at most /16";

/// Leading bits a trusted network has at least: wider ones are slips.
fn least_prefix(network: &IpNet) -> u8 {
    match network {
        IpNet::V4(_) => limits::TRUSTED_PREFIX_V4,
        IpNet::V6(_) => limits::TRUSTED_PREFIX_V6,
    }
}

fn sessions(written: &Written) -> Result<SessionLimits, Exit> {
    let usual = SessionLimits::default();
    let given = &written.sessions;
    let seconds = |number: &Option<file::Number>, usual| {
        number.as_ref().map_or(Ok(usual), |number| number.within(60, limits::SESSION_SECONDS))
    };
    Ok(SessionLimits {
        idle_seconds: seconds(&given.idle_seconds, usual.idle_seconds)?,
        lifetime_seconds: seconds(&given.lifetime_seconds, usual.lifetime_seconds)?,
        remembered_idle_seconds: seconds(&given.remembered_idle_seconds, usual.remembered_idle_seconds)?,
        remembered_lifetime_seconds: seconds(&given.remembered_lifetime_seconds, usual.remembered_lifetime_seconds)?,
    })
}

fn keys(written: &Written) -> Result<KeyTimes, Exit> {
    let usual = KeyTimes::default();
    let announce = match &written.keys.announce_seconds {
        Some(given) => given.within(limits::ANNOUNCE_SECONDS_MIN, limits::ANNOUNCE_SECONDS)?,
        None => usual.announce_seconds,
    };
    let rotate = match &written.keys.rotate_seconds {
        Some(given) if given.is(0) => 0,
        Some(given) => given.within(limits::ROTATE_SECONDS_MIN, limits::ROTATE_SECONDS)?,
        None => usual.rotate_seconds,
    };
    Ok(KeyTimes { rotate_seconds: rotate, announce_seconds: announce })
}
