//! The GA4 Measurement Protocol.
//!
//! Invariant: whom the events are about is said once, beside them; when that cannot be read every event of the
//! request is a bad row. The address in `ip_override` and the hashed `user_data` are never looked at.

mod validate;

use std::borrow::Cow;

use mercer_schema::{Activity, Channel, Consent, Context, Device, Event, Properties, Timestamp, Visitor};
use serde_json::value::RawValue;

use crate::bad_row::{BadReason, Fault, Protocol};
use crate::clock::{ClientTimes, time_of};
use crate::names::{Known, lookup};
use crate::object::{Envelope, Object, id_of, text_of, value_of};
use crate::request::{Body, Request};
use crate::{Batch, Limits, Received, Refusal, activity, consent, device};

pub use validate::{Validation, ValidationCode, ValidationMessage, validate};

/// Keys beside the events that shape them.
const AROUND: [&str; 9] = [
    "client_id",
    "app_instance_id",
    "user_id",
    "timestamp_micros",
    "user_properties",
    "consent",
    "non_personalized_ads",
    "user_agent",
    "device",
];

/// Reads the events of a body that is unpacked already.
pub fn read(body: &[u8], received: &Received, limits: &Limits) -> Result<Batch, Refusal> {
    let body = Body::open(body, limits.ga4_batch_bytes)?;
    let mut envelope = envelope(&body)?;
    let events = envelope.events.take().unwrap_or_default();
    Request::refuse_too_many(&events, limits.ga4_batch_events)?;
    let reader = Reader::new(request(received, limits, &envelope.around));
    let verdicts = events
        .iter()
        .enumerate()
        .map(|(position, raw)| reader.request.verdict(&body, raw.get(), position, |text| reader.event(text, position)));
    Ok(Batch { verdicts: verdicts.collect(), write_key: None })
}

fn envelope<'a>(body: &'a Body<'_>) -> Result<Envelope<'a>, Refusal> {
    let mut envelope = body.envelope("events", "a list `events`")?;
    envelope.around.keep(&AROUND);
    Ok(envelope)
}

const fn request<'a>(received: &'a Received, limits: &'a Limits, around: &'a Object<'a>) -> Request<'a> {
    Request { protocol: Protocol::Ga4, call: "collect", received, limits, around }
}

/// Reads events one after another.
pub(crate) struct Reader<'a> {
    pub(crate) request: Request<'a>,
    sender: Result<Sender, Fault>,
}

/// What is said beside the events.
struct Sender {
    visitor: Visitor,
    sent: Option<Timestamp>,
    channel: Channel,
    device: Option<Device>,
    user_agent: Option<String>,
    consent: Option<Consent>,
    traits: Properties,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(request: Request<'a>) -> Self {
        Self { sender: Sender::read(&request), request }
    }

    pub(crate) fn event(&self, text: &str, position: usize) -> Result<Event, Fault> {
        let sender = self.sender.as_ref().map_err(Fault::clone)?;
        let received = self.request.received;
        let mut from = Object::parse(text)?;
        let name = from.take_text("name")?.ok_or_else(|| Fault::missing("name", "each event needs a name"))?;
        let own_time = time_at(&from, "timestamp_micros")?;
        let times = ClientTimes { original: own_time.or(sender.sent), ..ClientTimes::default() };
        let mut parameters = from.take_object("params")?.unwrap_or_default();
        let context = Context {
            url: parameters.describing_text("page_location"),
            referrer: parameters.describing_text("page_referrer"),
            locale: parameters.describing_text("language"),
            campaign: parameters.describing_text("campaign"),
            user_agent: sender.user_agent.clone(),
            device: sender.device,
            consent: sender.consent,
        };
        let session = parameters.peek("session_id")?.and_then(|raw| id_of(raw).ok().flatten());
        if session.is_some() {
            parameters.remove("session_id");
        }
        let (activity, properties) =
            self.activity(&name, parameters, sender).map_err(|fault| fault.within("params"))?;
        let message_id = self.request.derived_id(text, position, (&sender.name(), times.original));
        Ok(Event {
            message_id,
            source: received.source.clone(),
            visitor: sender.visitor.clone(),
            session,
            occurred_at: times.occurred_at(received.received_at),
            received_at: received.received_at,
            channel: sender.channel,
            context,
            activity,
            properties,
        })
    }

