//! `cargo dev deploy-test`: the chart on a real cluster, with the same load and the same judge.
//!
//! # Design notes
//! * The cluster is whatever `KUBECONFIG` names. What a cluster cannot be asked for by its own
//!   interface, to crash a node or to cut its network, comes as a command of whoever owns it.
//! * Everything is called through ports of a node, as by another system of the city; databases and
//!   broker are asked in their own pods.
//! * Rows share one installation; the first row under load empties it, so that the judge knows of
//!   everything that ever happened there.

mod entrances;
mod install;
mod kube;
mod options;
mod rows;
mod session;
mod site;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser as _;
use handslag_runner::issuer::Issuer;

use entrances::Entrances;
use install::Installer;
use kube::Kube;
use options::Options;
use rows::{Row, Said, Stage};

use crate::terminal::{self, say};

/// The first word of the command line that leads here.
pub(crate) const VERB: &str = "deploy-test";

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let options = Options::parse_from(std::env::args().skip(1));
    terminal::verdict(VERB, execute(options))
}

async fn execute(mut options: Options) -> Result<bool> {
    let all = rows::all();
    if options.list {
        for row in &all {
            say(&format!("  {:<12} {}", row.name, row.what));
        }
        return Ok(true);
    }
    if options.tag.is_empty() {
        env!("CARGO_PKG_VERSION").clone_into(&mut options.tag);
    }
    let wanted = wanted(all, &options)?;
    let seed = terminal::seed(options.seed);
    let mut stage = stage(&options, seed).await?;
    say(&format!(
        "seed {seed}; records in {}",
        stage.folder.display()
    ));
    let mut failed = 0;
    let mut table = Vec::new();
    for row in &wanted {
        let began = Instant::now();
        let said = match (row.run)(&mut stage).await {
            Ok(said) => said,
            Err(error) => Said::Failed(format!("could not be tried: {error:#}")),
        };
        let (word, text) = match said {
            Said::Held(text) => ("held", text),
            Said::Failed(text) => ("FAILED", text),
            Said::LeftOut(text) => ("left out", text),
        };
        failed += usize::from(word == "FAILED");
        let line = format!(
            "{:<11} {:>5.0} s  {word:<8}  {text}",
            row.name,
            began.elapsed().as_secs_f64()
        );
        say(&line);
        table.push((row, line));
    }
    let namespace = stage.installer.kube.clone();
    stage.close().await?;
    say("");
    for (row, line) in &table {
        say(&format!("{}\n    aim: {}", row.what, row.aim));
        say(&format!("    {line}"));
    }
    say(&format!(
        "{} rows, {failed} failed; seed {seed}",
        table.len()
    ));
    if !options.keep && failed == 0 {
        namespace.remove_namespace()?;
    }
    Ok(failed == 0)
}

/// The installation from nothing.
async fn stage(options: &Options, seed: u64) -> Result<Stage> {
    let kube = Kube::new(&options.namespace);
    kube.kubectl(&["version", "--output=json"])
        .context("the cluster that KUBECONFIG names does not answer")?;
    let nodes = entrances::nodes(&kube)?;
    let (servers_node, address) = nodes.first().cloned().context("the cluster has no node")?;
    let mut outside: Vec<String> = nodes
        .iter()
        .map(|(_, address)| format!("{address}/32"))
        .collect();
    outside.push(format!("{}/32", entrances::own_address(address)?));
    outside.extend(options.from.iter().cloned());
    outside.sort();
    outside.dedup();
    kube.remove_namespace()?;
    let folder = fresh(&options.folder)?;
    let issuer = Arc::new(Issuer::open(&folder)?);
    let installer = Installer {
        kube: kube.clone(),
        options: options.clone(),
        outside,
        servers_node,
    };
    installer.servers(&issuer).await?;
    let entrances = Entrances::make(&kube, address)?;
    Ok(Stage::new(
        installer, entrances, issuer, nodes, folder, seed,
    ))
}

/// An empty folder for the records.
fn fresh(folder: &Path) -> Result<std::path::PathBuf> {
    if folder.exists() {
        ensure!(
            folder.join("issuer").exists() || std::fs::read_dir(folder)?.next().is_none(),
            "{} is not empty and holds no records of this test",
            folder.display()
        );
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

fn wanted(all: Vec<Row>, options: &Options) -> Result<Vec<Row>> {
    if options.rows.is_empty() {
        return Ok(all);
    }
    for name in &options.rows {
        if !all.iter().any(|row| row.name == name) {
            bail!("there is no row `{name}`; --list shows them");
        }
    }
    Ok(all
        .into_iter()
        .filter(|row| options.rows.iter().any(|name| name == row.name))
        .collect())
}
