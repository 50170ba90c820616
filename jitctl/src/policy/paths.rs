//! Whether the programs of a role are there, and are root's alone to change: else the role would be whoever may
//! write them.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use jitd_core::policy::{Commands, SudoRole};

/// What is wrong with the programs of a role on this host.
pub(super) fn problems(role: &SudoRole) -> Vec<String> {
    let Commands::These(commands) = &role.commands else { return vec![] };
    let programs: BTreeSet<&str> = commands.iter().map(|command| command.path()).collect();
    programs.into_iter().filter_map(|program| problem(Path::new(program))).collect()
}

fn problem(program: &Path) -> Option<String> {
    let shown = program.display();
    // A link may lead elsewhere: what counts is the way to the link, the file, and the way to the file.
    let real = match fs::canonicalize(program) {
        Ok(real) => real,
        Err(error) => return Some(format!("{shown} cannot be reached: {error}")),
    };
    let file = match fs::metadata(&real) {
        Ok(file) => file,
        Err(error) => return Some(format!("{shown} cannot be examined: {error}")),
    };
    if !file.is_file() {
        return Some(format!("{shown} is not a program, but a directory or a device"));
    }
    if file.permissions().mode() & 0o111 == 0 {
        return Some(format!("{shown} is not executable"));
    }
    let ways = real.ancestors().chain(program.ancestors().skip(1));
    ways.filter_map(|path| fs::metadata(path).ok().and_then(|found| others(path, &found))).next()
}

/// Who besides root may change it.
fn others(path: &Path, found: &Metadata) -> Option<String> {
    let shown = path.display();
    if found.uid() != 0 {
        return Some(format!("{shown} belongs to uid {}, not to root", found.uid()));
    }
    // The sticky bit keeps others from replacing what is there, but not from adding: it does not help here.
    let writable = if found.gid() == 0 { 0o002 } else { 0o022 };
    (found.permissions().mode() & writable != 0).then(|| {
        format!("{shown} can be changed by others than root (mode {:o})", found.permissions().mode() & 0o7777)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn what_others_may_write_is_found() {
        assert_eq!(problem(Path::new("/bin/sh")), None);
        assert!(problem(Path::new("/nonexistent/tool")).unwrap().contains("cannot be reached"));
        assert!(problem(Path::new("/etc")).unwrap().contains("is not a program"));
        assert!(problem(Path::new("/etc/passwd")).unwrap().contains("is not executable"));
        let dir = std::env::temp_dir().join(format!("jitctl-paths-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let tool = dir.join("tool");
        fs::write(&tool, "").unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o777)).unwrap();
        let said = problem(&tool).unwrap();
        assert!(said.contains("changed by others") || said.contains("belongs to uid"), "{said}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
