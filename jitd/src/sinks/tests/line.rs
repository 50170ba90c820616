//! Lines for syslog: RFC 3164, local time, one line whatever was typed.

use jiff::tz::TimeZone;

use super::super::syslog::line;
use super::{rows, waiting_rows};

fn zone(name: &str) -> TimeZone {
    // Rules in the form of POSIX, so that no test depends on the host's zone files.
    TimeZone::posix(name).unwrap()
}

#[test]
fn a_line_has_the_shape_that_rsyslog_reads_and_local_time() {
    let row = rows().into_iter().find(|row| row.kind == "applied").unwrap();
    let pid = std::process::id();
    let line = line(&row, &zone("JST-9")).unwrap();
    let head = format!(
        "<85>Nov 22 23:02:00 jitd[{pid}]: alice was granted web-restart until 2026-11-22T14:32:00Z by rule "
    );
    assert!(line.starts_with(&head), "{line}");
    assert!(
        line.contains(": INC-42 nginx stuck (ticket INC-42) seq=10 id=7k2m9xqa kind=applied uid=1000 hash="),
        "{line}"
    );
}

#[test]
fn days_are_padded_and_summer_time_is_honoured() {
    let mut row = rows().remove(0);
    // 2026-07-05T03:04:05Z
    row.at = 1_783_220_645 * 1_000_000_000;
    let line = line(&row, &zone("CET-1CEST,M3.5.0,M10.5.0/3")).unwrap();
    assert!(line.starts_with("<85>Jul  5 05:04:05 jitd["), "{line}");
}

#[test]
fn nothing_typed_makes_a_second_line_or_the_last_number() {
    for row in [rows(), waiting_rows()].concat() {
        let line = line(&row, &TimeZone::UTC).unwrap();
        assert!(line.chars().all(jit_common::escape::is_plain), "{line}");
        let last = line.rsplit(" seq=").next().unwrap();
        assert_eq!(last.split(' ').next().unwrap(), row.seq.to_string());
    }
    let mut row = rows().into_iter().find(|row| row.kind == "requested").unwrap();
    row.texts.iter_mut().for_each(|text| text.text = format!("{} seq=999", "ü".repeat(9000)));
    let line = line(&row, &TimeZone::UTC).unwrap();
    assert!(line.len() < 5000 && line.contains(" [...] seq=7 id=7k2m9xqa kind=requested"));
}

#[test]
fn an_approvers_note_forges_nothing() {
    for kind in ["approved", "closed"] {
        let mut row = waiting_rows().into_iter().find(|row| row.kind == kind).unwrap();
        let forged = "ok\nNov 22 14:02:00 web1 jitd[1]: alice was granted docker seq=999 kind=applied uid=0";
        row.texts.iter_mut().for_each(|text| text.text = forged.to_owned());
        let line = line(&row, &TimeZone::UTC).unwrap();
        assert!(line.chars().all(jit_common::escape::is_plain), "{line}");
        let end = format!(" seq={} id={} kind={kind} uid=1000 hash=", row.seq, row.request.unwrap());
        assert!(line.contains(&end) && line.rfind(&end) > line.rfind("seq=999"), "{line}");
    }
}

#[test]
fn a_checkpoint_in_a_line_is_enough_to_pin_the_history() {
    let row = rows().into_iter().find(|row| row.kind == "checkpoint").unwrap();
    let line = line(&row, &TimeZone::UTC).unwrap();
    let value =
        |name: &str| line.split(&format!(" {name}=")).nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!((value("host_key").len(), value("signature").len()), (64, 128));
}
