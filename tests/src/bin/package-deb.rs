//! `cargo package-deb`: builds a Debian package from the install manifest into `target/debian`.

use std::io::Write as _;
use std::process::ExitCode;

use jit_e2e::{Error, Result, cache, package};

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn build() -> Result<()> {
    let folder = cache::target()?.join("debian");
    std::fs::create_dir_all(&folder).map_err(Error::io(format!("create {}", folder.display())))?;
    let path = package::build(&folder)?;
    writeln!(std::io::stdout(), "{}", path.display()).map_err(Error::io("print the package's path"))
}
