//! What a run of libFuzzer says at its end, read from its output.

use std::fmt;

/// What came of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// How many inputs were tried.
    pub executions: u64,
    /// How many edges of the code were seen.
    pub coverage: u64,
    /// How many inputs are worth keeping.
    pub corpus: u64,
    /// Files with inputs that broke the claim, took too long or too much memory.
    pub crashes: Vec<String>,
}

impl Report {
    /// Reads the output; `None` when the target did not run to an end that it knew of.
    pub(super) fn of(name: &str, output: &str) -> Option<Self> {
        let crashes = output.lines().filter_map(|line| line.split_once("Test unit written to "));
        // By the clock on the wall, so it may be the machine that was slow: it goes on after telling.
        let crashes = crashes.filter(|(_, path)| !path.contains("/slow-unit-"));
        let crashes: Vec<String> = crashes.map(|(_, path)| path.trim().to_owned()).collect();
        let last = output.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: "));
        let counted = output.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let tried = || last.and_then(|line| line.strip_prefix('#')?.split_whitespace().next());
        let executions = counted.or_else(tried)?.trim().parse().ok()?;
        let number = |key: &str| {
            let mut words = last.unwrap_or_default().split_whitespace().skip_while(|word| *word != key);
            words.nth(1).and_then(|word| word.split('/').next()?.parse().ok()).unwrap_or(0)
        };
        Some(Self {
            name: name.to_owned(),
            executions,
            coverage: number("cov:"),
            corpus: number("corp:"),
            crashes,
        })
    }
}

/// One line of a table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, executions, coverage, corpus, crashes } = self;
        write!(f, "{name:<12}{executions:>12} executions{coverage:>7} edges{corpus:>6} inputs  ")?;
        match crashes.as_slice() {
            [] => f.write_str("nothing found"),
            found => write!(f, "FOUND {}", found.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn the_end_of_a_run_is_understood() {
        let output = "INFO: seed corpus: files: 8\n#9\tINITED cov: 10 ft: 11 corp: 3/12b exec/s: 0 rss: 30Mb\n\
            #2097152\tpulse  cov: 512 ft: 900 corp: 77/9Kb lim: 4 exec/s: 9 rss: 31Mb\nDone 2100000 runs in 61 second(s)\n\
            stat::number_of_executed_units: 2100000\n";
        let report = Report::of("frame", output).unwrap();
        assert_eq!((report.executions, report.coverage, report.corpus), (2_100_000, 512, 77));
        assert!(report.to_string().ends_with("nothing found"), "{report}");
    }

    #[test]
    fn an_end_by_a_finding_is_understood_and_one_by_nothing_is_not() {
        let output = "#9\tNEW    cov: 10 ft: 11 corp: 3/12b exec/s: 0\n==1== ERROR: libFuzzer: deadly signal\n\
            artifact_prefix='/x/'; Test unit written to /x/slow-unit-1\n\
            artifact_prefix='/x/'; Test unit written to /x/crash-1\n";
        let report = Report::of("frame", output).unwrap();
        assert_eq!((report.executions, report.crashes.as_slice()), (9, &["/x/crash-1".to_owned()][..]));
        assert!(report.to_string().ends_with("FOUND /x/crash-1"), "{report}");
        assert_eq!(Report::of("frame", "error: could not compile"), None);
    }
}
