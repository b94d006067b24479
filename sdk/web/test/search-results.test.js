/** `<mercer-search-results>`: the address is the truth, and everything in it can be taken away again. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { click, cross, item, settle } from './dom.js';
import { openSearch, pass } from './search-page.js';

const HTML = '<mercer-search-results limit="2"></mercer-search-results>';
const ALL = ['1', '2', '3', '4', '5'];
const FACETS = [
  { field: 'brand', name: 'Brand', why: '80 % have it', values: [{ value: 'HP', label: 'HP', count: 3 }, { value: 'Acme', label: 'Acme', count: 1 }] },
  { field: 'price', name: 'Price', why: 'prices', values: [{ value: '..999', label: 'under 10', count: 2 }] },
];

/** A server with five products; `changes` go into each answer. */
const server = (changes = {}) => {
  let answers = 0;
  return (request) => {
    const from = Number(request.cursor ?? 0);
    const to = from + request.limit;
    const more = typeof changes === 'function' ? changes(request) : changes;
    const { query, ...rest } = more;
    return {
      decision_id: `d${++answers}`,
      query: { text: request.q ?? '', ...query },
      total: ALL.length,
      items: ALL.slice(from, to).map((id) => item(id)),
      facets: request.facets === 0 ? [] : FACETS,
      next: to < ALL.length ? String(to) : undefined,
      ...rest,
    };
  };
};
const opened = (path, search = server(), html = HTML, options = {}) => openSearch(html, { path, search, options });
const ids = (page) => page.all('[data-mercer-product]').map((tile) => tile.getAttribute('data-mercer-product'));
const state = (page) => page.results.getAttribute('state');
const chips = (page) => page.all('.mercer-chip-label').map((chip) => chip.textContent);
const chip = (page, label) => page.all('.mercer-chip').find((one) => one.textContent.startsWith(label));
const box = (page, value) => page.all('.mercer-facet input').find((input) => input.value === value);
const asked = (page) => page.asked.map(({ request }) => request);
const text = (page, selector) => page.find(selector)?.textContent;
const tick = async (page, value, isChecked = true) => {
  const input = box(page, value);
  input.focus();
  input.checked = isChecked;
  input.dispatchEvent(new CustomEvent('change', { bubbles: true }));
  await settle();
};
/** The browser tells the window of "back" and "forward". */
const dispatch = (type) => globalThis.dispatchWindow(new CustomEvent(type));

test('it asks for what the address says', async () => {
  const page = await opened('/search?q=mug&refine.brand=HP&refine.brand=Acme&refine.price=..999&ignore=price:under+10&sort=price_up&utm_source=mail');
  assert.deepEqual(asked(page), [{
    q: 'mug',
    refine: [{ field: 'brand', values: ['HP', 'Acme'] }, { field: 'price', values: ['..999'] }],
    ignore: ['price:under 10'],
    sort: 'price_up',
    limit: 2,
  }]);
  assert.deepEqual(ids(page), ['1', '2']);
  assert.equal(state(page), 'answered');
  assert.equal(text(page, '.mercer-total'), '5 products for “mug”');
  assert.equal(page.find('.mercer-sort').value, 'price_up');
  assert.equal(box(page, 'HP').checked, true);
});

test('an address that anybody made up asks for nothing that the server would refuse', async () => {
  const many = Array.from({ length: 40 }, (_, index) => `refine.f${index}=x&ignore=i${index}`).join('&');
  const page = await opened(`/search?q=${'x'.repeat(3000)}&sort=evil&page=-4&refine.=x&refine.${'f'.repeat(300)}=x&refine.__proto__=x&${many}`);
  const [request] = asked(page);
  assert.equal(request.q.length, 1000);
  assert.deepEqual([request.sort, request.limit, request.refine.length, request.ignore.length], [undefined, 2, 16, 16]);
  assert.equal(request.refine[0].field, '__proto__');
  assert.equal(({}).x, undefined);
});

