//! The sudoers text: read back as sudo reads it, it says exactly what the role says, and nothing else ever gets in.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod sudoers_reader;

use jitd_core::policy::{Arguments, Authenticate, Command, Commands, RunAs, Subcommands, SudoRole};
use jitd_core::sudoers::{
    Dialect, HEADER, LogSubcmds, NotAfter, SudoGrant, block_ids, remove_blocks, render, render_probe,
};
use std::collections::BTreeSet;

use sudoers_reader::{ReadArguments, ReadCommand, ReadRunAs, read_rule, read_whole_rule};

const WITH: Dialect = Dialect { not_after: NotAfter::Honoured, log_subcmds: LogSubcmds::Taken };
const WITHOUT: Dialect = Dialect::LEAST;
const NOT_LOGGED: Subcommands = Subcommands::NotLogged;
/// 2026-11-22 14:32:00 UTC.
const UNTIL: i64 = 1_795_357_920;

fn role(password: Authenticate, commands: &[&[&str]]) -> SudoRole {
    let command = |words: &&[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).into()).collect();
        Command::new(&words).unwrap()
    };
    SudoRole {
        run_as: RunAs::new("root").unwrap(),
        password,
        commands: Commands::These(commands.iter().map(command).collect()),
    }
}

fn grant<'a>(id: &'a str, uid: u32, role: &'a SudoRole) -> SudoGrant<'a> {
    SudoGrant { id, uid, role: Some(role), gids: &[], subcommands: NOT_LOGGED, until_wall_secs: UNTIL }
}

