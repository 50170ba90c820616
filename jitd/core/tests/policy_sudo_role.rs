//! What a role may say about sudo: only what sudoers can hold exactly.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed assumption is a failed test")]

use jitd_core::policy::{Arguments, Command, RunAs, SudoRole};

fn command(words: &[&str]) -> Result<Command, String> {
    let words: Vec<String> = words.iter().map(|word| (*word).into()).collect();
    Command::new(&words).map_err(|error| error.to_string())
}

#[test]
fn run_as_is_a_plain_name_and_never_a_number() {
    for name in ["root", "postgres", "_apt", "www-data", "systemd-network", "svc.backup", "host$", "a1"] {
        assert_eq!(RunAs::new(name).unwrap().as_str(), name);
    }
    for name in [
        "",
        "#-1",
        "#4294967295",
        "#0",
        "-1",
        "+0",
        "0",
        "1000",
        "4294967295",
        "ALL",
        "Root",
        "%wheel",
        "+net",
        "!root",
        "root,daemon",
        "root:root",
        "root daemon",
        "root)",
        "root\n",
        "$",
        "a$b",
        "a$$",
        "-root",
        ".root",
        "\u{440}oot",
        "a234567890123456789012345678901234",
    ] {
        assert!(RunAs::new(name).is_err(), "{name:?} was taken");
    }
}

#[test]
fn arguments_are_exact_or_any_or_none() {
    assert_eq!(command(&["/usr/bin/id"]).unwrap().arguments(), &Arguments::Exactly(vec![]));
    assert_eq!(command(&["/usr/bin/id", "..."]).unwrap().arguments(), &Arguments::Any);
    assert_eq!(command(&["/usr/bin/id", "-u"]).unwrap().arguments(), &Arguments::Exactly(vec!["-u".into()]));
}

#[test]
fn what_sudoers_cannot_say_exactly_is_refused_with_a_way_out() {
    for (words, said) in [
        (&[][..], "is empty"),
        (&["id"], "absolute"),
        (&["sudoedit", "/etc/hosts"], "absolute"),
        (&["./id"], "absolute"),
        (&["/"], "absolute"),
        (&["/usr/bin/"], "absolute"),
        (&["/usr//bin/id"], "absolute"),
        (&["/usr/bin/../sbin/id"], "absolute"),
        (&["/usr/bin/./id"], "absolute"),
        (&["/usr/bin/*"], "'*'"),
        (&["/usr/bin/["], "'['"),
        (&["/usr/bin/i?"], "'?'"),
        (&["/usr/bin/a b"], "' '"),
        (&["/usr/bin/a,b"], "','"),
        (&["/usr/bin/a\\b"], "by a link"),
        (&["/usr/bin/id\n"], "'\\n'"),
        (&["/usr/bin/\u{202e}di"], "\\u{202e}"),
        (&["/usr/bin/id", ""], "empty"),
        (&["/usr/bin/id", "a b"], "white space"),
        (&["/usr/bin/id", "a\tb"], "white space"),
        (&["/usr/bin/id", "a\nroot ALL=(ALL) ALL"], "white space"),
        (&["/usr/bin/id", "a\u{a0}b"], "white space"),
        (&["/usr/bin/id", "x\\"], "script"),
        (&["/usr/bin/id", "\\x2d"], "script"),
        (&["/usr/bin/id", "a\0b"], "script"),
        (&["/usr/bin/id", "a\x1bb"], "script"),
        (&["/usr/bin/id", "a\u{200b}b"], "script"),
        (&["/usr/bin/id", "\"\""], "no arguments"),
        (&["/usr/bin/id", "^-u$"], "regular expression"),
        (&["/usr/bin/id", "^", "x$"], "regular expression"),
        (&["/usr/bin/id", "-u", "..."], "stands alone"),
        (&["/usr/bin/id", "...", "-u"], "stands alone"),
    ] {
        let error = command(words).expect_err(&format!("{words:?} was taken"));
        assert!(error.contains(said), "{words:?}: {error}");
    }
    assert!(command(&["/usr/bin/id", &"x".repeat(513)]).unwrap_err().contains("512"));
    assert!(command(&[&format!("/{}", "x".repeat(512))]).unwrap_err().contains("512"));
    let mut many = vec!["/usr/bin/id"];
    many.extend(["x"; 65]);
    assert!(command(&many).unwrap_err().contains("at most 64"));
}

#[test]
fn a_role_comes_back_from_json_as_it_went_and_is_checked_on_the_way() {
    let json = r#"{"run_as":"root","password":"NotAsked","commands":{"These":[["/usr/bin/id"],["/usr/bin/tail","..."]]}}"#;
    let role: SudoRole = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&role).unwrap(), json);
    for (good, bad) in
        [("root", "#-1"), ("/usr/bin/id", "id"), ("[[\"/usr/bin/id\"],[\"/usr/bin/tail\",\"...\"]]", "[]")]
    {
        assert!(serde_json::from_str::<SudoRole>(&json.replacen(good, bad, 1)).is_err(), "{bad}");
    }
}
