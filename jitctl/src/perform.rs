//! The way from the command line to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use jit_common::explanation::Outcome;
use jit_common::request::{LiveGrants, LogQuery, Request};
use jit_common::response::{LogEntry, OpenView, Response, StateView};

use crate::args::{CommandLine, Global};
use crate::call::Daemon;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::intent::{Intent, Wait};
use crate::json::{AnswerJson, EntryJson};
use crate::output::{Form, Output, Stream};
use crate::show::page::Ink;
use crate::show::{self, Page, Text};
use crate::signals::Signals;
use crate::time::{self, Clock};
use crate::wait::{self, Until, Waited};
use crate::{export, hint, me, policy, run, take_up, verify};

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
        Ok(Intent::RunWith { id, program }) => {
            output.stream = Stream::Err;
            ExitCode::from(run::become_it(id, &program, &daemon, &output))
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
            let request = match (&answer, output.form) {
                (Response::Done, Form::Eye) => hint::in_full(request, daemon),
                _ => request,
            };
            conclude(&request, &answer, daemon, output)
        }
        Intent::Ask { request, wait } => {
            let answer = daemon.ask(&request)?;
            asked(&request, answer, wait, daemon, output)
        }
        Intent::TakeUp(which) => {
            let (question, answer) = take_up::take_up(which.as_deref(), daemon)?;
            asked(&question, answer, Wait::Yes, daemon, output)
        }
        Intent::Run { .. } | Intent::RunWith { .. } => Err(Failure::OutOfTurn),
        Intent::Log(query) => log(query, daemon, output),
        Intent::Export => export::export(daemon, output),
        Intent::Verify { file, key } => verify::verify(&file, key.as_deref(), output),
        Intent::CheckPolicy { paths } => policy::check::check(&paths, output),
        Intent::TestPolicy { cases, policy } => policy::test::test(&cases, &policy, output),
    }
}

/// Goes on with the first answer to a request: waits for people where it has to.
fn asked(
    request: &Request,
    answer: Response,
    wait: Wait,
    daemon: &Daemon,
    output: &Output,
) -> Result<Exit, Failure> {
    match (answer, wait) {
        (Response::Open(open), Wait::Yes) if open.state == StateView::Pending => {
            wait_for(request, *open, daemon, output)
        }
        (answer, Wait::Yes | Wait::No) => conclude(request, &answer, daemon, output),
    }
}

/// Waits until people have decided, or until the person stops waiting.
fn wait_for(request: &Request, open: OpenView, daemon: &Daemon, output: &Output) -> Result<Exit, Failure> {
    let id = open.id;
    let cannot = |error| Failure::GaveUp { id, source: Box::new(Failure::CannotWait(error)) };
    let mut signals = Signals::catch().map_err(cannot)?;
    match wait::wait(open, Until::Decided, daemon, &mut signals, output)? {
        Waited::Interrupted(_, Response::Open(open)) if open.state == StateView::Pending => {
            left_open(&open, &output.at_present())
        }
        // It was decided at that very moment.
        Waited::Over(answer) | Waited::Interrupted(_, answer) => conclude(request, &answer, daemon, output),
    }
}

/// Says that a request stays open, and how to look at it.
pub(crate) fn left_open(open: &OpenView, output: &Output) -> Result<Exit, Failure> {
    output.answer(&show::open::left_open(open, &output.clock), &AnswerJson::open(open, Exit::Pending))?;
    Ok(Exit::Pending)
}

/// With which code a request ends that is not in force: done is what an approver wanted, and what waits for its start.
fn exit_of_open(request: &Request, open: &OpenView) -> Exit {
    match (request, open.state) {
        (Request::Approve { .. }, _) => Exit::Done,
        (_, StateView::Pending) => Exit::Pending,
        (_, StateView::Scheduled | StateView::Applying | StateView::Active) => Exit::Done,
        (_, StateView::Closed | StateView::Refused | StateView::Ended) => Exit::Refused,
        (_, StateView::Ending | StateView::Stuck) => Exit::Failed,
    }
}

