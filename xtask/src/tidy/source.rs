//! Tells code from words in Rust text: comments and the insides of literals are blanked, string literals collected.
//! Knows just enough of the language for that; lines keep their numbers.

/// A string literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Line it begins on, from 1.
    pub line: usize,
    /// Its content as written, escapes and all.
    pub text: String,
}

/// Rust text taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The text with comments and literals' contents replaced by spaces.
    pub code: String,
    /// The string literals, in order.
    pub literals: Vec<Literal>,
}

/// Takes Rust text apart.
pub fn split(text: &str) -> Source {
    let mut reader =
        Reader { letters: text.chars().collect(), place: 0, line: 1, code: String::new(), literals: Vec::new() };
    while reader.place < reader.letters.len() {
        reader.step();
    }
    Source { code: reader.code, literals: reader.literals }
}

struct Reader {
    letters: Vec<char>,
    place: usize,
    line: usize,
    code: String,
    literals: Vec<Literal>,
}

impl Reader {
    fn look(&self, ahead: usize) -> char {
        self.letters.get(self.place + ahead).copied().unwrap_or('\0')
    }

    /// Moves one letter on, keeping it in the code or blanking it.
    fn take(&mut self, is_code: bool) -> char {
        let letter = self.look(0);
        self.place += 1;
        if letter == '\n' {
            self.line += 1;
        }
        self.code.push(if is_code || (letter == '\n') { letter } else { ' ' });
        letter
    }

    fn step(&mut self) {
        match (self.look(0), self.look(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('r', '"' | '#') if self.is_raw_string() => self.raw_string(),
            ('\'', _) => self.quote(),
            _ => {
                self.take(true);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.place >= self.letters.len()
    }

    fn line_comment(&mut self) {
        while !self.is_done() && (self.look(0) != '\n') {
            self.take(false);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while !self.is_done() {
            let step = match (self.look(0), self.look(1)) {
                ('/', '*') => 1,
                ('*', '/') => -1,
                _ => 0,
            };
            if step != 0 {
                self.take(false);
            }
            self.take(false);
            depth += step;
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let line = self.line;
        let mut text = String::new();
        self.take(true);
        while !self.is_done() && (self.look(0) != '"') {
            let letter = self.take(false);
            text.push(letter);
            if letter == '\\' {
                text.push(self.take(false));
            }
        }
        self.take(true);
        self.literals.push(Literal { line, text });
    }

    /// `r"` or `r#…#"`, and not the end of a longer name or a raw name such as `r#type`.
    fn is_raw_string(&self) -> bool {
        let before = if self.place == 0 { ' ' } else { self.letters.get(self.place - 1).copied().unwrap_or(' ') };
        let is_prefix_allowed = !(before.is_alphanumeric() || (before == '_')) || (before == 'b') || (before == 'c');
        let hashes = (1..).take_while(|ahead| self.look(*ahead) == '#').count();
        is_prefix_allowed && (self.look(1 + hashes) == '"')
    }

    fn raw_string(&mut self) {
        let line = self.line;
        self.take(true);
        let mut hashes = 0;
        while self.look(0) == '#' {
            self.take(true);
            hashes += 1;
        }
        self.take(true);
        let mut text = String::new();
        while !self.is_done() {
            let is_end = (self.look(0) == '"') && (1..=hashes).all(|ahead| self.look(ahead) == '#');
            if is_end {
                break;
            }
            text.push(self.take(false));
        }
        for _ in 0..=hashes {
            self.take(true);
        }
        self.literals.push(Literal { line, text });
    }

    /// A character literal, or the mark of a lifetime or label.
    fn quote(&mut self) {
        let is_escaped = self.look(1) == '\\';
        let is_character = is_escaped || (self.look(2) == '\'');
        self.take(true);
        if !is_character {
            return;
        }
        if is_escaped {
            self.take(false);
        }
        self.take(false);
        while !self.is_done() && (self.look(0) != '\'') && (self.look(0) != '\n') {
            self.take(false);
        }
        self.take(true);
    }
}

/// Where the tests of a file begin: the line of `#[cfg(test)]`, or one past the end.
pub fn production_lines(text: &str) -> usize {
    text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or_else(|| text.lines().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_contents_are_blanked() {
        let source = split("a // b \"c\"\n/* d /* e */ f */ g \"h\\\"i\" 'j' '\\'' 'k: loop {}");
        let expected = "a        \n                  g \"    \" ' ' '  ' 'k: loop {}";
        assert_eq!(source.code.split_whitespace().collect::<Vec<_>>(), expected.split_whitespace().collect::<Vec<_>>());
        assert_eq!(source.literals, [Literal { line: 2, text: "h\\\"i".to_owned() }]);
    }

    #[test]
    fn raw_strings_end_at_their_own_mark() {
        let source = split("let r#type = br#\"a \"b\" \n c\"#; let d = r\"\\\"; e");
        let texts: Vec<&str> = source.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["a \"b\" \n c", "\\"]);
        assert!(source.code.ends_with("; e"), "{}", source.code);
        assert!(source.code.contains("r#type"));
    }
}
