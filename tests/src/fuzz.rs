//! Fuzzing from the contracts: every method, in every role, with requests from right to absurd.
//!
//! # Design notes
//! A case follows from the seed, its number and the loaded town, and from no other case, so that a
//! failure is repeated by naming both numbers. Two towns differ in the ids that their services made,
//! and at times in what one service had heard of another; what was sent is printed as well. Methods
//! take turns: one that chance chooses might not be chosen. A few cases are under way at once:
//! enough that commands meet, few enough that what a case did to the town can be found out. What is
//! asked of the whole town (nothing panicked, nothing is lost, all that was taken can be read) is
//! asked at the end, by the story.

mod bytes;
mod callers;
mod case;
mod chance;
mod judge;
mod known;
mod learn;
mod message;
mod report;
mod texts;
mod walk;
mod watch;
mod wire;

use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use prost_reflect::MethodDescriptor;
use tonic::Code;

use self::callers::Signer;
use self::case::Case;
use self::judge::complaints;
use self::known::Known;
use self::wire::{Answer, Sent, Wires};
use crate::Town;

pub use report::Report;
pub use walk::read_everything;
pub use watch::Watch;

/// How long is fuzzed when nobody says.
const SECONDS: u64 = 20;
/// Cases of each method that are tried however slow the machine is.
const ROUNDS_LEAST: u64 = 12;
/// Cases under way at once.
const AT_ONCE: usize = 8;
/// Times that a request is sent again which may not be to blame,
const TRIES: u32 = 2;
/// the codes that say that it is not,
const PASSING: [Code; 2] = [Code::Unavailable, Code::DeadlineExceeded];
/// and the pause before each time.
const PAUSE: Duration = Duration::from_secs(1);
/// Findings after which a run ends: what comes later mostly repeats them.
const FINDINGS_MOST: usize = 20;

/// What to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// From which everything is drawn.
    pub seed: u64,
    /// For how long.
    pub time: Duration,
    /// Only these cases; all that the time allows otherwise.
    pub cases: Option<Range<u64>>,
}

impl Plan {
    /// What the environment says: `HANDSLAG_FUZZ_SEED`, `HANDSLAG_FUZZ_SECONDS`, and
    /// `HANDSLAG_FUZZ_CASE` with a number or a range such as `0..1200`.
    ///
    /// # Panics
    /// When one of them cannot be read.
    pub fn from_environment() -> Self {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name: &str, usual: u64| {
            variable(name).map_or(usual, |text| {
                text.parse()
                    .unwrap_or_else(|_| panic!("{name} must be a number, not {text}"))
            })
        };
        let cases = variable("HANDSLAG_FUZZ_CASE").map(|text| {
            range(&text).unwrap_or_else(|| panic!("{text} is neither a case nor a range of cases"))
        });
        Self {
            seed: number("HANDSLAG_FUZZ_SEED", 1),
            time: Duration::from_secs(number("HANDSLAG_FUZZ_SECONDS", SECONDS)),
            cases,
        }
    }
}

fn range(text: &str) -> Option<Range<u64>> {
    match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from < to).then_some(from..to)
        }
        None => {
            let case: u64 = text.parse().ok()?;
            Some(case..case.checked_add(1)?)
        }
    }
}

