/**
 * Defines `<mercer-slot>` for a page and ties its slots to a client.
 *
 * Invariant: called once per page and element name. The client does not need this module; pages that render
 * decisions themselves leave it out.
 */

/** @import { DecidePage, Mercer } from './src/types.js' */
/** @import { SlotTexts } from './src/slot-element.js' */

import { openPageCall } from './src/page-call.js';
import { openSeen } from './src/seen.js';
import { SlotElement } from './src/slot-element.js';
import { attempt, browser } from './src/surroundings.js';

/**
 * @typedef {object} SlotOptions
 * @property {DecidePage | (() => DecidePage)} [page] What the page is about. Default: the JSON in
 *   `<meta name="mercer-page" content='{"type":"home"}'>`.
 * @property {string[]} [fields] Product fields to ask for. Default: all.
 * @property {string} [margin] How near a lazy slot comes to the view before it is asked for. Default `400px`.
 * @property {string} [name] Name of the element. Default `mercer-slot`.
 * @property {Partial<SlotTexts>} [texts] What the buttons say; in `removed`, `{title}` stands for the product.
 */

/**
 * @param {Mercer} mercer
 * @param {SlotOptions} [options]
 */
export function defineSlots(mercer, options = {}) {
  const { name = 'mercer-slot', margin = '400px', fields } = options;
  let { page } = options;
  const around = browser();
  const call = openPageCall(mercer, { page: () => (typeof page === 'function' ? page() : (page ?? pageOfMeta())), fields });
  const near =
    globalThis.IntersectionObserver &&
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && call.ask(), {
      rootMargin: `${margin} 0px`,
    });
  const texts = { why: 'Why this?', dismiss: 'Not for me', removed: 'Removed: {title}', ...options.texts };
  const seen = openSeen(around);
  const locale = () => around.page().locale ?? '';

  class Slot extends SlotElement {
    static page = { mercer, call, seen, near, texts, locale };
  }
  customElements.define(name, Slot);

  return {
    /**
     * Pages that change without a reload call this after each change: every slot asks again.
     * @param {DecidePage} [next] What the page is about now.
     */
    navigate(next) {
      page = next ?? page;
      for (const slot of document.querySelectorAll(name)) {
        if (slot instanceof Slot) slot.navigate();
      }
    },
  };
}

/** @returns {DecidePage | undefined} */
function pageOfMeta() {
  const text = document.querySelector('meta[name="mercer-page"]')?.getAttribute('content');
  return attempt(() => JSON.parse(text ?? ''), undefined);
}
