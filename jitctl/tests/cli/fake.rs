//! A jitd that answers what a test wants, over the real frames.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use jit_common::duration::GrantDuration;
use jit_common::explanation::{Explanation, Outcome};
use jit_common::refusal::RuleRef;
use jit_common::request::{Hello, Request, WIRE_VERSION};
use jit_common::response::{
    ChoiceView, GivesView, GrantView, GroupView, NeedView, OpenView, PasswordView, PersonView, Presence,
    Response, RoleView, RuleView, StateView, StatusView, SudoView, VoteView,
};
use jit_common::{codec, frame};

use crate::program::Scratch;

/// What it does with a connection.
pub(crate) enum Act {
    /// Welcomes, and answers with these.
    Answer(Vec<Response>),
    /// Says that it is of another version.
    WrongVersion,
    /// Writes these bytes.
    Bytes(Vec<u8>),
    /// Welcomes and hangs up.
    HangUp,
    /// Never says anything.
    Silence,
    /// Answers, and is gone for everybody after that.
    LastAnswer(Box<Response>),
}

/// A listening fake.
pub(crate) struct Fake {
    pub(crate) socket: PathBuf,
    /// The requests, as they come.
    pub(crate) asked: Receiver<Request>,
    /// Where the socket is.
    _dir: Scratch,
}

impl Fake {
    /// Listens, and does with each request what `act` says.
    pub(crate) fn new(act: impl FnMut(&Request) -> Act + Send + 'static) -> Self {
        Self::telling(|_| true, act)
    }

    fn telling(told: fn(&Request) -> bool, act: impl FnMut(&Request) -> Act + Send + 'static) -> Self {
        let dir = Scratch::new();
        let socket = dir.join("jitd.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (sender, asked) = channel();
        let path = socket.clone();
        // Not joined: it ends with the test's process.
        thread::spawn(move || serve(&listener, &path, act, told, &sender));
        Self { socket, asked, _dir: dir }
    }

    /// The same, but it says by itself which roles there are, and [`Fake::asked`] does not have that question.
    pub(crate) fn with_roles(
        roles: Vec<RoleView>,
        mut act: impl FnMut(&Request) -> Act + Send + 'static,
    ) -> Self {
        let act = move |request: &Request| match request {
            Request::Roles => Act::Answer(vec![Response::Roles(roles.clone())]),
            other => act(other),
        };
        Self::telling(|request| *request != Request::Roles, act)
    }

    /// Answers every request with this.
    pub(crate) fn answering(response: Response) -> Self {
        Self::new(move |_| Act::Answer(vec![response.clone()]))
    }

    /// The next request that was made.
    pub(crate) fn request(&self) -> Request {
        self.asked.recv_timeout(std::time::Duration::from_secs(60)).unwrap()
    }
}

fn serve(
    listener: &UnixListener,
    path: &PathBuf,
    mut act: impl FnMut(&Request) -> Act,
    told: fn(&Request) -> bool,
    asked: &Sender<Request>,
) {
    // Streams of silent answers stay open.
    let mut silent = vec![];
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _: Hello = codec::decode(&read(&mut stream)).unwrap();
        let request: Request = codec::decode(&read(&mut stream)).unwrap();
        let act = act(&request);
        let last = matches!(act, Act::LastAnswer(_));
        if last {
            // Before the client can know, so that its next call finds nobody.
            fs::remove_file(path).unwrap();
        }
        if told(&request) {
            let _ = asked.send(request);
        }
        let welcome = Response::Welcome { daemon: "0.0.0-fake".to_owned() };
        match act {
            Act::Answer(responses) => {
                send(&mut stream, &welcome);
                responses.iter().for_each(|response| send(&mut stream, response));
            }
            Act::WrongVersion => {
                let daemon = "9.9.9".to_owned();
                send(&mut stream, &Response::WrongVersion { wire: WIRE_VERSION + 1, daemon });
            }
            Act::Bytes(bytes) => drop(stream.write_all(&bytes)),
            Act::HangUp => send(&mut stream, &welcome),
            Act::Silence => silent.push(stream),
            Act::LastAnswer(response) => {
                send(&mut stream, &welcome);
                send(&mut stream, &response);
                return;
            }
        }
    }
}

fn read(stream: &mut UnixStream) -> Vec<u8> {
    let mut header = [0; frame::HEADER_LEN];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; frame::body_len(header, frame::MAX_REQUEST).unwrap()];
    stream.read_exact(&mut body).unwrap();
    body
}

