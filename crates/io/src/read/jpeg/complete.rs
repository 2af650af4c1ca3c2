//! Whether the scans of a sequential JPEG file with Huffman codes hold all of their blocks.
//!
//! jpeg-decoder fills up what ends too early without a word. This walks through the codes and
//! decodes nothing (ITU-T T.81, annexes C and F.2.2).

use super::segments::{Frame, next};

/// A Huffman table.
#[derive(Default, Clone)]
struct Table {
    /// For each length: first code, number of codes, position of the first symbol.
    lengths: Vec<(u32, u32, usize)>,
    symbols: Vec<u8>,
}

/// Coded data, bit by bit, without the bytes that stuff it.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// Bits of the byte at `at` that were taken.
    taken: u32,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        let byte = *self.data.get(self.at)?;
        if byte == 0xff && self.data.get(self.at + 1) != Some(&0) {
            return None; // a marker
        }
        let bit = byte >> (7 - self.taken) & 1;
        self.taken += 1;
        if self.taken == 8 {
            self.taken = 0;
            self.at += if byte == 0xff { 2 } else { 1 };
        }
        Some(bit.into())
    }

    fn skip(&mut self, bits: u8) -> Option<()> {
        (0..bits).try_for_each(|_| self.bit().map(drop))
    }

    fn symbol(&mut self, table: &Table) -> Option<u8> {
        let mut code = 0;
        for &(first, count, position) in &table.lengths {
            code = code << 1 | self.bit()?;
            if let Some(index) = code.checked_sub(first).filter(|index| *index < count) {
                return table.symbols.get(position + index as usize).copied();
            }
        }
        None
    }

    /// Goes behind the restart marker that must be next.
    fn restart(&mut self) -> Option<()> {
        if self.taken > 0 {
            // The rest of the byte is padding; it may be stuffed too.
            self.at += if self.data.get(self.at) == Some(&0xff) { 2 } else { 1 };
            self.taken = 0;
        }
        while self.data.get(self.at) == Some(&0xff) && self.data.get(self.at + 1) == Some(&0xff) {
            self.at += 1;
        }
        let is_restart = matches!(self.data.get(self.at..self.at + 2), Some([0xff, 0xd0..=0xd7]));
        self.at += 2;
        is_restart.then_some(())
    }

    fn block(&mut self, dc: &Table, ac: &Table) -> Option<()> {
        let size = self.symbol(dc)?;
        self.skip(size)?;
        let mut k = 1;
        while k < 64 {
            let symbol = self.symbol(ac)?;
            let (run, size) = (symbol >> 4, symbol & 15);
            match (run, size) {
                (15, 0) => k += 16,
                (_, 0) => break,
                _ => {
                    k += usize::from(run) + 1;
                    self.skip(size)?;
                }
            }
        }
        Some(())
    }
}

/// Whether all scans are whole; true for what is not a sequential file with Huffman codes.
pub(super) fn is_complete(bytes: &[u8], frame: &Frame) -> bool {
    if frame.code > 0xc1 || frame.height == 0 {
        return true;
    }
    let mut tables: [Table; 8] = Default::default();
    let (mut restart_interval, mut at) = (0, 2);
    while let Some((code, content)) = next(bytes, &mut at) {
        let content = &bytes[content];
        match code {
            0xc4 => define(content, &mut tables),
            0xdd => restart_interval = content.first_chunk().map_or(0, |two| u16::from_be_bytes(*two).into()),
            0xda if scan(&bytes[at..], content, frame, &tables, restart_interval).is_none() => return false,
            0xd9 => break,
            _ => {}
        }
    }
    true
}

/// Reads the tables of a segment.
fn define(mut content: &[u8], tables: &mut [Table; 8]) {
    while let [id, rest @ ..] = content {
        let Some((counts, rest)) = rest.split_first_chunk::<16>() else { return };
        let total: usize = counts.iter().map(|n| usize::from(*n)).sum();
        let Some((symbols, rest)) = rest.split_at_checked(total) else { return };
        let mut table = Table { lengths: Vec::with_capacity(16), symbols: symbols.to_vec() };
        let (mut code, mut position) = (0u32, 0);
        for &count in counts {
            table.lengths.push((code, count.into(), position));
            code = (code + u32::from(count)) << 1;
            position += usize::from(count);
        }
        tables[usize::from((id >> 4 & 1) * 4 + (id & 3))] = table;
        content = rest;
    }
}

/// Walks through the data of one scan.
fn scan(data: &[u8], header: &[u8], frame: &Frame, tables: &[Table; 8], restart_interval: usize) -> Option<()> {
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let most = |factor: fn(&(u8, u8)) -> u8| frame.sampling.iter().map(factor).max().unwrap_or(1).max(1);
    let (h_max, v_max) = (usize::from(most(|s| s.0)), usize::from(most(|s| s.1)));
    let parts = header.get(1..)?.chunks_exact(2).take(usize::from(*header.first()?));
    // Each component of the scan: blocks of an interleaved unit, and tables.
    let mut components = Vec::new();
    for part in parts {
        let (h, v) = frame.sampling[frame.ids.iter().position(|id| *id == part[0])?];
        components.push((
            (usize::from(h), usize::from(v)),
            usize::from(part[1] >> 4 & 3),
            usize::from(4 + (part[1] & 3)),
        ));
    }
    let units = match components.as_mut_slice() {
        [((h, v), ..)] => {
            let blocks = (width * *h).div_ceil(h_max).div_ceil(8) * (height * *v).div_ceil(v_max).div_ceil(8);
            (*h, *v) = (1, 1);
            blocks
        }
        _ => width.div_ceil(8 * h_max) * height.div_ceil(8 * v_max),
    };
    let mut bits = Bits { data, at: 0, taken: 0 };
    for unit in 0..units {
        if restart_interval > 0 && unit > 0 && unit % restart_interval == 0 {
            bits.restart()?;
        }
        for &((h, v), dc, ac) in &components {
            (0..h * v).try_for_each(|_| bits.block(&tables[dc], &tables[ac]))?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::segments::Segments;
    use super::*;

    #[test]
    fn whole_and_cut_files() {
        let samples: Vec<u8> = (0..40 * 30 * 3).map(|i| (i * i / 7 % 251) as u8).collect();
        for factor in [jpeg_encoder::SamplingFactor::F_1_1, jpeg_encoder::SamplingFactor::F_2_2] {
            for interval in [0, 2] {
                let mut bytes = Vec::new();
                let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
                encoder.set_sampling_factor(factor);
                encoder.set_restart_interval(interval);
                encoder.encode(&samples, 40, 30, jpeg_encoder::ColorType::Rgb).unwrap();
                let complete = |bytes: &[u8]| is_complete(bytes, Segments::read(bytes).frame.as_ref().unwrap());
                assert!(complete(&bytes), "{factor:?}, restarts every {interval}");
                assert!(complete(&bytes[..bytes.len() - 2]), "without the marker of the end");
                for cut in (10..bytes.len() / 2).step_by(7) {
                    let cut = [&bytes[..bytes.len() - cut], b"\xff\xd9"].concat();
                    assert!(!complete(&cut), "{} of {} bytes", cut.len(), bytes.len());
                }
            }
        }
    }
}
