//! The kinds of entries as the journal knows them: a fixed MESSAGE_ID, a priority, and what the catalog explains.
//!
//! The ids are random and stay for ever (`journalctl MESSAGE_ID=…`). `systemd/catalog/jit.catalog` is this table as text.

use jitd_core::record::Entry;

/// How urgent a message is: the severities of syslog(3) that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something needs an admin.
    Error,
    /// Something an admin should know.
    Warning,
    /// Something that matters to whoever asks who could do what.
    Notice,
    /// A step on the way.
    Info,
}

impl Severity {
    /// Its number in syslog(3) and in `PRIORITY=`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
        }
    }
}

/// One kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The kind of entry.
    pub kind: &'static str,
    /// Its `MESSAGE_ID`: 32 hex digits.
    pub id: &'static str,
    /// How urgent it is.
    pub severity: Severity,
    /// The catalog's subject. `@FIELD@` stands for the field's value.
    pub subject: &'static str,
    /// The catalog's explanation: what happened, and what to do.
    pub text: &'static str,
}

const STARTED: Message = Message {
    kind: "started",
    id: "fc18c256a8c8483fa991ce524f2b6cb5",
    severity: Severity::Notice,
    subject: "jitd began to run",
    text: "jitd began to run. It has read its ledger, ended what was due, and made the host equal to the live grants.",
};
const STOPPED: Message = Message {
    kind: "stopped",
    id: "0e0be46378254d369eb18572dac18b08",
    severity: Severity::Notice,
    subject: "jitd stopped",
    text: "jitd stopped in an orderly way. Live grants stay live and end on time: sudo and jit-guard see to that.",
};
const POLICY_LOADED: Message = Message {
    kind: "policy-loaded",
    id: "45c3cf9c9c9d40fe90bfb961069e70a9",
    severity: Severity::Notice,
    subject: "A policy went live",
    text: "The policy in /etc/jit/policy.d was read and is in force. Roles that this host cannot carry are named in the message;\n\
        they are disabled, and all others work.",
};
const POLICY_REJECTED: Message = Message {
    kind: "policy-rejected",
    id: "c0d8e0ada0124ad68e8fdac699533964",
    severity: Severity::Error,
    subject: "A policy was rejected",
    text: "The policy in /etc/jit/policy.d has errors and was not taken; each is named in the message with file, line and column.\n\
        The policy that was in force stays so. Check with: jitctl policy check",
};
const REQUESTED: Message = Message {
    kind: "requested",
    id: "ca11e1195e3247c0a4c53e8971c27370",
    severity: Severity::Info,
    subject: "@JIT_USER@ asked for the role @JIT_ROLE@",
    text: "Somebody asked for a role. What was decided follows under the same JIT_REQUEST. See: jitctl show @JIT_REQUEST@",
};
const PENDING: Message = Message {
    kind: "pending",
    id: "a6bf29b3f18845728e6cf42b16ccc9f4",
    severity: Severity::Notice,
    subject: "@JIT_USER@ wants the role @JIT_ROLE@, and it is not decided yet",
    text: "A rule permits the request, and people have to approve it or its start has to come: the message says who, when, and how\n\
        long it stays open. Nothing has changed on the host.\n\
        To see what it would change: jitctl show @JIT_REQUEST@\n\
        To decide, for those who may: jitctl approve @JIT_REQUEST@, or jitctl deny @JIT_REQUEST@ --note WHY",
};
const APPROVED: Message = Message {
    kind: "approved",
    id: "6e41ffbe283e4c44af7da1b662f38b4b",
    severity: Severity::Notice,
    subject: "@JIT_APPROVER@ approved the role @JIT_ROLE@ for @JIT_USER@",
    text: "One approver said yes. The message says what is still missing. See: jitctl show @JIT_REQUEST@",
};
const SCHEDULED: Message = Message {
    kind: "scheduled",
    id: "311b72f0a76441bbbd7a3d2bc024e6f4",
    severity: Severity::Info,
    subject: "@JIT_USER@ is to get the role @JIT_ROLE@ at @JIT_START@",
    text: "Everybody who has to has approved the request, and it waits for its start. Nothing has changed on the host, and whether it\n\
        is permitted is looked at again then. See: jitctl show @JIT_REQUEST@",
};
const CLOSED: Message = Message {
    kind: "closed",
    id: "2198b7e216bc448d987d149d84c9e5b0",
    severity: Severity::Notice,
    subject: "@JIT_USER@ does not get the role @JIT_ROLE@",
    text: "A request that was open is closed without a grant (@JIT_CAUSE@). Nothing has changed on the host.\n\
        See: jitctl show @JIT_REQUEST@",
};
const DECIDED: Message = Message {
    kind: "decided",
    id: "f40731abbfc34bcd927300ac15a45c11",
    severity: Severity::Info,
    subject: "@JIT_USER@ may have the role @JIT_ROLE@",
    text: "The policy grants the request, by the rule @JIT_RULE@, and everybody who has to has approved it. See: jitctl show @JIT_REQUEST@",
};
const INTENT: Message = Message {
    kind: "intent",
    id: "98f33e2f29664cbe973a509cbeaaf91c",
    severity: Severity::Info,
    subject: "The role @JIT_ROLE@ is about to be given to @JIT_USER@",
    text: "What is about to change on the host is on the record, and nothing has changed yet. See: jitctl show @JIT_REQUEST@",
};
const APPLIED: Message = Message {
    kind: "applied",
    id: "e50aabd7e457426c84f7e08062f6774b",
    severity: Severity::Notice,
    subject: "@JIT_USER@ was granted the role @JIT_ROLE@ until @JIT_UNTIL@",
    text: "The grant is real and sudo agrees. It was decided by the rule @JIT_RULE@.\n\
        To see the whole story: jitctl show @JIT_REQUEST@\n\
        To end it now: jitctl revoke @JIT_REQUEST@",
};
const REFUSED: Message = Message {
    kind: "refused",
    id: "ea4ce6d3eb44468bbcbf0072398200e9",
    severity: Severity::Notice,
    subject: "@JIT_USER@ was refused the role @JIT_ROLE@",
    text: "A request was refused, for the reason that the message gives and that the person was told.",
};
const CALL_REFUSED: Message = Message {
    kind: "call-refused",
    id: "5d8f0b7c1e2a4f6890b3c7d1a4e95f26",
    severity: Severity::Warning,
    subject: "@JIT_USER@ was refused a call",
    text: "Somebody called what only operators or auditors may, or called as somebody else. The message says what and why.",
};
const REFUSALS_COUNTED: Message = Message {
    kind: "refusals-counted",
    id: "6a2020ce57d94100a4e89dd56e46bb01",
    severity: Severity::Warning,
    subject: "@JIT_USER@ was refused many times",
    text: "More requests of one person were refused in a minute than are written one by one. They are counted in the message.",
};
const ENDING: Message = Message {
    kind: "ending",
    id: "12c38ee40ec14c109971faf2ae1f3117",
    severity: Severity::Info,
    subject: "The role @JIT_ROLE@ is being taken from @JIT_USER@",
    text: "A grant ends (@JIT_CAUSE@) and is being taken off the host. See: jitctl show @JIT_REQUEST@",
};
const ENDED: Message = Message {
    kind: "ended",
    id: "f4a6732464c648eeb2a36c40fe986a36",
    severity: Severity::Notice,
    subject: "@JIT_USER@ no longer has the role @JIT_ROLE@",
    text: "A grant has ended (@JIT_CAUSE@) and was verified to be off the host. What still holds a group of it is named in the message.\n\
        See: jitctl show @JIT_REQUEST@",
};
const SESSION_BEGAN: Message = Message {
    kind: "session-began",
    id: "689095df4d651040dfd3c0e65b4bbee4",
    severity: Severity::Notice,
    subject: "@JIT_USER@ runs something with @JIT_ROLE@",
    text: "Somebody runs a command with a role that they hold for a while. Where JIT_OUTSIDE is there, it is not in the control group of\n\
        the grant and goes on after its end. The command is what the client said; sudo's own log says what sudo ran.",
};
const SESSION_ENDED: Message = Message {
    kind: "session-ended",
    id: "6ba4b572b1eadf2237ada311afd2e84d",
    severity: Severity::Info,
    subject: "What @JIT_USER@ ran with @JIT_ROLE@ has ended",
    text: "The process that was started with a grant has ended. What it left behind in the control group of the grant runs on until the\n\
        grant ends.",
};
const SWEPT: Message = Message {
    kind: "swept",
    id: "f30f8790f7950d810faa907df79e5080",
    severity: Severity::Notice,
    subject: "What @JIT_USER@ ran with @JIT_ROLE@ after its end",
    text: "The grant is over, and this is what became of what still ran in its control group: it was frozen, may finish, goes on with\n\
        another grant, or nothing of it runs any more. What does not end although it was killed waits for a device, mostly.",
};
const REPORT: Message = Message {
    kind: "report",
    id: "ffb67cfd2247013e7424e2fc4081b4e6",
    severity: Severity::Notice,
    subject: "What is left of the role @JIT_ROLE@ of @JIT_USER@",
    text: "The grant is over, and this is its closing report: what still runs of it, and what is other than at its start on the list of\n\
        places where a privilege is kept for later (JIT_CHANGE, one each; JIT_RESIDUE for processes). Without them nothing was left.\n\
        A change may be somebody else's: what was changed meanwhile is told, not who did it. See: jitctl show @JIT_REQUEST@",
};
const STUCK: Message = Message {
    kind: "stuck",
    id: "66751fb96ce6493f9c8f10439d1c44f9",
    severity: Severity::Error,
    subject: "The role @JIT_ROLE@ could NOT be taken from @JIT_USER@",
    text: "A privilege could not be removed. The message says what stands in the way. It is tried again for as long as it takes; an\n\
        admin should look at it now: jitctl show @JIT_REQUEST@\n\
        To remove everything that jitd ever gave without jitd: jit-guard --all",
};
const LOCKED: Message = Message {
    kind: "locked",
    id: "8751703dac544a759ce0feb618a866c3",
    severity: Severity::Warning,
    subject: "@JIT_USER@ locked jitd",
    text: "The kill switch was thrown: nothing is granted until somebody unlocks jitd with: jitctl unlock",
};
const UNLOCKED: Message = Message {
    kind: "unlocked",
    id: "f9db43363932438eb4816152f98fe5b6",
    severity: Severity::Warning,
    subject: "@JIT_USER@ unlocked jitd",
    text: "The kill switch was released: roles are granted again as the policy says.",
};
const TEXTS_ERASED: Message = Message {
    kind: "texts-erased",
    id: "91c6a0e2d7b34c58a2f40e6b8d13c7a5",
    severity: Severity::Notice,
    subject: "What was typed for @JIT_REQUEST@ was erased",
    text: "Reason, ticket and notes of one request were erased from the ledger. The entries and the hashes in them stay. Copies that were told before are not reached.",
};
const DRIFT: Message = Message {
    kind: "drift",
    id: "35b781b9a5e342b4a4e4b79fc2670f8f",
    severity: Severity::Warning,
    subject: "The host was not as the live grants say",
    text: "Something other than jitd changed what jitd keeps on the host. The message says what was found and what was done about it.",
};
const GUARD_ACTED: Message = Message {
    kind: "guard-acted",
    id: "739d3dfa759244b987eff46982deeb74",
    severity: Severity::Warning,
    subject: "jit-guard acted while jitd was away",
    text: "jit-guard removed something that was overdue, or everything at boot, while jitd was not there to do it.",
};
const LEDGER_RESTORED: Message = Message {
    kind: "ledger-restored",
    id: "0aa3b8dc6ca342b6b0e8d1b2d1550687",
    severity: Severity::Error,
    subject: "The ledger can be written again",
    text: "jitd could not write its ledger for a while, since the disk was full or failing. It granted nothing in that time, ended what\n\
        was due, and has now written what it owed.",
};
const CHECKPOINT: Message = Message {
    kind: "checkpoint",
    id: "67534944e3024ac1a546000f8a82bdb4",
    severity: Severity::Info,
    subject: "The ledger was signed",
    text: "The host key signs the ledger up to the entry before this one. Whoever keeps this message elsewhere can tell later whether\n\
        the entries up to it were written anew. See: jitctl log verify",
};

