//! Changing somebody's password at their directory, as themselves: whoever asks for people needs no right to it.

use crate::account::{self, Bar, Said};
use crate::directories::Directories;
use crate::place::For;
use crate::protocol::message;
use crate::protocol::wire::{Bounds, SUCCESS};
use crate::tries::Tries;
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_model::time::Timestamp;
use zeroize::Zeroizing;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// The password is the new one.
    Changed,
    /// The current one is not right.
    Wrong,
    /// The current one is right, and the account is not to be used.
    Barred(Bar),
    /// The current one is right, and the directory does not take the new one: why, for administrators.
    Refused(String),
    /// The current one was sent, and nothing says whether it is right: a guess like any other.
    Unproved(Trouble),
    /// The current one is right, the new one was sent, and nothing says whether it counts: it may.
    Unknown(Trouble),
}

/// Results by which a directory refuses a new password: its policy, what it cannot keep, and who may change what
/// (`constraintViolation`, `insufficientAccessRights`, `unwillingToPerform`; RFC 4511 appendix A).
const REFUSED: [i64; 3] = [19, 50, 53];

impl Directories {
    /// Changes the password of the person of this subject.
    ///
    /// # Errors
    /// [`Trouble`]: the directory cannot be asked, or does not do it; nothing is tried twice.
    pub async fn renew(
        &self,
        connector: &Connector,
        sealed: Option<Zeroizing<String>>,
        (subject, now): (&str, Timestamp),
        passwords: (&str, &str),
    ) -> Result<Renewed, Trouble> {
        let Some(person) = self.find_again(connector, sealed, (subject, now)).await? else { return Ok(Renewed::Wrong) };
        let place = self.place(connector)?;
        let _turn = place.turn().await?;
        // One nobody has used: what is lost on it afterwards was not lost before.
        let bounds = Bounds::of_question(&place.settings);
        let (_, mut wire) = Tries::of(&place)?.next(For::Proving, None, bounds).await?;
        let outcome = match wire.bind(&person.dn, passwords.0.as_bytes()).await {
            Ok(outcome) => outcome,
            Err(trouble) => return Ok(Renewed::Unproved(trouble)),
        };
        match (account::of_bind(&outcome, person.bar), person.bar) {
            (None, _) => return Err(wire.refused("to say whether a password is right", outcome)),
            (Some(Said::Wrong(_)), _) => return Ok(Renewed::Wrong),
            // Who has to change it does just that.
            (Some(Said::Right | Said::RightBut(Bar::MustChange)), None | Some(Bar::MustChange)) => {}
            (Some(Said::RightBut(bar)), _) | (Some(Said::Right), Some(bar)) => return Ok(Renewed::Barred(bar)),
        }
        let outcome = match place.settings.active_directory {
            true => wire.act(|id| message::new_unicode_password(id, &person.dn, passwords)).await,
            false => wire.act(|id| message::new_password(id, passwords)).await,
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(trouble) => return Ok(Renewed::Unknown(trouble)),
        };
        match outcome.code {
            SUCCESS => Ok(Renewed::Changed),
            code if REFUSED.contains(&code) => {
                Ok(Renewed::Refused(wire.refused("a new password", outcome).to_string()))
            }
            _ => Err(wire.refused("a new password", outcome)),
        }
    }
}
