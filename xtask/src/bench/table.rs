//! The table of the benchmark: measurement, speed, floor, and whether it is within its budget.
//! Never measures.

use std::fmt::Write as _;

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    what: String,
    measured: String,
    floor: String,
    ratio: f64,
    budget: Option<Budget>,
}

#[derive(Clone, Copy)]
pub(crate) enum Budget {
    /// A cost: the ratio must not be more.
    AtMost(f64),
    /// A rate: the ratio must not be less.
    AtLeast(f64),
}

impl Budget {
    fn is_kept(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => least <= ratio,
        }
    }

    fn spell(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most:.2}"),
            Self::AtLeast(least) => format!("≥ {least:.2}"),
        }
    }
}

impl Table {
    /// A duration in seconds against another.
    pub(crate) fn time(
        &mut self,
        what: &str,
        floor: &str,
        seconds: [f64; 2],
        budget: Option<Budget>,
    ) {
        let [measured, floor_measured] = seconds;
        self.rows.push(Row {
            what: what.to_owned(),
            measured: format!("{:.0} µs", measured * 1e6),
            floor: format!("{floor}: {:.0} µs", floor_measured * 1e6),
            ratio: measured / floor_measured,
            budget,
        });
    }

    /// A number per second of one core against another.
    pub(crate) fn rate(
        &mut self,
        what: &str,
        floor: &str,
        rates: [f64; 2],
        budget: Option<Budget>,
    ) {
        let [measured, floor_measured] = rates;
        self.rows.push(Row {
            what: what.to_owned(),
            measured: format!("{measured:.0}/s"),
            floor: format!("{floor}: {floor_measured:.0}/s"),
            ratio: measured / floor_measured,
            budget,
        });
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn all_kept(&self) -> bool {
        self.rows.iter().all(Row::is_kept)
    }

    pub(crate) fn render(&self) -> String {
        let width = |text: fn(&Row) -> &str, title: &str| {
            let longest = self.rows.iter().map(|row| text(row).chars().count()).max();
            longest.unwrap_or_default().max(title.chars().count())
        };
        let what = width(|row| &row.what, "what");
        let measured = width(|row| &row.measured, "measured");
        let floor = width(|row| &row.floor, "floor");
        let mut text = format!(
            "{:<what$}  {:>measured$}  {:<floor$}  {:>6}  {:>7}\n",
            "what", "measured", "floor", "ratio", "budget"
        );
        for row in &self.rows {
            let (budget, verdict) = match row.budget {
                Some(budget) => (budget.spell(), if row.is_kept() { "ok" } else { "OVER" }),
                None => ("–".to_owned(), ""),
            };
            let _ = writeln!(
                text,
                "{:<what$}  {:>measured$}  {:<floor$}  {:>6.2}  {budget:>7}  {verdict}",
                row.what, row.measured, row.floor, row.ratio
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        let budgets = self.rows.iter().filter(|row| row.budget.is_some());
        let kept = budgets.clone().filter(|row| row.is_kept()).count();
        let _ = writeln!(text, "bench: {kept} of {} budgets kept", budgets.count());
        text
    }
}

impl Row {
    fn is_kept(&self) -> bool {
        self.budget.is_none_or(|budget| budget.is_kept(self.ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_over_and_a_rate_under_the_budget_are_not_kept() {
        let mut table = Table::default();
        table.time("slow", "floor", [0.003, 0.001], Some(Budget::AtMost(2.0)));
        assert!(!table.all_kept());
        assert!(table.render().contains("OVER"), "{}", table.render());
        let mut table = Table::default();
        table.rate("fast", "floor", [90.0, 100.0], Some(Budget::AtLeast(0.8)));
        table.rate("said only", "floor", [1.0, 100.0], None);
        assert!(table.all_kept());
        assert!(table.render().ends_with("bench: 1 of 1 budgets kept\n"), "{}", table.render());
    }
}
