//! Reads one rule of sudoers as sudo 1.9 does: first its lexer (`toke.l`, states INITIAL and GOTCMND), then `fnmatch`.
//! Written for the tests from the lexer's rules and not from our renderer.

/// A command as sudo understood it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadCommand {
    pub(crate) tags: Vec<String>,
    pub(crate) path: String,
    pub(crate) arguments: ReadArguments,
}

/// Its arguments as sudo understood them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadArguments {
    Any,
    None,
    Exactly(Vec<String>),
}

/// As whom a rule lets run, as sudo understood it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadRunAs {
    pub(crate) user: String,
    pub(crate) gids: Vec<u32>,
}

/// Reads the commands of a rule, `#uid ALL=(name) …`.
pub(crate) fn read_rule(line: &str) -> Result<Vec<ReadCommand>, String> {
    read_whole_rule(line).map(|(_, commands)| commands)
}

/// `name` or `name:#gid,#gid` (sudoers(5), `Runas_Spec`).
fn read_run_as(text: &str) -> Result<ReadRunAs, String> {
    let (user, groups) = text.split_once(':').unwrap_or((text, ""));
    let gids = groups.split(',').filter(|group| !group.is_empty());
    let gids = gids.map(|group| {
        let gid = group.strip_prefix('#').and_then(|gid| gid.parse().ok());
        gid.ok_or_else(|| format!("no gid: {group:?}"))
    });
    Ok(ReadRunAs { user: user.to_string(), gids: gids.collect::<Result<_, _>>()? })
}

/// Reads a whole rule, `#uid ALL=(name:#gid) …`.
pub(crate) fn read_whole_rule(line: &str) -> Result<(ReadRunAs, Vec<ReadCommand>), String> {
    let (user, rest) = line.split_once(" ALL=(").ok_or("no host")?;
    user.strip_prefix('#').and_then(|uid| uid.parse::<u32>().ok()).ok_or("no uid")?;
    let (run_as, mut rest) = rest.split_once(')').ok_or("no run_as")?;
    let run_as = read_run_as(run_as)?;
    rest = rest.trim_start_matches(' ');
    if let Some(time) = rest.strip_prefix("NOTAFTER=") {
        rest = time.split_once(' ').ok_or("nothing after the time")?.1;
    }
    let mut commands = Vec::new();
    loop {
        let (command, after) = read_command(rest)?;
        commands.push(command);
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(' '),
            None if after.is_empty() => return Ok((run_as, commands)),
            None => return Err(format!("left over: {after:?}")),
        }
    }
}

fn read_command(mut rest: &str) -> Result<(ReadCommand, &str), String> {
    let mut tags = Vec::new();
    while let Some((tag, after)) =
        rest.split_once(": ").filter(|(tag, _)| tag.bytes().all(|b| b.is_ascii_uppercase()))
    {
        tags.push(tag.to_string());
        rest = after;
    }
    // PATH: \/(\\[\,:= \t#]|[^\,:=\\ \t\r\n#])+
    let end = rest.find([',', ':', '=', '\\', ' ', '\t', '\r', '\n', '#']).unwrap_or(rest.len());
    let (path, after) = rest.split_at(end);
    if !(path.starts_with('/') || path == "ALL") || path.contains(['*', '?', '[', ']']) {
        return Err(format!("no plain path: {path:?}"));
    }
    let (pattern, after) = read_arguments(after)?;
    let arguments = match pattern.as_deref() {
        None => ReadArguments::Any,
        Some("\"\"") => ReadArguments::None,
        Some(pattern) if pattern.starts_with('^') => return Err("a regular expression".into()),
        Some(pattern) => {
            ReadArguments::Exactly(pattern.split(' ').map(literal_of_fnmatch).collect::<Result<_, _>>()?)
        }
    };
    Ok((ReadCommand { tags, path: path.to_string(), arguments }, after))
}

/// The state GOTCMND: what sudo keeps as the pattern for the arguments, and what follows it.
fn read_arguments(text: &str) -> Result<(Option<String>, &str), String> {
    let (mut pattern, mut space) = (None::<String>, false);
    let mut chars = text.char_indices();
    let push = |pattern: &mut Option<String>, space: &mut bool, part: &str| {
        let pattern = pattern.get_or_insert_default();
        if *space && !pattern.is_empty() {
            pattern.push(' ');
        }
        *space = false;
        pattern.push_str(part);
    };
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' | '\t' => space = true,
            '#' | ':' | ',' | '=' | '\r' | '\n' => return Ok((pattern, &text[at..])),
            '\\' => match chars.next() {
                Some((_, quoted)) if "*?[]!^".contains(quoted) => {
                    push(&mut pattern, &mut space, &format!("\\{quoted}"))
                }
                Some((_, quoted)) if ":\\,= \t#".contains(quoted) => {
                    push(&mut pattern, &mut space, &quoted.to_string())
                }
                other => return Err(format!("a stray backslash before {other:?}")),
            },
            c => push(&mut pattern, &mut space, &c.to_string()),
        }
    }
    Ok((pattern, ""))
}

/// The one text that a pattern of `fnmatch` matches, if it matches only one.
fn literal_of_fnmatch(pattern: &str) -> Result<String, String> {
    let mut literal = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '[' => return Err(format!("a wildcard in {pattern:?}")),
            '\\' => literal.push(chars.next().ok_or("a backslash at the end")?),
            c => literal.push(c),
        }
    }
    Ok(literal)
}
