/**
 * Puts what happens into the queue, or lets it wait for the visitor's choice, or lets it go.
 *
 * Invariant: while the choice is pending events are in memory only; after a refusal none is left anywhere.
 */

/** @import { Surroundings, WireEvent } from './types.js' */
/** @import { Consent } from './consent.js' */
/** @import { Identity } from './identity.js' */
/** @import { Emit } from './occasions.js' */
/** @import { Outbox } from './outbox.js' */
/** @import { Sender } from './sender.js' */

import { envelope } from './envelope.js';
import { attempt } from './surroundings.js';

/**
 * @param {object} parts
 * @param {Surroundings} parts.around
 * @param {Consent} parts.consent
 * @param {Identity} parts.identity
 * @param {Outbox} parts.outbox
 * @param {number} parts.maxEvents
 * @param {Sender} parts.sender
 * @param {Emit} parts.emit
 */
export function openRecorder({ around, consent, identity, outbox, sender, maxEvents, emit }) {
  /** @type {WireEvent[]} */
  let undecided = [];

  /** @param {WireEvent} event */
  const post = (event) => {
    const { personalization, gpc } = consent.get();
    event.context.consent = { personalization, gpc };
    if (outbox.append(event)) return sender.notify();
    emit('rejected', { event, code: 'too_large', message: 'The event has more than 32,000 bytes.' });
  };

  return {
    /** @param {Partial<WireEvent> & { type: WireEvent['type'] }} said */
    record(said) {
      const { state, analytics } = consent.get();
      if (state !== 'pending' && !analytics) return;
      const event = attempt(() => envelope(around, said), null);
      if (!event) {
        const bare = envelope(around, { type: said.type, event: String(said.event) });
        return emit('rejected', { event: bare, code: 'malformed', message: 'The properties cannot be written as JSON.' });
      }
      event.anonymousId = identity.anonymousId();
      event.userId ??= identity.customer();
      event.context.sessionId = identity.session();
      if (state === 'granted') return post(event);
      undecided.push(event);
      if (undecided.length > maxEvents) emit('dropped', { event: /** @type {WireEvent} */ (undecided.shift()) });
    },

    /** Does what the visitor's choice asks for, now that it is known or has changed. */
    obey() {
      const { state, analytics } = consent.get();
      if (state === 'pending') return;
      const waiting = analytics ? undecided : [];
      undecided = [];
      if (consent.mayIdentify()) {
        const { from, to } = identity.keep();
        for (const event of waiting) {
          if (event.anonymousId === from) event.anonymousId = to ?? undefined;
          post(event);
        }
      } else {
        identity.forget();
      }
      if (!analytics) outbox.clear();
    },
  };
}
