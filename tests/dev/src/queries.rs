//! The descriptions of SQL queries in each crate's `.sqlx`, without which a build would need a
//! database.
//!
//! # Design notes
//!
//! The macros write a description per query into the folder that `SQLX_OFFLINE_DIR` names, when
//! they are expanded against a live database. So each crate is checked by the compiler once more
//! with that variable and with a fresh database that its own migrations have made; that is all
//! that `sqlx-cli` does, whose compilation would take minutes.
//!
//! A crate whose sources and migrations are the same as at the last time is not compiled again:
//! its descriptions are kept in `target/sqlx`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;

/// A crate with checked queries.
struct Room {
    name: String,
    folder: PathBuf,
    /// The variable by which the macros find its database.
    variable: String,
}

/// File name → content of each description.
type Descriptions = BTreeMap<String, String>;

/// What differs between the committed descriptions and fresh ones, one sentence each.
pub(crate) fn check(context: &Context) -> Result<Vec<String>> {
    let rooms = rooms(&context.root)?;
    describe_all(context, &rooms)?;
    let mut differences = Vec::new();
    for room in &rooms {
        let fresh = read(&kept(context, room))?;
        let committed = read(&room.folder.join(".sqlx"))?;
        differences.extend(compare(&room.name, &committed, &fresh));
    }
    Ok(differences)
}

/// Writes the descriptions of every crate anew.
pub(crate) fn write(context: &Context) -> Result<()> {
    let rooms = rooms(&context.root)?;
    describe_all(context, &rooms)?;
    for room in &rooms {
        let folder = room.folder.join(".sqlx");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let fresh = read(&kept(context, room))?;
        fs::create_dir_all(&folder)?;
        for (name, text) in &fresh {
            fs::write(folder.join(name), text)?;
        }
        println!("{}: {} queries", room.name, fresh.len());
    }
    Ok(())
}

fn compare(room: &str, committed: &Descriptions, fresh: &Descriptions) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, text) in fresh {
        match committed.get(name) {
            None => differences.push(format!("{room}: .sqlx/{name} is missing: {}", query(text))),
            Some(old) if old != text => {
                differences.push(format!(
                    "{room}: .sqlx/{name} is out of date: {}",
                    query(text)
                ));
            }
            Some(_) => {}
        }
    }
    for (name, text) in committed {
        if !fresh.contains_key(name) {
            differences.push(format!(
                "{room}: .sqlx/{name} has no query: {}",
                query(text)
            ));
        }
    }
    differences
}