test('attributes narrow the whole page; the shop names the words\' parameter', async () => {
  const page = await opened('/c/mugs?search=blue', server(), '<mercer-search-results category="Kitchen > Mugs" filter="product.price < 20.0" query-name="search" facets="3"></mercer-search-results>', { fields: ['title'] });
  assert.deepEqual(asked(page), [{ q: 'blue', category: 'Kitchen > Mugs', filter: 'product.price < 20.0', fields: ['title'], limit: 24, facets: 3 }]);
});

test('a facet that is ticked becomes an address, is asked for, and "back" asks nothing', async () => {
  const page = await opened('/search?q=mug&utm_source=mail', server());
  await tick(page, 'HP');
  assert.equal(location.search, '?q=mug&refine.brand=HP&utm_source=mail');
  assert.deepEqual(asked(page)[1].refine, [{ field: 'brand', values: ['HP'] }]);
  assert.deepEqual(chips(page), ['HP']);
  assert.equal(document.activeElement, box(page, 'HP'), 'the focus is where it was, on what was drawn anew');
  await tick(page, 'Acme');
  assert.deepEqual(asked(page)[2].refine, [{ field: 'brand', values: ['HP', 'Acme'] }]);
  history.replaceState(null, '', '/search?q=mug&refine.brand=HP&utm_source=mail');
  dispatch('popstate');
  await settle();
  assert.deepEqual([chips(page), box(page, 'Acme').checked], [['HP'], false]);
  assert.equal(page.asked.length, 3, 'what was there is there again');
  await tick(page, 'HP', false);
  assert.equal(location.search, '?q=mug&utm_source=mail');
  assert.equal(page.asked.length, 3);
});

test('steps of another page, and of the same place, change nothing', async () => {
  const page = await opened('/search?q=mug');
  dispatch('popstate');
  history.replaceState(null, '', '/elsewhere?q=other');
  dispatch('popstate');
  await settle();
  assert.equal(page.asked.length, 1);
});

test('sorting is a step; a page that goes on begins anew', async () => {
  const page = await opened('/search?q=mug&page=2');
  assert.equal(asked(page)[0].limit, 4);
  const sort = page.find('.mercer-sort');
  sort.value = 'newest';
  sort.dispatchEvent(new CustomEvent('change', { bubbles: true }));
  await settle();
  assert.equal(location.search, '?q=mug&sort=newest');
  assert.deepEqual(asked(page)[1], { q: 'mug', sort: 'newest', limit: 2 });
});

test('wishes in the words are chips; taking one away ignores it, and the focus goes to its neighbour', async () => {
  const wishes = [{ id: 'price:under 10', field: 'price', label: 'up to 10', from: 'under 10', is_filter: true }, { id: 'colour:red', field: 'colour', label: 'Red', from: 'red', is_filter: false }];
  const page = await opened('/search?q=red+mug+under+10&category=Mugs', server(({ ignore = [] }) => ({ query: { text: 'red mug under 10', chips: wishes.filter(({ id }) => !ignore.includes(id)) } })));
  assert.deepEqual(chips(page), ['Mugs', 'up to 10', 'Red']);
  assert.equal(chip(page, 'Red').getAttribute('aria-label'), 'Remove Red');
  assert.equal(chip(page, 'Red').getAttribute('title'), 'from “red”');
  assert.equal(chip(page, 'Red').getAttribute('href'), '/search?q=red+mug+under+10&category=Mugs&ignore=colour%3Ared');
  chip(page, 'Red').focus();
  assert.equal(click(chip(page, 'Red')).defaultPrevented, true);
  await settle();
  assert.deepEqual(asked(page)[1].ignore, ['colour:red']);
  assert.deepEqual(chips(page), ['Mugs', 'up to 10']);
  assert.equal(document.activeElement, chip(page, 'Mugs'));
  assert.equal(click(chip(page, 'Mugs'), { ctrlKey: true }).defaultPrevented, false, 'another tab is the browser\'s');
  click(page.find('.mercer-clear'));
  await settle();
  assert.deepEqual(asked(page)[2].ignore, ['colour:red', 'price:under 10']);
  assert.equal(asked(page)[2].category, undefined);
  assert.equal(page.find('.mercer-chips').hidden, true);
  assert.equal(location.search, '?q=red+mug+under+10&ignore=colour%3Ared&ignore=price%3Aunder+10');
});

