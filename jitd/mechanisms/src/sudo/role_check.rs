//! Whether this host can carry a role: asked when the policy is loaded, so that a grant never breaks sudo for anyone.

use std::path::Path;
use std::time::Duration;

use jit_common::visudo::Verdict;
use jitd_core::policy::{Command, Commands, SudoRole};
use jitd_core::sudoers::render_probe;

use super::probe::Sudo;
use super::walk::check_program;
use crate::paths::HostPaths;

/// The uid that a role is rendered for when visudo is asked; nothing is ever granted to it.
const PROBE_UID: u32 = 60_000;

/// Why this host cannot carry a role, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It cannot.
    Cannot(String),
    /// Nobody could tell: asked again, the answer may be another.
    NotTold(String),
}

impl Reason {
    /// The sentence.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Cannot(why) | Self::NotTold(why) => why,
        }
    }
}

/// Every reason why this host cannot carry the role; none when it can. Of its groups only what sudo says of their rule is
/// looked at here.
///
/// `account_exists` says whether a name is an account here, or why it cannot be told. visudo may take `limit`; when it gives no answer, that is
/// a reason too.
pub fn reasons_against(
    paths: &HostPaths,
    sudo: &Sudo,
    role: Option<&SudoRole>,
    gids: &[u32],
    account_exists: impl FnOnce(&str) -> Result<bool, String>,
    limit: Duration,
) -> Vec<Reason> {
    let mut reasons = role.map_or_else(Vec::new, |role| {
        let paths = path_reasons(paths, &role.commands).into_iter();
        let mut reasons: Vec<Reason> = paths.map(Reason::Cannot).collect();
        reasons.extend(account_reason(role.run_as.as_str(), account_exists));
        reasons
    });
    let visudo = sudo.visudo();
    match visudo.check_text(&render_probe(role, gids, PROBE_UID, sudo.dialect()), limit) {
        Ok(Verdict::Accepted) => {}
        Ok(Verdict::Rejected { complaint }) => {
            let (program, version) = (visudo.program().display(), visudo.version());
            reasons.push(Reason::Cannot(format!("{program} {version} refuses its rule: {complaint}")));
        }
        Err(why) => reasons.push(Reason::NotTold(format!("its rule could not be checked: {why}"))),
    }
    reasons
}

fn account_reason(run_as: &str, account_exists: impl FnOnce(&str) -> Result<bool, String>) -> Option<Reason> {
    let account = format!("the account {run_as:?} that its commands run as");
    match account_exists(run_as) {
        Ok(true) => None,
        Ok(false) => Some(Reason::Cannot(format!("{account} does not exist on this host"))),
        Err(why) => Some(Reason::NotTold(format!("{account}: {why}"))),
    }
}

/// The reasons that can change while a policy is live: a program that is gone, or that others may write now. Asked
/// again before each grant; a few calls of stat(2).
pub fn path_reasons(paths: &HostPaths, commands: &Commands) -> Vec<String> {
    let commands: &[Command] = match commands {
        Commands::All => &[],
        Commands::These(commands) => commands,
    };
    let mut reasons: Vec<String> = Vec::new();
    for command in commands {
        if let Err(why) = check_program(&paths.root, paths.owner.as_raw(), Path::new(command.path())) {
            let why = format!("{}: {why}", command.path());
            if !reasons.contains(&why) {
                reasons.push(why);
            }
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn each_bad_path_is_named_once_and_good_ones_are_not() {
        let scratch = Scratch::new();
        let word = |text: &str| text.to_owned();
        let commands =
            [vec![word("/usr/bin/none")], vec![word("/usr/bin/none"), word("x")], vec![word("/etc")]];
        let commands = commands.iter().map(|words| Command::new(words).unwrap()).collect();
        let reasons = path_reasons(&scratch.paths(), &Commands::These(commands));
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(path_reasons(&scratch.paths(), &Commands::All).is_empty());
    }
}
