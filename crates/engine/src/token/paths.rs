//! Paths of the groups a user is in directly, as Keycloak writes them: `/outer/inner`. A group inside several
//! others has several; how many are told is bounded, because ways multiply.

use crate::limits;
use doorward_model::fault::Fault;
use doorward_model::id::{GroupId, UserId};
use doorward_model::people::Group;
use doorward_store::groups;
use doorward_store::store::Query;
use std::collections::HashMap;

/// The paths, in order. `all` are the user's groups, nested ones included.
pub async fn of_user(query: &mut impl Query, user: &UserId, all: &[Group]) -> Result<Vec<String>, Fault> {
    let direct = groups::direct_of_user(query, user).await?;
    let edges = groups::edges_of_user(query, user).await?;
    Ok(written(&direct, &edges, all))
}

fn written(direct: &[GroupId], edges: &[(GroupId, GroupId)], all: &[Group]) -> Vec<String> {
    let names: HashMap<&GroupId, &str> = all.iter().map(|group| (&group.id, group.name.as_str())).collect();
    let mut around: HashMap<&GroupId, Vec<&GroupId>> = HashMap::new();
    for (inner, outer) in edges {
        around.entry(inner).or_default().push(outer);
    }
    let mut paths = Vec::new();
    for group in direct {
        // Nestings never close a circle; the bound holds whatever stands in the table.
        let mut waiting = vec![(group, String::new())];
        while let Some((group, below)) = waiting.pop() {
            let Some(name) = names.get(group) else { continue };
            // A name that holds a slash must not read as two groups; this is how Keycloak tells them apart.
            let path = format!("/{}{below}", name.replace('/', "~/"));
            match around.get(group) {
                Some(outer) if path.len() < limits::GROUP_PATH_BYTES => {
                    waiting.extend(outer.iter().map(|outer| (*outer, path.clone())));
                }
                Some(_) => {}
                None => paths.push(path),
            }
            if paths.len() + waiting.len() >= limits::GROUP_PATHS {
                tracing::warn!("a user has more than {} paths of groups: the rest is not told", limits::GROUP_PATHS);
                paths.sort_unstable();
                return paths;
            }
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use super::written;
    use crate::limits;
    use doorward_model::dice::Counting;
    use doorward_model::id::{GroupId, RealmId};
    use doorward_model::name::GroupName;
    use doorward_model::people::Group;

    fn groups(names: &[&str]) -> Vec<Group> {
        let dice = Counting::new(1);
        let realm_id = RealmId::draw(&dice);
        let named = |name: &&str| {
            let Ok(name) = GroupName::parse(name) else { panic!("{name}") };
            Group { id: GroupId::draw(&dice), realm_id: realm_id.clone(), name }
        };
        names.iter().map(named).collect()
    }

    #[test]
    fn every_way_up_is_a_path_and_a_slash_in_a_name_is_none() {
        let all = groups(&["eng", "data", "staff", "a/b"]);
        let id = |at: usize| all[at].id.clone();
        let edges = [(id(0), id(1)), (id(0), id(2)), (id(1), id(2))];
        let paths = written(&[id(0), id(3)], &edges, &all);
        assert_eq!(paths, ["/a~/b", "/staff/data/eng", "/staff/eng"]);
    }

    #[test]
    fn ways_that_multiply_are_bounded() {
        let names: Vec<String> = (0..40).map(|number| format!("g{number}")).collect();
        let all = groups(&names.iter().map(String::as_str).collect::<Vec<_>>());
        // Layers of two: 2 to the 19 ways.
        let mut edges = Vec::new();
        for layer in 0..19 {
            for inner in 0..2 {
                for outer in 0..2 {
                    edges.push((all[layer * 2 + inner].id.clone(), all[layer * 2 + 2 + outer].id.clone()));
                }
            }
        }
        let paths = written(&[all[0].id.clone()], &edges, &all);
        assert!(paths.len() <= limits::GROUP_PATHS, "{}", paths.len());
    }
}
