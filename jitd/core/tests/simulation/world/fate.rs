//! When jitd dies: after so many of the points at which it can.

/// jitd was killed. What it knew is gone; what it wrote is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Died;

/// The points that are left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    left: Option<u32>,
}

impl Fate {
    /// jitd dies at the point after `points` others.
    pub(crate) fn set(&mut self, points: u32) {
        self.left = Some(points);
    }

    /// It lives on, whatever was set.
    pub(crate) fn clear(&mut self) {
        self.left = None;
    }

    /// A point at which it can die: before and after everything it writes.
    pub(crate) fn point(&mut self) -> Result<(), Died> {
        match &mut self.left {
            None => Ok(()),
            Some(0) => {
                self.left = None;
                Err(Died)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}
