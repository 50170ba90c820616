//! `policy test`: requests that a policy should grant or refuse, decided by the code that jitd decides with.

use std::path::{Path, PathBuf};

use jit_common::explanation::Explanation;
use jitd_core::policy::cases::{Case, CaseVerdict, parse_cases, run_case};
use jitd_core::policy::{Policy, PolicyError};

use super::{files, zones};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{AnswerJson, CaseJson};
use crate::output::Output;
use crate::show;

/// One case, decided.
#[derive(Debug)]
pub(crate) struct Tested {
    /// Its name.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) location: String,
    /// What was wrong; `None` when it came as expected.
    pub(crate) problem: Option<String>,
    /// How it was decided.
    pub(crate) explanation: Option<Explanation>,
}

/// Decides the cases of a file by the policy in a directory.
pub(crate) fn test(cases: &Path, policy: &Path, output: &Output) -> Result<Exit, Failure> {
    let files = files::Files::read(&[PathBuf::from(policy)])?;
    let policy = files.parse().map_err(|errors| invalid(policy, &errors))?;
    let text = files::read(cases)?;
    let read = parse_cases(&files::name(cases), &text).map_err(|errors| invalid(cases, &errors))?;
    if read.is_empty() {
        return Err(Failure::Content { path: cases.to_owned(), what: "there is no case in it".to_owned() });
    }
    let tested: Vec<Tested> = read.iter().map(|case| decide(&policy, case)).collect();
    let exit = if tested.iter().all(|tested| tested.problem.is_none()) { Exit::Done } else { Exit::Failed };
    output.answer(&show::policy::tested(&tested, &output.clock), &json(tested))?;
    Ok(exit)
}

fn decide(policy: &Policy, case: &Case) -> Tested {
    let result = run_case(policy, case, &zones::convert);
    let problem = match result.verdict {
        CaseVerdict::AsExpected => None,
        CaseVerdict::Wrong { sentence } => Some(sentence),
        CaseVerdict::Unusable { why } => Some(format!("it cannot be decided: {why}")),
    };
    Tested {
        name: case.name.clone(),
        location: case.location.to_string(),
        problem,
        explanation: result.decision.map(|decision| decision.explanation),
    }
}

/// All errors at once.
fn invalid(path: &Path, errors: &[PolicyError]) -> Failure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::Invalid { path: path.to_owned(), errors: lines }
}

fn json(tested: Vec<Tested>) -> AnswerJson<'static> {
    let passed = tested.iter().filter(|tested| tested.problem.is_none()).count();
    let failed = tested.len() - passed;
    let case = |tested: Tested| CaseJson {
        name: tested.name,
        location: tested.location,
        passed: tested.problem.is_none(),
        problem: tested.problem,
    };
    AnswerJson::PolicyTested { passed, failed, cases: tested.into_iter().map(case).collect() }
}
