/**
 * Draws suggestions as one list of options in labelled groups.
 *
 * Invariant: a text of the server becomes text, an address a checked address. It knows nothing of keys and pointers.
 */

/** @import { DecidedItem, SuggestAnswer, SuggestedPlace } from './types.js' */

import { make } from './built-in-tile.js';
import { parts } from './highlight.js';
import { safeUrl, textOf } from './tile.js';

/** @typedef {'query' | 'category' | 'brand' | 'product'} Kind */
/** @typedef {{ kind: Kind, value: string, label: string, url: string, product?: DecidedItem }} Choice */

/**
 * @typedef {object} Drawing
 * @property {string} id Start of every id.
 * @property {string} typed
 * @property {string} locale
 * @property {Record<Kind | 'recent' | 'popular', string>} labels Names of the groups; `recent` and `popular` before the first letter.
 * @property {(kind: Kind, value: string, label: string, own?: unknown) => string} url
 */

/**
 * @param {SuggestAnswer} answer
 * @param {Drawing} how
 * @returns {{ groups: HTMLElement[], choices: Map<Element, Choice> }}
 */
export function drawSuggestions(answer, how) {
  const { id, labels, typed, url } = how;
  /** @type {Map<Element, Choice>} */
  const choices = new Map();

  /**
   * @param {Choice} choice
   * @param {...Node} content
   */
  const option = (choice, ...content) => {
    const address = safeUrl(choice.url, document.baseURI);
    const element = make('a', { role: 'option', id: `${id}-${choices.size}`, class: `mercer-option mercer-option-${choice.kind}`, tabindex: '-1', 'aria-selected': 'false' }, ...content);
    if (address) element.setAttribute('href', address);
    choices.set(element, choice);
    return element;
  };

  /** @param {{ text: string }} query */
  const query = ({ text }) => option({ kind: 'query', value: text, label: text, url: url('query', text, text) }, marked(text, typed));

  /** @param {Kind} kind @returns {(place: SuggestedPlace) => HTMLElement} */
  const place = (kind) => ({ value, label }) =>
    option({ kind, value, label, url: url(kind, value, label) }, marked(label, typed), above(value, label));

  /** @param {DecidedItem} product */
  const item = (product) => {
    const { product_id: value, product: fields = {} } = product;
    const label = textOf(fields.title, how.locale) || value;
    const picture = make('span', { class: 'mercer-option-image' });
    const source = safeUrl(fields.image_url, document.baseURI);
    if (source) picture.append(make('img', { src: source, alt: '', loading: 'lazy', decoding: 'async' }));
    const price = make('span', { class: 'mercer-option-price' }, textOf(fields.price, how.locale));
    // Before the first letter it is not the words that brought it.
    const why = make('span', { class: 'mercer-option-note', dir: 'auto' }, product.reasons?.[0]?.text ?? '');
    return option({ kind: 'product', value, label, url: url('product', value, label, fields.url), product }, picture, marked(label, typed), why, price);
  };

  const [recent, other] = typed ? [[], answer.queries] : byWhy(answer.queries);
  const groups = [
    group(`${id}-recent`, labels.recent, recent.map(query)),
    group(`${id}-queries`, typed ? labels.query : labels.popular, other.map(query)),
    group(`${id}-categories`, labels.category, answer.categories.map(place('category'))),
    group(`${id}-brands`, labels.brand, answer.brands.map(place('brand'))),
    group(`${id}-products`, labels.product, answer.items.map(item)),
  ];
  return { groups: groups.filter((one) => one !== null), choices };
}

/** @param {SuggestAnswer['queries']} queries */
function byWhy(queries) {
  return [queries.filter(({ why }) => why === 'recent'), queries.filter(({ why }) => why !== 'recent')];
}

/**
 * @param {string} id
 * @param {string} label
 * @param {HTMLElement[]} options
 */
function group(id, label, options) {
  if (!options.length) return null;
  const name = make('div', { id, class: 'mercer-group-name', role: 'presentation' }, label);
  return make('div', { role: 'group', class: 'mercer-group', 'aria-labelledby': id }, name, ...options);
}

/**
 * @param {string} text
 * @param {string} typed
 */
function marked(text, typed) {
  const all = parts(text, typed).map((part) => (part.isNew ? make('b', {}, part.text) : part.text));
  return make('span', { class: 'mercer-option-text', dir: 'auto' }, ...all);
}

/**
 * Where a category stands, if its value is a path.
 * @param {string} value
 * @param {string} label
 */
function above(value, label) {
  const end = value.length - label.length;
  const path = value.endsWith(label) ? value.slice(0, end).replace(/\s*>\s*$/, '') : '';
  return make('span', { class: 'mercer-option-note', dir: 'auto' }, path.replaceAll(/\s*>\s*/g, ' › '));
}
