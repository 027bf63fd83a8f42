//! What is long: functions and files above the sizes that read well. A list to look at, not a rule.

use super::source::{production_lines, split};

const FUNCTION_LINES: usize = 60;
const FILE_LINES: usize = 500;

/// Sizes of one file, tests at its end left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    path: String,
    lines: usize,
    functions: Vec<Function>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Measures a file.
pub fn measure(path: &str, text: &str) -> Measured {
    let lines = production_lines(text);
    let code = split(text).code;
    let mut functions = Vec::new();
    for (place, _) in code.match_indices("fn ") {
        let before = code.get(..place).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let is_word = !before.ends_with(|letter: char| letter.is_alphanumeric() || (letter == '_'));
        if !is_word || (line > lines) {
            continue;
        }
        let rest = code.get(place + 3..).unwrap_or_default();
        let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || (*letter == '_')).collect();
        if let Some(length) = body_lines(rest)
            && !name.is_empty()
        {
            functions.push(Function { name, line, lines: length });
        }
    }
    Measured { path: path.to_owned(), lines, functions }
}

/// Lines from a function's name to the brace that closes its body; `None` when it has no body.
fn body_lines(code: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut lines = 1;
    for letter in code.chars() {
        match letter {
            '\n' => lines += 1,
            ';' if depth == 0 => return None,
            // Brackets count too: the `;` of `[u8; 4]` in a signature does not end it.
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.checked_sub(1)?;
                if (depth == 0) && (letter == '}') {
                    return Some(lines);
                }
            }
            _ => {}
        }
    }
    None
}

/// The list as text, longest first.
pub fn render(files: &[Measured]) -> String {
    let mut functions: Vec<(usize, String)> = Vec::new();
    for file in files {
        let long = file.functions.iter().filter(|function| function.lines > FUNCTION_LINES);
        functions.extend(
            long.map(|function| (function.lines, format!("{}:{}: {}", file.path, function.line, function.name))),
        );
    }
    let long_files = files.iter().filter(|file| file.lines > FILE_LINES);
    let files: Vec<(usize, String)> = long_files.map(|file| (file.lines, file.path.clone())).collect();
    let mut text = String::new();
    for (title, limit, mut list) in [("functions", FUNCTION_LINES, functions), ("files", FILE_LINES, files)] {
        list.sort_by(|one, other| other.cmp(one));
        text.push_str(&format!("{title} above {limit} lines: {}\n", list.len()));
        for (lines, what) in list {
            text.push_str(&format!("  {lines:5}  {what}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_things_are_listed_longest_first() {
        let body = |lines: usize| "    let a = \"}\";\n".repeat(lines);
        let text = format!(
            "trait T {{\n    fn none(&self, b: [u8; 4]);\n}}\nfn short(a: [u8; 2]) {{\n}}\nfn long() {{\n{}}}\nfn longer() {{\n{}}}\n\
             #[cfg(test)]\nmod tests {{\n    fn skipped() {{\n{}}}\n}}\n",
            body(70),
            body(440),
            body(99)
        );
        let report = render(&[measure("a.rs", &text)]);
        let expected = "functions above 60 lines: 2\n    442  a.rs:78: longer\n     72  a.rs:6: long\n\
            files above 500 lines: 1\n    519  a.rs\n";
        assert_eq!(report, expected);
    }
}
