//! What commands read: files, and standard input where a file's name is `-`.

use crate::exit::Exit;
use crate::limits;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads text, no more than that many bytes of it.
///
/// # Errors
/// Why it cannot be read; the caller names the file.
pub fn text(file: &Path, most: u64) -> Result<String, String> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().lock().take(most).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut text)),
    };
    read.map(|_| text).map_err(|error| error.to_string())
}

/// A secret from standard input, without the end of its line.
pub fn secret() -> Result<Zeroizing<String>, Exit> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().take(limits::SECRET_BYTES).read_to_string(&mut text);
    read.map_err(|error| Exit::usage(format!("standard input: {error}")))?;
    let kept = text.trim_end_matches(['\r', '\n']);
    if kept.is_empty() {
        return Err(Exit::usage("standard input is empty: the secret belongs there"));
    }
    Ok(Zeroizing::new(kept.to_owned()))
}
