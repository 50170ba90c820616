//! How a sink is doing, for `jitctl status` and systemd's status line.

use jit_common::response::SinkView;
use tokio::sync::watch;

/// What a sink reports of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The last entry it told.
    pub(super) sent: u64,
    /// Why it could not tell the next one, while it cannot.
    pub(super) trouble: Option<String>,
}

/// Shows how one sink is doing, from any thread.
#[derive(Clone, Debug)]
pub struct SinkHealth {
    name: &'static str,
    progress: watch::Receiver<Progress>,
}

impl SinkHealth {
    pub(super) fn new(name: &'static str) -> (watch::Sender<Progress>, Self) {
        let (sender, progress) = watch::channel(Progress::default());
        (sender, Self { name, progress })
    }

    /// How it is doing, when the newest entry of the ledger is number `head`.
    #[must_use]
    pub fn view(&self, head: u64) -> SinkView {
        let progress = self.progress.borrow();
        let behind = head.saturating_sub(progress.sent);
        SinkView { name: self.name.to_owned(), behind, trouble: progress.trouble.clone() }
    }

    /// Waits until the sink has told entry `seq`, or has ended. An orderly stop waits so for the last entry, with a limit.
    pub async fn told(&self, seq: u64) {
        let mut progress = self.progress.clone();
        // An error means that the sink has ended: it tells nothing more.
        let _ = progress.wait_for(|progress| progress.sent >= seq).await;
    }

    /// Waits until the sink cannot tell an entry.
    #[cfg(test)]
    pub(super) async fn stuck(&mut self) {
        let _ = self.progress.wait_for(|progress| progress.trouble.is_some()).await;
    }
}
