//! What is said to, and by, others who know of groups: caches, and the name service.

use super::*;

#[test]
fn caches_that_are_there_are_told_after_a_change_and_only_then() {
    let scratch = host();
    let paths = scratch.paths();
    let log = scratch.path().join("log");
    for (program, end) in [(&paths.nscd, "exit 0"), (&paths.sss_cache, "echo no; exit 3")] {
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(program, format!("#!/bin/sh\necho \"${{0##*/}} $*\" >> {}\n{end}\n", log.display()))
            .unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let told = |report: &Report| match report.caches {
        Caches::Stale => tell::tell(&paths),
        Caches::AsBefore => Vec::new(),
    };
    let added = run(&scratch, &[alice()], &Given::new()).unwrap();
    assert!(!log.exists(), "it takes its time, so it is not done under the locks");
    let first = told(&added);
    assert_eq!(first.len(), 1, "nscd does not run");
    assert!(first.iter().all(|told| told.result.as_ref().is_err_and(|why| why.ends_with(": no"))));
    fs::create_dir_all(paths.nscd_socket.parent().unwrap()).unwrap();
    fs::write(&paths.nscd_socket, "").unwrap();
    let given = Given::from([alice()]);
    assert!(told(&run(&scratch, &[alice()], &given).unwrap()).is_empty());
    let last = told(&run(&scratch, &[], &given).unwrap());
    assert_eq!(last.first(), Some(&tell::Told { program: "nscd", result: Ok(()) }));
    assert_eq!(fs::read_to_string(log).unwrap(), "sss_cache -G\nnscd -i group\nsss_cache -G\n");
}

#[test]
fn what_the_name_service_says_otherwise_is_found() {
    let scratch = host();
    let report = run(&scratch, &[alice()], &Given::new()).unwrap();
    assert!(report.denied_by(|_| Some(true)).is_empty());
    assert!(report.denied_by(|_| None).is_empty());
    assert_eq!(report.denied_by(|_| Some(false)), [&alice()]);
}
