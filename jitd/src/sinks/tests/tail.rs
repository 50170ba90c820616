//! The loop: nothing is lost, whoever is away or stuck; the cursor; ledgers that are not the one of before.

use std::os::unix::net::UnixDatagram;
use std::thread::JoinHandle;

use super::super::cursor::{Cursor, Position};
use super::super::journald::Journald;
use super::super::{Sink, SinkError, Syslog};
use super::{Host, listen, one_of_each, run};
use crate::ledger::Row;

/// Reads on a thread of its own, for the queue of a socket is short, and gives the numbers of the messages up to `last`.
fn reader(service: &UnixDatagram, last: u64) -> JoinHandle<Vec<u64>> {
    let service = service.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 100_000];
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            let length = service.recv(&mut buffer).expect("the entry did not arrive in time");
            numbers.push(number(&String::from_utf8_lossy(&buffer[..length])));
        }
        numbers
    })
}

/// The number in a line for syslog or in a message for the journal.
fn number(message: &str) -> u64 {
    let in_line = message.rsplit_once(" seq=").map(|(_, rest)| rest.split(' ').next());
    let in_field = || message.split_once("\nJIT_SEQ=").map(|(_, rest)| rest.split('\n').next());
    in_line.or_else(in_field).flatten().unwrap().parse().unwrap()
}

#[test]
fn everything_is_told_in_order_from_the_first_entry_on() {
    run(async {
        let host = Host::new();
        let service = listen(&host.socket());
        host.append(&one_of_each());
        let reader = reader(&service, 38);
        let (_task, health) = host.start(Journald::new(&host.socket()));
        health.told(19).await;
        host.append(&one_of_each());
        health.told(38).await;
        assert_eq!(reader.join().unwrap(), (1..=38).collect::<Vec<_>>());
        assert_eq!((health.view(38).behind, health.view(38).trouble), (0, None));
    });
}

#[test]
fn a_stuck_reader_stops_nobody_and_gets_everything_later() {
    run(async {
        let host = Host::new();
        let service = listen(&host.socket());
        let (_task, health) = host.start(Syslog::new(&host.socket(), jiff::tz::TimeZone::UTC));
        for _ in 0..30 {
            host.append(&one_of_each());
        }
        // Nobody reads: the queue of the socket (/proc/sys/net/unix/max_dgram_qlen) fills up.
        health.clone().stuck().await;
        let view = health.view(570);
        assert!(view.behind > 0, "{view:?}");
        assert!(view.trouble.unwrap().contains("does not take it now"));
        host.append(&one_of_each());
        let reader = reader(&service, 589);
        health.told(589).await;
        assert_eq!(reader.join().unwrap(), (1..=589).collect::<Vec<_>>());
        assert_eq!(health.view(589).trouble, None);
    });
}

#[test]
fn a_service_that_was_restarted_is_found_again_and_misses_nothing() {
    run(async {
        let host = Host::new();
        let service = listen(&host.socket());
        let (_task, health) = host.start(Syslog::new(&host.socket(), jiff::tz::TimeZone::UTC));
        let first = reader(&service, 19);
        host.append(&one_of_each());
        health.told(19).await;
        assert_eq!(first.join().unwrap().len(), 19);
        drop(service);
        host.append(&one_of_each());
        health.clone().stuck().await;
        assert_eq!(health.view(38).behind, 19);
        std::fs::remove_file(host.socket()).unwrap();
        let second = reader(&listen(&host.socket()), 38);
        health.told(38).await;
        assert_eq!(second.join().unwrap(), (20..=38).collect::<Vec<_>>());
    });
}

#[test]
fn a_restart_goes_on_behind_the_cursor() {
    run(async {
        let host = Host::new();
        let service = listen(&host.socket());
        host.append(&one_of_each());
        let reader = reader(&service, 38);
        let (task, health) = host.start(Journald::new(&host.socket()));
        health.told(19).await;
        task.abort();
        host.append(&one_of_each());
        let (_task, health) = host.start(Journald::new(&host.socket()));
        health.told(38).await;
        assert_eq!(reader.join().unwrap(), (1..=38).collect::<Vec<_>>());
    });
}

#[test]
fn another_ledger_is_told_from_its_beginning() {
    run(async {
        let mut host = Host::new();
        let service = listen(&host.socket());
        host.append(&one_of_each());
        let first = reader(&service, 19);
        let (task, health) = host.start(Journald::new(&host.socket()));
        health.told(19).await;
        task.abort();
        assert_eq!(first.join().unwrap().len(), 19);
        let second = reader(&service, 2);
        host.begin_anew();
        host.append(&one_of_each()[1..3]);
        let (_task, health) = host.start(Journald::new(&host.socket()));
        health.told(2).await;
        assert_eq!(second.join().unwrap(), [1, 2]);
    });
}

#[test]
fn a_ledger_that_lost_entries_is_told_from_its_end() {
    run(async {
        let host = Host::new();
        let service = listen(&host.socket());
        let ledger = host.append(&one_of_each())[0].hash;
        Cursor::new(&host.dir.join("sinks"), "journald").save(Position { seq: 500, ledger }).unwrap();
        let (_task, health) = host.start(Journald::new(&host.socket()));
        health.told(19).await;
        let reader = reader(&service, 20);
        host.append(&one_of_each()[..1]);
        health.told(20).await;
        assert_eq!(reader.join().unwrap(), [20]);
    });
}

#[test]
fn a_cursor_is_read_back_and_nonsense_is_none() {
    let host = Host::new();
    let path = host.dir.join("sinks");
    let cursor = Cursor::new(&path, "x");
    assert_eq!(cursor.load().unwrap(), None);
    let position = Position { seq: u64::MAX, ledger: [0xab; 32] };
    cursor.save(position).unwrap();
    assert_eq!(cursor.load().unwrap(), Some(position));
    for text in ["", "jit-cursor 1\n", "jit-cursor 1\n5\n", "jit-cursor 2\n5 ab\n", "jit-cursor 1\n5 ab\n"] {
        std::fs::write(path.join("x.cursor"), text).unwrap();
        assert_eq!(cursor.load().unwrap(), None, "{text:?}");
    }
}

#[test]
fn what_a_save_that_was_cut_short_left_is_gone_when_the_cursor_is_read() {
    let host = Host::new();
    let path = host.dir.join("sinks");
    let cursor = Cursor::new(&path, "x");
    let position = Position { seq: 7, ledger: [0xab; 32] };
    cursor.save(position).unwrap();
    for left in [".x.cursor.77.0.tmp", ".x.cursor.78.3.tmp", ".y.cursor.77.0.tmp"] {
        std::fs::write(path.join(left), "jit-cur").unwrap();
    }
    assert_eq!(cursor.load().unwrap(), Some(position));
    let mut names: Vec<_> =
        std::fs::read_dir(&path).unwrap().map(|found| found.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".y.cursor.77.0.tmp", "x.cursor"]);
}

/// A sink that dies.
struct Broken;

impl Sink for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn send(&mut self, _: &Row) -> Result<(), SinkError> {
        panic!("as it was asked to")
    }
}

#[test]
fn a_sink_that_panics_takes_nobody_with_it() {
    run(async {
        let host = Host::new();
        let service = listen(&host.socket());
        let reader = reader(&service, 19);
        let (broken, _health) = host.start(Broken);
        let (_task, health) = host.start(Journald::new(&host.socket()));
        host.append(&one_of_each());
        broken.await.unwrap();
        health.told(19).await;
        assert_eq!(reader.join().unwrap().len(), 19);
    });
}
