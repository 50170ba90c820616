//! What a process is to its person's being logged in: something they run, which may be ended; or the login itself, with which
//! everything else of theirs would go.
//!
//! A login is what a login program of root's (sshd, login, a display manager) has started: the first process of the person below it
//! that leads a session on a terminal, or that is in the program's own session, as the shell of Debian 12's login and sshd's own process
//! for the connection. Whatever has a terminal of theirs further up is in a login and none itself, as a shell by `tmux`, `script`,
//! `newgrp` or sudo; what has left its login (`setsid`, a double fork) is none either: pid 1 is no login program, and nor is sudo.
//! The person's `systemd --user` counts as one. Whoever fakes one keeps no more than a login keeps.

use std::fs;
use std::path::Path;

use super::Membership;
use crate::control_groups::is_sudo;
use crate::paths::HostPaths;
use crate::process_stat::Stat;

/// How far up a process is followed.
const DEEPEST: usize = 64;

/// What may be done about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Something that its person runs.
    Work,
    /// A login, or the manager of one: it ends when its person logs out.
    Login,
    /// It acts as another uid, as a set-uid program does. It ends by itself, and not in the middle of what it writes.
    SetUid,
}

/// What of a process says where it stands: from `status` and `stat` in its folder (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    stat: Stat,
    real: u32,
    effective: u32,
}

impl Standing {
    /// `None` when it is gone.
    fn of(proc: &Path, pid: u32) -> Option<Self> {
        let status = fs::read(proc.join(pid.to_string()).join("status")).ok()?;
        let status = String::from_utf8_lossy(&status).into_owned();
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        let mut uids = uids.split_ascii_whitespace().map(|uid| uid.parse().ok());
        Some(Self { stat: Stat::of(proc, pid)?, real: uids.next()??, effective: uids.next()?? })
    }

    fn is_of(self, uid: u32) -> bool {
        self.real == uid || self.effective == uid
    }
}

impl Place {
    /// Of a process that holds a membership; `None` when it is gone.
    pub(super) fn of(paths: &HostPaths, pid: u32, membership: &Membership) -> Option<Self> {
        let own = Standing::of(&paths.proc, pid)?;
        Some(match own.effective == membership.uid {
            false => Self::SetUid,
            true if is_manager(&paths.proc, pid, own, membership.uid) => Self::Login,
            true if is_login(paths, pid, own, membership.uid) => Self::Login,
            true => Self::Work,
        })
    }
}

/// `systemd --user` and its `(sd-pam)`: pid 1 starts it for a person, in the group `init.scope` of their service.
fn is_manager(proc: &Path, pid: u32, own: Standing, uid: u32) -> bool {
    let group = fs::read_to_string(proc.join(pid.to_string()).join("cgroup")).unwrap_or_default();
    let in_its_place = group.trim_end().ends_with(&format!("/user@{uid}.service/init.scope"));
    let below =
        |parent: u32| Standing::of(proc, parent).is_some_and(|of| of.is_of(uid) && of.stat.parent == 1);
    in_its_place && (own.stat.parent == 1 || below(own.stat.parent))
}

