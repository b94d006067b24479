/**
 * Who wants to hear of what: the listeners behind `mercer.on`.
 *
 * Invariant: a listener's fault is reported like any uncaught error, and stops nothing in the SDK.
 */

/** @import { Occasions } from './types.js' */

/** @typedef {<Name extends keyof Occasions>(name: Name, detail: Occasions[Name]) => void} Emit */

export function openOccasions() {
  /** @type {Map<string, Set<(detail: any) => void>>} */
  const listeners = new Map();
  return {
    /**
     * @template {keyof Occasions} Name
     * @param {Name} name
     * @param {Occasions[Name]} detail
     */
    emit(name, detail) {
      for (const listener of listeners.get(name) ?? []) {
        try {
          listener(detail);
        } catch (error) {
          globalThis.reportError?.(error);
        }
      }
    },

    /**
     * @template {keyof Occasions} Name
     * @param {Name} name
     * @param {(detail: Occasions[Name]) => void} listener
     */
    on(name, listener) {
      const those = listeners.get(name) ?? new Set();
      listeners.set(name, those.add(listener));
      return () => void those.delete(listener);
    },
  };
}
