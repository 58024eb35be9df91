//! One seed: a world, its faults, and what became of it.

use std::fmt;

use crate::chance::Chance;
use crate::defect::Defect;
use crate::driver::world as others;
use crate::faults;
use crate::history::History;
use crate::judge::Judge;
use crate::model::broker::Broker;
use crate::model::producer::Producer;
use crate::model::tables::Tables;
use crate::run::Run;
use crate::schedule::Schedule;
use crate::sim::{Runtime, Sim};
use crate::totals::{Count, Totals};
use crate::world::{Kind, Plan, Process, World};

/// Steps between two looks whether a calm world is quiet: each look sums up the whole log.
const LOOK_EVERY: u64 = 64;

/// How a seed is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Steps after the last fault within which the world must be quiet.
    pub steps: u64,
    /// A design with a fault that is to be found.
    pub defect: Option<Defect>,
    /// Whether the history is written down.
    pub history: bool,
}

impl Options {
    /// Steps after the last fault within which a world must be quiet: about four times what the
    /// slowest of 100 000 worlds took, which mended long gaps a version or two at a time.
    pub const STEPS: u64 = 300_000;
}

impl Default for Options {
    /// The platform as it is.
    fn default() -> Self {
        Self {
            steps: Self::STEPS,
            defect: None,
            history: false,
        }
    }
}

/// What became of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What happened how often.
    pub totals: Totals,
    /// Steps after the last fault until the world was quiet.
    pub steps_in_calm: u64,
    /// The promise that was broken, if one was.
    pub breach: Option<String>,
    /// What happened, if it was wanted.
    pub history: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.history {
            writeln!(f, "{line}")?;
        }
        match &self.breach {
            Some(breach) => write!(f, "seed {} breaks a promise: {breach}", self.seed),
            None => write!(f, "seed {} keeps all promises", self.seed),
        }
    }
}

/// Runs one seed.
#[must_use]
pub fn simulate(seed: u64, options: Options) -> Outcome {
    let sim = begin(seed, options);
    let mut runtime = Runtime::new(sim.clone());
    let mut steps_in_calm = 0;
    let breach = loop {
        if !runtime.step() {
            break Some("nothing can happen any more".to_owned());
        }
        let (breach, calm) = sim.with(|world| {
            world.run.count(Count::Steps);
            (world.judge.breach().map(str::to_owned), world.run.calm)
        });
        if breach.is_some() {
            break breach;
        }
        if !calm {
            continue;
        }
        steps_in_calm += 1;
        if steps_in_calm % LOOK_EVERY == 0 {
            let Some(missing) = sim.with(|world| world.unfinished()) else {
                break None;
            };
            if steps_in_calm >= options.steps {
                let steps = options.steps;
                break Some(format!(
                    "not quiet {steps} steps after the last fault: {missing}"
                ));
            }
        }
    };
    drop(runtime);
    sim.with(|world| Outcome {
        seed,
        totals: world.run.totals.clone(),
        steps_in_calm,
        breach,
        history: std::mem::take(&mut world.run.history).into_lines(),
    })
}

/// The world of a seed, with everything in it about to begin.
fn begin(seed: u64, options: Options) -> Sim {
    let mut chance = Chance::new(seed);
    let plan = Plan::draw(&mut chance);
    let processes = processes(plan);
    let schedule = Schedule::new(processes.len());
    let history = History::new(options.history);
    let mut run = Run::new(schedule, chance, history, options.defect);
    run.tell("world", || format!("seed {seed}: {plan:?}"));
    let sim = Sim::new(World {
        run,
        plan,
        producer: Producer::new(plan.aggregates),
        services: (0..plan.services).map(|_| Tables::default()).collect(),
        broker: Broker::new(plan.services),
        judge: Judge::default(),
        processes,
        orders: Vec::new(),
        commands_left: plan.commands,
        obstinate: Vec::new(),
        deaths: Vec::new(),
    });
    sim.begin(0, others::broker(sim.clone()));
    sim.begin(0, others::operator(sim.clone()));
    sim.begin(0, faults::strike(sim.clone()));
    sim.begin(0, faults::restart(sim.clone()));
    for _ in 0..plan.writers {
        sim.begin(0, others::writer(sim.clone()));
    }
    for service in 0..plan.services {
        sim.begin(0, others::undertaker(sim.clone(), service));
    }
    let count = sim.with(|world| world.processes.len());
    for process in 1..count {
        faults::boot(&sim, process);
    }
    sim
}

fn processes(plan: Plan) -> Vec<Process> {
    let process = |kind, name| Process {
        kind,
        name,
        stopping: false,
        alive: true,
    };
    let mut processes = vec![process(Kind::World, "the world".to_owned())];
    for relay in 0..plan.relays {
        processes.push(process(Kind::Relay, format!("relay {relay}")));
    }
    for service in 0..plan.services {
        for replica in 0..plan.replicas {
            let name = format!("consumer {service}.{replica}");
            processes.push(process(Kind::Consumer { service }, name));
        }
    }
    processes
}
