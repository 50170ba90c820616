//! What kind of account may ask, or decide, at all.

use jit_common::refusal::Refusal;

use crate::policy::facts::{AccountState, PersonFacts};

/// Refuses every account that is not an ordinary person's.
///
/// # Errors
/// What kind of account it is instead.
pub fn check(person: &PersonFacts) -> Result<(), Refusal> {
    let uid = person.uid;
    match &person.account {
        // Whatever was looked up, uid 0 is root.
        _ if uid == 0 => Err(Refusal::RootAccount),
        AccountState::Root => Err(Refusal::RootAccount),
        AccountState::NoAccount => Err(Refusal::UnknownAccount { uid }),
        AccountState::SharedUid { names } => Err(Refusal::SharedUid { uid, names: names.clone() }),
        AccountState::Locked => Err(Refusal::AccountLocked),
        AccountState::Expired => Err(Refusal::AccountExpired),
        AccountState::NoLogin { shell } => {
            Err(Refusal::NoLoginAccount { name: person.name.clone(), shell: shell.clone() })
        }
        AccountState::Ordinary => Ok(()),
    }
}