/// A client that has gone is no concern of ours.
fn send(stream: &mut UnixStream, response: &Response) {
    let bytes = frame::wrap(&codec::encode(response).unwrap(), frame::MAX_RESPONSE).unwrap();
    let _ = stream.write_all(&bytes);
}

/// A live grant of `web-restart`.
pub(crate) fn grant() -> GrantView {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let half_an_hour = 1_800_000_000_000;
    GrantView {
        id: "7k2m9xqa".parse().unwrap(),
        person: PersonView { uid: 1000, name: "alice".to_owned() },
        role: "web-restart".to_owned(),
        rule: RuleView {
            name: "on-call restarts web at once".to_owned(),
            location: "10-web.toml:12".to_owned(),
        },
        state: StateView::Active,
        gives: GivesView {
            sudo: Some(SudoView {
                run_as: "root".to_owned(),
                password: PasswordView::NotAsked,
                commands: vec!["/usr/bin/jit-no-such-program".to_owned()],
                refused: vec![],
            }),
            groups: vec![],
        },
        reason: Some("INC-42 nginx \x1b[31mstuck".to_owned()),
        ticket: None,
        start: now,
        until: now + half_an_hour,
        left: half_an_hour,
        end: None,
        approved_by: vec![],
        replaces: None,
        longest: now + half_an_hour,
        residue: vec![],
    }
}

/// A role that gives this, as `roles` shows it.
pub(crate) fn role(name: &str, gives: GivesView) -> RoleView {
    let role = RuleRef { name: "one".to_owned(), location: "10-web.toml:12".to_owned() };
    let duration = GrantDuration::from_secs(1800).unwrap();
    RoleView {
        name: name.to_owned(),
        summary: String::new(),
        risk: "low".to_owned(),
        gives,
        equals_root: vec![],
        disabled: vec![],
        now: Explanation {
            outcome: Outcome::Permitted { rule: role, duration, approvals: vec![] },
            denies: vec![],
            rules: vec![],
        },
    }
}

/// bert's yes.
pub(crate) fn berts_vote() -> VoteView {
    let person = PersonView { uid: 2001, name: "bert".to_owned() };
    VoteView { person, at: 1_795_000_000_000_000_000, seconds: None, note: Some("ok".to_owned()) }
}

/// alice wants docker, and two people have to approve.
pub(crate) fn open() -> OpenView {
    let (grant, two_hours) = (grant(), 7_200_000_000_000);
    let need = |by: &str, uid, name: &str, presence| NeedView {
        count: 1,
        met: 0,
        by: format!("somebody in {by}"),
        could: vec![ChoiceView { person: PersonView { uid, name: name.to_owned() }, presence }],
        unlisted: vec![],
    };
    OpenView {
        id: grant.id,
        person: grant.person,
        role: "docker".to_owned(),
        rule: grant.rule,
        state: StateView::Pending,
        gives: GivesView { sudo: None, groups: vec![GroupView { gid: 998, name: "docker".to_owned() }] },
        reason: grant.reason,
        ticket: None,
        asked: grant.start,
        asked_seconds: 1800,
        seconds: 1800,
        start: None,
        lapse: grant.start + two_hours,
        left: two_hours,
        extends: None,
        needs: vec![
            need("leads", 2001, "bert", Presence::Away),
            need("security", 2004, "sara", Presence::LoggedIn),
        ],
        votes: vec![],
        held_up: None,
        not_by_you: Some("it is your own request".to_owned()),
        version: 1,
    }
}

/// The same, when bert has approved.
pub(crate) fn half_approved() -> OpenView {
    let mut open = open();
    open.votes.push(berts_vote());
    open.needs[0].met = 1;
    open.version = 2;
    open
}

/// The same, when everybody has, for a start in an hour.
pub(crate) fn scheduled() -> OpenView {
    let mut open = half_approved();
    open.state = StateView::Scheduled;
    open.start = Some(open.asked + 3_600_000_000_000);
    open.needs[1].met = 1;
    open.version = 3;
    open
}

/// Nothing live, all well.
pub(crate) fn status() -> StatusView {
    StatusView {
        waiting: None,
        mine: vec![],
        all: None,
        open: vec![],
        daemon: "0.1.0".to_owned(),
        not_granting: vec![],
        attention: vec![],
        sudo: "classic 1.9.16p2".to_owned(),
        policy: None,
        live: 0,
        entries: 0,
        sinks: vec![],
    }
}