/// The beginning of the query in a description.
fn query(description: &str) -> String {
    let line = description
        .lines()
        .find(|line| line.trim_start().starts_with("\"query\":"));
    let text = line
        .unwrap_or_default()
        .trim()
        .trim_start_matches("\"query\":")
        .trim();
    text.replace("\\n", " ")
        .split_whitespace()
        .take(8)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Fills `target/sqlx` with the descriptions of every crate.
fn describe_all(context: &Context, rooms: &[Room]) -> Result<()> {
    let same = |room: &&Room| {
        let stamp = kept(context, room).join("inputs");
        inputs(&context.root, room)
            .is_ok_and(|inputs| fs::read_to_string(stamp).is_ok_and(|done| done == inputs))
    };
    let stale: Vec<&Room> = rooms.iter().filter(|room| !same(room)).collect();
    if stale.is_empty() {
        return Ok(());
    }
    let mut addresses = Vec::new();
    for room in rooms {
        addresses.push((room.variable.clone(), migrated(context, room)?));
    }
    for room in stale {
        describe(context, room, &addresses)?;
    }
    Ok(())
}

fn describe(context: &Context, room: &Room, addresses: &[(String, String)]) -> Result<()> {
    let folder = kept(context, room);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let inputs = inputs(&context.root, room)?;
    // Once without the folder, by the same arguments and so with the same features of everything,
    // so that in the second pass only the crate itself is compiled: one that it depends on would
    // write its queries there as well.
    let check = || check_command(context, room, addresses);
    if !context.run(&mut check())? {
        bail!("{} does not compile against its database", room.name);
    }
    // Cargo compiles what is younger than its last result. The true times are given back, or every
    // other build would compile the crate again as well.
    let files = rust_files(&room.folder)?;
    let times = files.iter().map(|file| fs::metadata(file)?.modified());
    let times: Vec<SystemTime> = times.collect::<std::io::Result<_>>()?;
    let now = SystemTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed()?;
    set_times(&files, &vec![now; files.len()])?;
    let checked = context.run(check().env("SQLX_OFFLINE_DIR", &folder));
    set_times(&files, &times)?;
    if !checked? {
        bail!("{} does not compile against its database", room.name);
    }
    fs::write(folder.join("inputs"), inputs)?;
    Ok(())
}

fn set_times(files: &[PathBuf], times: &[SystemTime]) -> Result<()> {
    for (file, time) in files.iter().zip(times) {
        File::options()
            .append(true)
            .open(file)?
            .set_modified(*time)?;
    }
    Ok(())
}

fn check_command(
    context: &Context,
    room: &Room,
    addresses: &[(String, String)],
) -> std::process::Command {
    let mut cargo = context.cargo();
    cargo.args(["check", "--quiet", "--all-targets", "--package", &room.name]);
    cargo
        .env("SQLX_OFFLINE", "false")
        .env_remove("SQLX_OFFLINE_DIR");
    cargo.envs(addresses.iter().cloned());
    cargo
}

/// A fresh database with the migrations that every service runs, then the crate's own.
fn migrated(context: &Context, room: &Room) -> Result<String> {
    let servers = context.servers()?;
    let url = servers.fresh_database(&format!("sqlx {}", room.name))?;
    let database = url
        .rsplit('/')
        .next()
        .context("the URL names no database")?;
    for file in migrations(&context.root, room)? {
        let wrong = || format!("{} cannot be applied", file.display());
        servers.sql_file(database, &file).with_context(wrong)?;
    }
    Ok(url)
}

fn migrations(root: &Path, room: &Room) -> Result<Vec<PathBuf>> {
    let platform = root.join("services/platform/migrations");
    let own = room.folder.join("migrations");
    let mut files = files_in(&platform, "sql")?;
    if own != platform {
        files.extend(files_in(&own, "sql")?);
    }
    Ok(files)
}

/// Every crate that names its own database in `sqlx.toml`.
fn rooms(root: &Path) -> Result<Vec<Room>> {
    let mut rooms = Vec::new();
    for entry in fs::read_dir(root.join("services"))? {
        let folder = entry?.path();
        let Ok(settings) = fs::read_to_string(folder.join("sqlx.toml")) else {
            continue;
        };
        let variable = settings.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "database-url-var").then(|| value.trim().trim_matches('"').to_owned())
        });
        let variable = variable.with_context(|| format!("no variable in {}", folder.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        rooms.push(Room {
            name: format!("handslag-{name}"),
            folder,
            variable,
        });
    }
    rooms.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(rooms)
}

/// A number that changes with anything the descriptions depend on.
fn inputs(root: &Path, room: &Room) -> Result<String> {
    let mut files = rust_files(&room.folder)?;
    files.extend(migrations(root, room)?);
    files.extend(["Cargo.toml", "sqlx.toml"].map(|name| room.folder.join(name)));
    files.push(root.join("Cargo.lock"));
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in ["src", "tests"] {
        files.extend(files_in(&folder.join(part), "rs")?);
    }
    Ok(files)
}

/// All files with this ending under a folder, sorted; none when there is no such folder.
fn files_in(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_in(&path, ending)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn kept(context: &Context, room: &Room) -> PathBuf {
    context.target().join("sqlx").join(&room.name)
}

fn read(folder: &Path) -> Result<Descriptions> {
    let mut descriptions = Descriptions::new();
    for file in files_in(folder, "json")? {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        descriptions.insert(name, fs::read_to_string(&file)?);
    }
    Ok(descriptions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptions(list: &[(&str, &str)]) -> Descriptions {
        list.iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn finds_missing_old_and_superfluous_descriptions() {
        let committed = descriptions(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let fresh = descriptions(&[("a", "1"), ("b", "2"), ("d", "1")]);
        let differences = compare("x", &committed, &fresh);
        assert_eq!(differences.len(), 3, "{differences:?}");
        assert!(differences[0].contains("b is out of date"));
        assert!(differences[1].contains("d is missing"));
        assert!(differences[2].contains("c has no query"));
        assert!(compare("x", &fresh, &fresh).is_empty());
    }

    #[test]
    fn shows_the_beginning_of_a_query() {
        let text = "{\n  \"query\": \"SELECT a,\\n  b FROM c\",\n}";
        assert_eq!(query(text), "\"SELECT a, b FROM c\",");
    }

    #[test]
    fn finds_every_service_with_a_database_of_its_own() {
        let context = Context::find().unwrap();
        let names: Vec<String> = rooms(&context.root)
            .unwrap()
            .into_iter()
            .map(|room| room.variable)
            .collect();
        assert!(
            names.contains(&"REGISTRY_DATABASE_URL".to_owned()),
            "{names:?}"
        );
    }
}
