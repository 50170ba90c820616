//! Bytes that come in pieces, cut into lines of bounded length.

/// The longest line that is read; sudo's are shorter than two kilobytes. Of a longer one nothing is.
pub const LONGEST: usize = 64 * 1024;

/// The line that has begun.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
    /// Whether the rest of it is passed over.
    too_long: bool,
}

impl Lines {
    /// Takes some more bytes, and hands on each line that is whole with them.
    pub fn cut(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.too_long |= self.begun.len().saturating_add(text.len()) > LONGEST;
            if !self.too_long {
                self.begun.extend_from_slice(text);
            }
            if is_whole {
                if !self.too_long {
                    take(&self.begun);
                }
                self.begun.clear();
                self.too_long = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_whatever_pieces_they_come_in_and_too_long_ones_are_none() {
        let long = "x".repeat(LONGEST);
        let text = format!("one\n\n{long}\n{long}y\nlast\nbegun");
        for piece in [1, 7, 4096, text.len()] {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for bytes in text.as_bytes().chunks(piece) {
                lines.cut(bytes, |line| found.push(String::from_utf8_lossy(line).into_owned()));
            }
            assert!(found == ["one", "", &long, "last"], "in pieces of {piece}");
        }
    }
}
