//! Tools that a step needs: found, or installed into `target/tools` by their ordinary client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use handslag_local_infra::{Need, install};

use crate::context::Context;

/// Fixed, so that two machines find the same faults.
const CARGO_DENY: &str = "0.20.2";
const BUF: &str = "1.75.0";
const HELM: Program = Program {
    name: "helm",
    path: "helm.sh/helm/v4/cmd/helm",
    version: "v4.3.2",
    tags: "",
    takes: "about 4 minutes",
};
const KUBECONFORM: Program = Program {
    name: "kubeconform",
    path: "github.com/yannh/kubeconform/cmd/kubeconform",
    version: "v0.8.0",
    tags: "",
    takes: "some seconds",
};
/// Without the clients of every cloud, which rules do not need and which take minutes to compile.
const PROMTOOL: Program = Program {
    name: "promtool",
    path: "github.com/prometheus/prometheus/cmd/promtool",
    version: "v0.316.0",
    tags: "remove_all_sd",
    takes: "about a minute",
};

/// A program that the Go toolchain installs.
struct Program {
    name: &'static str,
    path: &'static str,
    version: &'static str,
    tags: &'static str,
    takes: &'static str,
}

const GO: Need = Need {
    what: "Go",
    apt: "golang",
    dnf: "golang",
    apk: "go",
    brew: "go",
    pacman: "go",
};

const NODE: Need = Need {
    what: "Node with npm",
    apt: "nodejs npm",
    dnf: "nodejs npm",
    apk: "nodejs npm",
    brew: "node",
    pacman: "nodejs npm",
};

const PYTHON: Need = Need {
    what: "Python 3 with venv",
    apt: "python3 python3-venv",
    dnf: "python3",
    apk: "python3 py3-pip",
    brew: "python",
    pacman: "python",
};

const CHROMIUM: Need = Need {
    what: "Chromium",
    apt: "chromium",
    dnf: "chromium",
    apk: "chromium",
    brew: "--cask chromium",
    pacman: "chromium",
};

/// `cargo-deny`: one that is there already, whatever its version, since compiling takes minutes;
/// else the fixed version, without its own network client: advisories are fetched by `git`.
pub(crate) fn cargo_deny(context: &Context) -> Result<PathBuf> {
    let own = context.tools().join("bin/cargo-deny");
    if own.is_file() {
        return Ok(own);
    }
    if let Some(program) = on_path("cargo-deny") {
        return Ok(program);
    }
    say(&format!(
        "installing cargo-deny {CARGO_DENY} into target/tools (about 3 minutes)"
    ));
    let mut cargo = context.cargo();
    cargo.args([
        "install",
        "--quiet",
        "cargo-deny",
        "--version",
        CARGO_DENY,
        "--locked",
    ]);
    cargo
        .arg("--no-default-features")
        .arg("--root")
        .arg(context.tools());
    cargo.arg("--target-dir").arg(context.tools().join("build"));
    if !context.run(&mut cargo)? {
        bail!("cargo-deny cannot be installed");
    }
    Ok(own)
}

/// `helm`, which renders the chart.
pub(crate) fn helm(context: &Context) -> Result<PathBuf> {
    go_program(context, &HELM)
}

/// `kubeconform`, which compares objects with the schemas of their kinds.
pub(crate) fn kubeconform(context: &Context) -> Result<PathBuf> {
    go_program(context, &KUBECONFORM)
}

/// `promtool`, which tests alerts.
pub(crate) fn promtool(context: &Context) -> Result<PathBuf> {
    go_program(context, &PROMTOOL)
}

fn go_program(context: &Context, program: &Program) -> Result<PathBuf> {
    let Program {
        name,
        path,
        version,
        tags,
        takes,
    } = program;
    let folder = context.tools().join("go/bin");
    let wish = format!("{path}@{version}");
    once(&folder, name, &wish, || {
        need("go", GO)?;
        say(&format!("installing {wish} into target/tools ({takes})"));
        let mut go = context.program("go");
        go.args(["install", "-trimpath", "-ldflags=-s -w", "-tags", tags])
            .arg(&wish)
            .env("GOBIN", &folder);
        if !context.run(&mut go)? {
            bail!("{wish} cannot be installed");
        }
        Ok(())
    })?;
    Ok(folder.join(name))
}

