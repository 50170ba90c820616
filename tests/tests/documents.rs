//! The documents as a test: what they link to is there, and the tests they name exist.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jit_e2e::workspace;

/// Documents that say which test shows what, claim by claim.
const NAME_TESTS: [&str; 2] = ["ARCHITECTURE.md", "docs/threat-model.md"];

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for path in files("md") {
        let text = fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !path.parent().unwrap().join(target).exists() {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_test_that_a_document_names_exists() {
    let sources: Vec<String> =
        files("rs").into_iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let names: BTreeSet<&str> = sources.iter().flat_map(|source| functions(source)).collect();
    let mut missing = Vec::new();
    for path in files("md") {
        let text = fs::read_to_string(&path).unwrap();
        let named: Vec<&str> = quoted(&text).filter(|word| is_name_of_a_test(word)).collect();
        let document = path.strip_prefix(workspace::root()).unwrap().display().to_string();
        assert!(named.len() > 10 || !NAME_TESTS.contains(&document.as_str()), "{document} names {named:?}");
        missing.extend(
            named.into_iter().filter(|name| !names.contains(name)).map(|name| format!("{document}: {name}")),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_request_stands_in_the_document_of_the_wire() {
    let read = |path: &str| fs::read_to_string(workspace::root().join(path)).unwrap();
    let (source, document) = (read("common/src/request.rs"), read("docs/wire.md"));
    let requests = variants(&source, "Request");
    assert!(requests.contains(&"Elevate") && requests.len() > 8, "{requests:?}");
    let missing: Vec<&str> =
        requests.into_iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/wire.md does not name {missing:?}");
}

/// The names of an enum's variants, of a source that rustfmt has shaped.
fn variants<'a>(source: &'a str, of: &str) -> Vec<&'a str> {
    let body = source.split(&format!("pub enum {of} {{\n")).nth(1).and_then(|rest| rest.split("\n}").next());
    let lines = body.unwrap_or_default().lines().filter_map(|line| line.strip_prefix("    "));
    let named = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    named.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()).collect()
}

/// A sentence in snake case. Types, options and paths are none.
fn is_name_of_a_test(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn functions(source: &str) -> impl Iterator<Item = &str> {
    source.match_indices("fn ").map(|(at, word)| {
        let rest = source.get(at + word.len()..).unwrap_or_default();
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    })
}

/// What stands between single backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The targets of all links within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://"))
}

fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(workspace::root(), ending, &mut found);
    assert!(found.len() > 5, "the files of the workspace were not found");
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            walk(&path, ending, found);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

#[test]
fn links_and_names_are_found() {
    let text = "see [a](b.md#c), [d](https://e.f) and `a_test_with_name`, `Type`, `not_this`";
    assert_eq!(links(text).collect::<Vec<_>>(), ["b.md#c"]);
    let named: Vec<&str> = quoted(text).filter(|word| is_name_of_a_test(word)).collect();
    assert_eq!(named, ["a_test_with_name"]);
}
