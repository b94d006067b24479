/** Text and URL safety: whatever a catalog says, it does not run. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, item, openPage } from './dom.js';

const { fill, safeUrl, textOf } = await import('../src/tile.js');
const BASE = 'https://shop.example/mugs/';

const filled = (html, decided) => {
  const template = document.createElement('template');
  template.innerHTML = html;
  const root = document.importNode(template.content, true);
  fill(root, decided, 'en-GB');
  return root;
};

test('only http, https and relative addresses pass', () => {
  for (const [value, expected] of [
    ['/p/1', 'https://shop.example/p/1'],
    ['p?x=1#y', 'https://shop.example/mugs/p?x=1#y'],
    ['//cdn.example/1.png', 'https://cdn.example/1.png'],
    ['http://other.example/', 'http://other.example/'],
  ]) {
    assert.equal(safeUrl(value, BASE), expected);
  }
  const bad = ['javascript:alert(1)', ' JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', '\u0001javascript:alert(1)', 'data:text/html,x', 'vbscript:x'];
  for (const value of [...bad, 'blob:https://shop.example/1', 'file:///etc/passwd', 'https://', '', '  ', null, undefined, 7, {}, ['/p']]) {
    assert.equal(safeUrl(value, BASE), null, String(value));
  }
});

test('markup from the catalog stays text', async () => {
  const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const decided = item('1"><script>', { title: evil, url: 'javascript:alert(3)', image_url: 'javascript:alert(4)' }, [{ code: 'popular', text: evil }]);
  const { slot } = await openPage('<mercer-slot placement="a" loading="eager"></mercer-slot>', { answer: answering(decided) });
  assert.equal(slot.querySelector('.mercer-title').textContent, evil);
  assert.equal(slot.querySelectorAll('script, [onerror]').length, 0);
  assert.equal(slot.querySelector('a').hasAttribute('href'), false);
  assert.equal(slot.querySelector('img').hasAttribute('src'), false);
  assert.equal(slot.querySelector('[data-mercer-reasons]').textContent, evil);
});

test('bindings on elements that would run are ignored', () => {
  const root = filled(
    `<script data-mercer-text="title"></script><style data-mercer-text="title"></style>
     <iframe data-mercer-src="url"></iframe><a data-mercer-src="url"></a><div data-mercer-href="url"></div>`,
    item('1', { title: 'alert(1)' }),
  );
  for (const element of root.querySelectorAll('*')) {
    assert.equal(element.textContent, '');
    assert.equal(element.hasAttribute('src') || element.hasAttribute('href'), false, element.localName);
  }
});

test('values are found by path, and only own ones', (context) => {
  Object.prototype.inherited = 'from a prototype';
  context.after(() => delete Object.prototype.inherited);
  const root = filled(
    `<b data-mercer-text="attributes.colour"></b><i data-mercer-text="list_price"></i><u data-mercer-text="attributes.inherited"></u>
     <s data-mercer-text="title.length"></s><q data-mercer-text="product_id"></q><em data-mercer-text="reason"></em><img data-mercer-src="image_url" data-mercer-alt="title">`,
    item('7', { attributes: { colour: 'blue' } }),
  );
  const text = (name) => root.querySelector(name).textContent;
  assert.deepEqual([text('b'), text('i'), text('u'), text('s'), text('q'), text('em')], ['blue', '', '', '', '7', 'Many people like it']);
  assert.equal(root.querySelector('i').hidden, true, 'an empty place is hidden');
  assert.equal(root.querySelector('img').getAttribute('alt'), 'Title 7');
});

test('money is exact in every currency', () => {
  const digits = (value, locale = 'en') => textOf(value, locale).replace(/[^\d.,]/g, '');
  assert.equal(digits({ minor: 1250, currency: 'GBP' }), '12.50');
  assert.equal(digits({ minor: 5, currency: 'EUR' }), '0.05');
  assert.equal(digits({ minor: 1200, currency: 'JPY' }), '1,200');
  assert.equal(digits({ minor: 1234, currency: 'KWD' }), '1.234');
  assert.equal(digits({ minor: 1234, currency: 'IQD' }), '1.234', 'also where the browser would round');
  assert.equal(digits({ minor: 123456, currency: 'EUR' }, 'de'), '1.234,56');
  assert.equal(digits({ minor: 1250, currency: 'GBP' }, 'en_GB'), '12.50', 'a lang that is no tag');
  assert.equal(textOf({ minor: 1250, currency: '£' }, 'en'), '12.50 £');
  for (const value of [null, undefined, {}, { minor: '1', currency: 'EUR' }, true]) assert.equal(textOf(value, 'en'), '');
});
