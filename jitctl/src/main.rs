//! `jitctl`, the unprivileged client: the command line becomes an intent, the intent a call of jitd, and its answer is
//! shown to a person or printed as JSON.

mod args;
mod call;
mod exit;
mod export;
mod failure;
mod intent;
mod json;
mod output;
mod perform;
mod policy;
mod run;
mod show;
mod terminal;
mod time;
mod verify;

fn main() -> std::process::ExitCode {
    perform::main()
}
