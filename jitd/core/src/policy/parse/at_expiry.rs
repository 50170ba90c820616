//! Reads `at_expiry`, `at_expiry_limit`, `logins` and `log_subcmds` of a rule.

use alloc::format;

use super::keys::{Errors, Table, boolean, text};
use super::rule::read_duration;
use crate::policy::{AtExpiry, Expiry, Logins, Subcommands};

/// The longest that what is paused or finishing may stay, in seconds.
const LONGEST: u32 = 24 * 60 * 60;

pub(super) fn read(table: &Table<'_, '_>, errors: &mut Errors<'_>) -> Option<Expiry> {
    let then = read_then(table, errors);
    let logins = match table.get("logins").map(|value| boolean("logins", value, errors)) {
        None | Some(Some(false)) => Some(Logins::Stay),
        Some(Some(true)) => Some(Logins::End),
        Some(None) => None,
    };
    let subcommands = match table.get("log_subcmds").map(|value| boolean("log_subcmds", value, errors)) {
        None | Some(Some(false)) => Some(Subcommands::NotLogged),
        Some(Some(true)) => Some(Subcommands::Logged),
        Some(None) => None,
    };
    Some(Expiry { then: then?, logins: logins?, subcommands: subcommands? })
}

fn read_then(table: &Table<'_, '_>, errors: &mut Errors<'_>) -> Option<AtExpiry> {
    let limit = table.get("at_expiry_limit");
    let Some(value) = table.get("at_expiry") else {
        let Some(limit) = limit else { return Some(AtExpiry::End) };
        errors.at(
            &limit.span(),
            "at_expiry_limit stands without at_expiry: write at_expiry = \"finish\" or \"pause\" beside it",
        );
        return None;
    };
    let word = text("at_expiry", value, errors)?;
    let make = match word {
        "end" => {
            let Some(limit) = limit else { return Some(AtExpiry::End) };
            errors.at(
                &limit.span(),
                "at_expiry = \"end\" ends everything at once: at_expiry_limit has no place beside it",
            );
            return None;
        }
        "pause" => AtExpiry::Pause,
        "finish" => AtExpiry::Finish,
        other => {
            errors.at(
                &value.span(),
                format!("at_expiry {other:?} is none of \"end\", \"pause\" and \"finish\""),
            );
            return None;
        }
    };
    let Some(limit) = limit else {
        errors.at(
            &value.span(),
            format!("at_expiry = {word:?} needs an end: say at_expiry_limit = \"1h\" beside it"),
        );
        return None;
    };
    let duration = read_duration("at_expiry_limit", limit, errors)?;
    if duration.as_secs() > LONGEST {
        errors.at(&limit.span(), format!("at_expiry_limit {duration} is longer than a day"));
        return None;
    }
    Some(make(duration.as_secs()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use alloc::string::ToString;

    use super::*;
    use crate::policy::Policy;

    fn parsed(line: &str) -> Result<Subcommands, alloc::string::String> {
        let text = format!(
            "[role.r]\nsummary = \"x\"\nsudo = {{ commands = \"ALL\" }}\n[[rule]]\nname = \"n\"\nroles = [\"r\"]\n\
             eligible = {{ groups = [\"g\"] }}\nmax_duration = \"1h\"\n{line}\n"
        );
        let policy =
            Policy::parse(&[("p.toml", &text)]).map_err(|errors| errors.first().unwrap().to_string())?;
        Ok(policy.rules().first().unwrap().expiry.subcommands)
    }

    #[test]
    fn what_commands_start_is_logged_where_it_says_so_in_a_word_that_is_understood() {
        assert_eq!(parsed(""), Ok(Subcommands::NotLogged));
        assert_eq!(parsed("log_subcmds = false"), Ok(Subcommands::NotLogged));
        assert_eq!(parsed("log_subcmds = true"), Ok(Subcommands::Logged));
        let wrong = parsed("log_subcmds = \"yes\"").unwrap_err();
        assert!(wrong.starts_with("p.toml:9:15: log_subcmds is true or false"), "{wrong}");
        assert!(parsed("log_subcommands = true").unwrap_err().contains("logins, log_subcmds"));
    }
}
