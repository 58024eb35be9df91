//! What `up` shows on the terminal.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    time::Duration,
};

use crate::city::City;

/// Lines and one bar, on standard output. Without a terminal a bar is a line at its beginning and its end.
#[derive(Debug, Clone)]
pub struct Progress {
    terminal: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// For standard output as it is.
    pub fn new() -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
        }
    }

    /// One line.
    pub fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // Nobody reads when the pipe is closed, and that is no reason to stop the city.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// How far something is.
    pub fn bar(&self, what: &str, done: usize, all: usize) {
        const WIDTH: usize = 30;
        let mut out = std::io::stdout().lock();
        let written = if self.terminal {
            let full = done * WIDTH / all.max(1);
            let end = if done == all { "\n" } else { "" };
            write!(
                out,
                "\r{what:<8} [{}{}] {done}/{all}{end}",
                "█".repeat(full),
                " ".repeat(WIDTH - full)
            )
        } else if done == all {
            writeln!(out, "{what}: {done} of {all}")
        } else {
            Ok(())
        };
        let _ = written.and_then(|()| out.flush());
    }

    /// Where everything is, and what to try next.
    pub fn ready(&self, city: &City, directory: &Path, took: Duration) {
        let mut text = format!(
            "\nHandslag is up after {:.1} s. Data: {}\n\n  pages          http://{}\n",
            took.as_secs_f64(),
            directory.display(),
            city.web_address(),
        );
        for (name, address) in city.addresses() {
            text.push_str(&format!("  {name:<14} {address} (gRPC, with reflection)\n"));
        }
        let registry = city
            .addresses()
            .first()
            .map(|(_, address)| address.to_string())
            .unwrap_or_default();
        text.push_str(&format!(
            "\nTry next\n  open http://{web}\n  cargo dev handslag token --role district-board --district farsta\n  \
             grpcurl -plaintext {registry} handslag.registry.v1.RegistryService/ListAgreements\n  \
             cargo dev handslag doctor\n\nCtrl-C stops everything and keeps the data.",
            web = city.web_address(),
        ));
        self.line(&text);
    }
}
