//! `/admin/realms/{realm}/groups`. Here a group may lie in several others; its path is by the first of them.

use crate::admin::{Call, Failure, Outcome, Window, done, made, told, users};
use crate::limits;
use doorward_engine::manage;
use doorward_engine::manage::look::groups;
use doorward_model::id::{GroupId, UserId};
use doorward_model::limits::PAGE_ROWS;
use doorward_model::name::GroupName;
use doorward_model::people::{Group, Holder, Source};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};

const MISSING: Failure = Failure::Missing("Could not find group by id");

/// All groups of a realm and how they lie in each other.
pub struct Tree {
    all: Vec<Group>,
    places: HashMap<GroupId, usize>,
    inner: HashMap<GroupId, Vec<GroupId>>,
    outer: HashMap<GroupId, Vec<GroupId>>,
}

impl Tree {
    /// Reads them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(call: &Call) -> Result<Self, Failure> {
        let (mut query, realm) = (&call.door().store, &call.realm.id);
        let mut all: Vec<Group> = Vec::new();
        loop {
            let after = all.last().map(|group| group.name.to_string()).unwrap_or_default();
            let page = groups::list(&mut query, realm, &after, PAGE_ROWS).await?;
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        let edges = groups::nestings_of_realm(&mut query, realm).await?;
        // By name, and each once although several sources may say the same.
        let edges: BTreeSet<_> = edges.into_iter().map(|(outer, inner, _)| (outer, inner)).collect();
        let places: HashMap<_, _> = all.iter().enumerate().map(|(place, group)| (group.id.clone(), place)).collect();
        let (mut inner, mut outer) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (above, below) in edges {
            inner.entry(above.clone()).or_default().push(below.clone());
            outer.entry(below).or_default().push(above);
        }
        for ids in inner.values_mut().chain(outer.values_mut()) {
            ids.sort_by_key(|id| places.get(id).copied());
        }
        Ok(Self { all, places, inner, outer })
    }

    /// All groups, by name.
    pub fn all(&self) -> impl Iterator<Item = &Group> {
        self.all.iter()
    }

    fn find(&self, id: &GroupId) -> Option<&Group> {
        self.places.get(id).and_then(|place| self.all.get(*place))
    }

    fn outer(&self, id: &GroupId) -> &[GroupId] {
        self.outer.get(id).map_or(&[], Vec::as_slice)
    }

    /// The groups directly inside one.
    fn inner(&self, id: &GroupId) -> impl Iterator<Item = &Group> {
        self.inner.get(id).into_iter().flatten().filter_map(|id| self.find(id))
    }

    /// `/outermost/…/group`.
    fn path(&self, group: &Group) -> String {
        let mut names = vec![group.name.as_str()];
        let mut at = group;
        // Groups never contain themselves, so this ends; the bound is for the reader.
        while let Some(above) = self.outer(&at.id).first().and_then(|id| self.find(id))
            && names.len() <= self.all.len()
        {
            names.push(above.name.as_str());
            at = above;
        }
        names.iter().rev().map(|name| format!("/{name}")).collect()
    }

    /// The group at a path; its names must lie in each other as the path says.
    pub fn at(&self, path: &str) -> Option<&Group> {
        let mut at: Option<&Group> = None;
        for name in path.trim_start_matches('/').split('/') {
            let named = self.all.iter().find(|group| group.name.as_str() == name)?;
            if at.is_some_and(|outer| !self.outer(&named.id).contains(&outer.id)) {
                return None;
            }
            at = Some(named);
        }
        at
    }

    /// A group in Keycloak's words, without those inside it.
    pub fn representation(&self, group: &Group) -> Value {
        let mut told = json!({
            "id": group.id, "name": group.name, "path": self.path(group),
            "subGroupCount": self.inner(&group.id).count(), "subGroups": [],
        });
        if let (Some(outer), Some(members)) = (self.outer(&group.id).first(), told.as_object_mut()) {
            members.insert("parentId".to_owned(), json!(outer));
        }
        told
    }

    /// The groups that are wanted and all those around them.
    fn leading_to(&self, wanted: impl Fn(&Group) -> bool) -> HashSet<GroupId> {
        let mut open: Vec<GroupId> = self.all().filter(|group| wanted(group)).map(|group| group.id.clone()).collect();
        let mut known = HashSet::new();
        while let Some(id) = open.pop() {
            if known.insert(id.clone()) {
                open.extend(self.outer(&id).iter().cloned());
            }
        }
        known
    }

    /// A group with those of the ones inside it, however deep, that are `kept`. `left` is how many may still be told.
    fn branch(&self, group: &Group, kept: &HashSet<GroupId>, left: &mut usize) -> Value {
        *left = left.saturating_sub(1);
        let mut inner = Vec::new();
        for group in self.inner(&group.id).filter(|group| kept.contains(&group.id)) {
            if *left > 0 {
                inner.push(self.branch(group, kept, left));
            }
        }
        let mut told = self.representation(group);
        if let Some(members) = told.as_object_mut() {
            members.insert("subGroups".to_owned(), Value::Array(inner));
        }
        told
    }
}

