//! Requests that wait for people or for their start, read back: sentences, hashes of notes, rows of extensions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod record_world;

use jitd_core::lifecycle::registry::Registry;
use jitd_core::record::export::ExportLine;
use jitd_core::record::verify::Fault;
use jitd_core::record::{Entry, Span};

use self::record_world::{WAITING, fault, lines, lines_of, said, verify};

#[test]
fn a_request_that_waits_is_told_in_sentences() {
    let rule = "by rule \"two people behind it\" (10-docker.toml:3)";
    let through = "through: /etc/group: docker gains alice; sudo -g docker";
    let expected = [
        format!(
            "3c8d0fgh: alice wants docker {rule} for 30m, which takes the approval of 1 person in leads and of 1 person in \
             security; open until 2026-11-22T16:02:00Z: INC-42 nginx stuck (ticket INC-42)"
        ),
        format!(
            "3c8d0fgh: bob approved docker for alice {rule}, shortened to 20m; still missing: 1 person in security; they \
             said: fine with me [on pts/5, login uid 1001]"
        ),
        format!("3c8d0fgh: carol approved docker for alice {rule}; nothing is missing"),
        format!(
            "3c8d0fgh: alice may have docker until 2026-11-22T14:23:30Z {rule}; approved by bob, carol; as they were told: \
             alice is in group engineers"
        ),
        format!("3c8d0fgh: alice is about to get docker until 2026-11-22T14:23:30Z {rule}, {through}"),
        format!(
            "9vwxyz01: alice wants docker {rule} for 10m more than 3c8d0fgh has, from 2026-11-22T14:07:00Z on"
        ),
        format!("9vwxyz01: alice is to get docker {rule} from 2026-11-22T14:07:00Z on"),
        format!(
            "9vwxyz01: alice is about to get docker until 2026-11-22T14:33:30Z {rule}, in place of 3c8d0fgh, {through}"
        ),
        "3c8d0fgh: alice no longer has docker: replaced".to_owned(),
        "9vwxyz01: alice no longer has docker: expired, verified 12 ms after its deadline; still there: bash (4720) on pts/3 \
         still holds docker"
            .to_owned(),
        format!(
            "5defghjk: alice does not get docker {rule}: denied by bob; they said: not tonight [on pts/5, login uid 1001]"
        ),
        format!(
            "6efghjkm: alice does not get docker {rule}: lapsed: 1 person in leads and 1 person in security did not approve \
             in time"
        ),
    ];
    // The numbers of the entries that are new, or say more than they did.
    let told = [2, 3, 4, 5, 6, 9, 10, 12, 14, 16, 19, 22];
    let mut lines = lines_of(WAITING);
    // The pending entry holds no texts of its own: whoever shows it takes those of its request from beside it.
    lines[1].texts = lines[0].texts.clone();
    assert_eq!(told.map(|seq: usize| said(&lines[seq - 1])), expected);
}

#[test]
fn an_intent_of_version_1_gives_what_it_gave() {
    let entry: Entry = serde_json::from_str(&lines()[8].body).unwrap();
    let Entry::Intent { gives, span, .. } = &entry else { panic!("entry 9 is {}", entry.kind()) };
    assert_eq!((gives.sudo.is_some(), gives.groups.len(), span), (true, 0, &None));
    let registry = folded(lines());
    let grants: Vec<_> = registry.live().collect();
    assert_eq!(grants.len(), 1);
    assert_eq!((&*grants[0].gives, grants[0].span.since), (gives, grants[0].start));
    // Commands that cannot be read are no grant without commands: the whole entry is refused.
    let evil = lines()[8].body.replace("\"root\"", "\"#-1\"");
    assert!(serde_json::from_str::<Entry>(&evil).is_err());
}

/// The registry right after the intents, as a start of jitd would fold it.
fn folded(lines: Vec<ExportLine>) -> Registry {
    let mut registry = Registry::default();
    let last = lines.iter().rposition(|line| line.kind == "intent").unwrap();
    for line in &lines[..=last] {
        let entry: Entry = serde_json::from_str(&line.body).unwrap();
        registry.replay(line.at, line.request.parse().ok(), &entry, &[]);
    }
    registry
}

#[test]
fn a_row_of_extensions_is_read_back() {
    let registry = folded(lines_of(WAITING));
    let spans: Vec<_> = registry.live().map(|grant| (grant.id.to_string(), grant.span)).collect();
    let since = 1_795_356_210_000_000_000;
    let replaces = "3c8d0fgh".parse().ok();
    assert_eq!(
        spans,
        [
            ("3c8d0fgh".to_owned(), Span { since, longest: 3600, replaces: None }),
            ("9vwxyz01".to_owned(), Span { since, longest: 3600, replaces })
        ]
    );
    assert_eq!(registry.get("3c8d0fgh".parse().unwrap()).unwrap().votes.len(), 2);
}

#[test]
fn the_notes_of_votes_and_denials_are_held_against_their_hashes() {
    for (seq, kind) in [(3, "approved"), (19, "closed")] {
        let place = |lines: &[ExportLine]| lines.iter().position(|line| line.seq == seq).unwrap();
        let mut changed = lines_of(WAITING);
        let at = place(&changed);
        assert_eq!(changed[at].kind, kind);
        changed[at].texts.get_mut("note").unwrap().text.push_str(", but never on Fridays");
        assert_eq!(fault(&changed), (seq, Fault::Text("note".into())));
        let mut added = lines_of(WAITING);
        let note = added[at].texts["note"].clone();
        added[at].texts.insert("reason".into(), note.clone());
        assert_eq!(fault(&added), (seq, Fault::StrayText("reason".into())));
        let mut erased = lines_of(WAITING);
        erased[at].texts.clear();
        let report = verify(&erased);
        assert_eq!((report.problem, report.texts, report.erased), (None, 5, 1));
        // A vote without a note gets none from elsewhere, nor does a request that lapsed.
        for (silent, of) in [(4, "approved"), (22, "closed")] {
            let mut forged = lines_of(WAITING);
            let line = forged.iter_mut().find(|line| line.seq == silent).unwrap();
            assert_eq!(line.kind, of);
            line.texts.insert("note".into(), note.clone());
            assert_eq!(fault(&forged), (silent, Fault::StrayText("note".into())));
        }
    }
}

/// The page for whoever reads a ledger.
const PAGE: &str = include_str!("../../../docs/ledger-format.md");

#[test]
fn the_page_names_every_kind_and_its_examples_are_entries() {
    for kind in Entry::KINDS {
        assert!(PAGE.contains(&format!("`{kind}`")), "{kind} is not in docs/ledger-format.md");
    }
    let (_, section) = PAGE.split_once("## What an entry says\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let examples: Vec<&str> =
        section.split("```json\n").skip(1).map(|rest| rest.split('\n').next().unwrap()).collect();
    let kinds = [
        "pending",
        "approved",
        "scheduled",
        "closed",
        "decided",
        "intent",
        "session-commands",
        "ended",
        "swept",
        "report",
    ];
    assert_eq!(examples.len(), kinds.len());
    for (example, kind) in examples.into_iter().zip(kinds) {
        let entry: Entry = serde_json::from_str(example).unwrap();
        assert_eq!((entry.kind(), serde_json::to_string(&entry).unwrap().as_str()), (kind, example));
    }
}
