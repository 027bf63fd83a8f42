//! What a command tells, printed in one place: data to standard output as a table, JSON or YAML; words
//! to standard error.

use crate::arguments::Output;
use crate::exit::{Code, Exit};
use comfy_table::{Table, presets};
use doorward_model::name::is_unprintable;
use serde_json::Value;
use std::io::{self, IsTerminal as _, Write as _};

/// What a command found or did.
#[derive(Debug)]
pub struct Report {
    data: Data,
    warnings: Vec<String>,
    words: Option<String>,
    /// What a table shows for these keys of one object, in place of their values.
    cells: Vec<(&'static str, String)>,
    /// The key of one object whose members a table shows in lines of their own, by the keys commands take.
    settings: Option<&'static str>,
    /// How the program ends.
    pub code: Code,
}

#[derive(Debug)]
enum Data {
    Nothing,
    Rows { columns: &'static [&'static str], rows: Vec<Value> },
    One(Value),
    Text { text: String, value: Value },
}

impl Report {
    /// Nothing to print but words.
    pub fn words(words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..Self::of(Data::Nothing) }
    }

    /// A list of objects with these keys.
    pub fn rows(columns: &'static [&'static str], rows: Vec<Value>) -> Self {
        Self::of(Data::Rows { columns, rows })
    }

    /// One object.
    pub fn one(value: Value) -> Self {
        Self::of(Data::One(value))
    }

    /// Text printed as it is, unless JSON or YAML was asked for.
    pub fn text(text: impl Into<String>, value: Value) -> Self {
        Self::of(Data::Text { text: text.into(), value })
    }

    fn of(data: Data) -> Self {
        Self { data, warnings: Vec::new(), words: None, cells: Vec::new(), settings: None, code: Code::Done }
    }

    /// With sentences about what looks like a mistake, behind those there are.
    #[must_use]
    pub fn and_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// With words.
    #[must_use]
    pub fn and_words(self, words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..self }
    }

    /// With words for people where the values of one object are for programs.
    #[must_use]
    pub fn and_cells(self, cells: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { cells: cells.into_iter().collect(), ..self }
    }

    /// With lines of their own for what stands under this key, as `--set` takes it.
    #[must_use]
    pub fn and_settings(self, key: &'static str) -> Self {
        Self { settings: Some(key), ..self }
    }

    /// With another code.
    #[must_use]
    pub fn and_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// Prints everything.
    ///
    /// # Errors
    /// When standard output cannot be written; a reader that went away is no error.
    pub fn print(&self, wanted: Option<Output>) -> Result<(), Exit> {
        let warnings = self.warnings.iter().map(|warning| format!("warning: {warning}"));
        for words in warnings.chain(self.words.clone()) {
            // Nobody may be listening to words.
            let _ = writeln!(io::stderr(), "{words}");
        }
        let text = self.form(wanted, io::stdout().is_terminal())?;
        match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Exit::new(Code::Broken, format!("standard output cannot be written, {error}: check the disk")))
            }
            _ => Ok(()),
        }
    }

    fn form(&self, wanted: Option<Output>, is_terminal: bool) -> Result<String, Exit> {
        let usual = if is_terminal { Output::Table } else { Output::Json };
        match (&self.data, wanted) {
            (Data::Nothing, _) => Ok(String::new()),
            (Data::Text { text, .. }, None | Some(Output::Table)) => Ok(lined(text)),
            (Data::Text { value, .. } | Data::One(value), Some(Output::Json | Output::Yaml)) => {
                encode(value, wanted.unwrap_or(usual))
            }
            (Data::One(value), _) => match wanted.unwrap_or(usual) {
                Output::Table => Ok(one_table(value, &self.cells, self.settings)),
                other => encode(value, other),
            },
            (Data::Rows { columns, rows }, _) => match wanted.unwrap_or(usual) {
                Output::Table => Ok(table(columns, rows)),
                other => encode(&Value::Array(rows.clone()), other),
            },
        }
    }
}

fn encode(value: &Value, output: Output) -> Result<String, Exit> {
    let broken = |why: String| Exit::new(Code::Broken, format!("the answer cannot be written, {why}: use a table"));
    match output {
        Output::Yaml => serde_saphyr::to_string(value).map(|text| lined(&text)).map_err(|bad| broken(bad.to_string())),
        _ => serde_json::to_string_pretty(value).map(|text| lined(&text)).map_err(|bad| broken(bad.to_string())),
    }
}

