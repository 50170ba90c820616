//! The closing report of a grant, for whoever reads its story.

use jit_common::response::LogEntry;
use jitd_core::record::report::DETAILS;
use jitd_core::record::{Entry, Looks, Report};

use super::Text;
use super::page::Ink;

/// What the record says was left, if it says so yet.
pub(super) fn lines(entries: &[LogEntry]) -> Vec<Text> {
    let report = entries.iter().rev().filter(|entry| entry.kind == "report").find_map(|entry| {
        match serde_json::from_str(&entry.body) {
            Ok(Entry::Report { report, .. }) => Some(report),
            Ok(_) | Err(_) => None,
        }
    });
    report.map(|report| of(&report)).unwrap_or_default()
}

fn of(report: &Report) -> Vec<Text> {
    let mut lines: Vec<Text> =
        report.left().into_iter().map(|left| Text::default().then(Ink::Bad, left)).collect();
    if lines.is_empty() {
        lines.push(match &report.looks {
            Some(_) => Text::default().then(Ink::Good, "nothing was left"),
            None => Text::default().then(Ink::Warn, "nobody looked whether anything was left"),
        });
    } else {
        lines.extend(beside(report).map(|whose| Text::default().then(Ink::Warn, whose)));
    }
    let late = report.late_ms.map_or_else(String::new, |late| format!(", {late} ms after the deadline"));
    lines.push(Text::of(format!("its removal was verified{late}")));
    lines.push(Text::of(match report.sessions {
        1 => "1 command was run with it through jitctl".to_owned(),
        count => format!("{count} commands were run with it through jitctl"),
    }));
    lines.extend(report.looks.as_ref().map(|looks| Text::default().faint(looked(looks))));
    lines.extend(report.left_out.iter().map(|left| Text::default().faint(format!("not looked at: {left}"))));
    if let Some(withheld) = &report.withheld {
        let all = if withheld.left_out == 0 { "" } else { "not everything was looked at; " };
        lines.push(Text::default().faint(format!("{all}{DETAILS}")));
    }
    lines
}

/// Whose it may be as well.
fn beside(report: &Report) -> Option<String> {
    let others: Vec<String> = report.beside.iter().map(ToString::to_string).collect();
    match (others.is_empty(), report.beside_more) {
        (true, 0) => None,
        (true, count) => Some(format!("may be by another grant that was live meanwhile; there were {count}")),
        (false, more) => {
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            Some(format!("may be by another grant that was live meanwhile: {}{more}", others.join(", ")))
        }
    }
}

fn looked(looks: &Looks) -> String {
    let first = match looks.first_ms {
        Some(late) if late > 0 => format!("the first look was complete {late} ms after the start; "),
        Some(early) => {
            format!("the first look was complete {} ms before the start; ", early.saturating_neg())
        }
        None => String::new(),
    };
    format!("{first}the last one took {} ms for {} files and folders", looks.took_ms, looks.entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::show::Page;
    use crate::terminal::Terminal;

    fn shown(report: &Report) -> String {
        let mut page = Page::default();
        of(report).into_iter().for_each(|line| page.line(0, line));
        page.render(Terminal::plain())
    }

    #[test]
    fn what_was_left_is_told_and_whose_it_may_be() {
        let looks = Some(Looks { first_ms: Some(-20), took_ms: 130, entries: 9000 });
        let mut report = Report { looks, ..Report::default() };
        assert!(shown(&report).starts_with("nothing was left\nits removal was verified\n0 commands"));
        report.alive = vec!["sleep (12) as uid 0".into()];
        report.beside = vec!["4h1kz0ab".parse().unwrap()];
        report.late_ms = Some(7);
        report.left_out = vec!["/home (a network file system, or one that jitd does not know (nfs4))".into()];
        let numbers = shown(&report.in_numbers());
        for line in [
            "1 process is still there\n",
            "may be by another grant that was live meanwhile; there were 1\n",
            "its removal was verified, 7 ms after the deadline\n",
            "not everything was looked at; auditors, operators and root can see the details\n",
        ] {
            assert!(numbers.contains(line), "{line:?} is not in\n{numbers}");
        }
        assert!(
            !numbers.contains("sleep") && !numbers.contains("4h1kz0ab") && !numbers.contains("nfs4"),
            "{numbers}"
        );
        let all = shown(&report);
        for line in [
            "still there: sleep (12) as uid 0\n",
            "may be by another grant that was live meanwhile: 4h1kz0ab\n",
            "its removal was verified, 7 ms after the deadline\n",
            "complete 20 ms before the start; the last one took 130 ms for 9000 files and folders\n",
            "not looked at: /home (a network",
        ] {
            assert!(all.contains(line), "{line:?} is not in\n{all}");
        }
    }
}