fn is_login(paths: &HostPaths, pid: u32, own: Standing, uid: u32) -> bool {
    let leads_on_a_terminal = own.stat.session == pid && own.stat.terminal != 0;
    let leader = |session| Standing::of(&paths.proc, session);
    if !leads_on_a_terminal && leader(own.stat.session).is_none_or(|leader| leader.is_of(uid)) {
        return false;
    }
    let (mut above, mut by_a_program) = (own.stat.parent, false);
    for _ in 0..DEEPEST {
        let Some(next) = Standing::of(&paths.proc, above).filter(|_| above > 1) else {
            return by_a_program;
        };
        match next.is_of(uid) {
            true if next.stat.terminal != 0 => return false,
            true => {}
            false if is_sudo(&paths.proc, &paths.sudo, above) => return false,
            false => by_a_program = true,
        }
        above = next.stat.parent;
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::process_stat::line;
    use crate::scratch::Scratch;

    const TTY: u32 = 34816;

    /// `[pid, parent, session, terminal, real uid, effective uid]`.
    fn process(scratch: &Scratch, [pid, parent, session, terminal, real, effective]: [u32; 6], group: &str) {
        let folder = scratch.path().join(format!("proc/{pid}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("stat"), line(pid, parent, session, terminal, 1)).unwrap();
        fs::write(folder.join("status"), format!("Name:\ta) b\nUid:\t{real}\t{effective}\t0\t0\n")).unwrap();
        fs::write(folder.join("cgroup"), format!("0::{group}\n")).unwrap();
    }

    #[test]
    fn a_login_is_what_stands_first_below_a_login_program() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        fs::create_dir_all(paths.sudo.parent().unwrap()).unwrap();
        fs::write(&paths.sudo, "").unwrap();
        fs::create_dir_all(paths.proc.join("22")).unwrap();
        std::os::unix::fs::symlink(&paths.sudo, paths.proc.join("22/exe")).unwrap();
        let of = Membership { gid: 999, group: "docker".into(), uid: 1001, user: "alice".into() };
        let (session, init) = ("/user.slice/session-1.scope", "/user.slice/user@1001.service/init.scope");
        for (process_of, group, place) in [
            ([1, 0, 1, 0, 0, 0], "/init.scope", Some(Place::SetUid)),
            ([10, 1, 10, 0, 0, 0], session, Some(Place::SetUid)),
            ([11, 10, 10, 0, 1001, 1001], session, Some(Place::Login)),
            ([12, 11, 12, TTY, 1001, 1001], session, Some(Place::Login)),
            // Whatever is run in it: a job, one that left it by setsid, a shell on a terminal of its own, a set-uid program.
            ([13, 12, 12, TTY, 1001, 1001], session, Some(Place::Work)),
            ([14, 12, 14, 0, 1001, 1001], session, Some(Place::Work)),
            ([15, 14, 15, TTY + 1, 1001, 1001], session, Some(Place::Work)),
            ([16, 12, 12, TTY, 1001, 0], session, Some(Place::SetUid)),
            ([17, 16, 12, TTY, 1001, 1001], session, Some(Place::Work)),
            // What sudo runs on a terminal of its own, and in the background.
            ([20, 12, 20, TTY + 2, 0, 0], session, Some(Place::SetUid)),
            ([21, 20, 20, TTY + 2, 1001, 1001], session, Some(Place::Work)),
            // What sudo runs, and is left when the login is over; the same by another program of root's.
            ([22, 1, 22, TTY + 2, 0, 0], session, Some(Place::SetUid)),
            ([23, 22, 22, TTY + 2, 1001, 1001], session, Some(Place::Work)),
            ([24, 1, 24, TTY + 4, 0, 0], session, Some(Place::SetUid)),
            ([25, 24, 24, TTY + 4, 1001, 1001], session, Some(Place::Login)),
            ([26, 25, 26, TTY + 5, 1001, 1001], session, Some(Place::Work)),
            // What left everything.
            ([30, 1, 30, TTY + 3, 1001, 1001], session, Some(Place::Work)),
            ([31, 1, 30, 0, 1001, 1001], session, Some(Place::Work)),
            // A command by sshd, without a terminal.
            ([40, 11, 40, 0, 1001, 1001], session, Some(Place::Work)),
            // The manager, what it runs, and what only stands in its group.
            ([50, 1, 50, 0, 1001, 1001], init, Some(Place::Login)),
            ([51, 50, 50, 0, 1001, 1001], init, Some(Place::Login)),
            (
                [52, 50, 52, 0, 1001, 1001],
                "/user.slice/user@1001.service/app.slice/x.service",
                Some(Place::Work),
            ),
            ([53, 13, 12, TTY, 1001, 1001], init, Some(Place::Work)),
        ] {
            process(&scratch, process_of, group);
            let [pid, ..] = process_of;
            assert_eq!(Place::of(&paths, pid, &of), place, "{process_of:?}");
        }
        assert_eq!(Place::of(&paths, 99, &of), None);
    }
}
