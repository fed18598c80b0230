//! Power-up (section 9): what the last operation came to is found out, decided, and made durable.

use apdu_spec::element::Sequence;
use zeroize::Zeroize;

use super::coding::{Brief, CONTENT, Content, Single};
use super::entry::{Identity, Masters, Parameters, Pin, Record};
use super::index::{Index, Location};
use super::page::{Form, Header, Layout, PageState, Pages, SlotState};
use super::{Head, State, Store, minimum_pages};
use crate::memory::{Memory, MemoryFailure};

/// Why a card cannot start. Nothing has been written unless it is a failure of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PowerUpError {
    /// The memory failed, or is too small ([`minimum_pages`]). It may be tried again.
    Failure(MemoryFailure),
    /// What has been committed does not read valid, or a part of the log is missing.
    Damaged,
    /// An image of another version of this store, or of another window or number of exceptions.
    Form,
}

impl From<MemoryFailure> for PowerUpError {
    fn from(failure: MemoryFailure) -> Self {
        Self::Failure(failure)
    }
}

/// What a log holds, and whether its end is in doubt.
struct Found<const WINDOW: usize, const EXCEPTIONS: usize> {
    head: Option<Head>,
    clean: bool,
    index: Index<WINDOW, EXCEPTIONS>,
    identity: Option<Identity>,
    parameters: Option<Parameters>,
    masters: Option<Masters>,
    pin: Option<Pin>,
    state: State,
}

/// The committed pages that are the log.
#[derive(Clone, Copy)]
struct Log {
    head_page: usize,
    head: Header,
    oldest_position: u64,
}

impl<M: Memory, const WINDOW: usize, const EXCEPTIONS: usize> Store<M, WINDOW, EXCEPTIONS> {
    /// Takes over a memory. A blank one gives a blank store. One whose last operation was cut gets that operation's
    /// outcome fixed, and a free slot if there is none; a clean one is only read.
    ///
    /// # Errors
    /// The memory comes back with the error.
    pub fn power_up(memory: M) -> Result<Self, (M, PowerUpError)> {
        let geometry = memory.geometry();
        let enough = minimum_pages(geometry, WINDOW, EXCEPTIONS).filter(|pages| *pages <= geometry.pages);
        let (Some(layout), Some(_)) = (Layout::of(geometry), enough) else {
            return Err((memory, MemoryFailure::NoRoom.into()));
        };
        let pages = Pages { memory, layout };
        let found = match Self::inspect(&pages) {
            Ok(found) => found,
            Err(error) => return Err((pages.memory, error)),
        };
        let Found { head, clean, index, identity, parameters, masters, pin, state } = found;
        let mut store = Self {
            pages,
            head,
            unsealed: false,
            stopped: false,
            index,
            identity,
            parameters,
            masters,
            pin,
            state,
        };
        let decided = if clean { Ok(()) } else { store.rebuild() };
        match decided.and_then(|()| store.make_room()) {
            Ok(()) => Ok(store),
            Err(failure) => Err((store.into_memory(), failure.into())),
        }
    }

    /// Reads all of the log, and writes nothing.
    fn inspect(pages: &Pages<M>) -> Result<Found<WINDOW, EXCEPTIONS>, PowerUpError> {
        let mut found = Found {
            head: None,
            clean: true,
            index: Index::new(Sequence(0), Sequence(0)),
            identity: None,
            parameters: None,
            masters: None,
            pin: None,
            state: State::default(),
        };
        let Some(log) = Self::find_log(pages)? else { return Ok(found) };
        let mut content = [0; CONTENT];
        let inspected = Self::read_log(pages, &log, &mut content, &mut found);
        content.zeroize();
        inspected.map(|()| found)
    }

    /// Finds the head and checks that every live position has its page, and no page is one too many.
    fn find_log(pages: &Pages<M>) -> Result<Option<Log>, PowerUpError> {
        let mut head: Option<(usize, Header)> = None;
        let mut begun = false;
        for page in 0..pages.layout.pages {
            match pages.state(page)? {
                PageState::Free => {}
                PageState::Retired => begun = true,
                PageState::Damaged => return Err(PowerUpError::Damaged),
                PageState::Committed(header) if header.form != Self::FORM => return Err(PowerUpError::Form),
                PageState::Committed(header) if header.initial > pages.layout.slots => {
                    return Err(PowerUpError::Damaged);
                }
                PageState::Committed(header) => {
                    if head.is_none_or(|(_, newest)| header.write_number > newest.write_number) {
                        head = Some((page, header));
                    }
                }
            }
        }
        let newest = head.map_or(0, |(_, header)| header.write_number);
        for page in 0..pages.layout.pages {
            if matches!(pages.state(page)?, PageState::Free | PageState::Retired)
                && pages.is_lost(page, newest)?
            {
                return Err(PowerUpError::Damaged);
            }
        }
        let Some((head_page, head)) = head else {
            // A page is given up only when another one counts.
            return if begun { Err(PowerUpError::Damaged) } else { Ok(None) };
        };
        let live_pages = pages.layout.live_pages();
        let oldest_position = (head.position.saturating_add(1)).saturating_sub(live_pages);
        let log = Log { head_page, head, oldest_position };

        // Each live page once, and at most one that the head has just replaced or pushed out.
        let mut live = 0;
        let mut replaced = 0;
        for page in 0..pages.layout.pages {
            if let PageState::Committed(header) = pages.state(page)? {
                if page == head_page || header.position < head.position && header.position >= oldest_position
                {
                    live = u64::saturating_add(live, 1);
                } else if header.position == head.position
                    || header.position.saturating_add(live_pages) == head.position
                {
                    replaced = u64::saturating_add(replaced, 1);
                } else {
                    return Err(PowerUpError::Damaged);
                }
            }
        }
        let expected = head.position.saturating_sub(oldest_position).saturating_add(1);
        if live != expected || replaced > 1 {
            return Err(PowerUpError::Damaged);
        }
        Ok(Some(log))
    }

