//! A network as bytes for the registry, by the lasting names of items and attributes.

use std::collections::BTreeMap;

use mercer_recommend::sessions::Repeats;
use mercer_recommend::wire::{Kind, Reader, Reason, Writer};
use mercer_recommend::{Error, Item};

use crate::model::{NextItem, Vectors};
use crate::parts::Parts;
use crate::settings::Shape;

const KIND: Kind = Kind { name: "next-item", version: 1 };
/// Larger sizes than anyone trains are a sign of damage.
const LARGEST: usize = 1 << 16;
const MOST_LAYERS: usize = 1 << 8;
/// With larger weights the sums could leave the range of the numbers.
const LARGEST_WEIGHT: f32 = 1e4;

impl NextItem {
    /// Bytes for the registry. The closures give the lasting names of items and attributes.
    pub fn encode<N: AsRef<str>, A: AsRef<str>>(
        &self,
        name: impl Fn(Item) -> N,
        attribute_name: impl Fn(u32) -> A,
    ) -> Vec<u8> {
        let Shape { width, layers, heads, inner, longest } = self.shape;
        let mut writer = Writer::model(KIND);
        [width, layers, heads, inner, longest].into_iter().for_each(|size| writer.count(size));
        writer.u16(match self.repeats {
            Repeats::None => 0,
            Repeats::Earlier => 1,
            Repeats::All => 2,
        });
        writer.f32(self.scale);
        self.parts.all().into_iter().for_each(|part| write_numbers(&mut writer, part));
        writer.count(self.items.len());
        for (item, vector) in self.items.iter().zip(self.table.chunks(width)) {
            writer.text(name(*item).as_ref());
            write_numbers(&mut writer, vector);
        }
        writer.count(self.attributes.len());
        for (attribute, vector) in &self.attributes {
            writer.text(attribute_name(*attribute).as_ref());
            write_numbers(&mut writer, vector);
        }
        writer.bytes
    }

    /// Reads a model. Items and attributes whose names are not known any more are left out.
    pub fn decode(
        bytes: &[u8],
        resolve: impl Fn(&str) -> Option<Item>,
        resolve_attribute: impl Fn(&str) -> Option<u32>,
    ) -> Result<Self, Error> {
        let mut reader = Reader::model(KIND, bytes)?;
        Self::read(&mut reader, resolve, resolve_attribute)
            .and_then(|model| reader.end().map(|()| model))
            .map_err(|reason| Error::BrokenModel { model: KIND.name, reason })
    }

    fn read(
        reader: &mut Reader<'_>,
        resolve: impl Fn(&str) -> Option<Item>,
        resolve_attribute: impl Fn(&str) -> Option<u32>,
    ) -> Result<Self, Reason> {
        let shape = read_shape(reader)?;
        let repeats = match reader.u16()? {
            0 => Repeats::None,
            1 => Repeats::Earlier,
            2 => Repeats::All,
            _ => return Err("it repeats in no known way"),
        };
        let scale = reader.f32()?;
        if !(0.0..=LARGEST_WEIGHT).contains(&scale) {
            return Err("a scale is out of range");
        }
        let parts = Parts::sizes(&shape).map(|(rows, columns)| read_numbers(reader, rows * columns))?;
        let items = read_named(reader, shape.width, |name| resolve(name).map(|item| item.0))?;
        let attributes = read_named(reader, shape.width, resolve_attribute)?;
        let table = items.values().flatten().copied().collect();
        let items = items.into_keys().map(Item).collect();
        Ok(Self::new(shape, repeats, scale, parts, Vectors { items, table, attributes }))
    }
}

fn write_numbers(writer: &mut Writer, numbers: &[f32]) {
    writer.count(numbers.len());
    numbers.iter().for_each(|number| writer.f32(*number));
}

fn read_shape(reader: &mut Reader<'_>) -> Result<Shape, Reason> {
    let mut size = |most: usize| match reader.u32()? as usize {
        0 => Err("a size is 0"),
        size if size > most => Err("a size is too large"),
        size => Ok(size),
    };
    let (width, layers, heads) = (size(LARGEST)?, size(MOST_LAYERS)?, size(LARGEST)?);
    let (inner, longest) = (size(LARGEST)?, size(LARGEST)?);
    if !width.is_multiple_of(heads) {
        return Err("the width is no multiple of the heads");
    }
    Ok(Shape { width, layers, heads, inner, longest })
}

fn read_numbers(reader: &mut Reader<'_>, expected: usize) -> Result<Vec<f32>, Reason> {
    if reader.count(4)? != expected {
        return Err("a part has another size");
    }
    let number = |_| match reader.f32()? {
        number if number.abs() <= LARGEST_WEIGHT => Ok(number),
        _ => Err("a weight is too large"),
    };
    (0..expected).map(number).collect()
}

/// Vectors by the numbers of their names.
fn read_named(
    reader: &mut Reader<'_>,
    width: usize,
    resolve: impl Fn(&str) -> Option<u32>,
) -> Result<BTreeMap<u32, Vec<f32>>, Reason> {
    let mut vectors = BTreeMap::new();
    for _ in 0..reader.count(8)? {
        let number = resolve(reader.text()?);
        let vector = read_numbers(reader, width)?;
        if let Some(number) = number
            && vectors.insert(number, vector).is_some()
        {
            return Err("a name is there twice");
        }
    }
    Ok(vectors)
}
