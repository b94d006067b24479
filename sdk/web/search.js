/**
 * Defines `<mercer-search-box>` and `<mercer-search-results>` for a page and ties them to a client.
 *
 * Invariant: called once per page and element names. The client does not need this module; pages that draw searches
 * themselves call `mercer.search` and `mercer.suggest`.
 */

/** @import { Mercer } from './src/types.js' */
/** @import { BoxTexts } from './src/search-box-element.js' */
/** @import { Text } from './src/say.js' */

import { SearchBoxElement } from './src/search-box-element.js';
import { SearchResultsElement } from './src/search-results-element.js';
import { openSeen } from './src/seen.js';
import { browser } from './src/surroundings.js';

const BOX = {
  list: 'Suggestions',
  query: 'Searches',
  recent: 'You searched for',
  popular: 'Popular searches',
  category: 'Categories',
  brand: 'Brands',
  product: 'Products',
  suggestions: { one: '{count} suggestion. Arrow keys choose.', other: '{count} suggestions. Arrow keys choose.' },
};

const RESULTS = {
  why: 'Why this?',
  total: { one: '{count} product', other: '{count} products' },
  total_for: { one: '{count} product for “{text}”', other: '{count} products for “{text}”' },
  none: 'Nothing found',
  none_for: 'Nothing found for “{text}”',
  corrected: 'Showing results for “{corrected}”.',
  instead: 'Search for “{text}” instead',
  as_typed: 'Nothing is called “{text}”. Showing results for “{corrected}”.',
  dropped: 'No product has all of it. Left out: {words}',
  unwanted: 'Without {words}',
  near: 'No product has these words. This is near to what they mean.',
  near_last: { one: 'The last product is only near to what the words mean.', other: 'The last {count} are only near to what the words mean.' },
  chips: 'Narrowed down by',
  from: 'from “{from}”',
  remove: 'Remove {label}',
  clear: 'Clear all',
  filters: 'Filters',
  filters_chosen: 'Filters ({count})',
  more_values: '{count} more',
  done: { one: 'Show {count} product', other: 'Show {count} products' },
  sort: 'Sort by',
  sort_relevance: 'Best match',
  sort_popular: 'Most popular',
  sort_newest: 'Newest',
  sort_price_up: 'Price, low to high',
  sort_price_down: 'Price, high to low',
  shown: '{shown} of {count}',
  more: 'Show more',
  ways: 'You could also try',
  failed: 'The search did not answer.',
  retry: 'Try again',
};

/**
 * @typedef {object} SearchOptions
 * @property {string[]} [fields] Product fields to ask for in results. Default: all.
 * @property {Partial<BoxTexts>} [boxTexts]
 * @property {Partial<Record<keyof typeof RESULTS, Text>> & { why?: string }} [resultsTexts]
 * @property {string} [box] Name of the element. Default `mercer-search-box`.
 * @property {string} [results] Name of the element. Default `mercer-search-results`.
 */

/**
 * @param {Mercer} mercer
 * @param {SearchOptions} [options]
 */
export function defineSearch(mercer, options = {}) {
  const { fields, box = 'mercer-search-box', results = 'mercer-search-results' } = options;
  const around = browser();
  const locale = () => around.page().locale ?? '';
  const seen = openSeen(around);
  const texts = { ...BOX, ...options.boxTexts };
  const resultsTexts = { ...RESULTS, ...options.resultsTexts };

  class Box extends SearchBoxElement {
    static page = { mercer, around, texts, locale };
  }
  class Results extends SearchResultsElement {
    static page = { mercer, around, seen, resultsTexts, locale, fields };
  }
  customElements.define(box, Box);
  customElements.define(results, Results);
}