test('what was said in words and chosen as well is one chip', async () => {
  const wish = { id: 'brand:hp', field: 'brand', label: 'HP', from: 'hp', is_filter: false };
  const page = await opened('/search?q=hp+mug&refine.brand=HP', server({ query: { text: 'hp mug', chips: [wish] } }));
  assert.deepEqual(chips(page), ['HP']);
  assert.equal(chip(page, 'HP').getAttribute('href'), '/search?q=hp+mug&ignore=brand%3Ahp');
});

test('a chosen value keeps its label when nothing is found with it', async () => {
  const page = await opened('/search?q=mug', server(({ refine }) => (refine ? { items: [], total: 0, facets: [], next: undefined } : {})));
  await tick(page, '..999');
  assert.deepEqual(chips(page), ['under 10']);
  assert.equal(text(page, '.mercer-total'), 'Nothing found for “mug”');
});

test('facets are labelled groups with counts and a reason; many values are folded, chosen ones are not', async () => {
  const values = Array.from({ length: 12 }, (_, index) => ({ value: `v${index}`, label: `Value ${index}`, count: 1200 - index }));
  const facets = [{ field: 'colour', name: 'Colour', why: 'a colour', values }];
  const page = await opened('/search?q=mug&refine.colour=v11', server({ facets }));
  const group = page.find('fieldset');
  assert.equal(group.querySelector('legend').textContent, 'Colour');
  assert.equal(group.querySelector('legend').title, 'a colour');
  assert.equal(document.getElementById(group.getAttribute('aria-describedby')).textContent, 'a colour');
  assert.equal(group.querySelector('.mercer-value-count').textContent, '1,200');
  const folded = [...group.querySelectorAll('details input')].map(({ value }) => value);
  assert.deepEqual(folded, ['v8', 'v9', 'v10']);
  assert.equal(group.querySelector('summary').textContent, '3 more');
  assert.equal(text(page, '.mercer-filters-name'), 'Filters (1)');
  group.querySelector('details').setAttribute('open', '');
  await tick(page, 'v9');
  assert.equal(page.find('fieldset details').hasAttribute('open'), true, 'what was unfolded stays so');
});

test('facets keep their order while the words are the same', async () => {
  const page = await opened('/search?q=mug', server(({ refine }) => (refine ? { facets: [...FACETS].reverse() } : {})));
  await tick(page, 'HP');
  assert.deepEqual(page.all('legend').map((legend) => legend.textContent), ['Brand', 'Price']);
});

test('what was corrected is said, and can be undone', async () => {
  const page = await opened('/search?q=hart', server({ query: { text: 'hart', corrected: 'heart', dropped: ['zzz', 'yyy'], unwanted: ['red'] } }));
  assert.equal(text(page, '.mercer-corrected'), 'Showing results for “heart”. Search for “hart” instead');
  assert.equal(text(page, '.mercer-dropped'), 'No product has all of it. Left out: “zzz”, “yyy”');
  assert.equal(text(page, '.mercer-unwanted'), 'Without “red”');
  assert.equal(text(page, '.mercer-total'), '5 products for “heart”');
  click(page.find('.mercer-instead'));
  await settle();
  assert.deepEqual(asked(page)[1].ignore, ['corrected']);
  assert.equal(text(page, '.mercer-corrected'), 'Nothing is called “hart”. Showing results for “heart”.', 'no link that leads nowhere');
});

test('what is only near to the words is told', async () => {
  const some = await opened('/search?q=hart', server({ query: { text: 'hart', by_meaning: 2 } }));
  assert.equal(text(some, '.mercer-near'), 'The last 2 are only near to what the words mean.');
  const all = await opened('/search?q=hart', server({ query: { text: 'hart', by_meaning: 5 } }));
  assert.equal(text(all, '.mercer-near'), 'No product has these words. This is near to what they mean.');
});

