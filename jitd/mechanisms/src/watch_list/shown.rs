//! Paths and names as text: each in one way only, so that two are the same when their texts are, and printable.

use jit_common::escape::is_plain;

/// A path or a name of any bytes.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if is_plain(c) => text.push(c),
                c => text.extend(c.escape_default()),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The bytes that were shown so; `None` when nothing was.
pub(super) fn unshown(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        bytes.extend_from_slice(before.as_bytes());
        let length = match escape.as_bytes().get(1)? {
            b'x' => 4,
            b'u' => escape.find('}')?.checked_add(1)?,
            _ => 2,
        };
        let (escape, after) = escape.split_at_checked(length)?;
        match escape {
            "\\\\" => bytes.push(b'\\'),
            "\\n" => bytes.push(b'\n'),
            "\\r" => bytes.push(b'\r'),
            "\\t" => bytes.push(b'\t'),
            _ => match escape.strip_prefix("\\x") {
                Some(hex) => bytes.push(u8::from_str_radix(hex, 16).ok()?),
                None => {
                    let hex = escape.strip_prefix("\\u{")?.strip_suffix('}')?;
                    let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            },
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_shown_in_one_way_and_found_again() {
        for (name, text) in [
            (&b"/usr/bin/sudo"[..], "/usr/bin/sudo"),
            (b"a\xffb", "a\\xffb"),
            (b"a\\xffb", "a\\\\xffb"),
            (b"a\n\tb", "a\\n\\tb"),
            ("a\u{202e}b\u{e9}".as_bytes(), "a\\u{202e}b\u{e9}"),
            (b"\x1b[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(shown(name), text);
            assert_eq!(unshown(text).as_deref(), Some(name));
        }
        for all in 0..=u8::MAX {
            let name = [b'a', all, b'b'];
            assert_eq!(unshown(&shown(&name)).as_deref(), Some(&name[..]));
            assert!(shown(&name).chars().all(is_plain));
        }
        assert_eq!(unshown("\\"), None);
        assert_eq!(unshown("\\xz"), None);
    }
}
