//! Whether the installed sudo would take the text of each role: rendered as jitd renders it, and shown to visudo.

use std::time::Duration;

use jit_common::visudo::{Flavour, Verdict, Visudo, VisudoError};
use jitd_core::policy::Role;
use jitd_core::sudoers::{Dialect, NotAfter, render_probe};

/// How long visudo may take. It takes two milliseconds.
const LIMIT: Duration = Duration::from_secs(20);
/// Any uid but root's will do.
const PROBE_UID: u32 = 1000;
/// Any gid but root's will do: visudo does not look it up.
const PROBE_GID: u32 = 1000;

/// The visudo of this host.
pub(super) struct Checker {
    visudo: Visudo,
    dialect: Dialect,
}

impl Checker {
    /// Finds it.
    pub(super) fn find() -> Result<Self, VisudoError> {
        let visudo = Visudo::find(None, LIMIT)?;
        let not_after = match visudo.flavour() {
            Flavour::Classic => NotAfter::Honoured,
            Flavour::SudoRs => NotAfter::NotAccepted,
        };
        Ok(Self { visudo, dialect: Dialect { not_after } })
    }

    /// Which one it is, for people.
    pub(super) fn name(&self) -> String {
        let flavour = match self.visudo.flavour() {
            Flavour::Classic => "sudo",
            Flavour::SudoRs => "sudo-rs",
        };
        format!("{} of {flavour} {}", self.visudo.program().display(), self.visudo.version())
    }

    /// What it has against a role; `None` when nothing.
    pub(super) fn problem(&self, role: &Role) -> Option<String> {
        let gids: &[u32] = if role.groups.is_empty() { &[] } else { &[PROBE_GID] };
        let text = render_probe(role.sudo.as_ref(), gids, PROBE_UID, self.dialect);
        match self.visudo.check_text(&text, LIMIT) {
            Ok(Verdict::Accepted) => None,
            Ok(Verdict::Rejected { complaint }) => Some(format!("visudo does not take it: {complaint}")),
            // No verdict is no yes.
            Err(error) => Some(format!("visudo gave no verdict: {error}")),
        }
    }
}
