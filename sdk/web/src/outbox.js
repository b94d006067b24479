/**
 * Events that the server has not answered for yet, one storage key each, so that tabs never overwrite each other.
 *
 * Invariant: within its bounds an event stays until `remove`. When full, the oldest goes first, but orders,
 * `identify` and `alias` go last: a lost page view costs little, a lost order or identity is wrong for good.
 * It does not send; `sender.js` does.
 */

/** @import { Surroundings, WireEvent } from './types.js' */
/** @import { Emit } from './occasions.js' */
/** @import { Store } from './store.js' */

import { attempt } from './surroundings.js';

/** The most that the server takes for one event. */
const MAX_EVENT_BYTES = 32_000;

const encoder = new TextEncoder();

/** @param {string} text */
export const bytesOf = (text) => encoder.encode(text).length;

/** @typedef {{ key: string, text: string, bytes: number, precious: boolean }} Entry */
/** @typedef {ReturnType<typeof openOutbox>} Outbox */

/**
 * @param {object} place
 * @param {Store} place.store
 * @param {Surroundings} place.around
 * @param {string} place.prefix
 * @param {number} place.maxEvents
 * @param {number} place.maxBytes
 * @param {Emit} place.emit
 */
export function openOutbox({ store, around, prefix, maxEvents, maxBytes, emit }) {
  const head = `${prefix}.event.`;
  let count = 0;

  /** @returns {Entry[]} Oldest first. */
  const entries = () =>
    store.keys(head).map((key) => {
      const text = store.get(key) ?? '';
      return { key, text, bytes: bytesOf(text), precious: key.includes('!') };
    });

  const trim = () => {
    const left = entries();
    let bytes = left.reduce((sum, entry) => sum + entry.bytes, 0);
    while (left.length > maxEvents || bytes > maxBytes) {
      const index = Math.max(0, left.findIndex((entry) => !entry.precious));
      const [{ key, text, bytes: freed }] = left.splice(index, 1);
      bytes -= freed;
      store.remove(key);
      const event = attempt(() => JSON.parse(text), null);
      if (event) emit('dropped', { event });
    }
  };

  return {
    /**
     * @param {WireEvent} event
     * @returns {boolean} False when no server would take it.
     */
    append(event) {
      const text = JSON.stringify(event);
      if (bytesOf(text) > MAX_EVENT_BYTES) return false;
      // Base 36, padded: keys in text order are in order of time, and of calls within a millisecond.
      const time = around.now().toString(36).padStart(9, '0');
      const turn = (count++ % 1_679_616).toString(36).padStart(4, '0');
      store.set(`${head}${time}${turn}${isPrecious(event) ? '!' : '.'}${event.messageId}`, text);
      trim();
      return true;
    },

    /**
     * The oldest events that fit into a request; at least one, if there is one.
     * @param {{ events: number, bytes: number, except?: Set<string> }} limit
     */
    take({ events, bytes, except }) {
      /** @type {Entry[]} */
      const taken = [];
      let sum = 0;
      for (const entry of entries()) {
        if (except?.has(entry.key)) continue;
        // One more for the comma.
        sum += entry.bytes + 1;
        if (taken.length >= events || (taken.length && sum > bytes)) break;
        taken.push(entry);
      }
      return taken;
    },

    /** @param {Entry[]} sent */
    remove(sent) {
      for (const { key } of sent) store.remove(key);
    },

    size: () => store.keys(head).length,

    clear() {
      for (const key of store.keys(head)) store.remove(key);
    },

    /** @param {string | null | undefined} key */
    owns: (key) => key?.startsWith(head) ?? false,
  };
}

/**
 * Orders go by Segment's names or by GA4's.
 * @param {WireEvent} event
 */
function isPrecious({ type, event = '' }) {
  return type === 'identify' || type === 'alias' || /^(order |(purchase|refund)$)/i.test(event);
}
