//! Each service's tables, row by row, as the judge reads them.

use std::path::Path;

use anyhow::Result;
use handslag_checker::record::{DATABASE_ROW, DUMPS, dump_line};
use handslag_runner::ports::SERVICES;

use crate::history::Lines;
use crate::site::Site;

/// Tables whose rows nobody judges: large contents, and the migrations' own.
const LEFT_OUT: [&str; 2] = ["report_content", "_sqlx_migrations"];

/// Every table that is no partition of another.
const TABLES: &str =
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY c.relname";

/// What the database itself knows, at the end of the dump's transaction.
const DATABASE: &str = "SELECT row_to_json(t) FROM (
    SELECT clock_timestamp() AS now,
           (SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'handslag-%'
              AND state LIKE 'idle in transaction%'
              AND state_change < clock_timestamp() - interval '15 seconds')
               AS connections_in_transaction) t";

/// Dumps every service's database.
pub(crate) fn all(site: &dyn Site, folder: &Path) -> Result<()> {
    for (place, service) in SERVICES.iter().enumerate() {
        one(
            site,
            place,
            &folder.join(DUMPS).join(format!("{service}.jsonl")),
        )?;
    }
    Ok(())
}

/// Everything in one transaction and so of one instant: the services go on meanwhile.
fn one(site: &dyn Site, place: usize, file: &Path) -> Result<()> {
    let lines = Lines::create(file)?;
    let mut statements = String::from("BEGIN ISOLATION LEVEL REPEATABLE READ;");
    let tables = site.sql(place, TABLES)?;
    for table in tables.lines().filter(|table| !LEFT_OUT.contains(table)) {
        // The names come from the catalogue and are identifiers of our own migrations.
        statements.push_str(&format!(
            "SELECT '{table}', row_to_json(t) FROM \"{table}\" t;"
        ));
    }
    statements.push_str(&format!("SELECT '{DATABASE_ROW}', ({DATABASE}); COMMIT"));
    for row in site.sql(place, &statements)?.lines() {
        if let Some((table, row)) = row.split_once('|') {
            lines.write_text(&dump_line(table, row)?)?;
        }
    }
    lines.flush()
}
