//! A machine with one of the sudos and a grant of groups on it, written as jitd writes it.

use jit_e2e::{OrSkip as _, Output, Release, RootBed};

pub(crate) const DOCKER: u32 = 7990;
pub(crate) const LXD: u32 = 7991;
/// A group that no rule gives.
pub(crate) const EXTRA: u32 = 7992;

/// A machine with one of the sudos, alice (who has a password), bob, and the groups.
pub(crate) struct Host {
    pub(crate) bed: RootBed,
    pub(crate) sudo: &'static str,
    /// The time on a rule, where this sudo takes one.
    end: &'static str,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// sudo 1.9.13p3, sudo 1.9.16p2, sudo-rs 0.2.5. Empty when there are no beds here.
pub(crate) fn hosts() -> Vec<Host> {
    const LATE: &str = "NOTAFTER=20991231235959Z ";
    let kinds = [
        (Release::Bookworm, "sudo", LATE),
        (Release::Trixie, "sudo", LATE),
        (Release::Trixie, "sudo-rs", ""),
    ];
    kinds.into_iter().map_while(|(release, sudo, end)| Host::new(release, sudo, end)).collect()
}

pub(crate) fn classic() -> impl Iterator<Item = Host> {
    hosts().into_iter().filter(Host::is_classic)
}

impl Host {
    fn new(release: Release, sudo: &'static str, end: &'static str) -> Option<Host> {
        let bed = RootBed::bare(release).or_skip()?;
        let alice = bed.add_user("alice", &[], Some("secret")).unwrap();
        bed.add_user("bob", &[], None).unwrap();
        for (name, gid) in [("docker", DOCKER), ("lxd", LXD), ("extra", EXTRA)] {
            bed.run(&["groupadd", "-g", &gid.to_string(), name]).unwrap().expect_ok();
        }
        Some(Host { bed, sudo, end, uid: alice.uid, gid: alice.gid })
    }

    pub(crate) fn is_classic(&self) -> bool {
        self.sudo == "sudo"
    }

    /// The rule of these groups, `990` or `990,991`; `tag` says whether a password is asked for.
    pub(crate) fn rule(&self, gids: &[u32], tag: &str) -> String {
        let (uid, end) = (self.uid, self.end);
        let gids: Vec<String> = gids.iter().map(|gid| format!("#{gid}")).collect();
        format!("#{uid} ALL=(#{uid}:{}) {end}{tag}: NOSETENV: ALL\n", gids.join(","))
    }

    /// Puts the grant where sudo reads it, before anything of an admin's.
    pub(crate) fn grant(&self, text: &str) {
        self.bed.write_mode("/etc/sudoers.d/00-grant", text, 0o440).unwrap();
    }

    pub(crate) fn granted(self) -> Host {
        self.grant(&self.rule(&[DOCKER], "NOPASSWD"));
        self
    }

    /// An admin's file that is read after it.
    pub(crate) fn admin(&self, text: &str) {
        self.bed.write_mode("/etc/sudoers.d/90-admin", &format!("{text}\n"), 0o440).unwrap();
    }

    /// alice calls sudo and has no password to give.
    pub(crate) fn alice(&self, words: &[&str]) -> Output {
        let words = [&[self.sudo, "-n"], words].concat();
        self.bed.command(&words).user("alice").folder("/tmp").run().unwrap()
    }

    /// alice calls sudo and gives her password when asked.
    pub(crate) fn alice_with_password(&self, words: &[&str]) -> Output {
        let words = [&[self.sudo, "-S", "-p", ""], words].concat();
        self.bed.command(&words).user("alice").folder("/tmp").input("secret\n").run().unwrap()
    }

    /// The question as jitd asks it.
    pub(crate) fn agrees(&self, group: &str) -> bool {
        let words = [self.sudo, "-n", "-l", "-U", "alice", "-u", "alice", "-g", group, "--", "/usr/bin/true"];
        let answer = self.bed.run(&words).unwrap();
        match answer.code {
            0 => assert_eq!(answer.out, "/usr/bin/true\n", "{answer}"),
            _ => assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{answer}"),
        }
        answer.success()
    }

    /// What `id` says of alice with this group and these beside it.
    pub(crate) fn id_with(&self, primary: (u32, &str), others: &[(u32, &str)]) -> String {
        let name = |(gid, name): &(u32, &str)| format!("{gid}({name})");
        let own = (self.gid, "alice");
        let groups: Vec<String> = [&[primary, own], others].concat().iter().map(name).collect();
        format!("uid={}(alice) gid={} groups={}\n", self.uid, name(&primary), groups.join(","))
    }

    pub(crate) fn with_docker(&self) -> String {
        self.id_with((DOCKER, "docker"), &[])
    }
}

/// It was refused, and nothing ran.
#[track_caller]
pub(crate) fn refused(output: Output) {
    assert!(!output.text().contains("uid="), "{output}");
    output.expect_code(1);
}
