//! Between the sign-in form and its answer: directories are asked about a name and a password that are not known here.

use crate::own::broker::{log_notes, words_of};
use crate::own::sign_in::{BUSY, NO_MATCH};
use crate::web::Web;
use doorward_directory::account::Bar;
use doorward_directory::directories::Proof;
use doorward_directory::person::Person;
use doorward_engine::federation::sign_in::Outcome;
use doorward_engine::federation::{Connector, ExternalIdentity, open_secret};
use doorward_engine::sign_in::directory::{Asking, Refused, Standing};
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

/// Asks the directories, one after the other, until one has the name. Whoever is refused has been looked for in all of
/// them: what the page says while one is away must not depend on whether somebody here has the name.
pub async fn ask(
    web: &Web,
    ctx: &Ctx,
    (realm, browser): (&Realm, &TokenHash),
    mut asking: Asking,
    password: &str,
) -> Result<Told, Fault> {
    let (theirs, mut others) = (asking.connectors(), asking.others());
    let is_one = theirs.len() + others.len() == 1;
    let mut why = None;
    let mut away = None;
    let mut left = theirs.iter();
    for connector in left.by_ref() {
        let person = match find(web, ctx, connector, asking.logins()).await? {
            Found::Person(person) => person,
            Found::Nobody => continue,
            Found::Unclear => break,
            // It may be the one that knows them: no other is shown their password.
            Found::Away => {
                away = Some(connector.clone());
                break;
            }
        };
        if asking.found(web.door(), ctx, (connector, person.subject())).await? == Standing::Free {
            match prove(web, ctx, connector, (&person, password)).await? {
                Some(Proof::Right(identity)) => {
                    return proved(web, ctx, asking, ((realm, connector), (&identity, browser))).await;
                }
                Some(Proof::Barred(bar)) => {
                    asking.barred(web.door(), ctx, (connector, bar.to_string())).await?;
                    return Ok(Told::Not(StatusCode::FORBIDDEN, words_for(connector, bar)));
                }
                Some(Proof::Wrong(bar)) => {
                    asking.was_tried();
                    why = bar.map(|bar| (connector, bar.to_string()));
                }
                Some(Proof::Lost(trouble)) => {
                    tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
                    asking.was_tried();
                    away = Some(connector.clone());
                }
                None => away = Some(connector.clone()),
            }
        }
        break;
    }
    others.extend(left.cloned());
    if away.is_none() {
        away = first_away(web, ctx, &others, asking.logins()).await?;
    }
    match away {
        Some(connector) => unanswered(web, ctx, asking, (&connector, is_one)).await,
        None => wrong(web, ctx, asking, why).await,
    }
}

enum Found {
    Person(Box<Person>),
    Nobody,
    /// It knows the name, and not whose it is.
    Unclear,
    /// The directory cannot be asked.
    Away,
}

async fn find(web: &Web, ctx: &Ctx, connector: &Connector, logins: &[String]) -> Result<Found, Fault> {
    for login in logins {
        let sealed = open_secret(web.door(), connector)?;
        match web.directories.find(connector, sealed, (login, ctx.now)).await {
            Ok(Some(person)) => return Ok(Found::Person(Box::new(person))),
            Ok(None) => {}
            Err(trouble) => {
                tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
                return Ok(if trouble.is_of_person() { Found::Unclear } else { Found::Away });
            }
        }
    }
    Ok(Found::Nobody)
}

/// The first of these directories that cannot be asked about a name. Whom they find counts for nothing.
async fn first_away(
    web: &Web,
    ctx: &Ctx,
    connectors: &[Connector],
    logins: &[String],
) -> Result<Option<Connector>, Fault> {
    for connector in connectors {
        if matches!(find(web, ctx, connector, logins).await?, Found::Away) {
            return Ok(Some(connector.clone()));
        }
    }
    Ok(None)
}

/// What the directory says of a password; `None` when it does not say.
async fn prove(web: &Web, ctx: &Ctx, connector: &Connector, shown: (&Person, &str)) -> Result<Option<Proof>, Fault> {
    let sealed = open_secret(web.door(), connector)?;
    let proof = web.directories.prove(connector, sealed, shown).await;
    let told = |trouble| tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
    Ok(proof.map_err(told).ok())
}

async fn proved(
    web: &Web,
    ctx: &Ctx,
    asking: Asking,
    ((realm, connector), (identity, browser)): ((&Realm, &Connector), (&ExternalIdentity, &TokenHash)),
) -> Result<Told, Fault> {
    log_notes(ctx, connector, identity);
    match asking.proved(web.door(), ctx, (realm, connector), (identity, browser)).await? {
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
    let refused = asking.wrong(web.door(), ctx, why).await?;
    Ok(told(refused, (StatusCode::UNAUTHORIZED, NO_MATCH.to_owned())))
}

async fn unanswered(
    web: &Web,
    ctx: &Ctx,
    asking: Asking,
    (connector, is_one): (&Connector, bool),
) -> Result<Told, Fault> {
    let refused = asking.unanswered(web.door(), ctx, connector).await?;
    // Which of several it is would tell whom it could know.
    let what = if is_one { connector.title() } else { "A directory" };
    let number = ctx.request;
    let sentence = format!(
        "{what} cannot be asked right now. Try again in a moment; if it stays so, give your administrator the request number {number}."
    );
    Ok(told(refused, (StatusCode::SERVICE_UNAVAILABLE, sentence)))
}

fn told(refused: Refused, (status, sentence): (StatusCode, String)) -> Told {
    match refused {
        Refused::Told => Told::Not(status, sentence),
        Refused::Busy => Told::Not(StatusCode::SERVICE_UNAVAILABLE, BUSY.to_owned()),
    }
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
        Bar::Unread => format!("{title} does not say whether your account may sign in. Ask your administrator."),
        Bar::NotNow => format!("{title} does not let you sign in at this time or from here. Ask your administrator."),
    }
}
