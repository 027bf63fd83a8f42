//! The decision itself: a plain function of the app, the path, the visitor and the time. Default
//! deny. Each verdict carries its reason, so that explaining is the same function called later.

use doorward_model::app::{Access, App};
use doorward_model::id::{GroupId, RealmId};
use doorward_model::path::RequestPath;
use doorward_model::people::{Group, User};
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;
use doorward_model::ways::{CameBy, Ways};

/// Who stands at the door.
#[derive(Clone, Copy)]
pub enum Visitor<'a> {
    /// A signed-in person with every group the person is in.
    Person {
        /// The user.
        user: &'a User,
        /// All groups, nested ones included.
        groups: &'a [Group],
        /// By which way they came in.
        came: CameBy<'a>,
    },
    /// A machine with a service token.
    Machine(&'a ServiceToken),
    /// A program with a token that a person made for it.
    Program {
        /// The token.
        token: &'a ServiceToken,
        /// The person.
        user: &'a User,
        /// All groups of the person, nested ones included.
        groups: &'a [Group],
    },
}

/// Why someone may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The path needs no sign-in.
    PublicPath,
    /// Every signed-in user of the realm may enter.
    Everyone,
    /// Membership of this group.
    Group(GroupId),
    /// The service token is scoped to this app.
    TokenScope,
}

/// Why someone who is known may not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The user is disabled.
    Inactive,
    /// Signed in to another realm.
    OtherRealm {
        /// The realm the app belongs to.
        wanted: RealmId,
    },
    /// The app has no rule at all, so nobody may enter.
    NoRule,
    /// They came in by a way that does not count there; these do.
    OtherWay(Ways),
    /// In none of the groups that may enter.
    MissingGroups(Vec<GroupId>),
    /// The service token is not scoped to this app.
    TokenScope,
    /// The service token's life is over.
    TokenExpired,
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Let through.
    Pass(Because),
    /// Nobody is signed in.
    SignIn,
    /// Signed in, and may not enter.
    Refused(Refusal),
}

impl Verdict {
    /// In words for the record; `name` tells a group's name.
    pub fn words(&self, name: impl Fn(&GroupId) -> Option<String>) -> String {
        let named = |ids: &[GroupId]| {
            let names: Vec<String> = ids.iter().map(|id| name(id).unwrap_or_else(|| id.to_string())).collect();
            names.join(" or ")
        };
        match self {
            Self::Pass(_) => "passes".to_owned(),
            Self::SignIn => "is not signed in".to_owned(),
            Self::Refused(Refusal::Inactive) => "is disabled".to_owned(),
            Self::Refused(Refusal::OtherRealm { .. }) => "belongs to another realm".to_owned(),
            Self::Refused(Refusal::NoRule) => "is refused: the app has no rule".to_owned(),
            Self::Refused(Refusal::OtherWay(_)) => "came in by a way that does not count there".to_owned(),
            Self::Refused(Refusal::MissingGroups(ids)) => format!("is missing {}", named(ids)),
            Self::Refused(Refusal::TokenScope) => "holds a token for other apps".to_owned(),
            Self::Refused(Refusal::TokenExpired) => "holds a token that is over".to_owned(),
        }
    }
}

/// Decides. `visitor` is a live session's user or a machine's token; `None` when there is neither.
pub fn decide(now: Timestamp, app: &App, path: Option<&RequestPath>, visitor: Option<Visitor<'_>>) -> Verdict {
    if path.is_some_and(|path| app.is_public(path)) {
        return Verdict::Pass(Because::PublicPath);
    }
    match visitor {
        None => Verdict::SignIn,
        Some(Visitor::Person { user, groups, came }) => judge_person(app, (user, groups), came),
        Some(Visitor::Machine(token)) => judge_machine(now, app, token),
        Some(Visitor::Program { token, user, groups }) => match judge_machine(now, app, token) {
            // What the token reaches, the person must still be let into.
            Verdict::Pass(_) => judge_person(app, (user, groups), token.came_by.as_ref()),
            refused => refused,
        },
    }
}

