//! The program that builds the Dockerfile.
//!
//! # Design notes
//!
//! The three that are common are known by what they are told; any other comes as the words of a
//! command in `HANDSLAG_BUILDER`, with places to fill in, and writes an archive in Docker's form,
//! which every runtime imports. What a builder keeps of the compilation it must keep from one target
//! to the next (`--layers`), or each image would be compiled by itself.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

const DOCKERFILE: &str = "services/Dockerfile";

/// One image to build.
pub(super) struct Order {
    pub(super) target: &'static str,
    pub(super) name: String,
    pub(super) archive: PathBuf,
    pub(super) arguments: Vec<(&'static str, String)>,
    /// By the names that OCI gives them.
    pub(super) labels: Vec<(&'static str, String)>,
    /// The time that everything in the image has.
    pub(super) seconds: u64,
}

/// Who builds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Builder {
    Docker,
    Podman,
    Buildah,
    /// The words of a command.
    Own(Vec<String>),
}

impl Builder {
    /// The one that is wished, or the first that works here.
    pub(super) fn choose(wish: Option<&str>) -> Result<Self> {
        if let Some(wish) = wish {
            return Self::parse(wish);
        }
        // Docker's client alone builds nothing: it is asked for its daemon and its plugin.
        let here = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::null());
            command.output().is_ok_and(|output| output.status.success())
        };
        if here("docker", &["buildx", "inspect"]) {
            return Ok(Self::Docker);
        }
        [("podman", Self::Podman), ("buildah", Self::Buildah)]
            .into_iter()
            .find(|(program, _)| here(program, &["--version"]))
            .map(|(_, builder)| builder)
            .context(
                "no builder of Dockerfiles works here: install docker with buildx, podman or \
                 buildah, or name a command in HANDSLAG_BUILDER (services/IMAGES.md)",
            )
    }

    fn parse(wish: &str) -> Result<Self> {
        let words: Vec<String> = wish.split_whitespace().map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["docker"] => Ok(Self::Docker),
            ["podman"] => Ok(Self::Podman),
            ["buildah"] => Ok(Self::Buildah),
            _ => {
                for place in ["{target}", "{image}", "{archive}", "{arguments}"] {
                    let said = "HANDSLAG_BUILDER is docker, podman, buildah, or a command with";
                    ensure!(wish.contains(place), "{said} {place}");
                }
                Ok(Self::Own(words.into_iter().map(str::to_owned).collect()))
            }
        }
    }

    /// What is run for one image, one after the other.
    pub(super) fn commands(&self, order: &Order) -> Vec<Vec<String>> {
        let archive = order.archive.display();
        let name = &order.name;
        let template = match self {
            Self::Docker => format!(
                "docker buildx build --file {DOCKERFILE} --target {{target}} {{arguments}} \
                 --provenance=false --tag {{image}} \
                 --output type=docker,dest={archive},rewrite-timestamp=true ."
            ),
            Self::Podman | Self::Buildah => format!(
                "{self} build --layers --timestamp {{seconds}} --file {DOCKERFILE} \
                 --target {{target}} {{arguments}} --tag {{image}} ."
            ),
            Self::Own(words) => words.join(" "),
        };
        let mut commands = vec![filled(&template, order)];
        match self {
            // Pushed and not saved: saved, an image without a host in its name is of `localhost`,
            // and no node would find it under the name that it is asked for.
            Self::Podman | Self::Buildah => commands.push(words(&format!(
                "{self} push --quiet {name} docker-archive:{archive}:{name}"
            ))),
            Self::Docker | Self::Own(_) => {}
        }
        commands
    }
}

impl fmt::Display for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Docker => "docker buildx",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
            Self::Own(words) => words.first().map_or("", String::as_str),
        })
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The template's words with what the order says; `{arguments}` becomes several words, the labels
/// among them.
fn filled(template: &str, order: &Order) -> Vec<String> {
    let mut filled = Vec::new();
    for word in template.split_whitespace() {
        if word == "{arguments}" {
            let arguments = order.arguments.iter().map(|pair| ("--build-arg", pair));
            let labels = order.labels.iter().map(|pair| ("--label", pair));
            for (flag, (name, value)) in arguments.chain(labels) {
                filled.extend([flag.to_owned(), format!("{name}={value}")]);
            }
            continue;
        }
        let word = word
            .replace("{dockerfile}", DOCKERFILE)
            .replace("{context}", ".")
            .replace("{target}", order.target)
            .replace("{image}", &order.name)
            .replace("{archive}", &order.archive.to_string_lossy())
            .replace("{seconds}", &order.seconds.to_string());
        filled.push(word);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            target: "web",
            name: "handslag/web:0.1.0".to_owned(),
            archive: "target/images/web.tar".into(),
            arguments: vec![("RUST", "r:1".to_owned())],
            labels: vec![("version", "0.1.0".to_owned())],
            seconds: 7,
        }
    }

    #[test]
    fn tells_each_builder_target_name_arguments_and_where_the_archive_goes() {
        for builder in [Builder::Docker, Builder::Podman, Builder::Buildah] {
            let lines: Vec<String> = builder
                .commands(&order())
                .iter()
                .map(|words| words.join(" "))
                .collect();
            let all = lines.join("\n");
            for part in [
                "--file services/Dockerfile",
                "--target web",
                "--build-arg RUST=r:1 --label version=0.1.0",
                "handslag/web:0.1.0",
                "target/images/web.tar",
            ] {
                assert!(all.contains(part), "{builder}: {all}");
            }
            assert!(!all.contains('{'), "{all}");
        }
    }

    #[test]
    fn fills_a_command_of_ones_own() {
        let wish = "build --to {archive} --as {image} -f {dockerfile} {arguments} --at {seconds} \
                    --target={target} {context}";
        let builder = Builder::choose(Some(wish)).unwrap();
        assert_eq!(
            builder.commands(&order())[0].join(" "),
            "build --to target/images/web.tar --as handslag/web:0.1.0 -f services/Dockerfile \
             --build-arg RUST=r:1 --label version=0.1.0 --at 7 --target=web ."
        );
    }

    #[test]
    fn refuses_a_command_that_would_build_the_same_for_all() {
        assert!(Builder::choose(Some("kaniko")).is_err());
        assert!(Builder::choose(Some("build {target} {image} {archive}")).is_err());
        assert_eq!(Builder::choose(Some("podman")).unwrap(), Builder::Podman);
    }
}
