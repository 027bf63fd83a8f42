//! What is known of a user besides names: flags of creating and changing one.

use crate::commands::Shell;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::manage;
use doorward_engine::token::{Profile, profile};
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::User;
use doorward_store::tx::Tx;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a user besides names.
#[derive(Args, Debug, Default)]
pub struct ProfileFlags {
    /// First name.
    #[arg(long, value_name = "TEXT")]
    given_name: Option<String>,
    /// Family name.
    #[arg(long, value_name = "TEXT")]
    family_name: Option<String>,
    /// Whether the e-mail address is known to be theirs.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    email_verified: Option<bool>,
    /// Whether their password is kept for emergencies: it counts where passwords do not, and its use is recorded.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    break_glass: Option<bool>,
    /// Something else that tokens may tell; may be repeated, also for one name. NAME= takes it away.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    attribute: Vec<(String, String)>,
    /// What a provider before this one called them: told to clients in place of the id. '' for the id again.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

impl ProfileFlags {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.given_name, &self.family_name, &self.subject];
        texts.iter().all(|text| text.is_none())
            && self.email_verified.is_none()
            && self.break_glass.is_none()
            && self.attribute.is_empty()
    }

    /// Writes what was given; the rest stays.
    pub async fn write(&self, tx: &mut Tx, user: &User) -> Result<(), Exit> {
        let (now, _) = profile(tx, &user.id).await?;
        let then = self.on(now.clone());
        if then != now {
            manage::profiles::write(tx, user, &then).await??;
        }
        if let Some(subject) = &self.subject {
            let subject = Some(subject.as_str()).filter(|subject| !subject.is_empty());
            manage::profiles::set_subject(tx, user, subject).await??;
        }
        Ok(())
    }

    fn on(&self, now: Profile) -> Profile {
        let mut given: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for (name, value) in &self.attribute {
            given.entry(name).or_default().extend((!value.is_empty()).then(|| value.clone()));
        }
        let mut attributes = now.attributes;
        for (name, values) in given {
            attributes.remove(name);
            if !values.is_empty() {
                attributes.insert(name.clone(), values);
            }
        }
        Profile {
            email_verified: self.email_verified.unwrap_or(now.email_verified),
            break_glass: self.break_glass.unwrap_or(now.break_glass),
            given_name: self.given_name.clone().unwrap_or(now.given_name),
            family_name: self.family_name.clone().unwrap_or(now.family_name),
            attributes,
        }
    }
}

/// Changes what is given about a user.
#[derive(Args, Debug)]
pub struct Update {
    /// The user.
    #[arg(value_name = "USER", value_parser = UserName::parse)]
    user: UserName,
    /// E-mail address; '' takes it away. Another one is not known to be theirs until --email-verified says so.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Name for people.
    #[arg(long = "name", value_name = "TEXT", value_parser = DisplayText::parse)]
    display: Option<DisplayText>,
    /// What is known besides.
    #[command(flatten)]
    profile: ProfileFlags,
}

/// Runs the command.
pub async fn update(shell: &Shell, update: Update) -> Result<Report, Exit> {
    if update.email.is_none() && update.display.is_none() && update.profile.is_empty() {
        return Err(Exit::usage("nothing to change is given: see `doorward user update --help`"));
    }
    let mut user = shell.user(&shell.realm().await?, &update.user).await?;
    let before = user.clone();
    user.display = update.display.unwrap_or(user.display);
    user.email = match update.email.as_deref() {
        None => user.email,
        Some("") => None,
        Some(text) => {
            Some(EmailAddress::parse(text).map_err(|bad| Exit::usage(format!("--email: {bad}: correct it")))?)
        }
    };
    let mut tx = shell.door.begin().await?;
    let known = profile(&mut tx, &user.id).await?;
    if user != before {
        manage::users::update(&mut tx, &user).await?;
    }
    update.profile.write(&mut tx, &user).await?;
    let changes = changes((&before, &known), (&user, &profile(&mut tx, &user.id).await?));
    if changes.is_empty() {
        return Ok(Report::words(format!("Nothing to change: user {} is so already.", user.name)));
    }
    shell.commit(tx).await?;
    Ok(Report::words(format!("Changed user {}: {}.", user.name, changes.join("; "))))
}

/// A user with what is known besides, and the subject of a former provider.
type Facts<'a> = (&'a User, &'a (Profile, Option<String>));

/// What differs, in the words of the options.
fn changes((user, (now, subject)): Facts<'_>, (changed, (then, new_subject)): Facts<'_>) -> Vec<String> {
    let quoted = |text: &str| if text.is_empty() { "none".to_owned() } else { format!("\"{text}\"") };
    let email = |user: &User| quoted(user.email.as_ref().map(|email| email.as_str()).unwrap_or_default());
    let fields = [
        ("name", quoted(user.display.as_str()), quoted(changed.display.as_str())),
        ("email", email(user), email(changed)),
        ("email_verified", now.email_verified.to_string(), then.email_verified.to_string()),
        ("break_glass", now.break_glass.to_string(), then.break_glass.to_string()),
        ("given_name", quoted(&now.given_name), quoted(&then.given_name)),
        ("family_name", quoted(&now.family_name), quoted(&then.family_name)),
        ("subject", quoted(subject.as_deref().unwrap_or_default()), quoted(new_subject.as_deref().unwrap_or_default())),
    ];
    let differs = fields.iter().filter(|(_, before, after)| before != after);
    let mut said: Vec<String> = differs.map(|(key, before, after)| format!("{key}: {before} → {after}")).collect();
    let pairs = |profile: &Profile| -> BTreeSet<String> {
        let all = profile.attributes.iter();
        all.flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}"))).collect()
    };
    let (before, after) = (pairs(now), pairs(then));
    let moved = after.difference(&before).map(|pair| format!("+{pair}"));
    let moved: Vec<String> = moved.chain(before.difference(&after).map(|pair| format!("-{pair}"))).collect();
    if !moved.is_empty() {
        said.push(format!("attributes: {}", moved.join(" ")));
    } else if now.attributes != then.attributes {
        said.push("attributes: another order".to_owned());
    }
    said
}
