//! Who runs this.

/// The uid of the caller, as jitd sees it.
pub(crate) fn uid() -> u32 {
    nix::unistd::getuid().as_raw()
}