test('where little was found there are ways on', async () => {
  const ways_on = [
    { kind: 'without_filters', text: 'All 94 results, not narrowed down', q: 'mug', total: 94 },
    { kind: 'fewer_words', text: 'Only “mug”', q: 'mug', total: 87 },
    { kind: 'category', text: 'Everything in Mugs', category: 'Kitchen > Mugs', total: 85 },
  ];
  const path = '/search?q=purple+mug&refine.brand=HP&sort=newest';
  const page = await opened(path, server({ ways_on }));
  assert.deepEqual(page.all('.mercer-way').map((way) => way.getAttribute('href')), [
    '/search?q=mug&sort=newest',
    '/search?q=mug&refine.brand=HP&sort=newest',
    '/search?category=Kitchen+%3E+Mugs&sort=newest',
  ]);
  assert.deepEqual(page.all('.mercer-way-count').map((count) => count.textContent), ['', '87', '85']);
  click(page.find('.mercer-way'));
  await settle();
  assert.deepEqual(asked(page)[1], { q: 'mug', sort: 'newest', limit: 2 });
  const shop = await opened(path, server({ ways_on }), '<mercer-search-results category-href="/c/{value}"></mercer-search-results>');
  assert.equal(shop.all('.mercer-way')[2].getAttribute('href'), '/c/Kitchen%20%3E%20Mugs');
});

test('"Show more" adds below, moves the focus to the first new one, and is no step back', async () => {
  const page = await opened('/search?q=mug');
  const steps = history.length;
  const first = page.find('[data-mercer-product]');
  assert.equal(text(page, '.mercer-shown'), '2 of 5');
  assert.equal(page.find('.mercer-more').getAttribute('href'), '/search?q=mug&page=2');
  click(page.find('.mercer-more'));
  click(page.find('.mercer-more'));
  await settle();
  assert.deepEqual(asked(page).slice(1), [{ q: 'mug', limit: 2, cursor: '2', facets: 0 }], 'pressed twice, asked once');
  assert.deepEqual(ids(page), ['1', '2', '3', '4']);
  assert.equal(page.find('[data-mercer-product]'), first, 'what was there was not touched');
  assert.equal(document.activeElement, page.all('[data-mercer-product]')[2].querySelector('a'));
  assert.equal(page.find('[role=status]').textContent, '4 of 5');
  assert.deepEqual([location.search, history.length], ['?q=mug&page=2', steps]);
  click(page.find('.mercer-more'));
  await settle();
  assert.deepEqual(ids(page), ALL);
  assert.deepEqual([page.find('.mercer-more').hidden, text(page, '.mercer-shown')], [true, '']);
});

test('who comes back to page three finds three pages; more than the server gives at once are asked for in turn', async () => {
  const page = await opened('/search?q=mug&page=3');
  assert.deepEqual(asked(page).map(({ limit }) => limit), [6]);
  assert.deepEqual(ids(page), ALL);
  const many = Array.from({ length: 300 }, (_, index) => item(`m${index}`));
  const search = ({ cursor = 0, limit }) => ({ decision_id: 'd', query: { text: '' }, total: 300, items: many.slice(+cursor, +cursor + limit), next: +cursor + limit < 300 ? String(+cursor + limit) : undefined });
  const long = await opened('/search?page=3', search, '<mercer-search-results limit="90"></mercer-search-results>');
  assert.deepEqual(asked(long).map(({ limit, cursor }) => [limit, cursor]), [[200, undefined], [70, '200']]);
  assert.equal(ids(long).length, 270);
});

test('a product that two pages have stands there once', async () => {
  const page = await opened('/search', server(({ cursor }) => (cursor ? { items: [item('2'), item('9')], next: undefined } : {})));
  click(page.find('.mercer-more'));
  await settle();
  assert.deepEqual(ids(page), ['1', '2', '9']);
});

