//! Our group editor and the real shadow-utils at work on one `/etc/group` at the same time, and a look at what is left.
//!
//! gpasswd loses changes of others to the *same group*, with exit status 0 (it reads the entry before it takes the lock). So each
//! program has groups and people of its own, where nothing but our mistake could lose anything, and one group is shared by us and
//! usermod, which reads under the lock.

use std::time::Duration;

use crate::{Error, Result, RootBed, Running, workspace};

/// The editor's program inside.
pub const EDITOR: &str = "/usr/local/bin/group-editor";

/// The files that all of them write.
const FILES: [&str; 2] = ["/etc/group", "/etc/gshadow"];

/// How long one round may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Lines that nobody may touch. NIS lines stay last: shadow-utils put new groups before them.
const ODD: [(&str, &str); 2] = [
    (
        "/etc/group",
        "bystander:x:60001:a,,b,\\n# a comment\\n\\nodd line: without a gid\\n+@netgroup::::\\n+::::\\n",
    ),
    ("/etc/gshadow", "bystander:!:a:a,,b,\\n# a comment\\n\\nodd line\\n+::::\\n"),
];

/// What vigr calls an editor: puts one more member into its group. The date is for vigr, which looks for changes in whole seconds.
const VIGR_EDITOR: &str = r#"#!/bin/sh
set -e
n=$(cat /tmp/edits); n=$((n + 1)); echo $n > /tmp/edits
sed -i "/^edited:/s/\$/,e$n/" "$1"
touch -d "@$((4000000000 + n))" "$1"
"#;

/// Each program's loop: a name, and what it does in turn `$i`. Every command has to exit with 0.
const LOOPS: [(&str, &str); 7] = [
    ("usermod", "usermod -aG shared theirs; usermod -rG shared theirs; usermod -aG shared,usermods theirs"),
    ("usermod of another", "usermod -aG usermods other$i"),
    ("useradd", "useradd -N new$i"),
    ("userdel", "useradd gone$i; usermod -aG usermods gone$i; userdel gone$i"),
    ("groupadd", "groupadd group$i"),
    ("gpasswd", "gpasswd -a mine gpasswds; gpasswd -d mine gpasswds; gpasswd -a mine gpasswds"),
    ("vigr", "EDITOR=/tmp/editor vigr"),
];

/// Our own loops: each puts its people into a group and out again, and looks each time whether it came so.
const OURS: [(&str, &str); 3] = [("shared", "ours1"), ("shared", "ours2 ours3"), ("usermods", "ours1 ours4")];

/// A bed with the people and groups that the loops work on.
#[derive(Debug)]
pub struct GroupSoak<'b> {
    bed: &'b RootBed,
    turns: u32,
}