    fn activity(&self, name: &str, parameters: Object<'_>, sender: &Sender) -> Result<(Activity, Properties), Fault> {
        let terms = self.request.terms();
        match lookup(name) {
            Some(Known::View) => activity::view(None, &["page_title", "screen_name"], parameters, terms),
            // GA4 has no call of its own for it: this is the moment at which a browser becomes a customer.
            Some(Known::SignIn) if sender.visitor.customer_id.is_some() => {
                let properties = parameters.rest(terms.property_levels)?;
                Ok((Activity::Identified { traits: sender.traits.clone() }, properties))
            }
            _ => activity::track(name, parameters, terms),
        }
    }
}

impl Sender {
    fn read(request: &Request<'_>) -> Result<Self, Fault> {
        let (around, received) = (request.around, request.received);
        let id = |key: &str| around.peek(key)?.map_or(Ok(None), |raw| id_of(raw).map_err(|fault| fault.within(key)));
        let (browser, app) = (id("client_id")?, id("app_instance_id")?);
        let user = around.peek("user_id")?.map_or(Ok(None), id_of).map_err(|fault| fault.within("user_id"))?;
        let by_app = browser.is_none() && app.is_some();
        let visitor = Visitor { anonymous_id: browser.or(app), customer_id: user };
        if visitor.is_nobody() {
            return Err(Fault::at(BadReason::NoVisitor, "client_id", "a client_id or a user_id is needed"));
        }
        let user_agent = around.peek("user_agent")?.and_then(|raw| text_of(raw).ok().flatten());
        let no_ads = around.peek("non_personalized_ads")?.is_some_and(|raw| raw.get() == "true");
        Ok(Self {
            visitor,
            sent: time_at(around, "timestamp_micros")?,
            channel: received.channel.unwrap_or(if by_app { Channel::App } else { Channel::Web }),
            device: device_category(around).or_else(|| device::classify(user_agent.as_deref()?)),
            user_agent: user_agent.map(Cow::into_owned),
            consent: consent::of_ga4(around.peek("consent")?, no_ads, received.gpc),
            traits: user_properties(around, request.limits.property_levels)?,
        })
    }

    /// For telling senders apart.
    fn name(&self) -> String {
        let Visitor { anonymous_id, customer_id } = &self.visitor;
        let [anonymous, customer] = [anonymous_id.as_ref().map(AsRef::as_ref), customer_id.as_ref().map(AsRef::as_ref)];
        // Ids hold no control characters.
        [anonymous.unwrap_or_default(), "\n", customer.unwrap_or_default()].concat()
    }
}

fn time_at(from: &Object<'_>, key: &str) -> Result<Option<Timestamp>, Fault> {
    from.peek(key)?.map_or(Ok(None), time_of).map_err(|fault| fault.within(key))
}

fn device_category(around: &Object<'_>) -> Option<Device> {
    let raw = around.peek("device").ok()??;
    let category = Object::parse(raw.get()).ok()?.describing_text("category")?;
    match category.as_str() {
        "mobile" => Some(Device::Mobile),
        "tablet" => Some(Device::Tablet),
        "desktop" => Some(Device::Desktop),
        _ => None,
    }
}

/// `{"plan": {"value": "gold"}}` says `plan: gold`.
fn user_properties(around: &Object<'_>, levels: usize) -> Result<Properties, Fault> {
    let Some(raw) = around.peek("user_properties")? else { return Ok(Properties::new()) };
    let within = |fault: Fault| fault.within("user_properties");
    let stated = Object::parse(raw.get()).map_err(within)?;
    let value = |raw: &RawValue| match Object::parse(raw.get()) {
        Ok(object) => object.peek("value")?.map_or(Ok(serde_json::Value::Null), |raw| value_of(raw, levels)),
        Err(_) => value_of(raw, levels),
    };
    stated
        .iter()
        .map(|(key, raw)| {
            Ok((key.to_owned(), value(raw).map_err(|fault| fault.within(key).within("user_properties"))?))
        })
        .collect()
}
