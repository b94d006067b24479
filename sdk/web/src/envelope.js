/**
 * Builds events in Segment's shape from what the shop says and what the page is.
 *
 * Invariant: an event is plain JSON from here on, so a later change of the caller's objects does not change it.
 * The user agent is left to the request's header; nothing is measured that could tell devices apart.
 */

/** @import { PageFacts, Surroundings, WireEvent } from './types.js' */

export const VERSION = '0.1.0';

/**
 * @param {Surroundings} around
 * @param {Partial<WireEvent> & { type: WireEvent['type'] }} said
 * @returns {WireEvent} Without the visitor's ids.
 */
export function envelope(around, said) {
  const facts = around.page();
  const at = new Date(around.now()).toISOString();
  const event = {
    messageId: around.uuid(),
    timestamp: at,
    originalTimestamp: at,
    ...said,
    context: {
      library: { name: '@mercer/web', version: VERSION },
      page: pageOf(facts),
      locale: facts.locale,
      campaign: campaignOf(facts.search),
    },
  };
  return JSON.parse(JSON.stringify(event));
}

/** @param {PageFacts} facts */
export function pageOf({ url, path, search, referrer, title }) {
  return { url, path, search: search || undefined, referrer: referrer || undefined, title };
}

/**
 * `utm_campaign` is called `name` in Segment's shape; the others keep their word.
 * @param {string | undefined} search
 */
function campaignOf(search) {
  /** @type {Record<string, string>} */
  const campaign = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (name.startsWith('utm_')) campaign[name === 'utm_campaign' ? 'name' : name.slice(4)] = value;
  }
  return Object.keys(campaign).length ? campaign : undefined;
}
