//! The words in the lake's columns: what was done, by a customer or to a product. Readable in any tool.
//!
//! Words of the e-commerce specification are in snake case, `product_viewed`; those that only Mercer has are
//! `dismissed` and `restored` for a product, and the rest of [`activity`] for an event.

use std::sync::LazyLock;

use mercer_schema::{Activity, Channel, CommerceAction, Device};

/// What happened to a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineAction {
    Commerce(CommerceAction),
    /// The customer does not want to see it.
    Dismissed,
    /// And took that back.
    Restored,
}

const DISMISSED: &str = "dismissed";
const RESTORED: &str = "restored";

/// In the order of [`CommerceAction::ALL`], which is that of the variants.
static COMMERCE: LazyLock<Vec<String>> =
    LazyLock::new(|| CommerceAction::ALL.iter().map(|action| action.name().to_lowercase().replace(' ', "_")).collect());

impl LineAction {
    /// The word in the column `action`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commerce(action) => COMMERCE.get(action as usize).map_or("", String::as_str),
            Self::Dismissed => DISMISSED,
            Self::Restored => RESTORED,
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            DISMISSED => Some(Self::Dismissed),
            RESTORED => Some(Self::Restored),
            _ => {
                let index = COMMERCE.iter().position(|known| known == name)?;
                CommerceAction::ALL.get(index).copied().map(Self::Commerce)
            }
        }
    }
}

/// The words in the columns `kind` and `activity`.
pub(super) fn activity(activity: &Activity) -> (&'static str, &str) {
    match activity {
        Activity::Identified { .. } => ("identity", "identified"),
        Activity::Aliased { .. } => ("identity", "aliased"),
        Activity::Grouped { .. } => ("identity", "grouped"),
        Activity::PageViewed { .. } => ("page", "page_viewed"),
        Activity::Commerce(commerce) => ("commerce", LineAction::Commerce(commerce.action).name()),
        Activity::Feedback(feedback) if feedback.dismissed => ("feedback", DISMISSED),
        Activity::Feedback(_) => ("feedback", RESTORED),
        Activity::Exposure(exposure) if exposure.clicked => ("exposure", "clicked"),
        Activity::Exposure(_) => ("exposure", "shown"),
        Activity::Custom { name } => ("custom", name),
        Activity::Preferred(_) => ("preference", "stated"),
    }
}

pub(super) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Web => "web",
        Channel::App => "app",
        Channel::Email => "email",
        Channel::Store => "store",
        Channel::Server => "server",
    }
}

pub(super) fn channel_named(name: &str) -> Option<Channel> {
    use Channel::{App, Email, Server, Store, Web};
    [Web, App, Email, Store, Server].into_iter().find(|known| channel(*known) == name)
}

pub(super) fn device_named(name: &str) -> Option<Device> {
    use Device::{Bot, Desktop, Mobile, Other, Tablet};
    [Desktop, Mobile, Tablet, Bot, Other].into_iter().find(|known| device(*known) == name)
}

pub(super) const fn device(device: Device) -> &'static str {
    match device {
        Device::Desktop => "desktop",
        Device::Mobile => "mobile",
        Device::Tablet => "tablet",
        Device::Bot => "bot",
        Device::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_and_is_that_of_the_api() {
        for action in CommerceAction::ALL {
            let line = LineAction::Commerce(*action);
            assert_eq!(LineAction::from_name(line.name()), Some(line));
            assert_eq!(serde_json::to_value(action).unwrap(), line.name());
        }
        for line in [LineAction::Dismissed, LineAction::Restored] {
            assert_eq!(LineAction::from_name(line.name()), Some(line));
        }
        assert_eq!(LineAction::from_name("product viewed"), None);
        for word in ["web", "app", "email", "store", "server"] {
            assert_eq!(channel_named(word).map(channel), Some(word));
        }
        for word in ["desktop", "mobile", "tablet", "bot", "other"] {
            assert_eq!(device_named(word).map(device), Some(word));
        }
    }
}
