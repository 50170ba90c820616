//! Numbers and pieces taken off the front of bytes; when there are none left, zeros.

/// What is left to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    /// Whether all is taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most so many.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Exactly so many, with zeros behind the end.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(u16::from_le_bytes(self.array())) % bound
    }

    /// One of these.
    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }

    /// Whether a coin falls on its head.
    pub(crate) fn coin(&mut self) -> bool {
        self.byte() & 1 == 1
    }
}

/// The sections of a text that stand between lines of `%%`, as many as are asked for; missing ones are empty.
pub(crate) fn sections<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    const LINE: &[u8] = b"\n%%\n";
    let mut sections = [&[][..]; N];
    let mut rest = bytes;
    for (at, section) in sections.iter_mut().enumerate() {
        // The last one has whatever is left in it.
        match rest.windows(LINE.len()).position(|window| window == LINE).filter(|_| at + 1 < N) {
            // The line end before the mark belongs to the section.
            Some(end) => {
                (*section, rest) = (&rest[..=end], &rest[end + LINE.len()..]);
            }
            None => {
                (*section, rest) = (rest, &[]);
            }
        }
    }
    sections
}
