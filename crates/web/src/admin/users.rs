//! `/admin/realms/{realm}/users`.

use crate::admin::holders::{self, Someone};
use crate::admin::{Body, Call, Failure, Outcome, Window, body, done, groups, made, told};
use crate::limits;
use doorward_engine::administration::Right;
use doorward_engine::manage::look::Tx;
use doorward_engine::manage::look::users;
use doorward_engine::manage::look::users::{Known, Search};
use doorward_engine::manage::{self, users::NewUser};
use doorward_engine::token::Profile;
use doorward_model::fault::Fault;
use doorward_model::id::UserId;
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::people::{Group, Holder, Source, User};
use doorward_model::secret::Password;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Filters of Keycloak's that are not there.
const NOT_SEARCHED: &[&str] = &["firstName", "lastName", "q", "idpAlias", "idpUserId", "emailVerified", "enabled"];
const MISSING: Failure = Failure::Missing("User not found");
/// What somebody with a temporary password has to do, in Keycloak's words.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";

fn wanted(call: &Call) -> Result<Search, Failure> {
    call.cannot(NOT_SEARCHED)?;
    let text = |name: &str| call.query.text(name).to_owned();
    let any = call.query.text("search").trim_matches('*').to_owned();
    Ok(Search { name: text("username"), email: text("email"), any, is_exact: call.is_set("exact") })
}

/// `GET`: users by name, those looked for.
pub async fn list(call: Call) -> Outcome {
    let (search, window) = (wanted(&call)?, Window::of(&call, limits::ADMIN_USERS)?);
    if !call.rights.has(Right::ViewUsers) {
        return Ok(told(&json!([])));
    }
    let part = (i64::try_from(window.first).unwrap_or(i64::MAX), i64::try_from(window.max).unwrap_or(0));
    let found = users::search(&mut &call.door().store, &call.realm.id, &search, part).await?;
    let all: Result<Vec<Value>, Fault> = found.iter().map(representation).collect();
    Ok(told(&json!(all?)))
}

/// The users of these ids, as they are shown in a list.
pub async fn shown_by_id(call: &Call, ids: impl Iterator<Item = UserId>) -> Result<Value, Failure> {
    let mut all = Vec::new();
    for id in ids {
        if let Some(known) = users::find_known(&mut &call.door().store, &id).await? {
            all.push(representation(&known)?);
        }
    }
    Ok(Value::Array(all))
}

/// `GET count`: how many of those looked for there are.
pub async fn count(call: Call) -> Outcome {
    let search = wanted(&call)?;
    if !call.rights.has(Right::ViewUsers) {
        return Ok(told(&json!(0)));
    }
    Ok(told(&json!(users::count_found(&mut &call.door().store, &call.realm.id, &search).await?)))
}

/// `GET` of one; a client's service account too.
pub async fn show(call: Call) -> Outcome {
    match holders::someone(&call).await? {
        Someone::User(user) => {
            let known = users::find_known(&mut &call.door().store, &user.id).await?.ok_or(MISSING)?;
            Ok(told(&representation(&known)?))
        }
        Someone::Service(client) => Ok(told(&holders::service_account(&client))),
    }
}

async fn profile(call: &Call, user: &User) -> Result<Profile, Fault> {
    let (text, _) = users::profile(&mut &call.door().store, &user.id).await?.unwrap_or_default();
    Profile::read(&user.id, &text)
}

fn representation(known: &Known) -> Result<Value, Fault> {
    let Known { user, profile, has_temporary_password } = known;
    let profile = Profile::read(&user.id, profile)?;
    let required: &[&str] = if *has_temporary_password { &[UPDATE_PASSWORD] } else { &[] };
    let mut told = json!({
        "id": user.id,
        "username": user.name,
        "emailVerified": profile.email_verified,
        "enabled": user.is_active,
        "createdTimestamp": user.created_at.millis(),
        "totp": false,
        "disableableCredentialTypes": [],
        "requiredActions": required,
        "notBefore": 0,
    });
    let given = [
        ("email", user.email.as_ref().map(|email| json!(email))),
        ("firstName", (!profile.given_name.is_empty()).then(|| json!(profile.given_name))),
        ("lastName", (!profile.family_name.is_empty()).then(|| json!(profile.family_name))),
        ("attributes", (!profile.attributes.is_empty()).then(|| json!(profile.attributes))),
    ];
    for (name, value) in given {
        if let (Some(members), Some(value)) = (told.as_object_mut(), value) {
            members.insert(name.to_owned(), value);
        }
    }
    Ok(told)
}

/// The user of the path; nobody else's, and no service account.
pub async fn one(call: &Call) -> Result<User, Failure> {
    match holders::someone(call).await? {
        Someone::User(user) => Ok(user),
        Someone::Service(_) => Err(MISSING),
    }
}

