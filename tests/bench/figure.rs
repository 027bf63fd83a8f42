//! One measured figure, its budget, and how it is told: a JSON line on standard output.

use serde_json::{Map, Value, json};

/// What a figure must keep to.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// The value over its baseline, at least.
    RatioMin(f64),
    /// The value over its baseline, at most.
    RatioMax(f64),
    /// The value itself, at most.
    Max(f64),
    /// The value itself, at least.
    Min(f64),
    /// Told for information.
    None,
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Which benchmark it belongs to.
    pub bench: &'static str,
    /// Its name.
    pub figure: &'static str,
    /// What was measured.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same of the baseline, when there is one.
    pub baseline: Option<f64>,
    /// Their ratio, when it is more than the quotient of the two: see [`paired`].
    pub ratio: Option<f64>,
    /// What it must keep to.
    pub budget: Budget,
}

impl Figure {
    /// Prints the line and tells whether the budget is kept.
    pub fn tell(self) -> bool {
        let ratio = self.ratio.or(self.baseline.map(|baseline| self.value / baseline));
        let (limit, is_kept) = match self.budget {
            Budget::RatioMin(least) => (Some(least), ratio.is_some_and(|ratio| ratio >= least)),
            Budget::RatioMax(most) => (Some(most), ratio.is_some_and(|ratio| ratio <= most)),
            Budget::Max(most) => (Some(most), self.value <= most),
            Budget::Min(least) => (Some(least), self.value >= least),
            Budget::None => (None, true),
        };
        let mut line = Map::new();
        line.insert("bench".to_owned(), json!(self.bench));
        line.insert("figure".to_owned(), json!(self.figure));
        line.insert("value".to_owned(), number(Some(self.value)));
        line.insert("unit".to_owned(), json!(self.unit));
        line.insert("baseline".to_owned(), number(self.baseline));
        line.insert("ratio".to_owned(), number(ratio));
        line.insert("budget".to_owned(), number(limit));
        line.insert("ok".to_owned(), json!(is_kept));
        println!("{}", Value::Object(line));
        is_kept
    }
}

/// Three decimals are more than a noisy machine can honour.
fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| json!((value * 1000.0).round() / 1000.0))
}

/// The middle of the ratios of measurements made next to each other: what disturbs the machine for a while disturbs
/// both of a pair.
pub fn paired(values: &[f64], baselines: &[f64]) -> f64 {
    let ratios: Vec<f64> = values.iter().zip(baselines).map(|(value, baseline)| value / baseline).collect();
    median(&ratios)
}

/// The middle of some measurements; of an even count, the upper one of the two.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which a share of the measurements lies.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Budget, Figure, median, paired, quantile};

    #[test]
    fn the_middle_and_the_tail() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        let many: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(quantile(&many, 0.99), 990.0);
        assert!(median(&[]).is_nan());
        assert_eq!(paired(&[8.0, 1.0, 9.0], &[10.0, 1.25, 9.0]), 0.8);
    }

    #[test]
    fn budgets_bind_on_the_right_side() {
        let given = Figure {
            bench: "b",
            figure: "f",
            value: 9.0,
            unit: "",
            baseline: Some(10.0),
            ratio: None,
            budget: Budget::None,
        };
        let figure = |budget| Figure { budget, ..given };
        assert!(figure(Budget::RatioMin(0.9)).tell() && !figure(Budget::RatioMin(0.91)).tell());
        assert!(figure(Budget::RatioMax(0.9)).tell() && !figure(Budget::RatioMax(0.89)).tell());
        assert!(figure(Budget::Max(9.0)).tell() && !figure(Budget::Max(8.9)).tell());
        assert!(figure(Budget::Min(9.0)).tell() && !figure(Budget::Min(9.1)).tell());
        let without = Figure { baseline: None, ..figure(Budget::RatioMin(0.0)) };
        assert!(!without.tell());
    }
}
