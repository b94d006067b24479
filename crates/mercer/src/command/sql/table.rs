//! An aligned table, in Markdown so that it can be pasted into a report. What came from outside is made harmless.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Letters of the longest cell; longer ones end in `…`.
const WIDEST: usize = 80;

/// The rows as text. All of them are kept, since the widest cell gives its column's width.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    name: String,
    is_number: bool,
    width: usize,
}

impl Table {
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        if self.columns.is_empty() {
            self.columns = batch.schema().fields().iter().map(|field| Column::new(field)).collect();
        }
        let options = FormatOptions::default();
        let formatters = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let formatters = formatters.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = formatters.iter().map(|formatter| Ok(tame(&formatter.value(row).try_to_string()?)));
            let cells = cells.collect::<Result<Vec<String>, ArrowError>>()?;
            for (column, cell) in self.columns.iter_mut().zip(&cells) {
                column.width = column.width.max(cell.chars().count());
            }
            self.rows.push(cells);
        }
        Ok(())
    }

    pub(super) fn write(&self, mut out: impl Write) -> io::Result<()> {
        let names = self.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        self.write_row(&mut out, &names)?;
        for Column { width, is_number, .. } in &self.columns {
            let dashes = "-".repeat(width - usize::from(*is_number));
            write!(out, "| {dashes}{} ", if *is_number { ":" } else { "" })?;
        }
        writeln!(out, "|")?;
        for row in &self.rows {
            self.write_row(&mut out, row)?;
        }
        out.flush()
    }

    fn write_row(&self, out: &mut impl Write, cells: &[String]) -> io::Result<()> {
        for (Column { width, is_number, .. }, cell) in self.columns.iter().zip(cells) {
            if *is_number {
                write!(out, "| {cell:>width$} ")?;
            } else {
                write!(out, "| {cell:<width$} ")?;
            }
        }
        writeln!(out, "|")
    }
}

impl Column {
    fn new(field: &arrow::datatypes::Field) -> Self {
        let name = tame(field.name());
        let width = name.chars().count().max(3);
        Self { name, is_number: field.data_type().is_numeric(), width }
    }
}

/// Without line breaks and whatever else commands a terminal, and not too long.
fn tame(text: &str) -> String {
    let is_long = text.chars().count() > WIDEST;
    let kept = if is_long { WIDEST - 1 } else { WIDEST };
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(kept);
    letters.chain(is_long.then_some('…')).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    #[test]
    fn numbers_stand_right_and_wild_text_is_tamed() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("mug\n\u{1b}[31mred"), None, Some("é")]));
        let pieces: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), Some(1_200), None]));
        let batch = RecordBatch::try_from_iter([("name", names), ("n", pieces)]).unwrap();
        let mut table = Table::default();
        table.add(&batch).unwrap();
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let expected = "\
            | name         |    n |\n\
            | ------------ | ---: |\n\
            | mug  [31mred |    7 |\n\
            |              | 1200 |\n\
            | é            |      |\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_long_cell_says_that_it_is_cut() {
        let cell = tame(&"x".repeat(81));
        assert_eq!((cell.chars().count(), cell.chars().last()), (80, Some('…')));
        assert_eq!(tame(&"x".repeat(80)), "x".repeat(80));
    }
}
