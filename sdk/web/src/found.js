/**
 * Fetches the products of a state, page after page, and keeps what was fetched while the document lives.
 *
 * Invariant: only the newest question is answered; an older call is aborted. A product is listed once. "Back" finds
 * what was there without asking again.
 */

/** @import { DecidedItem, Mercer, SearchAnswer, SearchRequest } from './types.js' */

const LARGEST_PAGE = 200;
const MOST_KEPT = 12;
/** Longer than `decide` waits: here nothing else can be shown. */
const TIMEOUT_MS = 8_000;

/**
 * @typedef {object} Found
 * @property {SearchAnswer} first The answer that told what was understood.
 * @property {{ item: DecidedItem, decision: string }[]} listed
 * @property {string | undefined} next
 */

/** @param {Pick<Mercer, 'search' | 'on'>} mercer */
export function openFound(mercer) {
  /** @type {Map<string, Found>} */
  const kept = new Map();
  /** @type {AbortController | null} */
  let running = null;
  mercer.on('consent', () => kept.clear());

  /**
   * @param {string} key
   * @param {Found} found
   */
  const keep = (key, found) => {
    kept.delete(key);
    kept.set(key, found);
    if (kept.size > MOST_KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
  };

  return {
    stop: () => running?.abort(),

    /**
     * @param {SearchRequest} request
     * @param {number} count How many products to have at least, if there are so many.
     * @returns {Found | null} What was fetched before.
     */
    known(request, count) {
      const found = kept.get(JSON.stringify(request));
      return found && (found.listed.length >= count || !found.next) ? found : null;
    },

    /**
     * @param {SearchRequest} request
     * @param {SearchAnswer} answer
     */
    learn(request, answer) {
      const found = { first: answer, listed: listed([], answer), next: answer.next };
      keep(JSON.stringify(request), found);
      return found;
    },

    /**
     * @param {SearchRequest} request Without `limit` and `cursor`.
     * @param {number} count
     * @param {number | undefined} facets
     * @returns {Promise<Found | null>} Null: something newer is asked for.
     */
    async fetch(request, count, facets) {
      running?.abort();
      const mine = new AbortController();
      running = mine;
      const key = JSON.stringify(request);
      let found = kept.get(key);
      try {
        // One call is enough, unless more was asked for than the server gives at once, or two pages share products.
        for (let calls = 0; !found || (found.next && found.listed.length < count && calls < 12); calls += 1) {
          const limit = Math.min(count - (found?.listed.length ?? 0), LARGEST_PAGE);
          const more = found ? { limit, facets: 0, cursor: found.next } : { limit, facets };
          const answer = await mercer.search({ ...request, ...more }, { signal: mine.signal, timeoutMs: TIMEOUT_MS });
          if (mine.signal.aborted) return null;
          found = { first: found?.first ?? answer, listed: listed(found?.listed ?? [], answer), next: answer.next };
        }
      } catch (error) {
        if (mine.signal.aborted) return null;
        throw error;
      }
      keep(key, found);
      return found;
    },
  };
}

/**
 * @param {Found['listed']} before
 * @param {SearchAnswer} answer
 */
function listed(before, { items, decision_id: decision }) {
  const known = new Set(before.map(({ item }) => item.product_id));
  const fresh = items.filter(({ product_id: id }) => !known.has(id) && known.add(id));
  return [...before, ...fresh.map((item) => ({ item, decision }))];
}
