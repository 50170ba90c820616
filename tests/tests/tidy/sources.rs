//! The sources of the workspace as the checks see them: whole, and with comments and literals blanked.

use std::fs;
use std::path::{Path, PathBuf};

use jit_e2e::workspace;

/// One Rust file.
pub(crate) struct Source {
    /// Its path below the workspace.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
    /// The same lines and columns, but comments, strings and characters are blanks.
    pub(crate) code: String,
}

impl Source {
    /// The code that is not test code.
    pub(crate) fn product_code(&self) -> &str {
        if self.is_test() {
            return "";
        }
        // By convention the tests of a file are its last item.
        self.code.split("#[cfg(test)]").next().unwrap_or("")
    }

    /// The code that is test code.
    pub(crate) fn test_code(&self) -> &str {
        if self.is_test() { &self.code } else { self.code.get(self.product_code().len()..).unwrap_or("") }
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// All Rust files of the workspace.
pub(crate) fn rust() -> Vec<Source> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(workspace::root()).unwrap().to_string_lossy().into_owned();
        Source { code: blanked(&text), path, text }
    };
    let found: Vec<Source> = files("rs").into_iter().map(read).collect();
    assert!(found.len() > 10, "the sources of the workspace were not found");
    found
}

/// All files of the workspace whose names end so.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(workspace::root(), ending, &mut found);
    found.sort();
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

/// Where a file starts or a line ends, the number of the line at this byte.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

/// Blanks what is not code and keeps every line break.
pub(crate) fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string_end(rest, 1),
            'r' | 'b' | 'c' if !out.ends_with(|before: char| before.is_alphanumeric() || before == '_') => {
                prefixed(rest)
            }
            '\'' => character(rest),
            _ => 0,
        };
        if skip == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (gone, after) = rest.split_at(skip);
            out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    out
}

/// The length of a string literal whose opening quote ends at `from`.
fn string_end(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < from) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// The length of a literal with a prefix (`b""`, `r#""#`, `c""`, `b''`), or 0 when it is a plain word.
fn prefixed(text: &str) -> usize {
    let prefix = text.find(|c| !matches!(c, 'r' | 'b' | 'c')).unwrap_or(text.len());
    let (letters, rest) = text.split_at(prefix);
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    match rest[hashes..].chars().next() {
        Some('"') if letters.ends_with('r') => {
            let end = format!("\"{}", "#".repeat(hashes));
            let from = prefix + hashes + 1;
            text[from..].find(&end).map_or(text.len(), |at| from + at + end.len())
        }
        Some('"') if hashes == 0 => string_end(text, prefix + 1),
        Some('\'') if hashes == 0 && letters == "b" => prefix + character(rest),
        _ => 0,
    }
}

/// The length of a character literal, or 0 when it is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |at| at + 4),
        Some((_, _)) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

#[test]
fn literals_and_comments_are_blanked_and_lines_kept() {
    let text = "let a = \"{ \\\" }\"; // {\nlet b = r#\"\" {\"#; let c = '{'; let d: &'a str; let e = b'\\''; /* {\n */ br";
    let blank = blanked(text);
    assert_eq!(blank.len(), text.len());
    assert!(!blank.contains('{') && !blank.contains('"'), "{blank}");
    assert!(blank.contains("&'a str") && blank.ends_with("br") && blank.lines().count() == 3);
}
