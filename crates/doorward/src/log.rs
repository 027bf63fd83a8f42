//! The log: where lines go, and how many of one kind. Strangers can cause most kinds of lines, so each has a budget:
//! whoever asks a million times fills no disk. What is left out is counted and told. The record is another matter.

mod budget;

use crate::arguments::LogFormat;
use crate::exit::Exit;
use crate::limits::LINE_SHOWN_CHARACTERS;
use budget::{Budgets, LeftOut, Verdict};
use std::fmt::{self, Write as _};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

const VARIABLE: &str = "DOORWARD_LOG";
const USUAL: &str = "info,sqlx=warn,hyper=warn";

/// How often it is looked whether a flood is over.
pub const TELL_EVERY: Duration = Duration::from_secs(1);

/// A kind of line is a place in the program. One list for the process, as there is one log.
static BUDGETS: LazyLock<(Instant, Mutex<Budgets<Identifier, Line>>)> =
    LazyLock::new(|| (Instant::now(), Mutex::default()));

/// A line that was left out, to tell by which of its kind were.
struct Line {
    level: Level,
    text: String,
}

/// Starts the log of this process.
pub fn start(format: LogFormat) -> Result<(), Exit> {
    let text = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let text = text.unwrap_or_else(|| USUAL.to_owned());
    let filter = EnvFilter::try_new(&text)
        .map_err(|bad| Exit::usage(format!("{VARIABLE}: {bad}: write a level such as info or debug")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(false).finish().with(Bounded).init(),
        LogFormat::Json => log.json().finish().with(Bounded).init(),
    }
    Ok(())
}

/// Tells what was left out of floods that are over, and of those that go on for long.
pub fn tell_left_out() {
    // Taken out first: these lines are lines too.
    let due = budgets().take_due(now());
    for LeftOut { count, example: Line { level, text } } in due {
        match level {
            Level::ERROR => tracing::error!("{count} more lines like this one were left out: {text}"),
            Level::WARN => tracing::warn!("{count} more lines like this one were left out: {text}"),
            _ => tracing::info!("{count} more lines like this one were left out: {text}"),
        }
    }
}

fn budgets() -> MutexGuard<'static, Budgets<Identifier, Line>> {
    BUDGETS.1.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> Duration {
    BUDGETS.0.elapsed()
}

/// Keeps every kind of line within its budget. Whoever asks for more than `info` looks for something and gets it all.
struct Bounded;

impl<S: Subscriber> Layer<S> for Bounded {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let level = *event.metadata().level();
        if level > Level::INFO {
            return true;
        }
        let kind = event.metadata().callsite();
        let verdict = budgets().take(&kind, now());
        if verdict == Verdict::FirstLeftOut {
            // Not under the lock: what a line shows may be slow to write out.
            let mut words = Words(String::new());
            event.record(&mut words);
            let text = words.0.chars().take(LINE_SHOWN_CHARACTERS).collect();
            budgets().show(&kind, Line { level, text });
        }
        verdict == Verdict::Write
    }
}

/// The sentence of a line.
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
