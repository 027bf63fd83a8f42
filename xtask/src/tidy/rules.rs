//! The rules on single files. Each is a function from a file's text to findings.

use super::Finding;
use super::source::{Source, split};

/// Words that mark unfinished work; written apart so that this file does not hold them.
const UNFINISHED_WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
const UNFINISHED_CODE: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!(")];
const IGNORED_TEST: &str = concat!("#[ign", "ore");

/// How SQL statements begin.
const SQL_STARTS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE UNIQUE INDEX ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
    "WITH RECURSIVE ",
];

/// Every rule that applies to a file.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = unfinished_words(text);
    if !path.ends_with(".rs") {
        return findings;
    }
    let source = split(text);
    findings.extend(unfinished_code(&source));
    findings.extend(ignored_tests(&source));
    let is_crate = path.starts_with("crates/");
    if is_crate && !path.starts_with("crates/web/") {
        findings.extend(foreign_routes(&source));
    }
    // The test kit is in no binary, and asks PostgreSQL about itself.
    if is_crate && !["crates/store/", "crates/testkit/"].iter().any(|home| path.starts_with(home)) {
        findings.extend(foreign_sql(&source));
    }
    if path == "crates/web/src/routes.rs" {
        findings.extend(open_routes(&source));
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

fn unfinished_words(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in UNFINISHED_WORDS.iter().filter(|word| holds_word(line, word)) {
            let words = format!("{word} is not a plan; do it now or write an issue");
            findings.push(Finding { line: number + 1, words });
        }
    }
    findings
}

fn unfinished_code(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for code in UNFINISHED_CODE {
        for line in lines_with(&source.code, code) {
            findings.push(Finding { line, words: format!("{code}…) is unfinished; write the code") });
        }
    }
    findings
}

fn ignored_tests(source: &Source) -> Vec<Finding> {
    let words = "an ignored test proves nothing; make it run or delete it";
    lines_with(&source.code, IGNORED_TEST).map(|line| Finding { line, words: words.to_owned() }).collect()
}

fn foreign_routes(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.code.lines().enumerate() {
        if line.contains(".route(") {
            let words = "a route outside crates/web; add it to crates/web/src/routes.rs".to_owned();
            findings.push(Finding { line: number + 1, words });
        }
        if holds_word(line, "axum") {
            let words = "axum outside crates/web; keep the web framework in that crate".to_owned();
            findings.push(Finding { line: number + 1, words });
        }
    }
    findings
}

fn foreign_sql(source: &Source) -> Vec<Finding> {
    let starts_sql = |text: &str| {
        let text = text.trim_start_matches(['\\', 'n', ' ', '\n', '\t']);
        SQL_STARTS.iter().any(|start| text.starts_with(start))
    };
    let found = source.literals.iter().filter(|literal| starts_sql(&literal.text));
    let words = "SQL outside crates/store; give the store a function for it";
    found.map(|literal| Finding { line: literal.line, words: words.to_owned() }).collect()
}

/// Lines of the route table. The router itself is filled from the table, so its own method is not looked at.
fn open_routes(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (start, _) in source.code.match_indices("route(") {
        let before = source.code.get(..start).unwrap_or_default();
        let is_longer_name = before.ends_with(|letter: char| letter.is_alphanumeric() || (letter == '_'));
        let is_definition = before.trim_end().ends_with("fn");
        let is_router_call = before.ends_with('.');
        if is_longer_name || is_definition || is_router_call {
            continue;
        }
        let call = balanced(source.code.get(start..).unwrap_or_default());
        if !call.contains("Access::") {
            let words = "a route without an access class; say `Access::…` in the call".to_owned();
            findings.push(Finding { line: before.matches('\n').count() + 1, words });
        }
    }
    findings
}

/// The text up to the parenthesis that closes the first one.
fn balanced(code: &str) -> &str {
    let mut depth = 0;
    for (place, letter) in code.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => return code.get(..place).unwrap_or_default(),
            ')' => depth -= 1,
            _ => {}
        }
    }
    code
}

fn lines_with<'a>(code: &'a str, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.lines().enumerate().filter(move |(_, line)| line.contains(wanted)).map(|(number, _)| number + 1)
}

fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || (letter == '_'));
    line.match_indices(word).any(|(place, _)| {
        let before = line.get(..place).and_then(|text| text.chars().next_back());
        let after = line.get(place + word.len()..).and_then(|text| text.chars().next());
        !is_part(before) && !is_part(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(path, text).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unfinished_work_is_found_and_ordinary_words_are_not() {
        let word = UNFINISHED_WORDS[0];
        assert_eq!(lines("docs/a.md", &format!("fine\nsee {word}: later\nMASTO{word}N")), [2]);
        let code = UNFINISHED_CODE[1];
        assert_eq!(lines("crates/a/src/b.rs", &format!("fn a() {{\n    {code})\n}}\n// {code}\n\"{code}\"")), [2]);
        assert_eq!(lines("tests/suites/a.rs", &format!("#[test]\n{IGNORED_TEST}]\nfn a() {{}}")), [2]);
    }

    #[test]
    fn routes_and_their_framework_stay_in_web() {
        let text = "use axum::Router;\nfn a() { b.route(\"/\", c) }\n// axum\nlet taxum = 1;";
        assert_eq!(lines("crates/gate/src/a.rs", text), [1, 2]);
        assert!(lines("crates/web/src/a.rs", text).is_empty());
    }

    #[test]
    fn every_route_says_who_may_call_it() {
        let text = "fn route(a: u8) {}\nroute(\n    get(\"/a\"),\n    Access::Public,\n);\nroute(\"/b\", handler(1));\n\
            reroute(\"/c\");\n.route(line.path, handler)";
        assert_eq!(lines("crates/web/src/routes.rs", text), [6]);
        assert!(lines("crates/web/src/other.rs", text).is_empty());
    }

    #[test]
    fn statements_stay_in_the_store() {
        let text = "let a = \"SELECT 1\";\nlet b = \"SELECTED\";\nlet c = r#\"\n  DELETE FROM t\"#;\n// \"UPDATE t\"";
        assert_eq!(lines("crates/engine/src/a.rs", text), [1, 3]);
        assert!(lines("crates/store/src/a.rs", text).is_empty());
        assert!(lines("tests/suites/a.rs", text).is_empty());
    }
}
