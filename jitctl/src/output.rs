//! Where answers go: standard output, for the eye or as JSON, and sentences about failures on standard error.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;
use crate::json::{self, AnswerJson};
use crate::show::page::{Ink, Page, Text};
use crate::terminal::Terminal;
use crate::time::Clock;

/// In which form an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For the eye.
    Eye,
    /// For programs.
    Json,
}

/// To which stream answers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error: with `-- COMMAND`, standard output is the command's alone.
    Err,
}

/// Where answers go, and the moment they speak of.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// The form.
    pub(crate) form: Form,
    /// The stream.
    pub(crate) stream: Stream,
    /// The present moment.
    pub(crate) clock: Clock,
}

impl Output {
    /// The same, with the clock read anew: a call may have taken a while.
    pub(crate) fn at_present(&self) -> Self {
        Self { clock: Clock::read(), ..self.clone() }
    }

    /// Prints an answer, in whichever form is wanted.
    pub(crate) fn answer<J: Serialize>(&self, page: &Page, json: &J) -> Result<(), Failure> {
        unread(self.piece(page, json))
    }

    /// Prints a refusal: for the eye on standard error, for nothing was done that has an output.
    pub(crate) fn refusal<J: Serialize>(&self, page: &Page, json: &J) -> Result<(), Failure> {
        unread(match self.form {
            Form::Eye => self.page(page, Stream::Err),
            Form::Json => write(self.stream, &json::line(json)),
        })
    }

    /// Prints a piece of a longer answer. [`Failure::ReaderGone`] says that no more is wanted.
    pub(crate) fn piece<J: Serialize>(&self, page: &Page, json: &J) -> Result<(), Failure> {
        match self.form {
            Form::Eye => self.page(page, self.stream),
            Form::Json => write(self.stream, &json::line(json)),
        }
    }

    fn page(&self, page: &Page, stream: Stream) -> Result<(), Failure> {
        let terminal = match stream {
            Stream::Out => Terminal::of(&io::stdout()),
            Stream::Err => Terminal::of(&io::stderr()),
        };
        write(stream, &page.render(terminal))
    }

    /// Prints what happens on the way to the answer, on standard error: standard output is for the answer alone.
    pub(crate) fn aside<J: Serialize>(&self, page: &Page, json: &J) {
        // There is nobody left to tell when standard error is gone.
        let _ = match self.form {
            Form::Eye => self.page(page, Stream::Err),
            Form::Json => write(Stream::Err, &json::line(json)),
        };
    }

    /// Prints what may help after a refusal, below it.
    pub(crate) fn hint(&self, page: &Page) {
        // There is nobody left to tell when standard error is gone.
        let _ = self.page(page, Stream::Err);
    }

    /// Prints a line of our own beside the answer; never JSON, never on standard output.
    pub(crate) fn remark(&self, ink: Ink, text: &str) {
        let mut page = Page::default();
        page.line(0, Text::of("jitctl: ").then(ink, text));
        // There is nobody left to tell when standard error is gone.
        let _ = self.page(&page, Stream::Err);
    }

    /// Says what went wrong: a sentence with its causes on standard error, and in JSON as well where that is wanted.
    pub(crate) fn failure(&self, failure: &Failure, code: u8) {
        if matches!(failure, Failure::ReaderGone) {
            return;
        }
        let chain = failure.chain();
        self.remark(Ink::Plain, &chain.join(": "));
        if let (Form::Json, Some((sentence, causes))) = (self.form, chain.split_first()) {
            // As above: the exit code still says it.
            let _ = write(self.stream, &json::line(&AnswerJson::Failed { exit: code, sentence, causes }));
        }
    }
}

/// An answer that nobody reads is no failure, and no success either: the exit code still says what came of it.
fn unread(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(Failure::ReaderGone) => Ok(()),
        printed => printed,
    }
}

/// Writes and flushes, so that a follower sees each entry when it comes.
fn write(stream: Stream, text: &str) -> Result<(), Failure> {
    let done = match stream {
        Stream::Out => write_to(&mut io::stdout().lock(), text),
        Stream::Err => write_to(&mut io::stderr().lock(), text),
    };
    done.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::Output(error),
    })
}

fn write_to(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// Writes to standard output as it is: for exports.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    write(Stream::Out, text)
}
