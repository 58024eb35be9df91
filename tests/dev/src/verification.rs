//! The verbs that prove and measure: programs of this workspace, built and run with what follows
//! the verb.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::tools;

/// What the build server's run of the faults is: the short selection, each for so long.
pub(crate) const SHORT_SECONDS: &str = "6";
/// Seeds of the build server's simulation: some ten seconds.
const SEEDS: &str = "5000";
/// How long a fuzz run on demand lasts when nobody says.
const FUZZ_SECONDS: &str = "300";

/// Faults under load.
pub(crate) fn faults(context: &Context, arguments: &[String]) -> Result<bool> {
    context.run(program(context, "handslag-faults", &[]).args(arguments))
}

/// The chart on a cluster. The clients of other languages that the story is told by are left out
/// where they cannot be had.
pub(crate) fn deployment(context: &Context, arguments: &[String]) -> Result<bool> {
    let mut variables = vec![("HANDSLAG_HELM", tools::helm(context)?)];
    variables.push(("HANDSLAG_PROGRAM", context.handslag()?));
    match tools::python(context) {
        Ok(python) => variables.push(("HANDSLAG_PYTHON", python)),
        Err(error) => context.notice(&format!("no client in Python: {error:#}")),
    }
    let pages = context.root.join("tests/browser");
    let browser = tools::browser_packages(context, &pages).and_then(|()| tools::chromium());
    match browser {
        Ok(chromium) => variables.push(("HANDSLAG_CHROMIUM", chromium)),
        Err(error) => context.notice(&format!("no browser: {error:#}")),
    }
    let mut program = program(context, "handslag-faults", &[]);
    program.arg("deploy-test").args(arguments).envs(variables);
    context.run(&mut program)
}

/// Backup and restore, once with each broker.
pub(crate) fn drill(context: &Context, arguments: &[String]) -> Result<bool> {
    let both = ["restore-broker-ahead", "restore-broker-empty"];
    context.run(
        program(context, "handslag-faults", &[])
            .args(both)
            .args(arguments),
    )
}

/// The judge alone.
pub(crate) fn judge(context: &Context, arguments: &[String]) -> Result<bool> {
    context.run(
        program(context, "handslag-checker", &[])
            .arg("judge")
            .args(arguments),
    )
}

/// The simulation.
pub(crate) fn simulate(context: &Context, arguments: &[String]) -> Result<bool> {
    context.run(program(context, "handslag-simulation", &[]).args(arguments))
}

/// The benches, compiled as a release is.
pub(crate) fn bench(context: &Context, arguments: &[String]) -> Result<bool> {
    let profile = ["--profile", "measured"];
    context.run(program(context, "handslag-bench", &profile).args(arguments))
}

/// The fuzz stories, for longer than in the build server's run.
pub(crate) fn fuzz(context: &Context, flags: &[&str]) -> Result<bool> {
    let mut variables = vec![("HANDSLAG_FUZZ_SECONDS", FUZZ_SECONDS)];
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let name = match *flag {
            "--seconds" => "HANDSLAG_FUZZ_SECONDS",
            "--seed" => "HANDSLAG_FUZZ_SEED",
            other => bail!("`fuzz` does not know {other}"),
        };
        let value = flags
            .next()
            .with_context(|| format!("{flag} needs a number"))?;
        variables.push((name, value));
    }
    let servers = context.servers()?.environment();
    let mut cargo = context.cargo();
    cargo.args([
        "test",
        "--package",
        "handslag-tests",
        "--test",
        "stories",
        "fuzzed",
    ]);
    cargo
        .args(["--", "--nocapture"])
        .envs(servers)
        .envs(variables);
    context.run(&mut cargo)
}

/// The part of the faults that the build server's run has time for.
pub(crate) fn short_faults(context: &Context) -> Result<bool> {
    let arguments = ["--short", "--seconds", SHORT_SECONDS].map(str::to_owned);
    faults(context, &arguments)
}

/// The part of the simulation that the build server's run has time for.
pub(crate) fn short_simulation(context: &Context) -> Result<bool> {
    simulate(context, &["--seeds", SEEDS].map(str::to_owned))
}

fn program(context: &Context, package: &str, flags: &[&str]) -> Command {
    let mut cargo = context.cargo();
    cargo
        .args(["run", "--quiet", "--package", package])
        .args(flags)
        .arg("--");
    cargo
}
