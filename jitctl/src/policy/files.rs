//! The files of a policy.

use std::fs;
use std::path::{Path, PathBuf};

use jitd_core::policy::{Policy, PolicyError};

use crate::failure::Failure;

/// A policy's files: the name each is known by, and its text.
#[derive(Debug)]
pub(super) struct Files(Vec<(String, String)>);

impl Files {
    /// Reads one directory's `*.toml`, as jitd does, or the files that are named.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = vec![];
        for path in paths {
            if !path.is_dir() {
                files.push(path.clone());
            } else if paths.len() == 1 {
                files = in_directory(path)?;
            } else {
                return Err(Failure::usage(format!(
                    "name files, or one directory alone: {}",
                    path.display()
                )));
            }
        }
        files.iter().map(|file| Ok((name(file), read(file)?))).collect::<Result<_, _>>().map(Self)
    }

    /// The names.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The policy, or everything that is wrong with it.
    pub(super) fn parse(&self) -> Result<Policy, Vec<PolicyError>> {
        let files: Vec<(&str, &str)> =
            self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Policy::parse(&files)
    }
}

/// The text of one file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Read { path: path.to_owned(), source })
}

/// The name that errors call a file by: without its directory, as jitd does.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn in_directory(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |source| Failure::Read { path: dir.to_owned(), source };
    let mut files = vec![];
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let what = "there is no *.toml in it, so nothing would be granted".to_owned();
        return Err(Failure::Content { path: dir.to_owned(), what });
    }
    Ok(files)
}
