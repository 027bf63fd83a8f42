//! The ground a case stands on: one database, a frozen clock, and any number of nodes, each a door with
//! a follower of the change feed as the server has it. What people do on a node is in `people`.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use doorward_engine::door::Door;
use doorward_engine::settings::{KeyTimes, SessionLimits, Settings};
use doorward_engine::upkeep;
use doorward_jose::seal::MasterKey;
use doorward_model::address::Address;
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_model::name::RealmName;
use doorward_model::time::Timestamp;
use doorward_store::changes::Listener;
use doorward_store::migrate::migrate;
use doorward_store::store::{Database, Store};
use doorward_testkit::peers::Postgres;
use doorward_testkit::scratch::Scratch;
use doorward_world::World;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::task::JoinHandle;

/// Between two looks at the feed, as in the server.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// 2031-04-05T06:07:08Z.
const MORNING: Timestamp = Timestamp::from_millis(1_933_135_628_000);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// One database and one clock.
pub struct Ground {
    pub kind: Kind,
    pub database: Database,
    pub world: World,
    server: Option<Arc<Postgres>>,
    _scratch: Scratch,
    nodes: Mutex<Vec<Arc<Node>>>,
    /// Clocks of nodes that go wrong.
    wrong: Mutex<Vec<World>>,
}

/// One running process, as far as use cases can tell.
pub struct Node {
    pub door: Arc<Door>,
    pub world: World,
    tasks: Vec<JoinHandle<()>>,
}

static ALONE: RwLock<()> = RwLock::new(());
static SERVER: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

/// Runs a case beside others.
pub fn together<F: Future<Output = ()>>(kind: Kind, case: impl FnOnce(Ground) -> F) {
    let _others = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    run(kind, case);
}

/// Runs a case while no other case of this suite runs.
pub fn alone<F: Future<Output = ()>>(kind: Kind, case: impl FnOnce(Ground) -> F) {
    let _nobody = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    run(kind, case);
}

fn run<F: Future<Output = ()>>(kind: Kind, case: impl FnOnce(Ground) -> F) {
    let ground = Ground::new(kind);
    // Kept to the end, so that the server outlives the runtime's connections.
    let server = ground.server.clone().or_else(server_if_running);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    runtime.block_on(case(ground));
    runtime.shutdown_timeout(Duration::from_secs(5));
    drop(server);
}

fn server_if_running() -> Option<Arc<Postgres>> {
    SERVER.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
}

/// The binary's one server: started by the first test that needs it, ended by the last that holds it.
fn server() -> Arc<Postgres> {
    let mut slot = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = slot.upgrade() {
        return running;
    }
    let started = Arc::new(Postgres::start());
    *slot = Arc::downgrade(&started);
    started
}

impl Ground {
    fn new(kind: Kind) -> Ground {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let scratch = Scratch::new("cases");
        let (database, server) = match kind {
            Kind::Sqlite => (Database::Sqlite(scratch.join("doorward.db")), None),
            Kind::Postgres => {
                let server = server();
                (Database::Postgres(server.create_database(&format!("case_{number}"))), Some(server))
            }
        };
        Ground::on(kind, database, server, scratch)
    }

    fn on(kind: Kind, database: Database, server: Option<Arc<Postgres>>, scratch: Scratch) -> Ground {
        let world = World::frozen(MORNING, 1);
        let (nodes, wrong) = (Mutex::default(), Mutex::default());
        Ground { kind, database, world, server, _scratch: scratch, nodes, wrong }
    }

    /// Another empty database of the same kind.
    pub fn another(&self) -> Ground {
        Ground::new(self.kind)
    }

    /// A ground on a server of the case's own, which it may stop.
    pub fn on_own_server(server: &Postgres) -> Ground {
        let database = Database::Postgres(server.create_database("own"));
        Ground::on(Kind::Postgres, database, None, Scratch::new("cases"))
    }

    /// A node with its follower.
    pub async fn node(&self) -> Arc<Node> {
        self.node_with(|_| {}).await
    }

    /// A node with its follower and other settings.
    pub async fn node_with(&self, adjust: impl FnOnce(&mut Settings)) -> Arc<Node> {
        let mut node = self.open(&self.world, adjust).await;
        node.tasks = node.follow_in_background();
        self.keep(node)
    }

    /// A node that looks at the feed only when told to.
    pub async fn deaf_node(&self) -> Arc<Node> {
        let node = self.open(&self.world, |_| {}).await;
        Arc::new(node)
    }

    /// A node whose clock is ahead by so many seconds, or behind. It goes as fast as the others'.
    pub async fn node_ahead(&self, seconds: i64) -> Arc<Node> {
        let world = {
            let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            let seed = 1000 + u64::try_from(wrong.len()).unwrap_or_default();
            let world = World::frozen(self.world.now().plus_seconds(seconds), seed);
            wrong.push(world.clone());
            world
        };
        let mut node = self.open(&world, |_| {}).await;
        node.tasks = node.follow_in_background();
        self.keep(node)
    }

