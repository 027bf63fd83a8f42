//! What is wrong with a command line, as one sentence: what, where, and what to do. Clap finds it; this says it.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use std::ffi::OsString;

const PASSWORD: &str = "--password";
/// Values of one option that are repeated in a sentence; of more the first and the last.
const VALUES_NAMED: usize = 3;

/// The sentence for what clap refused. `root` is the whole command line that was asked for by `words`.
pub fn sentence(error: &clap::Error, mut root: Command, words: &[OsString]) -> String {
    root.build();
    let walk = Walk::along(&root, words);
    let is_password = context(error, ContextKind::InvalidArg)
        .is_some_and(|flag| flag == PASSWORD || flag.strip_prefix(PASSWORD).is_some_and(|rest| rest.starts_with('=')));
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            format!("a command is missing: see `{} --help`", walk.path)
        }
        ErrorKind::UnknownArgument if is_password => {
            "a password is not given on the command line: use --password-stdin".to_owned()
        }
        ErrorKind::MissingRequiredArgument | ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            walk.eaten().unwrap_or_else(|| told(error, &walk.path))
        }
        ErrorKind::InvalidSubcommand => match singular(error, &root) {
            Some(meant) => format!("{}: did you mean `{meant}`?", plain(error)),
            None => told(error, &walk.path),
        },
        _ => told(error, &walk.path),
    }
}

/// The command whose plural was typed.
fn singular<'e>(error: &'e clap::Error, root: &Command) -> Option<&'e str> {
    let meant = context(error, ContextKind::InvalidSubcommand)?.strip_suffix('s')?;
    root.find_subcommand(meant).map(|_| meant)
}

/// What clap says over several lines, as one sentence without its tips.
pub fn plain(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let words: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("tip:")).collect();
    let sentence = words.join(" ");
    sentence.strip_prefix("error: ").unwrap_or(&sentence).to_owned()
}

/// Clap's sentence, and what to do.
fn told(error: &clap::Error, path: &str) -> String {
    let sentence = without_secret(plain(error), error);
    if context(error, ContextKind::InvalidArg).is_some_and(|flag| flag == "--port" || flag.starts_with("--port=")) {
        return format!("{sentence}: did you mean `--listen 127.0.0.1:PORT`?");
    }
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    if let Some(meant) = kinds.into_iter().find_map(|kind| context(error, kind)) {
        return format!("{sentence}: did you mean `{meant}`?");
    }
    if says_what_to_do(&sentence) { sentence } else { format!("{sentence}: see `{path} --help`") }
}

/// Without the value, where a reference to a secret belongs: what was pasted there may be the secret itself.
fn without_secret(sentence: String, error: &clap::Error) -> String {
    let is_reference = context(error, ContextKind::InvalidArg).is_some_and(|flag| flag.contains("-ref"));
    match context(error, ContextKind::InvalidValue) {
        Some(value) if is_reference => sentence.replacen(&format!(" '{value}'"), "", 1),
        _ => sentence,
    }
}

/// Whether a sentence ends with an order, or with a list to choose from.
fn says_what_to_do(sentence: &str) -> bool {
    let orders = ["write ", "give ", "use ", "choose ", "name ", "correct ", "put ", "see "];
    let end = sentence.rsplit(": ").next().unwrap_or_default();
    sentence.ends_with(']') || orders.iter().any(|order| end.starts_with(order))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.first().map(String::as_str),
        _ => None,
    }
}

/// The way of a command line down to its command.
struct Walk<'a> {
    /// The commands' names, such as `doorward user create`.
    path: String,
    command: &'a Command,
    /// How many arguments stand there without an option.
    positionals: usize,
    /// Options that took more than one value.
    several: Vec<(String, Vec<String>)>,
}

