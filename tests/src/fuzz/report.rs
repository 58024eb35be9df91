//! What came of a run: the answers by method, and each finding with what repeats it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use tonic::Code;

use super::case::Case;
use super::judge::info;
use super::wire::Answer;
use super::{methods, name_of};

/// Most of a request that is printed, in bytes; the whole of it is drawn again by its number.
const PRINTED_BYTES_MOST: usize = 600;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What the services answered wrongly.
    pub findings: Vec<String>,
    /// How long it took.
    pub time: Duration,
    seed: u64,
    answers: BTreeMap<String, BTreeMap<String, u64>>,
    fulfilled: BTreeSet<String>,
    seen: Vec<String>,
    /// The cases in full, where a person asked for one.
    told: Option<Vec<String>>,
}

impl Report {
    /// Nothing is tried yet; some methods have done what they were asked before.
    pub(super) fn new(seed: u64, fulfilled: BTreeSet<String>) -> Self {
        Self {
            fulfilled,
            findings: Vec::new(),
            time: Duration::ZERO,
            seed,
            answers: BTreeMap::new(),
            seen: Vec::new(),
            told: None,
        }
    }

    /// Tells each case in full, whatever came of it.
    pub(super) fn tell_all(&mut self) {
        self.told = Some(Vec::new());
    }

    /// Counts an answer, and keeps what is wrong with it; the same of the same method once.
    pub(super) fn add(&mut self, case: &Case, answer: &Answer, complaints: Vec<String>) {
        let call = name_of(&case.question.method);
        let word = word_for(answer);
        if word == "OK" {
            self.fulfilled.insert(call.clone());
        }
        let answers = self.answers.entry(call.clone()).or_default();
        *answers.entry(word).or_default() += 1;
        if self.told.is_some() {
            let description = self.description(case, answer);
            self.told.get_or_insert_default().push(description);
        }
        for complaint in complaints {
            let once = format!("{call}: {complaint}");
            if !self.seen.contains(&once) {
                let description = self.description(case, answer);
                self.findings
                    .push(format!("{call}: {complaint}\n{description}"));
                self.seen.push(once);
            }
        }
    }

    /// How many cases were tried.
    pub fn cases(&self) -> u64 {
        self.answers.values().flat_map(BTreeMap::values).sum()
    }

    /// The methods that never did what they were asked.
    pub fn never_fulfilled(&self) -> Vec<String> {
        methods()
            .map(|method| name_of(&method))
            .filter(|name| !self.fulfilled.contains(name))
            .collect()
    }

    /// A case with what repeats it.
    fn description(&self, case: &Case, answer: &Answer) -> String {
        let Self { seed, .. } = self;
        let number = case.number;
        let request = serde_json::to_string(&case.request).unwrap_or_default();
        let told = match answer {
            Answer::Broken(how) => how.clone(),
            Answer::Whole { status, .. } => crate::message(status),
        };
        format!(
            "  seed {seed}, case {number}, {caller:?}, {treatment}\n  \
             answer: {told}\n  \
             request: {request}\n  \
             bytes: {bytes}\n  \
             again: HANDSLAG_FUZZ_SEED={seed} HANDSLAG_FUZZ_CASE={number}, \
             or with all before it HANDSLAG_FUZZ_CASE=0..{after}",
            caller = case.caller,
            treatment = case.treatment,
            told = cut(&told),
            request = cut(&request),
            bytes = hexadecimal(&case.body),
            after = number + 1,
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in self.told.iter().flatten() {
            writeln!(f, "{case}")?;
        }
        for (method, answers) in &self.answers {
            let counts: Vec<String> = answers
                .iter()
                .map(|(word, count)| format!("{word} {count}"))
                .collect();
            writeln!(f, "{method:<42} {}", counts.join(", "))?;
        }
        writeln!(
            f,
            "seed {}: {} cases in {:.1} s, {} findings",
            self.seed,
            self.cases(),
            self.time.as_secs_f64(),
            self.findings.len()
        )
    }
}

fn word_for(answer: &Answer) -> String {
    match answer {
        Answer::Broken(_) => "broken".to_owned(),
        Answer::Whole { status, .. } if status.code() == Code::Ok => "OK".to_owned(),
        Answer::Whole { status, .. } => info(status).0,
    }
}

fn cut(text: &str) -> String {
    if text.len() <= PRINTED_BYTES_MOST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(PRINTED_BYTES_MOST / 4).collect();
    format!("{kept}… ({} bytes)", text.len())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(PRINTED_BYTES_MOST)];
    let text: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    if shown.len() == bytes.len() {
        text
    } else {
        format!("{text}… ({} bytes)", bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::{Answer, Case, Report, cut, hexadecimal};
    use crate::fuzz::known::Known;

    #[test]
    fn a_finding_says_how_to_repeat_it_and_is_told_once() {
        let methods: Vec<_> = crate::fuzz::methods().collect();
        let case = Case::draw(3, 4, &methods, &Known::default());
        let mut report = Report::new(3, BTreeSet::new());
        let broken = Answer::Broken("the connection broke".to_owned());
        for _ in 0..2 {
            report.add(&case, &broken, vec!["the connection broke".to_owned()]);
        }
        assert_eq!((report.cases(), report.findings.len()), (2, 1));
        assert_eq!(report.never_fulfilled().len(), methods.len());
        let again = "HANDSLAG_FUZZ_SEED=3 HANDSLAG_FUZZ_CASE=4,";
        assert!(report.findings[0].contains(again), "{}", report.findings[0]);
        assert!(!report.to_string().contains(again));
        report.tell_all();
        report.add(&case, &broken, Vec::new());
        assert!(report.to_string().contains(again));
        report.time = Duration::from_secs(2);
        assert!(
            report
                .to_string()
                .contains("seed 3: 3 cases in 2.0 s, 1 findings")
        );
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(hexadecimal(b"\x00\xff"), "00ff");
        assert!(hexadecimal(&[7; 5_000]).ends_with("… (5000 bytes)"));
        assert!(cut(&"å".repeat(5_000)).ends_with("… (10000 bytes)"));
    }
}
