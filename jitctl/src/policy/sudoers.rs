//! Whether the installed sudo would take the text of each role: rendered as jitd renders it, and shown to visudo.

use std::time::Duration;

use jit_common::visudo::{Flavour, Verdict, Visudo, VisudoError};
use jitd_core::policy::Role;
use jitd_core::sudoers::{Dialect, LOG_SUBCMDS_PROBE, LogSubcmds, NotAfter, render_probe};

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
        let dialect = match visudo.flavour() {
            Flavour::Classic => {
                let log_subcmds = match visudo.check_text(LOG_SUBCMDS_PROBE, LIMIT)? {
                    Verdict::Accepted => LogSubcmds::Taken,
                    Verdict::Rejected { .. } => LogSubcmds::NotTaken,
                };
                Dialect { not_after: NotAfter::Honoured, log_subcmds }
            }
            Flavour::SudoRs => Dialect::LEAST,
        };
        Ok(Self { visudo, dialect })
    }

    /// Which one it is, for people.
    pub(super) fn name(&self) -> String {
        let flavour = match self.visudo.flavour() {
            Flavour::Classic => "sudo",
            Flavour::SudoRs => "sudo-rs",
        };
        format!("{} of {flavour} {}", self.visudo.program().display(), self.visudo.version())
    }

    /// Whether it lets sudo say what its commands start.
    pub(super) fn log_subcmds(&self) -> LogSubcmds {
        self.dialect.log_subcmds
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
