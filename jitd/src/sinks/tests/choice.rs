//! Which sinks a host gets.

use super::super::SinkChoice::{self, Auto, Off, On};
use super::super::start::{Places, choose};
use super::TempDir;
use crate::config::Sinks;

#[test]
fn the_journal_goes_before_syslog_and_never_both_by_themselves() {
    let dir = TempDir::new();
    let (there, absent) = (dir.path(), dir.join("absent"));
    let names = |has_journal: bool, has_syslog: bool, [journald, syslog, json]: [SinkChoice; 3]| {
        let places = Places {
            journald: if has_journal { there } else { &absent },
            syslog: if has_syslog { there } else { &absent },
            json: &absent,
        };
        let settings = Sinks { journald, syslog, json };
        choose(&settings, &places).iter().map(|sink| sink.name()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(true, true, [Auto, Auto, Auto]), "journald");
    assert_eq!(names(false, true, [Auto, Auto, Auto]), "syslog");
    assert_eq!(names(false, false, [Auto, Auto, Auto]), "");
    assert_eq!(names(true, true, [Auto, On, On]), "journald syslog json");
    assert_eq!(names(true, true, [Off, Auto, Auto]), "");
    assert_eq!(names(false, false, [On, On, Off]), "journald syslog");
}
