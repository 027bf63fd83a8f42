//! Writes every sample of every page as an HTML file, to be looked at in a browser:
//! `cargo run -p doorward-web --example gallery -- DIR`, then open `DIR/index.html`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use doorward_web::pages::{PREFIX, assets, gallery};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("Name the folder to write to: gallery DIR");
        return ExitCode::from(2);
    };
    match write(&folder) {
        Ok(count) => {
            println!("{count} pages in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("The gallery could not be written to {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &std::path::Path) -> Result<usize, Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    for asset in assets() {
        fs::write(folder.join(asset.path.trim_start_matches(PREFIX)), asset.bytes)?;
    }
    let pages = gallery()?;
    let mut index = String::from("<!doctype html><html lang=en><title>Gallery</title><ul>");
    for page in &pages {
        fs::write(folder.join(format!("{}.html", page.name)), standing_still(&page.html))?;
        write!(index, "<li><a href=\"{0}.html\">{0}</a>", page.name)?;
    }
    fs::write(folder.join("index.html"), index)?;
    Ok(pages.len())
}

/// The page with local asset addresses, and without the wish to move on by itself, by header or by script.
fn standing_still(html: &str) -> String {
    html.replace(PREFIX, "")
        .replace("http-equiv=\"refresh\"", "name=\"held\"")
        .replace("<script src=", "<script data-held=")
}
