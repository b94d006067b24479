/**
 * The frame of the results: where everything stands, before there is anything.
 *
 * Invariant: what is drawn once stays the same element, so that nothing loses the focus or is spoken twice.
 */

/** @import { Text } from './say.js' */

import { make } from './built-in-tile.js';
import { say } from './say.js';
import { drawSort } from './search-parts.js';
import { statusLine } from './tiles.js';

const SKELETONS = 8;

/**
 * @param {string} id
 * @param {Record<string, Text>} texts
 */
export function build(id, texts) {
  const spoken = statusLine();
  const tiles = Array.from({ length: SKELETONS }, () => make('li', { class: 'mercer-skeleton' }));
  const skeletons = make('ul', { class: 'mercer-found mercer-skeletons', 'aria-hidden': 'true' }, ...tiles);
  const banners = make('div', { class: 'mercer-banners' });
  const understood = make('div', { class: 'mercer-understood' });
  const chips = make('ul', { class: 'mercer-chips', role: 'list', 'aria-label': say(texts.chips) });
  const status = make('p', { class: 'mercer-total', id: `${id}-total`, dir: 'auto' });
  const sortLabel = drawSort(texts);
  const sort = /** @type {HTMLSelectElement} */ (sortLabel.querySelector('select'));
  const form = make('form', { class: 'mercer-facet-list' });
  const name = make('summary', { class: 'mercer-filters-name' }, say(texts.filters));
  const done = make('button', { type: 'button', class: 'mercer-done' });
  const filters = make('details', { class: 'mercer-filters' }, name, form, done);
  const list = make('ul', { class: 'mercer-found', role: 'list', 'aria-labelledby': status.id });
  const ways = make('div', { class: 'mercer-ways' });
  const shown = make('p', { class: 'mercer-shown' });
  const more = make('a', { class: 'mercer-more' }, say(texts.more));
  const alert = make('div', { class: 'mercer-alert', role: 'alert' });
  const bar = make('div', { class: 'mercer-bar' }, status, sortLabel);
  const main = make('div', { class: 'mercer-main' }, list, ways, make('div', { class: 'mercer-foot' }, shown, more));
  const columns = make('div', { class: 'mercer-columns' }, filters, main);
  // Nothing of it is drawn before there is an answer: so nothing of it moves when it comes.
  const content = make('div', { class: 'mercer-content' }, banners, understood, chips, bar, columns);
  const box = make('div', { class: 'mercer-results' }, spoken, skeletons, content, alert);
  for (const part of [skeletons, content, chips, more, alert]) part.hidden = true;
  return { box, spoken, skeletons, content, banners, understood, chips, status, sort, columns, form, name, done, filters, main, list, ways, shown, more, alert };
}