/// `POST`: a new user.
pub async fn create(call: Call) -> Outcome {
    let body = call.body()?;
    let name = UserName::parse(body.needed("username")?).map_err(|bad| Failure::bad(bad.to_string()))?;
    let (email, mut profile) = (email(&body)?.flatten(), Profile::default());
    let named = known(&body, &mut profile)?;
    let display = if named { display(&profile)? } else { None };
    let given = password(&body, &name)?;
    let must_change = must_change(&body)?.unwrap_or(false) || given.as_ref().is_some_and(|given| given.is_temporary);
    let password = match given {
        Some(given) => Some(call.door().hasher.hash(given.password, &*call.door().dice).await?),
        None => None,
    };
    let joined = groups_named(&call, &body).await?;
    let new = NewUser { name, display, email, password, is_active: body.flag("enabled")?.unwrap_or(false) };
    let mut tx = call.door().begin().await?;
    let user = manage::users::create(call.door(), &call.ctx, &mut tx, &call.realm.id, new).await?;
    let user = user.map_err(|refused| Failure::of_new(&refused, "User exists with same username".to_owned()))?;
    if profile != Profile::default() {
        manage::profiles::write(&mut tx, &user, &profile).await??;
    }
    if must_change {
        manage::users::require_new_password(&mut tx, &user, true).await?;
    }
    for group in &joined {
        manage::groups::add_member(&mut tx, group, &user, &Source::Local).await?;
    }
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    call.commit(tx).await?;
    Ok(made(&call.web, &format!("/admin/realms/{}/users/{}", call.realm.name, user.id)))
}

/// `PUT`: what is sent is changed, the rest stays.
pub async fn update(call: Call) -> Outcome {
    let (body, user) = (call.body()?, one(&call).await?);
    if let Some(name) = body.text("username")?
        && UserName::parse(name).ok().as_ref() != Some(&user.name)
    {
        return Err(Failure::bad("a user cannot be renamed: leave username out, or as it is"));
    }
    let mut changed = user.clone();
    if let Some(email) = email(&body)? {
        changed.email = email;
    }
    let before = profile(&call, &user).await?;
    let mut profile = before.clone();
    // Another address is not known to be theirs, unless that is said too.
    profile.email_verified &= changed.email == user.email;
    if known(&body, &mut profile)?
        && let Some(display) = display(&profile)?
    {
        changed.display = display;
    }
    let must_change = must_change(&body)?;
    let set = match password(&body, &user.name)? {
        Some(given) => Some(Given { is_temporary: given.is_temporary || must_change == Some(true), ..given }),
        None => None,
    };
    let set = match set {
        Some(given) => Some(given.hashed(&call).await?),
        None => None,
    };
    let enabled = body.flag("enabled")?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    if changed != user {
        manage::users::update(&mut tx, &changed).await?;
    }
    if profile != before {
        manage::profiles::write(&mut tx, &user, &profile).await??;
    }
    match (set, must_change) {
        (Some(set), _) => set.write(&mut tx, &user).await?,
        (None, Some(must_change)) => {
            manage::users::require_new_password(&mut tx, &user, must_change).await?;
        }
        (None, None) => {}
    }
    match (user.is_active, enabled) {
        // Also for somebody who is out already: a directory that shut them out does not let them in again then.
        (_, Some(false)) => drop(manage::users::disable(&mut tx, &user).await?),
        (false, Some(true)) => drop(manage::users::enable(&mut tx, &user).await?),
        (true, Some(true)) | (_, None) => {}
    }
    call.commit(tx).await?;
    Ok(done())
}

