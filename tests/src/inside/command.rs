//! A command for the inside of a bed: who runs it, with what input, on a terminal or not; and the way in.

use std::io::IsTerminal as _;
use std::process::Stdio;
use std::time::Duration;

use super::{Account, Door, Inside, Output, Running};
use crate::{Error, Result};

/// The longest a command may take when nothing else is said.
const LIMIT: Duration = Duration::from_secs(60);

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Never given to a bed: the clock, kernel modules, raw memory and the power switch are this machine's own.
pub(crate) const NEVER: &str = "--bounding-set=-sys_time,-sys_module,-sys_rawio,-sys_boot,-wake_alarm";

/// Sets the login uid (the first word) and goes on as the rest. A kernel without audit has none to set.
const LOGIN: &str = r#"{ echo "$1" > /proc/self/loginuid; } 2>/dev/null; shift; exec "$@""#;

/// The value of a login uid that nobody set.
const UNSET: u32 = u32::MAX;

/// Whether the command has a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Pipes only.
    None,
    /// A pseudo-terminal of its own (by `script`), so that sudo asks and colours show. Both streams come out as one.
    Pty,
}

/// Who logged in, as the kernel's audit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// The user of the command; nobody, for root.
    Themselves,
    /// Nobody: a service, a cron job.
    Nobody,
    /// Somebody else, who then became the user: `su`, `sudo -u`.
    Of(String),
}

/// A command for the inside of a bed.
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until it is run or spawned"]
pub struct Command<'a> {
    inside: &'a Inside,
    words: Vec<String>,
    user: Option<String>,
    login: Login,
    terminal: Terminal,
    folder: Option<String>,
    env: Vec<(String, String)>,
    input: Vec<u8>,
    limit: Duration,
}

impl<'a> Command<'a> {
    pub(super) fn new(inside: &'a Inside, words: &[&str]) -> Command<'a> {
        Command {
            inside,
            words: words.iter().map(|&word| word.to_owned()).collect(),
            user: None,
            login: Login::Themselves,
            terminal: Terminal::None,
            folder: None,
            env: Vec::new(),
            input: Vec::new(),
            limit: LIMIT,
        }
    }

    /// As this user instead of root, with their groups of now.
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// As if this person had logged in.
    pub fn login(mut self, login: Login) -> Self {
        self.login = login;
        self
    }

    /// On a terminal or not.
    pub fn terminal(mut self, terminal: Terminal) -> Self {
        self.terminal = terminal;
        self
    }

    /// In this folder; `/` if nothing is said.
    pub fn folder(mut self, path: &str) -> Self {
        self.folder = Some(path.to_owned());
        self
    }

    /// With this variable in the environment, which is otherwise that of a fresh login.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this on its standard input, which is empty otherwise.
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    /// With this time limit; a minute if nothing is said.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end. A failing command is no error: see [`Output::code`].
    ///
    /// # Errors
    /// When it cannot be started, or runs into the time limit.
    pub fn run(self) -> Result<Output> {
        let running = self.start()?;
        // A command that does not read its input is no error.
        let _ = running.write(&self.input);
        running.close_input();
        let output = running.wait_end(self.limit);
        if output.is_err() {
            running.kill_outer();
        }
        output
    }

    /// Starts it and goes on; its input stays open. The bed ends it at the latest.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(self) -> Result<Running> {
        let running = self.start()?;
        if !self.input.is_empty() {
            running.write(&self.input)?;
        }
        self.inside.remember(&running);
        Ok(running)
    }

