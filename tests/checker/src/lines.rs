//! Reading JSON lines, of which there are millions.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes read from a file at once: large enough that the calls do not count, small enough for the
/// cache.
const BUFFER: usize = 256 * 1_024;

/// A file's lines, each seen once.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)
            .with_context(|| format!("the run has no readable {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(BUFFER, file),
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line that is not empty.
    ///
    /// # Errors
    /// When the file cannot be read, or its last line has no end: the recorder was cut off while it
    /// wrote, and what else is missing nobody knows.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            let read = self.file.read_until(b'\n', &mut self.line);
            if read.with_context(|| self.place())? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.line.pop() != Some(b'\n') {
                bail!("{}: the last line is cut off", self.place());
            }
            if !self.line.is_empty() {
                return Ok(Some(&self.line));
            }
        }
    }

    /// Calls `each` for every line, read as `T` by `read`, until the end.
    ///
    /// # Errors
    /// When a line cannot be read, or `each` fails; the error says where.
    pub(crate) fn each(mut self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(line) = self.next()? {
            if let Err(error) = each(line) {
                return Err(error.context(self.place()));
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        format!("{}, line {}", self.path.display(), self.number)
    }
}

/// A line of a dump.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DumpLine<'a> {
    /// The table.
    pub(crate) table: &'a str,
    /// The row, in JSON.
    pub(crate) row: &'a str,
}

/// A line of a dump in whatever order and spacing.
#[derive(Deserialize)]
struct Spelled<'a> {
    table: &'a str,
    #[serde(borrow)]
    row: &'a RawValue,
}

impl<'a> DumpLine<'a> {
    /// Reads a line. As the recorder writes it, it is not parsed but cut: most rows are of no
    /// interest to whoever looks at one table.
    ///
    /// # Errors
    /// When it is no line of a dump.
    pub(crate) fn read(line: &'a [u8]) -> Result<Self> {
        let line = std::str::from_utf8(line).context("the line is not UTF-8")?;
        let cut = || {
            let rest = line.strip_prefix("{\"table\":\"")?.strip_suffix('}')?;
            let (table, rest) = rest.split_once('"')?;
            let row = rest.strip_prefix(",\"row\":")?;
            (!table.contains('\\')).then_some(Self { table, row })
        };
        if let Some(cut) = cut() {
            return Ok(cut);
        }
        let spelled: Spelled<'a> = serde_json::from_str(line).context("no line of a dump")?;
        Ok(Self {
            table: spelled.table,
            row: spelled.row.get(),
        })
    }

    /// The row as `T`.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn row<T: Deserialize<'a>>(&self) -> Result<T> {
        row(self.table, self.row)
    }
}

/// A row's JSON as `T`.
///
/// # Errors
/// When it is none.
pub(crate) fn row<'a, T: Deserialize<'a>>(table: &str, json: &'a str) -> Result<T> {
    serde_json::from_str(json).with_context(|| format!("no row of the table {table}"))
}

/// Reads a whole file as one JSON value.
///
/// # Errors
/// When there is no such file, or it holds something else.
pub(crate) fn whole<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = std::fs::read(path)
        .with_context(|| format!("the run has no readable {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{DumpLine, Lines};

    #[test]
    fn cuts_and_parses_alike() {
        for line in [
            "{\"table\":\"area\",\"row\":{\"code\":\"a\"}}",
            "{ \"table\" : \"area\", \"row\": {\"code\":\"a\"} }",
            "{\"row\":{\"code\":\"a\"},\"table\":\"area\"}",
        ] {
            let read = DumpLine::read(line.as_bytes()).expect(line);
            assert_eq!(
                (read.table, read.row),
                ("area", "{\"code\":\"a\"}"),
                "{line}"
            );
        }
        assert!(DumpLine::read(b"{}").is_err());
    }

    #[test]
    fn a_line_that_is_cut_off_is_an_error_and_says_where() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"1\n\n2\n{\"ta").expect("written");
        let mut seen = Vec::new();
        let lines = Lines::open(file.path()).expect("opened");
        let outcome = lines.each(|line| {
            seen.push(line.to_vec());
            Ok(())
        });
        let error = format!("{:#}", outcome.expect_err("cut off"));
        assert!(error.contains("line 4"), "{error}");
        assert_eq!(seen, [b"1", b"2"]);
    }
}
