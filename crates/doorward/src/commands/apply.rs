//! `doorward apply`

use crate::commands::Shell;
use crate::commands::client::secret_file::SecretFile;
use crate::commands::connector::advice::{How, advice};
use crate::commands::connector::shuts;
use crate::exit::{Code, Exit, plain};
use crate::limits;
use crate::report::Report;
use crate::upstream;
use clap::Args;
use doorward_engine::federation;
use doorward_engine::federation::settings::Kind;
use doorward_engine::manage::{Refused, ways};
use doorward_model::name::{ConnectorName, RealmName};
use doorward_platform::apply::{self, NewSecret};
use doorward_platform::declared::{Complaint, Plan, Reading, Step, parse_all, plan};
use doorward_store::realms;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Makes what YAML files declare so.
#[derive(Args, Debug)]
pub struct Apply {
    /// A file, a directory of .yaml files, or - for standard input; may be repeated.
    #[arg(short = 'f', long = "file", required_unless_present = "paths", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The same without -f.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Only say what would change, and what would go with connectors: sessions, links, secrets; ends with code 2 when
    /// something would change.
    #[arg(long)]
    plan: bool,
    /// Write new secrets of clients to DIR/REALM-NAME.secret instead of printing them.
    #[arg(long, value_name = "DIR")]
    secrets_dir: Option<PathBuf>,
}

impl Apply {
    /// Whether it only says what would change.
    pub fn is_plan(&self) -> bool {
        self.plan
    }
}

/// Runs the command.
pub async fn run(asked: Apply, shell: &Shell) -> Result<Report, Exit> {
    let mut found = Found::default();
    for path in asked.files.iter().chain(&asked.paths) {
        found.read(path)?;
    }
    let notes = found.notes(&asked.files);
    match make_so(&asked, shell, &found.texts).await {
        Ok(report) => Ok(report.and_warnings(notes)),
        // What is missing may well stand in a folder that was not read.
        Err(exit) => {
            let lines: Vec<String> = std::iter::once(exit.sentence).chain(notes).collect();
            Err(Exit::new(exit.code, lines.join(NEXT_LINE)))
        }
    }
}

async fn make_so(asked: &Apply, shell: &Shell, texts: &[(String, String)]) -> Result<Report, Exit> {
    let reading = Reading {
        realm: shell.config.settings.realm.clone(),
        is_only_realm: shell.config.is_realm_named,
        upstream: upstream::check,
    };
    let declared = parse_all(texts, &reading).map_err(|complaints| complain(&complaints))?;
    let current = apply::current(&shell.door).await?;
    let plan = plan(&declared, &current).map_err(|complaints| complain(&complaints))?;
    let warnings = advice_of(shell, &plan, if asked.plan { "then" } else { "now" }).await?;
    if asked.plan {
        return Ok(rehearsed(shell, plan).await?.and_warnings(warnings));
    }
    if plan.is_empty() {
        return Ok(Report::text(plan.render(), written(&plan)?));
    }
    let mut files = Vec::new();
    let keep = |secrets: &[NewSecret]| match &asked.secrets_dir {
        Some(directory) => draft(directory, secrets).map(|drafts| files = drafts),
        None => Ok(()),
    };
    let made = apply::apply(&shell.door, &shell.ctx, &plan, keep).await??;
    shell.told().await;
    for file in &mut files {
        file.put()?;
    }
    let plan = plan.and_ends(&made.ends);
    let mut report = done(&plan, written(&plan)?, &made.secrets, &files).and_warnings(warnings);
    if let Some(words) = to_register(shell, &plan).await {
        report = report.and_words(words);
    }
    Ok(report)
}

