//! Where and how an event happened, from Segment's `context`.
//!
//! Invariant: nothing here can cost an event: what cannot be read is left out. The network address is never
//! looked at, and neither is anything else that `mercer_schema::Context` has no place for.

use mercer_schema::{Channel, Context, Device, Properties, SessionId};
use serde_json::value::RawValue;

use crate::object::{Object, id_of};
use crate::{Received, consent, device};

/// What `context` says, also of things that an event has places of its own for.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) context: Context,
    pub(crate) channel: Channel,
    pub(crate) session: Option<SessionId>,
    /// RudderStack sends the traits of an identify call here.
    pub(crate) traits: Option<&'a RawValue>,
}

/// `named_channel` is RudderStack's and Jitsu's top-level `channel`.
pub(crate) fn read<'a>(
    mut from: Object<'a>,
    named_channel: Option<&str>,
    is_screen: bool,
    received: &Received,
) -> Circumstances<'a> {
    let mut page = from.describing_object("page");
    let library = from.describing_object("library").describing_text("name");
    let channel = from.describing_text("channel");
    let channel = named_channel
        .and_then(channel_named)
        .or_else(|| channel.as_deref().and_then(channel_named))
        .or_else(|| library.as_deref().and_then(channel_of_library))
        .or_else(|| is_screen.then_some(Channel::App))
        .or(received.channel)
        .unwrap_or_default();
    let user_agent = from.describing_text("userAgent").or_else(|| {
        // The request of a server or an app names a program, not what the customer holds in the hand.
        received.user_agent.clone().filter(|agent| channel == Channel::Web && !device::is_library(agent))
    });
    let device = device_of(&mut from, user_agent.as_deref());
    let context = Context {
        url: page.describing_text("url"),
        referrer: page.describing_text("referrer"),
        locale: from.describing_text("locale"),
        campaign: from.describing_object("campaign").describing_text("name"),
        consent: consent::of_context(&mut from, received.gpc),
        user_agent,
        device,
    };
    let session = ["sessionId", "session_id"].into_iter().find_map(|key| id_of(from.peek(key).ok()??).ok()?);
    Circumstances { context, channel, session, traits: from.peek("traits").ok().flatten() }
}

/// A page call repeats its address among its properties; it is kept once.
pub(crate) fn take_page(properties: &mut Object<'_>, context: &mut Context) {
    for (key, known) in [("url", &mut context.url), ("referrer", &mut context.referrer)] {
        let Some(stated) = properties.describing_text(key) else { continue };
        // A page call may be about another address than the one the browser shows: that one counts.
        *known = Some(stated);
    }
}

/// Apps name the kind of system they run on; browsers say it in the user agent.
fn device_of(context: &mut Object<'_>, user_agent: Option<&str>) -> Option<Device> {
    let kind = context.describing_object("device").describing_text("type");
    let named = kind.and_then(|kind| match kind.to_ascii_lowercase().as_str() {
        "ios" | "android" | "mobile" | "phone" | "smartphone" => Some(Device::Mobile),
        "tablet" | "ipad" => Some(Device::Tablet),
        "desktop" | "browser" => Some(Device::Desktop),
        _ => None,
    });
    let by_agent = user_agent.and_then(device::classify);
    match (named, by_agent) {
        // A tablet's system is a phone's.
        (Some(Device::Mobile), Some(Device::Tablet)) => Some(Device::Tablet),
        (named, by_agent) => named.or(by_agent),
    }
}

fn channel_named(name: &str) -> Option<Channel> {
    match name.to_ascii_lowercase().as_str() {
        "web" | "browser" => Some(Channel::Web),
        "app" | "mobile" => Some(Channel::App),
        "email" | "e-mail" => Some(Channel::Email),
        "store" | "retail" | "pos" | "in-store" => Some(Channel::Store),
        "server" | "http" | "import" => Some(Channel::Server),
        _ => None,
    }
}

