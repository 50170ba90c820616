//! The policy: whatever its text, it is read or refused by sentences that say where, in time that grows as the text does; and
//! what it then decides about anybody is what a plain reading of the document says.

use std::collections::BTreeSet;
use std::time::Duration;

use jitd_core::policy::cases::{CaseVerdict, parse_cases, run_case};
use jitd_core::policy::model::{Required, Rule};
use jitd_core::policy::{
    AccountState, Ask, Authenticate, Facts, GroupState, HasPassword, Outcome, Policy, PolicyError, Subjects,
    decide, lint, may_see,
};

use crate::policy_facts::{asked, facts};
use crate::{bytes::Bytes, bytes::sections, measure, sentence};

/// The most work for a text of any length, and for each byte of it. Debug assertions and the fuzzer's own counting are in it.
const WORK: Duration = Duration::from_millis(100);
const FOR_EACH_BYTE: Duration = Duration::from_micros(4);

/// Where a second file begins in a text.
const NEXT_FILE: &str = "\n#---\n";

/// The length up to which a text is repeated, to see how the work grows.
const LONG: usize = 256 * 1024;

/// How many worlds a policy decides in.
const WORLDS: u64 = 24;

/// Bytes that make a world, at least; in most worlds what counts is among them.
const LEAST: usize = 96;

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let [text, cases, rest] = sections::<3>(data);
    let mut rest = Bytes(rest);
    let (text, cases) = (String::from_utf8_lossy(text), String::from_utf8_lossy(cases));
    let files: Vec<(&str, &str)> =
        ["10-a.toml", "20-b.toml"].into_iter().zip(text.split(NEXT_FILE)).collect();
    if rest.byte() % 32 == 1 {
        let long = text.repeat(LONG / text.len().max(1));
        drop(within(&long, || Policy::parse(&[("long.toml", &long)])));
    }
    match within(&text, || Policy::parse(&files)) {
        Err(errors) => are_told(&errors, &files),
        Ok(policy) => {
            within(&text, || lint(&policy)).iter().for_each(|one| sentence::is_one(&one.to_string()));
            (0..WORLDS).for_each(|world| decides(&policy, &stirred(rest.0, world)));
            run_cases(&policy, &cases);
        }
    }
}

#[track_caller]
fn within<T>(text: &str, call: impl FnOnce() -> T) -> T {
    measure::within(WORK + FOR_EACH_BYTE * u32::try_from(text.len()).unwrap(), call)
}

/// Every error says what is wrong in a sentence, and where in a place that is there.
fn are_told(errors: &[PolicyError], files: &[(&str, &str)]) {
    assert!(!errors.is_empty(), "refused without a word");
    for error in errors {
        sentence::is_one(&error.to_string());
        let (_, text) = files.iter().find(|(name, _)| *name == error.file).unwrap();
        let line = text.split('\n').nth(usize::try_from(error.line).unwrap() - 1);
        let columns = line.unwrap_or_else(|| panic!("no such line: {error}")).chars().count() + 1;
        assert!((1..=columns).contains(&usize::try_from(error.column).unwrap()), "no such column: {error}");
    }
}

fn run_cases(policy: &Policy, text: &str) {
    match within(text, || parse_cases("cases.toml", text)) {
        Err(errors) => are_told(&errors, &[("cases.toml", text)]),
        Ok(cases) => {
            for case in cases {
                match run_case(policy, &case, &|_, _, _| None).verdict {
                    CaseVerdict::AsExpected => {}
                    CaseVerdict::Wrong { sentence } => sentence::is_one(&sentence),
                    CaseVerdict::Unusable { why } => sentence::is_one(&why),
                }
            }
        }
    }
}

/// The bytes that a world is made of, and for each further world one of them changed: what a decision turns on is often one fact.
fn stirred(bytes: &[u8], world: u64) -> Vec<u8> {
    let mut stirred = bytes.to_vec();
    stirred.resize(stirred.len().clamp(LEAST, 4096), 0);
    // Which one, and into what, follows from the bytes (FNV-1a), so that the same bytes are the same worlds.
    let mix = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let chance = stirred.iter().copied().fold(0xcbf2_9ce4_8422_2325 ^ world, mix);
    let place = usize::try_from(chance >> 16).unwrap() % LEAST;
    if world > 0 {
        stirred[place] = chance.to_le_bytes()[1];
    }
    stirred
}