/// What the providers of new connectors have to be told.
async fn to_register(shell: &Shell, plan: &Plan) -> Option<String> {
    let standing = shell.standing().await;
    let line = |step: &Step| match step {
        Step::CreateConnector { realm, connector, settings, .. }
            if matches!(settings.kind, Kind::Oidc(_) | Kind::OAuth2(_)) =>
        {
            let uri = standing.public.url(&settings.callback_path(realm, connector));
            Some(format!("Register this redirect URI at the provider of connector {realm}/{connector}: {uri}"))
        }
        _ => None,
    };
    let lines: Vec<String> = plan.steps.iter().filter_map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What should be known of the connectors that are made or changed, as `connector add` says it.
async fn advice_of(shell: &Shell, plan: &Plan, when: &str) -> Result<Vec<String>, Exit> {
    let mut warnings = Vec::new();
    for step in &plan.steps {
        if let Step::UpdateConnector { realm, connector, is_active: false, .. } = step {
            warnings.extend(shut_by(shell, (realm, connector), when).await?);
        }
        let (Step::CreateConnector { realm, connector, settings, .. }
        | Step::UpdateConnector { realm, connector, settings, .. }) = step
        else {
            continue;
        };
        let planned = plan.steps.iter().filter_map(|step| match step {
            Step::CreateGroup { realm: of, group } if of == realm => Some(group),
            _ => None,
        });
        let planned = planned.collect();
        let found = realms::find(&mut &shell.door.store, realm).await?;
        let told = advice(shell, (found.as_ref(), &planned), (connector, settings), How::File).await?;
        warnings.extend(told.into_iter().map(|warning| format!("connector {realm}/{connector}: {warning}")));
    }
    Ok(warnings)
}

/// What it means for apps and clients that a connector is disabled, now or then.
async fn shut_by(shell: &Shell, (realm, name): (&RealmName, &ConnectorName), when: &str) -> Result<Vec<String>, Exit> {
    let mut query = &shell.door.store;
    let Some(realm) = realms::find(&mut query, realm).await? else { return Ok(Vec::new()) };
    let Some(connector) = federation::find(&shell.door, &realm.id, name).await? else { return Ok(Vec::new()) };
    if !connector.is_active {
        return Ok(Vec::new());
    }
    let named = ways::named_by(&mut query, &connector).await?;
    Ok(named.iter().map(|named| shuts(&connector, named, when)).collect())
}

/// Says what a plan would change and what would go with it. What the store alone knows, such as who is linked, is refused
/// here as it would be then.
pub async fn rehearsed(shell: &Shell, plan: Plan) -> Result<Report, Exit> {
    let plan = apply::rehearse(&shell.door, &shell.ctx, plan).await??;
    let code = if plan.is_empty() { Code::Done } else { Code::Pending };
    Ok(Report::text(plan.render(), written(&plan)?).and_code(code))
}

fn written(plan: &Plan) -> Result<Value, Exit> {
    serde_json::to_value(plan).map_err(|error| Exit::new(Code::Broken, format!("the plan cannot be written: {error}")))
}

/// New secrets, each in a file beside its place: nothing is committed that could not be kept.
fn draft(directory: &Path, secrets: &[NewSecret]) -> Result<Vec<SecretFile>, Refused> {
    let write = |new: &NewSecret| {
        let place = directory.join(file_name(new));
        SecretFile::draft(&place, new.secret.reveal(), "--secrets-dir")
    };
    let made = SecretFile::directory(directory, "--secrets-dir").and_then(|()| secrets.iter().map(write).collect());
    made.map_err(|exit| Refused::because(format!("{}; nothing was changed", exit.sentence)))
}

/// `REALM-NAME.secret`. What could be more than a name in a directory is written as `%2F` and the like.
fn file_name(new: &NewSecret) -> String {
    let mut name = format!("{}-", new.realm);
    for byte in new.client.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    format!("{name}.secret")
}

/// What was done, and the new secrets or where they are.
fn done(plan: &Plan, mut value: Value, secrets: &[NewSecret], files: &[SecretFile]) -> Report {
    let mut text = plan.render();
    let mut told = Vec::new();
    for (index, NewSecret { realm, client, secret }) in secrets.iter().enumerate() {
        match files.get(index) {
            Some(file) => {
                let place = file.place().display().to_string();
                text.push_str(&format!("The secret of client {realm}/{client} is in {place}.\n"));
                told.push(json!({"realm": realm, "client": client, "file": place}));
            }
            None => {
                let secret = secret.reveal();
                text.push_str(&format!("The secret of client {realm}/{client}, shown only now: {secret}\n"));
                told.push(json!({"realm": realm, "client": client, "secret": secret}));
            }
        }
    }
    if let Some(object) = value.as_object_mut().filter(|_| !told.is_empty()) {
        object.insert("secrets".to_owned(), Value::Array(told));
    }
    Report::text(text, value)
}

/// Every complaint is a sentence of its own line.
fn complain(complaints: &[Complaint]) -> Exit {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Exit::usage(lines.join(NEXT_LINE))
}

/// Between sentences that are printed one a line.
const NEXT_LINE: &str = "\ndoorward: ";

/// What `-f` named.
#[derive(Default)]
struct Found {
    /// Names and texts of files.
    texts: Vec<(String, String)>,
    /// Folders inside named directories, which are not read.
    folders: Vec<PathBuf>,
}

impl Found {
    fn read(&mut self, path: &Path) -> Result<(), Exit> {
        if path.as_os_str() == "-" {
            let text = limited(io::stdin()).map_err(|error| unreadable(Path::new("standard input"), &error))?;
            self.texts.push(("standard input".to_owned(), text));
            return Ok(());
        }
        if path.is_dir() {
            return self.read_directory(path);
        }
        let text = fs::File::open(path).and_then(limited).map_err(|error| unreadable(path, &error))?;
        self.texts.push((path.display().to_string(), text));
        Ok(())
    }

    fn read_directory(&mut self, path: &Path) -> Result<(), Exit> {
        let (mut inside, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
            let entry = entry.map_err(|error| unreadable(path, &error))?;
            // Hidden folders are those of tools: version control, a mounted ConfigMap's own links.
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            let entry = entry.path();
            if entry.is_dir() {
                folders.extend((!is_hidden).then_some(entry));
            } else if entry.extension().is_some_and(|end| end == "yaml" || end == "yml") && entry.is_file() {
                inside.push(entry);
            }
        }
        folders.sort();
        if inside.is_empty() || inside.len() > limits::DECLARED_FILES {
            let (shown, most) = (path.display(), limits::DECLARED_FILES);
            let count = if inside.is_empty() { "no".to_owned() } else { inside.len().to_string() };
            let further = if folders.is_empty() { "" } else { "; the folders in it are not read" };
            let how = format!("name a directory with 1 to {most}{further}");
            return Err(Exit::usage(format!("{shown} holds {count} .yaml files: {how}")));
        }
        self.folders.append(&mut folders);
        inside.sort();
        inside.iter().try_for_each(|file| self.read(file))
    }

    /// A sentence for each folder that was passed over and not named itself.
    fn notes(&self, named: &[PathBuf]) -> Vec<String> {
        let named: Vec<PathBuf> = named.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
        let is_named = |folder: &PathBuf| fs::canonicalize(folder).is_ok_and(|folder| named.contains(&folder));
        let passed_over: Vec<&PathBuf> = self.folders.iter().filter(|folder| !is_named(folder)).collect();
        let note = |folder: &&PathBuf| format!("{} is a folder: not read; name it with -f", folder.display());
        let mut notes: Vec<String> = passed_over.iter().take(limits::FOLDERS_NAMED).map(note).collect();
        if let Some(more @ 1..) = passed_over.len().checked_sub(limits::FOLDERS_NAMED) {
            notes.push(format!("{more} further folders were not read either"));
        }
        notes
    }
}

fn limited(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(limits::DECLARED_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Exit {
    Exit::usage(format!("{} cannot be read, {}: correct -f", path.display(), plain(error)))
}
