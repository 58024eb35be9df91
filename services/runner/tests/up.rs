//! `handslag up` as a process: killed, started again, traced, stopped.

#[path = "up/killed.rs"]
mod killed;
#[path = "up/process.rs"]
mod process;
#[path = "up/traced.rs"]
mod traced;
