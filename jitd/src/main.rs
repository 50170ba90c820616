//! `jitd`: gives a person a privilege for a while and takes it away again.

use std::process::ExitCode;

fn main() -> ExitCode {
    jitd::main()
}
