//! Where a network is trained.

#[cfg(feature = "gpu")]
use std::sync::OnceLock;

use candle_core::Device;

/// What training will run on, in words; with the feature `gpu` also why it is not a card.
pub fn trains_on() -> String {
    best().1
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn best() -> (Device, String) {
    (Device::Cpu, "the processor".to_owned())
}

/// The first card. Without one, or when it cannot be used, the processor: training must not fail for that. It is opened
/// once, because the driver translates the kernels for every opening anew.
#[cfg(feature = "gpu")]
pub(crate) fn best() -> (Device, String) {
    static BEST: OnceLock<(Device, String)> = OnceLock::new();
    let open = || match Device::new_cuda(0) {
        Ok(card) => (card, "the first card".to_owned()),
        Err(error) => {
            // A trace may follow.
            let words = error.to_string();
            let cause = words.lines().next().unwrap_or_default();
            (Device::Cpu, format!("the processor, because the first card cannot be used: {cause}"))
        }
    };
    BEST.get_or_init(open).clone()
}

#[cfg(test)]
mod tests {
    #[test]
    fn without_a_card_it_is_the_processor() {
        let (device, words) = super::best();
        assert!(device.is_cpu() == words.starts_with("the processor"), "{words}");
    }
}
