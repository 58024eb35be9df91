//! Bills of materials in CycloneDX: which crates are in a program, and under which licences.
//!
//! # Design notes
//!
//! * `cargo tree` is asked and not a tool that reads `cargo metadata`: the latter resolves the
//!   whole workspace with its tests, and names a fifth more than is linked (two databases' drivers
//!   among it). Asked for all programs at once it answers with the features of the one compilation
//!   that makes them.
//! * Crates that only generate code while compiling are not in the program and not in the bill.
//!   Rust's own library and musl are part of the builder's image, not of the lock file.
//! * The same commit gives the same bill: its time is the commit's, and it has no random number.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::context::Context;

/// What the programs are linked for. Another processor's differ in no crate.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// The crates of the compilation.
#[derive(Debug, Default)]
struct Tree {
    crates: BTreeMap<Name, Crate>,
}

/// A crate's name and version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name(String, String);

#[derive(Debug, Default)]
struct Crate {
    licence: String,
    /// Whether it is of this workspace.
    own: bool,
    needs: BTreeSet<Name>,
}

/// A bill for each (package, image, digest of the image), in their order.
pub(super) fn of_all(
    context: &Context,
    packages: &[&str],
    images: &[(&str, &str, &str)],
    seconds: u64,
) -> Result<Vec<String>> {
    let mut cargo = context.cargo();
    cargo.args(["tree", "--locked", "--target", TARGET]);
    cargo.args(["--edges", "normal,no-proc-macro", "--prefix", "depth"]);
    cargo.args(["--format", "\t{p}\t{l}\t"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let output = cargo.output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree failed: {said}");
    let tree = Tree::read(&String::from_utf8_lossy(&output.stdout))?;
    let lock = std::fs::read_to_string(context.root.join("Cargo.lock"))?;
    let checksums = checksums(&lock);
    images
        .iter()
        .map(|(package, image, digest)| {
            let bill = bill(&tree, &checksums, package, image, digest, seconds)?;
            Ok(serde_json::to_string_pretty(&bill)? + "\n")
        })
        .collect()
}

impl Tree {
    /// Reads `cargo tree`: depth, crate, licence. A crate that was shown before stands there again
    /// without what it needs, so that what it needs is gathered.
    fn read(text: &str) -> Result<Self> {
        let mut tree = Self::default();
        let mut above: Vec<Name> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let mut columns = line.split('\t');
            let mut next = || columns.next().with_context(|| format!("no crate: {line}"));
            let (depth, package, licence) = (next()?, next()?, next()?);
            let mut words = package.split(' ');
            let (Some(name), Some(version)) = (words.next(), words.next()) else {
                bail!("no crate: {line}");
            };
            let name = Name(name.to_owned(), version.trim_start_matches('v').to_owned());
            above.truncate(depth.parse().with_context(|| format!("no depth: {line}"))?);
            if let Some(parent) = above.last().and_then(|parent| tree.crates.get_mut(parent)) {
                parent.needs.insert(name.clone());
            }
            let found = tree.crates.entry(name.clone()).or_default();
            found.licence = expression(licence);
            found.own = words.next().is_some_and(|place| place.starts_with("(/"));
            above.push(name);
        }
        Ok(tree)
    }

    /// What a package is linked from, itself first.
    fn below(&self, package: &str) -> Result<Vec<(&Name, &Crate)>> {
        let root = self.crates.keys().find(|name| name.0 == package);
        let mut waiting = vec![root.with_context(|| format!("{package} is in no tree"))?];
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            let Some(member) = self.crates.get(name).filter(|_| seen.insert(name)) else {
                continue;
            };
            found.push((name, member));
            waiting.extend(&member.needs);
        }
        found[1..].sort_by_key(|(name, _)| *name);
        Ok(found)
    }
}

fn bill(
    tree: &Tree,
    checksums: &BTreeMap<Name, String>,
    package: &str,
    image: &str,
    digest: &str,
    seconds: u64,
) -> Result<Value> {
    let crates = tree.below(package)?;
    let components: Vec<Value> = crates[1..]
        .iter()
        .map(|(name, member)| component(name, member, checksums.get(*name)))
        .collect::<Result<_>>()?;
    let needs = |(name, member): &(&Name, &Crate)| {
        let needs: Vec<String> = member.needs.iter().map(Name::reference).collect();
        json!({ "ref": name.reference(), "dependsOn": needs })
    };
    let (root, program) = crates[0];
    let mut described = component(root, program, None)?;
    described["type"] = json!("application");
    described["properties"] = json!([
        { "name": "handslag:image", "value": image },
        { "name": "handslag:image:config-digest", "value": digest },
        { "name": "handslag:target", "value": TARGET },
    ]);
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "timestamp": moment(seconds), "component": described },
        "components": components,
        "dependencies": crates.iter().map(needs).collect::<Vec<Value>>(),
    }))
}

