//! A session whose lines of sudo's log are read, and what is taken of each line.

use jit_common::ids::RequestId;
use jitd_core::now::{NANOS, Now};
use jitd_core::policy::Gives;
use jitd_core::record::About;

use super::unheard::Ran;
use crate::subcommands::commands::{Commands, Whose};
use crate::subcommands::line::{Line, Says};

/// Nanoseconds after its end for which there may be lines of a session on their way.
pub(super) const LINGERS: i64 = 5 * NANOS;

/// The same at most, while more and more come: the number of a process may be another's by then.
pub(super) const LINGERS_AT_MOST: i64 = 60 * NANOS;

/// Nanoseconds for which a command line that may go on waits for that.
pub(super) const GOES_ON: i64 = 2 * NANOS;

/// The command of the session itself, which sudo logs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Own {
    /// Its line has not come yet.
    ToCome,
    /// It has.
    Seen,
}

/// As whom a session runs something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunsAs {
    Root,
    /// Nobody knows by which gid.
    Other,
}

impl RunsAs {
    /// Of an account of this name.
    pub(super) fn of(account: &str) -> Self {
        if account == "root" { Self::Root } else { Self::Other }
    }
}

/// A session whose lines are read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) grant: RequestId,
    pub(super) about: About,
    pub(super) own: Own,
    pub(super) ran: Ran,
    pub(super) runs_as: RunsAs,
    pub(super) commands: Commands,
    /// When the last command line is written even if it may go on, on the boot clock.
    pub(super) waits: Option<i64>,
    /// Its process has ended: until when more of it may come, and at the latest, on the boot clock.
    pub(super) over: Option<(i64, i64)>,
}

impl Reading {
    /// One of which nothing was read yet behind `read_to`.
    pub(super) fn new((grant, about): (RequestId, About), runs_as: RunsAs, own: Own, read_to: i64) -> Self {
        let commands = Commands::behind(read_to);
        Self { grant, about, own, ran: Ran::Maybe, runs_as, commands, waits: None, over: None }
    }

    /// Its process has ended.
    pub(super) fn ends(&mut self, now: &Now) {
        self.over = Some((now.boot.saturating_add(LINGERS), now.boot.saturating_add(LINGERS_AT_MOST)));
    }

    /// When it is let go of, on the boot clock.
    pub(super) fn over_at(&self) -> Option<i64> {
        self.over.map(|(at, _)| at)
    }

    /// Whether a line is of this session, and was not read before.
    pub(super) fn is_its(&self, line: &Line) -> bool {
        line.uid == self.about.by.uid && line.at > self.commands.read_to
    }

    /// Takes a line of its.
    pub(super) fn take(&mut self, Line { gid, at, says, .. }: Line, now: &Now) {
        self.over = self.over.map(|(_, last)| (now.boot.saturating_add(LINGERS).min(last), last));
        let roots = self.runs_as == RunsAs::Root;
        // The command of a session is said before sudo becomes anybody: a line by root's gid is none of it.
        if roots && gid == 0 {
            self.own = Own::Seen;
        }
        let is_others = roots && gid != 0;
        match (says, self.own) {
            (Says::Began(piece), Own::ToCome) => {
                self.own = Own::Seen;
                self.commands.began(piece, Whose::Sessions, at);
            }
            (Says::GoesOn(_), Own::ToCome) => {}
            // Written before it became sudo, or by a sudo that runs it with another group: either is said, and neither believed.
            (Says::Began(_), Own::Seen) if is_others => self.commands.leave_out(1, at),
            (Says::Began(piece), Own::Seen) => self.commands.began(piece, Whose::Its, at),
            (Says::GoesOn(piece), Own::Seen) => self.commands.goes_on(piece, at),
            (Says::Otherwise, _) => self.commands.leave_out(1, at),
        }
        self.waits = self.commands.may_go_on().then(|| now.boot.saturating_add(GOES_ON));
    }
}

/// As whom the command of a session runs: PAM says it, and what a client is about to become is by its grant.
pub(super) fn runs_as(gives: &Gives, target: Option<&str>) -> RunsAs {
    let by_role = || gives.sudo.as_ref().filter(|_| gives.groups.is_empty()).map(|sudo| sudo.run_as.as_str());
    target.or_else(by_role).map_or(RunsAs::Other, RunsAs::of)
}
