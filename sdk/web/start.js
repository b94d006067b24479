/**
 * The one-line start: `<script type="module" src="https://mercer.shop.example/sdk/start.js?key=KEY">`.
 *
 * Invariant: all settings stand in the script's own address, so no inline script is needed and a strict content
 * security policy holds. Pages that want more call `createMercer` and `defineSlots` themselves.
 *
 * Parameters: `key`, `decide_key`, `host`, `consent`, `cookie=true`, `slots=false`, `page=false` (send no page event).
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

Object.assign(globalThis, { mercer });
if (said.get('page') !== 'false') mercer.page();
document.dispatchEvent(new CustomEvent('mercer-ready', { detail: mercer }));
