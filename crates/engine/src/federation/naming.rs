//! What somebody outside would be called here: the first of the places a connector reads names from that holds one a user
//! could have. Where none does, what stands in each is told, for whoever set the connector up.

use doorward_model::name::UserName;

/// Characters of somebody else's word that are repeated.
const TOLD_CHARACTERS: usize = 100;

/// A place names are read from, and what stands there.
pub struct Place<'a> {
    /// What it is, as settings call it: `claim preferred_username`.
    pub what: String,
    /// What stands there; `None` when it is not there.
    pub says: Option<&'a str>,
}

/// The first name a user could have, of those that may be taken for the person's own; else why there is none.
///
/// # Errors
/// One sentence of what stands in each place.
pub fn choose<'a>(
    places: impl IntoIterator<Item = Place<'a>>,
    may_be_named: impl Fn(&UserName) -> bool,
) -> Result<String, String> {
    let mut passed_over = Vec::new();
    for Place { what, says } in places {
        let Some(says) = says else {
            passed_over.push(format!("{what} is not there"));
            continue;
        };
        let why = match UserName::parse(says) {
            Ok(name) if may_be_named(&name) => return Ok(name.to_string()),
            Ok(_) => "an address that is not proved to be theirs",
            Err(_) => "which no user can be called",
        };
        let says: String = says.chars().take(TOLD_CHARACTERS).collect();
        passed_over.push(format!("{what} says {says:?}, {why}"));
    }
    Err(format!("they have no name that a user could have: {}", passed_over.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::{Place, choose};

    #[test]
    fn the_first_name_that_fits_is_taken_and_else_all_are_told() {
        let place = |what: &str, says| Place { what: what.to_owned(), says };
        let plain = |name: &doorward_model::name::UserName| !name.as_str().contains('@');
        let found =
            choose([place("claim a", None), place("claim b", Some("ada")), place("claim c", Some("eve"))], plain);
        assert_eq!(found.as_deref(), Ok("ada"));
        let long = "x y".repeat(100);
        let odd = [place("claim a", None), place("claim b", Some("Ada\nL")), place("claim c", Some("ada@example.com"))];
        let told = choose(odd, plain);
        let wanted = "they have no name that a user could have: claim a is not there; claim b says \"Ada\\nL\", which no \
                      user can be called; claim c says \"ada@example.com\", an address that is not proved to be theirs";
        assert_eq!(told, Err(wanted.to_owned()));
        let told = choose([place("claim a", Some(&long))], plain).err().unwrap_or_default();
        assert!(told.len() < 250, "{told}");
    }
}
