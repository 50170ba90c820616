//! `jit-guard`: takes off what is past its deadline, whether or not jitd is there to do it.

use std::process::ExitCode;

fn main() -> ExitCode {
    jit_guard::main()
}
