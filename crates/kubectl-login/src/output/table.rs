//! Renders columns of text, aligned as in kubectl.
//! Never lets a cell break its line: control characters are replaced.

/// Spaces between columns.
const GAP: usize = 3;

/// Shown for an empty cell.
const NOTHING: &str = "-";

/// A table with a header.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(|column| column.to_uppercase()).collect()] }
    }

    /// Adds a row.
    pub fn add(&mut self, cells: impl IntoIterator<Item = String>) {
        let shown = |cell: String| {
            let cell: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            if cell.trim().is_empty() { NOTHING.to_owned() } else { cell }
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// The table as text.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + GAP));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_and_lines_end_with_text() {
        let mut table = Table::new(&["name", "until"]);
        table.add(["ä long name".to_owned(), "1h".to_owned()]);
        table.add([String::new(), "x\ny\x1b[2J".to_owned()]);
        assert_eq!(
            table.render(),
            "NAME          UNTIL\nä long name   1h\n-             x y [2J\n"
        );
    }
}
