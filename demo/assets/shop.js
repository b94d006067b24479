/**
 * What the shop adds in the browser: impressions and clicks of the rows that the server has rendered.
 *
 * Invariant: the page works without this file. All settings stand in attributes of the body.
 */

const { mercerModule, mercerSlots, mercerHost, mercerKey, mercerDecideKey, mercerPersonalization } = document.body.dataset;

if (mercerModule && mercerSlots) {
  const [{ createMercer }, { defineSlots }] = await Promise.all([import(mercerModule), import(mercerSlots)]);
  // The server sets the cookie with the anonymous id first, so that page and server mean one visitor.
  const mercer = createMercer({
    host: mercerHost || undefined,
    key: mercerKey,
    decideKey: mercerDecideKey,
    cookie: true,
  });
  mercer.consent.set({ analytics: true, personalization: mercerPersonalization === 'on' });
  defineSlots(mercer);
}