/// `GET`: the outermost groups; with `search`, those that match or hold such, with them inside.
pub async fn list(call: Call) -> Outcome {
    call.cannot(&["q"])?;
    let (tree, window) = (Tree::load(&call).await?, Window::of(&call, limits::ADMIN_ROWS)?);
    let outermost = tree.all().filter(|group| tree.outer(&group.id).is_empty());
    let search = call.query.text("search");
    if search.is_empty() {
        return Ok(told(&window.cut(outermost.map(|group| tree.representation(group))).collect()));
    }
    let (part, is_exact) = (search.to_lowercase(), call.is_set("exact"));
    let wanted = |group: &Group| match is_exact {
        true => group.name.as_str() == search,
        false => group.name.as_str().to_lowercase().contains(&part),
    };
    let kept = tree.leading_to(wanted);
    let mut left = limits::ADMIN_ROWS;
    let found = window.cut(outermost.filter(|group| kept.contains(&group.id)));
    Ok(told(&found.map(|group| tree.branch(group, &kept, &mut left)).collect()))
}

/// `GET count`.
pub async fn count(call: Call) -> Outcome {
    call.cannot(&["search"])?;
    let tree = Tree::load(&call).await?;
    let is_counted = |group: &&Group| !call.is_set("top") || tree.outer(&group.id).is_empty();
    Ok(told(&json!({"count": tree.all().filter(is_counted).count()})))
}

/// The group that a part of the path names; of this realm only.
pub async fn named(call: &Call, part: &str) -> Result<Group, Failure> {
    let id = GroupId::parse(call.part(part)).map_err(|_| MISSING)?;
    let found = groups::find_by_id(&mut &call.door().store, &id).await?;
    found.filter(|group| group.realm_id == call.realm.id).ok_or(MISSING)
}

/// `GET` of one.
pub async fn show(call: Call) -> Outcome {
    let group = named(&call, "group").await?;
    Ok(told(&Tree::load(&call).await?.representation(&group)))
}

/// `GET group-by-path/{path}`.
pub async fn by_path(call: Call) -> Outcome {
    let tree = Tree::load(&call).await?;
    let group = tree.at(call.part("path")).ok_or(Failure::Missing("Group path does not exist"))?;
    Ok(told(&tree.representation(group)))
}

/// `POST`: a new outermost group.
pub async fn create(call: Call) -> Outcome {
    new(call, None).await
}

/// `POST children`: a new group inside another.
pub async fn create_inside(call: Call) -> Outcome {
    let outer = named(&call, "group").await?;
    new(call, Some(outer)).await
}

async fn new(call: Call, outer: Option<Group>) -> Outcome {
    let body = call.body()?;
    if body.has("id") {
        return Err(Failure::bad("an existing group cannot be moved here: send a name alone for a new one"));
    }
    let name = GroupName::parse(body.needed("name")?).map_err(|bad| Failure::bad(bad.to_string()))?;
    let words = match outer {
        Some(_) => format!("Sibling group named '{name}' already exists."),
        None => format!("Top level group named '{name}' already exists."),
    };
    let mut tx = call.door().begin().await?;
    let group = manage::groups::create(call.door(), &mut tx, &call.realm.id, name).await?;
    let group = group.map_err(|refused| Failure::of_new(&refused, words))?;
    if let Some(outer) = &outer {
        manage::groups::nest(&mut tx, outer, &group, &Source::Local).await??;
    }
    call.commit(tx).await?;
    let path = format!("/admin/realms/{}/groups/{}", call.realm.name, group.id);
    let mut answer = made(&call.web, &path);
    if outer.is_some() {
        // As with Keycloak, whoever asked for an inner group is told of it.
        let body = Tree::load(&call).await?.representation(&group).to_string();
        answer = answer.map(|_| body.into());
        let json = http::HeaderValue::from_static("application/json");
        answer.headers_mut().insert(http::header::CONTENT_TYPE, json);
    }
    Ok(answer)
}

/// `PUT`: nothing but the name is kept of a group, and that stays.
pub async fn update(call: Call) -> Outcome {
    let (body, group) = (call.body()?, named(&call, "group").await?);
    match body.text("name")? {
        Some(name) if name != group.name.as_str() => {
            Err(Failure::bad("a group cannot be renamed: make another one, or leave the name as it is"))
        }
        Some(_) | None => Ok(done()),
    }
}

/// `DELETE`: groups inside it stay, by themselves.
pub async fn delete(call: Call) -> Outcome {
    let group = named(&call, "group").await?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::Group(group.id.clone())).await?;
    manage::groups::delete(&mut tx, &group).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `GET children`.
pub async fn children(call: Call) -> Outcome {
    let group = named(&call, "group").await?;
    let (tree, window) = (Tree::load(&call).await?, Window::of(&call, limits::ADMIN_ROWS)?);
    Ok(told(&window.cut(tree.inner(&group.id).map(|group| tree.representation(group))).collect()))
}

/// `GET members`: those directly in it, by name.
pub async fn members(call: Call) -> Outcome {
    let group = named(&call, "group").await?;
    let window = Window::of(&call, limits::ADMIN_USERS)?;
    let mut query = &call.door().store;
    // Several sources may say the same.
    let mut all = groups::members(&mut query, &group.id, "", window.end().saturating_mul(2)).await?;
    all.dedup_by(|one, other| one.id == other.id);
    let ids = window.cut(all).filter_map(|member| UserId::parse(&member.id).ok());
    Ok(told(&users::shown_by_id(&call, ids).await?))
}
