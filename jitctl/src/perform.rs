//! The way from the command line to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use jit_common::explanation::Outcome;
use jit_common::request::{LiveGrants, LogQuery, Request};
use jit_common::response::{LogEntry, Response};

use crate::args::{CommandLine, Global};
use crate::call::Daemon;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::intent::Intent;
use crate::json::{AnswerJson, EntryJson};
use crate::output::{Form, Output, Stream};
use crate::show::page::Ink;
use crate::show::{self, Page, Text};
use crate::time::{self, Clock};
use crate::{export, policy, run, verify};

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help goes to standard output and mistakes to standard error; a reader that has gone is no mistake.
            let _ = error.print();
            return match error.use_stderr() {
                true if runs_a_command(std::env::args_os()) => ExitCode::from(exit::OURS),
                true => Exit::Usage.into(),
                false => Exit::Done.into(),
            };
        }
    };
    let Global { json, socket, timeout } = line.global;
    let daemon = Daemon { socket, timeout: time::patience(timeout) };
    let form = if json { Form::Json } else { Form::Eye };
    let mut output = Output { form, stream: Stream::Out, clock: Clock::read() };
    match Intent::of(line.command, &output.clock) {
        Ok(Intent::Run { ask, program, args }) => {
            output.stream = Stream::Err;
            ExitCode::from(run::run(ask, &program, &args, &daemon, &output))
        }
        Ok(intent) => finish(perform(intent, &daemon, &output), &output),
        Err(failure) => finish(Err(failure), &output),
    }
}

/// Whether a command line that was not understood would have run a COMMAND: no code may be taken for the command's.
fn runs_a_command(args: impl Iterator<Item = OsString>) -> bool {
    let args: Vec<OsString> = args.collect();
    let mut parts = args.splitn(2, |arg| arg == "--");
    let elevates = parts.next().is_some_and(|ours| ours.iter().any(|arg| arg == "elevate"));
    elevates && parts.next().is_some()
}

fn finish(result: Result<Exit, Failure>, output: &Output) -> ExitCode {
    let exit = result.unwrap_or_else(|failure| {
        let exit = failure.exit();
        output.failure(&failure, exit.code());
        exit
    });
    exit.into()
}

fn perform(intent: Intent, daemon: &Daemon, output: &Output) -> Result<Exit, Failure> {
    match intent {
        Intent::Call(request) => {
            let answer = daemon.ask(&request)?;
            present(&request, &answer, &output.at_present())
        }
        Intent::Run { .. } => Err(Failure::OutOfTurn),
        Intent::Log(query) => log(query, daemon, output),
        Intent::Export => export::export(daemon, output),
        Intent::Verify { file, key } => verify::verify(&file, key.as_deref(), output),
        Intent::CheckPolicy { paths } => policy::check::check(&paths, output),
        Intent::TestPolicy { cases, policy } => policy::test::test(&cases, &policy, output),
    }
}

/// Shows an answer, and says with which code it ends.
pub(crate) fn present(request: &Request, answer: &Response, output: &Output) -> Result<Exit, Failure> {
    let clock = &output.clock;
    match answer {
        Response::Granted(grant) => {
            output.answer(&show::granted::page(grant, clock), &AnswerJson::granted(grant))?;
            Ok(Exit::Done)
        }
        Response::Refused { refusal, explanation } => {
            let explanation = explanation.as_ref();
            let page = show::refused::page(refusal, explanation, clock);
            output.refusal(&page, &AnswerJson::refused(refusal, explanation))?;
            Ok(Exit::of(refusal))
        }
        Response::Explained(explanation) => {
            output.answer(&show::explain::page(explanation, clock), &AnswerJson::explained(explanation))?;
            Ok(match &explanation.outcome {
                Outcome::Permitted { .. } => Exit::Done,
                Outcome::Refused(refusal) => Exit::of(refusal),
            })
        }
        Response::Status(status) => {
            output.answer(&show::status::page(status, clock), &AnswerJson::status(status))?;
            Ok(Exit::Done)
        }
        Response::Roles(roles) => {
            output.answer(&show::roles::page(roles, clock), &AnswerJson::roles(roles))?;
            Ok(Exit::Done)
        }
        Response::Story(story) => {
            output.answer(&show::story::page(story, clock), &AnswerJson::story(story))?;
            Ok(Exit::Done)
        }
        Response::Ended(ended) => {
            let mut page = headline(request);
            if !ended.is_empty() || page.is_empty() {
                page.append(show::ended::page(ended));
            }
            output.answer(&page, &AnswerJson::ended(ended))?;
            Ok(if ended.iter().all(show::pieces::is_off) { Exit::Done } else { Exit::Failed })
        }
        Response::Done => {
            output.answer(&headline(request), &AnswerJson::Done)?;
            Ok(Exit::Done)
        }
        Response::Welcome { .. } | Response::WrongVersion { .. } | Response::Log(_) | Response::LogEnd => {
            Err(Failure::OutOfTurn)
        }
    }
}

/// What the kill switch does now. Empty for every other request.
fn headline(request: &Request) -> Page {
    let mut page = Page::default();
    match request {
        Request::Lock { live, .. } => {
            let kept = match live {
                LiveGrants::Keep => "; live grants run to their end (`jitctl lock --revoke` ends them)",
                LiveGrants::Revoke => "",
            };
            let text = format!(": nothing is granted until `jitctl unlock`{kept}");
            page.line(2, Text::default().then(Ink::Bad, "locked").plain(text));
        }
        Request::Unlock { .. } => page.line(2, Text::default().then(Ink::Good, "unlocked")),
        Request::Erase(_) => {
            let text =
                ": what was typed for it; its entries stay, and copies that sinks took are not reached";
            page.line(2, Text::default().then(Ink::Good, "erased").plain(text));
        }
        Request::Elevate(_)
        | Request::Explain { .. }
        | Request::Status
        | Request::Roles
        | Request::Show(_)
        | Request::Drop(_)
        | Request::Revoke { .. }
        | Request::Log(_) => {}
    }
    page
}

fn log(query: LogQuery, daemon: &Daemon, output: &Output) -> Result<Exit, Failure> {
    let request = Request::Log(query.clone());
    let refused = daemon.log(query, |entries| show_entries(&entries, output))?;
    match refused {
        None => Ok(Exit::Done),
        Some(refused) => present(&request, &refused, output),
    }
}

fn show_entries(entries: &[LogEntry], output: &Output) -> Result<(), Failure> {
    let one = |entry| output.piece(&show::log::page(entry, &output.clock), &EntryJson::of(entry));
    entries.iter().try_for_each(one)
}
