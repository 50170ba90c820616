//! The scenes: how a privilege is asked for, used, refused, and taken away again in each of the ways there are.

use crate::transcript::{Ends, Shown, Transcript};
use crate::{Error, Result};

const RESTART: &str = "sudo -n systemctl restart nginx";

pub(super) fn nothing_without_asking(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("Being on call gives alice nothing by itself. (-n: sudo is not to ask for a password.)")?;
    show.run("alice", RESTART, Ends::With(1))?.says("a password is required")?;
    show.caption("But she may ask.")?;
    show.run("alice", "jitctl roles", Ends::Well)?
        .says("web-restart")?
        .says("/usr/bin/systemctl restart nginx")?;
    show.caption("Asked without a reason, the answer is no: which rule says so, and what to do.")?;
    show.run("alice", "jitctl elevate web-restart", Ends::With(3))?
        .says("refused: rule \"on-call restarts web at once\" (10-web.toml:9) requires a reason")?
        .says("Start with the incident's number")?;
    Ok(())
}

pub(super) fn granted_with_a_reason(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("With a reason it is hers, and in force before the command returns.")?;
    let granted = show.run("alice", &elevate("30m", "INC-42 nginx stuck"), Ends::Well)?;
    let id = id_of(granted)?;
    show.run("alice", RESTART, Ends::Well)?;
    show.run("alice", "sudo -n journalctl --no-pager -u nginx", Ends::Well)?.says("Stopped nginx.service")?;
    show.caption("These two commands, with these arguments, and nothing beyond.")?;
    show.run("alice", "sudo -n systemctl stop nginx", Ends::With(1))?.says("a password is required")?;
    show.run("alice", "sudo -n id", Ends::With(1))?.says("a password is required")?;
    show.caption(
        "The whole story of it: who, why, by which rule, what changed here, and the three ways it ends.",
    )?;
    show.run("alice", &format!("jitctl show {}", id.get(..4).unwrap_or(&id)), Ends::Well)?
        .says("INC-42 nginx stuck")?
        .says("armed      jitd's timer")?
        .says("armed      jit-guard")?
        .says("armed      sudo's NOTAFTER")?;
    show.caption("The operator sees everybody's.")?;
    show.run("olga", "jitctl status", Ends::Well)?.says("alice  web-restart")?.says("because: INC-42")?;
    show.caption("Done early, alice gives it back.")?;
    show.run("alice", "jitctl drop", Ends::Well)?.says("is off the host")?;
    show.run("alice", RESTART, Ends::With(1))?;
    Ok(())
}

pub(super) fn denied_and_explained(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("carl is on call, too. But he is a contractor.")?;
    show.run("carl", &elevate("30m", "INC-42 nginx stuck"), Ends::With(3))?
        .says("refused: denied by \"contractors never\" (10-web.toml:16)")?;
    show.run("carl", RESTART, Ends::With(1))?;
    show.caption(
        "Would it help to ask for less, for a better reason? `explain` decides and grants nothing.",
    )?;
    show.run("carl", "jitctl explain web-restart --for 10m --reason 'INC-77 backend down'", Ends::With(3))?
        .says("deny \"contractors never\" (10-web.toml:16): matches, so it is refused")?
        .says("yes  your reason is as the rule requires")?;
    Ok(())
}

pub(super) fn over_on_time_in_an_open_shell(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("Time up. alice opens a shell and takes five seconds; olga follows the record.")?;
    let mut record = show.watch("olga", "jitctl log --follow --kind ended --since 1s")?;
    let mut shell = show.shell("alice")?;
    let granted = show.type_into(&mut shell, &elevate("5s", "INC-43 once more"), Ends::Well)?;
    let id = id_of(granted)?;
    show.type_into(&mut shell, RESTART, Ends::Well)?;
    show.caption("... five seconds later, olga's terminal says:")?;
    show.wait_for(&mut record, &id)?;
    show.caption("and in alice's shell, which is still the same:")?;
    show.type_into(&mut shell, RESTART, Ends::With(1))?;
    Ok(())
}

pub(super) fn over_on_time_without_the_daemon(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("Five seconds again. This time jitd is killed at once, and kept from coming back.")?;
    let id = id_of(show.run("alice", &elevate("5s", "INC-44 and again"), Ends::Well)?)?;
    let mut guard = show.watch("root", "journalctl -u jit-guard --follow --lines 0 --output cat")?;
    show.run(
        "root",
        "systemctl mask --quiet --runtime jitd && systemctl kill --signal KILL jitd",
        Ends::Well,
    )?;
    show.run("alice", "jitctl status", Ends::With(5))?;
    show.run("root", "cat /run/jit/sudoers.d/jit", Ends::Well)?.says(&id)?;
    show.caption("Her rule is still there, and works:")?;
    show.run("alice", RESTART, Ends::Well)?;
    show.caption(
        "... five seconds are over, and the journal of jit-guard, a second and much smaller program, says:",
    )?;
    show.wait_for(&mut guard, &format!("removed {id}"))?;
    show.run("root", "cat /run/jit/sudoers.d/jit", Ends::Well)?.never_says(&id)?;
    show.run("alice", RESTART, Ends::With(1))?;
    show.caption("jitd comes back and puts on record what it missed.")?;
    show.run("root", "systemctl unmask --quiet --runtime jitd && systemctl start jitd", Ends::Well)?;
    show.run("olga", &format!("jitctl log --id {id} --kind ended"), Ends::Well)?
        .says("alice no longer has web-restart: expired")?;
    Ok(())
}

pub(super) fn everything_off_at_once(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("Something is wrong. olga ends everything that is live, and nothing new is granted until she unlocks.")?;
    show.run("alice", &elevate("30m", "INC-45 the last"), Ends::Well)?;
    show.run("olga", "jitctl lock --revoke --note 'a laptop was stolen'", Ends::Well)?
        .says("web-restart of alice")?
        .says("is off the host")?;
    show.run("alice", RESTART, Ends::With(1))?;
    show.run("alice", &elevate("30m", "INC-46 but I need it"), Ends::With(3))?
        .says("locked by olga")?
        .says("a laptop was stolen")?;
    show.run("olga", "jitctl unlock --note 'it was found'", Ends::Well)?;
    Ok(())
}

fn elevate(time: &str, reason: &str) -> String {
    format!("jitctl elevate web-restart --for {time} --reason '{reason}'")
}

/// The id of a grant, which ends the first line of the answer.
fn id_of(granted: Shown) -> Result<String> {
    let granted = granted.says("granted by rule \"on-call restarts web at once\" (10-web.toml:9)")?;
    let text = granted.text();
    let word = text.lines().next().and_then(|line| line.split_whitespace().last());
    let id = word.filter(|word| word.len() == 8 && word.chars().all(|c| c.is_ascii_alphanumeric()));
    id.map(str::to_owned).ok_or_else(|| Error::Odd(format!("no id is in the answer:\n{text}")))
}