/// `DELETE`.
pub async fn delete(call: Call) -> Outcome {
    let user = one(&call).await?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    manage::users::delete(&mut tx, &user).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `PUT reset-password`: a new password; sessions end.
pub async fn reset_password(call: Call) -> Outcome {
    let (body, user) = (call.body()?, one(&call).await?);
    let given = chosen(&body, &user.name)?;
    let set = given.hashed(&call).await?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    set.write(&mut tx, &user).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `POST logout`: ends every session.
pub async fn logout(call: Call) -> Outcome {
    let user = one(&call).await?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    manage::users::sign_out(&mut tx, &user).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `GET groups`: those the user is in directly.
pub async fn groups(call: Call) -> Outcome {
    let user = one(&call).await?;
    let direct = doorward_engine::manage::look::groups::direct_of_user(&mut &call.door().store, &user.id).await?;
    let tree = groups::Tree::load(&call).await?;
    let window = Window::of(&call, limits::ADMIN_ROWS)?;
    let all = tree.all().filter(|group| direct.contains(&group.id)).map(|group| tree.representation(group));
    Ok(told(&window.cut(all).collect()))
}

/// `PUT groups/{group}`: joins.
pub async fn join(call: Call) -> Outcome {
    let (user, group) = (one(&call).await?, groups::named(&call, "group").await?);
    let mut tx = call.door().begin().await?;
    manage::groups::add_member(&mut tx, &group, &user, &Source::Local).await?;
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `DELETE groups/{group}`: leaves.
pub async fn leave(call: Call) -> Outcome {
    let (user, group) = (one(&call).await?, groups::named(&call, "group").await?);
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::User(user.id.clone())).await?;
    manage::groups::remove_member(&mut tx, &group, &user, &Source::Local).await?;
    if doorward_engine::manage::look::groups::direct_of_user(&mut tx, &user.id).await?.contains(&group.id) {
        let words = format!("a declared file says that {} is in {}: change it there", user.name, group.name);
        return Err(Failure::Taken(words));
    }
    call.commit(tx).await?;
    Ok(done())
}

/// `Some(None)` takes the address away.
fn email(body: &Body) -> Result<Option<Option<EmailAddress>>, Failure> {
    match body.text("email")? {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => match EmailAddress::parse(text) {
            Ok(email) => Ok(Some(Some(email))),
            Err(bad) => Err(Failure::bad(bad.to_string())),
        },
    }
}

/// Takes over what is told of the person besides names; whether a first or family name is.
fn known(body: &Body, profile: &mut Profile) -> Result<bool, Failure> {
    if let Some(verified) = body.flag("emailVerified")? {
        profile.email_verified = verified;
    }
    if let Some(attributes) = body.object("attributes")? {
        let read = |(name, value): (&String, &Value)| {
            let value = if value.is_string() { &json!([value]) } else { value };
            Ok((name.clone(), body::texts(&format!("attributes.{name}"), value)?))
        };
        profile.attributes = attributes.iter().map(read).collect::<Result<BTreeMap<_, _>, Failure>>()?;
    }
    let (first, last) = (body.text("firstName")?, body.text("lastName")?);
    if let Some(first) = first {
        first.clone_into(&mut profile.given_name);
    }
    if let Some(last) = last {
        last.clone_into(&mut profile.family_name);
    }
    Ok(first.or(last).is_some())
}

/// The name for people that first and family name make.
fn display(profile: &Profile) -> Result<Option<DisplayText>, Failure> {
    let whole = format!("{} {}", profile.given_name, profile.family_name);
    match whole.trim() {
        "" => Ok(None),
        text => DisplayText::parse(text).map(Some).map_err(|bad| Failure::bad(bad.to_string())),
    }
}

/// Whether another password is to be chosen at the next sign-in, if that is said.
fn must_change(body: &Body) -> Result<Option<bool>, Failure> {
    let Some(actions) = body.texts("requiredActions")? else { return Ok(None) };
    match actions.iter().all(|action| action == UPDATE_PASSWORD) {
        true => Ok(Some(!actions.is_empty())),
        false => Err(Failure::bad("requiredActions may hold UPDATE_PASSWORD: nobody would be asked for anything else")),
    }
}

/// A password as it was sent.
struct Given {
    password: Password,
    is_temporary: bool,
}

/// A password as it is kept.
struct Set {
    hash: String,
    is_temporary: bool,
}

impl Given {
    async fn hashed(self, call: &Call) -> Result<Set, Failure> {
        let hash = call.door().hasher.hash(self.password, &*call.door().dice).await?;
        Ok(Set { hash, is_temporary: self.is_temporary })
    }
}

impl Set {
    async fn write(&self, tx: &mut Tx, user: &User) -> Result<(), Fault> {
        match self.is_temporary {
            true => manage::users::set_temporary_password(tx, user, &self.hash).await,
            false => manage::users::set_password(tx, user, &self.hash, None).await,
        }
    }
}

/// The password among the credentials, if there is one.
fn password(body: &Body, name: &UserName) -> Result<Option<Given>, Failure> {
    match body.objects("credentials")?.as_slice() {
        [] => Ok(None),
        [only] => chosen(only, name).map(Some),
        _ => Err(Failure::bad("credentials may hold one password")),
    }
}

/// A password as Keycloak has it: `{"type": "password", "value": …, "temporary": false}`.
fn chosen(body: &Body, name: &UserName) -> Result<Given, Failure> {
    if !matches!(body.text("type")?, None | Some("password")) {
        return Err(Failure::bad("type must be password: other credentials are not taken here"));
    }
    let is_temporary = body.flag("temporary")?.unwrap_or(false);
    let password = Password::chosen(body.needed("value")?, name.as_str());
    Ok(Given { password: password.map_err(|bad| Failure::bad(bad.to_string()))?, is_temporary })
}

/// The groups a new user is to be in, by path.
async fn groups_named(call: &Call, body: &Body) -> Result<Vec<Group>, Failure> {
    let paths = body.texts("groups")?.unwrap_or_default();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let tree = groups::Tree::load(call).await?;
    paths
        .iter()
        .map(|path| tree.at(path).cloned().ok_or_else(|| Failure::bad(format!("there is no group {path}"))))
        .collect()
}
