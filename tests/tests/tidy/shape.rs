//! The shape of files and functions: short, and each file says what it is about.

use crate::no_breaches;
use crate::sources::{blanked, files, line_of, rust};

const LINES_OF_A_FILE: usize = 400;
const LINES_OF_A_FUNCTION: usize = 70;

/// Names that say nothing about what is inside.
const DRAWERS: [&str; 8] = ["util", "utils", "helper", "helpers", "misc", "manager", "common", "shared"];

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long = rust().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = long.filter(|(lines, _)| *lines > LINES_OF_A_FILE);
    no_breaches(
        "a file has at most 400 lines",
        long.map(|(lines, path)| format!("{path}: {lines}")).collect(),
    );
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut breaches = Vec::new();
    for source in rust() {
        for (name, line, lines) in functions(&source.code) {
            if lines > LINES_OF_A_FUNCTION {
                breaches.push(format!("{}:{line}: {name} has {lines}", source.path));
            }
        }
    }
    no_breaches("a function has at most 70 lines", breaches);
}

#[test]
fn every_file_opens_with_its_subject() {
    let silent = rust().into_iter().filter(|source| !source.text.starts_with("//! "));
    no_breaches("a file opens with `//!` and its one subject", silent.map(|source| source.path).collect());
}

#[test]
fn no_file_is_a_drawer() {
    let mut breaches = Vec::new();
    for path in files("rs") {
        if path.file_stem().is_some_and(|stem| DRAWERS.iter().any(|drawer| stem == *drawer)) {
            breaches.push(path.display().to_string());
        }
    }
    no_breaches("a file is named by a noun of the domain", breaches);
}

/// Every function with a body: name, first line, number of lines.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let starts = code.match_indices("fn ").map(|(at, _)| at);
    let whole_word =
        |at: &usize| !code[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    starts.filter(whole_word).filter_map(|at| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<(String, usize, usize)> {
    let rest = &code[at..];
    let name: String = rest[3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (offset, c) in rest.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            // A declaration without a body, or a pointer type.
            ';' | ',' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && !name.is_empty() {
                    let lines = rest[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1;
                    return Some((name, line_of(code, at), lines));
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let code = blanked("trait T { fn a(x: [u8; 4]); }\nfn b<T>(f: fn(u8) -> u8)\n{\n if true { }\n}\n");
    assert_eq!(functions(&code), [("b".to_owned(), 2, 4)]);
}
