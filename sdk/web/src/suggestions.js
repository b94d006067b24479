/**
 * Asks for suggestions while somebody types.
 *
 * Invariant: only the answer to the newest text is told. An older call is aborted, an answer is asked for once a page.
 */

/** @import { Mercer, SuggestAnswer, SuggestRequest } from './types.js' */

const MOST_KEPT = 100;
const TIMEOUT_MS = 3_000;

/** @typedef {(answer: SuggestAnswer | null) => void} Receive Null: there is no answer. */

/**
 * @param {Pick<Mercer, 'suggest' | 'on'>} mercer
 * @param {(work: () => void, delayMs: number) => () => void} later
 */
export function openSuggestions(mercer, later) {
  /** @type {Map<string, SuggestAnswer>} */
  const kept = new Map();
  /** @type {AbortController | null} */
  let running = null;
  let cancelTimer = () => {};
  // What was asked for as one visitor is no answer for another.
  mercer.on('consent', () => kept.clear());

  const stop = () => {
    cancelTimer();
    running?.abort();
    running = null;
  };

  /**
   * @param {string} key
   * @param {SuggestRequest} request
   * @param {Receive} receive
   */
  const call = async (key, request, receive) => {
    const mine = new AbortController();
    running = mine;
    try {
      const answer = await mercer.suggest(request, { signal: mine.signal, timeoutMs: TIMEOUT_MS });
      kept.set(key, answer);
      if (kept.size > MOST_KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
      if (running === mine) receive(answer);
    } catch {
      if (running === mine) receive(null);
    }
  };

  return {
    stop,

    /**
     * @param {SuggestRequest} request
     * @param {number} waitMs For further letters.
     * @param {Receive} receive
     */
    ask(request, waitMs, receive) {
      stop();
      const key = JSON.stringify(request);
      const known = kept.get(key);
      if (known) return receive(known);
      if (!waitMs) return void call(key, request, receive);
      cancelTimer = later(() => void call(key, request, receive), waitMs);
    },
  };
}
