/**
 * The browser as the SDK sees it: every ambient thing (clock, randomness, storage, network) passes through here.
 *
 * Invariant: nothing here throws, also where a feature is missing, blocked by the user, or there is no window at all.
 * It keeps nothing; what is kept is the business of `store.js`.
 */

/** @import { Surroundings } from './types.js' */

/**
 * @template T
 * @param {() => T} work
 * @param {T} otherwise
 */
export function attempt(work, otherwise) {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

/** @returns {Surroundings} */
export function browser() {
  const view = globalThis;
  const nav = view.navigator;
  return {
    fetch: (url, init) => view.fetch(url, init),
    beacon: (url, body) => attempt(() => nav.sendBeacon(url, body), false),
    // Reading the property throws where the user has blocked site data.
    storage: attempt(() => view.localStorage ?? null, null),
    cookies: () => attempt(() => document.cookie, ''),
    setCookie: (cookie) => attempt(() => void (document.cookie = cookie), undefined),
    locks: nav?.locks ?? null,
    now: () => Date.now(),
    random: () => Math.random(),
    uuid,
    later(work, delayMs) {
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
    listen(type, listener) {
      view.addEventListener?.(type, listener);
      return () => view.removeEventListener?.(type, listener);
    },
    hidden: () => view.document?.visibilityState === 'hidden',
    online: () => nav?.onLine !== false,
    gpc: () => /** @type {{ globalPrivacyControl?: boolean }} */ (nav ?? {}).globalPrivacyControl === true,
    page,
  };
}

function page() {
  const { document, location } = globalThis;
  if (!document || !location) return {};
  return {
    url: location.href.split('#')[0],
    path: location.pathname,
    search: location.search,
    referrer: document.referrer,
    title: document.title,
    locale: document.documentElement.lang || globalThis.navigator?.language,
    secure: location.protocol === 'https:',
  };
}

/** `crypto.randomUUID` exists only on https and localhost; the random bytes exist everywhere. */
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
