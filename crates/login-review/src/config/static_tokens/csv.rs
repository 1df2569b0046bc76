//! Parses comma-separated values by the rules of Go's `encoding/csv`, as kube-apiserver does.
//! Never guesses: a misplaced quotation mark stops the parser with a fault.

/// One record and its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) fields: Vec<String>,
}

/// Where and why the parser stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CsvFault {
    pub(super) line: u64,
    pub(super) message: &'static str,
}

/// All records; empty lines are skipped.
pub(super) fn records(text: &str) -> Result<Vec<Record>, CsvFault> {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1 };
    let mut records = Vec::new();
    while let Some(next) = reader.rest.peek() {
        if matches!(next, '\n' | '\r') && reader.end_of_line() {
            continue;
        }
        let line = reader.line;
        let mut fields = Vec::new();
        loop {
            fields.push(reader.field()?);
            if reader.rest.next_if_eq(&',').is_none() {
                break;
            }
        }
        records.push(Record { line, fields });
        reader.end_of_line();
    }
    Ok(records)
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    line: u64,
}

impl Reader<'_> {
    /// Skips `\n` or `\r\n`, or `\r` at the end of the file; another lone `\r` is text.
    fn end_of_line(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        let is_return = ahead.next_if_eq(&'\r').is_some();
        if ahead.next_if_eq(&'\n').is_none() && !(is_return && ahead.peek().is_none()) {
            return false;
        }
        self.rest = ahead;
        self.line += 1;
        true
    }

    fn at_end_of_field(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        match ahead.next() {
            None | Some(',' | '\n') => true,
            Some('\r') => matches!(ahead.next(), None | Some('\n')),
            Some(_) => false,
        }
    }

    fn field(&mut self) -> Result<String, CsvFault> {
        let begins = self.line;
        let mut field = String::new();
        if self.rest.next_if_eq(&'"').is_none() {
            while !self.at_end_of_field() {
                match self.rest.next() {
                    Some('"') => {
                        let message = "a quotation mark stands inside a field without quotes";
                        return Err(CsvFault { line: self.line, message });
                    }
                    Some(other) => field.push(other),
                    None => break,
                }
            }
            return Ok(field);
        }
        loop {
            if self.end_of_line() {
                field.push('\n');
                continue;
            }
            match self.rest.next() {
                Some('"') if self.rest.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') if self.at_end_of_field() => return Ok(field),
                Some('"') => {
                    let message = "text follows a closing quotation mark";
                    return Err(CsvFault { line: self.line, message });
                }
                Some(other) => field.push(other),
                None => {
                    let message = "a quotation mark is not closed";
                    return Err(CsvFault { line: begins, message });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Vec<String>>, (u64, &'static str)> {
        records(text)
            .map(|records| records.into_iter().map(|record| record.fields).collect())
            .map_err(|fault| (fault.line, fault.message))
    }

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
    }

    // Go 1.26's `encoding/csv` gives the same records for these texts.
    #[test]
    fn records_are_those_of_go() {
        for (text, expected) in [
            ("", rows(&[])),
            ("\n\r\n\n", rows(&[])),
            ("a,b,c", rows(&[&["a", "b", "c"]])),
            ("a,b\r\n\nc\n", rows(&[&["a", "b"], &["c"]])),
            ("a,\"b,c\",", rows(&[&["a", "b,c", ""]])),
            ("\"a\"\"b\",c", rows(&[&["a\"b", "c"]])),
            (" a , b", rows(&[&[" a ", " b"]])),
            ("\"a\nb\",c\nd", rows(&[&["a\nb", "c"], &["d"]])),
            ("# a,b", rows(&[&["# a", "b"]])),
            (",", rows(&[&["", ""]])),
            ("a,b,c\r", rows(&[&["a", "b", "c"]])),
            ("a,\"b\"\r", rows(&[&["a", "b"]])),
            ("a\n\r", rows(&[&["a"]])),
            ("a\rb,c", rows(&[&["a\rb", "c"]])),
            ("\"\"", rows(&[&[""]])),
        ] {
            assert_eq!(read(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn misplaced_quotation_marks_are_faults_at_their_line() {
        assert_eq!(read("a\nb,c\"d").map_err(|fault| fault.0), Err(2));
        assert_eq!(read("a\n\"b\"c").map_err(|fault| fault.0), Err(2));
        assert_eq!(read("a\n\"b\n\nc"), Err((2, "a quotation mark is not closed")));
        assert_eq!(records("\"a\n\",b\nc").unwrap()[1].line, 3);
    }
}
