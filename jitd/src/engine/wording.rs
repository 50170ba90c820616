//! Decisions and answers of sudo in words, for the record and for the person.

use jit_common::explanation::{Condition, Explanation, Held, JudgedRule, Verdict};
use jit_common::request::{Ask, DropTarget, LiveGrants, Request, RevokeTarget};
use jit_mechanisms::sudo::RoleAgreement;
use jitd_core::record::{TypedHash, TypedText, chain};

use crate::random;

/// Characters of a typed text that a record of a refused one keeps.
const SHOWN_OF_TOO_LONG: usize = 64;

/// The conditions under which a rule permitted.
pub(super) fn conditions(explanation: &Explanation) -> Vec<String> {
    let chosen = explanation.rules.iter().filter(|rule| rule.verdict == Verdict::Permits);
    chosen.flat_map(|rule| &rule.conditions).map(|condition| condition.text.clone()).collect()
}

/// Each rule and deny with what stood in the way, in the order of the explanation.
pub(super) fn considered(explanation: &Explanation) -> Vec<String> {
    let refusing = explanation.denies.iter().filter(|deny| deny.verdict != Verdict::DoesNotApply);
    refusing.chain(&explanation.rules).map(one_rule).collect()
}

fn one_rule(judged: &JudgedRule) -> String {
    let in_the_way = |condition: &&Condition| condition.held != Held::Held;
    let why: Vec<&str> = judged.conditions.iter().filter(in_the_way).map(|c| c.text.as_str()).collect();
    format!("{}: {}", judged.rule, why.join("; "))
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

/// A request as a refusal's record keeps it: texts that were too long are cut, whatever made them so.
pub(super) fn shortened(ask: &Ask) -> Ask {
    let cut = |text: &String| match text.len() > 1024 {
        true => text.chars().take(SHOWN_OF_TOO_LONG).collect(),
        false => text.clone(),
    };
    Ask {
        role: cut(&ask.role),
        duration: ask.duration,
        reason: ask.reason.as_ref().map(cut),
        ticket: ask.ticket.as_ref().map(cut),
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

/// A call as one would type it, for the record.
pub(super) fn as_typed(request: &Request) -> String {
    match request {
        Request::Elevate(ask) => format!("elevate {}", ask.role),
        Request::Explain { ask, user: None } => format!("explain {}", ask.role),
        Request::Explain { ask, user: Some(user) } => format!("explain {} --user {user}", ask.role),
        Request::Status => "status".into(),
        Request::Roles => "roles".into(),
        Request::Show(prefix) => format!("show {prefix}"),
        Request::Drop(DropTarget::Only) => "drop".into(),
        Request::Drop(DropTarget::All) => "drop --all".into(),
        Request::Drop(DropTarget::Named(which)) => format!("drop {which}"),
        Request::Revoke { target: RevokeTarget::Grant(prefix), .. } => format!("revoke {prefix}"),
        Request::Revoke { target: RevokeTarget::User(user), .. } => format!("revoke --user {user}"),
        Request::Revoke { target: RevokeTarget::All, .. } => "revoke --all".into(),
        Request::Lock { live: LiveGrants::Keep, .. } => "lock".into(),
        Request::Lock { live: LiveGrants::Revoke, .. } => "lock --revoke".into(),
        Request::Unlock { .. } => "unlock".into(),
        Request::Erase(prefix) => format!("log erase {prefix}"),
        Request::Log(_) => "log".into(),
    }
}
