/**
 * Draws what stands around the products of a search: what was understood, chips, facets, ways on.
 *
 * Invariant: a text of the server becomes text, never markup. Every link has the address of what it leads to, so that
 * it opens in another tab as well.
 */

/** @import { Facet, SearchAnswer, WayOn } from './types.js' */
/** @import { SearchState } from './search-state.js' */
/** @import { Text } from './say.js' */

import { make } from './built-in-tile.js';
import { say } from './say.js';
import { choose, CORRECTED, PRESET, SORTS } from './search-state.js';
import { safeUrl } from './tile.js';
import { unseen } from './tiles.js';

/** Values of a facet that are shown at once. */
const VALUES_AT_ONCE = 8;
const KEY = 'data-mercer-key';

/**
 * @typedef {object} Around
 * @property {SearchState} state
 * @property {Record<string, Text>} texts
 * @property {string} locale
 * @property {string} id Start of every id.
 * @property {(state: SearchState, content: (Node | string)[], attributes: Record<string, string>) => HTMLElement} link
 * @property {string} ownCategory The category that the page itself is about.
 * @property {string | null} categoryHref
 */

/**
 * What the shop says above the products. An address that would run is no link.
 * @param {SearchAnswer} answer
 */
export function drawBanners({ banners = [] }) {
  return banners.map(({ text, url }) => {
    const href = safeUrl(url, document.baseURI);
    return make('p', { class: 'mercer-banner', dir: 'auto' }, href ? make('a', { href }, text) : text);
  });
}

/**
 * @param {SearchAnswer} answer
 * @param {Around} around
 */
export function drawUnderstood({ query, total }, { state, texts, locale, link }) {
  const { text, corrected, dropped = [], unwanted = [], by_meaning: near = 0 } = query;
  const lines = [];
  if (corrected) {
    const wasAsked = state.ignore.includes(CORRECTED);
    const line = make('p', { class: 'mercer-corrected', dir: 'auto' }, say(wasAsked ? texts.as_typed : texts.corrected, { text, corrected }));
    const typed = { ...state, ignore: [...state.ignore, CORRECTED], page: 1 };
    if (!wasAsked) line.append(' ', link(typed, [say(texts.instead, { text })], { class: 'mercer-instead' }));
    lines.push(line);
  }
  /** @param {string[]} words */
  const listed = (words) => words.map((word) => `“${word}”`).join(', ');
  if (dropped.length) lines.push(make('p', { class: 'mercer-dropped', dir: 'auto' }, say(texts.dropped, { words: listed(dropped), count: dropped.length }, locale)));
  if (unwanted.length) lines.push(make('p', { class: 'mercer-unwanted', dir: 'auto' }, say(texts.unwanted, { words: listed(unwanted), count: unwanted.length }, locale)));
  if (near) lines.push(make('p', { class: 'mercer-near' }, near === total ? say(texts.near) : say(texts.near_last, { count: near }, locale)));
  return lines;
}

/**
 * What the search is narrowed down by, each to be taken away: wishes in the words, chosen values, a category.
 * @param {SearchAnswer} answer
 * @param {Facet[]} facets All whose labels are known.
 * @param {Around} around
 */
export function drawChips({ query }, facets, { state, texts, link }) {
  /**
   * @param {string} key
   * @param {string} label
   * @param {string} title
   * @param {SearchState} without
   */
  const chip = (key, label, title, without) => {
    const name = make('span', { class: 'mercer-chip-label', dir: 'auto' }, label);
    const cross = make('span', { class: 'mercer-chip-cross', 'aria-hidden': 'true' }, '×');
    const attributes = { class: 'mercer-chip', [KEY]: `chip ${key}`, 'aria-label': say(texts.remove, { label }), ...(title && { title }) };
    return make('li', {}, link({ ...without, page: 1 }, [name, cross], attributes));
  };
  const chips = [];
  if (state.category) {
    const label = state.category.split('>').at(-1)?.trim() || state.category;
    chips.push(chip(`category ${state.category}`, label, '', { ...state, category: '' }));
  }
  const wishes = (query.chips ?? []).filter(({ id }) => !state.ignore.includes(id));
  const chosen = [];
  for (const { field, values } of state.refine) {
    const facet = facets.find((one) => one.field === field);
    for (const value of values) {
      const label = facet?.values.find((one) => one.value === value)?.label ?? value.split(' > ').at(-1) ?? value;
      const without = choose(state, field, value, false);
      // What was said in words and chosen as well stands there once, and goes at once.
      const said = wishes.findIndex((wish) => wish.field === field && wish.label === label);
      if (said >= 0) without.ignore = [...state.ignore, ...wishes.splice(said, 1).map(({ id }) => id)];
      chosen.push(chip(`${field} ${value}`, label, facet?.name ?? '', without));
    }
  }
  for (const { id, label, from } of wishes) {
    chips.push(chip(id, label, say(texts.from, { from }), { ...state, ignore: [...state.ignore, id] }));
  }
  chips.push(...chosen);
  if (chips.length > 1) {
    const ignore = [...state.ignore, ...(query.chips ?? []).map(({ id }) => id)];
    const attributes = { class: 'mercer-clear', [KEY]: 'chip all' };
    chips.push(make('li', {}, link({ ...state, category: '', refine: [], ignore, page: 1 }, [say(texts.clear)], attributes)));
  }
  return chips;
}

