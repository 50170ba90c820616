//! What always holds, after every event, whatever failed before: each a sentence and a name. How each is checked is in `checks`, which
//! believes the record's words, the world, and a reckoning of its own, and asks the core for nothing but its registry and what it
//! wrote into sudo's file.

/// What always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    Chain,
    Fold,
    RecordFirst,
    OnTheBooks,
    SudosText,
    Permitted,
    WithinTheRule,
    Approved,
    OnePersonOnce,
    TermsShrink,
    NotBeforeItsStart,
    Final,
    StaysOff,
    ExtendsWhatIsLive,
    Locked,
    OverOnTime,
    GuardKnows,
    GuardEndsIt,
    RebootEnds,
    QuestionsLast,
    NobodyElse,
    LiveIsReal,
}

use Invariant as I;

impl Invariant {
    /// In a sentence.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            I::Chain => "every row of the record hangs on the one before it",
            I::Fold => "jitd's state is the record folded, with what is owed to it",
            I::RecordFirst => "nothing is on the host whose intent is not on the record",
            I::OnTheBooks => "whatever is on the host is a grant that is live on the record, stuck ones too",
            I::SudosText => {
                "sudo's file gives the commands and groups of live grants to their people until their deadlines"
            }
            I::Permitted => "nobody is granted or may ask for what the policy in force does not permit them",
            I::WithinTheRule => {
                "a grant is never longer than asked, nor in all longer than its rules permitted"
            }
            I::Approved => {
                "what needs approvals begins only with enough people who may approve it then, none its requester"
            }
            I::OnePersonOnce => "whoever votes may, is not the requester, and votes once",
            I::TermsShrink => {
                "what is granted is no longer than any approver left it, and gives what was asked"
            }
            I::NotBeforeItsStart => "nothing begins before the start that was asked for",
            I::Final => "what is denied, cancelled, lapsed or ended stays so, and the first cause stands",
            I::StaysOff => "what was to end and was off the host does not come back",
            I::ExtendsWhatIsLive => {
                "an extension takes the place of a live grant of the same person, and goes when that is taken away"
            }
            I::Locked => {
                "while the kill switch is thrown nobody asks, votes or gets anything, restart or not"
            }
            I::OverOnTime => {
                "jitd wakes up in time, and after each pass nothing is wanted or on the host past its deadline"
            }
            I::GuardKnows => "whatever is on the host the guard knows how to take off",
            I::GuardEndsIt => {
                "after each look of the guard nothing is on the host past its deadline and the guard's grace"
            }
            I::RebootEnds => "nothing of another boot is wanted",
            I::QuestionsLast => {
                "a question stays open for as long as its rule lets it and no longer; a reboot closes none"
            }
            I::NobodyElse => {
                "nobody is taken out of a group whom jitd did not put in, and the guard takes off nothing before its time"
            }
            I::LiveIsReal => {
                "a live grant is on the host, all of it, within a minute of whatever stood in the way"
            }
        }
    }
}

/// One that did not hold.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
}

/// Whether it holds.
pub(crate) type Checked = Result<(), Broken>;

/// It does not hold.
pub(crate) fn broken<T>(invariant: Invariant, what: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { invariant, what: what.into() })
}

/// Whether it holds, and what does not when it does not.
pub(crate) fn holds(invariant: Invariant, so: bool, what: impl FnOnce() -> String) -> Checked {
    if so { Ok(()) } else { broken(invariant, what()) }
}
