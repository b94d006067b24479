//! Where in a product a word stands, in 32 bits: all of its fields at once, so that a word has one list of products.
//!
//! How often it stands in a field is counted to three; how long the field is, in steps that grow. That is what BM25F
//! (Robertson, Zaragoza and Taylor, CIKM 2004) needs, and it is the same however products came and went.

/// Fields are as long as one of these, in words.
const LENGTHS: [f32; 16] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 28.0, 40.0, 60.0, 90.0, 140.0];

/// The fields whose length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Title,
    Description,
    Attributes,
}

impl Field {
    pub(crate) const ALL: [Self; 3] = [Self::Title, Self::Description, Self::Attributes];

    const fn shift(self) -> u32 {
        match self {
            Self::Title => 0,
            Self::Description => 7,
            Self::Attributes => 14,
        }
    }
}

/// A field's bits: two for how often, one for the head of a phrase, four for the length.
pub(crate) const FIELD_STATES: usize = 128;
const BRAND: u32 = 1 << 21;
const CATEGORY: u32 = 1 << 22;
/// The narrowest category.
const LEAF: u32 = 1 << 23;
const CODE: u32 = 1 << 24;

/// Where a word stands in one product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks(u32);

impl Marks {
    /// One more time in a field of `length` words; as the head of a phrase or not.
    pub(crate) fn add(&mut self, field: Field, length: usize, is_head: bool) {
        let shift = field.shift();
        let count = ((self.0 >> shift) & 0b11).min(2) + 1;
        let head = ((self.0 >> (shift + 2)) & 1) | u32::from(is_head);
        let bits = count | (head << 2) | (step(length) << 3);
        self.0 = (self.0 & !(0x7f << shift)) | (bits << shift);
    }

    pub(crate) const fn add_brand(&mut self) {
        self.0 |= BRAND;
    }

    pub(crate) const fn add_category(&mut self, is_leaf: bool) {
        self.0 |= if is_leaf { CATEGORY | LEAF } else { CATEGORY };
    }

    pub(crate) const fn add_code(&mut self) {
        self.0 |= CODE;
    }

    /// A field's bits, less than [`FIELD_STATES`].
    pub(crate) const fn state(self, field: Field) -> usize {
        ((self.0 >> field.shift()) & 0x7f) as usize
    }

    pub(crate) const fn is_head(self, field: Field) -> bool {
        self.0 >> (field.shift() + 2) & 1 == 1
    }

    pub(crate) const fn is_in(self, field: Field) -> bool {
        self.0 >> field.shift() & 0b11 != 0
    }

    pub(crate) const fn is_brand(self) -> bool {
        self.0 & BRAND != 0
    }

    pub(crate) const fn is_category(self) -> bool {
        self.0 & CATEGORY != 0
    }

    pub(crate) const fn is_leaf(self) -> bool {
        self.0 & LEAF != 0
    }

    /// Stands anywhere but in the description and the attributes.
    pub(crate) const fn is_prominent(self) -> bool {
        self.is_in(Field::Title) || self.0 & (BRAND | CATEGORY | CODE) != 0
    }
}

/// How often a word stands in a field, and how long the field is, from the field's bits.
pub(crate) fn count_and_length(state: usize) -> (f32, f32) {
    ((state & 0b11) as f32, LENGTHS[(state >> 3) & 0xf])
}

fn step(length: usize) -> u32 {
    LENGTHS.iter().rposition(|step| *step <= length as f32).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_to_themselves() {
        let mut marks = Marks::default();
        for _ in 0..5 {
            marks.add(Field::Description, 1_000, false);
        }
        marks.add(Field::Title, 7, true);
        marks.add_brand();
        assert_eq!(count_and_length(marks.state(Field::Description)), (3.0, 140.0));
        assert_eq!(count_and_length(marks.state(Field::Title)), (1.0, 6.0));
        assert_eq!(marks.state(Field::Attributes), 0);
        assert!(marks.is_head(Field::Title) && !marks.is_head(Field::Description));
        assert!(marks.is_brand() && !marks.is_category() && marks.is_prominent());
        marks.add(Field::Title, 7, false);
        assert!(marks.is_head(Field::Title), "a head once is a head");
    }
}
