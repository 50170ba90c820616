//! Grants that ended under a jitd before this one, which was stopped before it could end what held their groups and write their closing
//! reports: both are done now.

use jit_common::ids::RequestId;
use jitd_core::lifecycle::state::State;
use jitd_core::now::Now;
use jitd_core::record::{Entry, Swept};

use super::Engine;
use super::past::Past;

/// The most grants that are looked for. Of more that ended at once the others have no report.
const MOST: usize = 1024;

impl Engine {
    /// Takes up the ends that are not finished.
    pub(super) fn finish_what_has_ended(&mut self, now: &Now) {
        let unreported = self.book.unreported(MOST).unwrap_or_else(|why| {
            crate::log::error(&format!("which grants lack their closing report cannot be read: {why}"));
            Vec::new()
        });
        for id in unreported {
            // What ended just now has its report to come anyway.
            if !self.has_report_to_come(id) {
                self.finish(id, now);
            }
        }
    }

    fn finish(&mut self, id: RequestId, now: &Now) {
        let rows = self.book.rows_of(id).unwrap_or_default();
        let past = Past::of(id, &rows);
        let (Some(mut grant), Some(end)) = (past.grant, past.end) else { return };
        let (mut late_ms, mut swept) = (None, false);
        for entry in rows.iter().filter_map(|row| row.entry().ok()) {
            match entry {
                Entry::Ended { cause, late_ms: late, .. } => {
                    late_ms = late;
                    grant.state = State::Ended { cause };
                }
                Entry::Swept { what: Swept::Holders { .. }, .. } => swept = true,
                _ => {}
            }
        }
        let memberships = self.host.were_put_in(&grant);
        self.close_with_report(&grant, (late_ms, end.at), memberships.clone(), now);
        if !swept {
            self.sweep_holders(&grant, memberships, now);
        }
    }
}
