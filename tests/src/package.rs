//! A Debian package of the product, built from the install manifest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::manifest::{self, Kind, Manifest};
use crate::{Error, Result, elf, program};

/// A package of unoptimised programs is for the tests alone: xz would take minutes over their debug information.
const COMPRESSION: &[&str] = if cfg!(debug_assertions) { &["-Zgzip", "-z1"] } else { &["-Zxz"] };

/// Builds the package into `folder` and gives its path.
///
/// # Errors
/// When the workspace does not build, or dpkg-deb says no.
pub fn build(folder: &Path) -> Result<PathBuf> {
    let manifest = Manifest::load()?;
    let architecture = program::run(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let version = env!("CARGO_PKG_VERSION");
    let package = folder.join(format!("{}_{version}_{architecture}.deb", manifest.package.name));
    let root = folder.join(format!("{}.root.{}", manifest.package.name, std::process::id()));
    remove(&root)?;
    fs::create_dir_all(&root).map_err(Error::io(format!("create {}", root.display())))?;
    let built = lay_out(&manifest, &root, &architecture).and_then(|()| {
        let mut command = Command::new("dpkg-deb");
        command.args(["--root-owner-group"]).args(COMPRESSION).args(["--build"]).arg(&root).arg(&package);
        program::run(&mut command)
    });
    remove(&root)?;
    built?;
    Ok(package)
}

fn lay_out(manifest: &Manifest, root: &Path, architecture: &str) -> Result<()> {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))
        .map_err(Error::io("set the mode of a folder"))?;
    manifest.lay_out(root)?;
    let debian = root.join("DEBIAN");
    fs::create_dir(&debian).map_err(Error::io(format!("create {}", debian.display())))?;
    write(&debian.join("control"), &control(manifest, root, architecture)?, 0o644)?;
    let settings = manifest.files.iter().filter(|entry| entry.kind == Kind::Settings);
    let conffiles: String = settings.map(|entry| format!("{}\n", entry.to)).collect();
    write(&debian.join("conffiles"), &conffiles, 0o644)?;
    for name in ["postinst", "prerm", "postrm"] {
        write(&debian.join(name), &manifest::script(name)?, 0o755)?;
    }
    Ok(())
}

fn control(manifest: &Manifest, root: &Path, architecture: &str) -> Result<String> {
    let about = &manifest.package;
    let programs = manifest.files.iter().filter(|entry| matches!(entry.kind, Kind::Program | Kind::Library));
    let sources = programs.map(|entry| entry.source()).collect::<Result<Vec<_>>>()?;
    let (major, minor) = elf::glibc_needed(sources.iter().map(PathBuf::as_path))?;
    let mut depends = vec![format!("libc6 (>= {major}.{minor})")];
    depends.extend(about.depends.iter().cloned());
    let size = program::run(Command::new("du").args(["-sk", "--apparent-size"]).arg(root))?;
    let size = size.split_whitespace().next().unwrap_or("0");
    let description: String = about.description.iter().map(|line| format!(" {line}\n")).collect();
    Ok(format!(
        "Package: {}\nVersion: {}\nArchitecture: {architecture}\nMaintainer: {}\nSection: {}\nPriority: optional\n\
         Installed-Size: {size}\nDepends: {}\nDescription: {}\n{description}",
        about.name,
        env!("CARGO_PKG_VERSION"),
        about.maintainer,
        about.section,
        depends.join(", "),
        about.summary,
    ))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    fs::write(path, text).map_err(Error::io(format!("write {}", path.display())))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(Error::io(format!("set the mode of {}", path.display())))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}
