//! Segment's tracking API as its own and RudderStack's clients speak it.
//!
//! Invariant: one bad event never spoils a batch. Only what the body says is read here; who may write, and by
//! which header the key came, is the server's business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mercer_schema::{Activity, AnonymousId, Event, MessageId, Properties, Timestamp, Visitor};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bad_row::{BadReason, Fault, Protocol, shown};
use crate::clock::{ClientTimes, time_of};
use crate::context::Circumstances;
use crate::object::Object;
use crate::request::{Body, Request};
use crate::{Batch, Limits, Received, Refusal, activity, context};

/// What a request is about, by its path: `/v1/track`, `/t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Track,
    Page,
    Screen,
    Identify,
    Group,
    Alias,
    Batch,
}

impl Call {
    /// Reads a path's last part, long or short.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "track" | "t" => Self::Track,
            "page" | "p" => Self::Page,
            "screen" | "s" => Self::Screen,
            "identify" | "i" => Self::Identify,
            "group" | "g" => Self::Group,
            "alias" | "a" => Self::Alias,
            "batch" | "b" | "import" => Self::Batch,
            _ => return None,
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Identify => "identify",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Batch => "batch",
        }
    }
}

/// The write key that a body names, for the server to check before it reads the events.
pub fn write_key(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(rename = "writeKey")]
        write_key: Option<String>,
    }
    serde_json::from_slice::<Keyed>(body).ok()?.write_key.filter(|key| !key.is_empty())
}

/// Reads the events of a body that is unpacked already.
pub fn read(call: Call, body: &[u8], received: &Received, limits: &Limits) -> Result<Batch, Refusal> {
    let body = Body::open(body, limits.batch_bytes)?;
    let caller = Caller { protocol: Protocol::Segment, received, limits };
    if call == Call::Batch { batch(&body, caller) } else { single(&body, Some(call), caller) }
}

/// Who speaks, from where, under which limits.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) received: &'a Received,
    pub(crate) limits: &'a Limits,
}

