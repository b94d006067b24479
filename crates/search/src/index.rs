//! The index: take products in, find them again.
//!
//! Changes become visible together, when [`SearchIndex::commit`] returns, and not before. All methods take `&self`:
//! one thread writes at a time, any number read meanwhile. Until the first change it costs no thread and no memory.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use mercer_schema::{Product, ProductId};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::Query;
use tantivy::schema::{Field, Value};
use tantivy::{DocAddress, Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument};

use crate::Error;
use crate::fields::Fields;
use crate::query::{Attempt, everything, find, narrowed};
use crate::words::{Analyzers, Typed};

/// What may be buffered before it is written; the least that the library takes.
const WRITER_BYTES: usize = 15_000_000;
/// Pages beyond these are empty.
const LARGEST_LIMIT: usize = 1_000;
const LARGEST_OFFSET: usize = 10_000;

/// Which of the products found are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchOptions {
    pub limit: usize,
    /// Products to skip, from the best on.
    pub offset: usize,
    /// The name of a category at any level, or its path: `Home > Kitchen`. Capital letters do not matter.
    pub category: Option<String>,
    pub in_stock_only: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { limit: 24, offset: 0, category: None, in_stock_only: false }
    }
}

/// Products found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchPage {
    /// On all pages.
    pub total: usize,
    /// Best first; scores compare within one search only.
    pub hits: Vec<(ProductId, f32)>,
}

/// All products, by their words.
pub struct SearchIndex {
    index: Index,
    pub(crate) fields: Fields,
    pub(crate) analyzers: Analyzers,
    /// Opened by the first change.
    writer: Mutex<Option<IndexWriter>>,
    /// Opened by the first commit.
    reader: OnceLock<IndexReader>,
}

impl Default for SearchIndex {
    fn default() -> Self {
        let (schema, fields) = Fields::new();
        let index = Index::create_in_ram(schema);
        let analyzers = Analyzers::new();
        analyzers.register(index.tokenizers());
        Self { index, fields, analyzers, writer: Mutex::default(), reader: OnceLock::new() }
    }
}

impl fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchIndex").field("products", &self.len()).finish_non_exhaustive()
    }
}

impl SearchIndex {
    /// Puts a product in, or in the place of the one with its id. Visible after [`Self::commit`].
    pub fn upsert(&self, product: &Product) -> Result<(), Error> {
        let mut writer = self.lock();
        let writer = self.opened(&mut writer)?;
        writer.delete_term(self.fields.id_term(product.id.as_str()));
        writer.add_document(self.fields.document(product))?;
        Ok(())
    }

    /// Takes a product out; one that is not there is no matter. Visible after [`Self::commit`].
    pub fn remove(&self, id: &ProductId) -> Result<(), Error> {
        let mut writer = self.lock();
        self.opened(&mut writer)?.delete_term(self.fields.id_term(id.as_str()));
        Ok(())
    }

    /// Makes all changes visible to every search from now on.
    pub fn commit(&self) -> Result<(), Error> {
        match self.lock().as_mut() {
            Some(writer) => self.publish(writer),
            None => Ok(()),
        }
    }

    /// Replaces everything by these products, visible when it returns. Of two with one id, the later counts.
    pub fn rebuild<'a>(&self, products: impl IntoIterator<Item = &'a Product>) -> Result<(), Error> {
        let mut writer = self.lock();
        let writer = self.opened(&mut writer)?;
        // What waits to be written must be in a segment before all segments can be dropped.
        writer.commit()?;
        writer.delete_all_documents()?;
        for product in products {
            writer.delete_term(self.fields.id_term(product.id.as_str()));
            writer.add_document(self.fields.document(product))?;
        }
        self.publish(writer)
    }

    /// Products that can be found.
    pub fn len(&self) -> usize {
        self.searcher().map_or(0, |searcher| searcher.num_docs() as usize)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds products that have every word; if there are none, forgives a slip in each word; if there are still
    /// none, asks for any of the words. The last word may be only begun, unless something follows it. Nothing typed
    /// finds everything in the category, or nothing without one.
    pub fn search(&self, text: &str, options: &SearchOptions) -> Result<SearchPage, Error> {
        let Some(searcher) = self.searcher() else { return Ok(SearchPage::default()) };
        let typed = self.analyzers.read(text);
        if typed.whole.is_empty() {
            return if options.category.is_some() {
                self.page(&searcher, everything(), options)
            } else {
                Ok(SearchPage::default())
            };
        }
        for attempt in Attempt::ALL {
            let page = self.page(&searcher, find(&searcher, &self.fields, &typed, attempt)?, options)?;
            if page.total > 0 {
                return Ok(page);
            }
        }
        Ok(SearchPage::default())
    }

    /// Titles of products that have every word typed, best first.
    pub(crate) fn titles(&self, searcher: &Searcher, typed: &Typed, limit: usize) -> Result<Vec<String>, Error> {
        let query = find(searcher, &self.fields, typed, Attempt::AsTyped)?;
        let found = searcher.search(&*query, &TopDocs::with_limit(limit.clamp(1, LARGEST_LIMIT)).order_by_score())?;
        let titles = found.into_iter().map(|(_, address)| stored(searcher, address, self.fields.title));
        Ok(titles.collect::<tantivy::Result<Vec<Option<String>>>>()?.into_iter().flatten().collect())
    }

    pub(crate) fn searcher(&self) -> Option<Searcher> {
        self.reader.get().map(IndexReader::searcher)
    }

    fn page(&self, searcher: &Searcher, query: Box<dyn Query>, options: &SearchOptions) -> Result<SearchPage, Error> {
        let mut filters = Vec::new();
        filters.extend(options.category.as_deref().map(|category| self.fields.category_term(category)));
        filters.extend(options.in_stock_only.then(|| self.fields.buyable_term()));
        let query = narrowed(query, filters);
        let limit = options.limit.min(LARGEST_LIMIT);
        if limit == 0 || options.offset > LARGEST_OFFSET {
            return Ok(SearchPage { total: searcher.search(&*query, &Count)?, hits: Vec::new() });
        }
        let best = TopDocs::with_limit(limit).and_offset(options.offset).order_by_score();
        let (total, found) = searcher.search(&*query, &(Count, best))?;
        let mut hits = Vec::with_capacity(found.len());
        for (score, address) in found {
            let id = stored(searcher, address, self.fields.id)?;
            hits.extend(id.map(|id| (ProductId::trusted(id), score)));
        }
        Ok(SearchPage { total, hits })
    }

    fn lock(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened<'a>(&self, writer: &'a mut Option<IndexWriter>) -> Result<&'a mut IndexWriter, Error> {
        let opened = match writer.take() {
            Some(opened) => opened,
            None => self.index.writer_with_num_threads(1, WRITER_BYTES)?,
        };
        Ok(writer.insert(opened))
    }

    fn publish(&self, writer: &mut IndexWriter) -> Result<(), Error> {
        writer.commit()?;
        match self.reader.get() {
            Some(reader) => reader.reload()?,
            None => {
                // Reloaded by hand: a search right after a commit must see it.
                let opened = self.index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
                // Only set here, under the writer's lock, so it cannot have been set meanwhile.
                let _ = self.reader.set(opened);
            }
        }
        Ok(())
    }
}

fn stored(searcher: &Searcher, address: DocAddress, field: Field) -> tantivy::Result<Option<String>> {
    let document: TantivyDocument = searcher.doc(address)?;
    Ok(document.get_first(field).and_then(|value| value.as_str().map(str::to_owned)))
}
