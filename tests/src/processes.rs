//! Looking at processes of the beds from outside, through `/proc`.

use std::fs;
use std::path::PathBuf;

/// All processes that exist now.
#[must_use]
pub fn all() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The children of a process.
#[must_use]
pub fn children(of: u32) -> Vec<u32> {
    all().into_iter().filter(|&pid| parent(pid) == Some(of)).collect()
}

/// The children of a process, theirs, and so on.
#[must_use]
pub fn descendants(of: u32) -> Vec<u32> {
    let parents: Vec<(u32, Option<u32>)> = all().into_iter().map(|pid| (pid, parent(pid))).collect();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(&above) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == Some(above)).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// A process' parent.
#[must_use]
pub fn parent(pid: u32) -> Option<u32> {
    field(pid, "PPid:")?.first().copied()
}

/// A process' numbers, from ours (first) to the one in its innermost namespace (last).
#[must_use]
pub fn numbers(pid: u32) -> Vec<u32> {
    field(pid, "NSpid:").unwrap_or_default()
}

/// The short name of a process.
#[must_use]
pub fn name(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// The pid namespace a process is in, as the kernel names it.
#[must_use]
pub fn namespace(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

/// True while the process exists and is not a zombie.
#[must_use]
pub fn alive(pid: u32) -> bool {
    status(pid).is_some_and(|text| !text.lines().any(|line| line.starts_with("State:\tZ")))
}

fn status(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/status")).ok()
}

fn field(pid: u32, name: &str) -> Option<Vec<u32>> {
    let text = status(pid)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}
