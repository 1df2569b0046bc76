//! A compiled pattern, and the search of a text with it: one byte at a time.
//! Never many steps without a check of the caller's patience. A byte may cost a walk through the
//! whole of a large pattern, so the checks are more frequent the larger the pattern is.

use std::sync::{Mutex, PoisonError};

use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson,
    util::syntax,
};

use crate::error::EvaluationError;
use crate::limits::Patience;

/// The deepest nesting of groups.
const NESTING: u32 = 100;
/// The size of a pattern's cache for each search in progress, in bytes; more only if two steps
/// need more.
const CACHE: usize = 1 << 20;
/// The number of such caches that are kept for later searches.
const SPARE: usize = 4;
/// The length of a walk through a pattern, in states, between two checks of the patience.
const PAUSE: usize = 1 << 15;

/// Why a pattern is invalid; without the pattern itself, which may be a secret value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax,
    Size,
}

impl Fault {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Fault::Syntax => "not a regular expression",
            Fault::Size => "the regular expression is too large once it is compiled",
        }
    }
}

/// Where a match begins and ends, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a search returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether there is a match.
    Test,
    /// Also where it is.
    Find,
}

#[derive(Debug)]
pub(crate) struct Matcher {
    forward: Automaton,
    /// From the end of a match to its beginning.
    backward: Option<Automaton>,
}

impl Matcher {
    /// `pattern` is in the syntax of the crate; `size` bounds the bytes of each direction.
    pub(crate) fn new(pattern: &str, size: usize, purpose: Purpose) -> Result<Matcher, Fault> {
        let backward = match purpose {
            Purpose::Test => None,
            Purpose::Find => Some(Automaton::new(pattern, size, Direction::Backward)?),
        };
        Ok(Matcher { forward: Automaton::new(pattern, size, Direction::Forward)?, backward })
    }

    pub(super) fn serves(&self, purpose: Purpose) -> bool {
        purpose == Purpose::Test || self.backward.is_some()
    }

    /// Whether the text has a match.
    pub(crate) fn is_match(
        &self,
        text: &str,
        patience: Option<&Patience>,
    ) -> Result<bool, EvaluationError> {
        self.end(text, 0, Until::AnyMatch, patience).map(|end| end.is_some())
    }

    /// The first match that begins at `from` or later; of those, the one that is preferred.
    pub(crate) fn find(
        &self,
        text: &str,
        from: usize,
        patience: Option<&Patience>,
    ) -> Result<Option<Found>, EvaluationError> {
        let mut from = from;
        while from <= text.len() {
            let Some(end) = self.end(text, from, Until::WholeMatch, patience)? else { break };
            // An empty match within a character does not count, and nothing matches before it.
            if text.is_char_boundary(end) {
                let start = self.start(text, from, end, patience)?;
                return Ok(Some(Found { start, end }));
            }
            from = end + 1;
        }
        Ok(None)
    }

    fn end(
        &self,
        text: &str,
        from: usize,
        until: Until,
        patience: Option<&Patience>,
    ) -> Result<Option<usize>, EvaluationError> {
        let bytes = text.as_bytes();
        let input = Input::new(bytes).span(from..bytes.len());
        self.forward.with_cache(|dfa, cache| {
            let mut state = dfa.start_state_forward(cache, &input).map_err(given_up)?;
            let mut end = None;
            for (at, byte) in bytes.iter().enumerate().skip(from) {
                self.forward.pause(at, patience)?;
                state = dfa.next_state(cache, state, *byte).map_err(given_up)?;
                // The automaton reports a match one byte late.
                if state.is_match() {
                    end = Some(at);
                    // A match within a character may not count, so `find` decides.
                    if until == Until::AnyMatch && text.is_char_boundary(at) {
                        return Ok(end);
                    }
                } else if state.is_dead() {
                    return Ok(end);
                }
            }
            state = dfa.next_eoi_state(cache, state).map_err(given_up)?;
            Ok(if state.is_match() { Some(bytes.len()) } else { end })
        })
    }

    fn start(
        &self,
        text: &str,
        from: usize,
        end: usize,
        patience: Option<&Patience>,
    ) -> Result<usize, EvaluationError> {
        if from == end {
            return Ok(end);
        }
        let Some(backward) = &self.backward else { return Ok(end) };
        let bytes = text.as_bytes();
        let input = Input::new(bytes).span(from..end).anchored(Anchored::Yes);
        backward.with_cache(|dfa, cache| {
            let mut state = dfa.start_state_reverse(cache, &input).map_err(given_up)?;
            let mut start = end;
            for (at, byte) in bytes.iter().enumerate().take(end).skip(from).rev() {
                backward.pause(at, patience)?;
                state = dfa.next_state(cache, state, *byte).map_err(given_up)?;
                if state.is_match() {
                    start = at + 1;
                } else if state.is_dead() {
                    return Ok(start);
                }
            }
            state = match from.checked_sub(1).and_then(|before| bytes.get(before)) {
                Some(before) => dfa.next_state(cache, state, *before).map_err(given_up)?,
                None => dfa.next_eoi_state(cache, state).map_err(given_up)?,
            };
            Ok(if state.is_match() { from } else { start })
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    AnyMatch,
    WholeMatch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    caches: Mutex<Vec<Cache>>,
    /// Bytes between two checks of the patience.
    interval: usize,
}

impl Automaton {
    fn new(pattern: &str, size: usize, direction: Direction) -> Result<Automaton, Fault> {
        let is_backward = direction == Direction::Backward;
        let config = syntax::Config::new().nest_limit(NESTING);
        let parsed = syntax::parse_with(pattern, &config).map_err(|_| Fault::Syntax)?;
        let config = thompson::Config::new()
            .nfa_size_limit(Some(size))
            .which_captures(thompson::WhichCaptures::None)
            .reverse(is_backward);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(&parsed).map_err(
            |fault| match fault.size_limit() {
                Some(_) => Fault::Size,
                None => Fault::Syntax,
            },
        )?;
        let interval = (PAUSE / nfa.states().len().max(1)).clamp(1, 1024);
        let kind = if is_backward { MatchKind::All } else { MatchKind::LeftmostFirst };
        let config = DFA::config()
            .match_kind(kind)
            .cache_capacity(CACHE.min(size))
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| Fault::Size)?;
        Ok(Automaton { dfa, caches: Mutex::default(), interval })
    }

    fn with_cache<T>(&self, search: impl FnOnce(&DFA, &mut Cache) -> T) -> T {
        let spare = self.caches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut cache = spare.unwrap_or_else(|| self.dfa.create_cache());
        let outcome = search(&self.dfa, &mut cache);
        let mut spares = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < SPARE {
            spares.push(cache);
        }
        outcome
    }

    fn pause(&self, at: usize, patience: Option<&Patience>) -> Result<(), EvaluationError> {
        match patience {
            Some(patience) if (at + 1).is_multiple_of(self.interval) => patience.check(),
            Some(_) | None => Ok(()),
        }
    }
}

/// Never happens: no setting makes a search give up.
fn given_up<E>(_: E) -> EvaluationError {
    EvaluationError::failed("matches", "the search was given up")
}
