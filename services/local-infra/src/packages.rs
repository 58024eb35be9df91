//! Installing what is missing by the system's own package manager.
//!
//! # Design notes
//!
//! Only `apt-get` is run by us, and only as root or with a `sudo` that asks for no password. For
//! every other system the exact command is said, since a program that waits for a password in the
//! middle of its work is worse than one sentence.
//!
//! Debian's packages start a server of their own on the usual port. A `policy-rc.d` that forbids
//! it stands while we install, and what we have brought in is disabled afterwards, so that neither
//! today nor after the next boot a server runs that nobody asked for. A server that was installed
//! before is neither stopped nor disabled.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::account::own_user;
use crate::files::on_path;

/// Installs `$@`, keeping every server that the packages bring from being started.
const APT: &str = r#"set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi
new=
for package in "$@"; do
  dpkg -s "$package" >/dev/null 2>&1 || new="$new $package"
done
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@"
if [ -d /run/systemd/system ]; then
  for package in $new; do
    case "$package" in
      postgresql|rabbitmq-server) systemctl disable --quiet "$package.service" || true ;;
    esac
  done
fi
"#;

/// Something that a machine may lack, by the names that package managers give it; several names
/// are separated by blanks.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// What it is, for people.
    pub what: &'static str,
    /// Debian, Ubuntu.
    pub apt: &'static str,
    /// Fedora and its kin.
    pub dnf: &'static str,
    /// Alpine.
    pub apk: &'static str,
    /// Homebrew.
    pub brew: &'static str,
    /// Arch.
    pub pacman: &'static str,
}

/// Installs what is needed, or fails with the exact command that does.
///
/// # Errors
///
/// When this system's package manager is not ours to run (the message names the command), or when
/// it fails.
pub fn install(needs: &[Need], progress: &mut dyn FnMut(&str)) -> Result<()> {
    let what: Vec<&str> = needs.iter().map(|need| need.what).collect();
    let what = what.join(" and ");
    match plan(&Machine::look()?, needs) {
        Plan::Tell(text) => bail!("{what} is missing. {text}"),
        Plan::Run(arguments) => {
            progress(&format!("installing {what} (about a minute)"));
            let mut command = Command::new(&arguments[0]);
            command.args(&arguments[1..]).stdin(Stdio::null());
            let output = command
                .output()
                .with_context(|| format!("cannot run {}", arguments[0]))?;
            if !output.status.success() {
                let complaint = String::from_utf8_lossy(&output.stderr);
                let lines: Vec<&str> = complaint.trim().lines().rev().take(8).collect();
                let lines: Vec<&str> = lines.into_iter().rev().collect();
                bail!("installing {what} failed:\n{}", lines.join("\n"));
            }
            Ok(())
        }
    }
}

/// What a machine lets us do.
#[derive(Clone, Copy, Debug)]
struct Machine {
    manager: Option<Manager>,
    root: bool,
    /// `sudo` works without asking.
    sudo: bool,
    /// The user has said by `HANDSLAG_INSTALL=never` that nothing is to be installed.
    forbidden: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Apk,
    Brew,
    Pacman,
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// The program and its arguments.
    Run(Vec<String>),
    /// A sentence with the command.
    Tell(String),
}

impl Machine {
    fn look() -> Result<Self> {
        let managers = [
            ("apt-get", Manager::Apt),
            ("dnf", Manager::Dnf),
            ("apk", Manager::Apk),
            ("pacman", Manager::Pacman),
            ("brew", Manager::Brew),
        ];
        let found = managers
            .into_iter()
            .find(|(program, _)| on_path(program).is_some());
        let root = own_user()? == 0;
        let asks_nothing = || {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "true"]).stdin(Stdio::null());
            sudo.output().is_ok_and(|output| output.status.success())
        };
        let sudo = !root && on_path("sudo").is_some() && asks_nothing();
        let forbidden = std::env::var("HANDSLAG_INSTALL").is_ok_and(|value| value == "never");
        Ok(Self {
            manager: found.map(|(_, manager)| manager),
            root,
            sudo,
            forbidden,
        })
    }
}

