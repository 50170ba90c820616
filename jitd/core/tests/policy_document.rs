//! `docs/policy.md` is true: its policies are read, its cases come as they say, its codes and keys are all there are.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

use jit_common::refusal::POLICY_CODES;
use jitd_core::policy::cases::{CaseVerdict, parse_cases, run_case};
use jitd_core::policy::{FindingKind, Policy, equal_to_root, lint};

const DOCUMENT: &str = include_str!("../../../docs/policy.md");

/// The blocks of the document with this word after the fence.
fn blocks(fence: &str) -> Vec<String> {
    let (mut blocks, mut open) = (Vec::new(), None::<String>);
    for line in DOCUMENT.lines() {
        match &mut open {
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line == format!("```{fence}") => open = Some(String::new()),
            None => {}
        }
    }
    blocks
}

fn policies() -> Vec<Policy> {
    blocks("toml")
        .iter()
        .map(|text| {
            Policy::parse(&[("policy.md", text)]).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"))
        })
        .collect()
}

#[test]
fn every_policy_of_the_document_is_valid() {
    let policies = policies();
    assert_eq!(policies.len(), 4);
    assert!(lint(&policies[0]).is_empty(), "the first policy is one to copy: {:?}", lint(&policies[0]));
}

#[test]
fn every_piece_of_a_rule_in_the_document_is_taken() {
    let fragments = blocks("toml fragment");
    assert!(!fragments.is_empty());
    for fragment in fragments {
        let rule = "name = \"n\"\nroles = [\"r\"]\neligible = { users = [\"a\"] }\nmax_duration = \"1h\"\n";
        let text = format!("[role.r]\nsummary = \"x\"\ngroups = [\"g\"]\n[[rule]]\n{rule}{fragment}");
        Policy::parse(&[("policy.md", &text)]).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    }
}

#[test]
fn every_group_that_equals_root_is_in_the_document() {
    let section =
        DOCUMENT.split("### Roles that are equal to root").nth(1).unwrap().split("\n## ").next().unwrap();
    let (equal, harmless) =
        section.split("It does the same for groups").nth(1).unwrap().split_once(" first). ").unwrap();
    for (text, ways) in [(equal, 1), (harmless, 0)] {
        let named: Vec<&str> = text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| !word.contains('/') && *word != "PATH")
            .collect();
        assert!(named.len() >= 5, "{named:?}");
        for group in named {
            let policy =
                Policy::parse(&[("x.toml", &format!("[role.r]\nsummary = \"x\"\ngroups = [\"{group}\"]\n"))])
                    .unwrap();
            assert_eq!(equal_to_root(policy.role("r").unwrap()).len(), ways, "{group}");
        }
    }
}

#[test]
fn the_examples_that_are_installed_are_valid_alone_and_together() {
    let web = ("10-web.toml", include_str!("../../../systemd/jit/policy.d/10-web.toml"));
    let docker = ("20-docker.toml", include_str!("../../../systemd/jit/policy.d/20-docker.toml"));
    for files in [&[web][..], &[docker], &[web, docker]] {
        let policy = Policy::parse(files).unwrap_or_else(|errors| panic!("{errors:#?}"));
        let others: Vec<_> =
            lint(&policy).into_iter().filter(|finding| finding.kind != FindingKind::EqualToRoot).collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}

#[test]
fn every_case_of_the_document_comes_as_it_says() {
    let (policies, cases) = (policies(), blocks("toml cases"));
    let cases = parse_cases("policy.md", &cases[0]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert!(cases.len() >= 8);
    for case in cases {
        let result = run_case(&policies[1], &case, &|_, _, _| None);
        assert_eq!(result.verdict, CaseVerdict::AsExpected, "{}: {:#?}", case.name, result.decision);
    }
}

#[test]
fn every_code_that_a_case_may_expect_is_in_the_document() {
    for code in POLICY_CODES {
        assert!(DOCUMENT.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn the_example_with_every_key_has_every_key() {
    let example = &blocks("toml")[1];
    // Whatever the reader of a table knows as a key, it tells when it meets an unknown one.
    for text in [
        "[role.x]\nzzz = 1",
        "[role.x]\nsudo = { zzz = 1 }",
        "[[rule]]\nzzz = 1",
        "[[rule]]\neligible = { zzz = 1 }",
        "[[rule]]\nreason = { zzz = 1 }",
        "[[rule]]\nticket = { zzz = 1 }",
        "[[rule]]\nschedule = { zzz = 1 }",
        "[[rule]]\napprovals = [{ zzz = 1 }]",
        "[[deny]]\nzzz = 1",
        "[duties]\nzzz = 1",
        "[drift]\nzzz = 1",
    ] {
        let errors = Policy::parse(&[("x.toml", text)]).unwrap_err();
        let told = errors.iter().find(|error| error.message.contains("unknown key \"zzz\"")).unwrap();
        let keys = told.message.split("the keys are ").nth(1).unwrap();
        for key in keys.split(", ") {
            let written = example
                .lines()
                .any(|line| line.contains(&format!("{key} ")) || line.contains(&format!("{key}=")));
            assert!(written, "{key} is not in the example");
        }
    }
}
