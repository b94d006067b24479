/** Consent and Global Privacy Control: nothing is kept, sent or personalized before it is allowed. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMercer } from '../mercer.js';
import { fakeTab, optionsFor, sentEvents } from './fakes.js';

const decision = () => ({ status: 200, body: { decision_id: 'd', placements: [] } });
const server = ({ url }) => (url.endsWith('/decide') ? decision() : { status: 200 });
const page = { placements: ['home-for-you'] };

for (const consent of ['pending', undefined]) {
  test(`consent ${consent}: events wait in memory, nothing is stored or sent`, async () => {
    const tab = fakeTab({ answer: server });
    const mercer = createMercer(optionsFor(tab, { consent, cookie: true }));
    mercer.page();
    mercer.identify('u1', { email: 'ada@example.org' });
    await mercer.flush();
    await tab.clock.pass(60_000);
    tab.emit('pagehide');
    assert.deepEqual([tab.requests.length, tab.beacons.length, tab.cookie.size], [0, 0, 0]);
    assert.deepEqual(tab.storage.names(), []);
    assert.equal(mercer.anonymousId(), null);
    assert.equal(mercer.consent.get().state, 'pending');
  });
}

test('when consent is given, what waited goes out, as the person of earlier visits', async () => {
  const tab = fakeTab();
  tab.storage.setItem('mercer.anonymous_id', 'earlier');
  const mercer = createMercer(optionsFor(tab, { consent: 'pending' }));
  mercer.page();
  await tab.clock.pass(5_000);
  mercer.consent.set({ personalization: true, analytics: true });
  mercer.track('after');
  await mercer.flush();
  const [waited, after] = sentEvents(tab);
  assert.equal(waited.timestamp, '2026-07-01T12:00:00.000Z');
  assert.deepEqual([waited.anonymousId, after.anonymousId], ['earlier', 'earlier']);
  assert.equal(waited.context.sessionId, after.context.sessionId);
  assert.deepEqual(waited.context.consent, { personalization: true, gpc: false });
});

test('somebody else who signed in while consent was pending does not become the earlier person', async () => {
  const tab = fakeTab();
  tab.storage.setItem('mercer.anonymous_id', 'earlier');
  tab.storage.setItem('mercer.user_id', 'u1');
  const mercer = createMercer(optionsFor(tab, { consent: 'pending' }));
  mercer.identify('u2');
  mercer.consent.set({ personalization: true, analytics: true });
  mercer.page();
  await mercer.flush();
  for (const event of sentEvents(tab)) {
    assert.equal(event.userId, 'u2');
    assert.notEqual(event.anonymousId, 'earlier');
  }
});

test('a change of consent later keeps who is signed in', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.reset();
  mercer.identify('u2');
  mercer.consent.set({ personalization: false });
  mercer.page();
  await mercer.flush();
  const [identify, event] = sentEvents(tab);
  assert.equal(event.userId, 'u2');
  assert.equal(event.anonymousId, identify.anonymousId);
  assert.deepEqual(event.context.consent, { personalization: false, gpc: false });
});

test('who was known while consent was pending does not come back later', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { consent: 'pending' }));
  mercer.identify('u1');
  mercer.consent.set({ personalization: true, analytics: true });
  mercer.identify('u2');
  mercer.consent.set({ personalization: false });
  mercer.page();
  await mercer.flush();
  assert.deepEqual(sentEvents(tab).map((event) => event.userId), ['u1', 'u2', 'u2']);
});

test('the waiting events are bounded', () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { consent: 'pending', maxQueueEvents: 2 }));
  const dropped = [];
  mercer.on('dropped', ({ event }) => dropped.push(event.event));
  for (const name of ['a', 'b', 'c']) mercer.track(name);
  assert.deepEqual(dropped, ['a']);
});

test('denied: nothing is recorded, and ids and queue are deleted', async () => {
  const tab = fakeTab({ answer: () => Promise.reject(new TypeError('offline')) });
  const granted = createMercer(optionsFor(tab, { cookie: true }));
  granted.identify('u1');
  await granted.flush();
  assert.ok(tab.storage.names().length >= 4);
  assert.equal(tab.cookie.size, 1);
  granted.close();

  const next = fakeTab({ clock: tab.clock, storage: tab.storage });
  next.cookie = tab.cookie;
  const mercer = createMercer(optionsFor(next, { consent: 'denied', cookie: true }));
  mercer.track('a');
  mercer.identify('u1');
  await mercer.flush();
  await next.clock.pass(600_000);
  next.emit('pagehide');
  assert.deepEqual([next.requests.length, next.beacons.length, next.cookie.size], [0, 0, 0]);
  assert.deepEqual(next.storage.names().filter((name) => /anonymous|user|session|event/.test(name)), []);
});

test('a refusal takes effect at once, is remembered, and later consent starts a new person', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { consent: undefined }));
  const states = [];
  mercer.on('consent', ({ state }) => states.push(state));
  mercer.consent.set({ personalization: true, analytics: true });
  mercer.page();
  const before = mercer.anonymousId();
  mercer.consent.set({ personalization: false, analytics: false });
  await mercer.flush();
  assert.deepEqual(sentEvents(tab), []);
  assert.deepEqual(tab.storage.names(), ['mercer.consent']);

  const next = createMercer(optionsFor(fakeTab({ storage: tab.storage }), { consent: undefined }));
  assert.equal(next.consent.get().state, 'denied');
  mercer.consent.set({ personalization: true, analytics: true });
  assert.notEqual(mercer.anonymousId(), before);
  assert.deepEqual(states, ['granted', 'denied', 'granted']);
});

test('a refusal in one tab is obeyed in the others', async () => {
  const tab = fakeTab();
  const one = createMercer(optionsFor(tab));
  const other = fakeTab({ clock: tab.clock, storage: tab.storage });
  const two = createMercer(optionsFor(other));
  one.consent.set({ personalization: false, analytics: false });
  other.emit('storage', { key: 'mercer.consent', newValue: tab.storage.getItem('mercer.consent') });
  two.page();
  await two.flush();
  assert.equal(two.consent.get().state, 'denied');
  assert.deepEqual(sentEvents(other), []);
});

test('decide asks as nobody without consent, and as the visitor with it', async () => {
  const tab = fakeTab({ answer: server });
  const mercer = createMercer(optionsFor(tab, { consent: 'pending', decideKey: 'decide-key' }));
  await mercer.decide({ ...page, page: { type: 'home' } });
  mercer.consent.set({ personalization: true, analytics: true });
  mercer.identify('u1');
  await mercer.decide(page);
  const [nobody, visitor] = tab.requests.filter(({ url }) => url.endsWith('/v1/decide'));
  assert.deepEqual(nobody.body, { ...page, page: { type: 'home', locale: 'en-GB' }, no_personalization: true });
  const { anonymous_id, session, ...rest } = visitor.body;
  assert.deepEqual(rest, { ...page, page: { locale: 'en-GB' }, customer: 'u1' });
  assert.equal(anonymous_id, mercer.anonymousId());
  assert.ok(session);
  assert.equal(visitor.init.headers.authorization, 'Bearer decide-key');
});

test('Global Privacy Control is told with every event and turns personalization off', async () => {
  const tab = fakeTab({ answer: server, gpc: () => true });
  const mercer = createMercer(optionsFor(tab));
  mercer.page();
  await mercer.flush();
  await mercer.decide(page);
  assert.deepEqual(sentEvents(tab)[0].context.consent, { personalization: false, gpc: true });
  assert.equal(tab.requests.at(-1).body.no_personalization, true);
  assert.deepEqual(mercer.consent.get(), { state: 'granted', analytics: true, personalization: false, gpc: true });
});

test('personalization without analytics records nothing but may know the visitor', async () => {
  const tab = fakeTab({ answer: server });
  const mercer = createMercer(optionsFor(tab));
  mercer.consent.set({ personalization: true, analytics: false });
  mercer.page();
  await mercer.flush();
  await mercer.decide(page);
  assert.deepEqual(sentEvents(tab), []);
  assert.equal(tab.requests.at(-1).body.anonymous_id, mercer.anonymousId());
});

test('a stored choice that is no choice counts as none', () => {
  for (const text of ['{', '1', '{"analytics":"yes"}', 'null', '[]']) {
    const tab = fakeTab();
    tab.storage.setItem('mercer.consent', text);
    assert.equal(createMercer(optionsFor(tab, { consent: undefined })).consent.get().state, 'pending', text);
  }
});
