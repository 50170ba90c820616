//! The workspace: where it is, and its programs, built once by a nested cargo call.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{Error, Result, cache, program};

/// The folder with the workspace's Cargo.toml: where cargo runs this program from, else where it was built.
#[must_use]
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let mut own = PathBuf::from(own);
        own.pop();
        own
    })
}

/// The folder with the built programs: the same profile and target as this program. `cargo test` builds neither other packages'
/// programs nor the PAM module, so the first caller has cargo build them.
///
/// # Errors
/// [`Error::Program`] with what the compiler said.
pub fn built() -> Result<&'static Path> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    match BUILT.get_or_init(|| build().map_err(|error| error.chain())) {
        Ok(folder) => Ok(folder),
        Err(why) => Err(Error::Program {
            command: "cargo build --workspace".to_owned(),
            status: "the product does not build".to_owned(),
            output: why.clone(),
        }),
    }
}

/// An example of a package, built as [`built`] builds the product: a program that drives a library for the tests.
///
/// # Errors
/// [`Error::Program`] with what the compiler said.
pub fn example(package: &str, name: &str) -> Result<PathBuf> {
    let folder = cargo_build(&["--package", package, "--example", name])?;
    Ok(folder.join("examples").join(name))
}

/// The PAM module with a panic on purpose in each hook, built beside the product, in a folder of its own.
///
/// # Errors
/// [`Error::Program`] with what the compiler said.
pub fn panicking_module() -> Result<PathBuf> {
    let target = cache::target()?;
    let folder = cargo_build_in(&target.join("provoke"), &["--package", "pam_jit", "--features", "provoke"])?;
    Ok(folder.join("libpam_jit.so"))
}

fn build() -> Result<PathBuf> {
    cargo_build(&["--workspace"])
}

/// Has cargo build what these words name; the folder with the programs.
fn cargo_build(what: &[&str]) -> Result<PathBuf> {
    cargo_build_in(&cache::target()?, what)
}

/// The same with `into` for the folder of what is built.
fn cargo_build_in(into: &Path, what: &[&str]) -> Result<PathBuf> {
    let target = cache::target()?;
    let exe = std::env::current_exe().map_err(Error::io("find this program's path"))?;
    let below = exe
        .strip_prefix(&target)
        .map_err(|_| Error::Odd(format!("{} is not in {}", exe.display(), target.display())))?;
    // PROFILE/deps/test, PROFILE/program, or TRIPLE/PROFILE/…
    let mut parts: Vec<OsString> = below.iter().map(ToOwned::to_owned).collect();
    parts.pop();
    if parts.last().is_some_and(|part| part == "deps" || part == "examples") {
        parts.pop();
    }
    let Some(profile) = parts.pop() else {
        return Err(Error::Odd(format!("{} is in no profile's folder", exe.display())));
    };
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--target-dir"]).arg(into).args(what);
    command.arg("--profile").arg(if profile == "debug" { "dev".into() } else { profile.clone() });
    let mut folder = into.to_owned();
    if let Some(triple) = parts.pop() {
        command.arg("--target").arg(&triple);
        folder.push(triple);
    }
    command.current_dir(root()).env_remove("LD_LIBRARY_PATH");
    program::run(&mut command)?;
    Ok(folder.join(profile))
}