    /// The page of a live position.
    fn page_at(pages: &Pages<M>, log: &Log, position: u64) -> Result<(usize, Header), PowerUpError> {
        if position == log.head.position {
            return Ok((log.head_page, log.head));
        }
        for page in 0..pages.layout.pages {
            if let PageState::Committed(header) = pages.state(page)?
                && header.position == position
            {
                return Ok((page, header));
            }
        }
        Err(PowerUpError::Damaged)
    }

    fn read_log(
        pages: &Pages<M>,
        log: &Log,
        content: &mut Content,
        found: &mut Found<WINDOW, EXCEPTIONS>,
    ) -> Result<(), PowerUpError> {
        // Whether all of it is valid, where it ends, and which record is the newest.
        let mut first = Sequence(0);
        let mut next = Sequence(0);
        let mut last_write_number = 0;
        for position in log.oldest_position..=log.head.position {
            let (page, header) = Self::page_at(pages, log, position)?;
            if header.write_number <= last_write_number {
                return Err(PowerUpError::Damaged);
            }
            last_write_number = header.write_number;
            let is_head = page == log.head_page;
            let (used, clean) = Self::check_page(pages, page, &header, content, &mut first, &mut next)?;
            if is_head {
                found.clean = clean;
                found.head = Some(Head { page, position, write_number: header.write_number, used });
            } else if !clean || used != pages.layout.slots {
                return Err(PowerUpError::Damaged);
            }
        }

        let head_used = found.head.map_or(0, |head| head.used);
        found.index = Index::new(first, next.max(first));
        for position in log.oldest_position..=log.head.position {
            let (page, _) = Self::page_at(pages, log, position)?;
            let used = if page == log.head_page { head_used } else { pages.layout.slots };
            for slot in 0..used {
                let entry = pages.brief(page, slot)?;
                found.index.replay(&entry, Location::new(page, slot)).map_err(|_| PowerUpError::Damaged)?;
            }
        }
        if !found.index.is_complete() {
            return Err(PowerUpError::Damaged);
        }
        Self::read_newest(pages, content, found)
    }

    /// Counts the entries of a page, and says whether the last one is in no doubt.
    fn check_page(
        pages: &Pages<M>,
        page: usize,
        header: &Header,
        content: &mut Content,
        first: &mut Sequence,
        next: &mut Sequence,
    ) -> Result<(usize, bool), PowerUpError> {
        let mut used = 0_usize;
        let mut clean = true;
        let mut ended = false;
        for slot in 0..pages.layout.slots {
            let state = pages.slot(page, slot, header, content)?;
            if state == SlotState::Blank {
                ended = true;
                continue;
            }
            // Nothing is programmed behind a slot that is blank or not sealed.
            if ended || !clean || state == SlotState::Damaged {
                return Err(PowerUpError::Damaged);
            }
            clean = state == SlotState::Sealed;
            if state == SlotState::Torn {
                continue;
            }
            used = used.saturating_add(1);
            match Brief::of(content).map_err(|_| PowerUpError::Damaged)? {
                Brief::Record(record) => {
                    *next = (*next).max(Sequence(record.sequence.0.saturating_add(1)));
                }
                Brief::Single(Single::Identity) => {
                    *first = Identity::decode(content).map_err(|_| PowerUpError::Damaged)?.first_sequence;
                }
                Brief::Single(_) | Brief::Mark(_) => {}
            }
        }
        Ok((used, clean))
    }

    /// Fills what the store keeps at hand.
    fn read_newest(
        pages: &Pages<M>,
        content: &mut Content,
        found: &mut Found<WINDOW, EXCEPTIONS>,
    ) -> Result<(), PowerUpError> {
        let damaged = |_| PowerUpError::Damaged;
        let load = |location: Option<Location>, content: &mut Content| match location {
            Some(location) => Self::read_at(pages, location, content).map(|()| true),
            None => Ok(false),
        };
        if !load(found.index.single(Single::Identity), content)? {
            return Err(PowerUpError::Damaged);
        }
        let identity = Identity::decode(content).map_err(damaged)?;
        if !load(found.index.single(Single::Parameters), content)? {
            return Err(PowerUpError::Damaged);
        }
        found.parameters = Some(Parameters::decode(content).map_err(damaged)?);
        if !load(found.index.single(Single::Pin), content)? {
            return Err(PowerUpError::Damaged);
        }
        found.pin = Some(Pin::decode(content).map_err(damaged)?);
        if load(found.index.single(Single::Masters), content)? {
            found.masters = Some(Masters::decode(content).map_err(damaged)?);
        }
        let newest = found.index.window().next().and_then(|sequence| found.index.location(sequence));
        found.state = if load(newest, content)? {
            State::after(&Record::decode(content).map_err(damaged)?)
        } else {
            State::initial(&identity)
        };
        found.identity = Some(identity);
        Ok(())
    }

    /// Reads an entry whose place the index knows.
    pub(super) fn read_at(
        pages: &Pages<M>,
        location: Location,
        content: &mut Content,
    ) -> Result<(), MemoryFailure> {
        let PageState::Committed(header) = pages.state(location.page())? else {
            return Err(MemoryFailure::Unreadable);
        };
        if pages.read(location.page(), location.slot(), header.write_number, content)? {
            Ok(())
        } else {
            Err(MemoryFailure::Unreadable)
        }
    }

    /// The form of an image that this store reads.
    pub(super) const FORM: Form = Form::of(WINDOW, EXCEPTIONS);
}
