//! `doorward apply`

use crate::commands::Shell;
use crate::exit::{Code, Exit};
use crate::limits;
use crate::report::Report;
use clap::Args;
use doorward_platform::apply;
use doorward_platform::declared::{Complaint, parse_all, plan};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Makes what YAML files declare so.
#[derive(Args, Debug)]
pub struct Apply {
    /// A file, a directory of .yaml files, or - for standard input; may be repeated.
    #[arg(short = 'f', long = "file", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only say what would change; ends with code 2 when something would.
    #[arg(long)]
    plan: bool,
}

/// Runs the command.
pub async fn run(asked: Apply, shell: &Shell) -> Result<Report, Exit> {
    let mut texts = Vec::new();
    for path in &asked.files {
        read(path, &mut texts)?;
    }
    let declared = parse_all(&texts).map_err(|complaints| complain(&complaints))?;
    let current = apply::current(&shell.door).await?;
    let plan = plan(&declared, &current).map_err(|complaints| complain(&complaints))?;
    let value = serde_json::to_value(&plan)
        .map_err(|error| Exit::new(Code::Broken, format!("the plan cannot be written: {error}")))?;
    let report = Report::text(plan.render(), value);
    if asked.plan {
        return Ok(report.and_code(if plan.is_empty() { Code::Done } else { Code::Pending }));
    }
    if !plan.is_empty() {
        apply::apply(&shell.door, &shell.ctx, &plan).await??;
        shell.told().await;
    }
    Ok(report)
}

/// Every complaint is a sentence of its own line.
fn complain(complaints: &[Complaint]) -> Exit {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Exit::usage(lines.join("\ndoorward: "))
}

fn read(path: &Path, texts: &mut Vec<(String, String)>) -> Result<(), Exit> {
    if path.as_os_str() == "-" {
        let text = limited(io::stdin()).map_err(|error| unreadable(Path::new("standard input"), &error))?;
        texts.push(("standard input".to_owned(), text));
        return Ok(());
    }
    if !path.is_dir() {
        let text = fs::File::open(path).and_then(limited).map_err(|error| unreadable(path, &error))?;
        texts.push((path.display().to_string(), text));
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?.path();
        if entry.extension().is_some_and(|end| end == "yaml" || end == "yml") && entry.is_file() {
            inside.push(entry);
        }
    }
    if inside.is_empty() || inside.len() > limits::DECLARED_FILES {
        let (count, most) = (inside.len(), limits::DECLARED_FILES);
        let shown = path.display();
        return Err(Exit::usage(format!("{shown} holds {count} .yaml files: name a directory with 1 to {most}")));
    }
    inside.sort();
    inside.iter().try_for_each(|file| read(file, texts))
}

fn limited(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(limits::DECLARED_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Exit {
    Exit::usage(format!("{} cannot be read, {error}: correct -f", path.display()))
}
