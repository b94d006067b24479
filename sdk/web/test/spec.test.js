/** The cases of `spec/`, which the server runs too: what one side says is what the other reads. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { answering, click, cross, item, openPage, settle } from './dom.js';
import { Clock, fakeTab, FakeStorage, optionsFor, sentEvents } from './fakes.js';
import { mock } from 'node:test';

const { createMercer, VERSION } = await import('../mercer.js');

const read = (name) => JSON.parse(readFileSync(new URL(`../../../spec/${name}.json`, import.meta.url), 'utf8'));

/** Ids in the order in which they are asked for, at the time of the spec. */
function tabFor(spec, more = {}) {
  let ids = 0;
  const clock = new Clock();
  clock.time = Date.parse(spec.at ?? '2026-07-01T12:00:00.000Z');
  return fakeTab({ clock, uuid: () => `id-${++ids}`, ...more });
}

const plain = (value) => JSON.parse(JSON.stringify(value));

/** A case's part over what all cases share; objects are merged, `null` takes a key away. */
function over(base, part) {
  if (part === null || typeof part !== 'object' || Array.isArray(part) || typeof base !== 'object' || base === null || Array.isArray(base)) return part;
  const whole = { ...base };
  for (const [key, value] of Object.entries(part)) {
    if (value === null) delete whole[key];
    else whole[key] = key in whole ? over(whole[key], value) : value;
  }
  return whole;
}

test('spec/consent.json: what is sent, kept and asked for under each statement', async (t) => {
  const { cases } = read('consent');
  assert.ok(cases.length >= 12);
  for (const { name, page, sdk } of cases) {
    await t.test(name, async () => {
      const storage = new FakeStorage();
      if (page.remembered) storage.setItem('mercer.consent', JSON.stringify(page.remembered));
      const tab = tabFor({}, { storage, gpc: () => page.gpc, answer: ({ url }) => ({ body: url.endsWith('/v1/decide') ? { decision_id: 'd', placements: [] } : { success: true } }) });
      const mercer = createMercer(optionsFor(tab, { consent: page.default ?? undefined }));
      if (page.chosen) mercer.consent.set(page.chosen);
      mercer.track('Product Viewed', { product_id: 'mug-1' });
      await mercer.flush();
      await mercer.decide({ placements: ['home'] });
      const events = sentEvents(tab);
      const { body: asked } = tab.requests.find(({ url }) => url.endsWith('/v1/decide'));
      assert.deepEqual({
        state: mercer.consent.get().state,
        sent: events.length === 1,
        stated: events[0]?.context.consent ?? null,
        keeps_choice: storage.getItem('mercer.consent') !== null,
        keeps_ids: storage.names().some((key) => /anonymous_id|user_id|session/.test(key)),
        asks_as_visitor: asked.anonymous_id !== undefined,
        no_personalization: asked.no_personalization ?? false,
      }, sdk);
    });
  }
});

test('spec/wire.json: the events of every call', async (t) => {
  const spec = read('wire');
  for (const { name, calls, sent } of spec.cases) {
    await t.test(name, async () => {
      const tab = tabFor(spec);
      const mercer = createMercer(optionsFor(tab));
      for (const [call, ...given] of calls) await carryOut(call, given, mercer);
      await mercer.flush();
      const expected = sent.map((event) => over(spec.every_sent, event));
      const events = sentEvents(tab).map((event) => {
        assert.equal(event.context.library.version, VERSION);
        delete event.context.library.version;
        return event;
      });
      assert.deepEqual(events, plain(expected));
    });
  }
});

/** A call of the client, or something that a visitor does to a slot. */
async function carryOut(call, given, mercer) {
  if (!call.startsWith('slot.')) return mercer[call](...given);
  const [products, index] = given;
  const { slot, all } = await openPage('<mercer-slot placement="home" loading="eager"></mercer-slot>', {
    answer: answering(...products.map((id) => item(id))), options: {},
  }, mercer);
  void all;
  const tiles = [...slot.querySelectorAll('[data-mercer-product]')];
  if (call === 'slot.seen') {
    cross(tiles, 1);
    mock.timers.tick(1_000);
  }
  if (call === 'slot.clicked') click(tiles[index].querySelector('a'));
  if (call === 'slot.dismissed') click(tiles[index].querySelector('[data-mercer-dismiss]'));
  await settle();
}

test('spec/surroundings.json: what an event says of the page it happened on', async (t) => {
  const { cases } = read('surroundings');
  for (const { name, page, context } of cases.filter((one) => one.page)) {
    await t.test(name, async () => {
      const tab = tabFor({}, { page: () => page });
      const mercer = createMercer(optionsFor(tab));
      mercer.track('E');
      await mercer.flush();
      const { library, consent, sessionId, ...said } = sentEvents(tab)[0].context;
      assert.equal(library.name, '@mercer/web');
      assert.ok(consent && sessionId);
      assert.deepEqual(said, context);
    });
  }
});

test('spec/names.json: names go out as they are given, and those of the SDK itself are known', async () => {
  const { cases } = read('names');
  const tab = tabFor({});
  const mercer = createMercer(optionsFor(tab, { maxQueueEvents: 1_000 }));
  cases.forEach(({ name }) => mercer.track(name));
  while (sentEvents(tab).length < cases.length) await mercer.flush();
  assert.deepEqual(sentEvents(tab).map(({ event }) => event), cases.map(({ name }) => name));

  const known = new Map(cases.map(({ name, means }) => [name, means]));
  const folder = new URL('../src/', import.meta.url);
  const own = readdirSync(folder).flatMap((file) =>
    [...readFileSync(new URL(file, folder), 'utf8').matchAll(/(?:#tell|\.track)\('([^']+)'/g)].map(([, name]) => name));
  assert.ok(own.length >= 3, own.join());
  for (const name of own) assert.ok(known.get(name) && known.get(name) !== 'custom', `${name} is not in spec/names.json`);
});
