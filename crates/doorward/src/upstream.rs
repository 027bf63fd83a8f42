//! The one check of an upstream before it is kept, wherever it was written: what passes is what the
//! built-in proxy can use. Its words never repeat a user name or password.

use doorward_proxy::{Upstream, UpstreamError};

const EXAMPLE: &str = "write scheme, host and port only, such as http://127.0.0.1:3000";

/// What is wrong with an upstream, and what to do about it.
pub fn check(text: &str) -> Result<(), (String, String)> {
    let Err(bad) = Upstream::parse(text) else { return Ok(()) };
    let shown = match text.contains('@') {
        true => "the upstream".to_owned(),
        false => format!("the upstream `{}`", text.chars().take(80).flat_map(char::escape_debug).collect::<String>()),
    };
    let what = match bad {
        UpstreamError::Malformed(_) => format!("{shown} is not an address"),
        UpstreamError::Scheme(_) => format!("{shown} begins with neither http:// nor https:// nor h2c://"),
        UpstreamError::UserInfo(_) => format!("{shown} holds a user name or password"),
        UpstreamError::Path(_) => format!("{shown} has a path, a query or a fragment"),
    };
    Err((what, EXAMPLE.to_owned()))
}

/// The same for a flag, as one sentence.
pub fn parse(text: &str) -> Result<String, String> {
    check(text).map(|()| text.to_owned()).map_err(|(what, how)| format!("{what}: {how}"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_upstream_is_scheme_host_and_port() {
        for good in ["http://127.0.0.1:3000", "https://tool.example/", "h2c://[::1]:50051"] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        let how = "write scheme, host and port only, such as http://127.0.0.1:3000";
        for (bad, what) in [
            ("http://tool/base", "the upstream `http://tool/base` has a path, a query or a fragment"),
            ("http://tool?x=1", "the upstream `http://tool?x=1` has a path, a query or a fragment"),
            ("http://tool#x", "the upstream `http://tool#x` has a path, a query or a fragment"),
            ("http://ops:secret@tool", "the upstream holds a user name or password"),
            ("ftp://ops:secret@tool", "the upstream begins with neither http:// nor https:// nor h2c://"),
            ("tool:3000", "the upstream `tool:3000` is not an address"),
            ("", "the upstream `` is not an address"),
        ] {
            assert_eq!(parse(bad), Err(format!("{what}: {how}")), "{bad}");
        }
    }
}