fn plan(machine: &Machine, needs: &[Need]) -> Plan {
    let names =
        |pick: fn(&Need) -> &'static str| needs.iter().map(pick).collect::<Vec<_>>().join(" ");
    let sudo = if machine.root { "" } else { "sudo " };
    let command = match machine.manager {
        Some(Manager::Apt) => {
            if !machine.forbidden && (machine.root || machine.sudo) {
                let before: &[&str] = if machine.root { &[] } else { &["sudo", "-n"] };
                let shell = ["sh", "-c", APT, "sh"];
                let packages = needs.iter().flat_map(|need| need.apt.split_whitespace());
                let all = before.iter().copied().chain(shell).chain(packages);
                return Plan::Run(all.map(str::to_owned).collect());
            }
            format!("{sudo}apt-get install {}", names(|need| need.apt))
        }
        Some(Manager::Dnf) => format!("{sudo}dnf install {}", names(|need| need.dnf)),
        Some(Manager::Apk) => format!("{sudo}apk add {}", names(|need| need.apk)),
        Some(Manager::Pacman) => format!("{sudo}pacman -S {}", names(|need| need.pacman)),
        Some(Manager::Brew) => format!("brew install {}", names(|need| need.brew)),
        None => {
            let text = "Install it by this system's package manager, and run the same again.";
            return Plan::Tell(text.to_owned());
        }
    };
    Plan::Tell(format!(
        "Install it with\n    {command}\nand run the same again."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: [Need; 1] = [Need {
        what: "PostgreSQL",
        apt: "postgresql",
        dnf: "postgresql-server",
        apk: "postgresql",
        brew: "postgresql@17",
        pacman: "postgresql",
    }];

    fn machine(manager: Option<Manager>, root: bool, sudo: bool) -> Machine {
        Machine {
            manager,
            root,
            sudo,
            forbidden: false,
        }
    }

    #[test]
    fn runs_apt_as_root_or_by_a_sudo_that_asks_nothing() {
        let Plan::Run(as_root) = plan(&machine(Some(Manager::Apt), true, false), &NEEDS) else {
            panic!("root may install");
        };
        assert_eq!(
            (as_root[0].as_str(), as_root[4].as_str()),
            ("sh", "postgresql")
        );
        let Plan::Run(by_sudo) = plan(&machine(Some(Manager::Apt), false, true), &NEEDS) else {
            panic!("sudo may install");
        };
        assert_eq!(by_sudo[..3], ["sudo", "-n", "sh"]);
    }

    #[test]
    fn names_the_exact_command_where_it_may_not_run_it() {
        for (manager, root, command) in [
            (Manager::Apt, false, "sudo apt-get install postgresql"),
            (Manager::Dnf, false, "sudo dnf install postgresql-server"),
            (Manager::Dnf, true, "    dnf install postgresql-server"),
            (Manager::Apk, false, "sudo apk add postgresql"),
            (Manager::Pacman, false, "sudo pacman -S postgresql"),
            (Manager::Brew, false, "    brew install postgresql@17"),
        ] {
            let Plan::Tell(text) = plan(&machine(Some(manager), root, false), &NEEDS) else {
                panic!("{manager:?} is not ours to run");
            };
            assert!(text.contains(command), "{text}");
        }
    }

    #[test]
    fn installs_nothing_when_told_so() {
        let mut machine = machine(Some(Manager::Apt), true, false);
        machine.forbidden = true;
        assert!(matches!(plan(&machine, &NEEDS), Plan::Tell(_)));
    }

    /// The script with stand-ins for the system's programs: it must leave no policy behind, leave
    /// one that was there alone, and disable only what it brought.
    #[test]
    fn keeps_the_packages_servers_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let log = place.join("log");
        let stand_in = |name: &str, body: &str| {
            use std::os::unix::fs::PermissionsExt;
            let path = place.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        let policy = place.join("policy-rc.d");
        stand_in("dpkg", "[ \"$2\" = rabbitmq-server ]");
        let record = format!(
            "echo apt \"$@\" $(test -x {0} && echo kept) >> {1}",
            policy.display(),
            log.display()
        );
        stand_in("apt-get", &record);
        stand_in(
            "systemctl",
            &format!("echo systemctl \"$@\" >> {}", log.display()),
        );
        let script = APT
            .replace("/usr/sbin/policy-rc.d", &policy.display().to_string())
            .replace("/run/systemd/system", &place.display().to_string());
        let run = || {
            let path = format!("{}:/usr/bin:/bin", place.display());
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &script, "sh", "postgresql", "rabbitmq-server"])
                .env("PATH", path);
            assert!(shell.output().unwrap().status.success());
            std::mem::take(&mut std::fs::read_to_string(&log).unwrap())
        };
        let said = run();
        assert!(
            said.contains("install -y -qq --no-install-recommends postgresql"),
            "{said}"
        );
        assert!(said.contains("kept"), "{said}");
        assert!(
            said.contains("disable --quiet postgresql.service"),
            "{said}"
        );
        assert!(!said.contains("rabbitmq-server.service"), "{said}");
        assert!(!policy.exists());
        std::fs::write(&policy, "the administrator's own").unwrap();
        run();
        assert_eq!(
            std::fs::read_to_string(&policy).unwrap(),
            "the administrator's own"
        );
    }
}
