//! `jitctl`, the unprivileged client: the command line becomes an intent, the intent a call of jitd, and its answer is
//! shown to a person or printed as JSON.

mod args;
mod call;
mod exit;
mod export;
mod failure;
mod hint;
mod intent;
mod json;
mod me;
mod output;
mod perform;
mod policy;
mod run;
mod show;
mod signals;
mod take_up;
mod terminal;
mod time;
mod verify;
mod wait;

fn main() -> std::process::ExitCode {
    perform::main()
}
