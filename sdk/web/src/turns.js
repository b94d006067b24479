/**
 * Lets one tab at a time send the shared queue.
 *
 * Invariant: while a tab's lease runs no other tab sends. The Web Locks API gives the turn where it exists; the
 * lease in storage is written in both cases, because a page that is being closed can read only that in time.
 * Where storage is blocked nothing is shared, and each tab has its own queue.
 */

/** @import { Surroundings } from './types.js' */
/** @import { Store } from './store.js' */

const LEASE_MS = 20_000;
/** Longer than two tabs' writes and reads of one key can overlap. */
const SETTLE_MS = 40;

/** @typedef {ReturnType<typeof openTurns>} Turns */

/** @param {{ store: Store, around: Surroundings, prefix: string }} place */
export function openTurns({ store, around, prefix }) {
  const key = `${prefix}.sending`;
  const me = around.uuid();

  const holder = () => {
    const [tab, until] = (store.get(key) ?? '').split(' ');
    const left = Number(until) - around.now();
    // More than a whole lease left: the clock was set back since, so the lease is void.
    return left > 0 && left <= LEASE_MS ? tab : null;
  };

  const renew = () => store.set(key, `${me} ${around.now() + LEASE_MS}`);

  const release = () => {
    if (holder() === me) store.remove(key);
  };

  /** @param {() => Promise<void>} work */
  const withLease = async (work) => {
    renew();
    try {
      await work();
    } finally {
      release();
    }
  };

  /** @param {() => Promise<void>} work */
  const withoutLocks = async (work) => {
    if (othersSend()) return false;
    renew();
    // Of two tabs that saw no lease at the same time, the one that wrote last has it.
    await new Promise((resolve) => around.later(() => resolve(undefined), SETTLE_MS * (1 + around.random())));
    if (othersSend()) return false;
    await withLease(work);
    return true;
  };

  /** Another tab is sending now. */
  const othersSend = () => ![null, me].includes(holder());

  return {
    othersSend,
    renew,

    /**
     * @param {() => Promise<void>} work
     * @returns {Promise<boolean>} False when another tab had the turn.
     */
    async take(work) {
      let began = false;
      try {
        await around.locks?.request(key, () => {
          began = true;
          return withLease(work);
        });
      } catch (error) {
        if (began) throw error;
      }
      // Pages of an opaque origin have the API but may not use it.
      return began || withoutLocks(work);
    },
  };
}
