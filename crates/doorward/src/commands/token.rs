//! `doorward token`: the clear token goes to standard output, once; words go to standard error.

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::manage;
use doorward_model::name::{AppSlug, TokenName};
use doorward_store::{apps, service_tokens};
use serde_json::json;
use std::collections::HashMap;

/// Service tokens of machines.
#[derive(Subcommand, Debug)]
pub enum Token {
    /// Create a token and print it, once.
    Create {
        /// Its name.
        #[arg(value_parser = TokenName::parse)]
        name: TokenName,
        /// An app it opens; may be repeated.
        #[arg(long, required = true, num_args = 1.., value_name = "APP", value_parser = AppSlug::parse)]
        app: Vec<AppSlug>,
        /// How long it lives: a number with s, m, h or d.
        #[arg(long, default_value = "90d", value_name = "TIME", value_parser = seconds)]
        expires_in: i64,
    },
    /// List service tokens, without the tokens themselves.
    List,
    /// Revoke a token.
    Revoke {
        /// Its name.
        #[arg(value_parser = TokenName::parse)]
        name: TokenName,
    },
}

/// Reads a time: a number with s, m, h or d.
pub fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || "write a number with s, m, h or d, such as 90d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let number: i64 = number.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(each).ok_or_else(wrong)
}

/// Runs the command.
pub async fn run(command: Token, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Token::Create { name, app, expires_in } => create(shell, name, &app, expires_in).await,
        Token::List => list(shell).await,
        Token::Revoke { name } => revoke(shell, &name).await,
    }
}

async fn create(shell: &Shell, name: TokenName, slugs: &[AppSlug], seconds: i64) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut ids = Vec::with_capacity(slugs.len());
    for slug in slugs {
        ids.push(shell.app(&realm, slug).await?.id);
    }
    let mut tx = shell.door.begin().await?;
    let wanted = (name, ids, seconds);
    let (plain, token) = manage::tokens::create(&shell.door, &shell.ctx, &mut tx, &realm.id, wanted).await??;
    shell.commit(tx).await?;
    let expires = token.expires_at.rfc3339();
    let value = json!({"name": token.name, "token": plain.reveal(), "apps": slugs, "expires": expires});
    let words = format!("Created token {}, good until {expires}. It is shown only now: keep it safe.", token.name);
    Ok(Report::text(plain.reveal(), value).and_words(words))
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut query = &shell.door.store;
    let all = service_tokens::list(&mut query, &realm.id, limits::ROWS).await?;
    let known: HashMap<_, _> = apps::all(&mut query).await?.0.into_iter().map(|app| (app.id, app.slug)).collect();
    let rows = all.iter().map(|token| {
        let apps: Vec<_> = token.apps.iter().filter_map(|id| known.get(id)).collect();
        let expired = token.expires_at <= shell.ctx.now;
        json!({
            "name": token.name, "apps": apps, "expires": token.expires_at.rfc3339(), "expired": expired,
            "id": token.id,
        })
    });
    Ok(Report::rows(&["name", "apps", "expires", "expired"], rows.collect()))
}

async fn revoke(shell: &Shell, name: &TokenName) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut tx = shell.door.begin().await?;
    if !manage::tokens::revoke(&mut tx, &realm.id, name).await? {
        let place = format!("there is no token named {name} in realm {}", realm.name);
        return Err(Exit::refused(format!("{place}: list them with `doorward token list`")));
    }
    shell.commit(tx).await?;
    Ok(Report::words(format!("Revoked token {name}.")))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_is_a_number_with_a_unit() {
        let good = [("90d", 7_776_000), ("12h", 43_200), ("5m", 300), ("1s", 1)];
        assert!(good.iter().all(|(text, expected)| seconds(text) == Ok(*expected)));
        for bad in ["", "d", "90", "-1d", "1.5h", "9223372036854775807d", "1\u{e9}"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
