//! The installed sudo: which one it is, what it takes, and what it says about a person and a command.

mod agreement;
mod defaults;
mod fingerprint;
mod probe;
mod role_agreement;
mod role_check;
mod standing;
mod walk;

pub use agreement::{Agreement, RunAs, ask};
pub use fingerprint::{Fingerprint, fingerprint};
pub use jit_common::visudo::Flavour;
pub use probe::{Sudo, SudoError, probe};
pub use role_agreement::{Asked, RoleAgreement, ask_role};
pub use role_check::{Reason, path_reasons, reasons_against};
pub use standing::listing;
pub use walk::folder_at;
