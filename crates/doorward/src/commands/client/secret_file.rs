//! A secret in a file that only its owner can read. It is written whole under another name before the change it
//! belongs to is committed, and put in its place afterwards: a change whose secret could not be kept does not
//! happen, and a reader never finds half a secret or one that holds no more than the former one.

use crate::exit::{Code, Exit, plain};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A written secret that is not in its place yet. Dropped before it is put there, it is removed.
#[derive(Debug)]
pub struct SecretFile {
    place: PathBuf,
    draft: Option<PathBuf>,
}

impl SecretFile {
    /// Makes a directory for secrets if it is missing, for its owner alone.
    pub fn directory(path: &Path, flag: &str) -> Result<(), Exit> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| unwritable(path, flag, &error))
    }

    /// Writes a secret beside its place, without a line end: some tools take a file to the last byte.
    pub fn draft(place: &Path, secret: &str, flag: &str) -> Result<Self, Exit> {
        let broken = |error: &io::Error| unwritable(place, flag, error);
        let Some(name) = place.file_name().filter(|_| !place.is_dir()) else {
            return Err(broken(&io::ErrorKind::IsADirectory.into()));
        };
        let mut draft = name.to_owned();
        draft.push(format!(".{}", std::process::id()));
        let draft = place.with_file_name(draft);
        // Left by an earlier process that had the same id.
        let _ = fs::remove_file(&draft);
        let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let mut file = opened.map_err(|error| broken(&error))?;
        let made = Self { place: place.to_owned(), draft: Some(draft) };
        file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| broken(&error))?;
        Ok(made)
    }

    /// Where it is, or will be.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Puts it in its place; a file that was there is replaced.
    ///
    /// # Errors
    /// Names the file the secret is in then, because the change has been made.
    pub fn put(&mut self) -> Result<(), Exit> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        fs::rename(&draft, &self.place).map_err(|error| {
            let (place, why, draft) = (self.place.display(), plain(&error), draft.display());
            Exit::new(Code::Broken, format!("{place} cannot be written, {why}: the secret is in {draft}: move it"))
        })
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            let _ = fs::remove_file(draft);
        }
    }
}

fn unwritable(path: &Path, flag: &str, error: &io::Error) -> Exit {
    let sentence = format!("{flag}: {} cannot be written, {}: name another", path.display(), plain(error));
    Exit::new(Code::Broken, sentence)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::SecretFile;
    use doorward_testkit::scratch::Scratch;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_in_its_place_whole_or_not_at_all() {
        let scratch = Scratch::new("secret-file");
        let place = scratch.write("a.secret", "former");
        let entries = || std::fs::read_dir(scratch.path()).unwrap().count();
        drop(SecretFile::draft(&place, "new", "--secret-file").unwrap());
        assert_eq!((std::fs::read_to_string(&place).unwrap().as_str(), entries()), ("former", 1));
        SecretFile::draft(&place, "new", "--secret-file").unwrap().put().unwrap();
        assert_eq!((std::fs::read_to_string(&place).unwrap().as_str(), entries()), ("new", 1));
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_anything_is_made() {
        let scratch = Scratch::new("secret-file");
        let sentence = |place| SecretFile::draft(place, "x", "--secret-file").unwrap_err().sentence;
        let shown = scratch.path().display();
        assert_eq!(
            sentence(scratch.path()),
            format!("--secret-file: {shown} cannot be written, is a directory: name another")
        );
        let missing = scratch.join("no/file");
        let expected =
            format!("--secret-file: {shown}/no/file cannot be written, No such file or directory: name another");
        assert_eq!(sentence(&missing), expected);
    }
}
