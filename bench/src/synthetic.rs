//! Made-up clicks, the same on every machine: sessions over 50,000 items that are bought as unevenly as in a shop.
//!
//! Items stand in 1,000 groups of 50. A session begins with any item, by Zipf's law, and goes on within the group (7 in
//! 10 clicks), in the next group (2) or anywhere (1); one in four ends after each click from the second on.

use std::io::Write;
use std::path::Path;

const ITEMS: u64 = 50_000;
const GROUPS: u64 = 1_000;
const DAYS: u64 = 30;

/// Numbers that look random (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A rank below `bound`, likely in proportion to 1 / (rank + 1), by the inverse of the logarithm that sums them up.
    pub(crate) fn zipf(&mut self, bound: u64) -> u64 {
        let rank = ((bound as f64 + 1.0).ln() * self.share()).exp() - 1.0;
        (rank as u64).min(bound - 1)
    }

    fn session(&mut self) -> Vec<u64> {
        let mut item = self.zipf(ITEMS);
        let mut items = vec![item];
        loop {
            let group = item % GROUPS;
            let turn = self.share();
            item = match turn {
                _ if turn < 0.7 => group + GROUPS * self.zipf(ITEMS / GROUPS),
                _ if turn < 0.9 => (group + 1) % GROUPS + GROUPS * self.zipf(ITEMS / GROUPS),
                _ => self.zipf(ITEMS),
            };
            items.push(item);
            if self.share() < 0.222 {
                return items;
            }
        }
    }
}

/// Writes `train.txt` with so many clicks and `test.txt` with a thousandth of that, after it in time.
pub(crate) fn write(folder: &Path, clicks: usize) -> std::io::Result<()> {
    let mut dice = Dice(1);
    let mut session = 0_u64;
    // A session has 5.5 clicks.
    let seconds_apart = (DAYS * 86_400) as f64 / (clicks as f64 / 5.5).max(1.0);
    for (name, clicks) in [("train.txt", clicks), ("test.txt", clicks / 1_000)] {
        let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join(name))?);
        writeln!(file, "SessionId\tItemId\tTime")?;
        let mut written = 0;
        while written < clicks {
            session += 1;
            let begins = 1_600_000_000 + (session as f64 * seconds_apart) as u64;
            for (at, item) in (begins..).step_by(30).zip(dice.session()) {
                writeln!(file, "{session}\t{}\t{at}", item + 1)?;
                written += 1;
            }
        }
        file.flush()?;
    }
    Ok(())
}
