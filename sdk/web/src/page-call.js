/**
 * One decide call for all slots of a page.
 *
 * Invariant: slots that wait when a call goes out are all in it, lazy ones too: only one answer for the whole page
 * can keep a product from standing there twice. Slots that join later are asked for in a call of their own.
 */

/** @import { DecidePage, Mercer, PlacementDecision } from './types.js' */

/** The most that the server takes in a call. */
const MAX_PLACEMENTS = 32;

/**
 * A slot without an answer.
 * @typedef {Element & {
 *   placement: string,
 *   receive(decision: PlacementDecision | undefined): void,
 *   showDefault(reason: 'late' | 'failed'): void,
 * }} Waiting
 */

/** @typedef {ReturnType<typeof openPageCall>} PageCall */

/**
 * @param {Pick<Mercer, 'decide'>} mercer
 * @param {{ page: () => DecidePage | undefined, fields?: string[] }} options
 */
export function openPageCall(mercer, { page, fields }) {
  /** @type {Set<Waiting>} */
  const waiting = new Set();
  let asked = false;

  const run = () => {
    asked = false;
    // In the order of the page: the upper of two slots that could show a product shows it.
    const slots = [...waiting].sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
    waiting.clear();
    const placements = [...new Set(slots.map((slot) => slot.placement))];
    for (let start = 0; start < placements.length; start += MAX_PLACEMENTS) {
      const part = placements.slice(start, start + MAX_PLACEMENTS);
      void call(part, slots.filter((slot) => part.includes(slot.placement)));
    }
  };

  /**
   * @param {string[]} placements
   * @param {Waiting[]} slots
   */
  const call = async (placements, slots) => {
    try {
      const decision = await mercer.decide({ page: page(), placements, fields });
      for (const slot of slots) slot.receive(decision.placements.find((one) => one.placement === slot.placement));
    } catch (error) {
      const reason = /** @type {{ code?: string }} */ (error)?.code === 'timeout' ? 'late' : 'failed';
      for (const slot of slots) slot.showDefault(reason);
    }
  };

  return {
    /** @param {Waiting} slot */
    join: (slot) => void waiting.add(slot),

    /** @param {Waiting} slot */
    leave: (slot) => void waiting.delete(slot),

    /** A slot needs its answer. The call goes out when the running script ends, so that all slots are in it. */
    ask() {
      if (asked) return;
      asked = true;
      queueMicrotask(run);
    },
  };
}
