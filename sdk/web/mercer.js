/**
 * The client: what a shop's page calls. It joins consent, identity, queue, decisions and search.
 *
 * Invariant: before the visitor allows it nothing is stored and no event is sent; after a refusal nothing of what
 * was kept remains. It draws nothing; the slots are in `slots.js`, the search in `search.js`.
 */

/** @import { Mercer, MercerOptions } from './src/types.js' */

import { openConsent } from './src/consent.js';
import { openQuestions } from './src/decide.js';
import { pageOf } from './src/envelope.js';
import { openIdentity } from './src/identity.js';
import { openOccasions } from './src/occasions.js';
import { openOutbox } from './src/outbox.js';
import { openRecorder } from './src/recorder.js';
import { openSender } from './src/sender.js';
import { openStore } from './src/store.js';
import { browser } from './src/surroundings.js';
import { openTurns } from './src/turns.js';

export { DecideError } from './src/ask.js';
export { VERSION } from './src/envelope.js';

/**
 * @param {MercerOptions} options
 * @returns {Mercer}
 */
export function createMercer(options) {
  const around = options.surroundings ?? browser();
  const settings = resolve(options);
  const { prefix } = settings;
  const { emit, on } = openOccasions();
  const durable = openStore(around.storage);
  const fleeting = openStore(null);
  const consentKey = `${prefix}.consent`;
  const consent = openConsent(options.consent, { around, durable, key: consentKey });
  const mayStore = consent.mayIdentify;
  const { cookie = false, anonymousId: borrowed } = options;
  const identity = openIdentity({ around, durable, fleeting, mayStore, prefix, cookie, borrowed });
  const { maxQueueEvents: maxEvents, maxQueueBytes: maxBytes } = settings;
  const outbox = openOutbox({ store: durable, around, prefix, maxEvents, maxBytes, emit });
  const turns = openTurns({ store: durable, around, prefix });
  const mayRecord = () => consent.get().analytics;
  const sender = openSender({ around, outbox, turns, store: durable, settings, allowed: mayRecord, emit });
  const { record, obey } = openRecorder({ around, consent, identity, outbox, sender, maxEvents, emit });

  const choose = () => {
    obey();
    emit('consent', consent.get());
  };

  const unlisten = [
    around.listen('pagehide', () => sender.beacon()),
    around.listen('visibilitychange', () => around.hidden() && sender.beacon()),
    around.listen('online', () => sender.retryNow()),
    around.listen('storage', (event) => {
      const { key, newValue } = /** @type {StorageEvent} */ (event);
      if (key === consentKey) {
        consent.heard(newValue);
        choose();
      } else if (newValue && outbox.owns(key) && mayRecord()) {
        sender.standBy();
      }
    }),
  ];

  obey();
  if (mayRecord() && outbox.size()) sender.notify();

  return {
    track: (name, properties) => record({ type: 'track', event: name, properties }),

    page(name, properties) {
      record({ type: 'page', name, properties: { ...pageOf(around.page()), ...properties } });
    },

    identify(userId, traits) {
      if (userId) identity.signIn(String(userId));
      record({ type: 'identify', traits: traits ?? {} });
    },

    alias(userId, previousId) {
      const previous = previousId ?? identity.customer() ?? identity.anonymousId();
      if (previous === userId) return;
      identity.rename(String(userId));
      record({ type: 'alias', userId: String(userId), previousId: previous });
    },

    reset: () => identity.renew(),
    ...openQuestions({ around, consent, identity, settings, emit }),

    consent: {
      get: consent.get,
      set(choice) {
        consent.set(choice);
        choose();
      },
    },

    anonymousId: () => (mayStore() ? identity.anonymousId() : null),
    flush: () => sender.flush(),
    on,

    close() {
      for (const stop of unlisten) stop();
      sender.close();
    },
  };
}

/** @param {MercerOptions} options */
function resolve(options) {
  const { host = '', key, decideKey = key, prefix = 'mercer' } = options;
  if (!key) throw new TypeError('createMercer needs `key`: a key with the scope `write`.');
  if (host && !/^https?:\/\//.test(host)) {
    throw new TypeError(`createMercer: host must begin with https:// (or http://), not ${JSON.stringify(host)}.`);
  }
  const { flushAt = 20, flushAfterMs = 2000, decideTimeoutMs = 800 } = options;
  const { maxQueueEvents = 500, maxQueueBytes = 524_288 } = options;
  const limits = { flushAt, flushAfterMs, decideTimeoutMs, maxQueueEvents, maxQueueBytes };
  return { host: host.replace(/\/+$/, ''), key, decideKey, prefix, ...limits };
}
