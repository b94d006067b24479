//! Which model serves: what the log promoted last, as soon as it can be read.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Shop, at, tester};

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_whose_file_comes_back_serves_again_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let version = shop.engine.train(tester(), at(3_000_001), |_| {}).await.unwrap().version;
    drop(shop);
    let file = folder.path().join("models").join(version.to_string()).join("for_you.model");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"cut short").unwrap();

    for _ in 0..2 {
        let shop = Shop::open(folder.path());
        assert_eq!(shop.engine.snapshot().world.models.version, None, "a broken model does not serve");
        // Something happens, so that a checkpoint is written when the shop closes.
        let now = at(3_000_002);
        shop.engine.accept_events(vec![support::view(shop.engine.snapshot().position().0, now)], now).await.unwrap();
    }
    std::fs::write(&file, whole).unwrap();
    let shop = Shop::open(folder.path());
    assert_eq!(shop.engine.snapshot().world.models.version, Some(version));
}
