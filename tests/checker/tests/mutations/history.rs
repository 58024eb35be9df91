//! A history that can be mutated, and how its judgement is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use handslag_checker::record::dump_line;
use handslag_checker::{Breach, Invariant, generate, judge};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::{RngSeed, TestCaseError};
use serde_json::Value;
use tempfile::TempDir;

/// How many different histories are mutated.
pub(crate) const SEEDS: u64 = 6;
/// Events of each: enough for every kind of record.
const EVENTS: u64 = 300;

/// How often each mutation is tried, with other places and other histories.
pub(crate) fn tries() -> ProptestConfig {
    let usual = ProptestConfig::with_cases(12);
    ProptestConfig {
        failure_persistence: None,
        // The same in every run; PROPTEST_RNG_SEED gives others.
        rng_seed: match usual.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            given @ RngSeed::Fixed(_) => given,
        },
        ..usual
    }
}

/// A history: its files by their names, line by line.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) files: BTreeMap<String, Vec<Value>>,
    /// The manifest.
    pub(crate) run: Value,
    /// The broker's state.
    pub(crate) broker: Value,
}

/// The right history of a seed.
pub(crate) fn right(seed: u64) -> History {
    static HISTORIES: OnceLock<Vec<History>> = OnceLock::new();
    let histories = HISTORIES.get_or_init(|| {
        let make = |seed| {
            let dir = TempDir::new().expect("a directory");
            generate::write(dir.path(), EVENTS, seed).expect("generated");
            History::read(dir.path())
        };
        (0..SEEDS).map(make).collect()
    });
    let index = usize::try_from(seed % SEEDS).expect("small");
    histories[index].clone()
}

impl History {
    fn read(dir: &Path) -> Self {
        let value = |name: &str| {
            let text = fs::read_to_string(dir.join(name)).expect(name);
            serde_json::from_str(&text).expect(name)
        };
        let mut files = BTreeMap::new();
        for folder in ["", "dump/", "subscribers/"] {
            for entry in fs::read_dir(dir.join(folder)).expect(folder) {
                let name = entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a name");
                if name.ends_with(".jsonl") {
                    let name = format!("{folder}{name}");
                    let text = fs::read_to_string(dir.join(&name)).expect("a file");
                    let lines = text
                        .lines()
                        .map(|line| serde_json::from_str(line).expect(line));
                    files.insert(name, lines.collect());
                }
            }
        }
        Self {
            files,
            run: value("run.json"),
            broker: value("broker.json"),
        }
    }

    /// Writes it; `spell` makes a line.
    pub(crate) fn write_as(&self, dir: &Path, spell: impl Fn(&str, &Value) -> String) {
        for folder in ["dump", "subscribers"] {
            fs::create_dir(dir.join(folder)).expect("a folder");
        }
        for (name, lines) in &self.files {
            let lines: String = lines.iter().map(|line| spell(name, line) + "\n").collect();
            fs::write(dir.join(name), lines).expect("written");
        }
        fs::write(dir.join("run.json"), self.run.to_string()).expect("written");
        fs::write(dir.join("broker.json"), self.broker.to_string()).expect("written");
    }

    /// Writes it as a recorder does.
    pub(crate) fn write(&self, dir: &Path) {
        self.write_as(dir, |name, line| {
            if name.starts_with("dump/") {
                let table = line["table"].as_str().expect("a table");
                dump_line(table, &line["row"].to_string()).expect("a line")
            } else {
                line.to_string()
            }
        });
    }

    /// What the judge finds.
    pub(crate) fn breaches(&self) -> Vec<Breach> {
        let dir = TempDir::new().expect("a directory");
        self.write(dir.path());
        judge(dir.path()).expect("judged").breaches
    }

    /// The lines of a file.
    pub(crate) fn lines(&mut self, name: &str) -> &mut Vec<Value> {
        self.files
            .get_mut(name)
            .unwrap_or_else(|| panic!("no {name}"))
    }

    /// The lines of a service's dump.
    pub(crate) fn dump(&mut self, service: &str) -> &mut Vec<Value> {
        self.lines(&format!("dump/{service}.jsonl"))
    }

