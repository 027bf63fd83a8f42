//! The house rules a compiler does not know. Walks the repository, gives every file to the rules, prints
//! `file:line: what; what to do`. The rules are functions on text, tested on small strings.

mod edges;
mod report;
mod rules;
mod source;

use std::fs;
use std::path::Path;

use doorward_testkit::tools;

use crate::cargo::Workspace;

/// Folders that hold nothing a person wrote.
const SKIPPED_FOLDERS: &[&str] = &["target", ".git", "node_modules", "doorward-data"];
/// Ends of the names of files that are read.
const TEXT_FILES: &[&str] =
    &["rs", "toml", "md", "sql", "html", "css", "js", "yaml", "yml", "json", "sh", "txt", "run"];

/// Something a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong and what to do.
    pub words: String,
}

struct File {
    /// Path from the root of the repository, with `/`.
    path: String,
    text: String,
}

/// Checks every rule.
///
/// # Errors
/// When there are findings; they have been printed.
pub fn check() -> Result<(), String> {
    let root = tools::workspace();
    let mut lines = Vec::new();
    for file in read_files(&root)? {
        let findings = rules::check(&file.path, &file.text);
        lines.extend(findings.iter().map(|finding| format!("{}:{}: {}", file.path, finding.line, finding.words)));
    }
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    match edges::parse(&map) {
        Ok(allowed) => lines.extend(edges::check(&allowed, &Workspace::load()?.edges(), &root)),
        Err(words) => lines.push(format!("ARCHITECTURE.md:0: {words}")),
    }
    for line in &lines {
        println!("{line}");
    }
    if lines.is_empty() { Ok(()) } else { Err(format!("tidy found {} thing(s)", lines.len())) }
}

/// Lists long functions and long files, longest first.
///
/// # Errors
/// When the repository cannot be read.
pub fn report() -> Result<(), String> {
    let files = read_files(&tools::workspace())?;
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    let measured: Vec<_> = rust.map(|file| report::measure(&file.path, &file.text)).collect();
    print!("{}", report::render(&measured));
    Ok(())
}

fn read_files(root: &Path) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                folders.push(path);
            } else if !is_folder && is_text(&path) {
                let text =
                    fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                files.push(File { path: relative(root, &path), text });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn is_text(path: &Path) -> bool {
    let end = path.extension().or(path.file_name()).unwrap_or_default().to_string_lossy();
    TEXT_FILES.contains(&end.as_ref())
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
