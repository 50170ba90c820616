//! The orderly end of the engine: what waits is answered, the record is signed, and sinks read it to its end.

use jitd_core::now::Now;
use jitd_core::record::Entry;
use tokio::sync::oneshot;

use super::{Engine, Message};

impl Engine {
    /// Live grants stay: they end by the timer of the next jitd or by the guard.
    pub(super) fn stop(&mut self, now: &Now) {
        self.fail_waiting(now);
        self.write_all_starts(now);
        for entry in self.refusals.rest() {
            self.book.note(now, None, entry);
        }
        self.book.note(now, None, Entry::Stopped { live: self.registry.len() });
        self.book.sign(now);
        self.host.afterwards(&self.handle);
    }

    /// Hands out what is left of the record. Whoever else waits for an answer hears that jitd is stopping.
    pub(super) fn tell_the_end(mut self, done: Option<oneshot::Sender<u64>>) {
        let Some(done) = done else { return };
        self.inbox.head.send_replace(self.book.head());
        let _ = done.send(self.book.head());
        while let Some(message) = self.inbox.messages.blocking_recv() {
            match message {
                Message::Read(stretch) => self.read(stretch),
                Message::End | Message::Fail => return,
                Message::Call(_)
                | Message::Pam(_)
                | Message::Sign(_)
                | Message::Natural(..)
                | Message::Asked { .. }
                | Message::Answered(_)
                | Message::SessionOver { .. }
                | Message::Listed { .. }
                | Message::Looked(_)
                | Message::Swept(_)
                | Message::Subcommands(_)
                | Message::Policy(_)
                | Message::People { .. }
                | Message::AccountsChanged
                | Message::GroupsChanged
                | Message::GroupsSaid(_)
                | Message::Look
                | Message::Wake
                | Message::Beat(_)
                | Message::Stop(_) => {}
            }
        }
    }
}
