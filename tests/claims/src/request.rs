//! Messages: whatever a frame holds, it is read as one value or refused by a sentence, without much memory, and what was read
//! is written and read back as the same. Answers fit into frames, however much is in them.

use std::fmt::Debug;
use std::time::Duration;

use jit_common::codec;
use jit_common::frame::{self, MAX_REQUEST, MAX_RESPONSE};
use jit_common::request::{Hello, Request};
use jit_common::response::Response;
use jitd::listen::fit;

use crate::{bytes::Bytes, measure, sentence};

/// How many bytes reading may allocate for each that arrived: the largest enum behind a byte that names its variant.
const FOR_EACH_BYTE: usize = 1024;

/// What it may allocate anyway: room for a list is made by its announced length, up to a mebibyte for each list within a list.
const LISTS: usize = 4 * MAX_RESPONSE;

/// The most that one message may cost, in work of the one thread that has to read it.
const WORK: Duration = Duration::from_secs(5);

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let mut rest = Bytes(data);
    let which = rest.byte();
    measure::within(WORK, || match which % 4 {
        0 => drop(read::<Hello>(rest.0)),
        1 => drop(read::<Request>(&rest.0[..rest.0.len().min(MAX_REQUEST)])),
        2 => drop(read::<Response>(rest.0)),
        _ => {
            let times = usize::from(u16::from_le_bytes(rest.array()));
            if let Some(response) = read::<Response>(rest.0) {
                fits(&multiplied(response, times));
            }
        }
    });
}

/// Reads a value as both ends do.
fn read<T>(bytes: &[u8]) -> Option<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Debug + PartialEq,
{
    let (value, most) = measure::memory(|| codec::decode::<T>(bytes));
    let limit = LISTS + (bytes.len() * FOR_EACH_BYTE).min(2 * MAX_RESPONSE);
    assert!(most <= limit, "{most} bytes were allocated for a message of {}", bytes.len());
    match value {
        Ok(value) => {
            // Numbers have several forms on the wire, so it is the value that has to be the same.
            let written = codec::encode(&value).unwrap();
            assert!(written.len() <= bytes.len(), "we write the shortest form");
            assert_eq!(codec::decode::<T>(&written).unwrap(), value);
            let more = [bytes, &[0]].concat();
            assert!(codec::decode::<T>(&more).is_err(), "a byte behind the message is not seen");
            Some(value)
        }
        Err(why) => {
            sentence::is_one(&why.to_string());
            None
        }
    }
}

/// An answer with so many times as much in it.
fn multiplied(response: Response, times: usize) -> Response {
    fn more<T: Clone>(list: Vec<T>, times: usize) -> Vec<T> {
        // Some 4 MiB in memory at most, which is several frames.
        let most = times.min(4 * MAX_RESPONSE / size_of::<T>().max(1));
        list.iter().cycle().take(most.max(list.len()) * usize::from(!list.is_empty())).cloned().collect()
    }
    match response {
        Response::Log(entries) => Response::Log(more(entries, times)),
        Response::Roles(views) => Response::Roles(more(views, times)),
        Response::Ended(views) => Response::Ended(more(views, times)),
        Response::Pending(views) => Response::Pending(more(views, times)),
        Response::Status(mut view) => {
            view.mine = more(view.mine, times);
            view.all = view.all.map(|all| more(all, times));
            view.open = more(view.open, times);
            view.attention = more(view.attention, times);
            Response::Status(view)
        }
        Response::Explained(mut explanation) => {
            explanation.rules = more(explanation.rules, times);
            explanation.denies = more(explanation.denies, times);
            Response::Explained(explanation)
        }
        Response::Story(mut view) => {
            view.entries = more(view.entries, times);
            Response::Story(view)
        }
        other => other,
    }
}

/// jitd cuts an answer into frames that the client can read.
fn fits(response: &Response) {
    let is_log = matches!(response, Response::Log(_));
    let bodies = fit::bodies(response.clone()).unwrap();
    assert!(bodies.len() == 1 || is_log, "only the log takes several frames");
    let mut entries = 0;
    for body in &bodies {
        frame::wrap(body, MAX_RESPONSE).unwrap();
        let heard: Response = codec::decode(body).unwrap();
        if let Response::Log(found) = heard {
            entries += found.len();
        }
    }
    if let Response::Log(told) = response {
        assert_eq!(entries, told.len(), "no entry of the record is left out");
    }
}