/// The same numbers on every run: xorshift64*, seeded by hand.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }

    fn word(&mut self) -> String {
        let alphabet: Vec<char> =
            "abZ09-_./@%+~,:=#*?[]!^$'\"(){}<>|;&`\\ \t\n\r\0\u{1b}\u{7f}\u{85}äß€🙂\u{202e}\u{200b}\u{a0}"
                .chars()
                .collect();
        (0..self.below(9)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

#[test]
fn the_file_is_as_the_documents_show_it() {
    let web = role(
        Authenticate::NotAsked,
        &[&["/usr/bin/systemctl", "restart", "nginx"], &["/usr/bin/id"], &["/usr/bin/tail", "..."]],
    );
    let db = SudoRole {
        run_as: RunAs::new("postgres").unwrap(),
        password: Authenticate::Asked,
        commands: Commands::All,
    };
    let text = render(&[grant("8k2m9xqa", 1001, &db), grant("7k2m9xqa", 1000, &web)], WITH);
    assert_eq!(
        text,
        "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n\
         # grant 7k2m9xqa\n\
         #1000 ALL=(root) NOTAFTER=20261122143200Z NOPASSWD: NOSETENV: /usr/bin/systemctl restart nginx, \
         NOPASSWD: NOSETENV: /usr/bin/id \"\", NOPASSWD: NOSETENV: /usr/bin/tail\n\
         # end 7k2m9xqa\n\
         # grant 8k2m9xqa\n\
         Defaults:#1001 timestamp_timeout=0\n\
         #1001 ALL=(postgres) NOTAFTER=20261122143200Z PASSWD: NOSETENV: ALL\n\
         # end 8k2m9xqa\n"
    );
    let plain = render(&[grant("7k2m9xqa", 1000, &web)], WITHOUT);
    assert!(
        !plain.contains("NOTAFTER")
            && plain.contains("#1000 ALL=(root) NOPASSWD: NOSETENV: /usr/bin/systemctl")
    );
}

/// The whole text of one grant of these groups by number, beside the commands of a role or alone.
fn of_groups(role: Option<&SudoRole>, gids: &[u32]) -> String {
    let grant =
        SudoGrant { id: "7k2m9xqa", uid: 1000, role, gids, subcommands: NOT_LOGGED, until_wall_secs: UNTIL };
    let text = render(&[grant], WITH);
    text.strip_prefix(HEADER).unwrap().to_owned()
}

#[test]
fn a_group_is_run_as_oneself_with_it() {
    assert_eq!(
        of_groups(None, &[990]),
        "# grant 7k2m9xqa\n\
         #1000 ALL=(#1000:#990) NOTAFTER=20261122143200Z NOPASSWD: NOSETENV: ALL\n\
         # end 7k2m9xqa\n"
    );
    let both = role(Authenticate::NotAsked, &[&["/usr/bin/id"]]);
    assert_eq!(
        of_groups(Some(&both), &[991, 990, 991]),
        "# grant 7k2m9xqa\n\
         #1000 ALL=(root) NOTAFTER=20261122143200Z NOPASSWD: NOSETENV: /usr/bin/id \"\"\n\
         #1000 ALL=(#1000:#990,#991) NOTAFTER=20261122143200Z NOPASSWD: NOSETENV: ALL\n\
         # end 7k2m9xqa\n"
    );
    let probe = render_probe(None, &[990], 60_000, WITHOUT);
    assert!(probe.contains("\n#60000 ALL=(#60000:#990) NOPASSWD: NOSETENV: ALL\n"), "{probe}");
}

#[test]
fn a_role_that_asks_for_the_password_asks_for_it_with_its_groups_too() {
    let asked = role(Authenticate::Asked, &[&["/usr/bin/id"]]);
    assert_eq!(
        of_groups(Some(&asked), &[990]),
        "# grant 7k2m9xqa\n\
         Defaults:#1000 timestamp_timeout=0\n\
         #1000 ALL=(root) NOTAFTER=20261122143200Z PASSWD: NOSETENV: /usr/bin/id \"\"\n\
         #1000 ALL=(#1000:#990) NOTAFTER=20261122143200Z PASSWD: NOSETENV: ALL\n\
         # end 7k2m9xqa\n"
    );
}

#[test]
fn what_commands_start_is_logged_where_the_rule_says_so_and_sudo_can() {
    let (asked, free) =
        (role(Authenticate::Asked, &[&["/usr/bin/id"]]), role(Authenticate::NotAsked, &[&["/usr/bin/id"]]));
    let text = |role, dialect| {
        let grant = SudoGrant { subcommands: Subcommands::Logged, ..grant("7k2m9xqa", 1000, role) };
        render(&[grant], dialect)
    };
    assert!(
        text(&asked, WITH).contains("\nDefaults:#1000 timestamp_timeout=0, log_subcmds\n#1000 ALL=(root)")
    );
    assert!(text(&free, WITH).contains("xqa\nDefaults:#1000 log_subcmds\n#1000 ALL=(root)"));
    assert!(text(&asked, WITHOUT).contains("\nDefaults:#1000 timestamp_timeout=0\n"));
    assert!(!text(&free, WITHOUT).contains("Defaults"));
    for (role, dialect) in [(&asked, WITH), (&free, WITH), (&free, WITHOUT)] {
        assert_eq!(block_ids(&text(role, dialect)).unwrap(), ["7k2m9xqa"]);
        assert_eq!(remove_blocks(&text(role, dialect), &["7k2m9xqa"]).unwrap(), HEADER);
    }
    assert!(render_probe(Some(&free), &[], 60_000, WITH).contains("Defaults:#60000 log_subcmds\n"));
}

#[test]
fn roots_group_and_no_group_are_never_written() {
    assert_eq!(of_groups(None, &[]), "");
    assert_eq!(of_groups(None, &[0, u32::MAX]), "");
    assert!(of_groups(None, &[u32::MAX, 990, 0]).contains("(#1000:#990)"));
    let both = role(Authenticate::NotAsked, &[&["/usr/bin/id"]]);
    assert_eq!(of_groups(Some(&both), &[0]), of_groups(Some(&both), &[]));
    let empty = SudoRole { commands: Commands::These(vec![]), ..both };
    assert_eq!(of_groups(Some(&empty), &[0]), "");
    let only_groups = of_groups(Some(&empty), &[990]);
    assert_eq!(only_groups.lines().filter(|line| line.starts_with("#1000")).count(), 1, "{only_groups}");
    for uid in [0, u32::MAX] {
        let grant = SudoGrant {
            id: "7k2m9xqa",
            uid,
            role: None,
            gids: &[990],
            subcommands: NOT_LOGGED,
            until_wall_secs: UNTIL,
        };
        assert_eq!(render(&[grant], WITH), HEADER);
    }
}

#[test]
fn whatever_groups_a_role_gives_sudo_reads_back_exactly() {
    let mut random = Random(0x51);
    for _ in 0..2_000 {
        let gids: Vec<u32> =
            (0..=random.below(5)).map(|_| u32::try_from(1 + random.below(4_000_000)).unwrap()).collect();
        let text = of_groups(None, &gids);
        let lines: Vec<&str> = text.lines().collect();
        let (run_as, commands) = read_whole_rule(lines[1]).unwrap_or_else(|why| panic!("{why}: {text:?}"));
        let expected: BTreeSet<u32> = gids.into_iter().collect();
        assert_eq!(
            run_as,
            ReadRunAs { user: "#1000".into(), gids: expected.into_iter().collect() },
            "{text}"
        );
        assert_eq!(commands.len(), 1);
        assert_eq!((commands[0].path.as_str(), &commands[0].arguments), ("ALL", &ReadArguments::Any));
    }
}

#[test]
fn without_grants_the_file_is_its_header() {
    assert_eq!(render(&[], WITH), HEADER);
    assert_eq!(render(&[], WITHOUT), HEADER);
}

#[test]
fn the_order_of_the_grants_does_not_change_a_byte() {
    let role = role(Authenticate::NotAsked, &[&["/usr/bin/id"]]);
    let ids = ["00000003", "zzzzzzzz", "00000001"];
    let one: Vec<SudoGrant<'_>> = ids.iter().map(|id| grant(id, 1000, &role)).collect();
    let other: Vec<SudoGrant<'_>> = ids.iter().rev().map(|id| grant(id, 1000, &role)).collect();
    assert_eq!(render(&one, WITH), render(&other, WITH));
    assert_eq!(block_ids(&render(&one, WITH)).unwrap(), ["00000001", "00000003", "zzzzzzzz"]);
}

#[test]
fn root_no_uid_and_what_is_no_id_are_never_written() {
    let role = role(Authenticate::NotAsked, &[&["/usr/bin/id"]]);
    let empty = SudoRole { commands: Commands::These(vec![]), ..role.clone() };
    for grant in [
        grant("7k2m9xqa", 0, &role),
        grant("7k2m9xqa", u32::MAX, &role),
        grant("", 1000, &role),
        grant("7k2m9xq", 1000, &role),
        grant("7k2m9xqaa", 1000, &role),
        grant("7K2M9XQA", 1000, &role),
        grant("7k2m9x\\\n", 1000, &role),
        grant("a\nALL ALL", 1000, &role),
        grant("7k2m9xqa", 1000, &empty),
    ] {
        assert_eq!(render(&[grant], WITH), HEADER, "{grant:?}");
    }
}

#[test]
fn every_time_ends_in_z_and_stands_once_on_every_rule() {
    let role = role(Authenticate::Asked, &[&["/usr/bin/id"], &["/usr/bin/tail", "-n", "5"]]);
    for until_wall_secs in [i64::MIN, -1, 0, 1, UNTIL, 4_102_444_799, i64::MAX] {
        let text = render(&[SudoGrant { until_wall_secs, ..grant("7k2m9xqa", 1000, &role) }], WITH);
        let rule = text.lines().find(|line| line.starts_with("#1000 ")).unwrap();
        let times: Vec<&str> = rule.split(' ').filter_map(|word| word.strip_prefix("NOTAFTER=")).collect();
        assert_eq!(times.len(), 1, "{text}");
        let digits = times[0].strip_suffix('Z').unwrap();
        assert!(digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    }
    assert_eq!(
        render_probe(Some(&role), &[], 4_000_000_000, WITH).matches("NOTAFTER=20991231235959Z").count(),
        1
    );
}

#[test]
fn escaped_arguments_are_as_sudo_was_seen_to_take_them() {
    let role = role(
        Authenticate::NotAsked,
        &[&["/usr/bin/env", "a*b", "?x", "[q]", "!y", "a,b:c=d#e", "f^g", "$h", "ü"]],
    );
    let text = render(&[grant("7k2m9xqa", 1000, &role)], WITHOUT);
    assert!(text.contains(r"/usr/bin/env a\*b \?x \[q\] !y a\,b\:c\=d\#e f^g $h ü"), "{text}");
}

#[test]
fn whatever_a_role_takes_sudo_reads_back_exactly() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..40_000 {
        let mut words = vec!["/usr/bin/env".to_string()];
        words.extend((0..random.below(4)).map(|_| random.word()));
        let Ok(command) = Command::new(&words) else {
            refused += 1;
            continue;
        };
        taken += 1;
        let commands = vec![command.clone(), Command::new(&["/usr/bin/id".into()]).unwrap()];
        let role = SudoRole {
            run_as: RunAs::new("root").unwrap(),
            password: Authenticate::NotAsked,
            commands: Commands::These(commands),
        };
        let text = render(&[grant("7k2m9xqa", 1000, &role)], WITH);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text:?}");
        assert_eq!(block_ids(&text).unwrap(), ["7k2m9xqa"]);
        let read = read_rule(lines[2]).unwrap_or_else(|why| panic!("{why}: {text:?}"));
        assert_eq!(read.len(), 2, "{text:?}");
        assert_eq!(read[0], expected(&command), "{text:?}");
        assert_eq!(read[1].arguments, ReadArguments::None, "{text:?}");
    }
    assert!(taken > 2_000 && refused > 2_000, "{taken} taken, {refused} refused");
}

fn expected(command: &Command) -> ReadCommand {
    let arguments = match command.arguments() {
        Arguments::Any => ReadArguments::Any,
        Arguments::Exactly(arguments) if arguments.is_empty() => ReadArguments::None,
        Arguments::Exactly(arguments) => ReadArguments::Exactly(arguments.clone()),
    };
    ReadCommand { tags: vec!["NOPASSWD".into(), "NOSETENV".into()], path: command.path().into(), arguments }
}

#[test]
fn no_line_runs_on_into_the_next_and_no_comment_holds_more_than_an_id() {
    let mut random = Random(7);
    for _ in 0..10_000 {
        let words = ["/usr/bin/env".to_string(), random.word(), format!("{}\\", random.word())];
        assert!(Command::new(&words).is_err(), "a backslash at the end was taken: {words:?}");
        let Ok(command) = Command::new(&words[..2]) else { continue };
        let role = SudoRole {
            commands: Commands::These(vec![command]),
            ..role(Authenticate::Asked, &[&["/bin/id"]])
        };
        let text = render(&[grant("7k2m9xqa", 1000, &role)], WITH);
        let comments: Vec<&str> = text.lines().skip(1).filter(|line| line.starts_with("# ")).collect();
        assert_eq!(comments, ["# grant 7k2m9xqa", "# end 7k2m9xqa"]);
        assert!(
            text.ends_with('\n') && !text.contains("\\\n") && !text.contains(['\r', '\0', '\t']),
            "{text:?}"
        );
    }
}

#[test]
fn cutting_a_grant_out_is_the_same_as_rendering_the_others() {
    let plain = role(Authenticate::NotAsked, &[&["/usr/bin/id"]]);
    let asked = role(Authenticate::Asked, &[&["/usr/bin/tail", "..."], &["/usr/bin/env", "a,b=c#d"]]);
    let ids: Vec<String> = (0..6).map(|at| format!("0000000{at}")).collect();
    let shapes: [(Option<&SudoRole>, &[u32]); 6] = [
        (Some(&plain), &[]),
        (Some(&asked), &[]),
        (None, &[990]),
        (Some(&asked), &[990, 991]),
        (Some(&plain), &[990]),
        (None, &[991, 990]),
    ];
    let grants: Vec<SudoGrant<'_>> = (1000..)
        .zip(ids.iter().zip(shapes))
        .map(|(uid, (id, (role, gids)))| SudoGrant {
            id,
            uid,
            role,
            gids,
            subcommands: NOT_LOGGED,
            until_wall_secs: UNTIL,
        })
        .collect();
    let all = render(&grants, WITH);
    for cut in 0..64_u32 {
        let is_cut = |at: usize| cut & (1 << at) != 0;
        let gone: Vec<&str> = (0..6).filter(|at| is_cut(*at)).map(|at| ids[at].as_str()).collect();
        let left: Vec<SudoGrant<'_>> = (0..6).filter(|at| !is_cut(*at)).map(|at| grants[at]).collect();
        assert_eq!(remove_blocks(&all, &gone).unwrap(), render(&left, WITH));
    }
}
