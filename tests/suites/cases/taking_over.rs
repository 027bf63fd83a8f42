//! A whole directory taken over: who is there, who is gone, and who only seems to be.

use std::sync::Arc;

use doorward_engine::federation::settings::{ConnectorSettings, Linking};
use doorward_engine::federation::sign_in::{self, Browser, Outcome};
use doorward_engine::federation::sync::{self, Page, Present, Reading, Report, Run, Standing};
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_engine::manage::roles::{self as manage_roles, NewRole};
use doorward_engine::manage::{connectors, groups as manage_groups, users};
use doorward_model::name::{ConnectorName, EmailAddress, GroupName, RoleName, UserName};
use doorward_model::people::{Holder, Realm, Source, User};
use doorward_store::{reading_marks, users as stored};

use crate::fixture::{Ground, Node};

on_both! { together:
    whoever_comes_in_while_all_are_read_is_not_gone,
    who_is_locked_goes_on_and_who_is_disabled_there_does_not,
    who_was_disabled_here_stays_so_when_the_directory_has_them_again,
    two_of_one_page_are_in_each_others_way,
    an_address_the_directory_has_the_last_word_of_is_proved,
    while_an_entry_is_nobodys_nobody_is_gone,
    who_is_not_among_those_who_changed_is_not_gone_and_who_is_shut_there_is_out_at_once,
    changes_are_read_from_where_the_last_reading_began_or_not_at_all,
    who_was_in_a_group_that_changed_is_known,
    everybody_is_read_at_longer_intervals_than_changes,
    whoever_nobody_vouches_for_any_more_is_disabled_and_whoever_somebody_does_is_not,
    of_whom_nothing_can_be_read_nothing_changes,
    a_group_that_administers_from_now_on_takes_nobody_in_by_its_name,
}

async fn company(node: &Node, realm: &Realm, domains: &[&str]) -> Connector {
    named(node, realm, ("company", domains)).await
}

async fn named(node: &Node, realm: &Realm, (name, domains): (&str, &[&str])) -> Connector {
    let text =
        r#"{"ldap": {"servers": ["ldaps://dc1.example.com"], "users": {"base": "ou=people,dc=example,dc=com"}}}"#;
    let mut settings: ConnectorSettings = serde_json::from_str(text).expect("settings");
    settings.linking = Linking { domains: domains.iter().map(|one| (*one).to_owned()).collect(), ..Linking::default() };
    let name = ConnectorName::parse(name).expect("a name");
    let ctx = node.ctx();
    let made =
        node.change(async |tx| connectors::create(&node.door, &ctx, tx, (&realm.id, name), settings, None).await);
    made.await.expect("the connector is new")
}

pub fn person(name: &str) -> ExternalIdentity {
    ExternalIdentity {
        issuer: "directory".to_owned(),
        subject: format!("subject of {name}"),
        name: Some(name.to_owned()),
        groups: Some(vec!["crew".to_owned()]),
        ..ExternalIdentity::default()
    }
}

fn with_email(name: &str, email: &str) -> ExternalIdentity {
    ExternalIdentity { email: EmailAddress::parse(email).ok(), email_verified: true, ..person(name) }
}

pub fn page(people: Vec<(ExternalIdentity, Standing)>) -> Page {
    let people = people.into_iter().map(|(identity, standing)| Present { identity, standing }).collect();
    Page { people, ..Page::default() }
}

pub fn crew(names: &[&str]) -> Page {
    page(names.iter().map(|name| (person(name), Standing::Free)).collect())
}

pub async fn read(node: &Node, place: (&Realm, &Connector), page: &Page, brake: Option<i64>) -> Report {
    let mut reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
    reading.page(&node.door, &node.ctx(), page).await.expect("it is taken over");
    reading.finish(&node.door, &node.ctx(), brake).await.expect("it ends")
}

async fn find(node: &Node, realm: &Realm, name: &str) -> Option<User> {
    let name = UserName::parse(name).expect("a name");
    stored::find_by_name(&mut &node.door.store, &realm.id, &name).await.expect("an answer")
}

pub async fn is_active(node: &Node, realm: &Realm, name: &str) -> bool {
    find(node, realm, name).await.is_some_and(|user| user.is_active)
}

