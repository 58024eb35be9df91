//! `cargo dev image`: the images as archives, each with its bill of materials beside it.
//!
//! # Design notes
//!
//! * Any program that builds Dockerfiles will do (see [`builder`]); the Dockerfile says what an
//!   image is, and this only names stages, versions and files.
//! * An image is judged by its archive, whoever built it: its size, its user, its program.
//! * All images of a call are built from a copy of the sources, made once: a file that somebody saves
//!   between two of them would have everything compiled anew, and make images of two versions.
//! * The times in an image are those of the commit, so that a commit gives the same image twice.

mod archive;
mod bill;
mod builder;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use self::archive::Archive;
use self::builder::{Builder, Order};
use crate::context::Context;

/// Whom every image runs as.
const USER: &str = "65532:65532";

/// A program and its image.
struct Image {
    /// The stage of the Dockerfile, and the last part of the image's name.
    name: &'static str,
    package: &'static str,
    program: &'static str,
    /// Megabytes (10^6 bytes) that the archive may have.
    most: u64,
}

/// 40 MB are what a node loads in a second or two; reporting and the command line, which has the
/// services in it, carry the typesetter and its fonts.
const IMAGES: [Image; 6] = [
    Image::of("registry", "handslag-registry", 40),
    Image::of("commitments", "handslag-commitments", 40),
    Image::of("notifications", "handslag-notifications", 40),
    Image::of("reporting", "handslag-reporting", 90),
    Image::of("web", "handslag-web", 40),
    Image {
        program: "handslag",
        ..Image::of("cli", "handslag-runner", 90)
    },
];

impl Image {
    const fn of(name: &'static str, package: &'static str, most: u64) -> Self {
        Self {
            name,
            package,
            program: package,
            most,
        }
    }
}

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    names: Vec<String>,
    /// The image that compiles, if not the Dockerfile's own choice.
    rust: Option<String>,
    tag: String,
}

impl Wish {
    fn parse(arguments: &[String], rust: Option<String>) -> Result<Self> {
        let mut wish = Self {
            names: Vec::new(),
            rust,
            tag: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value
                    .cloned()
                    .with_context(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--rust" => wish.rust = Some(value()?),
                "--tag" => wish.tag = value()?,
                name if IMAGES.iter().any(|image| image.name == name) => {
                    wish.names.push(name.to_owned());
                }
                other => {
                    let names: Vec<&str> = IMAGES.iter().map(|image| image.name).collect();
                    bail!("there is no image `{other}`, only {}", names.join(", "));
                }
            }
        }
        Ok(wish)
    }

    fn images(&self) -> impl Iterator<Item = &'static Image> {
        IMAGES
            .iter()
            .filter(|image| self.names.is_empty() || self.names.iter().any(|n| n == image.name))
    }
}

/// Builds the images that the arguments name, or all.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<bool> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let wish = Wish::parse(arguments, variable("HANDSLAG_RUST_IMAGE"))?;
    let builder = Builder::choose(variable("HANDSLAG_BUILDER").as_deref())?;
    let folder = context.target().join("images");
    fs::create_dir_all(&folder)?;
    let origin = Origin::of(context, variable("SOURCE_DATE_EPOCH").as_deref())?;
    let sources = sources(context, &folder.join("sources"))?;
    let mut rows = Vec::new();
    for image in wish.images() {
        println!("== {} by {builder}", image.name);
        let file = folder.join(format!("{}.tar", image.name));
        let order = order(&wish, image, &origin, file.clone());
        build(context, &builder, &order, &sources)?;
        let archive = Archive::read(&file)?;
        judge(image, &order, &archive)?;
        rows.push((image, order.name, archive));
    }
    let identities: Vec<_> = rows
        .iter()
        .map(|(image, name, archive)| (image.package, name.as_str(), archive.identity.as_str()))
        .collect();
    let bills = bill::of_all(context, &packages(), &identities, origin.seconds)?;
    for ((image, ..), text) in rows.iter().zip(bills) {
        fs::write(folder.join(format!("{}.cdx.json", image.name)), text)?;
    }
    Ok(print_table(&rows))
}

fn packages() -> Vec<&'static str> {
    IMAGES.iter().map(|image| image.package).collect()
}

fn order(wish: &Wish, image: &Image, origin: &Origin, archive: PathBuf) -> Order {
    Order {
        target: image.name,
        name: format!("handslag/{}:{}", image.name, wish.tag),
        archive,
        arguments: wish
            .rust
            .iter()
            .map(|rust| ("RUST", rust.clone()))
            .collect(),
        labels: vec![
            ("org.opencontainers.image.version", wish.tag.clone()),
            ("org.opencontainers.image.revision", origin.revision.clone()),
            (
                "org.opencontainers.image.created",
                bill::moment(origin.seconds),
            ),
        ],
        seconds: origin.seconds,
    }
}

fn build(context: &Context, builder: &Builder, order: &Order, sources: &Path) -> Result<()> {
    // Some builders add to an archive that is there, or refuse to write it.
    if order.archive.exists() {
        fs::remove_file(&order.archive)?;
    }
    for words in builder.commands(order) {
        let (program, arguments) = words.split_first().context("the builder has no name")?;
        let mut command = context.program(program);
        command
            .args(arguments)
            .current_dir(sources)
            .env("SOURCE_DATE_EPOCH", order.seconds.to_string());
        ensure!(context.run(&mut command)?, "`{}` failed", words.join(" "));
    }
    let file = order.archive.display();
    ensure!(order.archive.is_file(), "the builder left no {file}");
    Ok(())
}

