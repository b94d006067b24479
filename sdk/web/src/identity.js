/**
 * Who the visitor is to the shop: an anonymous id, a customer id after sign-in, and a session.
 *
 * Invariant: two customers who sign in one after the other in one browser never share an anonymous id.
 * Traits are not kept here: they may be personal data and nothing on the page needs them.
 */

/** @import { Surroundings } from './types.js' */
/** @import { Store } from './store.js' */

import { attempt } from './surroundings.js';

const SESSION_MS = 30 * 60_000;
const COOKIE_SECONDS = 365 * 86_400;
const MAX_ID_LENGTH = 256;

/** @typedef {ReturnType<typeof openIdentity>} Identity */

/**
 * @param {object} place
 * @param {Surroundings} place.around
 * @param {Store} place.durable
 * @param {Store} place.fleeting Used while nothing may be stored.
 * @param {() => boolean} place.mayStore
 * @param {string} place.prefix
 * @param {boolean} place.cookie
 * @param {() => string | null | undefined} [place.borrowed] Another tracker's anonymous id.
 */
export function openIdentity({ around, durable, fleeting, mayStore, prefix, cookie, borrowed }) {
  const anonymousKey = `${prefix}.anonymous_id`;
  const customerKey = `${prefix}.user_id`;
  const sessionKey = `${prefix}.session`;
  const cookieName = `${prefix}_anonymous_id`;
  const store = () => (mayStore() ? durable : fleeting);
  /** The visitor became somebody else while nothing could be stored. */
  let renewed = false;

  /** @param {Store} place */
  const clear = (place) => {
    for (const key of [anonymousKey, customerKey, sessionKey]) place.remove(key);
  };

  /** An id that others on the page or the server have given. */
  const given = () => borrowed?.() || (cookie && mayStore() ? readCookie(around.cookies(), cookieName) : null);

  /**
   * @param {string} value Empty: expire it.
   * @param {number} seconds
   */
  const toCookie = (value, seconds) => {
    if (!cookie) return;
    const secure = around.page().secure ? '; Secure' : '';
    around.setCookie(`${cookieName}=${encodeURIComponent(value)}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`);
  };

  /** @param {string} id */
  const keepAnonymous = (id) => {
    if (store().get(anonymousKey) !== id) store().set(anonymousKey, id);
    if (mayStore() && readCookie(around.cookies(), cookieName) !== id) toCookie(id, COOKIE_SECONDS);
    return id;
  };

  const renew = () => {
    renewed ||= !mayStore();
    store().remove(customerKey);
    store().remove(sessionKey);
    keepAnonymous(around.uuid());
  };

  return {
    anonymousId: () => keepAnonymous(given() ?? store().get(anonymousKey) ?? around.uuid()),

    /** The shop's own id, after `signIn`. */
    customer: () => store().get(customerKey) ?? undefined,

    /** The running session's id; asking keeps it running for another 30 minutes. */
    session() {
      const now = around.now();
      const [id, last] = (store().get(sessionKey) ?? '').split(' ');
      const age = now - Number(last);
      // An age below zero means that the clock was set back: still the same visit.
      const current = id && age < SESSION_MS ? id : around.uuid();
      store().set(sessionKey, `${current} ${now}`);
      return current;
    },

    /** @param {string} customer */
    signIn(customer) {
      const before = store().get(customerKey);
      if (before && before !== customer) renew();
      store().set(customerKey, customer);
    },

    /**
     * The same person under another id.
     * @param {string} customer
     */
    rename: (customer) => store().set(customerKey, customer),

    renew,

    /**
     * Moves what was only in memory to storage, now that it may be kept. An id from an earlier visit wins, so
     * that the visits stay one person, unless somebody else has signed in since.
     * @returns {{ from: string | null, to: string | null }} Which anonymous id became which.
     */
    keep() {
      const from = fleeting.get(anonymousKey);
      const customer = fleeting.get(customerKey);
      const session = fleeting.get(sessionKey);
      const earlier = durable.get(customerKey);
      const other = renewed || (customer !== null && earlier !== null && customer !== earlier);
      const kept = given() ?? durable.get(anonymousKey);
      if (other) durable.remove(customerKey);
      if (customer) durable.set(customerKey, customer);
      if (session && (other || !durable.get(sessionKey))) durable.set(sessionKey, session);
      const to = other || !kept ? from : kept;
      if (to) keepAnonymous(to);
      clear(fleeting);
      renewed = false;
      return { from, to };
    },

    /** Deletes every id, stored or not. */
    forget() {
      clear(durable);
      clear(fleeting);
      toCookie('', 0);
    },
  };
}

/**
 * @param {string} cookies
 * @param {string} name
 */
function readCookie(cookies, name) {
  const pair = cookies.split('; ').find((entry) => entry.startsWith(`${name}=`));
  const value = attempt(() => decodeURIComponent(pair?.slice(name.length + 1) ?? ''), '');
  return value && value.length <= MAX_ID_LENGTH ? value : null;
}
