//! What is known of users besides names, and the subject a user brought along from another provider.

use crate::manage::Refused;
use crate::manage::what_changed::what_changed;
use crate::token::{self, Profile};
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, UserId};
use doorward_model::limits;
use doorward_model::name::is_unprintable;
use doorward_model::people::User;
use doorward_store::tx::Tx;
use doorward_store::users;

/// Writes what is known of a user besides names. Refused when there is too much of it.
pub async fn write(tx: &mut Tx, user: &User, profile: &Profile) -> Result<Result<(), Refused>, Fault> {
    if let Err(refused) = check(profile) {
        return Ok(Err(refused));
    }
    let (before, _) = token::profile(tx, &user.id).await?;
    users::set_profile(tx, &user.id, &profile.to_text()?).await?;
    // Names of attributes are what whoever fills them makes of them.
    note(tx, user, &what_changed(&before, profile, &["attributes"]));
    Ok(Ok(()))
}

/// Writes the subject a user brought along, which is then told instead of the id; `None` for the id again.
/// Tokens that named the user otherwise are not good any more.
pub async fn set_subject(tx: &mut Tx, user: &User, subject: Option<&str>) -> Result<Result<(), Refused>, Fault> {
    if let Some(Err(refused)) = subject.map(check_subject) {
        return Ok(Err(refused));
    }
    if !users::set_subject(tx, &user.id, subject).await? {
        let why = format!("user {}: that subject is another user's: choose another", user.name);
        return Ok(Err(Refused::because(why)));
    }
    note(tx, user, "subject");
    Ok(Ok(()))
}

/// What must hold for a profile, whoever wrote it.
///
/// # Errors
/// A sentence of what is wrong.
pub fn check(profile: &Profile) -> Result<(), Refused> {
    let no = |sentence: String| Err(Refused::because(sentence));
    if profile.attributes.len() > limits::ATTRIBUTES {
        return no(format!("a user has at most {} attributes", limits::ATTRIBUTES));
    }
    for (name, values) in &profile.attributes {
        if !is_attribute_name(name) {
            let most = limits::ATTRIBUTE_NAME_BYTES;
            return no(format!(
                "the name of an attribute must be 1 to {most} printable ASCII characters without spaces"
            ));
        }
        if values.len() > limits::ATTRIBUTE_VALUES {
            return no(format!("the attribute {name} has more than {} values", limits::ATTRIBUTE_VALUES));
        }
        if values.iter().any(|value| !is_text(value)) {
            let most = limits::ATTRIBUTE_CHARACTERS;
            return no(format!("a value of the attribute {name} has more than {most} characters, or control ones"));
        }
    }
    if ![&profile.given_name, &profile.family_name].into_iter().all(|name| is_text(name)) {
        let most = limits::ATTRIBUTE_CHARACTERS;
        return no(format!("a first or family name has at most {most} characters, and no control ones"));
    }
    if profile.to_text().map_or(usize::MAX, |text| text.len()) > limits::PROFILE_BYTES {
        return no(format!("the attributes of a user have more than {} bytes together", limits::PROFILE_BYTES));
    }
    Ok(())
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= limits::ATTRIBUTE_CHARACTERS && !text.chars().any(is_unprintable)
}

fn is_attribute_name(name: &str) -> bool {
    (1..=limits::ATTRIBUTE_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a subject must be (OIDC Core §2: at most 255 ASCII characters). One that reads like an id of ours could
/// be taken for another user or a client.
///
/// # Errors
/// A sentence of what is wrong.
pub fn check_subject(subject: &str) -> Result<(), Refused> {
    let fits = (1..=limits::SUBJECT_BYTES).contains(&subject.len()) && subject.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        let most = limits::SUBJECT_BYTES;
        return Err(Refused::because(format!("a subject has 1 to {most} printable ASCII characters, no spaces")));
    }
    if UserId::parse(subject).is_ok() || ClientId::parse(subject).is_ok() {
        return Err(Refused::because("a subject may not look like an id of Doorward's own"));
    }
    Ok(())
}

fn note(tx: &mut Tx, user: &User, what: &str) {
    tx.changed(Change::User(user.id.clone()));
    let detail = format!("user {}: {what}", user.name);
    tx.record(Event::new(EventKind::UserChanged, Some(&user.realm_id), user.id.to_string(), detail));
}

#[cfg(test)]
mod tests {
    use super::{check, check_subject};
    use crate::token::Profile;
    use doorward_model::dice::Counting;
    use doorward_model::id::{ClientId, UserId};
    use doorward_model::limits;
    use std::collections::BTreeMap;

    fn with(name: &str, values: &[&str]) -> Profile {
        let values = values.iter().map(ToString::to_string).collect();
        Profile { attributes: BTreeMap::from([(name.to_owned(), values)]), ..Profile::default() }
    }

    #[test]
    fn attributes_are_bounded() {
        let long = "a".repeat(limits::ATTRIBUTE_CHARACTERS + 1);
        let many = vec!["a"; limits::ATTRIBUTE_VALUES + 1];
        assert!(check(&with("region", &["eu", "us"])).is_ok());
        let name = "n".repeat(limits::ATTRIBUTE_NAME_BYTES + 1);
        for bad in [with("", &["a"]), with("a b", &["a"]), with(&name, &["a"]), with("a", &[&long]), with("a", &many)] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
        assert!(check(&with("a", &["x\ny"])).is_err() && check(&with("a", &["x\u{202e}y"])).is_err());
        let each = "a".repeat(limits::ATTRIBUTE_CHARACTERS);
        let full = vec![each.as_str(); limits::ATTRIBUTE_VALUES];
        assert!(check(&with("a", &full)).is_err(), "all together are too much");
        let attributes = (0..=limits::ATTRIBUTES).map(|number| (format!("a{number}"), Vec::new())).collect();
        assert!(check(&Profile { attributes, ..Profile::default() }).is_err());
        assert!(check(&Profile { given_name: long, ..Profile::default() }).is_err());
    }

    #[test]
    fn a_subject_is_short_plain_and_no_id_of_ours() {
        assert!(check_subject("f3b1c9d2-0000-4a1e-9b1a-1d2c3b4a5e6f").is_ok());
        let dice = Counting::new(1);
        let (user, client) = (UserId::draw(&dice).to_string(), ClientId::draw(&dice).to_string());
        for bad in ["", "a b", "\u{e9}", user.as_str(), client.as_str(), "a".repeat(256).as_str()] {
            assert!(check_subject(bad).is_err(), "{bad}");
        }
    }
}