    /// Where the rows of a table stand in the dump of a service.
    pub(crate) fn rows(&self, service: &str, table: &str) -> Vec<usize> {
        let lines = &self.files[&format!("dump/{service}.jsonl")];
        let of = |(index, line): (usize, &Value)| (line["table"] == table).then_some(index);
        lines.iter().enumerate().filter_map(of).collect()
    }

    /// A row of a dump.
    pub(crate) fn row(&mut self, service: &str, index: usize) -> &mut Value {
        &mut self.dump(service)[index]["row"]
    }

    /// Where the lines of a file stand that are so.
    pub(crate) fn places(&self, name: &str, is: impl Fn(&Value) -> bool) -> Vec<usize> {
        let lines = self.files[name].iter().enumerate();
        lines
            .filter(|(_, line)| is(line))
            .map(|(index, _)| index)
            .collect()
    }
}

/// What a mutation must be found as.
pub(crate) struct Blame<'a> {
    /// At least one breach is of one of these.
    pub(crate) of: &'a [Invariant],
    /// Breaches of these may follow from it; of any other would be a false accusation.
    pub(crate) with: &'a [Invariant],
    /// What a breach of the first kind must name: an event's id, an aggregate, or words.
    pub(crate) naming: Option<String>,
}

/// The mutation is found, and blamed on what it breaks.
pub(crate) fn is_blamed(history: &History, blame: &Blame<'_>) -> Result<(), TestCaseError> {
    let breaches = history.breaches();
    let found: BTreeSet<Invariant> = breaches.iter().map(|breach| breach.invariant).collect();
    let all = breaches
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    let fitting: Vec<&Breach> = breaches
        .iter()
        .filter(|breach| blame.of.contains(&breach.invariant))
        .collect();
    if fitting.is_empty() {
        return Err(TestCaseError::fail(format!(
            "none of {:?} is blamed:\n{all}",
            blame.of
        )));
    }
    let strange: Vec<_> = found
        .into_iter()
        .filter(|found| !blame.of.contains(found) && !blame.with.contains(found))
        .collect();
    if !strange.is_empty() {
        return Err(TestCaseError::fail(format!(
            "{strange:?} is blamed as well:\n{all}"
        )));
    }
    if let Some(naming) = &blame.naming
        && !fitting
            .iter()
            .any(|breach| breach.to_string().contains(naming))
    {
        return Err(TestCaseError::fail(format!(
            "{naming} is not named:\n{all}"
        )));
    }
    Ok(())
}

/// The mutation changes no meaning: nothing is found.
pub(crate) fn is_right(history: &History) -> Result<(), TestCaseError> {
    let breaches = history.breaches();
    match breaches.first() {
        None => Ok(()),
        Some(first) => Err(TestCaseError::fail(format!(
            "{} breaches: {first}",
            breaches.len()
        ))),
    }
}

/// Chance within a try: one number gives several.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // Knuth's linear congruence; the high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The text in a column.
pub(crate) fn text(row: &Value, column: &str) -> String {
    row[column]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {column} of {row}"))
        .to_owned()
}

/// Another value of the same kind.
pub(crate) fn another(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("x-x"),
        Value::Bool(is) => Value::from(!is),
        Value::Number(number) => Value::from(number.as_i64().expect("an integer") + 1),
        Value::String(text) => another_text(text),
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Array(list) => Value::from(list[1..].to_vec()),
        Value::Object(_) => Value::Null,
    }
}

/// Ids, days and moments stay what they are.
fn another_text(text: &str) -> Value {
    let bytes = text.as_bytes();
    let is_date = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let is_id = text.len() == 36 && bytes[8] == b'-' && bytes[13] == b'-';
    if is_date {
        // Another year of four digits.
        let digit = if bytes[3] == b'1' { '2' } else { '1' };
        return Value::from(format!("{}{digit}{}", &text[..3], &text[4..]));
    }
    if is_id {
        let digit = if bytes[35] == b'0' { '1' } else { '0' };
        return Value::from(format!("{}{digit}", &text[..35]));
    }
    Value::from(format!("{text}x"))
}
