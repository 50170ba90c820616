//! What becomes of differences between the host and the record. Each is told; what is done about it beyond that is the policy's.

/// What becomes of differences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnDrift {
    /// What a live grant gives and somebody took away.
    pub taken_away: TakenAway,
    /// Who is in a group again, a moment after a grant of it has ended.
    pub put_back: PutBack,
    /// Files beside jitd's that sudo reads.
    pub strangers: Strangers,
}

/// What becomes of what a live grant gives and somebody took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TakenAway {
    /// It is given again: the grant decides.
    #[default]
    Restore,
    /// The grant ends: whoever took it away decides.
    End,
}

/// What becomes of a membership that has ended and that somebody put back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PutBack {
    /// It stays: an admin may want it.
    #[default]
    Leave,
    /// It is taken out again.
    Remove,
}

/// What becomes of files in jitd's folder that jitd did not write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strangers {
    /// They stay.
    #[default]
    Leave,
    /// They are removed.
    Remove,
}
