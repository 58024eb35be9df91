//! The one door for tools: `cargo dev <verb>`. People and the build server go through it alike.
//!
//! # Design notes
//!
//! * It depends on the standard library, `anyhow`, the room that starts servers and what that
//!   room needs anyway, so that the first `cargo dev` of a fresh clone answers after seconds.
//! * What a verb needs and the machine lacks is installed by the ordinary client of its kind into
//!   `target/tools`, never into the user's home; system packages come by the system's own manager.
//! * What cannot be had is left out with one line that says so, or, under `CI=true`, is a failure.

mod chart;
mod city;
mod context;
mod image;
mod queries;
mod steps;
mod tidy;
mod tools;
mod verification;

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::steps::Choice;

const USAGE: &str = "\
cargo dev <verb>

  up [options]        everything on this machine: servers, services, pages, the record
  handslag <args>     any other command of `handslag`: token, doctor, dead-letters, …
  test [--keep-going] [--only <step>]...
                      every check and every test, with a table of the steps at the end

  faults [name]... [--seed N] [--seconds S] [--times K] [--list] [--short] [--defects]
                      faults under load, then quiet, then the judge; a table at the end
  drill [--seed N] [--seconds S] [--times K]
                      backup, loss and restore to a point in time, the broker ahead and empty
  judge <folder>      judges the records of a run of faults again
  simulate [--seeds N] [--seed S]
                      relay, inbox and repair against a model of database and broker
  fuzz [--seconds S] [--seed N]
                      every RPC with random and mutated messages
  bench [name]... [--quick]
                      measures, each figure as a ratio to a limit or a peer of the same run

  deploy-test [row]... [--help]
                      installs the chart on the cluster that KUBECONFIG names and tries it there;
                      a table at the end (k8s/README.md)

  image [name]... [--rust IMAGE] [--tag TAG]
                      builds the images with any builder of Dockerfiles into target/images, each
                      with its bill of materials (services/IMAGES.md)

  fmt [--check]       formats the code, or says what is not formatted
  tidy                sizes, directions and words of the house style
  sqlx [--write]      says whether the checked queries are up to date, or writes them anew
  lint                clippy, no warnings
  docs                the documentation builds without warnings
  deny                licences, origins and known flaws of dependencies
  buf                 the contracts follow the rules for contracts
  chart [--write]     chart and manifests are right, or writes what is generated of them
  servers [stop]      starts the servers that tests share and shows where they are, or stops them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo dev: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<bool> {
    let context = Context::find()?;
    let Some((verb, rest)) = arguments.split_first() else {
        print!("{USAGE}");
        return Ok(false);
    };
    let flags: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (verb.as_str(), flags.as_slice()) {
        ("up", _) => become_handslag(&context, arguments),
        ("handslag", _) => become_handslag(&context, rest),
        ("image", _) => image::run(&context, rest),
        ("deploy-test", _) => verification::deployment(&context, rest),
        ("faults", _) => verification::faults(&context, rest),
        ("drill", _) => verification::drill(&context, rest),
        ("judge", _) => verification::judge(&context, rest),
        ("simulate", _) => verification::simulate(&context, rest),
        ("fuzz", flags) => verification::fuzz(&context, flags),
        ("bench", _) => verification::bench(&context, rest),
        ("test", flags) => steps::run_all(context, &Choice::parse(flags)?),
        ("fmt", []) => context.run(context.cargo().args(["fmt", "--all"])),
        ("fmt", ["--check"]) => steps::run_one(&context, "fmt"),
        ("chart", ["--write"]) => chart::write(&context).map(|()| true),
        ("sqlx", ["--write"]) => queries::write(&context).map(|()| true),
        ("servers", flags @ ([] | ["stop"])) => servers(flags.is_empty()),
        ("help" | "--help" | "-h", []) => {
            print!("{USAGE}");
            Ok(true)
        }
        (verb, []) if steps::is_verb(verb) => steps::run_one(&context, verb),
        _ => bail!("`{}` is not understood\n\n{USAGE}", arguments.join(" ")),
    }
}

/// Builds the command line and becomes it, so that Ctrl-C and every signal reach it alone.
fn become_handslag(context: &Context, arguments: &[String]) -> Result<bool> {
    let mut cargo = context.cargo();
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "handslag-runner",
        "--bin",
        "handslag",
        "--",
    ]);
    // Where the caller stands and not the root: relative paths in the arguments mean the former.
    cargo.current_dir(std::env::current_dir()?).args(arguments);
    if arguments.first().is_some_and(|verb| verb == "up") && !context.has_built("handslag") {
        eprintln!("Compiling Handslag for the first time; this takes some minutes.");
    }
    Err(cargo.exec()).context("cannot start cargo")
}

fn servers(start: bool) -> Result<bool> {
    if start {
        let servers = handslag_local_infra::shared_for_tests()?;
        for (name, value) in servers.environment() {
            println!("{name}={value}");
        }
    } else if handslag_local_infra::stop_test_servers()? {
        println!("stopped");
    } else {
        println!("nothing to stop, or a test still uses them");
    }
    Ok(true)
}
