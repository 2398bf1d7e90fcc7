//! Comma-separated values (RFC 4180), safe to open in a spreadsheet.

use std::io::{self, Write};

/// What a formula begins with, also in the forms that some spreadsheets take for the same
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
const COMPUTED: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];
/// What a cell must not have in the open: also what other countries' spreadsheets end a cell with, so
/// that no other cell begins in the middle of it.
const QUOTED: [char; 7] = [',', ';', '\t', '"', '\n', '\r', '\''];

/// Writes rows.
pub struct Csv<W>(W);

impl<W: Write> Csv<W> {
    /// With its head.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(writer: W, head: &[&str]) -> io::Result<Self> {
        let mut csv = Self(writer);
        csv.row(head)?;
        Ok(csv)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn row<T: AsRef<str>>(&mut self, cells: &[T]) -> io::Result<()> {
        for (at, cell) in cells.iter().enumerate() {
            let cell = cell.as_ref();
            let comma = if at > 0 { "," } else { "" };
            // A spreadsheet would compute what begins so; what callers wrote is text.
            let guard = match cell.starts_with(COMPUTED) {
                true => "'",
                false => "",
            };
            match guard.is_empty() && !cell.contains(QUOTED) {
                true => write!(self.0, "{comma}{cell}")?,
                false => write!(self.0, "{comma}\"{guard}{}\"", cell.replace('"', "\"\""))?,
            }
        }
        self.0.write_all(b"\r\n")
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_one_cell_and_text() {
        let mut bytes = Vec::new();
        let mut csv = Csv::new(&mut bytes, &["a", "b"]).unwrap();
        csv.row(&["1, \"2\"\n3", "=HYPERLINK(\"x\")"]).unwrap();
        csv.row(&["plain", "-1"]).unwrap();
        csv.row(&["a;=1+1", "\u{ff1d}1+1"]).unwrap();
        csv.finish().unwrap();
        let expected = "a,b\r\n\"1, \"\"2\"\"\n3\",\"'=HYPERLINK(\"\"x\"\")\"\r\nplain,\"'-1\"\r\n\
                        \"a;=1+1\",\"'\u{ff1d}1+1\"\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