fn judge_person(app: &App, who: (&User, &[Group]), came: CameBy<'_>) -> Verdict {
    may_enter((&app.realm_id, &app.access), who, came)
}

/// Whether a rule of a realm lets a person in: the one place where this is decided, for apps at the gate
/// and for clients at authorization, at the token endpoint and at refresh.
pub fn may_enter((realm, access): (&RealmId, &Access), (user, groups): (&User, &[Group]), came: CameBy<'_>) -> Verdict {
    match admits((realm, access), (user, groups)) {
        // Asked before the groups, because coming in another way may bring other ones.
        Verdict::Pass(_) | Verdict::Refused(Refusal::MissingGroups(_)) if !access.ways.admit(came) => {
            Verdict::Refused(Refusal::OtherWay(access.ways.clone()))
        }
        verdict => verdict,
    }
}

/// The same for whoever came in by a way that counts there.
pub fn admits((realm, access): (&RealmId, &Access), (user, groups): (&User, &[Group])) -> Verdict {
    if !user.is_active {
        return Verdict::Refused(Refusal::Inactive);
    }
    if user.realm_id != *realm {
        return Verdict::Refused(Refusal::OtherRealm { wanted: realm.clone() });
    }
    if access.everyone {
        return Verdict::Pass(Because::Everyone);
    }
    if access.groups.is_empty() {
        return Verdict::Refused(Refusal::NoRule);
    }
    match groups.iter().find(|group| access.groups.contains(&group.id)) {
        Some(group) => Verdict::Pass(Because::Group(group.id.clone())),
        None => Verdict::Refused(Refusal::MissingGroups(access.groups.clone())),
    }
}

fn judge_machine(now: Timestamp, app: &App, token: &ServiceToken) -> Verdict {
    if now >= token.expires_at {
        return Verdict::Refused(Refusal::TokenExpired);
    }
    if token.realm_id != app.realm_id {
        return Verdict::Refused(Refusal::OtherRealm { wanted: app.realm_id.clone() });
    }
    if token.apps.contains(&app.id) {
        Verdict::Pass(Because::TokenScope)
    } else {
        Verdict::Refused(Refusal::TokenScope)
    }
}

#[cfg(test)]
mod tests {
    use super::{Because, Refusal, Verdict, Visitor, decide};
    use doorward_model::address::Address;
    use doorward_model::app::{Access, App, AppSettings, Icon, PublicPath};
    use doorward_model::dice::Counting;
    use doorward_model::id::{AppId, ConnectorId, GroupId, RealmId, ServiceTokenId, UserId};
    use doorward_model::name::{AppSlug, DisplayText, GroupName, TokenName, UserName};
    use doorward_model::path::RequestPath;
    use doorward_model::people::{Group, User};
    use doorward_model::session::ServiceToken;
    use doorward_model::time::Timestamp;
    use doorward_model::ways::{WayIn, Ways};

    struct Scene {
        app: App,
        user: User,
        users: Group,
        others: Group,
        token: ServiceToken,
    }

    const NOON: Timestamp = Timestamp::from_millis(1_000_000);

