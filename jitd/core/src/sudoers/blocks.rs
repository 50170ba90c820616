//! Cuts grants out of the sudoers file by their ids, without understanding the rules in between.
//!
//! The guard does this while jitd is away. It trusts the file only as far as it looks exactly as jitd writes it.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::HEADER;

/// The most lines between the two of a block: a `Defaults` line, one with commands, one with groups.
const RULES_MAX: usize = 3;

/// Whether a text is an id as it stands in the file: eight characters of lowercase Crockford base32.
pub(super) fn is_id(text: &str) -> bool {
    let in_alphabet = |byte: u8| {
        byte.is_ascii_digit() || (byte.is_ascii_lowercase() && !matches!(byte, b'i' | b'l' | b'o' | b'u'))
    };
    text.len() == 8 && text.bytes().all(in_alphabet)
}

/// The ids of the grants in the file, in their order. `None` when the text is not in the shape that jitd writes.
#[must_use]
pub fn block_ids(text: &str) -> Option<Vec<&str>> {
    Some(blocks(text)?.into_iter().map(|block| block.id).collect())
}

/// The file without the blocks of these ids; ids that are not in it are passed over. `None` when the text is not in
/// the shape that jitd writes: then nobody knows what a rule in it belongs to, and the caller removes all of it.
#[must_use]
pub fn remove_blocks(text: &str, ids: &[&str]) -> Option<String> {
    let ids: BTreeSet<&str> = ids.iter().copied().collect();
    let mut kept = String::from(HEADER);
    for block in blocks(text)? {
        if !ids.contains(block.id) {
            kept.push_str(block.text);
        }
    }
    Some(kept)
}

struct Block<'a> {
    id: &'a str,
    text: &'a str,
}

fn blocks(text: &str) -> Option<Vec<Block<'_>>> {
    let mut rest = text.strip_prefix(HEADER)?;
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let (block, after) = next_block(rest)?;
        blocks.push(block);
        rest = after;
    }
    Some(blocks)
}

/// One block: its `# grant ID` line, one to three rules, and the `# end ID` line of the same id.
fn next_block(text: &str) -> Option<(Block<'_>, &str)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let id = first.strip_prefix("# grant ")?.strip_suffix('\n').filter(|id| is_id(id))?;
    let mut length = first.len();
    for (at, line) in lines.enumerate() {
        length += line.len();
        if let Some(end) = line.strip_prefix("# end ") {
            let (text, after) = text.split_at_checked(length)?;
            return (at > 0 && end.strip_suffix('\n') == Some(id)).then_some((Block { id, text }, after));
        }
        if at >= RULES_MAX || !is_rule(line) {
            return None;
        }
    }
    None
}

/// A line that belongs to one uid and does not run on into the next.
fn is_rule(line: &str) -> bool {
    let of_a_uid = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let whole = line.ends_with('\n') && !line.ends_with("\\\n");
    whole && of_a_uid(line.strip_prefix("Defaults:").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use alloc::format;

    use super::*;

    const ONE: &str =
        "# grant 7k2m9xqa\n#1000 ALL=(root) NOPASSWD: NOSETENV: /usr/bin/id \"\"\n# end 7k2m9xqa\n";
    const TWO: &str = "# grant 8k2m9xqa\nDefaults:#1001 timestamp_timeout=0\n#1001 ALL=(root) PASSWD: NOSETENV: ALL\n# end 8k2m9xqa\n";

    const THREE: &str = "# grant 9k2m9xqa\nDefaults:#1002 timestamp_timeout=0\n#1002 ALL=(root) PASSWD: NOSETENV: ALL\n#1002 ALL=(#1002:#990,#991) PASSWD: NOSETENV: ALL\n# end 9k2m9xqa\n";

    #[test]
    fn the_named_blocks_go_and_the_others_stay_byte_for_byte() {
        let three = format!("{HEADER}{ONE}{THREE}{TWO}");
        assert_eq!(block_ids(&three).unwrap(), ["7k2m9xqa", "9k2m9xqa", "8k2m9xqa"]);
        assert_eq!(remove_blocks(&three, &["9k2m9xqa"]).unwrap(), format!("{HEADER}{ONE}{TWO}"));
        let both = format!("{HEADER}{ONE}{TWO}");
        assert_eq!(block_ids(&both).unwrap(), ["7k2m9xqa", "8k2m9xqa"]);
        assert_eq!(remove_blocks(&both, &["7k2m9xqa"]).unwrap(), format!("{HEADER}{TWO}"));
        assert_eq!(remove_blocks(&both, &["8k2m9xqa"]).unwrap(), format!("{HEADER}{ONE}"));
        assert_eq!(remove_blocks(&both, &["8k2m9xqa", "7k2m9xqa"]).unwrap(), HEADER);
        assert_eq!(remove_blocks(&both, &["00000000"]).unwrap(), both);
        assert_eq!(remove_blocks(HEADER, &["7k2m9xqa"]).unwrap(), HEADER);
    }

    #[test]
    fn a_text_in_any_other_shape_is_not_cut_but_given_up() {
        for text in [
            String::new(),
            "\n".into(),
            "# something else\n".into(),
            HEADER.trim_end().into(),
            format!("{HEADER}\n"),
            format!("{HEADER}{}", ONE.trim_end()),
            format!("{HEADER}#1000 ALL=(root) NOPASSWD: ALL\n{ONE}"),
            format!("{HEADER}{ONE}#1000 ALL=(root) NOPASSWD: ALL\n"),
            format!("{HEADER}{ONE}alice ALL=(root) NOPASSWD: ALL\n"),
            format!("{HEADER}{}", ONE.replace("# end 7k2m9xqa", "# end 8k2m9xqa")),
            format!("{HEADER}{}", ONE.replace("# end 7k2m9xqa\n", "")),
            format!("{HEADER}{}", ONE.replace("7k2m9xqa", "7k2m9xq")),
            format!("{HEADER}{}", ONE.replace("7k2m9xqa", "7k2m9xqu")),
            format!("{HEADER}{}", ONE.replace("\"\"\n", "\\\n")),
            format!("{HEADER}{}", ONE.replace("#1000", "alice")),
            format!("{HEADER}{}", ONE.replace("#1000", "# comment")),
            format!("{HEADER}{}", ONE.replace("#1000", "@include /etc/passwd\n#1000")),
            format!("{HEADER}{}", ONE.replace("#1000", "#1000 x\n#1000 y\n#1000 z\n#1000")),
            format!("{HEADER}# grant 7k2m9xqa\n# end 7k2m9xqa\n"),
            format!("{HEADER}{ONE}{ONE}").replacen("# end 7k2m9xqa\n", "", 1),
        ] {
            assert_eq!(remove_blocks(&text, &["7k2m9xqa"]), None, "{text:?}");
        }
    }
}
