//! A JSON object read one level deep: keys, and values as the text they are written in.
//!
//! Interpreted fields are taken out one by one; what stays becomes the event's properties. So nothing is kept
//! twice, and numbers (prices, ids) are read from their digits instead of through a float.
//! Invariant: `null` and absence are the same to every reader here. It knows nothing of events.

use std::borrow::Cow;
use std::fmt;

use mercer_schema::{Id, Properties};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bad_row::{BadReason, Fault};

#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    fields: Vec<Field<'a>>,
}

#[derive(Debug)]
struct Field<'a> {
    key: Cow<'a, str>,
    raw: &'a RawValue,
    taken: bool,
}

/// A value without parts, or what kind of value with parts it is.
#[derive(Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// The digits as they are written.
    Number(&'a str),
    Text(Cow<'a, str>),
    List,
    Object,
}

impl<'a> Object<'a> {
    /// Reads an object; `null` and PHP's empty object `[]` read as empty.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        if !text.starts_with(['{', '[', 'n']) {
            return Err(Fault::new(BadReason::WrongType, "a JSON object is expected here"));
        }
        serde_json::from_str(text).map_err(|error| Fault::new(reason_of(&error), error.to_string()))
    }

    /// The value of a key, left in place. A key that is there twice could mean either: it is refused.
    pub(crate) fn peek(&self, key: &str) -> Result<Option<&'a RawValue>, Fault> {
        let mut found = None;
        for field in self.fields.iter().filter(|field| field.key == key) {
            if found.replace(field.raw).is_some() {
                return Err(Fault::at(BadReason::Duplicate, key, "the key is there twice"));
            }
        }
        Ok(found.filter(|raw| raw.get() != "null"))
    }

    /// Says that a key was interpreted: it is not among the rest any more.
    pub(crate) fn remove(&mut self, key: &str) {
        for field in self.fields.iter_mut().filter(|field| field.key == key) {
            field.taken = true;
        }
    }

    pub(crate) fn take(&mut self, key: &str) -> Result<Option<&'a RawValue>, Fault> {
        let found = self.peek(key)?;
        self.remove(key);
        Ok(found)
    }

    /// A text or a number as trimmed text; an empty one is none.
    pub(crate) fn take_text(&mut self, key: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        let Some(raw) = self.take(key)? else { return Ok(None) };
        text_of(raw).map_err(|fault| fault.within(key))
    }

    pub(crate) fn take_id<Kind>(&mut self, key: &str) -> Result<Option<Id<Kind>>, Fault> {
        let Some(raw) = self.take(key)? else { return Ok(None) };
        id_of(raw).map_err(|fault| fault.within(key))
    }

    pub(crate) fn take_object(&mut self, key: &str) -> Result<Option<Self>, Fault> {
        let Some(raw) = self.take(key)? else { return Ok(None) };
        Self::parse(raw.get()).map(Some).map_err(|fault| fault.within(key))
    }

    /// A text that describes rather than decides: when it is something else it stays where it is.
    pub(crate) fn describing_text(&mut self, key: &str) -> Option<String> {
        let raw = self.peek(key).ok().flatten()?;
        let text = match scalar(raw) {
            Ok(Scalar::Text(text)) => text,
            Ok(Scalar::Number(digits)) => Cow::Borrowed(digits),
            _ => return None,
        };
        let text = trimmed(text)?.into_owned();
        self.remove(key);
        Some(text)
    }

    /// A part that describes rather than decides: when it is no readable object it reads as empty.
    pub(crate) fn describing_object(&mut self, key: &str) -> Self {
        self.take_object(key).ok().flatten().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.fields.iter().filter(|field| !field.taken).map(|field| (field.key.as_ref(), field.raw))
    }

    /// What nobody took, as it came. Of a key that is there twice the last counts, as in JavaScript.
    pub(crate) fn rest(self, levels: usize) -> Result<Properties, Fault> {
        let mut rest = Properties::new();
        for field in self.fields.into_iter().filter(|field| !field.taken) {
            let value = value_of(field.raw, levels).map_err(|fault| fault.within(&field.key))?;
            rest.insert(field.key.into_owned(), value);
        }
        Ok(rest)
    }

    /// Takes out everything but these keys.
    pub(crate) fn keep(&mut self, keys: &[&str]) {
        for field in self.fields.iter_mut().filter(|field| !keys.contains(&field.key.as_ref())) {
            field.taken = true;
        }
    }

    /// What nobody took, written as JSON again.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (key, raw) in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&Value::from(key).to_string());
            json.push(':');
            json.push_str(raw.get());
        }
        json.push('}');
        json
    }
}

