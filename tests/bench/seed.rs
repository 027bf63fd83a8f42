//! A door with many people, groups, apps and live sessions in it, written straight into its database, and the passes'
//! texts kept here. Each user is in one group, which lies inside one of the groups the apps ask for.

use crate::limits;
use crate::load::Questions;
use doorward_engine::live::apps::label;
use doorward_model::address::Address;
use doorward_model::app::{Access, App, AppSettings, Icon};
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_model::id::{AppId, GroupId, RealmId, SessionId, UserId};
use doorward_model::name::{AppSlug, DisplayText, EmailAddress, GroupName, RealmName, UserName};
use doorward_model::people::{Group, Source, User};
use doorward_model::secret::{PlainToken, TokenKind};
use doorward_model::session::{Pass, Session};
use doorward_store::store::{Database, Store};
use doorward_store::tx::Tx;
use doorward_store::{apps, groups, realms, sessions, users};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_world::World;
use std::time::Instant;

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Users in the database; a multiple of [`limits::GROUPS`].
    pub users: usize,
    /// Live sessions, one pass each.
    pub sessions: usize,
}

/// A running door with a population.
pub struct Site {
    /// The door.
    pub door: Door,
    /// Every pass in clear, with the host of its app.
    pub passes: Vec<(String, String)>,
}

impl Site {
    /// Starts a door once so that it makes its own keys and schema, fills its database, and starts it again.
    pub fn build(population: Population) -> Site {
        let mut door = Door::start(DoorOptions::serve());
        door.stop();
        let begun = Instant::now();
        let file = door.scratch().join("data/doorward.db");
        let port = door.port();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let passes = runtime.block_on(async {
            let store = Store::open(&Database::Sqlite(file)).await.expect("the door's own database");
            let passes = fill(&store, population, port).await;
            store.close().await;
            passes
        });
        eprintln!("seeded {population:?} in {:.1} s", begun.elapsed().as_secs_f64());
        door.restart();
        Site { door, passes }
    }

    /// The questions a proxy asks about each pass, as they travel.
    pub fn requests(&self) -> Questions {
        let port = self.door.port();
        let before = "GET /gate/nginx HTTP/1.1\r\nHost: doorward\r\nX-Original-URL: http://";
        let between = "?tab=all\r\nX-Original-Method: GET\r\nX-Forwarded-For: 192.0.2.7\r\n\
            User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
            Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
            Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: theme=dark; ";
        let own = self.passes.iter().enumerate().map(|(number, (pass, host))| {
            let url: Box<str> = format!("{host}:{port}/runs/{number}").into();
            (url, pass.as_str().into())
        });
        Questions::new([before.to_owned(), between.to_owned(), "\r\n\r\n".to_owned()], own.collect())
    }
}

struct Seeder {
    world: World,
    ctx: Ctx,
    realm: RealmId,
    port: u16,
}

async fn fill(store: &Store, population: Population, port: u16) -> Vec<(String, String)> {
    let world = World::real();
    let ctx = Ctx {
        now: world.now(),
        actor: Actor::Worker("bench"),
        request: RequestTag::new(0, 0),
        client: None,
        certificate: None,
    };
    let main = RealmName::parse("main").expect("a realm's name");
    let realm = realms::find(&mut &*store, &main).await.expect("a readable database").expect("the realm main");
    let seeder = Seeder { world, ctx, realm: realm.id, port };
    let mut tx = store.begin().await.expect("a transaction");
    let departments = seeder.groups(&mut tx).await;
    let apps = seeder.apps(&mut tx, &departments).await;
    tx.commit(&seeder.ctx).await.expect("a commit");
    let people = seeder.people(store, population.users, &departments).await;
    seeder.sessions(store, population.sessions, &people, &apps).await
}

/// Groups people are in, each with the group around it that apps ask for.
type Departments = Vec<(GroupId, GroupId)>;

impl Seeder {
    async fn groups(&self, tx: &mut Tx) -> Departments {
        let mut departments = Vec::new();
        for number in 0..limits::GROUPS {
            let inner = self.group(tx, &format!("department-{number}")).await;
            let outer = self.group(tx, &format!("tools-of-department-{number}")).await;
            groups::nest(tx, &outer, &inner, &Source::Local).await.expect("a nesting");
            departments.push((inner, outer));
        }
        departments
    }

    async fn group(&self, tx: &mut Tx, name: &str) -> GroupId {
        let name = GroupName::parse(name).expect("a group's name");
        let group = Group { id: GroupId::draw(&**self.world.dice()), realm_id: self.realm.clone(), name };
        assert!(groups::create(tx, &group).await.expect("a group"), "the group is there already");
        group.id
    }

