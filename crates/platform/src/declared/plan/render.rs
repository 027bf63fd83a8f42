//! A plan for people: one line for each object, however many steps it takes.

use super::Plan;
use crate::declared::step::{Sort, Step};
use std::collections::HashMap;

impl Plan {
    /// The plan for people: a line for each warning, object and membership, and a summary.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for warning in &self.warnings {
            text.push_str(&format!("warning: {warning}\n"));
        }
        let lines = lines(&self.steps);
        for (_, line) in &lines {
            text.push_str(&format!("{line}\n"));
        }
        let count = |wanted| lines.iter().filter(|(sort, _)| *sort == wanted).count();
        if self.is_empty() {
            text.push_str("Nothing to do: everything is as declared.\n");
        } else {
            let (add, change, remove) = (count(Sort::Add), count(Sort::Change), count(Sort::Remove));
            text.push_str(&format!("{add} to add, {change} to change, {remove} to remove.\n"));
        }
        text
    }
}

/// Later steps about an object are told behind its first one; of a new object it is only said that it is new.
fn lines(steps: &[Step]) -> Vec<(Sort, String)> {
    let mut lines: Vec<(Sort, String)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for step in steps {
        let object = step.object();
        let told = object.as_ref().and_then(|object| places.get(object)).and_then(|place| lines.get_mut(*place));
        match told {
            Some((Sort::Add, _)) => {}
            Some((_, line)) => line.push_str(&format!("; {}", step.changes())),
            None => {
                places.extend(object.map(|object| (object, lines.len())));
                lines.push((step.sort(), step.to_string()));
            }
        }
    }
    lines
}
