/**
 * Sends the outbox: in batches, again after a failure, and by beacon when the page goes away.
 *
 * Invariant: an event leaves the outbox when the server has answered for it, when the server refused it for good,
 * or when the browser took it as a beacon; a precious one only by an answer. Sending twice is harmless, because
 * the server knows `messageId`s; losing is not.
 */

/** @import { Surroundings, WireEvent } from './types.js' */
/** @import { Emit } from './occasions.js' */
/** @import { Entry, Outbox } from './outbox.js' */
/** @import { Outcome, Verdict } from './transport.js' */
/** @import { Turns } from './turns.js' */
/** @import { Store } from './store.js' */

import { attempt } from './surroundings.js';
import { LONGEST_RETRY_MS, bodyOf, post } from './transport.js';

/** Of the events in a request. Browsers take 64 KiB for beacons and keepalive requests together. */
const MAX_BATCH_BYTES = 59_500;
const MAX_BATCH_EVENTS = 250;
const FIRST_RETRY_MS = 1_000;

/** @typedef {ReturnType<typeof openSender>} Sender */

/**
 * @param {object} parts
 * @param {Surroundings} parts.around
 * @param {Outbox} parts.outbox
 * @param {Turns} parts.turns
 * @param {Store} parts.store
 * @param {{ host: string, key: string, prefix: string, flushAt: number, flushAfterMs: number }} parts.settings
 * @param {() => boolean} parts.allowed May events be sent now?
 * @param {Emit} parts.emit
 */
export function openSender({ around, outbox, turns, store, settings, allowed, emit }) {
  const pauseKey = `${settings.prefix}.not_before`;
  /** What a beacon took but the server has not answered for. @type {Set<string>} */
  const beaconed = new Set();
  /** @type {Set<string>} */
  let inFlight = new Set();
  /** @type {(() => void) | null} */
  let cancelTimer = null;
  /** @type {Promise<void> | null} */
  let running = null;
  let failures = 0;
  let retryAt = 0;
  let maxEvents = MAX_BATCH_EVENTS;
  /** The server refuses the key: no use in trying again before the next page. */
  let stopped = false;
  let closed = false;

  /** Milliseconds until the next attempt is allowed: by the server for all tabs, by the backoff for this one. */
  const pauseMs = () => {
    const told = Number(store.get(pauseKey)) - around.now();
    return Math.max(told > LONGEST_RETRY_MS ? 0 : told || 0, retryAt - around.now(), 0);
  };

  const ready = () => !closed && allowed() && pauseMs() <= 0;

  /** @param {number} delayMs */
  const schedule = (delayMs) => {
    if (cancelTimer || stopped || closed) return;
    cancelTimer = around.later(() => {
      cancelTimer = null;
      void flush();
    }, delayMs);
  };

  const clearTimer = () => {
    cancelTimer?.();
    cancelTimer = null;
  };

  const flush = () => {
    clearTimer();
    running ??= attemptAll().finally(() => {
      running = null;
      inFlight = new Set();
      if (outbox.size()) schedule(Math.max(pauseMs(), settings.flushAfterMs));
    });
    return running;
  };

  const attemptAll = async () => {
    if (!ready() || !outbox.size()) return;
    await turns.take(async () => {
      while (ready()) {
        const batch = outbox.take({ events: maxEvents, bytes: MAX_BATCH_BYTES });
        if (!batch.length) return;
        turns.renew();
        inFlight = new Set(batch.map((entry) => entry.key));
        if (!conclude(await post(around, settings, batch))) return;
      }
    });
  };

  /**
   * @param {Outcome} outcome
   * @returns {boolean} True: go on with the next batch.
   */
  const conclude = ({ answered, verdicts, split, retry, waitMs, stop }) => {
    if (split) {
      maxEvents = split;
      return true;
    }
    if (stop) {
      stopped = true;
      emit('error', { code: 'refused', status: stop, message: `${settings.host}/v1/batch answered ${stop}: check key, origin and host.` });
      return false;
    }
    if (retry) {
      const backoff = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
      // Between half and all of it, so that browsers that failed together do not come back together.
      retryAt = around.now() + backoff * (0.5 + around.random() / 2);
      if (waitMs) store.set(pauseKey, String(around.now() + waitMs));
      return false;
    }
    failures = 0;
    outbox.remove(answered);
    for (const { key } of answered) beaconed.delete(key);
    emit('sent', { events: answered.length });
    answered.forEach((entry, index) => surface(entry, verdicts?.[index]));
    return true;
  };

  /**
   * Verdicts stand in the order of the events.
   * @param {Entry} entry
   * @param {Verdict} [verdict]
   */
  const surface = (entry, verdict) => {
    if (verdict?.status !== 'rejected') return;
    /** @type {WireEvent | null} */
    const event = attempt(() => JSON.parse(entry.text), null);
    const { code = 'rejected', field, message = 'The server refused the event.' } = verdict;
    if (event) emit('rejected', { event, code, field, message });
  };

  return {
    /** An event was appended. */
    notify() {
      if (outbox.size() >= settings.flushAt && pauseMs() <= 0 && !stopped) void flush();
      else schedule(Math.max(pauseMs(), settings.flushAfterMs));
    },

    /** Another tab has appended an event, and may be gone before it sends it. */
    standBy: () => schedule(Math.max(pauseMs(), 2 * settings.flushAfterMs)),

    flush() {
      stopped = false;
      return flush();
    },

    /** The network is back: what the backoff waited for may have gone. */
    retryNow() {
      retryAt = 0;
      failures = 0;
      void flush();
    },

    /** The page may go away at any moment. What a beacon cannot take stays stored for the next page. */
    beacon() {
      if (!ready() || stopped || !around.online() || turns.othersSend()) return;
      for (;;) {
        const except = new Set([...inFlight, ...beaconed]);
        const batch = outbox.take({ events: MAX_BATCH_EVENTS, bytes: MAX_BATCH_BYTES, except });
        if (!batch.length) return;
        const url = `${settings.host}/beacon/v1/batch?writeKey=${encodeURIComponent(settings.key)}`;
        if (!around.beacon(url, bodyOf(around, settings, batch))) return;
        for (const { key } of batch) beaconed.add(key);
        outbox.remove(batch.filter((entry) => !entry.precious));
      }
    },

    close() {
      closed = true;
      clearTimer();
    },
  };
}
