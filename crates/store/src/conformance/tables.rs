//! What every [`Tables`] must do.

use crate::{Scan, Tables, Write};

/// Runs the suite; `make` gives empty tables each time.
pub fn tables<T: Tables>(mut make: impl FnMut() -> T) {
    puts_replaces_and_deletes(&make());
    tables_do_not_mix(&make());
    a_batch_is_applied_in_order(&make());
    scans_in_byte_order_both_ways(&make());
    scans_page_by_page(&make());
    scans_a_prefix(&make());
    keeps_any_bytes(&make());
    readers_see_whole_batches(&make());
}

fn puts_replaces_and_deletes(tables: &dyn Tables) {
    assert_eq!(tables.get("settings", b"a").unwrap(), None);
    tables.write(&[]).unwrap();
    tables.write(&[Write::put("settings", "a", "1"), Write::put("settings", "b", "")]).unwrap();
    assert_eq!(tables.get("settings", b"a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(tables.get("settings", b"b").unwrap(), Some(Vec::new()));
    tables.write(&[Write::put("settings", "a", "2"), Write::delete("settings", "b")]).unwrap();
    assert_eq!(tables.get("settings", b"a").unwrap(), Some(b"2".to_vec()));
    assert_eq!(tables.get("settings", b"b").unwrap(), None);
    tables.write(&[Write::delete("settings", "never there")]).unwrap();
}

fn tables_do_not_mix(tables: &dyn Tables) {
    tables.write(&[Write::put("a", "k", "1"), Write::put("b", "k", "2"), Write::put("ab", "k", "3")]).unwrap();
    tables.write(&[Write::clear("a")]).unwrap();
    assert_eq!(tables.get("a", b"k").unwrap(), None);
    assert_eq!(keys(tables, "a", Scan::all(), 9), Vec::<Vec<u8>>::new());
    assert_eq!(tables.get("b", b"k").unwrap(), Some(b"2".to_vec()));
    assert_eq!(tables.get("ab", b"k").unwrap(), Some(b"3".to_vec()));
}

fn a_batch_is_applied_in_order(tables: &dyn Tables) {
    tables.write(&[Write::put("t", "old", "1")]).unwrap();
    tables.write(&[Write::put("t", "x", "1"), Write::clear("t"), Write::put("t", "y", "1")]).unwrap();
    assert_eq!(keys(tables, "t", Scan::all(), 9), [b"y"]);
    tables.write(&[Write::put("t", "y", "2"), Write::delete("t", "y"), Write::put("t", "y", "3")]).unwrap();
    assert_eq!(tables.get("t", b"y").unwrap(), Some(b"3".to_vec()));
}

fn scans_in_byte_order_both_ways(tables: &dyn Tables) {
    let in_order: [&[u8]; 6] = [b"", b"\0", b"A", b"a", b"aa", b"\xff"];
    let batch: Vec<Write> = in_order.iter().rev().map(|key| Write::put("t", *key, "v")).collect();
    tables.write(&batch).unwrap();
    assert_eq!(keys(tables, "t", Scan::all(), 99), in_order);
    let reversed: Vec<&[u8]> = in_order.into_iter().rev().collect();
    assert_eq!(keys(tables, "t", Scan::all().backward(), 99), reversed);
    assert_eq!(keys(tables, "t", Scan::all().backward(), 2), reversed[..2]);
    assert_eq!(keys(tables, "t", Scan::all(), 0), Vec::<Vec<u8>>::new());
    let between = Scan::after(Some(b"\0")).and_before(Some(b"aa"));
    assert_eq!(keys(tables, "t", between.clone(), 99), [b"A", b"a"]);
    assert_eq!(keys(tables, "t", between.backward(), 99), [b"a", b"A"]);
    assert_eq!(keys(tables, "t", Scan::after(Some(b"b")).and_before(Some(b"a")), 99), Vec::<Vec<u8>>::new());
}

fn scans_page_by_page(tables: &dyn Tables) {
    let batch: Vec<Write> = (0_u16..100).map(|number| Write::put("t", number.to_be_bytes(), "v")).collect();
    tables.write(&batch).unwrap();
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    while let Some(page) = next(tables, Scan::after(forward.last().map(Vec::as_slice))) {
        forward.extend(page);
    }
    while let Some(page) = next(tables, Scan::all().backward().and_before(backward.last().map(Vec::as_slice))) {
        backward.extend(page);
    }
    assert_eq!(forward.len(), 100);
    assert!(forward.is_sorted());
    backward.reverse();
    assert_eq!(forward, backward);
}

fn next(tables: &dyn Tables, range: Scan) -> Option<Vec<Vec<u8>>> {
    Some(keys(tables, "t", range, 7)).filter(|page| !page.is_empty())
}

fn scans_a_prefix(tables: &dyn Tables) {
    let batch = ["a", "a/1", "a/2", "a/3", "a0", "b"].map(|key| Write::put("t", key, "v"));
    tables.write(&batch).unwrap();
    tables.write(&[Write::put("t", b"\xff\xff1".as_slice(), "v")]).unwrap();
    assert_eq!(keys(tables, "t", Scan::prefix(b"a/"), 9), [b"a/1", b"a/2", b"a/3"]);
    assert_eq!(keys(tables, "t", Scan::prefix(b"a/").backward(), 2), [b"a/3", b"a/2"]);
    assert_eq!(keys(tables, "t", Scan::prefix(b"a/").and_after(Some(b"a/1")), 9), [b"a/2", b"a/3"]);
    assert_eq!(keys(tables, "t", Scan::prefix(b"\xff\xff"), 9), [b"\xff\xff1"]);
    assert_eq!(keys(tables, "t", Scan::prefix(b"c"), 9), Vec::<Vec<u8>>::new());
}

fn keeps_any_bytes(tables: &dyn Tables) {
    let value: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    let key: Vec<u8> = (0..=255).collect();
    tables.write(&[Write::put("t", key.clone(), value.clone())]).unwrap();
    assert_eq!(tables.get("t", &key).unwrap(), Some(value));
}

fn readers_see_whole_batches(tables: &dyn Tables) {
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let values: Vec<_> = scanned(tables, "t", Scan::all(), 9).into_iter().map(|(_, value)| value).collect();
                assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "a batch is visible in part");
            }
        });
        for round in 0..30_u8 {
            tables.write(&["a", "b", "c"].map(|key| Write::put("t", key, [round]))).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        reader.join().unwrap();
    });
}

fn scanned(tables: &dyn Tables, table: &str, range: Scan, limit: usize) -> Vec<crate::Entry> {
    tables.scan(table, range, limit).unwrap()
}

fn keys(tables: &dyn Tables, table: &str, range: Scan, limit: usize) -> Vec<Vec<u8>> {
    scanned(tables, table, range, limit).into_iter().map(|(key, _)| key).collect()
}
