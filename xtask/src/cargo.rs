//! Asks cargo: runs it, and reads what it knows about this workspace.

use std::path::PathBuf;
use std::process::Command;

use doorward_testkit::tools;
use serde_json::Value;

/// A cargo command at the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(tools::workspace());
    command
}

/// What `cargo metadata` says about the workspace's own packages.
pub struct Workspace {
    metadata: Value,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// What cargo said, or what is not JSON in its answer.
    pub fn load() -> Result<Workspace, String> {
        let mut command = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let output = command.output().map_err(|error| format!("cannot run cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let metadata = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
        Ok(Workspace { metadata })
    }

    /// Where cargo builds.
    pub fn target_directory(&self) -> PathBuf {
        self.metadata.get("target_directory").and_then(Value::as_str).map(PathBuf::from).unwrap_or_default()
    }

    /// Names of a package's targets of one kind (`test`, `bin`), in the order of its manifest.
    pub fn targets(&self, package: &str, kind: &str) -> Vec<String> {
        let targets =
            self.packages().find(|known| word(known, "name") == package).and_then(|known| known.get("targets"));
        let targets = targets.and_then(Value::as_array).into_iter().flatten();
        let fitting = targets.filter(|target| {
            let kinds = target.get("kind").and_then(Value::as_array).into_iter().flatten();
            kinds.into_iter().any(|known| known.as_str() == Some(kind))
        });
        fitting.map(|target| word(target, "name").to_owned()).collect()
    }

    /// Every ordinary dependency of a package below `crates/` on another package of the workspace.
    pub fn edges(&self) -> Vec<Edge> {
        let crates = tools::workspace().join("crates");
        let mut edges = Vec::new();
        for package in self.packages() {
            let manifest = PathBuf::from(word(package, "manifest_path"));
            if !manifest.starts_with(&crates) {
                continue;
            }
            for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
                let is_ordinary = dependency.get("kind").is_none_or(Value::is_null);
                if is_ordinary && dependency.get("path").is_some_and(Value::is_string) {
                    let (from, to) = (short(word(package, "name")), short(word(dependency, "name")));
                    edges.push(Edge { from: from.to_owned(), to: to.to_owned(), manifest: manifest.clone() });
                }
            }
        }
        edges
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.metadata.get("packages").and_then(Value::as_array).into_iter().flatten()
    }
}

/// One crate uses another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The crate that uses, by its folder's name.
    pub from: String,
    /// The crate that is used.
    pub to: String,
    /// Where it says so.
    pub manifest: PathBuf,
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn short(package: &str) -> &str {
    package.strip_prefix("doorward-").unwrap_or(package)
}
