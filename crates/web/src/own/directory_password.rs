//! The account page's form for another password, where the password is a directory's.

use crate::own::account::Told;
use crate::web::Web;
use doorward_directory::new_password::Renewed;
use doorward_engine::federation::new_password::{Begun, begin};
use doorward_engine::federation::open_secret;
use doorward_engine::sessions::SignedIn;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::secret::TokenHash;
use http::StatusCode;

/// Changes the password at the directory the session came from; `None` when it is kept here.
pub async fn change(
    web: &Web,
    ctx: &Ctx,
    (signed_in, device): (&SignedIn, Option<&TokenHash>),
    passwords: (&str, &str),
) -> Result<Option<Told>, Fault> {
    let place = (&signed_in.user, &signed_in.session);
    let changing = match begin(web.door(), ctx, place, device).await? {
        Begun::Here => return Ok(None),
        Begun::Throttled => {
            let sentence = "Too many wrong tries. Wait five minutes and try again.";
            return Ok(Some(Told::error(StatusCode::TOO_MANY_REQUESTS, sentence)));
        }
        Begun::There(changing) => changing,
    };
    let connector = &changing.connector;
    let title = connector.title().to_owned();
    let sealed = open_secret(web.door(), connector)?;
    let renewed = web.directories.renew(connector, sealed, (&changing.subject, ctx.now), passwords).await;
    let told = match renewed {
        Ok(Renewed::Changed) => {
            changing.changed(web.door(), ctx, place).await?;
            let sentence =
                format!("Your password at {title} is changed. Every other session of yours here is signed out.");
            return Ok(Some(Told::notice(sentence)));
        }
        // A guess like any other.
        Ok(Renewed::Wrong) => {
            let sentence = format!("The current password is not the one you have at {title}.");
            return Ok(Some(Told::error(StatusCode::FORBIDDEN, sentence)));
        }
        // And so is one whose answer was lost: whoever can make answers get lost would guess for nothing.
        Ok(Renewed::Unproved(trouble)) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
            return Ok(Some(Told::error(StatusCode::SERVICE_UNAVAILABLE, cannot_be_asked(&title))));
        }
        // It may be the new one now: then nothing may rest on the former.
        Ok(Renewed::Unknown(trouble)) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "a new password was sent: {trouble}");
            changing.changed(web.door(), ctx, place).await?;
            let sentence = format!(
                "{title} has not said whether your password is changed: try the new one first, then the former one. Every \
                 other session of yours here is signed out."
            );
            return Ok(Some(Told::error(StatusCode::SERVICE_UNAVAILABLE, sentence)));
        }
        Ok(Renewed::Barred(bar)) => (StatusCode::FORBIDDEN, format!("{title} says: {bar}.")),
        Ok(Renewed::Refused(why)) => {
            tracing::info!(request = %ctx.request, connector = %connector.name, "{why}");
            let sentence = format!(
                "{title} does not take the new password: it may be too simple, one you had before, or too soon after the \
                 last change."
            );
            (StatusCode::BAD_REQUEST, sentence)
        }
        Err(trouble) => {
            tracing::warn!(request = %ctx.request, connector = %connector.name, "{trouble}");
            (StatusCode::SERVICE_UNAVAILABLE, cannot_be_asked(&title))
        }
    };
    changing.untried(web.door(), ctx).await?;
    Ok(Some(Told::error(told.0, told.1)))
}

fn cannot_be_asked(title: &str) -> String {
    format!("{title} cannot be asked right now. Try again in a moment.")
}
