//! How the two servers of a data directory are brought up.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::address::Address;
use crate::broker::{self, Broker};
use crate::database::{self, Database};
use crate::management::Management;
use crate::pause::wake;
use crate::ports::{Ports, await_free};
use crate::programs::Programs;
use crate::psql::{Psql, find_psql};
use crate::servers::Servers;
use crate::state::{Memory, State, running};

/// Everything that a start needs beside the memory: programs, account, place.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) data_dir: PathBuf,
    pub(crate) account: Account,
    pub(crate) programs: Programs,
    psql: PathBuf,
    script: PathBuf,
    durable: bool,
}

impl Setup {
    /// Finds the programs, installed if need be, and prepares the data directory.
    pub(crate) fn find(
        data_dir: &Path,
        durable: bool,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let programs = Programs::find(&data_dir.join("postgres"), progress)?;
        let psql = find_psql().context("there is no psql on this machine")?;
        let script = broker::find_script(progress)?;
        let account = Account::find()?;
        account.prepare(data_dir)?;
        Ok(Self {
            data_dir: data_dir.to_owned(),
            account,
            programs,
            psql,
            script,
            durable,
        })
    }

    /// Takes over servers that somebody started and was killed before remembering them.
    pub(crate) fn adopt(&self, memory: &Memory, ports: Ports) -> Result<()> {
        let state = memory.state();
        let broker = self.broker(&state, ports);
        memory.update(|state| {
            if running(&state.postgres).is_none() {
                state.postgres = self.database(ports).adopt().or(state.postgres.take());
            }
            if running(&state.broker).is_none() {
                state.broker = broker.adopt().or(state.broker.take());
            }
            if running(&state.port_mapper).is_none() {
                state.port_mapper = broker.adopt_port_mapper().or(state.port_mapper.take());
            }
        })
    }

    /// Where the servers answer.
    pub(crate) fn servers(&self, state: &State, ports: Ports) -> Servers {
        let at = |user, port| address(user, &state.password, port);
        let management = Management(at(broker::USER, ports.management));
        let psql = Psql {
            program: self.psql.clone(),
            server: at(database::USER, ports.postgres),
        };
        Servers::own(psql, at(broker::USER, ports.amqp), management)
    }

    /// Starts both at the same time: the broker takes the longer, the database hides behind it.
    pub(crate) fn start_missing(
        &self,
        memory: &Memory,
        ports: Ports,
        servers: &Servers,
        progress: &mut dyn FnMut(&str),
    ) -> Result<()> {
        thread::scope(|scope| {
            let database = scope.spawn(|| self.run_database(memory, ports, servers));
            let broker = self.run_broker(memory, ports, progress);
            match database.join() {
                Ok(database) => database.and(broker),
                Err(_) => bail!("starting PostgreSQL failed unexpectedly"),
            }
        })
    }

    /// Starts PostgreSQL unless it runs, and waits until it answers.
    pub(crate) fn run_database(
        &self,
        memory: &Memory,
        ports: Ports,
        servers: &Servers,
    ) -> Result<()> {
        let database = self.database(ports);
        self.account.prepare_server(&database.directory)?;
        let state = memory.state();
        let process = match running(&state.postgres) {
            Some(process) => {
                wake(process);
                process.clone()
            }
            None => {
                database.initialise(&state.password)?;
                await_free(ports.postgres)?;
                database.launch(state.postgres.as_ref())?
            }
        };
        memory.update(|state| state.postgres = Some(process.clone()))?;
        let process = database.await_answer(process, &servers.psql)?;
        memory.update(|state| state.postgres = Some(process))?;
        let icu = "SELECT count(*) FROM pg_collation WHERE collname = 'sv-x-icu'";
        if servers.sql("postgres", icu)?.trim() != "1" {
            bail!("this PostgreSQL was built without ICU, so it cannot sort å ä ö");
        }
        Ok(())
    }

    /// Starts RabbitMQ and its port mapper unless they run, and waits until the node answers.
    pub(crate) fn run_broker(
        &self,
        memory: &Memory,
        ports: Ports,
        progress: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let state = memory.state();
        let broker = self.broker(&state, ports);
        self.account.prepare_server(&broker.directory)?;
        let management = Management(address(broker::USER, &state.password, ports.management));
        if let Some(node) = running(&state.broker) {
            wake(node);
            return broker.await_answer(node, &management);
        }
        progress("starting PostgreSQL and RabbitMQ (about 10 s)");
        if running(&state.port_mapper).is_none() {
            await_free(ports.epmd)?;
            let mapper = broker.launch_port_mapper()?;
            memory.update(|state| state.port_mapper = Some(mapper))?;
        }
        for port in [ports.amqp, ports.management, ports.distribution] {
            await_free(port)?;
        }
        let node = broker.launch()?;
        memory.update(|state| state.broker = Some(node.clone()))?;
        broker.await_answer(&node, &management)
    }

    /// The database of this place.
    pub(crate) fn database(&self, ports: Ports) -> Database<'_> {
        self.database_in("postgres", ports.postgres)
    }

    /// Its standby, on this port.
    pub(crate) fn standby(&self, port: u16) -> Database<'_> {
        self.database_in("standby", port)
    }

    fn database_in(&self, directory: &str, port: u16) -> Database<'_> {
        Database {
            programs: &self.programs,
            account: &self.account,
            directory: self.data_dir.join(directory),
            port,
            durable: self.durable,
        }
    }

    /// The broker of this place.
    pub(crate) fn broker(&self, state: &State, ports: Ports) -> Broker<'_> {
        Broker {
            script: &self.script,
            account: &self.account,
            directory: self.data_dir.join("broker"),
            node: state.node.clone(),
            password: state.password.clone(),
            ports,
        }
    }
}

fn address(user: &str, password: &str, port: u16) -> Address {
    Address {
        user: user.to_owned(),
        password: password.to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
    }
}