async fn come(node: &Node, place: (&Realm, &Connector), identity: &ExternalIdentity) -> bool {
    let hash = node.binding().hash();
    let (user_agent, former, remember, reserved) = ("suite", None, false, Vec::new());
    let browser = Browser { hash: &hash, user_agent, former, remember, reserved };
    let outcome = sign_in::sign_in(&node.door, &node.ctx(), place, identity, browser).await;
    matches!(outcome.expect("an outcome"), Outcome::Opened(_))
}

pub async fn ground_of(ground: &Ground, domains: &[&str]) -> (Arc<Node>, Realm, Connector) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let connector = company(&node, &realm, domains).await;
    (node, realm, connector)
}

async fn whoever_comes_in_while_all_are_read_is_not_gone(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    read(&node, place, &crew(&["alice", "bob", "carol"]), None).await;
    ground.advance(60).await;
    let mut reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
    reading.page(&node.door, &node.ctx(), &crew(&["alice"])).await.expect("it is taken over");
    // Bob was moved behind the pages that were read, and Dora is new: both are let in by the directory.
    ground.advance(1).await;
    assert!(come(&node, place, &person("bob")).await && come(&node, place, &person("dora")).await);
    ground.advance(1).await;
    let report = reading.finish(&node.door, &node.ctx(), None).await.expect("it ends");
    assert_eq!(report.removed, 1);
    assert!(is_active(&node, &realm, "bob").await && is_active(&node, &realm, "dora").await);
    assert!(!is_active(&node, &realm, "carol").await);
}

async fn who_is_locked_goes_on_and_who_is_disabled_there_does_not(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    read(&node, place, &crew(&["alice", "bob"]), None).await;
    ground.advance(60).await;
    let states = [("alice", Standing::Waiting), ("bob", Standing::Out), ("new", Standing::Waiting)];
    let report = read(&node, place, &page(states.map(|(name, standing)| (person(name), standing)).into()), None).await;
    assert_eq!((report.created, report.removed, report.passed_over), (0, 1, 0), "{report:?}");
    assert!(is_active(&node, &realm, "alice").await && !is_active(&node, &realm, "bob").await);
    assert!(find(&node, &realm, "new").await.is_none());
}

async fn who_was_disabled_here_stays_so_when_the_directory_has_them_again(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    read(&node, place, &crew(&["alice", "bob", "carol", "dora"]), None).await;
    let disable = async |name: &str| {
        let user = find(&node, &realm, name).await.expect("a user");
        node.change(async |tx| users::disable(tx, &user).await).await;
    };
    // One before the directory lost them, one after.
    disable("alice").await;
    ground.advance(60).await;
    assert_eq!(read(&node, place, &crew(&["dora"]), None).await.removed, 3);
    disable("bob").await;
    ground.advance(60).await;
    let report = read(&node, place, &crew(&["alice", "bob", "carol", "dora"]), None).await;
    assert_eq!((report.back, report.created), (3, 0), "{report:?}");
    let mut active = Vec::new();
    for name in ["alice", "bob", "carol", "dora"] {
        active.push(is_active(&node, &realm, name).await);
    }
    assert_eq!(active, [false, false, true, true]);
    // By signing in likewise, and then they can be gone again.
    ground.advance(60).await;
    assert_eq!(read(&node, place, &crew(&["dora"]), None).await.removed, 3);
    ground.advance(60).await;
    assert!(!come(&node, place, &person("alice")).await && come(&node, place, &person("carol")).await);
    ground.advance(60).await;
    assert_eq!(read(&node, place, &crew(&["dora"]), None).await.removed, 1);
    assert!(!is_active(&node, &realm, "carol").await);
}

async fn two_of_one_page_are_in_each_others_way(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let people = [
        with_email("one", "shared@example.org"),
        with_email("two", "shared@example.org"),
        // The name is the other's address.
        with_email("three", "three@example.org"),
        ExternalIdentity { name: Some("Three@Example.org".to_owned()), ..person("four") },
    ];
    let all = page(people.into_iter().map(|one| (one, Standing::Free)).collect());
    let report = read(&node, (&realm, &connector), &all, None).await;
    assert_eq!((report.created, report.passed_over), (2, 2), "{report:?}");
    assert!(find(&node, &realm, "one").await.is_some() && find(&node, &realm, "three").await.is_some());
    assert!(find(&node, &realm, "two").await.is_none() && find(&node, &realm, "three@example.org").await.is_none());
}