/**
 * @param {Facet[]} facets
 * @param {Around} around
 */
export function drawFacets(facets, { state, texts, locale, id }) {
  return facets.map(({ field, name, why, values }, place) => {
    // What the shop chose beforehand stands in the answer alone.
    const own = state.refine.find((one) => one.field === field)?.values;
    const isPreset = !own && !state.ignore.includes(PRESET + field);
    const chosen = new Set(own ?? values.filter((one) => isPreset && one.is_chosen).map(({ value }) => value));
    /** @param {Facet['values'][number]} value */
    const box = ({ value, label, count }) => {
      const input = make('input', { type: 'checkbox', name: `refine.${field}`, value, [KEY]: `refine ${field} ${value}` });
      /** @type {HTMLInputElement} */ (input).checked = chosen.has(value);
      const text = make('span', { class: 'mercer-value-label', dir: 'auto' }, label);
      return make('label', { class: 'mercer-value' }, input, text, make('span', { class: 'mercer-value-count' }, say('{count}', { count }, locale)));
    };
    const legend = make('legend', { class: 'mercer-facet-name', dir: 'auto', ...(why && { title: why }) }, name);
    const group = make('fieldset', { class: 'mercer-facet' }, legend);
    if (why) {
      const reason = unseen(make('p', { id: `${id}-why-${place}` }, why));
      group.setAttribute('aria-describedby', reason.id);
      group.append(reason);
    }
    // What is chosen always stands in sight, in the server's order.
    const isEarly = new Map(values.map((value, index) => [value, index < VALUES_AT_ONCE || chosen.has(value.value)]));
    group.append(...values.filter((value) => isEarly.get(value)).map(box));
    const others = values.filter((value) => !isEarly.get(value));
    if (others.length) {
      const summary = make('summary', { [KEY]: `more ${field}` }, say(texts.more_values, { count: others.length }, locale));
      group.append(make('details', { class: 'mercer-more-values', 'data-mercer-field': field }, summary, ...others.map(box)));
    }
    return group;
  });
}

/**
 * @param {WayOn[]} ways
 * @param {SearchAnswer['query']} query
 * @param {Around} around
 */
export function drawWays(ways, { chips = [] }, { state, texts, locale, link, ownCategory, categoryHref }) {
  if (!ways.length) return [];
  const items = ways.map(({ kind, text, q, category, total }) => {
    const says = text.includes(String(total)) ? '' : say('{total}', { total }, locale);
    const count = make('span', { class: 'mercer-way-count' }, says);
    const attributes = { class: 'mercer-way' };
    if (kind === 'category' && category && categoryHref) {
      const href = categoryHref.replace(/\{(value|label)\}/g, () => encodeURIComponent(category));
      return make('li', {}, make('a', { ...attributes, href }, text), ' ', count);
    }
    /** @type {SearchState} */
    const bare = { ...state, category: '', refine: [], ignore: [], page: 1 };
    if (kind === 'without_filters') bare.ignore = chips.map(({ id }) => id).filter((id) => id.startsWith(PRESET));
    const there = kind === 'category' ? { ...bare, q: '', category: category ?? '' } : { ...bare, ...(q !== undefined && { q }) };
    if (kind === 'fewer_words') Object.assign(there, { category: state.category, refine: state.refine, ignore: state.ignore });
    // Of a page about one category the address cannot take another.
    if (kind === 'category' && ownCategory) return make('li', {}, make('span', attributes, text), ' ', count);
    return make('li', {}, link(there, [text], attributes), ' ', count);
  });
  return [make('p', { class: 'mercer-ways-name' }, say(texts.ways)), make('ul', { role: 'list' }, ...items)];
}

/** @param {Record<string, Text>} texts */
export function drawSort(texts) {
  const options = SORTS.map((sort) => make('option', { value: sort }, say(texts[`sort_${sort}`])));
  const select = make('select', { class: 'mercer-sort', [KEY]: 'sort' }, ...options);
  return make('label', { class: 'mercer-sort-label' }, make('span', {}, say(texts.sort)), select);
}

/**
 * Facets in the order in which they stand already: what somebody is using does not jump about.
 * @param {Facet[]} facets
 * @param {string[]} before Fields.
 */
export function inOrder(facets, before) {
  const place = (/** @type {Facet} */ { field }) => (before.includes(field) ? before.indexOf(field) : before.length);
  return [...facets].sort((a, b) => place(a) - place(b));
}
