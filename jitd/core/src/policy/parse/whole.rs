//! Puts the files together: what stands once, what is named and defined, the hash over all of it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::keys::{Errors, Table, Value, no_more_than};
use super::rule::Mention;
use super::source::{Places, Source};
use super::{
    DEEPEST, LONGEST_FILE, MOST_FILES, MOST_ROLES, MOST_RULES, PolicyError, deny, drift, pam, role, rule,
    too_deep,
};
use crate::policy::model::{Location, Policy, PolicyHash};

/// The most syntax errors told of one file: what follows them is mostly their consequence.
const MOST_SYNTAX_ERRORS: usize = 5;

/// Where something stands, for telling where it stands a second time.
#[derive(Default)]
struct Seen {
    roles: BTreeMap<String, Location>,
    rules: BTreeMap<String, Location>,
    denies: BTreeMap<String, Location>,
    duties: Option<Location>,
    gate: Option<Location>,
    drift: Option<Location>,
}

/// What is known so far.
#[derive(Default)]
struct Whole<'s> {
    policy: Policy,
    seen: Seen,
    mentions: Vec<(Source<'s>, Mention)>,
    gate_groups: Vec<(Source<'s>, pam::GroupMention)>,
    errors: Vec<PolicyError>,
    syntax: Syntax,
}

/// Whether every file could be read as TOML. Otherwise a role may be defined that was not seen.
#[derive(Default, PartialEq, Eq)]
enum Syntax {
    #[default]
    Good,
    Bad,
}

/// Reads the files in the order given.
pub(super) fn read(files: &[(&str, &str)]) -> Result<Policy, Vec<PolicyError>> {
    if files.len() > MOST_FILES {
        let name = files.last().map_or("", |(name, _)| name);
        let source = Source { name, text: "", places: &Places::default() };
        let message = format!("{} policy files are too many: at most {MOST_FILES} are taken", files.len());
        return Err(alloc::vec![source.error(&(0..0), message)]);
    }
    // What is too long is not read, and has no place but its beginning.
    let looked_through = |text: &&str| text.len() <= LONGEST_FILE;
    let texts = files.iter().map(|(_, text)| Some(*text).filter(looked_through).unwrap_or_default());
    let places: Vec<Places> = texts.map(Places::of).collect();
    let mut whole = Whole::default();
    for ((name, text), places) in files.iter().zip(&places) {
        whole.read_file(Source { name, text, places });
    }
    whole.check_mentions();
    whole.check_gate();
    if whole.errors.is_empty() {
        whole.policy.hash = hash(files);
        Ok(whole.policy)
    } else {
        whole.errors.sort();
        Err(whole.errors)
    }
}

impl<'s> Whole<'s> {
    fn read_file(&mut self, source: Source<'s>) {
        let mut errors = Errors::new(source);
        if source.text.len() > LONGEST_FILE {
            errors.at(&(0..0), format!("the file is larger than {LONGEST_FILE} bytes: split it"));
            self.errors.append(&mut errors.found);
            self.syntax = Syntax::Bad;
            return;
        }
        if let Some(at) = too_deep(source.text) {
            errors.at(&(at..at), format!("more than {DEEPEST} brackets are open here: close them"));
            self.errors.append(&mut errors.found);
            self.syntax = Syntax::Bad;
            return;
        }
        let (document, syntax_errors) = DeTable::parse_recoverable(source.text);
        if syntax_errors.is_empty() {
            self.read_document(document.get_ref(), &mut errors);
        } else {
            self.syntax = Syntax::Bad;
            for error in syntax_errors.iter().take(MOST_SYNTAX_ERRORS) {
                errors.at(&error.span().unwrap_or_default(), format!("not TOML: {}", error.message()));
            }
        }
        self.errors.append(&mut errors.found);
    }

    fn read_document(&mut self, document: &DeTable<'_>, errors: &mut Errors<'s>) {
        let table = Table::of(
            "a policy file",
            &["role", "rule", "deny", "duties", "pam", "drift"],
            document,
            0..0,
            errors,
        );
        if let Some(roles) = table.get("role") {
            self.read_roles(roles, errors);
        }
        let mut mentions = Vec::new();
        for value in tables("rule", table.get("rule"), errors) {
            if let Some(rule) = rule::read(value, &mut mentions, errors)
                && is_first("rule", &rule.name, &rule.location, &mut self.seen.rules, &value.span(), errors)
            {
                self.policy.rules.push(rule);
            }
        }
        no_more_than(MOST_RULES, self.policy.rules.len(), "rules", &(0..0), errors);
        for value in tables("deny", table.get("deny"), errors) {
            if let Some(deny) = deny::read(value, &mut mentions, errors)
                && is_first("deny", &deny.name, &deny.location, &mut self.seen.denies, &value.span(), errors)
            {
                self.policy.denies.push(deny);
            }
        }
        no_more_than(MOST_RULES, self.policy.denies.len(), "denies", &(0..0), errors);
        self.mentions.extend(mentions.into_iter().map(|mention| (errors.source, mention)));
        if let Some(value) = table.get("duties") {
            let location = errors.source.location(&value.span());
            if let Some(first) = &self.seen.duties {
                errors
                    .at(&value.span(), format!("duties stand in {first} already: one place holds them all"));
            }
            self.seen.duties.get_or_insert(location);
            self.policy.duties = deny::read_duties(value, errors).unwrap_or_default();
        }
        if let Some(value) = table.get("pam") {
            self.read_gate(value, errors);
        }
        if let Some(value) = table.get("drift") {
            let location = errors.source.location(&value.span());
            if let Some(first) = &self.seen.drift {
                errors
                    .at(&value.span(), format!("[drift] stands in {first} already: one place holds it all"));
            }
            self.seen.drift.get_or_insert(location);
            self.policy.on_drift = drift::read(value, errors).unwrap_or_default();
        }
    }

    fn read_gate(&mut self, value: &Value<'_>, errors: &mut Errors<'s>) {
        let location = errors.source.location(&value.span());
        if let Some(first) = &self.seen.gate {
            errors.at(&value.span(), format!("[pam] stands in {first} already: one place holds it all"));
        }
        self.seen.gate.get_or_insert(location);
        let mut groups = Vec::new();
        self.policy.gate = pam::read(value, &mut groups, errors);
        self.gate_groups.extend(groups.into_iter().map(|group| (errors.source, group)));
    }

    /// The PAM module asks the host who is in a group, and cannot tell whom jitd has put there.
    fn check_gate(&mut self) {
        for (source, group) in &self.gate_groups {
            let mut roles = self.policy.roles.values();
            if let Some(role) = roles.find(|role| role.groups.contains(&group.name)) {
                let (name, role) = (&group.name, &role.name);
                let message = format!(
                    "the role {role:?} gives the group {name:?}, and a grant would make people managed by it: name another group here"
                );
                self.errors.push(source.error(&group.span, message));
            }
        }
    }

    fn read_roles(&mut self, value: &Value<'_>, errors: &mut Errors<'_>) {
        let DeValue::Table(roles) = value.get_ref() else {
            errors.at(&value.span(), "roles have names: write [role.web-restart]");
            return;
        };
        for (name, value) in roles {
            let location = errors.source.location(&value.span());
            let (name, span) = (name.get_ref().as_ref(), name.span());
            let first = is_first("role", name, &location, &mut self.seen.roles, &span, errors);
            if let Some(role) = role::read(name, &span, value, errors)
                && first
            {
                self.policy.roles.insert(String::from(name), role);
            }
        }
        no_more_than(MOST_ROLES, self.seen.roles.len(), "roles", &value.span(), errors);
    }

    /// A role that is named has to be defined, in whatever file. A role with an error of its own counts as defined.
    fn check_mentions(&mut self) {
        if self.syntax == Syntax::Bad {
            return;
        }
        for (source, mention) in &self.mentions {
            if !self.seen.roles.contains_key(&mention.role) {
                let role = &mention.role;
                let message = format!("there is no role {role:?}: define [role.{role}], or correct the name");
                self.errors.push(source.error(&mention.span, message));
            }
        }
    }
}

/// The tables of `[[rule]]`, `[[deny]]` or `[[case]]`.
pub(in crate::policy) fn tables<'t, 'i>(
    key: &str,
    value: Option<&'t Value<'i>>,
    errors: &mut Errors<'_>,
) -> Vec<&'t Value<'i>> {
    match value.map(|value| (value.get_ref(), value.span())) {
        None => Vec::new(),
        Some((DeValue::Array(items), _)) => items.iter().collect(),
        Some((_, span)) => {
            errors.at(&span, format!("each {key} is an entry of a list: write [[{key}]] with two brackets"));
            Vec::new()
        }
    }
}

/// Notes a name and where it stands, or that it stands a second time.
fn is_first(
    what: &str,
    name: &str,
    location: &Location,
    seen: &mut BTreeMap<String, Location>,
    span: &Range<usize>,
    errors: &mut Errors<'_>,
) -> bool {
    if let Some(first) = seen.get(name) {
        errors.at(
            span,
            format!("the {what} {name:?} stands in {first} already: give one of them another name"),
        );
        return false;
    }
    seen.insert(String::from(name), location.clone());
    true
}

fn hash(files: &[(&str, &str)]) -> PolicyHash {
    let mut hasher = Sha256::new();
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    PolicyHash(hasher.finalize().into())
}
