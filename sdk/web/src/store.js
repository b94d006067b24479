/**
 * A key-value store over `localStorage` that falls back to memory, key by key.
 *
 * Invariant: what was set is read back on this page, even where storage is blocked or full; only its
 * survival beyond the page is lost then. It knows nothing of consent: whoever calls it has asked before.
 */

import { attempt } from './surroundings.js';

/** @typedef {ReturnType<typeof openStore>} Store */

/** @param {Storage | null} area Null: memory only. */
export function openStore(area) {
  /** @type {Map<string, string>} */
  const memory = new Map();

  return {
    /** @param {string} key */
    get(key) {
      return memory.get(key) ?? attempt(() => area?.getItem(key) ?? null, null);
    },

    /**
     * @param {string} key
     * @param {string} value
     */
    set(key, value) {
      memory.delete(key);
      const kept = attempt(() => {
        area?.setItem(key, value);
        return area !== null;
      }, false);
      if (!kept) memory.set(key, value);
    },

    /** @param {string} key */
    remove(key) {
      memory.delete(key);
      attempt(() => area?.removeItem(key), undefined);
    },

    /**
     * In ascending order.
     * @param {string} prefix
     */
    keys(prefix) {
      const stored = attempt(() => Array.from({ length: area?.length ?? 0 }, (_, index) => area?.key(index) ?? ''), []);
      return [...new Set([...stored, ...memory.keys()])].filter((key) => key.startsWith(prefix)).sort();
    },
  };
}
