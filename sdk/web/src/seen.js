/**
 * Notices which tiles a visitor has really had before the eyes: half of the tile, for one second, page visible.
 *
 * Invariant: a product of a decision is reported once. Tiles that come into view together are reported together.
 * It measures; what is sent is up to `report`.
 */

const SHARE = 0.5;
const LONG_ENOUGH_MS = 1_000;
/** Browsers round the share, so that a tile at exactly one half may be just below it. */
const ROUNDING = 0.01;

/** @typedef {{ decision: string, product: string, report: (products: string[]) => void }} Watched */
/** @typedef {ReturnType<typeof openSeen>} Seen */

/** @param {{ later: (work: () => void, delayMs: number) => () => void }} around */
export function openSeen({ later }) {
  /** @type {Map<Element, Watched>} */
  const watched = new Map();
  /** Tiles in view whose second runs. @type {Set<Element>} */
  const running = new Set();
  /** @type {Set<string>} */
  const told = new Set();

  const observer = globalThis.IntersectionObserver && new IntersectionObserver(onCrossing, { threshold: SHARE });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') return running.clear();
    // Observing anew makes the browser say again what is in view.
    for (const tile of watched.keys()) {
      observer?.unobserve(tile);
      observer?.observe(tile);
    }
  });

  /** @param {IntersectionObserverEntry[]} entries */
  function onCrossing(entries) {
    /** @type {Set<Element>} */
    const group = new Set();
    for (const { target, intersectionRatio } of entries) {
      running.delete(target);
      if (intersectionRatio >= SHARE - ROUNDING && document.visibilityState !== 'hidden') group.add(target);
    }
    if (!group.size) return;
    for (const tile of group) {
      running.add(tile);
      started.set(tile, group);
    }
    later(() => tell([...group].filter((tile) => running.has(tile) && started.get(tile) === group)), LONG_ENOUGH_MS);
  }

  /** In which group a tile's present second began: an older group's timer must not end it. */
  const started = /** @type {WeakMap<Element, Set<Element>>} */ (new WeakMap());

  /** @param {Element[]} tiles */
  function tell(tiles) {
    /** @type {Map<Watched['report'], string[]>} */
    const reports = new Map();
    for (const tile of tiles) {
      const entry = watched.get(tile);
      if (!entry) continue;
      unwatch(tile);
      const name = `${entry.decision} ${entry.product}`;
      if (told.has(name)) continue;
      told.add(name);
      reports.set(entry.report, [...(reports.get(entry.report) ?? []), entry.product]);
    }
    for (const [report, products] of reports) report(products);
  }

  /** @param {Element} tile */
  function unwatch(tile) {
    observer?.unobserve(tile);
    watched.delete(tile);
    running.delete(tile);
  }

  return {
    /**
     * @param {Element} tile
     * @param {Watched} entry
     */
    watch(tile, entry) {
      watched.set(tile, entry);
      observer?.observe(tile);
    },

    unwatch,

    /** Whoever acts on a tile has seen it. @param {Element} tile */
    now: (tile) => tell([tile]),
  };
}