/// A copy of the sources as they stand, in a fresh folder; where git does not say which files these
/// are, the checkout itself.
fn sources(context: &Context, folder: &Path) -> Result<PathBuf> {
    let mut list: Command = context.program("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = list.output().ok().filter(|output| output.status.success());
    let Some(listed) = listed else {
        return Ok(context.root.clone());
    };
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (context.root.join(name), folder.join(name));
        // A file that is deleted and not yet committed so is still listed.
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            fs::copy(from, to)?;
        }
    }
    Ok(folder.to_owned())
}

/// What the chart takes for granted of an image.
fn judge(image: &Image, order: &Order, archive: &Archive) -> Result<()> {
    let Archive {
        names,
        user,
        entrypoint,
        labels,
        ..
    } = archive;
    let name = &order.name;
    ensure!(
        archive.is_called(name),
        "the archive of {name} calls it {}",
        names.join(", ")
    );
    ensure!(
        user == USER,
        "{} runs as `{user}` and not as {USER}",
        image.name
    );
    let program = format!("/{}", image.program);
    ensure!(
        *entrypoint == program,
        "{} starts `{entrypoint}` and not {program}",
        image.name
    );
    for (label, wished) in &order.labels {
        let said = labels.get(*label);
        ensure!(
            said == Some(wished),
            "{} has {said:?} for {label} and not {wished}",
            image.name
        );
    }
    Ok(())
}

fn print_table(rows: &[(&Image, String, Archive)]) -> bool {
    println!();
    let mut all_fit = true;
    for (image, name, archive) in rows {
        let fits = archive.bytes <= image.most * 1_000_000;
        all_fit &= fits;
        let tenths = archive.bytes.div_ceil(100_000);
        println!(
            "{name:<32} {:>3}.{} MB of {:>2}  {}  {}",
            tenths / 10,
            tenths % 10,
            image.most,
            archive.identity,
            if fits { "fits" } else { "TOO LARGE" },
        );
    }
    all_fit
}

/// Which sources these are.
struct Origin {
    revision: String,
    /// Of the commit, since 1970.
    seconds: u64,
}

impl Origin {
    /// By git, where there is one: an export of the sources has none and is as good.
    fn of(context: &Context, epoch: Option<&str>) -> Result<Self> {
        let git = |arguments: &[&str]| {
            let mut git: Command = context.program("git");
            let output = git.args(arguments).output().ok()?;
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            output.status.success().then_some(said)
        };
        let changed = git(&["status", "--porcelain"]).is_some_and(|list| !list.is_empty());
        let revision = git(&["rev-parse", "HEAD"]).map_or("unknown".to_owned(), |revision| {
            revision + if changed { "-changed" } else { "" }
        });
        let committed = git(&["log", "-1", "--format=%ct"]);
        let seconds = epoch.or(committed.as_deref()).unwrap_or("0");
        Ok(Self {
            revision,
            seconds: seconds
                .parse()
                .context("SOURCE_DATE_EPOCH is a number of seconds")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Wish> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Wish::parse(&words, Some("own/rust".to_owned()))
    }

    #[test]
    fn reads_which_images_are_wanted() {
        let wish = parse("web --tag 0.2.0 cli").unwrap();
        let names: Vec<&str> = wish.images().map(|image| image.name).collect();
        assert_eq!(names, ["web", "cli"]);
        assert_eq!(wish.tag, "0.2.0");
        assert_eq!(wish.rust.as_deref(), Some("own/rust"));
        assert_eq!(parse("").unwrap().images().count(), IMAGES.len());
        let rust = parse("--rust rust:1.96").unwrap().rust;
        assert_eq!(rust.as_deref(), Some("rust:1.96"));
    }

    #[test]
    fn refuses_what_is_no_image() {
        assert!(parse("registy").is_err());
        assert!(parse("--tag").is_err());
        assert!(parse("--push").is_err());
    }

    #[test]
    fn every_image_is_a_stage_of_the_dockerfile_with_its_program() {
        let root = Context::find().unwrap().root;
        let dockerfile = fs::read_to_string(root.join("services/Dockerfile")).unwrap();
        for image in &IMAGES {
            let stage = format!("FROM image AS {}\n", image.name);
            let (_, after) = dockerfile.split_once(&stage).expect(image.name);
            let stage = after.split("\nFROM ").next().unwrap();
            let entry = format!("ENTRYPOINT [\"/{}\"]", image.program);
            assert!(stage.contains(&entry), "{}", image.name);
            let package = format!("--package {}", image.package);
            assert!(dockerfile.contains(&package), "{}", image.name);
        }
        assert!(dockerfile.contains(&format!("USER {USER}\n")));
    }

    #[test]
    fn refuses_an_image_of_another_user_program_or_commit() {
        let origin = Origin {
            revision: "a1".to_owned(),
            seconds: 0,
        };
        let order = order(&parse("").unwrap(), &IMAGES[0], &origin, PathBuf::new());
        let archive = |user: &str, entrypoint: &str| Archive {
            bytes: 1,
            identity: "sha256:0".to_owned(),
            names: vec![order.name.clone()],
            user: user.to_owned(),
            entrypoint: entrypoint.to_owned(),
            labels: order
                .labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        };
        let judge = |archive: &Archive| judge(&IMAGES[0], &order, archive);
        assert!(judge(&archive(USER, "/handslag-registry")).is_ok());
        assert!(judge(&archive("", "/handslag-registry")).is_err());
        assert!(judge(&archive(USER, "/bin/sh")).is_err());
        let mut earlier = archive(USER, "/handslag-registry");
        earlier.labels.insert(
            "org.opencontainers.image.revision".to_owned(),
            "a0".to_owned(),
        );
        assert!(judge(&earlier).is_err());
    }
}