/// Shows an answer, with what may help after a refusal, and says with which code it ends.
pub(crate) fn conclude(
    request: &Request,
    answer: &Response,
    daemon: &Daemon,
    output: &Output,
) -> Result<Exit, Failure> {
    let output = output.at_present();
    let exit = present(request, answer, &output)?;
    if let (Response::Refused { refusal, .. }, Form::Eye) = (answer, output.form) {
        output.hint(&hint::after(request, refusal, daemon, &output.clock));
    }
    Ok(exit)
}

/// Shows an answer, and says with which code it ends.
fn present(request: &Request, answer: &Response, output: &Output) -> Result<Exit, Failure> {
    let clock = &output.clock;
    match answer {
        Response::Granted(grant) => {
            let page = match request {
                Request::Approve { .. } => show::granted::approved(grant, clock),
                _ => show::granted::page(grant, clock),
            };
            output.answer(&page, &AnswerJson::granted(grant))?;
            Ok(Exit::Done)
        }
        Response::Open(open) => present_open(request, open, output),
        Response::Pending(requests) => {
            let page = show::pending::page(requests, me::uid(), clock);
            output.answer(&page, &AnswerJson::pending(requests))?;
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
            output.answer(&show::status::page(status, me::uid(), clock), &AnswerJson::status(status))?;
            Ok(Exit::Done)
        }
        Response::Drift(view) => {
            let exit = if show::drift::is_as_it_should_be(view) { Exit::Done } else { Exit::Failed };
            output.answer(&show::drift::page(view), &AnswerJson::drift(view, exit))?;
            Ok(exit)
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
        Response::Unlocked { begin } => {
            output.answer(&unlocked(*begin), &AnswerJson::Unlocked { begin: *begin })?;
            Ok(Exit::Done)
        }
        Response::Welcome { .. }
        | Response::WrongVersion { .. }
        | Response::Entered { .. }
        | Response::Pam(_)
        | Response::Log(_)
        | Response::LogEnd => Err(Failure::OutOfTurn),
    }
}

/// Shows a request that is not in force, to its requester or to an approver.
fn present_open(request: &Request, open: &OpenView, output: &Output) -> Result<Exit, Failure> {
    let clock = &output.clock;
    let page = match request {
        Request::Approve { .. } => show::open::approved(open, clock),
        _ => show::open::page(open, clock),
    };
    let exit = exit_of_open(request, open);
    output.answer(&page, &AnswerJson::open(open, exit))?;
    Ok(exit)
}

/// What was done, where the answer does not say so itself. Empty for every other request.
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
        Request::Erase(_) => {
            let text =
                ": what was typed for it; its entries stay, and copies that sinks took are not reached";
            page.line(2, Text::default().then(Ink::Good, "erased").plain(text));
        }
        Request::Deny { id, .. } => {
            let text = Text::default().then(Ink::Good, "denied").plain(": ").strong(id);
            page.line(2, text.plain(" is closed, and nothing was granted"));
        }
        Request::Cancel(id) => {
            let text = Text::default().then(Ink::Good, "cancelled").plain(": ").strong(id);
            page.line(2, text.plain(" is closed, and nothing was granted"));
        }
        Request::Elevate(_)
        | Request::Extend { .. }
        | Request::Await { .. }
        | Request::Pending
        | Request::Approve { .. }
        | Request::Explain { .. }
        | Request::Status
        | Request::Drift
        | Request::Roles
        | Request::Show(_)
        | Request::Drop(_)
        | Request::Enter { .. }
        | Request::Leave { .. }
        | Request::Pam(_)
        | Request::Revoke { .. }
        // Its answer says it.
        | Request::Unlock { .. }
        | Request::Log(_) => {}
    }
    page
}

/// That the host is unlocked, and what that sets in motion.
fn unlocked(begin: u64) -> Page {
    let mut page = Page::default();
    let text = Text::default().then(Ink::Good, "unlocked");
    page.line(
        2,
        match begin {
            0 => text,
            1 => text.plain(": 1 request that was approved begins now; `jitctl status` shows it"),
            more => text
                .plain(format!(": {more} requests that were approved begin now; `jitctl status` shows them")),
        },
    );
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