async fn an_address_the_directory_has_the_last_word_of_is_proved(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &["example.org"]).await;
    let local = node.user_with_email(&realm, "local", Some("local@example.org")).await;
    let people = [with_email("one", "one@example.org"), with_email("two", "two@example.com")];
    let all = page(people.into_iter().map(|one| (one, Standing::Free)).collect());
    assert_eq!(read(&node, (&realm, &connector), &all, None).await.created, 2);
    let proved = ground.texts("SELECT name FROM users WHERE profile LIKE '%\"email_verified\":true%' ORDER BY name");
    assert_eq!(proved.await, ["one"]);
    // And nobody is taken for somebody whose address nobody has proved.
    let other = page(vec![(with_email("other", "local@example.org"), Standing::Free)]);
    assert_eq!(read(&node, (&realm, &connector), &other, Some(0)).await.passed_over, 1);
    assert!(is_active(&node, &realm, local.name.as_str()).await);
}

async fn while_an_entry_is_nobodys_nobody_is_gone(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    read(&node, place, &crew(&names), None).await;
    ground.advance(60).await;
    let some = Page { nameless: 1, ..crew(&names[1..]) };
    let report = read(&node, place, &some, Some(10)).await;
    assert_eq!((report.removed, report.held_back, report.nameless), (0, 1, 1), "{report:?}");
    assert!(is_active(&node, &realm, "p0").await);
    assert_eq!(read(&node, place, &crew(&names[1..]), Some(10)).await.removed, 1);
}

/// A reading of changes, after which the directory is at this count.
pub async fn read_changes(node: &Node, place: (&Realm, &Connector), page: &Page, reached: i64) -> Report {
    let mut reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
    let since = reading.since(&node.door, ("dc1", Some(reached))).await.expect("an answer");
    assert!(since.is_some(), "{:?}", reading.report().whole_because);
    reading.page(&node.door, &node.ctx(), page).await.expect("it is taken over");
    reading.remember(&node.door, &node.ctx(), "dc1", Some(reached)).await.expect("it is noted");
    reading.finish(&node.door, &node.ctx(), Some(0)).await.expect("it ends")
}

pub async fn remember(node: &Node, place: (&Realm, &Connector), reached: Option<i64>) {
    let reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
    reading.remember(&node.door, &node.ctx(), "dc1", reached).await.expect("it is noted");
}

async fn who_is_not_among_those_who_changed_is_not_gone_and_who_is_shut_there_is_out_at_once(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    read(&node, place, &crew(&["alice", "bob", "carol"]), None).await;
    remember(&node, place, Some(100)).await;
    ground.advance(60).await;
    let states = [("alice", Standing::Out), ("bob", Standing::Out), ("dora", Standing::Free), ("erin", Standing::Out)];
    let changed = page(states.map(|(name, standing)| (person(name), standing)).into());
    let report = read_changes(&node, place, &changed, 200).await;
    // However many they are: the directory has said so of each.
    let counts = (report.run, report.created, report.removed, report.held_back);
    assert_eq!(counts, (Run::Changes, 1, 2, 0), "{report:?}");
    assert!(!is_active(&node, &realm, "alice").await && !is_active(&node, &realm, "bob").await);
    assert!(is_active(&node, &realm, "carol").await && is_active(&node, &realm, "dora").await);
    assert!(find(&node, &realm, "erin").await.is_none());
    // Once.
    ground.advance(60).await;
    assert_eq!(read_changes(&node, place, &changed, 300).await.removed, 0);
    ground.advance(60).await;
    let report = read_changes(&node, place, &crew(&["alice"]), 400).await;
    assert_eq!((report.back, report.removed), (1, 0), "{report:?}");
    assert!(is_active(&node, &realm, "alice").await && !is_active(&node, &realm, "bob").await);
    let told = ground.texts("SELECT detail FROM events WHERE kind = 'directory_read' ORDER BY sequence").await;
    let begin = |detail: &String| detail.split(',').next().unwrap_or_default().to_owned();
    let kinds: Vec<String> = told.iter().map(begin).collect();
    let changes = "connector company: what changed";
    assert_eq!(kinds, ["connector company: everybody", changes, changes], "{told:?}");
    let told = ground.texts("SELECT detail FROM events WHERE kind = 'user_changed' ORDER BY sequence").await;
    let shut = told.iter().filter(|detail| detail.starts_with("connector company, changes read: "));
    assert_eq!(
        shut.filter(|detail| detail.ends_with("is let in nowhere by the directory any more")).count(),
        2,
        "{told:?}"
    );
}

