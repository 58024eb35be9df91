//! A Handslag that runs while the tests of other languages and of the browser call it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::context::Context;

/// Servers take 15 s and the record some more on a machine that has just compiled everything.
const START_LIMIT: Duration = Duration::from_secs(240);

const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Far from the ports of an `up` that the developer may be running.
const PORT_BASE: &str = "17400";

/// One running `handslag up` with data of its own, stopped and removed when dropped.
pub(crate) struct City {
    process: Child,
    data_dir: PathBuf,
    /// Variables that tell tests where everything is.
    pub(crate) environment: Vec<(String, String)>,
}

impl City {
    /// Builds the command line, starts everything and waits until the record is loaded.
    pub(crate) fn start(context: &Context) -> Result<Self> {
        let program = context.handslag()?;
        // Under /var/tmp, since the servers' account may not enter the home of root.
        let data_dir = PathBuf::from(format!("/var/tmp/handslag-city-{}", std::process::id()));
        fs::create_dir_all(&data_dir)?;
        let log = data_dir.join("up.log");
        eprintln!("starting a Handslag for the tests that call it from outside");
        let output = File::create(&log)?;
        let mut up = context.program(&program);
        up.arg("up")
            .arg("--data-dir")
            .arg(&data_dir)
            .args(["--port-base", PORT_BASE]);
        up.stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = up.spawn().context("cannot start handslag")?;
        let mut city = Self {
            process,
            data_dir,
            environment: Vec::new(),
        };
        let said = city.await_ready(&log)?;
        city.environment = addresses(&said)?;
        let (program, data_dir) = (program.display(), city.data_dir.display());
        let token = format!("'{program}' token --data-dir '{data_dir}'");
        city.environment
            .push(("HANDSLAG_TOKEN_COMMAND".to_owned(), token));
        Ok(city)
    }

    fn await_ready(&mut self, log: &Path) -> Result<String> {
        let started = Instant::now();
        loop {
            let said = fs::read_to_string(log).unwrap_or_default();
            if said.contains("Handslag is up") && said.contains("Ctrl-C stops") {
                return Ok(said);
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("`handslag up` ended with {status}:\n{said}");
            }
            if started.elapsed() > START_LIMIT {
                bail!(
                    "`handslag up` is not ready after {} s:\n{said}",
                    START_LIMIT.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for City {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("sh")
            .args(["-c", "kill -s TERM \"$0\"", &pid])
            .status();
        let started = Instant::now();
        while started.elapsed() < STOP_LIMIT && !matches!(self.process.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        // What `up` could not stop any more, for instance because it was killed.
        if let Ok(Some(servers)) =
            handslag_local_infra::Infra::attach(&self.data_dir.join("servers"))
        {
            let _ = servers.stop();
        }
        let _ = fs::remove_dir_all(&self.data_dir);
    }
}

/// Reads the addresses out of what `up` prints when it is ready.
fn addresses(said: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (name, variable) in [
        ("pages", "HANDSLAG_WEB_URL"),
        ("registry", "HANDSLAG_REGISTRY"),
        ("commitments", "HANDSLAG_COMMITMENTS"),
        ("notifications", "HANDSLAG_NOTIFICATIONS"),
        ("reporting", "HANDSLAG_REPORTING"),
    ] {
        let value = said.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(name)).then(|| words.next()).flatten()
        });
        let value = value.with_context(|| format!("`handslag up` does not say where {name} is"))?;
        found.push((variable.to_owned(), value.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_where_everything_is() {
        let said = "Handslag is up after 9.1 s.\n\n  pages          http://127.0.0.1:7400\n  \
                    registry       127.0.0.1:7401 (gRPC)\n  commitments    127.0.0.1:7402 (gRPC)\n  \
                    notifications  127.0.0.1:7403 (gRPC)\n  reporting      127.0.0.1:7404 (gRPC)\n";
        let found = addresses(said).unwrap();
        assert_eq!(found[0].1, "http://127.0.0.1:7400");
        assert_eq!(
            found[4],
            ("HANDSLAG_REPORTING".to_owned(), "127.0.0.1:7404".to_owned())
        );
        assert!(addresses("nothing").is_err());
    }
}
