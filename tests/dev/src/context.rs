//! Where we are, how programs are run, and what the steps share.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use handslag_local_infra::{Servers, shared_for_tests};

use crate::city::City;

/// What the steps share.
pub(crate) struct Context {
    /// The root of the checkout.
    pub(crate) root: PathBuf,
    /// Whether nothing may be left out.
    pub(crate) ci: bool,
    servers: OnceCell<Servers>,
    city: OnceCell<City>,
    notices: RefCell<Vec<String>>,
}

impl Context {
    /// Finds the checkout: cargo tells it at run time, the compiler told it when this was built.
    pub(crate) fn find() -> Result<Self> {
        let built_in = env!("CARGO_MANIFEST_DIR").to_owned();
        let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(built_in);
        let root = Path::new(&manifest)
            .ancestors()
            .nth(2)
            .context("no checkout is found")?;
        Ok(Self {
            root: root.to_owned(),
            ci: std::env::var("CI").is_ok_and(|value| value == "true" || value == "1"),
            servers: OnceCell::new(),
            city: OnceCell::new(),
            notices: RefCell::new(Vec::new()),
        })
    }

    /// The folder that everything we install goes into.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target().join("tools")
    }

    /// The folder of everything that is built.
    pub(crate) fn target(&self) -> PathBuf {
        let chosen = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
        self.root.join(chosen.unwrap_or_else(|| "target".into()))
    }

    /// Whether a program of ours was built before.
    pub(crate) fn has_built(&self, program: &str) -> bool {
        self.target().join("debug").join(program).exists()
    }

    /// The command line, built.
    pub(crate) fn handslag(&self) -> Result<PathBuf> {
        let build = [
            "build",
            "--quiet",
            "--package",
            "handslag-runner",
            "--bin",
            "handslag",
        ];
        ensure!(
            self.run(self.cargo().args(build))?,
            "the command line does not compile"
        );
        Ok(self.target().join("debug/handslag"))
    }

    /// A program run in the root of the checkout.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Cargo in the root of the checkout. Queries are checked against the committed descriptions
    /// unless somebody wants it otherwise: a build must not need a database.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.program(cargo);
        if std::env::var_os("SQLX_OFFLINE").is_none() {
            command.env("SQLX_OFFLINE", "true");
        }
        command
    }

    /// Runs a program whose output everybody sees; answers whether it succeeded.
    pub(crate) fn run(&self, command: &mut Command) -> Result<bool> {
        let name = command.get_program().to_string_lossy().into_owned();
        let status = command
            .status()
            .with_context(|| format!("cannot run {name}"))?;
        Ok(status.success())
    }

    /// The servers that tests share, started at the first call.
    pub(crate) fn servers(&self) -> Result<&Servers> {
        if let Some(servers) = self.servers.get() {
            return Ok(servers);
        }
        let servers = shared_for_tests()?;
        Ok(self.servers.get_or_init(|| servers))
    }

    /// A running Handslag with its record loaded, started at the first call.
    pub(crate) fn city(&self) -> Result<&City> {
        if let Some(city) = self.city.get() {
            return Ok(city);
        }
        let city = City::start(self)?;
        Ok(self.city.get_or_init(|| city))
    }

    /// Something that stands in the table at the end.
    pub(crate) fn notice(&self, text: &str) {
        eprintln!("note: {text}");
        self.notices.borrow_mut().push(text.to_owned());
    }

    /// What was noted so far.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.notices.borrow().clone()
    }
}