/// Tracking libraries carry their platform in the name: `analytics-node`, `com.rudderstack.android.sdk`.
fn channel_of_library(name: &str) -> Option<Channel> {
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| match word {
        "node" | "python" | "ruby" | "java" | "php" | "go" | "net" | "dotnet" | "rust" | "server" | "csharp" => {
            Some(Channel::Server)
        }
        "ios" | "android" | "kotlin" | "swift" | "flutter" | "native" => Some(Channel::App),
        "js" | "next" | "javascript" | "web" | "browser" => Some(Channel::Web),
        _ => None,
    })
}

/// The traits of an identify call: RudderStack's beneath Segment's where both are there.
pub(crate) fn traits(
    outer: Option<&RawValue>,
    own: Option<&RawValue>,
    levels: usize,
) -> Result<Properties, crate::Fault> {
    let mut traits = Properties::new();
    for (raw, path) in [(outer, "context.traits"), (own, "traits")] {
        if let Some(raw) = raw {
            let object = Object::parse(raw.get()).and_then(|object| object.rest(levels));
            traits.extend(object.map_err(|fault| fault.within(path))?);
        }
    }
    Ok(traits)
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Currency, SourceId, Timestamp};

    use super::*;

    fn received() -> Received {
        let mut received = Received::new(SourceId::trusted("shop"), Timestamp(0), Currency::parse("EUR").unwrap());
        received.user_agent = Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0".into());
        received
    }

    fn read_json(json: &str) -> Circumstances<'_> {
        read(Object::parse(json).unwrap(), None, false, &received())
    }

    #[test]
    fn the_library_tells_the_channel() {
        for (library, channel) in [
            ("analytics.js", Channel::Web),
            ("@segment/analytics-node", Channel::Server),
            ("segment-analytics-python", Channel::Server),
            ("RudderLabs JavaScript SDK", Channel::Web),
            ("@rudderstack/rudder-sdk-node", Channel::Server),
            ("analytics-kotlin", Channel::App),
            ("analytics-ios", Channel::App),
            ("of our own", Channel::Web),
        ] {
            let json = serde_json::json!({ "library": { "name": library } }).to_string();
            assert_eq!(read_json(&json).channel, channel, "{library}");
        }
        let email = read(Object::default(), Some("email"), true, &received());
        assert_eq!(email.channel, Channel::Email);
        assert_eq!(read(Object::default(), None, true, &received()).channel, Channel::App);
    }

    #[test]
    fn a_servers_own_user_agent_is_not_the_customers() {
        assert_eq!(read_json("{}").context.device, Some(Device::Desktop));
        let by_server = read_json(r#"{"library":{"name":"analytics-node"}}"#);
        assert_eq!((by_server.context.user_agent, by_server.context.device), (None, None));
    }

    #[test]
    fn the_library_that_a_backend_calls_with_makes_nobody_a_bot() {
        let sent_by = |agent: &str, json: &str| {
            let received = Received { user_agent: Some(agent.into()), ..received() };
            read(Object::parse(json).unwrap(), None, false, &received).context
        };
        let by_library = sent_by("Python-urllib/3.12", "{}");
        assert_eq!((by_library.user_agent, by_library.device), (None, None));
        let told = sent_by("axios/1.7.2", r#"{"userAgent":"Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"}"#);
        assert_eq!(told.device, Some(Device::Desktop));
        let crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        assert_eq!(sent_by(crawler, "{}").device, Some(Device::Bot));
        let passed_on = serde_json::json!({ "userAgent": crawler }).to_string();
        assert_eq!(sent_by("curl/8.9.1", &passed_on).device, Some(Device::Bot), "a crawler that a backend passes on");
    }

    #[test]
    fn odd_parts_are_left_out_and_the_others_kept() {
        let odd = read_json(
            r#"{"ip":"203.0.113.9","page":[1],"locale":7,"campaign":"x","sessionId":1695133660251,"device":{"type":"ios"}}"#,
        );
        assert_eq!(odd.context.url, None);
        assert_eq!(odd.context.campaign, None);
        assert_eq!(odd.context.locale.as_deref(), Some("7"));
        assert_eq!(odd.session, Some(SessionId::trusted("1695133660251")));
        assert_eq!(odd.context.device, Some(Device::Mobile));
        assert!(!format!("{odd:?}").contains("203.0.113"));
    }
}