    fn scene() -> Option<Scene> {
        let dice = Counting::new(3);
        let realm = RealmId::draw(&dice);
        let group = |name: &str| {
            Some(Group { id: GroupId::draw(&dice), realm_id: realm.clone(), name: GroupName::parse(name).ok()? })
        };
        let (users, others) = (group("dagster-users")?, group("others")?);
        let app = App {
            id: AppId::draw(&dice),
            realm_id: realm.clone(),
            slug: AppSlug::parse("dagster").ok()?,
            access: Access { groups: vec![users.id.clone()], ..Access::default() },
            settings: AppSettings {
                title: DisplayText::parse("Dagster").ok()?,
                description: None,
                icon: Icon::Pipeline,
                addresses: vec![Address::parse("https://dagster.example.com").ok()?],
                upstream: None,
                public_paths: vec![PublicPath::parse("/server_info").ok()?],
                headers: vec![],
                bearer_token: false,
                how_to_ask: None,
            },
        };
        let user = User {
            id: UserId::draw(&dice),
            realm_id: realm.clone(),
            name: UserName::parse("alice").ok()?,
            email: None,
            display: DisplayText::parse("Alice").ok()?,
            is_active: true,
            created_at: NOON,
        };
        let token = ServiceToken {
            id: ServiceTokenId::draw(&dice),
            realm_id: realm,
            name: TokenName::parse("ci").ok()?,
            apps: vec![app.id.clone()],
            expires_at: NOON.plus_seconds(60),
            owner: None,
            came_by: None,
        };
        Some(Scene { app, user, users, others, token })
    }

    fn check(
        change: impl FnOnce(&mut Scene),
        groups: impl Fn(&Scene) -> Vec<Group>,
        expected: impl Fn(&Scene) -> Verdict,
    ) {
        let Some(mut scene) = scene() else { panic!("scene") };
        change(&mut scene);
        let groups = groups(&scene);
        let visitor = Visitor::Person { user: &scene.user, groups: &groups, came: None };
        let path = RequestPath::parse("/runs").ok();
        assert_eq!(decide(NOON, &scene.app, path.as_ref(), Some(visitor)), expected(&scene));
    }

    #[test]
    fn a_member_passes_by_the_group_that_lets_them() {
        check(
            |_| {},
            |s| vec![s.others.clone(), s.users.clone()],
            |s| Verdict::Pass(Because::Group(s.users.id.clone())),
        );
    }

    #[test]
    fn a_stranger_to_the_group_learns_which_one_is_missing() {
        let missing = |s: &Scene| Verdict::Refused(Refusal::MissingGroups(vec![s.users.id.clone()]));
        check(|_| {}, |s| vec![s.others.clone()], missing);
        check(|_| {}, |_| vec![], missing);
    }

    #[test]
    fn an_app_without_a_rule_admits_nobody() {
        check(|s| s.app.access = Access::default(), |s| vec![s.users.clone()], |_| Verdict::Refused(Refusal::NoRule));
    }

    #[test]
    fn everyone_means_everyone_of_this_realm_who_is_active() {
        check(|s| s.app.access.everyone = true, |_| vec![], |_| Verdict::Pass(Because::Everyone));
        check(
            |s| {
                s.app.access.everyone = true;
                s.app.realm_id = RealmId::draw(&Counting::new(99));
            },
            |s| vec![s.users.clone()],
            |s| Verdict::Refused(Refusal::OtherRealm { wanted: s.app.realm_id.clone() }),
        );
    }