fn component(name: &Name, member: &Crate, checksum: Option<&String>) -> Result<Value> {
    let Name(title, version) = name;
    ensure!(
        !member.licence.is_empty(),
        "{title} {version} names no licence"
    );
    ensure!(
        member.own || checksum.is_some(),
        "{title} {version} has no checksum in Cargo.lock"
    );
    let mut component = json!({
        "type": "library",
        "bom-ref": name.reference(),
        "name": title,
        "version": version,
        "licenses": [{ "expression": member.licence }],
    });
    if member.own {
        component["supplier"] = json!({ "name": "Stockholms stad" });
    } else {
        component["purl"] = json!(name.reference());
    }
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    Ok(component)
}

impl Name {
    fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.0, self.1)
    }
}

/// An expression of SPDX: older crates put a slash for "or".
fn expression(licence: &str) -> String {
    let parts: Vec<&str> = licence.split('/').map(str::trim).collect();
    parts.join(" OR ")
}

/// The checksums of the crates' archives, of the lock file.
fn checksums(lock: &str) -> BTreeMap<Name, String> {
    let value = |block: &str, key: &str| {
        let line = block.lines().find(|line| line.starts_with(key))?;
        line.split('"').nth(1).map(str::to_owned)
    };
    lock.split("[[package]]")
        .filter_map(|block| {
            let name = Name(value(block, "name = ")?, value(block, "version = ")?);
            Some((name, value(block, "checksum = ")?))
        })
        .collect()
}

/// Seconds since 1970 as date and time (RFC 3339).
pub(super) fn moment(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    let day = days + 1;
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0\tours v0.1.0 (/source/ours)\tEUPL-1.2\t
1\ta v1.0.0\tMIT/Apache-2.0\t
2\tb v2.0.0\tMIT\t
1\tc v3.0.0\tISC\t
2\ta v1.0.0\tMIT/Apache-2.0\t (*)

0\tother v0.1.0 (/source/other)\tEUPL-1.2\t
1\td v4.0.0\tMIT\t
1\tours v0.1.0 (/source/ours)\tEUPL-1.2\t (*)
";
    const LOCK: &str = "\
[[package]]
name = \"a\"
version = \"1.0.0\"
checksum = \"aa\"

[[package]]
name = \"b\"
version = \"2.0.0\"
checksum = \"bb\"

[[package]]
name = \"c\"
version = \"3.0.0\"
checksum = \"cc\"

[[package]]
name = \"d\"
version = \"4.0.0\"
checksum = \"dd\"
";

    fn names(package: &str) -> Vec<String> {
        let tree = Tree::read(TREE).unwrap();
        let bill = bill(&tree, &checksums(LOCK), package, "x:1", "sha256:0", 0).unwrap();
        let components = bill["components"].as_array().unwrap();
        let name = |component: &Value| component["name"].as_str().unwrap().to_owned();
        components.iter().map(name).collect()
    }

    #[test]
    fn names_what_a_program_is_linked_from_and_not_what_another_is() {
        assert_eq!(names("ours"), ["a", "b", "c"]);
        assert_eq!(names("other"), ["a", "b", "c", "d", "ours"]);
    }

    #[test]
    fn says_licence_checksum_and_what_needs_what() {
        let tree = Tree::read(TREE).unwrap();
        let bill = bill(&tree, &checksums(LOCK), "ours", "x:1", "sha256:0", 0).unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "ours");
        let first = &bill["components"][0];
        assert_eq!(first["purl"], "pkg:cargo/a@1.0.0");
        assert_eq!(first["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(first["hashes"][0]["content"], "aa");
        let needs = json!({ "ref": "pkg:cargo/c@3.0.0", "dependsOn": ["pkg:cargo/a@1.0.0"] });
        let dependencies = bill["dependencies"].as_array().unwrap();
        assert!(dependencies.contains(&needs), "{dependencies:?}");
    }

    #[test]
    fn refuses_a_crate_without_licence_or_checksum() {
        let tree = Tree::read(TREE).unwrap();
        assert!(bill(&tree, &BTreeMap::new(), "ours", "x:1", "sha256:0", 0).is_err());
        let tree = Tree::read(&TREE.replace("\tISC\t", "\t\t")).unwrap();
        assert!(bill(&tree, &checksums(LOCK), "ours", "x:1", "sha256:0", 0).is_err());
        assert!(Tree::read("warning: no tree").is_err());
    }

    #[test]
    fn every_program_has_a_bill_without_what_only_tests_and_other_crates_ask_for() {
        let context = Context::find().unwrap();
        let packages = crate::image::packages();
        let images: Vec<_> = packages
            .iter()
            .map(|name| (*name, "x:1", "sha256:0"))
            .collect();
        let bills = of_all(&context, &packages, &images, 0).unwrap();
        for (package, bill) in packages.iter().zip(&bills) {
            assert!(bill.contains("pkg:cargo/tonic@"), "{package}");
            for foreign in [
                "sqlx-mysql",
                "libsqlite3-sys",
                "proptest",
                "\"serde_derive\"",
            ] {
                assert!(!bill.contains(foreign), "{package}: {foreign}");
            }
        }
        assert!(bills[3].contains("pkg:cargo/typst@") && !bills[0].contains("typst"));
    }

    #[test]
    fn writes_moments() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(951_826_153), "2000-02-29T12:09:13Z");
        assert_eq!(moment(1_798_761_599), "2026-12-31T23:59:59Z");
    }
}
