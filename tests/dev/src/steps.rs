//! The steps of `cargo dev test`, each of them also a verb of its own.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::{chart, queries, tidy, tools, verification};

/// One step.
struct Step {
    name: &'static str,
    /// What it proves, for the table.
    claim: &'static str,
    run: fn(&Context) -> Result<Outcome>,
    /// Whether it can do without what it needs: a tool that cannot be had is then left out.
    optional: bool,
}

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// With the reason.
    LeftOut(String),
}

/// What of `cargo dev test` is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    keep_going: bool,
    only: Vec<String>,
}

/// In this order: what fails fastest and most often comes first.
const STEPS: [Step; 13] = [
    Step::new("fmt", "the code is formatted", fmt),
    Step::new("tidy", "sizes, directions and words", tidy_step),
    Step::new("buf", "the contracts follow the rules", buf).optional(),
    Step::new(
        "chart",
        "chart and manifests, all that is optional",
        chart_step,
    )
    .optional(),
    Step::new("sqlx", "described queries are up to date", sqlx),
    Step::new("lint", "clippy finds nothing", lint),
    Step::new("docs", "documentation without warnings", docs),
    Step::new("deny", "licences, origins, known flaws", deny).optional(),
    Step::new("rust", "every test in Rust", rust),
    Step::new("simulate", "messaging against a model, by seed", simulate),
    Step::new("faults", "faults under load, a selection", faults),
    Step::new("python", "a client in Python", python).optional(),
    Step::new("browser", "the pages in a browser", browser).optional(),
];

impl Step {
    const fn new(
        name: &'static str,
        claim: &'static str,
        run: fn(&Context) -> Result<Outcome>,
    ) -> Self {
        Self {
            name,
            claim,
            run,
            optional: false,
        }
    }

    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

impl Choice {
    /// Reads the flags of `test`.
    pub(crate) fn parse(flags: &[&str]) -> Result<Self> {
        let mut choice = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match *flag {
                "--keep-going" => choice.keep_going = true,
                "--only" => {
                    let name = flags.next().context("--only needs the name of a step")?;
                    choice.only.push(known(name)?.name.to_owned());
                }
                other => bail!("`test` does not know {other}"),
            }
        }
        Ok(choice)
    }

    fn wants(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.name)
    }
}

/// Whether a step can be called as a verb.
pub(crate) fn is_verb(name: &str) -> bool {
    STEPS.iter().any(|step| step.name == name)
}

/// Runs one step as a verb.
pub(crate) fn run_one(context: &Context, name: &str) -> Result<bool> {
    match outcome(context, known(name)?) {
        Outcome::Passed => Ok(true),
        Outcome::Failed => Ok(false),
        Outcome::LeftOut(reason) => bail!("{reason}"),
    }
}

/// Runs all wanted steps, prints the table, and stops what was started.
pub(crate) fn run_all(context: Context, choice: &Choice) -> Result<bool> {
    let mut rows = Vec::new();
    for step in STEPS.iter().filter(|step| choice.wants(step)) {
        println!("\n== {}: {}", step.name, step.claim);
        let started = Instant::now();
        let outcome = outcome(&context, step);
        let failed = outcome == Outcome::Failed;
        rows.push((step, outcome, started.elapsed()));
        if failed {
            say_free_disk();
        }
        if failed && !choice.keep_going {
            break;
        }
    }
    print_table(&rows, &context.notices());
    // The city first, which stands on nothing of the shared servers; then our mark on those.
    drop(context);
    handslag_local_infra::stop_test_servers()?;
    let failed = rows
        .iter()
        .filter(|(_, outcome, _)| *outcome == Outcome::Failed)
        .count();
    let passed = rows
        .iter()
        .filter(|(_, outcome, _)| *outcome == Outcome::Passed)
        .count();
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// Servers on a full disk fail in ways that do not say so.
fn say_free_disk() {
    let asked = std::process::Command::new("df")
        .args(["-Pk", "/var/tmp"])
        .output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if let Some(row) = text.unwrap_or_default().lines().nth(1) {
        eprintln!("disk of /var/tmp, in KiB: {row}");
    }
}

fn known(name: &str) -> Result<&'static Step> {
    let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    let step = STEPS.iter().find(|step| step.name == name);
    step.with_context(|| format!("there is no step `{name}`, only {}", names.join(", ")))
}

fn outcome(context: &Context, step: &Step) -> Outcome {
    match (step.run)(context) {
        Ok(Outcome::LeftOut(reason)) if context.ci => {
            eprintln!("{}: {reason}, and under CI nothing is left out", step.name);
            Outcome::Failed
        }
        Ok(outcome) => outcome,
        Err(error) if step.optional && !context.ci => Outcome::LeftOut(format!("{error:#}")),
        Err(error) => {
            eprintln!("{}: {error:#}", step.name);
            Outcome::Failed
        }
    }
}

