//! The journal's protocol: one field stays one field, and what is too long goes as a sealed file.

use std::io::{IoSliceMut, Read};
use std::os::fd::AsRawFd;

use jitd_core::record::Entry;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use super::super::journald::{Journald, serialize};
use super::super::{Sink, SinkError};
use super::{Host, TempDir, listen, rows, waiting_rows};
use crate::ledger::{Purpose, Row};

/// Reads a message as journald does. Panics on anything it would drop.
fn parse(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let line = &bytes[..end];
        let (name, value, rest) = match line.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&line[..equals], &line[equals + 1..], &bytes[end + 1..]),
            None => {
                let (length, rest) = bytes[end + 1..].split_at(8);
                let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
                assert_eq!(rest[length], b'\n');
                (line, &rest[..length], &rest[length + 1..])
            }
        };
        assert!(name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_'), "{name:?}");
        fields.push((String::from_utf8(name.to_vec()).unwrap(), String::from_utf8(value.to_vec()).unwrap()));
        bytes = rest;
    }
    fields
}

fn of<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect()
}

fn row_with_note(note: &str) -> Row {
    let dir = TempDir::new();
    let mut draft = crate::ledger::tests::one_of_each().remove(0);
    draft.entry = Entry::GuardActed { note: note.to_owned() };
    crate::ledger::tests::open(dir.path()).unwrap().append(&[draft], Purpose::Raise).unwrap().remove(0)
}

#[test]
fn every_kind_is_a_message_with_an_id_and_one_line() {
    for row in [rows(), waiting_rows()].concat() {
        let fields = parse(&serialize(&row).unwrap());
        for name in ["MESSAGE", "MESSAGE_ID", "PRIORITY", "JIT_SEQ", "JIT_HASH", "JIT_BODY"] {
            assert_eq!(of(&fields, name).len(), 1, "{name} of {}", row.kind);
        }
        assert_eq!(of(&fields, "SYSLOG_IDENTIFIER"), ["jitd"]);
        assert_eq!(of(&fields, "JIT_BODY"), [&*row.body]);
        assert!(!of(&fields, "MESSAGE")[0].contains('\n'));
    }
}

#[test]
fn a_reason_with_newlines_forges_no_field() {
    let mut row = rows().into_iter().find(|row| row.kind == "requested").unwrap();
    let forged = "please\nJIT_USER=root\nPRIORITY=0\nMESSAGE=granted to root";
    row.texts.iter_mut().for_each(|text| text.text = forged.to_owned());
    let fields = parse(&serialize(&row).unwrap());
    assert_eq!(of(&fields, "JIT_REASON"), [forged]);
    assert_eq!(of(&fields, "JIT_USER"), ["alice"]);
    assert_eq!(of(&fields, "PRIORITY").len(), 1);
    assert!(of(&fields, "MESSAGE")[0].contains("please\\nJIT_USER=root"));
}

#[test]
fn a_note_with_newlines_forges_no_approver() {
    let mut row = waiting_rows().into_iter().find(|row| row.kind == "approved").unwrap();
    let forged = "ok\nJIT_APPROVER=root\nJIT_MISSING=nobody";
    row.texts.iter_mut().for_each(|text| text.text = forged.to_owned());
    let fields = parse(&serialize(&row).unwrap());
    assert_eq!(of(&fields, "JIT_NOTE"), [forged]);
    assert_eq!(of(&fields, "JIT_APPROVER"), ["bob"]);
    assert_eq!(of(&fields, "JIT_MISSING"), ["1 person in security"]);
}

#[test]
fn a_message_arrives_whole() {
    let dir = TempDir::new();
    let service = listen(&dir.join("socket"));
    let mut sink = Journald::new(&dir.join("socket"));
    let mut buffer = vec![0; 100_000];
    for row in rows() {
        sink.send(&row).unwrap();
        let length = service.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], serialize(&row).unwrap());
    }
}

#[test]
fn what_is_too_long_for_a_datagram_goes_as_a_sealed_file() {
    let dir = TempDir::new();
    let service = listen(&dir.join("socket"));
    let row = row_with_note(&"long\n".repeat(200_000));
    Journald::new(&dir.join("socket")).send(&row).unwrap();
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut nothing = [0; 8];
    let mut parts = [IoSliceMut::new(&mut nothing)];
    let got = recvmsg::<()>(service.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty()).unwrap();
    let Some(ControlMessageOwned::ScmRights(files)) = got.cmsgs().unwrap().next() else { panic!("no file") };
    assert_eq!((got.bytes, files.len()), (0, 1));
    let mut file = std::fs::File::open(format!("/proc/self/fd/{}", files[0])).unwrap();
    nix::unistd::close(files[0]).unwrap();
    let seals = nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_GET_SEALS).unwrap();
    // F_SEAL_SEAL, SHRINK, GROW and WRITE (fcntl(2)).
    assert_eq!(seals & 0b1111, 0b1111);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(of(&parse(&bytes), "JIT_BODY"), [&*row.body]);
}

#[test]
fn a_journal_that_is_away_is_tried_again_and_nothing_waits() {
    let host = Host::new();
    let mut sink = Journald::new(&host.socket());
    let row = row_with_note("x");
    assert!(matches!(sink.send(&row), Err(SinkError::NotNow { .. })), "no socket");
    let service = listen(&host.socket());
    sink.send(&row).unwrap();
    drop(service);
    assert!(matches!(sink.send(&row), Err(SinkError::NotNow { .. })), "nobody behind it");
    let service = listen(&host.socket());
    sink.send(&row).unwrap();
    assert!(service.recv(&mut [0; 10]).unwrap() > 0);
}
