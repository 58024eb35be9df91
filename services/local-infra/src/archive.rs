//! Backups of a private PostgreSQL: a base backup, the log since then, and back to a point in it.
//!
//! # Design notes
//!
//! * The log goes where a restore finds it by the server's own `archive_command`, file by file, as in
//!   production. The base backup is taken without the log on purpose: without the archive it is worth
//!   nothing, so that a restore shows that both are there.
//! * What is not archived when the data is lost is gone. [`Infra::archive_log`] is what
//!   `archive_timeout` does in production.
//! * The folder lies beside the servers', since nobody deletes it by accident there; a real archive
//!   lies on another machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::database::{REPLICATION, SESSIONS};
use crate::files::{wait_until, write_private};
use crate::infra::{Infra, ports_of};
use crate::pause::wake;
use crate::process::{Process, clean_command};
use crate::state::Memory;

/// A little log is archived and replayed in moments; a busy machine takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// By what a server recovers, and what it needs no more afterwards.
const RECOVERY: [&str; 4] = [
    "restore_command",
    "recovery_target_name",
    "recovery_target_timeline",
    "recovery_target_action",
];

impl Infra {
    /// Makes the database archive its log from now on. It is stopped and started again for that,
    /// unless it has archived before. What was archived before is deleted.
    ///
    /// # Errors
    ///
    /// When the server does not stop, start or take the settings.
    pub fn start_archive(&self) -> Result<()> {
        let log = self.log_folder();
        let path = log.display().to_string();
        ensure!(
            !path.contains(['\'', '%', ' ']),
            "the archive's folder {path} cannot stand in a setting"
        );
        self.delete_archive()?;
        for folder in [self.archive_folder(), log] {
            self.setup().account.prepare_server(&folder)?;
        }
        let memory = Memory::open(self.data_dir())?;
        let server = self.setup().database(ports_of(&memory)?);
        server.admit(&server.data(), &[SESSIONS, REPLICATION])?;
        drop(memory);
        let archives = self.sql("postgres", "SHOW archive_mode")?.trim() == "on";
        self.set("archive_mode", "on")?;
        self.set(
            "archive_command",
            &format!("test ! -f {path}/%f && cp %p {path}/%f"),
        )?;
        if !archives {
            self.stop_database()?;
        }
        self.start_database()
    }

    /// Takes a base backup, while everybody works on.
    ///
    /// # Errors
    ///
    /// When `pg_basebackup` fails; the message is its own.
    pub fn back_up(&self) -> Result<()> {
        let setup = self.setup();
        let program = setup.programs.existing("pg_basebackup")?;
        let mut backup = clean_command(program, &setup.account, &self.archive_folder());
        let from = &self.servers().psql.server;
        backup
            .arg("--pgdata")
            .arg(self.base_folder())
            .args(["--wal-method=none", "--checkpoint=fast", "--no-sync"])
            .args(["--no-password", "--dbname"])
            .arg(format!(
                "host={} port={} user={}",
                from.host, from.port, from.user
            ))
            .env("PGPASSWORD", &from.password);
        let output = backup.output().context("cannot run pg_basebackup")?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("pg_basebackup failed: {}", complaint.trim());
        }
        Ok(())
    }

    /// Returns when everything that is committed by now is in the archive.
    ///
    /// # Errors
    ///
    /// When the server does not answer or does not archive.
    pub fn archive_log(&self) -> Result<()> {
        let file = self.sql("postgres", "SELECT pg_walfile_name(pg_current_wal_lsn())")?;
        self.sql("postgres", "SELECT pg_switch_wal()")?;
        let file = file.trim();
        let question =
            format!("SELECT coalesce(last_archived_wal >= '{file}', false) FROM pg_stat_archiver");
        let is_there = || {
            let answer = self.sql("postgres", &question);
            answer.is_ok_and(|answer| answer.trim() == "t")
        };
        ensure!(wait_until(LIMIT, is_there), "{file} is not archived");
        Ok(())
    }

    /// Kills the database and deletes all its data.
    ///
    /// # Errors
    ///
    /// When it does not end, or the data cannot be deleted.
    pub fn lose_database(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        let state = memory.state();
        state.postgres.iter().for_each(wake);
        state.postgres.as_ref().map_or(Ok(()), Process::kill)?;
        let data = self.setup().database(ports_of(&memory)?).data();
        fs::remove_dir_all(&data).context("cannot delete the database's data")
    }

    /// Puts the base backup where the lost data was, and returns when the server has come to `point`,
    /// a name given to `pg_create_restore_point`, and can be written to. The backup is used up.
    ///
    /// # Errors
    ///
    /// When there is no backup, or the server does not start or does not come to the point.
    pub fn restore_database(&self, point: &str) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        let data = self.setup().database(ports_of(&memory)?).data();
        fs::rename(self.base_folder(), &data).context("cannot put the base backup in place")?;
        self.aim(&data, point)?;
        drop(memory);
        self.start_database()?;
        let recovered = || {
            let answer = self.sql("postgres", "SELECT pg_is_in_recovery()");
            answer.is_ok_and(|answer| answer.trim() == "f")
        };
        ensure!(
            wait_until(LIMIT, recovered),
            "the database does not come to {point}"
        );
        for setting in RECOVERY {
            let reset = format!("ALTER SYSTEM RESET {setting}");
            self.sql("postgres", &reset)?;
        }
        Ok(())
    }

    /// Archives nothing any more and deletes what was archived.
    ///
    /// # Errors
    ///
    /// When the server does not take the setting.
    pub fn stop_archive(&self) -> Result<()> {
        // That it archives at all could be changed by a restart only.
        self.set("archive_command", "/bin/true")?;
        self.sql("postgres", "SELECT pg_reload_conf()")?;
        self.delete_archive()
    }

    /// Tells the server in `data` that it is a copy, and how far it is to recover.
    fn aim(&self, data: &Path, point: &str) -> Result<()> {
        let log = self.log_folder();
        let values = [
            format!("cp {}/%f %p", log.display()),
            point.to_owned(),
            "latest".to_owned(),
            "promote".to_owned(),
        ];
        let path = data.join("postgresql.auto.conf");
        let mut text = fs::read_to_string(&path).context("the backup has no settings")?;
        for (setting, value) in RECOVERY.iter().zip(values) {
            text.push_str(&format!("{setting} = '{value}'\n"));
        }
        fs::write(&path, text).context("cannot change the backup's settings")?;
        let signal = data.join("recovery.signal");
        write_private(&signal, "")?;
        self.setup().account.own(&signal, 0o600)
    }

    fn set(&self, setting: &str, value: &str) -> Result<()> {
        let statement = format!("ALTER SYSTEM SET {setting} = '{value}'");
        self.sql("postgres", &statement).map(drop)?;
        self.sql("postgres", "SELECT pg_reload_conf()").map(drop)
    }

    fn delete_archive(&self) -> Result<()> {
        let folder = self.archive_folder();
        if folder.exists() {
            fs::remove_dir_all(folder).context("cannot delete the archive")?;
        }
        Ok(())
    }

    fn archive_folder(&self) -> PathBuf {
        self.data_dir().join("archive")
    }

    fn log_folder(&self) -> PathBuf {
        self.archive_folder().join("log")
    }

    fn base_folder(&self) -> PathBuf {
        self.archive_folder().join("base")
    }
}
