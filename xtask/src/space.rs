//! Room on the disk. A build or a peer that runs out of it fails with sentences about everything else.

use std::path::Path;
use std::process::Command;

/// What a run of all suites writes in a fresh clone: the debug build, the tools, and what tests put aside.
const ALL_SUITES_GIB: f64 = 10.0;

/// Says how much is free where cargo builds and where tests write, and warns when a fresh clone would not fit.
pub fn tell(target: &Path) {
    for place in [target, &std::env::temp_dir()] {
        if let Some(free) = free_gib(place) {
            println!("{}", sentence(place, free));
        }
    }
}

fn sentence(place: &Path, free: f64) -> String {
    let shown = place.display();
    if free >= ALL_SUITES_GIB {
        return format!("{shown}: {free:.1} GiB free");
    }
    format!(
        "{shown}: only {free:.1} GiB free; all suites of a fresh clone write about {ALL_SUITES_GIB}, so make room if they fail"
    )
}

/// Free space for this user at the nearest folder there is, by `df`. Nothing when that does not tell.
fn free_gib(place: &Path) -> Option<f64> {
    let there = place.ancestors().find(|folder| folder.exists())?;
    let output = Command::new("df").arg("-Pk").arg(there).output().ok()?;
    available_kib(&String::from_utf8_lossy(&output.stdout)).map(|kib| kib / 1024.0 / 1024.0)
}

/// The fourth column of the second line, as POSIX has it.
fn available_kib(text: &str) -> Option<f64> {
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_and_little_of_it_is_pointed_out() {
        let told = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264000000 1 2097152 90% /\n";
        assert_eq!(available_kib(told), Some(2_097_152.0));
        assert_eq!(available_kib("df: no such place\n"), None);
        assert!(free_gib(Path::new("/nowhere/at/all")).is_some_and(|free| free > 0.0));
        assert_eq!(sentence(Path::new("/a"), 40.0), "/a: 40.0 GiB free");
        assert!(sentence(Path::new("/a"), 2.0).contains("only 2.0 GiB free"));
    }
}