pub(crate) fn scalar(raw: &RawValue) -> Result<Scalar<'_>, Fault> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'"') => Scalar::Text(unquoted(text)?),
        Some(b'{') => Scalar::Object,
        Some(b'[') => Scalar::List,
        Some(b't') => Scalar::Bool(true),
        Some(b'f') => Scalar::Bool(false),
        Some(b'n') | None => Scalar::Null,
        Some(_) => Scalar::Number(text),
    })
}

/// A text or a number as trimmed text; null and empty are none, anything else is a fault.
pub(crate) fn text_of(raw: &RawValue) -> Result<Option<Cow<'_, str>>, Fault> {
    match scalar(raw)? {
        Scalar::Text(text) => Ok(trimmed(text)),
        Scalar::Number(digits) => Ok(Some(Cow::Borrowed(digits))),
        Scalar::Null => Ok(None),
        _ => Err(Fault::new(BadReason::WrongType, "a text is expected here")),
    }
}

/// An id from a text or a number; a float that is whole (`12.0`, as pandas writes it) reads as the whole number.
pub(crate) fn id_of<Kind>(raw: &RawValue) -> Result<Option<Id<Kind>>, Fault> {
    let Some(text) = text_of(raw)? else { return Ok(None) };
    let mut text = text.as_ref();
    if let (false, Some((whole, fraction))) = (raw.get().starts_with('"'), text.split_once('.'))
        && fraction.bytes().all(|digit| digit == b'0')
    {
        text = whole;
    }
    Id::parse(text).map(Some).map_err(|error| Fault::new(BadReason::InvalidId, error.to_string()))
}

/// The elements of a list.
pub(crate) fn list_of(raw: &RawValue) -> Result<Vec<&RawValue>, Fault> {
    if !raw.get().starts_with('[') {
        return Err(Fault::new(BadReason::WrongType, "a list is expected here"));
    }
    serde_json::from_str(raw.get()).map_err(|error| Fault::new(BadReason::Malformed, error.to_string()))
}

/// Any value, at most `levels` deep. Half of a surrogate pair, which JavaScript leaves when it cuts an emoji in
/// two, becomes U+FFFD: such a text describes something and is not worth an event.
pub(crate) fn value_of(raw: &RawValue, levels: usize) -> Result<Value, Fault> {
    let text = raw.get();
    if text.starts_with(['{', '[']) && depth(text) > levels {
        let message = format!("objects and lists may be nested {levels} deep at most");
        return Err(Fault::new(BadReason::TooDeep, message));
    }
    serde_json::from_str(text).or_else(|error| {
        let repaired = without_lone_surrogates(text);
        serde_json::from_str(&repaired).map_err(|_| Fault::new(reason_of(&error), error.to_string()))
    })
}

fn reason_of(error: &serde_json::Error) -> BadReason {
    match error.classify() {
        serde_json::error::Category::Data => BadReason::WrongType,
        _ if error.to_string().starts_with("number out of range") => BadReason::InvalidNumber,
        _ => BadReason::Malformed,
    }
}

fn unquoted(text: &str) -> Result<Cow<'_, str>, Fault> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    match serde_json::from_str(text) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(error) => Err(Fault::new(BadReason::Malformed, error.to_string())),
    }
}

fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    (!text.is_empty()).then_some(text)
}

/// Levels of objects and lists in valid JSON.
fn depth(text: &str) -> usize {
    let (mut level, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_text => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Replaces the escape of half a surrogate pair in valid JSON.
fn without_lone_surrogates(text: &str) -> String {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let mut repaired = String::with_capacity(text.len());
    let mut rest = 0;
    while let Some(found) = text.get(rest..).and_then(|tail| tail.find('\\')) {
        let at = rest + found;
        let is_pair = matches!(unit(at), Some(0xd800..=0xdbff)) && matches!(unit(at + 6), Some(0xdc00..=0xdfff));
        let (length, replacement) = match unit(at) {
            Some(_) if is_pair => (12, None),
            Some(0xd800..=0xdfff) => (6, Some("\\ufffd")),
            _ => (2, None),
        };
        repaired.push_str(text.get(rest..at).unwrap_or_default());
        repaired.push_str(replacement.or_else(|| text.get(at..at + length)).unwrap_or_default());
        rest = at + length;
    }
    repaired.push_str(text.get(rest..).unwrap_or_default());
    repaired
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(12);
        while let Some(Key(key)) = map.next_key()? {
            fields.push(Field { key, raw: map.next_value()?, taken: false });
        }
        Ok(Object { fields })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        match list.next_element::<IgnoredAny>()? {
            None => Ok(Object::default()),
            Some(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
        }
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Object::default())
    }
}

/// An object of which one key holds the list of events; read in one pass, since it is the whole body.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) events: Option<Vec<&'a RawValue>>,
    pub(crate) around: Object<'a>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(text: &'a str, list_key: &'static str) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let envelope = EnvelopeSeed { list_key }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(envelope)
    }
}

