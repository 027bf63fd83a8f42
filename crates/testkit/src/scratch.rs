//! A temporary directory per test: removed when the test passed, kept and named when it failed.
//! Set DOORWARD_KEEP=1 to keep it always.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long a kept directory stays for somebody to look at.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A directory that lives as long as this value.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes a fresh, empty directory whose name begins with `name`.
    ///
    /// # Panics
    /// When the directory cannot be made.
    pub fn new(name: &str) -> Scratch {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("{name}-{}-{number}", std::process::id());
        let path = home().join(folder);
        if path.exists() {
            // Left by an earlier process that had the same id.
            let _ = fs::remove_dir_all(&path);
        }
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        Scratch { path }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside the directory; nothing is made.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file inside the directory, making folders as needed. `@DIR@` in the text becomes the directory.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).unwrap_or_else(|error| panic!("cannot make {}: {error}", parent.display()));
        }
        let text = text.replace("@DIR@", &self.path.display().to_string());
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }
}

/// Where these directories are.
fn home() -> PathBuf {
    std::env::temp_dir().join("doorward-tests")
}

/// Removes what earlier runs left for inspection, or left because they were killed, once it is a day old.
pub fn sweep() {
    sweep_in(&home(), KEPT_FOR);
}

fn sweep_in(home: &Path, kept_for: Duration) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if changed.and_then(|time| time.elapsed().ok()).is_some_and(|age| age > kept_for) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("DOORWARD_KEEP").is_some() {
            eprintln!("kept for inspection: {}", self.path.display());
            return;
        }
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Scratch, sweep_in};

    #[test]
    fn old_leftovers_are_swept_and_young_ones_stay() {
        let scratch = Scratch::new("kit-sweep");
        let left = scratch.write("door-1-1/log", "said");
        sweep_in(scratch.path(), Duration::from_secs(60));
        assert!(left.exists());
        sweep_in(scratch.path(), Duration::ZERO);
        assert!(!left.exists());
    }

    #[test]
    fn removed_on_success_and_kept_on_failure() {
        let scratch = Scratch::new("kit-scratch");
        let file = scratch.write("a/b.txt", "in @DIR@");
        let text = std::fs::read_to_string(&file).expect("written above");
        assert_eq!(text, format!("in {}", scratch.path().display()));
        let path = scratch.path().to_path_buf();
        drop(scratch);
        assert!(!path.exists());

        let kept = std::thread::spawn(|| {
            let scratch = Scratch::new("kit-scratch-kept");
            let path = scratch.path().to_path_buf();
            std::panic::resume_unwind(Box::new((scratch, path).1));
        });
        let payload = kept.join().expect_err("the thread panicked");
        let path = payload.downcast::<std::path::PathBuf>().expect("the payload is the path");
        assert!(path.exists());
        std::fs::remove_dir_all(*path).expect("kept directory can be removed");
    }
}
