/**
 * What a page asks: `POST /v1/decide`, `/v1/search` and `/v1/suggest`.
 *
 * Invariant: without consent it asks as nobody, for what suits the page or the words alone.
 */

/** @import { DecideOptions, Mercer, Surroundings } from './types.js' */
/** @import { Consent } from './consent.js' */
/** @import { Identity } from './identity.js' */
/** @import { Emit } from './occasions.js' */

import { ask } from './ask.js';

/**
 * @param {object} parts
 * @param {Surroundings} parts.around
 * @param {Consent} parts.consent
 * @param {Identity} parts.identity
 * @param {{ host: string, decideKey: string, decideTimeoutMs: number }} parts.settings
 * @param {Emit} parts.emit
 * @returns {Pick<Mercer, 'decide' | 'search' | 'suggest'>}
 */
export function openQuestions(parts) {
  const { around, consent, identity, emit } = parts;
  const locale = () => around.page().locale;

  /**
   * @param {{ no_personalization?: boolean }} request
   * @param {boolean} [session] Suggestions take none.
   */
  const asVisitor = (request, session = true) => ({
    ...(consent.mayIdentify() && {
      customer: identity.customer(),
      anonymous_id: identity.anonymousId(),
      session: session ? identity.session() : undefined,
    }),
    ...request,
    no_personalization: !consent.get().personalization || request.no_personalization || undefined,
  });

  /**
   * @param {string} path
   * @param {{ locale?: string, no_personalization?: boolean }} said
   * @param {DecideOptions} [options]
   */
  const find = (path, said, options) => {
    const request = { locale: locale(), ...asVisitor(said, path === '/v1/search') };
    return ask(parts, path, 'items', request, options);
  };

  return {
    async decide(said, options) {
      const request = { ...asVisitor(said), page: { locale: locale(), ...said.page } };
      const decision = await ask(parts, '/v1/decide', 'placements', request, options);
      emit('decision', decision);
      return decision;
    },

    search: (request, options) => find('/v1/search', request, options),
    suggest: (request, options) => find('/v1/suggest', request, options),
  };
}
