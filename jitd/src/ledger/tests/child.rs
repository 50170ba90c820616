//! Runs one test of this program again in another process: to be killed, traced, or given a small disk.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that the child uses. Set means: this process is the child.
const DIR: &str = "JIT_TEST_LEDGER_DIR";

/// The folder of the child's ledger, in the child.
pub(super) fn dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// The command that runs test `name` of module `module` again, behind `wrapper`.
pub(super) fn command(wrapper: &[&str], module: &str, name: &str, dir: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let module = module.split_once("::").unwrap().1;
    let mut command = match wrapper.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.args(["--exact", &format!("{module}::{name}"), "--nocapture", "--test-threads=1"]).env(DIR, dir);
    command
}

/// A test that cannot be made here says so. With `JIT_REQUIRE_BEDS=1` that is a failure.
pub(super) fn not_tested(why: &str) {
    assert_ne!(std::env::var("JIT_REQUIRE_BEDS").as_deref(), Ok("1"), "not tested: {why}");
    eprintln!("NOT TESTED: {why}");
}

/// Whether a program of this name can be run.
pub(super) fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| dir.join(program).is_file())
}
