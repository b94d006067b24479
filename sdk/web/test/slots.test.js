/** `<mercer-slot>`: one call, no flicker, honest impressions, obedient buttons. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { answering, click, cross, item, openPage, paints, settle } from './dom.js';

const tiles = (slot) => [...slot.querySelectorAll('[data-mercer-product]')];
const ids = (slot) => tiles(slot).map((tile) => tile.getAttribute('data-mercer-product'));
const showsDefault = (slot) => !slot.shadowRoot.querySelector('slot:not([name])').hidden;
const eager = '<mercer-slot placement="a" loading="eager"><p>default</p></mercer-slot>';

test('several slots are one call, lazy ones too', async () => {
  const { all, requests } = await openPage(
    `<mercer-slot placement="a" loading="eager"></mercer-slot>
     <mercer-slot placement="b" loading="eager"></mercer-slot>
     <mercer-slot placement="c"></mercer-slot>`,
    { answer: answering(item('1')), options: { page: { type: 'home' }, fields: ['title'] } },
  );
  assert.deepEqual(requests, [{ page: { type: 'home' }, placements: ['a', 'b', 'c'], fields: ['title'] }]);
  assert.deepEqual(all.map((slot) => slot.getAttribute('state')), ['decided', 'decided', 'decided']);
});

test('lazy slots ask when one comes near, all together', async () => {
  const { all, requests } = await openPage('<mercer-slot placement="a"></mercer-slot><mercer-slot placement="b"></mercer-slot>', {
    answer: answering(item('1')),
  });
  assert.equal(requests.length, 0);
  cross([all[1]], 0.1);
  await settle();
  assert.deepEqual(requests.map(({ placements }) => placements), [['a', 'b']]);
  cross(all, 0.5);
  await settle();
  assert.equal(requests.length, 1);
});

test('slots are asked for in the order of the page', async () => {
  const { name, requests } = await openPage('<main></main>');
  for (const placement of ['lower', 'upper']) {
    const slot = document.createElement(name);
    slot.setAttribute('placement', placement);
    slot.setAttribute('loading', 'eager');
    document.body.prepend(slot);
  }
  await settle();
  assert.deepEqual(requests[0].placements, ['upper', 'lower']);
});

test('a slot that comes later has its own call; more than 32 are split', async () => {
  const many = Array.from({ length: 33 }, (_, index) => `<mercer-slot placement="p${index}" loading="eager"></mercer-slot>`);
  const { requests, name } = await openPage(many.join(''), { answer: answering(item('1')) });
  assert.deepEqual(requests.map(({ placements }) => placements.length), [32, 1]);
  const late = document.createElement(name);
  late.setAttribute('placement', 'late');
  late.setAttribute('loading', 'eager');
  document.body.append(late);
  await settle();
  assert.deepEqual(requests.at(-1).placements, ['late']);
});

test('what is asked for already is not asked for again', async () => {
  const { requests, name } = await openPage(eager);
  const late = document.createElement(name);
  late.setAttribute('placement', 'late');
  late.setAttribute('loading', 'eager');
  document.body.append(late);
  await settle();
  assert.deepEqual(requests.map(({ placements }) => placements), [['a'], ['late']]);
});

test('the page is read from its meta element', async () => {
  document.head.innerHTML = `<meta name="mercer-page" content='{"type":"product","product_ids":["7"]}'>`;
  const { requests } = await openPage(eager);
  document.head.innerHTML = '';
  assert.deepEqual(requests[0].page, { type: 'product', product_ids: ['7'] });
});

test('while it waits the default is out of sight and the height is kept', async () => {
  const { slot } = await openPage(eager);
  assert.equal(slot.getAttribute('state'), 'waiting');
  assert.equal(slot.getAttribute('aria-busy'), 'true');
  assert.equal(showsDefault(slot), false);
  slot.setAttribute('height', '320');
  assert.equal(slot.style.minHeight, '320px');
  slot.setAttribute('height', '20rem');
  assert.equal(slot.style.minHeight, '20rem');
});

for (const [code, reason] of [['timeout', 'late'], ['http_500', 'failed']]) {
  test(`an answer that fails with ${code} shows the default, and it stays`, async () => {
    const { slot, slots, requests } = await openPage(eager, { answer: () => Promise.reject(Object.assign(new Error(), { code })) });
    assert.equal(slot.getAttribute('state'), 'default');
    assert.equal(showsDefault(slot), true);
    slot.receive(answering(item('1'))({ placements: ['a'] }).placements[0]);
    assert.deepEqual(ids(slot), []);
    const parent = slot.parentElement;
    slot.remove();
    parent.append(slot);
    await settle();
    assert.equal(requests.length, 1, 'moving the slot asks nothing');
    assert.equal(slot.getAttribute('state'), 'default', reason);
    slots.navigate();
    await settle();
    assert.equal(requests.length, 2, 'the next navigation asks again');
  });
}

test('an empty answer, or none for this slot, shows the default', async () => {
  const { slot } = await openPage(eager, { answer: answering() });
  assert.equal(slot.getAttribute('state'), 'default');
  const other = await openPage(eager, { answer: () => ({ decision_id: 'd', placements: [] }) });
  assert.equal(other.slot.getAttribute('state'), 'default');
});

test('a default that the visitor sees already is not replaced', async () => {
  paints.push({ name: 'first-paint' });
  const { HTMLElement } = globalThis;
  const box = mock.method(HTMLElement.prototype, 'getBoundingClientRect', () => ({ top: 100, bottom: 300, height: 200 }));
  try {
    const { slot, requests } = await openPage(eager, { answer: answering(item('1')) });
    assert.equal(slot.getAttribute('state'), 'default');
    assert.equal(requests.length, 0);
    const empty = await openPage('<mercer-slot placement="a" loading="eager"><template></template></mercer-slot>', { answer: answering(item('1')) });
    assert.equal(empty.slot.getAttribute('state'), 'decided', 'an empty slot has nothing to flicker');
    box.mock.mockImplementation(() => ({ top: 2_000, bottom: 2_200, height: 200 }));
    const below = await openPage(eager, { answer: answering(item('1')) });
    assert.equal(below.slot.getAttribute('state'), 'decided', 'nobody has seen it yet');
  } finally {
    paints.length = 0;
    box.mock.restore();
  }
});

test('the answer becomes a list with a heading', async () => {
  const { slot } = await openPage(eager, { answer: answering(item('1'), item('2')) });
  assert.equal(showsDefault(slot), false);
  const list = slot.querySelector('ul');
  assert.equal(list.getAttribute('role'), 'list');
  const heading = document.getElementById(list.getAttribute('aria-labelledby'));
  assert.deepEqual([heading.localName, heading.textContent], ['h2', 'For a']);
  assert.deepEqual(ids(slot), ['1', '2']);
  assert.equal(slot.querySelector('.mercer-price').textContent.replace(/[^\d.]/g, ''), '12.50');
  assert.equal(slot.querySelector('a').getAttribute('href'), 'https://shop.example/p/1');
  assert.equal(slot.querySelector('[data-mercer-dismiss]').getAttribute('aria-label'), 'Not for me: Title 1');

  const plain = await openPage('<mercer-slot placement="a" loading="eager" heading="none"></mercer-slot>', { answer: answering(item('1')) });
  assert.equal(plain.slot.querySelector('h2'), null);
  assert.equal(plain.slot.querySelector('ul').getAttribute('aria-label'), 'For a');
});

test('half of a tile for one second is an impression, once, and tiles seen together are one event', async () => {
  const { slot, events } = await openPage(eager, { answer: answering(item('1'), item('2'), item('3')) });
  const [one, two, three] = tiles(slot);
  cross([one, two], 0.5);
  mock.timers.tick(999);
  assert.deepEqual(events, []);
  mock.timers.tick(1);
  assert.deepEqual(events, [{ event: 'Recommendation Viewed', decision_id: 'd1.0', placement: 'a', product_ids: ['1', '2'] }]);
  cross([three], 0.6);
  mock.timers.tick(500);
  cross([three], 0.2);
  mock.timers.tick(5_000);
  assert.equal(events.length, 1, 'half a second is none');
  cross([three], 0.6);
  mock.timers.tick(700);
  cross([three], 0.1);
  cross([three], 0.6);
  mock.timers.tick(700);
  assert.equal(events.length, 1, 'the second starts anew');
  mock.timers.tick(300);
  assert.deepEqual(events[1].product_ids, ['3']);
  cross([one, two, three], 1);
  mock.timers.tick(5_000);
  assert.equal(events.length, 2);
  document.body.append(slot);
  cross([one, two, three], 1);
  mock.timers.tick(5_000);
  assert.equal(events.length, 2, 'moved on the page it is the same decision');
});

test('time on a hidden page does not count', async () => {
  const { slot, events } = await openPage(eager, { answer: answering(item('1')) });
  cross(tiles(slot), 1);
  mock.timers.tick(500);
  const state = mock.getter(document, 'visibilityState', () => 'hidden');
  document.dispatchEvent(new CustomEvent('visibilitychange'));
  mock.timers.tick(5_000);
  cross(tiles(slot), 1);
  mock.timers.tick(5_000);
  assert.deepEqual(events, []);
  state.mock.restore();
  document.dispatchEvent(new CustomEvent('visibilitychange'));
  cross(tiles(slot), 1);
  mock.timers.tick(1_000);
  assert.equal(events.length, 1);
});

test('a click is reported with its place, after the impression that it implies', async () => {
  const { slot, events } = await openPage(eager, { answer: answering(item('1'), item('2')) });
  click(tiles(slot)[1].querySelector('.mercer-title'));
  assert.deepEqual(events, [
    { event: 'Recommendation Viewed', decision_id: 'd1.0', placement: 'a', product_ids: ['2'] },
    { event: 'Recommendation Clicked', decision_id: 'd1.0', placement: 'a', product_id: '2', product_ids: ['2'], position: 2 },
  ]);
  click(slot.querySelector('h2'));
  assert.equal(events.length, 2);
});

test('"why this?" opens and closes the reasons', async () => {
  const { slot } = await openPage(eager, { answer: answering(item('1'), item('2', {}, [])) });
  const [button, without] = slot.querySelectorAll('[data-mercer-why]');
  const box = document.getElementById(button.getAttribute('aria-controls'));
  assert.equal(box.textContent, 'Many people like it');
  assert.deepEqual([box.hidden, button.getAttribute('aria-expanded')], [true, 'false']);
  assert.equal(click(button).defaultPrevented, true);
  assert.deepEqual([box.hidden, button.getAttribute('aria-expanded')], [false, 'true']);
  click(button);
  assert.equal(box.hidden, true);
  assert.equal(without.hidden, true, 'no reasons, no button');
});

test('"not for me" is told, removes the tile, keeps height and focus, and is spoken', async () => {
  const { slot, events } = await openPage(eager, { answer: answering(item('1'), item('2')) });
  Object.defineProperty(slot, 'offsetHeight', { value: 280 });
  const button = slot.querySelector('[data-mercer-dismiss]');
  button.focus();
  click(button);
  click(button);
  await settle();
  assert.deepEqual(events, [{ event: 'Product Dismissed', decision_id: 'd1.0', placement: 'a', product_id: '1' }]);
  assert.deepEqual(ids(slot), ['2']);
  assert.equal(slot.style.minHeight, '280px');
  assert.equal(document.activeElement, tiles(slot)[0].querySelector('a'));
  const status = slot.querySelector('[role=status]');
  assert.equal(status.getAttribute('aria-live'), 'polite');
  assert.equal(status.textContent, 'Removed: Title 1');

  const last = slot.querySelector('[data-mercer-dismiss]');
  last.focus();
  click(last);
  await settle();
  assert.equal(document.activeElement, slot.querySelector('ul'), 'with no tile left the list has the focus');
});

test('the texts are the shop\'s', async () => {
  const texts = { why: 'Warum?', dismiss: 'Nichts für mich', removed: '{title} ist weg' };
  const { slot } = await openPage(eager, { answer: answering(item('1')), options: { texts } });
  assert.equal(slot.querySelector('[data-mercer-why]').textContent, 'Warum?');
  click(slot.querySelector('[data-mercer-dismiss]'));
  await settle();
  assert.equal(slot.querySelector('[role=status]').textContent, 'Title 1 ist weg');
});

const rendered = `
  <mercer-slot placement="a" decision-id="d9.0">
    <ul><li data-mercer-product="1" data-mercer-title="One"><a href="/p/1">One</a>
      <form><button data-mercer-dismiss>Not for me</button></form>
      <button data-mercer-why>Why?</button><div data-mercer-reasons>Because</div></li></ul>
  </mercer-slot>`;

test('tiles that the server has rendered are measured and obeyed, not asked for', async () => {
  const { slot, requests, events } = await openPage(rendered);
  assert.equal(slot.getAttribute('state'), 'decided');
  assert.equal(showsDefault(slot), true);
  assert.equal(requests.length, 0);
  assert.equal(slot.querySelector('[data-mercer-reasons]').hidden, true);
  cross(tiles(slot), 1);
  mock.timers.tick(1_000);
  assert.equal(events[0].decision_id, 'd9.0');
  assert.equal(click(slot.querySelector('[data-mercer-dismiss]')).defaultPrevented, true);
  await settle();
  assert.deepEqual(ids(slot), []);
  assert.equal(slot.querySelector('[role=status]').textContent, 'Removed: One');
});

test('where nothing may be recorded a server-rendered form is left to the server', async () => {
  const { slot, events } = await openPage(rendered, { analytics: false });
  assert.equal(click(slot.querySelector('[data-mercer-dismiss]')).defaultPrevented, false);
  assert.deepEqual([ids(slot), events], [['1'], []]);
});
