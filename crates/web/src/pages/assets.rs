//! Static files, embedded in the binary and named by their content, so that they may be cached for
//! ever. Owns their addresses; does not serve them. All addresses lie under [`PREFIX`], a path that
//! belongs to Doorward on its own host and on every App host, so a page shown on an App's host
//! finds its stylesheet too.

use std::sync::LazyLock;

/// Where assets live, on Doorward's own host and on every App host.
pub const PREFIX: &str = "/.doorward/static/";

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Absolute path with the content hash in the name. Serve it with
    /// `Cache-Control: public, max-age=31536000, immutable`.
    pub path: &'static str,
    /// Value for `Content-Type`.
    pub media_type: &'static str,
    /// The file itself.
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

struct Assets {
    all: [Asset; 5],
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    all: [
        named("doorward", "css", "text/css; charset=utf-8", include_bytes!("../../static/doorward.css")),
        named("favicon", "svg", "image/svg+xml", include_bytes!("../../static/favicon.svg")),
        named("fragment", "js", SCRIPT, include_bytes!("../../static/fragment.js")),
        named("form_post", "js", SCRIPT, include_bytes!("../../static/form_post.js")),
        named("signing_out", "js", SCRIPT, include_bytes!("../../static/signing_out.js")),
    ],
});

/// All assets, for the route table.
pub fn assets() -> &'static [Asset] {
    &ASSETS.all
}

/// The asset at exactly this absolute path.
pub fn find_asset(path: &str) -> Option<&'static Asset> {
    assets().iter().find(|asset| asset.path == path)
}

/// Address of the stylesheet, for templates.
pub fn stylesheet_path() -> &'static str {
    let [stylesheet, ..] = &ASSETS.all;
    stylesheet.path
}

/// Address of the favicon, for templates.
pub fn favicon_path() -> &'static str {
    let [_, favicon, ..] = &ASSETS.all;
    favicon.path
}

/// Address of the script that sends on what stands in a fragment, for its template.
pub(super) fn fragment_script_path() -> &'static str {
    let [_, _, script, ..] = &ASSETS.all;
    script.path
}

/// Address of the script that sends a form at once, for its template.
pub(super) fn form_post_script_path() -> &'static str {
    let [.., script, _] = &ASSETS.all;
    script.path
}

/// Address of the script that goes on after signing out, for its template.
pub(super) fn signing_out_script_path() -> &'static str {
    let [.., script] = &ASSETS.all;
    script.path
}

fn named(name: &str, extension: &str, media_type: &'static str, bytes: &'static [u8]) -> Asset {
    let path = format!("{PREFIX}{name}-{:016x}.{extension}", fnv(bytes));
    // Made once per asset and needed until the process ends: leaking is owning here.
    Asset { path: Box::leak(path.into_boxed_str()), media_type, bytes }
}

/// FNV-1a, 64 bit. It tells versions of our own files apart; it protects nothing.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_matches_its_published_vectors() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_asset_is_found_at_its_own_path_only() {
        for asset in assets() {
            assert!(find_asset(asset.path).is_some_and(|found| found.bytes == asset.bytes));
            assert!(asset.path.starts_with(PREFIX));
        }
        assert!(find_asset("/.doorward/static/doorward.css").is_none());
        assert!(stylesheet_path().ends_with(".css"));
        assert!(favicon_path().ends_with(".svg"));
        for (path, name) in [
            (fragment_script_path(), "fragment-"),
            (form_post_script_path(), "form_post-"),
            (signing_out_script_path(), "signing_out-"),
        ] {
            assert!(path.ends_with(".js") && path.contains(name), "{path}");
        }
    }
}