    async fn apps(&self, tx: &mut Tx, departments: &Departments) -> Vec<(AppId, String)> {
        let mut made = Vec::new();
        for number in 0..limits::APPS {
            let host = format!("app{number:02}.localhost");
            let slug = format!("app{number:02}");
            let (_, group) = departments.get(number % limits::GROUPS).expect("a department for every app");
            let settings = AppSettings {
                title: DisplayText::parse(&slug).expect("a title"),
                description: None,
                icon: Icon::Generic,
                addresses: vec![Address::parse(&format!("http://{host}:{}", self.port)).expect("an address")],
                upstream: None,
                public_paths: Vec::new(),
                headers: Vec::new(),
                bearer_token: false,
                how_to_ask: None,
            };
            let app = App {
                id: AppId::draw(&**self.world.dice()),
                realm_id: self.realm.clone(),
                slug: AppSlug::parse(&slug).expect("a slug"),
                access: Access { groups: vec![group.clone()], ..Access::default() },
                settings,
            };
            apps::create(tx, &app).await.expect("an app").expect("a free address");
            made.push((app.id, host));
        }
        made
    }

    async fn people(&self, store: &Store, count: usize, departments: &Departments) -> Vec<UserId> {
        let mut ids: Vec<UserId> = (0..count).map(|_| UserId::draw(&**self.world.dice())).collect();
        // In the order of the index a million rows are appended, not scattered.
        ids.sort_unstable();
        for (part, chunk) in ids.chunks(limits::ROWS_AT_ONCE).enumerate() {
            let mut tx = store.begin().await.expect("a transaction");
            for (place, id) in chunk.iter().enumerate() {
                let number = part * limits::ROWS_AT_ONCE + place;
                let name = format!("person{number:07}");
                let user = User {
                    id: id.clone(),
                    realm_id: self.realm.clone(),
                    name: UserName::parse(&name).expect("a user's name"),
                    email: Some(EmailAddress::parse(&format!("{name}@example.com")).expect("an address")),
                    display: DisplayText::parse(&format!("Person {number}")).expect("a name"),
                    is_active: true,
                    created_at: self.ctx.now,
                };
                users::create(&mut tx, &user, None).await.expect("a user");
                let (inner, _) = departments.get(number % limits::GROUPS).expect("a department for everyone");
                groups::add_member(&mut tx, inner, id, &Source::Local).await.expect("a member");
            }
            tx.commit(&self.ctx).await.expect("a commit");
        }
        ids
    }

    /// Session `n` belongs to user `n` (counted round) and passes one of the apps that user may enter.
    async fn sessions(
        &self,
        store: &Store,
        count: usize,
        people: &[UserId],
        apps: &[(AppId, String)],
    ) -> Vec<(String, String)> {
        let dice = &**self.world.dice();
        let mut passes = Vec::with_capacity(count);
        let numbers: Vec<usize> = (0..count).collect();
        // Few sessions of many users spread over all of them.
        let stride = (people.len() / count).max(1) / limits::GROUPS * limits::GROUPS + 1;
        for chunk in numbers.chunks(limits::ROWS_AT_ONCE) {
            let mut tx = store.begin().await.expect("a transaction");
            for number in chunk {
                let person = number * stride % people.len();
                let round = number / limits::GROUPS % (limits::APPS / limits::GROUPS);
                let app = round * limits::GROUPS + person % limits::GROUPS;
                let (app_id, host) = apps.get(app).expect("an app for every session");
                let session = Session {
                    id: SessionId::draw(dice),
                    realm_id: self.realm.clone(),
                    user_id: people.get(person).expect("a user for every session").clone(),
                    created_at: self.ctx.now,
                    last_seen_at: self.ctx.now,
                    expires_at: self.ctx.now.plus_seconds(30 * 24 * 60 * 60),
                    idle_seconds: 7 * 24 * 60 * 60,
                    client_address: "192.0.2.1".to_owned(),
                    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
                    connector: None,
                    through: None,
                };
                let cookie = PlainToken::draw(TokenKind::Session, dice);
                sessions::create(&mut tx, &cookie.hash(), &session).await.expect("a session");
                let token = PlainToken::draw(TokenKind::Pass, dice);
                let pass = Pass { session_id: session.id, app_id: Some(app_id.clone()), host: host.clone() };
                sessions::create_pass(&mut tx, &token.hash(), &pass, self.ctx.now).await.expect("a pass");
                let cookie = format!("doorward_pass_{}={}", label(app_id), token.reveal());
                passes.push((cookie, host.clone()));
            }
            tx.commit(&self.ctx).await.expect("a commit");
        }
        passes
    }
}