test('a quick answer shows no skeleton; a slow one does, and the page says that it is busy', async () => {
  let reply;
  const page = await opened('/search?q=mug', () => new Promise((resolve) => (reply = resolve)));
  const skeletons = page.find('.mercer-skeletons');
  assert.deepEqual([state(page), page.results.getAttribute('aria-busy'), skeletons.hidden], ['waiting', 'true', true]);
  await pass(299);
  assert.equal(skeletons.hidden, true);
  await pass(1);
  assert.equal(skeletons.hidden, false);
  reply(server()({ q: 'mug', limit: 2 }));
  await settle();
  assert.deepEqual([state(page), page.results.hasAttribute('aria-busy'), skeletons.hidden], ['answered', false, true]);
});

test('another question dims what is there after a while; after an error it has a skeleton', async () => {
  let answer = server();
  const page = await opened('/search?q=mug', (request) => answer(request));
  answer = () => new Promise(() => {});
  await tick(page, 'HP');
  await pass(300);
  assert.deepEqual([page.results.hasAttribute('data-slow'), page.find('.mercer-skeletons').hidden, ids(page)], [true, true, ['1', '2']]);
  answer = () => Promise.reject(new Error('down'));
  await tick(page, 'Acme');
  assert.equal(page.results.hasAttribute('data-slow'), false);
  answer = () => new Promise(() => {});
  click(page.find('.mercer-retry'));
  await pass(300);
  assert.equal(page.find('.mercer-main > .mercer-skeletons').hidden, false);
});

test('a newer question aborts the older, whose answer shows nothing', async () => {
  const replies = [];
  const page = await opened('/search?q=mug', ({ refine, ...request }) => (refine ? new Promise((resolve) => replies.push(() => resolve(server()({ refine, ...request })))) : server()(request)));
  await tick(page, 'HP');
  await tick(page, 'Acme');
  assert.deepEqual(page.asked.slice(1).map(({ signal }) => signal.aborted), [true, false]);
  replies[0]();
  await settle();
  assert.deepEqual([chips(page), text(page, '.mercer-filters-name')], [['HP', 'Acme'], 'Filters'], 'what was chosen is told at once; the rest is still the first answer');
  replies[1]();
  await settle();
  assert.deepEqual([chips(page), text(page, '.mercer-filters-name')], [['HP', 'Acme'], 'Filters (2)']);
});

test('an error is told and can be tried again', async () => {
  let fails = true;
  const page = await opened('/search?q=mug', (request) => (fails ? Promise.reject(Object.assign(new Error(), { code: 'timeout' })) : server()(request)));
  const alert = page.find('[role=alert]');
  assert.deepEqual([state(page), alert.hidden, alert.querySelector('p').textContent], ['failed', false, 'The search did not answer.']);
  assert.equal(page.results.hasAttribute('aria-busy'), false);
  fails = false;
  click(page.find('.mercer-retry'));
  await settle();
  assert.deepEqual([state(page), alert.hidden, ids(page)], ['answered', true, ['1', '2']]);
  fails = true;
  click(page.find('.mercer-more'));
  await settle();
  assert.deepEqual([state(page), alert.hidden, ids(page)], ['answered', false, ['1', '2']], 'what is there stays');
  assert.equal(location.search, '?q=mug');
  fails = false;
  click(page.find('.mercer-retry'));
  await settle();
  assert.deepEqual([alert.hidden, ids(page)], [true, ['1', '2', '3', '4']]);
  fails = true;
  await tick(page, 'HP');
  assert.deepEqual([state(page), ids(page), box(page, 'HP').checked], ['failed', [], true], 'what does not fit the address is not shown');
});

