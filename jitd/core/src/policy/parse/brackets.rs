//! How deep a text nests, looked at before anything reads it: where brackets are never closed, the parser of TOML goes one level
//! deeper with each of them to tell more errors, and a long enough text takes it over the end of its stack.

/// Levels that are taken. A policy has five.
pub(in crate::policy) const DEEPEST: usize = 80;

/// The first byte at which more brackets of one kind are open than may be.
pub(in crate::policy) fn too_deep(text: &str) -> Option<usize> {
    let (mut braces, mut brackets, mut at) = (0_usize, 0_usize, 0);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = string_end(bytes, at),
            b'#' => at += bytes.iter().skip(at).take_while(|byte| **byte != b'\n').count(),
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            b'[' => brackets += 1,
            b']' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        if braces > DEEPEST || brackets > DEEPEST {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The last byte of the string that begins at `start`: of one line, or between threes of its quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let quote = rest.first().copied().unwrap_or(b'"');
    let three = [quote; 3];
    let (opening, lines) = if rest.starts_with(&three) { (3, true) } else { (1, false) };
    let mut at = opening;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !lines => return start + at,
            byte if *byte == quote && !lines => return start + at,
            byte if *byte == quote && rest.get(at..).unwrap_or_default().starts_with(&three) => {
                return start + at + 2;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_that_stay_open_count() {
        for text in
            ["a = {[r]\n", "a = [", "x = {]\n", "[}\n", "a = \"x\"\nb = {\n", "# [\n[\n", "s = 'a' [\n"]
        {
            assert!(too_deep(&text.repeat(DEEPEST + 1)).is_some(), "{text:?}");
            assert_eq!(too_deep(&text.repeat(DEEPEST)), None, "{text:?}");
        }
        for text in [
            "[[rule]]\nroles = [\"a\"]\n",
            "pattern = '^\\[INC'\n",
            "pattern = \"^[{\"\n",
            "s = \"\"\"[\n[{\"[\"\"\"\n",
            "s = '''{\n{'''\n",
            "# [{[{\n",
            "s = \"\\\"[\"\n",
        ] {
            assert_eq!(too_deep(&text.repeat(1000)), None, "{text:?}");
        }
    }
}
