//! What a call costs: the most memory that it had at a time, and the time that its own thread was at work.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

thread_local! {
    static HAD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, counting by the thread.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(change: isize) {
    // A thread that is ending has nowhere to count any more.
    let _ = HAD.try_with(|had| {
        had.set(had.get().saturating_add(change));
        let _ = MOST.try_with(|most| most.set(most.get().max(had.get())));
    });
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

#[allow(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is handed to the system's allocator as it came, and its answer back.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        count(size(new) - size(layout.size()));
        // SAFETY: as the caller's.
        unsafe { System.realloc(pointer, layout, new) }
    }
}

/// What a call gives back, and the most bytes that it had allocated at a time.
pub(crate) fn memory<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = HAD.get();
    MOST.set(before);
    let result = call();
    (result, usize::try_from(MOST.get() - before).unwrap_or(0))
}

/// Calls, and panics when this thread worked for longer than `limit`: however busy the machine is, only its own work counts.
#[track_caller]
pub(crate) fn within<T>(limit: Duration, call: impl FnOnce() -> T) -> T {
    let start = worked();
    let result = call();
    let took = worked() - start;
    assert!(took <= limit, "it took {took:?} of work, and {limit:?} is the most it may");
    result
}

fn worked() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap())
}