struct EnvelopeSeed {
    list_key: &'static str,
}

impl<'de> DeserializeSeed<'de> for EnvelopeSeed {
    type Value = Envelope<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeSeed {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a list `{}`", self.list_key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope { events: None, around: Object::default() };
        while let Some(Key(key)) = map.next_key()? {
            if key != self.list_key {
                envelope.around.fields.push(Field { key, raw: map.next_value()?, taken: false });
            } else if envelope.events.replace(map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(self.list_key));
            }
        }
        Ok(envelope)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    fn id(json: &str) -> Result<Option<String>, BadReason> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        id_of::<mercer_schema::kind::Product>(raw)
            .map(|id: Option<ProductId>| id.map(|id| id.to_string()))
            .map_err(|fault| fault.reason)
    }

    #[test]
    fn ids_come_as_text_or_number() {
        assert_eq!(id(r#"" 85123A ""#), Ok(Some("85123A".into())));
        assert_eq!(id("12345678901234567890123"), Ok(Some("12345678901234567890123".into())));
        assert_eq!(id("12.0"), Ok(Some("12".into())));
        assert_eq!(id(r#""12.0""#), Ok(Some("12.0".into())));
        assert_eq!(id(r#""""#), Ok(None));
        assert_eq!(id("null"), Ok(None));
        assert_eq!(id(r#""a\u0000b""#), Err(BadReason::InvalidId));
        assert_eq!(id(r#""\ud800""#), Err(BadReason::Malformed));
        assert_eq!(id("true"), Err(BadReason::WrongType));
        assert_eq!(id("{}"), Err(BadReason::WrongType));
    }

    #[test]
    fn what_is_taken_is_not_in_the_rest() {
        let mut object = Object::parse(r#"{"a":1,"b":"two","c":{"d":[null]}}"#).unwrap();
        assert_eq!(object.take_text("b").unwrap().as_deref(), Some("two"));
        assert_eq!(object.to_json(), r#"{"a":1,"c":{"d":[null]}}"#);
        assert_eq!(Value::Object(object.rest(8).unwrap()).to_string(), r#"{"a":1,"c":{"d":[null]}}"#);
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_only_when_it_matters() {
        let mut object = Object::parse(r#"{"userId":"a","userId":"b"}"#).unwrap();
        assert_eq!(object.take_text("userId").map_err(|fault| fault.reason), Err(BadReason::Duplicate));
        let object = Object::parse(r#"{"x":1,"x":2}"#).unwrap();
        assert_eq!(object.rest(8).unwrap().get("x"), Some(&Value::from(2)));
    }

    #[test]
    fn half_a_surrogate_pair_does_not_cost_the_text() {
        let object = Object::parse(r#"{"t":"a\ud83d b\\ud83d \ud83d\ude00 \udc00"}"#).unwrap();
        assert_eq!(object.rest(8).unwrap().get("t"), Some(&Value::from("a\u{fffd} b\\ud83d 😀 \u{fffd}")));
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(9), "]".repeat(9));
        let fault = |levels| Object::parse(&deep).unwrap().rest(levels).map(|_| ()).map_err(|fault| fault.reason);
        assert_eq!((fault(9), fault(8)), (Ok(()), Err(BadReason::TooDeep)));
        let brackets_in_text = r#"{"x":["[[[[\"[[[["]}"#;
        assert!(Object::parse(brackets_in_text).unwrap().rest(1).is_ok());
        assert!(Object::parse(&format!(r#"{{"x":{}"#, "[".repeat(300_000))).is_err());
    }

    #[test]
    fn a_number_beyond_all_floats_is_named() {
        let fault = Object::parse(r#"{"x":{"y":1e999}}"#).unwrap().rest(8).unwrap_err();
        assert_eq!((fault.reason, fault.field.as_deref()), (BadReason::InvalidNumber, Some("x")));
    }
}
