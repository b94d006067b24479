/**
 * What slots and search results do alike with their tiles.
 *
 * Invariant: the shop's template is found and filled in one way, wherever a product stands.
 */

/** @import { DecidedItem } from './types.js' */

import { builtInTile, make } from './built-in-tile.js';
import { fill, textOf } from './tile.js';

export const TILE = '[data-mercer-product]';
const FOCUSABLE = 'a[href], button:not([disabled])';

/**
 * @param {HTMLElement} host The element whose `template` attribute or child names the shop's tile.
 * @param {DecidedItem} item
 * @param {{ texts: { why: string, dismiss?: string }, locale: string }} how
 */
export function makeTile(host, item, { texts, locale }) {
  const named = host.getAttribute('template');
  const template = named ? document.getElementById(named) : host.querySelector(':scope > template');
  const content = template instanceof HTMLTemplateElement ? document.importNode(template.content, true) : builtInTile(texts);
  const tile = make('li', { class: 'mercer-tile', 'data-mercer-product': item.product_id }, content);
  tile.dataset.mercerTitle = textOf(item.product?.title, locale);
  const { availability } = item.product ?? {};
  if (typeof availability === 'string') tile.dataset.mercerAvailability = availability;
  fill(tile, item, locale);
  return tile;
}

/** @param {Element} tile */
export function productOf(tile) {
  return tile.getAttribute('data-mercer-product') ?? '';
}

/**
 * @param {Event} event
 * @param {Element} tile
 * @param {Element} button
 */
export function toggleReasons(event, tile, button) {
  const box = /** @type {HTMLElement | null} */ (tile.querySelector('[data-mercer-reasons]'));
  if (!box) return;
  event.preventDefault();
  box.hidden = !box.hidden;
  button.setAttribute('aria-expanded', String(!box.hidden));
}

/** Spoken, not shown. Styled by script, which a strict content security policy allows. */
export function statusLine() {
  return unseen(make('p', { role: 'status', 'aria-live': 'polite' }));
}

/** @param {HTMLElement} element */
export function unseen(element) {
  const style = { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', margin: '-1px', clipPath: 'inset(50%)' };
  Object.assign(element.style, style);
  return element;
}

/** @param {Element | null | undefined} element */
export function focus(element) {
  if (!(element instanceof HTMLElement)) return;
  if (!element.matches(`${FOCUSABLE}, input, select, summary`)) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/**
 * What in a tile takes the focus; else the tile itself.
 * @param {Element | null | undefined} tile
 */
export function focusIn(tile) {
  focus(tile?.querySelector(FOCUSABLE) ?? tile);
}
