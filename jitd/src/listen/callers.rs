//! Who calls: what is looked up of them, and of whom they ask about.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::refusal::Refusal;
use jit_common::request::Request;
use jitd_core::policy::{AccountState, GroupState, PersonFacts};

use super::Reception;
use super::facts::Facts;
use super::seats::{Account, Seat};
use crate::peer::Peer;
use crate::people::{self, Asker, Whom};

/// Everything that is known of the caller when its request is taken up.
pub(super) struct Caller {
    pub(super) peer: Peer,
    pub(super) person: PersonFacts,
    pub(super) groups: BTreeMap<String, GroupState>,
    /// When that was asked, on the boot clock.
    pub(super) looked_up: i64,
}

/// Whether a uid that is new has an account decides with whom it shares its places. While the account database does not
/// answer it is as good as new.
pub(super) async fn get_to_know(uid: u32, seat: &mut Seat, reception: &Reception) -> Result<(), u32> {
    if let Some(account) = reception.seats.account(uid) {
        // It may have been new when this place was taken.
        return seat.settle(uid, account);
    }
    let seats = reception.seats.clone();
    let known = move || seats.account(uid).map(|account| account == Account::Known);
    match people::has_account(uid, known).await {
        Ok(true) => seat.settle(uid, Account::Known),
        Ok(false) => seat.settle(uid, Account::None),
        Err(_) => Ok(()),
    }
}

/// Looks the caller up.
pub(super) async fn find_caller(peer: Peer, facts: Facts, reception: &Reception) -> Result<Caller, Refusal> {
    let looked_up = reception.clock.now().boot;
    let asker = asker(peer.uid, reception);
    if facts == Facts::Uid {
        let person = PersonFacts { uid: peer.uid, ..PersonFacts::default() };
        return Ok(Caller { peer, person, groups: BTreeMap::new(), looked_up });
    }
    if facts == Facts::Name && peer.uid != 0 {
        let name = people::name_of(asker, peer.uid).await;
        let person = PersonFacts { uid: peer.uid, name, ..PersonFacts::default() };
        return Ok(Caller { peer, person, groups: BTreeMap::new(), looked_up });
    }
    let (whom, named) = (Whom::Uid(peer.uid), named_groups(reception));
    let found = people::find(asker, whom, named, reception.clock.now().wall).await;
    let found = match found {
        Ok(found) => found.ok_or(Refusal::UnknownAccount { uid: peer.uid })?,
        Err(error) => return Err(Refusal::PeerUnknown { why: crate::chain(&error) }),
    };
    let account = match found.person.account {
        AccountState::NoAccount => Account::None,
        AccountState::Ordinary
        | AccountState::Root
        | AccountState::SharedUid { .. }
        | AccountState::Locked
        | AccountState::Expired
        | AccountState::NoLogin { .. } => Account::Known,
    };
    reception.seats.learn(peer.uid, account);
    let groups = match (peer.uid, facts) {
        (0, Facts::Groups) => people::groups(asker, named_groups(reception)).await,
        _ => found.groups,
    };
    Ok(Caller { peer, person: found.person, groups, looked_up })
}

/// With whom a uid shares the places of look-ups. Whoever is not known by now has a directory that hangs, perhaps, and keeps those
/// who are known from nothing.
fn asker(uid: u32, reception: &Reception) -> Asker {
    match reception.seats.account(uid) {
        Some(Account::Known) => Asker::Caller(uid),
        Some(Account::None) | None => Asker::Newcomer(uid),
    }
}

fn named_groups(reception: &Reception) -> BTreeSet<String> {
    reception.engine.policy().policy.groups_named().into_iter().map(str::to_owned).collect()
}

/// The person an explanation is for, when it is not the caller. Whether the caller may ask is the engine's to say.
pub(super) async fn subject(
    peer: &Peer,
    request: &Request,
    reception: &Reception,
) -> Result<Option<PersonFacts>, Refusal> {
    let Request::Explain { user: Some(name), .. } = request else { return Ok(None) };
    let (whom, named) = (Whom::Name(name.clone()), named_groups(reception));
    let found = people::find(asker(peer.uid, reception), whom, named, reception.clock.now().wall).await;
    match found {
        Ok(found) => Ok(found.map(|found| found.person)),
        Err(error) => Err(Refusal::PeerUnknown { why: crate::chain(&error) }),
    }
}
