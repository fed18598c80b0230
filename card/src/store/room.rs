//! Building pages (section 9): the only place where something is erased.

use super::coding::{Brief, CONTENT, Content, FLAGS_OFFSET};
use super::index::{Build, Location};
use super::page::{Header, PageState};
use super::{Head, Store};
use crate::memory::{Memory, MemoryFailure};
use zeroize::Zeroize;

/// A committed page whose entries are to be copied.
#[derive(Clone, Copy, Debug)]
struct Source {
    page: usize,
    write_number: u64,
    /// Entries in it.
    used: usize,
}

impl<M: Memory, const WINDOW: usize, const EXCEPTIONS: usize> Store<M, WINDOW, EXCEPTIONS> {
    /// Frees a slot if none is left.
    ///
    /// At the next position the head takes over what the leaving page must keep, and as many slots as that page need
    /// not keep are free; at the same position as many as the head need not keep. The better of the two is taken.
    /// Where neither frees a slot, the leaving page held nothing but what is kept, and the next one is tried. That
    /// ends: after one round all live pages would hold only kept entries, each of them once, but those are at most
    /// the window, the exceptions and five singles, and [`super::minimum_pages`] has one slot more.
    pub(super) fn make_room(&mut self) -> Result<(), MemoryFailure> {
        let slots = self.pages.layout.slots;
        for _ in 0..=self.pages.layout.pages {
            let Some(head) = self.head.filter(|head| head.used >= slots) else { return Ok(()) };
            let same = Source { page: head.page, write_number: head.write_number, used: head.used };
            let next = self.leaving(&head)?;
            let kept_next = next.map_or(Ok(0), |source| self.kept(&source, Build::Next))?;
            // Mostly the leaving page keeps nothing, and the head need not be read.
            let kept_same = if kept_next == 0 { 0 } else { self.kept(&same, Build::Same)? };
            if kept_next <= kept_same {
                self.build(&head, next, kept_next, Build::Next)?;
            } else {
                self.build(&head, Some(same), kept_same, Build::Same)?;
            }
        }
        Err(MemoryFailure::NoRoom)
    }

    /// Builds the head's position again from what counts of it, so that nothing torn is left.
    pub(super) fn rebuild(&mut self) -> Result<(), MemoryFailure> {
        let Some(head) = self.head else { return Ok(()) };
        let source = Source { page: head.page, write_number: head.write_number, used: head.used };
        let kept = self.kept(&source, Build::Same)?;
        self.build(&head, Some(source), kept, Build::Same)
    }

    /// The page that leaves when the next position is built; none while the log is young.
    fn leaving(&self, head: &Head) -> Result<Option<Source>, MemoryFailure> {
        let Some(position) = head.next_position().checked_sub(self.live_pages()) else { return Ok(None) };
        if position == head.position {
            return Ok(Some(Source { page: head.page, write_number: head.write_number, used: head.used }));
        }
        for page in 0..self.pages.layout.pages {
            if let PageState::Committed(Header { position: of, write_number, .. }) = self.pages.state(page)?
                && of == position
            {
                return Ok(Some(Source { page, write_number, used: self.pages.layout.slots }));
            }
        }
        Err(MemoryFailure::Unreadable)
    }

    /// A page that holds nothing of the log. A replaced one comes first, so that there is never a second.
    fn spare(&self, head: &Head) -> Result<usize, MemoryFailure> {
        let mut spare = None;
        for page in 0..self.pages.layout.pages {
            match self.pages.state(page)? {
                PageState::Committed(header) => {
                    let live = page == head.page
                        || header.position < head.position
                            && header.position.saturating_add(self.live_pages()) > head.position;
                    if !live {
                        return Ok(page);
                    }
                }
                PageState::Free | PageState::Retired => spare = spare.or(Some(page)),
                PageState::Damaged => return Err(MemoryFailure::Unreadable),
            }
        }
        spare.ok_or(MemoryFailure::NoRoom)
    }

    /// How many entries of this page must be kept.
    fn kept(&self, source: &Source, build: Build) -> Result<usize, MemoryFailure> {
        (0..source.used).try_fold(0_usize, |count, slot| {
            let entry = self.pages.brief(source.page, slot)?;
            let kept = self.index.keeps(&entry, Location::new(source.page, slot), build);
            Ok(count.saturating_add(usize::from(kept)))
        })
    }

    /// Builds a page on the spare one and makes it the head. Cut anywhere, the old head stays.
    fn build(
        &mut self,
        head: &Head,
        source: Option<Source>,
        kept: usize,
        build: Build,
    ) -> Result<(), MemoryFailure> {
        let page = self.spare(head)?;
        let header = Header {
            form: Self::FORM,
            initial: kept,
            position: match build {
                Build::Same => head.position,
                Build::Next => head.next_position(),
            },
            write_number: head.write_number.saturating_add(1),
        };
        self.pages.open(page, &header)?;
        let mut used = 0_usize;
        if let Some(source) = source {
            let mut content = [0; CONTENT];
            let copied = self.copy(&source, build, page, &header, &mut content);
            content.zeroize();
            used = copied?;
        }
        debug_assert_eq!(used, kept, "the header says how many");
        self.pages.commit(page)?;

        self.head = Some(Head { page, position: header.position, write_number: header.write_number, used });
        for slot in 0..used {
            let entry = self.pages.brief(page, slot)?;
            self.index.relocate(&entry, Location::new(page, slot));
        }
        Ok(())
    }

    /// Copies what must be kept, records with what is known of them; returns how many.
    fn copy(
        &mut self,
        source: &Source,
        build: Build,
        page: usize,
        header: &Header,
        content: &mut Content,
    ) -> Result<usize, MemoryFailure> {
        let mut used = 0_usize;
        for slot in 0..source.used {
            if !self.pages.read(source.page, slot, source.write_number, content)? {
                return Err(MemoryFailure::Unreadable);
            }
            let entry = Brief::of(content).map_err(|_| MemoryFailure::Unreadable)?;
            if !self.index.keeps(&entry, Location::new(source.page, slot), build) {
                continue;
            }
            if let Brief::Record(record) = entry
                && let (Some(flags), Some(byte)) =
                    (self.index.flags(record.sequence), content.get_mut(FLAGS_OFFSET))
            {
                *byte |= flags;
            }
            self.pages.program(page, used, header.write_number, content)?;
            used = used.saturating_add(1);
        }
        Ok(used)
    }
}