impl<'b> GroupSoak<'b> {
    /// Builds our editor, brings it in and makes people and groups.
    ///
    /// # Errors
    /// When it does not build, or a tool of the bed says no.
    pub fn set_up(bed: &'b RootBed) -> Result<GroupSoak<'b>> {
        bring_editor(bed)?;
        bed.write_mode("/tmp/editor", VIGR_EDITOR, 0o755)?;
        bed.write("/tmp/edits", "0")?;
        let mut script =
            "set -e\nfor g in shared usermods gpasswds edited; do groupadd $g; done\n".to_owned();
        script += "for u in theirs mine natural ours1 ours2 ours3 ours4; do useradd -N $u; done\n";
        script += "usermod -aG shared natural; gpasswd -a natural edited; gpasswd -A natural shared\n";
        for (file, text) in ODD {
            script += &format!("printf '{text}' >> {file}\n");
        }
        bed.sh(&script)?.ok()?;
        Ok(GroupSoak { bed, turns: 0 })
    }

    /// All loops at once, `turns` turns each, and then the look at what is left.
    ///
    /// # Errors
    /// When a program fails, a line is lost, or somebody is in a group who was taken out.
    pub fn round(&mut self, turns: u32) -> Result<()> {
        let (first, last) = (self.turns + 1, self.turns + turns);
        self.bed.sh(&format!("for i in $(seq {first} {last}); do useradd -N other$i || exit; done"))?.ok()?;
        let mut running = Vec::new();
        for (name, commands) in LOOPS {
            let commands = commands.replace("; ", " && ");
            let script =
                format!("for i in $(seq {first} {last}); do {{ {commands}; }} >/dev/null || exit; done");
            running.push((name, self.start(&script)?));
        }
        for (group, users) in OURS {
            running.push(("our editor", self.start(&format!("{EDITOR} cycle {turns} {group} {users}"))?));
        }
        for (name, program) in running {
            let output = program.wait_end(LIMIT)?;
            if !output.success() {
                return Err(Error::Odd(format!("{name} failed in turns {first} to {last}:\n{output}")));
            }
        }
        self.turns = last;
        self.look()
    }

    /// How much was done, in words.
    #[must_use]
    pub fn tally(&self) -> String {
        format!("{} turns of each of {} loops, nothing lost", self.turns, LOOPS.len() + OURS.len())
    }

    fn start(&self, script: &str) -> Result<Running> {
        self.bed.command(&["bash", "-c", script]).spawn()
    }

    /// Everything that has to be there now, and nothing else in the lists of members.
    fn look(&self) -> Result<()> {
        let turns = 1..=self.turns;
        let numbered = |name: &str| turns.clone().map(|turn| format!("{name}{turn}")).collect::<Vec<_>>();
        let others = [vec!["theirs".to_owned()], numbered("other")].concat();
        let natural = vec!["natural".to_owned()];
        let edited = [natural.clone(), numbered("e")].concat();
        for file in FILES {
            let text = self.bed.read(file)?;
            let expect = |group: &str, expected: &[String]| same(file, &text, group, expected);
            expect("shared", &["natural".to_owned(), "theirs".to_owned()])?;
            expect("usermods", &others)?;
            expect("gpasswds", &["mine".to_owned()])?;
            // vigr edits one of the two files alone.
            expect("edited", if file == "/etc/group" { &edited } else { &natural })?;
            for group in numbered("group") {
                expect(&group, &[])?;
            }
            let odd = ODD.iter().filter(|(of, _)| *of == file).map(|(_, text)| text.replace("\\n", "\n"));
            for line in odd.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
                if !text.lines().any(|found| found == line) {
                    return Err(Error::Odd(format!("{file} has lost the line {line:?}:\n{text}")));
                }
            }
            if text.contains("gone") {
                return Err(Error::Odd(format!("{file} has brought somebody back:\n{text}")));
            }
        }
        for user in numbered("new") {
            self.bed.account(&user)?;
        }
        let litter = self
            .bed
            .sh("cd /etc; ls -A | grep -E '^\\.?(group|gshadow)[.+]' | grep -v spare || true")?
            .ok()?
            .out;
        if litter.is_empty() { Ok(()) } else { Err(Error::Odd(format!("left in /etc: {litter}"))) }
    }
}

/// Builds our editor and brings it in as [`EDITOR`].
///
/// # Errors
/// When it does not build.
pub fn bring_editor(bed: &RootBed) -> Result<()> {
    bed.copy_in(&workspace::example("jit-mechanisms", "group-editor")?, EDITOR)?;
    bed.run(&["chmod", "755", EDITOR])?.ok()?;
    Ok(())
}

/// The members of a group in this text are these, in any order.
fn same(file: &str, text: &str, group: &str, expected: &[String]) -> Result<()> {
    let found = text.lines().find_map(|line| line.strip_prefix(&format!("{group}:")));
    let Some(found) = found.and_then(|rest| rest.rsplit(':').next()) else {
        return Err(Error::Odd(format!("{file} has lost the group {group}:\n{text}")));
    };
    let mut found: Vec<&str> = found.split(',').filter(|member| !member.is_empty()).collect();
    let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    found.sort_unstable();
    expected.sort_unstable();
    if found == expected {
        return Ok(());
    }
    let lost: Vec<&&str> = expected.iter().filter(|member| !found.contains(member)).collect();
    let extra: Vec<&&str> = found.iter().filter(|member| !expected.contains(member)).collect();
    Err(Error::Odd(format!("{file}, {group}: lost {lost:?}, left in {extra:?}")))
}
