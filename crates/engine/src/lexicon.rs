//! What search learns from the catalog at a training: words for the same thing.

use mercer_decide::World;
use mercer_recommend::wire::{Kind, Reader, Reason, Writer, decode};
use mercer_search::{Lexicon, Synonyms, synonyms_of};

const KIND: Kind = Kind { name: "lexicon", version: 1 };

pub(crate) fn fit(world: &World) -> Vec<u8> {
    let products = world.catalog.products().map(|(_, product)| &**product);
    let rules = synonyms_of(products, world.search.shop_language());
    let mut writer = Writer::model(KIND);
    writer.count(rules.len());
    for rule in rules {
        writer.count(rule.to.len());
        rule.to.iter().for_each(|text| writer.text(text));
    }
    writer.bytes
}

pub(crate) fn read(bytes: &[u8]) -> Result<Lexicon, mercer_recommend::Error> {
    decode(KIND, bytes, |reader| Ok(Lexicon::new(&rules(reader)?)))
}

fn rules(reader: &mut Reader<'_>) -> Result<Vec<Synonyms>, Reason> {
    let mut rules = Vec::new();
    for _ in 0..reader.count(1)? {
        let mut to = Vec::new();
        for _ in 0..reader.count(1)? {
            to.push(reader.text()?.to_owned());
        }
        rules.push(Synonyms { from: None, to });
    }
    Ok(rules)
}