impl<'a> Caller<'a> {
    fn request(self, call: &'a str, around: &'a Object<'a>) -> Request<'a> {
        Request { protocol: self.protocol, call, received: self.received, limits: self.limits, around }
    }
}

/// Keys beside a batch that shape its events.
const AROUND: [&str; 2] = ["sentAt", "context"];

pub(crate) fn batch(body: &Body<'_>, caller: Caller<'_>) -> Result<Batch, Refusal> {
    let mut envelope = body.envelope("batch", "a list `batch`")?;
    let events = envelope.events.take().unwrap_or_default();
    Request::refuse_too_many(&events, caller.limits.batch_events)?;
    let write_key = envelope.around.describing_text("writeKey");
    envelope.around.keep(&AROUND);
    let reader = Reader::new(None, caller.request("batch", &envelope.around));
    let verdicts = events.iter().enumerate().map(|(position, raw)| {
        reader.request.verdict(body, raw.get(), position, |text| reader.event(Object::parse(text)?, text, position))
    });
    Ok(Batch { verdicts: verdicts.collect(), write_key })
}

/// A body that is one event. Without a `call` its own `type` says what it is.
pub(crate) fn single(body: &Body<'_>, call: Option<Call>, caller: Caller<'_>) -> Result<Batch, Refusal> {
    let text = body.text();
    if !text.starts_with('{') {
        return Err(Refusal::WrongShape { expected: "the fields of one event" });
    }
    let mut event = Object::parse(text).map_err(|fault| Refusal::Malformed { message: fault.message })?;
    let write_key = event.describing_text("writeKey");
    let around = Object::default();
    let reader = Reader::new(call, caller.request(call.unwrap_or(Call::Batch).name(), &around));
    let verdict = reader.request.verdict(body, text, 0, |text| reader.event(event, text, 0));
    Ok(Batch { verdicts: vec![verdict], write_key })
}

/// Reads events one after another.
pub(crate) struct Reader<'a> {
    /// `None`: each event says by its `type` what it is.
    call: Option<Call>,
    pub(crate) request: Request<'a>,
    sent_at: Option<Timestamp>,
    /// For events without one of their own.
    context: Option<&'a RawValue>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(call: Option<Call>, request: Request<'a>) -> Self {
        let header = request.received.sent_at.as_deref().and_then(|text| Timestamp::parse(text).ok());
        // A time of sending that cannot be read must not spoil the batch: it is as good as none.
        let field = || time_of(request.around.peek("sentAt").ok()??).ok()?;
        let context = request.around.peek("context").ok().flatten();
        Self { call: call.filter(|call| *call != Call::Batch), sent_at: header.or_else(field), context, request }
    }

    pub(crate) fn event(&self, mut from: Object<'_>, text: &str, position: usize) -> Result<Event, Fault> {
        let Request { received, .. } = self.request;
        let call = self.call_of(&mut from)?;
        let visitor = self.visitor(&mut from)?;
        let times = self.times(&mut from)?;
        let message_id = match self.message_id(&mut from)? {
            Some(id) => id,
            None => {
                let sender = received.anonymous_id.as_deref().unwrap_or_default();
                let time = times.original.or(times.corrected).or(times.sent);
                self.request.derived_id(text, position, (sender, time))
            }
        };
        let named_channel = from.describing_text("channel");
        let context = from.take("context")?.or(self.context);
        let context = context.map(|raw| Object::parse(raw.get()).unwrap_or_default()).unwrap_or_default();
        let mut around = context::read(context, named_channel.as_deref(), call == Call::Screen, received);
        let (activity, properties) = self.activity(call, &mut from, &visitor, &mut around)?;
        Ok(Event {
            message_id,
            source: received.source.clone(),
            visitor,
            session: around.session,
            occurred_at: times.occurred_at(received.received_at),
            received_at: received.received_at,
            channel: around.channel,
            context: around.context,
            activity,
            properties,
        })
    }

    fn call_of(&self, from: &mut Object<'_>) -> Result<Call, Fault> {
        if let Some(call) = self.call {
            return Ok(call);
        }
        let kind = from.take_text("type")?.ok_or_else(|| Fault::missing("type", "each event needs a type: track"))?;
        match Call::parse(&kind) {
            Some(call) if call != Call::Batch && call.name() == kind => Ok(call),
            _ => {
                let message = format!("`{}` is none of track, page, screen, identify, group, alias", shown(&kind));
                Err(Fault::at(BadReason::UnknownValue, "type", message))
            }
        }
    }

    fn visitor(&self, from: &mut Object<'_>) -> Result<Visitor, Fault> {
        let mut visitor = Visitor { anonymous_id: from.take_id("anonymousId")?, customer_id: from.take_id("userId")? };
        if visitor.is_nobody() {
            visitor.anonymous_id = self.request.received.anonymous_id.as_deref().and_then(decoded);
        }
        if visitor.is_nobody() {
            return Err(Fault::at(BadReason::NoVisitor, "userId", "a userId or an anonymousId is needed"));
        }
        Ok(visitor)
    }

    fn times(&self, from: &mut Object<'_>) -> Result<ClientTimes, Fault> {
        let mut time = |key| match from.take(key)? {
            Some(raw) => time_of(raw).map_err(|fault| fault.within(key)),
            None => Ok(None),
        };
        let (original, corrected) = (time("originalTimestamp")?, time("timestamp")?);
        let sent = self.sent_at.or(time("sentAt").unwrap_or_default());
        Ok(ClientTimes { original, corrected, sent })
    }

    fn message_id(&self, from: &mut Object<'_>) -> Result<Option<MessageId>, Fault> {
        let id: Option<MessageId> = from.take_id("messageId")?;
        let limit = self.request.limits.message_id_characters;
        match &id {
            // A text has at most as many characters as bytes.
            Some(id) if id.as_str().len() > limit && id.as_str().chars().count() > limit => {
                let message = format!("a messageId may have {limit} characters at most");
                Err(Fault::at(BadReason::InvalidId, "messageId", message))
            }
            _ => Ok(id),
        }
    }

    fn activity(
        &self,
        call: Call,
        from: &mut Object<'_>,
        visitor: &Visitor,
        around: &mut Circumstances<'_>,
    ) -> Result<(Activity, Properties), Fault> {
        let levels = self.request.limits.property_levels;
        match call {
            Call::Track => {
                let name = from.take_text("event")?;
                let name = name.ok_or_else(|| Fault::missing("event", "a track call needs the name of the event"))?;
                let properties = from.take_object("properties")?.unwrap_or_default();
                activity::track(&name, properties, self.request.terms()).map_err(|fault| fault.within("properties"))
            }
            Call::Page | Call::Screen => self.view(from, around),
            Call::Identify => {
                let traits = context::traits(around.traits, from.take("traits")?, levels)?;
                Ok((Activity::Identified { traits }, Properties::new()))
            }
            Call::Group => {
                let group_id = from.take_text("groupId")?;
                let group_id = group_id.ok_or_else(|| Fault::missing("groupId", "a group call needs a groupId"))?;
                let traits = context::traits(None, from.take("traits")?, levels)?;
                Ok((Activity::Grouped { group_id: group_id.into_owned(), traits }, Properties::new()))
            }
            Call::Alias | Call::Batch => {
                let previous_id = from.take_text("previousId")?;
                let previous_id =
                    previous_id.ok_or_else(|| Fault::missing("previousId", "an alias call needs a previousId"))?;
                if visitor.customer_id.is_none() {
                    return Err(Fault::missing("userId", "an alias call needs the userId to go by from now on"));
                }
                Ok((Activity::Aliased { previous_id: previous_id.into_owned() }, Properties::new()))
            }
        }
    }

    fn view(&self, from: &mut Object<'_>, around: &mut Circumstances<'_>) -> Result<(Activity, Properties), Fault> {
        let name = from.describing_text("name");
        let category = from.describing_text("category");
        let mut properties = from.take_object("properties")?.unwrap_or_default();
        context::take_page(&mut properties, &mut around.context);
        let read = activity::view(name, &["name"], properties, self.request.terms());
        let (activity, mut properties) = read.map_err(|fault| fault.within("properties"))?;
        if let Some(category) = category {
            properties.entry("category").or_insert_with(|| category.into());
        }
        Ok((activity, properties))
    }
}

/// RudderStack's header holds the id as base64.
fn decoded(header: &str) -> Option<AnonymousId> {
    let bytes = STANDARD.decode(header.trim()).ok()?;
    AnonymousId::parse(std::str::from_utf8(&bytes).ok()?).ok()
}