const SESSION_COMMANDS: Message = Message {
    kind: "session-commands",
    id: "c27e4e38f34b70b037d45a1a02e5076d",
    severity: Severity::Info,
    subject: "What a command of @JIT_USER@ with @JIT_ROLE@ has started",
    text: "sudo's log says that a command that runs with a grant has started these (JIT_SUBCOMMAND, one each). What had no room is counted in\n\
        JIT_LEFT_OUT. Whoever is root can write such lines themselves.",
};

/// Every kind of message.
const MESSAGES: [Message; 30] = [
    STARTED,
    STOPPED,
    POLICY_LOADED,
    POLICY_REJECTED,
    REQUESTED,
    PENDING,
    APPROVED,
    SCHEDULED,
    CLOSED,
    DECIDED,
    INTENT,
    APPLIED,
    REFUSED,
    CALL_REFUSED,
    REFUSALS_COUNTED,
    ENDING,
    ENDED,
    SESSION_BEGAN,
    SESSION_ENDED,
    SWEPT,
    REPORT,
    STUCK,
    LOCKED,
    UNLOCKED,
    TEXTS_ERASED,
    DRIFT,
    GUARD_ACTED,
    LEDGER_RESTORED,
    CHECKPOINT,
    SESSION_COMMANDS,
];