impl<'a> Walk<'a> {
    fn along(root: &'a Command, words: &[OsString]) -> Self {
        let name = root.get_name().to_owned();
        let mut walk = Self { path: name, command: root, positionals: 0, several: Vec::new() };
        let mut words = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).peekable();
        while let Some(word) = words.next() {
            if word == "--" {
                walk.positionals += words.count();
                break;
            }
            if is_option(&word) {
                let most = walk.option(&word).map_or(0, values_behind);
                let mut taken = Vec::new();
                while taken.len() < most
                    && let Some(value) = words.next_if(|next| !is_option(next))
                {
                    taken.push(value);
                }
                if taken.len() > 1 {
                    walk.several.push((word, taken));
                }
            } else if walk.positionals == 0
                && let Some(inner) = walk.command.find_subcommand(&word)
            {
                walk.path = format!("{} {}", walk.path, inner.get_name());
                walk.command = inner;
            } else {
                walk.positionals += 1;
            }
        }
        walk
    }

    /// The option a word names, unless its value stands in the same word.
    fn option(&self, word: &str) -> Option<&'a Arg> {
        let mut all = self.command.get_arguments();
        match word.strip_prefix("--") {
            Some(long) => all.find(|arg| arg.get_long() == Some(long)),
            None => {
                let short = word.strip_prefix('-').filter(|rest| rest.len() == 1)?.chars().next();
                all.find(|arg| arg.get_short() == short)
            }
        }
    }

    /// The sentence when an option took what was meant to be a positional argument.
    fn eaten(&self) -> Option<String> {
        let missing = self.command.get_positionals().filter(|arg| arg.is_required_set()).nth(self.positionals)?;
        let (flag, values) = self.several.last()?;
        let name = missing.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
        let name = name.unwrap_or_else(|| missing.get_id().as_str().to_uppercase());
        let what = name.to_lowercase();
        Some(format!("{name} is missing, because {flag} took {}: put the {what} first", listed(values)))
    }
}

fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// How many words behind an option may be its values.
fn values_behind(arg: &Arg) -> usize {
    let is_attached = arg.is_require_equals_set();
    arg.get_num_args().filter(|_| !is_attached).map_or(0, |count| count.max_values())
}

fn listed(values: &[String]) -> String {
    let shown = |value: &String| value.escape_debug().to_string();
    match values {
        [first, .., last] if values.len() > VALUES_NAMED => format!("{}, … and {}", shown(first), shown(last)),
        [all @ .., last] if !all.is_empty() => {
            format!("{} and {}", all.iter().map(shown).collect::<Vec<_>>().join(", "), shown(last))
        }
        _ => values.iter().map(shown).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::arguments::{Stop, parse};

    #[test]
    fn wrong_arguments_give_one_sentence() {
        let said = |words: &str| match parse(words.split_whitespace().map(Into::into)) {
            Ok(parsed) => panic!("{parsed:?}"),
            Err(Stop::Exit(exit)) => exit.sentence,
            Err(Stop::Help(text)) => panic!("{text}"),
        };
        let password = "a password is not given on the command line: use --password-stdin";
        for (words, sentence) in [
            ("doorward up --lissen 127.0.0.1:1", "unexpected argument '--lissen' found: did you mean `--listen`?"),
            ("doorward --data user usr list", "unrecognized subcommand 'usr': did you mean `user`?"),
            ("doorward --data=x user lst", "unrecognized subcommand 'lst': did you mean `list`?"),
            ("doorward up --port 1", "unexpected argument '--port' found: did you mean `--listen 127.0.0.1:PORT`?"),
            ("doorward clients list", "unrecognized subcommand 'clients': did you mean `client`?"),
            ("doorward dance", "unrecognized subcommand 'dance': see `doorward --help`"),
            ("doorward", "a command is missing: see `doorward --help`"),
            ("doorward --data user user", "a command is missing: see `doorward user --help`"),
            ("doorward user list --zzz", "unexpected argument '--zzz' found: see `doorward user list --help`"),
            ("doorward user create alice --password x", password),
            ("doorward app list --password=x", password),
            (
                "doorward --output 7 user list",
                "invalid value '7' for '--output <FORM>' [possible values: table, json, yaml]",
            ),
            (
                "doorward user create",
                "the following required arguments were not provided: <NAME>: see `doorward user create --help`",
            ),
            (
                "doorward user update alice --attribute =x",
                "invalid value '=x' for '--attribute <NAME=VALUE>': write NAME=VALUE",
            ),
        ] {
            assert_eq!(said(words), sentence, "{words}");
        }
    }

    #[test]
    fn an_option_that_took_the_name_is_told() {
        let said = |words: &str| match parse(words.split_whitespace().map(Into::into)) {
            Err(Stop::Exit(exit)) => exit.sentence,
            other => panic!("{other:?}"),
        };
        for (words, sentence) in [
            (
                "doorward client create --service --scope catalog:read foo",
                "NAME is missing, because --scope took catalog:read and foo: put the name first",
            ),
            (
                "doorward client create --grant client_credentials foo",
                "NAME is missing, because --grant took client_credentials and foo: put the name first",
            ),
            (
                "doorward client create --scope a b c d foo --service",
                "NAME is missing, because --scope took a, … and foo: put the name first",
            ),
            (
                "doorward recipe --headers remote nginx --app d",
                "PROXY is missing, because --headers took remote and nginx: put the proxy first",
            ),
            (
                "doorward client create --service --scope foo",
                "the following required arguments were not provided: <NAME>: see `doorward client create --help`",
            ),
        ] {
            assert_eq!(said(words), sentence, "{words}");
        }
    }
}
