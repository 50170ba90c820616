//! The import walls: which package of the workspace may use which, and what some must do without.

use std::fs;

use jit_e2e::workspace;
use toml::{Table, Value};

use crate::no_breaches;
use crate::sources::{files, rust};

/// Each package with the packages of this workspace that it may use.
const WALLS: [(&str, &[&str]); 10] = [
    ("jit-common", &[]),
    ("jitd-core", &["jit-common"]),
    ("jit-mechanisms", &["jit-common", "jitd-core"]),
    ("jitd", &["jit-common", "jitd-core", "jit-mechanisms"]),
    ("jit-guard", &["jit-common", "jit-mechanisms"]),
    ("jitctl", &["jit-common", "jitd-core"]),
    ("pam_jit", &["jit-common"]),
    // Drives the built programs, never their insides.
    ("jit-e2e", &[]),
    // Hold what reads from outside against any bytes, so they go through its own doors.
    ("jit-claims", &["jit-common", "jitd-core", "jit-mechanisms", "jit-guard", "jitd"]),
    ("jit-fuzz", &["jit-claims"]),
];

/// All that the core may use from outside: nothing that does input or output, or asks the time.
const CORE_USES: [&str; 6] = ["regex-lite", "serde", "serde_json", "sha2", "thiserror", "toml"];

/// Packages that must stay small, and what they must do without.
const WITHOUT: [(&str, &[&str]); 5] = [
    ("jit-common", &["tokio", "rusqlite", "zbus"]),
    ("jit-mechanisms", &["tokio", "rusqlite", "zbus", "jiff"]),
    ("jit-guard", &["tokio", "rusqlite", "zbus", "bincode"]),
    ("jitctl", &["tokio", "rusqlite", "zbus", "bincode"]),
    ("pam_jit", &["tokio", "rusqlite", "zbus", "bincode"]),
];

#[test]
fn packages_use_only_what_is_below_them() {
    let mut breaches = Vec::new();
    for (name, dependencies) in packages() {
        let Some((_, allowed)) = WALLS.iter().find(|(package, _)| *package == name) else {
            breaches
                .push(format!("{name} has no place in the walls: give it one here and in ARCHITECTURE.md"));
            continue;
        };
        let own = dependencies.iter().filter(|used| WALLS.iter().any(|(package, _)| package == used));
        breaches.extend(
            own.filter(|used| !allowed.contains(&used.as_str())).map(|used| format!("{name} uses {used}")),
        );
    }
    no_breaches("common <- jitd-core <- jit-mechanisms <- jitd, and so on", breaches);
}

#[test]
fn every_package_is_behind_the_walls() {
    let names: Vec<String> = packages().into_iter().map(|(name, _)| name).collect();
    let missing = WALLS.iter().filter(|(package, _)| !names.iter().any(|name| name == package));
    no_breaches(
        "a wall stands round a package that exists",
        missing.map(|(package, _)| (*package).to_owned()).collect(),
    );
}

#[test]
fn small_packages_stay_small() {
    let mut breaches = Vec::new();
    for (name, dependencies) in packages() {
        for (_, without) in WITHOUT.iter().filter(|(package, _)| *package == name) {
            let heavy = dependencies.iter().filter(|used| without.contains(&used.as_str()));
            breaches.extend(heavy.map(|used| format!("{name} uses {used}")));
        }
    }
    no_breaches("no async runtime, no database, no bus where little must go wrong", breaches);
}

#[test]
fn the_core_has_nothing_to_do_input_or_output_with() {
    let (_, dependencies) = packages().into_iter().find(|(name, _)| name == "jitd-core").unwrap();
    let foreign =
        dependencies.iter().filter(|used| *used != "jit-common" && !CORE_USES.contains(&used.as_str()));
    no_breaches("what the core uses is on the list", foreign.cloned().collect());
    let root = fs::read_to_string(workspace::root().join("jitd/core/src/lib.rs")).unwrap();
    assert!(root.contains("#![no_std]"), "the core is no_std");
    let sources = rust();
    let core = sources.iter().filter(|source| source.path.starts_with("jitd/core/src/"));
    let names_std = core.filter(|source| source.product_code().contains("std::"));
    no_breaches("the core never names std", names_std.map(|source| source.path.clone()).collect());
}

/// Every package of the workspace with what its Cargo.toml says it uses, development and build included, by the real names.
fn packages() -> Vec<(String, Vec<String>)> {
    let manifests = files("toml").into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let tables = manifests.map(|path| fs::read_to_string(path).unwrap().parse::<Table>().unwrap());
    tables
        .filter_map(|table| {
            let name = table.get("package")?.get("name")?.as_str()?.to_owned();
            let mut used = Vec::new();
            uses(&Value::Table(table), &mut used);
            Some((name, used))
        })
        .collect()
}

/// Collects the keys of every `dependencies` table, however deep (`[target.'cfg(...)'.dependencies]`).
fn uses(value: &Value, used: &mut Vec<String>) {
    let Some(table) = value.as_table() else { return };
    for (key, below) in table {
        if !key.ends_with("dependencies") {
            uses(below, used);
            continue;
        }
        for (alias, how) in below.as_table().into_iter().flatten() {
            let package = how.get("package").and_then(Value::as_str).unwrap_or(alias);
            used.push(package.to_owned());
        }
    }
}
