//! Makes the module link on a machine that has PAM but not the package with its headers.
//!
//! The linker looks for `libpam.so`, which only that package (libpam0g-dev) has; every Debian system has the library itself,
//! `libpam.so.0`. So a link of the wanted name is made in this build's own folder.

use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const LIBRARY: &str = "libpam.so.0";

fn main() -> io::Result<()> {
    let mut cargo = io::stdout();
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let Some(library) = find(&arch) else {
        return writeln!(
            cargo,
            "cargo::error=PAM's library {LIBRARY} is not on this machine, so pam_jit cannot be linked: apt-get install libpam0g"
        );
    };
    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let link = folder.join("libpam.so");
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => symlink(&library, &link)?,
    }
    writeln!(cargo, "cargo::rerun-if-changed={}", library.display())?;
    writeln!(cargo, "cargo::rustc-link-search=native={}", folder.display())?;
    load_little(&mut cargo, &folder)
}

/// What sudo pays for the module at each call is its loading. So the unwinder is in it, where the compiler has one to link,
/// instead of in one more library; and its relocations are packed, which glibc reads since 2.36.
fn load_little(cargo: &mut io::Stdout, folder: &Path) -> io::Result<()> {
    writeln!(cargo, "cargo::rustc-link-arg-cdylib=-Wl,-z,pack-relative-relocs")?;
    let found = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let path = found.ok().and_then(|said| String::from_utf8(said.stdout).ok()).unwrap_or_default();
    match Path::new(path.trim()) {
        // A name without a folder is the compiler's way to say that it has none.
        path if path.is_absolute() && path.is_file() => {
            fs::write(folder.join("libgcc_s.so"), format!("INPUT({})\n", path.display()))
        }
        _ => Ok(()),
    }
}

/// The library of the architecture that is built for: Debian's folders first, then the ones of other distributions.
fn find(arch: &str) -> Option<PathBuf> {
    let debian = format!("{arch}-linux-gnu");
    let folders = ["/lib", "/usr/lib"].map(|above| Path::new(above).join(&debian));
    let others = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from);
    folders.into_iter().chain(others).map(|folder| folder.join(LIBRARY)).find(|file| file.is_file())
}
