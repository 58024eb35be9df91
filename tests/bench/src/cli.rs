//! The command line.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::cores::{self, Outside};
use crate::figure::{Figure, TABLE_HEAD};
use crate::machine::Machine;
use crate::scale::Scale;
use crate::stage::Stage;

/// Pairs of a figure that is published, at least.
const PAIRS: usize = 5;

/// The benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Bench {
    /// Committed commands
    B1,
    /// One command alone
    B2,
    /// Look-ups by organisation number
    B3,
    /// The relay's drain of the log
    B4,
    /// From commit to read model
    B5,
    /// From commit to a subscriber's stream
    B6,
    /// How times grow with the size of the register
    B7,
    /// The relay beside somebody's long transaction
    B8,
    /// A read model made anew
    B9,
    /// Three times more calls than can be answered
    Overload,
    /// Peers that mean harm
    Hostile,
}

impl Bench {
    /// Whether callers have cores of their own: those of which the two sides have not alike many.
    fn divides_the_cores(self) -> bool {
        matches!(self, Self::Overload | Self::Hostile)
    }
}

/// Benches of the platform against the limits of what it stands on
#[derive(Clone, Debug, Parser)]
#[command(name = "handslag-bench")]
pub struct Options {
    /// Which benches; all when none is named
    pub benches: Vec<Bench>,
    /// Small sizes and short times: shows that it works, and its figures are rough
    #[arg(long)]
    pub quick: bool,
    /// Pairs of each figure [default: 5, with --quick 1]
    #[arg(long)]
    pub pairs: Option<usize>,
    /// Also a register of a million organisations (B7)
    #[arg(long)]
    pub large: bool,
    /// PostgreSQL waits for the disk at each commit. Both sides of a ratio wait, which hides what
    /// the platform takes; without it the figures are the harder ones
    #[arg(long)]
    pub durable: bool,
    /// Prints the table of results and nothing else
    #[arg(long)]
    pub markdown: bool,
}

impl Options {
    fn scale(&self) -> Scale {
        if self.quick {
            Scale::quick(self.pairs.unwrap_or(1).max(1))
        } else {
            Scale::full(self.pairs.unwrap_or(PAIRS).max(1), self.large)
        }
    }

    /// What to type to measure the same again.
    fn typed(&self, bench: &str) -> String {
        let mut command = format!("cargo dev bench {}", bench.to_lowercase());
        for (given, flag) in [
            (self.quick, " --quick"),
            (self.large, " --large"),
            (self.durable, " --durable"),
        ] {
            command.push_str(if given { flag } else { "" });
        }
        if let Some(pairs) = self.pairs {
            command.push_str(&format!(" --pairs {pairs}"));
        }
        command
    }
}

pub(crate) fn main(options: &Options) -> ExitCode {
    handslag_platform::server::install_tls_provider();
    let named = match options.benches.as_slice() {
        [] => Bench::value_variants(),
        named => named,
    };
    let (divided, among_all): (Vec<_>, Vec<_>) =
        named.iter().partition(|bench| bench.divides_the_cores());
    if options.markdown {
        say(&mut std::io::stdout(), TABLE_HEAD);
    }
    let outcomes = [
        (!among_all.is_empty())
            .then(|| cores::among_all(|outside| measure(options, &among_all, outside))),
        (!divided.is_empty())
            .then(|| cores::divided(|outside| measure(options, &divided, outside))),
    ];
    let mut code = ExitCode::SUCCESS;
    for error in outcomes.into_iter().flatten().filter_map(Result::err) {
        say(&mut std::io::stderr(), &format!("bench: {error:#}"));
        code = ExitCode::FAILURE;
    }
    code
}

async fn measure(options: &Options, benches: &[Bench], outside: Outside) -> anyhow::Result<()> {
    let stage = Stage::private(options.durable, outside).await?;
    let outcome = tokio::select! {
        outcome = all(options, benches, &stage) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    let ended = stage.end().await;
    outcome.and(ended)
}

async fn all(options: &Options, benches: &[Bench], stage: &Stage) -> anyhow::Result<()> {
    let machine = Machine::of(stage).await?;
    let scale = options.scale();
    let out = &mut std::io::stdout();
    if !options.markdown {
        say(out, &format!("{machine}\n"));
    }
    let mut failed = Vec::new();
    for &bench in benches {
        match crate::run(bench, stage, &scale).await {
            Ok(figures) => figures.iter().for_each(|figure| {
                say(out, &shown(options, figure, &machine));
            }),
            // The others' figures are not lost for it.
            Err(error) => {
                say(&mut std::io::stderr(), &format!("{bench:?}: {error:#}"));
                failed.push(format!("{bench:?}"));
            }
        }
    }
    anyhow::ensure!(
        failed.is_empty(),
        "no figure of {}; the services' log: {}",
        failed.join(", "),
        stage.keep_log()?.display()
    );
    Ok(())
}

fn shown(options: &Options, figure: &Figure, machine: &Machine) -> String {
    if options.markdown {
        figure.row(&options.typed(figure.bench), machine)
    } else {
        figure.text()
    }
}

/// A reader that has gone away is no reason to fail.
fn say(out: &mut dyn std::io::Write, text: &str) {
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Bench, Options};

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_result_tells_how_to_measure_it_again() {
        let options = Options::parse_from(["bench", "b4", "hostile", "--quick", "--pairs", "3"]);
        assert_eq!(options.benches, [Bench::B4, Bench::Hostile]);
        assert_eq!(options.typed("B4"), "cargo dev bench b4 --quick --pairs 3");
    }
}
