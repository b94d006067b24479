/**
 * A page with the search elements for the tests, and a client that only takes notes.
 *
 * Invariant: imported before any module of the SDK that looks for `HTMLElement`; time passes only when a test lets it.
 */

import { mock } from 'node:test';
import { settle } from './dom.js';

let pages = 0;

/** How an address is opened by hand: a new page, with nothing to go back to. */
function open(path) {
  history.replaceState(null, '', path);
}

/**
 * @param {string} html `mercer-search-` stands for the elements' names.
 * @param {object} [how]
 */
export async function openSearch(html, { path = '/search', suggest, search, options } = {}) {
  const { defineSearch } = await import('../search.js');
  const names = { box: `mercer-search-box-${++pages}`, results: `mercer-search-results-${pages}` };
  const asked = [];
  const events = [];
  const consent = [];
  const call = (kind, answer) => (request, how) => {
    asked.push({ kind, request: clean(request), signal: how.signal, timeoutMs: how.timeoutMs });
    const aborted = new Promise((_, reject) => how.signal.addEventListener('abort', () => reject(Object.assign(new Error(), { code: 'aborted' }))));
    return Promise.race([Promise.resolve().then(() => answer?.(clean(request)) ?? new Promise(() => {})), aborted]);
  };
  const mercer = {
    suggest: call('suggest', suggest),
    search: call('search', search),
    track: (event, properties) => events.push({ event, ...properties }),
    on: (name, listener) => consent.push(listener),
  };
  open(path);
  document.body.innerHTML = html.replaceAll('mercer-search-box', names.box).replaceAll('mercer-search-results', names.results);
  defineSearch(mercer, { ...names, ...options });
  await settle();
  const find = (selector) => document.querySelector(selector);
  return {
    asked,
    events,
    mercer,
    consent,
    find,
    all: (selector) => [...document.querySelectorAll(selector)],
    box: find(names.box),
    results: find(names.results),
    input: find('input[name=q]'),
    form: find('form'),
  };
}

/** What goes over the wire. */
const clean = (request) => JSON.parse(JSON.stringify(request));

/** Lets time pass, and what waited for nothing else. */
export async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settle();
}

/** What a key would do, unless somebody prevents it. */
export function press(target, key, more = {}) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  return event;
}

export async function type(input, text) {
  input.focus();
  input.value = text;
  input.dispatchEvent(new CustomEvent('input', { bubbles: true }));
  await settle();
}

/** A box as a shop writes it. */
export const BOX = `<mercer-search-box category-href="/c/{value}" product-href="/p/{id}">
  <form action="/search"><input type="search" name="q"><input type="hidden" name="lang" value="en"><button>Search</button></form>
</mercer-search-box>`;