fn decides(policy: &Policy, bytes: &[u8]) {
    let mut rest = Bytes(bytes);
    let asked = asked(policy, &mut rest);
    let facts = facts(policy, &asked, &mut rest);
    let ask = asked.as_ask();
    let decision = decide(policy, &ask, &facts);
    assert_eq!(decision, decide(policy, &ask, &facts), "it decides the same twice");
    let told = decision.explanation.rules.iter().chain(&decision.explanation.denies);
    told.flat_map(|judged| &judged.conditions).for_each(|one| sentence::is_one(&one.text));
    match (&decision.outcome, expected(policy, &ask, &facts)) {
        (Outcome::Permit(terms), Some(rule)) => {
            assert_eq!((terms.rule.name.as_str(), terms.role.as_str()), (rule.name.as_str(), ask.role));
            let length = ask.duration.or(rule.default_duration).unwrap_or(rule.max_duration);
            assert_eq!((terms.duration, terms.max_duration), (length, rule.max_duration));
            assert_eq!((&terms.approvals, terms.pending_timeout), (&rule.approvals, rule.pending_timeout));
            assert!(may_see(policy, ask.role, &facts));
        }
        (Outcome::Refuse(refusal), None) => {
            // What the caller typed is escaped where it is shown.
            let typed = [Some(ask.role), ask.reason, ask.ticket].into_iter().flatten();
            let plain = typed.flat_map(str::chars).all(jit_common::escape::is_plain);
            if plain {
                sentence::is_one(&refusal.to_string());
            }
            assert!(!refusal.code().is_empty());
        }
        (found, expected) => panic!("{found:?}, and {expected:?} was expected to permit {ask:?}: {facts:?}"),
    }
}

/// Whether somebody is among subjects; `None` when nobody can tell.
fn among(who: &Subjects, facts: &Facts) -> Option<bool> {
    let person = &facts.person;
    if who.users.contains(&person.name) || person.groups.iter().any(|group| who.groups.contains(group)) {
        return Some(true);
    }
    let known = |group| match facts.known_groups.get(group) {
        Some(GroupState::Exists | GroupState::Missing) => true,
        Some(GroupState::Unreachable { .. }) | None => false,
    };
    who.groups.iter().all(known).then_some(false)
}

/// The rule that permits, by the words of `docs/policy.md`, read from the end: everything that could refuse is looked at.
fn expected<'p>(policy: &'p Policy, ask: &Ask<'_>, facts: &Facts) -> Option<&'p Rule> {
    let person = &facts.person;
    let long = [ask.reason, ask.ticket].into_iter().flatten().any(|text| text.len() > 1024);
    if long || person.uid == 0 || person.account != AccountState::Ordinary {
        return None;
    }
    let role = policy.role(ask.role).filter(|role| !facts.disabled_roles.contains_key(&role.name))?;
    for deny in policy.denies().iter().filter(|deny| deny.roles.contains(ask.role)) {
        let missing: BTreeSet<_> = deny.subjects.groups.iter().collect();
        let gone = |group: &&String| facts.known_groups.get(*group) == Some(&GroupState::Missing);
        if among(&deny.subjects, facts) != Some(false) || missing.iter().any(gone) {
            return None;
        }
    }
    let mut candidates = policy.rules().iter().filter(|rule| rule.roles.contains(ask.role));
    let rule = candidates.find(|rule| selected(rule, facts) != Some(false))?;
    let asks_password = role.sudo.as_ref().is_some_and(|sudo| sudo.password == Authenticate::Asked);
    let permits = selected(rule, facts) == Some(true)
        // Whoever sees no rule of the role as theirs is told that there is none.
        && among(&rule.eligible, facts) == Some(true)
        && meets(rule, ask, facts)
        && !(asks_password && person.password == HasPassword::None);
    permits.then_some(rule)
}

fn selected(rule: &Rule, facts: &Facts) -> Option<bool> {
    let now = rule.schedule.as_ref().map(|schedule| {
        let time = facts.local_time.get(&schedule.zone)?;
        let (from, to, second) = (schedule.from, schedule.to, time.second_of_day);
        let (today, before) =
            (schedule.days.contains(time.weekday), schedule.days.contains(time.weekday.before()));
        Some(match from < to {
            true => today && from <= second && second < to,
            false => today && from <= second || before && second < to,
        })
    });
    match (among(&rule.eligible, facts), now.unwrap_or(Some(true))) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        (None, _) | (_, None) => None,
    }
}

fn meets(rule: &Rule, ask: &Ask<'_>, facts: &Facts) -> bool {
    let said = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let is_needed = |required: Required| match required {
        Required::Yes => true,
        Required::No => false,
    };
    let reason = match said(ask.reason) {
        None => !is_needed(rule.reason.required),
        Some(text) => {
            text.chars().count() >= usize::try_from(rule.reason.min_length).unwrap()
                && rule.reason.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text))
        }
    };
    let ticket = match said(ask.ticket) {
        None => !is_needed(rule.ticket.required),
        Some(text) => rule.ticket.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text)),
    };
    let length = ask.duration.or(rule.default_duration).unwrap_or(rule.max_duration);
    let live = facts.live.iter().filter(|grant| grant.rule == rule.name).count();
    reason
        && ticket
        && length <= rule.max_duration
        && rule.max_active.is_none_or(|most| live < usize::try_from(most).unwrap())
        && !facts.live.iter().any(|grant| grant.role == ask.role)
        && !facts.open.iter().any(|request| request.role == ask.role)
}
