//! Answers for programs: JSON with names that stay. These types are the documented form (docs/jitctl.md); the types
//! of the wire are never printed.

mod drift;
mod explanation;
mod grant;
mod log;
mod open;
mod policy;
mod status;

use jit_common::escape;
use jit_common::explanation::Explanation;
use jit_common::refusal::Refusal;
use jit_common::response::{DriftView, EndedView, GrantView, OpenView, RoleView, StatusView, StoryView};
use serde::Serialize;

use self::drift::DriftJson;
pub(crate) use self::explanation::ExplanationJson;
use self::grant::RoleJson;
pub(crate) use self::grant::{EndedJson, GrantJson};
pub(crate) use self::log::EntryJson;
pub(crate) use self::open::OpenJson;
pub(crate) use self::policy::{CaseJson, LintJson, RoleCheckJson};
use self::status::{StatusJson, StoryJson};
use crate::exit::Exit;

/// One answer. `answer` says which; `exit` is the code jitctl ends with where it is not 0.
#[derive(Debug, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum AnswerJson<'a> {
    /// The grant is live.
    Granted { grant: GrantJson<'a> },
    /// The request waits for people or for its start.
    Open { exit: u8, request: Box<OpenJson<'a>> },
    /// Open requests.
    Pending { requests: Vec<OpenJson<'a>> },
    /// The answer is no.
    Refused { exit: u8, code: &'static str, sentence: String, explanation: Option<ExplanationJson<'a>> },
    /// How it would be decided.
    Explained { explanation: ExplanationJson<'a> },
    /// The state of things.
    Status(StatusJson<'a>),
    /// The roles one may ask for.
    Roles { roles: Vec<RoleJson<'a>> },
    /// The story of one request.
    Story(Box<StoryJson<'a>>),
    /// What became of grants that were to end.
    Ended { grants: Vec<EndedJson<'a>> },
    /// Done, and nothing more to say.
    Done,
    /// The kill switch is released: how many approved requests begin now.
    Unlocked { begin: u64 },
    /// How the host was found beside the record.
    Drift(DriftJson<'a>),
    /// No answer.
    Failed { exit: u8, sentence: &'a str, causes: &'a [String] },
    /// What `policy check` found.
    PolicyChecked {
        files: Vec<String>,
        hash: Option<String>,
        errors: Vec<String>,
        lints: Vec<LintJson>,
        roles: Vec<RoleCheckJson>,
        rules: Vec<String>,
        names: Vec<String>,
        checked_with: Option<String>,
        not_checked: Vec<String>,
    },
    /// What `policy test` found.
    PolicyTested { passed: usize, failed: usize, cases: Vec<CaseJson> },
    /// What `log verify` found.
    Verified(VerifiedJson),
}

/// What `log verify` found.
#[derive(Debug, Serialize)]
pub(crate) struct VerifiedJson {
    pub(crate) first: Option<u64>,
    pub(crate) last: u64,
    pub(crate) entries: u64,
    pub(crate) before: String,
    pub(crate) head: String,
    pub(crate) texts: u64,
    pub(crate) erased: u64,
    pub(crate) checkpoints: u64,
    pub(crate) signed_up_to: Option<u64>,
    pub(crate) host_keys: Vec<String>,
    pub(crate) problems: Vec<String>,
}

impl<'a> AnswerJson<'a> {
    /// The answer to `elevate`.
    pub(crate) fn granted(grant: &'a GrantView) -> Self {
        Self::Granted { grant: GrantJson::of(grant) }
    }

    /// The answer to `elevate` and `approve`, when there is more to wait for.
    pub(crate) fn open(open: &'a OpenView, exit: Exit) -> Self {
        Self::Open { exit: exit.code(), request: Box::new(OpenJson::of(open)) }
    }

    /// The answer to `pending`.
    pub(crate) fn pending(requests: &'a [OpenView]) -> Self {
        Self::Pending { requests: requests.iter().map(OpenJson::of).collect() }
    }

    /// A refusal.
    pub(crate) fn refused(refusal: &'a Refusal, explanation: Option<&'a Explanation>) -> Self {
        Self::Refused {
            exit: Exit::of(refusal).code(),
            code: refusal.code(),
            sentence: refusal.to_string(),
            explanation: explanation.map(ExplanationJson::of),
        }
    }

    /// The answer to `explain`.
    pub(crate) fn explained(explanation: &'a Explanation) -> Self {
        Self::Explained { explanation: ExplanationJson::of(explanation) }
    }

    /// The answer to `status`.
    pub(crate) fn status(status: &'a StatusView) -> Self {
        Self::Status(StatusJson::of(status))
    }

    /// The answer to `drift`.
    pub(crate) fn drift(view: &'a DriftView, exit: Exit) -> Self {
        Self::Drift(DriftJson::of(view, exit.code()))
    }

    /// The answer to `roles`.
    pub(crate) fn roles(roles: &'a [RoleView]) -> Self {
        Self::Roles { roles: roles.iter().map(RoleJson::of).collect() }
    }

    /// The answer to `show`.
    pub(crate) fn story(story: &'a StoryView) -> Self {
        Self::Story(Box::new(StoryJson::of(story)))
    }

    /// The answer to `drop`, `revoke` and `lock --revoke`.
    pub(crate) fn ended(ended: &'a [EndedView]) -> Self {
        Self::Ended { grants: ended.iter().map(EndedJson::of).collect() }
    }
}

/// A value as one line of JSON. What could act on a terminal or deceive the eye is written as `\uXXXX`, which is the same
/// text to a program.
pub(crate) fn line<T: Serialize>(value: &T) -> String {
    // Our types have no maps with keys that are not text, the one thing that serde_json cannot write.
    let text = serde_json::to_string(value)
        .unwrap_or_else(|error| format!("{{\"answer\":\"failed\",\"sentence\":{:?}}}", error.to_string()));
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if escape::is_plain(c) {
            line.push(c);
        } else {
            // JSON itself is plain, so this stands in a string.
            let units =
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            line.push_str(&units);
        }
    }
    line + "\n"
}

#[cfg(test)]
mod tests;
