//! Decisions and answers of sudo in words, for the record and for the person.

use jit_common::escape::escaped;
use jit_common::explanation::{Condition, Explanation, Held, JudgedRule, Verdict};
use jit_common::request::{Ask, DropTarget, LiveGrants, Request, RevokeTarget};
use jit_mechanisms::sudo::RoleAgreement;
use jitd_core::record::{TypedHash, TypedText, chain};

use super::admission::{self, SHOWN};
use crate::random;

/// Rules and denies that the record of a refusal tells of, the nearest misses first.
const CONSIDERED: usize = 32;

/// Characters told of each.
const SHOWN_OF_A_RULE: usize = 512;

/// The conditions under which a rule permitted.
pub(super) fn conditions(explanation: &Explanation) -> Vec<String> {
    let chosen = explanation.rules.iter().filter(|rule| rule.verdict == Verdict::Permits);
    chosen.flat_map(|rule| &rule.conditions).map(|condition| condition.text.clone()).collect()
}

/// Rules and denies with what stood in the way, in the order of the explanation. A policy of thousands of rules does not
/// make every refusal a long entry.
pub(super) fn considered(explanation: &Explanation) -> Vec<String> {
    let refusing = explanation.denies.iter().filter(|deny| deny.verdict != Verdict::DoesNotApply);
    let all = refusing.chain(&explanation.rules);
    let more = all.clone().count().saturating_sub(CONSIDERED);
    let more = (more > 0).then(|| format!("and {more} more"));
    all.take(CONSIDERED).map(one_rule).chain(more).collect()
}

fn one_rule(judged: &JudgedRule) -> String {
    let in_the_way = |condition: &&Condition| condition.held != Held::Held;
    let why: Vec<&str> = judged.conditions.iter().filter(in_the_way).map(|c| c.text.as_str()).collect();
    format!("{}: {}", judged.rule, why.join("; ")).chars().take(SHOWN_OF_A_RULE).collect()
}

/// A typed text goes to the side table; what stands in the entry is its salted hash.
pub(super) fn typed(
    field: &'static str,
    text: &str,
    texts: &mut Vec<TypedText>,
) -> Result<TypedHash, String> {
    let salt = random::bytes().map_err(|error| format!("no random bytes: {error}"))?;
    let hash = TypedHash(chain::typed(&salt, text));
    texts.push(TypedText { field, salt, text: text.to_owned() });
    Ok(hash)
}

/// A request as a refusal's record keeps it. One with a text that is too long is told by the beginning of its role
/// alone: the record is no place to fill with what nobody could have asked for.
pub(super) fn shortened(ask: &Ask) -> Ask {
    match admission::text_lengths(ask) {
        Ok(()) => ask.clone(),
        Err(_) => admission::without_texts(ask),
    }
}

/// What sudo said against a role, in a sentence.
pub(super) fn sudo_said(answer: &RoleAgreement) -> String {
    let against = answer.refused.iter().chain(&answer.unclear);
    let said: Vec<String> = against.map(|(command, why)| format!("{command}: {why}")).collect();
    said.join("; ")
}

/// The commands that sudo refuses although the role gives them, or would not answer for.
pub(super) fn refused_commands(answer: &RoleAgreement) -> Vec<String> {
    answer.refused.iter().chain(&answer.unclear).map(|(command, _)| command.to_string()).collect()
}

/// A call as one would type it, for the record: whatever was typed is cut and made visible.
pub(super) fn as_typed(request: &Request) -> String {
    match request {
        Request::Elevate(ask) => format!("elevate {}", shown(&ask.role)),
        Request::Extend { target, .. } => format!("extend{}", target_as_typed(target)),
        Request::Await { id, .. } => format!("wait for {id}"),
        Request::Pending => "pending".into(),
        Request::Approve { id, .. } => format!("approve {id}"),
        Request::Deny { id, .. } => format!("deny {id}"),
        Request::Cancel(id) => format!("cancel {id}"),
        Request::Explain { ask, user: None } => format!("explain {}", shown(&ask.role)),
        Request::Explain { ask, user: Some(user) } => {
            format!("explain {} --user {}", shown(&ask.role), shown(user))
        }
        Request::Status => "status".into(),
        Request::Drift => "drift".into(),
        Request::Roles => "roles".into(),
        Request::Show(prefix) => format!("show {prefix}"),
        Request::Drop(target) => format!("drop{}", target_as_typed(target)),
        Request::Revoke { target: RevokeTarget::Grant(prefix), .. } => format!("revoke {prefix}"),
        Request::Revoke { target: RevokeTarget::User(user), .. } => format!("revoke --user {}", shown(user)),
        Request::Revoke { target: RevokeTarget::All, .. } => "revoke --all".into(),
        Request::Lock { live: LiveGrants::Keep, .. } => "lock".into(),
        Request::Lock { live: LiveGrants::Revoke, .. } => "lock --revoke".into(),
        Request::Unlock { .. } => "unlock".into(),
        Request::Enter { id, .. } => format!("elevate with {id}"),
        Request::Leave { .. } => "the end of a command".into(),
        Request::Pam(_) => "a word of the PAM module".into(),
        Request::Erase(prefix) => format!("log erase {prefix}"),
        Request::Log(_) => "log".into(),
    }
}

fn target_as_typed(target: &DropTarget) -> String {
    match target {
        DropTarget::Only => String::new(),
        DropTarget::All => " --all".into(),
        DropTarget::Named(which) => format!(" {}", shown(which)),
    }
}

fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(SHOWN).collect();
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escaped(&beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_cut_and_visible() {
        let target = RevokeTarget::User("\u{1}".repeat(16_000));
        let typed = as_typed(&Request::Revoke { target, note: None });
        assert_eq!(typed, format!("revoke --user {}…", "\\u{1}".repeat(64)));
        let target = RevokeTarget::User("bob".into());
        assert_eq!(as_typed(&Request::Revoke { target, note: None }), "revoke --user bob");
    }

    #[test]
    fn texts_that_are_too_long_are_not_recorded() {
        let text = || Some("INC-1".to_owned());
        let fine = Ask { role: "web".into(), duration: None, reason: text(), ticket: text(), start: None };
        assert_eq!(shortened(&fine), fine);
        let long = Ask { role: "r".repeat(1000), ..fine.clone() };
        let kept = Ask { role: "r".repeat(64), ..Ask::default() };
        assert_eq!(shortened(&long), kept);
        let long = Ask { reason: Some("x".repeat(1025)), ..fine };
        assert_eq!(shortened(&long).ticket, None);
    }
}
