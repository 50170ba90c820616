//! What the PAM module costs a call of sudo: `sudo -n true` of three people in turn, on one bed. One has the module in no stack
//! (`pam_service`, sudoers(5)), one has it and holds no grant, and one runs it with a grant, which goes on the record.

use std::io::Write;

use super::figures::{Figures, Target};
use super::pairs::{Pair, timed};
use super::{Verdict, load, tell, word};
use crate::{Error, Release, Result, RootBed, workspace};

/// Pairs that are timed if nothing is said.
pub const PAIRS: usize = 300;

/// Rounds before the first that counts.
const WARM_UP: usize = 8;

/// What an untouched session may cost.
const UNTOUCHED: Target = Target { at_most: 1.06 };

/// Without the module, with it, with it and a grant.
const PEOPLE: [&str; 3] = ["plain", "untouched", "granted"];

/// The program that is timed inside: this one.
const INSIDE: &str = "/usr/local/bin/measure";

const POLICY: &str = r#"
[role.true]
summary = "Nothing"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/true"]] }

[[rule]]
name         = "at once"
roles        = ["true"]
eligible     = { users = ["granted"] }
max_duration = "1h"

[pam]
managed  = { groups = ["nogroup"] }
services = ["sudo"]
"#;

const SUDOERS: &str =
    "plain,untouched ALL=(root) NOPASSWD: /usr/bin/true\nDefaults:plain pam_service=sudo-plain\n";

/// Measures on this release and tells `out`.
///
/// # Errors
/// When there can be no such bed, or sudo fails.
pub fn module(release: Release, pairs: usize, out: &mut impl Write) -> Result<Verdict> {
    let bed = RootBed::with_product(release)?;
    for user in PEOPLE {
        bed.add_user(user, &[], None)?;
    }
    bed.policy("10-true.toml", POLICY)?;
    bed.write_mode("/etc/sudoers.d/zz-measure", SUDOERS, 0o440)?;
    let stack = bed.read("/etc/pam.d/sudo")?;
    bed.write("/etc/pam.d/sudo-plain", &stack)?;
    let with = format!("account required pam_jit.so\n{stack}\nsession required pam_jit.so\n");
    bed.write("/etc/pam.d/sudo", &with)?;
    bed.copy_in(&workspace::built()?.join("measure"), INSIDE)?;
    bed.run(&["chmod", "755", INSIDE])?.ok()?;
    let _jitd = bed.start_jitd()?;
    bed.jitctl("granted", &["elevate", "true"])?.ok()?;
    let mut words = vec![INSIDE.to_owned(), "inside-pam".to_owned(), pairs.to_string()];
    for user in PEOPLE {
        let account = bed.account(user)?;
        words.extend([account.uid.to_string(), account.gid.to_string()]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = bed.command(&words).limit(std::time::Duration::from_secs(1200)).run()?.ok()?;
    let pairs: Vec<Pair> = said.out.lines().map(Pair::read).collect::<Result<_>>()?;
    // Each round is two lines: the untouched and the granted, each beside the plain one.
    let of = |which: usize| Figures::of(&pairs.iter().copied().skip(which).step_by(2).collect::<Vec<_>>());
    let (untouched, granted) = (of(0)?, of(1)?);
    let met = untouched.ratio <= UNTOUCHED.at_most;
    let figures = untouched.beside("sudo without it");
    tell(out, &format!("{release}, {} rounds, load {}", pairs.len() / 2, load()))?;
    tell(out, &format!("untouched: {figures}, to reach {:.2}: {}", UNTOUCHED.at_most, word(met)))?;
    tell(out, &format!("  granted: {}, on the record", granted.beside("sudo without it")))?;
    Ok(if met { Verdict::Met } else { Verdict::Missed })
}

/// The part inside the bed: times that many rounds and prints two pairs for each. `people` are uids and gids as of `PEOPLE`.
///
/// # Errors
/// sudo fails.
pub fn inside(rounds: usize, people: [(u32, u32); 3]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for number in 0..rounds + WARM_UP {
        let mut times = [std::time::Duration::ZERO; 3];
        // In turn, and the other way round each second time: nobody always comes behind the same one.
        let mut order = [0, 1, 2];
        if number % 2 == 1 {
            order.reverse();
        }
        for which in order {
            if let (Some(time), Some(person)) = (times.get_mut(which), people.get(which)) {
                *time = timed((&["/usr/bin/sudo", "-n", "true"], *person))?;
            }
        }
        let [plain, untouched, granted] = times.map(|time| time.as_nanos());
        if number >= WARM_UP {
            writeln!(out, "{untouched} {plain}\n{granted} {plain}").map_err(Error::io("print a pair"))?;
        }
    }
    Ok(())
}
