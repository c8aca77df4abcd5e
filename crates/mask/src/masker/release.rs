//! What leaves when the source is silent. A beginning that waits for ever would stall a protocol: both sides wait.
//!
//! Of a beginning at most 7 decoded bytes leave, and at most a quarter of its form, behind its public prefix; never
//! more, in however many silences. If the rest comes, the rest is masked. What will be masked either way leaves as a
//! marker.

use std::io::{self, Write};
use std::sync::Arc;

use super::brief::Past;
use super::finds::Find;
use super::{Masker, offset};

impl Masker {
    /// The source is silent. Writes what may not wait any longer.
    pub fn idle(&mut self, out: &mut impl Write) -> io::Result<()> {
        let plan = Arc::clone(&self.plan);
        if plan.oblivious.is_some() {
            return self.let_go(&plan, out);
        }
        let end = self.end;
        if plan.has_brief
            && let Some(place) = self.brief.pause(end)
        {
            self.add(Find::new(place));
        }
        let before = std::mem::take(&mut self.before);
        let past = Past { before: &before, chunk: &[], base: end };
        let free = self.free();
        let limits =
            [self.raw.limit(&plan, end, free), self.brief.limit(&plan, end, past, free), self.views.limit(&plan, free)];
        let mut limit = limits.into_iter().flatten().fold(end, u64::min).max(self.gone);
        while let Some(find) = self.finds.first().filter(|find| find.start <= limit).copied() {
            self.mark(&plan, find, past, out)?;
            self.finds.take_first();
            if find.end >= limit {
                limit = find.end + self.line_end() as u64;
            }
        }
        self.pass(limit, past, out)?;
        self.keep(&plan, past, out)?;
        self.before = before;
        Ok(())
    }

    /// The length of the line end with which the kept bytes begin.
    fn line_end(&self) -> usize {
        let rest = &self.held[self.held.len() - offset(self.end, self.done)..];
        [&b"\r\n"[..], b"\n"].iter().find(|end| rest.starts_with(end)).map_or(0, |end| end.len())
    }
}