async fn changes_are_read_from_where_the_last_reading_began_or_not_at_all(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let since = async |connector: &Connector, stand: (&str, Option<i64>)| {
        let begun = Reading::begin(&node.door, &node.ctx(), (&realm, connector)).await;
        let mut reading = begun.expect("it begins");
        let since = reading.since(&node.door, stand).await.expect("an answer");
        assert_eq!(since.is_some(), reading.report().run == Run::Changes);
        assert_eq!(since.is_none(), reading.report().whole_because.is_some());
        since
    };
    assert_eq!(since(&connector, ("dc1", Some(100))).await, None, "never read");
    remember(&node, (&realm, &connector), Some(100)).await;
    assert_eq!(since(&connector, ("dc1", Some(150))).await, Some(100));
    assert_eq!(since(&connector, ("dc2", Some(150))).await, None, "another server");
    assert_eq!(since(&connector, ("dc1", Some(99))).await, None, "put back");
    // Nothing changed: as far as before. Nothing is known after everybody was read: everybody again.
    let mut reading = Reading::begin(&node.door, &node.ctx(), (&realm, &connector)).await.expect("it begins");
    reading.since(&node.door, ("dc1", None)).await.expect("an answer");
    reading.remember(&node.door, &node.ctx(), "dc1", None).await.expect("it is noted");
    assert_eq!(since(&connector, ("dc1", None)).await, Some(100));
    reading.remember(&node.door, &node.ctx(), "dc1", Some(90)).await.expect("it is noted");
    assert_eq!(since(&connector, ("dc1", None)).await, Some(100), "nothing is given up");
    remember(&node, (&realm, &connector), None).await;
    assert_eq!(since(&connector, ("dc1", None)).await, None);
    remember(&node, (&realm, &connector), Some(100)).await;
    // Another connector now: what it finds is another thing, and whoever still reads the former notes nothing.
    let ctx = node.ctx();
    let mut settings = connector.settings.clone();
    settings.groups.same_name = false;
    let updated =
        node.change(async |tx| connectors::update((&node.door, &node.ctx()), tx, &connector, settings).await).await;
    updated.expect("it is changed");
    let changed = Connector { revision: connector.revision + 1, ..connector.clone() };
    assert_eq!(since(&changed, ("dc1", Some(150))).await, None);
    assert!(reading.remember(&node.door, &ctx, "dc1", Some(500)).await.is_err());
    let mark = reading_marks::find(&mut &node.door.store, &connector.id).await.expect("an answer");
    assert_eq!(mark.map(|mark| (mark.revision, mark.reached)), Some((connector.revision, 100)));
}

async fn who_was_in_a_group_that_changed_is_known(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    let others = ExternalIdentity { groups: Some(vec!["others".to_owned()]), ..person("carol") };
    let all = [(person("alice"), Standing::Free), (person("bob"), Standing::Free), (others, Standing::Free)];
    read(&node, place, &page(all.into()), None).await;
    // By another's word: the directory has not said so.
    let local = node.user_with_email(&realm, "local", None).await;
    node.change(async |tx| {
        let group = doorward_store::groups::find(tx, &realm.id, &GroupName::parse("crew").expect("a name"))
            .await?
            .expect("a group");
        let source = Source::Local;
        doorward_store::groups::add_member(tx, &group.id, &local.id, &source).await
    })
    .await;
    let reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
    let before = async |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        reading.members_before(&node.door, &names).await.expect("an answer").expect("few")
    };
    assert_eq!(before(&["crew"]).await, ["subject of alice", "subject of bob"]);
    assert_eq!(before(&["others", "crew", "unknown"]).await.len(), 3);
    assert!(before(&[]).await.is_empty() && before(&["unknown"]).await.is_empty());
}