test('impressions and clicks carry the decision of their page', async () => {
  const page = await opened('/search?q=mug');
  click(page.find('.mercer-more'));
  await settle();
  const tiles = page.all('[data-mercer-product]');
  cross(tiles.slice(0, 3), 1);
  mock.timers.tick(1_000);
  assert.deepEqual(page.events, [
    { event: 'Recommendation Viewed', decision_id: 'd1', product_ids: ['1', '2'] },
    { event: 'Recommendation Viewed', decision_id: 'd2', product_ids: ['3'] },
  ]);
  page.events.length = 0;
  click(tiles[3].querySelector('a'));
  assert.deepEqual(page.events, [
    { event: 'Recommendation Viewed', decision_id: 'd2', product_ids: ['4'] },
    { event: 'Recommendation Clicked', decision_id: 'd2', product_id: '4', product_ids: ['4'], position: 4 },
  ]);
  assert.equal(history.state.mercerPlace, 0, 'where the visitor stood is kept with the step');
});

test('tiles are the shop\'s template, with reasons and without a dismissal', async () => {
  const html = '<mercer-search-results><template><a data-mercer-href="url"><i data-mercer-text="title"></i></a><button data-mercer-why>Why?</button><button data-mercer-dismiss>No</button></template></mercer-search-results>';
  const page = await opened('/search', server(), html);
  assert.equal(text(page, 'i'), 'Title 1');
  assert.equal(page.find('[data-mercer-dismiss]'), null);
  const why = page.find('[data-mercer-why]');
  assert.equal(document.getElementById(why.getAttribute('aria-controls')).textContent, 'Many people like it');
  click(why);
  assert.equal(why.getAttribute('aria-expanded'), 'true');
  assert.equal((await opened('/search')).find('[data-mercer-dismiss]'), null);
});

test('tiles that the server has drawn are measured and not asked for', async () => {
  const html = '<mercer-search-results data-answered="d7"><ul><li data-mercer-product="1"><a href="/p/1">One</a></li></ul></mercer-search-results>';
  const page = await opened('/search?q=mug', server(), html);
  assert.equal(state(page), 'answered');
  cross(page.all('[data-mercer-product]'), 1);
  mock.timers.tick(1_000);
  assert.deepEqual(page.events, [{ event: 'Recommendation Viewed', decision_id: 'd7', product_ids: ['1'] }]);
  assert.equal(page.asked.length, 0);
  page.results.refresh();
  await settle();
  assert.deepEqual([page.asked.length, ids(page).length, text(page, 'ul > li > a[href="/p/1"]')], [1, 5, undefined]);
});

test('an answer that the server has put into the page is shown at once', async () => {
  const answer = server()({ q: 'mug', limit: 2 });
  const data = JSON.stringify(answer).replaceAll('<', '\\u003c');
  const page = await opened('/search?q=mug', server(), `<mercer-search-results limit="2" data-answered><p>Two products</p><script type="application/json">${data}</script></mercer-search-results>`);
  assert.deepEqual([page.asked.length, ids(page), page.find('mercer-search-results > p')], [0, ['1', '2'], null]);
  click(page.find('.mercer-more'));
  await settle();
  assert.deepEqual(asked(page), [{ q: 'mug', limit: 2, cursor: '2', facets: 0 }]);
});

test('markup from the server stays text', async () => {
  const evil = '"><img src=x onerror=alert(1)><script>alert(2)</script>{total}';
  const page = await opened(`/search?q=${encodeURIComponent(evil)}&category=${encodeURIComponent(evil)}&refine.${encodeURIComponent(evil)}=${encodeURIComponent(evil)}`, server({
    query: { text: evil, corrected: evil, dropped: [evil], unwanted: [evil], chips: [{ id: evil, field: evil, label: evil, from: evil }] },
    facets: [{ field: evil, name: evil, why: evil, values: [{ value: evil, label: evil, count: 1 }] }],
    ways_on: [{ kind: 'category', text: evil, category: evil, total: 1 }, { kind: 'fewer_words', text: evil, q: evil, total: 1 }],
  }));
  assert.equal(page.results.querySelectorAll('script, [onerror], [src="x"]').length, 0);
  assert.equal(text(page, 'legend'), evil);
  assert.equal(text(page, '.mercer-total'), `5 products for “${evil}”`);
  assert.ok(page.all('a').every((link) => !/^javascript:/i.test(link.getAttribute('href') ?? '')));
  await tick(page, evil);
  assert.deepEqual(asked(page).at(-1).refine, [{ field: evil, values: [evil] }]);
});