    /// Runs it at this program's own terminal and streams, for a person to sit at; gives its exit status.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn attend(mut self) -> Result<i32> {
        if std::io::stdin().is_terminal() {
            self.terminal = Terminal::Pty;
        }
        let (shown, mut program) = self.program()?;
        let status = program.status().map_err(Error::io(format!("start {shown}")))?;
        Ok(Output::code_of(status))
    }

    fn start(&self) -> Result<Running> {
        let (shown, mut program) = self.program()?;
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::start(shown, program)
    }

    /// The command as shown to people, and the program that gets it in.
    fn program(&self) -> Result<(String, std::process::Command)> {
        let account = self.user.as_deref().map(|name| self.inside.account(name)).transpose()?;
        let shown = match &self.user {
            Some(name) => format!("{name}$ {}", self.words.join(" ")),
            None => format!("root# {}", self.words.join(" ")),
        };
        let mut words = match self.inside.door() {
            Door::Namespaces => self.by_namespaces(account.as_ref())?,
            Door::Manager => self.by_manager(account.as_ref())?,
        };
        let mut program = std::process::Command::new(words.remove(0));
        program.args(words);
        Ok((shown, program))
    }

    fn by_namespaces(&self, account: Option<&Account>) -> Result<Vec<String>> {
        let leader = self.inside.leader().to_string();
        let mut words = strings(&["nsenter", "-t", &leader, "-m", "-u", "-i", "-n", "-p", "-r", "-w"]);
        let login = match (&self.login, account) {
            (Login::Themselves, Some(account)) => account.uid,
            (Login::Themselves, None) | (Login::Nobody, _) => UNSET,
            (Login::Of(name), _) => self.inside.account(name)?.uid,
        };
        words.extend(strings(&["/bin/sh", "-c", LOGIN, "login", &login.to_string()]));
        words.extend(strings(&["/usr/bin/setpriv", "--inh-caps=-all", NEVER]));
        if let Some(account) = account {
            words.push(format!("--reuid={}", account.uid));
            words.push(format!("--regid={}", account.gid));
            words.push("--init-groups".to_owned());
        }
        words.extend(strings(&["/usr/bin/env", "-i", "-C", self.folder.as_deref().unwrap_or("/")]));
        words.extend(self.environment(account));
        words.extend(self.typed());
        Ok(words)
    }

    fn by_manager(&self, account: Option<&Account>) -> Result<Vec<String>> {
        let leader = self.inside.leader().to_string();
        let mut words =
            strings(&["nsenter", "-t", &leader, "-a", "/usr/bin/env", "-i", PATH, "SYSTEMD_PAGER="]);
        words.extend(strings(&["systemd-run", "-q", "--pipe", "--wait", "--collect", "--service-type=exec"]));
        words.push(format!("--working-directory={}", self.folder.as_deref().unwrap_or("/")));
        for variable in self.environment(account) {
            words.push(format!("--setenv={variable}"));
        }
        let switch = match (&self.login, account) {
            // pam_loginuid of the login stack sets the login uid, as sshd and login do.
            (Login::Themselves, Some(account)) => {
                words.push(format!("--uid={}", account.name));
                words.push("--property=PAMName=login".to_owned());
                None
            }
            (Login::Nobody, Some(account)) => {
                words.push(format!("--uid={}", account.name));
                None
            }
            (Login::Themselves | Login::Nobody, None) => None,
            (Login::Of(name), account) => Some((self.inside.account(name)?.uid, account)),
        };
        words.push("--".to_owned());
        let mut inner = Vec::new();
        if let Some((login, account)) = switch {
            inner.extend(strings(&["/bin/sh", "-c", LOGIN, "login", &login.to_string()]));
            if let Some(account) = account {
                let (uid, gid) = (format!("--reuid={}", account.uid), format!("--regid={}", account.gid));
                inner.extend(strings(&["/usr/bin/setpriv", &uid, &gid, "--init-groups"]));
            }
        }
        inner.extend(self.typed());
        // systemd expands variables in command lines; a doubled dollar is a plain one.
        words.extend(inner.iter().map(|word| word.replace('$', "$$")));
        Ok(words)
    }

    fn environment(&self, account: Option<&Account>) -> Vec<String> {
        let (name, home, shell) = match account {
            Some(account) => (account.name.as_str(), account.home.as_str(), account.shell.as_str()),
            None => ("root", "/root", "/bin/bash"),
        };
        let mut words = strings(&[PATH, "LANG=C.UTF-8", "TERM=dumb"]);
        words.push(format!("HOME={home}"));
        words.push(format!("USER={name}"));
        words.push(format!("LOGNAME={name}"));
        words.push(format!("SHELL={shell}"));
        words.extend(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        words
    }

    fn typed(&self) -> Vec<String> {
        match self.terminal {
            Terminal::None => self.words.clone(),
            Terminal::Pty => {
                let quoted = self.words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
                strings(&["/usr/bin/script", "-qec", &quoted, "/dev/null"])
            }
        }
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// One word for a shell.
pub(crate) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
