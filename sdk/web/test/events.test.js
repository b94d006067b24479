/** What an event looks like on the wire, and who it is about. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createMercer, VERSION } from '../mercer.js';
import { fakeTab, optionsFor, sentEvents } from './fakes.js';

test('an event has the shape that the collector reads', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.track('Product Viewed', { product_id: 'mug-1' });
  await mercer.flush();

  const [{ url, init, body }] = tab.requests;
  assert.equal(url, 'https://mercer.example/v1/batch');
  assert.deepEqual(init.headers, { 'content-type': 'text/plain' });
  assert.equal(init.keepalive, true);
  assert.equal(init.credentials, 'omit');
  assert.equal(body.writeKey, 'write-key');
  assert.equal(body.sentAt, '2026-07-01T12:00:00.000Z');
  const [event] = body.batch;
  assert.ok(event.messageId && event.anonymousId);
  assert.equal(event.type, 'track');
  assert.equal(event.event, 'Product Viewed');
  assert.deepEqual(event.properties, { product_id: 'mug-1' });
  assert.equal(event.timestamp, '2026-07-01T12:00:00.000Z');
  assert.equal(event.originalTimestamp, event.timestamp);
  assert.equal(event.userId, undefined);
  const { sessionId, ...context } = event.context;
  assert.ok(sessionId);
  assert.deepEqual(context, {
    library: { name: '@mercer/web', version: VERSION },
    page: {
      url: 'https://shop.example/mugs?utm_campaign=summer&utm_source=mail',
      path: '/mugs',
      search: '?utm_campaign=summer&utm_source=mail',
      referrer: 'https://search.example/',
      title: 'Mugs',
    },
    locale: 'en-GB',
    campaign: { name: 'summer', source: 'mail' },
    consent: { personalization: true, gpc: false },
  });
});

test('the version is the one of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(VERSION, version);
});

test('an event does not change with the object it was made from', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { consent: 'pending' }));
  const properties = { quantity: 1 };
  mercer.track('Product Added', properties);
  properties.quantity = 99;
  mercer.consent.set({ analytics: true, personalization: true });
  await mercer.flush();
  assert.equal(sentEvents(tab)[0].properties.quantity, 1);
});

test('identify names the customer in this and later events, and keeps no traits in the browser', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.page('Home');
  mercer.identify('u1', { email: 'ada@example.org' });
  mercer.track('Cart Viewed');
  await mercer.flush();
  const [page, identify, track] = sentEvents(tab);
  assert.equal(page.userId, undefined);
  assert.equal(page.properties.path, '/mugs');
  assert.deepEqual([identify.type, identify.userId, identify.traits.email], ['identify', 'u1', 'ada@example.org']);
  assert.equal(track.userId, 'u1');
  assert.equal(track.anonymousId, page.anonymousId);
  assert.ok(!tab.storage.names().some((name) => tab.storage.getItem(name).includes('ada@example.org')));

  const next = createMercer(optionsFor(fakeTab({ clock: tab.clock, storage: tab.storage })));
  assert.equal(next.anonymousId(), page.anonymousId, 'the id survives the page');
});

test('two customers in one browser never share an anonymous id or a session', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.identify('u1');
  mercer.identify('u2');
  mercer.reset();
  mercer.page();
  await mercer.flush();
  const events = sentEvents(tab);
  assert.deepEqual(events.map((event) => event.userId), ['u1', 'u2', undefined]);
  assert.equal(new Set(events.map((event) => event.anonymousId)).size, 3);
  assert.equal(new Set(events.map((event) => event.context.sessionId)).size, 3);
});

test('alias keeps the person, and an alias of oneself is no event', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.identify('u1');
  mercer.alias('u2');
  mercer.alias('u2');
  await mercer.flush();
  const [identify, alias, ...more] = sentEvents(tab);
  assert.deepEqual([alias.type, alias.userId, alias.previousId], ['alias', 'u2', 'u1']);
  assert.equal(alias.anonymousId, identify.anonymousId);
  assert.deepEqual(more, []);
});

test('a session ends after 30 minutes without an event', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  for (const minutes of [0, 29, 29, 31]) {
    await tab.clock.pass(minutes * 60_000);
    mercer.page();
  }
  await mercer.flush();
  await tab.clock.pass(5_000);
  const [a, b, c, d] = sentEvents(tab).map((event) => event.context.sessionId);
  assert.equal(a, b);
  assert.equal(b, c);
  assert.notEqual(c, d);
});

test('what cannot be an event is told, and never thrown into the page', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  const rejected = [];
  mercer.on('rejected', ({ code }) => rejected.push(code));
  const circle = {};
  circle.self = circle;
  mercer.track('Circle', circle);
  mercer.track('Large', { text: 'x'.repeat(33_000) });
  await mercer.flush();
  assert.deepEqual(rejected, ['malformed', 'too_large']);
  assert.deepEqual(sentEvents(tab), []);
});

test('a listener that throws stops nothing', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  let heard = 0;
  mercer.on('sent', () => {
    throw new Error('in the shop');
  });
  const stop = mercer.on('sent', ({ events }) => (heard += events));
  mercer.page();
  await mercer.flush();
  stop();
  mercer.page();
  await mercer.flush();
  assert.equal(heard, 1);
  assert.equal(sentEvents(tab).length, 2);
});

test('a cookie carries the anonymous id when asked for, and the server may set it', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { cookie: true }));
  const id = mercer.anonymousId();
  assert.equal(tab.lastCookie, `mercer_anonymous_id=${id}; Path=/; Max-Age=31536000; SameSite=Lax; Secure`);

  const served = fakeTab();
  served.cookie.set('mercer_anonymous_id', 'from-server');
  assert.equal(createMercer(optionsFor(served, { cookie: true })).anonymousId(), 'from-server');
  assert.equal(createMercer(optionsFor(fakeTab())).anonymousId() === 'from-server', false);
  const plain = fakeTab();
  createMercer(optionsFor(plain)).page();
  assert.equal(plain.lastCookie, undefined, 'no cookie unless asked for');
});

test('beside another tracker its anonymous id is used, as soon as there is one', async () => {
  const tab = fakeTab();
  let theirs = null;
  const mercer = createMercer(optionsFor(tab, { anonymousId: () => theirs }));
  assert.ok(mercer.anonymousId());
  theirs = 'segment-1';
  mercer.page();
  await mercer.flush();
  assert.equal(sentEvents(tab)[0].anonymousId, 'segment-1');
  assert.equal(mercer.anonymousId(), 'segment-1');
});

test('settings that cannot work are refused with what to do', () => {
  assert.throws(() => createMercer({ key: '' }), /needs `key`/);
  assert.throws(() => createMercer({ key: 'k', host: 'mercer.example' }), /https:/);
});