fn print_table(rows: &[(&Step, Outcome, Duration)], notices: &[String]) {
    println!();
    for (step, outcome, took) in rows {
        let (word, reason) = match outcome {
            Outcome::Passed => ("passed", String::new()),
            Outcome::Failed => ("FAILED", String::new()),
            Outcome::LeftOut(reason) => ("left out", format!(": {}", one_line(reason))),
        };
        let took = took.as_secs_f64();
        println!(
            "{:<8} {:<34} {took:>7.1} s  {word}{reason}",
            step.name, step.claim
        );
    }
    for notice in notices {
        println!("note: {notice}");
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn passed_if(success: bool) -> Outcome {
    if success {
        Outcome::Passed
    } else {
        Outcome::Failed
    }
}

fn fmt(context: &Context) -> Result<Outcome> {
    context
        .run(context.cargo().args(["fmt", "--all", "--check"]))
        .map(passed_if)
}

fn tidy_step(context: &Context) -> Result<Outcome> {
    let findings = tidy::check(&context.root)?;
    for finding in &findings {
        println!("{finding}");
    }
    Ok(passed_if(findings.is_empty()))
}

fn buf(context: &Context) -> Result<Outcome> {
    let buf = tools::buf(context)?;
    context
        .run(context.program(buf).args(["lint", "proto"]))
        .map(passed_if)
}

fn chart_step(context: &Context) -> Result<Outcome> {
    let findings = chart::check(context)?;
    for finding in &findings {
        println!("{finding}");
    }
    Ok(passed_if(findings.is_empty()))
}

fn sqlx(context: &Context) -> Result<Outcome> {
    let differences = queries::check(context)?;
    for difference in &differences {
        println!("{difference}");
    }
    if !differences.is_empty() {
        println!("run `cargo dev sqlx --write` and commit what it writes");
    }
    Ok(passed_if(differences.is_empty()))
}

fn lint(context: &Context) -> Result<Outcome> {
    let mut cargo = context.cargo();
    cargo.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]);
    context.run(&mut cargo).map(passed_if)
}

fn docs(context: &Context) -> Result<Outcome> {
    let mut cargo = context.cargo();
    cargo
        .args(["doc", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "-Dwarnings");
    context.run(&mut cargo).map(passed_if)
}

/// Advisories come from a repository that is fetched anew. A network that refuses it is no fault
/// of the code: it is noted, under CI too, and everything else is checked either way.
fn deny(context: &Context) -> Result<Outcome> {
    let deny = tools::cargo_deny(context)?;
    let run = |checks: &[&str]| {
        let mut command = context.program(&deny);
        command.args(["--workspace", "--config", ".deny.toml"]);
        command
            .args(["check", "--hide-inclusion-graph"])
            .args(checks);
        command
    };
    if !context.run(&mut run(&["bans", "licenses", "sources"]))? {
        return Ok(Outcome::Failed);
    }
    let output = run(&["advisories"])
        .output()
        .context("cannot run cargo-deny")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok(Outcome::Passed);
    }
    if said.contains("failed to fetch") || said.contains("failed to load advisory") {
        context.notice("known flaws were not looked up: the advisory database cannot be fetched");
        return Ok(Outcome::Passed);
    }
    eprint!("{said}");
    Ok(Outcome::Failed)
}

/// The servers are started before, once, and named to every test binary: else the first test of
/// each would look for them.
fn rust(context: &Context) -> Result<Outcome> {
    let servers = context.servers()?.environment();
    let mut cargo = context.cargo();
    cargo.args(["test", "--workspace"]).envs(servers);
    context.run(&mut cargo).map(passed_if)
}

fn simulate(context: &Context) -> Result<Outcome> {
    verification::short_simulation(context).map(passed_if)
}

fn faults(context: &Context) -> Result<Outcome> {
    verification::short_faults(context).map(passed_if)
}

fn python(context: &Context) -> Result<Outcome> {
    let folder = context.root.join("tests/python");
    if !folder.exists() {
        return Ok(Outcome::LeftOut(
            "there are no tests in tests/python".to_owned(),
        ));
    }
    let python = tools::python(context)?;
    let mut pytest = context.program(python);
    pytest
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .current_dir(folder);
    // A city that does not start is a failure, not a tool that is missing.
    run_in_city(context, &mut pytest)
}

fn browser(context: &Context) -> Result<Outcome> {
    let folder = context.root.join("tests/browser");
    if !folder.join("package-lock.json").exists() {
        return Ok(Outcome::LeftOut(
            "there are no tests in tests/browser".to_owned(),
        ));
    }
    tools::browser_packages(context, &folder)?;
    let chromium = tools::chromium()?;
    let mut npm = context.program("npm");
    npm.args(["test", "--silent"])
        .current_dir(folder)
        .env("HANDSLAG_CHROMIUM", chromium);
    run_in_city(context, &mut npm)
}

fn run_in_city(context: &Context, command: &mut std::process::Command) -> Result<Outcome> {
    match context.city() {
        Ok(city) => context
            .run(command.envs(city.environment.clone()))
            .map(passed_if),
        Err(error) => {
            eprintln!("{error:#}");
            Ok(Outcome::Failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_which_steps_are_wanted() {
        let choice = Choice::parse(&["--keep-going", "--only", "tidy", "--only", "fmt"]).unwrap();
        assert!(choice.keep_going);
        let wanted: Vec<&str> = STEPS
            .iter()
            .filter(|step| choice.wants(step))
            .map(|step| step.name)
            .collect();
        assert_eq!(wanted, ["fmt", "tidy"]);
        assert!(Choice::default().wants(&STEPS[10]));
    }

    #[test]
    fn refuses_steps_and_flags_that_do_not_exist() {
        assert!(Choice::parse(&["--only", "nonsense"]).is_err());
        assert!(Choice::parse(&["--only"]).is_err());
        assert!(Choice::parse(&["--fast"]).is_err());
    }

    #[test]
    fn leaves_a_missing_tool_out_but_not_under_ci() {
        let run: fn(&Context) -> Result<Outcome> = |_| bail!("no network");
        let step = Step {
            name: "x",
            claim: "x",
            run,
            optional: true,
        };
        let mut context = Context::find().unwrap();
        context.ci = false;
        assert!(matches!(outcome(&context, &step), Outcome::LeftOut(_)));
        context.ci = true;
        assert_eq!(outcome(&context, &step), Outcome::Failed);
        let needed = Step {
            optional: false,
            ..step
        };
        context.ci = false;
        assert_eq!(outcome(&context, &needed), Outcome::Failed);
    }
}
