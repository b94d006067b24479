/**
 * Fills a shop's template with one decided item.
 *
 * Invariant: a value from the catalog becomes text or a checked URL and never markup or script, whatever it says.
 * It knows nothing of the page's life: no events, no network.
 */

/** @import { DecidedItem, Reason } from './types.js' */

import { attempt } from './surroundings.js';

/** Decimal places of currencies that have not two (ISO 4217, as the server counts them). */
const PLACES = new Map([
  ...['BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'].map(zero),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map(three),
]);

/** Elements whose text or address would be run, not shown. */
const ACTIVE = 'script, style, iframe, object, embed, link, base, meta';

let lastId = 0;

/**
 * @param {ParentNode} root A copy of the template.
 * @param {DecidedItem} item
 * @param {string} locale
 */
export function fill(root, item, locale) {
  const values = { ...item.product, product_id: item.product_id, reason: item.reasons?.[0]?.text };
  each(root, 'text', (element, path) => {
    const text = textOf(lookup(values, path), locale);
    element.textContent = text;
    element.hidden = !text;
  });
  each(root, 'alt', (element, path) => element.setAttribute('alt', textOf(lookup(values, path), locale)));
  each(root, 'href', (element, path) => setUrl(element, 'href', 'a, area', lookup(values, path)));
  each(root, 'src', (element, path) => setUrl(element, 'src', 'img', lookup(values, path)));
  const title = textOf(lookup(values, 'title'), locale);
  for (const button of root.querySelectorAll('[data-mercer-why], [data-mercer-dismiss]')) {
    if (title && !button.hasAttribute('aria-label')) {
      button.setAttribute('aria-label', `${button.textContent?.trim()}: ${title}`);
    }
  }
  fillReasons(root, item.reasons ?? []);
}

/**
 * Ties a "why this?" button to its closed box of reasons.
 * @param {ParentNode} tile
 */
export function closeReasons(tile) {
  const button = tile.querySelector('[data-mercer-why]');
  const box = /** @type {HTMLElement | null} */ (tile.querySelector('[data-mercer-reasons]'));
  if (!button || !box) return;
  box.id ||= `mercer-reasons-${++lastId}`;
  box.hidden = true;
  button.setAttribute('aria-controls', box.id);
  button.setAttribute('aria-expanded', 'false');
}

/**
 * @param {unknown} value
 * @param {string} base
 * @returns {string | null} Null for everything but http, https and relative addresses.
 */
export function safeUrl(value, base) {
  if (typeof value !== 'string' || !value.trim()) return null;
  const url = attempt(() => new URL(value, base), null);
  return url && ['http:', 'https:'].includes(url.protocol) ? url.href : null;
}

/**
 * @param {unknown} value Text, a number, money, or a list of texts.
 * @param {string} locale
 */
export function textOf(value, locale) {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.filter((part) => typeof part === 'string').join(' › ');
  const { minor, currency } = /** @type {{ minor?: unknown, currency?: unknown }} */ (value ?? {});
  return typeof minor === 'number' && typeof currency === 'string' ? money(minor, currency, locale) : '';
}

/**
 * @param {number} minor
 * @param {string} currency
 * @param {string} locale
 */
function money(minor, currency, locale) {
  const places = PLACES.get(currency) ?? 2;
  const amount = minor / 10 ** places;
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  const style = /** @type {const} */ ({ style: 'currency', currency, ...digits });
  // A page's `lang` may be no language tag (`en_GB`), a feed's currency no code.
  return attempt(
    () => new Intl.NumberFormat(locale || undefined, style).format(amount),
    attempt(() => new Intl.NumberFormat(undefined, style).format(amount), `${amount.toFixed(places)} ${currency}`),
  );
}

/**
 * @param {ParentNode} root
 * @param {Reason[]} reasons
 */
function fillReasons(root, reasons) {
  const button = /** @type {HTMLElement | null} */ (root.querySelector('[data-mercer-why]'));
  if (!button) return;
  button.hidden = !reasons.length;
  let box = root.querySelector('[data-mercer-reasons]');
  if (!box) {
    box = document.createElement('div');
    box.setAttribute('data-mercer-reasons', '');
    button.after(box);
  }
  const list = document.createElement('ul');
  for (const { text } of reasons) list.appendChild(document.createElement('li')).textContent = text;
  box.replaceChildren(list);
  closeReasons(root);
}

/**
 * @param {ParentNode} root
 * @param {string} kind
 * @param {(element: HTMLElement, path: string) => void} act
 */
function each(root, kind, act) {
  const attribute = `data-mercer-${kind}`;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[${attribute}]`))) {
    if (!element.matches(ACTIVE)) act(element, element.getAttribute(attribute) ?? '');
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} attribute
 * @param {string} allowed Elements on which this attribute shows or leads, but does not run.
 * @param {unknown} value
 */
function setUrl(element, attribute, allowed, value) {
  const url = safeUrl(value, document.baseURI);
  if (url && element.matches(allowed)) element.setAttribute(attribute, url);
  else if (attribute === 'src') element.hidden = true;
}

/**
 * Own properties only, so that no path leads into a prototype.
 * @param {unknown} from
 * @param {string} path Names with dots between.
 */
function lookup(from, path) {
  let value = from;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = /** @type {Record<string, unknown>} */ (value)[name];
  }
  return value;
}

/** @param {string} code @returns {[string, number]} */
function zero(code) {
  return [code, 0];
}

/** @param {string} code @returns {[string, number]} */
function three(code) {
  return [code, 3];
}
