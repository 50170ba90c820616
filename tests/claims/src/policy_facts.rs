//! What the world is like when a policy decides: made of bytes, out of the names that the policy itself uses.

use jit_common::duration::GrantDuration;
use jitd_core::policy::{
    AccountState, Ask, Facts, GroupState, HasPassword, LiveGrant, LocalTime, OpenRequest, PersonFacts,
    Policy, Weekday,
};

use crate::bytes::Bytes;

/// What somebody asks for, owned.
#[derive(Debug)]
pub(crate) struct Asked {
    role: String,
    duration: Option<GrantDuration>,
    reason: Option<String>,
    ticket: Option<String>,
}

impl Asked {
    pub(crate) fn as_ask(&self) -> Ask<'_> {
        let Self { role, duration, reason, ticket } = self;
        Ask { role, duration: *duration, reason: reason.as_deref(), ticket: ticket.as_deref() }
    }
}

/// A role of the policy, or something typed; what else is said of it.
pub(crate) fn asked(policy: &Policy, rest: &mut Bytes<'_>) -> Asked {
    let roles: Vec<&str> = policy.roles().map(|role| role.name.as_str()).collect();
    let known = rest.pick(&roles).copied().map(str::to_owned);
    let role = known.filter(|_| rest.byte() < 230).unwrap_or_else(|| typed(rest));
    let seconds = u32::from_le_bytes(rest.array()) >> (rest.byte() % 32);
    let duration = GrantDuration::from_secs(seconds).ok();
    let said = |rest: &mut Bytes<'_>| match rest.byte() % 4 {
        0 => None,
        1 => Some("INC-42 nginx is stuck".to_owned()),
        2 => Some("CHG-7".to_owned()),
        _ => Some(typed(rest)),
    };
    Asked { role, duration, reason: said(rest), ticket: said(rest) }
}

fn typed(rest: &mut Bytes<'_>) -> String {
    // Longer than anything may be that is typed, now and then.
    let length = usize::from(u16::from_le_bytes(rest.array())) % 1200;
    String::from_utf8_lossy(rest.take(length)).into_owned()
}

/// Everything else.
pub(crate) fn facts(policy: &Policy, asked: &Asked, rest: &mut Bytes<'_>) -> Facts {
    let mut facts = Facts { person: person(policy, rest), ..Facts::default() };
    for group in policy.groups_named() {
        let state = match rest.byte() % 8 {
            0 => GroupState::Missing,
            1 => GroupState::Unreachable { why: "the directory is down".to_owned() },
            2 => continue,
            _ => GroupState::Exists,
        };
        facts.known_groups.insert(group.to_owned(), state);
    }
    for zone in policy.zones_named() {
        if !rest.byte().is_multiple_of(8) {
            let second_of_day = (u32::from(u16::from_le_bytes(rest.array())) * 2).min(86_399);
            let weekday = Weekday::from_monday(u32::from(rest.byte()));
            facts.local_time.insert(zone.to_owned(), LocalTime { weekday, second_of_day });
        }
    }
    if let Some(rule) = rest.pick(policy.rules()).filter(|_| rest.byte().is_multiple_of(4)) {
        let role = if rest.coin() { asked.role.clone() } else { "another".to_owned() };
        let (id, rule) = ("7k2m9xqa".to_owned(), rule.name.clone());
        facts.live.push(LiveGrant { id, role, rule, until_unix: i64::from_le_bytes(rest.array()) });
    }
    if rest.byte() % 8 == 1 {
        facts.open.push(OpenRequest { id: "8k2m9xqa".to_owned(), role: asked.role.clone() });
    }
    if rest.byte() % 8 == 1 {
        facts.disabled_roles.insert(asked.role.clone(), "/usr/bin/id is not there".to_owned());
    }
    facts
}

fn person(policy: &Policy, rest: &mut Bytes<'_>) -> PersonFacts {
    let who = policy.rules().iter().map(|rule| &rule.eligible);
    let denied = policy.denies().iter().map(|deny| &deny.subjects);
    let named: Vec<&String> = who.chain(denied).flat_map(|subjects| &subjects.users).collect();
    let known = rest.pick(&named).filter(|_| rest.coin());
    let groups =
        policy.groups_named().into_iter().filter(|_| rest.byte().is_multiple_of(3)).map(str::to_owned);
    PersonFacts {
        name: known.map_or("alice".to_owned(), |name| (*name).clone()),
        groups: groups.collect(),
        uid: if rest.byte() == 1 { 0 } else { 1000 },
        password: match rest.byte() % 4 {
            0 => HasPassword::None,
            1 => HasPassword::Unknown,
            _ => HasPassword::Usable,
        },
        account: match rest.byte() % 16 {
            1 => AccountState::Root,
            2 => AccountState::NoAccount,
            3 => AccountState::SharedUid { names: vec!["alice".to_owned(), "bob".to_owned()] },
            4 => AccountState::Locked,
            5 => AccountState::Expired,
            6 => AccountState::NoLogin { shell: "/usr/sbin/nologin".to_owned() },
            _ => AccountState::Ordinary,
        },
        ..PersonFacts::default()
    }
}