    async fn open(&self, world: &World, adjust: impl FnOnce(&mut Settings)) -> Node {
        let store = self.store().await;
        migrate(&store).await.expect("the schema is brought up to date");
        let mut settings = settings();
        adjust(&mut settings);
        let master = MasterKey::from_bytes(&[7; 32]).expect("32 bytes are a key");
        let door = Door::new(store, settings, master, world.dice().clone());
        let node = Node { door: Arc::new(door), world: world.clone(), tasks: Vec::new() };
        node.door.warm(&node.ctx()).await.expect("the node warms up");
        node
    }

    fn keep(&self, node: Node) -> Arc<Node> {
        let node = Arc::new(node);
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).push(node.clone());
        node
    }

    /// Moves the clock and lets every node look at the feed, as it would have meanwhile.
    pub async fn advance(&self, seconds: i64) {
        self.world.advance_seconds(seconds);
        for world in self.wrong.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            world.advance_seconds(seconds);
        }
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for node in nodes {
            node.follow().await;
        }
    }

    /// The database, not migrated.
    pub async fn store(&self) -> Store {
        Store::open(&self.database).await.expect("the database opens")
    }

    /// Runs SQL behind the back of all nodes.
    pub async fn raw(&self, sql: &str) {
        match &self.database {
            Database::Sqlite(file) => sqlite(file).execute_batch(sql).map_err(|error| error.to_string()),
            Database::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
                let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
                done.map(drop).map_err(|error| error.to_string())
            }
        }
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The first column of an answer, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.database {
            Database::Sqlite(file) => {
                let connection = sqlite(file);
                let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
                let rows = statement.query_map((), |row| Ok(column(row.get(0), row.get(0))));
                rows.and_then(Iterator::collect).unwrap_or_else(|error| panic!("{sql}: {error}"))
            }
            Database::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
                let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await;
                let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
                rows.iter().map(|row| column(row.try_get(0), row.try_get(0))).collect()
            }
        }
    }

    /// A number the database answers.
    pub async fn number(&self, sql: &str) -> i64 {
        let texts = self.texts(sql).await;
        texts.first().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{sql}: {texts:?}"))
    }
}

fn column<E>(text: Result<String, E>, number: Result<i64, E>) -> String {
    text.ok().or_else(|| number.ok().map(|number| number.to_string())).expect("text or a number")
}

fn sqlite(file: &std::path::Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(file).expect("the file opens");
    connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a time limit");
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("references are kept");
    connection
}

fn settings() -> Settings {
    Settings {
        public: Address::parse("https://door.example.com").expect("an address"),
        realm: RealmName::parse("main").expect("a realm name"),
        sessions: SessionLimits::default(),
        database_grace_seconds: 60,
        shared_domain: None,
        client_authorities: None,
        keys: KeyTimes::default(),
    }
}

impl Node {
    /// The circumstances of a visitor from one fixed address.
    pub fn ctx(&self) -> Ctx {
        self.ctx_from("192.0.2.1")
    }

    /// The circumstances of a visitor from an address.
    pub fn ctx_from(&self, address: &str) -> Ctx {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let request = RequestTag::new(1, NUMBER.fetch_add(1, Ordering::Relaxed));
        let client: IpAddr = address.parse().expect("an address");
        Ctx { now: self.world.now(), actor: Actor::Visitor, request, client: Some(client), certificate: None }
    }

    /// Looks at the feed now.
    pub async fn follow(&self) {
        upkeep::follow(&self.door, &self.ctx()).await.expect("the feed can be read");
    }

    fn follow_in_background(&self) -> Vec<JoinHandle<()>> {
        let look = |door: Arc<Door>, world: World| async move {
            let now = world.now();
            let request = RequestTag::new(2, 0);
            let ctx = Ctx { now, actor: Actor::Worker("follow"), request, client: None, certificate: None };
            // A database that is gone is the outage cases' business; the next look tries again.
            let _ = upkeep::follow(&door, &ctx).await;
        };
        let (door, world) = (self.door.clone(), self.world.clone());
        let ticking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(FOLLOW_EVERY).await;
                look(door.clone(), world.clone()).await;
            }
        });
        let (door, world) = (self.door.clone(), self.world.clone());
        let listening = tokio::spawn(async move {
            loop {
                if let Ok(mut listener) = Listener::start(&door.store).await {
                    while listener.wait().await.is_ok() {
                        look(door.clone(), world.clone()).await;
                    }
                }
                tokio::time::sleep(FOLLOW_EVERY).await;
            }
        });
        vec![ticking, listening]
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Asks until the answer is yes and tells how long it took; `None` when it never was within the limit.
pub async fn wait_for(limit: Duration, mut ask: impl AsyncFnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    loop {
        if ask().await {
            return Some(began.elapsed());
        }
        if began.elapsed() >= limit {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The middle of a list of durations.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
