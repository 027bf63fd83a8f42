//! Secrets of clients as they are told: once, or into a file. Also `doorward client rotate-secret`.

use super::addresses;
use super::secret_file::SecretFile;
use crate::commands::{Shell, input};
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Args;
use doorward_engine::clients::Paths;
use doorward_engine::manage;
use doorward_engine::manage::clients::OVERLAP_SECONDS;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_model::secret::{ClientSecretText, PlainToken};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A client that was made or got a secret, and what its owner has to know.
pub struct Told {
    /// Its `client_id`.
    pub name: ClientName,
    /// The issuer in its tokens.
    pub issuer: String,
    /// Where its tool reads everything else.
    pub configuration: String,
    /// Its secret, unless it is public.
    pub secret: Option<Kept>,
}

/// Where a secret is.
pub enum Kept {
    /// Here, and nowhere else in clear.
    Here(PlainToken),
    /// In a file.
    In(PathBuf),
}

impl Told {
    /// Of a client of a realm.
    pub async fn of(shell: &Shell, realm: &Realm, (name, paths): (ClientName, Paths), secret: Option<Kept>) -> Self {
        let (issuer, configuration) = addresses(shell, realm, (&name, paths)).await;
        Self { name, issuer, configuration, secret }
    }

    /// As an object.
    pub fn value(&self) -> Map<String, Value> {
        let mut value = Map::new();
        value.insert("client_id".to_owned(), json!(self.name));
        value.insert("issuer".to_owned(), json!(self.issuer));
        value.insert("oidc_configuration".to_owned(), json!(self.configuration));
        match &self.secret {
            Some(Kept::Here(secret)) => drop(value.insert("client_secret".to_owned(), json!(secret.reveal()))),
            Some(Kept::In(file)) => drop(value.insert("secret_file".to_owned(), json!(file))),
            None => {}
        }
        value
    }

    /// What to do with the secret, in one sentence.
    pub fn advice(&self) -> String {
        match &self.secret {
            Some(Kept::Here(_)) => " Its secret is shown only now: keep it safe.".to_owned(),
            Some(Kept::In(file)) => format!(" Its secret is in {}.", file.display()),
            None => String::new(),
        }
    }
}

/// A drawn secret with the file it was written to, while the change is not committed yet.
pub struct Drawn {
    secret: PlainToken,
    file: Option<SecretFile>,
}

impl Drawn {
    /// Writes the secret where it is wanted.
    pub fn keep(secret: PlainToken, file: Option<&Path>) -> Result<Self, Exit> {
        let file = file.map(|place| SecretFile::draft(place, secret.reveal(), "--secret-file")).transpose()?;
        Ok(Self { secret, file })
    }

    /// After the commit.
    pub fn put(self) -> Result<Kept, Exit> {
        match self.file {
            Some(mut file) => file.put().map(|()| Kept::In(file.place().to_owned())),
            None => Ok(Kept::Here(self.secret)),
        }
    }
}

/// A new secret for a client.
#[derive(Args, Debug)]
pub struct RotateSecret {
    /// The client.
    #[arg(value_parser = ClientName::parse)]
    client: ClientName,
    /// How long the secrets before it still work: 0, or a number with s, m, h or d [default: 24h].
    #[arg(long, value_name = "TIME", value_parser = overlap)]
    overlap: Option<i64>,
    /// Write the secret into this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Read the secret from standard input: the one its tool has had from another provider.
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
}

/// A client's secret from standard input.
pub fn brought_secret() -> Result<ClientSecretText, Exit> {
    ClientSecretText::parse(&input::secret()?).map_err(|bad| Exit::usage(bad.to_string()))
}

/// A time of which 0 is one, in seconds.
fn overlap(text: &str) -> Result<i64, String> {
    let wrong = || "write 0, or a number with s, m, h or d, such as 24h".to_owned();
    if text == "0" {
        return Ok(0);
    }
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
    let seconds = number.checked_mul(each).ok_or_else(wrong)?;
    match seconds <= limits::OVERLAP_SECONDS {
        true => Ok(seconds),
        false => Err(format!("at most {} days", limits::OVERLAP_SECONDS / 86_400)),
    }
}

/// Runs `rotate-secret`.
pub async fn rotate(shell: &Shell, asked: RotateSecret) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let client = shell.client(&realm, &asked.client).await?;
    let seconds = asked.overlap.unwrap_or(OVERLAP_SECONDS);
    let brought = if asked.secret_stdin { Some(brought_secret()?) } else { None };
    let mut tx = shell.door.begin().await?;
    let (door, ctx) = (&shell.door, &shell.ctx);
    let drawn = match &brought {
        Some(brought) => {
            if !manage::clients::bring_secret(door, ctx, &mut tx, &client, (brought, seconds)).await?? {
                return Ok(Report::words(format!("Client {} has that secret already.", client.name)));
            }
            None
        }
        None => {
            let secret = manage::clients::rotate_secret(door, ctx, &mut tx, &client, seconds).await??;
            Some(Drawn::keep(secret, asked.secret_file.as_deref())?)
        }
    };
    shell.commit(tx).await?;
    let kept = drawn.map(Drawn::put).transpose()?;
    let until = shell.ctx.now.plus_seconds(seconds).rfc3339();
    let told = Told::of(shell, &realm, (client.name, client.settings.paths), kept).await;
    let mut value = told.value();
    value.insert("former_until".to_owned(), json!(until));
    let former = match seconds {
        0 => "Those before it have ended.".to_owned(),
        _ => format!("Those before it end at {until}."),
    };
    let words = match &brought {
        Some(_) => format!("Client {} has the secret you gave. {former}", told.name),
        None => format!("Client {} has a new secret. {former}{}", told.name, told.advice()),
    };
    Ok(Report::one(Value::Object(value)).and_words(words))
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn an_overlap_is_nothing_or_a_number_with_a_unit() {
        let good = [("0", 0), ("0s", 0), ("90s", 90), ("24h", 86_400), ("31d", 2_678_400)];
        assert!(good.iter().all(|(text, expected)| overlap(text) == Ok(*expected)));
        for bad in ["", "h", "24", "-1h", "1.5h", "32d", "9223372036854775807d", "1\u{e9}"] {
            assert!(overlap(bad).is_err(), "{bad}");
        }
    }
}