fn lined(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn table(columns: &[&str], rows: &[Value]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|name| name.to_uppercase().replace('_', " ")));
    for row in rows {
        table.add_row(columns.iter().map(|name| cell(row.get(name).unwrap_or(&Value::Null))));
    }
    trimmed(&table)
}

fn one_table(value: &Value, cells: &[(&str, String)], settings: Option<&str>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in value.as_object().into_iter().flatten() {
        if settings == Some(name.as_str()) {
            lines("", value, &mut |key, value| {
                table.add_row([key.to_owned(), cell(value)]);
            });
            continue;
        }
        let said = cells.iter().find(|(key, _)| key == name).map(|(_, text)| Value::String(text.clone()));
        table.add_row([name.replace('_', " "), cell(said.as_ref().unwrap_or(value))]);
    }
    trimmed(&table)
}

/// Each value inside an object with its key, those around it before it; a name with a dot in it stands in quotes.
fn lines(around: &str, value: &Value, line: &mut impl FnMut(&str, &Value)) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = if name.contains('.') { format!("\"{name}\"") } else { name.clone() };
        let key = format!("{around}{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => lines(&format!("{key}."), value, line),
            _ => line(&key, value),
        }
    }
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim())).collect()
}

/// A value in one cell; nothing in it can move a terminal's cursor.
fn cell(value: &Value) -> String {
    in_words(value).chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

/// A value for people: lists with commas, objects as `name: value` with semicolons.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match value {
                Value::Object(inner) if !inner.is_empty() => format!("{name}: ({})", in_words(value)),
                _ => format!("{name}: {}", in_words(value)),
            };
            members.iter().map(member).collect::<Vec<_>>().join("; ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Output, Report};
    use serde_json::json;

    #[test]
    fn a_list_is_a_table_for_people_and_json_for_programs() {
        let rows = vec![json!({"name": "a\u{1b}[2J", "groups": ["x", "y"], "active": true})];
        let report = Report::rows(&["name", "active", "groups"], rows);
        let shown = report.form(None, true).unwrap_or_default();
        assert!(shown.starts_with("NAME"), "{shown}");
        assert!(shown.contains("a\u{fffd}[2J") && shown.contains("yes") && shown.contains("x, y"), "{shown}");
        let shown = report.form(None, false).unwrap_or_default();
        assert!(shown.starts_with("[\n  {"), "{shown}");
        let shown = report.form(Some(Output::Yaml), true).unwrap_or_default();
        assert!(shown.contains("active: true"), "{shown}");
    }

    #[test]
    fn a_table_holds_words_and_no_json() {
        let value = json!({
            "attributes": {"region": ["eu"], "team": ["data", "ops"]},
            "mappers": [{"claim": {"path": ["p"], "from": {"value": "x"}}}, {"audience": "trino"}],
            "none": {}, "roles": {"realm": ["admin"]}, "redirect_uris": ["https://a.x", {"loopback": "http://127.0.0.1"}],
        });
        let report = Report::one(value).and_cells([("roles", "admin".to_owned())]);
        let shown = report.form(Some(Output::Table), true).unwrap_or_default();
        let lines: Vec<String> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "attributes region: eu; team: data, ops",
            "mappers claim: (from: (value: x); path: p), audience: trino",
            "none",
            "redirect uris https://a.x, loopback: http://127.0.0.1",
            "roles admin",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn settings_are_told_by_the_keys_commands_take() {
        let value = json!({"name": "company", "settings": {
            "title": "A", "oidc": {"client_id": "d", "scopes": ["a", "b"], "parameters": {}}, "group_rules": {"map": {"a.b": "ops"}},
        }});
        let report = Report::one(value).and_settings("settings");
        let shown = report.form(Some(Output::Table), true).unwrap_or_default();
        let lines: Vec<String> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "name company",
            "group_rules.map.\"a.b\" ops",
            "oidc.client_id d",
            "oidc.parameters",
            "oidc.scopes a, b",
            "title A",
        ];
        assert_eq!(lines, expected);
        assert!(report.form(Some(Output::Json), true).unwrap_or_default().contains("\"settings\": {"));
    }

    #[test]
    fn text_stays_as_it_is_unless_json_is_asked_for() {
        let report = Report::text("secret", json!({"token": "secret"}));
        assert_eq!(report.form(None, false).unwrap_or_default(), "secret\n");
        assert!(report.form(Some(Output::Json), false).unwrap_or_default().contains("\"token\""));
    }
}
