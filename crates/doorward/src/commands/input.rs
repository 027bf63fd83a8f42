//! What commands read: files, and standard input where a file's name is `-`.

use std::io::Read as _;
use std::path::Path;

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