/// The kind of message that tells an entry.
#[must_use]
pub fn message(entry: &Entry) -> &'static Message {
    match entry {
        Entry::Started { .. } => &STARTED,
        Entry::Stopped { .. } => &STOPPED,
        Entry::PolicyLoaded { .. } => &POLICY_LOADED,
        Entry::PolicyRejected { .. } => &POLICY_REJECTED,
        Entry::Requested { .. } => &REQUESTED,
        Entry::Pending { .. } => &PENDING,
        Entry::Approved { .. } => &APPROVED,
        Entry::Scheduled { .. } => &SCHEDULED,
        Entry::Closed { .. } => &CLOSED,
        Entry::Decided { .. } => &DECIDED,
        Entry::Intent { .. } => &INTENT,
        Entry::Applied { .. } => &APPLIED,
        Entry::Refused { .. } => &REFUSED,
        Entry::CallRefused { .. } => &CALL_REFUSED,
        Entry::RefusalsCounted { .. } => &REFUSALS_COUNTED,
        Entry::Ending { .. } => &ENDING,
        Entry::Ended { .. } => &ENDED,
        Entry::SessionBegan { .. } => &SESSION_BEGAN,
        Entry::SessionEnded { .. } => &SESSION_ENDED,
        Entry::Swept { .. } => &SWEPT,
        Entry::Report { .. } => &REPORT,
        Entry::Stuck { .. } => &STUCK,
        Entry::Locked { .. } => &LOCKED,
        Entry::Unlocked { .. } => &UNLOCKED,
        Entry::TextsErased { .. } => &TEXTS_ERASED,
        Entry::Drift { .. } => &DRIFT,
        Entry::GuardActed { .. } => &GUARD_ACTED,
        Entry::LedgerRestored { .. } => &LEDGER_RESTORED,
        Entry::Checkpoint { .. } => &CHECKPOINT,
        Entry::SessionCommands { .. } => &SESSION_COMMANDS,
    }
}

/// The message catalog as journald reads it (<https://systemd.io/CATALOG/>), for `journalctl -x`.
#[must_use]
pub fn catalog() -> String {
    let head =
        "# What jitd's messages in the journal mean. Made from the table in jitd/src/sinks/kinds.rs.\n";
    let entry = |message: &Message| {
        let Message { id, subject, text, .. } = message;
        format!(
            "\n-- {id}\nSubject: {subject}\nDefined-By: jitd\nDocumentation: file:///usr/share/doc/jit/README.md\n\n{text}\n"
        )
    };
    std::iter::once(head.to_owned()).chain(MESSAGES.iter().map(entry)).collect()
}
