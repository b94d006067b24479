/**
 * What the visitor allows: asked before anything is kept, sent or personalized.
 *
 * Invariant: no answer yet counts as no. Global Privacy Control forbids personalization whatever else was chosen.
 * It only answers questions; deleting what may no longer be kept is done by `mercer.js`.
 */

/** @import { ConsentChoice, ConsentState, MercerOptions, Surroundings } from './types.js' */
/** @import { Store } from './store.js' */

import { attempt } from './surroundings.js';

/** @typedef {ReturnType<typeof openConsent>} Consent */

/**
 * @param {MercerOptions['consent']} initial
 * @param {{ around: Surroundings, durable: Store, key: string }} place
 */
export function openConsent(initial, { around, durable, key }) {
  let choice = initial ? fromWord(initial) : remembered(durable.get(key));

  /** @returns {ConsentState} */
  const get = () => {
    const gpc = around.gpc();
    const { analytics = false, personalization = false } = choice ?? {};
    const state = !choice ? 'pending' : analytics || personalization ? 'granted' : 'denied';
    return { state, analytics, personalization: personalization && !gpc, gpc };
  };

  return {
    get,

    /** @param {Partial<ConsentChoice>} change */
    set(change) {
      const { analytics = false, personalization = false } = { ...choice, ...change };
      choice = { analytics, personalization };
      // The choice itself is kept, also a refusal: otherwise every page would have to ask again.
      durable.set(key, JSON.stringify(choice));
    },

    /**
     * Another tab was told the visitor's choice.
     * @param {string | null} text
     */
    heard(text) {
      choice = remembered(text) ?? choice;
    },

    /** May an id be kept in the browser? */
    mayIdentify: () => get().analytics || get().personalization,
  };
}

/** @param {string} word */
function fromWord(word) {
  return word === 'pending' ? null : { analytics: word === 'granted', personalization: word === 'granted' };
}

/**
 * @param {string | null} text
 * @returns {ConsentChoice | null}
 */
function remembered(text) {
  const value = attempt(() => JSON.parse(text ?? 'null'), null);
  if (typeof value?.analytics !== 'boolean' || typeof value.personalization !== 'boolean') return null;
  return { analytics: value.analytics, personalization: value.personalization };
}
