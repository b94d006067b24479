/** `<mercer-search-box>`: asks sparingly, is a combobox by the book, and leaves the form a form. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { click, item, settle } from './dom.js';
import { BOX, openSearch, pass, press, type } from './search-page.js';

const answer = (changes = {}) => ({
  queries: [{ text: 'mug red', why: 'popular' }, { text: 'mug rug', why: 'recent' }],
  categories: [{ value: 'Kitchen > Mugs', label: 'Mugs', products: 3 }],
  brands: [{ value: 'Rex & Co', label: 'Rex & Co', products: 2 }],
  items: [item('7', { title: 'Mug with a handle', url: undefined })],
  ...changes,
});
const options = (page) => page.all('[role=option]');
const labels = (page) => options(page).map((option) => option.querySelector('.mercer-option-text').textContent);
const isOpen = (page) => !page.find('[role=listbox]').hidden;
const active = (page) => document.getElementById(page.input.getAttribute('aria-activedescendant') ?? '');
const opened = async (how = {}) => {
  const page = await openSearch(BOX, { suggest: () => answer(), ...how });
  page.submits = 0;
  page.form.addEventListener('submit', (event) => {
    event.preventDefault();
    page.submits += 1;
  });
  return page;
};
const typed = async (text = 'mug', how = {}) => {
  const page = await opened(how);
  await type(page.input, text);
  await pass(120);
  return page;
};

test('the focus shows what to offer before the first letter, recent searches apart', async () => {
  const page = await opened();
  assert.equal(page.asked.length, 0);
  page.input.focus();
  await settle();
  assert.deepEqual(page.asked[0].request, { q: '', fields: ['title', 'price', 'image_url', 'url'] });
  assert.deepEqual(page.all('.mercer-group-name').map((name) => name.textContent), ['You searched for', 'Popular searches', 'Categories', 'Brands', 'Products']);
});

test('an input that has the focus when the page opens covers nothing', async () => {
  const page = await openSearch(`<input id="other">${BOX}`, { suggest: () => answer({ queries: [], categories: [], brands: [], items: [] }) });
  page.input.focus();
  await settle();
  assert.equal(isOpen(page), false, 'nothing to offer, nothing open');
  assert.equal(page.input.getAttribute('aria-expanded'), 'false');
});

test('letters in quick succession are one question; a newer one aborts the older', async () => {
  const page = await opened({ suggest: ({ q }) => (q === 'mu' ? undefined : answer()) });
  page.input.focus();
  await settle();
  for (const text of ['m', 'mu']) await type(page.input, text);
  await pass(119);
  assert.deepEqual(page.asked.map(({ request }) => request.q), ['']);
  await pass(1);
  assert.deepEqual(page.asked.map(({ request }) => request.q), ['', 'mu']);
  await type(page.input, 'mug');
  assert.equal(page.asked[1].signal.aborted, true);
  await pass(120);
  assert.equal(page.asked[2].request.q, 'mug');
  assert.equal(isOpen(page), true);
});

test('what was answered on this page is not asked again, until consent changes', async () => {
  const page = await typed('mug');
  const before = page.asked.length;
  await type(page.input, 'mugs');
  await pass(120);
  await type(page.input, 'mug ');
  assert.equal(isOpen(page), true, 'at once, without waiting');
  assert.equal(page.asked.length, before + 1);
  for (const listener of page.consent) listener({});
  await type(page.input, 'mug');
  await pass(120);
  assert.equal(page.asked.length, before + 2);
});

test('counts and the wait are the shop\'s', async () => {
  const page = await openSearch(BOX.replace('<mercer-search-box', '<mercer-search-box queries="2" places="0" products="1" wait="300"'), { suggest: () => answer() });
  await type(page.input, 'mug');
  await pass(299);
  const [{ request }] = page.asked;
  assert.deepEqual([request.queries, request.places, request.products], [2, 0, 1]);
  assert.equal(page.asked.length, 1);
  await pass(1);
  assert.equal(page.asked.length, 2);
});

test('it is a combobox with a listbox of labelled groups', async () => {
  const page = await opened();
  const { input } = page;
  const list = page.find('[role=listbox]');
  const said = (name) => input.getAttribute(name);
  assert.deepEqual([said('role'), said('aria-autocomplete'), said('aria-haspopup'), said('aria-expanded'), said('autocomplete')], ['combobox', 'list', 'listbox', 'false', 'off']);
  assert.equal(said('aria-controls'), list.id);
  assert.equal(list.getAttribute('aria-label'), 'Suggestions');
  await type(input, 'mug');
  await pass(120);
  assert.equal(said('aria-expanded'), 'true');
  for (const group of page.all('[role=group]')) {
    assert.ok(document.getElementById(group.getAttribute('aria-labelledby')).textContent);
    assert.ok(group.querySelector('[role=option]'));
  }
  const ids = options(page).map(({ id }) => id);
  assert.equal(new Set(ids).size, 5);
  assert.deepEqual(page.all('.mercer-group-name').map((name) => name.textContent), ['Searches', 'Categories', 'Brands', 'Products']);
  assert.equal(page.find('[role=status]').textContent, '5 suggestions. Arrow keys choose.');
  assert.ok(options(page).every((option) => option.getAttribute('tabindex') === '-1'), 'Tab leaves the box');
});

test('arrows go round by way of the input; Home and End go to the ends', async () => {
  const page = await typed();
  const { input } = page;
  const all = options(page);
  assert.equal(active(page), null);
  assert.equal(press(input, 'ArrowDown').defaultPrevented, true);
  assert.equal(active(page), all[0]);
  assert.equal(all[0].getAttribute('aria-selected'), 'true');
  press(input, 'ArrowDown');
  assert.deepEqual([all[0].getAttribute('aria-selected'), active(page)], ['false', all[1]]);
  press(input, 'End');
  assert.equal(active(page), all[4]);
  press(input, 'ArrowDown');
  assert.equal(active(page), null);
  press(input, 'ArrowUp');
  assert.equal(active(page), all[4]);
  press(input, 'Home');
  assert.equal(active(page), all[0]);
  press(input, 'ArrowLeft');
  assert.equal(active(page), null, 'moving in the text is moving in the text');
  assert.equal(press(input, 'Home').defaultPrevented, false, 'in the text Home is the text\'s');
  assert.equal(document.activeElement, input, 'the focus stays');
  press(input, 'ArrowDown', { isComposing: true });
  assert.equal(active(page), null, 'an input method has its keys');
});

test('Escape closes, arrows open, Tab closes and goes on', async () => {
  const page = await typed();
  assert.equal(press(page.input, 'Escape').defaultPrevented, true);
  assert.equal(isOpen(page), false);
  assert.equal(page.input.value, 'mug');
  assert.equal(press(page.input, 'Escape').defaultPrevented, false, 'the second is the browser\'s');
  press(page.input, 'ArrowDown');
  await settle();
  assert.equal(isOpen(page), true);
  press(page.input, 'ArrowUp', { altKey: true });
  assert.equal(isOpen(page), false);
  press(page.input, 'ArrowDown', { altKey: true });
  await settle();
  assert.equal(press(page.input, 'Tab').defaultPrevented, false);
  assert.equal(isOpen(page), false);
});

test('Enter without a choice submits what was typed, told once', async () => {
  const page = await typed();
  assert.equal(press(page.input, 'Enter').defaultPrevented, false);
  page.form.requestSubmit();
  page.form.requestSubmit();
  assert.deepEqual(page.events, [{ event: 'Products Searched', query: 'mug' }]);
  assert.equal(isOpen(page), false);
  page.input.value = '  ';
  page.form.requestSubmit();
  assert.equal(page.events.length, 1, 'no words, no search');
});

test('a shop whose server tells of searches has a silent box', async () => {
  const page = await openSearch(BOX.replace('<mercer-search-box', '<mercer-search-box silent'), { suggest: () => answer() });
  page.form.addEventListener('submit', (event) => event.preventDefault());
  await type(page.input, 'mug');
  page.form.requestSubmit();
  assert.deepEqual(page.events, []);
});

test('submitting goes where the shop sends just this text', async () => {
  const gone = mock.method(location, 'assign', () => {});
  const to = () => gone.mock.calls.map(({ arguments: [url] }) => url);
  const page = await typed('mug', { suggest: () => answer({ redirect: '/mugs' }) });
  page.form.requestSubmit();
  assert.deepEqual(to(), ['https://shop.example/mugs']);
  assert.equal(page.events.length, 1, 'it was a search all the same');
  page.input.value = 'mugs';
  page.form.requestSubmit();
  assert.equal(to().length, 1, 'another text is another search');
  const evil = await typed('mug', { suggest: () => answer({ redirect: 'javascript:alert(1)' }) });
  evil.form.requestSubmit();
  assert.equal(to().length, 1);
  gone.mock.restore();
});

test('a chosen query is put in and submitted', async () => {
  const page = await typed();
  press(page.input, 'ArrowDown');
  assert.equal(press(page.input, 'Enter').defaultPrevented, true);
  assert.equal(page.input.value, 'mug red');
  assert.equal(page.submits, 1);
  assert.deepEqual(page.events, [{ event: 'Products Searched', query: 'mug red' }]);
});

test('every choice is a link: templates, else the form\'s address', async () => {
  const page = await typed();
  assert.deepEqual(options(page).map((option) => option.getAttribute('href')), [
    'https://shop.example/search?lang=en&q=mug+red',
    'https://shop.example/search?lang=en&q=mug+rug',
    'https://shop.example/c/Kitchen%20%3E%20Mugs',
    'https://shop.example/search?lang=en&refine.brand=Rex+%26+Co',
    'https://shop.example/p/7',
  ]);
  const own = await typed('mug', { suggest: () => answer({ items: [item('8', { url: '/own/8' })] }) });
  assert.equal(options(own).at(-1).getAttribute('href'), 'https://shop.example/own/8', 'the product\'s own address comes first');
});

test('a click on a place leaves the browser to go there; a listener may stop it', async () => {
  const page = await typed();
  const chosen = [];
  page.box.addEventListener('mercer-suggestion-chosen', (event) => {
    chosen.push(event.detail);
    if (event.detail.kind === 'brand') event.preventDefault();
  });
  // Nothing is left to the browser here.
  const stopped = [];
  document.addEventListener('click', (event) => {
    stopped.push(event.defaultPrevented);
    event.preventDefault();
  });
  const [, , category, brand] = options(page);
  click(category.querySelector('.mercer-option-text'));
  assert.equal(isOpen(page), false);
  click(brand);
  assert.deepEqual(stopped, [false, true]);
  assert.deepEqual(chosen[0], { kind: 'category', value: 'Kitchen > Mugs', label: 'Mugs', url: 'https://shop.example/c/Kitchen%20%3E%20Mugs' });
  const before = page.input.value;
  click(options(page)[0], { ctrlKey: true });
  assert.deepEqual([page.input.value, page.submits], [before, 0], 'in another tab: this page stays');
});

test('a pointer on the list does not take the focus; leaving the box closes it', async () => {
  const page = await typed();
  const event = new MouseEvent('mousedown', { bubbles: true, cancelable: true });
  options(page)[0].dispatchEvent(event);
  assert.equal(event.defaultPrevented, true);
  page.input.blur();
  assert.equal(isOpen(page), false);
});

test('an answer after the box was left opens nothing; a failure closes the list', async () => {
  let reply;
  const page = await opened({ suggest: ({ q }) => (q === 'x' ? Promise.reject(new Error('down')) : new Promise((resolve) => (reply = resolve))) });
  await type(page.input, 'mug');
  await pass(120);
  page.input.blur();
  reply(answer());
  await settle();
  assert.equal(isOpen(page), false);
  await type(page.input, 'x');
  await pass(120);
  assert.equal(isOpen(page), false);
});

test('texts of the server stay text, and lead nowhere dangerous', async () => {
  const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const page = await typed('img', {
    suggest: () => ({
      queries: [{ text: evil, why: 'catalog' }],
      categories: [{ value: evil, label: evil, products: 1 }],
      brands: [{ value: 'javascript:alert(3)', label: evil, products: 1 }],
      items: [item('javascript:alert(4)', { title: evil, url: 'javascript:alert(5)', image_url: 'javascript:alert(6)' })],
    }),
  });
  assert.deepEqual(labels(page), [evil, evil, evil, evil]);
  assert.equal(page.box.querySelectorAll('script, [onerror], [role=listbox] img').length, 0);
  assert.equal(options(page).at(-1).hasAttribute('href'), false);
  assert.ok(options(page).slice(0, 3).every((option) => option.getAttribute('href').startsWith('https://shop.example/')));
});

test('on the page of the results the box shows the words of the address, and follows them', async () => {
  const page = await openSearch(BOX, { path: '/search?q=blue+mug' });
  assert.equal(page.input.value, 'blue mug');
  const elsewhere = await openSearch(BOX, { path: '/mugs/?q=blue' });
  assert.equal(elsewhere.input.value, '');
  document.dispatchEvent(new CustomEvent('mercer-answered', { detail: { query: { text: 'red mug' } } }));
  assert.equal(elsewhere.input.value, 'red mug');
});

test('a box without a form is left alone', async () => {
  const page = await openSearch('<mercer-search-box><input name="q"></mercer-search-box>');
  assert.equal(page.input.hasAttribute('role'), false);
});

const { parts } = await import('../src/highlight.js');
const marked = (text, typed) => parts(text, typed).map((part) => (part.isNew ? `[${part.text}]` : part.text)).join('');

test('what goes on beyond the letters is marked, whatever case and accents', () => {
  assert.equal(marked('mug red', 'mu'), 'mu[g red]');
  assert.equal(marked('Red Mug', 'mug'), '[Red ]Mug');
  assert.equal(marked('red mug', 'mug re'), 're[d ]mug');
  assert.equal(marked('Café Crème', 'cafe cr'), 'Café Cr[ème]');
  assert.equal(marked('Cafe\u0301 au lait', 'café'), 'Cafe\u0301 [au lait]');
  assert.equal(marked('smug', 'mug'), '[smug]', 'words, not letters inside of them');
  assert.equal(marked('mug', ''), 'mug', 'before the first letter nothing is marked');
  assert.equal(marked('', 'mug'), '');
  assert.equal(marked('كوب أحمر', 'كوب'), 'كوب [أحمر]');
  for (const text of ['👩‍👧 mug', 'İstanbul', 'ﬁsh', '<b>']) assert.equal(parts(text, 'i f <b').map((part) => part.text).join(''), text);
});
