//! Between the sign-in form and its answer: directories are asked about a name and a password that are not known here.

use crate::own::broker::words_of;
use crate::own::sign_in::NO_MATCH;
use crate::web::Web;
use doorward_directory::account::Bar;
use doorward_directory::directories::Proof;
use doorward_directory::person::Person;
use doorward_engine::federation::sign_in::Outcome;
use doorward_engine::federation::{Connector, open_secret};
use doorward_engine::sign_in::directory::{Asking, Standing};
use doorward_engine::sign_in::password::Opened;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_model::secret::TokenHash;
use http::StatusCode;

/// What came of it.
pub enum Told {
    /// Signed in.
    Opened(Box<Opened>),
    /// Not before they show that they are the user who is in their way, beside this text.
    Prove(String),
    /// Not, and what the page says.
    Not(StatusCode, String),
}

/// Asks the directories, one after the other, until one has the name.
pub async fn ask(
    web: &Web,
    ctx: &Ctx,
    (realm, browser): (&Realm, &TokenHash),
    mut asking: Asking,
    password: &str,
) -> Result<Told, Fault> {
    for connector in asking.connectors() {
        let found = match find(web, ctx, &connector, asking.login()).await? {
            Found::Person(person) => person,
            Found::Nobody => continue,
            // It may be the one that knows them: no other is shown their password.
            Found::Away => return unanswered(web, ctx, asking, &connector).await,
            Found::Unclear => return wrong(web, ctx, asking, None).await,
        };
        return match asking.found(web.door(), ctx, (&connector, found.subject())).await? {
            Standing::Free => prove(web, ctx, (realm, &connector, browser), asking, (&found, password)).await,
            Standing::SilentlyTaken | Standing::SomebodyElse => wrong(web, ctx, asking, None).await,
        };
    }
    wrong(web, ctx, asking, None).await
}

enum Found {
    Person(Box<Person>),
    Nobody,
    /// It knows the name, and not whose it is.
    Unclear,
    /// The directory cannot be asked.
    Away,
}

async fn find(web: &Web, ctx: &Ctx, connector: &Connector, login: &str) -> Result<Found, Fault> {
    let sealed = open_secret(web.door(), connector)?;
    match web.directories.find(connector, sealed, (login, ctx.now)).await {
        Ok(Some(person)) => Ok(Found::Person(Box::new(person))),
        Ok(None) => Ok(Found::Nobody),
        Err(trouble) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
            Ok(if trouble.is_of_person() { Found::Unclear } else { Found::Away })
        }
    }
}

async fn prove(
    web: &Web,
    ctx: &Ctx,
    (realm, connector, browser): (&Realm, &Connector, &TokenHash),
    asking: Asking,
    (person, password): (&Person, &str),
) -> Result<Told, Fault> {
    let sealed = open_secret(web.door(), connector)?;
    let identity = match web.directories.prove(connector, sealed, (person, password)).await {
        Ok(Proof::Right(identity)) => identity,
        Ok(Proof::Wrong(why)) => {
            return wrong(web, ctx, asking, why.map(|bar| (connector, bar.to_string()))).await;
        }
        Ok(Proof::Barred(bar)) => {
            asking.barred(web.door(), ctx, (connector, bar.to_string())).await?;
            return Ok(Told::Not(StatusCode::FORBIDDEN, words_for(connector, bar)));
        }
        Err(trouble) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
            return unanswered(web, ctx, asking, connector).await;
        }
    };
    match asking.proved(web.door(), ctx, (realm, connector), (&identity, browser)).await? {
        Outcome::Opened(opened) => Ok(Told::Opened(opened)),
        Outcome::Prove(pending) => Ok(Told::Prove(pending)),
        Outcome::Refused(refusal) => {
            // Who it was, for whoever links them: a name proved by the directory, and not in the record.
            let (request, subject) = (ctx.request, &identity.subject);
            tracing::info!(%request, connector = %connector.name, ?subject, "not let in: {refusal}");
            let (what, how) = words_of(connector, refusal);
            Ok(Told::Not(StatusCode::FORBIDDEN, format!("{what} {how}")))
        }
    }
}

async fn wrong(web: &Web, ctx: &Ctx, asking: Asking, why: Option<(&Connector, String)>) -> Result<Told, Fault> {
    asking.wrong(web.door(), ctx, why).await?;
    Ok(Told::Not(StatusCode::UNAUTHORIZED, NO_MATCH.to_owned()))
}

async fn unanswered(web: &Web, ctx: &Ctx, asking: Asking, connector: &Connector) -> Result<Told, Fault> {
    asking.unanswered(web.door(), ctx, connector).await?;
    let sentence = format!("{} cannot be asked right now. Try again in a moment.", connector.title());
    Ok(Told::Not(StatusCode::SERVICE_UNAVAILABLE, sentence))
}

/// Why somebody whose password is right does not come in, for that person.
pub(super) fn words_for(connector: &Connector, bar: Bar) -> String {
    let title = connector.title();
    match bar {
        Bar::Disabled => format!("Your account at {title} is disabled. Ask your administrator."),
        Bar::Expired => format!("Your account at {title} has expired. Ask your administrator."),
        Bar::Locked => format!("Your account at {title} is locked. Ask your administrator."),
        Bar::PasswordExpired => format!("Your password at {title} has expired. Change it there, then sign in again."),
        Bar::MustChange => {
            format!("Your password at {title} must be changed first. Change it there, then sign in again.")
        }
        Bar::NotNow => format!("{title} does not let you sign in at this time or from here. Ask your administrator."),
    }
}
