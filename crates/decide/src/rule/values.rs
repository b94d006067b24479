//! Values that expressions see: records, lists and maps that borrow Mercer's own data.
//!
//! Reading something that is not there is never an error: it gives the absent value of its [`Kind`]. The
//! interpreter asks for one field at a time, so a rule costs only what it reads.

use std::fmt::Debug;
use std::marker::PhantomData;

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator as CelIterator, Sizer};
use cel::common::types::{CelBool, CelDouble, CelInt, CelNull, CelString, LIST_TYPE, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};

use super::names::{Field, Kind};

/// A value on its way into the interpreter.
pub(super) type Boxed<'a> = Box<dyn Val + 'a>;

/// Something with named values. `None` is absence.
pub(super) trait Fields<'a>: Copy + Debug + Send + Sync {
    fn field(self, name: &str) -> Option<Boxed<'a>>;

    fn absent(self, name: &str) -> Boxed<'a>;
}

/// What absence reads as.
pub(super) fn absent<'a>(known: &[Field], name: &str) -> Boxed<'a> {
    match known.iter().find(|field| field.name == name).map(|field| field.kind) {
        Some(Kind::Text) => text(""),
        Some(Kind::Texts) => texts([]),
        _ => Box::new(CelNull),
    }
}

pub(super) fn text<'a>(value: &'a str) -> Boxed<'a> {
    Box::new(CelString::from(value))
}

pub(super) fn owned_text<'a>(value: String) -> Boxed<'a> {
    Box::new(CelString::from(value))
}

pub(super) fn number<'a>(value: f64) -> Boxed<'a> {
    Box::new(CelDouble::from(value))
}

pub(super) fn integer<'a>(value: i64) -> Boxed<'a> {
    Box::new(CelInt::from(value))
}

pub(super) fn flag<'a>(value: bool) -> Boxed<'a> {
    Box::new(CelBool::from(value))
}

pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> Boxed<'a> {
    Box::new(TextList(values.into_iter().map(CelString::from).collect()))
}

/// Lets an expression read `T` field by field. `"name" in record` is true for what is not absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a, T>(pub(super) T, pub(super) PhantomData<&'a ()>);

impl<'a, T: Fields<'a>> Record<'a, T> {
    pub(super) const fn new(of: T) -> Self {
        Self(of, PhantomData)
    }
}

impl<'a, T: Fields<'a> + 'a> Val for Record<'a, T> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl<'a, T: Fields<'a> + 'a> Indexer for Record<'a, T> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = key_text(key)?;
        Ok(CowVal::Owned(self.0.field(name).unwrap_or_else(|| self.0.absent(name))))
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl<'a, T: Fields<'a> + 'a> Container for Record<'a, T> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.0.field(key_text(key)?).is_some())
    }
}

fn key_text(key: &dyn Val) -> Result<&str, ExecutionError> {
    let unexpected = || ExecutionError::UnexpectedType { got: key.get_type().name().to_owned(), want: "string".into() };
    key.downcast_ref::<CelString<'_>>().map(CelString::inner).ok_or_else(unexpected)
}

/// A list of texts. A place past its end reads as `""`.
#[derive(Debug, Clone)]
struct TextList<'a>(Vec<CelString<'a>>);

impl<'a> Val for TextList<'a> {
    fn get_type(&self) -> &Type {
        &LIST_TYPE
    }

    fn cel_type() -> &'static Type {
        &LIST_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        let (Some(iterable), Some(sizer)) = (other.as_iterable(), other.as_sizer()) else { return false };
        let mut others = iterable.iter();
        *sizer.size().inner() == self.0.len() as i64
            && self.0.iter().all(|mine| others.next().is_some_and(|other| mine.equals(other)))
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

impl Container for TextList<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        let wanted = value.downcast_ref::<CelString<'_>>();
        Ok(wanted.is_some_and(|wanted| self.0.iter().any(|text| text.inner() == wanted.inner())))
    }
}

impl Indexer for TextList<'_> {
    fn get<'b, 'v>(&'b self, place: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let unexpected =
            || ExecutionError::UnexpectedType { got: place.get_type().name().to_owned(), want: "int".into() };
        let place = place.downcast_ref::<CelInt>().ok_or_else(unexpected)?;
        let found = usize::try_from(*place.inner()).ok().and_then(|place| self.0.get(place));
        Ok(found.map_or_else(|| CowVal::owned(CelString::from("")), |text| CowVal::Borrowed(text)))
    }

    fn steal<'v>(self: Box<Self>, place: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(place).map(CowVal::into_owned)
    }
}

impl Iterable for TextList<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn CelIterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(TextIterator(self.0.iter()))
    }
}

struct TextIterator<'b, 'a>(std::slice::Iter<'b, CelString<'a>>);

impl<'b, 'v, 'a: 'v> CelIterator<'b, 'v> for TextIterator<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|text| text as &(dyn Val + 'v))
    }
}

impl Sizer for TextList<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(self.0.len() as i64)
    }
}

/// `product.attributes`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a mercer_schema::Attributes);

impl<'a> Fields<'a> for Attributes<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        self.0.get(name).map(|value| text(value))
    }

    fn absent(self, _: &str) -> Boxed<'a> {
        text("")
    }
}
