//! `policy check`: what jitd would say to a policy, and what this host makes of its roles.

use std::path::{Path, PathBuf};

use jit_common::paths;
use jitd_core::policy::{Policy, Subcommands, lint};
use jitd_core::sudoers::LogSubcmds;

use super::files::Files;
use super::names::{self, Names};
use super::sudoers::Checker;
use super::{paths as programs, zones};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{AnswerJson, LintJson, RoleCheckJson};
use crate::output::Output;
use crate::show;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The names of the files.
    pub(crate) files: Vec<String>,
    /// The policy's hash and its size in words, when it is valid.
    pub(crate) valid: Option<Valid>,
    /// Why it is not.
    pub(crate) errors: Vec<String>,
    /// What a reader should know: advice, no errors.
    pub(crate) lints: Vec<LintJson>,
    /// What this host cannot carry.
    pub(crate) roles: Vec<RoleCheckJson>,
    /// Rules and denies that cannot be evaluated on this host.
    pub(crate) rules: Vec<String>,
    /// Groups and accounts that are named and are not here: nobody is meant by them. And what a rule wants of sudo that it cannot do.
    pub(crate) names: Vec<String>,
    /// What was checked with.
    pub(crate) checked_with: Option<String>,
    /// What nobody looked at here.
    pub(crate) not_checked: Vec<String>,
}

/// A policy that can be read.
#[derive(Debug)]
pub(crate) struct Valid {
    /// Its hash.
    pub(crate) hash: String,
    /// How much is in it.
    pub(crate) size: String,
}

/// Checks the policy in `paths`.
pub(crate) fn check(paths: &[PathBuf], output: &Output) -> Result<Exit, Failure> {
    let files = Files::read(paths)?;
    let mut checked =
        Checked { files: files.names().into_iter().map(str::to_owned).collect(), ..Checked::default() };
    match files.parse() {
        Err(errors) => checked.errors = errors.iter().map(ToString::to_string).collect(),
        Ok(policy) => look_at(&policy, &mut checked),
    }
    // A policy for other hosts may well name programs that this one does not have.
    let own = paths.iter().all(|path| path == Path::new(paths::POLICY_DIR));
    let carried = checked.roles.is_empty() && checked.rules.is_empty();
    let exit = if checked.errors.is_empty() && (carried || !own) { Exit::Done } else { Exit::Failed };
    let page = show::policy::checked(&checked);
    output.answer(&page, &json(checked))?;
    Ok(exit)
}

fn look_at(policy: &Policy, checked: &mut Checked) {
    let (roles, rules, denies) = (policy.roles().count(), policy.rules().len(), policy.denies().len());
    let count = show::pieces::count;
    let size =
        [count(roles, "role", "roles"), count(rules, "rule", "rules"), count(denies, "deny", "denies")];
    checked.valid = Some(Valid { hash: policy.hash().to_string(), size: size.join(", ") });
    checked.lints = lint(policy).into_iter().map(LintJson::of).collect();
    checked.rules = unknown_zones(policy);
    let visudo = match Checker::find() {
        Ok(visudo) => Some(visudo),
        Err(error) => {
            checked.not_checked.push(format!("whether sudo takes the roles: {error}"));
            None
        }
    };
    checked.checked_with = visudo.as_ref().map(Checker::name);
    let names = Names::default();
    let etc_group = names::etc_group();
    for role in policy.roles() {
        let mut problems = role.sudo.as_ref().map_or_else(Vec::new, programs::problems);
        problems.extend(visudo.as_ref().and_then(|visudo| visudo.problem(role)));
        problems.extend(names.of_role(role, etc_group.as_deref().ok()));
        if !problems.is_empty() {
            let location = role.location.to_string();
            checked.roles.push(RoleCheckJson { role: role.name.clone(), location, problems });
        }
    }
    let missing = names.of_people(policy);
    checked.rules.extend(missing.denies);
    checked.names = missing.others;
    if visudo.as_ref().is_some_and(|visudo| visudo.log_subcmds() == LogSubcmds::NotTaken) {
        checked.names.extend(unlogged(policy));
    }
    let not_asked = names.trouble().or(etc_group.err());
    checked.not_checked.extend(not_asked.map(|why| format!("whether all groups and accounts exist: {why}")));
}

/// The rules of which this host does less than they say, for its sudo cannot.
fn unlogged(policy: &Policy) -> impl Iterator<Item = String> {
    let logged = policy.rules().iter().filter(|rule| rule.expiry.subcommands == Subcommands::Logged);
    logged.map(|rule| {
        format!(
            "rule {}: what commands start will not be seen here, for this sudo does not say it (log_subcmds)",
            rule.reference()
        )
    })
}

fn unknown_zones(policy: &Policy) -> Vec<String> {
    let schedules = policy.rules().iter().filter_map(|rule| Some((rule, rule.schedule.as_ref()?)));
    schedules
        .filter(|(_, schedule)| !zones::is_known(&schedule.zone))
        .map(|(rule, schedule)| {
            format!("rule {}: this host does not know the time zone {}", rule.reference(), schedule.zone)
        })
        .collect()
}

fn json(checked: Checked) -> AnswerJson<'static> {
    AnswerJson::PolicyChecked {
        files: checked.files,
        hash: checked.valid.map(|valid| valid.hash),
        errors: checked.errors,
        lints: checked.lints,
        roles: checked.roles,
        rules: checked.rules,
        names: checked.names,
        checked_with: checked.checked_with,
        not_checked: checked.not_checked,
    }
}
