/**
 * The one-line start: `<script type="module" src="https://mercer.shop.example/sdk/start.js?key=KEY">`.
 *
 * Invariant: all settings stand in the script's own address, so no inline script is needed and a strict content
 * security policy holds. Pages that want more call `createMercer`, `defineSlots` and `defineSearch` themselves.
 *
 * Parameters: `key`, `decide_key`, `host`, `consent`, `cookie=true`, `slots=false`, `page=false` (send no page event),
 * `search=true` or `false` (default: the search is loaded where the page has an element of it).
 */

/** @import { MercerOptions } from './src/types.js' */

import { createMercer } from './mercer.js';
import { defineSlots } from './slots.js';

const address = new URL(import.meta.url);
const said = address.searchParams;

export const mercer = createMercer({
  host: said.get('host') ?? address.origin,
  key: said.get('key') ?? '',
  decideKey: said.get('decide_key') ?? undefined,
  consent: /** @type {MercerOptions['consent']} */ (said.get('consent') ?? undefined),
  cookie: said.get('cookie') === 'true',
});

export const slots = said.get('slots') === 'false' ? null : defineSlots(mercer);

// Most pages of a shop have the box; those that have nothing of the search do not download it.
const wantsSearch = said.get('search') ?? String(document.querySelector('mercer-search-box, mercer-search-results') !== null);
if (wantsSearch === 'true') void import('./search.js').then(({ defineSearch }) => defineSearch(mercer));

Object.assign(globalThis, { mercer });
if (said.get('page') !== 'false') mercer.page();
document.dispatchEvent(new CustomEvent('mercer-ready', { detail: mercer }));
