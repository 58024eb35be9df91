//! Servers that stand still, and go on.
//!
//! # Design notes
//!
//! * A server is a family of processes, and PostgreSQL's are each the head of a group of their own;
//!   so the family is found by who has started whom. The parent is stopped first and the family is
//!   counted again until nobody new is found, since a parent that runs has children while one
//!   counts.
//! * A server must never be left standing still: it would hang whoever finds it next. So the value
//!   that stands for the pause undoes it when it is dropped, and whoever starts or stops servers
//!   wakes them first, in case that the value's owner was killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::files::wait_until;
use crate::process::{Process, Signal};

/// A process stops at its next step; one that waits for a slow disk takes that long.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Processes that stand still. They go on when this value is dropped.
#[must_use = "the processes go on as soon as this value is dropped"]
#[derive(Debug)]
pub struct Paused {
    processes: Vec<Process>,
}

impl Paused {
    /// Lets the processes go on.
    ///
    /// # Errors
    ///
    /// When one of them cannot be woken.
    pub fn resume(mut self) -> Result<()> {
        let processes = std::mem::take(&mut self.processes);
        // Each of them, whatever becomes of the others.
        let wake = |process: &Process| process.signal(Signal::Continue);
        processes.iter().map(wake).fold(Ok(()), Result::and)
    }

    /// One process alone.
    pub(crate) fn alone(process: &Process) -> Result<Self> {
        let mut paused = Self {
            processes: Vec::new(),
        };
        paused.stop(process)?;
        Ok(paused)
    }

    /// A process with all its descendants.
    pub(crate) fn family(head: &Process) -> Result<Self> {
        let mut paused = Self {
            processes: Vec::new(),
        };
        loop {
            let family = family(head);
            let fresh = family
                .into_iter()
                .filter(|process| !paused.processes.contains(process));
            let fresh: Vec<Process> = fresh.collect();
            if fresh.is_empty() {
                return Ok(paused);
            }
            for process in fresh {
                paused.stop(&process)?;
            }
        }
    }

    /// Stops one more, and waits until it stands still.
    fn stop(&mut self, process: &Process) -> Result<()> {
        // Remembered before, so that it goes on whatever happens here.
        self.processes.push(process.clone());
        process.signal(Signal::Stop)?;
        let is_done = || process.is_stopped() || !process.is_alive();
        if !wait_until(STOP_LIMIT, is_done) {
            bail!("process {} does not stand still", process.pid);
        }
        Ok(())
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        for process in &self.processes {
            let _ = process.signal(Signal::Continue);
        }
    }
}

/// Wakes what stands still of a process and its descendants.
pub(crate) fn wake(head: &Process) {
    for process in family(head).iter().filter(|process| process.is_stopped()) {
        let _ = process.signal(Signal::Continue);
    }
}

/// The processes that this one has started.
pub(crate) fn children(parent: &Process) -> Vec<Process> {
    let number = parent.pid;
    parents()
        .into_iter()
        .filter(|(_, parent)| *parent == number)
        .filter_map(|(child, _)| Process::with_number(child))
        .collect()
}

/// The process and all its descendants, parents before children.
fn family(head: &Process) -> Vec<Process> {
    if !head.is_alive() {
        return Vec::new();
    }
    let parents = parents();
    let mut seen = BTreeSet::from([head.pid]);
    let mut family = vec![head.clone()];
    let mut next = 0;
    while let Some(parent) = family.get(next).map(|process| process.pid) {
        next += 1;
        for (child, _) in parents.iter().filter(|(_, own)| *own == parent) {
            if seen.insert(*child) {
                family.extend(Process::with_number(*child));
            }
        }
    }
    family
}

/// Every process of the machine with the one that has started it.
fn parents() -> Vec<(u32, u32)> {
    if Path::new("/proc/self/stat").exists() {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        return entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
                let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
                Some((pid, fields.nth(1)?.parse().ok()?))
            })
            .collect();
    }
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::account::Account;
    use crate::process::Launch;

    /// A shell with a child that counts in a file.
    fn counter(folder: &Path) -> (Process, PathBuf) {
        let file = folder.join("count");
        let script = "(while :; do echo >>\"$0\"; sleep 0.01; done) & wait";
        let process = Launch {
            account: &Account::Own,
            program: Path::new("/bin/sh"),
            arguments: vec![
                "-c".to_owned(),
                script.to_owned(),
                file.display().to_string(),
            ],
            environment: Vec::new(),
            directory: folder,
            log: &folder.join("server.log"),
        }
        .start()
        .unwrap();
        assert!(wait_until(Duration::from_secs(5), || count(&file) > 0));
        (process, file)
    }

    fn count(file: &Path) -> u64 {
        fs::metadata(file).map_or(0, |file| file.len())
    }

    fn goes_on(file: &Path) -> bool {
        let before = count(file);
        wait_until(Duration::from_millis(500), || count(file) > before)
    }

    fn end(process: &Process) {
        let family = family(process);
        assert!(family.len() > 1, "the counter is a child");
        for process in family {
            process.kill().unwrap();
        }
    }

    #[test]
    fn a_family_stands_still_until_its_pause_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (process, file) = counter(folder.path());
        let paused = Paused::family(&process).unwrap();
        assert!(process.is_stopped() && !goes_on(&file));
        paused.resume().unwrap();
        assert!(!process.is_stopped() && goes_on(&file));
        drop(Paused::family(&process).unwrap());
        assert!(goes_on(&file), "dropping the pause ends it");
        end(&process);
    }

    #[test]
    fn one_process_stands_still_alone_and_is_woken_by_whoever_comes_next() {
        let folder = tempfile::tempdir().unwrap();
        let (process, file) = counter(folder.path());
        // Its owner is killed and can undo nothing.
        std::mem::forget(Paused::alone(&process).unwrap());
        assert!(process.is_stopped() && goes_on(&file));
        assert_eq!(children(&process).len(), 1);
        wake(&process);
        assert!(!process.is_stopped());
        end(&process);
    }
}