    #[test]
    fn where_ways_in_are_named_no_other_one_counts_whatever_the_groups() {
        let Some(mut scene) = scene() else { panic!("scene") };
        let dice = Counting::new(9);
        let (company, other) = (ConnectorId::draw(&dice), ConnectorId::draw(&dice));
        let ways = Ways::only([WayIn::Connector(company.clone())]);
        scene.app.access.ways = ways.clone();
        let at = |scene: &Scene, groups: &[Group], came| {
            decide(NOON, &scene.app, None, Some(Visitor::Person { user: &scene.user, groups, came }))
        };
        let (members, passes) = ([scene.users.clone()], Verdict::Pass(Because::Group(scene.users.id.clone())));
        let other_way = Verdict::Refused(Refusal::OtherWay(ways.clone()));
        assert_eq!(at(&scene, &members, Some(&company)), passes);
        for came in [None, Some(&other)] {
            assert_eq!(at(&scene, &members, came), other_way);
            // Coming in rightly may bring the group: first things first.
            assert_eq!(at(&scene, &[], came), other_way);
        }
        assert!(matches!(at(&scene, &[], Some(&company)), Verdict::Refused(Refusal::MissingGroups(_))));
        // What another way would not mend is told as it is.
        scene.user.is_active = false;
        assert_eq!(at(&scene, &members, None), Verdict::Refused(Refusal::Inactive));
        scene.user.is_active = true;
        scene.app.access = Access { ways: ways.clone(), ..Access::default() };
        assert_eq!(at(&scene, &members, None), Verdict::Refused(Refusal::NoRule));
        scene.app.access = Access { everyone: true, ways: Ways::only([WayIn::Account]), ..Access::default() };
        assert_eq!(at(&scene, &[], None), Verdict::Pass(Because::Everyone));
        assert!(matches!(at(&scene, &[], Some(&company)), Verdict::Refused(Refusal::OtherWay(_))));
        // A token is as good as the session it was made in.
        scene.app.access.ways = ways;
        let program = |token: &ServiceToken| {
            let who = Visitor::Program { token, user: &scene.user, groups: &members };
            decide(NOON, &scene.app, None, Some(who))
        };
        assert!(matches!(program(&scene.token), Verdict::Refused(Refusal::OtherWay(_))));
        let token = ServiceToken { came_by: Some(company), ..scene.token.clone() };
        assert_eq!(program(&token), Verdict::Pass(Because::Everyone));
    }

    #[test]
    fn a_disabled_user_passes_nowhere() {
        check(|s| s.user.is_active = false, |s| vec![s.users.clone()], |_| Verdict::Refused(Refusal::Inactive));
    }

    #[test]
    fn nobody_is_asked_to_sign_in_except_on_public_paths() {
        let Some(scene) = scene() else { panic!("scene") };
        let at = |path: &str| decide(NOON, &scene.app, RequestPath::parse(path).ok().as_ref(), None);
        assert_eq!(at("/server_info"), Verdict::Pass(Because::PublicPath));
        assert_eq!(at("/server_info/.x"), Verdict::SignIn);
        assert_eq!(at("/?/server_info"), Verdict::SignIn);
    }

    #[test]
    fn a_program_passes_where_both_its_token_and_its_person_may() {
        let Some(mut scene) = scene() else { panic!("scene") };
        let at = |scene: &Scene, groups: &[Group], now| {
            let program = Visitor::Program { token: &scene.token, user: &scene.user, groups };
            decide(now, &scene.app, None, Some(program))
        };
        let users = [scene.users.clone()];
        assert_eq!(at(&scene, &users, NOON), Verdict::Pass(Because::Group(scene.users.id.clone())));
        assert!(matches!(at(&scene, &[], NOON), Verdict::Refused(Refusal::MissingGroups(_))));
        assert_eq!(at(&scene, &users, NOON.plus_seconds(60)), Verdict::Refused(Refusal::TokenExpired));
        scene.user.is_active = false;
        assert_eq!(at(&scene, &users, NOON), Verdict::Refused(Refusal::Inactive));
        scene.user.is_active = true;
        scene.token.apps.clear();
        assert_eq!(at(&scene, &users, NOON), Verdict::Refused(Refusal::TokenScope));
    }

    #[test]
    fn a_machine_passes_where_its_token_is_scoped_and_while_it_lives() {
        let Some(mut scene) = scene() else { panic!("scene") };
        let at = |scene: &Scene, now| decide(now, &scene.app, None, Some(Visitor::Machine(&scene.token)));
        assert_eq!(at(&scene, NOON), Verdict::Pass(Because::TokenScope));
        assert_eq!(at(&scene, NOON.plus_seconds(60)), Verdict::Refused(Refusal::TokenExpired));
        scene.token.apps.clear();
        assert_eq!(at(&scene, NOON), Verdict::Refused(Refusal::TokenScope));
    }
}
