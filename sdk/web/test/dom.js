/**
 * A document for the tests of the elements, with an IntersectionObserver that sees what a test tells it to.
 *
 * Invariant: imported before any module of the SDK that looks for `HTMLElement`.
 */

import { mock } from 'node:test';
import { Window } from 'happy-dom';

const window = new Window({ url: 'https://shop.example/mugs/' });

/** What the browser has painted; a test that needs a first paint adds one. */
export const paints = [];

class FakeObserver {
  static all = [];
  targets = new Set();

  constructor(callback, options) {
    Object.assign(this, { callback, options });
    FakeObserver.all.push(this);
  }

  observe(target) {
    this.targets.add(target);
  }

  unobserve(target) {
    this.targets.delete(target);
  }
}

const names = ['document', 'HTMLElement', 'HTMLTemplateElement', 'customElements', 'CustomEvent', 'MouseEvent', 'CSSStyleSheet', 'Node', 'getComputedStyle', 'location', 'history', 'KeyboardEvent', 'FormData'];
for (const name of names) {
  const value = name === 'getComputedStyle' ? window.getComputedStyle.bind(window) : window[name];
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
Object.assign(globalThis, {
  IntersectionObserver: FakeObserver,
  innerHeight: 800,
  addEventListener: window.addEventListener.bind(window),
  removeEventListener: window.removeEventListener.bind(window),
  dispatchWindow: (event) => window.dispatchEvent(event),
  matchMedia: () => ({ matches: true }),
  performance: { now: () => 0, getEntriesByType: (type) => (type === 'paint' ? paints : []) },
});
mock.timers.enable({ apis: ['setTimeout'] });

/** Tells whoever watches these elements how much of each is in view. */
export function cross(elements, ratio) {
  for (const observer of FakeObserver.all) {
    const entries = [...elements]
      .filter((target) => observer.targets.has(target))
      .map((target) => ({ target, intersectionRatio: ratio, isIntersecting: ratio > 0 }));
    if (entries.length) observer.callback(entries);
  }
}

export const settle = () => new Promise((resolve) => setImmediate(resolve));

let pages = 0;

/**
 * A page with its own element name, and a client that only takes notes.
 * @param {string} html `mercer-slot` stands for the element.
 * @param {object} [how]
 * @param {object} [client] A real client, whose calls go on to it; only its decisions are those of `answer`.
 */
export async function openPage(html, { answer, options, analytics = true } = {}, client = undefined) {
  const { defineSlots } = await import('../slots.js');
  const name = `mercer-slot-${++pages}`;
  const requests = [];
  const events = [];
  const mercer = {
    decide(request) {
      requests.push(request);
      return answer ? Promise.resolve().then(() => answer(request)) : new Promise(() => {});
    },
    track(event, properties) {
      events.push({ event, ...properties });
      client?.track(event, properties);
    },
    flush: () => Promise.resolve(),
    consent: { get: () => ({ analytics }) },
  };
  FakeObserver.all.length = 0;
  document.body.innerHTML = html.replaceAll('mercer-slot', name);
  const slots = defineSlots(mercer, { name, ...options });
  await settle();
  const all = [...document.querySelectorAll(name)];
  return { slots, slot: all[0], all, requests, events, name, mercer };
}

export const item = (id, product = {}, reasons = [{ code: 'popular', text: 'Many people like it' }]) => ({
  product_id: id,
  score: 1,
  propensity: 1,
  reasons,
  product: { title: `Title ${id}`, url: `/p/${id}`, image_url: `/i/${id}.svg`, price: { minor: 1250, currency: 'GBP' }, ...product },
});

/** A server that answers every placement with these items. */
export const answering = (...items) => ({ placements }) => ({
  decision_id: 'd1',
  placements: placements.map((placement, index) => ({ decision_id: `d1.${index}`, placement, title: `For ${placement}`, items })),
});

export const click = (element, init = {}) => {
  const event = new MouseEvent('click', { bubbles: true, cancelable: true, composed: true, ...init });
  element.dispatchEvent(event);
  return event;
};
