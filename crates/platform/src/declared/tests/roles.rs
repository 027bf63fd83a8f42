//! Roles: what is refused and where, what is planned, and that it leads to rest.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::parse;
use super::there::{There, check};
use crate::declared::{HolderName, RoleKey, Step};
use doorward_model::id::{ClientId, RealmId, RoleId};
use doorward_model::name::{ClientName, RealmName};
use doorward_model::people::{Holder, Role, Source};

const CLIENT: &str = "kind: Client\nname: polaris\ngrants: [client_credentials]\n";

impl There {
    /// Takes a step about roles.
    pub(super) fn take_role(&mut self, step: &Step) {
        match step {
            Step::CreateRole { realm, role, description } => {
                let new = Role {
                    id: RoleId::draw(&self.dice),
                    realm_id: self.realm_id(realm.as_str()),
                    client_id: role.client.as_ref().map(|client| self.client_id(client)),
                    name: role.role.clone(),
                    description: description.clone(),
                };
                self.current.roles.push(new);
            }
            Step::UpdateRole { realm, role, description, .. } => {
                let id = self.role_id(realm, role);
                let known = self.current.roles.iter_mut().find(|known| known.id == id).unwrap();
                known.description = description.clone();
            }
            Step::GiveRole { realm, role, to } => {
                let row = (self.role_id(realm, role), self.holder(realm, to), Source::Declared);
                self.current.role_holders.push(row);
            }
            Step::TakeRole { realm, role, from } => {
                let row = (self.role_id(realm, role), self.holder(realm, from), Source::Declared);
                self.current.role_holders.retain(|known| *known != row);
            }
            other => panic!("{other}"),
        }
    }

    fn client_id(&self, name: &ClientName) -> ClientId {
        self.current.clients.iter().find(|known| known.name == *name).unwrap().id.clone()
    }

    fn role_id(&self, realm: &RealmName, key: &RoleKey) -> RoleId {
        let realm: RealmId = self.realm_id(realm.as_str());
        let client = key.client.as_ref().map(|client| self.client_id(client));
        let fits = |role: &&Role| role.realm_id == realm && role.client_id == client && role.name == key.role;
        self.current.roles.iter().find(fits).unwrap().id.clone()
    }

    fn holder(&self, realm: &RealmName, name: &HolderName) -> Holder {
        match name {
            HolderName::User(user) => Holder::User(self.user_id(realm.as_str(), user.as_str())),
            HolderName::Group(group) => Holder::Group(self.group_id(realm.as_str(), group.as_str())),
            HolderName::Service(client) => Holder::Client(self.client_id(client)),
            HolderName::Role(key) => Holder::Role(self.role_id(realm, key)),
        }
    }
}

#[test]
fn roles_are_made_given_and_contained() {
    let text = format!(
        "{CLIENT}service_roles: [admin]\n---\nkind: Role\nname: admin\ndescription: Everything\nroles: [viewer, \
         {{client: polaris, role: write}}]\n---\nkind: Role\nname: viewer\n---\nkind: Role\nname: write\nclient: \
         polaris\n---\nkind: User\nname: alice\nroles: [viewer, viewer]\n---\nkind: Group\nname: data\nroles: \
         [{{client: polaris, role: write}}]\n"
    );
    check(
        There::main(),
        &text,
        &[
            "+ group main/data",
            "+ user main/alice",
            "+ client main/polaris",
            "+ role main/admin",
            "+ role main/viewer",
            "+ role main/write of client polaris",
            "+ role viewer → user alice",
            "+ role write of client polaris → group data",
            "+ role admin → client polaris",
            "+ role viewer → role admin",
            "+ role write of client polaris → role admin",
        ],
    );
}

#[test]
fn a_list_owns_what_files_gave_and_nothing_else() {
    let before = "kind: Role\nname: a\ndescription: old\nroles: [b]\n---\nkind: Role\nname: b\n---\nkind: User\nname: \
                  alice\nroles: [a]\n";
    let there = || There::main().having(before);
    check(there(), "kind: User\nname: alice\n", &[]);
    check(there(), "kind: User\nname: alice\nroles: []\n", &["- role a → user alice"]);
    check(there(), "kind: Role\nname: a\nroles: []\n", &["- role b → role a"]);
    check(there(), "kind: Role\nname: a\ndescription: new\n", &["~ role main/a: description: \"old\" → \"new\""]);
    let local = there().with(|current| current.role_holders.iter_mut().for_each(|row| row.2 = Source::Local));
    check(local, "kind: User\nname: alice\nroles: []\n", &[]);
    // What a command said is said by the file as well.
    let local = there().with(|current| current.role_holders.iter_mut().for_each(|row| row.2 = Source::Local));
    check(local, "kind: User\nname: alice\nroles: [a]\n", &["+ role a → user alice"]);
    // Both ends may change places in one plan.
    let turned = "kind: Role\nname: a\nroles: []\n---\nkind: Role\nname: b\nroles: [a]\n";
    check(there(), turned, &["- role b → role a", "+ role a → role b"]);
}

#[track_caller]
fn refused(there: &There, text: &str, expected: &[&str]) {
    let complaints = there.plan(text).map(|plan| plan.render()).unwrap_err();
    assert_eq!(complaints, expected, "{text}");
}

#[test]
fn what_is_not_there_and_what_goes_round_is_pointed_at() {
    let there = There::main();
    refused(
        &there,
        "kind: User\nname: alice\nroles:\n  - none\n  - {client: polaris, role: x}\n",
        &[
            "d.yaml:4:5: role main/none is neither declared nor there: declare it with kind: Role, or correct the name",
            "d.yaml:5:5: role main/x of client polaris is neither declared nor there: declare it with kind: Role, or \
         correct the name",
        ],
    );
    refused(
        &there,
        "kind: Role\nname: x\nclient: polaris\n",
        &[
            "d.yaml:3:9: client main/polaris is neither declared nor there: declare it with kind: Client, or correct the \
         name",
        ],
    );
    let there = there.having("kind: Role\nname: a\nroles: [b]\n---\nkind: Role\nname: b\n");
    refused(
        &there,
        "kind: Role\nname: b\nroles: [a]\n",
        &["d.yaml:3:9: role a cannot be part of b: it would contain itself: take one of them out of the other's roles"],
    );
    refused(
        &there,
        "kind: Role\nname: b\nroles: [b]\n",
        &["d.yaml:3:9: role b cannot be part of b: it would contain itself: take one of them out of the other's roles"],
    );
    let shown = |text: &str| {
        let complaints = parse("d.yaml", text).map(|objects| objects.len()).unwrap_err();
        complaints.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        shown("kind: Role\nname: a\n---\nkind: Role\nname: a\n---\nkind: Role\nname: a\nclient: x\n"),
        ["d.yaml:5:7: role main/a is declared twice: the other stands at d.yaml:2:7"]
    );
    assert_eq!(
        shown("kind: Role\nname: 'a,b'\n"),
        ["d.yaml:2:7: the role name `a,b` may not hold , | ; \" or control characters: correct the value"]
    );
    assert_eq!(shown("kind: User\nname: a\nroles: [{client: x}]\n").len(), 1);
}