/// The folder of a Go module's files.
pub(crate) fn go_module(context: &Context, module: &str) -> Result<PathBuf> {
    need("go", GO)?;
    let mut go = context.program("go");
    let output = go
        .args(["mod", "download", "-json", module])
        .output()
        .context("cannot run go")?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let folder = said.get("Dir").and_then(serde_json::Value::as_str);
    Ok(folder
        .with_context(|| format!("{module} cannot be had"))?
        .into())
}

/// `buf`, from its npm package.
pub(crate) fn buf(context: &Context) -> Result<PathBuf> {
    let folder = context.tools().join("npm");
    let program = folder.join("node_modules/.bin/buf");
    let package = format!("@bufbuild/buf@{BUF}");
    once(&folder, "buf", &package, || {
        need("npm", NODE)?;
        say(&format!("installing {package} into target/tools"));
        let mut npm = context.program("npm");
        npm.args([
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        npm.arg("--prefix").arg(&folder).arg(&package);
        if !context.run(&mut npm)? {
            bail!("{package} cannot be installed");
        }
        Ok(())
    })?;
    Ok(program)
}

/// A Python with the packages that the tests in Python need.
pub(crate) fn python(context: &Context) -> Result<PathBuf> {
    let folder = context.tools().join("venv");
    let program = folder.join("bin/python");
    let list = context.root.join("tests/python/requirements.txt");
    let wanted = fs::read_to_string(&list).context("cannot read the list of Python packages")?;
    once(&folder, "packages", &wanted, || {
        say("installing the packages of tests/python into target/tools");
        let venv = || {
            let mut python = Command::new("python3");
            python
                .args(["-m", "venv", "--clear"])
                .arg(&folder)
                .stdout(Stdio::null());
            python.status().is_ok_and(|status| status.success())
        };
        if !venv() {
            install(&[PYTHON], &mut say)?;
            if !venv() {
                bail!("Python cannot make an environment");
            }
        }
        let mut pip = context.program(&program);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ]);
        if !context.run(pip.arg(&list))? {
            bail!("the packages of tests/python cannot be installed");
        }
        Ok(())
    })?;
    Ok(program)
}

/// The packages of the browser tests, beside them: modules are looked for from there upward.
pub(crate) fn browser_packages(context: &Context, folder: &Path) -> Result<()> {
    let wanted = fs::read_to_string(folder.join("package-lock.json"))?;
    once(&folder.join("node_modules"), "packages", &wanted, || {
        need("npm", NODE)?;
        say("installing the packages of tests/browser");
        let mut npm = context.program("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder);
        if !context.run(&mut npm)? {
            bail!("the packages of tests/browser cannot be installed");
        }
        Ok(())
    })
}

/// A Chromium or Chrome.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("HANDSLAG_CHROMIUM") {
        return Ok(chosen.into());
    }
    let found = || {
        let names = [
            "chromium",
            "chromium-browser",
            "google-chrome",
            "google-chrome-stable",
        ];
        let bundle = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
        let bundle = Some(PathBuf::from(bundle)).filter(|program| program.is_file());
        names.into_iter().find_map(on_path).or(bundle)
    };
    if let Some(program) = found() {
        return Ok(program);
    }
    install(&[CHROMIUM], &mut say)?;
    found().context("Chromium was installed, but is nowhere found")
}

/// Runs an installation unless it was finished before for exactly this wish.
pub(crate) fn once(
    folder: &Path,
    name: &str,
    wish: &str,
    run: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let stamp = folder.join(format!(".{name}-installed"));
    if fs::read_to_string(&stamp).is_ok_and(|done| done == wish) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    run()?;
    fs::write(stamp, wish)?;
    Ok(())
}

fn need(program: &str, package: Need) -> Result<()> {
    if on_path(program).is_some() {
        return Ok(());
    }
    install(&[package], &mut say)
}

fn say(text: &str) {
    eprintln!("{text}");
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installs_again_only_when_the_wish_changes_or_the_last_try_failed() {
        let folder = std::env::temp_dir().join(format!("handslag-once-{}", std::process::id()));
        let mut runs = 0;
        let mut wish = |wish: &str, works: bool| {
            let run = || {
                runs += 1;
                if works { Ok(()) } else { bail!("no network") }
            };
            let _ = once(&folder, "x", wish, run);
            runs
        };
        assert_eq!(wish("1", false), 1);
        assert_eq!(wish("1", true), 2);
        assert_eq!(wish("1", true), 2);
        assert_eq!(wish("2", true), 3);
        fs::remove_dir_all(folder).unwrap();
    }
}
