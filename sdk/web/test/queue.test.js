/** Queue, retry, tabs and beacons: what happens between an event and the server's answer. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMercer } from '../mercer.js';
import { Clock, FakeStorage, fakeTab, optionsFor, sentEvents, settle } from './fakes.js';

const queued = (storage) => storage.names().filter((name) => name.includes('.event.'));
const names = (events) => events.map((event) => event.event);

test('twenty events go at once, fewer after two seconds', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.track('first');
  await tab.clock.pass(1_999);
  assert.equal(tab.requests.length, 0);
  await tab.clock.pass(1);
  assert.equal(tab.requests.length, 1);
  for (let index = 0; index < 20; index++) mercer.track(`event ${index}`);
  await settle();
  assert.equal(sentEvents(tab).length, 21);
  assert.deepEqual(names(sentEvents(tab)).slice(1), Array.from({ length: 20 }, (_, index) => `event ${index}`));
  assert.deepEqual(queued(tab.storage), []);
});

test('an outage loses nothing: backoff grows, and the next page sends what is left', async () => {
  const attempts = [];
  const tab = fakeTab();
  const start = tab.clock.time;
  tab.answer = () => {
    attempts.push((tab.clock.time - start) / 1000);
    throw new TypeError('offline');
  };
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  await tab.clock.pass(60_000);
  // Three quarters of 1, 2, 4, ... s with the test's randomness, but never less than the 2 s of an ordinary batch.
  assert.deepEqual(attempts, [2, 4, 6, 9, 15, 27, 51]);
  assert.equal(queued(tab.storage).length, 1);
  mercer.close();

  const next = fakeTab({ clock: tab.clock, storage: tab.storage });
  createMercer(optionsFor(next));
  await tab.clock.pass(2_000);
  assert.deepEqual(names(sentEvents(next)), ['a']);
  assert.deepEqual(sentEvents(next)[0].messageId, tab.requests[0].body.batch[0].messageId);
});

test('when the network is back the wait ends', async () => {
  const tab = fakeTab({ answer: () => Promise.reject(new TypeError('offline')) });
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  await tab.clock.pass(30_000);
  tab.answer = () => ({ status: 200 });
  const before = tab.requests.length;
  tab.emit('online');
  await settle();
  assert.equal(tab.requests.length, before + 1);
  assert.deepEqual(queued(tab.storage), []);
});

for (const [status, header, waitMs] of [
  [429, '30', 30_000],
  [503, new Date(Date.UTC(2026, 6, 1, 12, 1)).toUTCString(), 60_000],
  [500, '9999', 300_000],
]) {
  test(`${status} with Retry-After ${header} is honoured by every page`, async () => {
    let answer = { status, headers: { 'retry-after': header } };
    const tab = fakeTab({ answer: () => answer });
    const mercer = createMercer(optionsFor(tab));
    mercer.track('a');
    await mercer.flush();
    answer = { status: 200 };
    await mercer.flush();
    const other = fakeTab({ clock: tab.clock, storage: tab.storage });
    await createMercer(optionsFor(other)).flush();
    tab.emit('pagehide');
    await tab.clock.pass(waitMs - 1);
    assert.equal(tab.requests.length + other.requests.length, 1, 'too early');
    assert.equal(tab.beacons.length, 0, 'a beacon waits too');
    await tab.clock.pass(2_001);
    assert.equal(tab.requests.length + other.requests.length, 2);
  });
}

test('what may pass is tried again', async () => {
  const statuses = [408, 429, 500, 502, 503, 511, 200];
  const tab = fakeTab({ answer: () => ({ status: statuses.shift() }) });
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  await tab.clock.pass(120_000);
  assert.deepEqual(statuses, []);
  assert.equal(new Set(sentEvents(tab).map((event) => event.messageId)).size, 1);
  assert.deepEqual(queued(tab.storage), []);
});

test('verdicts are told event by event, and the refused go', async () => {
  const verdicts = [
    { status: 'accepted', message_id: 'x' },
    { status: 'rejected', code: 'missing_field', field: 'properties.product_id', message: 'A product is missing.' },
    { status: 'duplicate', message_id: 'y' },
  ];
  const tab = fakeTab({ answer: () => ({ status: 200, body: { success: false, verdicts } }) });
  const mercer = createMercer(optionsFor(tab));
  const rejected = [];
  mercer.on('rejected', (detail) => rejected.push(detail));
  for (const name of ['a', 'b', 'c']) mercer.track(name);
  await mercer.flush();
  assert.deepEqual(
    rejected.map(({ event, code, field, message }) => [event.event, code, field, message]),
    [['b', 'missing_field', 'properties.product_id', 'A product is missing.']],
  );
  assert.deepEqual(queued(tab.storage), []);
});

test('a batch refused as a whole is told and dropped', async () => {
  const tab = fakeTab({ answer: () => ({ status: 400, body: { code: 'malformed', detail: 'No.' } }) });
  const mercer = createMercer(optionsFor(tab));
  const rejected = [];
  mercer.on('rejected', ({ event, code, message }) => rejected.push([event.event, code, message]));
  mercer.track('a');
  await mercer.flush();
  assert.deepEqual(rejected, [['a', 'malformed', 'No.']]);
  assert.deepEqual(queued(tab.storage), []);
});

test('a wrong key stops sending for this page and loses nothing', async () => {
  const tab = fakeTab({ answer: () => ({ status: 401 }) });
  const mercer = createMercer(optionsFor(tab));
  const errors = [];
  mercer.on('error', ({ code, status }) => errors.push([code, status]));
  mercer.track('a');
  await tab.clock.pass(600_000);
  assert.deepEqual(errors, [['refused', 401]]);
  assert.equal(tab.requests.length, 1);
  assert.equal(queued(tab.storage).length, 1);
});

test('a batch that is too large is halved until it fits', async () => {
  const tab = fakeTab({ answer: ({ body }) => ({ status: body.batch.length > 3 ? 413 : 200 }) });
  const mercer = createMercer(optionsFor(tab));
  for (let index = 0; index < 10; index++) mercer.track(`e${index}`);
  await mercer.flush();
  const taken = tab.requests.filter(({ body }) => body.batch.length <= 3).flatMap(({ body }) => names(body.batch));
  assert.deepEqual(taken, Array.from({ length: 10 }, (_, index) => `e${index}`));
});

test('a full queue lets the oldest go, orders and identities last', async () => {
  const tab = fakeTab({ answer: () => Promise.reject(new TypeError('offline')) });
  const mercer = createMercer(optionsFor(tab, { maxQueueEvents: 3 }));
  const dropped = [];
  mercer.on('dropped', ({ event }) => dropped.push(event.event ?? event.type));
  mercer.track('Order Completed', { order_id: '1' });
  mercer.identify('u1');
  for (const name of ['a', 'b', 'c']) mercer.track(name);
  assert.deepEqual(dropped, ['a', 'b']);
  mercer.alias('u2');
  assert.deepEqual(dropped, ['a', 'b', 'c']);
  mercer.track('purchase');
  assert.deepEqual(dropped, ['a', 'b', 'c', 'Order Completed'], 'nothing but precious ones: the oldest of them');
});

test('the queue is bounded in bytes too', () => {
  const tab = fakeTab({ answer: () => Promise.reject(new TypeError('offline')) });
  const mercer = createMercer(optionsFor(tab, { maxQueueBytes: 40_000 }));
  for (let index = 0; index < 10; index++) mercer.track('large', { text: 'ö'.repeat(5_000) });
  const bytes = queued(tab.storage).reduce((sum, name) => sum + Buffer.byteLength(tab.storage.getItem(name)), 0);
  assert.ok(bytes <= 40_000 && bytes > 25_000, String(bytes));
});

for (const [what, storage] of [
  ['blocked', null],
  ['full', Object.assign(new FakeStorage(), { quota: 10 })],
]) {
  test(`with storage ${what} everything works on the page`, async () => {
    const tab = fakeTab({ storage });
    const mercer = createMercer(optionsFor(tab));
    mercer.track('a');
    mercer.track('b');
    await mercer.flush();
    const [a, b] = sentEvents(tab);
    assert.deepEqual(names([a, b]), ['a', 'b']);
    assert.equal(a.anonymousId, b.anonymousId);
    assert.equal(a.context.sessionId, b.context.sessionId);
  });
}

for (const [what, locks] of [
  ['Web Locks', undefined],
  ['a lease', null],
  ['a lease, where Web Locks are refused', { request: () => Promise.reject(new DOMException('no', 'SecurityError')) }],
]) {
  test(`two tabs with ${what} send each event once, whoever recorded it`, async () => {
    const clock = new Clock();
    const storage = new FakeStorage();
    const slow = async () => {
      await new Promise((resolve) => clock.later(resolve, 300));
      return { status: 200 };
    };
    const first = fakeTab({ clock, storage, answer: slow, ...(locks !== undefined && { locks }) });
    const shared = locks === undefined ? first.around.locks : locks;
    const second = fakeTab({ clock, storage, answer: slow, locks: shared });
    first.around.random = () => 0.1;
    const one = createMercer(optionsFor(first));
    const two = createMercer(optionsFor(second));
    for (let index = 0; index < 5; index++) {
      one.track(`one ${index}`);
      two.track(`two ${index}`);
    }
    void one.flush();
    void two.flush();
    await clock.pass(10_000);
    const all = [...sentEvents(first), ...sentEvents(second)].map((event) => event.messageId);
    assert.equal(all.length, 10);
    assert.equal(new Set(all).size, 10);
    assert.deepEqual(queued(storage), []);
  });
}

test('a tab takes over what a closed tab has left', async () => {
  const clock = new Clock();
  const storage = new FakeStorage();
  const gone = fakeTab({ clock, storage });
  const mercer = createMercer(optionsFor(gone));
  const staying = fakeTab({ clock, storage });
  createMercer(optionsFor(staying));
  mercer.track('left behind');
  mercer.close();
  const [key] = queued(storage);
  staying.emit('storage', { key, newValue: storage.getItem(key) });
  await clock.pass(4_000);
  assert.deepEqual(names(sentEvents(staying)), ['left behind']);
});

test('a lease of a tab that died runs out', async () => {
  const tab = fakeTab({ locks: null });
  tab.storage.setItem('mercer.sending', `dead ${tab.clock.time + 20_000}`);
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  await tab.clock.pass(19_000);
  assert.equal(tab.requests.length, 0);
  await tab.clock.pass(4_000);
  assert.deepEqual(names(sentEvents(tab)), ['a']);
});

test('of two tabs that saw no lease, the one that wrote last sends', async () => {
  const tab = fakeTab({ locks: null });
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  void mercer.flush();
  await settle();
  assert.ok(tab.storage.getItem('mercer.sending'));
  tab.storage.setItem('mercer.sending', `other ${tab.clock.time + 20_000}`);
  await tab.clock.pass(15_000);
  assert.equal(tab.requests.length, 0);
});

test('while another tab sends there is no beacon: that tab takes what is stored', () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  tab.storage.setItem('mercer.sending', `other ${tab.clock.time + 10_000}`);
  tab.emit('pagehide');
  assert.equal(tab.beacons.length, 0);
  assert.equal(queued(tab.storage).length, 1);
  tab.storage.removeItem('mercer.sending');
  tab.emit('pagehide');
  assert.equal(tab.beacons.length, 1);
});

test('a hidden page hands its events to beacons of at most 60 kB', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { flushAt: 1_000 }));
  for (let index = 0; index < 200; index++) mercer.track(`e${index}`, { text: 'ü'.repeat(50) });
  tab.emit('visibilitychange');
  assert.equal(tab.beacons.length, 0, 'still visible');
  tab.isHidden = true;
  tab.emit('visibilitychange');
  assert.ok(tab.beacons.length > 1);
  for (const { url, bytes, body } of tab.beacons) {
    assert.equal(url, 'https://mercer.example/beacon/v1/batch?writeKey=write-key');
    assert.ok(bytes <= 60_000, String(bytes));
    assert.equal(body.writeKey, 'write-key');
    assert.ok(body.sentAt);
  }
  assert.deepEqual(tab.beacons.flatMap(({ body }) => names(body.batch)), Array.from({ length: 200 }, (_, index) => `e${index}`));
  tab.emit('pagehide');
  assert.equal(tab.beacons.flatMap(({ body }) => body.batch).length, 200, 'nothing twice');
  await tab.clock.pass(10_000);
  assert.equal(tab.requests.length, 0);
});

test('what the browser refuses as a beacon stays for later', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab, { flushAt: 1_000 }));
  for (let index = 0; index < 30; index++) mercer.track(`e${index}`, { text: 'ü'.repeat(3_000) });
  let left = 64_000;
  tab.takesBeacons = (body) => (left -= Buffer.byteLength(body)) >= 0;
  tab.emit('pagehide');
  assert.equal(tab.beacons.length, 1);
  await mercer.flush();
  const all = [...tab.beacons.flatMap(({ body }) => body.batch), ...sentEvents(tab)].map((event) => event.event);
  assert.deepEqual(all, Array.from({ length: 30 }, (_, index) => `e${index}`));
});

test('an order is kept until the server itself has answered', async () => {
  const tab = fakeTab();
  const mercer = createMercer(optionsFor(tab));
  mercer.page();
  mercer.track('Order Completed', { order_id: '7' });
  tab.isHidden = true;
  tab.emit('visibilitychange');
  tab.emit('pagehide');
  assert.equal(tab.beacons.length, 1, 'one beacon is enough');
  mercer.close();
  assert.equal(tab.beacons[0].body.batch.length, 2);
  assert.equal(queued(tab.storage).length, 1);

  const next = fakeTab({ clock: tab.clock, storage: tab.storage });
  createMercer(optionsFor(next));
  await tab.clock.pass(2_000);
  assert.equal(sentEvents(next)[0].messageId, tab.beacons[0].body.batch[1].messageId);
});

test('no beacon takes what a request carries already', async () => {
  let answer;
  const tab = fakeTab({ answer: () => new Promise((resolve) => (answer = resolve)) });
  const mercer = createMercer(optionsFor(tab));
  mercer.track('in flight');
  void mercer.flush();
  await settle();
  mercer.track('not yet');
  tab.emit('pagehide');
  assert.deepEqual(tab.beacons.flatMap(({ body }) => names(body.batch)), ['not yet']);
  answer({ status: 200 });
  await settle();
  assert.deepEqual(queued(tab.storage), []);
});

test('a request that hangs is given up and tried again', async () => {
  const tab = fakeTab({ answer: () => new Promise(() => {}) });
  const mercer = createMercer(optionsFor(tab));
  mercer.track('a');
  await tab.clock.pass(16_900);
  assert.equal(tab.requests.length, 1);
  await tab.clock.pass(3_000);
  assert.equal(tab.requests.length, 2);
});
