/** `decide`: always an answer or a reason, and always in time. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMercer, DecideError } from '../mercer.js';
import { fakeTab, optionsFor } from './fakes.js';

const request = { placements: ['p'] };

test('an answer comes back whole and is told to listeners', async () => {
  const body = { decision_id: 'd', position: 1, placements: [{ decision_id: 'd.0', placement: 'p', items: [] }] };
  const tab = fakeTab({ answer: () => ({ status: 200, body }) });
  const mercer = createMercer(optionsFor(tab));
  const heard = [];
  mercer.on('decision', (decision) => heard.push(decision));
  assert.deepEqual(await mercer.decide(request), body);
  assert.deepEqual(heard, [body]);
});

test('a late answer is a timeout, and the request is aborted', async () => {
  const tab = fakeTab({ answer: () => new Promise(() => {}) });
  const mercer = createMercer(optionsFor(tab));
  const failed = assert.rejects(mercer.decide(request), { name: 'DecideError', code: 'timeout' });
  await tab.clock.pass(800);
  await failed;
  assert.equal(tab.requests[0].init.signal.aborted, true);
});

test('a body that stalls after its head is late too', async () => {
  const tab = fakeTab();
  tab.around.fetch = async (_, { signal }) => {
    const stream = new ReadableStream({
      start(controller) {
        signal.addEventListener('abort', () => controller.error(new DOMException('aborted', 'AbortError')));
      },
    });
    return new Response(stream);
  };
  const mercer = createMercer(optionsFor(tab));
  const failed = assert.rejects(mercer.decide(request), { code: 'timeout' });
  await tab.clock.pass(800);
  await failed;
});

test('the caller may abort, before and during', async () => {
  const tab = fakeTab({ answer: () => new Promise(() => {}) });
  const mercer = createMercer(optionsFor(tab));
  await assert.rejects(mercer.decide(request, { signal: AbortSignal.abort() }), { code: 'aborted' });
  assert.equal(tab.requests.length, 0);
  const controller = new AbortController();
  const failed = assert.rejects(mercer.decide(request, { signal: controller.signal }), { code: 'aborted' });
  controller.abort();
  await failed;
});

for (const [what, answer, expected] of [
  ['a problem', () => ({ status: 429, body: { code: 'too_many_requests', detail: 'Slow down.' } }), { code: 'too_many_requests', status: 429, message: 'Slow down.' }],
  ['a bare status', () => ({ status: 502, body: '<html>' }), { code: 'http_502', status: 502 }],
  ['no JSON', () => ({ status: 200, body: '<html>' }), { code: 'unreadable' }],
  ['other JSON', () => ({ status: 200, body: { placements: 3 } }), { code: 'unreadable' }],
  ['no network', () => Promise.reject(new TypeError('offline')), { code: 'network' }],
]) {
  test(`${what} is a DecideError with a code`, async () => {
    const mercer = createMercer(optionsFor(fakeTab({ answer })));
    const error = await mercer.decide(request).catch((caught) => caught);
    assert.ok(error instanceof DecideError);
    for (const [name, value] of Object.entries(expected)) assert.equal(error[name], value, name);
  });
}

const found = () => ({ status: 200, body: { items: [], queries: [], categories: [], brands: [] } });

test('search and suggest ask as the visitor, in the words of their call', async () => {
  const tab = fakeTab({ answer: found });
  const mercer = createMercer(optionsFor(tab, { decideKey: 'decide-key' }));
  mercer.identify('u1');
  await mercer.search({ q: 'mug', sort: 'popular' });
  await mercer.suggest({ q: 'mu', locale: 'de' });
  const [search, suggest] = tab.requests;
  assert.equal(search.url, 'https://mercer.example/v1/search');
  assert.equal(search.init.headers.authorization, 'Bearer decide-key');
  const { anonymous_id, session, ...rest } = search.body;
  assert.ok(anonymous_id && session);
  assert.deepEqual(rest, { q: 'mug', sort: 'popular', customer: 'u1', locale: 'en-GB' });
  assert.equal(suggest.url, 'https://mercer.example/v1/suggest');
  assert.deepEqual(suggest.body, { q: 'mu', locale: 'de', customer: 'u1', anonymous_id });
});

test('without consent search and suggest ask as nobody', async () => {
  const tab = fakeTab({ answer: found });
  const mercer = createMercer(optionsFor(tab, { consent: undefined }));
  await mercer.search({ q: 'mug' });
  await mercer.suggest({});
  assert.deepEqual(tab.requests.map(({ body }) => body), [
    { q: 'mug', locale: 'en-GB', no_personalization: true },
    { locale: 'en-GB', no_personalization: true },
  ]);
  assert.deepEqual(tab.storage.names(), []);
});

test('search and suggest fail as decide does', async () => {
  const tab = fakeTab({ answer: () => ({ status: 400, body: { code: 'invalid_request', detail: 'No.' } }) });
  const mercer = createMercer(optionsFor(tab));
  await assert.rejects(mercer.search({ q: 'mug' }), { name: 'DecideError', code: 'invalid_request', status: 400 });
  tab.answer = () => ({ status: 200, body: { placements: [] } });
  await assert.rejects(mercer.suggest({}), { code: 'unreadable' });
  tab.answer = () => new Promise(() => {});
  const late = assert.rejects(mercer.search({ q: 'mug' }, { timeoutMs: 3_000 }), { code: 'timeout' });
  await tab.clock.pass(3_000);
  await late;
});