/// Every method of the four services.
pub(crate) fn methods() -> impl Iterator<Item = MethodDescriptor> {
    handslag_proto::pool()
        .services()
        .filter(|service| service.package_name().starts_with("handslag."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// Whether a method changes something: then it carries an identity.
fn is_command(method: &MethodDescriptor) -> bool {
    method.input().get_field_by_name("request_id").is_some()
}

/// `registry.CreateArea`.
fn name_of(method: &MethodDescriptor) -> String {
    format!("{}.{}", service_of(method), method.name())
}

/// The service that a method is of, by its short name.
fn service_of(method: &MethodDescriptor) -> &'static str {
    let service = method.parent_service();
    let package = service.package_name();
    handslag_runner::ports::SERVICES
        .into_iter()
        .find(|name| package == format!("handslag.{name}.v1"))
        .expect("a service of the town")
}

/// Tries cases on a loaded town until the time is up, and says what came of them.
pub async fn run(town: &Town, plan: &Plan) -> Report {
    let wires = Wires::new(&town.city().addresses());
    let signer = Signer::new(town.issuer());
    let (known, fulfilled) = learn::from(town, &wires, &signer).await;
    let bench = Bench {
        known: &known,
        signer: &signer,
        wires: &wires,
        methods: methods().collect(),
        seed: plan.seed,
    };
    let mut report = Report::new(plan.seed, fulfilled);
    let cases = plan.cases.clone().unwrap_or(0..u64::MAX);
    if cases.end - cases.start <= 1 {
        report.tell_all();
    }
    let least = ROUNDS_LEAST * bench.methods.len() as u64;
    let began = Instant::now();
    let goes_on =
        |number: u64| plan.cases.is_some() || began.elapsed() < plan.time || number < least;
    let mut tried = futures_util::stream::iter(cases)
        .take_while(|number| std::future::ready(goes_on(*number)))
        .map(|number| bench.attempt(number))
        .buffer_unordered(AT_ONCE);
    while report.findings.len() < FINDINGS_MOST
        && let Some((case, answer, found)) = tried.next().await
    {
        report.add(&case, &answer, found);
    }
    report.time = began.elapsed();
    report
}

/// What all cases of a run share.
struct Bench<'a> {
    known: &'a Known,
    signer: &'a Signer<'a>,
    wires: &'a Wires,
    methods: Vec<MethodDescriptor>,
    seed: u64,
}

impl Bench<'_> {
    async fn attempt(&self, number: u64) -> (Case, Answer, Vec<String>) {
        let case = Case::draw(self.seed, number, &self.methods, self.known);
        let answer = self.answered(&case.sent(self.signer)).await;
        let mut found = complaints(&case.question, &answer);
        found.extend(self.repeated(&case, &answer).await);
        (case, answer, found)
    }

    /// What is answered in the end. A connection is ended by the server when it is old, and some
    /// codes say that nothing is wrong with the request; one that is to blame meets them again.
    async fn answered(&self, sent: &Sent) -> Answer {
        for _ in 0..TRIES {
            let answer = self.wires.send(sent).await;
            let may_be_blameless = match &answer {
                Answer::Broken(_) => true,
                Answer::Whole { status, .. } => PASSING.contains(&status.code()),
            };
            if !may_be_blameless {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.wires.send(sent).await
    }

    /// A command that was fulfilled is sent once more, and must answer its first answer.
    async fn repeated(&self, case: &Case, first: &Answer) -> Option<String> {
        let Answer::Whole {
            status, messages, ..
        } = first
        else {
            return None;
        };
        if status.code() != Code::Ok || !case.is_command() {
            return None;
        }
        match self.answered(&case.sent(self.signer)).await {
            Answer::Whole {
                status,
                messages: again,
                ..
            } if status.code() == Code::Ok => {
                (*messages != again).then(|| "the same command was answered otherwise".to_owned())
            }
            other => Some(format!("the same command was answered with {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Plan, SECONDS};

    fn plan(variables: &[(&str, &str)]) -> Plan {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Plan::read(|name| variables.get(name).map(ToString::to_string))
    }

    #[test]
    fn the_environment_says_what_to_try() {
        let usual = Plan {
            seed: 1,
            time: Duration::from_secs(SECONDS),
            cases: None,
        };
        assert_eq!(plan(&[]), usual);
        let said = plan(&[
            ("HANDSLAG_FUZZ_SEED", "7"),
            ("HANDSLAG_FUZZ_SECONDS", "600"),
            ("HANDSLAG_FUZZ_CASE", "12"),
        ]);
        assert_eq!((said.seed, said.cases), (7, Some(12..13)));
        assert_eq!(said.time, Duration::from_secs(600));
        assert_eq!(plan(&[("HANDSLAG_FUZZ_CASE", "0..90")]).cases, Some(0..90));
    }

    #[test]
    #[should_panic(expected = "neither a case nor a range")]
    fn a_range_that_goes_backwards_is_none() {
        plan(&[("HANDSLAG_FUZZ_CASE", "9..3")]);
    }

    #[test]
    #[should_panic(expected = "must be a number")]
    fn a_seed_that_is_no_number_is_not_passed_over() {
        plan(&[("HANDSLAG_FUZZ_SEED", "seven")]);
    }
}