test('the texts and their plurals are the shop\'s', async () => {
  const resultsTexts = { total_for: { one: '{count} Treffer für {text}', other: '{count} Treffer' }, more: 'Mehr', why: 'Warum?' };
  const page = await opened('/search?q=mug', server({ total: 1 }), HTML, { resultsTexts });
  assert.equal(text(page, '.mercer-total'), '1 Treffer für mug');
  assert.equal(text(page, '.mercer-more'), 'Mehr');
  assert.equal(text(page, '[data-mercer-why]'), 'Warum?');
});

test('what stands inside is shown until there is an answer', async () => {
  let reply;
  const page = await opened('/search', () => new Promise((resolve) => (reply = resolve)), '<mercer-search-results><p id="before">Searching</p></mercer-search-results>');
  assert.ok(page.find('#before'));
  reply(server()({ limit: 24 }));
  await settle();
  assert.equal(page.find('#before'), null);
});

test('what the shop says stands above the products, and leads nowhere that runs', async () => {
  const page = await opened('/search?q=mug', server({
    banners: [{ rule: 'a', text: 'Free <b>delivery</b>', url: '/delivery' }, { rule: 'b', text: 'Careful', url: 'javascript:alert(1)' }],
  }));
  const banners = page.all('.mercer-banner');
  assert.deepEqual(banners.map((banner) => banner.textContent), ['Free <b>delivery</b>', 'Careful']);
  assert.deepEqual(banners.map((banner) => banner.querySelector('a')?.getAttribute('href')), ['https://shop.example/delivery', undefined]);
});

test('it goes where the shop sends a search, without a step to come back to', async () => {
  const gone = mock.method(location, 'replace', () => {});
  const page = await opened('/search?q=delivery', server({ redirect: '/delivery' }));
  assert.deepEqual(gone.mock.calls.map(({ arguments: [url] }) => url), ['https://shop.example/delivery']);
  assert.equal(page.all('[data-mercer-product]').length, 0, 'nothing flashes by');
  for (const redirect of ['javascript:alert(1)', 'data:text/html,x', '/search?q=delivery', '']) {
    const stays = await opened('/search?q=delivery', server({ redirect }));
    assert.deepEqual([state(stays), gone.mock.callCount()], ['answered', 1], redirect);
  }
  document.addEventListener('mercer-redirect', (event) => event.preventDefault(), { once: true });
  const refused = await opened('/search?q=delivery', server({ redirect: 'https://elsewhere.example/' }));
  assert.deepEqual([state(refused), gone.mock.callCount()], ['answered', 1], 'a page may refuse');
  gone.mock.restore();
});

test('what the shop chose beforehand is chosen, and goes by its chip or by its box', async () => {
  const preset = (request) => (request.ignore?.includes('preset:brand') || request.refine ? {} : {
    query: { chips: [{ id: 'preset:brand', field: 'brand', label: 'HP', from: 'Spring', is_filter: true }] },
    facets: [{ ...FACETS[0], values: [{ value: 'HP', label: 'HP', count: 3, is_chosen: true }, { value: 'Acme', label: 'Acme', count: 1 }] }],
  });
  let page = await opened('/search?q=mug', server(preset));
  assert.deepEqual([chips(page), box(page, 'HP').checked, box(page, 'Acme').checked], [['HP'], true, false]);
  await tick(page, 'Acme');
  assert.equal(location.search, '?q=mug&refine.brand=HP&refine.brand=Acme', 'beside it');
  page = await opened('/search?q=mug', server(preset));
  await tick(page, 'HP', false);
  assert.equal(location.search, '?q=mug&ignore=preset%3Abrand');
  assert.deepEqual([chips(page), box(page, 'HP').checked], [[], false]);
  page = await opened('/search?q=mug', server(preset));
  click(chip(page, 'HP'));
  await settle();
  assert.equal(location.search, '?q=mug&ignore=preset%3Abrand');
});