async fn everybody_is_read_at_longer_intervals_than_changes(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let mut settings = serde_json::to_value(&connector.settings).expect("JSON");
    settings["ldap"]["read_minutes"] = 3.into();
    settings["ldap"]["changes_minutes"] = 1.into();
    let settings: ConnectorSettings = serde_json::from_value(settings).expect("settings");
    node.change(async |tx| connectors::update((&node.door, &node.ctx()), tx, &connector, settings).await)
        .await
        .expect("it is changed");
    let mut runs = Vec::new();
    for _ in 0..5 {
        let due = sync::due(&node.door, &node.ctx()).await.expect("an answer");
        runs.push(due.iter().map(|(of, _, run)| (of.id == realm.id, *run)).collect::<Vec<_>>());
        // Nobody else does it meanwhile.
        assert!(sync::due(&node.door, &node.ctx()).await.expect("an answer").is_empty());
        ground.advance(60).await;
    }
    let (whole, changes) = (vec![(true, Run::Whole)], vec![(true, Run::Changes)]);
    assert_eq!(runs, [whole.clone(), changes.clone(), changes.clone(), whole, changes]);
}

async fn whoever_nobody_vouches_for_any_more_is_disabled_and_whoever_somebody_does_is_not(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let other = named(&node, &realm, ("other", &[])).await;
    read(&node, (&realm, &connector), &crew(&["alice"]), None).await;
    let alice = find(&node, &realm, "alice").await.expect("a user");
    let (elsewhere, at) = (person("alice"), node.ctx().now);
    node.change(async |tx| {
        doorward_store::connectors::link(tx, elsewhere.outsider(&other.id), &alice.id, at).await.map(Ok::<_, ()>)
    })
    .await
    .expect("linked");
    ground.advance(60).await;
    // Gone at one, the other one has her still.
    assert_eq!(read(&node, (&realm, &connector), &crew(&[]), None).await.removed, 1);
    assert!(is_active(&node, &realm, "alice").await);
    // And gone there too: that the first one had her once vouches for nothing.
    assert_eq!(read(&node, (&realm, &other), &crew(&[]), None).await.removed, 1);
    assert!(!is_active(&node, &realm, "alice").await);
    // Whichever has her again brings her back.
    ground.advance(60).await;
    assert_eq!(read(&node, (&realm, &other), &crew(&["alice"]), None).await.back, 1);
    assert!(is_active(&node, &realm, "alice").await);
}

async fn of_whom_nothing_can_be_read_nothing_changes(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    read(&node, place, &crew(&["alice", "bob"]), None).await;
    ground.advance(60).await;
    assert_eq!(read(&node, place, &crew(&["alice"]), None).await.removed, 1);
    ground.advance(60).await;
    // Bob is there again, disabled or not.
    let unread = ["alice", "bob", "new"].map(|name| (person(name), Standing::Unread));
    let report = read(&node, place, &page(unread.into()), Some(0)).await;
    let counts = (report.unread, report.created, report.back, report.removed, report.held_back);
    assert_eq!(counts, (3, 0, 0, 0, 0), "{report:?}");
    assert!(report.to_string().contains("3 whose userAccountControl cannot be read"), "{report}");
    assert!(is_active(&node, &realm, "alice").await && !is_active(&node, &realm, "bob").await);
    assert!(find(&node, &realm, "new").await.is_none());
    let theirs = ground.texts("SELECT user_id FROM memberships").await;
    assert_eq!(theirs, [find(&node, &realm, "alice").await.expect("a user").id.to_string()]);
}

async fn a_group_that_administers_from_now_on_takes_nobody_in_by_its_name(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    let mut reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
    reading.page(&node.door, &node.ctx(), &crew(&["alice"])).await.expect("it is taken over");
    // While everybody is read, which may take hours, somebody gives a group around it a role.
    let name = |text: &str| GroupName::parse(text).expect("a name");
    node.change(async |tx| {
        let crew = doorward_store::groups::find(tx, &realm.id, &name("crew")).await?.expect("a group");
        let above = manage_groups::create(&node.door, tx, &realm.id, name("staff")).await?.expect("a group");
        manage_groups::nest(tx, &above, &crew, &Source::Local).await?.expect("nested");
        let new = NewRole {
            client: None,
            name: RoleName::parse("doorward-admin").expect("a name"),
            description: String::new(),
        };
        let role = manage_roles::create(&node.door, tx, &realm.id, new).await?.expect("a role");
        manage_roles::give(tx, &role, &Holder::Group(above.id), &Source::Local).await
    })
    .await
    .expect("given");
    reading.page(&node.door, &node.ctx(), &crew(&["bob"])).await.expect("it is taken over");
    reading.finish(&node.door, &node.ctx(), None).await.expect("it ends");
    let theirs = ground.texts("SELECT user_id FROM memberships").await;
    assert_eq!(theirs, [find(&node, &realm, "alice").await.expect("a user").id.to_string()]);
}
